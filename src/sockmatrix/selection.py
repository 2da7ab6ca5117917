"""Which cells a command is about: all tables, or some, or those that a pattern names, or a sample."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sockmatrix import content, pattern, plan, table
from sockmatrix.axis import TableError, table_files, unknown, vocabulary
from sockmatrix.cell import CellIdError
from sockmatrix.pattern import PatternError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sockmatrix.cell import Cell
    from sockmatrix.plan import Plan
    from sockmatrix.table import Table


class SelectionError(Exception):
    """What was asked for does not exist, or is empty; the message says what does."""


@dataclass(frozen=True, slots=True)
class Selection:
    """The plans that were asked for, whole, and the cells that were."""

    plans: tuple[Plan, ...]
    cells: tuple[Cell, ...]

    @property
    def ids(self) -> frozenset[str]:
        """Ids of the cells."""
        return frozenset(cell.id for cell in self.cells)

    @property
    def whole(self) -> bool:
        """Whether every cell of the plans was asked for."""
        return len(self.cells) == sum(len(one.cells) for one in self.plans)


def select(
    tables: Sequence[str] = (),
    patterns: Sequence[str] = (),
    *,
    sample: int | None = None,
    seed: int = 0,
) -> Selection:
    """Return the cells of `tables` (all if empty) that one of `patterns` matches.

    `sample` of them, chosen at random with `seed`, if given. Raises SelectionError.
    """
    try:
        loaded = _load(tables)
        plans = tuple(plan.expand(loaded[name]) for name in dict.fromkeys(tables or loaded))
        known = vocabulary(tables) if patterns else {}
        wanted = [pattern.parse(text, known) for text in patterns]
    except (TableError, PatternError) as error:
        raise SelectionError(str(error)) from error
    cells = [
        cell
        for one in plans
        for cell in one.cells
        if not wanted or any(which.matches(cell) for which in wanted)
    ]
    if not cells:
        raise SelectionError(
            f"no cell matches {' or '.join(patterns)}; `sockmatrix list` shows what there is"
        )
    if sample is not None and sample < len(cells):
        chosen = random.Random(seed).sample(range(len(cells)), sample)
        cells = [cells[index] for index in sorted(chosen)]
    named = {cell.table for cell in cells}
    return Selection(tuple(one for one in plans if one.table.name in named), tuple(cells))


def look_up(text: str) -> tuple[Table, Cell]:
    """Return the cell with an id, and its table. Raises SelectionError."""
    name, slash, _ = text.partition("/")
    try:
        own = _load([name])[name]
        if not slash:
            raise SelectionError(f"{name} is a table, not a cell; write --table {name}")
        return own, own.cell(text)
    except (TableError, CellIdError) as error:
        raise SelectionError(str(error)) from error


def _load(names: Sequence[str]) -> dict[str, Table]:
    """Return some tables by name, all if none is named. Raises SelectionError, TableError."""
    known = [file.stem for file in table_files(content.matrix())]
    for name in names:
        if name not in known:
            raise SelectionError(unknown("table", name, known))
    return table.load_all(names=names)
