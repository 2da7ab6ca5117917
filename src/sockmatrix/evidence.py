"""What is known of a cell on a system: measured, documented, predicted, or nothing at all.

Measured: the cells of runs, the newest release first. Documented: the claims that name the system and
speak of the cell, the highest authority first. Predicted: what the reference model of Linux says where
nobody measured. Which of them it is stands with every piece of evidence, and each answers a question
(a term of `claims/expect.py`) with yes, no, or that it does not tell. Pure values: nothing is opened.
"""

from __future__ import annotations

import collections
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias, final

from sockmatrix.claims import systems
from sockmatrix.claims.entail import entails, heard, opened
from sockmatrix.claims.expect import Answer
from sockmatrix.claims.hearing import heard as heard_of
from sockmatrix.claims.shape import Shapes
from sockmatrix.claims.versions import Version
from sockmatrix.models import Unpredicted
from sockmatrix.models.linux import VERSION, predict
from sockmatrix.models.prediction import Prediction
from sockmatrix.outcome import Outcome
from sockmatrix.predict import STACK
from sockmatrix.wording import headline

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from sockmatrix.cell import Cell
    from sockmatrix.claims.claim import Claim
    from sockmatrix.claims.expect import Term
    from sockmatrix.claims.shape import Shape
    from sockmatrix.claims.versions import Condition, Point
    from sockmatrix.outcome import Variant
    from sockmatrix.runfile import Run
    from sockmatrix.scenarios import Scenario

Kind: TypeAlias = Literal["measured", "documented", "predicted", "unknown"]

KINDS: tuple[Kind, ...] = ("measured", "documented", "predicted", "unknown")
"""The kinds, the best first."""

_RELEASED = (0, 0)
"""The second part of a version that is no release candidate."""

_TELLS_NOTHING = ("skipped", "inconclusive")


@final
@dataclass(frozen=True, slots=True)
class Evidence:
    """One thing that is known of a cell on a system.

    `about` names the platform that was measured, or the release that is predicted; a document has its
    `claim` instead, and `versions` that it speaks of, in words, empty for every version. `refuted`: a
    platform on which the document, which speaks of every system, does not hold in this cell.
    """

    kind: Kind
    system: str
    shape: Shape = field(repr=False)
    about: str = ""
    outcome: Variant | None = field(default=None, repr=False)
    claim: Claim | None = field(default=None, repr=False)
    versions: str = ""
    refuted: str = ""

    def tells(self, asked: Term) -> Answer:
        """Return whether a term about the cell holds by this evidence; None and why if it is silent."""
        if self.outcome is not None:
            answers = {asked.judge(self.shape, one) for one in _worlds(self.outcome)}
            if len({answer.holds for answer in answers}) == 1:
                return min(answers, key=lambda answer: answer.why)
            return Answer(None, "it turns out both ways")
        if self.claim is None:
            return Answer(None, "not known")
        if self.refuted:
            return Answer(None, f"does not hold on {self.refuted}")
        return entails(self.claim.expect, asked, self.shape)

    def opened(self, role: str) -> str:
        """Return how a role's socket came to be open: ok, an errno, `error`; empty if it is not told."""
        if self.outcome is None:
            return opened(self.claim.expect, role, self.shape) if self.claim and not self.refuted else ""
        if self.outcome.absent or len(_worlds(self.outcome)) > 1:
            return ""
        return self.outcome.failed.get(role, "ok").rpartition(" ")[2]

    def heard(self, label: str) -> tuple[str, ...]:
        """Return who heard what was sent under a label, in the words of claims; none if not told.

        Several words: any one of them.
        """
        if self.outcome is None:
            return heard(self.claim.expect, label) if self.claim and not self.refuted else ()
        if self.outcome.absent or len(_worlds(self.outcome)) > 1:
            return ()
        found = heard_of(label, self.shape, self.outcome)
        if isinstance(found, str):
            return ()
        if not found.word:
            return ("none",)
        if found.word in ("one", "some") and found.place != "varies":
            return ("only:" + "+".join(role for role in self.shape.receivers if role in found.full),)
        return (found.word,)

    @property
    def words(self) -> str:
        """What it says, in a few words, as the cell of a table or as the document's statement."""
        if self.outcome is not None:
            return headline(self.outcome)
        return self.claim.statement if self.claim else "not known"

    @property
    def source(self) -> str:
        """Where it is from, in a few words: a platform, a claim and its document, or the model."""
        if self.kind == "measured":
            return self.about
        if self.kind == "predicted":
            return f"the model of {self.about}"
        return f"{self.claim.id}, {self.claim.source.title}" if self.claim else ""


@final
class Knowledge:
    """All that some runs, the documents and the model know. Looking up a cell expands no table."""

    def __init__(
        self,
        runs: Iterable[Run],
        claims: Iterable[Claim],
        scenarios: Mapping[str, Scenario],
        releases: Mapping[str, Version] | None = None,
        speaks: Callable[[Claim, Cell], bool] | None = None,
    ) -> None:
        """`scenarios` are by the name of the table; `speaks` tells whether a claim is about a cell.

        `releases` are the versions of systems that are meant; where none is given, the newest that was
        measured, else the newest that any document speaks of.
        """
        self._scenarios = scenarios
        self._shape = Shapes(scenarios.__getitem__)
        self._speaks = speaks or _speaks
        self._releases = dict(releases or {})
        self._runs: dict[str, list[Run]] = collections.defaultdict(list)
        for run in runs:
            self._runs[systems.system(run.header.platform)].append(run)
        for own in self._runs.values():
            own.sort(key=_newness, reverse=True)
        self._claims: dict[tuple[str, str], list[Claim]] = collections.defaultdict(list)
        claims = list(claims)
        self._newest = newest_releases(claims)
        for claim in claims:
            for table in _tables(claim):
                for system in claim.os:
                    self._claims[system, table].append(claim)

    @property
    def measured(self) -> tuple[str, ...]:
        """The systems that there are runs of."""
        return tuple(self._runs)

    def release(self, system: str) -> Version | None:
        """Return the version of a system that documents are read for, None if none is known."""
        if system in self._releases:
            return self._releases[system]
        if self._runs.get(system):
            own = systems.version(self._runs[system][0].header.platform)
            if own is not None:
                return own
        return self._newest.get(system)

    def known(self, cell: Cell, system: str) -> list[Evidence]:
        """Return what is known of a cell on a system, the best first; never nothing.

        Where nothing is known there is one piece of evidence of the kind `unknown`.
        """
        form = self._shape(cell)
        found = self._measured(cell, system, form)
        measured = bool(found)
        found += self._documented(cell, system, form)
        if not measured and system == STACK:
            found += self._predicted(cell, form)
        return found or [Evidence("unknown", system, form)]

    def _measured(self, cell: Cell, system: str, form: Shape) -> list[Evidence]:
        found = []
        for run in self._runs.get(system, ()):
            line = run.cells.get(cell.id)
            if line is not None and line.v == cell.version and line.word not in _TELLS_NOTHING:
                found.append(
                    Evidence("measured", system, form, about=run.header.platform.name, outcome=line)
                )
        return found

    def _documented(self, cell: Cell, system: str, form: Shape) -> list[Evidence]:
        found = []
        for table in (cell.table, ""):
            for named in (system, systems.ANY):
                for claim in self._claims.get((named, table), ()):
                    if not self._speaks(claim, cell):
                        continue
                    condition = claim.conditions.get(system) or claim.conditions.get("")
                    if not self._holds(condition, system):
                        continue
                    refuted = self._refuted(claim, cell, form) if named == systems.ANY else ""
                    versions = condition.text if condition else ""
                    found.append(
                        Evidence(
                            "documented", system, form, claim=claim, versions=versions, refuted=refuted
                        )
                    )
        return sorted(found, key=_authority)

    def _holds(self, condition: Condition | None, system: str) -> bool:
        """Tell whether a document speaks of the version that is meant; if in doubt, it does."""
        release = self.release(system)
        if condition is None or release is None:
            return True
        return condition.holds(release) is not False

    def _refuted(self, claim: Claim, cell: Cell, form: Shape) -> str:
        for system in self._runs:
            for one in self._measured(cell, system, form):
                if any(one.tells(term).holds is False for term in claim.expect):
                    return one.about
        return ""

    def _predicted(self, cell: Cell, form: Shape) -> list[Evidence]:
        release = self._releases.get(STACK)
        version = (*release.low[0][:3],) if release else VERSION
        try:
            steps = self._scenarios[cell.table].steps(cell)
            outcome = predict(cell, steps, lab=cell.lab, version=version)  # type: ignore[arg-type]
        except Unpredicted:
            return []
        if outcome.skipped:
            return []
        about = f"Linux {'.'.join(map(str, version))}"
        return [Evidence("predicted", STACK, form, about=about, outcome=outcome)]


def newest_releases(claims: Iterable[Claim]) -> dict[str, Version]:
    """Return the newest release of each system that a claim speaks of by number."""
    found: dict[str, Version] = {}
    for claim in claims:
        for system in claim.os:
            condition = claim.conditions.get(system) or claim.conditions.get("")
            for several in condition.alternatives if condition else ():
                for how, low, _ in several:
                    known = found.get(system)
                    point = low[0], max(low[1], _RELEASED)  # 11.4.* is not only what came before 11.4
                    if how in (">=", "==", ">") and (known is None or point > known.low):
                        found[system] = Version(point, point)
    return found


def _speaks(claim: Claim, cell: Cell) -> bool:
    return any(pattern.matches(cell) for pattern in claim.cells)


def _tables(claim: Claim) -> set[str]:
    """Return the tables that a claim speaks of; "" where a pattern does not say which."""
    found: set[str] = set()
    for pattern in claim.cells:
        named = [word for word in pattern.text.split() if word.startswith("table=")]
        found.update(named[0].removeprefix("table=").split(",") if named else [""])
    return found


def _authority(evidence: Evidence) -> tuple[bool, int, bool, int, int]:
    """Return the sort key of a document: those refuted last, then by authority, then by how special.

    Special is what speaks of this system, of few others, and of few cells.
    """
    claim = evidence.claim
    if claim is None:
        raise ValueError("only documents have an authority")
    return (
        bool(evidence.refuted),
        claim.source.authority,
        systems.ANY in claim.os,
        len(claim.os),
        len(claim.cells),
    )


def _newness(run: Run) -> tuple[Point, str]:
    own = systems.version(run.header.platform)
    return own.low if own else ((), (0, 0)), run.header.started


def _worlds(outcome: Variant) -> Sequence[Variant]:
    """Return every way that a cell turned out, or may: repetitions that differ, what hashes decide."""
    if isinstance(outcome, Outcome) and outcome.variants:
        return outcome.variants
    return (outcome, *outcome.others) if isinstance(outcome, Prediction) else (outcome,)
