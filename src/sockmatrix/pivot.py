"""A table of any axes, across the tables that vary them: one word where outcomes agree, else counts."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from sockmatrix.axis import CASE, unknown
from sockmatrix.cell import MOST_SOCKETS, receiver_names
from sockmatrix.columns import text_of, word_of
from sockmatrix.pattern import DERIVED, DERIVED_PER_SOCKET
from sockmatrix.render.values import MISSING, Grid

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from sockmatrix.axis import Vocabulary
    from sockmatrix.cell import Cell
    from sockmatrix.columns import Column

PLATFORM = "platform"
"""The axis whose values are the columns of the report."""

COUNTED = 4
"""Of more different outcomes in one place, only the words are counted: B refused and C refused as one."""

_BETWEEN = " / "

_PLACES = ("first", "last")


class PivotError(ValueError):
    """A text does not name axes for a table; the message says why, and what does."""


class Axis(NamedTuple):
    """One side of the table: its heading, the value that a cell has of it, and values in words."""

    name: str
    heading: str
    value: Callable[[Cell], str]
    words: Callable[[str], str]
    order: Callable[[str], tuple[int, ...]]


def parse(text: str, axes: Vocabulary) -> tuple[Axis, ...]:
    """Return the axes of "ROWS,COLUMNS", the last of which is that of the columns. Raises PivotError.

    An axis is written as in a pattern: dest, A.bind, first.reuse, receivers, platform. One of sockets
    without saying of which is that of all together: "SO_REUSEADDR / no option".
    """
    names = [name.strip() for name in text.split(",")]
    if len(names) < 2 or "" in names:
        raise PivotError(f'"{text}" is not ROWS,COLUMNS: at least two axes, such as dest,A.reuse')
    if len(set(names)) < len(names):
        raise PivotError(f'"{text}" names an axis twice')
    return tuple(_axis(name, axes) for name in names)


def pivot(cells: Sequence[Cell], columns: Sequence[Column], axes: Sequence[Axis]) -> list[Grid]:
    """Return the table of `axes` over some cells: one for each column, unless that is an axis itself.

    A cell that has no value of one of the axes is left out, and counted.
    """
    if any(axis.name == PLATFORM for axis in axes):
        return [_grid(" by ".join(_names(axes)), cells, columns, axes)]
    return [_grid(column.heading, cells, [column], axes) for column in columns]


def _grid(title: str, cells: Sequence[Cell], columns: Sequence[Column], axes: Sequence[Axis]) -> Grid:
    found: dict[tuple[str, ...], Counter[tuple[str, str]]] = {}
    without = 0
    for cell in cells:
        key = [PLATFORM if axis.name == PLATFORM else axis.value(cell) for axis in axes]
        if "" in key:
            without += 1
            continue
        for column in columns:
            place = tuple(column.heading if value == PLATFORM else value for value in key)
            known = column.cells.get(cell.id)
            word = MISSING if known is None else word_of(known)
            found.setdefault(place, Counter())[text_of(cell, known), word] += 1
    sides = [_sorted(axis, {key[place] for key in found}, columns) for place, axis in enumerate(axes)]
    *_, across = sides
    keys = {key[:-1] for key in found}
    order = [{value: place for place, value in enumerate(side)} for side in sides]
    rows = sorted(keys, key=lambda key: [order[place][value] for place, value in enumerate(key)])
    headings = [axis.heading for axis in axes[:-1]]
    headings[-1] += f" (across: {axes[-1].heading})"
    return Grid(
        title,
        f"{len(cells) - without} cells" + (f"; {without} more lack one of these axes" if without else ""),
        tuple(headings),
        tuple(axes[-1].words(value) for value in across),
        tuple(
            (
                tuple(axis.words(value) for axis, value in zip(axes, key, strict=False)),
                tuple(_counted(found.get((*key, value))) for value in across),
            )
            for key in rows
        ),
    )


def _counted(outcomes: Counter[tuple[str, str]] | None) -> str:
    """Return one text, or several with counts, the most frequent first; nothing where there is no cell.

    An outcome is (text, word); of too many texts, the words are counted.
    """
    counts: Counter[str] = Counter()
    for (text, _), count in (outcomes or {}).items():
        counts[text] += count
    if len(counts) < 2:
        return next(iter(counts), "")
    if len(counts) > COUNTED:
        counts.clear()
        for (_, word), count in (outcomes or {}).items():
            counts[word] += count
    ranked = sorted(counts.items(), key=lambda item: (item[0] == MISSING, -item[1], item[0]))
    return _BETWEEN.join(f"{text} {count}" for text, count in ranked)


def _sorted(axis: Axis, values: Iterable[str], columns: Sequence[Column]) -> list[str]:
    if axis.name == PLATFORM:
        return [column.heading for column in columns]
    return sorted(values, key=lambda value: (axis.order(value), value))


def _names(axes: Sequence[Axis]) -> list[str]:
    return [", ".join(axis.name for axis in axes[:-1]), axes[-1].name]


def _axis(name: str, known: Vocabulary) -> Axis:
    if name == PLATFORM:
        return Axis(name, PLATFORM, lambda _: PLATFORM, str, lambda _: ())
    who, _, own = name.rpartition(".")
    documented = known.get(own)
    per_socket = own in DERIVED_PER_SOCKET or (documented is not None and documented.per_socket)
    if documented is None and own not in DERIVED and not per_socket:
        plain = (one.name for one in known.values() if not one.scripted)
        every = dict.fromkeys((*plain, PLATFORM, *DERIVED, *DERIVED_PER_SOCKET, *known))
        raise PivotError(unknown("axis", own, every))
    if who and not per_socket:
        raise PivotError(f"{own} belongs to the cell, not to a socket; write {own}")
    words = dict(documented.values) if documented and own != CASE else {}
    listed = documented.values if documented else (DERIVED.get(own) or DERIVED_PER_SOCKET[own])[0]
    places = {value: place for place, value in enumerate(listed or ())}

    def order(value: str) -> tuple[int, ...]:
        if value.isdecimal():
            return (int(value),)
        return tuple(places.get(one, len(places)) for one in value.split(_BETWEEN))

    title = documented.title if documented else own.replace("-", " ")
    return Axis(
        name,
        f"{who} {title}" if who else title,
        _of_sockets(name, who, own) if per_socket else _of_cell(own),
        lambda value: _BETWEEN.join(words.get(one, one) for one in value.split(_BETWEEN)),
        order,
    )


def _of_cell(name: str) -> Callable[[Cell], str]:
    return DERIVED[name][1] if name in DERIVED else lambda cell: cell.axes.get(name, "")


def _of_sockets(name: str, who: str, own: str) -> Callable[[Cell], str]:
    """Return what reads the value of one socket, or of all together."""

    def values(cell: Cell) -> list[str]:
        if own in DERIVED_PER_SOCKET:
            return DERIVED_PER_SOCKET[own][1](cell)
        return [socket.get(own) for socket in cell.sockets]

    def together(cell: Cell) -> str:
        found = values(cell)
        return found[0] if len(set(found)) == 1 else _BETWEEN.join(found)

    if not who:
        return together
    receivers = receiver_names(MOST_SOCKETS)
    if who not in (*_PLACES, *receivers):
        raise PivotError(f'"{who}" in {name} is not a socket; write first, last, A, B, ...')
    if who in _PLACES:
        place = -_PLACES.index(who)
        return lambda cell: values(cell)[place] if cell.sockets else ""
    number = receivers.index(who)
    return lambda cell: values(cell)[number] if number < len(cell.sockets) else ""
