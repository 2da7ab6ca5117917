"""Tables of words made of the cells of runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import fakes
import pytest
import smallmatrix

from sockmatrix import collect, grids
from sockmatrix.runfile import CellLine
from sockmatrix.wording import NOT_MEASURED

if TYPE_CHECKING:
    from pathlib import Path

    from sockmatrix.measure import Block
    from sockmatrix.selection import Selection

Cells = dict[str, CellLine]


@pytest.fixture
def selection(tmp_path: Path) -> Selection:
    """Return the cells of the small matrix."""
    return smallmatrix.selection(tmp_path / "matrix")


def measured(block: Block) -> Cells:
    """Return the lines of a block by id."""
    return {line.id: line for line in collect.lines(block)}


@pytest.fixture
def last(selection: Selection) -> Cells:
    """Return all cells of a platform where the last one hears."""
    return measured(smallmatrix.block(selection, fakes.LAST))


def test_summaries(selection: Selection, last: Cells) -> None:
    """There is a table for each plan, with words for labels and outcomes for cells."""
    hearing, listening = grids.summaries(selection.plans, last)
    assert (hearing.title, hearing.question) == ("hearing", "Who hears it?")
    assert hearing.row_headers == ("sent to", "bound to")
    assert hearing.columns == ("no option", "SO_REUSEADDR")
    assert len(hearing.rows) == 4
    assert {cells for _, cells in hearing.rows} == {("last", "last")}
    assert len(listening.rows) == 2


def test_a_plan_without_anything_is_left_out(selection: Selection, last: Cells) -> None:
    """A table of which a run has nothing is not shown; an empty run shows none."""
    udp = {key: line for key, line in last.items() if key.startswith("hearing")}
    assert [grid.title for grid in grids.summaries(selection.plans, udp)] == ["hearing"]
    assert grids.summaries(selection.plans, {}) == []


def test_what_is_not_measured_is_marked(selection: Selection, last: Cells) -> None:
    """A row of which something was measured is whole, with dashes; the others are left out."""
    shown = "hearing/dest:lo4/A:any4.addr/B:any4.addr/C:any4.addr"
    (grid,) = grids.summaries(selection.plans, {shown: last[shown]})
    assert [cells for _, cells in grid.rows] == [(NOT_MEASURED, "last")]


def test_only_the_wanted(selection: Selection, last: Cells) -> None:
    """What was not asked for is not shown, though the run has it."""
    wanted = frozenset({"hearing/dest:lobcast/A:any4.none/B:any4.none/C:any4.none"})
    (grid,) = grids.summaries(selection.plans, last, wanted)
    assert len(grid.columns) == 1
    assert [cells for _, cells in grid.rows] == [("last",)]
    assert grids.summaries(selection.plans, last, frozenset()) == []


def test_a_listing(selection: Selection, last: Cells) -> None:
    """Single cells have a row each and a column for each run, in the order asked for."""
    everything = measured(smallmatrix.block(selection, fakes.EVERYTHING))
    cells = selection.cells[:3]
    del everything[cells[1].id]
    grid = grids.listing(cells, [("one", last), ("other", everything)])
    assert grid.columns == ("one", "other")
    assert grid.rows == (
        ((cells[0].id,), ("last", "all")),
        ((cells[1].id,), ("last", NOT_MEASURED)),
        ((cells[2].id,), ("last", "all")),
    )
