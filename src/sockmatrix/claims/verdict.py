"""Whether a claim holds on a measured system: confirmed, contradicted, or not measured, and why.

A cell decides nothing unless it was measured, stable, and its terms could be told. One covered cell
that contradicts is enough to contradict the claim; without any, one that confirms is enough to
confirm it. What a claim about another system, or another version, says is never decided here: how
the local cells compare is told beside it, as contrast.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias, final

from sockmatrix.claims import expect, systems
from sockmatrix.wording import cell_headline

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sockmatrix.cell import Cell
    from sockmatrix.claims.claim import Claim, Disagreement
    from sockmatrix.claims.cover import Coverage
    from sockmatrix.claims.expect import Term
    from sockmatrix.pattern import Pattern
    from sockmatrix.runfile import Run
    from sockmatrix.runformat import CellLine, Platform

Word: TypeAlias = Literal["confirmed", "contradicted", "not measured"]

WORDS: tuple[Word, ...] = ("contradicted", "confirmed", "not measured")
"""The verdicts, the one that wins first."""


class Evidence(NamedTuple):
    """A cell that decides: what came of it, in words, and the term that does not hold, if any."""

    cell: str
    outcome: str
    term: str


@final
@dataclass(frozen=True, slots=True)
class Tally:
    """How the covered cells of one run answer. `open`: why the others decide nothing, how often."""

    agree: tuple[Evidence, ...] = ()
    contradict: tuple[Evidence, ...] = ()
    open: Mapping[str, int] = field(default_factory=dict)

    @property
    def covered(self) -> int:
        """Cells that the claim speaks of."""
        return self.decided + sum(self.open.values())

    @property
    def decided(self) -> int:
        """Cells that say yes or no."""
        return len(self.agree) + len(self.contradict)

    @property
    def word(self) -> Word:
        """What the cells amount to."""
        if self.contradict:
            return "contradicted"
        return "confirmed" if self.agree else "not measured"

    @property
    def reason(self) -> str:
        """Why nothing is decided: the reasons, the most frequent first."""
        if self.decided:
            return ""
        ordered = sorted(self.open.items(), key=lambda item: -item[1])
        return "; ".join(why for why, _ in ordered[:3]) or "no cell"


@final
@dataclass(frozen=True, slots=True)
class Verdict:
    """A claim and a run. `here`: how the cells of a run that does not decide it compare.

    An umbrella claim has the verdicts of its `parts`, as if they spoke of its own systems.
    """

    claim: Claim
    word: Word
    tally: Tally = Tally()
    reason: str = ""
    here: Tally | None = None
    parts: tuple[Verdict, ...] = ()

    def count(self, word: Word) -> int:
        """Return how many parts have a verdict."""
        return sum(part.word == word for part in self.parts)


@final
class Judge:
    """Judges claims by the cells of one run."""

    def __init__(self, run: Run, coverage: Coverage, claims: Mapping[str, Claim]) -> None:
        """`claims` are all there are: umbrella claims name others."""
        self._run = run
        self._coverage = coverage
        self._claims = claims
        self._platform = run.header.platform

    def verdict(self, claim: Claim) -> Verdict:
        """Return what the run says of a claim."""
        if claim.undecidable:
            return Verdict(claim, "not measured", reason=claim.undecidable)
        other = elsewhere(claim, self._platform)
        if claim.parts:
            return self._umbrella(claim, other)
        tally = self.tally(claim.cells, claim.expect)
        if other:
            return Verdict(claim, "not measured", reason=other, here=tally)
        return Verdict(claim, tally.word, tally, tally.reason)

    def tally(self, cells: Iterable[Pattern], terms: tuple[Term, ...]) -> Tally:
        """Return how the covered cells answer."""
        agree: list[Evidence] = []
        contradict: list[Evidence] = []
        unclear: Counter[str] = Counter()
        for cell in self._coverage.cells(cells):
            line = self._run.cells.get(cell.id)
            why = self._unmeasured(cell, line)
            if why or line is None:
                unclear[why] += 1
                continue
            answer, term = expect.judge(terms, self._coverage.shape(cell), line)
            if answer.holds is None:
                unclear[answer.why] += 1
            else:
                evidence = Evidence(cell.id, cell_headline(cell, line), term)
                (agree if answer.holds else contradict).append(evidence)
        return Tally(tuple(agree), tuple(contradict), dict(unclear))

    def sides(self, disagreement: Disagreement) -> tuple[Tally, ...]:
        """Return how the cells that decide a disagreement answer each side."""
        return tuple(self.tally(side.cells, side.expect) for side in disagreement.sides)

    def _umbrella(self, claim: Claim, other: str) -> Verdict:
        parts = []
        for name in claim.parts:
            part = self._claims[name]
            if part.undecidable:
                parts.append(Verdict(part, "not measured", reason=part.undecidable))
            else:
                tally = self.tally(part.cells, part.expect)
                parts.append(Verdict(part, tally.word, tally, tally.reason))
        whole = Tally(
            tuple(one for part in parts for one in part.tally.agree),
            tuple(one for part in parts for one in part.tally.contradict),
            sum((Counter(part.tally.open) for part in parts), Counter()),
        )
        if other:
            return Verdict(claim, "not measured", reason=other, here=whole, parts=tuple(parts))
        return Verdict(claim, whole.word, whole, whole.reason, parts=tuple(parts))

    def _unmeasured(self, cell: Cell, line: CellLine | None) -> str:
        """Return why a cell decides nothing, whatever is expected of it, or nothing."""
        if line is None:
            return "not in this run"
        if line.v != cell.version:
            return "measured with other steps than those of today"
        if line.word == "skipped":
            return f"skipped: {line.skipped}"
        if line.word == "inconclusive":
            return f"inconclusive: {line.inconclusive}"
        return "unstable: the repetitions differ" if line.word == "unstable" else ""


def elsewhere(claim: Claim, platform: Platform) -> str:
    """Return why a claim does not speak of a measured system, or nothing if it does."""
    system, version = systems.system(platform), systems.version(platform)
    own = claim.conditions.get(system)
    if system in claim.os or systems.ANY in claim.os:
        condition = own or claim.conditions.get("")
    elif claim.testable and system == systems.LINUX:
        condition = own  # the others are those of other systems, or of a library
    else:
        return f"about {', '.join(systems.words(name) for name in claim.os)}"
    if condition is None or not condition.text:
        return ""
    whose = f"{systems.words(system)} {condition.text}"
    holds = None if version is None else condition.holds(version)
    if holds is None:
        return f"about {whose}, and this kernel's release does not tell whether it is one"
    return "" if holds else f"about {whose}"
