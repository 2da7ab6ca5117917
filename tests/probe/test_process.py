"""A role process: answers in order, within a time limit, and nothing left behind. With real children."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import process
import pytest
from process import RoleLost, RoleProcess

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Start = Callable[[], RoleProcess]

PATIENCE = 60.0  # far more than anything here takes

CHILD = f"""
import os, sys, time
sys.path.insert(0, {str(Path(process.__file__).parent)!r})
import frames

requests, answers = sys.stdin.buffer, sys.stdout.buffer
nonce, cpu, _ = frames.read(requests)
while True:
    name, *arguments = frames.read(requests)
    if name == "who":
        frames.write(answers, [sys.argv[1:], nonce, cpu, os.getpid()])
    elif name == "die":
        os._exit(3)
    elif name == "half":
        answers.write(b"\\x10\\0\\0\\0half")
        answers.flush()
        os._exit(3)
    elif name == "sleep":
        time.sleep(600)
    else:
        frames.write(answers, arguments)
"""


@pytest.fixture
def start(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Start]:
    """Return a function that starts a role whose program is `CHILD`."""
    (tmp_path / "__main__.py").write_text(CHILD)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    started = []

    def begin() -> RoleProcess:
        started.append(RoleProcess("A", b"01234567", 1))
        return started[-1]

    yield begin
    for role in started:
        role.stop()


def test_a_role_is_told_its_name_nonce_and_cpu(start: Start) -> None:
    """It is the same program, started with --role."""
    role = start()
    assert role.ask("who", patience=PATIENCE) == [["--role", "A"], b"01234567", 1, role.pid]


def test_answers_are_taken_in_the_order_of_the_requests(start: Start) -> None:
    """Requests can be posted ahead: the next batch opens while this one closes."""
    role = start()
    for number in range(5):
        role.post("echo", number)
    assert [role.take(PATIENCE) for _ in range(5)] == [[number] for number in range(5)]


def test_a_large_request_and_answer_pass(start: Start) -> None:
    """More than a pipe holds."""
    data = "x" * 3_000_000
    assert start().ask("echo", data, patience=PATIENCE) == [data]


@pytest.mark.parametrize("how", ["die", "half"])
def test_a_role_that_dies_is_lost(start: Start, how: str) -> None:
    """Also half-way through an answer; what it said before still counts."""
    role = start()
    role.post("echo", 1)
    role.post(how)
    assert role.take(PATIENCE) == [1]
    with pytest.raises(RoleLost, match="role A died"):
        role.take(PATIENCE)


def test_a_role_that_is_silent_is_lost(start: Start) -> None:
    """After the time limit, whatever it is doing."""
    role = start()
    role.post("sleep")
    with pytest.raises(RoleLost, match=r"did not answer in 0.01 s"):
        role.take(0.01)


def test_what_fits_into_a_pipe_depends_on_the_kind_of_system() -> None:
    """By the platform's name alone."""
    assert {process.small(name) for name in ("linux", "darwin", "sunos5")} == {16384}
    assert process.small("win32") == 2048


def test_posting_to_a_dead_role_is_a_loss(start: Start) -> None:
    """Its pipe is broken."""
    role = start()
    role.post("die")
    with pytest.raises(RoleLost):
        role.take(PATIENCE)
    role._child.wait(PATIENCE)
    with pytest.raises(RoleLost, match="role A died"):
        role.post("echo")


def test_a_role_that_reads_nothing_is_lost(monkeypatch: pytest.MonkeyPatch, start: Start) -> None:
    """A request that does not fit into the pipe must not wait for a hanging role for ever."""
    role = start()
    role.post("sleep")
    monkeypatch.setattr(process, "POST_PATIENCE", 0.05)
    with pytest.raises(RoleLost):
        role.post("echo", "x" * 3_000_000)


def test_stop_reaps_the_process(start: Start) -> None:
    """Nothing is left, neither of a role at rest nor of one that hangs; stopping again is no error."""
    for request in ("echo", "sleep"):
        role = start()
        role.post(request)
        role.stop()
        if hasattr(os, "WNOHANG"):
            with pytest.raises(ChildProcessError):
                os.waitpid(role.pid, os.WNOHANG)
        role.stop()


def test_a_role_ends_with_its_conductor(start: Start) -> None:
    """Its input is closed: it must not outlive the probe."""
    role = start()
    assert role._child.stdin is not None
    role._child.stdin.close()
    role._child.wait(PATIENCE)
