"""A lab and a probe for each worker: a thread measures while what was measured before is told."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, final

from sockmatrix import collect
from sockmatrix.measure import Lanes, Requests

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from sockmatrix.cases import Case
    from sockmatrix.cell import Cell
    from sockmatrix.runformat import CellLine
    from sockmatrix.scenarios import Scenario
    from sockmatrix.target import ProbeOptions, Target
    from sockmatrix.targets.conversation import Conversation

    Judge = Callable[[Sequence[Cell], Mapping[str, CellLine]], Mapping[str, Case]]


@final
@dataclass(frozen=True, slots=True)
class Shared:
    """A target used by several workers, of which this one is number `index` of `count`."""

    target: Target
    index: int
    count: int

    def start(self, arguments: list[str], lane: int) -> Conversation:
        """Start a probe there."""
        return self.target.start(arguments, lane)

    def share(self, lane: int, lanes: int) -> tuple[int, int]:
        """Return which probe of all workers it is: where labs share ports, each has its own."""
        return self.target.share(self.index * lanes + lane, self.count * lanes)

    def processors(self) -> int | None:
        """Return how many its probes have, None for this machine's."""
        return self.target.processors()

    def describe(self, hello: dict[str, Any]) -> dict[str, Any]:
        """Return what the probe says of the place."""
        return self.target.describe(hello)

    def close(self) -> None:
        """End it."""
        self.target.close()


@final
@dataclass(frozen=True, slots=True)
class Told:
    """A measured cell: its case, its line; `counts` of its block are with the block's first cell.

    `seconds` is the cell's share of the time that its block took.
    """

    case: Case
    line: CellLine
    seconds: float
    counts: Mapping[str, float] = field(default_factory=dict)


@final
class Measuring:
    """Measures what it is asked for, in the order of asking."""

    def __init__(
        self,
        scenarios: Mapping[str, Scenario],
        target: Target,
        options: ProbeOptions,
        judge: Judge,
        *,
        lanes: int,
        repeat: int,
        seed: int,
    ) -> None:
        """Prepare; nothing is started before something is asked for."""
        self.lanes = Lanes(Requests(scenarios), target, options, lanes, repeat=repeat, seed=seed)
        self._target = target
        self._judge = judge
        self._asked: set[str] = set()
        self._told: dict[str, Told] = {}
        self._failed = ""
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._stopped = False

    @property
    def hello(self) -> dict[str, Any]:
        """What the first probe said of itself; it is started if need be. Raises TargetError."""
        return self.lanes.hello or self.lanes.start()

    def ask(self, cells: Iterable[Cell]) -> None:
        """Begin to measure these cells, but those asked for before; waits for what was asked before."""
        new = [cell for cell in cells if cell.id not in self._asked]
        self._asked.update(cell.id for cell in new)
        if self._thread is not None:
            self._wait(self._thread)
        self._thread = threading.Thread(target=self._measure, args=(new,), daemon=True)
        self._thread.start()

    def asked(self, cell: Cell) -> bool:
        """Tell whether a cell was asked for."""
        return cell.id in self._asked

    def told(self, cell: Cell) -> Told | str:
        """Wait for a cell that was asked for, and return it once; or why it could not be measured."""
        with self._changed:
            while cell.id not in self._told:
                assert self._thread is not None
                if not self._thread.is_alive():
                    return self._failed or "it was not measured"
                self._changed.wait(timeout=0.5)  # a limit keeps this thread open to Ctrl-C
            return self._told.pop(cell.id)

    @staticmethod
    def _wait(thread: threading.Thread) -> None:
        while thread.is_alive():
            thread.join(timeout=0.5)

    def _measure(self, cells: Sequence[Cell]) -> None:
        try:
            if not self.lanes.hello:
                self.lanes.start()
            for block in self.lanes.run(cells):
                lines = {line.id: line for line in collect.lines(block)}
                cases = self._judge(block.cells, lines)
                each = float(block.counts.get("seconds", 0.0)) / max(1, len(block.cells))
                counts: Mapping[str, float] = block.counts
                with self._changed:
                    for name, line in lines.items():
                        self._told[name] = Told(cases[name], line, each, counts)
                        counts = {}
                    self._changed.notify_all()
        except Exception as error:  # noqa: BLE001 - it becomes the failure of every test that waits
            self._failed = f"{type(error).__name__}: {error}"
        with self._changed:
            self._changed.notify_all()

    def stop(self) -> None:
        """End the probes; what they were measuring is lost."""
        self.lanes.stop()
        self._target.close()
