"""Which cells a claim speaks of, and the shape of each: looked up for hundreds of claims at once."""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING, final

from sockmatrix.cell import LISTED_SOCKETS
from sockmatrix.claims.shape import Shape, shape
from sockmatrix.pattern import Pattern, parse

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sockmatrix.cell import Cell
    from sockmatrix.plan import Plan
    from sockmatrix.table import Table

_FIRST = ("table=", "case=", "receivers=", "transport=", "dest=")
"""Terms that leave few cells, and that many patterns share, are looked up first."""

_PLAIN_SOCKET = re.compile(r"(?P<who>[A-Z])\.socket=(?P<values>[a-z0-9.+,-]+)")
"""The most frequent term of claims. An id has it word for word, which is quick to find."""


@final
class Coverage:
    """The cells of some tables. Patterns that begin alike share the work of finding their cells."""

    def __init__(self, plans: Iterable[Plan]) -> None:
        """Take all cells of `plans`."""
        plans = tuple(plans)
        self._tables: Mapping[str, Table] = {plan.table.name: plan.table for plan in plans}
        self._cells = tuple(cell for plan in plans for cell in plan.cells)
        self._narrow = functools.lru_cache(maxsize=4096)(self._narrowed)
        self._shapes: dict[str, Shape] = {}

    def cells(self, patterns: Iterable[Pattern]) -> tuple[Cell, ...]:
        """Return the cells that any of the patterns matches, each once."""
        found: dict[str, Cell] = {}
        for pattern in patterns:
            words = sorted(pattern.text.split(), key=_rank)
            found.update((cell.id, cell) for cell in self._narrow(tuple(words)))
        return tuple(found.values())

    def shape(self, cell: Cell) -> Shape:
        """Return the shape of a cell."""
        known = self._shapes.get(cell.id)
        if known is None:
            scenario = self._tables[cell.table].scenario
            known = shape(scenario.steps(cell))
            self._shapes[cell.id] = known
        return known

    def _narrowed(self, words: tuple[str, ...]) -> tuple[Cell, ...]:
        if not words:
            return self._cells
        cells = self._narrow(words[:-1])
        plain = _PLAIN_SOCKET.fullmatch(words[-1])
        if plain and all(0 < len(cell.sockets) <= LISTED_SOCKETS for cell in cells):
            parts = [f"/{plain['who']}:{value}/" for value in plain["values"].split(",")]
            return tuple(cell for cell in cells if any(part in f"{cell.id}/" for part in parts))
        last = parse(words[-1])
        return tuple(cell for cell in cells if last.matches(cell))


def _rank(word: str) -> int:
    return next((at for at, start in enumerate(_FIRST) if word.startswith(start)), len(_FIRST))
