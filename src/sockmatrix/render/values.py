"""What the renderers take: tables of text that somebody else filled, and how to condense them."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Row = tuple[tuple[str, ...], tuple[str, ...]]
"""Labels, one for each row header, and cells, one for each column."""

_LONGEST = 100
"""Characters of a label for several values."""

MISSING = "\u2013"
"""The cell of what was not measured."""


@final
@dataclass(frozen=True, slots=True)
class Grid:
    """A table: what it asks, the names of its labels and columns, and its rows."""

    title: str
    question: str
    row_headers: tuple[str, ...]
    columns: tuple[str, ...]
    rows: tuple[Row, ...]

    def __post_init__(self) -> None:
        for labels, cells in self.rows:
            if len(labels) != len(self.row_headers) or len(cells) != len(self.columns):
                raise ValueError(f"row {labels} does not fit the table {self.title!r}")


def fold(grid: Grid) -> Grid:
    """Return `grid` with neighbouring rows as one where their cells agree and one label differs.

    That label becomes "any", "any but x" or "any of: x, y", unless that is too long to be read. Rows
    are only folded when the folded row stands for exactly the rows that it replaces.
    """
    return replace(grid, rows=tuple(row for row, _ in fold_places(grid)))


def fold_places(grid: Grid) -> list[tuple[Row, tuple[int, ...]]]:
    """Return the rows of `fold`, each with the places of the rows that it stands for."""
    boxes: list[tuple[list[tuple[str, ...]], tuple[str, ...]]] = []
    places: list[list[int]] = []
    for number, (labels, cells) in enumerate(grid.rows):
        boxes.append(([(label,) for label in labels], cells))
        places.append([number])
        while len(boxes) > 1 and _join(boxes[-2], boxes[-1]):
            boxes.pop()
            last = places.pop()
            places[-1] += last
    values = [
        tuple(dict.fromkeys(labels[place] for labels, _ in grid.rows))
        for place in range(len(grid.row_headers))
    ]
    rows: list[tuple[Row, tuple[int, ...]]] = []
    for box, own in zip(boxes, places, strict=True):
        for sets, cells in _readable(*box, values):
            within = [
                place
                for place in own
                if all(label in some for label, some in zip(grid.rows[place][0], sets, strict=True))
            ]
            rows.append(((tuple(map(_any_of, sets, values)), cells), tuple(within)))
    return rows


def fold_columns(grid: Grid) -> Grid:
    """Return `grid` with neighbouring columns that agree in every row as one."""
    kept: list[int] = []
    names: list[str] = []
    for index, name in enumerate(grid.columns):
        if kept and all(cells[kept[-1]] == cells[index] for _, cells in grid.rows):
            names[-1] += f" or {name}"
        else:
            kept.append(index)
            names.append(name)
    rows = tuple((labels, tuple(cells[index] for index in kept)) for labels, cells in grid.rows)
    return replace(grid, columns=tuple(names), rows=rows)


def side_by_side(runs: Sequence[tuple[str, Sequence[Grid]]]) -> list[Grid]:
    """Return the grids of several runs, (name, grids), as one grid for each title.

    There is a column for each run and a row for each row and column of the grids, if any run has it;
    what a run does not have is `MISSING`. Of two runs with one name, the names get numbers.
    """
    names = _distinct([name for name, _ in runs])
    parts: dict[str, dict[str, Grid]] = {}
    for name, (_, grids) in zip(names, runs, strict=True):
        for grid in grids:
            parts.setdefault(grid.title, {})[name] = grid
    return [_beside(names, by_name) for by_name in parts.values()]


def _join(
    box: tuple[list[tuple[str, ...]], tuple[str, ...]],
    other: tuple[list[tuple[str, ...]], tuple[str, ...]],
) -> bool:
    """Take `other` into `box` if the two are a box together; return whether they are."""
    (sets, cells), (other_sets, other_cells) = box, other
    if cells != other_cells:
        return False
    places = [
        place for place, pair in enumerate(zip(sets, other_sets, strict=True)) if pair[0] != pair[1]
    ]
    if len(places) != 1:
        return False
    [place] = places
    sets[place] += other_sets[place]
    return True


def _readable(
    sets: list[tuple[str, ...]], cells: tuple[str, ...], values: Sequence[tuple[str, ...]]
) -> list[tuple[list[tuple[str, ...]], tuple[str, ...]]]:
    """Return a box as it is, or unfolded where a label would be too long."""
    for place, labels in enumerate(sets):
        if len(labels) > 1 and len(_any_of(labels, values[place])) > _LONGEST:
            parts = ([*sets[:place], (label,), *sets[place + 1 :]] for label in labels)
            return [box for part in parts for box in _readable(part, cells, values)]
    return [(sets, cells)]


def _any_of(some: tuple[str, ...], every: tuple[str, ...]) -> str:
    if len(some) == 1:
        return some[0]
    missing = [value for value in every if value not in some]
    if not missing:
        return "any"
    if len(missing) == 1 and len(some) > 2:
        return f"any but {missing[0]}"
    return "any of: " + ", ".join(some)


def _distinct(names: Sequence[str]) -> list[str]:
    counters = {name: itertools.count(1) for name in names if names.count(name) > 1}
    return [f"{name} #{next(counters[name])}" if name in counters else name for name in names]


def _beside(names: Sequence[str], grids: Mapping[str, Grid]) -> Grid:
    first = next(iter(grids.values()))
    found: dict[tuple[str, ...], dict[str, str]] = {}
    for name, grid in grids.items():
        for labels, cells in grid.rows:
            for column, cell in zip(grid.columns, cells, strict=True):
                found.setdefault((*labels, column), {})[name] = cell
    return Grid(
        title=first.title,
        question=first.question,
        row_headers=(*first.row_headers, ""),
        columns=tuple(names),
        rows=tuple(
            (labels, tuple(by_name.get(name, MISSING) for name in names))
            for labels, by_name in found.items()
            if any(cell != MISSING for cell in by_name.values())
        ),
    )
