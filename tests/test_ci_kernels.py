"""`ci/kernels`: with fake apt and fake guests; one clear status, whatever becomes of one kernel."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import fakeapt
import kernels as lane
import pytest
import smallmatrix
from commandline import ROOT, Done
from fakeprobe import FakeTarget

from sockmatrix.runfile import Run
from sockmatrix.targets import kernels

pytestmark = pytest.mark.once

WANTED = "7.2 7.1 5.10"


@dataclass
class Lane:
    """The lane in an empty directory; `facts` are those of the fake apt."""

    place: Path
    monkeypatch: pytest.MonkeyPatch
    capfd: pytest.CaptureFixture[str]

    def __call__(self, *words: str, trouble: str = "", **facts: Any) -> Done:
        """Run it."""
        if facts or not (self.place / "bin").exists():
            for file in (self.place / "bin").glob("*"):
                file.unlink()
            (self.place / "bin").rmdir() if (self.place / "bin").exists() else None
            for name, value in fakeapt.install(self.place, **facts).items():
                self.monkeypatch.setenv(name, value)
        command = FakeTarget(matrix=str(self.place / "matrix"), trouble=trouble).sockmatrix()
        self.monkeypatch.setenv("SOCKMATRIX_COMMAND", shlex.join(command))
        status = lane.main([*words, "--table", "listening"])
        return Done(status, *self.capfd.readouterr())

    @property
    def outputs(self) -> dict[str, str]:
        """The outputs of the last time."""
        lines = (self.place / "output").read_text().splitlines()
        return dict(line.split("=", 1) for line in lines)


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Lane:
    """Prepare the small matrix and a plain environment."""
    smallmatrix.write(tmp_path / "matrix")
    for name in ("SOCKMATRIX_KERNELS", "SOCKMATRIX_SAMPLE", "SOCKMATRIX_CACHE", "TABLES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GITHUB_OUTPUT", str(tmp_path / "output"))
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "default"))
    monkeypatch.chdir(tmp_path)
    return Lane(tmp_path, monkeypatch, capfd)


def test_all_are_measured(run: Lane, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fetched into the cache that is named, each into a file of its own; what else is there goes."""
    monkeypatch.setenv("SOCKMATRIX_KERNELS", "7.1 newest")
    monkeypatch.setenv("SOCKMATRIX_CACHE", "cache")
    cache = run.place / "cache" / "sockmatrix" / "kernels"
    (cache / "6.1.1-1").mkdir(parents=True)
    (cache / "6.1.1-1" / kernels.LABEL).write_text('{"version": "6.1.1-1", "facts": {}}')
    done = run("--sample", "5", "--prune")
    assert done.code == 0
    assert done.out.splitlines()[-1] == "exit 0: all were measured; 2 of 2 kernels"
    files = sorted(path.name for path in Path("runs").iterdir())
    assert files == ["linux-7.1.13-x86_64.jsonl", "linux-7.2.13-x86_64.jsonl"]
    assert [len(Run.read(f"runs/{name}").cells) for name in files] == [5, 5]
    assert run.outputs == {"runs": "runs", "measured": "2"}
    assert sorted(path.name for path in cache.iterdir()) == ["7.1.13-1~bpo13+1", "7.2.13-1"]
    summary = (run.place / "summary").read_text()
    assert "- linux 7.1.13: 5 of 5 cells in " in summary


def test_one_that_fails_loses_no_other(run: Lane) -> None:
    """Neither one that is not to be had, nor one that is damaged: both are named."""
    assert run(*WANTED.split(), "-o", "first").code == 0
    cache = run.place / "default" / "sockmatrix" / "kernels"
    (cache / "7.1.13-1~bpo13+1" / "vmlinuz").write_bytes(b"damaged")
    done = run(*WANTED.split(), "6.12", "-o", "second", gone=["7.1.13"])
    assert done.code == 4
    assert done.out.splitlines()[-1] == "exit 4: not all were measured; 2 of 4 kernels"
    assert len(list(Path("second").iterdir())) == 2
    summary = (run.place / "summary").read_text()
    assert "- 6.12: not measured: there is no such kernel" in summary
    assert "- 7.1.13-1~bpo13+1: not measured: the kernel 7.1.13-1~bpo13+1 in " in summary
    assert "::warning title=sockmatrix::Not every kernel was fetched" in done.out
    assert "::error title=sockmatrix::exit 4: not all were measured" in done.out


def test_without_a_network(run: Lane) -> None:
    """What is in the cache is measured; if that is nothing, it is said."""
    assert run("5.10", "-o", "first").code == 0
    assert run("5.10", "-o", "second", archive="").code == 0
    done = run("5.10", "--cache", "empty", "-o", "third", archive="")
    assert done.code == 4
    assert done.out.splitlines()[-1] == "exit 4: not all were measured; 0 of 1 kernels"
    assert "is the mirror reachable?" in done.err


@pytest.mark.parametrize(
    ("words", "trouble", "code", "said"),
    [
        ((), "inconclusive", 3, "exit 3: all were measured, but too much of it tells nothing; 1 of 1"),
        ((), "die", 4, "exit 4: not all were measured"),
        (("--frobnicate",), "", 2, "exit 2: wrong usage; 0 of 1 kernels"),
    ],
)
def test_the_status(run: Lane, words: tuple[str, ...], trouble: str, code: int, said: str) -> None:
    """It is the last line, too."""
    done = run("5.10", *words, trouble=trouble)
    assert (done.code, done.out.splitlines()[-1][: len(said)]) == (code, said)


def test_the_program() -> None:
    """It says what it takes, with the Python that PYTHON names."""
    command = [str(ROOT / "ci" / "kernels"), "--help"]
    environment = {**os.environ, "PYTHON": sys.executable}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert (done.returncode, done.stderr) == (0, "")
    assert lane.DEFAULT in done.stdout
