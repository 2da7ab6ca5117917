"""From what the probes say to the lines of a run: observations become outcomes."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import msgspec

from sockmatrix.classify import classify
from sockmatrix.observation import decode_seen
from sockmatrix.runfile import CellLine

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sockmatrix.measure import Block
    from sockmatrix.outcome import Outcome

TCP = "tcp"


def lines(block: Block) -> Iterator[CellLine]:
    """Yield the run-file lines of a measured block, in the order of its cells.

    A cell of which the probe said nothing is left out: it is unmeasured. Raises ObservationError when
    the probe said something that is not an observation.
    """
    for cell in block.cells:
        seen = block.seen.get(cell.id)
        if seen is not None:
            # In a script each delivery says for itself what was sent.
            connects = bool(cell.sockets) and cell.axes.get("transport") == TCP
            yield CellLine.of(cell.id, cell.version, _outcome(seen, connects=connects))


@functools.lru_cache(maxsize=50_000)
def _outcome(seen: bytes, *, connects: bool) -> Outcome:
    """Return the outcome of equal observations once: few of the many cells differ."""
    return classify(decode_seen(msgspec.json.decode(seen)), connects=connects)
