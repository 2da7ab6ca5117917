"""What one run or several say of some claims: the values that renderers and programs take."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final

from sockmatrix.claims.verdict import WORDS, Judge

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from sockmatrix.claims.claim import Claim, Disagreement, Source
    from sockmatrix.claims.cover import Coverage
    from sockmatrix.claims.verdict import Evidence, Tally, Verdict, Word
    from sockmatrix.runfile import Run

FEW = 3
"""So many of the cells that contradict a claim are named, unless all are asked for."""


@final
@dataclass(frozen=True, slots=True)
class Finding:
    """A claim, and the verdict of each run on it, by the name of the run."""

    claim: Claim
    verdicts: Mapping[str, Verdict]

    @property
    def word(self) -> Word:
        """The verdict of all runs together: one that contradicts is enough, then one that confirms."""
        words = {verdict.word for verdict in self.verdicts.values()}
        return next(word for word in WORDS if word in words)


@final
@dataclass(frozen=True, slots=True)
class Dispute:
    """A disagreement, and for each run, by its name, how the deciding cells answer each side."""

    disagreement: Disagreement
    tallies: Mapping[str, tuple[Tally, ...]]

    def holding(self, run: str) -> tuple[int, ...]:
        """Return the sides (from 0) that the cells of a run confirm."""
        return tuple(at for at, tally in enumerate(self.tallies[run]) if tally.word == "confirmed")


def find(
    runs: Mapping[str, Run], coverage: Coverage, known: Mapping[str, Claim], claims: Iterable[Claim]
) -> list[Finding]:
    """Judge some claims by some runs, (name, run); `known` are all claims there are."""
    judges = {name: Judge(run, coverage, known) for name, run in runs.items()}
    return [
        Finding(claim, {name: judge.verdict(claim) for name, judge in judges.items()}) for claim in claims
    ]


def disputes(
    runs: Mapping[str, Run],
    coverage: Coverage,
    known: Mapping[str, Claim],
    disagreements: Iterable[Disagreement],
) -> list[Dispute]:
    """Decide disagreements by the cells of some runs."""
    judges = {name: Judge(run, coverage, known) for name, run in runs.items()}
    return [
        Dispute(one, {name: judge.sides(one) for name, judge in judges.items()}) for one in disagreements
    ]


def by_source(findings: Iterable[Finding]) -> Iterator[tuple[Source, list[Finding]]]:
    """Yield each source with the findings about it, in the order in which they first occur."""
    grouped: dict[str, list[Finding]] = {}
    for finding in findings:
        grouped.setdefault(finding.claim.source.key, []).append(finding)
    for group in grouped.values():
        yield group[0].claim.source, group


def counts(findings: Sequence[Finding]) -> dict[Word, int]:
    """Return how many findings have each verdict."""
    return {word: sum(finding.word == word for finding in findings) for word in WORDS}


# --- for programs ---------------------------------------------------------------------------------


def values(findings: Iterable[Finding], *, cells: bool = False) -> list[dict[str, Any]]:
    """Return findings as JSON values; with `cells`, every cell that decides, not only a few."""
    return [_value(finding, cells=cells) for finding in findings]


def _value(finding: Finding, *, cells: bool) -> dict[str, Any]:
    claim = finding.claim
    found: dict[str, Any] = {
        "id": claim.id,
        "verdict": finding.word,
        "statement": claim.statement,
        "source": claim.source.key,
        "title": claim.source.title,
        "section": claim.section,
        "url": claim.url,
        "authority": claim.source.authority,
        "os": list(claim.os),
        "versions": {name: one.text for name, one in claim.conditions.items() if one.text},
        "stated": claim.stated,
        "testable": claim.testable,
        "expect": [term.text for term in claim.expect],
        "note": claim.note,
    }
    found = {key: value for key, value in found.items() if value not in ("", [], {})}
    runs = []
    for name, verdict in finding.verdicts.items():
        own: dict[str, Any] = {"run": name, "verdict": verdict.word}
        if verdict.reason:
            own["reason"] = verdict.reason
        own.update(_tally(verdict.tally, cells=cells))
        if verdict.here is not None:
            own["here"] = {
                "agrees": len(verdict.here.agree),
                "contradicts": len(verdict.here.contradict),
                "covered": verdict.here.covered,
                **({"cells": _cells(verdict.here, cells=cells)} if verdict.here.decided else {}),
            }
        if verdict.parts:
            own["parts"] = {part.claim.id: part.word for part in verdict.parts}
        runs.append(own)
    return {**found, "runs": runs}


def _tally(tally: Tally, *, cells: bool) -> dict[str, Any]:
    if not tally.covered:
        return {}
    return {
        "covered": tally.covered,
        "agrees": len(tally.agree),
        "contradicts": len(tally.contradict),
        "undecided": dict(tally.open),
        "cells": _cells(tally, cells=cells),
    }


def _cells(tally: Tally, *, cells: bool) -> list[dict[str, str]]:
    """Return the cells that decide: those that contradict before those that agree."""

    def told(evidence: Evidence) -> dict[str, str]:
        own = {"cell": evidence.cell, "outcome": evidence.outcome}
        return {**own, "contradicts": evidence.term} if evidence.term else own

    shown = (*tally.contradict, *tally.agree)
    if not cells:
        shown = (tally.contradict or tally.agree)[:FEW]
    return [told(evidence) for evidence in shown]


def dispute_values(found: Iterable[Dispute]) -> list[dict[str, Any]]:
    """Return disputes as JSON values."""
    return [
        {
            "topic": one.disagreement.topic,
            "sides": [
                {
                    "says": side.says,
                    "claims": list(side.claims),
                    "expect": [term.text for term in side.expect],
                }
                for side in one.disagreement.sides
            ],
            "runs": [
                {
                    "run": name,
                    "holds": list(one.holding(name)),
                    "sides": [_tally(tally, cells=False) for tally in tallies],
                }
                for name, tallies in one.tallies.items()
            ],
        }
        for one in found
    ]
