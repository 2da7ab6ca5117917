"""From the cells of a run to the tables that renderers take: words in, words out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, final

from sockmatrix import plan as plans
from sockmatrix.axis import CASE
from sockmatrix.columns import text_of
from sockmatrix.render.values import MISSING, Grid

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from sockmatrix.cell import Cell
    from sockmatrix.columns import Known
    from sockmatrix.plan import Plan, SummaryRow, SummaryTable


def summaries(
    plans_: Iterable[Plan], cells: Mapping[str, Known], wanted: frozenset[str] | None = None
) -> list[Grid]:
    """Return the ten-second table of each plan of which `cells` has anything.

    `wanted`: the ids to show, None for all; rows without any of them are left out. Of a script table
    there is a table for each case with several cells, and one of all other cases.
    """
    return beside(plans_, [cells], wanted)[0]


def beside(
    plans_: Iterable[Plan],
    known: Sequence[Mapping[str, Known]],
    wanted: frozenset[str] | None = None,
) -> list[list[Grid]]:
    """Return the same for each of several platforms, `known`: the tables are laid out once."""
    tables = [table for plan in plans_ for table in _tables(plan)]
    return [[grid for table in tables for grid in _grid(*table, cells, wanted)] for cells in known]


def shown(plans_: Iterable[Plan]) -> set[str]:
    """Return the ids of the cells that the ten-second tables of plans are of."""
    return {
        cell.id
        for plan in plans_
        for _, _, rows in _tables(plan)
        for row in rows
        for cell in row.cells.values()
    }


@final
@dataclass(frozen=True, slots=True)
class Labelled:
    """A ten-second table before anything is known: labels, and the cell for each column."""

    title: str
    question: str
    headings: tuple[str, ...]
    columns: tuple[str, ...]
    rows: tuple[tuple[tuple[str, ...], Mapping[str, Cell]], ...]


def labelled(plan: Plan) -> Iterator[Labelled]:
    """Yield the tables of a plan, without labels that say nothing."""
    for title, shown, rows in _tables(plan):
        kept = _telling(rows) if plans.OUTCOME in shown.columns else range(len(shown.headings))
        yield Labelled(
            *title,
            tuple(shown.headings[place] for place in kept),
            shown.columns,
            tuple((tuple(row.labels[place] for place in kept), row.cells) for row in rows),
        )


def _tables(plan: Plan) -> Iterator[tuple[tuple[str, str], SummaryTable, Sequence[SummaryRow]]]:
    shown = plans.summary(plan)
    title = plan.table.name, plan.table.question
    if not plan.table.cases or plan.table.summary.columns:
        yield title, shown, shown.rows
        return
    by_case: dict[str, list[SummaryRow]] = {}
    for row in shown.rows:
        by_case.setdefault(row.cells[plans.OUTCOME].axes[CASE], []).append(row)
    single = [_alone(plan, row) for rows in by_case.values() if len(rows) == 1 for row in rows]
    if single:
        yield title, replace(shown, headings=("case", "with")), single
    for case in plan.table.cases:
        if len(rows := by_case.get(case.name, [])) > 1:
            yield (f"{plan.table.name}/{case.name}", case.about), shown, rows


def _alone(plan: Plan, row: SummaryRow) -> SummaryRow:
    """Return the only row of a case: what is asked, and the values that its other cells have not."""
    axes = row.cells[plans.OUTCOME].axes
    (case,) = (one for one in plan.table.cases if one.name == axes[CASE])
    values = [case.axes[name].axis.values[axes[name]] for name, own in case.vary.items() if len(own) > 1]
    return replace(row, labels=(case.about, "; ".join(values)))


def _grid(
    title: tuple[str, str],
    shown: SummaryTable,
    rows_: Sequence[SummaryRow],
    cells: Mapping[str, Known],
    wanted: frozenset[str] | None,
) -> Iterator[Grid]:
    """Yield the grid of some rows, unless there is nothing in it; `title` includes the question."""
    rows = []
    for row in rows_:
        found = {
            column: text_of(cell, cells[cell.id])
            for column, cell in row.cells.items()
            if cell.id in cells and (wanted is None or cell.id in wanted)
        }
        if found:
            rows.append((row.labels, tuple(found.get(column, MISSING) for column in shown.columns)))
    if not rows:
        return
    # A column of which nothing was asked for is left out, and a label that says nothing here.
    kept = [
        place
        for place, _ in enumerate(shown.columns)
        if wanted is None or any(texts[place] != MISSING for _, texts in rows)
    ]
    labels = _telling(rows_) if plans.OUTCOME in shown.columns else range(len(shown.headings))
    yield Grid(
        *title,
        tuple(shown.headings[place] for place in labels),
        tuple(shown.columns[place] for place in kept),
        tuple(
            (tuple(own[place] for place in labels), tuple(texts[place] for place in kept))
            for own, texts in rows
        ),
    )


def _telling(rows: Sequence[SummaryRow]) -> Sequence[int]:
    """Return the places of the labels that differ, the first place at least."""
    columns = enumerate(zip(*(row.labels for row in rows), strict=True))
    return [place for place, texts in columns if len(set(texts)) > 1] or [0]


def listing(cells: Sequence[Cell], runs: Sequence[tuple[str, Mapping[str, Known]]]) -> Grid:
    """Return single cells, one a row, with a column for each run, (name, cells by id)."""
    return Grid(
        "cells",
        "",
        ("cell",),
        tuple(name for name, _ in runs),
        tuple(
            ((cell.id,), tuple(text_of(cell, found.get(cell.id)) for _, found in runs)) for cell in cells
        ),
    )
