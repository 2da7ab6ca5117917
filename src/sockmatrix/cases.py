"""Checked cells as test cases: what JUnit XML and KTAP know of them, and nothing more."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias, final

from sockmatrix.wording import cell_headline, sentence

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sockmatrix.cell import Cell
    from sockmatrix.checking import Checked, Difference
    from sockmatrix.compare import Change
    from sockmatrix.runformat import CellLine

Status: TypeAlias = Literal["pass", "fail", "error", "expected", "skip"]
"""`fail`: changed; `error`: cannot be told; `expected`: changed, which is allowed or explained; `skip`:
there was nothing to compare.
"""


@final
@dataclass(frozen=True, slots=True)
class Case:
    """A cell by its id; `reason` in a line why its status is another than `pass`, `details` in more.

    The texts come from run files and are not made harmless yet.
    """

    name: str
    status: Status = "pass"
    reason: str = ""
    details: tuple[str, ...] = ()


@final
@dataclass(frozen=True, slots=True)
class Suite:
    """The cells of one table, or what was wrong with a whole run."""

    name: str
    cases: tuple[Case, ...]

    @property
    def counts(self) -> Counter[Status]:
        """How many cases have each status."""
        return Counter(case.status for case in self.cases)

    @property
    def passed(self) -> bool:
        """Whether no case failed or could not be told."""
        return not (self.counts["fail"] or self.counts["error"])


def total(suites: Iterable[Suite]) -> Counter[Status]:
    """Return how many cases of all suites have each status."""
    counts: Counter[Status] = Counter()
    for suite in suites:
        counts += suite.counts
    return counts


def suites(checked: Checked, *, doubtful: bool | None = None) -> tuple[Suite, ...]:
    """Return the cells as test cases, table by table; a cell that neither run has is left out.

    `doubtful`: whether a cell that could not be told is an error; None: if `checked` says so.
    """
    before, after = checked.comparison.before.cells, checked.comparison.after.cells
    special = {change.id: change for changes in checked.comparison.others.values() for change in changes}
    differences = {one.cell.id: one for one in checked.differences}
    doubtful = checked.doubtful if doubtful is None else doubtful
    tables: dict[str, list[Case]] = {}
    for cell in checked.cells:
        old, new = before.get(cell.id), after.get(cell.id)
        if old is not None or new is not None:
            if cell.id in differences:
                case = _differing(differences[cell.id], old, new)
            elif new is None:
                case = Case(cell.id, "skip", "not measured now")
            elif cell.id in special:
                case = _uncompared(cell, special[cell.id], new, doubtful=doubtful)
            else:
                absent = f"there is no {new.absent} here" if new.absent else ""
                case = Case(cell.id, "skip" if absent else "pass", absent)
            tables.setdefault(cell.table, []).append(case)
    return tuple(Suite(name, tuple(own)) for name, own in tables.items())


def _differing(difference: Difference, old: CellLine | None, new: CellLine | None) -> Case:
    was = f"was {difference.texts[0]}, is {difference.texts[1]}"
    details = (f"before: {sentence(old)}", f"now: {sentence(new)}", *difference.why)
    name = difference.cell.id
    if difference.fate in ("allowed", "explained"):
        return Case(name, "expected", f"{was}; {'; '.join(difference.why)}", details)
    return Case(name, "fail" if difference.fate == "unexpected" else "error", was, details)


def _uncompared(cell: Cell, change: Change, new: CellLine, *, doubtful: bool) -> Case:
    if change.verdict == "inconclusive" and not new.n:
        return Case(cell.id, "error" if doubtful else "skip", f"inconclusive: {new.inconclusive}")
    reasons = {
        "new": f"not in the baseline: {cell_headline(cell, new)}",
        "redefined": "its id means something else in the baseline",
        "unmeasured": f"skipped: {new.skipped}" if new.skipped else "skipped in the baseline",
        "inconclusive": "inconclusive in the baseline",
        "unstable": "unstable in the baseline",
    }
    return Case(cell.id, "skip", reasons.get(change.verdict, change.verdict))
