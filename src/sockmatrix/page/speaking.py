"""Which claims speak of which cells of a page, and what the platforms that were measured say to each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, final

from sockmatrix.claims import expect
from sockmatrix.claims.verdict import elsewhere
from sockmatrix.page.compact import Numbered
from sockmatrix.page.known import NOTHING
from sockmatrix.render.escape import printable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sockmatrix.cell import Cell
    from sockmatrix.claims.claim import Claim
    from sockmatrix.claims.cover import Coverage
    from sockmatrix.page.known import KnownColumns

_UNCLEAR = frozenset({"skipped", "inconclusive", "unstable"})
"""Words of outcomes that decide nothing."""

_LONGEST = 500


@final
class Speaking:
    """Claims with the cells that each speaks of, looked up once. `claims` are in their order."""

    def __init__(self, claims: Sequence[Claim], coverage: Coverage, places: Mapping[str, int]) -> None:
        """`places` are the numbers of the cells by id. Raises TableError."""
        self.claims = claims
        self.cells = tuple(coverage.cells(claim.cells) for claim in claims)
        self._coverage = coverage
        self._places = places
        self._ids = {
            claim.id: frozenset(cell.id for cell in cells)
            for claim, cells in zip(claims, self.cells, strict=True)
        }

    def speaks(self, claim: Claim, cell: Cell) -> bool:
        """Tell whether a claim speaks of a cell, be it one of the page or not."""
        if claim.id in self._ids and cell.id in self._places:
            return cell.id in self._ids[claim.id]
        return any(pattern.matches(cell) for pattern in claim.cells)

    def values(self, known: KnownColumns) -> dict[str, Any]:
        """Return the verdicts as a JSON value.

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
        for claim, cells in zip(self.claims, self.cells, strict=True):
            places = sorted(self._places[cell.id] for cell in cells)
            rows.append([place - before for before, place in zip([0, *places], places, strict=False)])
            others.append([reasons(elsewhere(claim, one) if one else "") for one in platforms])
            own, exceptions = self._judged(claim, cells, known, answers)
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
        self, claim: Claim, cells: Sequence[Cell], known: KnownColumns, answers: Numbered
    ) -> tuple[dict[int, int], dict[int, list[int]]]:
        """Return the numbers of answers by outcome, and where they are others by the cell."""
        common: dict[int, int] = {}
        exceptions: dict[int, list[int]] = {}
        for cell in cells:
            place = self._places[cell.id]
            for number in {own[place] for own in known.numbers}:
                if number == NOTHING or known.outcomes[number].word in _UNCLEAR:
                    continue
                shape = self._coverage.shape(cell)
                answer = answers(expect.judge(claim.expect, shape, known.samples[number])[0])
                if common.setdefault(number, answer) != answer:
                    exceptions.setdefault(place, []).extend((number, answer))
        return common, exceptions
