"""The first file system of a guest: the format, and what is in it."""

from __future__ import annotations

import io
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from sockmatrix import content
from sockmatrix.targets import agent, initramfs
from sockmatrix.targets.conversation import NotStartedError
from sockmatrix.targets.cpio import Archive


def read(data: bytes) -> dict[str, tuple[int, bytes]]:
    """Return the files of archives, one after the other, by name: mode and content."""
    found: dict[str, tuple[int, bytes]] = {}
    place = 0
    while place < len(data):
        if data[place : place + 1] == b"\0":
            place += 1  # what fills up an archive
            continue
        assert data[place : place + 6] == b"070701"
        numbers = [int(data[place + 6 + 8 * index : place + 14 + 8 * index], 16) for index in range(13)]
        start = place + 110
        name = data[start : start + numbers[11] - 1].decode()
        start += numbers[11]
        start += -start % 4
        content_ = data[start : start + numbers[6]]
        place = start + numbers[6]
        place += -place % 4
        if name != "TRAILER!!!":
            found[name] = (numbers[1], content_)
    return found


def test_an_archive() -> None:
    """Directories come before what is in them, and once; all is root's, and what may run may run."""
    out = io.BytesIO()
    archive = Archive(out)
    archive.add("/a/b/c", b"12345")
    archive.add("/a/b/program", b"", executable=True)
    archive.add("/a/b/c", b"again")
    archive.close()
    assert len(out.getvalue()) % 512 == 0
    found = read(out.getvalue())
    assert list(found) == ["a", "a/b", "a/b/c", "a/b/program"]
    assert found["a/b/c"] == (stat.S_IFREG | 0o644, b"12345")
    assert found["a/b/program"] == (stat.S_IFREG | 0o755, b"")
    assert found["a"] == (stat.S_IFDIR | 0o755, b"")


def test_the_programs() -> None:
    """The first process, the agent, and the probe with its sources, whose hash it tells."""
    found = read(initramfs.programs())
    assert found["init"][0] & 0o111
    assert found["init"][1].startswith(f"#!{initramfs.PYTHON} ".encode())
    assert found["agent.py"][1] == Path(agent.__file__).read_bytes()
    for path in content.probes().glob("*.py"):
        assert found[f"probes/{path.name}"][1] == path.read_bytes()
    assert f"probes/__pycache__/lab.{sys.implementation.cache_tag}.pyc" in found


def test_modules_are_loaded_in_order() -> None:
    """Their names say which comes first."""
    found = read(initramfs.modules([("llc", b"1"), ("stp", b"2")]))
    assert sorted(name for name in found if name.endswith(".ko")) == [
        "modules/00-llc.ko",
        "modules/01-stp.ko",
    ]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="guests are made on Linux")
def test_the_python_runs_where_nothing_else_is(tmp_path: Path) -> None:
    """Unpacked elsewhere, it finds its own library, and the probe and the agent start on it."""
    for name, (mode, data) in read(initramfs.base() + initramfs.programs()).items():
        path = tmp_path / name
        if stat.S_ISDIR(mode):
            path.mkdir(exist_ok=True)
        elif not path.exists():
            path.write_bytes(data)
            path.chmod(stat.S_IMODE(mode))
    python = tmp_path / initramfs.PYTHON.lstrip("/")
    environment = {"PATH": "/nowhere", "LD_LIBRARY_PATH": ""}
    program = (
        "import sys, runpy, asyncio, ctypes, hashlib, json, queue, random, select, socket, zipfile\n"
        f"assert not [p for p in sys.path if p and not p.startswith({str(tmp_path)!r})], sys.path\n"
        f"runpy.run_path({str(tmp_path / 'agent.py')!r})\n"
        "print(json.__file__)\n"
    )
    for command in (["-c", program], [str(tmp_path / "probes"), "--doctor"]):
        done = subprocess.run(
            [str(python), "-s", "-S", "-E", *command],
            capture_output=True,
            text=True,
            check=False,
            env=environment,
        )
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout


@pytest.mark.parametrize("system", ["darwin", "win32"])
def test_guests_are_made_on_linux(monkeypatch: pytest.MonkeyPatch, system: str) -> None:
    """Elsewhere it is said why not."""
    initramfs.base.cache_clear()
    monkeypatch.setattr(sys, "platform", system)
    with pytest.raises(NotStartedError, match="has to be CPython for Linux on x86_64, not "):
        initramfs.base()
