"""What became of cells from release to release: since when, and between which two it changed.

Runs of one kind (network stack, architecture, lab, privileges: `baselines.Kind`) are a series, ordered by
release. A run in which a cell was skipped, unstable or inconclusive says nothing of it; one in which its
id meant something else than in the newest run does not count.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, final

from sockmatrix.baselines import Kind
from sockmatrix.changes import Explainer
from sockmatrix.claims.systems import version
from sockmatrix.compare import Change, verdict
from sockmatrix.rules.cover import EVERYTHING, cover
from sockmatrix.wording import headline

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from sockmatrix.catalogue import Catalogue
    from sockmatrix.cell import Cell
    from sockmatrix.changes import KnownChange, Reason
    from sockmatrix.runformat import CellLine, Header, Platform


class Point(NamedTuple):
    """A run as far as it matters here: what was measured when, and the cells that are asked about."""

    header: Header
    lines: Mapping[str, CellLine]

    @property
    def platform(self) -> Platform:
        """The platform it was measured on."""
        return self.header.platform

    @property
    def name(self) -> str:
        """Its release; to be made printable."""
        return self.platform.version


class Span(NamedTuple):
    """Releases in a row in which a cell was the same, and what it was, as in a table."""

    first: str
    last: str
    runs: int
    text: str


@final
@dataclass(frozen=True, slots=True)
class History:
    """What became of a cell. `doubts`: runs that say nothing of it, and why.

    `reasons`: for each pair of neighbouring spans the known changes that explain why they differ.
    """

    id: str
    spans: tuple[Span, ...]
    doubts: tuple[tuple[str, str], ...] = ()
    reasons: tuple[tuple[Reason, ...], ...] = ()

    @property
    def breaks(self) -> tuple[tuple[str, str], ...]:
        """The releases between which it changed."""
        return tuple(
            (one.last, other.first) for one, other in zip(self.spans, self.spans[1:], strict=False)
        )


@final
@dataclass(frozen=True, slots=True)
class Group:
    """Cells that changed between the same releases, for the same known reasons; a pattern for them."""

    breaks: tuple[tuple[str, str], ...]
    reasons: tuple[tuple[Reason, ...], ...]
    pattern: str
    histories: tuple[History, ...]


@final
@dataclass(frozen=True, slots=True)
class Series:
    """Runs of one kind by release, and the histories of the cells that any of them measured, by id."""

    kind: Kind
    names: tuple[str, ...]
    histories: Mapping[str, History] = field(repr=False)
    groups: tuple[Group, ...]

    @property
    def changed(self) -> int:
        """How many cells ever changed."""
        return sum(len(one.spans) > 1 for one in self.histories.values())


def series(
    points: Iterable[Point], catalogue: Catalogue, known: Sequence[KnownChange] = ()
) -> tuple[Series, ...]:
    """Return the history of every cell of some runs, by their kinds. Raises TableError."""
    by_kind: dict[Kind, list[Point]] = {}
    for point in points:
        by_kind.setdefault(Kind.of(point.header), []).append(point)
    return tuple(_series(kind, own, catalogue, known) for kind, own in sorted(by_kind.items()))


def by_release(points: Iterable[Point]) -> list[Point]:
    """Return runs by release; those without a number last, of one release by date."""
    return sorted(points, key=_age)


def _age(point: Point) -> tuple[bool, object, list[int], str, str]:
    release = version(point.platform)
    numbers = [int(number) for number in re.findall("[0-9]{1,18}", point.platform.release)]
    return release is None, release.low if release else (), numbers, point.header.started, point.name


def _series(
    kind: Kind, points: Iterable[Point], catalogue: Catalogue, known: Sequence[KnownChange]
) -> Series:
    ordered = by_release(points)
    ids = sorted({name for point in ordered for name in point.lines})
    explainers: dict[tuple[int, int], Explainer] = {}

    def explainer(one: int, other: int) -> Explainer:
        if (one, other) not in explainers:
            before, after = ordered[one].platform, ordered[other].platform
            explainers[one, other] = Explainer(known, before, after, catalogue.shape)
        return explainers[one, other]

    histories = {}
    for name in ids:
        cell = catalogue.cell(name)
        found = _told(name, ordered)
        histories[name] = _history(name, cell, found, ordered, catalogue, explainer)
    names = tuple(point.name for point in ordered)
    return Series(kind, names, histories, tuple(_groups(histories, catalogue)))


class _Told(NamedTuple):
    """Where each span begins and ends among the runs, and the line it begins with; the doubts."""

    spans: list[list[int]]
    lines: list[CellLine]
    doubts: list[tuple[int, str]]


def _told(name: str, ordered: Sequence[Point]) -> _Told:
    meaning = next(line.v for point in reversed(ordered) if (line := point.lines.get(name)) is not None)
    told = _Told([], [], [])
    for place, point in enumerate(ordered):
        line = point.lines.get(name)
        if line is None or line.v != meaning:
            continue
        found = verdict(told.lines[-1] if told.lines else line, line)
        if found == "same" and told.spans:
            told.spans[-1].append(place)
        elif found in ("same", "changed"):
            told.spans.append([place])
            told.lines.append(line)
        else:
            told.doubts.append((place, found))
    return told


def _history(  # noqa: PLR0917 - what a history is made of
    name: str,
    cell: Cell | None,
    told: _Told,
    ordered: Sequence[Point],
    catalogue: Catalogue,
    explainer: Callable[[int, int], Explainer],
) -> History:
    order = None if cell is None else catalogue.order(cell, *told.lines)
    texts = [headline(line, order) for line in told.lines]
    reasons = []
    for place, (before, after) in enumerate(zip(told.lines, told.lines[1:], strict=False)):
        if texts[place] == texts[place + 1]:
            texts[place : place + 2] = Change(name, "changed", before, after).headlines(order)
        if cell is not None:
            between = told.spans[place][-1], told.spans[place + 1][0]
            reasons.append(explainer(*between).reasons(cell, before, after))
    spans = tuple(
        Span(ordered[places[0]].name, ordered[places[-1]].name, len(places), text)
        for places, text in zip(told.spans, texts, strict=True)
    )
    doubts = tuple((ordered[place].name, why) for place, why in told.doubts)
    return History(name, spans, doubts, tuple(reasons))


def _groups(histories: Mapping[str, History], catalogue: Catalogue) -> list[Group]:
    """Return the cells that changed, by when and why, in exact patterns."""
    same: dict[tuple[tuple[tuple[str, str], ...], tuple[tuple[Reason, ...], ...]], list[str]] = {}
    cells = catalogue.cells(name for name, one in histories.items() if one.spans)
    for name, one in histories.items():
        if len(one.spans) > 1 and name in cells:
            same.setdefault((one.breaks, one.reasons), []).append(name)
    groups = []
    for (breaks, reasons), names in same.items():
        tables = dict.fromkeys(name.partition("/")[0] for name in names)
        near = [cell for cell in cells.values() if cell.table in tables]
        named = "" if len(tables) > 1 else f"table={next(iter(tables))}"
        for group in cover(near, names):
            words = (named, "" if named and group.pattern == EVERYTHING else group.pattern)
            own = tuple(histories[cell.id] for cell in group.cells)
            pattern = own[0].id if len(own) == 1 else " ".join(filter(None, words))
            groups.append(Group(breaks, reasons, pattern, own))
    return sorted(groups, key=lambda group: -len(group.histories))
