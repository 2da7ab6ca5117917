"""A target: where a probe is started, and the conversation with it.

A probe is a filter over JSON Lines, so a target is only a way to start one. This module knows the local
machine; others start the same program elsewhere.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from sockmatrix import content
from sockmatrix.labs import PLAIN
from sockmatrix.runformat import Hello

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

PROTOCOL = 2

_LAST_WORDS = 8192  # bytes of stderr that are looked at when a probe has died
_PATIENCE = 5.0  # seconds for a process to end that has closed its output


class TargetError(Exception):
    """A probe died, or said something that is not the protocol."""


class NotStartedError(TargetError):
    """A probe could not be started; another one will hardly fare better."""


@dataclass(frozen=True, slots=True)
class ProbeOptions:
    """How a probe measures: see `python probes --help`. `grace` in seconds, None for the lab's own.

    `lab` is private, of the host, or the best there is; `layout` is what a private one consists of.
    """

    lab: str = "auto"
    allow_lan: bool = False
    fresh: bool = False
    grace: float | None = None
    source_ports: int | None = None
    window: int | None = None
    layout: str = PLAIN

    def arguments(self, share: tuple[int, int]) -> list[str]:
        """Return the probe's command line; `share` is its index among the probes of one lab."""
        arguments = ["--lab", self.lab, "--share", f"{share[0]}/{share[1]}"]
        if self.layout != PLAIN:
            arguments += ["--layout", self.layout]
        if self.allow_lan:
            arguments.append("--allow-lan")
        if self.fresh:
            arguments.append("--fresh")
        for option, value in (
            ("--grace", self.grace),
            ("--source-ports", self.source_ports),
            ("--window", self.window),
        ):
            if value is not None:
                arguments += [option, str(value)]
        return arguments


class Target(Protocol):
    """A place where a probe can be started."""

    def command(self, arguments: list[str]) -> list[str]:
        """Return the command that starts the probe with these arguments."""


@dataclass(frozen=True, slots=True)
class LocalTarget:
    """The machine we run on, with this interpreter or another one."""

    python: str = sys.executable

    def command(self, arguments: list[str]) -> list[str]:
        """Return the command that starts the probe."""
        return [self.python, "-s", "-S", "-E", str(content.probes()), *arguments]


class Observed(msgspec.Struct, frozen=True, tag_field="kind", tag="observation"):
    """All repetitions of one cell; `seen` is still JSON, for many cells have the same."""

    id: str
    seen: msgspec.Raw


_observed = msgspec.json.Decoder(Observed).decode


class Probe:
    """A running probe. Its `hello` says what it is and where it runs."""

    def __init__(self, target: Target, options: ProbeOptions, share: tuple[int, int]) -> None:
        """Start the probe and wait for its hello. Raises NotStartedError."""
        own_group: dict[str, Any] = (
            {"creationflags": getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)}
            if os.name == "nt"
            else {"start_new_session": True}  # Ctrl-C is ours to handle
        )
        command = target.command(options.arguments(share))
        # A pipe would fill up, and would not end before the last role of a dead probe did.
        self._stderr = tempfile.TemporaryFile()  # noqa: SIM115 - closed in `stop`
        try:
            self._child = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._stderr,
                **own_group,
            )
        except OSError as error:
            self._stderr.close()
            raise NotStartedError(f"cannot start {command[0]}: {error.strerror or error}") from error
        try:
            self.hello = self._hello()
        except BaseException:
            self.stop()
            raise

    @property
    def pid(self) -> int:
        """Process id of the probe."""
        return self._child.pid

    def measure(
        self, lines: Iterable[bytes], *, repeat: int, seed: int
    ) -> Iterator[Observed | dict[str, Any]]:
        """Send encoded cells, then yield what was observed of each; the last answer is `measured`.

        Raises TargetError when the probe dies on the way.
        """
        request = msgspec.json.encode({"kind": "measure", "repeat": repeat, "seed": seed})
        try:
            assert self._child.stdin is not None
            self._child.stdin.write(b"\n".join([*lines, request, b""]))
            self._child.stdin.flush()
        except OSError as error:
            raise TargetError(f"the probe died: {self._last_words()}") from error
        while True:
            line = self._line()
            if not line:
                raise TargetError(f"the probe died: {self._last_words()}")
            answer: Observed | dict[str, Any]
            try:
                answer = _observed(line)
            except ValueError:  # another kind of line, or none at all
                answer = _decode(line)
                if answer.get("kind") == "observation":
                    raise TargetError(f"{_GIBBERISH}: an observation without id or seen") from None
            yield answer
            if isinstance(answer, dict) and answer.get("kind") == "measured":
                return

    def _hello(self) -> dict[str, Any]:
        line = self._line()
        if not line:
            raise NotStartedError(f"the probe did not start: {self._last_words()}")
        try:
            hello = _decode(line)
            protocol = hello.get("protocol")
            if hello.get("kind") != "hello" or protocol != PROTOCOL:
                raise NotStartedError(f"the probe speaks protocol {protocol!r}, not {PROTOCOL}")
            msgspec.convert(hello, Hello)
        except NotStartedError:
            raise
        except TargetError as error:
            raise NotStartedError(str(error)) from error
        except ValueError as error:
            raise NotStartedError(f"the probe does not say what it is: {error}") from error
        return hello

    def _line(self) -> bytes:
        """Return the next whole line, empty when there is none."""
        assert self._child.stdout is not None
        line: bytes = self._child.stdout.readline()
        return line if line.endswith(b"\n") else b""

    def _last_words(self) -> str:
        """Wait for the end of the probe, and return what it said of the reason."""
        try:
            code = self._child.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            self._child.kill()
            code = self._child.wait()
        self._stderr.seek(max(0, self._stderr.seek(0, os.SEEK_END) - _LAST_WORDS))
        words = self._stderr.read().decode("utf-8", "replace").strip().splitlines()
        if words:
            return words[-1].removeprefix("probes: ")
        return f"killed by signal {-code}" if code < 0 else f"exit status {code}"

    def stop(self) -> None:
        """End the probe; safe to call twice."""
        self._child.kill()
        self._child.wait()
        for pipe in (self._child.stdin, self._child.stdout, self._stderr):
            if pipe is not None:
                with contextlib.suppress(OSError):  # unsent bytes of a broken pipe
                    pipe.close()


_GIBBERISH = "the probe said something that is not its protocol"


def _decode(line: bytes) -> dict[str, Any]:
    try:
        answer: dict[str, Any] = msgspec.json.decode(line, type=dict[str, Any])
    except ValueError as error:
        raise TargetError(f"{_GIBBERISH}: {error}") from error
    return answer
