"""Sessions: a selection measured on one target, or on several side by side, each into its run file."""

from __future__ import annotations

import threading
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, final

from sockmatrix.cli import UsageError
from sockmatrix.commands.measuring import default_path, lanes_here, run_name
from sockmatrix.measure import Lanes, Requests
from sockmatrix.progress import together
from sockmatrix.recorder import Recorder
from sockmatrix.render.escape import printable
from sockmatrix.runfile import RunFileError
from sockmatrix.target import ProbeOptions, TargetError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from sockmatrix.recorder import Recording
    from sockmatrix.selection import Selection
    from sockmatrix.target import Target
    from sockmatrix.targets.names import Named

    Begin = Callable[[dict[str, Any], Recorder, Mapping[str, str]], None]
    Greet = Callable[[dict[str, Any], Mapping[str, str]], None]

_CROSS_CHECK_GRACE = 1.0  # seconds of silence before a cell of the sample counts as silent


@final
@dataclass(frozen=True, slots=True)
class Order:
    """What is to be measured, and how: the same on every target.

    `output`: the run file; `directory`: where run files are named after what was measured. `jobs`: lanes
    of a target, 0 for as many as there are processors.
    """

    selection: Selection
    options: ProbeOptions
    repeat: int
    seed: int
    output: Path | None = None
    directory: Path | None = None
    resume: bool = False
    cross_check: int = 0
    jobs: int = 0


class Stopped(Exception):
    """A session was ended before it had begun its run file."""


@final
class Session:
    """An order carried out on one target, which may use so many `processors` of this machine."""

    _names_lock = threading.Lock()

    def __init__(
        self,
        order: Order,
        named: Named,
        processors: int,
        *,
        label: str = "measuring",
        names: dict[str, list[Session]] | None = None,
    ) -> None:
        """Prepare; `names` are those of the run files of sessions side by side."""
        self.order = order
        self.named = named
        self._processors = processors
        self._label = label
        self._names = {} if names is None else names
        self._lock = threading.Lock()
        self._target: Target | None = None
        self._lanes: list[Lanes] = []
        self._stopped = False

    def measure(self, begin: Begin | None = None, *, greet: Greet | None = None) -> Recording:
        """Measure, and return what came of it, even if that was interrupted.

        `begin` is told the probe's hello, the recorder, and why layouts of the lab are missing; `greet`
        the same before there is a recorder or a run file, and what it raises ends it. Raises UsageError,
        and Stopped.
        """
        try:
            target = self._begin()
            try:
                return self._measure(target, begin, greet)
            finally:
                target.close()
        except TargetError as error:
            if self._stopped:
                raise Stopped from error
            raise UsageError(printable(str(error))) from error
        except RunFileError as error:
            raise UsageError(str(error)) from error

    def _begin(self) -> Target:
        if self._stopped:
            raise Stopped
        target = self.named.make(self._processors)
        with self._lock:
            self._target = target
        return target

    def _measure(self, target: Target, begin: Begin | None, greet: Greet | None) -> Recording:
        order = self.order
        with self._prepare(target, order.options, order.repeat) as lanes:
            hello = lanes.start(cell.lab for cell in order.selection.cells)
            if greet is not None:
                greet(hello, lanes.missing)
            path = self._path(hello)
            try:
                recorder = Recorder(
                    hello,
                    order.selection,
                    path,
                    repeat=order.repeat,
                    seed=order.seed,
                    fresh=order.options.fresh,
                    settle=order.options.grace,
                    resume=order.resume and path.exists(),
                    labs=lanes.labs,
                    label=self._label,
                )
                with recorder:
                    if begin is not None:
                        begin(hello, recorder, lanes.missing)
                    ended = recorder.record(lanes)
                    if order.cross_check and ended == "complete":
                        lanes.stop()
                        careful = replace(order.options, fresh=True, grace=_CROSS_CHECK_GRACE)
                        recorder.cross_check(self._prepare(target, careful, 1), order.cross_check)
                    return recorder.finish()
            except BrokenPipeError:
                raise
            except OSError as error:
                place = f"{error.filename}: " if error.filename not in (None, str(path)) else ""
                raise UsageError(f"cannot write {path}: {place}{error.strerror or error}") from error

    def _path(self, hello: dict[str, Any]) -> Path:
        if self.order.output is not None:
            return self.order.output
        if self.order.directory is None:
            return default_path(hello)
        name = run_name(hello)
        if self.named.text.startswith("python="):
            name += f"-python{hello['platform'].get('python', '')}"
        with self._names_lock:  # two machines may be of one kind
            others = self._names.setdefault(name, [])
            if self not in others:
                others.append(self)
            number = others.index(self)
        return self.order.directory / f"{name}{f'-{number + 1}' if number else ''}.jsonl"

    def _prepare(self, target: Target, options: ProbeOptions, repeat: int) -> Lanes:
        order = self.order
        requests = Requests({plan.table.name: plan.table.scenario for plan in order.selection.plans})
        processors = order.jobs or target.processors() or self._processors
        count = order.jobs or lanes_here(fresh=options.fresh, processors=processors)
        lanes = Lanes(requests, target, options, count, repeat=repeat, seed=order.seed)
        with self._lock:
            self._lanes.append(lanes)
            if not self._stopped:
                return lanes
        lanes.stop()
        return lanes

    def stop(self) -> None:
        """End it, from another thread; what was measured is kept."""
        with self._lock:
            self._stopped = True
            lanes, target = list(self._lanes), self._target
        for one in lanes:
            one.interrupt()
        if target is not None:
            target.close()


def side_by_side(
    order: Order, targets: Sequence[Named], done: Callable[[Named, Recording | BaseException], None]
) -> bool:
    """Carry out an order on several targets at once; return whether Ctrl-C ended it.

    Those that work on this machine share its processors, one each if there are more of them than that;
    others wait for nobody. `done` is called for each as it ends, one call at a time.
    """
    processors = lanes_here(fresh=False)
    here = [named for named in targets if not named.elsewhere]
    each = max(1, processors // max(1, len(here)))
    names: dict[str, list[Session]] = {}
    sessions = {
        named: Session(
            order,
            named,
            processors if named.elsewhere else each,
            label=named.text,
            names=names,
        )
        for named in targets
    }
    telling = threading.Lock()

    def carry_out(named: Named) -> None:
        result: Recording | BaseException
        try:
            result = sessions[named].measure()
        except Exception as error:  # noqa: BLE001 - of one target; the others go on
            result = error
        with telling:
            done(named, result)

    with (
        together(),
        ThreadPoolExecutor(max_workers=max(1, min(len(here), processors))) as local,
        ThreadPoolExecutor(max_workers=max(1, len(targets) - len(here))) as remote,
    ):
        work: list[Future[None]] = [
            (remote if named.elsewhere else local).submit(carry_out, named) for named in targets
        ]
        try:
            while wait(work, timeout=0.5).not_done:  # a limit keeps this thread open to Ctrl-C
                pass
        except KeyboardInterrupt:
            for session in sessions.values():
                session.stop()
            wait(work)
            return True
    for one in work:
        one.result()
    return False
