"""Find a short conjunction of terms that holds for some things and for no others.

A conjunction is grown, always by what tells wanted from other things best (the information gain of
FOIL; Quinlan, "Learning Logical Definitions from Relations", 1990; here with a beam), until it is exact.
Then terms it can do without are dropped, and values added to those that stay, while it remains exact.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple, final

from sockmatrix.rules.features import Features, Term, widened
from sockmatrix.rules.looking import CELL

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

_BEAM = 4
_DEEPEST = 8
_MANY_VALUES = 3  # of more, it is said which it is not, if that is shorter
_EVALUATION = 300  # what looking at a term costs beside its bitmap, in bytes


class _State(NamedTuple):
    gain: float
    bits: int
    terms: tuple[Term, ...]
    cost: float
    good: int
    wrong: int


@final
class Search:
    """A search among the terms of some things. `work`: bytes of bitmaps looked at so far."""

    def __init__(self, features: Features) -> None:
        """Search among all terms that tell things apart; of those that say the same, the plainest."""
        self.features = features
        self.work = 0
        found: dict[int, Term] = {}
        for term in features.terms():
            bits = features.bits(term)
            if bits and bits != features.full and (bits not in found or term.cost < found[bits].cost):
                found[bits] = term
        self._candidates = [(term, bits, term.cost) for bits, term in found.items()]

    def grow(self, wanted: int, bad: int) -> tuple[Term, ...] | None:
        """Return terms that hold together for most of `wanted` and none of `bad`; None: none found."""
        base = wanted.bit_count() / (wanted.bit_count() + bad.bit_count())
        candidates = [one for one in self._candidates if one[1] & wanted]
        beam = [_State(0.0, self.features.full, (), 0.0, wanted.bit_count(), bad.bit_count())]
        best: _State | None = None
        for _ in range(_DEEPEST):
            found: dict[int, _State] = {}
            for state in beam:
                if best and state.good < best.good:
                    continue
                self.work += len(candidates) * (self.features.bytes + _EVALUATION)
                wanted_here, bad_here = state.bits & wanted, state.bits & bad
                least = best.good if best else 1
                for term, own, price in candidates:
                    good = (wanted_here & own).bit_count()
                    if good < least:
                        continue
                    wrong = (bad_here & own).bit_count()
                    if wrong == state.wrong:
                        continue
                    bits = state.bits & own
                    cost = state.cost + price
                    gain = good * math.log2(good / (good + wrong) / base) - 0.01 * cost
                    if not wrong:
                        if best is None or (good, -cost) > (best.good, -best.cost):
                            best = _State(gain, bits, (*state.terms, term), cost, good, wrong)
                            least = good
                    elif bits not in found or found[bits].gain < gain:
                        found[bits] = _State(gain, bits, (*state.terms, term), cost, good, wrong)
            beam = sorted(found.values(), key=lambda state: -state.gain)[:_BEAM]
        return best.terms if best else None

    def describe(self, index: int, wanted: int, bad: int) -> tuple[Term, ...]:
        """Return terms for one thing, and for as many more wanted ones as it is easy to include."""
        kept = {term: self.features.bits(term) for term in self.features.described(index)}
        while kept:
            most, which = -1, None
            for term in kept:
                bits = self.features.full
                for other, own in kept.items():
                    if other is not term:
                        bits &= own
                if not bits & bad and (bits & wanted).bit_count() > most:
                    most, which = (bits & wanted).bit_count(), term
            if which is None:
                break
            del kept[which]
        return tuple(kept)

    def finish(self, terms: Sequence[Term], wanted: int, bad: int) -> tuple[Term, ...]:
        """Return exact terms, without those they can do without, with as many values as they may."""
        wide = self._wide(self._simple(terms, bad), wanted, bad)
        return tuple(sorted(_merged(self._simple(wide, bad)), key=place))

    def _simple(self, terms: Iterable[Term], bad: int) -> tuple[Term, ...]:
        kept = {term: self.features.bits(term) for term in terms}
        for term in sorted(kept, key=lambda term: -term.cost):
            bits = self.features.full
            for other, own in kept.items():
                if other is not term:
                    bits &= own
            if not bits & bad:
                del kept[term]
        return tuple(kept)

    def _wide(self, terms: tuple[Term, ...], wanted: int, bad: int) -> tuple[Term, ...]:
        wide = list(terms)
        for number, term in enumerate(terms):
            if term.who == "none" or term.negated:
                continue
            others = self.features.conjunction(wide[:number] + wide[number + 1 :])
            values, own = list(term.values), self.features.bits(term)
            for value in self.features.values(term):
                if not value or value in values:
                    continue
                more = self.features.bits(replace(term, values=(*values, value)))
                gained = others & more & ~own
                if gained & wanted and not gained & bad:
                    values.append(value)
                    own = more
            wide[number] = self._shortest(widened(term, values), others, bad)
        return tuple(wide)

    def _shortest(self, term: Term, others: int, bad: int) -> Term:
        """Return the term, or the one that denies all other values, if that is short and as exact."""
        rest = [value for value in self.features.values(term) if value and value not in term.values]
        if len(term.values) <= _MANY_VALUES or len(rest) >= len(term.values) - 1 or not rest:
            return term
        if term.who in ("some", "every"):
            return term
        denied = widened(replace(term, negated=True), rest)
        bits = others & self.features.bits(denied)
        if bits & bad or others & self.features.bits(term) & ~bits:
            return term
        return denied


def _merged(terms: Iterable[Term]) -> Iterator[Term]:
    """Yield the terms, those as one that deny values of the same: none.reuse=lb,exclusive."""
    denied: dict[str, list[str]] = {}
    for term in terms:
        if term.who == "none" and not term.negated:
            denied.setdefault(term.axis, []).extend(term.values)
        else:
            yield term
    for axis, values in denied.items():
        yield widened(Term("none", axis, ()), values)


_ORDER = ("table", "lab", "case", "receivers", "sockets", "transport", "dest", "dest-class", "shared")


def place(term: Term) -> tuple[int, str, int, str]:
    """Return where a term stands in a pattern: first the cell's, then the sockets' in bind order."""
    if term.who == CELL:
        return 0, "", _ORDER.index(term.axis) if term.axis in _ORDER else len(_ORDER), term.axis
    return (1, term.who, 0, term.axis) if term.who.isupper() else (2, term.who, 0, term.axis)
