"""Fetch Linux kernels and measure them in virtual machines, side by side, each into its own run file.

    ci/kernels [VERSION...] [--sample N] [--cache DIR] [-o DIR] [sockmatrix run's options]

    SOCKMATRIX_KERNELS    versions, where there are no arguments    (5.10 6.1 6.12 6.18 newest)
    SOCKMATRIX_SAMPLE     measure only so many cells, as --sample does
    SOCKMATRIX_CACHE      keep fetched kernels below this directory, as --cache does    (~/.cache)
    TABLES                only these tables

A kernel that cannot be fetched is measured as it is in the cache, if it is there. One that cannot be
measured costs no other its run. Status: 0 all were measured, 3 too much of it tells nothing, 4 not all
were measured, 2 wrong usage; the last line says it in words. Outputs: `runs`, the directory, and
`measured`, how many.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import common

DEFAULT = "5.10 6.1 6.12 6.18 newest"

EXPECTED, USAGE, INCONCLUSIVE, NOTHING, INTERRUPTED = 0, 2, 3, 4, 130
WORDS = {
    EXPECTED: "all were measured",
    USAGE: "wrong usage",
    INCONCLUSIVE: "all were measured, but too much of it tells nothing",
    NOTHING: "not all were measured",
    INTERRUPTED: "interrupted; what was measured is kept",
}


def main(words: list[str] | None = None) -> int:
    """Fetch, measure, tell."""
    words = sys.argv[1:] if words is None else words
    versions = list(itertools.takewhile(lambda word: not word.startswith("-"), words))
    parser = argparse.ArgumentParser(
        prog="ci/kernels",
        usage="%(prog)s [VERSION...] [options]",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--sample", default=os.environ.get("SOCKMATRIX_SAMPLE", ""), metavar="N")
    parser.add_argument("--cache", type=Path, default=os.environ.get("SOCKMATRIX_CACHE"), metavar="DIR")
    parser.add_argument("--prune", action="store_true", help="keep no other kernel in the cache")
    parser.add_argument("--mirror", metavar="URL", help="as for `sockmatrix kernels fetch`")
    parser.add_argument("-o", "--output", type=Path, default=Path("runs"), metavar="DIR")
    arguments, options = parser.parse_known_args(words[len(versions) :])
    wanted = versions or os.environ.get("SOCKMATRIX_KERNELS", "").split() or DEFAULT.split()
    if arguments.sample:
        options += ["--sample", arguments.sample, "--seed", "1"]
    for table in os.environ.get("TABLES", "").split():
        options += ["--table", table]
    if arguments.cache:
        os.environ["XDG_CACHE_HOME"] = str(arguments.cache.resolve())
    fetch(wanted, arguments.mirror)
    there = cached()
    chosen = {version: newest(version) for version in wanted}
    versions = [name for name in dict.fromkeys(chosen.values()) if name]
    results, status = measure(versions, arguments.output, options) if versions else ([], NOTHING)
    failed = {version: "there is no such kernel" for version, name in chosen.items() if not name}
    failed |= {one["on"].partition("=")[2]: one["error"] for one in results if "error" in one}
    if arguments.prune:
        for name in there.keys() - {*versions}:
            shutil.rmtree(Path(there[name]) / name, ignore_errors=True)
    measured = [one for one in results if "run" in one and sum(one["counts"].values())]
    if failed and status not in (USAGE, INTERRUPTED):
        status = NOTHING
    common.output(runs=arguments.output.as_posix(), measured=str(len(measured)))
    tell(measured, failed, status)
    return status


def fetch(versions: list[str], mirror: str | None) -> None:
    """Fetch kernels into the cache; what goes wrong is said, and what is there serves."""
    command = [*common.sockmatrix(), "kernels", "fetch", *versions]
    command += ["--mirror", mirror] if mirror else []
    if subprocess.run(command, check=False).returncode:
        common.note("warning", "Not every kernel was fetched: those in the cache are measured.")


def cached(*versions: str) -> dict[str, str]:
    """Return the kernels that are there, the newest first, and the directory each is in."""
    command = [*common.sockmatrix(), "kernels", "list", *versions, "--json"]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=False)
    told = json.loads(done.stdout or b"{}")
    return {one["version"]: told["cache"] for one in told.get("kernels", ())}


def newest(version: str) -> str:
    """Return the newest kernel in the cache that is this version, empty for none."""
    return next(iter(cached(version)), "")


def measure(versions: list[str], place: Path, options: list[str]) -> tuple[list[dict[str, Any]], int]:
    """Measure kernels side by side; return what is told of each, and the status."""
    place.mkdir(parents=True, exist_ok=True)
    command = [*common.sockmatrix(), "run", "--json", "-o", str(place), *options]
    command += [word for version in versions for word in ("--on", f"kernel={version}")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, encoding="utf-8") as child:
        try:
            text, _ = child.communicate()
        except KeyboardInterrupt:  # it has been told, too, and writes what it has
            text, _ = child.communicate()
    status = child.returncode
    if not text:
        reason = "sockmatrix run said above why not"
        return [{"on": f"kernel={version}", "error": reason} for version in versions], status
    told = json.loads(text)
    return told.get("runs", [{"on": f"kernel={versions[0]}", **told}]), status


def tell(measured: list[dict[str, Any]], failed: dict[str, str], status: int) -> None:
    """Say what came of each kernel, here and in the summary of the job, and last how it ended."""
    said = ["## Kernels", ""]
    for one in measured:
        counts = one["counts"]
        doubts = ", ".join(
            f"{counts[word]} {word}" for word in ("inconclusive", "unstable") if word in counts
        )
        cells = f"{sum(counts.values())} of {one['planned']} cells in {one['seconds']:.0f} s"
        said.append(f"- {one['platform']}: {cells}{f' ({doubts})' if doubts else ''}")
    said += [f"- {version}: not measured: {reason}" for version, reason in failed.items()]
    total = len(measured) + len(failed)
    last = (
        f"exit {status}: {WORDS.get(status, 'sockmatrix run failed')}; {len(measured)} of {total} kernels"
    )
    if status not in (EXPECTED, INTERRUPTED):
        common.note("error" if status != INCONCLUSIVE else "warning", last)
    common.summary("\n".join([*said, "", last]))
    if "GITHUB_STEP_SUMMARY" in os.environ:  # else it was printed
        print(last)


if __name__ == "__main__":
    sys.exit(main())
