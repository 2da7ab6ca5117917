"""Two runs, cell by cell: what is the same, what changed, and what cannot be said.

    same          the facets agree: never words or amounts, and a `spread` over the same sockets is one;
                  of several sends, those that one of the runs left out are not compared
    changed       both sides measured it, and the facets differ; also what exists on one side only
    new, gone     the cell is in one of the runs only
    redefined     its id means something else in the other run
    unmeasured    a side skipped it
    inconclusive  a side could not tell
    unstable      on a side the repetitions differ

The first that holds, from `new` downwards, is the verdict; so a change is never more than a change.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias, final, get_args

from msgspec.structs import replace

from sockmatrix.runlines import Cells
from sockmatrix.wording import headline, sentence

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Mapping, Sequence

    from sockmatrix.runfile import Run
    from sockmatrix.runformat import CellLine

Verdict: TypeAlias = Literal[
    "same", "changed", "new", "gone", "redefined", "unmeasured", "inconclusive", "unstable"
]

VERDICTS: tuple[Verdict, ...] = get_args(Verdict)


@final
@dataclass(frozen=True, slots=True)
class Change:
    """A cell that is not the same in both runs, or cannot be compared; None where a run lacks it."""

    id: str
    verdict: Verdict
    before: CellLine | None
    after: CellLine | None

    @property
    def table(self) -> str:
        """Name of its table."""
        return self.id.partition("/")[0]

    def headlines(self, order: Sequence[str] | None = None) -> tuple[str, str]:
        """Return before and after for a table, which differ if it changed.

        Where the headlines do not tell what differs, sentences do. `order`: see wording.headline.
        """
        pair = headline(self.before, order), headline(self.after, order)
        if self.verdict != "changed" or pair[0] != pair[1]:
            return pair
        assert self.before is not None
        assert self.after is not None
        if self.before.failed == self.after.failed:  # the headline says no more than who was refused
            others = [headline(replace(one, failed={}), order) for one in (self.before, self.after)]
            if others[0] != others[1]:
                return f"{pair[0]} · {others[0]}", f"{pair[1]} · {others[1]}"
        return sentence(self.before), sentence(self.after)


@final
@dataclass(frozen=True, slots=True)
class Comparison:
    """Two runs side by side: how many cells are the same, and all others by verdict, sorted by id."""

    before: Run
    after: Run
    same: int
    others: Mapping[Verdict, tuple[Change, ...]] = field(repr=False)
    partly: int = 0
    """Of how many cells only a part was compared, for a run left out some of what was to be sent."""

    @property
    def changed(self) -> tuple[Change, ...]:
        """The cells that changed."""
        return self.others.get("changed", ())

    @property
    def counts(self) -> dict[Verdict, int]:
        """How many cells have each verdict; every verdict is there."""
        return {one: self.same if one == "same" else len(self.others.get(one, ())) for one in VERDICTS}

    @property
    def decided(self) -> int:
        """How many cells both runs measured and can be compared."""
        return self.same + len(self.changed)

    @property
    def doubtful(self) -> int:
        """How many cells both runs have, without being able to say whether they changed."""
        return len(self.others.get("inconclusive", ())) + len(self.others.get("unstable", ()))


def compare(before: Run, after: Run, ids: Container[str] | None = None) -> Comparison:
    """Compare two runs, of any two platforms; `ids`: only these cells."""
    others: dict[Verdict, list[Change]] = {}
    same = partly = 0
    judge = _judge(before, after)
    for name in before.cells if ids is None else filter(ids.__contains__, before.cells):
        found, part = judge(name)
        partly += part
        if found == "same":
            same += 1
        else:
            change = Change(name, found, before.cells[name], after.cells.get(name))
            others.setdefault(found, []).append(change)
    for name in after.cells:
        if name not in before.cells and (ids is None or name in ids):
            others.setdefault("new", []).append(Change(name, "new", None, after.cells[name]))
    return Comparison(
        before,
        after,
        same,
        {key: tuple(sorted(some, key=lambda one: one.id)) for key, some in others.items()},
        partly,
    )


def _judge(before: Run, after: Run) -> Callable[[str], tuple[Verdict, bool]]:
    """Return what says the verdict on a cell of `before`, and whether it is about a part of it.

    Of cells that are alike in both files it is worked out once.
    """

    def judge(name: str) -> tuple[Verdict, bool]:
        old, new = before.cells[name], after.cells.get(name)
        found = verdict(old, new)
        part = found in ("same", "changed") and new is not None and old.left_out != new.left_out
        return found, part

    if not (isinstance(before.cells, Cells) and isinstance(after.cells, Cells)):
        return judge
    olds, news = before.cells.kept, after.cells.kept
    versions, later = before.cells.versions, after.cells.versions
    known: dict[tuple[int, int, bool], tuple[tuple[Verdict, bool], object, object]] = {}

    def judge_once(name: str) -> tuple[Verdict, bool]:
        old, new = olds[name], news.get(name)
        key = id(old), id(new), versions[name] == later.get(name)
        if key not in known:
            known[key] = judge(name), old, new  # what is kept here has its id for good
        return known[key][0]

    return judge_once


def verdict(before: CellLine | None, after: CellLine | None) -> Verdict:
    """Return what became of a cell. Raises ValueError if neither side has it."""
    if before is None or after is None:
        if before is after:
            raise ValueError("a cell that neither run has cannot be compared")
        return "new" if before is None else "gone"
    if before.v != after.v:
        return "redefined"
    if before.skipped or after.skipped:
        return "unmeasured"
    if not (before.n and after.n):
        return "inconclusive"
    if before.variants or after.variants:
        return "unstable"
    if before.absent and after.absent:  # the reasons are words
        return "same"
    return "same" if before.agrees(after) else "changed"


def transitions(
    changes: Sequence[Change], orders: Mapping[str, Sequence[str]] | None = None
) -> Counter[tuple[str, str]]:
    """Return how many cells went from which headline to which; `orders`: labels of scripts by id."""
    known = orders or {}
    return Counter(one.headlines(known.get(one.id)) for one in changes)
