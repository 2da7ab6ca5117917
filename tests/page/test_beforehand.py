"""Programs that were written beforehand are those that `sockmatrix repro` writes now."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any

import smallmatrix

from sockmatrix.page import beforehand
from sockmatrix.page.programs import written
from sockmatrix.selection import select

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import pytest

    from sockmatrix.plan import Plan

EVERY = 101
"""Of the cells of a table, and the first of each case: writing them all takes half a minute."""


def sequences(changes: list[Any]) -> Iterator[list[int]]:
    """Yield sequences that are each given as what they have other than the one before."""
    before: list[int] = []
    for change in changes:
        if not change:
            yield []
            continue
        start, end, *others = change
        before = [*before[:start], *others, *before[len(before) - end :]]
        yield before


def programs(plan: Plan, kept: dict[str, Any]) -> list[str]:
    """Return the programs of a table, "" for those that are not there."""
    units = ["\n".join(kept["lines"][line] for line in unit) for unit in sequences(kept["units"])]
    cells = zip(plan.cells, sequences(kept["tables"][plan.table.name]), strict=True)
    return [
        beforehand.beginning(plan, cell) + "".join(units[unit] for unit in own) if own else ""
        for cell, own in cells
    ]


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


def test_what_zlib_packed_does_not_matter() -> None:
    """Files are compared by what they say."""
    assert beforehand.same(zlib.compress(b"{}", 1), zlib.compress(b"{}", 9))
    assert not beforehand.same(zlib.compress(b"{}"), zlib.compress(b"[]"))
