"""Progress of long work: a bar on a terminal, one for each of several works, nothing on a pipe."""

from __future__ import annotations

import contextlib
import sys
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.progress import Progress

_lock = threading.Lock()
_shown: list[Progress] = []
"""What is on the screen: a terminal has room for one, to which others add their bars."""


@contextlib.contextmanager
def progress(what: str, total: int) -> Iterator[Callable[[int], None]]:
    """Show a bar for `total` steps of `what` on stderr while the block runs; yields `advance(steps)`."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    with together():
        bar = _shown[0]
        task = bar.add_task(what, total=total)
        try:
            yield lambda steps: bar.advance(task, steps)
        finally:
            bar.refresh()  # short work is done before it was ever drawn
            bar.remove_task(task)


@contextlib.contextmanager
def together() -> Iterator[None]:
    """Keep the bars of all threads in one place while the block runs."""
    if not sys.stderr.isatty():
        yield
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    with _lock:
        own = not _shown
        if own:
            columns = (
                TextColumn("{task.description}", markup=False),
                BarColumn(),
                MofNCompleteColumn(),
                TimeRemainingColumn(),
            )
            _shown.append(Progress(*columns, console=Console(stderr=True), transient=True))
    bar = _shown[0]
    try:
        with bar if own else contextlib.nullcontext():
            yield
    finally:
        if own:
            _shown.clear()
