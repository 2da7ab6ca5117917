"""Tables for a terminal: as wide as it is, no wider; colour only repeats what the words say."""

from __future__ import annotations

import re
import textwrap
from typing import TYPE_CHECKING

from tabulate import tabulate

from sockmatrix.render.beside import without_differences
from sockmatrix.render.escape import printable
from sockmatrix.render.legend import legend, style
from sockmatrix.render.screen import Screen
from sockmatrix.render.values import Grid, fold, fold_columns

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sockmatrix.render.beside import Comparison

_GAP = 2
_NARROWEST = 6
_WHOLE = 40  # columns of a cell, or of a part of a longer one, that is never broken
_BETWEEN = re.compile("(?<= [\u00b7/]) ")
"""Behind the sign between two parts of a cell."""


def summary(grids: Sequence[Grid], screen: Screen | None = None, *, folded: bool = True) -> str:
    """Return the tables of one run, each below its question, and one legend."""
    screen = screen or Screen()
    shown = [fold_columns(fold(grid)) if folded else grid for grid in grids]
    blocks = [_block(grid, screen) for grid in shown]
    return screen.show("\n\n".join([*blocks, *_legend(shown, screen)])) + "\n"


def comparison(
    comparisons: Sequence[Comparison],
    screen: Screen | None = None,
    *,
    quiet: bool = False,
    note: str = "",
) -> str:
    """Return the tables of several platforms side by side, one column for each, a note and a legend.

    `quiet`: tables in which they do not part are only named, on one line.
    """
    screen = screen or Screen()
    blocks = [_comparison(one, screen) for one in comparisons if one.parted.rows or not quiet]
    notes = [without_differences(comparisons) * quiet, note]
    blocks += [textwrap.fill(line, screen.width or 100, break_on_hyphens=False) for line in notes if line]
    shown = [grid for one in comparisons for grid in one.grids]
    return screen.show("\n\n".join([*blocks, *_legend(shown, screen)])) + "\n"


def listing(grid: Grid, screen: Screen | None = None) -> str:
    """Return single cells, a line for each, nothing folded, wrapped or left out; no legend."""
    screen = screen or Screen()
    return screen.show(_table(grid, screen, range(len(grid.columns)), None)) + "\n"


def _block(grid: Grid, screen: Screen) -> str:
    body = ["", *_body(grid, screen)] if grid.rows else ["(no rows)"]
    return "\n".join([*_head(grid, screen), *body])


def _comparison(comparison: Comparison, screen: Screen) -> str:
    parted, same, note = comparison.parted, comparison.same, comparison.note
    parts = _head(parted, screen)
    if parted.rows or not note:
        parts += ["", *_body(parted, screen)] if parted.rows else ["(no rows)"]
    if note:
        lines = textwrap.fill(note, screen.width or 100, break_on_hyphens=False)
        parts += [""] * bool(parted.rows) + [lines]
    if same:
        parts += ["", *_body(same, screen)]
    return "\n".join(parts)


def _head(grid: Grid, screen: Screen) -> list[str]:
    question = textwrap.wrap(printable(grid.question), screen.width or 100)
    return [screen.paint(printable(grid.title), "bold"), *question]


def _body(grid: Grid, screen: Screen) -> list[str]:
    tables = [_table(grid, screen, part, widths) for part, widths in _parts(grid, screen.width)]
    return ["\n\n".join(tables)]


def _legend(grids: Sequence[Grid], screen: Screen) -> list[str]:
    words = legend(grids)
    if not words:
        return []
    indent = max(len(word) for word, _ in words) + _GAP
    lines = [
        textwrap.fill(
            meaning,
            max((screen.width or 100), indent + 20),
            initial_indent=word.ljust(indent),
            subsequent_indent=" " * indent,
        )
        for word, meaning in words
    ]
    return ["\n".join(lines)]


def _table(grid: Grid, screen: Screen, columns: Sequence[int], widths: list[int] | None) -> str:
    """Return the table of some columns; `widths` of labels and columns, None for as needed."""

    def fitted(labels: Sequence[str], cells: Sequence[str]) -> list[list[str]]:
        shown = [printable(text) for text in (*labels, *cells)]
        if widths is None:
            return [[text] for text in shown]
        return [
            _fit(text, width) if place < len(labels) else _broken(text, width)
            for place, (text, width) in enumerate(zip(shown, widths, strict=True))
        ]

    styles = [["" for _ in grid.row_headers] + [style(row[1][i]) for i in columns] for row in grid.rows]
    head = fitted([*grid.row_headers, *(grid.columns[i] for i in columns)], ())
    body = [fitted(labels, [cells[i] for i in columns]) for labels, cells in grid.rows]
    rules = [
        "-" * max(len(line) for text in texts for line in text) for texts in zip(head, *body, strict=True)
    ]
    painted = [
        [
            "\n".join(screen.paint(line, look) for line in text)
            for text, look in zip(row, looks, strict=True)
        ]
        for row, looks in zip(body, styles, strict=True)
    ]
    # The format "simple" would widen every column by two for its header.
    rows = [["\n".join(text) for text in head], rules, *painted]
    text: str = tabulate(rows, tablefmt="plain", disable_numparse=True, stralign="left")
    return "\n".join(line.rstrip() for line in text.splitlines())


def _fit(text: str, width: int) -> list[str]:
    """Return `text` in lines of `width`; a word that is too long is cut short."""
    lines = textwrap.wrap(text, max(1, width), break_long_words=False, break_on_hyphens=False) or [""]
    return [line if len(line) <= width else line[: width - 1] + "\u2026" for line in lines]


def _broken(text: str, width: int) -> list[str]:
    """Return a cell in lines of `width`, broken between its parts, and within those that are long."""
    lines: list[str] = []
    for whole in _BETWEEN.split(text):
        if lines and len(lines[-1]) + 1 + len(whole) <= width:
            lines[-1] += " " + whole
        else:
            lines += textwrap.wrap(whole, max(1, width), break_long_words=False, break_on_hyphens=False)
    return lines or [""]


def _parts(grid: Grid, width: int | None) -> Iterator[tuple[Sequence[int], list[int] | None]]:
    """Return the columns of each table to print, with the widths of its labels and columns.

    Too wide: first headers and labels are wrapped at blanks and cells between their parts, then the
    columns are dealt to several tables, and only a label that leaves no room for a single column is
    shortened.
    """
    columns = range(len(grid.columns))
    labels = [
        _extent(header, [row[0][place] for row in grid.rows])
        for place, header in enumerate(grid.row_headers)
    ]
    cells = [
        _extent(header, [row[1][place] for row in grid.rows], wrap=False)
        for place, header in enumerate(grid.columns)
    ]
    if width is None or _total([wide for _, wide in (*labels, *cells)]) <= width:
        yield columns, None
        return
    widest = max((narrow for narrow, _ in cells), default=0)
    narrow = [small for small, _ in labels]
    while _total([*narrow, widest]) > width and max(narrow, default=0) > _NARROWEST:
        narrow[narrow.index(max(narrow))] -= 1
    part: list[int] = []
    for index in columns:
        if part and _total([*narrow, *(cells[one][0] for one in (*part, index))]) > width:
            yield part, _share(narrow, labels, [cells[one] for one in part], width)
            part = []
        part.append(index)
    yield part, _share(narrow, labels, [cells[one] for one in part], width)


def _share(
    narrow: list[int], labels: list[tuple[int, int]], cells: list[tuple[int, int]], width: int
) -> list[int]:
    """Return widths from the narrow ones up to the wide ones, as far as there is room.

    The labels come first; what they leave goes to the cells in equal parts.
    """
    widths = [*narrow, *(small for small, _ in cells)]
    for place, (_, wide) in enumerate(labels):
        widths[place] += max(0, min(wide - widths[place], width - _total(widths)))
    room = width - _total(widths)
    wanting = [place for place, (small, wide) in enumerate(cells, len(labels)) if small < wide]
    while room > 0 and wanting:
        for place in wanting[:room]:
            widths[place] += 1
        room -= len(wanting)
        wanting = [place for place in wanting if widths[place] < cells[place - len(labels)][1]]
    return widths


def _extent(header: str, texts: Sequence[str], *, wrap: bool = True) -> tuple[int, int]:
    """Return the narrowest and natural width of a column; without `wrap` it is one of cells."""
    natural = max(len(printable(text)) for text in (header, *texts))
    words = [len(word) for text in (header, *(texts if wrap else ())) for word in printable(text).split()]
    cells = [] if wrap else [_least(printable(text)) for text in texts]
    return max((*words, *cells), default=0), natural


def _least(cell: str) -> int:
    """Return the width that a cell takes at least: its own, or that of its parts, or their words."""
    if len(cell) <= _WHOLE:
        return len(cell)
    longest = max(map(len, _BETWEEN.split(cell)))
    return longest if longest <= _WHOLE else max(_WHOLE, *map(len, cell.split()))


def _total(widths: Sequence[int]) -> int:
    return sum(widths) + _GAP * max(0, len(widths) - 1)
