"""Claims as `matrix/claims/*.toml` hold them: what a document says, where, of which systems and cells.

    [[claim]]
    id = "LJ-03"
    statement = "..."                  what it says, in our words
    source = "LJ"                      a source of sources.toml
    section = "Receiving Traffic"      where in the source
    ref = "..."                        where that is not at the source's own address
    os = ["linux"]                     systems it speaks of (`systems.SYSTEMS`), or ["any"]
    versions = ">=2.6.31"              of them (`versions.py`); or by system: { linux = ">=3.9" }
    stated = "current page"            the source's own words for that, where they say more
    testable = true                    a run on Linux decides it, whatever `os` says
    cells = ["table=fan-out ..."]      patterns: it speaks of the cells that any of them matches
    expect = ["delivery=all"]          what it says of each of them (`expect.py`)
    note = "..."                       how the wording was read
    parts = ["ME-T1", ...]             instead of cells and expect: what these say, of its own `os`
    undecidable = "..."                instead of cells and expect: why no cell can decide it

`sources.toml` has a title, url, kind and authority for each source: 1 standard, kernel or vendor, 2
library or somebody else's test suite, 3 article, answer or issue. `disagreements.toml` has what
documents say against each other, and what decides it:

    [[disagreement]]
    topic = "..."                      a question
    cells = ["table=..."]              the cells that decide it, where a side has none of its own
    [[disagreement.side]]
    says = "..."                       an answer
    claims = ["ME-33"]                 who gives it
    expect = ["bind.B=ok"]             what the cells show if it is right
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, final

from sockmatrix.part import TableError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from sockmatrix.claims.expect import Term
    from sockmatrix.claims.versions import Condition
    from sockmatrix.pattern import Pattern


@final
@dataclass(frozen=True, slots=True)
class Source:
    """A published document. `authority` is 1, 2 or 3: see the head of this module."""

    key: str
    title: str
    url: str
    kind: str
    authority: int


@final
@dataclass(frozen=True, slots=True)
class Claim:
    """One statement of a document. `conditions` are by system, "" for all others it speaks of."""

    id: str
    statement: str
    source: Source
    section: str
    ref: str
    os: tuple[str, ...]
    conditions: Mapping[str, Condition]
    stated: str
    testable: bool
    cells: tuple[Pattern, ...]
    expect: tuple[Term, ...]
    note: str
    parts: tuple[str, ...]
    undecidable: str
    where: tuple[Path, str] = field(repr=False, compare=False)

    @property
    def url(self) -> str:
        """Where the statement stands."""
        return self.ref or self.source.url

    def error(self, problem: str) -> TableError:
        """Return an error about this claim, with the place it stands at."""
        return TableError(*self.where, problem)


@final
@dataclass(frozen=True, slots=True)
class Side:
    """One answer of a disagreement, who gives it, and what its cells show if it is right."""

    says: str
    claims: tuple[str, ...]
    expect: tuple[Term, ...]
    cells: tuple[Pattern, ...]


@final
@dataclass(frozen=True, slots=True)
class Disagreement:
    """A question that documents answer differently."""

    topic: str
    sides: tuple[Side, ...]
    note: str
    where: tuple[Path, str] = field(repr=False, compare=False)

    def error(self, problem: str) -> TableError:
        """Return an error about this disagreement, with the place it stands at."""
        return TableError(*self.where, problem)


@final
@dataclass(frozen=True, slots=True)
class Book:
    """All claims by id, in the order of their sources, those by key, and the disagreements."""

    sources: Mapping[str, Source]
    claims: Mapping[str, Claim]
    disagreements: tuple[Disagreement, ...]
