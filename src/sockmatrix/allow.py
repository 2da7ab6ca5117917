"""Expected differences: which cells may differ from a baseline, why, and until when.

    [[exception]]
    pattern = "table=fan-out dest=lo4"     the cells it speaks of (`pattern.py`)
    reason = "..."                         why that is no surprise
    expires = 2026-12-31                   the last day on which it allows anything
    expect = ["delivery=one:last"]         only where a cell is like this now (`claims/expect.py`)

`sockmatrix check --allow FILE` reads such files; `sockmatrix lint` looks after `matrix/allow*.toml`.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, final

from sockmatrix.claims.expect import read_terms
from sockmatrix.part import Part, TableError
from sockmatrix.pattern import Pattern, PatternError, parse

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from sockmatrix.cell import Cell
    from sockmatrix.claims.expect import Term
    from sockmatrix.claims.shape import Shape
    from sockmatrix.outcome import Outcome

FILES = "allow*.toml"
"""How files of exceptions in `matrix/` are called."""

_KEYS = ("pattern", "reason", "expires", "expect")


@final
@dataclass(frozen=True, slots=True)
class Allowed:
    """One exception. `part` is where it stands, for errors."""

    pattern: Pattern
    reason: str
    expires: dt.date
    expect: tuple[Term, ...]
    part: Part

    @property
    def place(self) -> str:
        """Where it stands, such as "allow.toml, exception 2"."""
        return f"{self.part.file.name}, {self.part.block}"

    def expired(self, today: dt.date) -> bool:
        """Tell whether it has ended; on its last day it has not."""
        return self.expires < today

    def allows(self, cell: Cell, shape: Shape, now: Outcome) -> bool:
        """Tell whether the cell may be as it is `now`, whatever day it is."""
        if not self.pattern.matches(cell):
            return False
        if not self.expect:
            return True
        return not now.variants and all(term.judge(shape, now).holds is True for term in self.expect)


def load(file: Path, problems: list[TableError] | None = None) -> tuple[Allowed, ...]:
    """Read a file of exceptions. Raises TableError.

    With `problems` those that are wrong are put there, and the others returned.
    """
    try:
        return tuple(_entries(file, problems))
    except TableError as error:
        if problems is None:
            raise
        problems.append(error)
        return ()


def _entries(file: Path, problems: list[TableError] | None) -> Iterator[Allowed]:
    root = Part.read(file)
    root.expect(("exception",))
    for number, own in enumerate(root.tables("exception"), 1):
        try:
            yield _exception(Part(file, own, f"exception {number}"))
        except TableError as error:
            if problems is None:
                raise
            problems.append(error)


def _exception(part: Part) -> Allowed:
    part.expect(_KEYS)
    reason, text, expires = part.text("reason"), part.text("pattern"), part.entries.get("expires")
    if isinstance(expires, dt.datetime) or not isinstance(expires, dt.date):
        raise part.error("expires", "must be a date such as 2026-12-31, without quotes")
    try:
        pattern = parse(text)
    except PatternError as error:
        raise part.error("pattern", str(error)) from error
    return Allowed(pattern, reason, expires, read_terms(part, "expect"), part)


def first(
    exceptions: Iterable[Allowed], cell: Cell, shape: Shape, now: Outcome, today: dt.date
) -> Allowed | None:
    """Return the first exception that allows what a cell is now; one that has expired comes last."""
    found = [one for one in exceptions if one.allows(cell, shape, now)]
    return min(found, key=lambda one: one.expired(today), default=None)


def today() -> dt.date:
    """Return the day on which exceptions are judged: the one in UTC."""
    return dt.datetime.now(dt.timezone.utc).date()
