"""The probe as one file, the cells it is given, and what it wrote, imported as a run."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from commandline import Commands

from sockmatrix.runfile import Run
from sockmatrix.targets import zipapp

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def sockmatrix(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Commands:
    """Run commands on the small matrix."""
    return Commands.prepared(capsys, monkeypatch, tmp_path)


def observe(sockmatrix: Commands, *arguments: str, cells: str = "cells.jsonl") -> bytes:
    """Return what a fake probe, started by hand, says of exported cells."""
    assert sockmatrix("probe", "--cells", cells, *arguments).code == 0
    command = sockmatrix.target.command([])
    with Path(cells).open("rb") as file:
        return subprocess.run(command, stdin=file, capture_output=True, check=True).stdout


def test_there_and_back(sockmatrix: Commands) -> None:
    """What was measured elsewhere is the run that would have been measured here."""
    Path("seen.jsonl").write_bytes(observe(sockmatrix))
    done = sockmatrix("import", "seen.jsonl", "-o", "there.jsonl")
    assert (done.code, done.err) == (0, "")
    assert done.out.splitlines() == [
        "176 cells of linux 6.12.1",
        "",
        "run file  there.jsonl",
        "exit 0: measured and as expected",
    ]
    assert sockmatrix("run", "-o", "here.jsonl").code == 0
    there, here = Run.read("there.jsonl"), Run.read("here.jsonl")
    assert there.complete
    assert dict(there.cells) == dict(here.cells)
    assert there.header.repeat == 3


def test_run_takes_it_in(sockmatrix: Commands) -> None:
    """As `import` does, and tells of it as of a run that was measured here; only some cells, if asked."""
    Path("seen.jsonl").write_bytes(observe(sockmatrix))
    done = sockmatrix("run", "--observations", "seen.jsonl", "-o", "there.jsonl")
    assert (done.code, done.err) == (0, "")
    assert sockmatrix("import", "seen.jsonl", "-o", "imported.jsonl").code == 0
    assert Path("there.jsonl").read_bytes() == Path("imported.jsonl").read_bytes()
    assert done.out.splitlines()[:2] == ["hearing", "Who hears it?"]
    assert done.out.splitlines()[-1] == "exit 0: measured and as expected"
    some = sockmatrix(
        "run", "--observations", "seen.jsonl", "-o", "some", "--table", "listening", "--json"
    )
    assert json.loads(some.out)["planned"] == len(Run.read("some").cells) == 16


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--on", "gvisor"), "--on is about measuring, and --observations measures nothing"),
        (("--resume",), "--resume is about measuring"),
        (("--only", "listening/*"), "seen.jsonl: none of these cells is in it"),
        (("--table", "listening", "-o", "there.jsonl"), "seen.jsonl: none of these cells is in it"),
    ],
)
def test_what_cannot_be_taken_in(sockmatrix: Commands, words: tuple[str, ...], said: str) -> None:
    """One line, and no run file."""
    Path("seen.jsonl").write_bytes(observe(sockmatrix, "--table", "hearing"))
    done = sockmatrix("run", "--observations", "seen.jsonl", *words)
    assert (done.code, done.out) == (2, "")
    assert done.err == f"sockmatrix run: {done.err[16:]}"
    assert said in done.err
    assert sorted(path.name for path in Path().iterdir()) == ["cells.jsonl", "seen.jsonl"]


def test_some_cells(sockmatrix: Commands) -> None:
    """Of some cells the run is complete, too, and has a name of its own."""
    Path("seen.jsonl").write_bytes(observe(sockmatrix, "--table", "listening", "--repeat", "2"))
    assert sockmatrix("import", "seen.jsonl").code == 0
    (path,) = Path("runs").iterdir()
    run = Run.read(path)
    assert {key.partition("/")[0] for key in run.cells} == {"listening"}
    assert run.header.repeat == 2


def _cut(text: bytes) -> bytes:
    return b"".join(text.splitlines(keepends=True)[:20]) + b'{"kind":"obs'


@pytest.mark.parametrize(
    ("change", "code", "said"),
    [
        (_cut, 3, "seen.jsonl ends before the probe had said all"),
        (lambda text: text.replace(b"hearing/", b"hering/"), 2, "is no cell of this version"),
        (
            lambda text: text.replace(b'"protocol": 2', b'"protocol": 9'),
            2,
            "seen.jsonl:1: not what a probe",
        ),
        (lambda text: b"\n".join(text.splitlines()[1:]) + b"\n", 2, "no probe says there what it is"),
        (lambda text: text.splitlines(keepends=True)[0], 2, "there is no observation in it"),
        (lambda _: b"\xff\xfe\n", 2, "seen.jsonl:1: not what a probe says"),
        (lambda _: b"", 2, "no probe says there what it is"),
    ],
)
def test_what_is_not_an_observation(
    sockmatrix: Commands, change: Callable[[bytes], bytes], code: int, said: str
) -> None:
    """One line says where and what; of a file cut short the beginning counts."""
    Path("seen.jsonl").write_bytes(change(observe(sockmatrix)))
    done = sockmatrix("import", "seen.jsonl", "-o", "out.jsonl")
    assert done.code == code
    assert said in done.err
    assert Path("out.jsonl").exists() is (code == 3)


def test_two_machines_are_two_runs(sockmatrix: Commands) -> None:
    """Files of two systems do not become one."""
    text = observe(sockmatrix)
    Path("one.jsonl").write_bytes(text)
    Path("two.jsonl").write_bytes(text.replace(b"6.12.1", b"6.12.2"))
    done = sockmatrix("import", "one.jsonl", "two.jsonl")
    assert done.code == 2
    assert "two.jsonl:1: not what a probe says: it is of another machine" in done.err


def test_nothing_to_write(sockmatrix: Commands) -> None:
    """It is said what there is to write; a lab without cells is an error."""
    assert "--export FILE writes the probe" in sockmatrix("probe").err
    done = sockmatrix("probe", "--cells", "x", "--lab", "hosts-3")
    assert (done.code, Path("x").exists()) == (2, False)
    assert "none of these cells is measured in the lab hosts-3" in done.err


def test_the_same_bytes(sockmatrix: Commands, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same sources make the same file, whenever and wherever; and it knows its hash."""
    done = sockmatrix("probe", "--export", "probe.pyz")
    assert done.code == 0
    assert "there  python3 probe.pyz < CELLS > observations.jsonl" in done.err
    assert Path("probe.pyz").read_bytes() == zipapp.build()
    with zipfile.ZipFile("probe.pyz") as archive:
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert archive.namelist() == sorted(archive.namelist())
        assert "__main__.py" in archive.namelist()


def test_the_file_is_the_probe(sockmatrix: Commands) -> None:
    """It runs alone, and says the hash that the directory says."""
    sockmatrix("probe", "--export", "probe.pyz")
    from sockmatrix import content

    hashes = []
    for program in ("probe.pyz", str(content.probes())):
        command = [sys.executable, "-S", "-E", "-s", program, "--lab", "host"]
        done = subprocess.run(command, input=b"", capture_output=True, check=True)
        hashes.append(json.loads(done.stdout)["probe"])
    assert hashes[0] == hashes[1]
