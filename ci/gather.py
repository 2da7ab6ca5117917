"""Make one report of the runs of many platforms: `site/`, and `changes.json` with a group a change.

    python ci/gather.py ARTIFACTS --site site --changes changes.json [--baselines reports/runs]

ARTIFACTS holds run files at any depth. Those of one platform are merged; a page and tables are made of
all; each is held against its baseline. Outputs `platforms` and `changed`: how many there are.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import common

MOST = 50  # groups of a platform that become issues: more are one change of another kind


def main(words: list[str] | None = None) -> int:
    """Gather."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("artifacts", type=Path)
    parser.add_argument("--site", type=Path, required=True)
    parser.add_argument("--changes", type=Path, required=True)
    parser.add_argument("--baselines", type=Path)
    arguments = parser.parse_args(words)
    runs = sorted([*arguments.artifacts.rglob("*.jsonl.gz"), *arguments.artifacts.rglob("*.jsonl")])
    if not runs:
        common.note("error", f"there is no run file below {arguments.artifacts}")
        return 4
    kept = merged(runs, arguments.site / "runs")
    status = pages(kept, arguments.site)
    if status not in (0, 3):
        return status
    changes: list[dict[str, Any]] = []
    said = ["## Measured", ""]
    for run in kept:
        verdict, own = changed(run, arguments.baselines)
        said.append(f"- {named(run)}: {verdict}")
        changes += own
    common.summary("\n".join(said) + "\n")
    arguments.changes.write_text(json.dumps(changes, indent=1) + "\n", encoding="utf-8")
    common.output(platforms=str(len(kept)), changed=str(len(changes)))
    return 0


def named(run: Path) -> str:
    """Return the name of the platform that a run file is named after."""
    return run.name.removesuffix(".gz").removesuffix(".jsonl")


def merged(runs: list[Path], place: Path) -> list[Path]:
    """Merge the runs of each platform into one file in `place`, named after it; return those."""
    place.mkdir(parents=True, exist_ok=True)
    groups: dict[str, list[Path]] = {}
    for run in runs:
        groups.setdefault(named(run), []).append(run)
    kept = []
    for name, found in groups.items():
        own = {run.read_bytes(): run for run in found}.values()  # a file that is there twice is one run
        target = place / f"{name}.jsonl.gz"
        if call("merge", "-o", str(target), *map(str, own)).returncode in (0, 1, 3):
            kept.append(target)
        else:
            common.note("warning", f"{name}: its runs cannot be merged")
    return kept


def pages(runs: list[Path], site: Path) -> int:
    """Write the page of all, and the tables of each; return the worst status that is an error."""
    names = [str(run) for run in runs]
    done = [call("report", *names, "--format", "html", "-o", str(site / "index.html"))]
    for run in runs:
        target = site / f"{named(run)}.md"
        done.append(call("report", str(run), "--format", "markdown", "-o", str(target)))
    return max((one.returncode for one in done if one.returncode not in (0, 3)), default=0)


def changed(run: Path, baselines: Path | None) -> tuple[str, list[dict[str, Any]]]:
    """Hold a run against its baseline: the verdict, and the groups that differ and nothing explains."""
    options = ["--baselines", str(baselines)] if baselines else []
    done = call("check", "--run", str(run), "--json", *options)
    if not done.stdout:
        return "there is no baseline for this platform", []
    told = json.loads(done.stdout)
    found = [one for one in told["groups"] if one["fate"] == "unexpected"]
    if len(found) > MOST:
        rest = sum(one["cells"] for one in found[MOST:])
        common.note("warning", f"{named(run)}: {rest} more cells changed, in {len(found) - MOST} groups")
    return told["verdict"], [
        {
            "name": named(run),
            "platform": told["run"].partition(",")[0],
            "pattern": one["pattern"],
            "cells": one["cells"],
            "changes": one["changes"],
            "baseline": told["baseline"],
        }
        for one in found[:MOST]
    ]


def call(*words: str) -> subprocess.CompletedProcess[str]:
    """Run sockmatrix; what it complains of is shown."""
    done = subprocess.run(
        [*common.sockmatrix(), *words], capture_output=True, text=True, encoding="utf-8", check=False
    )
    sys.stderr.write(done.stderr)
    return done


if __name__ == "__main__":
    sys.exit(main())
