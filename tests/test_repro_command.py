"""`sockmatrix repro`: a program on stdout or in a file, and one line for what cannot be."""

from __future__ import annotations

from pathlib import Path

import pytest
from commandline import Commands, write_run

CELL = "hearing/dest:lo4/A:lo4.addr/B:any4.none"


@pytest.fixture
def sockmatrix(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Commands:
    """Run commands with a fake probe."""
    return Commands.prepared(capsys, monkeypatch, tmp_path)


@pytest.mark.parametrize(
    ("language", "begins", "run"),
    [
        ("python", "#!/usr/bin/env python3", "python3 repro.py"),
        ("c", "/*", "cc -o repro repro.c"),
        ("socat", "#!/bin/sh", "sh repro.sh"),
    ],
)
def test_a_program_is_printed(sockmatrix: Commands, language: str, begins: str, run: str) -> None:
    """It begins with the cell, its question, and how to run it."""
    done = sockmatrix("repro", CELL, "--as", language)
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith(begins)
    assert CELL in done.out
    assert "Who hears it?" in done.out
    assert run in done.out
    assert "Recorded" not in done.out


def test_a_file_and_what_a_run_recorded(sockmatrix: Commands, tmp_path: Path) -> None:
    """The header names the file, the platform of the run and its outcome."""
    run = write_run(tmp_path / "run.jsonl", sockmatrix.selection)
    done = sockmatrix("repro", CELL, "--run", str(run), "-o", "mine.py")
    assert (done.code, done.out, done.err) == (0, "", "")
    text = (tmp_path / "here" / "mine.py").read_text()
    assert "Recorded by sockmatrix on linux 6.12.1: " in text.replace("\n", " ")
    assert "python3 mine.py" in text
    compile(text, "mine.py", "exec")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("hearing",), "hearing is a table, not a cell"),
        (("hearing/dest:lo5/A:lo4.addr",), "lo5"),
        (("nowhere/dest:lo4",), 'unknown table "nowhere"'),
        ((CELL, "--run", "missing.jsonl"), "missing.jsonl"),
        (
            ("listening/transport:tcp/listen:after/A:lo4.addr/B:lo4.addr", "--as", "socat"),
            "cannot express",
        ),
    ],
)
def test_what_cannot_be_is_one_line(sockmatrix: Commands, arguments: tuple[str, ...], said: str) -> None:
    """Exit status 2, and nothing is written."""
    done = sockmatrix("repro", *arguments, "-o", "repro.out")
    assert done.code == 2
    assert said in done.err
    assert done.err.count("\n") == 1
    assert not Path("repro.out").exists()


def test_a_cell_that_a_run_does_not_have(sockmatrix: Commands, tmp_path: Path) -> None:
    """Nothing is made up in its place."""
    run = write_run(tmp_path / "run.jsonl", sockmatrix.selection, ended="interrupted")
    last = sockmatrix.selection.cells[-1].id
    done = sockmatrix("repro", last, "--run", str(run))
    assert (done.code, done.out) == (2, "")
    assert "has nothing of this cell" in done.err
