"""The search for configurations: which options at which place deliver as wanted, on which systems."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, final

from sockmatrix.answers import Finding, answer, together

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sockmatrix.cell import Cell
    from sockmatrix.claims.expect import Term
    from sockmatrix.evidence import Evidence, Knowledge
    from sockmatrix.recipes.place import Deliver, Place
    from sockmatrix.table import Table

REUSE = ("none", "addr", "port", "addr+port", "lb")
"""The options that a receiver may set, the simplest first."""


@final
@dataclass(frozen=True, slots=True)
class Choice:
    """Options on one system, and whether they do it there.

    `bind`: whether the sockets may share the port, which may be known where the rest is not. `users`:
    whether another user's may, where that is asked.
    """

    reuse: str
    finding: Finding
    bind: Finding
    users: Finding | None = None

    @property
    def options(self) -> frozenset[str]:
        """The single options."""
        return frozenset(self.reuse.split("+")) - {"none"}


@final
@dataclass(frozen=True, slots=True)
class Recipe:
    """A place, the options chosen for each system, and all that there are to choose from."""

    place: Place
    chosen: Mapping[str, Choice]
    choices: Mapping[str, tuple[Choice, ...]]

    @property
    def fails(self) -> tuple[str, ...]:
        """Systems where no options do it."""
        return tuple(name for name, one in self.chosen.items() if one.finding.holds is False)

    @property
    def unknown(self) -> tuple[str, ...]:
        """Systems where it is not known of any options that they do it."""
        return tuple(name for name, one in self.chosen.items() if one.finding.holds is None)

    @property
    def does(self) -> tuple[str, ...]:
        """Systems where it is known to work."""
        return tuple(name for name, one in self.chosen.items() if one.finding.holds)

    def alternatives(self, system: str) -> tuple[Choice, ...]:
        """Return other options that do it as well on a system."""
        own = self.chosen[system]
        return tuple(one for one in self.choices[system] if one.finding.holds and one.reuse != own.reuse)

    def uniform(self, reuse: str) -> dict[str, Choice]:
        """Return the same options on every system."""
        return {name: next(o for o in own if o.reuse == reuse) for name, own in self.choices.items()}


@final
@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked for."""

    deliver: Deliver
    systems: tuple[str, ...]
    receivers: int = 2
    same_user: bool = True


@final
class Search:
    """Looks for recipes; what is known of a cell is looked up once."""

    def __init__(self, knowledge: Knowledge, tables: Mapping[str, Table], wanted: Wanted) -> None:
        """`tables` are those of `place.TABLES`, by name."""
        self._knowledge = knowledge
        self._tables = tables
        self._wanted = wanted
        self._known: dict[tuple[str, str], list[Evidence]] = {}

    def recipes(self, places: Iterable[Place]) -> list[Recipe]:
        """Return the best recipe of each place, the best first."""
        return sorted(map(self._recipe, places), key=self._order)

    def _order(self, recipe: Recipe) -> tuple[object, ...]:
        findings = [one.finding for one in recipe.chosen.values()]
        return (
            len(recipe.fails),
            len(recipe.unknown),
            sorted((one.rank[:2] for one in findings), reverse=True),
            recipe.place.preference(self._wanted.deliver),
        )

    def _recipe(self, place: Place) -> Recipe:
        choices = {
            name: tuple(self._choice(place, reuse, name) for reuse in REUSE)
            for name in self._wanted.systems
        }
        return Recipe(place, choose(choices), choices)

    def _choice(self, place: Place, reuse: str, system: str) -> Choice:
        wanted = self._wanted
        required: list[Finding] = []
        vetoes: list[Finding] = []
        asked = place.questions(
            self._tables, reuse, wanted.deliver, wanted.receivers, same_user=wanted.same_user
        )
        binds: list[Finding] = []
        users: Finding | None = None
        for question in asked:
            for term in question.terms:
                finding = self._answer(question.cell, term, system)
                if question.cell.table == "users":
                    users = finding
                elif term.kind == "bind" and term.key != "A":
                    binds.append(finding)
                elif question.only_veto:
                    vetoes.append(finding)
                else:
                    required.append(finding)
        bind = _first(binds)
        vetoes = [one for one in vetoes if one.holds is False]
        if bind.holds is not None or not required[0].holds:
            required.append(bind)
        if users is not None:
            required.append(users)
        return Choice(reuse, together([*vetoes, *required]), bind, users)

    def _answer(self, cell: Cell, term: Term, system: str) -> Finding:
        key = cell.id, system
        if key not in self._known:
            self._known[key] = self._knowledge.known(cell, system)
        return answer(self._known[key], term)


def _first(findings: Sequence[Finding]) -> Finding:
    """Return what several cells say of one thing: what is best known; a refusal beats its like."""
    told = [one for one in findings if one.holds is not None]
    return min(told, key=lambda one: (one.rank[0], bool(one.holds)), default=findings[0])


def choose(choices: Mapping[str, Sequence[Choice]]) -> dict[str, Choice]:
    """Return for each system the best known options, as alike as can be on all of them, and few."""
    usable = {name: _best(own) for name, own in choices.items()}
    known = [own for own in usable.values() if own[0].finding.holds]
    bases = {choice.options for own in known for choice in own} or {frozenset({"addr"})}
    found = [({name: _nearest(own, base) for name, own in usable.items()}, base) for base in bases]
    return min(found, key=lambda pair: _cost(*pair))[0]


def _best(choices: Sequence[Choice]) -> list[Choice]:
    """Return the options that are known to do it, else those that may, else those that come nearest."""
    ranks = [(_hope(one), one) for one in choices]
    best = min(rank for rank, _ in ranks)
    return [one for rank, one in ranks if rank == best]


def _hope(choice: Choice) -> tuple[int, ...]:
    finding = choice.finding
    if finding.holds:
        return 0, *finding.rank[:2]
    if finding.holds is None:
        return 1, not choice.bind.holds
    kinds = ("delivery", "bind", "exists")
    return 2, kinds.index(finding.asked.kind) if finding.asked and finding.asked.kind in kinds else 3


def _nearest(choices: Sequence[Choice], base: frozenset[str]) -> Choice:
    def far(one: Choice) -> tuple[int, int, int]:
        return len(one.options ^ base), len(one.options), REUSE.index(one.reuse)

    return min(choices, key=far)


def _cost(chosen: Mapping[str, Choice], base: frozenset[str]) -> tuple[int, int, list[int]]:
    parts = chosen.values()
    differ = sum(len(one.options ^ base) for one in parts)
    return differ, sum(len(one.options) for one in parts), [REUSE.index(one.reuse) for one in parts]
