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
    from collections.abc import Iterable, Sequence

    from sockmatrix.cell import Cell
    from sockmatrix.plan import Plan

FILE = Path(__file__).parent / "programs.json.z"

_UNIT = re.compile(r"(?<=\n\n)(?!\n)|(?<=\(me\):\n)")
"""Where a unit begins: after an empty line, or within a function after what is its own."""

_BEGIN = '#!/usr/bin/env python3\n"""'


def values(plans: Iterable[Plan]) -> dict[str, Any] | None:
    """Return the programs of some tables as a JSON value, None if there are none.

    `lines` are texts, `units` numbers of lines, and `tables` have for each cell its program, numbers of
    units that follow each other, or 0 for none: each as [how many begin as those before, how many end so,
    the others]. What a program begins with, as `beginning` says, is left out.
    """
    if not FILE.exists():
        return None
    kept = msgspec.json.decode(zlib.decompress(FILE.read_bytes()))
    tables = {
        plan.table.name: own["cells"]
        for plan in plans
        if (own := kept["tables"].get(plan.table.name)) and own["digest"] == _digest(plan)
    }
    if not tables:
        return None
    return {"lines": kept["lines"], "units": kept["units"], "tables": tables}


def pack(plans: Iterable[Plan]) -> bytes:
    """Return what the file is to have. Raises ValueError for a program that begins otherwise."""
    lines, units = Numbered(), Numbered()
    tables: dict[str, dict[str, Any]] = {}
    for plan in plans:
        pieced = covered(Compact(plan))
        programs = [
            "" if there else _ending(plan, cell) for cell, there in zip(plan.cells, pieced, strict=True)
        ]
        if any(programs):
            numbers = [tuple(map(units, _UNIT.split(text))) if text else () for text in programs]
            tables[plan.table.name] = {"digest": _digest(plan), "cells": _changes(numbers)}
    own = [tuple(map(lines, unit.split("\n"))) for unit in units.values]
    kept = {"lines": lines.values, "units": _changes(own), "tables": tables}
    return zlib.compress(msgspec.json.encode(kept), 9)


def same(one: bytes, other: bytes) -> bool:
    """Tell whether two files say the same, whichever zlib packed them."""
    return zlib.decompress(one) == zlib.decompress(other)


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


def _digest(plan: Plan) -> int:
    """Return a number that changes when the cells of a table do, or what they mean."""
    return zlib.crc32("\n".join(f"{cell.id} {cell.version}" for cell in plan.cells).encode())
