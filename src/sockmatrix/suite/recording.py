"""The run file of a session: what the workers saw, gathered from their reports."""

from __future__ import annotations

import collections
import time
from typing import TYPE_CHECKING, Any, final

from sockmatrix import __version__, runfile
from sockmatrix.exitcode import TOLERATED, ExitCode
from sockmatrix.runformat import CellLine, Footer
from sockmatrix.runlines import decode
from sockmatrix.runwriter import write_run

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date
    from pathlib import Path

    import pytest

    from sockmatrix.runformat import Header

_SUMS = ("batches", "voided", "lost_roles", "taken_ports", "fences", "silent_fences")


@final
class Recording:
    """What has been told so far."""

    def __init__(self) -> None:
        self._started = time.monotonic()
        self.outcomes: collections.Counter[str] = collections.Counter()
        self._facts: dict[str, Any] = {}
        self._labs: dict[str, dict[str, Any]] = {}
        self._cells: dict[str, CellLine] = {}
        self._sums: collections.Counter[str] = collections.Counter()

    def take(self, report: pytest.TestReport) -> None:
        """Take a report of a cell."""
        if report.when != "call":
            return
        more: Mapping[str, Any] = getattr(report, "sockmatrix", {})
        word = "expected" if hasattr(report, "wasxfail") else report.outcome
        self.outcomes[more.get("word", word)] += 1
        if "facts" in more:
            self._facts = more["facts"]
        self._labs.update(more.get("labs", {}))
        self._sums.update({key: int(more.get("counts", {}).get(key, 0)) for key in _SUMS})
        if "line" in more:
            line = decode(more["line"].encode())
            assert isinstance(line, CellLine)
            self._cells[line.id] = line

    @property
    def code(self) -> ExitCode:
        """What the session amounts to beside failed tests: nothing measured is no success."""
        compared = sum(self.outcomes[word] for word in ("passed", "failed", "expected"))
        if not compared:
            return ExitCode.NOTHING
        if self.outcomes["inconclusive"] > TOLERATED * compared or self._sums["silent_fences"]:
            return ExitCode.INCONCLUSIVE
        return ExitCode.EXPECTED

    def write(self, path: Path, today: date) -> int:
        """Write the run file, whole, and return how many cells it has; 0: none was measured.

        Raises OSError, RunFileError.
        """
        if not self._facts:
            return 0
        header = _header(self._facts, self._labs, today)
        complete = len(self._cells) >= header.planned
        footer = Footer(
            counts=runfile.count_words(self._cells.values()),
            ended="complete" if complete else "interrupted",
            seconds=round(time.monotonic() - self._started, 1),
            batches=self._sums["batches"],
            voided=self._sums["voided"],
            lost_roles=self._sums["lost_roles"],
            taken_ports=self._sums["taken_ports"],
            fences=self._sums["fences"],
            silent_fences=self._sums["silent_fences"],
        )
        path.parent.mkdir(parents=True, exist_ok=True)
        write_run(path, [header, *self._cells.values(), footer])
        return len(self._cells)


def _header(facts: Mapping[str, Any], labs: Mapping[str, dict[str, Any]], today: date) -> Header:
    return runfile.header(
        facts["hello"],
        tool=__version__,
        labs=labs,
        tables=facts["tables"],
        planned=facts["planned"],
        repeat=facts["repeat"],
        seed=facts["seed"],
        started=today.isoformat(),
    )
