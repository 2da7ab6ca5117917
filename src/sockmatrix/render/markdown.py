"""Tables for Markdown (GitHub's): the same as for a terminal, without a width."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tabulate import tabulate

from sockmatrix.render.escape import markdown as escaped
from sockmatrix.render.legend import legend
from sockmatrix.render.text import same_rows
from sockmatrix.render.values import Grid, differing, fold, fold_columns, side_by_side

if TYPE_CHECKING:
    from collections.abc import Sequence


def summary(grids: Sequence[Grid], *, folded: bool = True, level: int = 2) -> str:
    """Return the tables of one run, each below its question, and one legend.

    `level` is that of the tables' headings.
    """
    shown = [fold_columns(fold(grid)) if folded else grid for grid in grids]
    return "\n\n".join([*(_block(grid, level) for grid in shown), *_legend(shown)]) + "\n"


def comparison(
    runs: Sequence[tuple[str, Sequence[Grid]]], *, everything: bool = False, level: int = 2
) -> str:
    """Return the tables of several runs, (name, grids), side by side, one column for each run.

    Rows that are the same everywhere are only counted and neighbours folded, unless `everything`
    is asked for.
    """
    blocks, shown = [], []
    for grid in side_by_side(runs):
        rest, same = (grid, 0) if everything else differing(grid)
        rest = rest if everything else fold(rest)
        shown.append(rest)
        blocks.append(_block(rest, level, same_rows(same)))
    return "\n\n".join([*blocks, *_legend(shown)]) + "\n"


def listing(grid: Grid) -> str:
    """Return single cells, a row for each; no legend."""
    return _table(grid) + "\n"


def _block(grid: Grid, level: int, note: str = "") -> str:
    parts = ["#" * level + " " + escaped(grid.title), escaped(grid.question)]
    parts += [_table(grid)] if grid.rows else []
    parts += [note or ("" if grid.rows else "(no rows)")]
    return "\n\n".join(filter(None, parts))


def _table(grid: Grid) -> str:
    text: str = tabulate(
        [[escaped(one) for one in (*labels, *cells)] for labels, cells in grid.rows],
        [escaped(one) for one in (*grid.row_headers, *grid.columns)],
        tablefmt="github",
        disable_numparse=True,
        stralign="left",
    )
    return text


def _legend(grids: Sequence[Grid]) -> list[str]:
    words = legend(grids)
    return ["\n".join(f"- **{escaped(word)}**: {meaning}" for word, meaning in words)] * bool(words)
