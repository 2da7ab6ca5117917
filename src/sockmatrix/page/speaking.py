"""Which claims speak of which cells of a page, and what the platforms that were measured say to each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, final

from sockmatrix.claims import expect
from sockmatrix.claims.verdict import elsewhere
from sockmatrix.page.compact import Numbered
from sockmatrix.page.known import NOTHING
from sockmatrix.render.escape import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sockmatrix.cell import Cell
    from sockmatrix.claims.claim import Claim
    from sockmatrix.claims.cover import Coverage
    from sockmatrix.page.known import KnownColumns

_UNCLEAR = frozenset({"skipped", "inconclusive", "unstable"})
"""Words of outcomes that decide nothing."""

_LONGEST = 500


def spoken_of(claims: Iterable[Claim], coverage: Coverage, places: Mapping[str, int]) -> list[list[int]]:
    """Return for each claim the places of the cells it speaks of, in order. Raises TableError."""
    return [sorted(places[cell.id] for cell in coverage.cells(claim.cells)) for claim in claims]


@final
class Speaking:
    """Claims with the cells that each speaks of. `claims` are in their order."""

    def __init__(
        self,
        claims: Sequence[Claim],
        spoken: Sequence[Sequence[int]],
        cells: Sequence[Cell],
        places: Mapping[str, int],
    ) -> None:
        """`spoken`: for each claim the places of its cells, as of `spoken_of`; `places`: of `cells`."""
        self._claims = claims
        self._spoken = spoken
        self._cells = cells
        self._places = places
        self._own = {claim.id: frozenset(own) for claim, own in zip(claims, spoken, strict=True)}

    def speaks(self, claim: Claim, cell: Cell) -> bool:
        """Tell whether a claim speaks of a cell, be it one of the page or not."""
        if claim.id in self._own and cell.id in self._places:
            return self._places[cell.id] in self._own[claim.id]
        return any(pattern.matches(cell) for pattern in claim.cells)

    def values(self, known: KnownColumns, coverage: Coverage) -> dict[str, Any]:
        """Return the verdicts as a JSON value. Raises TableError.

        `cells`: for each claim the numbers of its cells, each as the distance from the one before.
        `elsewhere`: for each claim a number for each platform, 0 if it speaks of that, else of a reason
        why not. `told`: for each claim numbers of outcomes and of answers, in turns; `but`: the same
        for cells in which the shape makes a difference, by the number of the cell. `answers`: [holds,
        why]; `reasons`: texts.
        """
        answers, reasons = Numbered(), Numbered()
        reasons("")
        platforms = [column.run.header.platform if column.run else None for column in known.columns]
        rows, others, told, but = [], [], [], []
        for claim, places in zip(self._claims, self._spoken, strict=True):
            rows.append([place - before for before, place in zip([0, *places], places, strict=False)])
            others.append([reasons(elsewhere(claim, one) if one else "") for one in platforms])
            own, exceptions = self._judged(claim, places, known, coverage, answers)
            told.append([number for pair in own.items() for number in pair])
            but.append(exceptions)
        return {
            "cells": rows,
            "elsewhere": others,
            "told": told,
            "but": but,
            "answers": [[one.holds, printable(one.why, _LONGEST)] for one in answers.values],
            "reasons": reasons.values,
        }

    def _judged(
        self,
        claim: Claim,
        places: Sequence[int],
        known: KnownColumns,
        coverage: Coverage,
        answers: Numbered,
    ) -> tuple[dict[int, int], dict[int, list[int]]]:
        """Return the numbers of answers by outcome, and where they are others by the cell."""
        common: dict[int, int] = {}
        exceptions: dict[int, list[int]] = {}
        for place in places:
            for number in {own[place] for own in known.numbers}:
                if number == NOTHING or known.outcomes[number].word in _UNCLEAR:
                    continue
                shape = coverage.shape(self._cells[place])
                answer = answers(expect.judge(claim.expect, shape, known.samples[number])[0])
                if common.setdefault(number, answer) != answer:
                    exceptions.setdefault(place, []).extend((number, answer))
        return common, exceptions
