"""`sockmatrix export RUN... --parquet FILE`: the cells of many runs as one table, for other tools."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from sockmatrix import fleet
from sockmatrix.cli import UsageError
from sockmatrix.commands.options import examples, selected
from sockmatrix.commands.runs import tell_incomplete
from sockmatrix.exitcode import ExitCode, verdict, worst
from sockmatrix.render.escape import printable
from sockmatrix.runfile import Run, RunFileError

if TYPE_CHECKING:
    import argparse

_ABOUT = """

There is a row for each cell of each run: what was measured (run, file, platform,
os, stack, release, build, arch, ..., started), the cell (cell, table, version,
axes), and its outcome (word, headline, n, missed; outcome: all facets as JSON).
With DuckDB, how do broadcasts to 127/8 end, release by release?

  SELECT release, started, word, count(*) AS cells
  FROM 'cells.parquet'
  WHERE "table" = 'loopback-broadcast' AND axes['dest'] = 'lobcast'
  GROUP BY ALL ORDER BY release, cells DESC;

and which cells are not the same everywhere?

  SELECT cell, map_from_entries(list((platform, headline)))
  FROM 'cells.parquet'
  GROUP BY cell HAVING count(DISTINCT headline) > 1;"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this command."""
    parser.description = f"{parser.description}{_ABOUT}"
    parser.add_argument("runs", nargs="+", metavar="RUN", help="a run file, plain or gzip")
    form = parser.add_mutually_exclusive_group(required=True)
    form.add_argument(
        "--parquet", metavar="FILE", type=Path, help="as Parquet; needs sockmatrix[parquet] (DuckDB)"
    )
    form.add_argument(
        "--jsonl", metavar="FILE", type=Path, help="as JSON Lines, compressed if FILE ends in .gz"
    )
    parser.set_defaults(table=[], only=[])
    parser.epilog = examples(
        ("sockmatrix export runs/*.jsonl.gz --parquet cells.parquet", "for DuckDB, Arrow, pandas"),
        ("sockmatrix export runs/*.jsonl.gz --jsonl cells.jsonl.gz", "for anything"),
    )


def main(arguments: argparse.Namespace) -> ExitCode:
    """Write the table run by run, and say how much it is."""
    path: Path = arguments.parquet or arguments.jsonl
    cells = {cell.id: cell for cell in selected(arguments).cells}
    code, count = ExitCode.EXPECTED, 0
    try:
        with (fleet.parquet if arguments.parquet else fleet.json_lines)(path) as add:
            for number, name in enumerate(arguments.runs, 1):
                run = Run.read(name)
                add(fleet.rows(number, run, cells))
                count += len(run.cells)
                code = worst(code, tell_incomplete([run]))
    except (RunFileError, fleet.ExportError) as error:
        raise UsageError(str(error)) from error
    except OSError as error:
        raise UsageError(f"cannot write {printable(str(path))}: {error.strerror or error}") from error
    runs = len(arguments.runs)
    print(f"{printable(str(path))}: {count} cells of {runs} {'run' if runs == 1 else 'runs'}")
    if not count:
        code = ExitCode.NOTHING
    if code is not ExitCode.EXPECTED:
        print(verdict(code), file=sys.stderr)
    return code
