"""Tables for a terminal: as wide as it is, no wider; colour only repeats what the words say."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from tabulate import tabulate

from sockmatrix.render.escape import printable
from sockmatrix.render.legend import legend, style
from sockmatrix.render.screen import Screen
from sockmatrix.render.values import Grid, differing, fold, fold_columns, side_by_side

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_GAP = 2
_NARROWEST = 6
_WHOLE = 40  # columns of a cell, or of a part of a longer one, that is never broken
_BETWEEN = " \u00b7 "


def summary(grids: Sequence[Grid], screen: Screen | None = None, *, folded: bool = True) -> str:
    """Return the tables of one run, each below its question, and one legend."""
    screen = screen or Screen()
    shown = [fold_columns(fold(grid)) if folded else grid for grid in grids]
    blocks = [_block(grid, screen) for grid in shown]
    return screen.show("\n\n".join([*blocks, *_legend(shown, screen)])) + "\n"


def comparison(
    runs: Sequence[tuple[str, Sequence[Grid]]],
    screen: Screen | None = None,
    *,
    everything: bool = False,
) -> str:
    """Return the tables of several runs, (name, grids), side by side, one column for each run.

    Rows that are the same everywhere are only counted and neighbours folded, unless `everything`
    is asked for.
    """
    screen = screen or Screen()
    blocks, shown = [], []
    for grid in side_by_side(runs):
        rest, same = (grid, 0) if everything else differing(grid)
        rest = rest if everything else fold(rest)
        shown.append(rest)
        blocks.append(_block(rest, screen, same_rows(same)))
    return screen.show("\n\n".join([*blocks, *_legend(shown, screen)])) + "\n"


def listing(grid: Grid, screen: Screen | None = None) -> str:
    """Return single cells, a line for each, nothing folded, wrapped or left out; no legend."""
    screen = screen or Screen()
    return screen.show(_table(grid, screen, range(len(grid.columns)), None)) + "\n"


def same_rows(count: int) -> str:
    """Return the line for rows that are left out, empty for none."""
    if not count:
        return ""
    return f"{count} {'row is' if count == 1 else 'rows are'} the same on every platform."


def _block(grid: Grid, screen: Screen, note: str = "") -> str:
    width = screen.width or 100
    head = [screen.paint(printable(grid.title), "bold")]
    head += textwrap.wrap(printable(grid.question), width)
    tables = [_table(grid, screen, part, widths) for part, widths in _parts(grid, screen.width)]
    return "\n".join(
        [*head, "", "\n\n".join(tables), *filter(None, [note])]
        if grid.rows
        else [*head, note or "(no rows)"]
    )


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
    parts = text.split(_BETWEEN)
    lines: list[str] = []
    for place, part in enumerate(parts):
        whole = part + _BETWEEN.rstrip() * (place < len(parts) - 1)
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
    """Return widths from the narrow ones up to the wide ones, as far as there is room."""
    widths = [*narrow, *(small for small, _ in cells)]
    for place, (_, wide) in enumerate((*labels, *cells)):
        widths[place] += max(0, min(wide - widths[place], width - _total(widths)))
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
    longest = max(map(len, cell.replace(_BETWEEN, _BETWEEN.rstrip() + "\n").splitlines()))
    return longest if longest <= _WHOLE else max(_WHOLE, *map(len, cell.split()))


def _total(widths: Sequence[int]) -> int:
    return sum(widths) + _GAP * max(0, len(widths) - 1)
