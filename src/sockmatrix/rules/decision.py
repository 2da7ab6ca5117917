"""Short exact rules for what was measured: ordered lists, of which the first rule that matches holds.

Nothing in them is known beforehand of any system: each list is made from one run, decides every fact
that the run measured as it was measured, and says nothing of what it did not.
"""

from __future__ import annotations

import functools
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, TypeAlias, final

from sockmatrix.pattern import DERIVED
from sockmatrix.rules.bitmaps import bitmap, members
from sockmatrix.rules.features import Features, Term
from sockmatrix.rules.search import Search
from sockmatrix.rules.units import EXIST, FACETS, SEND, UNMEASURED, WHOLE, units

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sockmatrix.cell import Cell
    from sockmatrix.outcome import Outcome
    from sockmatrix.rules.units import Unit

_BY_CELL = (EXIST, WHOLE)
"""Facets that are one fact a cell: their terms are those of patterns."""

Row: TypeAlias = "tuple[tuple[str, str], ...]"

_FEW = 8  # answers, of which all are looked at again after each rule


@functools.lru_cache(maxsize=1)
def _features(cell: Cell) -> Features:
    return Features.of_cells([cell])


@final
@dataclass(frozen=True, slots=True)
class Rule:
    """If all `terms` hold, and not those of a rule before it, then `answer`.

    `count`: how many facts it decides. `pattern`: the same terms about cells, if they are that.
    """

    facet: str
    terms: tuple[Term, ...]
    answer: str
    count: int
    pattern: str = ""

    def holds(self, unit: Unit) -> bool:
        """Tell whether its terms hold for a fact of its facet."""
        if self.facet in _BY_CELL:
            return bool(_features(unit.cell).conjunction(self.terms))
        values = unit.precise
        return all((values.get(term.axis) in term.values) is not term.negated for term in self.terms)


@final
@dataclass(frozen=True, slots=True)
class Rules:
    """Rules for what was measured of some cells, by facet; the first that holds decides.

    `cells`: how many they are about. `left_out`: how many told nothing, by what they told.
    """

    facets: Mapping[str, tuple[Rule, ...]]
    cells: int
    left_out: Mapping[str, int]


class Applied(NamedTuple):
    """A rule that decides a fact of a cell, and its number in the list of its facet, from 1."""

    unit: Unit
    number: int
    rule: Rule


def learn(cells: Iterable[Cell], outcomes: Mapping[str, Outcome]) -> Rules:
    """Return exact rules for the cells of one table that were measured, by facet."""
    left_out: Counter[str] = Counter()
    measured: list[tuple[Cell, Outcome]] = []
    for cell in cells:
        outcome = outcomes.get(cell.id)
        if outcome is None:
            left_out["not measured"] += 1
        elif outcome.word in UNMEASURED:
            left_out[outcome.word] += 1
        else:
            measured.append((cell, outcome))
    found = _collected(measured, frozenset())
    doubtful = frozenset(facet for facet, facts in found.items() if facts.ambiguous)
    if doubtful:
        found.update(_collected(measured, doubtful))
    facets = {facet: _learn(facet, found[facet]) for facet in FACETS if facet in found}
    return Rules(facets, len(measured), dict(left_out))


def rule_for(cell: Cell, outcome: Outcome, rules: Rules) -> tuple[Applied, ...]:
    """Return the rule that decides each fact measured of a cell, fact by fact."""
    return tuple(
        next(
            Applied(unit, number, rule)
            for number, rule in enumerate(rules.facets[unit.facet], 1)
            if rule.holds(unit)
        )
        for unit in units(cell, outcome)
    )


class _Facts:
    """What was measured in a facet: answers and how often, by the values that may decide them."""

    def __init__(self) -> None:
        self.ambiguous = False
        self.answers: list[str] = []
        self.counts: list[int] = []
        self.cells: list[Cell] = []
        self.rows: dict[Row, int] = {}

    def add(self, unit: Unit, row: Row) -> None:
        """Count a fact whose values, or cell, are `row`."""
        index = self.rows.setdefault(row, len(self.answers))
        if index == len(self.answers):
            self.answers.append(unit.answer)
            self.counts.append(0)
            self.cells.append(unit.cell)
        self.counts[index] += 1
        self.ambiguous |= self.answers[index] != unit.answer


def _collected(measured: Iterable[tuple[Cell, Outcome]], precise: frozenset[str]) -> dict[str, _Facts]:
    """Return all facts by facet; if any are named, only those `precise`, told from each other."""
    found: dict[str, _Facts] = {}
    for cell, outcome in measured:
        for unit in units(cell, outcome):
            if precise and unit.facet not in precise:
                continue
            values = unit.precise if precise else unit.values
            row = (("id", cell.id),) if unit.facet in _BY_CELL else tuple(values.items())
            found.setdefault(unit.facet, _Facts()).add(unit, row)
    return found


def _learn(facet: str, facts: _Facts) -> tuple[Rule, ...]:
    if facet in _BY_CELL:
        features = Features.of_cells(facts.cells)
    else:
        features = Features.of_rows([dict(row) for row in facts.rows])
    axes = facts.cells[0].axes
    return tuple(
        Rule(
            facet,
            terms,
            answer,
            sum(facts.counts[index] for index in members(taken)),
            _pattern(facet, terms, axes),
        )
        for terms, answer, taken in _listed(features, facts.answers)
    )


def _pattern(facet: str, terms: Sequence[Term], axes: Mapping[str, str]) -> str:
    """Return terms as a pattern; empty if they are not about cells, or there is none."""
    if facet in _BY_CELL or (
        facet == SEND and all(term.axis in axes or term.axis in DERIVED for term in terms)
    ):
        return " ".join(term.text for term in terms)
    return ""


class _Choice(NamedTuple):
    terms: tuple[Term, ...]
    answer: str
    taken: int

    @property
    def worth(self) -> tuple[int, float]:
        return self.taken.bit_count(), -sum(term.cost for term in self.terms)


def _listed(features: Features, answers: Sequence[str]) -> list[_Choice]:
    """Return terms and answers in order: each time those that decide most of what is left."""
    groups: dict[str, list[int]] = {}
    for index, answer in enumerate(answers):
        groups.setdefault(answer, []).append(index)
    having = {answer: bitmap(own, len(answers)) for answer, own in groups.items()}
    search = Search(features)
    left = features.full
    listed: list[_Choice] = []
    known: dict[str, _Choice] = {}
    while having:
        if len(having) == 1:
            return [*listed, _Choice((), next(iter(having)), left)]
        # What is taken has another answer: what was found before stays exact, and can only be bettered.
        for answer in having if len(having) <= _FEW else having.keys() - known.keys():
            known[answer] = _choice(search, having[answer], left, answer)
        best = max(known.values(), key=lambda choice: choice.worth)
        if len(having) == 2:  # of two rules that both end the list, the one that is easier to read
            ends = [choice for choice in known.values() if choice.taken == having[choice.answer]]
            best = max(ends, key=lambda choice: choice.worth[::-1], default=best)
        if len(having) > _FEW:
            again = _choice(search, having[best.answer], left, best.answer)
            best = max(best, again, key=lambda choice: choice.worth)
        del known[best.answer]
        listed.append(best)
        left &= ~best.taken
        having[best.answer] &= left
        if not having[best.answer]:
            del having[best.answer]
    return listed


def _choice(search: Search, own: int, left: int, answer: str) -> _Choice:
    bad = left & ~own
    grown = search.grow(own, bad)
    if grown is None:
        grown = search.describe((own & -own).bit_length() - 1, own, bad)
    terms = search.finish(grown, own, bad)
    return _Choice(terms, answer, search.features.conjunction(terms) & own)
