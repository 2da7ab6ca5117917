"""How fast are cells measured? Ratios, taken in one run, to the two ends of what is possible.

    python benchmarks/throughput.py [--rounds N] [--json]

The work is the same for all: the cells of `loopback-broadcast` with three receivers that may share their
port (SO_REUSEADDR on each), four source ports, two datagrams from each.

* plain script: for every cell fresh receiver processes and a sender, and 100 ms of waiting for silence;
* floor: the same system calls in one process, with nobody to coordinate and nothing proved;
* sockmatrix: `sockmatrix.measure` with its roles, fences, controls and repetitions, one lab a processor.

The rounds alternate between the two fast ones, so that a busy machine slows both. Everything runs inside
private network namespaces; without them there is nothing to compare.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

from sockmatrix.measure import Lanes, Requests
from sockmatrix.selection import Selection, select
from sockmatrix.target import LocalTarget, ProbeOptions

HERE = Path(__file__).resolve().parent
PATTERN = "loopback-broadcast receivers=3 broadcast=on every.reuse=addr,addr+port"
SOURCE_PORTS = 4
REPEAT = 12
PLAIN_CELLS = 10


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    selection = select(patterns=[PATTERN])
    ours, floor = [], []
    for _ in range(arguments.rounds):
        ours.append(sockmatrix(selection))
        floor.append(script("floor.py", selection, REPEAT))
    plain = script(
        "plain.py", Selection(selection.plans, selection.cells[:: len(selection.cells) // PLAIN_CELLS]), 1
    )
    ratio = statistics.median(mine / theirs for mine, theirs in zip(ours, floor, strict=True))
    result = {
        "processors": len(os.sched_getaffinity(0)),
        "cells_per_second": round(statistics.median(ours)),
        "floor_cells_per_second": round(statistics.median(floor)),
        "plain_cells_per_second": round(plain, 2),
        "times_faster_than_plain": round(statistics.median(ours) / plain),
        "times_slower_than_floor": round(1 / ratio, 2),
    }
    if arguments.json:
        print(json.dumps(result))
        return
    print(f"three receivers, {SOURCE_PORTS} source ports, {result['processors']} processors")
    for name, key, beside in (
        ("plain script", "plain_cells_per_second", ""),
        ("sockmatrix", "cells_per_second", f"{result['times_faster_than_plain']} times the plain script"),
        (
            "floor",
            "floor_cells_per_second",
            f"sockmatrix takes {result['times_slower_than_floor']} times as long",
        ),
    ):
        print(f"  {name:<14}{result[key]:>9} cells/s  {beside}".rstrip())


def sockmatrix(selection: Selection) -> float:
    """Return the cells measured in a second; starting the lanes is not counted."""
    requests = Requests({plan.table.name: plan.table.scenario for plan in selection.plans})
    options = ProbeOptions(lab="private", source_ports=SOURCE_PORTS)
    processors = len(os.sched_getaffinity(0))
    with Lanes(requests, LocalTarget(), options, processors, repeat=1, seed=1) as lanes:
        list(lanes.run(selection.cells))  # starts the roles of every lane
        lanes.repeat = REPEAT
        started = time.perf_counter()
        measured = sum(len(block.seen) for block in lanes.run(selection.cells))
        return REPEAT * measured / (time.perf_counter() - started)


def script(name: str, selection: Selection, repeat: int) -> float:
    """Return the cells that one of the scripts beside this one does in a second."""
    cells = []
    for cell in selection.cells:
        scenario = next(plan.table.scenario for plan in selection.plans)
        cells.append(scenario.steps(cell))
    done = subprocess.run(
        [sys.executable, str(HERE / name)],
        input=json.dumps({"cells": cells, "repeat": repeat, "ports": SOURCE_PORTS}),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return float(done.stdout)


if __name__ == "__main__":
    main()
