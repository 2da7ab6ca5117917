"""Programs that were written beforehand are those that `sockmatrix repro` writes now."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import smallmatrix

from sockmatrix.page import beforehand
from sockmatrix.page.programs import written
from sockmatrix.selection import select

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from sockmatrix.plan import Plan

EVERY = 101
"""Of the cells of a table, and the first of each case: writing them all takes half a minute."""


def programs(plan: Plan, kept: dict[str, Any]) -> list[str]:
    """Return the programs of a table, "" for those that are not there."""
    cells = zip(plan.cells, beforehand.endings(kept, plan.table.name), strict=True)
    return [end and beforehand.beginning(plan, cell) + end for cell, end in cells]


def test_they_are_those_of_repro() -> None:
    """If not, ci/beforehand.py has to write them again."""
    plans = select().plans
    kept = beforehand.values(plans)
    assert kept is not None
    scripted = {plan.table.name for plan in plans if plan.table.cases}
    assert scripted < set(kept["tables"])
    for plan in plans:
        if plan.table.name not in kept["tables"]:
            continue
        firsts = {cell.axes.get("case", ""): cell for cell in reversed(plan.cells)}
        wanted = {*(cell.id for cell in firsts.values()), *(cell.id for cell in plan.cells[::EVERY])}
        for cell, found in zip(plan.cells, programs(plan, kept), strict=True):
            if cell.id in wanted and (found or plan.table.cases):
                assert found == written(plan, cell), cell.id


def test_a_page_of_some_tables_has_their_programs() -> None:
    """And not those of others."""
    plans = select(["sentinel", "osc"]).plans
    kept = beforehand.values(plans)
    assert kept is not None
    assert set(kept["tables"]) == {"sentinel", "osc"}
    assert len(kept["lines"]) < 2000
    for plan in plans:
        for cell, found in list(zip(plan.cells, programs(plan, kept), strict=True))[::10]:
            assert found == written(plan, cell)


def test_programs_of_other_cells_are_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of a table that has changed since; and if there is no file there are none."""
    plans = smallmatrix.selection(tmp_path / "matrix", scripted=True).plans
    assert beforehand.values(plans) is None
    monkeypatch.setattr(beforehand, "FILE", tmp_path / "programs")
    assert beforehand.values(plans) is None
    beforehand.FILE.write_bytes(beforehand.pack(plans))
    kept = beforehand.values(plans)
    assert kept is not None
    assert set(kept["tables"]) == {"asking"}
    (asking,) = (plan for plan in plans if plan.table.name == "asking")
    assert programs(asking, kept) == [written(asking, cell) for cell in asking.cells]
    monkeypatch.setitem(
        smallmatrix._STEPS, "near", "A: socket udp4\nX: socket udp4; told = send lo4 {size}"
    )
    changed = smallmatrix.selection(tmp_path / "changed", scripted=True).plans
    assert beforehand.values(changed) is None
