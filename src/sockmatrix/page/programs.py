"""The programs that repeat cells (`repro`), in pieces: 30,000 of them are one text with four gaps.

In a fan-out each process opens one socket and the main process then sends, once. What a socket opens
depends on the socket alone, what is sent on the axes of the cell and on how many receivers there are.
Every piece is cut out of a program that `repro` wrote; the script of the page puts them together.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from sockmatrix.cell import receiver_names
from sockmatrix.page.compact import Numbered
from sockmatrix.repro import LANGUAGES, Inexpressible, resolve
from sockmatrix.scenarios.fan_out import FAN_OUT

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sockmatrix.cell import Cell
    from sockmatrix.page.compact import Compact
    from sockmatrix.plan import Plan

_MOST = 3  # sockets of a plain program
_RARE = frozenset({"lb", "exclusive"})  # options whose programs first ask whether there are any
_STEP = re.compile(r"(?m)^    ([A-Z]): (.*)\n")
_OPENS = re.compile(r"(?s)def (open_\w+)\(\):\n(.*?)\n\n\n")
_OPEN = re.compile(r"(?m)^OPEN = \{(.*)\}")
_CALLED = re.compile(r'"([A-Z])": (open_\w+)')
_NAMES = re.compile(r"(?m)^    opened = \[name for name in (\[.*?\]) ")
_SENDS = re.compile(r"(?s)\n    return \[\n(.*?)\n    \]\n")


def values(tables: Iterable[Compact]) -> dict[str, Any]:
    """Return the pieces of tables that have such programs, by table.

    `wholes`: each texts, and numbers of gaps: 0 the id, 1 the steps, 2 the functions, 3 which process
    calls which, 4 the names of the receivers, 5 what is sent. `sockets`: [step, body] by number; `sends`:
    [number of the whole, [name, step, body] of others than receivers, what is sent] by "B N": the number
    of the beginning, and how many receivers there are.
    """
    return {one.plan.table.name: found for one in tables if (found := _pieces(one))}


def _pieces(table: Compact) -> dict[str, Any] | None:
    plan, ends = table.plan, table.ends
    if plan.table.scenario.name != FAN_OUT.name:
        return None
    known: dict[int, list[str]] = {}
    sends: dict[str, list[Any] | None] = {}
    wholes = Numbered()
    for cell, begin, end in zip(plan.cells, table.begin, table.end, strict=True):
        own = ends[end]
        key = f"{begin} {len(own)}"
        if len(own) > _MOST or (key in sends and (not sends[key] or all(one in known for one in own))):
            continue
        if any(_RARE.intersection(one.reuse.split("+")) for one in cell.sockets):
            continue
        text = _text(plan, cell)
        if not _OPEN.search(text):
            sends[key] = None  # one of another kind: more processes than a short one has, for example
            continue
        steps = dict(_STEP.findall(text))
        bodies, called = dict(_OPENS.findall(text)), dict(_CALLED.findall(_OPEN.findall(text)[0]))
        names = receiver_names(len(own))
        for number, name in zip(own, names, strict=True):
            known[number] = [steps[name], bodies[called[name]]]
        others = [
            [name, steps[name], bodies[called[name]] if name in called else ""]
            for name in steps
            if name not in names
        ]
        sends[key] = [wholes(tuple(_gaps(text, cell))), others, _SENDS.findall(text)[0]]
    if not known:
        return None
    found = {key: own for key, own in sends.items() if own}
    return {
        "most": _MOST,
        "wholes": [list(one) for one in wholes.values],
        "sockets": known,
        "sends": found,
    }


def _text(plan: Plan, cell: Cell) -> str:
    try:
        return LANGUAGES["python"](resolve(plan.table, cell, None), "")
    except Inexpressible:
        return ""


def _gaps(text: str, cell: Cell) -> list[str | int]:
    """Return a program with numbers for what differs."""
    opens = list(_OPENS.finditer(text))
    steps = list(_STEP.finditer(text))
    at = text.index(cell.id)
    spans = [
        (at, at + len(cell.id)),
        (steps[0].start(), steps[-1].end()),
        (opens[0].start(), opens[-1].end()),
        *(one.span(1) for pattern in (_OPEN, _NAMES, _SENDS) for one in pattern.finditer(text)),
    ]
    parts: list[str | int] = []
    last = 0
    for (start, end), number in sorted((span, number) for number, span in enumerate(spans)):
        parts += [text[last:start], number]
        last = end
    return [*parts, text[last:]]
