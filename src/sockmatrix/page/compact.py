"""The cells of all tables, compactly: each distinct beginning and end of an id once, with its values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sockmatrix.cell import Cell
    from sockmatrix.plan import Plan
    from sockmatrix.table import Table


@final
class Numbered:
    """Distinct values in the order in which they first came, and the number of each."""

    def __init__(self) -> None:
        self.numbers: dict[Any, int] = {}

    def __call__(self, value: Any) -> int:
        """Return the number of a value."""
        return self.numbers.setdefault(value, len(self.numbers))

    @property
    def values(self) -> list[Any]:
        """The values, by number."""
        return list(self.numbers)


@final
class Compact:
    """The cells of a plan as pairs of numbers: of what an id begins with, and of what it ends with."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self._rests, self._begins = Numbered(), Numbered()
        self._ends, self._sockets = Numbered(), Numbered()
        self.begin: list[int] = []
        self.end: list[int] = []
        known: dict[int, int] = {}  # cells of a block that have the same axes share them
        for cell in plan.cells:
            key = id(cell.axes)
            number = known.get(key)
            if number is None:
                number = known[key] = self._begins(begin_of(cell, self._rests))
            self.begin.append(number)
            self.end.append(self._ends(end_of(cell, self._sockets)))

    @property
    def ends(self) -> list[tuple[int, ...]]:
        """The numbers of the sockets of each end."""
        return self._ends.values

    def values(self) -> dict[str, Any]:
        """Return the table and its cells as a JSON value, in the order of the plan.

        `begin`: [the text after the table's name, the number of what the text leaves out in `rest`, which
        is by axis]; `end`: numbers of `sockets`, of which each has its text in ids and the values of its
        axes. `cells`: pairs of numbers, the first as the distance from the pair before.
        """
        table = self.plan.table
        pairs: list[int] = []
        for before, begin, end in zip([0, *self.begin], self.begin, self.end, strict=False):
            pairs += (begin - before, end)
        return {
            "name": table.name,
            "lab": table.lab,
            "axes": list(table.axes),
            "per_socket": list(table.socket_axes),
            "rest": [dict(one) for one in self._rests.values],
            "begin": [list(one) for one in self._begins.values],
            "end": [list(one) for one in self._ends.values],
            "sockets": [[text, *values] for text, values in self._sockets.values],
            "cells": pairs,
        }


def begin_of(cell: Cell, rests: Numbered) -> tuple[str, int]:
    """Return the beginning of an id after the table's name, and the number of what it leaves out."""
    text = cell.id
    if cell.sockets:
        parts = text.split("/")
        alone = parts[-1].partition(":")[0].endswith("x")
        text = "/".join(parts[: -1 if alone else -len(cell.sockets)])
    text = text[len(cell.table) :]
    said = {part.partition(":")[0] for part in text.split("/")}
    return text, rests(tuple((name, value) for name, value in cell.axes.items() if name not in said))


def end_of(cell: Cell, sockets: Numbered) -> tuple[int, ...]:
    """Return the numbers of the sockets of a cell."""
    if not cell.sockets:
        return ()
    parts = cell.id.split("/")
    name, _, text = parts[-1].partition(":")
    texts = [text] * len(cell.sockets)
    if not name.endswith("x"):
        texts = [part.partition(":")[2] for part in parts[-len(cell.sockets) :]]
    return tuple(
        sockets((text, (one.bind, one.reuse, *(value for _, value in one.further))))
        for text, one in zip(texts, cell.sockets, strict=True)
    )


def vocabulary(loaded: Iterable[Table]) -> dict[str, Any]:
    """Return the axes of tables in words: title, whether of sockets, words for values.

    Of axes of several tables that have one name, which of them is shown depends: see `own_words`.
    """
    found: dict[str, dict[str, Any]] = {}
    for table in loaded:
        uses: Mapping[str, Any] = {**table.axes, **table.socket_axes}
        for name, use in uses.items():
            own = found.setdefault(
                name, {"title": use.axis.title, "socket": use.axis.per_socket, "values": {}}
            )
            own["values"].update(use.axis.values)
    return found


def own_words(loaded: Iterable[Table], shared: Mapping[str, Any]) -> dict[str, Any]:
    """Return what tables call axes, and values, otherwise than a `vocabulary`, by table and axis."""
    found: dict[str, dict[str, Any]] = {}
    for table in loaded:
        for name, use in {**table.axes, **table.socket_axes}.items():
            values = shared[name]["values"]
            own: dict[str, Any] = {}
            if use.axis.title != shared[name]["title"]:
                own["title"] = use.axis.title
            if others := {one: words for one, words in use.axis.values.items() if words != values[one]}:
                own["values"] = others
            if own:
                found.setdefault(table.name, {})[name] = own
    return found
