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
from typing import Any, Callable, Deque, Dict, List, NamedTuple, Optional, Set, Tuple, Union

import counters
import lab as labs
import limits
import stages
from process import RoleLost, RoleProcess
from programs import Compiler, Pool, Voice, family
from trials import Cell, Seen, Trial, Voicing, bitmap, sequence_numbers

SENDER = "S"
_TRIES = 3
_ROLE_PATIENCE = 30.0
_FENCE_PATIENCE = 2.0
_UNDECIDED = "a connection was neither made nor refused"
_SENDER_PORTS = 2400  # at the top of the lab's range, kept from the cells

Results = Callable[[Cell, Union[Seen, str]], None]
"""Called with a cell and what was seen of it, or the reason why that is inconclusive."""


class Void(Exception):
    """The batch proves nothing; the message says why."""


class Silent(Void):
    """The fence was not heard."""


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
        self._cpu = cpu
        self._nonce = os.urandom(8)
        self._roles: Dict[str, RoleProcess] = {}
        self._known: Dict[str, Set[int]] = {}
        self._pools: Dict[Pool, int] = {}
        self._pool_sizes: Dict[int, int] = {}
        self._sender_ports: List[int] = []
        self._trial = 0
        index, count = settings.share
        self._port_count = lab.port_count // count
        self._first_port = lab.first_port + index * self._port_count
        self._slots = labs.GROUPS // count
        self._first_slot = index * self._slots
        self._port = random.SystemRandom().randrange(self._cell_ports())
        self._silences = 0
        self._closing: Optional[Tuple[Batch, List[Trial], List[str], Results]] = None
        self._controls: Dict[Any, Cell] = {}
        self._groups: Dict[int, str] = {}
        self._fences = [(family, host) for family, host in self._fence_hosts()]

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
            for size in limits.split(len(members), self.limits.cells(listens=listens)):
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
            self._post_round(role, position, trials)
            if position == 0:
                self._settle()  # the last batch closed while this one began to open
            for number, failure in self._take(role).items():
                by_number[number].failures.setdefault(role, failure)
        free = [trial for trial in trials if not trial.port_was_taken()]
        if any(not trial.cell.id and trial.port_was_taken() for trial in trials):
            raise Void("the port of a control is in use")
        self._speak(free, by_number, sorted(set(shape)))
        if counters.lost_datagrams() != lost_before:
            self.window = max(16, self.window // 2)
            raise Void("the kernel dropped datagrams: a receive buffer or backlog was full")
        for role in set(shape):
            self._roles[role].post("close")
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
        late = sum(self._take(role) for role in roles)
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
        count = self._cell_ports()
        if self._port + len(everybody) > count:
            self._port = 0
        first = self._first_port + self._port
        if cells[0].solo:
            first = limits.solo_port(
                first, count - self._port - len(everybody), self.limits.slots, self._sender_ports
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

    def _post_round(self, role: str, position: int, trials: List[Trial]) -> None:
        entries = [
            (trial.number, trial.port, trial.group, trial.cell.rounds[position][1])
            for trial in trials
            if position < len(trial.cell.rounds)
        ]
        process = self._role(role)
        known = self._known[role]
        fresh = {entry[3] for entry in entries} - known
        known |= fresh
        process.post("do", entries, {number: self.compiler.programs[number] for number in fresh})

    def _speak(self, trials: List[Trial], by_number: Dict[int, Trial], roles: List[str]) -> None:
        """Send in windows, draining after each, until every trial's question is settled."""
        waiting: List[Tuple[Trial, int]] = []
        for trial in trials:
            opened = trial.open_roles()
            if not opened:
                continue
            for index, voice in enumerate(trial.cell.voices):
                trial.voicings[index].wanted = stages.first(
                    opened, connections=voice.connects, ports=self.settings.ports
                )
                waiting.append((trial, index))
        while waiting:
            window = self._window(waiting)
            self._send(window)
            if self.grace:
                time.sleep(self.grace)
            self._drain(by_number, roles)
            if any(trial.cell.voices[index].connects for trial, index, _ in window):
                self._ask(SENDER, "drop")
                for role in roles:
                    self._roles[role].post("hang up")
                for role in roles:
                    self._take(role)
            waiting = [pair for pair in waiting if self._unsettled(*pair)]

    def _unsettled(self, trial: Trial, index: int) -> bool:
        voicing = trial.voicings[index]
        if voicing.error:
            return False
        if not voicing.wanted and self.settings.ports is None:
            tried = voicing.sent | voicing.refused
            voicing.wanted = stages.more(
                trial.open_roles(),
                tried,
                list(voicing.heard.values()),
                connections=trial.cell.voices[index].connects,
            )
        return bool(voicing.wanted)

    def _window(self, waiting: List[Tuple[Trial, int]]) -> List[Tuple[Trial, int, Tuple[int, ...]]]:
        """Choose what is sent before the next drain: bounded for a socket and for all of them."""
        window: List[Tuple[Trial, int, Tuple[int, ...]]] = []
        in_flight = 0
        by_trial: Dict[int, int] = collections.Counter()
        for trial, index in waiting:
            connects = trial.cell.voices[index].connects
            # A datagram may wait in the buffer of every receiver; a connection is held once.
            copies = 1 if connects else max(1, len(trial.cell.receivers))
            most = self.limits.descriptors // 2 if connects else self.limits.queued
            room = min(self.window - by_trial[trial.number], (most - in_flight) // copies)
            if room <= 0 and window:
                continue
            voicing = trial.voicings[index]
            numbers = sequence_numbers(voicing.wanted)[: max(1, room)]
            by_trial[trial.number] += len(numbers)
            in_flight += len(numbers) * copies
            window.append((trial, index, numbers))
        return window

    def _send(self, window: List[Tuple[Trial, int, Tuple[int, ...]]]) -> None:
        datagrams: List[Any] = []
        connections: List[Any] = []
        for position, (trial, index, numbers) in enumerate(window):
            voice = trial.cell.voices[index]
            if voice.pool is None:
                target, entries = voice.family, connections
            else:
                target, entries = self._pool(voice.pool, (numbers[-1] >> 1) + 1), datagrams
            host = voice.host or trial.group
            entries.append((position, trial.number, index, host, trial.port, target, numbers))
        if self._silences > 1:
            self._fenced("send", [])  # alone: connections would be waited for, a second each
        for request, entries in (("send", datagrams), ("connect", connections)):
            if not entries:
                continue
            failed = self._fenced(request, entries)
            for entry in entries:
                trial, index, numbers = window[entry[0]]
                self._note_sent(trial.voicings[index], numbers, failed.get(entry[0]))

    def _fenced(self, request: str, entries: List[Any]) -> Dict[int, Any]:
        """Let the sender perform `entries` and then the fence; return what failed. Raises Silent."""
        patience = _FENCE_PATIENCE if self._silences < 2 else _FENCE_PATIENCE / 8
        failed: Dict[int, Any]
        failed, fence = self._ask(SENDER, request, entries, self._fences, patience)
        self.counts["fences"] += 1
        if not fence:
            self.counts["silent fences"] += 1
            raise Silent("the fence stayed silent: nothing sent here arrives")
        return failed

    @staticmethod
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

    def _drain(self, by_number: Dict[int, Trial], roles: List[str]) -> None:
        for role in roles:
            self._roles[role].post("drain")
        for role in roles:
            heard, foreign = self._take(role)
            for number, found in heard.items():
                if isinstance(found, int):
                    by_number[number].hear(role, 0, found)
                    continue
                for label, (bits, again) in found.items():
                    by_number[number].hear(role, label, bits, again)
            for number, count in foreign.items():
                by_number[number].foreign += count

    # --- roles -----------------------------------------------------------------------------------

    def _role(self, name: str) -> RoleProcess:
        if name not in self._roles:
            self._roles[name] = RoleProcess(name, self._nonce, self._cpu if name == SENDER else None)
            self._known[name] = set()
        return self._roles[name]

    def _take(self, role: str) -> Any:
        return self._roles[role].take(_ROLE_PATIENCE)

    def _ask(self, role: str, *request: Any) -> Any:
        return self._role(role).ask(*request, patience=_ROLE_PATIENCE)

    def _pool(self, pool: Pool, size: int) -> int:
        """Return the number of the sender's pool, after growing it to `size` source ports."""
        number = self._pools.setdefault(pool, len(self._pools))
        if self._pool_sizes.get(number, 0) < size:
            have = self._pool_sizes.get(number, 0)
            ports = [0] * have + [self._next_sender_port() for _ in range(size - have)]
            (error,) = self._ask(SENDER, "prepare", number, pool.family, list(pool.options), ports)
            if error:
                raise Void(f"the sender's sockets could not be made: {error}")
            self._pool_sizes[number] = size
        return number

    def _next_sender_port(self) -> int:
        top = self._first_port + self._port_count - 1
        port = top - len(self._sender_ports) % _SENDER_PORTS
        self._sender_ports.append(port)
        return port

    def _cell_ports(self) -> int:
        return self._port_count - _SENDER_PORTS

    def _fence_hosts(self) -> List[Tuple[int, str]]:
        found = []
        for symbol in ("lo4", "lo6", "if4"):
            try:
                host = self.lab.address(symbol, 0)
            except labs.Unavailable:
                continue
            found.append((family(host), host))
        return found

    def stop(self) -> None:
        """Stop all roles; they are started again when they are needed."""
        for process in self._roles.values():
            process.stop()
        self._roles.clear()
        self._known.clear()
        self._pool_sizes.clear()
        self._sender_ports.clear()


class _Taken(Exception):
    """Some cells met a port that was in use."""

    def __init__(self, cells: List[Cell], tries: int) -> None:
        super().__init__("port in use")
        self.cells = cells
        self.tries = tries
