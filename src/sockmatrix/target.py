"""A target: where a probe is started, and the conversation with it.

A probe is a filter over JSON Lines, so a target is only a way to start one. This module knows the local
machine; others start the same program elsewhere.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from sockmatrix import content

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

PROTOCOL = 1


class TargetError(Exception):
    """A probe could not be started, died, or said something that is not the protocol."""


@dataclass(frozen=True, slots=True)
class ProbeOptions:
    """How a probe measures: see `python probes --help`. `grace` in seconds, None for the lab's own."""

    lab: str = "auto"
    allow_lan: bool = False
    fresh: bool = False
    grace: float | None = None
    source_ports: int | None = None
    window: int | None = None

    def arguments(self, share: tuple[int, int]) -> list[str]:
        """Return the probe's command line; `share` is its index among the probes of one lab."""
        arguments = ["--lab", self.lab, "--share", f"{share[0]}/{share[1]}"]
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


@dataclass(frozen=True, slots=True)
class LocalTarget:
    """The machine we run on, with this interpreter or another one."""

    python: str = sys.executable

    def command(self, arguments: list[str]) -> list[str]:
        """Return the command that starts the probe."""
        return [self.python, "-s", "-E", str(content.probes()), *arguments]


class Observed(msgspec.Struct, frozen=True, tag_field="kind", tag="observation"):
    """All repetitions of one cell; `seen` is still JSON, for many cells have the same."""

    id: str
    seen: msgspec.Raw


_observed = msgspec.json.Decoder(Observed).decode


class Probe:
    """A running probe. Its `hello` says what it is and where it runs."""

    def __init__(self, target: LocalTarget, options: ProbeOptions, share: tuple[int, int]) -> None:
        """Start the probe and wait for its hello. Raises TargetError."""
        own_group: dict[str, Any] = (
            {"creationflags": getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)}
            if os.name == "nt"
            else {"start_new_session": True}  # Ctrl-C is ours to handle
        )
        try:
            self._child = subprocess.Popen(
                target.command(options.arguments(share)),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                **own_group,
            )
        except OSError as error:
            raise TargetError(f"cannot start the probe with {target.python}: {error}") from error
        self.hello = self._decode(self._line())
        if self.hello.get("kind") != "hello" or self.hello.get("protocol") != PROTOCOL:
            self.stop()
            raise TargetError(f"the probe speaks protocol {self.hello.get('protocol')!r}, not {PROTOCOL}")

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
            try:
                yield _observed(line)
            except msgspec.ValidationError:
                answer = self._decode(line)
                yield answer
                if answer.get("kind") == "measured":
                    return

    def _line(self) -> bytes:
        assert self._child.stdout is not None
        line: bytes = self._child.stdout.readline()
        if not line.endswith(b"\n"):
            raise TargetError(f"the probe died: {self._last_words()}")
        return line

    def _decode(self, line: bytes) -> dict[str, Any]:
        try:
            answer: dict[str, Any] = msgspec.json.decode(line, type=dict[str, Any])
        except msgspec.DecodeError as error:
            self.stop()
            raise TargetError(f"the probe said something that is not its protocol: {error}") from error
        return answer

    def _last_words(self) -> str:
        self._child.kill()
        assert self._child.stderr is not None
        words = self._child.stderr.read().decode("utf-8", "replace").strip().splitlines()
        code = self._child.wait()
        return words[-1] if words else f"exit status {code}"

    def stop(self) -> None:
        """End the probe; safe to call twice."""
        self._child.kill()
        self._child.wait()
        for pipe in (self._child.stdin, self._child.stdout, self._child.stderr):
            if pipe is not None:
                with contextlib.suppress(OSError):  # unsent bytes of a broken pipe
                    pipe.close()
