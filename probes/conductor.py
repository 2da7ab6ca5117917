"""The conductor: makes batches of cells, leads the roles through them, and believes only what is proved.

A batch is opened role by role (bind order is part of the result), spoken to in windows, fenced, drained
and closed. It is *void*, and its cells are measured again, when a role was lost, the fence stayed silent,
the kernel counted a lost datagram, or one of our datagrams turned up after the drain. What fails again
and again is halved until the culprit is alone, and ends `inconclusive` with the reason; never `none`.
"""

from __future__ import annotations

import collections
import os
import random
import time
from typing import Callable, Deque, Dict, FrozenSet, List, NamedTuple, Optional, Tuple, Union

import batches
import controls
import counters
import lab as labs
import limits
from allotment import Allotment
from batches import Batch
from cells import CellMaker
from crew import Actor, Crew, Silent, Void, users
from proc import text
from process import RoleLost
from programs import Compiler
from speech import Manner, listeners, speak
from trials import SENDER, Cell, Seen, Trial, bare

_UNDECIDED = "a connection was neither made nor refused"

Results = Callable[[Cell, Union[Seen, str]], None]
"""Called with a cell and what was seen of it, or the reason why that is inconclusive."""


class Settings(NamedTuple):
    """How to measure.

    `grace`: seconds to wait after the fence; `fresh`: new processes for every cell; `ports`: exactly so
    many source ports, never more; `window`: datagrams a socket may be sent before it is drained;
    `share`: (index, count) of the conductors that share this lab's ports and groups.
    """

    grace: float
    fresh: bool = False
    ports: Optional[int] = None
    window: int = limits.WINDOW
    share: Tuple[int, int] = (0, 1)


class Conductor:
    """Leads the roles of one lab."""

    def __init__(self, lab: labs.Lab, settings: Settings, cpu: Optional[int] = None) -> None:
        self.lab = lab
        self.settings = settings
        self.grace = settings.grace
        self.window = settings.window
        self.compiler = Compiler(lab)
        self.limits = limits.read()
        self.counts: Dict[str, int] = collections.Counter()
        self.allotment = Allotment(lab, settings.share)
        self._silences = 0
        self._known: Dict[str, Dict[int, FrozenSet[str]]] = {}
        self._users = users(getattr(os, "geteuid", lambda: None)(), text("/proc/self/uid_map"))
        self._closing: Optional[Tuple[Batch, List[Trial], List[str], Results]] = None
        self._controls = controls.Controls(self.compiler)
        self._crew = Crew(self.compiler, self.allotment.sender_ports, self.counts, cpu)

    # --- cells -----------------------------------------------------------------------------------

    def cell(self, identifier: str, steps: List[Tuple[str, int]], *, solo: bool = False) -> Cell:
        """Compile a cell; `steps` are (role, number of its operations in the compiler).

        Raises resolver.Absent or lab.Unavailable.
        """
        if self.lab.unavailable:
            raise labs.Unavailable(self.lab.unavailable)
        made = CellMaker(self.compiler, can_switch_users=self._users)
        for actor, number in steps:
            made.add(actor, number)
        return made.cell(identifier, solo=solo)

    def measure(
        self, cells: List[Cell], generator: random.Random, results: Results, *, again: bool = False
    ) -> None:
        """Measure every cell once, in batches of a random composition; see Results.

        `again`: as in the call before, the same cells: what that one has made sure of need only be
        confirmed (stages.py).
        """
        if not again:
            self._known.clear()
        shuffled = list(cells)
        generator.shuffle(shuffled)
        lanes = self.settings.share[1]
        queue: Deque[Batch] = collections.deque(
            batches.make(shuffled, self.limits, lanes=lanes, alone=self.settings.fresh)
        )
        while queue or self._closing:
            try:
                if queue:
                    self._run(queue[0], results)
                    queue.popleft()
                else:
                    self._settle()
            except (Void, RoleLost) as problem:
                failed = [queue.popleft()] if queue else []
                if self._closing and self._closing[0] not in failed:
                    failed.append(self._closing[0])
                self._closing = None
                self._clear(problem)
                for batch in failed:
                    queue.extendleft(reversed(self._again(batch, str(problem), results)))
            except _Taken as taken:
                queue.popleft()
                self.counts["taken ports"] += len(taken.cells)
                queue.extend(self._again(Batch(taken.cells, taken.tries), "port in use", results))

    def _again(self, batch: Batch, reason: str, results: Results) -> List[Batch]:
        """Return how a batch is tried again; the cells that are not end with the reason."""
        more = batches.again(batch, hopeless=self._silences > 1)
        for cell in batch.cells if not more else ():
            results(cell, reason)
        return more

    def _clear(self, problem: Exception) -> None:
        """Start over with new processes: what the old ones hold and say is no longer known."""
        self.counts["lost roles" if isinstance(problem, RoleLost) else "voided"] += 1
        if isinstance(problem, Silent):
            self._silences += 1
        self.stop()

    # --- one batch -------------------------------------------------------------------------------

    def _run(self, batch: Batch, results: Results) -> None:
        alone = batch.cells[0].solo
        if self.settings.fresh or alone:
            self._settle()  # nothing of another batch is open beside a cell that wants to be alone
        if self.settings.fresh or (alone and limits.crowded(self.limits.slots, self._crew.sender_ports)):
            self.stop()
        self.counts["batches"] += 1
        trials = self._trials(batch.cells)
        by_number = {trial.number: trial for trial in trials}
        lost_before = counters.lost_datagrams()
        shape = batch.cells[0].shape
        if trials[-1].cell.shape == (controls.APART,):
            self._crew.post_round(controls.APART, 0, trials)
            self._settle()
            self._crew.take(controls.APART)
        for position, actor in enumerate(shape):
            if actor == SENDER:
                self._speak(position, trials, by_number)
            else:
                self._act(position, actor, trials, by_number)
        if counters.lost_datagrams() != lost_before:
            self.window = max(16, self.window // 2)
            raise Void("the kernel dropped datagrams: a receive buffer or backlog was full")
        processes = sorted({Actor.of(actor).process for actor in listeners(trials)})
        for name in processes:
            self._crew.post(name, "close")
        self._closing = (batch, trials, processes, results)
        taken = [trial.cell for trial in trials if trial.port_was_taken() and trial.cell.id]
        if taken:
            self._settle()
            raise _Taken(taken, batch.tries)
        if self.settings.fresh:
            self._settle()

    def _speak(self, position: int, trials: List[Trial], by_number: Dict[int, Trial]) -> None:
        """Let the sender say what is said in one turn."""
        if position == 0:
            self._settle()
        free = [trial for trial in trials if not trial.port_was_taken()]
        if any(not trial.cell.id and trial.port_was_taken() for trial in trials):
            raise Void("the port of a control is in use")
        manner = Manner(
            self.limits, self.window, self.grace, self.settings.ports, doubtful=self._silences > 1
        )
        speak(self._crew, free, by_number, manner, position)

    def _act(self, position: int, actor: str, trials: List[Trial], by_number: Dict[int, Trial]) -> None:
        """Let one actor take its turn in all trials."""
        turn = trials[0].cell.rounds[position]
        if turn.ends:
            self._settle()
            self._crew.end(actor, turn.ends)
            return
        for trial in trials:
            for index in trial.cell.own_voices(position):
                trial.begin(index)
        self._crew.post_round(actor, position, trials)
        if position == 0:
            self._settle()  # the last batch closed while this one began to open
        failures, told = self._crew.take(actor)
        name = bare(actor)
        for number, failure in failures.items():
            by_number[number].fail(name, failure, first=position == 0)
        if told is None:
            for trial in trials:
                trial.shut.pop(name, None)
            return
        notes, spoken, shut, fenced = told
        if fenced is not None:
            self.counts["fences"] += 1
        if fenced is False:
            self.counts["silent fences"] += 1
            raise Silent("the fence stayed silent: nothing sent here arrives")
        for trial in trials:
            trial.shut[name] = trial.number in shut
        for number, found in notes.items():
            by_number[number].notes.update(found)
        for number, voices in spoken.items():
            for index, sent, error in voices:
                voicing = by_number[number].voicings[index]
                voicing.sent |= sent
                voicing.error = error or None
        if spoken:
            if self.grace:
                time.sleep(self.grace)
            self._crew.drain(listeners(trials), by_number)

    def _settle(self) -> None:
        """Take the answers to `close` of the last batch and hand in its results."""
        if self._closing is None:
            return
        _, trials, roles, results = self._closing
        late = sum(self._crew.take(role) for role in roles)
        if late:
            self.grace = min(2.0, max(0.005, self.grace * 2))
            raise Void("datagrams arrived after their batch was settled")
        self._closing = None
        self._silences = 0
        silent = controls.silent(trials)
        for trial in trials:
            if trial.cell.id and not trial.port_was_taken():
                self._known[trial.cell.id] = trial.hearers()
                results(trial.cell, _UNDECIDED if trial.timed_out() else trial.seen(silent))

    def _trials(self, cells: List[Cell]) -> List[Trial]:
        # Controls take part in the first round only, with its role.
        everybody = cells + self._controls.of(cells)
        step = cells[0].ports
        needed = step * len(everybody)
        port = self.allotment.ports(cells[0], needed, self.limits.slots, self._crew.sender_ports)
        trials = []
        for offset, cell in enumerate(everybody):
            number = self.allotment.trial()
            group, known = self.allotment.group(number), self._known.get(cell.id, {})
            trials.append(Trial(cell, number, port + step * offset, group, known))
        return trials

    def leave(self) -> None:
        """Stop all roles for good."""
        self._crew.leave()

    def stop(self) -> None:
        """Stop all roles; they are started again when they are needed."""
        self._crew.stop()


class _Taken(Exception):
    """Some cells met a port that was in use."""

    def __init__(self, cells: List[Cell], tries: int) -> None:
        super().__init__("port in use")
        self.cells = cells
        self.tries = tries
