"""Another machine, by ssh: execnet takes the probe there, and nothing is installed or left behind."""

from __future__ import annotations

import contextlib
import queue
import threading
from typing import TYPE_CHECKING, Any, final

from sockmatrix.targets import far, zipapp
from sockmatrix.targets.conversation import Conversation, NotStartedError, reason
from sockmatrix.targets.local import ISOLATED

if TYPE_CHECKING:
    import execnet

_LEAVE = 5.0  # seconds for a probe's exit status to arrive
_PATIENCE = 30.0  # seconds for a machine that is reached to tell something of itself
_PYTHON = "python3"

_COUNT = """
import os
usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
channel.send(usable or 1)
"""


@final
class RemoteTarget:
    """A machine that execnet reaches: `ssh=user@host//python=python3.11`, as pytest-xdist writes it."""

    def __init__(self, specification: str) -> None:
        """Prepare; nothing is connected before `start`."""
        self._specification = specification
        if specification.startswith("ssh=") and "//python=" not in specification:
            self._specification += f"//python={_PYTHON}"
        self._lock = threading.Lock()
        # A group of our own: what is left in the default one is ended at exit, too late for a thread.
        self._group: execnet.Group | None = None
        self._closed = False

    def _connect(self) -> execnet.Gateway:
        import execnet

        with self._lock:
            if self._closed:
                raise NotStartedError("stopped")
            if self._group is None:
                group = execnet.Group()
                try:
                    group.makegateway(self._specification)
                except (execnet.HostNotFound, OSError, EOFError, ValueError) as error:
                    known = isinstance(error, execnet.HostNotFound)  # then ssh has said why, or Python
                    raise self._unreachable("" if known else str(error)) from error
                self._group = group
            return self._group[0]

    def start(self, arguments: list[str], lane: int) -> Conversation:  # noqa: ARG002 - all are alike
        """Start a probe there. Raises NotStartedError."""
        gateway = self._connect()
        try:
            channel = gateway.remote_exec(far)
            channel.send((zipapp.build(), arguments, ISOLATED))
        except (OSError, EOFError) as error:
            raise self._unreachable(str(error)) from error
        return _Far(channel)

    def _unreachable(self, words: str) -> NotStartedError:
        said = f"cannot reach {self._specification}{f': {words}' if words else ''}"
        return NotStartedError(
            f"{' '.join(said.split())}; ssh must get there without a question, and Python 3.9 or newer"
            " must be there (//python=PATH)"
        )

    def share(self, lane: int, lanes: int) -> tuple[int, int]:
        """Return which probe of how many it is: all are on one machine."""
        return lane, lanes

    def processors(self) -> int | None:
        """Return how many that machine has for us. Raises NotStartedError."""
        import execnet

        gateway = self._connect()
        try:
            channel = gateway.remote_exec(_COUNT)
            return max(1, int(channel.receive(_PATIENCE)))
        except (OSError, EOFError, ValueError, execnet.RemoteError) as error:
            raise self._unreachable(str(error).strip().splitlines()[-1]) from error

    def describe(self, hello: dict[str, Any]) -> dict[str, Any]:
        """Return a probe's hello with how it was reached; never where it is."""
        return {**hello, "target": {"kind": self._specification.partition("=")[0].partition("/")[0]}}

    def close(self) -> None:
        """End the connection."""
        with self._lock:
            self._closed = True
            group, self._group = self._group, None
        if group is not None:
            group.terminate(timeout=_LEAVE)


class _Far:
    """The conversation with a probe over a channel of execnet."""

    def __init__(self, channel: Any) -> None:
        self._channel = channel
        self._pieces: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._lines: list[bytes] = []  # the next one last
        self._rest = b""
        self._over = False
        self._reason = "the connection was lost"
        channel.setcallback(self._pieces.put, endmarker=None)

    def send(self, data: bytes) -> None:
        """Send whole lines."""
        try:
            self._channel.send(data)
        except EOFError as error:
            raise BrokenPipeError(str(error)) from error

    def line(self) -> bytes:
        """Return the next whole line, empty when there is none."""
        while not self._lines and not self._over:
            piece = self._pieces.get()
            if isinstance(piece, bytes):
                *lines, self._rest = (self._rest + piece).split(b"\n")
                self._lines = lines[::-1]
            else:
                self._end(piece)
        return self._lines.pop() + b"\n" if self._lines else b""

    def _end(self, last: Any) -> None:
        self._over = True
        if isinstance(last, tuple):
            code, stderr = last
            self._reason = reason(bytes(stderr), int(code))
        elif getattr(self._channel, "_remoteerrors", None):
            self._reason = str(self._channel._remoteerrors[-1]).strip().splitlines()[-1]

    def last_words(self) -> str:
        """Return why it ended."""
        with contextlib.suppress(queue.Empty):
            while not self._over:
                piece = self._pieces.get(timeout=_LEAVE)
                if not isinstance(piece, bytes):
                    self._end(piece)
        return self._reason

    def stop(self) -> None:
        """End the probe; safe to call twice."""
        with contextlib.suppress(OSError, EOFError):
            self._channel.close()
        self._pieces.put(None)
