"""Two runs, cell by cell: each verdict, told from the others."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import fakes
import msgspec
import pytest
from msgspec.structs import replace

from sockmatrix.classify import merge
from sockmatrix.compare import VERDICTS, Change, Comparison, compare, transitions, verdict
from sockmatrix.outcome import Outcome
from sockmatrix.runfile import CellLine, Footer, LineDecoder, Run
from sockmatrix.runwriter import RunWriter

INCONCLUSIVE = fakes.cell("0", fakes.HANGS)


def line(outcome: Outcome, name: str = "fan-out/dest:0/A:any4.addr", version: int = 1) -> CellLine:
    """Return a line of a run."""
    return CellLine.of(name, version, outcome)


def run(*lines: CellLine) -> Run:
    """Return a run that holds these lines."""
    return Run(Path("a.jsonl"), fakes.header(planned=len(lines)), {one.id: one for one in lines})


LAST = fakes.cell("0", fakes.LAST)
UNSTABLE = line(merge([LAST.outcome, fakes.cell("0", fakes.EVERYTHING).outcome]))
SPREAD = fakes.cell("0", fakes.SPREADS)


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (LAST, LAST, "same"),
        (LAST, fakes.cell("0", fakes.LAST), "same"),
        (LAST, fakes.cell("0", fakes.EVERYTHING), "changed"),
        (LAST, fakes.cell("0", fakes.REFUSES), "changed"),
        (LAST, fakes.cell("0", fakes.NOBODY), "changed"),
        (None, LAST, "new"),
        (LAST, None, "gone"),
        (LAST, fakes.cell("0", fakes.LAST, version=2), "redefined"),
        (LAST, fakes.cell("0", fakes.EVERYTHING, version=2), "redefined"),
        (LAST, line(Outcome(skipped="no such lab", n=3)), "unmeasured"),
        (line(Outcome(skipped="no such lab", n=3)), line(Outcome(skipped="other", n=3)), "unmeasured"),
        (line(Outcome(absent="SO_REUSEPORT", n=3)), LAST, "changed"),
        (line(Outcome(absent="SO_REUSEPORT", n=3)), line(Outcome(absent="it", n=1)), "same"),
        (INCONCLUSIVE, LAST, "inconclusive"),
        (INCONCLUSIVE, INCONCLUSIVE, "inconclusive"),
        (LAST, UNSTABLE, "unstable"),
        (UNSTABLE, UNSTABLE, "unstable"),
        (UNSTABLE, INCONCLUSIVE, "inconclusive"),
    ],
)
def test_verdict(before: CellLine | None, after: CellLine | None, expected: str) -> None:
    """Each way two lines can be beside each other; what cannot be told is never a change."""
    assert verdict(before, after) == expected
    swapped = {"new": "gone", "gone": "new"}
    assert verdict(after, before) == swapped.get(expected, expected)


def test_nothing_is_no_cell() -> None:
    """A cell that neither run has is not asked about."""
    with pytest.raises(ValueError, match="neither"):
        verdict(None, None)


def test_spreads_are_the_same_over_the_same_sockets() -> None:
    """How many datagrams each got is chance; who got any is not."""
    delivery = next(iter(SPREAD.delivery.values()))
    label = next(iter(SPREAD.delivery))

    def spread(**changes: Any) -> CellLine:
        other = msgspec.structs.replace(delivery, **changes)
        return msgspec.structs.replace(SPREAD, delivery={label: other})

    assert delivery.word == "spread"
    assert verdict(SPREAD, spread(heard={"A": 1, "B": 2, "C": 99}, sent=102)) == "same"
    assert verdict(SPREAD, spread(heard={"A": 51, "C": 51}, sent=102)) == "changed"


def test_compare() -> None:
    """Every cell of both runs is counted once."""
    names = [str(number) for number in range(4)]
    before = run(*(fakes.cell(name) for name in names))
    after = run(
        *(fakes.cell(name, fakes.EVERYTHING) for name in names[1:3]), fakes.cell("9"), INCONCLUSIVE
    )
    found = compare(before, after)
    assert list(found.counts) == list(VERDICTS)
    told = {key: count for key, count in found.counts.items() if count}
    assert told == {"changed": 2, "new": 1, "gone": 1, "inconclusive": 1}
    assert [one.id for one in found.changed] == [fakes.cell(name).id for name in names[1:3]]
    assert (found.decided, found.doubtful) == (2, 1)
    assert found.changed[0].table == "fan-out"
    only = compare(before, after, {fakes.cell("1").id, fakes.cell("9").id})
    assert (len(only.changed), only.counts["new"], sum(only.counts.values())) == (1, 1, 2)


@pytest.mark.parametrize("own", [LAST, UNSTABLE, INCONCLUSIVE])
def test_one_value_in_both_runs(own: CellLine) -> None:
    """A line that both runs share is judged as two that are alike."""
    other = msgspec.json.decode(msgspec.json.encode(own), type=CellLine)
    assert other is not own
    assert compare(run(own), run(own)).counts == compare(run(own), run(other)).counts
    assert sum(compare(run(own), run(own), ()).counts.values()) == 0


def test_transitions() -> None:
    """They count headlines; where these do not tell, the sentences that do."""
    before = run(*(fakes.cell(name) for name in "0123"))
    after = run(*(fakes.cell(name, fakes.EVERYTHING) for name in "0123"))
    found: Comparison = compare(before, after)
    assert transitions(found.changed) == {("last", "all"): 4}
    none = fakes.cell("0", fakes.NOBODY)
    ((label, delivery),) = none.delivery.items()
    silent = {label: msgspec.structs.replace(delivery, control="silent")}
    change = Change(none.id, "changed", none, msgspec.structs.replace(none, delivery=silent))
    assert change.headlines()[0] == "Nobody heard anything."
    assert "a lone receiver" in change.headlines()[1]


def test_cells_that_are_alike_but_for_their_version(tmp_path: Path) -> None:
    """What is decoded once for many cells says nothing of their versions: each has its own."""
    texts = {
        "before": (("a", 1), ("b", 2), ("c", 3)),
        "after": (("a", 2), ("b", 2), ("c", 3)),
    }
    for name, cells in texts.items():
        with RunWriter.create(tmp_path / name, fakes.header(planned=3)) as writer:
            writer.write(
                msgspec.structs.replace(fakes.CELLS[0], id=one, v=version) for one, version in cells
            )
            writer.finish(Footer(ended="complete"))
    decoder = LineDecoder()
    before, after = (Run.read(tmp_path / name, decoder) for name in texts)
    found = compare(before, after)
    assert found.same == 2
    assert [one.id for one in found.others["redefined"]] == ["a"]


def test_what_a_run_left_out_is_not_compared() -> None:
    """Of several sends, those that both sides have count; and that it was a part is told."""
    heard = LAST.delivery[""]
    whole = replace(LAST, delivery={"if4": heard, "lo4": heard})
    part = replace(whole, delivery={"lo4": heard}, unsent={"if4": "no link device"})
    other = replace(part, delivery={}, send={"lo4": "EACCES"})
    assert whole.agrees(part)
    assert part.agrees(whole)
    assert not whole.agrees(other)
    assert not part.agrees(other)
    assert verdict(whole, part) == "same"
    found = compare(run(whole), run(part))
    assert (found.same, found.partly) == (1, 1)
    assert compare(run(part), run(part)).partly == 0
