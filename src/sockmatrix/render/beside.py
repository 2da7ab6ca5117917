"""The tables of several platforms as one: where they part, and what is the same on all of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, TypeAlias, final

from sockmatrix.render.values import MISSING, Grid, differing, fold, fold_columns, side_by_side

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Show: TypeAlias = Literal["folded", "differing", "all"]
"""How much: what is the same everywhere once and folded, not at all, or as it is in every column."""

PARTED = "differs"
"""In the table of what is the same on every platform, the cell of what is not."""


@final
@dataclass(frozen=True, slots=True)
class Comparison:
    """One question, asked on several platforms.

    `parted`: the rows in which they part, a column for each. `same`: the table as it is for a single
    platform, with the outcomes that are the same on all, `PARTED` in place of the others; None if it
    is not asked for or has nothing. `alike`: how many rows are the same, left out of `parted`.
    """

    parted: Grid
    same: Grid | None = None
    alike: int = 0

    @property
    def grids(self) -> tuple[Grid, ...]:
        """All tables."""
        return (self.parted,) if self.same is None else (self.parted, self.same)

    @property
    def note(self) -> str:
        """What is said of the rows that are the same, between the two tables; empty for none."""
        count = f"{self.alike} {'row is' if self.alike == 1 else 'rows are'} the same on every platform"
        return count + (":" if self.same else ".") if self.alike else ""


def compare(runs: Sequence[tuple[str, Sequence[Grid]]], show: Show = "folded") -> list[Comparison]:
    """Return the tables of several platforms, (name, grids), one comparison for each title."""
    return [_compare(grid, [own for _, own in runs], show) for grid in side_by_side(runs)]


def without_differences(comparisons: Iterable[Comparison]) -> str:
    """Return the line that names the tables in which the platforms do not part, empty for none."""
    titles = [one.parted.title for one in comparisons if not one.parted.rows]
    if not titles:
        return ""
    return f"The same on every platform, in each row: {', '.join(titles)}."


def _compare(grid: Grid, runs: Sequence[Sequence[Grid]], show: Show) -> Comparison:
    own = [one for grids in runs for one in grids if one.title == grid.title]
    if show == "all":
        return Comparison(_labelled(grid, own))
    parted, alike = differing(grid)
    same = fold_columns(fold(_same(grid, own))) if alike and show == "folded" else None
    return Comparison(fold(_labelled(parted, own)), same, alike)


def _labelled(beside: Grid, own: Sequence[Grid]) -> Grid:
    """Return the table without the label that was a column, where each platform had but that one."""
    if not beside.row_headers[1:] or len({column for grid in own for column in grid.columns}) > 1:
        return beside
    rows = tuple((labels[:-1], texts) for labels, texts in beside.rows)
    return replace(beside, row_headers=beside.row_headers[:-1], rows=rows)


def _same(beside: Grid, own: Sequence[Grid]) -> Grid:
    """Return the table of a single platform again, out of one that has a row for each of its cells."""
    cells = {
        labels: texts[0] if texts[0] != MISSING and len(set(texts)) == 1 else PARTED
        for labels, texts in beside.rows
    }
    columns = tuple(dict.fromkeys(column for grid in own for column in grid.columns))
    rows = tuple(
        (labels, tuple(cells.get((*labels, column), MISSING) for column in columns))
        for labels in dict.fromkeys(labels for grid in own for labels, _ in grid.rows)
    )
    telling = tuple(row for row in rows if not set(row[1]) <= {PARTED, MISSING})
    return replace(own[0], columns=columns, rows=telling)
