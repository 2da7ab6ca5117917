"""The plan: from the blocks of a table to its cells, and which of them its summary shows.

A table is the union of its blocks. In a block every combination of the values of the cell's axes
meets every combination of sockets; `each` gives every socket its own value, `same` gives all the
same, and `odd` gives all the same, or all but one in any place. A cell that two blocks make is one
cell, counted for the first.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, final

from sockmatrix.axis import TableError
from sockmatrix.cell import Cell, Socket, axes_text, socket_text, sockets_text
from sockmatrix.table import DESTINATION, Spread

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sockmatrix.table import Block, Summary, Table


@final
@dataclass(frozen=True, slots=True)
class Plan:
    """The cells of a table in the order of its blocks (cases), and how many each adds."""

    table: Table
    cells: tuple[Cell, ...]
    counts: tuple[int, ...]


@final
@dataclass(frozen=True, slots=True)
class SummaryRow:
    """A row of a summary: what its cells have in common, in words, and a cell for each column."""

    labels: tuple[str, ...]
    cells: Mapping[str, Cell]


@final
@dataclass(frozen=True, slots=True)
class SummaryTable:
    """A summary in words: the headings of the row labels, the labels of the columns, the rows."""

    headings: tuple[str, ...]
    columns: tuple[str, ...]
    rows: tuple[SummaryRow, ...]


def expand(table: Table) -> Plan:
    """Return all cells of a table. Raises TableError for a block that adds no cell."""
    if table.cases:
        own = [table.cells[case.name] for case in table.cases]
        return Plan(table, tuple(itertools.chain(*own)), tuple(map(len, own)))
    cells: dict[str, Cell] = {}
    counts = []
    for block in table.blocks:
        before, made = len(cells), 0
        for cell in _cells(table, block):
            made += 1
            cells.setdefault(cell.id, cell)
        if not made:
            raise TableError(table.file, block.where, "makes no cells: all are excluded")
        if len(cells) == before:
            raise TableError(table.file, block.where, "adds no cells: earlier blocks make them all")
        counts.append(len(cells) - before)
    return Plan(table, tuple(cells.values()), tuple(counts))


def deal(spread: Spread, count: int) -> list[tuple[str, ...]]:
    """Return every way to give `count` sockets the values of a spread.

    >>> deal(Spread("odd", ("a", "b")), 2)
    [('a', 'a'), ('b', 'a'), ('a', 'b'), ('b', 'b')]
    """
    if spread.how == "each":
        return list(itertools.product(spread.values, repeat=count))
    found: dict[tuple[str, ...], None] = {}
    for common in spread.values:
        found[(common,) * count] = None
        if spread.how == "odd":
            for place, other in itertools.product(range(count), spread.values):
                alike = [common] * count
                alike[place] = other
                found[tuple(alike)] = None
    return list(found)


def _cells(table: Table, block: Block) -> Iterator[Cell]:
    for values in itertools.product(*block.axes.values()):
        axes = MappingProxyType(dict(zip(block.axes, values, strict=True)))
        start = axes_text(table, axes)
        spreads = [_spread(table, block, name, axes) for name in table.socket_axes]
        known: dict[tuple[str, ...], tuple[Socket, str]] = {}
        for count in block.receivers:
            for columns in itertools.product(*(deal(spread, count) for spread in spreads)):
                sockets, texts = [], []
                for own in zip(*columns, strict=True):
                    if own not in known:
                        known[own] = _socket(table, axes, own)
                    socket, text = known[own]
                    sockets.append(socket)
                    texts.append(text)
                text = f"{start}/{sockets_text(texts)}"
                cell = Cell(text, table.name, axes, tuple(sockets), table.version, table.lab)
                if not any(pattern.matches(cell) for pattern in block.unless):
                    yield cell


def _spread(table: Table, block: Block, name: str, axes: Mapping[str, str]) -> Spread:
    """Return how an axis of the sockets varies in this cell, with the destination filled in."""
    if name not in block.sockets:
        default = table.socket_axes[name].default_in(axes)
        return Spread("same", (default or "",))
    spread = block.sockets[name]
    if name != "bind":
        return spread
    values = (axes[DESTINATION] if value == DESTINATION else value for value in spread.values)
    return Spread(spread.how, tuple(dict.fromkeys(values)))


def _socket(table: Table, axes: Mapping[str, str], values: tuple[str, ...]) -> tuple[Socket, str]:
    further = tuple(zip(list(table.socket_axes)[2:], values[2:], strict=True))
    socket = Socket(values[0], values[1], further)
    return socket, socket_text(table, axes, socket)


def summary(plan: Plan) -> SummaryTable:
    """Return what a table's summary shows. Raises TableError where two cells claim one place."""
    table, shown = plan.table, plan.table.summary
    rows: dict[tuple[str, ...], dict[str, Cell]] = {}
    for cell in plan.cells:
        column = _value(cell, shown.columns) if shown.columns else OUTCOME
        if (shown.columns and column not in shown.show) or not _shows(shown, cell):
            continue
        row = rows.setdefault(tuple(_value(cell, name) for name in shown.rows), {})
        if column in row:
            raise TableError(
                table.file,
                "summary",
                f"{row[column].id} and {cell.id} share a place; narrow `where`, or add to `rows`",
            )
        row[column] = cell
    if not rows:
        raise TableError(table.file, "summary.where", "matches no cell that has one of the columns")
    labels = {value: _words(table, shown.columns, value) for value in shown.show} or {OUTCOME: OUTCOME}
    groups = list(dict.fromkeys(key[:1] for key in rows))
    # A script table has an axis for each thing that one of its cases varies: most rows lack most.
    kept = [
        place
        for place, _ in enumerate(shown.rows)
        if not table.cases or place == 0 or len({key[place] for key in rows}) > 1
    ]
    headings = [_heading(table, shown.rows[place]) for place in kept]
    if table.cases and shown.columns:
        # Nobody knows the axes of a script table: the values across do not say what they are values of.
        headings[-1] += f" (across: {_heading(table, shown.columns)})"
    return SummaryTable(
        tuple(headings),
        tuple(labels.values()),
        tuple(
            SummaryRow(
                tuple(_words(table, shown.rows[place], key[place]) for place in kept),
                MappingProxyType({labels[one]: row[one] for one in labels if one in row}),
            )
            for key, row in sorted(rows.items(), key=lambda item: groups.index(item[0][:1]))
        ),
    )


OUTCOME = "outcome"
"""The one column of a summary that has no axis for its columns."""


def _shows(summary: Summary, cell: Cell) -> bool:
    return not summary.where or any(one.matches(cell) for one in summary.where)


_BETWEEN = " / "


def _value(cell: Cell, name: str) -> str:
    """Return the value of `dest`, of `A.bind`, or of `bind`: joined where sockets differ."""
    who, _, axis = name.rpartition(".")
    if axis in cell.axes:
        return cell.axes[axis]
    if who:
        return cell.sockets[cell.receivers.index(who)].get(axis) if who in cell.receivers else ""
    if not cell.sockets:
        return ""
    values = [socket.get(axis) for socket in cell.sockets]
    return values[0] if values.count(values[0]) == len(values) else _BETWEEN.join(values)


def _words(table: Table, name: str, value: str) -> str:
    axis = name.rpartition(".")[2]
    words = (table.axes.get(axis) or table.socket_axes[axis]).axis.values
    return _BETWEEN.join(words.get(one, one) for one in value.split(_BETWEEN))


def _heading(table: Table, name: str) -> str:
    who, _, axis = name.rpartition(".")
    title = (table.axes.get(axis) or table.socket_axes[axis]).axis.title
    return f"{who} {title}" if who else title
