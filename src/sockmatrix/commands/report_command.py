"""`sockmatrix report RUN...`: the matrix of one platform, or of several side by side."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from sockmatrix.cli import UsageError
from sockmatrix.columns import measured
from sockmatrix.commands.options import add_selection, examples, selected
from sockmatrix.commands.reporting import FLAT, render, sound, title
from sockmatrix.commands.runs import lasting, read_runs, tell_incomplete, write_output
from sockmatrix.exitcode import ExitCode, verdict
from sockmatrix.page.timeline import in_order
from sockmatrix.render.escape import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sockmatrix.columns import Column
    from sockmatrix.runfile import Run
    from sockmatrix.selection import Selection

FORMATS = ("text", "markdown", "csv", "json", "html")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this command."""
    parser.add_argument("runs", nargs="+", metavar="RUN", help="a run file, plain or gzip")
    add_selection(parser)
    parser.add_argument(
        "--format",
        choices=FORMATS,
        default="text",
        help="csv and json have every cell, with all facets; html is a page of its own",
    )
    parser.add_argument(
        "--html", dest="format", action="store_const", const="html", help="the same as --format html"
    )
    parser.add_argument(
        "--rules",
        action="store_true",
        help="have the page show the rules that follow from the newest run; takes many seconds",
    )
    much = parser.add_mutually_exclusive_group()
    much.add_argument("--all", action="store_true", help="fold nothing: every row, for every platform")
    much.add_argument("--differ", action="store_true", help="only where platforms part")
    parser.add_argument(
        "--documented",
        action=argparse.BooleanOptionalAction,
        help="columns of what documents say of macOS, Windows, BSD and Solaris, in quotes"
        " (default: beside several runs, and on the page)",
    )
    parser.add_argument(
        "--cells", action="store_true", help="list the selected cells, one a line, no summary"
    )
    parser.add_argument(
        "--pivot",
        metavar="ROWS,COLUMNS",
        help="a table of any axes over the selected cells, such as dest,A.reuse,B.reuse or"
        " table,platform; the last is across, and outcomes that differ are counted",
    )
    parser.add_argument("-o", "--output", metavar="FILE", type=Path, help="write to FILE")
    parser.epilog = examples(
        ("sockmatrix report linux.jsonl", "one column a set of options"),
        ("sockmatrix report *.jsonl", "where platforms part, and what is the same on all"),
        ("sockmatrix report *.jsonl --differ --cells", "every single cell in which they part"),
        ("sockmatrix report *.jsonl --html -o matrix.html", "a page in which every cell can be opened"),
        ("sockmatrix report a.jsonl --table fan-out --pivot dest,A.reuse,B.reuse", "any axes"),
    )


@lasting()
def main(arguments: argparse.Namespace) -> ExitCode:
    """Print the report."""
    if arguments.differ and len(arguments.runs) < 2:
        raise UsageError("--differ compares platforms; give the runs of at least two")
    if arguments.pivot and arguments.format in FLAT:
        raise UsageError(f"--pivot makes a table to read; {arguments.format} has every cell as it is")
    if arguments.pivot and arguments.documented:
        raise UsageError("--pivot counts what was measured; leave out --documented")
    if arguments.rules and arguments.format != "html":
        raise UsageError("--rules is for the page; `sockmatrix rules` prints them")
    selection = selected(arguments)
    page = _page(selection, arguments) if _is_page(selection, arguments) else None
    columns = measured(read_runs(arguments.runs))
    if arguments.documented is None:
        arguments.documented = len(columns) > 1 or page is not None
    text = page(columns) if page else render(columns, selection, arguments)
    write_output(text, arguments.output, exact=arguments.format in FLAT)
    code = _judge([column.run for column in columns if column.run], selection)
    if code is not ExitCode.EXPECTED:
        print(verdict(code), file=sys.stderr)
    return code


def _judge(runs: Sequence[Run], selection: Selection) -> ExitCode:
    """Say what the runs lack, and return the status that this amounts to."""
    ids = selection.ids
    without = 0
    code = tell_incomplete(runs)
    for run in runs:
        if ids.isdisjoint(run.cells):
            print(f"{printable(str(run.path))}: has none of these cells", file=sys.stderr)
            without += 1
    if without == len(runs):
        return ExitCode.NOTHING
    return code


def _is_page(selection: Selection, arguments: argparse.Namespace) -> bool:
    """Tell whether it is the page of the whole matrix that is asked for."""
    listed = arguments.all or arguments.differ or arguments.pivot or arguments.cells
    return arguments.format == "html" and selection.whole and not listed


def _page(selection: Selection, arguments: argparse.Namespace) -> Callable[[Sequence[Column]], str]:
    """Begin the page of the whole matrix, and return what ends it with the columns. Raises UsageError."""
    from sockmatrix.page.build import begin, build
    from sockmatrix.render import html

    with sound():
        begun = begin(selection)

    def page(columns: Sequence[Column]) -> str:
        with sound():
            found = build(columns, begun, rules=arguments.rules, spoken=arguments.documented)
        return html.whole(title(in_order(columns)), found)

    return page
