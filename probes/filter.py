"""The probe as a filter: cells in, observations out, one JSON value a line.

In:   {"kind": "cell", "id": ..., "steps": [[role, [operation, ...]], ...], "solo": true?}
      {"kind": "measure", "repeat": 3, "seed": 7}
Out:  {"kind": "hello", ...} once; for each cell measured {"kind": "observation", "id": ..., "seen":
      [[count, observation], ...]}; then {"kind": "measured", ...} with the counts of that request.

Cells still waiting when the input ends are measured three times. Repetitions shuffle the cells into
other batches and onto other ports, so that an influence of one cell on another shows as instability.
"""

from __future__ import annotations

import collections
import json
import random
import sys
import time
from typing import Any, Dict, Iterable, List, TextIO

import digest
import lab as labs
import options
import platforms
from conductor import Conductor
from programs import Absent
from trials import Cell

PROTOCOL = 1
_REPEAT = 3


def serve(lines: Iterable[str], out: TextIO, lab: labs.Lab, conductor: Conductor) -> None:
    """Answer every request of `lines` on `out` until there are no more."""
    _say(out, hello(lab, conductor))
    waiting: List[Dict[str, Any]] = []
    for line in lines:
        request = json.loads(line)
        if request["kind"] == "cell":
            waiting.append(request)
        elif request["kind"] == "measure":
            _measure(waiting, request, out, conductor)
            waiting = []
    if waiting:
        _measure(waiting, {}, out, conductor)


def hello(lab: labs.Lab, conductor: Conductor) -> Dict[str, Any]:
    """Return what this probe is, where it runs and what exists there."""
    return {
        "kind": "hello",
        "protocol": PROTOCOL,
        "probe": {"version": digest.VERSION, "sha256": digest.of_probe()},
        "platform": platforms.fingerprint(),
        "lab": lab.facts(),
        "reuse": options.reuse_values(sys.platform, _socket_constants()),
        "limits": conductor.limits._asdict(),
    }


def _socket_constants() -> Dict[str, int]:
    import socket

    return {name: value for name, value in vars(socket).items() if isinstance(value, int)}


def _measure(
    requests: List[Dict[str, Any]], how: Dict[str, Any], out: TextIO, conductor: Conductor
) -> None:
    repeat = how.get("repeat", _REPEAT)
    generator = random.Random(how.get("seed"))
    started = time.monotonic()
    before = dict(conductor.counts)
    seen: Dict[str, List[List[Any]]] = {}
    cells: List[Cell] = []
    for request in requests:
        identifier = request["id"]
        try:
            cells.append(
                conductor.cell(identifier, request["steps"], solo=request.get("solo", False))
            )
        except Absent as absent:
            seen[identifier] = [[repeat, {"absent": str(absent)}]]
        except labs.Unavailable as reason:
            seen[identifier] = [[repeat, {"skipped": str(reason)}]]
    for identifier in seen:
        _say(out, {"kind": "observation", "id": identifier, "seen": seen[identifier]})
    seen = {cell.id: [] for cell in cells}
    try:
        for _ in range(repeat):
            conductor.measure(cells, generator, lambda key, value: _count(seen[key], value))
            out.flush()
    finally:
        for identifier, found in seen.items():
            if found:
                _say(out, {"kind": "observation", "id": identifier, "seen": found})
        counts = collections.Counter(conductor.counts)
        counts.subtract(before)
        _say(
            out,
            {
                "kind": "measured",
                "cells": len(requests),
                "seconds": round(time.monotonic() - started, 3),
                **{name: counts[key] for name, key in _COUNTS.items()},
            },
        )
        out.flush()


_COUNTS = {
    "batches": "batches",
    "voided": "voided",
    "lost_roles": "lost roles",
    "taken_ports": "taken ports",
    "fences": "fences",
    "silent_fences": "silent fences",
}


def _count(found: List[List[Any]], observation: Dict[str, Any]) -> None:
    for entry in found:
        if entry[1] == observation:
            entry[0] += 1
            return
    found.append([1, observation])


def _say(out: TextIO, value: Dict[str, Any]) -> None:
    out.write(json.dumps(value, separators=(",", ":")) + "\n")
    if value["kind"] == "hello":
        out.flush()
