"""Changes over releases: between which two how many cells changed, in which tables, and why."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, final

from sockmatrix.baselines import Kind
from sockmatrix.history import Point, by_release
from sockmatrix.render.escape import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sockmatrix.cell import Cell
    from sockmatrix.columns import Column
    from sockmatrix.page.known import KnownColumns
    from sockmatrix.runfile import Run


@final
@dataclass(frozen=True, slots=True)
class Step:
    """From one platform (its number) to the next release: changed cells, by table, known causes."""

    before: int
    after: int
    changed: int
    compared: int
    tables: tuple[tuple[str, int], ...]
    causes: tuple[tuple[str, int], ...]


@final
@dataclass(frozen=True, slots=True)
class Series:
    """Runs of one kind by release, as numbers of platforms, and the steps between neighbours."""

    kind: str
    columns: tuple[int, ...]
    steps: tuple[Step, ...]


def series(
    runs: Sequence[Run], cells: Sequence[Cell], known: KnownColumns, causes: Iterable[Mapping[str, Any]]
) -> tuple[Series, ...]:
    """Return the series that have two runs at least."""
    numbers = {id(run.header): at for at, run in enumerate(runs)}
    by_kind: dict[Kind, list[Point]] = {}
    for run in runs:
        by_kind.setdefault(Kind.of(run.header), []).append(Point(run.header, run.cells))
    found = []
    for kind, points in by_kind.items():
        ordered = [numbers[id(point.header)] for point in by_release(points)]
        if len(ordered) > 1:
            steps = [_step(before, after, cells, known, causes) for before, after in pairwise(ordered)]
            found.append(Series(printable(str(kind)), tuple(ordered), tuple(steps)))
    return tuple(found)


def _step(
    before: int,
    after: int,
    cells: Sequence[Cell],
    known: KnownColumns,
    causes: Iterable[Mapping[str, Any]],
) -> Step:
    one, other = known.numbers[before], known.numbers[after]
    pairs = Counter(zip(one, other, strict=True))
    decided = {(was, now) for was, now in pairs if not (known.undecided(was) or known.undecided(now))}
    differ = {(was, now) for was, now in decided if not known.agrees(was, now)}
    changed = [place for place, pair in enumerate(zip(one, other, strict=True)) if pair in differ]
    compared = sum(pairs[pair] for pair in decided)
    told = set(changed)
    why: Counter[str] = Counter()
    for cause in causes:
        had, has = cause["had"][before], cause["had"][after]
        if had is has:
            continue
        for place, having, lacking in cause["effects"]:
            came = (
                had is not True and has is not False and one[place] in lacking and other[place] in having
            )
            went = (
                had is not False and has is not True and one[place] in having and other[place] in lacking
            )
            if place in told and (came or went):
                why[cause["id"]] += 1
    tables = Counter(cells[place].table for place in changed)
    return Step(
        before, after, len(changed), compared, tuple(tables.most_common()), tuple(why.most_common())
    )


def in_order(columns: Sequence[Column]) -> list[Column]:
    """Return columns by kind, the kind with the most runs first, and within it by release."""
    kinds = Counter(Kind.of(column.run.header) for column in columns if column.run)
    ranks = {kind: rank for rank, (kind, _) in enumerate(kinds.most_common())}
    points = by_release(Point(column.run.header, column.run.cells) for column in columns if column.run)
    ages = {id(point.header): age for age, point in enumerate(points)}

    def key(column: Column) -> tuple[int, int]:
        header = column.run.header if column.run else None
        return (ranks[Kind.of(header)], ages[id(header)]) if header else (len(ranks), 0)

    return sorted(columns, key=key)


def newest(columns: Sequence[Column]) -> tuple[str, Run]:
    """Return the name and the run of the newest release, of the kind with the most runs."""
    runs = [(column.name, column.run) for column in columns if column.run]
    kinds = Counter(Kind.of(run.header) for _, run in runs)
    own = [(name, run) for name, run in runs if kinds[Kind.of(run.header)] == max(kinds.values())]
    last = by_release(Point(run.header, run.cells) for _, run in own)[-1]
    return next((name, run) for name, run in own if run.header is last.header)
