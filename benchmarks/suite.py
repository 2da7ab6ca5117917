"""How much does the pytest suite cost beside `sockmatrix check`? Ratios, taken in turns.

    python benchmarks/suite.py [--table NAME] [--rounds N] [--workers N]

Both measure the same cells of this machine against the same baseline, in the same number of labs,
start-up and all, after a first time that leaves compiled modules. The rounds alternate, so that a busy
machine slows all alike.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from sockmatrix.commands.measuring import lanes_here
from sockmatrix.selection import select

INI = Path(__file__).resolve().parents[1] / "ci" / "behaviour.ini"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--table", default="loopback-broadcast")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--workers", type=int, default=lanes_here(fresh=False))
    arguments = parser.parse_args()
    cells = len(select([arguments.table]).cells)
    suite = ["pytest", "-c", str(INI), "-q", "-p", "no:cacheprovider", "--pyargs", "sockmatrix.suite"]
    suite += ["--sockmatrix-table", arguments.table]
    ways = {
        "sockmatrix check": ["sockmatrix", "check", "--table", arguments.table],
        "pytest, one process": suite,
        f"pytest -n {arguments.workers}": [*suite, "-n", str(arguments.workers)],
    }
    taken: dict[str, list[float]] = {name: [] for name in ways}
    with tempfile.TemporaryDirectory() as compiled:
        for round_ in range(arguments.rounds + 1):
            for name, words in ways.items():
                told = seconds(words, compiled)
                if round_:
                    taken[name].append(told)
    first = statistics.median(taken["sockmatrix check"])
    print(f"{arguments.table}: {cells} cells, {arguments.workers} labs, median of {arguments.rounds}")
    for name, values in taken.items():
        median = statistics.median(values)
        more = (median - first) / cells * 1000
        beside = f"  {median / first:.2f} times, {more:.2f} ms a cell more" if more else ""
        print(f"  {name:<20}{median:7.1f} s{beside}")


def seconds(words: list[str], compiled: str) -> float:
    """Return how long a command takes, in a directory of its own. A failure ends it."""
    plain = ("PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED")
    given = {key: value for key, value in os.environ.items() if key not in plain}
    with tempfile.TemporaryDirectory() as place:
        began = time.monotonic()
        done = subprocess.run(
            [sys.executable, "-m", *words],
            env={**given, "PYTHONPYCACHEPREFIX": compiled},
            cwd=place,
            capture_output=True,
            text=True,
            check=False,
        )
        taken = time.monotonic() - began
    if done.returncode not in (0, 1):  # changed is measured, too
        sys.exit(f"{' '.join(words)}: {done.stdout[-2000:]}{done.stderr[-2000:]}")
    return taken


if __name__ == "__main__":
    main()
