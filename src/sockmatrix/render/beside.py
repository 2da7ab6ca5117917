"""The tables of several platforms as one: where they part, and what is the same on all of them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, TypeAlias, final

from sockmatrix.columns import SILENT
from sockmatrix.render.values import MISSING, Grid, fold, fold_columns, side_by_side

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Show: TypeAlias = Literal["folded", "differing", "all"]
"""How much: what is the same everywhere once and folded, not at all, or as it is in every column."""

Named: TypeAlias = "tuple[str, Sequence[Grid]]"
"""A platform's name and its tables."""

PARTED = "differs"
"""In the table of what is the same on every platform, the cell of what is not."""

OTHERWISE, ALIKE = "otherwise", "alike"
"""Marks of cells, which are shown nowhere."""

_AND_SO_ON = 3
"""Of more platforms that did not measure something, only the number is told."""


@final
@dataclass(frozen=True, slots=True)
class Comparison:
    """One question, asked on several platforms.

    `parted`: the rows in which they part, or a document says otherwise, a column for each. `same`: the
    table as it is for a single platform, with the outcomes that are the same on all, `PARTED` in place
    of the others; None if it is not asked for or has nothing. `alike`: how many rows are the same, left
    out of `parted`. `told`: what else is to be said of those.
    """

    parted: Grid
    same: Grid | None = None
    alike: int = 0
    told: str = ""

    @property
    def grids(self) -> tuple[Grid, ...]:
        """All tables."""
        return (self.parted,) if self.same is None else (self.parted, self.same)

    @property
    def note(self) -> str:
        """What is said of the rows that are the same, between the two tables; empty for none."""
        count = f"{self.alike} {'row is' if self.alike == 1 else 'rows are'} the same on every platform"
        return count + self.told + (":" if self.same else ".") if self.alike else ""


def compare(
    runs: Sequence[Named],
    show: Show = "folded",
    documented: Sequence[Named] = (),
    marks: Sequence[Grid] = (),
) -> list[Comparison]:
    """Return the tables of several platforms, one comparison for each title.

    `documented` are those of systems that only documents speak of. `marks` are tables of what is to be
    known of a cell beside its texts: `OTHERWISE` where a document says otherwise than was measured,
    `ALIKE` where platforms agree, but some measured a part.
    """
    lined_up = side_by_side([*runs, *documented, ("", marks)])
    return [
        _compare(_Beside(grid, len(runs), len(documented)), [own for _, own in runs], show)
        for grid in lined_up
    ]


def without_differences(comparisons: Iterable[Comparison]) -> str:
    """Return the line that names the tables in which the platforms do not part, empty for none."""
    titles = [one.parted.title for one in comparisons if not one.parted.rows]
    if not titles:
        return ""
    return f"The same on every platform, in each row: {', '.join(titles)}."


@final
@dataclass(frozen=True, slots=True)
class _Beside:
    """A table whose columns are platforms that measured, documented ones, and marks."""

    grid: Grid
    measured: int
    documented: int

    def value(self, texts: Sequence[str]) -> str:
        """Return what every platform has that measured a row, empty where they part."""
        own = dict.fromkeys(texts[: self.measured])
        told = [text for text in own if text not in SILENT]
        if MISSING in own or texts[-1] == OTHERWISE or (len(told) > 1 and texts[-1] != ALIKE):
            return ""
        if told:
            return max(told, key=len)  # who measured a part says less
        return next(iter(own)) if len(own) == 1 else ""

    def only(self, rows: Iterable[tuple[tuple[str, ...], tuple[str, ...]]]) -> Grid:
        """Return some rows, without documented columns that have nothing in them."""
        kept = list(rows)
        places = [
            at
            for at in range(self.measured + self.documented)
            if at < self.measured or any(texts[at] != MISSING for _, texts in kept)
        ]
        return replace(
            self.grid,
            columns=tuple(self.grid.columns[at] for at in places),
            rows=tuple((labels, tuple(texts[at] for at in places)) for labels, texts in kept),
        )


def _compare(beside: _Beside, runs: Sequence[Sequence[Grid]], show: Show) -> Comparison:
    own = [one for grids in runs for one in grids if one.title == beside.grid.title]
    rows = beside.grid.rows
    if show == "all":
        return Comparison(_labelled(beside.only(rows), own))
    values = [beside.value(texts) for _, texts in rows]
    alike = [row for row, value in zip(rows, values, strict=True) if value]
    parted = beside.only(row for row, value in zip(rows, values, strict=True) if not value)
    same = fold_columns(fold(_same(beside, own))) if alike and show == "folded" else None
    shown = fold(together(_labelled(parted, own), beside.measured))
    return Comparison(shown, same, len(alike), _told(beside, [texts for _, texts in alike]))


def _told(beside: _Beside, alike: Sequence[Sequence[str]]) -> str:
    """Say of rows that are the same which platforms did not measure them, and whether documents agree."""
    names = beside.grid.columns
    lacking = [_lacking(beside, texts) for texts in alike]
    without = [at for at in range(beside.measured) if any(at in some for some in lacking)]
    parts = []
    if without:
        rows = sum(map(bool, lacking))
        few = ", ".join(_joined([names[at] for at in without]))
        who = few if len(without) <= _AND_SO_ON else f"{len(without)} platforms"
        how = (
            ""
            if all(texts[at] in SILENT for some, texts in zip(lacking, alike, strict=True) for at in some)
            else ", or not wholly,"
        )
        parts.append(f"{rows} of them not measured{how} on {who}")
    spoken = [texts[beside.measured : -1] for texts in alike]
    if rows := sum(any(text != MISSING for text in texts) for texts in spoken):
        parts.append(f"documents of other systems say nothing else of {rows} of them")
    return "".join(f"; {part}" for part in parts)


def _lacking(beside: _Beside, texts: Sequence[str]) -> list[int]:
    """Return the places of platforms that did not measure a row that is the same, or a part of it."""
    value = beside.value(texts)
    return [at for at in range(beside.measured) if texts[at] != value]


def together(grid: Grid, measured: int) -> Grid:
    """Return the table with platforms that agree in every row in one column.

    Measured ones share it with others of their system, documented ones with documented ones.
    """
    if not grid.rows:
        return grid
    groups: dict[tuple[str, ...], list[int]] = {}
    for at, name in enumerate(grid.columns):
        system = name.partition(" ")[0] if at < measured else ""
        groups.setdefault((system, *(cells[at] for _, cells in grid.rows)), []).append(at)
    names = [
        (_name if places[0] < measured else _named)(grid.columns, places) for places in groups.values()
    ]
    firsts = [places[0] for places in groups.values()]
    rows = tuple((labels, tuple(cells[at] for at in firsts)) for labels, cells in grid.rows)
    return replace(grid, columns=tuple(names), rows=rows)


def _name(names: Sequence[str], places: Sequence[int]) -> str:
    """Return "linux 5.10\u20136.1, 6.12" for the places of some platforms, neighbours as a range."""
    system = names[places[0]].partition(" ")[0]
    spans: list[list[int]] = []
    for at in places:
        if spans and spans[-1][-1] == at - 1:
            spans[-1].append(at)
        else:
            spans.append([at])
    if len(places) == 1:
        return names[places[0]]
    releases = [names[at].removeprefix(system).strip() for at in range(len(names))]
    texts = [_span(releases[span[0]], releases[span[-1]]) for span in spans]
    return f"{system} {', '.join(texts)}"


def _span(first: str, last: str) -> str:
    """Return "5.10\u20136.1", or "6.1 as root, as user" for two runs of one release."""
    release, _, how = last.partition(" ")
    if first == last:
        return first
    return f"{first}, {how}" if how and release == first.partition(" ")[0] else f"{first}\u2013{last}"


def _named(names: Sequence[str], places: Sequence[int]) -> str:
    """Return "OpenBSD, NetBSD (documented)" for the places of documented systems."""
    end = f" ({names[places[0]].rpartition(' (')[2]}"
    return ", ".join(names[at].removesuffix(end) for at in places) + end


def _joined(names: Sequence[str]) -> list[str]:
    """Return names with the system only where it changes: linux 6.19, 7.0, gvisor 1."""
    counts = Counter(name.partition(" ")[0] for name in names)
    seen = set[str]()
    found = []
    for name in names:
        system, _, release = name.partition(" ")
        found.append(release if system in seen and counts[system] > 1 else name)
        seen.add(system)
    return found


def _labelled(beside: Grid, own: Sequence[Grid]) -> Grid:
    """Return the table without the label that was a column, where each platform had but that one."""
    if not beside.row_headers[1:] or len({column for grid in own for column in grid.columns}) > 1:
        return beside
    rows = tuple((labels[:-1], texts) for labels, texts in beside.rows)
    return replace(beside, row_headers=beside.row_headers[:-1], rows=rows)


def _same(beside: _Beside, own: Sequence[Grid]) -> Grid:
    """Return the table of a single platform again, out of one that has a row for each of its cells."""
    cells = {labels: beside.value(texts) or PARTED for labels, texts in beside.grid.rows}
    columns = tuple(dict.fromkeys(column for grid in own for column in grid.columns))
    rows = tuple(
        (labels, tuple(cells.get((*labels, column), MISSING) for column in columns))
        for labels in dict.fromkeys(labels for grid in own for labels, _ in grid.rows)
    )
    telling = tuple(row for row in rows if not set(row[1]) <= {PARTED, MISSING})
    return replace(own[0], columns=columns, rows=telling)
