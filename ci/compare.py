"""Hold a run against its baseline and add to the job summary; outputs `exit` and `verdict`.

    python ci/compare.py RUN [--baseline FILE] [--fail-on-change] [sockmatrix check's options]

Without --fail-on-change it fails only for wrong usage: what changed is in the summary and in the outputs.
With it, too if behaviour changed or nothing could be compared; what could not be told is a warning.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import common

USAGE, INCONCLUSIVE = 2, 3


def main(words: list[str] | None = None) -> int:
    """Compare."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("run", type=Path)
    parser.add_argument("--baseline", default="auto")
    parser.add_argument("--fail-on-change", action="store_true")
    arguments, options = parser.parse_known_args(words)
    with tempfile.TemporaryDirectory() as place:
        page = Path(place, "summary.md")
        command = [*common.sockmatrix(), "check", "--run", str(arguments.run), "--json"]
        command += ["--baseline", arguments.baseline, "--markdown", str(page), *options]
        done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=False)
        sys.stderr.write(done.stderr)
        status, text = done.returncode, page.read_text(encoding="utf-8") if page.exists() else ""
    if status == USAGE and arguments.baseline == "auto" and "no run to compare" in done.stderr:
        # The first run of a platform: that is news, and no fault.
        reason = done.stderr.strip().splitlines()[-1]
        common.summary(f"## No baseline for {arguments.run.name}\n\n{reason}\n")
        common.output(exit="4", verdict="there is no baseline for this platform")
        return 0
    verdict = json.loads(done.stdout)["verdict"] if done.stdout else done.stderr.strip()
    if text:
        common.summary(text)
    common.output(exit=str(status), verdict=verdict.replace("\n", " "))
    ends = end(status, fail=arguments.fail_on_change or not done.stdout)  # without output: it broke
    if status:
        common.note("error" if ends else "warning", verdict)
    return ends


def end(status: int, *, fail: bool) -> int:
    """Return what the step ends with, of what the comparison ended with."""
    if status == USAGE:
        return status
    return status if fail and status != INCONCLUSIVE else 0


if __name__ == "__main__":
    sys.exit(main())
