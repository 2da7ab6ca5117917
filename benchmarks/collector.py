"""How long do commands on run files take? Ratios, taken in one run, to reading the same files with json.

    python benchmarks/collector.py [--rounds N] [--json]

The files are two runs of 50,000 cells, made of the committed run: in the second one spreads have other
amounts, as in every measurement, and some cells turned out otherwise: those that one or two commits to a
kernel change, or, for the worst of cases, thousands in a dozen tables.

* plain json: a program that reads both files, every line with `json.loads`, and does nothing with them;
* diff: the whole command, with start-up, groups and output;
* start-up: `sockmatrix --help` and `sockmatrix diff --help`, beside `python -c pass`.

The rounds alternate between all of them, so that a busy machine slows them alike.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import msgspec

from sockmatrix import content, pattern
from sockmatrix.catalogue import Catalogue
from sockmatrix.runfile import Footer, Run
from sockmatrix.runwriter import RunWriter

CELLS = 50_000

READ = "import json, sys\nfor name in sys.argv[1:]:\n  for line in open(name, 'rb'): json.loads(line)"

UPGRADE = (
    "table=loopback-broadcast dest=lonet",
    "table=crowd-wildcard last=any4,any6",
)
"""The cells that 94c821c74bf5 and e537dd15d0d4 change (matrix/changes.toml), or nearly so: patterns."""

WIDE = (
    "table=bind-conflicts,users transport=tcp A.bind=any6",
    "table=loopback-broadcast dest=lobcast every.reuse=addr,port",
    "table=fan-out dest=group4 some.join=none",
    "table=dual-stack options=addr first=any6,mapped-any",
    "table=hosts,peers,local-range to=limited,lobcast",
    "table=multicast-membership,multicast6,tcp-listeners,unicast-choice options=port",
    "table=option-timing before=none",
)
"""Cells all over the matrix."""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        place = Path(directory)
        changed = write(place / "upgrade", UPGRADE)
        wide = write(place / "wide", WIDE)
        files, wide_files = (
            [str(place / pair / name) for name in ("before.jsonl", "after.jsonl")]
            for pair in ("upgrade", "wide")
        )
        tool = ["-m", "sockmatrix"]
        programs = {
            "pass": ["-c", "pass"],
            "help": [*tool, "--help"],
            "diff_help": [*tool, "diff", "--help"],
            "json": ["-c", READ, *files],
            "diff": [*tool, "diff", *files],
            "wide": [*tool, "diff", *wide_files],
        }
        times: dict[str, list[float]] = {name: [] for name in programs}
        for _ in range(arguments.rounds):
            for name, words in programs.items():
                times[name].append(seconds(words))
    found = {name: statistics.median(own) for name, own in times.items()}

    def ratio(one: str, other: str) -> float:
        pairs = zip(times[one], times[other], strict=True)
        return round(statistics.median(a / b for a, b in pairs), 2)

    result: dict[str, Any] = {
        "cells": CELLS,
        "changed": changed,
        "changed_wide": wide,
        **{f"{name}_seconds": round(value, 3) for name, value in found.items()},
        "diff_to_json": ratio("diff", "json"),
        "wide_to_json": ratio("wide", "json"),
        "help_to_pass": ratio("help", "pass"),
        "diff_help_to_pass": ratio("diff_help", "pass"),
    }
    if arguments.json:
        print(json.dumps(result))
        return
    print(f"two runs of {CELLS} cells")
    for name, key, beside in (
        ("plain json", "json", "reads both files"),
        (
            "diff",
            "diff",
            f"{result['diff_to_json']} times plain json; {changed} cells changed, by two commits",
        ),
        ("diff", "wide", f"{result['wide_to_json']} times plain json; {wide} changed, in a dozen tables"),
        ("python", "pass", "-c pass"),
        ("--help", "help", f"{result['help_to_pass']} times python -c pass"),
        ("diff --help", "diff_help", f"{result['diff_help_to_pass']} times python -c pass"),
    ):
        print(f"  {name:<14}{found[key]:>7.3f} s  {beside}")


def seconds(words: list[str]) -> float:
    """Return the wall time of a program in this Python."""
    started = time.perf_counter()
    subprocess.run(
        [sys.executable, *words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False
    )
    return time.perf_counter() - started


def write(place: Path, patterns: tuple[str, ...]) -> int:
    """Write both runs, in which the cells of some patterns changed; return how many those are."""
    place.mkdir()
    path = content.runs() / "linux-6.18.44-x86_64.jsonl.gz"
    run = Run.read(path)
    catalogue = Catalogue()
    wanted = [pattern.parse(text) for text in patterns]
    before: list[Any] = []
    after: list[Any] = []
    changed = 0
    for name, line in run.cells.items():
        cell = catalogue.cell(name)
        if cell is None or len(before) == CELLS:
            continue
        before.append(line)
        other = remeasured(line)
        if any(one.matches(cell) for one in wanted):
            other = otherwise(other)
        changed += not line.agrees(other)
        after.append(other)
    platform = msgspec.structs.replace(run.header.platform, release="6.19.3")
    for name, lines, own in (
        ("before.jsonl", before, run.header.platform),
        ("after.jsonl", after, platform),
    ):
        header = msgspec.structs.replace(run.header, platform=own, planned=CELLS)
        with RunWriter.create(place / name, header) as writer:
            writer.write(lines)
            writer.finish(Footer(ended="complete"))
    return changed


def remeasured(line: Any) -> Any:
    """Return a cell as another measurement has it: other amounts where these are chance."""
    if not any(one.word == "spread" for one in line.delivery.values()):
        return line
    delivery = {
        label: msgspec.structs.replace(
            one,
            heard={role: amount + place + 1 for place, (role, amount) in enumerate(one.heard.items())},
        )
        for label, one in line.delivery.items()
    }
    return msgspec.structs.replace(line, delivery=delivery)


def otherwise(line: Any) -> Any:
    """Return a cell that turned out otherwise: what was refused opens, what all heard nobody hears."""
    if line.failed:
        return msgspec.structs.replace(line, failed={}, open=line.open + len(line.failed))
    delivery = {
        label: msgspec.structs.replace(one, word="none", heard={}, place="", by="")
        for label, one in line.delivery.items()
    }
    return msgspec.structs.replace(line, delivery=delivery)


if __name__ == "__main__":
    main()
