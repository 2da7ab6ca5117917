"""The conductor: makes batches of cells, leads the roles through them, and believes only what is proved.

A batch is opened role by role (bind order is part of the result), spoken to in windows, fenced, drained
and closed. It is *void*, and its cells are measured again, when a role was lost, the fence stayed silent,
the kernel counted a lost datagram, or one of our datagrams turned up after the drain. What fails again
and again is halved until the culprit is alone, and ends `inconclusive` with the reason; never `none`.
"""

from __future__ import annotations

import collections
import random
from typing import Any, Callable, Deque, Dict, List, NamedTuple, Optional, Tuple, Union

import counters
import lab as labs
import limits
from crew import SENDER_PORTS, Crew, Silent, Void
from process import RoleLost
from programs import Compiler, Voice
from speech import Manner, speak
from trials import Cell, Seen, Trial

_TRIES = 3
_FEWEST_PORTS = 450  # two batches
_UNDECIDED = "a connection was neither made nor refused"

Results = Callable[[Cell, Union[Seen, str]], None]
"""Called with a cell and what was seen of it, or the reason why that is inconclusive."""


class Batch(NamedTuple):
    """Cells to try together, and how often that failed."""

    cells: List[Cell]
    tries: int = 0


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
        self._trial = 0
        # A private lab is its own; only those who share a host share its ports and groups.
        index, count = settings.share if lab.kind == "host" else (0, 1)
        self._port_count = lab.port_count // count
        self._first_port = lab.first_port + index * self._port_count
        self._slots = labs.GROUPS // count
        self._first_slot = index * self._slots
        self._cell_ports = self._port_count - min(SENDER_PORTS, self._port_count // 3)
        if self._cell_ports < _FEWEST_PORTS:
            raise labs.LabError(f"{count} probes in one lab have too few ports each: use fewer (--jobs)")
        self._port = random.SystemRandom().randrange(self._cell_ports)
        self._silences = 0
        self._closing: Optional[Tuple[Batch, List[Trial], List[str], Results]] = None
        self._controls: Dict[Any, Cell] = {}
        self._groups: Dict[int, str] = {}
        top_port = self._first_port + self._port_count - 1
        sender_ports = range(top_port, self._first_port + self._cell_ports - 1, -1)
        self._crew = Crew(self.compiler, sender_ports, self.counts, cpu)

    # --- cells -----------------------------------------------------------------------------------

    def cell(self, identifier: str, steps: List[Tuple[str, int]], *, solo: bool = False) -> Cell:
        """Compile a cell; `steps` are (role, number of its operations in the compiler).

        Raises programs.Absent or lab.Unavailable.
        """
        rounds = []
        voices: List[Voice] = []
        unsent: Tuple[Tuple[str, str], ...] = ()
        receivers = []
        listens = False
        for role, number in steps:
            part = self.compiler.part(number)
            if part.program is None:
                voices = voices + part.voices
                unsent += part.unsent
                continue
            rounds.append((role, part.program))
            listens = listens or part.listens
            if part.binds:
                receivers.append(role)
        return Cell(
            identifier,
            tuple(rounds),
            voices,
            tuple(receivers),
            tuple(role for role, _ in rounds),
            tuple(voice.label for voice in voices),
            unsent,
            listens,
            solo or len(receivers) >= limits.MANY_SOCKETS,
        )

    def measure(self, cells: List[Cell], generator: random.Random, results: Results) -> None:
        """Measure every cell once, in batches of a random composition; see Results."""
        shuffled = list(cells)
        generator.shuffle(shuffled)
        queue: Deque[Batch] = collections.deque(self._batches(shuffled))
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

    def _batches(self, cells: List[Cell]) -> List[Batch]:
        by_shape: Dict[Tuple[Any, ...], List[Cell]] = {}
        alone = []
        for cell in cells:
            if cell.solo or self.settings.fresh:
                alone.append(Batch([cell]))
            else:
                by_shape.setdefault((cell.shape, cell.listens), []).append(cell)
        batches = []
        for (_, listens), members in by_shape.items():
            start = 0
            for size in limits.split(
                len(members), self.limits.cells(listens=listens, lanes=self.settings.share[1])
            ):
                batches.append(Batch(members[start : start + size]))
                start += size
        return batches + alone

    def _again(self, batch: Batch, reason: str, results: Results) -> List[Batch]:
        tries = batch.tries + 1
        hopeless = self._silences > 1
        if len(batch.cells) == 1 or hopeless:
            if tries < _TRIES and not hopeless:
                return [Batch(batch.cells, tries)]
            for cell in batch.cells:
                results(cell, reason)
            return []
        if tries < 2:
            return [Batch(batch.cells, tries)]
        half = len(batch.cells) // 2
        return [Batch(batch.cells[:half], 1), Batch(batch.cells[half:], 1)]

    def _clear(self, problem: Exception) -> None:
        """Start over with new processes: what the old ones hold and say is no longer known."""
        self.counts["lost roles" if isinstance(problem, RoleLost) else "voided"] += 1
        if isinstance(problem, Silent):
            self._silences += 1
        self.stop()

    # --- one batch -------------------------------------------------------------------------------

    def _run(self, batch: Batch, results: Results) -> None:
        if self.settings.fresh:
            self._settle()
            self.stop()
        self.counts["batches"] += 1
        trials = self._trials(batch.cells)
        by_number = {trial.number: trial for trial in trials}
        lost_before = counters.lost_datagrams()
        shape = batch.cells[0].shape
        for position, role in enumerate(shape):
            self._crew.post_round(role, position, trials)
            if position == 0:
                self._settle()  # the last batch closed while this one began to open
            for number, failure in self._crew.take(role).items():
                by_number[number].failures.setdefault(role, failure)
        free = [trial for trial in trials if not trial.port_was_taken()]
        if any(not trial.cell.id and trial.port_was_taken() for trial in trials):
            raise Void("the port of a control is in use")
        manner = Manner(
            self.limits, self.window, self.grace, self.settings.ports, doubtful=self._silences > 1
        )
        speak(self._crew, free, by_number, manner)
        if counters.lost_datagrams() != lost_before:
            self.window = max(16, self.window // 2)
            raise Void("the kernel dropped datagrams: a receive buffer or backlog was full")
        for role in set(shape):
            self._crew.post(role, "close")
        self._closing = (batch, trials, list(set(shape)), results)
        taken = [trial.cell for trial in trials if trial.port_was_taken() and trial.cell.id]
        if taken:
            self._settle()
            raise _Taken(taken, batch.tries)
        if self.settings.fresh:
            self._settle()

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
        silent = [
            trial.cell.voices[0].kind
            for trial in trials
            if not trial.cell.id and trial.voicings[0].sent and not trial.voicings[0].heard
        ]
        for trial in trials:
            if trial.cell.id and not trial.port_was_taken():
                results(trial.cell, _UNDECIDED if trial.timed_out() else trial.seen(silent))

    def _trials(self, cells: List[Cell]) -> List[Trial]:
        controls = {voice.kind: voice for cell in cells for voice in cell.voices if not voice.connects}
        # Controls take part in the first round only, with its role.
        everybody = cells + [self._control(cells[0].shape[0], voice) for voice in controls.values()]
        count = self._cell_ports
        if self._port + len(everybody) > count:
            self._port = 0
        first = self._first_port + self._port
        if cells[0].solo:
            first = limits.solo_port(
                first, count - self._port - len(everybody), self.limits.slots, self._crew.sender_ports
            )
        self._port = first - self._first_port + len(everybody)
        trials = []
        for offset, cell in enumerate(everybody):
            self._trial = (self._trial + 1) & 0xFFFFFFFF
            trials.append(Trial(cell, self._trial, first + offset, self._group(self._trial)))
        return trials

    def _group(self, trial: int) -> str:
        slot = trial % self._slots
        if slot not in self._groups:
            self._groups[slot] = self.lab.address("group4", self._first_slot + slot)
        return self._groups[slot]

    def _control(self, role: str, voice: Voice) -> Cell:
        key = (role, voice.kind)
        if key not in self._controls:
            program, own_voice = self.compiler.control(voice)
            self._controls[key] = Cell(
                "", ((role, program),), [own_voice], (role,), (role,), ("",), (), False, False
            )
        return self._controls[key]

    def stop(self) -> None:
        """Stop all roles; they are started again when they are needed."""
        self._crew.stop()


class _Taken(Exception):
    """Some cells met a port that was in use."""

    def __init__(self, cells: List[Cell], tries: int) -> None:
        super().__init__("port in use")
        self.cells = cells
        self.tries = tries
