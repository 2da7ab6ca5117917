"""Reads the claims of `matrix/claims/`, their sources and disagreements (`claim.py` has their keys)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, TypeVar

from sockmatrix import content
from sockmatrix.claims import systems, versions
from sockmatrix.claims.claim import Book, Claim, Disagreement, Side, Source
from sockmatrix.claims.expect import read_terms
from sockmatrix.claims.versions import Condition, VersionError
from sockmatrix.part import Part, TableError, unknown
from sockmatrix.pattern import Pattern, PatternError, parse

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

DIRECTORY = "claims"
SOURCES = "sources.toml"
DISAGREEMENTS = "disagreements.toml"

ID = re.compile(r"[A-Z][A-Z0-9]*-[A-Za-z0-9-]+")
_KEY = re.compile(r"[A-Z][A-Z0-9_]*")
_KEYS = (
    *("id", "statement", "source", "section", "ref", "os", "versions", "stated", "testable"),
    *("cells", "expect", "note", "parts", "undecidable"),
)

_Parsed = TypeVar("_Parsed")


def load(directory: Path | None = None, problems: list[TableError] | None = None) -> Book:
    """Read all claims, of `directory` or of this installation.

    Raises TableError for the first thing that is wrong; with `problems`, each is added there and what
    it is about left out.
    """
    place = content.matrix() / DIRECTORY if directory is None else directory
    loader = _Loader(problems)
    sources = loader.sources(place / SOURCES)
    claims: dict[str, Claim] = {}
    for file in sorted(place.glob("*.toml")):
        if file.name not in (SOURCES, DISAGREEMENTS):
            for claim in loader.claims(file, sources):
                if claim.id in claims:
                    loader.add(claim.error(f"this id is in {claims[claim.id].where[0].name} already"))
                else:
                    claims[claim.id] = claim
    for claim in claims.values():
        for part in claim.parts:
            if part not in claims:
                loader.add(claim.error(f"parts: {_unknown_claim(part, claims)}"))
            elif claims[part].parts:
                loader.add(claim.error(f"parts: {part} has parts itself"))
    disagreements = tuple(loader.disagreements(place / DISAGREEMENTS, claims))
    order = {key: at for at, key in enumerate(sources)}
    ordered = sorted(claims.values(), key=lambda claim: (order[claim.source.key], natural(claim.id)))
    return Book(sources, {claim.id: claim for claim in ordered}, disagreements)


def natural(name: str) -> tuple[tuple[int, str], ...]:
    """Return the sort key of an id: numbers in it count as such.

    >>> natural("KO-2") < natural("KO-10")
    True
    """
    parts = re.split(r"([0-9]+)", name)
    return tuple((int(part), "") if part.isdecimal() else (0, part) for part in parts)


def _unknown_claim(name: str, claims: Mapping[str, Claim]) -> str:
    return unknown("claim", name, claims).partition("; allowed")[0]


class _Loader:
    """Reads files; what is wrong is raised, or collected."""

    def __init__(self, problems: list[TableError] | None) -> None:
        self.problems = problems

    def add(self, error: TableError) -> None:
        """Raise an error, or keep it."""
        if self.problems is None:
            raise error
        self.problems.append(error)

    def sources(self, file: Path) -> dict[str, Source]:
        """Read the sources by key."""
        root = Part.read(file)
        found = {}
        for key in root.entries:
            try:
                found[key] = _source(root.part(key), key)
            except TableError as error:
                self.add(error)
        return found

    def claims(self, file: Path, sources: Mapping[str, Source]) -> Iterator[Claim]:
        """Yield the claims of one file."""
        yield from self._each(file, "claim", lambda part: _claim(part, sources))

    def disagreements(self, file: Path, claims: Mapping[str, Claim]) -> Iterator[Disagreement]:
        """Yield the disagreements, if there is a file of them."""
        if file.exists():
            yield from self._each(file, "disagreement", lambda part: _disagreement(part, claims))

    def _each(self, file: Path, key: str, read: Callable[[Part], _Parsed]) -> Iterator[_Parsed]:
        try:
            root = Part.read(file)
            root.expect((key,))
            entries = root.entries.get(key)
            if not isinstance(entries, list) or not all(isinstance(one, dict) for one in entries):
                raise root.error(key, f"a file of {key}s needs at least one [[{key}]]")
        except TableError as error:
            self.add(error)
            return
        for number, own in enumerate(entries, 1):
            try:
                yield read(Part(file, own, f"{key} {number}"))
            except TableError as error:
                self.add(error)


def _source(part: Part, key: str) -> Source:
    if not _KEY.fullmatch(key):
        raise part.error("", "the key of a source has upper-case letters, digits and _ only")
    part.expect(("title", "url", "kind", "authority"))
    authority = part.entries.get("authority")
    if authority not in (1, 2, 3) or isinstance(authority, bool):
        raise part.error("authority", "must be 1, 2 or 3")
    return Source(key, part.text("title"), part.text("url"), part.text("kind"), authority)


def _claim(part: Part, sources: Mapping[str, Source]) -> Claim:
    name = part.text("id")
    if not ID.fullmatch(name):
        raise part.error("id", f'"{name}" is not an id such as KO-01')
    part = Part(part.file, part.entries, name)
    part.expect(_KEYS)
    source = part.text("source")
    if source not in sources:
        raise part.error("source", unknown("source", source, sources).partition("; allowed")[0])
    answers = [key for key in ("cells", "parts", "undecidable") if key in part.entries]
    if len(answers) != 1:
        raise part.error("", 'must have one of "cells", "parts" and "undecidable"')
    if ("cells" in part.entries) != ("expect" in part.entries):
        raise part.error("", '"cells" and "expect" belong together')
    testable = part.entries.get("testable", False)
    if not isinstance(testable, bool):
        raise part.error("testable", "must be true or false")
    if testable and "undecidable" in part.entries:
        raise part.error("undecidable", "it is testable, so there must be cells that decide it")
    os = _systems(part)
    return Claim(
        name,
        part.text("statement"),
        sources[source],
        part.text("section"),
        _optional(part, "ref"),
        os,
        _conditions(part, os, testable=testable),
        _optional(part, "stated"),
        testable,
        _patterns(part, "cells"),
        read_terms(part, "expect"),
        _optional(part, "note"),
        part.texts("parts") if "parts" in part.entries else (),
        _optional(part, "undecidable"),
        (part.file, name),
    )


def _disagreement(part: Part, claims: Mapping[str, Claim]) -> Disagreement:
    topic = part.text("topic")
    part = Part(part.file, part.entries, f'"{topic}"')
    part.expect(("topic", "side", "cells", "note"))
    entries = part.entries.get("side")
    if not isinstance(entries, list) or len(entries) < 2 or not all(isinstance(e, dict) for e in entries):
        raise part.error("side", "a disagreement has two or more [[disagreement.side]]")
    shared = _patterns(part, "cells")
    sides = []
    for number, own in enumerate(entries, 1):
        side = Part(part.file, own, f"{part.block}, side {number}")
        side.expect(("says", "claims", "cells", "expect"))
        named = side.texts("claims") if "claims" in side.entries else ()
        for one in named:
            if one not in claims:
                raise side.error("claims", _unknown_claim(one, claims))
        cells = _patterns(side, "cells") or shared
        if not cells or "expect" not in side.entries:
            raise side.error("", "no cell decides it: give cells, and what to expect of them")
        sides.append(Side(side.text("says"), named, read_terms(side, "expect"), cells))
    return Disagreement(topic, tuple(sides), _optional(part, "note"), (part.file, part.block))


def _systems(part: Part) -> tuple[str, ...]:
    if "os" not in part.entries:
        raise part.error("", 'lacks the key "os"')
    names = part.texts("os")
    for name in names:
        if name not in systems.SYSTEMS:
            raise part.error("os", unknown("system", name, systems.SYSTEMS))
    return names


def _conditions(part: Part, os: tuple[str, ...], *, testable: bool) -> dict[str, Condition]:
    value: Any = part.entries.get("versions", "")
    texts = value if isinstance(value, dict) else {"": value}
    found = {}
    for name, text in texts.items():
        if name not in ("", *os, systems.LINUX if testable else "") and systems.ANY not in os:
            raise part.error(f"versions.{name}", f'"os" does not name {name}')
        if not isinstance(text, str):
            raise part.error("versions", 'must be a text such as ">=4.5,<5.3", or one for each system')
        try:
            found[name] = versions.condition(text)
        except VersionError as error:
            raise part.error("versions", str(error)) from error
    return found


def _patterns(part: Part, key: str) -> tuple[Pattern, ...]:
    if key not in part.entries:
        return ()
    try:
        return tuple(parse(text) for text in part.texts(key))
    except PatternError as error:
        raise part.error(key, str(error)) from error


def _optional(part: Part, key: str) -> str:
    return part.text(key) if key in part.entries else ""
