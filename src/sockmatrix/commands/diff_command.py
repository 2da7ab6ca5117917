"""`sockmatrix diff A B`: what changed between two runs, grouped by why it is one change."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from sockmatrix import changes
from sockmatrix.catalogue import Catalogue
from sockmatrix.cli import UsageError
from sockmatrix.commands.options import add_selection, examples
from sockmatrix.commands.runs import lasting, read_runs, tell_incomplete, write_output
from sockmatrix.compare import compare
from sockmatrix.difference import difference
from sockmatrix.exitcode import verdict, worst
from sockmatrix.part import TableError
from sockmatrix.pattern import PatternError
from sockmatrix.render import difference as render
from sockmatrix.render.escape import printable
from sockmatrix.render.screen import Screen

if TYPE_CHECKING:
    import argparse

    from sockmatrix.exitcode import ExitCode

_ABOUT = """

A group is a pattern that matches cells that changed and no others that both runs have. Cells that only
one run has are new or gone, never changed; what a run could not tell is counted by itself.

exit status:
  0 nothing changed   1 something changed   3 nothing that can be told, but a run is incomplete
  or in doubt   4 no cell was measured in both"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this command."""
    parser.description = f"{parser.description}{_ABOUT}"
    parser.add_argument("before", metavar="BEFORE", help="a run file, plain or gzip")
    parser.add_argument("after", metavar="AFTER", help="another, of the same system or not")
    add_selection(parser)
    parser.add_argument("--all", action="store_true", help="every group, and every cell")
    parser.add_argument("--format", choices=("text", "markdown"), default="text")
    parser.add_argument("--json", action="store_true", help="print JSON, with every cell")
    parser.add_argument("-o", "--output", metavar="FILE", type=Path, help="write to FILE")
    parser.epilog = examples(
        ("sockmatrix diff linux-6.12.jsonl.gz linux-6.18.jsonl.gz", "what an upgrade changed"),
        ("sockmatrix diff linux.jsonl freebsd.jsonl --table mdns", "where two systems part"),
        ("sockmatrix diff a.jsonl b.jsonl --only 'dest=lobcast' --all", "every cell of some"),
    )


@lasting()
def main(arguments: argparse.Namespace) -> ExitCode:
    """Compare, print, and say what it amounts to."""
    runs = read_runs([arguments.before, arguments.after])
    before, after = runs.values()
    try:
        catalogue = Catalogue()
        ids = None
        if arguments.table or arguments.only:
            ids = catalogue.select({**before.cells, **after.cells}, arguments.table, arguments.only)
        found = difference(compare(before, after, ids), catalogue, changes.load())
    except (TableError, PatternError) as error:
        raise UsageError(printable(str(error), 1000)) from error
    code = worst(found.code, tell_incomplete((before, after)))
    sides = render.Sides.of([*runs], [before, after])
    if arguments.json:
        shown = json.dumps(render.values(found, sides, code), indent=1) + "\n"
    elif arguments.format == "markdown":
        shown = render.markdown(found, sides, everything=arguments.all)
    else:
        screen = Screen() if arguments.output else Screen.of(sys.stdout)
        shown = render.text(found, sides, screen, everything=arguments.all)
    write_output(shown, arguments.output)
    sys.stdout.flush()  # the last line is the last also where both streams are one
    print(verdict(code, render.detail(found, code)), file=sys.stderr)
    return code
