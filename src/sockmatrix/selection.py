"""Which cells a command is about: all tables, or some, or those that a pattern names, or a sample."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sockmatrix import pattern, plan, table
from sockmatrix.axis import TableError, unknown
from sockmatrix.pattern import PatternError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sockmatrix.cell import Cell
    from sockmatrix.plan import Plan


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
        known = table.load_all()
        for name in tables:
            if name not in known:
                raise SelectionError(unknown("table", name, known))
        plans = tuple(plan.expand(known[name]) for name in dict.fromkeys(tables or known))
        wanted = [pattern.parse(text) for text in patterns]
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
