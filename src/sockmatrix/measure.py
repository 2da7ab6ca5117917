"""Deal cells to probes in blocks and hand back what they saw.

Every lane is a probe with a lab of its own; the lanes take blocks from one queue, so that a slow block
delays nobody. A block is handed over whole when all its repetitions are done: what is interrupted loses
one block a lane at most. Cells of one layout of the lab are measured together, layout after layout, by
probes that were started for it.
"""

from __future__ import annotations

import queue
import threading
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Protocol, final

import msgspec

from sockmatrix.labs import PLAIN
from sockmatrix.target import NotStartedError, Observed, Probe, TargetError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from typing_extensions import Self

    from sockmatrix.cell import Cell
    from sockmatrix.scenarios import Scenario
    from sockmatrix.target import ProbeOptions, Target

    Waiting = queue.SimpleQueue["Block | None"]
    Done = queue.SimpleQueue["Block | Exception"]

BLOCK = 2000
"""Cells of a block at most: enough for full batches, few enough that Ctrl-C loses little."""

FRESH_BLOCK = 20

_TRIES = 2
_SMALL = 200  # cells for a lane that are over soon, however they are cut
_FEW = 4  # cells that take no longer, even afresh, than to start another probe for them


@final
class Requests:
    """Cells as lines of the probe protocol. Equal operations are sent once and then numbered."""

    def __init__(self, scenarios: Mapping[str, Scenario]) -> None:
        """Begin with none; `scenarios` by the name of the table."""
        self.scenarios = scenarios
        self._numbers: dict[str, int] = {}
        self._lock = threading.Lock()
        self.operations: list[bytes] = []

    def lines(self, cells: Sequence[Cell]) -> list[bytes]:
        """Return the lines that ask for `cells`; `operations` holds all that they refer to."""
        with self._lock:
            return [self._line(cell) for cell in cells]

    def _line(self, cell: Cell) -> bytes:
        steps = [
            (role, self._number(operations))
            for role, operations in self.scenarios[cell.table].steps(cell)
        ]
        solo = {"solo": True} if cell.solo else {}
        return msgspec.json.encode({"kind": "cell", "id": cell.id, "steps": steps, **solo})

    def _number(self, operations: list[Any]) -> int:
        key = repr(operations)
        number = self._numbers.get(key)
        if number is None:
            number = self._numbers[key] = len(self.operations)
            self.operations.append(msgspec.json.encode({"kind": "operations", "operations": operations}))
        return number


@dataclass(slots=True)
class Block:
    """Cells measured together; `seen`, by cell id, is JSON: [[count, raw observation], ...]."""

    cells: Sequence[Cell]
    tries: int = 0
    seen: dict[str, bytes] = field(default_factory=dict)
    counts: dict[str, float] = field(default_factory=dict)


class Source(Protocol):
    """Whatever blocks of measured cells come from."""

    interrupted: bool

    def run(self, cells: Sequence[Cell]) -> Iterator[Block]:
        """Yield blocks of these cells. Raises TargetError."""

    def stop(self) -> None:
        """End it."""


class Lanes:
    """Some probes at work side by side. Use as a context manager."""

    interrupted = False
    """Whether somebody wants no more of it, who cannot raise KeyboardInterrupt in its thread."""

    def __init__(
        self,
        requests: Requests,
        target: Target,
        options: ProbeOptions,
        count: int,
        *,
        repeat: int,
        seed: int,
    ) -> None:
        """Prepare `count` lanes; nothing is started before `start`."""
        self.requests = requests
        self.target = target
        self.options = options
        self.count = count
        self.repeat = repeat
        self.seed = seed
        self.hello: dict[str, Any] = {}
        self.labs: dict[str, dict[str, Any]] = {}
        self.missing: dict[str, str] = {}
        self._lab = PLAIN
        self._probes: dict[int, Probe] = {}
        self._told: dict[int, int] = {}
        self._ready: dict[str, Probe] = {}
        self._stopped = False
        self._lock = threading.Lock()
        self._open_lanes = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self, labs: Iterable[str] = ()) -> dict[str, Any]:
        """Start the first probe and return its hello. Raises TargetError.

        A probe is also started for each other one of `labs`: `self.labs` has what they say of it, or
        `self.missing` why it cannot be had.
        """
        self.hello = self._probe(0).hello
        starting = [
            threading.Thread(target=self._prepare, args=(lab,), daemon=True)
            for lab in dict.fromkeys(labs)
            if lab != PLAIN
        ]
        for thread in starting:
            thread.start()
        for thread in starting:
            while thread.is_alive():
                thread.join(timeout=0.5)  # a limit keeps the main thread open to Ctrl-C on Windows
        return self.hello

    def _prepare(self, lab: str) -> None:
        """Start the first probe for a lab, unless it is there or could not be started before."""
        if lab in self._ready or lab in self.missing:
            return
        try:
            probe = Probe(self.target, replace(self.options, layout=lab), (0, self.count))
        except TargetError as error:
            self.missing[lab] = str(error)[:400]
            return
        self.labs[lab] = probe.hello["lab"]
        with self._lock:
            if not self._stopped:
                self._ready[lab] = probe
                return
        probe.stop()

    def run(self, cells: Sequence[Cell]) -> Iterator[Block]:
        """Measure `cells` and yield the blocks as they are done, in any order.

        Ends early after `stop`. Raises TargetError when no lane has a probe to go on with; a block
        on which a probe died twice is yielded with its cells `inconclusive`, and the cells of a lab
        that cannot be had are `skipped`.
        """
        by_lab: dict[str, list[Cell]] = {}
        for cell in cells:
            by_lab.setdefault(cell.lab, []).append(cell)
        for lab in sorted(by_lab, key=lambda name: (name != PLAIN, name)):
            if self._stopped:
                return
            if self._enter(lab):
                yield from self._run(by_lab[lab])
            else:
                seen = msgspec.json.encode([[self.repeat, {"skipped": self.missing[lab]}]])
                yield Block(by_lab[lab], seen=dict.fromkeys((cell.id for cell in by_lab[lab]), seen))

    def _enter(self, lab: str) -> bool:
        """End the probes of the lab before, and tell whether this one can be had."""
        if lab == self._lab:
            return True
        for index in list(self._probes):
            self._forget(index)
        if lab != PLAIN:
            self._prepare(lab)
            if lab in self.missing:
                return False
        self._lab = lab
        self.requests = Requests(self.requests.scenarios)
        with self._lock:
            if lab in self._ready:
                self._probes[0] = self._ready.pop(lab)
        return True

    def _run(self, cells: Sequence[Cell]) -> Iterator[Block]:
        count = min(self.count, -(-len(cells) // _FEW))
        blocks = _blocks(cells, count, BLOCK if not self.options.fresh else FRESH_BLOCK)
        waiting: Waiting = queue.SimpleQueue()
        for block in blocks:
            waiting.put(block)
        done: Done = queue.SimpleQueue()
        self._open_lanes = min(count, len(blocks))
        lanes = [
            threading.Thread(target=self._lane, args=(index, waiting, done), daemon=True)
            for index in range(self._open_lanes)
        ]
        for lane in lanes:
            lane.start()
        try:
            for _ in blocks:
                answer = self._next(done)
                if answer is None:
                    return
                if isinstance(answer, Exception):
                    raise answer
                yield answer
        finally:
            for _ in lanes:
                waiting.put(None)

    def _next(self, done: Done) -> Block | Exception | None:
        while not self._stopped:
            try:
                answer = done.get(timeout=0.5)  # a limit keeps the main thread open to Ctrl-C on Windows
            except queue.Empty:
                continue
            if not self._stopped:  # else it says how the lane met its end
                return answer
        return None

    def _lane(self, index: int, waiting: Waiting, done: Done) -> None:
        # A lane stays until all is done: another one may have to give back its block.
        while (block := waiting.get()) is not None and not self._stopped:
            try:
                self._measure(index, block)
            except NotStartedError as error:
                waiting.put(block)
                with self._lock:
                    self._open_lanes -= 1
                    last = not self._open_lanes
                if last:
                    done.put(error)
                return
            except TargetError as error:
                self._forget(index)
                block.tries += 1
                if block.tries < _TRIES:
                    waiting.put(block)
                    continue
                seen = msgspec.json.encode([[self.repeat, {"inconclusive": str(error)[:400]}]])
                block.seen = dict.fromkeys((cell.id for cell in block.cells), seen)
            except Exception as error:  # noqa: BLE001 - it must reach the main thread
                done.put(error)
                return
            done.put(block)

    def _measure(self, index: int, block: Block) -> None:
        block.seen = {}
        probe = self._probe(index)
        cells = self.requests.lines(block.cells)
        told = self._told.get(index, 0)
        operations = self.requests.operations[told:]
        self._told[index] = told + len(operations)
        lines = [*operations, *cells]
        for answer in probe.measure(lines, repeat=self.repeat, seed=self.seed):
            if isinstance(answer, Observed):
                block.seen[answer.id] = bytes(answer.seen)
            elif answer.get("kind") == "measured":
                block.counts = {
                    key: value for key, value in answer.items() if isinstance(value, int | float)
                }
        left_out = [cell.id for cell in block.cells if cell.id not in block.seen]
        if left_out:
            raise TargetError(f"the probe left out {len(left_out)} cells, such as {left_out[0]}")

    def _probe(self, index: int) -> Probe:
        if index not in self._probes:
            options = replace(self.options, layout=self._lab)
            probe = Probe(self.target, options, (index, self.count))
            with self._lock:
                if not self._stopped:
                    self._probes[index] = probe
                    return probe
            probe.stop()
            raise TargetError("stopped")
        return self._probes[index]

    def _forget(self, index: int) -> None:
        self._told.pop(index, None)
        probe = self._probes.pop(index, None)
        if probe is not None:
            probe.stop()

    def interrupt(self) -> None:
        """Stop, from another thread."""
        self.interrupted = True
        self.stop()

    def stop(self) -> None:
        """End all probes; what they were measuring is lost."""
        with self._lock:
            self._stopped = True
            probes = [*self._probes.values(), *self._ready.values()]
        for probe in probes:
            probe.stop()


def _blocks(cells: Sequence[Cell], lanes: int, most: int) -> list[Block]:
    """Cut `cells` into blocks: a few for each lane, so that the lanes end together."""
    pieces = lanes * (4 if len(cells) < lanes * _SMALL else 2)  # cells of one shape make full batches
    size = max(1, min(most, -(-len(cells) // pieces)))
    return [Block(cells[start : start + size]) for start in range(0, len(cells), size)]
