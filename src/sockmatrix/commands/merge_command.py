"""`sockmatrix merge RUN... -o FILE`: runs of one platform, measured in parts or again, as one run."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from sockmatrix.cli import UsageError
from sockmatrix.commands.options import examples
from sockmatrix.commands.runs import read_runs, tell_incomplete
from sockmatrix.exitcode import ExitCode, verdict
from sockmatrix.merging import MergeError, merge
from sockmatrix.render.escape import printable
from sockmatrix.runfile import RunFileError
from sockmatrix.runwriter import write_run

if TYPE_CHECKING:
    import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this command."""
    parser.add_argument("runs", nargs="+", metavar="RUN", help="a run file, plain or gzip")
    parser.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        type=Path,
        required=True,
        help="write the run to FILE, compressed if its name ends in .gz",
    )
    parser.epilog = examples(
        ("sockmatrix merge udp.jsonl tcp.jsonl -o linux.jsonl.gz", "measured in parts"),
        ("sockmatrix merge monday.jsonl tuesday.jsonl -o both.jsonl", "what is not steady?"),
    )


def main(arguments: argparse.Namespace) -> ExitCode:
    """Merge the runs, and say what became of them."""
    runs = list(read_runs(arguments.runs).values())
    try:
        merged = merge(runs)
        write_run(arguments.output, [merged.header, *merged.cells, merged.footer])
    except (MergeError, RunFileError) as error:
        raise UsageError(str(error)) from error
    except OSError as error:
        raise UsageError(f"cannot write {printable(str(arguments.output))}: {error.strerror}") from error
    name, output = printable(merged.header.platform.name), printable(str(arguments.output))
    print(
        f"{output}: {len(merged.cells)} cells of {name}, {merged.again} of them measured more than once,"
        f" {merged.footer.counts.get('unstable', 0)} unstable"
    )
    tell_incomplete(runs)
    code = ExitCode.EXPECTED if merged.complete else ExitCode.INCONCLUSIVE
    if not merged.cells:
        code = ExitCode.NOTHING
    if code is not ExitCode.EXPECTED:
        few = f"{merged.missing} cells are in none of them, so far as can be told"
        print(verdict(code, few if merged.missing else ""), file=sys.stderr)
    return code
