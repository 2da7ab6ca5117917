"""What changed between two runs, grouped by why it is one change: an exact pattern, and what is known.

The cells that the same known changes explain are covered by patterns, and so are those that none does.
A pattern matches no cell that both runs have and that did not change, or for another reason.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, final

from sockmatrix.changes import Explainer
from sockmatrix.exitcode import TOLERATED, ExitCode
from sockmatrix.grouping import Changed, Group, groups, total

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sockmatrix.catalogue import Catalogue
    from sockmatrix.changes import KnownChange, Reason
    from sockmatrix.compare import Change, Comparison, Verdict

Reasons = tuple["Reason", ...]


@final
@dataclass(frozen=True, slots=True)
class Section:
    """The changed cells that the same known changes explain, or none; the largest group first."""

    reasons: Reasons
    groups: tuple[Group, ...]

    @property
    def count(self) -> int:
        """How many cells there are."""
        return total(self.groups)


@final
@dataclass(frozen=True, slots=True)
class Difference:
    """Two runs compared; what changed in sections, what is explained first."""

    comparison: Comparison
    sections: tuple[Section, ...]

    @property
    def code(self) -> ExitCode:
        """The exit status that the cells amount to."""
        found = self.comparison
        if not found.decided:
            return ExitCode.NOTHING
        if found.changed:
            return ExitCode.CHANGED
        inconclusive = len(found.others.get("inconclusive", ()))
        if inconclusive > TOLERATED * (found.decided + found.doubtful) or unsettled(found):
            return ExitCode.INCONCLUSIVE
        return ExitCode.EXPECTED


def unsettled(comparison: Comparison) -> tuple[Change, ...]:
    """Return the cells whose repetitions agreed on one side and differed on the other."""
    return tuple(
        one
        for one in comparison.others.get("unstable", ())
        if one.before and one.after and bool(one.before.variants) is not bool(one.after.variants)
    )


def difference(comparison: Comparison, catalogue: Catalogue, known: Iterable[KnownChange]) -> Difference:
    """Explain and group what changed. Raises TableError."""
    before, after = comparison.before, comparison.after
    explainer = Explainer(known, before.header.platform, after.header.platform, catalogue.shape)
    told: dict[str, Changed] = {}
    by_reasons: dict[Reasons, list[str]] = {}
    strange: list[Changed] = []
    for change in comparison.changed:
        cell = catalogue.cell(change.id)
        order = None if cell is None else catalogue.order(cell, change.before, change.after)
        one = Changed(change.id, *change.headlines(order))
        if cell is None or change.before is None or change.after is None:
            strange.append(one)
            continue
        told[change.id] = one
        by_reasons.setdefault(explainer.reasons(cell, change.before, change.after), []).append(change.id)
    tables = {name.partition("/")[0] for name in told}
    both = (name for name in before.cells if name in after.cells)
    universe = catalogue.universe(both, tables) if tables else {}
    sections = [
        Section(reasons, tuple(groups({name: told[name] for name in names}, universe)))
        for reasons, names in by_reasons.items()
    ]
    if strange:
        pattern = strange[0].id if len(strange) == 1 else ""
        sections.append(Section((), (Group(pattern, tuple(strange)),)))
    return Difference(comparison, tuple(sorted(sections, key=lambda one: (not one.reasons, -one.count))))


def tally(changes: Iterable[Change]) -> dict[str, int]:
    """Return how many of some cells are in each table, the most first."""
    return dict(Counter(one.table for one in changes).most_common())


COUNTED: tuple[Verdict, ...] = ("new", "gone", "redefined", "unmeasured", "inconclusive", "unstable")
"""The verdicts of cells that are only counted, in the order in which they are told."""
