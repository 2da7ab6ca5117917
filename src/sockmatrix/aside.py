"""Work done beside one's own: in a process that is forked for it, where there is a processor for that."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import sys
import threading
from typing import TYPE_CHECKING, Generic, TypeVar, final

if TYPE_CHECKING:
    from collections.abc import Callable
    from multiprocessing.connection import Connection

_T = TypeVar("_T")


def processors() -> int:
    """Return how many processors this process may use."""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return usable or 1


def useful(platform: str, threads: int, usable: int) -> bool:
    """Tell whether work is forked, on a `platform` as sys.platform has it with so many processors.

    fork(2) leaves all threads but one behind; on macOS libraries have some of their own
    (bugs.python.org/issue33725).
    """
    return platform == "linux" and threads == 1 and usable > 1


@final
class Aside(Generic[_T]):
    """Work that was begun, and its result, which must be one that can be pickled."""

    def __init__(self, work: Callable[[], _T]) -> None:
        """Begin, on what there is now: what changes later the work does not see."""
        self._work = work
        self._line: Connection | None = None
        if useful(sys.platform, threading.active_count(), processors()):
            with contextlib.suppress(OSError):  # no more processes, or files
                self._line = _fork(work)

    def result(self) -> _T:
        """Return the result, as soon as it is there. Raises what the work raises."""
        if self._line is not None:
            with contextlib.suppress(EOFError, OSError):  # if what ended it happens here too, it is seen
                found: _T = self._line.recv()
                return found
        return self._work()


def _fork(work: Callable[[], object]) -> Connection:
    """Return where another process will say the result. Raises OSError."""
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe(duplex=False)
    with theirs:
        context.Process(target=_do, args=(work, theirs), daemon=True).start()
    return ours


def _do(work: Callable[[], object], line: Connection) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the one that waits
    try:
        line.send(work())
    except Exception:  # noqa: BLE001 - the other will have the same, and may tell
        os._exit(1)
