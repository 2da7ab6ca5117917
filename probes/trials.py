"""Cells as the conductor sees them, the trials made of them, and the observation a trial ends in."""

from __future__ import annotations

import functools
from typing import Any, Collection, Dict, List, NamedTuple, Optional, Sequence, Tuple

from programs import Voice

BEFORE_BOUND = ("socket", "set", "bind")

Seen = Tuple[int, Tuple[Tuple[str, str], ...], Tuple[Tuple[Any, ...], ...]]
"""What was seen of a trial, hashable, so that equal repetitions are kept and written once."""


class Cell(NamedTuple):
    """A cell ready to be tried: programs by role in order, what the sender does, who may hear.

    `shape` is the order of its roles: cells that share it can share a batch. `unsent` are (label,
    reason) of the sends for which this lab has no destination.
    """

    id: str
    rounds: Tuple[Tuple[str, int], ...]
    voices: List[Voice]
    receivers: Tuple[str, ...]
    shape: Tuple[str, ...]
    labels: Tuple[str, ...]
    unsent: Tuple[Tuple[str, str], ...]
    listens: bool
    solo: bool


class Voicing:
    """What one voice of a trial sent so far, and who heard it. Bitmaps of sequence numbers."""

    __slots__ = ("again", "error", "heard", "refused", "sent", "wanted")

    def __init__(self) -> None:
        self.sent = 0
        self.wanted = 0
        self.heard: Dict[str, int] = {}
        self.again: Dict[str, int] = {}
        self.refused = 0
        self.error: Optional[str] = None


class Trial:
    """One cell, measured once, on a port (and, for multicast, a group) of its own."""

    __slots__ = ("cell", "failures", "foreign", "group", "number", "port", "voicings")

    def __init__(self, cell: Cell, number: int, port: int, group: str) -> None:
        self.cell = cell
        self.number = number
        self.port = port
        self.group = group
        self.failures: Dict[str, str] = {}
        self.foreign = 0
        self.voicings = [Voicing() for _ in cell.voices]

    def open_roles(self) -> int:
        """Return how many receivers can hear: bound, and listening where the cell listens."""
        if not self.failures:
            return len(self.cell.receivers)
        return sum(self._is_open(role) for role in self.cell.receivers)

    def _is_open(self, role: str) -> bool:
        failure = self.failures.get(role)
        if failure is None:
            return True
        return not self.cell.listens and not failure.startswith(BEFORE_BOUND)

    def port_was_taken(self) -> bool:
        """Tell whether the first socket was refused its port: somebody else's, never an outcome."""
        failure = self.failures.get(self.cell.receivers[0]) if self.cell.receivers else None
        return failure in ("bind EADDRINUSE", "bind EACCES")

    def hear(self, role: str, label: int, bits: int, again: int = 0) -> None:
        """Add what `role` heard of one voice in one drain."""
        voicing = self.voicings[label]
        before = voicing.heard.get(role, 0)
        twice = again | before & bits
        if twice:
            voicing.again[role] = voicing.again.get(role, 0) | twice
        voicing.heard[role] = before | bits

    def timed_out(self) -> bool:
        """Tell whether a connection was neither made nor refused."""
        return any(voicing.error == "ETIMEDOUT" for voicing in self.voicings)

    def seen(self, silent: Collection[Tuple[str, Optional[str]]]) -> Seen:
        """Return what was seen; `silent` are the kinds of destination whose control was silent."""
        return (
            self.foreign,
            tuple(self.failures.items()),
            tuple(
                (
                    voicing.sent,
                    voicing.refused,
                    voicing.error,
                    bool(silent) and not voicing.heard and voice.kind in silent,
                    tuple(sorted(voicing.heard.items())),
                    tuple(sorted(voicing.again.items())),
                )
                for voice, voicing in zip(self.cell.voices, self.voicings)
            ),
        )


def observation(labels: Sequence[str], shape: Sequence[str], seen: Seen) -> Dict[str, Any]:
    """Return the raw observation of the probe protocol; `labels` of the voices, `shape` of the cell."""
    foreign, failures, voicings = seen
    roles = dict.fromkeys(shape, "ok")
    roles.update(failures)
    result: Dict[str, Any] = {"roles": roles}
    sends = {}
    for label, (sent, refused, error, silent, heard, again) in zip(labels, voicings):
        if not (sent or refused or error):
            continue
        record: Dict[str, Any] = {"sent": f"{sent:x}"}
        if heard:
            record["heard"] = {role: f"{bits:x}" for role, bits in heard}
        if again:
            record["again"] = {role: f"{bits:x}" for role, bits in again}
        if refused:
            record["refused"] = f"{refused:x}"
        if error:
            record["error"] = error
        if silent:
            record["control"] = "silent"
        sends[label] = record
    if sends:
        result["sends"] = sends
    if foreign:
        result["foreign"] = foreign
    return result


@functools.lru_cache(maxsize=4096)
def sequence_numbers(bits: int) -> Tuple[int, ...]:
    """Return the set bits of a bitmap, lowest first."""
    return tuple(number for number in range(bits.bit_length()) if bits >> number & 1)


@functools.lru_cache(maxsize=4096)
def bitmap(numbers: Tuple[int, ...]) -> int:
    """Return the bitmap of some sequence numbers."""
    return sum(1 << number for number in numbers)
