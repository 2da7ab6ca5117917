"""The probe as a filter: cells in, observations out, one JSON value a line.

In:   {"kind": "operations", "operations": [[name, argument, ...], ...]} numbered 0, 1, ... as they come
      {"kind": "cell", "id": ..., "steps": [[role, number of its operations], ...], "solo": true?}
      {"kind": "measure", "repeat": 3, "seed": 7}
Out:  {"kind": "hello", ...} once; for each cell measured {"kind": "observation", "id": ..., "seen":
      [[count, observation], ...]}; then {"kind": "measured", ...} with the counts of that request.

Cells still waiting when the input ends are measured three times. Repetitions shuffle the cells into
other batches and onto other ports, so that an influence of one cell on another shows as instability.
"""

from __future__ import annotations

import collections
import functools
import gc
import json
import random
import sys
import time
from typing import Any, Dict, Iterable, List, TextIO, Tuple, Union

import digest
import lab as labs
import options
import platforms
from conductor import Conductor
from resolver import Absent
from trials import Cell, Seen, observation

PROTOCOL = 2


class BadRequest(Exception):
    """A line of the input is not what the protocol allows; the message says which."""


_REPEAT = 3


def serve(lines: Iterable[str], out: TextIO, lab: labs.Lab, conductor: Conductor) -> None:
    """Answer every request of `lines` on `out` until there are no more."""
    _say(out, hello(lab, conductor))
    out.flush()
    waiting: List[Dict[str, Any]] = []
    for number, line in enumerate(lines, 1):
        try:
            request = json.loads(line)
            kind = request["kind"]
            if kind == "cell":
                waiting.append({"id": request["id"], "steps": request["steps"], **request})
            elif kind == "operations":
                conductor.compiler.add(request["operations"])
            elif kind != "measure":
                raise ValueError(f"unknown kind {kind!r}")
        except (ValueError, LookupError, TypeError) as error:
            raise BadRequest(
                f"line {number} is not a request: {type(error).__name__}: {error}"
            ) from error
        if kind == "measure":
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
    requests: List[Dict[str, Any]],
    how: Dict[str, Any],
    out: TextIO,
    conductor: Conductor,
) -> None:
    repeat = how.get("repeat", _REPEAT)
    generator = random.Random(how.get("seed"))
    started = time.monotonic()
    before = dict(conductor.counts)
    cells: List[Cell] = []
    for request in requests:
        identifier = request["id"]
        why = {}
        try:
            cells.append(conductor.cell(identifier, request["steps"], solo=request.get("solo", False)))
        except Absent as absent:
            why = {"absent": str(absent)}
        except labs.Unavailable as reason:
            why = {"skipped": str(reason)}
        if why:
            _say(out, {"kind": "observation", "id": identifier, "seen": [[repeat, why]]})
    seen: Dict[str, Dict[Any, int]] = {cell.id: {} for cell in cells}

    def count(cell: Cell, what: Union[Seen, str]) -> None:
        found = seen[cell.id]
        found[what] = found.get(what, 0) + 1

    gc.disable()  # many small objects and no cycles: a collection would only cost time
    for repetition in range(repeat):
        conductor.measure(cells, generator, count, again=repetition > 0)
    gc.enable()
    for cell in cells:
        _say_seen(out, cell, seen[cell.id])
    counts = collections.Counter(conductor.counts)
    counts.subtract(before)
    _say(
        out,
        {
            "kind": "measured",
            "cells": len(requests),
            "seconds": round(time.monotonic() - started, 3),
            **{name.replace(" ", "_"): counts[name] for name in _COUNTS},
        },
    )
    out.flush()


_COUNTS = ("batches", "voided", "lost roles", "taken ports", "fences", "silent fences")


def _say_seen(out: TextIO, cell: Cell, seen: Dict[Union[Seen, str], int]) -> None:
    texts = []
    for what, count in seen.items():
        if isinstance(what, str):
            text = json.dumps({"inconclusive": what})
        else:
            text = _observation_text(cell.labels, cell.shape, cell.unsent, what)
        texts.append(f"[{count},{text}]")
    out.write(f'{{"kind":"observation","id":{json.dumps(cell.id)},"seen":[{",".join(texts)}]}}\n')


@functools.lru_cache(maxsize=20_000)
def _observation_text(
    labels: Tuple[str, ...], shape: Tuple[str, ...], unsent: Tuple[Tuple[str, str], ...], seen: Seen
) -> str:
    """Return an observation as JSON; few of the many are different."""
    value = observation(labels, shape, seen)
    if unsent:
        value["unsent"] = dict(unsent)
    return json.dumps(value, separators=(",", ":"))


def _say(out: TextIO, value: Dict[str, Any]) -> None:
    out.write(json.dumps(value, separators=(",", ":")) + "\n")
