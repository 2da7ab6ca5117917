"""The conversation with a probe: lines to it, lines from it, and why there are no more.

A target is a place where a probe can be started. Most start it by a command (`CommandTarget`); one that
cannot only has to give back a `Conversation`.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
from typing import Any, Protocol

_LAST_WORDS = 8192  # bytes of stderr that are looked at when a probe has died
_PATIENCE = 5.0  # seconds for a process to end that has closed its output


class TargetError(Exception):
    """A probe died, or said something that is not the protocol."""


class NotStartedError(TargetError):
    """A probe could not be started; another one will hardly fare better."""


class Conversation(Protocol):
    """A probe that was started."""

    def send(self, data: bytes) -> None:
        """Send whole lines. Raises OSError when nobody is there to read them."""

    def line(self) -> bytes:
        """Return the next whole line with its end, empty when there is none."""

    def last_words(self) -> str:
        """Wait for the end of a probe that says no more, and return its reason in one line."""

    def stop(self) -> None:
        """End the probe; safe to call twice, and from another thread."""


class Target(Protocol):
    """A place where probes can be started."""

    def start(self, arguments: list[str], lane: int) -> Conversation:
        """Start a probe with these arguments; `lane` counts those side by side.

        Raises NotStartedError.
        """

    def share(self, lane: int, lanes: int) -> tuple[int, int]:
        """Return which probe of how many on its machine the one of that lane is."""

    def processors(self) -> int | None:
        """Return how many processors are there for its probes, None where they are this machine's.

        Raises NotStartedError.
        """

    def describe(self, hello: dict[str, Any]) -> dict[str, Any]:
        """Return a probe's hello with what only the target knows of the place."""

    def close(self) -> None:
        """End what the target itself has started; all conversations are over then."""


class CommandTarget:
    """A target where a command starts the probe: a base for those that only have to know which."""

    __slots__ = ()

    def command(self, arguments: list[str]) -> list[str]:
        """Return the command that starts the probe with these arguments. Raises NotStartedError."""
        raise NotImplementedError

    def start(self, arguments: list[str], lane: int) -> Conversation:  # noqa: ARG002 - all are alike
        """Start it. Raises NotStartedError."""
        return ProcessConversation(self.command(arguments))

    def share(self, lane: int, lanes: int) -> tuple[int, int]:
        """Return which probe of how many it is: all are on one machine."""
        return lane, lanes

    def processors(self) -> int | None:
        """Return that they are this machine's."""
        return None

    def describe(self, hello: dict[str, Any]) -> dict[str, Any]:
        """Return a probe's hello as it is: the probe knows all."""
        return hello

    def close(self) -> None:
        """Do nothing: there is only the probe."""


def apart(platform: str) -> dict[str, Any]:
    """Return the options of Popen by which Ctrl-C reaches only us, who handle it (by `sys.platform`)."""
    if platform == "win32":
        return {"creationflags": 0x200}  # CREATE_NEW_PROCESS_GROUP: not all Pythons have the name
    return {"start_new_session": True}


class ProcessConversation:
    """A conversation over the standard streams of a process."""

    def __init__(self, command: list[str], environment: dict[str, str] | None = None) -> None:
        """Start `command`. Raises NotStartedError."""
        # A pipe would fill up, and would not end before the last role of a dead probe did.
        self._stderr = tempfile.TemporaryFile()  # noqa: SIM115 - closed in `stop`
        try:
            self.child = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._stderr,
                env=environment,
                **apart(sys.platform),
            )
        except OSError as error:
            self._stderr.close()
            raise NotStartedError(f"cannot start {command[0]}: {error.strerror or error}") from error

    def send(self, data: bytes) -> None:
        """Send whole lines."""
        assert self.child.stdin is not None
        self.child.stdin.write(data)
        self.child.stdin.flush()

    def line(self) -> bytes:
        """Return the next whole line, empty when there is none."""
        assert self.child.stdout is not None
        line: bytes = self.child.stdout.readline()
        return line if line.endswith(b"\n") else b""

    def last_words(self) -> str:
        """Wait for the end of the process, and return what it said of the reason."""
        try:
            code = self.child.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            self.child.kill()
            code = self.child.wait()
        self._stderr.seek(max(0, self._stderr.seek(0, os.SEEK_END) - _LAST_WORDS))
        return reason(self._stderr.read(), code)

    def stop(self) -> None:
        """End the process; safe to call twice."""
        self.child.kill()
        self.child.wait()
        for pipe in (self.child.stdin, self.child.stdout, self._stderr):
            if pipe is not None:
                with contextlib.suppress(OSError):  # unsent bytes of a broken pipe
                    pipe.close()


def reason(stderr: bytes, code: int) -> str:
    """Return why a probe ended, in one line: what it said last, or its exit status."""
    words = stderr.decode("utf-8", "replace").strip().splitlines()
    if words:
        return words[-1].strip().removeprefix("probes: ")
    return f"killed by signal {-code}" if code < 0 else f"exit status {code}"
