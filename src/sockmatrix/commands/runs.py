"""What commands that read run files share: reading several, telling what they lack, writing output."""

from __future__ import annotations

import contextlib
import gc
import io
import itertools
import sys
from collections import Counter
from typing import TYPE_CHECKING

from sockmatrix.cli import UsageError
from sockmatrix.exitcode import ExitCode
from sockmatrix.files import write_whole
from sockmatrix.render.escape import printable
from sockmatrix.runfile import LineDecoder, Run, RunFileError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    from sockmatrix.runformat import Header


def read_runs(paths: Sequence[str | Path]) -> dict[str, Run]:
    """Read runs, by the name of their platform; of several on one, what differs is said beside it.

    Raises UsageError.
    """
    decoder = LineDecoder()
    try:
        runs = [Run.read(path, decoder) for path in paths]
    except RunFileError as error:
        raise UsageError(str(error)) from error
    names = [run.header.platform.name for run in runs]
    for tell in _DIFFERENCES:
        told = [tell(run.header) for run in runs]
        pairs = set(zip(names, told, strict=True))
        counts = Counter(name for name, _ in pairs)
        names = [f"{n} {t}" if counts[n] > 1 else n for n, t in zip(names, told, strict=True)]
    counters = {name: itertools.count(1) for name in names if names.count(name) > 1}
    return {
        f"{name} #{next(counters[name])}" if name in counters else name: run
        for name, run in zip(names, runs, strict=True)
    }


_DIFFERENCES: tuple[Callable[[Header], str], ...] = (
    lambda header: header.platform.arch,
    lambda header: f"as {header.platform.privileges}",
    lambda header: f"{header.lab.kind} lab",
)
"""What may tell runs of one release apart."""


@contextlib.contextmanager
def lasting() -> Iterator[None]:
    """Make values by the hundred thousand that all live until the end: collecting garbage is in vain."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


def tell_incomplete(runs: Iterable[Run]) -> ExitCode:
    """Say on stderr which runs lack some of what was planned, and return what that amounts to."""
    code = ExitCode.EXPECTED
    for run in runs:
        if not run.complete:
            why = "interrupted" if run.footer and run.footer.ended == "interrupted" else "cut short"
            much = f"{len(run.cells)} of {run.header.planned} cells"
            print(f"{printable(str(run.path))}: {why}, {much}; the rest is unmeasured", file=sys.stderr)
            code = ExitCode.INCONCLUSIVE
    return code


def write_output(text: str, path: Path | None, *, exact: bool = False) -> None:
    """Write what a command has to show to a file, whole or not at all, else to stdout.

    `exact`: with the line ends that it has, also on Windows. Raises UsageError.
    """
    if path is None:
        if exact and isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(newline="")
        sys.stdout.write(text)
        return
    try:
        write_whole(path, text)
    except OSError as error:
        raise UsageError(f"cannot write {printable(str(path))}: {error.strerror}") from error
