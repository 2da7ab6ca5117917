"""Measure in a virtual machine in which only Python is: before it, and after it.

`python ci/guest.py prepare guest` writes probe.pyz, cells.jsonl and measure.sh to guest/; `sh
guest/measure.sh` in the guest writes guest/observations.jsonl; `python ci/guest.py collect guest RUN`
makes a run file of them.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

import common

SCRIPT = """\
#!/bin/sh
# In the guest: the newest Python that is there measures. A throw-away machine: what may leave it may.
set -eu
cd "$(dirname "$0")"
for python in python3 python3.13 python3.12 python3.11 python3.10 python3.9; do
    if command -v "$python" >/dev/null; then break; fi
done
"$python" probe.pyz --lab host --allow-lan <cells.jsonl >observations.jsonl
"""


def main(words: list[str] | None = None) -> int:
    """Do one half."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    halves = parser.add_subparsers(dest="half", required=True)
    prepare = halves.add_parser("prepare")
    prepare.add_argument("directory", type=Path)
    prepare.add_argument("--table", action="append", default=[])
    collect = halves.add_parser("collect")
    collect.add_argument("directory", type=Path)
    collect.add_argument("run", type=Path)
    arguments = parser.parse_args(words)
    place: Path = arguments.directory
    if arguments.half == "prepare":
        place.mkdir(parents=True, exist_ok=True)
        (place / "measure.sh").write_text(SCRIPT, encoding="ascii", newline="\n")
        options = ["--export", str(place / "probe.pyz"), "--cells", str(place / "cells.jsonl")]
        options += [word for name in arguments.table for word in ("--table", name)]
        return subprocess.run([*common.sockmatrix(), "probe", *options], check=False).returncode
    arguments.run.parent.mkdir(parents=True, exist_ok=True)
    source = str(place / "observations.jsonl")
    command = [*common.sockmatrix(), "import", source, "-o", str(arguments.run)]
    status = subprocess.run(command, check=False).returncode
    measured = arguments.run.exists() and status in (0, 3)
    common.output(run=arguments.run.as_posix(), measured=str(measured).lower())
    return 0 if measured else 1


if __name__ == "__main__":
    sys.exit(main())
