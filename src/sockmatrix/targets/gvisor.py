"""gVisor: its network stack, netstack, in a sandbox that runsc makes without privileges."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any, final

from sockmatrix import content
from sockmatrix.targets import tools
from sockmatrix.targets.conversation import Conversation, NotStartedError, ProcessConversation
from sockmatrix.targets.local import ISOLATED

PLATFORMS = ("ptrace", "systrap")
"""How runsc may catch system calls, the first that works: a matter of its processes, not of its network.

The second is the newer one, is missing before 2023, and now and then lets a process of a busy sandbox
hang; the first runs nothing where runsc was built with a Go of today.
"""

HOW_TO_GET = "Debian's package runsc, or `gvisor=PATH/runsc`"

_VERSION = re.compile(r"version\s+([\w.+~:-]+)", re.ASCII)
_CANARY = ("-c", "print('canary')")
_PATIENCE = 30.0  # seconds
_LEAVE = 5.0  # seconds for the processes of a sandbox to end that were killed
_PROC = Path("/proc")


@final
class GVisorTarget:
    """The sandbox of a runsc. Its probes see this machine's files, and a network of nothing but lo."""

    def __init__(self, program: str) -> None:
        """Ask runsc for its version. Raises NotStartedError."""
        found = shutil.which(program)
        if found is None:
            raise NotStartedError(f"there is no {program} here: {HOW_TO_GET}")
        self._program = found
        self.version = self._ask_version()
        self._platform = ""
        self._lock = threading.Lock()
        self._temporary = tempfile.mkdtemp(prefix="sockmatrix-")  # a killed sandbox leaves files there
        self._sandboxes: list[_Sandbox] = []
        self._closed = False

    def _ask_version(self) -> str:
        done = tools.ask_version(self._program)
        version = _VERSION.search(done.stdout)
        if done.returncode or version is None:
            raise NotStartedError(f"{self._program} --version does not name a version")
        return version[1].removeprefix("release-")

    def _command(self, platform: str, *python: str) -> list[str]:
        # --network=host would be the host's own stack.
        sandbox = [self._program, "--rootless", f"--platform={platform}", "--network=none"]
        return [*sandbox, "--ignore-cgroups", "do", sys.executable, *python]

    def _choose(self) -> str:
        """Return the first platform on which a program runs. Raises NotStartedError."""
        with self._lock:
            last = ""
            for platform in () if self._platform else PLATFORMS:
                try:
                    done = tools.run(
                        self._command(platform, *ISOLATED, *_CANARY),
                        patience=_PATIENCE,
                        environment={**os.environ, "TMPDIR": self._temporary},
                    )
                except subprocess.TimeoutExpired:
                    last = f"nothing runs on its platform {platform} within {_PATIENCE:.0f} s"
                    continue
                if done.stdout.strip() == "canary":
                    self._platform = platform
                    break
                last = tools.last_words(done)
            if not self._platform:
                raise NotStartedError(f"runsc runs nothing here (it needs user namespaces): {last}")
            return self._platform

    def start(self, arguments: list[str], lane: int) -> Conversation:  # noqa: ARG002 - all are alike
        """Start a probe in a sandbox of its own. Raises NotStartedError."""
        command = self._command(self._choose(), *ISOLATED, str(content.probes()), *arguments)
        with self._lock:
            if self._closed:
                raise NotStartedError("stopped")
            sandbox = _Sandbox(command, tempfile.mkdtemp(dir=self._temporary))
            self._sandboxes.append(sandbox)
        return sandbox

    def share(self, lane: int, lanes: int) -> tuple[int, int]:  # noqa: ARG002
        """Return that each is alone in its sandbox."""
        return 0, 1

    def processors(self) -> int | None:
        """Return that they are this machine's."""
        return None

    def describe(self, hello: dict[str, Any]) -> dict[str, Any]:
        """Return a probe's hello with gVisor's own version: uname(2) there says Linux 4.4.0, of 2016."""
        platform = {**hello["platform"], "release": self.version}
        facts = {"kind": "gvisor", "platform": self._platform, "uname": hello["platform"]["release"]}
        return {**hello, "platform": platform, "target": facts}

    def close(self) -> None:
        """End all sandboxes and remove what they left."""
        with self._lock:
            self._closed = True
            sandboxes = list(self._sandboxes)
        for sandbox in sandboxes:
            sandbox.stop()
        end_all_of(self._temporary)  # what was tried in `_choose`, too
        shutil.rmtree(self._temporary, ignore_errors=True)


@final
class _Sandbox(ProcessConversation):
    """A conversation with a probe in a sandbox, whose files are in the directory `temporary`."""

    def __init__(self, command: list[str], temporary: str) -> None:
        self._temporary = temporary
        super().__init__(command, {**os.environ, "TMPDIR": temporary})

    def stop(self) -> None:
        """End the sandbox; safe to call twice."""
        # What was started is not what holds the pipes: closing them would wait for who reads them.
        self.child.kill()
        end_all_of(self._temporary)
        super().stop()


def end_all_of(temporary: str) -> None:
    """Kill the processes of sandboxes whose files are in the directory `temporary`, and wait for that.

    They have sessions of their own, and outlive the command that started them.
    """
    mark = b"=" + os.fsencode(temporary) + b"/"
    deadline = time.monotonic() + _LEAVE
    while (found := _processes(mark)) and time.monotonic() < deadline:
        for process in found:
            with contextlib.suppress(OSError):
                os.kill(process, signal.SIGKILL)
        time.sleep(0.01)


def _processes(mark: bytes) -> list[int]:
    """Return the processes that have `mark` in an argument; one that is a zombie has no arguments."""
    found = []
    for path in _PROC.glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            if mark in path.read_bytes():
                found.append(int(path.parent.name))
    return found
