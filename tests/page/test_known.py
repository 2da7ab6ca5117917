"""What platforms know of cells, by number: they differ as `diff` says they do."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

import fakes
import pages
import pytest

from sockmatrix.classify import merge
from sockmatrix.columns import Column
from sockmatrix.compare import verdict
from sockmatrix.delivery import Delivery
from sockmatrix.outcome import Outcome
from sockmatrix.page.known import NOTHING, known
from sockmatrix.runformat import CellLine

if TYPE_CHECKING:
    from collections.abc import Sequence

LAST = fakes.cell("0", fakes.LAST).outcome
EVERY = fakes.cell("0", fakes.EVERYTHING).outcome
HEARD = {"a": Delivery(word="all", sent=8), "b": Delivery(word="none", sent=8)}
VARIES = Delivery(word="one", heard={"A": 8}, sent=8, place="varies")
SKIPPED = Outcome(n=1, skipped="no link device")

OUTCOMES = {
    "last": LAST,
    "every": EVERY,
    "skipped": SKIPPED,
    "inconclusive": fakes.cell("0", fakes.HANGS).outcome,
    "unstable": merge([LAST, EVERY]),
    "absent": Outcome(n=3, absent="SO_REUSEPORT"),
    "absent, otherwise": Outcome(n=1, absent="it"),
    "all that was sent": Outcome(n=3, open=2, delivery=HEARD),
    "a part": Outcome(n=1, open=2, delivery={"a": HEARD["a"]}, unsent={"b": "no link device"}),
    "another part": Outcome(n=1, open=2, delivery={"a": HEARD["b"]}, unsent={"b": "no link device"}),
    "varies": Outcome(n=3, open=2, delivery={"": VARIES}),
    "once": Outcome(n=1, open=2, delivery={"": Delivery(word="one", heard={"B": 8}, sent=8)}),
}


def columns(outcomes: Sequence[Outcome]) -> list[Column]:
    """Return columns that each have an outcome of one cell."""
    cell = pages.cells()[0]
    return [
        Column(str(at), {cell.id: CellLine.of(cell.id, cell.version, one)})
        for at, one in enumerate(outcomes)
    ]


@pytest.mark.parametrize("names", [*combinations(OUTCOMES, 2)], ids=" and ".join)
def test_it_differs_as_diff_says(names: tuple[str, str]) -> None:
    """Two outcomes are a change where `diff` has one, and cannot be told where it cannot tell."""
    cell = pages.cells()[0]
    some = columns([OUTCOMES[name] for name in names])
    told = known([cell], some)
    one, other = (own[0] for own in told.numbers)
    said = verdict(*(CellLine.of(cell.id, cell.version, OUTCOMES[name]) for name in names))
    undecided = told.undecided(one) or told.undecided(other)
    assert undecided is (said in ("unmeasured", "inconclusive", "unstable"))
    assert undecided or told.agrees(one, other) is (said == "same")


def test_what_one_left_out_agrees_with_each() -> None:
    """A part agrees with two that do not agree; it keeps its own evidence, and they still differ."""
    other = Outcome(n=3, open=2, delivery={**HEARD, "b": HEARD["a"]})
    some = columns([OUTCOMES["all that was sent"], OUTCOMES["a part"], other])
    cell = pages.cells()[0]
    told = known([cell], some)
    one, part, last = (own[0] for own in told.numbers)
    assert len({one, part, last}) == 3
    assert told.agrees(one, part)
    assert told.agrees(part, last)
    assert not told.agrees(one, last)
    assert told.differing == {0}
    assert known([cell], some[:2]).differing == frozenset()


def test_another_meaning_is_not_known() -> None:
    """What was measured under another version of the id says nothing of the cell."""
    cell = pages.cells()[0]
    old = Column("old", {cell.id: CellLine.of(cell.id, cell.version + 1, LAST)})
    told = known([cell], [*columns([EVERY]), old])
    assert told.numbers[1] == [NOTHING]
    assert not told.differing
