"""Deal cells to probes in blocks and hand back what they saw.

Every lane is a probe with a lab of its own; the lanes take blocks from one queue, so that a slow block
delays nobody. A block is handed over whole when all its repetitions are done: what is interrupted loses
one block a lane at most.
"""

from __future__ import annotations

import queue
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sockmatrix.target import LocalTarget, Probe, ProbeOptions, TargetError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

BLOCK = 2000
"""Cells of a block at most: enough for full batches, few enough that Ctrl-C loses little."""

_TRIES = 2


@dataclass(frozen=True, slots=True)
class Request:
    """A cell to measure: its id and the line that asks for it (see `probes/filter.py`)."""

    id: str
    line: bytes


@dataclass(slots=True)
class Block:
    """Cells measured together, and after it what the probe saw of each: (count, raw observation)."""

    requests: Sequence[Request]
    tries: int = 0
    seen: dict[str, list[tuple[int, dict[str, Any]]]] = field(default_factory=dict)
    counts: dict[str, float] = field(default_factory=dict)


class Lanes:
    """Some probes at work side by side. Use as a context manager."""

    def __init__(
        self, target: LocalTarget, options: ProbeOptions, count: int, *, repeat: int, seed: int
    ) -> None:
        """Prepare `count` lanes; nothing is started before `start`."""
        self.target = target
        self.options = options
        self.count = count
        self.repeat = repeat
        self.seed = seed
        self.hello: dict[str, Any] = {}
        self._probes: dict[int, Probe] = {}
        self._stopped = False

    def __enter__(self) -> Lanes:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> dict[str, Any]:
        """Start the first probe and return its hello. Raises TargetError."""
        self.hello = self._probe(0).hello
        return self.hello

    def run(self, requests: Sequence[Request]) -> Iterator[Block]:
        """Measure `requests` and yield the blocks as they are done, in any order.

        Raises TargetError when no lane can go on; a block on which a probe died twice is yielded with
        its cells `inconclusive`.
        """
        blocks = _blocks(requests, self.count, BLOCK if not self.options.fresh else 20)
        waiting: queue.SimpleQueue[Block] = queue.SimpleQueue()
        for block in blocks:
            waiting.put(block)
        done: queue.SimpleQueue[Block | Exception] = queue.SimpleQueue()
        lanes = [
            threading.Thread(target=self._lane, args=(index, waiting, done), daemon=True)
            for index in range(min(self.count, len(blocks)))
        ]
        for lane in lanes:
            lane.start()
        for _ in blocks:
            # A time limit keeps the main thread open to Ctrl-C on Windows.
            while True:
                try:
                    block = done.get(timeout=0.5)
                    break
                except queue.Empty:
                    continue
            if isinstance(block, Exception):
                raise block
            yield block

    def _lane(
        self,
        index: int,
        waiting: queue.SimpleQueue[Block],
        done: queue.SimpleQueue[Block | Exception],
    ) -> None:
        while not self._stopped:
            try:
                block = waiting.get_nowait()
            except queue.Empty:
                return
            try:
                self._measure(index, block)
            except TargetError as error:
                if self._stopped:
                    return
                self._forget(index)
                block.tries += 1
                if block.tries < _TRIES:
                    waiting.put(block)
                    continue
                block.seen = {
                    request.id: [(self.repeat, {"inconclusive": str(error)})]
                    for request in block.requests
                }
            except Exception as error:  # noqa: BLE001 - it must reach the main thread
                done.put(error)
                return
            done.put(block)

    def _measure(self, index: int, block: Block) -> None:
        block.seen = {}
        lines = (request.line for request in block.requests)
        for answer in self._probe(index).measure(lines, repeat=self.repeat, seed=self.seed):
            if answer["kind"] == "observation":
                block.seen[answer["id"]] = [(count, raw) for count, raw in answer["seen"]]
            elif answer["kind"] == "measured":
                block.counts = {
                    key: value for key, value in answer.items() if isinstance(value, int | float)
                }

    def _probe(self, index: int) -> Probe:
        if index not in self._probes:
            self._probes[index] = Probe(self.target, self.options, (index, self.count))
        return self._probes[index]

    def _forget(self, index: int) -> None:
        probe = self._probes.pop(index, None)
        if probe is not None:
            probe.stop()

    def stop(self) -> None:
        """End all probes; what they were measuring is lost."""
        self._stopped = True
        for probe in list(self._probes.values()):
            probe.stop()


def _blocks(requests: Sequence[Request], lanes: int, most: int) -> list[Block]:
    """Cut `requests` into blocks: a few for each lane, so that the lanes end together."""
    size = max(1, min(most, -(-len(requests) // (lanes * 4))))
    return [Block(requests[start : start + size]) for start in range(0, len(requests), size)]
