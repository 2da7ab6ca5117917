"""What is sent to the trials of a batch, window by window, until every answer is settled."""

from __future__ import annotations

import collections
import time
from typing import Any, Dict, Iterable, List, NamedTuple, Optional, Tuple

import groups
import stages
from crew import Crew, Void
from limits import Limits
from sender import UNTRIED
from trials import SENDER, Trial, Voicing, bitmap, sequence_numbers
from voices import GROUP4

Window = List[Tuple[Trial, int, Tuple[int, ...]]]
"""(trial, index of its voice, sequence numbers) for each thing to be sent before the next drain."""


class Manner(NamedTuple):
    """How to speak.

    `window`: datagrams a socket is sent before it is drained; `grace`: seconds to wait after the fence;
    `ports`: exactly so many source ports; `doubtful`: the fence stayed silent more than once.
    """

    limits: Limits
    window: int
    grace: float
    ports: Optional[int]
    doubtful: bool


def speak(
    crew: Crew,
    trials: List[Trial],
    by_number: Dict[int, Trial],
    manner: Manner,
    at: Optional[int] = None,
) -> None:
    """Send, fence and drain until the question of each of `trials` is settled.

    `by_number`: all trials of the batch, also those that are not spoken to; `at`: only the voices of this
    turn. Raises crew.Void, RoleLost.
    """
    roles = listeners(by_number.values())
    waiting = _first(trials, manner, at)
    while waiting:
        window = choose(waiting, manner)
        _send(crew, window, manner)
        if manner.grace:
            time.sleep(manner.grace)
        crew.drain(roles, by_number)
        connected = [(trial, index) for trial, index, _ in window if trial.cell.voices[index].connects]
        if connected:
            crew.hang_up(roles)
            _check(connected)
        waiting = [pair for pair in waiting if _unsettled(*pair, manner)]


def listeners(trials: Iterable[Trial]) -> List[str]:
    """Return the actors whose sockets may have heard something."""
    return sorted({actor for trial in trials for actor in trial.cell.shape if actor != SENDER})


def _check(connected: List[Tuple[Trial, int]]) -> None:
    """Raise Void where a connection was made and none of our sockets has it, or was not tried."""
    for trial, index in connected:
        voicing = trial.voicings[index]
        received = 0
        for bits in voicing.heard.values():
            received |= bits
        if voicing.sent & ~received:
            raise Void("a connection was made, but not to one of our sockets")
        if voicing.error == UNTRIED:
            raise Void("connections were neither made nor refused")


def _first(trials: List[Trial], manner: Manner, at: Optional[int]) -> List[Tuple[Trial, int]]:
    """Return what is to be sent at all: a trial in which no socket opened has nobody to hear it."""
    waiting = []
    for trial in trials:
        for index, voice in enumerate(trial.cell.voices):
            if voice.own or (at is not None and voice.at != at):
                continue
            trial.begin(index)
            opened = trial.open_roles(index)
            if not opened:
                continue
            trial.voicings[index].wanted = stages.first(
                opened,
                connections=voice.connects,
                ports=manner.ports,
                confirms=len(trial.known.get(index, ())) == 1,
            )
            waiting.append((trial, index))
    return waiting


def _unsettled(trial: Trial, index: int, manner: Manner) -> bool:
    voicing = trial.voicings[index]
    if voicing.error:
        return False
    if not voicing.wanted and manner.ports is None:
        voicing.wanted = stages.more(
            trial.open_roles(index),
            voicing.sent | voicing.refused,
            list(voicing.heard.values()),
            connections=trial.cell.voices[index].connects,
            confirms=trial.confirms(index),
        )
    return bool(voicing.wanted)


def choose(waiting: List[Tuple[Trial, int]], manner: Manner) -> Window:
    """Choose what is sent before the next drain: bounded for a socket and for all of them."""
    window: Window = []
    in_flight = 0
    by_trial: Dict[int, int] = collections.Counter()
    for trial, index in waiting:
        connects = trial.cell.voices[index].connects
        # A datagram may wait in the buffer of every receiver; a connection is held once.
        copies = 1 if connects else max(1, len(trial.cell.receivers))
        most = manner.limits.descriptors // 2 if connects else manner.limits.queued
        room = min(manner.window - by_trial[trial.number], (most - in_flight) // copies)
        if room <= 0 and window:
            continue
        numbers = sequence_numbers(trial.voicings[index].wanted)[: max(1, room)]
        by_trial[trial.number] += len(numbers)
        in_flight += len(numbers) * copies
        window.append((trial, index, numbers))
    return window


def _send(crew: Crew, window: Window, manner: Manner) -> None:
    datagrams: List[Any] = []
    connections: List[Any] = []
    for position, (trial, index, numbers) in enumerate(window):
        voice = trial.cell.voices[index]
        if voice.pool is None:
            target, entries = voice.family, connections
        else:
            target, entries = crew.pool(voice.pool, (numbers[-1] >> 1) + 1), datagrams
        host = voice.host or (
            trial.group if voice.group == GROUP4 else groups.of(voice.group, trial.group)
        )
        port = trial.port + voice.port
        entries.append((position, trial.number, index, host, port, target, numbers))
    if manner.doubtful:
        # The fence alone first: connections into silence would be waited for, a second each.
        crew.send("send", [], doubtful=True)
    for request, entries in (("send", datagrams), ("connect", connections)):
        if not entries:
            continue
        failed = crew.send(request, entries, doubtful=manner.doubtful)
        for entry in entries:
            trial, index, numbers = window[entry[0]]
            _note_sent(trial.voicings[index], numbers, failed.get(entry[0]))


def _note_sent(
    voicing: Voicing, numbers: Tuple[int, ...], failure: Optional[Tuple[int, int, Optional[str]]]
) -> None:
    asked = bitmap(numbers)
    voicing.wanted &= ~asked
    if failure is None:
        voicing.sent |= asked
        return
    sent, refused, error = failure
    voicing.sent |= sent
    voicing.refused |= refused
    voicing.error = error
