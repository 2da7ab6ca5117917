"""Tables for Markdown (GitHub's): the same as for a terminal, without a width."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tabulate import tabulate

from sockmatrix.render.beside import without_differences
from sockmatrix.render.escape import markdown as escaped
from sockmatrix.render.legend import legend
from sockmatrix.render.values import Grid, fold, fold_columns

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sockmatrix.render.beside import Comparison


def summary(grids: Sequence[Grid], *, folded: bool = True, level: int = 2) -> str:
    """Return the tables of one run, each below its question, and one legend.

    `level` is that of the tables' headings.
    """
    shown = [fold_columns(fold(grid)) if folded else grid for grid in grids]
    return "\n\n".join([*(_block(grid, level) for grid in shown), *_legend(shown)]) + "\n"


def comparison(
    comparisons: Sequence[Comparison], *, quiet: bool = False, note: str = "", level: int = 2
) -> str:
    """Return the tables of several platforms side by side, one column for each, a note and a legend.

    `quiet`: tables in which they do not part are only named, on one line.
    """
    blocks = [_comparison(one, level) for one in comparisons if one.parted.rows or not quiet]
    blocks += filter(None, [without_differences(comparisons) * quiet, note])
    shown = [grid for one in comparisons for grid in one.grids]
    return "\n\n".join([*blocks, *_legend(shown)]) + "\n"


def listing(grid: Grid) -> str:
    """Return single cells, a row for each; no legend."""
    return _table(grid) + "\n"


def _block(grid: Grid, level: int) -> str:
    return "\n\n".join([*_head(grid, level), _table(grid) if grid.rows else "(no rows)"])


def _comparison(comparison: Comparison, level: int) -> str:
    parted, same, note = comparison.parted, comparison.same, comparison.note
    parts = _head(parted, level)
    if parted.rows or not note:
        parts.append(_table(parted) if parted.rows else "(no rows)")
    parts += [note] * bool(note)
    parts += [_table(same)] if same else []
    return "\n\n".join(parts)


def _head(grid: Grid, level: int) -> list[str]:
    return list(filter(None, ["#" * level + " " + escaped(grid.title), escaped(grid.question)]))


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
