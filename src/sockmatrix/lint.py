"""What is wrong with `matrix/` although it can be read: patterns that match nothing, and the like.

`check` looks at everything and returns every problem, each a line that says where it is.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, final

from sockmatrix import allow, changes, content, plan, table
from sockmatrix.axis import table_files, vocabulary_of
from sockmatrix.claims.book import DIRECTORY, load
from sockmatrix.claims.cover import Coverage
from sockmatrix.part import TableError

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from sockmatrix.changes import KnownChange
    from sockmatrix.claims.claim import Book, Claim, Disagreement
    from sockmatrix.claims.expect import Term
    from sockmatrix.pattern import Pattern
    from sockmatrix.plan import Plan


@final
@dataclass(frozen=True, slots=True)
class Report:
    """What was looked at, and what is wrong with it."""

    tables: int
    cells: int
    claims: int
    disagreements: int
    exceptions: int
    changes: int
    problems: tuple[TableError, ...]


def check(directory: Path | None = None, today: dt.date | None = None) -> Report:
    """Check `matrix/`, or a directory that is made like it."""
    place = content.matrix() if directory is None else directory
    problems: list[TableError] = []
    plans = list(_plans(place, problems))
    coverage = Coverage.of(plans)
    problems += _twice(plans)
    for one in plans:
        problems += _dead_summary(one)
    claims = disagreements = 0
    if (place / DIRECTORY).is_dir():
        book = _book(place, problems)
        if book is not None:
            claims, disagreements = len(book.claims), len(book.disagreements)
            for claim in book.claims.values():
                problems += _about_claim(claim, coverage)
            for disagreement in book.disagreements:
                problems += _about_disagreement(disagreement, coverage)
    exceptions = 0
    for file in sorted(place.glob(allow.FILES)):
        exceptions += _exceptions(file, coverage, today or allow.today(), problems)
    known = changes.load(place / changes.FILE, problems)
    for change in known:
        problems += _about_change(change, coverage)
    cells = sum(len(one.cells) for one in plans)
    return Report(len(plans), cells, claims, disagreements, exceptions, len(known), tuple(problems))


def _plans(place: Path, problems: list[TableError]) -> Iterator[Plan]:
    try:
        axes = vocabulary_of(place)
    except TableError as error:
        problems.append(error)
        return
    for file in table_files(place):
        try:
            yield plan.expand(table.load(file, axes))
        except TableError as error:
            problems.append(error)


def _book(place: Path, problems: list[TableError]) -> Book | None:
    try:
        return load(place / DIRECTORY, problems)
    except TableError as error:
        problems.append(error)
        return None


def _twice(plans: Iterable[Plan]) -> Iterator[TableError]:
    counts = Counter(cell.id for one in plans for cell in one.cells)
    for one in plans:
        for name in dict.fromkeys(cell.id for cell in one.cells if counts[cell.id] > 1):
            yield TableError(one.table.file, name, "this cell is there twice")


def _dead_summary(one: Plan) -> Iterator[TableError]:
    for pattern in one.table.summary.where:
        if not any(pattern.matches(cell) for cell in one.cells):
            yield TableError(one.table.file, "summary.where", f'no cell matches "{pattern}"')
    try:
        plan.summary(one)
    except TableError as error:
        yield error


def _about_claim(claim: Claim, coverage: Coverage) -> Iterator[TableError]:
    for pattern in claim.cells:
        if not coverage.cells([pattern]):
            yield claim.error(f'cells: no cell matches "{pattern}"')
    yield from (claim.error(text) for text in _unfit(claim.cells, claim.expect, coverage))
    if claim.testable and not claim.parts and not coverage.cells(claim.cells):
        yield claim.error("it is testable, but there is no cell that could decide it")


def _about_disagreement(disagreement: Disagreement, coverage: Coverage) -> Iterator[TableError]:
    patterns = dict.fromkeys(pattern for side in disagreement.sides for pattern in side.cells)
    for pattern in patterns:
        if not coverage.cells([pattern]):
            yield disagreement.error(f'cells: no cell matches "{pattern}"')
    for side in disagreement.sides:
        yield from (disagreement.error(text) for text in _unfit(side.cells, side.expect, coverage))


def _about_change(change: KnownChange, coverage: Coverage) -> Iterator[TableError]:
    for effect in change.effects:
        try:
            patterns = [effect.pattern(text) for text in effect.cells]
        except TableError as error:
            yield error
            continue
        for pattern in patterns:
            if not coverage.cells([pattern]):
                yield effect.part.error("cells", f'no cell matches "{pattern}"')
        for text in _unfit(patterns, (*effect.having, *effect.lacking), coverage):
            yield effect.part.error("", text)


def _unfit(cells: Iterable[Pattern], terms: Iterable[Term], coverage: Coverage) -> Iterator[str]:
    """Yield the terms that speak of nothing that any of the cells has."""
    shapes = [coverage.shape(cell) for cell in coverage.cells(cells)]
    for term in terms:
        reasons = Counter(term.unfit(shape) for shape in shapes)
        if reasons and "" not in reasons:
            yield f"expect: {term.text}: none of its cells has that ({reasons.most_common(1)[0][0]})"


def _exceptions(file: Path, coverage: Coverage, today: dt.date, problems: list[TableError]) -> int:
    found = allow.load(file, problems)
    for one in found:
        if not coverage.cells([one.pattern]):
            problems.append(one.part.error("pattern", f'no cell matches "{one.pattern}"'))
        problems += [one.part.error("", text) for text in _unfit([one.pattern], one.expect, coverage)]
        if one.expired(today):
            problems.append(one.part.error("expires", f"it has expired on {one.expires}"))
    return len(found)
