"""The suite in a pytest session: in the one that tells, in a worker of pytest-xdist, or both in one.

Who tells finds the baseline before any worker is started: whatever is wrong is then said once.
"""

from __future__ import annotations

import gc
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

import msgspec
import pytest

from sockmatrix import allow
from sockmatrix.baselines import NoBaselineError
from sockmatrix.commands.measuring import lanes_here
from sockmatrix.exitcode import ExitCode
from sockmatrix.part import TableError
from sockmatrix.render.escape import printable
from sockmatrix.runfile import RunFileError
from sockmatrix.suite import asked
from sockmatrix.suite.batches import deal
from sockmatrix.suite.cells import CellItem, SuiteCollector
from sockmatrix.suite.hooks import NAME
from sockmatrix.suite.judge import Judge
from sockmatrix.suite.measuring import Measuring, Shared, Told
from sockmatrix.suite.recording import Recording
from sockmatrix.suite.reports import report, teardown
from sockmatrix.target import TargetError
from sockmatrix.targets import names

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sockmatrix.cases import Case
    from sockmatrix.cell import Cell
    from sockmatrix.runformat import CellLine
    from sockmatrix.selection import Selection

_SUITE = Path(__file__).parent
_encode = msgspec.json.Encoder().encode


@final
class Suite:
    """The plugin, in a session where the suite is named."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._options = config.option
        self._worker: Mapping[str, Any] | None = getattr(config, "workerinput", None)
        self._given: dict[str, Any] = self._worker["sockmatrix"] if self._worker else {}
        self._recording = Recording()
        self._selection: Selection | None = None
        self._measuring: Measuring | None = None
        self._batches: list[range] = []
        self._place: dict[str, int] = {}
        self._told_facts = False
        self._told_labs = 0
        self._heads: list[str] = []
        self._ending = ""

    # --- the session -------------------------------------------------------------------------

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionstart(self) -> None:
        """Find the baseline; a worker is told of it."""
        if self._worker is not None:
            return
        asked.check(self._options)
        if asked.few(self._options):
            self._selected()
        if self._options.collectonly:
            return
        try:
            here = asked.header_of(asked.hello(self._options))
            path, why = asked.baseline(self._options, here)
            Judge.load(path, (), here, self._options.sockmatrix_allow)
        except (TargetError, NoBaselineError, RunFileError, TableError, OSError) as error:
            raise pytest.UsageError(printable(str(error), 1000)) from error
        self._given = {
            "baseline": str(path),
            "seed": int.from_bytes(os.urandom(4), "little"),
            "strangers": self._strangers(),
        }
        self._heads += [f"baseline: {path}{f' ({why})' if why else ''}"]

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Tell a worker of pytest-xdist what was found."""
        node.workerinput["sockmatrix"] = self._given

    def _strangers(self) -> bool:
        """Tell whether a plugin takes reports that is neither of pytest, nor of xdist, nor this one."""
        takers = self._config.hook.pytest_runtest_logreport.get_hookimpls()
        modules = (getattr(one.function, "__module__", "") or "" for one in takers)
        return any(name.partition(".")[0] not in ("_pytest", "xdist", "sockmatrix") for name in modules)

    def pytest_report_header(self) -> list[str]:
        """Say what is compared."""
        return [f"sockmatrix: {printable(line, 1000)}" for line in self._heads]

    # --- collection --------------------------------------------------------------------------

    def pytest_collect_directory(self, path: Path, parent: pytest.Collector) -> pytest.Collector | None:
        """Return the tests for the directory of the suite."""
        if path != _SUITE:
            return None
        collector: pytest.Collector = SuiteCollector.from_parent(
            parent, path=path, selection=self._selected()
        )
        return collector

    def _selected(self) -> Selection:
        if self._selection is None:
            collecting = gc.isenabled()
            gc.disable()  # tens of thousands of objects that all stay
            try:
                self._selection = asked.cells(self._options)
            finally:
                if collecting:
                    gc.enable()
        return self._selection

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Deal the tests that are left as the scheduler does."""
        workers = int(self._worker["workercount"]) if self._worker else 0
        if workers:
            self._batches = deal(len(session.items), workers)
        else:
            self._batches = [range(len(session.items))]
        self._place = {
            item.nodeid: number
            for number, batch in enumerate(self._batches)
            for item in session.items[batch.start : batch.stop]
        }
        gc.freeze()  # they all stay

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_make_scheduler(self, config: pytest.Config, log: Any) -> Any:
        """Hand out whole batches."""
        from sockmatrix.suite.schedule import BatchScheduling

        return BatchScheduling(config, log)

    # --- tests -------------------------------------------------------------------------------

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> bool | None:
        """Measure the batch of a cell if that is still to be done, and tell of the cell."""
        if not isinstance(item, CellItem):
            return None
        hook = self._config.hook
        if not self._worker:  # else each costs a message
            hook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
        call = self._report(item)
        hook.pytest_runtest_logreport(report=call)
        if self._given["strangers"]:
            hook.pytest_runtest_logreport(report=teardown(call))
        if not self._worker:
            hook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
        return True

    def _report(self, item: CellItem) -> pytest.TestReport:
        from sockmatrix.cases import Case

        measuring = self._measured()
        if not measuring.asked(item.cell):
            batch = self._batches[self._place[item.nodeid]]
            items = item.session.items[batch.start : batch.stop]
            measuring.ask(one.cell for one in items if isinstance(one, CellItem))
        told = measuring.told(item.cell)
        if isinstance(told, str):
            case = Case(item.cell.id, "error", told)
            return report(item, case, 0.0, time.time(), {})
        more = self._more(item.session, measuring, told)
        return report(item, told.case, told.seconds, time.time(), more)

    def _more(self, session: pytest.Session, measuring: Measuring, told: Told) -> dict[str, Any]:
        """Return what else whoever tells must know of a cell."""
        more: dict[str, Any] = {}
        if not told.line.n and told.line.inconclusive:
            more["word"] = "inconclusive"
        if told.counts:
            more["counts"] = dict(told.counts)
        if not self._options.sockmatrix_run:
            return more
        more["line"] = _encode(told.line).decode()
        if not self._told_facts:
            self._told_facts = True
            versions = {plan.table.name: plan.table.version for plan in self._selected().plans}
            more["facts"] = {
                "hello": measuring.hello,
                "tables": versions,
                "planned": sum(isinstance(item, CellItem) for item in session.items),
                "repeat": self._options.sockmatrix_repeat,
                "seed": self._given["seed"],
            }
        labs = dict(measuring.lanes.labs)
        if len(labs) > self._told_labs:
            self._told_labs = len(labs)
            more["labs"] = labs
        return more

    def _measured(self) -> Measuring:
        """Return what measures, ready on first use."""
        if self._measuring is None:
            selection = self._selected()
            target = names.parse("local").make(1)
            if self._worker:
                count = int(self._worker["workercount"])
                number = int(str(self._worker["workerid"]).removeprefix("gw") or 0)
                target = Shared(target, number % count, count)
            self._measuring = Measuring(
                {plan.table.name: plan.table.scenario for plan in selection.plans},
                target,
                asked.probe_options(self._options),
                self._judge,
                lanes=1 if self._worker else lanes_here(fresh=False),
                repeat=self._options.sockmatrix_repeat,
                seed=self._given["seed"],
            )
        return self._measuring

    _judges: Judge | None = None

    def _judge(self, cells: Sequence[Cell], lines: Mapping[str, CellLine]) -> Mapping[str, Case]:
        if self._judges is None:
            assert self._measuring is not None
            here = asked.header_of(self._measuring.hello)
            baseline = Path(self._given["baseline"])
            allowed = self._options.sockmatrix_allow
            self._judges = Judge.load(baseline, self._selected().plans, here, allowed)
        return self._judges(cells, lines)

    # --- the end -----------------------------------------------------------------------------

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take what a worker, or this process, tells of a cell."""
        if self._worker is None and report.nodeid.startswith(f"{NAME}::"):
            self._recording.take(report)

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """End the probe, write the run file, and see to it that nothing measured is no success."""
        if self._measuring is not None:
            self._measuring.stop()
        if self._worker is not None or self._options.collectonly:
            return
        self._write()
        code = self._recording.code
        if code is not ExitCode.EXPECTED and session.exitstatus == pytest.ExitCode.OK:
            self._ending = f"sockmatrix: {code.meaning}"
            none = code is ExitCode.NOTHING
            session.exitstatus = (
                pytest.ExitCode.NO_TESTS_COLLECTED if none else pytest.ExitCode.TESTS_FAILED
            )

    def _write(self) -> None:
        if not self._options.sockmatrix_run:
            return
        path = Path(self._options.sockmatrix_run)
        try:
            count = self._recording.write(path, allow.today())
        except (OSError, RunFileError) as error:
            raise pytest.UsageError(f"cannot write {path}: {error}") from error
        said = f"run file {path}: {count} cells" if count else "no run file: nothing was measured"
        self._heads.append(said)

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Name the run file, and why the session is no success though no test failed."""
        for line in self._heads[1:]:
            terminalreporter.write_line(f"sockmatrix: {printable(line, 1000)}")
        if self._ending:
            terminalreporter.write_line(self._ending, red=True)
