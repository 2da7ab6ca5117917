"""`sockmatrix repro CELL --as LANGUAGE`: a program for a bug report that shows what a cell shows."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from sockmatrix.cli import UsageError
from sockmatrix.commands.options import examples
from sockmatrix.commands.runs import read_runs, tell_incomplete, write_output
from sockmatrix.exitcode import ExitCode, verdict
from sockmatrix.render.escape import printable
from sockmatrix.selection import SelectionError, look_up
from sockmatrix.wording import cell_headline

if TYPE_CHECKING:
    import argparse

    from sockmatrix.cell import Cell
    from sockmatrix.runfile import Run

LANGUAGES = {
    "python": "a program in Python",
    "c": "a program in C",
    "socat": "a script with socat",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this command."""
    parser.add_argument(
        "cell", metavar="CELL", help="the id of a cell; `sockmatrix list --cells` has them"
    )
    parser.add_argument(
        "--as", dest="language", choices=tuple(LANGUAGES), default="python", help="default: python"
    )
    parser.add_argument(
        "--run", metavar="RUN", help="say in the header what this run recorded of the cell"
    )
    parser.add_argument("-o", "--output", metavar="FILE", type=Path, help="write to FILE")
    parser.epilog = examples(
        (
            "sockmatrix repro fan-out/dest:if4/A:any4.addr/B:any4.addr -o repro.py",
            "who of two hears unicast: run it with `python3 repro.py`",
        ),
        (
            "sockmatrix repro 'peers/case:pktinfo/to:lobcast' --as c -o repro.c",
            "the same kind of program in C",
        ),
    )


def main(arguments: argparse.Namespace) -> ExitCode:
    """Write the program."""
    from sockmatrix import repro

    try:
        table, cell = look_up(arguments.cell)
        runs = read_runs([arguments.run] if arguments.run else [])
        recorded = [_recorded(name, run, cell) for name, run in runs.items()]
        program = repro.resolve(table, cell, *recorded)
        file = arguments.output.name if arguments.output else ""
        text = repro.LANGUAGES[arguments.language](program, file)
    except SelectionError as error:
        raise UsageError(str(error)) from error
    except repro.Inexpressible as error:
        raise UsageError(f"{LANGUAGES[arguments.language]} cannot express {error}") from error
    write_output(text, arguments.output)
    code = tell_incomplete(runs.values())
    if code is not ExitCode.EXPECTED:
        print(verdict(code), file=sys.stderr)
    return code


def _recorded(name: str, run: Run, cell: Cell) -> tuple[str, str]:
    """Return the platform of a run, and its headline for a cell. Raises UsageError."""
    path = printable(str(run.path))
    line = run.cells.get(cell.id)
    if line is None:
        raise UsageError(f"{path} has nothing of this cell")
    if line.v != cell.version:
        raise UsageError(f"what the cell means has changed since {path} was made; measure it again")
    return printable(name), printable(cell_headline(cell, line))
