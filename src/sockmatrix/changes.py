"""Changes of operating systems that are known: which releases have them, and which cells they touch.

    [[change]]                         in matrix/changes.toml
    id = "d9ba99342855"                a commit, or a short name
    title = "..."                      what is different in the releases that have it
    os = "linux"                       the system (`claims/systems.py`); gvisor: what Linux has not
    versions = ">=6.2,<6.2.8"          the releases that have it (`claims/versions.py`)
    links = ["https://..."]            where that is written
    note = "..."                       how the releases are known

    [[change.effect]]
    cells = ["table=dual-stack ..."]   patterns, each of which names its tables first
    with = ["bind.every=ok"]           what they show in a release that has it (`claims/expect.py`)
    without = ["bind.last=EADDRINUSE"] and in one that has not

Of a regression the releases are those between its cause and its mending. A change explains a difference
between two runs if exactly one of them is of a release that has it, and both sides are as it says.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias, final

from sockmatrix import content
from sockmatrix.axis import vocabulary
from sockmatrix.claims import expect, systems, versions
from sockmatrix.claims.expect import read_terms
from sockmatrix.claims.versions import Condition, VersionError
from sockmatrix.part import Part, TableError, unknown
from sockmatrix.pattern import PatternError, parse

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from sockmatrix.cell import Cell
    from sockmatrix.claims.expect import Term
    from sockmatrix.claims.shape import Shape
    from sockmatrix.outcome import Variant
    from sockmatrix.pattern import Pattern
    from sockmatrix.runformat import Platform

FILE = "changes.toml"

Answer: TypeAlias = Literal["yes", "maybe", "no"]
"""`maybe`: it would, but the release of one side is not known well enough."""

_ID = re.compile("[a-z0-9][a-z0-9-]{2,39}")
_TABLES = re.compile("table=([a-z0-9,-]+)(?: |$)")


@final
@dataclass(frozen=True, slots=True)
class Effect:
    """Some cells that a change touches, and what they show with it and without it."""

    cells: tuple[str, ...]
    having: tuple[Term, ...]
    lacking: tuple[Term, ...]
    part: Part = field(repr=False, compare=False)

    def matches(self, cell: Cell) -> bool:
        """Tell whether it is about this cell. Raises TableError."""
        return any(
            cell.table in _tables(text) and self.pattern(text).matches(cell) for text in self.cells
        )

    def pattern(self, text: str) -> Pattern:
        """Return one of its patterns. Raises TableError."""
        try:
            return _parsed(text)
        except PatternError as error:
            raise self.part.error("cells", str(error)) from error

    def fits(self, shape: Shape, lacks: Variant, has: Variant) -> bool:
        """Tell whether nothing it says is false, of an outcome without the change and one with it."""
        return not any(
            expect.judge(terms, shape, outcome)[0].holds is False
            for terms, outcome in ((self.lacking, lacks), (self.having, has))
        )


@final
@dataclass(frozen=True, slots=True)
class KnownChange:
    """A change of a system: see the head of this module."""

    id: str
    title: str
    os: str
    versions: Condition
    links: tuple[str, ...]
    note: str
    effects: tuple[Effect, ...]
    part: Part = field(repr=False, compare=False)

    def had(self, platform: Platform) -> bool | None:
        """Return whether a release has it, None if that cannot be told; another system has it not."""
        if systems.system(platform) != self.os:
            return False
        version = systems.version(platform)
        return None if version is None else self.versions.holds(version)


def load(file: Path | None = None, problems: list[TableError] | None = None) -> tuple[KnownChange, ...]:
    """Read the known changes of this installation, or of a file; none if it does not exist.

    Raises TableError for the first thing that is wrong; with `problems`, each is added there and what
    it is about left out.
    """
    file = content.matrix() / FILE if file is None else file
    found: dict[str, KnownChange] = {}
    if not file.exists():
        return ()
    for part in _parts(file, problems):
        try:
            change = _change(part)
            if change.id in found:
                raise change.part.error("id", "this id is there twice")
            found[change.id] = change
        except TableError as error:
            if problems is None:
                raise
            problems.append(error)
    return tuple(found.values())


def applies(change: KnownChange, before: Platform, after: Platform) -> Answer:
    """Tell whether exactly one of two platforms has a change.

    Both are of its system, or one is of a stack that has it and the other of the system it imitates.
    """
    both = {systems.system(before), systems.system(after)}
    if both not in ({change.os}, {change.os, systems.IMITATED.get(change.os)}):
        return "no"
    if (before.release, before.build) == (after.release, after.build):
        return "no"
    had, has = change.had(before), change.had(after)
    if had is None or has is None:
        return "maybe"
    return "no" if had is has else "yes"


@final
@dataclass(frozen=True, slots=True)
class Reason:
    """A known change that explains a difference; not `sure` if the releases do not tell.

    `came`: the second of the two platforms has it; otherwise it is the first that had it.
    """

    change: KnownChange
    sure: bool
    came: bool = True

    def __str__(self) -> str:
        perhaps = "" if self.sure else "perhaps, for the releases do not tell: "
        return f"{perhaps}{self.change.id} {'has come' if self.came else 'is gone'}: {self.change.title}"


@final
class Explainer:
    """Explains what differs between two platforms. Its methods raise TableError."""

    def __init__(
        self,
        known: Iterable[KnownChange],
        before: Platform,
        after: Platform,
        shape: Callable[[Cell], Shape],
    ) -> None:
        """`shape` returns the shape of a cell."""
        answers = {change: applies(change, before, after) for change in known}
        self._shape = shape
        # Unknown on one side: whichever the other side is not.
        self._known = [
            (change, answer == "yes", change.had(before), change.had(after))
            for change, answer in answers.items()
            if answer != "no"
        ]

    def reasons(self, cell: Cell, before: Variant, after: Variant) -> tuple[Reason, ...]:
        """Return the changes that explain why a cell is not what it was, the certain ones first."""
        found = []
        for change, sure, had, has in self._known:
            effects = [effect for effect in change.effects if effect.matches(cell)]
            came = had is not True and has is not False and self._fits(effects, cell, before, after)
            went = had is not False and has is not True and self._fits(effects, cell, after, before)
            if came or went:
                found.append(Reason(change, sure, came))
        return tuple(sorted(found, key=lambda reason: not reason.sure))

    def _fits(self, effects: Iterable[Effect], cell: Cell, lacks: Variant, has: Variant) -> bool:
        return any(effect.fits(self._shape(cell), lacks, has) for effect in effects)


@functools.cache
def _parsed(text: str) -> Pattern:
    # Only the tables it names need be read to know their axes.
    return parse(text, vocabulary(tuple(_tables(text))))


@functools.cache
def _tables(text: str) -> frozenset[str]:
    named = _TABLES.match(text)
    return frozenset(named[1].split(",") if named else ())


def _parts(file: Path, problems: list[TableError] | None) -> Iterator[Part]:
    try:
        root = Part.read(file)
        root.expect(("change",))
        entries = root.tables("change")
    except TableError as error:
        if problems is None:
            raise
        problems.append(error)
        return
    for number, own in enumerate(entries, 1):
        yield Part(file, own, f"change {number}")


def _change(part: Part) -> KnownChange:
    name = part.text("id")
    if not _ID.fullmatch(name):
        raise part.error("id", f'"{name}" is not a commit or a short name in lower case')
    part = Part(part.file, part.entries, name)
    part.expect(("id", "title", "os", "versions", "links", "note", "effect"))
    system = part.text("os")
    if system not in systems.SYSTEMS or system == systems.ANY:
        raise part.error("os", unknown("system", system, systems.SYSTEMS))
    try:
        condition = versions.condition(part.text("versions"))
    except VersionError as error:
        raise part.error("versions", str(error)) from error
    if "links" not in part.entries:
        raise part.error("", "it has no source: give links")
    links = part.texts("links")
    for link in links:
        if not link.startswith("https://"):
            raise part.error("links", f'"{link}" does not begin with https://')
    effects = [
        _effect(Part(part.file, own, f"{name}, effect {number}"))
        for number, own in enumerate(part.tables("effect"), 1)
    ]
    note = part.text("note") if "note" in part.entries else ""
    return KnownChange(name, part.text("title"), system, condition, links, note, tuple(effects), part)


def _effect(part: Part) -> Effect:
    part.expect(("cells", "with", "without"))
    if "cells" not in part.entries:
        raise part.error("", 'lacks the key "cells"')
    cells = part.texts("cells")
    for text in cells:
        if not _tables(text):
            raise part.error("cells", f'"{text}" does not begin with table=')
    return Effect(cells, read_terms(part, "with"), read_terms(part, "without"), part)
