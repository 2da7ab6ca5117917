"""Programs that repeat cells, written beforehand, where `programs.py` has no pieces: those of scripts.

To write them takes half a minute, so `ci/beforehand.py` does, and a file beside this module keeps them:
each line once, each paragraph once, and of each program what it has other than the one before. A table
is left out where its cells are not those any more that the programs were written for.
"""

from __future__ import annotations

import re
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from sockmatrix.page.compact import Compact, Numbered
from sockmatrix.page.programs import covered, written
from sockmatrix.repro.header import wrapped
from sockmatrix.script.writer import write

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from sockmatrix.cell import Cell
    from sockmatrix.plan import Plan

FILE = Path(__file__).parent / "programs.json.z"

_UNIT = re.compile(r"(?<=\n\n)(?!\n)|(?<=\(me\):\n)")
"""Where a unit begins: after an empty line, or within a function after what is its own."""

_BEGIN = '#!/usr/bin/env python3\n"""'


def values(plans: Sequence[Plan]) -> dict[str, Any] | None:
    """Return the programs of some tables as a JSON value, None if there are none.

    `lines` are texts, `units` numbers of lines, and `tables` have for each cell its program, numbers of
    units that follow each other, or 0 for none: each as [how many begin as those before, how many end so,
    the others]. What a program begins with, as `beginning` says, is left out.
    """
    if not FILE.exists():
        return None
    kept = msgspec.json.decode(zlib.decompress(FILE.read_bytes()))
    digests = kept.pop("digests")
    fresh = [plan.table.name for plan in plans if digests.get(plan.table.name) == _digest(plan)]
    if len(fresh) == len(digests):
        return dict(kept)
    return _numbered({name: list(endings(kept, name)) for name in fresh}) if fresh else None


def endings(kept: Mapping[str, Any], table: str) -> Iterator[str]:
    """Yield what follows the beginnings of the programs of a table, "" where there is none."""
    units = ["\n".join(kept["lines"][line] for line in unit) for unit in _sequences(kept["units"])]
    for own in _sequences(kept["tables"][table]):
        yield "".join(units[unit] for unit in own)


def pack(plans: Iterable[Plan]) -> bytes:
    """Return what the file is to have. Raises ValueError for a program that begins otherwise."""
    programs: dict[str, list[str]] = {}
    digests = {}
    for plan in plans:
        pieced = zip(plan.cells, covered(Compact(plan)), strict=True)
        own = ["" if there else _ending(plan, cell) for cell, there in pieced]
        if any(own):
            programs[plan.table.name] = own
            digests[plan.table.name] = _digest(plan)
    return zlib.compress(msgspec.json.encode({"digests": digests, **_numbered(programs)}), 9)


def _numbered(programs: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """Return what follows the beginnings of programs, by table, as `values` does."""
    lines, units = Numbered(), Numbered()
    tables = {
        name: _changes([tuple(map(units, _UNIT.split(text))) if text else () for text in own])
        for name, own in programs.items()
    }
    split = [tuple(map(lines, unit.split("\n"))) for unit in units.values]
    return {"lines": lines.values, "units": _changes(split), "tables": tables}


def beginning(plan: Plan, cell: Cell) -> str:
    """Return what a program begins with: its id, what is asked, and the script, if it is of one."""
    cases = {case.name: case.about for case in plan.table.cases}
    about = cases.get(cell.axes.get("case", ""), plan.table.question)
    parts = [cell.id, "\n".join(wrapped(about))]
    if cases:
        script = write(plan.table.scenario.steps(cell))
        parts.append("\n".join(part for line in script for part in wrapped(line, "    ")))
    return _BEGIN + "".join(f"{part}\n\n" for part in parts)


def _ending(plan: Plan, cell: Cell) -> str:
    """Return the rest of a program, "" where there is none."""
    text = written(plan, cell)
    begins = beginning(plan, cell)
    if text and not text.startswith(begins):
        raise ValueError(f"{cell.id}: the program begins otherwise")
    return text.removeprefix(begins)


def _changes(some: Sequence[Sequence[int]]) -> list[Any]:
    """Return each sequence as what it has other than the one before; an empty one is 0."""
    found: list[Any] = []
    before: Sequence[int] = ()
    for own in some:
        if not own:
            found.append(0)
            continue
        most = min(len(own), len(before))
        start = next((at for at in range(most) if own[at] != before[at]), most)
        most -= start
        end = next((at for at in range(most) if own[-1 - at] != before[-1 - at]), most)
        found.append([start, end, *own[start : len(own) - end]])
        before = own
    return found


def _sequences(changes: Iterable[Any]) -> Iterator[list[int]]:
    """Yield the sequences of which `_changes` returned the changes."""
    before: list[int] = []
    for change in changes:
        if not change:
            yield []
            continue
        start, end, *others = change
        before = [*before[:start], *others, *before[len(before) - end :]]
        yield before


def _digest(plan: Plan) -> int:
    """Return a number that changes when the cells of a table do, or what they mean."""
    return zlib.crc32("\n".join(f"{cell.id} {cell.version}" for cell in plan.cells).encode())
