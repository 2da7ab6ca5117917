"""Say which cells: a short exact list of patterns for some cells among others.

Sequential covering. A conjunction of terms is grown, always by what tells wanted from other cells best
(the information gain of FOIL; Quinlan, "Learning Logical Definitions from Relations", 1990), until it
matches wanted cells only. Then terms it can do without are dropped, and values added to those that
stay, as long as it remains exact. What it matches is covered; the next one is grown for the rest.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, final

from sockmatrix.rules.features import CELL, Features, Term, bitmap, members, widened

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from sockmatrix.cell import Cell

EVERYTHING = "*"

_BEAM = 4
_DEEPEST = 8
_WORK = 60_000_000  # bytes of bitmaps looked at before a table's rest is described cell by cell
_MANY_VALUES = 3  # of more, it is said which it is not, if that is shorter


@final
@dataclass(frozen=True, slots=True)
class Group:
    """Cells that a pattern matches, and of a universe only wanted ones."""

    pattern: str
    cells: tuple[Cell, ...]


def cover(universe: Sequence[Cell], wanted: Collection[str]) -> tuple[Group, ...]:
    """Return groups of the cells of `universe` with the ids `wanted`: each is in exactly one.

    A pattern matches no other cell of the universe; a cell belongs to the first group whose pattern
    matches it. Few and short patterns, the largest group first. If the universe has several tables,
    each pattern names those it is about. Raises ValueError for an id that no cell has.
    """
    ids = frozenset(wanted)
    by_table: dict[str, list[Cell]] = {}
    for cell in universe:
        by_table.setdefault(cell.table, []).append(cell)
    tables = [
        _Table(name, cells, ids)
        for name, cells in by_table.items()
        if any(cell.id in ids for cell in cells)
    ]
    if missing := len(ids) - sum(one.wanted.bit_count() for one in tables):
        raise ValueError(f"{missing} of the wanted cells are not in the universe")
    found: dict[tuple[Term, ...], None] = {}
    while left := [one for one in tables if one.left]:
        one = max(left, key=lambda table: table.left.bit_count())
        pattern = one.pattern()
        found[pattern] = None
        for other in tables:
            other.take(pattern)
    return _groups(tables, found, named=len(by_table) > 1)


def _groups(
    tables: Sequence[_Table], patterns: Iterable[tuple[Term, ...]], *, named: bool
) -> tuple[Group, ...]:
    """Return the groups of patterns, the largest first; a pattern that adds nothing is left out."""
    claims = {
        pattern: {one.name: bits for one in tables if (bits := one.taken(pattern))}
        for pattern in patterns
    }
    left = {one.name: one.wanted for one in tables}
    cells = {one.name: one.features.cells for one in tables}
    groups = []
    while any(left.values()):
        pattern, taken = max(
            claims.items(),
            key=lambda item: sum((bits & left[name]).bit_count() for name, bits in item[1].items()),
        )
        del claims[pattern]
        own = [cells[name][index] for name, bits in taken.items() for index in members(bits & left[name])]
        for name, bits in taken.items():
            left[name] &= ~bits
        words = [term.text for term in pattern]
        if named:
            words.insert(0, "table=" + ",".join(sorted(taken)))
        groups.append(Group(" ".join(words) or EVERYTHING, tuple(own)))
    return tuple(groups)


@final
class _Table:
    """A table of the universe: its cells, which of them are wanted, and which are still left."""

    def __init__(self, name: str, cells: Sequence[Cell], ids: Collection[str]) -> None:
        self.name = name
        self.features = Features(cells)
        chosen = (index for index, cell in enumerate(cells) if cell.id in ids)
        self.wanted = self.left = bitmap(chosen, len(cells))
        self.bad = self.features.full & ~self.wanted
        self._candidates = _distinct(self.features)
        self._work = 0

    def taken(self, pattern: Iterable[Term]) -> int:
        """Return the cells that a pattern matches, none if any of them is not wanted."""
        bits = self.features.conjunction(pattern)
        return 0 if bits & self.bad else bits

    def take(self, pattern: Iterable[Term]) -> None:
        """Count as covered what a pattern matches here, if it is exact."""
        self.left &= ~self.taken(pattern)

    def pattern(self) -> tuple[Term, ...]:
        """Return an exact pattern for some of what is left."""
        if not self.bad:
            return ()
        grown = self._grow() if self._work < _WORK else None
        if grown is None:
            grown = self.features.described((self.left & -self.left).bit_length() - 1)
        return self._simple(self._wide(self._simple(grown)))

    def _grow(self) -> tuple[Term, ...] | None:
        left, bad = self.left, self.bad
        base = left.bit_count() / (left.bit_count() + bad.bit_count())
        candidates = [(term, bits, term.cost) for term, bits in self._candidates if bits & left]
        beam: list[tuple[float, int, tuple[Term, ...], int, int]] = [
            (0.0, self.features.full, (), left.bit_count(), bad.bit_count())
        ]
        best: tuple[Term, ...] | None = None
        most, cheapest = 0, math.inf
        for _ in range(_DEEPEST):
            found: dict[int, tuple[float, int, tuple[Term, ...], int, int]] = {}
            for _, bits, terms, before, others in beam:
                spent = sum(term.cost for term in terms)
                if before < most:
                    continue
                self._work += len(candidates) * (len(self.features.cells) >> 3)
                for term, own, cost in candidates:
                    both = bits & own
                    good = (both & left).bit_count()
                    if not good or good < most:
                        continue
                    wrong = (both & bad).bit_count()
                    if wrong == others:
                        continue
                    if not wrong:
                        if good > most or spent + cost < cheapest:
                            best, most, cheapest = (*terms, term), good, spent + cost
                        continue
                    gain = good * math.log2(good / (good + wrong) / base) - 0.01 * (spent + cost)
                    if both not in found or found[both][0] < gain:
                        found[both] = (gain, both, (*terms, term), good, wrong)
            beam = sorted(found.values(), key=lambda state: -state[0])[:_BEAM]
            if not any(state[3] > most for state in beam):
                break
        return best

    def _simple(self, pattern: tuple[Term, ...]) -> tuple[Term, ...]:
        """Return a pattern without the terms it can do without, those first that ask most."""
        kept = list(pattern)
        for term in sorted(pattern, key=lambda term: -term.cost):
            without = [other for other in kept if other is not term]
            if not self.features.conjunction(without) & self.bad:
                kept = without
        return tuple(sorted(kept, key=_place))

    def _wide(self, pattern: tuple[Term, ...]) -> tuple[Term, ...]:
        """Return a pattern whose terms have as many values as they may."""
        terms = list(pattern)
        for place, term in enumerate(pattern):
            if term.who == "none" or term.negated:
                continue
            others = self.features.conjunction(terms[:place] + terms[place + 1 :])
            known = self.features.values(term)
            values = list(term.values)
            for value in known:
                if not value or value in values:
                    continue
                more = self.features.bits(replace(term, values=(*values, value)))
                gained = others & more & ~self.features.bits(replace(term, values=tuple(values)))
                if gained & self.wanted and not gained & self.bad:
                    values.append(value)
            terms[place] = self._shortest(widened(term, values), others)
        return tuple(terms)

    def _shortest(self, term: Term, others: int) -> Term:
        """Return the term, or the one that denies all other values, if that is short and as exact."""
        rest = [value for value in self.features.values(term) if value and value not in term.values]
        if len(term.values) <= _MANY_VALUES or len(rest) >= len(term.values) - 1 or not rest:
            return term
        if term.who in ("some", "every"):
            return term
        denied = widened(replace(term, negated=True), rest)
        bits = others & self.features.bits(denied)
        if bits & self.bad or others & self.features.bits(term) & ~bits:
            return term
        return denied


def _distinct(features: Features) -> list[tuple[Term, int]]:
    """Return the terms that tell cells apart; of those that say the same, the plainest."""
    found: dict[int, Term] = {}
    for term in features.terms():
        bits = features.bits(term)
        if bits and bits != features.full and (bits not in found or term.cost < found[bits].cost):
            found[bits] = term
    return [(term, bits) for bits, term in found.items()]


_ORDER = ("table", "lab", "case", "receivers", "sockets", "transport", "dest", "dest-class", "shared")


def _place(term: Term) -> tuple[int, str, int, str]:
    """Return where a term stands in a pattern: first the cell's, then the sockets' in bind order."""
    if term.who == CELL:
        return 0, "", _ORDER.index(term.axis) if term.axis in _ORDER else len(_ORDER), term.axis
    return (1, term.who, 0, term.axis) if term.who.isupper() else (2, term.who, 0, term.axis)
