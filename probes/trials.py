"""Cells as the conductor sees them, the trials made of them, and the observation a trial ends in."""

from __future__ import annotations

import functools
from types import MappingProxyType
from typing import Any, Collection, Dict, FrozenSet, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from opcodes import BEFORE_BOUND
from voices import Voice

SENDER = "S"


class VoiceSeen(NamedTuple):
    """What came of one voice: bitmaps of sequence numbers, and the conditions it spoke under."""

    sent: int
    refused: int = 0
    error: Optional[str] = None
    silent: bool = False
    heard: Tuple[Tuple[str, int], ...] = ()
    again: Tuple[Tuple[str, int], ...] = ()
    closed: Tuple[str, ...] = ()
    own: bool = False
    connects: bool = False


class Seen(NamedTuple):
    """What was seen of a trial, hashable, so that equal repetitions are kept and written once."""

    foreign: int
    failures: Tuple[Tuple[str, str], ...] = ()
    voices: Tuple[VoiceSeen, ...] = ()
    notes: Tuple[Tuple[str, str], ...] = ()
    closed: Tuple[str, ...] = ()


class Turn(NamedTuple):
    """One turn of an actor: the number of its program, None when the sender speaks or a process ends.

    `first`: index of the first voice of the cell that this turn speaks itself.
    """

    actor: str
    program: Optional[int]
    first: int = 0
    ends: str = ""


class Cell(NamedTuple):
    """A cell ready to be tried: programs by role in order, what the sender does, who may hear.

    `shape` is the order of its actors: cells that share it can share a batch. `unsent` are (label,
    reason) of the sends for which this lab has no destination. `closed` says for each voice which
    receivers are not open when it speaks, as far as the steps tell, `closed_at_last` which are not in the
    end. `ports`: how many the cell needs.
    `spends`: it may leave its ports in TIME_WAIT.
    """

    id: str
    rounds: Tuple[Turn, ...]
    voices: List[Voice]
    receivers: Tuple[str, ...]
    shape: Tuple[str, ...]
    labels: Tuple[str, ...]
    unsent: Tuple[Tuple[str, str], ...]
    listens: bool
    solo: bool
    closed: Tuple[Tuple[str, ...], ...] = ()
    closed_at_last: Tuple[str, ...] = ()
    ports: int = 1
    spends: bool = False

    @property
    def ends(self) -> Tuple[str, ...]:
        """How processes end in the course of it; together with `shape` what a batch has in common."""
        return tuple(turn.ends for turn in self.rounds)

    def own_voices(self, at: int) -> List[int]:
        """Return the indexes of the voices that an actor speaks by itself in one turn."""
        return [index for index, voice in enumerate(self.voices) if voice.own and voice.at == at]


class Voicing:
    """What one voice of a trial sent so far, and who heard it. Bitmaps of sequence numbers."""

    __slots__ = ("again", "closed", "error", "heard", "refused", "sent", "wanted")

    def __init__(self) -> None:
        self.closed: Tuple[str, ...] = ()
        self.sent = 0
        self.wanted = 0
        self.heard: Dict[str, int] = {}
        self.again: Dict[str, int] = {}
        self.refused = 0
        self.error: Optional[str] = None

    def hearers(self) -> FrozenSet[str]:
        """Return who heard it, if everything was heard by one of them each and nothing failed."""
        union = 0
        for bits in self.heard.values():
            if union & bits:
                return frozenset()
            union |= bits
        if union != self.sent | self.refused or self.error or self.again:
            return frozenset()
        return frozenset(self.heard)


class Trial:
    """One cell, measured once, on a port (and, for multicast, a group) of its own."""

    __slots__ = (
        *("_taken", "cell", "failures", "foreign", "group", "known", "notes", "number", "port"),
        *("shut", "voicings"),
    )

    def __init__(
        self,
        cell: Cell,
        number: int,
        port: int,
        group: str,
        known: Mapping[int, FrozenSet[str]] = MappingProxyType({}),
    ) -> None:
        """Begin; `known` is who heard a voice in the repetition before, by index: see `hearers`."""
        self.cell = cell
        self.known = known
        self.number = number
        self.port = port
        self.group = group
        self.failures: Dict[str, str] = {}
        self.foreign = 0
        self.notes: Dict[str, str] = {}
        self._taken = False
        self.shut: Dict[str, bool] = {}
        self.voicings = [Voicing() for _ in cell.voices]

    def open_roles(self, index: int = 0) -> int:
        """Return how many receivers can hear a voice: bound, and listening where the cell listens."""
        closed = self.voicings[index].closed if self.voicings else ()
        if not self.failures and not closed:
            return len(self.cell.receivers)
        return sum(self._is_open(role) and role not in closed for role in self.cell.receivers)

    def begin(self, index: int) -> None:
        """Note who is not open now that a voice is about to speak."""
        self.voicings[index].closed = self._closed(self.cell.closed[index] if self.cell.closed else ())

    def _closed(self, planned: Tuple[str, ...]) -> Tuple[str, ...]:
        """Return who is not open now: as planned, or because a bind that was only tried failed."""
        if not self.shut:
            return planned
        shut = [role for role, is_shut in self.shut.items() if is_shut and role not in self.failures]
        known = (*planned, *(role for role in shut if role in self.cell.receivers))
        return tuple(dict.fromkeys(known))

    def _is_open(self, role: str) -> bool:
        failure = self.failures.get(role)
        if failure is None:
            return True
        return not self.cell.listens and not failure.startswith(BEFORE_BOUND)

    def fail(self, role: str, failure: str, *, first: bool = False) -> None:
        """Note that a role was refused something; `first`: in the first turn of the cell."""
        self.failures.setdefault(role, failure)
        self._taken = self._taken or (first and failure in ("bind EADDRINUSE", "bind EACCES"))

    def port_was_taken(self) -> bool:
        """Tell whether the first socket was refused its port: somebody else's, never an outcome."""
        return self._taken

    def hear(self, role: str, label: int, bits: int, again: int = 0) -> None:
        """Add what `role` heard of one voice in one drain."""
        voicing = self.voicings[label]
        before = voicing.heard.get(role, 0)
        twice = again | before & bits
        if twice:
            voicing.again[role] = voicing.again.get(role, 0) | twice
        voicing.heard[role] = before | bits

    def confirms(self, index: int) -> bool:
        """Tell whether a voice was so far heard by those of the repetition before, each time by one."""
        return index in self.known and self.voicings[index].hearers() == self.known[index]

    def hearers(self) -> Dict[int, FrozenSet[str]]:
        """Return who heard a voice, by its index, where each datagram or connection had one hearer."""
        found = {index: voicing.hearers() for index, voicing in enumerate(self.voicings)}
        return {index: roles for index, roles in found.items() if roles}

    def timed_out(self) -> bool:
        """Tell whether a connection was neither made nor refused."""
        return any(voicing.error == "ETIMEDOUT" for voicing in self.voicings)

    def seen(self, silent: Collection[Tuple[str, Optional[str]]]) -> Seen:
        """Return what was seen; `silent` are the kinds of destination whose control was silent."""
        return Seen(
            self.foreign,
            tuple(self.failures.items()),
            tuple(
                VoiceSeen(
                    voicing.sent,
                    voicing.refused,
                    voicing.error,
                    bool(silent) and not voicing.heard and voice.kind in silent,
                    tuple(sorted(voicing.heard.items())),
                    tuple(sorted(voicing.again.items())),
                    voicing.closed,
                    voice.own,
                    voice.connects,
                )
                for voice, voicing in zip(self.cell.voices, self.voicings)
            ),
            tuple(self.notes.items()),
            self._closed(self.cell.closed_at_last),
        )


def observation(labels: Sequence[str], shape: Sequence[str], seen: Seen) -> Dict[str, Any]:
    """Return the raw observation of the probe protocol; `labels` of the voices, `shape` of the cell."""
    foreign, failures, voicings, notes, closed_at_last = seen
    roles = dict.fromkeys((bare(actor) for actor in shape if actor != SENDER), "ok")
    roles.update(failures)
    result: Dict[str, Any] = {"roles": roles}
    sends = {}
    for label, voicing in zip(labels, voicings):
        sent, refused, error, silent, heard, again, closed, own, connects = voicing
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
        if closed:
            record["closed"] = list(closed)
        if own:
            record["own"] = True
        if connects:
            record["connects"] = True
        sends[label] = record
    if sends:
        result["sends"] = sends
    if notes:
        result["notes"] = dict(notes)
    if closed_at_last:
        result["closed"] = list(closed_at_last)
    if foreign:
        result["foreign"] = foreign
    return result


def bare(actor: str) -> str:
    """Return an actor without its place: `A.b@h2` is the receiver A.b."""
    return actor.partition("@")[0]


@functools.lru_cache(maxsize=4096)
def sequence_numbers(bits: int) -> Tuple[int, ...]:
    """Return the set bits of a bitmap, lowest first."""
    return tuple(number for number in range(bits.bit_length()) if bits >> number & 1)


@functools.lru_cache(maxsize=4096)
def bitmap(numbers: Tuple[int, ...]) -> int:
    """Return the bitmap of some sequence numbers."""
    return sum(1 << number for number in numbers)
