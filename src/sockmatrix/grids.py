"""From the cells of a run to the tables that renderers take: words in, words out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sockmatrix import plan as plans
from sockmatrix.render.values import MISSING, Grid
from sockmatrix.wording import headline

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sockmatrix.cell import Cell
    from sockmatrix.plan import Plan
    from sockmatrix.runfile import CellLine


def summaries(
    plans_: Iterable[Plan], cells: Mapping[str, CellLine], wanted: frozenset[str] | None = None
) -> list[Grid]:
    """Return the ten-second table of each plan of which `cells` has anything.

    `wanted`: the ids to show, None for all; rows without any of them are left out.
    """
    grids = []
    for plan in plans_:
        shown = plans.summary(plan)
        rows = []
        for row in shown.rows:
            found = {
                column: cells.get(cell.id)
                for column, cell in row.cells.items()
                if wanted is None or cell.id in wanted
            }
            if any(found.values()):
                texts = tuple(headline(found.get(column)) for column in shown.columns)
                rows.append((row.labels, texts))
        if rows:
            # A column of which nothing was asked for is left out.
            kept = [
                place
                for place, _ in enumerate(shown.columns)
                if wanted is None or any(texts[place] != MISSING for _, texts in rows)
            ]
            grids.append(
                Grid(
                    plan.table.name,
                    plan.table.question,
                    shown.headings,
                    tuple(shown.columns[place] for place in kept),
                    tuple((labels, tuple(texts[place] for place in kept)) for labels, texts in rows),
                )
            )
    return grids


def listing(cells: Sequence[Cell], runs: Sequence[tuple[str, Mapping[str, CellLine]]]) -> Grid:
    """Return single cells, one a row, with a column for each run, (name, cells by id)."""
    return Grid(
        "cells",
        "",
        ("cell",),
        tuple(name for name, _ in runs),
        tuple(((cell.id,), tuple(headline(found.get(cell.id)) for _, found in runs)) for cell in cells),
    )
