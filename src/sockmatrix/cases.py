"""Checked cells as test cases: what JUnit XML and KTAP know of them, and nothing more."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias, final

if TYPE_CHECKING:
    from collections.abc import Iterable

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
