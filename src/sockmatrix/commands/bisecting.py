"""The laboratory of a bisection: kernels are fetched and measured as they are asked for."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, final

from sockmatrix.baselines import SUFFIXES
from sockmatrix.cli import UsageError
from sockmatrix.commands.measuring import lanes_here
from sockmatrix.commands.sessions import Order, Session
from sockmatrix.render.escape import printable
from sockmatrix.runfile import Run
from sockmatrix.selection import Selection
from sockmatrix.target import NotStartedError, ProbeOptions
from sockmatrix.targets import kernels, qemu
from sockmatrix.targets.debian import Archive, FetchError, HopelessError
from sockmatrix.targets.kernel import KernelTarget
from sockmatrix.targets.names import Named
from sockmatrix.targets.releases import releases
from sockmatrix.wording import cell_headline

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from sockmatrix.bisection import Evidence
    from sockmatrix.cell import Cell
    from sockmatrix.targets.debian import Offer
    from sockmatrix.targets.kernels import Kernel
    from sockmatrix.targets.releases import Release

MANY = 500
"""With more cells than this, a release is measured by as many guests as there are processors."""

IN_A_ROW = 3
"""So many failures in a row, and no more of the kind is tried: the next will hardly fare better."""

_MEGABYTE = 1_000_000
_NOT_YET = "not measured yet"
_NOT_TRIED = "not tried"


def evidence(directory: Path, known: Evidence) -> None:
    """Add what the run files of a directory say, if there is one. Raises RunFileError, OSError."""
    if directory.is_dir():
        for file in sorted(directory.iterdir()):
            if file.name.endswith(SUFFIXES):
                run = Run.read(file)
                known.add(run.header, run.cells, earlier=True)


@final
class Laboratory:
    """Measures cells on releases, and knows what could not be measured (`gone`), and why."""

    def __init__(
        self,
        selection: Selection,
        known: Evidence,
        directory: Path,
        *,
        repeat: int,
        quiet: bool,
        archive: tuple[Path, str | None] | None,
    ) -> None:
        """See which releases there are. `archive`: a cache and a mirror, None to fetch nothing.

        Raises UsageError.
        """
        self.selection = selection
        self.evidence = known
        self.gone: dict[str, str] = {}
        self.measured: list[str] = []
        self._directory = directory
        self._repeat = repeat
        self._quiet = quiet
        self._cache = archive[0] if archive else kernels.cache_directory()
        self._archive: Archive | None = None
        self._before = {name for own in known.told.values() for name in own}
        self._failures = {"fetch": 0, "boot": 0}
        offers = []
        try:
            if archive is not None:
                self._archive = Archive.beside(*archive)
                if self._archive.stale:
                    self._progress("getting the lists of packages")
                    complaint = self._archive.update()
                    if complaint:
                        self._say(printable(complaint))
                offers = self._archive.offers()
        except FetchError as error:
            self._say(f"only the kernels that are there count: {printable(str(error))}")
        except OSError as error:
            self._say(f"cannot write {error.filename or self._cache}: {error.strerror}")
        self.releases = releases(kernels.cached(self._cache), offers, self._before)
        self._ready = False
        self._by_name = {release.name: release for release in self.releases}

    def _prepare(self) -> None:
        """Find out, once, what no release could be measured without. Raises UsageError."""
        if self._ready:
            return
        self._ready = True
        try:
            qemu.find()
            self._directory.mkdir(parents=True, exist_ok=True)
        except NotStartedError as error:
            raise UsageError(str(error)) from error
        except OSError as error:
            raise UsageError(f"cannot write {self._directory}: {error.strerror}") from error

    def measure(self, name: str, why: str) -> None:
        """Measure what is not known of a release, or note in `gone` why that cannot be.

        Raises UsageError if no release can be measured here.
        """
        self._prepare()
        release = self._by_name[name]
        wanted = set(self.evidence.lacking(name))
        cells = [cell for cell in self.selection.cells if cell.id in wanted]
        try:
            kernel = release.kernel or self._fetch(release)
        except (FetchError, OSError) as error:
            reason = (
                f"{error.filename or self._cache}: {error.strerror}" if isinstance(error, OSError) else ""
            )
            self._give_up(name, "fetch", reason or str(error))
            return
        self._failures["fetch"] = 0
        self._progress(f"{name}: measuring ({why})")
        started = time.monotonic()
        problem = self._carry_out(name, kernel, cells)
        if problem:
            self._give_up(name, "boot", problem)
            return
        self._failures["boot"] = 0
        self.measured.append(name)
        took = f"{time.monotonic() - started:.0f} s"
        if len(cells) == 1:
            line = self.evidence.told[cells[0].id].get(name)
            self._progress(f"{name}: {printable(cell_headline(cells[0], line))} ({took})")
        else:
            self._progress(f"{name}: {len(cells)} cells ({took})")

    def _carry_out(self, name: str, kernel: Kernel, cells: Iterable[Cell]) -> str:
        """Measure cells on a kernel into a new run file; return why that failed, or nothing.

        Ctrl-C is raised once what was measured is kept.
        """
        chosen = tuple(cells)
        tables = {cell.table for cell in chosen}
        plans = tuple(plan for plan in self.selection.plans if plan.table.name in tables)
        processors = lanes_here(fresh=False) if len(chosen) > MANY else 1
        order = Order(
            Selection(plans, chosen),
            ProbeOptions(),
            repeat=self._repeat,
            seed=0,
            output=self._new_file(name),
            jobs=processors,
        )
        named = Named(f"kernel={name}", lambda machines: KernelTarget(kernel, machines))
        try:
            recording = Session(order, named, processors, label=name).measure()
        except UsageError as error:
            return str(error)
        self.evidence.add(recording.header, recording.cells)
        if recording.ended == "interrupted":
            raise KeyboardInterrupt
        lost = self.evidence.lacking(name)
        return f"its guest was lost, {len(lost)} cells unmeasured" if lost else ""

    def _fetch(self, release: Release) -> Kernel:
        """Fetch a release from whichever package can be had. Raises FetchError, OSError."""
        if self._archive is None or not release.offers:
            raise FetchError(f"{release.name}: there is no package of it")

        def tell(offer: Offer) -> None:
            self._progress(f"{release.name}: fetching {offer.size / _MEGABYTE:.0f} MB")

        try:
            return self._archive.fetch_first(release.offers, self._cache, tell)
        except HopelessError:
            self._failures["fetch"] = IN_A_ROW
            raise

    def _give_up(self, name: str, kind: str, reason: str) -> None:
        self.gone[name] = reason
        self._say(f"{name} is skipped: {printable(reason)}")
        self._failures[kind] += 1
        if self._failures[kind] < IN_A_ROW:
            return
        verb = "fetched" if kind == "fetch" else "measured"
        rest = [one for one in self.releases if kind == "boot" or one.kernel is None]
        self._say(f"no other one is {verb}")
        for release in rest:
            self.gone.setdefault(release.name, f"{_NOT_TRIED}: others could not be {verb}")

    def stop(self) -> None:
        """Measure no more: what was not measured yet tells nothing."""
        for release in self.releases:
            self.gone.setdefault(release.name, _NOT_YET)

    def _new_file(self, name: str) -> Path:
        """Return a file that is not there: what was written before stays as it is."""
        number = 1
        while (path := self._directory / f"{name}{f'-{number}' if number > 1 else ''}.jsonl").exists():
            number += 1
        return path

    @property
    def skipped(self) -> dict[str, str]:
        """The releases that were tried and could not be measured, and why."""
        return {
            name: why for name, why in self.gone.items() if not why.startswith((_NOT_YET, _NOT_TRIED))
        }

    def sentence(self) -> str:
        """Return how many releases were measured, and where the runs are."""
        count = len(self.measured)
        before = len(self._before)
        parts = [f"{count} release{'s' * (count != 1)} measured"]
        parts += [f"{before} were there before"] if before else []
        parts += [f"skipped: {', '.join(self.skipped)}"] if self.skipped else []
        return f"{'; '.join(parts)}. The runs are in {self._directory}."

    def _progress(self, words: str) -> None:
        if not self._quiet:
            print(words, file=sys.stderr, flush=True)

    def _say(self, words: str) -> None:
        print(f"sockmatrix bisect: {words}", file=sys.stderr, flush=True)
