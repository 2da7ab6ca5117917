"""Which cells and outcomes the known changes explain, by number, whatever platforms are compared."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sockmatrix.claims import expect
from sockmatrix.claims.cover import Coverage
from sockmatrix.page.compact import Numbered
from sockmatrix.plan import Plan

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sockmatrix.cell import Cell
    from sockmatrix.changes import Effect, KnownChange
    from sockmatrix.page.known import KnownColumns


def values(
    known: Iterable[KnownChange],
    plans: Iterable[Plan],
    coverage: Coverage,
    columns: KnownColumns,
    places: Mapping[str, int],
) -> list[dict[str, Any]]:
    """Return known changes as JSON values; `places` are the numbers of the cells by id.

    `had`: for each platform whether it has the change, None if that is not known. `effects`: [cell,
    outcomes that fit with it, outcomes that fit without it], of cells in which platforms differ.
    Raises TableError.
    """
    found = []
    platforms = [one.run.header.platform for one in columns.columns if one.run]
    near = _narrowed(plans, columns, places)
    for change in known:
        had = [change.had(one) for one in platforms]
        if len(set(had)) < 2:
            continue
        effects = [
            one for effect in change.effects for one in _effects(effect, near, coverage, columns, places)
        ]
        found.append(
            {
                "id": change.id,
                "title": change.title,
                "versions": change.versions.text,
                "links": list(change.links),
                "note": change.note,
                "had": had,
                "effects": effects,
            }
        )
    return found


def packed(causes: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the same with `effects` as [distance from the cell before, number in `pairs`, ...]."""
    found = []
    for cause in causes:
        pairs, flat, before = Numbered(), [], 0
        for place, having, lacking in sorted(cause["effects"]):
            flat += [place - before, pairs((tuple(having), tuple(lacking)))]
            before = place
        found.append({**cause, "effects": flat, "pairs": pairs.values})
    return found


def _narrowed(plans: Iterable[Plan], columns: KnownColumns, places: Mapping[str, int]) -> Coverage:
    """Return the coverage of the cells in which platforms differ, which alone there is to explain."""
    return Coverage.of(
        Plan(one.table, tuple(cell for cell in one.cells if places[cell.id] in columns.differing), ())
        for one in plans
    )


def _effects(
    effect: Effect, near: Coverage, coverage: Coverage, columns: KnownColumns, places: Mapping[str, int]
) -> Iterable[tuple[int, list[int], list[int]]]:
    for cell in near.cells([effect.pattern(text) for text in effect.cells]):
        place = places[cell.id]
        numbers = {own[place] for own in columns.numbers} - columns.silent
        yield (
            place,
            sorted(one for one in numbers if _fits(effect.having, cell, coverage, columns, one)),
            sorted(one for one in numbers if _fits(effect.lacking, cell, coverage, columns, one)),
        )


def _fits(
    terms: Sequence[expect.Term], cell: Cell, coverage: Coverage, columns: KnownColumns, number: int
) -> bool:
    told, _ = expect.judge(terms, coverage.shape(cell), columns.samples[number])
    return told.holds is not False
