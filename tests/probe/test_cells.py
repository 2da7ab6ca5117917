"""Cells: who may hear which voice, as far as the steps tell, and what a batch must provide."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import lab
import pytest
from cells import CellMaker
from crew import Actor, users
from fake_roles import FakeLab
from programs import Compiler

if TYPE_CHECKING:
    from trials import Cell

RECEIVER = [["socket", "udp4"], ["bind", "lo4"]]
SAY = [["send", "", "lo4", {}]]


def make(*turns: tuple[str, list[Any]], can_switch_users: bool = True) -> Cell:
    """Return the cell with these turns, (actor, operations)."""
    compiler = Compiler(FakeLab())
    maker = CellMaker(compiler, can_switch_users=can_switch_users)
    for actor, operations in turns:
        maker.add(actor, compiler.add(operations))
    return maker.cell("one", solo=False)


def later(label: str) -> list[list[Any]]:
    """Return what the sender says under a label."""
    return [["send", label, "lo4", {}]]


@pytest.mark.parametrize(
    ("text", "process", "socket", "host"),
    [
        ("A", "A", "", "h1"),
        ("A.b", "A", "b", "h1"),
        ("A@h2", "A@h2", "", "h2"),
        ("A.b@u1", "A@u1", "b", "h1"),
    ],
)
def test_an_actor_is_a_process_and_one_of_its_sockets(
    text: str, process: str, socket: str, host: str
) -> None:
    """In a place of its own, or on the first host as the probe's user."""
    actor = Actor.of(text)
    assert (actor.process, actor.socket, actor.host) == (process, socket, host)


def test_all_are_open_when_the_sender_speaks_last() -> None:
    """The usual cell says nothing of it."""
    cell = make(("A", RECEIVER), ("B", RECEIVER), ("S", SAY))
    assert (cell.receivers, cell.closed, cell.closed_at_last) == (("A", "B"), (), ())
    assert [voice.at for voice in cell.voices] == [2]


@pytest.mark.parametrize("end", ["close", "reset", "exit", "kill"])
def test_who_came_later_or_has_gone_is_not_open(end: str) -> None:
    """Each voice has its own moment."""
    cell = make(
        ("A", RECEIVER), ("S", later("alone")), ("B", RECEIVER), ("S", later("both")),
        ("A", [[end]]), ("S", later("left")),
    )  # fmt: skip
    assert cell.closed == (("B",), (), ("A",))
    assert cell.closed_at_last == ("A",)
    assert cell.ends == ("", "", "", "", end if end in ("exit", "kill") else "", "")


def test_all_sockets_of_a_process_end_with_it() -> None:
    """Those of another do not."""
    cell = make(("A", RECEIVER), ("A.b", RECEIVER), ("B", RECEIVER), ("A", [["kill"]]), ("S", SAY))
    assert cell.closed == (("A", "A.b"),)


def test_a_stream_is_open_once_it_listens() -> None:
    """Its bind may have been in an earlier turn, and not at the cell's own port."""
    bind = [["socket", "tcp4"], ["bind", "lo4", "P+1"]]
    call = [["connect", "own", "lo4"], ["connect", "next", "lo4", {"port": "P+1"}]]
    cell = make(("A", bind), ("S", [["connect", "before", "lo4"]]), ("A", [["listen", 8]]), ("S", call))
    assert cell.closed == (("A",), ("A",), ())
    assert cell.ports == 2


def test_talkers_and_the_bystander_are_no_receivers() -> None:
    """However they are bound."""
    cell = make(("A", RECEIVER), ("X", RECEIVER), ("J", RECEIVER), ("X.b", RECEIVER), ("S", SAY))
    assert cell.receivers == ("A",)
    assert cell.closed == ()


def test_what_an_actor_speaks_itself_has_no_control() -> None:
    """It comes from one source port, and is counted under its label."""
    cell = make(("A", RECEIVER), ("X", [["socket", "udp4"], ["speak", "own", "lo4", "P", 4]]))
    assert cell.own_voices(1) == [0]
    assert (cell.voices[0].own, cell.voices[0].kind, cell.voices[0].connects) == (True, None, False)


def test_a_connection_of_a_role_may_stay_in_time_wait() -> None:
    """Its ports are spent."""
    talk = [["socket", "tcp4"], ["connect", "lo4"]]
    assert make(("A", RECEIVER), ("X", talk)).spends
    assert not make(("A", RECEIVER), ("X", [["socket", "udp4"], ["connect", "lo4"]])).spends


def test_a_place_that_is_not_here_is_unavailable() -> None:
    """Another user takes root, another host a lab of several."""
    with pytest.raises(lab.Unavailable, match="needs root"):
        make(("A@u1", RECEIVER), can_switch_users=False)
    with pytest.raises(lab.Unavailable, match="no host h2"):
        make(("A@h2", RECEIVER))


@pytest.mark.parametrize(
    ("effective", "uid_map", "expected"),
    [
        (0, "         0          0 4294967295\n", True),
        (0, "", True),  # a system without user namespaces
        (0, "         0       1000          1\n", False),
        (1000, "         0          0 4294967295\n", False),
        (None, "", False),  # Windows
    ],
)
def test_only_root_can_be_two_users(effective: int | None, uid_map: str, expected: bool) -> None:
    """And only where those ids exist."""
    assert users(effective, uid_map) == expected
