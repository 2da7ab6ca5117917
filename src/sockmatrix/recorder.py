"""Record a run: from measured blocks to a run file, whatever ends it."""

from __future__ import annotations

import collections
import random
import sys
import time
from dataclasses import dataclass, field
from datetime import datetime, timezone
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

from sockmatrix import __version__, collect, runfile
from sockmatrix.exitcode import TOLERATED, ExitCode
from sockmatrix.observation import ObservationError
from sockmatrix.progress import progress
from sockmatrix.render.escape import printable
from sockmatrix.runfile import CrossCheck, Footer, Run
from sockmatrix.runwriter import RunWriter
from sockmatrix.target import TargetError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from typing_extensions import Self

    from sockmatrix.measure import Lanes, Source
    from sockmatrix.runfile import CellLine, Header
    from sockmatrix.selection import Selection

_UNMEASURED = ("absent", "skipped", "inconclusive")


@dataclass(frozen=True, slots=True)
class Recording:
    """A finished run and what it took. `cells` are those of this run's selection, by id.

    `planned` cells were to be measured, of which the file had `before` already.
    """

    path: Path
    header: Header
    cells: Mapping[str, CellLine]
    footer: Footer
    planned: int
    before: int = 0

    @property
    def counts(self) -> dict[str, int]:
        """How many of the cells have each word; the footer counts all cells of the file."""
        return runfile.count_words(self.cells.values())

    @property
    def ended(self) -> str:
        """`complete`, `interrupted` or `lost`."""
        return self.footer.ended

    @property
    def code(self) -> ExitCode:
        """The exit status of the command that made it."""
        counts = self.counts
        if self.footer.ended == "interrupted":
            return ExitCode.INTERRUPTED
        if sum(counts.values()) == sum(counts.get(word, 0) for word in _UNMEASURED):
            return ExitCode.NOTHING
        check = self.footer.cross_check
        if (
            self.footer.ended == "lost"
            or self.footer.silent_fences
            or counts.get("inconclusive", 0) > TOLERATED * self.planned
            or (check and check.different)
        ):
            return ExitCode.INCONCLUSIVE
        return ExitCode.EXPECTED

    @property
    def reasons(self) -> list[tuple[str, int]]:
        """Why cells were skipped or inconclusive, and how many: the most frequent first."""
        found = collections.Counter(
            f"{line.word}: {printable(line.skipped or line.inconclusive)}"
            for line in self.cells.values()
            if line.word in ("skipped", "inconclusive")
        )
        return found.most_common()

    def sentence(self) -> str:
        """Return how much was measured and how it went, in words."""
        footer, counts = self.footer, self.counts
        said = f"{len(self.cells)} of {self.planned} cells in {footer.seconds:.1f} s"
        parts = [f"{self.before} were there before"] if self.before else []
        parts += [f"{counts[word]} {word}" for word in (*_UNMEASURED, "unstable") if counts.get(word)]
        if footer.voided or footer.lost_roles:
            parts.append(f"{footer.voided + footer.lost_roles} batches measured again")
        if footer.silent_fences:
            parts.append(f"{footer.silent_fences} times nothing sent here arrived")
        if footer.cross_check:
            check = footer.cross_check
            parts.append(f"cross-check: {check.same} of {check.cells} the same with fresh processes")
        return said + (f" ({', '.join(parts)})" if parts else "") + "."

    def facts(self) -> dict[str, Any]:
        """Return the same for a machine."""
        footer = self.footer
        return {
            "run": str(self.path),
            "platform": self.header.platform.name,
            "lab": self.header.lab.kind,
            "planned": self.planned,
            "ended": footer.ended,
            "seconds": footer.seconds,
            "before": self.before,
            "counts": self.counts,
            "voided": footer.voided,
            "lost_roles": footer.lost_roles,
            "silent_fences": footer.silent_fences,
            "different": list(footer.cross_check.different) if footer.cross_check else [],
            "unstable": [key for key, line in self.cells.items() if line.word == "unstable"],
        }


@dataclass(slots=True)
class _Tally:
    counts: collections.Counter[str] = field(default_factory=collections.Counter)
    seconds: float = 0.0
    ended: Literal["complete", "interrupted", "lost"] = "complete"
    check: CrossCheck | None = None


class Recorder:
    """Writes the cells of a selection to a run file as they are measured. A context manager."""

    def __init__(
        self,
        hello: dict[str, Any],
        selection: Selection,
        path: Path,
        *,
        repeat: int,
        seed: int,
        resume: bool,
        labs: Mapping[str, dict[str, Any]] = MappingProxyType({}),
        fresh: bool = False,
        settle: float | None = None,
        label: str = "measuring",
        command: str = "run",
    ) -> None:
        """Open the run file. What is recorded of how it is made: `repeat`, `seed`, `fresh`, `settle`.

        `labs` are those beside the one of `hello`; `label` is what progress shows, and `command` is named
        before what is complained of. Raises RunFileError, OSError.
        """
        self.selection = selection
        self.path = path
        self._header = runfile.header(
            hello,
            tool=__version__,
            labs=labs,
            tables={plan.table.name: plan.table.version for plan in selection.plans},
            planned=len(selection.cells),
            repeat=repeat,
            fresh=fresh,
            settle=settle,
            seed=seed,
            started=datetime.now(timezone.utc).strftime("%Y-%m-%d"),
        )
        self._seed = seed
        self._label = label
        self._command = command if label == "measuring" or command != "run" else f"run: {label}"
        self._tally = _Tally()
        path.parent.mkdir(parents=True, exist_ok=True)
        if resume:
            self._writer = RunWriter.resume(path, self._header)
            before = Run.read(path).cells
        else:
            if path.is_file():
                raise runfile.CannotResume(
                    path, 0, "exists", "add --resume to go on with it, or name another file"
                )
            self._writer = RunWriter.create(path, self._header)
            before = {}
        self._before = before
        ids = selection.ids
        self._cells = {key: line for key, line in before.items() if key in ids}
        self._had = len(self._cells)
        self.todo = [cell for cell in selection.cells if cell.id not in before]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._writer.close()

    def record(self, lanes: Source) -> str:
        """Measure what the file does not have yet, and return how that ended.

        On Ctrl-C it stops, and keeps what it has. Raises OSError when that cannot be written.
        """
        tally = self._tally
        started = time.monotonic()
        try:
            with progress(self._label, len(self.todo)) as advance:
                for block in lanes.run(self.todo) if self.todo else ():
                    lines = list(collect.lines(block))
                    self._writer.write(lines)
                    self._cells.update((line.id, line) for line in lines)
                    tally.counts.update({key: int(value) for key, value in block.counts.items()})
                    advance(len(block.cells))
            if lanes.interrupted:
                tally.ended = "interrupted"
        except (KeyboardInterrupt, TargetError, ObservationError) as problem:
            self._give_up(lanes, problem)
        tally.seconds = time.monotonic() - started
        return tally.ended

    def cross_check(self, lanes: Lanes, size: int) -> None:
        """Measure `size` random cells again, with fresh processes, and compare their facets."""
        measured = [
            cell
            for cell in self.selection.cells
            if cell.id in self._cells and self._cells[cell.id].word not in _UNMEASURED
        ]
        generator = random.Random(self._seed)
        sample = generator.sample(measured, min(size, len(measured)))
        checked = 0
        different: list[str] = []
        try:
            with lanes, progress("cross-check", len(sample)) as advance:
                for block in lanes.run(sample):
                    different += [
                        line.id for line in collect.lines(block) if not agree(line, self._cells[line.id])
                    ]
                    checked += len(block.cells)
                    advance(len(block.cells))
        except (KeyboardInterrupt, TargetError, ObservationError) as problem:
            self._give_up(lanes, problem)
        self._tally.check = CrossCheck(
            cells=checked, same=checked - len(different), different=tuple(sorted(different))
        )

    def _give_up(self, lanes: Source, problem: BaseException) -> None:
        lanes.stop()
        if lanes.interrupted or isinstance(problem, KeyboardInterrupt):
            self._tally.ended = "interrupted"
        else:
            self._tally.ended = "lost"
            print(f"sockmatrix {self._command}: {printable(str(problem))}", file=sys.stderr)

    def finish(self) -> Recording:
        """Write the footer and return the whole."""
        tally = self._tally
        everything = {**self._before, **self._cells}
        footer = Footer(
            counts=runfile.count_words(line for line in everything.values()),
            ended=tally.ended,
            seconds=round(tally.seconds, 1),
            batches=tally.counts["batches"],
            voided=tally.counts["voided"],
            lost_roles=tally.counts["lost_roles"],
            taken_ports=tally.counts["taken_ports"],
            fences=tally.counts["fences"],
            silent_fences=tally.counts["silent_fences"],
            cross_check=tally.check,
        )
        self._writer.finish(footer)
        planned = len(self.selection.cells)
        return Recording(self.path, self._header, self._cells, footer, planned, self._had)


def agree(again: CellLine, before: CellLine) -> bool:
    """Tell whether a cell measured once `again` is as before, or one of the ways it was before."""
    if again.agrees(before):
        return True
    deliveries = (*again.delivery.values(), *before.delivery.values())
    if not (before.variants or any(delivery.place == "varies" for delivery in deliveries)):
        return False
    facets = again.facets(any_one=True)
    return any(facets == way.facets(any_one=True) for way in before.variants or (before,))
