"""`sockmatrix repro CELL --as LANGUAGE`: a program for a bug report that shows what a cell shows."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sockmatrix.cli import UsageError
from sockmatrix.commands.options import examples
from sockmatrix.commands.runs import write_output
from sockmatrix.exitcode import ExitCode
from sockmatrix.render.escape import printable
from sockmatrix.runfile import Run, RunFileError
from sockmatrix.selection import SelectionError, look_up
from sockmatrix.wording import cell_headline

if TYPE_CHECKING:
    import argparse

    from sockmatrix.cell import Cell


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
        recorded = _recorded(arguments.run, cell) if arguments.run else None
        program = repro.resolve(table, cell, recorded)
        file = arguments.output.name if arguments.output else ""
        text = repro.LANGUAGES[arguments.language](program, file)
    except SelectionError as error:
        raise UsageError(str(error)) from error
    except repro.Inexpressible as error:
        raise UsageError(f"{LANGUAGES[arguments.language]} cannot express {error}") from error
    write_output(text, arguments.output)
    return ExitCode.EXPECTED


def _recorded(path: str, cell: Cell) -> tuple[str, str]:
    """Return the platform of a run, and its headline for a cell. Raises UsageError."""
    try:
        run = Run.read(path)
    except RunFileError as error:
        raise UsageError(str(error)) from error
    line = run.cells.get(cell.id)
    if line is None:
        raise UsageError(f"{path} has nothing of this cell")
    if line.v != cell.version:
        raise UsageError(f"what the cell means has changed since {path} was made; measure it again")
    return printable(run.header.platform.name), printable(cell_headline(cell, line))
