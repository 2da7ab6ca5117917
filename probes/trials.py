"""Cells as the conductor sees them, the trials made of them, and the observation a trial ends in."""

from __future__ import annotations

from typing import Any, Dict, List, NamedTuple, Optional, Tuple

import payload
from programs import Voice

BEFORE_BOUND = ("socket", "set", "bind")


class Cell(NamedTuple):
    """A cell ready to be tried: programs by role in order, what the sender does, who may hear."""

    id: str
    rounds: Tuple[Tuple[str, int], ...]
    voices: List[Voice]
    receivers: Tuple[str, ...]
    listens: bool
    solo: bool

    @property
    def shape(self) -> Tuple[str, ...]:
        """The order of roles: cells that share it can share a batch."""
        return tuple(role for role, _ in self.rounds)


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
        """True when the first socket was refused its port: somebody else's, never an outcome."""
        failure = self.failures.get(self.cell.receivers[0]) if self.cell.receivers else None
        return failure in ("bind EADDRINUSE", "bind EACCES")

    def hear(self, role: str, found: Dict[int, Tuple[int, int]]) -> None:
        """Add what `role` found in one drain."""
        for label, (bits, again) in found.items():
            voicing = self.voicings[label]
            before = voicing.heard.get(role, 0)
            again |= before & bits
            if again:
                voicing.again[role] = voicing.again.get(role, 0) | again
            voicing.heard[role] = before | bits

    def timed_out(self) -> bool:
        """True when a connection was neither made nor refused."""
        return any(voicing.error == "ETIMEDOUT" for voicing in self.voicings)

    def observation(self, silent: List[Tuple[str, Optional[str]]]) -> Dict[str, Any]:
        """Return the raw observation; `silent` are the kinds of destination whose control was silent."""
        roles = {role: "ok" for role, _ in self.cell.rounds}
        roles.update(self.failures)
        result: Dict[str, Any] = {"roles": roles}
        sends = {}
        for voice, voicing in zip(self.cell.voices, self.voicings):
            if not (voicing.sent or voicing.refused or voicing.error):
                continue
            record: Dict[str, Any] = {"sent": f"{voicing.sent:x}"}
            if voicing.heard:
                record["heard"] = {role: f"{bits:x}" for role, bits in sorted(voicing.heard.items())}
            if voicing.again:
                record["again"] = {role: f"{bits:x}" for role, bits in sorted(voicing.again.items())}
            if voicing.refused:
                record["refused"] = f"{voicing.refused:x}"
            if voicing.error:
                record["error"] = voicing.error
            if not voicing.heard and voice.kind in silent:
                record["control"] = "silent"
            sends[voice.label] = record
        if sends:
            result["sends"] = sends
        if self.foreign:
            result["foreign"] = self.foreign
        return result


def sequence_numbers(bits: int) -> List[int]:
    """Return the set bits of a bitmap, lowest first."""
    numbers = []
    while bits:
        low = bits & -bits
        numbers.append(low.bit_length() - 1)
        bits ^= low
    return numbers


assert len(payload.SEQUENCES) >= 2 * 1200, "a sequence number for each datagram of the widest spread"
