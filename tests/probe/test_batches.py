"""Batches: which cells share one, and how those of a failed one are tried again."""

from __future__ import annotations

from typing import Any

import batches
import pytest
from batches import Batch
from limits import Limits
from trials import Cell, Turn

WITHIN = Limits(slots=256, descriptors=4096, queued=20_000)


def cell(identifier: str = "one", shape: str = "AB", ends: str = "", **facts: Any) -> Cell:
    """Return a cell with one turn of each actor; the process of the last one `ends`."""
    turns = [Turn(actor, 0) for actor in shape]
    turns[-1] = turns[-1]._replace(ends=ends)
    plain = Cell(identifier, tuple(turns), [], (), tuple(shape), (), (), listens=False, solo=False)
    return plain._replace(**facts)


def sizes(*cells: Cell, lanes: int = 1, alone: bool = False) -> list[int]:
    """Return the sizes of the batches of cells."""
    return [len(one.cells) for one in batches.make(list(cells), WITHIN, lanes=lanes, alone=alone)]


@pytest.mark.parametrize(
    "other",
    [
        {"shape": "BA"},
        {"ends": "kill"},
        {"ends": "exit"},
        {"listens": True},
        {"ports": 2},
        {"spends": True},
    ],
)
def test_unlike_cells_share_no_batch(other: dict[str, Any]) -> None:
    """The order of actors, how processes end, streams, how many ports, and whether those are spent."""
    assert sizes(cell(), cell(**other), cell(), cell(**other)) == [2, 2]
    assert sizes(cell(), cell("other", solo=False), cell()) == [3]


def test_two_ends_are_two_batches() -> None:
    """A killed process has not exited."""
    assert sizes(cell(ends="kill"), cell(ends="exit")) == [1, 1]


def test_a_cell_may_be_alone() -> None:
    """Of its own, or because all are."""
    assert sizes(cell(), cell(solo=True), cell()) == [2, 1]
    assert sizes(cell(), cell(), alone=True) == [1, 1]


def test_batches_are_of_equal_size_and_fit_into_the_slots() -> None:
    """127 cells would fit; those of several ports, and those beside other probes, are fewer."""
    many = [cell()] * 200
    assert sizes(*many) == [100, 100]
    assert sizes(*many, lanes=2) == [50] * 4
    assert sizes(*[cell(ports=4)] * 62) == [31, 31]
    assert sizes(*[cell(ports=1000)] * 2) == [1, 1]


def test_a_batch_that_failed_is_tried_whole_then_in_halves() -> None:
    """Until the culprit is alone."""
    cells = [cell(str(number)) for number in range(5)]
    [whole] = batches.again(Batch(cells), hopeless=False)
    assert whole == Batch(cells, 1)
    halves = batches.again(whole, hopeless=False)
    assert halves == [Batch(cells[:2], 1), Batch(cells[2:], 1)]


def test_a_lone_cell_is_tried_three_times() -> None:
    """And not at all where nothing arrives."""
    tries = []
    waiting = [Batch([cell()])]
    while waiting:
        tries.append(waiting[0].tries)
        waiting = batches.again(waiting[0], hopeless=False)
    assert tries == [0, 1, 2]
    assert batches.again(Batch([cell()] * 3), hopeless=True) == []
