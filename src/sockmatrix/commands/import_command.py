"""`sockmatrix import`: make a run file of what a probe wrote somewhere else."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sockmatrix.commands.importing import take_in
from sockmatrix.commands.options import examples
from sockmatrix.exitcode import ExitCode, verdict
from sockmatrix.render.escape import printable

if TYPE_CHECKING:
    import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this command."""
    parser.add_argument(
        "file",
        nargs="+",
        type=Path,
        metavar="FILE",
        help="what the probe wrote, on one machine, in one lab or several",
    )
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="the run file (.gz: gzip)")
    parser.epilog = examples(
        ("sockmatrix import observations.jsonl", "makes a run file, and names it"),
        ("sockmatrix import plain.jsonl hosts.jsonl -o mac.jsonl", "of one machine"),
    )


def main(arguments: argparse.Namespace) -> ExitCode:
    """Import."""
    recording, _ = take_in(arguments.file, arguments.output, "import")
    platform = printable(recording.header.platform.name)
    print(f"{len(recording.cells)} cells of {platform}\n\nrun file  {recording.path}")
    print(verdict(recording.code))
    return recording.code
