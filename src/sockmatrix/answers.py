"""The answer that evidence gives to a question about cells: yes, no, or not known, and on what it stands.

A question is a term (`claims/expect.py`). What was measured on a system is contradicted by no document;
of documents that contradict each other the higher authority answers, and the others are named.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, final

from sockmatrix.claims.systems import ANY
from sockmatrix.evidence import KINDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sockmatrix.claims.expect import Term
    from sockmatrix.evidence import Evidence, Kind


@final
@dataclass(frozen=True, slots=True)
class Finding:
    """Whether something holds on a system, None if that is not known: then `why` may say more.

    `evidence` is what decides it; `against` are documents that say otherwise; `asked` was the question.
    """

    holds: bool | None
    evidence: Evidence | None = None
    against: tuple[Evidence, ...] = ()
    why: str = ""
    asked: Term | None = None

    @property
    def kind(self) -> Kind:
        """What kind of evidence it stands on."""
        return "unknown" if self.evidence is None or self.holds is None else self.evidence.kind

    @property
    def rank(self) -> tuple[int, int, int]:
        """How good the evidence is, the best first.

        By its kind, by whether documents disagree or speak only of systems in general, by authority.
        """
        claim = self.evidence.claim if self.evidence else None
        doubt = 2 if self.against else int(claim is not None and ANY in claim.os)
        return KINDS.index(self.kind), doubt, claim.source.authority if claim else 0


def answer(known: Sequence[Evidence], asked: Term) -> Finding:
    """Return whether a term holds by what is known of a cell, the best evidence first."""
    measured = [one for one in known if one.kind == "measured"]
    told = [(one, one.tells(asked)) for one in measured or known]
    decisive = [(one, found.holds) for one, found in told if found.holds is not None]
    if not decisive:
        evidence, why = (told[0][0], told[0][1].why) if told else (None, "not known")
        return Finding(None, evidence, why=why, asked=asked)
    evidence, holds = decisive[0]
    against = () if measured else tuple(one for one, other in decisive if other is not holds)
    return Finding(holds, evidence, against, asked=asked)


def together(findings: Iterable[Finding]) -> Finding:
    """Return whether all of some things hold: by the first that does not, else the weakest evidence."""
    told = list(findings)
    for wanted in (False, None):
        for one in told:
            if one.holds is wanted:
                return one
    return max(told, key=lambda one: one.rank, default=Finding(None, why="nothing was asked"))
