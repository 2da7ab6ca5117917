"""Wine, with a fake one that runs the programs of this machine; and the network of its own it gets."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from typing import TYPE_CHECKING, Any

import pytest

from sockmatrix import content
from sockmatrix.claims import systems
from sockmatrix.runformat import header
from sockmatrix.target import Probe, ProbeOptions
from sockmatrix.targets import wine
from sockmatrix.targets.conversation import NotStartedError
from sockmatrix.targets.names import parse
from sockmatrix.targets.wine import WineTarget

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Wine is for other systems than Windows")

WINE = """#!{python} -sS
import os, sys
if "--version" in sys.argv:
    print("{version}")
    sys.exit(0)
prefix = os.environ["WINEPREFIX"]
os.makedirs(prefix, exist_ok=True)
if {broken}:
    sys.exit("wine: could not load kernel32.dll")
program, *words = sys.argv[1:]
assert program.endswith("python.exe"), program
open(prefix + "/log", "a").write(repr(words) + "\\n")
words = [word.removeprefix("Z:").replace("\\\\", "/") if word[:2] == "Z:" else word for word in words]
os.execv({python!r}, [{python!r}, *words])
"""

OPEN_LAUNCHER = "import os, sys; os.execv(sys.argv[2], sys.argv[2:])"
"""One that needs no network namespace."""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a directory in which nothing is found but what a test puts there."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(wine, "PROGRAMS", wine.PROGRAMS[:2])
    monkeypatch.setattr(wine, "_LAUNCHER", OPEN_LAUNCHER)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


@pytest.fixture
def install(place: Path) -> Callable[..., str]:
    """Return what installs a fake Wine and a Windows Python, whose path it returns."""

    def put(version: str = "wine-9.0 (a fake)", *, broken: bool = False) -> str:
        program = place / "wine64"
        program.write_text(WINE.format(python=sys.executable, version=version, broken=broken))
        program.chmod(0o755)
        (place / "python.exe").touch()
        return str(place / "python.exe")

    return put


def test_a_probe_in_wine(place: Path, install: Callable[..., str]) -> None:
    """It is started on this machine's loopback, by a path as Windows has them; nothing stays."""
    target = parse(f"wine={install()}").make(2)
    assert isinstance(target, WineTarget)
    probe = Probe(target, ProbeOptions(lab="private"), (0, 1))
    assert probe.hello["lab"]["kind"] == "host"
    (prefix,) = place.glob("sockmatrix-*/prefix")
    canary, words = (prefix / "log").read_text().splitlines()
    assert "canary" in canary
    assert words.startswith(
        repr(["-s", "-S", "-E", "Z:" + str(content.probes()).replace("/", "\\")])[:-1]
    )
    assert (target.share(1, 4), target.processors()) == ((1, 4), 1)
    probe.stop()
    probe.stop()
    target.close()
    assert not any(place.glob("sockmatrix-*"))
    with pytest.raises(NotStartedError, match="stopped"):
        target.start([], 0)


def test_a_run_is_never_one_of_windows(install: Callable[..., str]) -> None:
    """The platform is wine, with its version; that of the Windows it imitates is a fact of the target."""
    target = parse(f"wine={install()}").make(1)
    told: dict[str, Any] = {
        "protocol": 2,
        "probe": {"version": "1", "sha256": "0" * 64},
        "platform": {
            "os": "windows",
            "release": "10.0.18362",
            "build": "10.0.18362 client",
            "stack": "winsock",
            "arch": "x86_64",
            "privileges": "user",
        },
        "lab": {"kind": "host"},
    }
    run = header(
        target.describe(told), tool="1", tables={}, planned=0, repeat=1, seed=0, started="2026-01-01"
    )
    target.close()
    assert run.platform.name == "wine 9.0"
    assert systems.system(run.platform) == "wine"
    assert run.target == {"kind": "wine", "imitates": "10.0.18362"}
    assert "windows" not in repr(run.platform).lower()


def test_without_wine(place: Path) -> None:
    """It is said what has to be there, both of it."""
    assert place
    with pytest.raises(NotStartedError, match=r"^there is no Wine here: .*wine=PATH/python\.exe"):
        parse("wine").make(1)


def test_without_a_windows_python(install: Callable[..., str]) -> None:
    """The same where only that is missing."""
    install()
    with pytest.raises(NotStartedError, match=r"^Wine is here, but it needs a Windows Python: "):
        parse("wine").make(1)
    with pytest.raises(NotStartedError, match=r"^there is no /nowhere/python\.exe, a Windows Python: "):
        parse("wine=/nowhere/python.exe").make(1)


def test_wine_that_does_not_run(install: Callable[..., str]) -> None:
    """The reason is what it says last."""
    with pytest.raises(NotStartedError, match="--version does not name a version: no word"):
        parse(f"wine={install('hello')}").make(1)
    target = parse(f"wine={install(broken=True)}").make(1)
    with pytest.raises(NotStartedError, match=r"not run in Wine 9\.0: wine: could not load kernel32"):
        target.start([], 0)
    target.close()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="network namespaces are Linux's")
def test_the_launcher_gives_a_network_of_its_own() -> None:
    """What runs sees lo, up, and nothing else; its errors and its status come back."""
    program = (
        "import socket, sys; print(socket.if_nameindex());"
        " s = socket.socket(); s.bind(('127.0.0.1', 0)); s.listen();"
        " socket.create_connection(s.getsockname()); sys.exit('the end')"
    )
    words = [sys.executable, "-sSE", "-c", wine._LAUNCHER, str(content.probes())]
    done = subprocess.run(
        [*words, sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=60
    )
    if "no private network" in done.stderr:
        pytest.skip(done.stderr)
    assert (done.stdout, done.stderr, done.returncode) == ("[(1, 'lo')]\n", "the end\n", 1)
