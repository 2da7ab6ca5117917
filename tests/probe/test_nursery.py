"""A nursery: roles that are forked, each as new as a process of its own. With real children."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import crew
import nursery
import pytest
from crew import Crew
from fake_roles import FakeLab
from process import RoleLost, RoleProcess
from programs import Compiler

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nursery import Nursery

pytestmark = pytest.mark.skipif(
    not nursery.supported(sys.platform), reason="needs Linux: descriptors sent"
)

PATIENCE = 60.0  # far more than anything here takes


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch) -> Iterator[Nursery]:
    """Return a nursery of the probe's own roles."""
    monkeypatch.setattr(sys, "path", [str(Path(nursery.__file__).parent), *sys.path])
    one = nursery.Nursery()
    yield one
    one.stop()


def born(home: Nursery, name: str = "A") -> RoleProcess:
    """Return a forked role."""
    return RoleProcess(name, b"01234567", None, None, home.fork(name))


def exists(pid: int) -> bool:
    """Tell whether there is such a process, a dead one that nobody has reaped among them."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_roles_are_processes_of_their_own(home: Nursery) -> None:
    """They answer each for itself, and one that ends leaves the other alone."""
    first, second = born(home), born(home, "B")
    assert first.pid != second.pid
    assert first.ask("drain", patience=PATIENCE) == ({}, {})
    first.stop()
    assert not exists(first.pid)
    first.stop()
    assert second.ask("close", patience=PATIENCE) == 0
    assert Path(f"/proc/{second.pid}/comm").read_text() == "role B\n"
    second.stop()


def test_what_one_role_holds_another_does_not(home: Nursery) -> None:
    """A descriptor that stayed open elsewhere would keep a port, and keep an end of input away."""
    first, second = born(home), born(home, "B")
    held = [
        {str(one.readlink()) for one in Path(f"/proc/{role.pid}/fd").iterdir()}
        for role in (first, second)
        if role.ask("drain", patience=PATIENCE)
    ]
    pipes = [{name for name in names if name.startswith("pipe:")} for names in held]
    # Each has the two pipes of its own, and stderr, which may be a pipe that all share.
    assert len(pipes[0] & pipes[1]) <= 1
    assert not any(name.startswith("socket:") for names in held for name in names)
    for role in (first, second):
        role.stop()


def test_a_role_may_end_by_itself(home: Nursery) -> None:
    """It is waited for, within a limit."""
    role = born(home)
    with pytest.raises(RoleLost, match="did not end"):
        role.wait(0.0)
    role.post("exit")
    role.wait(PATIENCE)
    assert not exists(role.pid)
    role.stop()


def test_a_role_in_trouble_says_so_and_is_lost(home: Nursery) -> None:
    """What it says is a traceback, and its nursery goes on."""
    role = born(home)
    role.post("no such request")
    with pytest.raises(RoleLost, match="died"):
        role.take(PATIENCE)
    role.stop()
    again = born(home)
    assert again.ask("close", patience=PATIENCE) == 0
    again.stop()


def test_roles_end_with_their_nursery(home: Nursery) -> None:
    """However their conductor ends, it closes the line."""
    role = born(home)
    assert role.ask("close", patience=PATIENCE) == 0
    home.stop()
    with pytest.raises(RoleLost):
        role.take(PATIENCE)
    role.stop()


def test_without_a_nursery_a_role_is_started_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that cannot be had, or has died, costs time and nothing else."""
    started = []

    def refuse(_: object) -> None:
        raise OSError(None, "no descriptors can be sent")

    def start(*arguments: object) -> object:
        started.append(arguments)
        return object()

    monkeypatch.setattr(nursery, "Nursery", refuse)
    monkeypatch.setattr(crew, "RoleProcess", start)
    one = Crew(Compiler(FakeLab(), "linux"), range(2000, 1990, -1), {}, None)
    for name in "AB":
        with pytest.raises(AttributeError):
            one.post(name, "drain")
    assert [arguments[-1] for arguments in started] == [None, None]


def test_a_nursery_that_has_died_forks_nothing(home: Nursery) -> None:
    """The conductor is told so."""
    home._process.kill()
    home._process.wait()
    with pytest.raises(OSError, match=r".*"):
        home.fork("A")


def test_only_linux_has_one() -> None:
    """By the platform's name alone."""
    assert [name for name in ("linux", "darwin", "win32", "freebsd14") if nursery.supported(name)] == [
        "linux"
    ]


def test_a_limit_is_kept(home: Nursery) -> None:
    """As subprocess.Popen keeps it."""
    role = home.fork("A")
    with pytest.raises(subprocess.TimeoutExpired):
        role.wait(0.0)
    role.kill()
    role.wait()
    role.wait(0.0)
    for pipe in (role.stdin, role.stdout):
        assert pipe is not None
        pipe.close()
