"""What acts tell: notes, what was spoken, who is shut, and the fence once anything was sent."""

from __future__ import annotations

import errno
from typing import Any

import acts
import payload
import pytest
from fake_places import FROM, GROUP, HERE, NONCE, PORT, Fake, at, ours
from opcodes import ACT
from place import Place
from role import Role
from talk import Talk


class Voice:
    """The sender of a role, of which only the fence matters."""

    def __init__(self, *, heard: bool = True) -> None:
        """Note what it is asked."""
        self.heard = heard
        self.calls: list[tuple[Any, ...]] = []

    def stay(self) -> None:
        """Stay on one CPU."""
        self.calls.append(("stay",))

    def fence(self, fences: list[Any], patience: float) -> bool:
        """Say whether it was heard."""
        self.calls.append(("fence", fences, patience))
        return self.heard


def talk(*operations: tuple[str | None, str, tuple[Any, ...]], place: Place, voice: int = 0) -> Talk:
    """Perform (label, act, arguments) in a place."""
    found = Talk(place.role)
    for label, name, arguments in operations:
        found.act((ACT, label, name, name, arguments), place, voice)
    return found


def with_voice(voice: Voice) -> Place:
    """Return a place whose role can send fences."""
    role = Role(NONCE, voice)  # type: ignore[arg-type]
    role.here(HERE, [(2, "127.0.0.1", None, 0)])
    role.sockets[5] = Fake()  # type: ignore[assignment]
    return Place(role, 5, PORT, GROUP)


def test_a_result_is_noted_under_its_label() -> None:
    """Without a label it only has to succeed."""
    place = at(Fake((ours(), [], 0, FROM)))
    found = talk((None, "name", ()), ("got", "receive", (2048, 0)), ("who", "name", ()), place=place)
    heard = "heard=hello size=32 from=lo4:ephemeral"
    assert found.told()[0] == {5: {"got": heard, "who": "lo4:P"}}


@pytest.mark.parametrize("name", ["receive", "errors", "accept"])
def test_nothing_to_receive_is_no_error(name: str) -> None:
    """With a label or without."""
    arguments: dict[str, tuple[Any, ...]] = {"receive": (2048, 0), "errors": (), "accept": ("b",)}
    sock = Fake()
    sock.error = BlockingIOError(errno.EAGAIN, "nothing")
    found = talk((None, name, arguments[name]), ("x", name, arguments[name]), place=at(sock))
    assert found.notes == {5: {"x": "nothing"}}


def test_a_full_buffer_is_an_error() -> None:
    """EAGAIN of a send is no `nothing`."""
    sock = Fake()
    sock.error = BlockingIOError(errno.EAGAIN, "full")
    sent: tuple[Any, ...] = (("group4",), "P", "hello", None, 0, [])
    assert talk(("x", "send", sent), place=at(sock)).notes == {5: {"x": "EAGAIN"}}
    with pytest.raises(BlockingIOError):
        talk((None, "send", sent), place=at(sock))


@pytest.mark.parametrize("error", [TypeError, ValueError, AttributeError, OverflowError, ImportError])
def test_what_python_cannot_do_is_the_failure_of_that_act(
    monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    """A system without it must not lose the role, and with it the cells of a batch."""

    def fail(_: Place) -> str:
        raise error("no such thing here")

    monkeypatch.setitem(acts.ACTS, "poll", fail)
    assert list(talk(("x", "poll", ()), place=at(Fake())).notes[5]) == ["x"]
    with pytest.raises(OSError, match="no such thing here"):
        talk((None, "poll", ()), place=at(Fake()))


def test_an_absent_option_is_noted() -> None:
    """The compiler knew."""
    assert talk(("x", "absent", ()), place=at(Fake())).notes == {5: {"x": "absent"}}


def test_what_is_spoken_is_told_by_voice() -> None:
    """The numbers of the cell's voices go on from the first of the turn."""
    sock = Fake()
    said = ("127.0.0.1", "P", 1, 3)
    found = talk((None, "speak", said), place=at(sock), voice=2)
    assert found.told()[1] == {5: [(3, 0b111, "")]}
    assert sock.calls[0][1] == payload.head(NONCE, 5) + b"\x03" + payload.SEQUENCES[0]


def test_who_is_not_open_afterwards_is_told() -> None:
    """Of the trials that acted."""
    place = at(Fake())
    assert talk(("x", "name", ()), place=place).told()[2] == [5]
    assert talk(("x", "bind", ("127.0.0.1", "P")), place=place).told()[2] == []
    assert talk(("x", "close", ()), place=place).told()[2] == [5]


@pytest.mark.parametrize("heard", [True, False])
@pytest.mark.parametrize(
    ("name", "arguments"),
    [("send", (None, "P", "x", None, 0, [])), ("speak", ("127.0.0.1", "P", 0, 1)), ("close", ())],
)
def test_a_fence_follows_what_was_sent(name: str, arguments: tuple[Any, ...], heard: bool) -> None:
    """From the CPU that the role stays on from its first datagram; one for the whole request."""
    voice = Voice(heard=heard)
    place = with_voice(voice)
    found = talk((None, name, arguments), ("x", "send", (None, "P", "x", None, 0, [])), place=place)
    assert found.told()[3] is heard
    assert voice.calls == [("stay",), ("fence", [(2, "127.0.0.1", None, 0)], 2.0)]


def test_a_failed_send_has_a_fence_too() -> None:
    """What it sent before may be on its way."""
    voice = Voice()
    place = with_voice(voice)
    place.role.sockets[5].error = OSError(errno.EACCES, "no")  # type: ignore[attr-defined]
    assert talk(("x", "send", (None, "P", "x", None, 0, [])), place=place).told()[3] is True


def test_nothing_sent_has_no_fence() -> None:
    """It would cost time."""
    voice = Voice()
    assert talk(("x", "name", ()), place=with_voice(voice)).told()[3] is None
    assert voice.calls == []
