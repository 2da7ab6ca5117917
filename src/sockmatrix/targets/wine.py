"""Wine: a Windows Python on Linux. It shows that the probe runs there, never what Windows does.

What its programs do with sockets is what Linux does, under the names that Windows has for it. A run is of
a platform called wine, and stands in no column of Windows.
"""

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
from pathlib import Path, PureWindowsPath
from typing import Any, final

from sockmatrix import content
from sockmatrix.targets import tools
from sockmatrix.targets.conversation import Conversation, NotStartedError, ProcessConversation
from sockmatrix.targets.local import ISOLATED

PROGRAMS = ("wine64", "wine", "/usr/lib/wine/wine64")
"""What Wine is called, the first that there is; the last is where Debian's package has it."""

HOW_TO_GET = "Debian's package wine64, or your system's package of Wine"
PYTHON = "`wine=PATH/python.exe` names one that runs where it is unpacked, such as NuGet's package python"

_VERSION = re.compile(r"wine-(\d[\w.+~-]*)", re.ASCII)
_FIRST_PATIENCE = 180.0  # seconds to make what Wine keeps for a user
_QUIET = {"WINEDEBUG": "-all", "WINEDLLOVERRIDES": "mscoree=;mshtml=;winemenubuilder.exe="}

# In a network of its own, and with a pipe for its errors: Wine cannot write to a file that has no name.
_LAUNCHER = """
import os, shutil, signal, subprocess, sys
sys.path.insert(0, sys.argv[1])
import lab, namespaces
how, why = lab.find_way()
if how is None:
    sys.exit(why)
namespaces.isolate(how)
lab.prove()
child = subprocess.Popen(sys.argv[2:], stderr=subprocess.PIPE)
os.close(0)
os.close(1)
shutil.copyfileobj(child.stderr, sys.stderr.buffer)
sys.exit(child.wait() & 0xFF)
"""


@final
class WineTarget:
    """A Windows Python in Wine, which keeps what it needs in a directory of ours."""

    def __init__(self, python: str) -> None:
        """Look for Wine and ask for its version. Raises NotStartedError."""
        found = next(filter(None, map(shutil.which, PROGRAMS)), None)
        if found is None:
            raise NotStartedError(f"there is no Wine here: {HOW_TO_GET}; and a Windows Python: {PYTHON}")
        if not python:
            raise NotStartedError(f"Wine is here, but it needs a Windows Python: {PYTHON}")
        if not Path(python).is_file():
            raise NotStartedError(f"there is no {python}, a Windows Python: {PYTHON}")
        self._wine = found
        self._python = str(Path(python).resolve())
        self.version = self._ask_version()
        self._lock = threading.Lock()
        self._temporary = tempfile.mkdtemp(prefix="sockmatrix-")
        self._environment = {**os.environ, **_QUIET, "WINEPREFIX": self._temporary + "/prefix"}
        self._made = self._closed = False

    def _ask_version(self) -> str:
        done = tools.ask_version(self._wine)
        version = _VERSION.match(done.stdout.strip())
        if version is None:
            words = tools.last_words(done)
            raise NotStartedError(f"{self._wine} --version does not name a version: {words}")
        return version[1]

    def _command(self, *words: str) -> list[str]:
        launcher = [sys.executable, *ISOLATED, "-c", _LAUNCHER, str(content.probes())]
        return [*launcher, self._wine, *words]

    def start(self, arguments: list[str], lane: int) -> Conversation:  # noqa: ARG002 - all are alike
        """Start a probe. Raises NotStartedError."""
        with self._lock:
            if self._closed:
                raise NotStartedError("stopped")
            if not self._made:
                self._make()
        host = ["--lab", "host"]  # Windows has no other
        if "--lab" in arguments:
            place = arguments.index("--lab")
            arguments = arguments[:place] + arguments[place + 2 :]
        probes = str(PureWindowsPath("Z:", str(content.probes())))  # Z: is this machine's root
        command = self._command(self._python, *ISOLATED, probes, *host, *arguments)
        return _InWine(command, self._environment)

    def _make(self) -> None:
        """Make what Wine keeps for a user, and see a program run. Raises NotStartedError."""
        words = self._command(self._python, *ISOLATED, "-c", "print('canary')")
        try:
            done = tools.run(
                words,
                patience=_FIRST_PATIENCE,
                environment=self._environment,
                stdin=subprocess.PIPE,
            )
        except subprocess.TimeoutExpired:
            self._end_all()
            raise NotStartedError(f"nothing runs in Wine within {_FIRST_PATIENCE:.0f} s") from None
        if done.stdout.strip() != "canary":
            said = tools.last_words(done)
            raise NotStartedError(f"{self._python} does not run in Wine {self.version}: {said}")
        self._made = True

    def share(self, lane: int, lanes: int) -> tuple[int, int]:
        """Return which probe of how many it is: Wine's server has all their sockets in one network."""
        return lane, lanes

    def processors(self) -> int | None:
        """Return that one probe at a time is enough to see it run."""
        return 1

    def describe(self, hello: dict[str, Any]) -> dict[str, Any]:
        """Return a probe's hello under Wine's own name and version, never those that it imitates."""
        told = hello["platform"]
        platform = {**told, "os": "wine", "stack": "wine", "release": self.version, "build": ""}
        return {**hello, "platform": platform, "target": {"kind": "wine", "imitates": told["release"]}}

    def _end_all(self) -> None:
        """End all of Wine that is ours."""
        for name in (f"{Path(self._wine).parent}/wineserver", "wineserver"):
            with contextlib.suppress(OSError, subprocess.TimeoutExpired):
                tools.run([name, "-k"], environment=self._environment)
                return

    def close(self) -> None:
        """End what runs, and remove what was kept."""
        with self._lock:
            self._closed = True
        self._end_all()
        shutil.rmtree(self._temporary, ignore_errors=True)


@final
class _InWine(ProcessConversation):
    """A conversation with a probe in Wine."""

    def stop(self) -> None:
        """End the launcher and the probe; safe to call twice."""
        with contextlib.suppress(OSError):
            os.killpg(self.child.pid, signal.SIGKILL)
        super().stop()
