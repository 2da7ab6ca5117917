"""What the two scripts of the benchmark share: the lab, and cells as plain addresses and options."""

from __future__ import annotations

import json
import socket
import sys
from pathlib import Path
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "probes"))

import lab as labs

SEQUENCES = 2
"""Datagrams from each source port."""


class Work(NamedTuple):
    """A cell without symbols: (options, local address) of each receiver, and the destination."""

    receivers: tuple[tuple[tuple[int, ...], str], ...]
    destination: str


def read() -> tuple[list[Work], int, int]:
    """Enter a private lab and return the cells on standard input, the repetitions, the source ports."""
    lab = labs.enter("private", allow_lan=False)
    request: dict[str, Any] = json.load(sys.stdin)
    return (
        [_work(lab, steps) for steps in request["cells"]],
        int(request["repeat"]),
        int(request["ports"]),
    )


def _work(lab: labs.Lab, steps: list[Any]) -> Work:
    receivers = []
    for _, operations in steps[:-1]:
        options = tuple(getattr(socket, one[1]) for one in operations if one[0] == "set")
        (bind,) = (one[1] for one in operations if one[0] == "bind")
        receivers.append((options, lab.address(bind, 0)))
    return Work(tuple(receivers), lab.address(steps[-1][1][0][2], 0))
