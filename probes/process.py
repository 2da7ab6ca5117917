"""A role as the conductor holds it: a child process, its pipes, and a limit to waiting for answers."""

from __future__ import annotations

import queue
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any, Dict, Optional, Sequence, Tuple, Union

import frames
from nursery import command

if TYPE_CHECKING:
    from nursery import Forked

    Child = Union[subprocess.Popen[bytes], Forked]

POST_PATIENCE = 30.0
"""Seconds for a request that may not fit into the pipe to be read."""


def small(platform: str) -> int:
    """Return how many bytes fit into an empty pipe on every system of that kind (`sys.platform`).

    What is posted ahead is far less.
    """
    return 2048 if platform == "win32" else 16384


_SMALL = small(sys.platform)


class RoleLost(Exception):
    """A role died or did not answer in time; nothing of its batch counts."""


def _start(name: str, descriptors: Sequence[int]) -> subprocess.Popen[bytes]:
    inherited: Dict[str, Any] = {"pass_fds": descriptors} if descriptors else {}
    return subprocess.Popen(
        [*command(), "--role", name], stdin=subprocess.PIPE, stdout=subprocess.PIPE, **inherited
    )


class RoleProcess:
    """One role process. Requests are posted; answers are taken in order, within a time limit.

    A thread reads the pipe, because a pipe cannot be waited for with a time limit on Windows.
    """

    def __init__(
        self,
        name: str,
        nonce: bytes,
        cpu: Optional[int],
        place: Optional[Dict[str, Any]] = None,
        child: Optional[Child] = None,
    ) -> None:
        """Lead `child`, a process of Python's own if None. Raises OSError."""
        self.name = name
        place = place or {}
        self._child = child or _start(name, place.get("descriptors", ()))
        self._answers: queue.SimpleQueue[Optional[Tuple[Any]]] = queue.SimpleQueue()
        threading.Thread(target=self._read, daemon=True).start()
        self.post(nonce, cpu, place)

    @property
    def pid(self) -> int:
        """The process id."""
        return self._child.pid

    def _read(self) -> None:
        assert self._child.stdout is not None
        try:
            while True:
                self._answers.put((frames.read(self._child.stdout),))
        except (EOFError, OSError, ValueError):
            self._answers.put(None)

    def post(self, *request: Any) -> None:
        """Send a request without waiting for its answer. Raises RoleLost."""
        assert self._child.stdin is not None
        data = frames.encode(request)
        try:
            if len(data) <= _SMALL:
                self._child.stdin.write(data)
                self._child.stdin.flush()
            else:
                self._write_watched(data)
        except OSError as error:
            raise RoleLost(f"role {self.name} died") from error

    def _write_watched(self, data: bytes) -> None:
        """Write what a role that hangs would not read: killing it ends the wait, on any system."""
        assert self._child.stdin is not None
        watch = threading.Timer(POST_PATIENCE, self._child.kill)
        watch.daemon = True
        watch.start()
        try:
            self._child.stdin.write(data)
            self._child.stdin.flush()
        finally:
            watch.cancel()

    def take(self, patience: float) -> Any:
        """Return the next answer. Raises RoleLost after `patience` seconds or when the process died."""
        try:
            answer = self._answers.get(timeout=patience)
        except queue.Empty:
            raise RoleLost(f"role {self.name} did not answer in {patience:g} s") from None
        if answer is None:
            raise RoleLost(f"role {self.name} died")
        return answer[0]

    def ask(self, *request: Any, patience: float) -> Any:
        """Post a request and take its answer."""
        self.post(*request)
        return self.take(patience)

    def wait(self, patience: float) -> None:
        """Wait for the process to end by itself. Raises RoleLost."""
        try:
            self._child.wait(patience)
        except subprocess.TimeoutExpired:
            raise RoleLost(f"role {self.name} did not end in {patience:g} s") from None

    def stop(self) -> None:
        """Kill the process (it holds nothing but sockets) and reap it."""
        self._child.kill()
        self._child.wait()
        for pipe in (self._child.stdin, self._child.stdout):
            if pipe is not None:
                try:
                    pipe.close()
                except OSError:
                    pass  # unsent bytes of a broken pipe
