"""`sockmatrix predict RUN`: what the reference model of Linux explains of a run, and what it does not."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

from sockmatrix import table
from sockmatrix.cli import UsageError
from sockmatrix.commands.options import add_selection, examples, selected
from sockmatrix.commands.runs import tell_incomplete
from sockmatrix.exitcode import ExitCode, verdict, worst
from sockmatrix.predict import STACK, agreements
from sockmatrix.render import markdown, text
from sockmatrix.render.escape import printable
from sockmatrix.render.screen import Screen
from sockmatrix.render.values import Grid
from sockmatrix.runfile import Run, RunFileError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from sockmatrix.predict import Agreement

SHOWN = 40
"""So many unexplained cells are listed, unless all are asked for."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this command."""
    parser.add_argument("run", metavar="RUN", help="a run file of Linux, plain or gzip")
    add_selection(parser)
    parser.add_argument("--all", action="store_true", help=f"list every cell, not only {SHOWN}")
    parser.add_argument("--format", choices=("text", "markdown"), default="text")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.epilog = examples(
        ("sockmatrix predict linux.jsonl", "how much follows from the kernel's source"),
        ("sockmatrix predict linux.jsonl --table device --all", "every unexplained cell of a table"),
    )


def main(arguments: argparse.Namespace) -> ExitCode:
    """Predict every cell of the run, and print where it turned out otherwise."""
    try:
        run = Run.read(arguments.run)
    except RunFileError as error:
        raise UsageError(str(error)) from error
    stack = run.header.platform.stack
    if stack != STACK:
        raise UsageError(f"there is a model of {STACK} only; {arguments.run} is of {printable(stack)}")
    selection = selected(arguments)
    scenarios = {name: one.scenario for name, one in table.load_all().items()}
    try:
        found = agreements(run, selection.cells, scenarios)
    except ValueError as error:
        raise UsageError(printable(str(error))) from error
    if arguments.json:
        print(json.dumps(_value(found), indent=1))
    else:
        sys.stdout.write(_report(found, arguments))
    code = worst(tell_incomplete([run]), ExitCode.EXPECTED if found else ExitCode.NOTHING)
    if code is not ExitCode.EXPECTED:
        print(verdict(code), file=sys.stderr)
    return code


def _report(found: Sequence[Agreement], arguments: argparse.Namespace) -> str:
    wrong = [one for agreement in found for one in agreement.unexplained]
    counts = Grid(
        "Predicted",
        "How many cells turned out as the reference model of Linux says, in every facet?",
        ("table",),
        ("cells", "as predicted", "unexplained", "told nothing"),
        tuple(
            (
                (one.table,),
                (str(one.cells), str(one.predicted), str(len(one.unexplained)), str(one.silent)),
            )
            for one in found
        ),
    )
    shown = wrong if arguments.all else wrong[:SHOWN]
    cells = Grid(
        "Unexplained",
        "Which did not, and in what?",
        ("cell",),
        ("predicted and measured",),
        tuple(((one.cell.id,), (printable("; ".join(one.problems)),)) for one in shown),
    )
    if arguments.format == "markdown":
        parts = [markdown.listing(counts)] + [markdown.listing(cells)] * bool(shown)
    else:
        screen = Screen.of(sys.stdout)
        parts = [text.listing(counts, screen)] + [text.listing(cells, screen)] * bool(shown)
    if len(shown) < len(wrong):
        parts.append(f"{len(wrong) - len(shown)} more; --all lists them\n")
    total = sum(one.cells for one in found)
    predicted = sum(one.predicted for one in found)
    parts.append(f"{predicted} of {total} cells are as predicted, {len(wrong)} unexplained.\n")
    return "\n".join(parts)


def _value(found: Sequence[Agreement]) -> object:
    return [
        {
            "table": one.table,
            "cells": one.cells,
            "predicted": one.predicted,
            "told nothing": one.silent,
            "unexplained": {wrong.cell.id: list(wrong.problems) for wrong in one.unexplained},
        }
        for one in found
    ]
