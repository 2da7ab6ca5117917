"""Columns of what documents say of systems that nobody measured, beside those that were.

A document is read for the newest release of its system that any document speaks of, as `Knowledge` does.
What several say of a cell stands together: the highest authority first, then whatever others add to it.
Those that contradict it are told too, apart, for which of them is right cannot be told without a run.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, final

from sockmatrix.claims import systems
from sockmatrix.claims.cover import Coverage
from sockmatrix.claims.entail import entails
from sockmatrix.claims.words import words
from sockmatrix.columns import Column, Said
from sockmatrix.evidence import newest_releases
from sockmatrix.outcome import Outcome
from sockmatrix.plan import Plan

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from sockmatrix.cell import Cell
    from sockmatrix.claims.claim import Claim
    from sockmatrix.claims.expect import Term
    from sockmatrix.claims.shape import Shape
    from sockmatrix.claims.versions import Version

SHOWN = ("macos", "windows", "freebsd", "openbsd", "netbsd", "solaris")
"""The systems that get a column where there is no run of them."""


@final
@dataclass(frozen=True, slots=True)
class Documented:
    """Columns of documents, and the cells in which one of them says otherwise than what was measured."""

    columns: tuple[Column, ...] = ()
    otherwise: frozenset[str] = frozenset()


def documented(
    claims: Iterable[Claim],
    plans: Sequence[Plan],
    measured: Sequence[Column],
    ids: Collection[str],
    names: Iterable[str] = SHOWN,
) -> Documented:
    """Return what documents say of some cells of plans, a column for each system that any speaks of.

    A system of which there is a run among those measured has none. `ids` are the cells; those that no
    run has are left out. Raises TableError.
    """
    known = {systems.system(column.run.header.platform) for column in measured if column.run}
    wanted = [name for name in names if name not in known]
    near = Coverage.of([_narrowed(plan, measured, ids) for plan in plans])
    spoken = _claims_by_cell(claims, near, wanted)
    reader = _Reader(near)
    columns, otherwise = [], set[str]()
    for name in wanted:
        own = {}
        for identity, (cell, some) in spoken[name].items():
            own[identity] = reader.read(cell, some)
            if identity not in otherwise and reader.contradicted(cell, some, measured):
                otherwise.add(identity)
        if own:
            columns.append(Column(systems.words(name), own, "documented"))
    return Documented(tuple(columns), frozenset(otherwise))


def authority(claim: Claim) -> tuple[int, bool, int, int]:
    """Return the sort key of a claim: the highest authority first, then what speaks of least."""
    return claim.source.authority, systems.ANY in claim.os, len(claim.os), len(claim.cells)


def _narrowed(plan: Plan, measured: Sequence[Column], ids: Collection[str]) -> Plan:
    def asked(cell: Cell) -> bool:
        return cell.id in ids and any(cell.id in column.cells for column in measured)

    return Plan(plan.table, tuple(filter(asked, plan.cells)), ())


def _claims_by_cell(
    claims: Iterable[Claim], near: Coverage, names: Sequence[str]
) -> dict[str, dict[str, tuple[Cell, list[Claim]]]]:
    """Return for each system the cells that claims about it speak of, with those, by authority."""
    some = sorted((one for one in claims if one.cells and words(one.expect)), key=authority)
    releases = newest_releases(some)
    found: dict[str, dict[str, tuple[Cell, list[Claim]]]] = {name: {} for name in names}
    for claim in some:
        own = [name for name in names if name in claim.os and holds(claim, name, releases)]
        patterns = [one for one in claim.cells if near.may_match(one)] if own else []
        for cell in near.cells(patterns) if patterns else ():
            for name in own:
                found[name].setdefault(cell.id, (cell, []))[1].append(claim)
    return found


def holds(claim: Claim, name: str, releases: Mapping[str, Version]) -> bool:
    """Tell whether a claim speaks of the release of a system that is meant; if in doubt, it does."""
    condition = claim.conditions.get(name) or claim.conditions.get("")
    release = releases.get(name)
    return condition is None or release is None or condition.holds(release) is not False


@final
@dataclass(slots=True)
class _Reader:
    """Reads claims; what the same ones say of cells of one shape is worked out once."""

    near: Coverage
    _read: dict[tuple[object, ...], Said] = field(default_factory=dict)

    def read(self, cell: Cell, claims: Sequence[Claim]) -> Said:
        names = tuple(claim.id for claim in claims)
        if len({claim.expect for claim in claims}) == 1:
            return self._once((names,), claims, None)
        shape = self.near.shape(cell)
        return self._once((names, shape.receivers, shape.labels, shape.notes), claims, shape)

    def _once(self, key: tuple[object, ...], claims: Sequence[Claim], shape: Shape | None) -> Said:
        if key not in self._read:
            self._read[key] = _together(claims, shape)
        return self._read[key]

    def contradicted(self, cell: Cell, claims: Sequence[Claim], measured: Sequence[Column]) -> bool:
        """Tell whether what a run measured is not what a claim expects."""
        outcomes = {id(one): one for column in measured if (one := column.kept.get(cell.id))}
        shape = self.near.shape(cell)
        return any(
            term.judge(shape, outcome).holds is False
            for outcome in outcomes.values()
            if isinstance(outcome, Outcome) and not outcome.variants
            for claim in claims
            for term in claim.expect
        )


def _together(claims: Sequence[Claim], shape: Shape | None) -> Said:
    """Return what claims about one cell say, the first of them with what others add, and who objects."""
    first, *others = claims
    said: list[Term] = list(first.expect)
    against: list[Claim] = []
    for claim in others:
        if shape is None:
            break
        answers = [entails(said, term, shape).holds for term in claim.expect]
        back = [entails(claim.expect, term, shape).holds for term in said]
        if False in answers or False in back:
            against.append(claim)
        else:
            said += [term for term, known in zip(claim.expect, answers, strict=True) if not known]
    if shape is not None:
        said = _telling(said, shape)
    return Said(
        words(tuple(said)),
        tuple(dict.fromkeys(claim.id for claim in claims)),
        tuple(dict.fromkeys(words(claim.expect) for claim in against)),
    )


def _telling(said: Sequence[Term], shape: Shape) -> list[Term]:
    """Return the terms without those that the others say too."""
    kept = list(said)
    for term in said:
        rest = [one for one in kept if one is not term]
        if rest and entails(rest, term, shape).holds:
            kept = rest
    return kept
