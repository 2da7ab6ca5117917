"""What `sockmatrix report` shows: which tables, of which cells, in which format."""

from __future__ import annotations

import contextlib
import sys
from typing import TYPE_CHECKING

from sockmatrix import content, grids
from sockmatrix.axis import vocabulary
from sockmatrix.claims.book import DIRECTORY, load
from sockmatrix.cli import UsageError
from sockmatrix.columns import Mark, parted, present
from sockmatrix.documented import Documented, documented
from sockmatrix.page.timeline import in_order
from sockmatrix.part import TableError
from sockmatrix.pivot import PLATFORM, PivotError, parse, pivot
from sockmatrix.render import beside, markdown, text
from sockmatrix.render.escape import markdown as escaped
from sockmatrix.render.escape import printable
from sockmatrix.render.screen import Screen
from sockmatrix.render.values import fold, fold_columns

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Iterator, Sequence

    from sockmatrix.cell import Cell
    from sockmatrix.columns import Column
    from sockmatrix.render.beside import Comparison
    from sockmatrix.render.values import Grid
    from sockmatrix.selection import Selection

FEW = 60
"""So many selected cells, or fewer, are listed one by one."""

FLAT = ("csv", "json")
"""Formats in which every cell has its row, and nothing is folded."""


def render(columns: Sequence[Column], selection: Selection, arguments: argparse.Namespace) -> str:
    """Return the report on the selected cells of some platforms. Raises UsageError."""
    if arguments.format not in FLAT:
        columns = in_order(columns)
    else:
        cells = _present(columns, selection, arguments)
        return _flat(columns, _spoken(columns, selection, arguments, cells), cells, arguments.format)
    if arguments.pivot:
        return _tables(columns, _pivoted(columns, selection, arguments), arguments)
    if arguments.cells or (arguments.only and len(selection.cells) <= FEW):
        cells = _present(columns, selection, arguments) if arguments.differ else [*selection.cells]
        said = _spoken(columns, selection, arguments, cells).columns
        return _listing([*columns, *said], cells, arguments)
    wanted = None if selection.whole else selection.ids
    tables = grids.beside(selection.plans, [column.cells for column in columns], wanted)
    if not any(tables):
        return "None of these cells is in a summary; --cells lists them one by one.\n"
    if len(columns) == 1 and not arguments.documented:
        return _tables(columns, tables[0] if arguments.all else list(map(_folded, tables[0])), arguments)
    return _compared(columns, selection, tables, arguments)


def _spoken(
    columns: Sequence[Column],
    selection: Selection,
    arguments: argparse.Namespace,
    cells: Iterable[Cell],
) -> Documented:
    """Return what documents say of some cells, nothing where it is not asked for."""
    if not arguments.documented or not (content.matrix() / DIRECTORY).is_dir():
        return Documented()
    with sound():
        book = load()
        return documented(book.claims.values(), selection.plans, columns, {cell.id for cell in cells})


@contextlib.contextmanager
def sound() -> Iterator[None]:
    """Read tables and claims: what is wrong with one is the user's to mend. Raises UsageError."""
    try:
        yield
    except TableError as error:
        raise UsageError(printable(str(error), 1000)) from error


def _present(
    columns: Sequence[Column], selection: Selection, arguments: argparse.Namespace
) -> list[Cell]:
    """Return the selected cells that a platform has: those in which they part, if that is asked for."""
    cells = present(selection.cells, columns)
    return parted(cells, columns) if arguments.differ else cells


def _parted(columns: Sequence[Column], selection: Selection) -> str:
    """Return the line that says how much more there is than a summary shows."""
    if len(columns) == 1:
        return ""
    cells = present(selection.cells, columns)
    count = len(parted(cells, columns))
    if not count:
        return f"All {len(cells)} cells, not only those in these tables, are the same on every platform."
    return (
        f"Of all {len(cells)} cells, not only those in these tables, {count} are not the same on every"
        " platform that measured them; --differ --cells lists them."
    )


def _pivoted(
    columns: Sequence[Column], selection: Selection, arguments: argparse.Namespace
) -> list[Grid]:
    try:
        axes = parse(arguments.pivot, vocabulary(arguments.table))
    except PivotError as error:
        raise UsageError(f"--pivot: {error}") from error
    found = pivot(_present(columns, selection, arguments), columns, axes)
    if not any(grid.rows for grid in found):
        raise UsageError(f"--pivot: no selected cell has all of {arguments.pivot}")
    if arguments.all:
        return found
    return [fold(grid) if axes[-1].name == PLATFORM else _folded(grid) for grid in found]


def _folded(grid: Grid) -> Grid:
    return fold_columns(fold(grid))


def _screen(arguments: argparse.Namespace) -> Screen:
    return Screen() if arguments.output else Screen.of(sys.stdout)


def _flat(columns: Sequence[Column], spoken: Documented, cells: Sequence[Cell], form: str) -> str:
    from sockmatrix import rows
    from sockmatrix.render import data

    every = [*columns, *spoken.columns]
    if form == "csv":
        return data.to_csv(rows.NAMES, rows.rows(cells, every))
    return data.to_json(columns=map(rows.facts, every), rows=rows.rows(cells, every))


def _tables(columns: Sequence[Column], tables: Sequence[Grid], arguments: argparse.Namespace) -> str:
    if arguments.format == "text":
        return text.summary(tables, _screen(arguments), folded=False)
    if arguments.format == "markdown":
        return _head(columns) + markdown.summary(tables, folded=False)
    from sockmatrix.render import html

    return html.page(title(columns), columns, [html.section(grid, "who hears it") for grid in tables])


def _compared(
    columns: Sequence[Column],
    selection: Selection,
    tables: Sequence[Sequence[Grid]],
    arguments: argparse.Namespace,
) -> str:
    show: beside.Show = "all" if arguments.all else "differing" if arguments.differ else "folded"
    found, note, quiet = (
        _beside(columns, selection, tables, show, arguments),
        _parted(columns, selection),
        arguments.differ,
    )
    if arguments.format == "text":
        return text.comparison(found, _screen(arguments), quiet=quiet, note=note)
    if arguments.format == "markdown":
        return markdown.comparison(found, quiet=quiet, note=note)
    from sockmatrix.render import html

    sections = [
        html.compared(one, everything=arguments.all) for one in found if one.parted.rows or not quiet
    ]
    notes = [beside.without_differences(found)] * quiet
    return html.page(title(columns), columns, sections, *notes, note)


def _beside(
    columns: Sequence[Column],
    selection: Selection,
    tables: Sequence[Sequence[Grid]],
    show: beside.Show,
    arguments: argparse.Namespace,
) -> list[Comparison]:
    shown = grids.shown(selection.plans)
    cells = [cell for cell in selection.cells if cell.id in shown]
    spoken = _spoken(columns, selection, arguments, cells)
    apart = {cell.id for cell in parted(cells, columns)}
    marks = {cell.id: Mark(beside.ALIKE) for cell in cells if cell.id not in apart}
    marks.update((name, Mark(beside.OTHERWISE)) for name in spoken.otherwise)
    said = grids.beside(selection.plans, [*(one.cells for one in spoken.columns), marks])
    return beside.compare(
        [(column.heading, own) for column, own in zip(columns, tables, strict=True)],
        show,
        [(column.heading, own) for column, own in zip(spoken.columns, said, strict=False)],
        said[-1],
    )


def _listing(columns: Sequence[Column], cells: Sequence[Cell], arguments: argparse.Namespace) -> str:
    grid = grids.listing(cells, [(column.heading, column.cells) for column in columns])
    if arguments.format in {"text", "markdown"}:
        grid = beside.together(grid, sum(column.run is not None for column in columns))
        return (
            text.listing(grid, _screen(arguments))
            if arguments.format == "text"
            else markdown.listing(grid)
        )
    from sockmatrix.render import html

    return html.page(title(columns), columns, [html.section(grid, "one by one")])


def title(columns: Sequence[Column]) -> str:
    """Return the title of a page about some platforms."""
    names = [column.heading for column in columns]
    return names[0] if len(names) == 1 else f"{len(names)} platforms: {', '.join(names)}"


def _head(columns: Sequence[Column]) -> str:
    """Return the beginning of a Markdown page about one run: what was measured, and how."""
    if len(columns) != 1 or columns[0].run is None:
        return ""
    header = columns[0].run.header
    lab = "a private network" if header.lab.kind == "private" else "the host's own network"
    return (
        f"# {escaped(columns[0].name)}\n\n"
        f"{escaped(header.platform.build or header.platform.release)}, {header.platform.arch},"
        f" measured {header.started} in {lab}, {header.repeat} repetitions of each of {header.planned}"
        " cells. A table shows the cells that answer its question at a glance; the run file has them"
        " all.\n\n"
    )
