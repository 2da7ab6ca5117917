"""Answers on top of the page: what to do so that all hear it, or one does, on the systems people use."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, final

from sockmatrix.claims.systems import words as system_words
from sockmatrix.evidence import Knowledge
from sockmatrix.recipes.place import TABLES, places
from sockmatrix.recipes.program import LANGUAGES, in_words, systems, write
from sockmatrix.recipes.search import Search, Wanted
from sockmatrix.recipes.words import place_words, told

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from sockmatrix.answers import Finding
    from sockmatrix.cell import Cell
    from sockmatrix.claims.claim import Claim
    from sockmatrix.recipes.search import Recipe
    from sockmatrix.runfile import Run
    from sockmatrix.table import Table

ON = ("linux", "macos", "windows")


@final
@dataclass(frozen=True, slots=True)
class Ground:
    """What to do on one system, on what evidence; `about`: a platform; `links`: (id, title, address)."""

    system: str
    options: str
    kind: str
    said: str
    about: str
    links: tuple[tuple[str, str, str], ...]
    against: tuple[str, ...] = ()


@final
@dataclass(frozen=True, slots=True)
class Way:
    """A configuration in words, what it takes on each system, and programs by language."""

    words: str
    grounds: tuple[Ground, ...]
    programs: tuple[tuple[str, str, str], ...]


@final
@dataclass(frozen=True, slots=True)
class Answer:
    """A question people have, the answer in a sentence, and the ways to do it."""

    question: str
    answer: str
    ways: tuple[Way, ...]


@dataclass(frozen=True, slots=True)
class _Asked:
    question: str
    wanted: Wanted
    transport: str = "udp"
    dest: tuple[str, ...] = ()
    most: int = 1
    languages: tuple[str, ...] = ("python",)


_ASKED = (
    _Asked(
        "Every process on the machine hears it",
        Wanted("all", ON),
        most=2,
        languages=tuple(LANGUAGES),
    ),
    _Asked("One of several processes gets each message", Wanted("one", ON)),
    _Asked("Several processes accept TCP connections on one port", Wanted("one", ON), "tcp"),
)


def answers(
    runs: Iterable[Run],
    claims: Iterable[Claim],
    tables: Mapping[str, Table],
    speaks: Callable[[Claim, Cell], bool] | None = None,
) -> Iterator[Answer]:
    """Yield the answers that the runs and documents have; none without the tables that tell.

    `speaks`: as in `evidence.Knowledge`.
    """
    if not all(name in tables for name in TABLES):
        return
    known = Knowledge(runs, claims, {name: one.scenario for name, one in tables.items()}, speaks=speaks)
    for asked in _ASKED:
        where = places(asked.transport, 4, asked.dest)
        found = Search(known, tables, asked.wanted).recipes(where)
        best = [one for one in found if not one.fails and not one.unknown][: asked.most] or found[:1]
        ways = _various(found, best, asked.most)
        yield Answer(
            asked.question,
            _sentence(asked.wanted, ways[0]),
            tuple(_way(recipe, asked.languages if recipe is ways[0] else ("python",)) for recipe in ways),
        )


def _sentence(wanted: Wanted, best: Recipe) -> str:
    """Return whether it is known to work, and where."""
    where = _and([system_words(name) for name in wanted.systems])
    if best.fails:
        fails = _and([system_words(name) for name in best.fails])
        return f"Nothing is known to do it on {where}; this fails on {fails}:"
    if best.unknown:
        unknown = _and([system_words(name) for name in best.unknown])
        known = _and([system_words(name) for name in best.does]) or "no system"
        return f"On {known} do this; whether it works on {unknown} nobody measured or wrote down:"
    return f"On {where} do this:"


def _and(names: Sequence[str]) -> str:
    *most, last = names or ("",)
    return f"{', '.join(most)} and {last}" if most else last


def _various(found: Sequence[Recipe], best: Sequence[Recipe], most: int) -> list[Recipe]:
    """Return the best and, of the others that do it everywhere, those of another kind of destination."""
    chosen = list(best[:1])
    for one in found:
        kinds = {own.place.kind for own in chosen}
        if len(chosen) < most and not one.fails and not one.unknown and one.place.kind not in kinds:
            chosen.append(one)
    return chosen


def _way(recipe: Recipe, languages: Iterable[str]) -> Way:
    grounds = [_ground(name, recipe) for name in recipe.chosen]
    programs = [(*LANGUAGES[one], write(recipe, one)) for one in languages] if systems(recipe) else []
    return Way(place_words(recipe.place), tuple(grounds), tuple(programs))


def _ground(name: str, recipe: Recipe) -> Ground:
    choice = recipe.chosen[name]
    return Ground(
        system_words(name),
        in_words(choice.reuse),
        choice.finding.kind,
        told(choice.finding) if choice.finding.holds is not None else "",
        choice.finding.evidence.about if choice.finding.evidence else "",
        tuple(_links(choice.finding)),
        tuple(f"{one.words} ({one.source})" for one in choice.finding.against),
    )


def _links(finding: Finding) -> Iterator[tuple[str, str, str]]:
    claim = finding.evidence.claim if finding.evidence and finding.holds is not None else None
    if claim:
        yield claim.id, claim.source.title, claim.url
