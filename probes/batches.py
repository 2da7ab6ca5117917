"""Batches: which cells are tried together, and what is tried again when a batch proves nothing."""

from __future__ import annotations

from typing import Any, Dict, List, NamedTuple, Tuple

import limits
from trials import Cell

_TRIES = 3


class Batch(NamedTuple):
    """Cells to try together, and how often that failed."""

    cells: List[Cell]
    tries: int = 0


def make(cells: List[Cell], within: limits.Limits, *, lanes: int, alone: bool) -> List[Batch]:
    """Return the fewest batches of cells that can share one; `alone`: every cell has its own.

    Cells share one whose turns, ends of processes and ports are alike. `lanes`: probes in this lab.
    """
    alike: Dict[Tuple[Any, ...], List[Cell]] = {}
    lonely = []
    for cell in cells:
        if cell.solo or alone:
            lonely.append(Batch([cell]))
        else:
            key = (cell.shape, cell.ends, cell.listens, cell.ports, cell.spends)
            alike.setdefault(key, []).append(cell)
    batches = []
    for (_, _, listens, ports, _), members in alike.items():
        start = 0
        most = within.cells(listens=listens, lanes=lanes)
        for size in limits.split(len(members), max(1, most // ports)):
            batches.append(Batch(members[start : start + size]))
            start += size
    return batches + lonely


def again(batch: Batch, *, hopeless: bool) -> List[Batch]:
    """Return how the cells of a batch that proved nothing are tried again; none when they are not.

    As they are, then in halves, until the culprit is alone. `hopeless`: nothing arrives in this lab.
    """
    tries = batch.tries + 1
    if hopeless:
        return []
    if len(batch.cells) == 1:
        return [Batch(batch.cells, tries)] if tries < _TRIES else []
    if tries < 2:
        return [Batch(batch.cells, tries)]
    half = len(batch.cells) // 2
    return [Batch(batch.cells[:half], 1), Batch(batch.cells[half:], 1)]
