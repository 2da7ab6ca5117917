"""`sockmatrix history WHAT RUN...`: since when cells are as they are, and when they changed."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from sockmatrix import changes, content
from sockmatrix.baselines import SUFFIXES
from sockmatrix.catalogue import Catalogue
from sockmatrix.cli import UsageError
from sockmatrix.commands.options import examples
from sockmatrix.commands.runs import lasting, tell_incomplete, write_output
from sockmatrix.exitcode import ExitCode, verdict, worst
from sockmatrix.history import Point, series
from sockmatrix.part import TableError
from sockmatrix.pattern import PatternError
from sockmatrix.render import history as render
from sockmatrix.render.escape import printable
from sockmatrix.render.screen import Screen
from sockmatrix.runfile import LineDecoder, Run, RunFileError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Sequence

_ABOUT = """

Runs of one network stack, architecture, kind of lab and privileges are one series, ordered by release. A
run that skipped a cell, or could not tell, says nothing of it.

exit status:
  0 told   3 told, but a run is incomplete   4 no run has measured any of these cells"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this command."""
    parser.description = f"{parser.description}{_ABOUT}"
    parser.add_argument("what", metavar="CELL|TABLE|PATTERN", help="an id, a table, or a pattern")
    parser.add_argument(
        "runs",
        nargs="*",
        type=Path,
        metavar="RUN|DIR",
        help="run files, or directories of them (default: the committed runs)",
    )
    parser.add_argument("--all", action="store_true", help="every group, and every cell that changed")
    parser.add_argument("--format", choices=("text", "markdown"), default="text")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("-o", "--output", metavar="FILE", type=Path, help="write to FILE")
    parser.epilog = examples(
        ("sockmatrix history sentinel runs/", "which regression came and went when"),
        ("sockmatrix history 'dest=lobcast every.reuse=addr' runs/", "some cells"),
        ("sockmatrix history fan-out/dest:if4/A:any4.addr/B:if4.none *.jsonl", "one cell"),
    )


@lasting()
def main(arguments: argparse.Namespace) -> ExitCode:
    """Read, order, print."""
    try:
        catalogue = Catalogue()
        what = arguments.what
        alone = what if "=" not in what and "*" not in what and catalogue.cell(what) else ""
        tables = [what] if what in catalogue.names else []
        patterns = [] if tables else [what]
        points, code = [], ExitCode.EXPECTED
        decoder = LineDecoder()
        for path in _files(arguments.runs or [content.runs()]):
            run = Run.read(path, decoder)
            code = worst(code, tell_incomplete([run]))
            ids = {alone} & run.cells.keys() if alone else catalogue.select(run.cells, tables, patterns)
            points.append(Point(run.header, {name: run.cells[name] for name in ids}))
        measured = [point for point in points if point.lines]
        found = series(measured, catalogue, changes.load())
    except RunFileError as error:
        raise UsageError(str(error)) from error
    except (TableError, PatternError) as error:
        raise UsageError(printable(str(error), 1000)) from error
    except OSError as error:
        raise UsageError(f"cannot read {printable(str(error.filename))}: {error.strerror}") from error
    if not found:
        code = ExitCode.NOTHING
    if arguments.json:
        shown = json.dumps(render.values(found, alone=alone), indent=1) + "\n"
    elif arguments.format == "markdown":
        shown = render.markdown(found, alone=alone, everything=arguments.all)
    else:
        screen = Screen() if arguments.output else Screen.of(sys.stdout)
        shown = render.text(found, screen, alone=alone, everything=arguments.all)
    if found or arguments.json:
        write_output(shown, arguments.output)
    if code is not ExitCode.EXPECTED:
        sys.stdout.flush()
        few = f"none of {len(points)} runs has any of these cells" if not found else ""
        print(verdict(code, few), file=sys.stderr)
    return code


def _files(paths: Sequence[Path]) -> Iterator[Path]:
    """Yield run files, those of directories by name. Raises UsageError, OSError."""
    for path in paths:
        if not path.is_dir():
            yield path
            continue
        files = sorted(file for file in path.iterdir() if file.name.endswith(SUFFIXES))
        if not files:
            raise UsageError(
                f"there is no run file in {printable(str(path))}: none ends in .jsonl or .gz"
            )
        yield from files
