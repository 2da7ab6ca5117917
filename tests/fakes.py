"""Fake runs: a header and the lines of a run, one cell from each of the platforms of `miniatures`."""

from __future__ import annotations

from typing import Any

from miniatures import (
    ALL_BUT_ONE,
    BSD,
    EVERYTHING,
    FICKLE,
    FIRST,
    HANGS,
    HELLO,
    LAST,
    LIES,
    LOSES,
    NOBODY,
    OPTIONS,
    PLATFORMS,
    REFUSES,
    ROUND_ROBIN,
    SPREADS,
    Platform,
    Steps,
    steps,
)

from sockmatrix.classify import classify
from sockmatrix.observation import decode_seen
from sockmatrix.runformat import CellLine, Header
from sockmatrix.runformat import header as header_from_hello

__all__ = [
    "ALL_BUT_ONE",
    "BSD",
    "CELLS",
    "EVERYTHING",
    "FICKLE",
    "FIRST",
    "HANGS",
    "HELLO",
    "LAST",
    "LIES",
    "LOSES",
    "NOBODY",
    "OPTIONS",
    "PLATFORMS",
    "REFUSES",
    "ROUND_ROBIN",
    "SPREADS",
    "Platform",
    "Steps",
    "cell",
    "header",
    "steps",
]


def header(hello: dict[str, Any] = HELLO, **changes: Any) -> Header:
    """Return a header as a run makes it."""
    facts: dict[str, Any] = {
        "tool": "0.1.0",
        "tables": {"fan-out": 1},
        "planned": 4,
        "repeat": 3,
        "seed": 7,
        "started": "2026-08-01",
    }
    return header_from_hello(hello, **{**facts, **changes})


def cell(name: str, platform: Platform = LAST, version: int = 1) -> CellLine:
    """Return the line of a cell with three sockets."""
    seen = decode_seen(platform.seen(steps(*["any4.addr"] * 3)))
    return CellLine.of(f"fan-out/dest:{name}/A:any4.addr", version, classify(seen))


CELLS = [cell(str(index), platform) for index, platform in enumerate(PLATFORMS)]
