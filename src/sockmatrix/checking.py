"""Hold a run against its baseline: which changes are allowed or explained, and what is left.

A change is expected if an exception that has not expired allows it (`allow.py`), or if a known change of
the system explains it and the releases of both runs are known well enough to tell (`changes.py`). A cell
whose repetitions agreed in the baseline and differ now is no change but cannot be told, unless it is
allowed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias, final

from sockmatrix import allow
from sockmatrix.changes import Explainer
from sockmatrix.claims.shape import Shapes
from sockmatrix.compare import compare
from sockmatrix.difference import unsettled
from sockmatrix.exitcode import TOLERATED, ExitCode, worst
from sockmatrix.grouping import Changed, groups, total
from sockmatrix.script.compiler import labels

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Sequence

    from sockmatrix.allow import Allowed
    from sockmatrix.cell import Cell
    from sockmatrix.changes import KnownChange, Reason
    from sockmatrix.compare import Change, Comparison
    from sockmatrix.grouping import Group
    from sockmatrix.runfile import Run
    from sockmatrix.selection import Selection

Fate: TypeAlias = Literal["unexpected", "unstable", "allowed", "explained"]
"""What becomes of a difference: a change that nothing expects, a doubt, or why it is no surprise."""

FATES: tuple[Fate, ...] = ("unexpected", "unstable", "allowed", "explained")


@final
@dataclass(frozen=True, slots=True)
class Difference:
    """A cell that is not what it was, in words before and after, and why that may be.

    `allowed` may have `expired`; `reasons` are known changes, also those that are not sure.
    """

    cell: Cell
    change: Change
    texts: tuple[str, str]
    allowed: Allowed | None = None
    expired: bool = False
    reasons: tuple[Reason, ...] = ()

    @property
    def fate(self) -> Fate:
        """What becomes of it."""
        if self.allowed is not None and not self.expired:
            return "allowed"
        if self.change.verdict == "unstable":
            return "unstable"
        return "explained" if any(reason.sure for reason in self.reasons) else "unexpected"

    @property
    def why(self) -> tuple[str, ...]:
        """Return what is to be said of it beside what it was and is; not made printable."""
        said = []
        if self.allowed is not None:
            ended = "was allowed until" if self.expired else "allowed until"
            place = self.allowed.place
            said.append(f"{ended} {self.allowed.expires}: {self.allowed.reason} ({place})")
        for reason in self.reasons:
            known = reason.change
            may = "" if reason.sure else "perhaps, the releases do not tell: "
            said.append(f"{may}{known.id}: {known.title} ({known.versions.text})")
        return tuple(said)


@final
@dataclass(frozen=True, slots=True)
class Section:
    """The differences with one fate, for the same reasons; the largest group first."""

    fate: Fate
    why: tuple[str, ...]
    groups: tuple[Group, ...]

    @property
    def count(self) -> int:
        """How many cells there are."""
        return total(self.groups)


@final
@dataclass(frozen=True, slots=True)
class Checked:
    """A run held against a baseline.

    `unused` exceptions speak of cells that were compared, none of which differs; `expired` ones no longer
    allow anything.
    """

    comparison: Comparison
    cells: tuple[Cell, ...] = field(repr=False)
    differences: tuple[Difference, ...]
    unused: tuple[Allowed, ...] = ()
    expired: tuple[Allowed, ...] = ()

    def of(self, fate: Fate) -> tuple[Difference, ...]:
        """Return the differences with a fate."""
        return tuple(one for one in self.differences if one.fate == fate)

    @property
    def compared(self) -> int:
        """How many cells both runs have with the same meaning."""
        return self.comparison.decided + self.comparison.doubtful

    @property
    def doubtful(self) -> bool:
        """Whether too many cells cannot be told, or one that used to be stable no longer is."""
        inconclusive = [
            change
            for change in self.comparison.others.get("inconclusive", ())
            if change.after is not None and not change.after.n
        ]
        return len(inconclusive) > TOLERATED * self.compared or bool(self.of("unstable"))

    @property
    def code(self) -> ExitCode:
        """The exit status that the cells amount to."""
        codes = [ExitCode.EXPECTED]
        if not self.comparison.decided:
            codes.append(ExitCode.NOTHING)
        if self.of("unexpected"):
            codes.append(ExitCode.CHANGED)
        if self.doubtful:
            codes.append(ExitCode.INCONCLUSIVE)
        return worst(*codes)


def check(
    baseline: Run,
    run: Run,
    selection: Selection,
    *,
    exceptions: Sequence[Allowed] = (),
    known: Iterable[KnownChange] = (),
    today: dt.date | None = None,
) -> Checked:
    """Compare the cells of a selection in two runs. Raises TableError for a wrong known change."""
    today = allow.today() if today is None else today
    comparison = compare(baseline, run, selection.ids)
    cells = {cell.id: cell for cell in selection.cells}
    scenarios = {plan.table.name: plan.table.scenario for plan in selection.plans}
    shapes = Shapes(scenarios.__getitem__)
    explainer = Explainer(known, baseline.header.platform, run.header.platform, shapes)
    differences = []
    no_longer_stable = [one for one in unsettled(comparison) if one.after and one.after.variants]
    for change in (*comparison.changed, *no_longer_stable):
        cell = cells[change.id]
        before, after = change.before, change.after
        assert before is not None
        assert after is not None
        allowed = allow.first(exceptions, cell, shapes(cell), after, today) if exceptions else None
        expired = allowed is not None and allowed.expired(today)
        sought = change.verdict == "changed" and (allowed is None or expired)
        reasons = explainer.reasons(cell, before, after) if sought else ()
        differences.append(Difference(cell, change, _texts(cell, change), allowed, expired, reasons))
    used = {id(one.allowed) for one in differences}
    both = [cell for cell in selection.cells if cell.id in baseline.cells and cell.id in run.cells]
    return Checked(
        comparison,
        selection.cells,
        tuple(differences),
        tuple(
            one
            for one in exceptions
            if id(one) not in used and any(one.pattern.matches(cell) for cell in both)
        ),
        tuple(one for one in exceptions if one.expired(today)),
    )


def _texts(cell: Cell, change: Change) -> tuple[str, str]:
    return change.headlines(labels(cell.script) if cell.script else None)


def sections(checked: Checked) -> tuple[Section, ...]:
    """Return the differences by what is to be said of them, in groups; the unexpected first.

    Patterns are exact among the cells that both runs have.
    """
    before, after = checked.comparison.before.cells, checked.comparison.after.cells
    same: dict[tuple[Fate, tuple[str, ...]], dict[str, Changed]] = {}
    universe: dict[str, list[Cell]] = {}
    for one in checked.differences:
        same.setdefault((one.fate, one.why), {})[one.cell.id] = Changed(one.cell.id, *one.texts)
        universe[one.cell.table] = []
    for cell in checked.cells:
        if cell.table in universe and cell.id in before and cell.id in after:
            universe[cell.table].append(cell)
    found = [Section(fate, why, tuple(groups(told, universe))) for (fate, why), told in same.items()]
    return tuple(sorted(found, key=lambda one: (FATES.index(one.fate), -one.count)))
