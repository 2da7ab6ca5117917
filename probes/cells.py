"""From the steps of a cell to a `trials.Cell`: who may hear which voice, what the batch must provide."""

from __future__ import annotations

from typing import Dict, List, Set, Tuple

import lab as labs
import limits
from crew import NO_USERS, USERS, Actor
from programs import Compiler, Part
from symbols import HERE
from trials import SENDER, Cell, Turn, bare
from voices import Voice

NEVER_HEAR = frozenset("JXYZ")
"""Roles that are no receivers: the bystander that only joins, and those that talk."""


class CellMaker:
    """Takes in the turns of one cell, one after another. Raises resolver.Absent or lab.Unavailable."""

    def __init__(self, compiler: Compiler, *, can_switch_users: bool) -> None:
        self._compiler = compiler
        self._can_switch_users = can_switch_users
        self._turns: List[Turn] = []
        self._voices: List[Voice] = []
        self._unsent: Tuple[Tuple[str, str], ...] = ()
        self._receivers: Dict[str, None] = {}
        self._streams: Dict[str, bool] = {}
        self._bound: Dict[str, int] = {}
        self._open: Dict[str, Set[int]] = {}
        self._open_at: List[Dict[str, Set[int]]] = []
        self._listens = self._spends = False
        self._ports = 1

    def add(self, actor: str, number: int) -> None:
        """Add one turn; `number` of its operations in the compiler."""
        who = Actor.of(actor)
        if who.place in USERS and not self._can_switch_users:
            raise labs.Unavailable(NO_USERS)
        if who.host not in (HERE, *self._compiler.lab.hosts):
            raise labs.Unavailable(f"no host {who.host} in this lab")
        part = self._compiler.part(number, staged=actor == SENDER, host=who.host)
        first = len(self._voices)
        at = len(self._turns)
        self._turns.append(Turn(actor, part.program, first, part.ends))
        self._unsent += part.unsent
        self._voices += [voice._replace(at=at) if at else voice for voice in part.voices]
        self._ports = max(self._ports, part.ports)
        self._listens = self._listens or part.listens
        self._spends = self._spends or part.connects
        if actor != SENDER:
            self._follow(bare(actor), part)
        self._open_at += [dict(self._open) for _ in part.voices]

    def _follow(self, name: str, part: Part) -> None:
        """Note which receivers this turn opens or closes."""
        if part.binds and name[0] not in NEVER_HEAR:
            self._receivers[name] = None
        if part.ends:
            process = name.partition(".")[0]
            for other in [one for one in self._open if one.partition(".")[0] == process]:
                del self._open[other]
            return
        if part.stream is not None:
            self._streams[name] = part.stream
            self._open.pop(name, None)
        if part.bound is not None:
            self._bound[name] = part.bound
        # A datagram socket hears once it is bound, a stream once it listens.
        if part.listens or (part.bound is not None and not self._streams.get(name)):
            self._open[name] = {self._bound.get(name, 0)}
        if part.closes:
            self._open.pop(name, None)

    def cell(self, identifier: str, *, solo: bool) -> Cell:
        """Return the whole."""
        receivers = tuple(self._receivers)
        actors = dict.fromkeys(bare(turn.actor) for turn in self._turns if turn.actor != SENDER)
        hearing = [name for name in actors if name[0] not in NEVER_HEAR]
        closed = tuple(
            tuple(name for name in hearing if voice.port not in opened.get(name, ()))
            for voice, opened in zip(self._voices, self._open_at)
        )
        return Cell(
            identifier,
            tuple(self._turns),
            self._voices,
            receivers,
            tuple(turn.actor for turn in self._turns),
            tuple(voice.label for voice in self._voices),
            self._unsent,
            self._listens,
            solo or len(receivers) >= limits.MANY_SOCKETS,
            closed if any(closed) else (),
            tuple(name for name in hearing if name not in self._open),
            self._ports,
            self._spends,
        )
