"""`sockmatrix report RUN...`: the tables of one run, or of several side by side."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from sockmatrix import grids
from sockmatrix.commands.options import add_selection, examples, selected
from sockmatrix.commands.runs import read_runs, tell_incomplete, write_output
from sockmatrix.exitcode import ExitCode, verdict
from sockmatrix.render import markdown, text
from sockmatrix.render.screen import Screen

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from sockmatrix.runfile import Run
    from sockmatrix.selection import Selection

FEW = 60
"""So many selected cells, or fewer, are listed one by one."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this command."""
    parser.add_argument("runs", nargs="+", metavar="RUN", help="a run file, plain or gzip")
    add_selection(parser)
    parser.add_argument("--format", choices=("text", "markdown"), default="text")
    parser.add_argument(
        "--all", action="store_true", help="also the rows that are the same on every platform"
    )
    parser.add_argument(
        "--cells", action="store_true", help="list the selected cells, one a line, no summary"
    )
    parser.add_argument("-o", "--output", metavar="FILE", type=Path, help="write to FILE")
    parser.epilog = examples(
        ("sockmatrix report linux.jsonl", "one column a set of options"),
        ("sockmatrix report *.jsonl --format markdown", "one column a platform, for a page"),
        ("sockmatrix report a.jsonl b.jsonl --only 'dest=lobcast'", "some cells of both"),
    )


def main(arguments: argparse.Namespace) -> ExitCode:
    """Print the report."""
    runs = list(read_runs(arguments.runs).values())
    selection = selected(arguments)
    report = render(
        runs,
        selection,
        as_markdown=arguments.format == "markdown",
        everything=arguments.all,
        single_cells=arguments.cells or bool(arguments.only and len(selection.cells) <= FEW),
        screen=Screen() if arguments.output else Screen.of(sys.stdout),
    )
    write_output(report, arguments.output)
    code = _judge(runs, selection)
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
            print(f"{run.path}: has none of these cells", file=sys.stderr)
            without += 1
    if without == len(runs):
        return ExitCode.NOTHING
    return code


def render(
    runs: list[Run],
    selection: Selection,
    *,
    as_markdown: bool,
    everything: bool,
    single_cells: bool,
    screen: Screen,
) -> str:
    """Return the report on the selected cells of some runs."""
    names = [run.header.platform.name for run in runs]
    if single_cells:
        listing = grids.listing(
            selection.cells, [(name, run.cells) for name, run in zip(names, runs, strict=True)]
        )
        return markdown.listing(listing) if as_markdown else text.listing(listing, screen)
    wanted = None if selection.whole else selection.ids
    tables = [grids.summaries(selection.plans, run.cells, wanted) for run in runs]
    if not any(tables):
        return "None of these cells is in a summary; --cells lists them one by one.\n"
    if len(runs) == 1:
        return (
            _head(runs[0]) + markdown.summary(tables[0])
            if as_markdown
            else text.summary(tables[0], screen)
        )
    pairs = list(zip(names, tables, strict=True))
    return (
        markdown.comparison(pairs, everything=everything)
        if as_markdown
        else text.comparison(pairs, screen, everything=everything)
    )


def _head(run: Run) -> str:
    """Return the beginning of a Markdown page about one run: what was measured, and how."""
    header = run.header
    lab = "a private network" if header.lab.kind == "private" else "the host's own network"
    return (
        f"# {header.platform.name}\n\n"
        f"{header.platform.build or header.platform.release}, {header.platform.arch}, measured"
        f" {header.started} in {lab}, {header.repeat} repetitions of each of {header.planned}"
        " cells. A table shows the cells that answer its question at a glance; the run file has them"
        " all.\n\n"
    )
