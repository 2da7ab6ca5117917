"""`sockmatrix lint`: what is wrong with the tables and claims, a line for each problem."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from sockmatrix import lint
from sockmatrix.commands.options import examples
from sockmatrix.exitcode import ExitCode
from sockmatrix.render.escape import printable

if TYPE_CHECKING:
    import argparse

    from sockmatrix.lint import Report
    from sockmatrix.part import TableError

_LONGEST = 1000  # characters of a line


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this command."""
    parser.add_argument(
        "directory",
        nargs="?",
        type=Path,
        metavar="DIRECTORY",
        help="tables, axes.toml and claims/ (those of this installation)",
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.epilog = examples(
        ("sockmatrix lint", "patterns without cells, claims without citation, expired exceptions, ..."),
        ("sockmatrix lint --json", "the same for a program; status 1 if anything is wrong"),
    )


def main(arguments: argparse.Namespace) -> ExitCode:
    """Check, print what is wrong, and return 1 if anything is."""
    report = lint.check(arguments.directory)
    if arguments.json:
        print(json.dumps(_value(report), indent=1, ensure_ascii=False))
    else:
        for problem in report.problems:
            print(printable(f"{_short(problem.file)}: {_text(problem)}", _LONGEST))
        print(_summary(report))
    return ExitCode.CHANGED if report.problems else ExitCode.EXPECTED


def _text(problem: TableError) -> str:
    return ": ".join(filter(None, (problem.where, problem.problem)))


def _short(file: Path) -> Path:
    """Return a file as seen from here, if it is below."""
    try:
        return file.relative_to(Path.cwd())
    except ValueError:
        return file


def _summary(report: Report) -> str:
    looked = (
        f"{report.tables} tables with {report.cells} cells, {report.claims} claims,"
        f" {report.disagreements} disagreements, {report.changes} known changes,"
        f" {report.exceptions} exceptions"
    )
    if not report.problems:
        return f"{looked}: nothing wrong"
    count = len(report.problems)
    return f"{looked}: {count} {'problem' if count == 1 else 'problems'}"


def _value(report: Report) -> object:
    return {
        "tables": report.tables,
        "cells": report.cells,
        "claims": report.claims,
        "disagreements": report.disagreements,
        "exceptions": report.exceptions,
        "changes": report.changes,
        "problems": [
            {"file": str(_short(one.file)), "where": one.where, "problem": one.problem}
            for one in report.problems
        ],
    }
