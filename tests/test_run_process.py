"""`sockmatrix run` as a process: signals, pipes and terminals."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import smallmatrix
from commandline import Done, cells_of, environment
from fakeprobe import FakeTarget

from sockmatrix.runfile import Run

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def matrix(tmp_path: Path) -> Path:
    """Return the directory of the small matrix."""
    return smallmatrix.write(tmp_path / "matrix")


def wait_for(condition: Callable[[], object], child: subprocess.Popen[str]) -> None:
    """Wait until something holds, for as long as the child lives."""
    while not condition():
        assert child.poll() is None, child.communicate()
        time.sleep(0.01)


def interrupt(command: list[str], path: Path, cwd: Path, sign: signal.Signals) -> Done:
    """Start a command in a session of its own, and send it a signal once it has measured something."""
    child = subprocess.Popen(
        command,
        cwd=cwd,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        wait_for(lambda: path.exists() and b'"kind":"cell"' in path.read_bytes(), child)
        os.kill(child.pid, sign)
        out, err = child.communicate()
    finally:
        child.kill()
        child.wait()
    return Done(child.returncode, out, err)


def next_command(out: str) -> list[str]:
    """Return the arguments of the command that is recommended next."""
    (line,) = (line for line in out.splitlines() if line.startswith("next "))
    words = shlex.split(line.removeprefix("next").partition("   measures")[0])
    assert words[0] == "sockmatrix"
    return words[1:]


@pytest.mark.skipif(os.name == "nt", reason="no signal can be sent to one process alone")
@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c(matrix: Path, tmp_path: Path, sign: signal.Signals) -> None:
    """What was measured is kept, the probe is ended, and the command that is named next completes it."""
    target = FakeTarget(trouble="hang", at=3, matrix=str(matrix), log=str(tmp_path / "log"))
    path = tmp_path / "a file.jsonl"
    arguments = ["run", "-o", path.name, "--jobs", "1", "--sample", "80", "--only", "receivers=2,3"]
    done = interrupt(target.sockmatrix(*arguments), path, tmp_path, sign)
    assert done.code == 130
    assert done.err.count("\n") == 1
    assert done.err.startswith("Measuring 80 cells")
    assert re.search(r"^[24]0 of 80 cells in ", done.out, re.MULTILINE)
    assert done.out.endswith("exit 130: interrupted\n")
    run = Run.read(path)
    assert run.footer is not None
    assert run.footer.ended == "interrupted"
    assert len(run.cells) in (20, 40)
    started = [json.loads(line)[0] for line in Path(target.log).read_text().splitlines()]
    for pid in set(started):
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)

    again = replace(target, trouble="")
    resumed = subprocess.run(
        again.sockmatrix(*next_command(done.out)),
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert resumed.returncode == 0, resumed.stderr
    assert len(cells_of(path)) == len(Run.read(path).cells) == 80
    assert set(Run.read(path).cells) <= smallmatrix.selection(matrix).ids
    assert Run.read(path).complete


def test_ctrl_c_for_real(private_lab: None, tmp_path: Path) -> None:
    """The same with the real probe, in a lab of its own: interrupted, then resumed to what is planned."""
    path = tmp_path / "run.jsonl"
    common = ["--table", "loopback-broadcast", "--sample", "120", "--seed", "1", "--repeat", "1"]
    common += ["--lab", "private", "--jobs", "1"]
    command = [sys.executable, "-m", "sockmatrix", "run"]
    slow = [*command, *common, "--settle", "0.2", "-o", str(path)]
    done = interrupt(slow, path, tmp_path, signal.SIGINT)
    assert done.code == 130, done
    assert done.err.count("\n") == 1
    run = Run.read(path)
    assert run.footer is not None
    assert run.footer.ended == "interrupted"
    assert 0 < len(run.cells) < 120
    resume = next_command(done.out)
    subprocess.run([*command[:-1], *resume], cwd=tmp_path, env=environment(), check=True)
    from sockmatrix.selection import select

    planned = select(["loopback-broadcast"], sample=120, seed=1)
    assert sorted(cells_of(path)) == sorted(planned.ids)
    assert Run.read(path).complete


def test_a_reader_that_leaves(matrix: Path, tmp_path: Path) -> None:
    """`sockmatrix run | head` is silent about the pipe, and its file is complete."""
    target = FakeTarget(matrix=str(matrix))
    with subprocess.Popen(
        target.sockmatrix("run", "-o", "out.jsonl"),
        cwd=tmp_path,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as child:
        assert child.stdout is not None
        assert child.stderr is not None
        child.stdout.close()
        said = child.stderr.read()
    assert said.startswith("Measuring")
    assert said.count("\n") == 1
    assert child.returncode == 0
    assert Run.read(tmp_path / "out.jsonl").complete


def on_terminal(command: list[str], cwd: Path, **changes: str) -> tuple[int, str]:
    """Run a command on a terminal; return its status and what the terminal got."""
    pty = pytest.importorskip("pty", reason="there are no pseudo-terminals here")
    ours, theirs = pty.openpty()
    child = subprocess.Popen(
        command, cwd=cwd, env=environment(**changes), stdin=theirs, stdout=theirs, stderr=theirs
    )
    os.close(theirs)
    got = b""
    try:
        while chunk := os.read(ours, 65536):
            got += chunk
    except OSError:  # Linux says so when the other side is closed
        pass
    finally:
        os.close(ours)
    return child.wait(), got.decode()


_COLOUR = re.compile(r"\x1b\[([0-9;]*;)?(3[0-9]|4[0-9]|9[0-7])[0-9;]*m")


def test_a_terminal_gets_a_bar_and_colours(matrix: Path, tmp_path: Path) -> None:
    """On a terminal there is a progress bar, and words have colours."""
    command = FakeTarget(matrix=str(matrix)).sockmatrix("run", "-o", "out.jsonl")
    code, got = on_terminal(command, tmp_path)
    assert code == 0
    assert "measuring" in got
    assert "176/176" in got
    assert _COLOUR.search(got)
    assert "exit 0: measured and as expected" in got


def test_no_color(matrix: Path, tmp_path: Path) -> None:
    """With NO_COLOR there is none, neither in the tables nor in the bar."""
    command = FakeTarget(matrix=str(matrix)).sockmatrix("run", "-o", "out.jsonl")
    code, got = on_terminal(command, tmp_path, NO_COLOR="1")
    assert code == 0
    assert "measuring" in got
    assert not _COLOUR.search(got)


def test_a_pipe_gets_plain_lines(matrix: Path, tmp_path: Path) -> None:
    """On a pipe there is neither bar nor colour: lines, and nothing that drives a terminal."""
    done = subprocess.run(
        FakeTarget(matrix=str(matrix)).sockmatrix("run", "-o", "out.jsonl"),
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0
    for text in (done.stdout.decode(), done.stderr.decode()):
        assert all(one.isprintable() or one == "\n" for one in text)
    assert done.stderr.count(b"\n") == 1
