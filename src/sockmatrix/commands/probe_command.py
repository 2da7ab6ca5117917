"""`sockmatrix probe`: the probe as one file, and what it is to measure, for a machine without us."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from sockmatrix.cli import UsageError
from sockmatrix.commands.options import add_selection, examples, positive, selected
from sockmatrix.exitcode import ExitCode
from sockmatrix.files import write_whole
from sockmatrix.labs import LABS, PLAIN
from sockmatrix.measure import BLOCK, Requests
from sockmatrix.replay import requests
from sockmatrix.targets import zipapp

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from sockmatrix.selection import Selection

_REPEAT = 3


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this command."""
    add_selection(parser)
    parser.add_argument(
        "--export", type=Path, metavar="FILE", help="write the probe: one file, for Python 3.9 or newer"
    )
    parser.add_argument(
        "--cells", type=Path, metavar="FILE", help="write the cells that it is to measure"
    )
    parser.add_argument(
        "--lab",
        choices=tuple(LABS),
        default=PLAIN,
        metavar="LAB",
        help=f"those of one lab: {', '.join(LABS)} (default: {PLAIN})",
    )
    parser.add_argument(
        "--repeat", type=positive, default=_REPEAT, metavar="N", help="repetitions (default: 3)"
    )
    parser.epilog = examples(
        ("sockmatrix probe --export probe.pyz --cells cells.jsonl", "two files to copy"),
        ("sockmatrix probe --cells hosts.jsonl --lab hosts-2", "the cells of another lab"),
    )


def main(arguments: argparse.Namespace) -> ExitCode:
    """Write the files, and say what to do with them."""
    if not arguments.export and not arguments.cells:
        raise UsageError("--export FILE writes the probe, --cells FILE what it is to measure")
    try:
        if arguments.export:
            write_whole(arguments.export, zipapp.build())
        if arguments.cells:
            selection = selected(arguments)
            blocks = list(_blocks(selection, arguments.lab))
            if not blocks:
                raise UsageError(f"none of these cells is measured in the lab {arguments.lab}")
            write_whole(arguments.cells, requests(blocks, repeat=arguments.repeat, seed=1))
    except OSError as error:
        raise UsageError(f"cannot write {error.filename}: {error.strerror}") from error
    probe, cells = arguments.export or "PROBE", arguments.cells or "CELLS"
    layout = "" if arguments.lab == PLAIN else f" --layout {arguments.lab}"
    print(
        f"there  python3 {probe}{layout} < {cells} > observations.jsonl\n"
        "here   sockmatrix import observations.jsonl",
        file=sys.stderr,
    )
    return ExitCode.EXPECTED


def _blocks(selection: Selection, lab: str) -> Iterator[tuple[list[bytes], list[bytes]]]:
    """Yield operations and cells, as many as are measured at a time."""
    encoder = Requests({plan.table.name: plan.table.scenario for plan in selection.plans})
    cells = [cell for cell in selection.cells if cell.lab == lab]
    for start in range(0, len(cells), BLOCK):
        told = len(encoder.operations)
        lines = encoder.lines(cells[start : start + BLOCK])
        yield encoder.operations[told:], lines
