"""A role: it opens, drains and closes what it is told, and tells ours from a stranger's."""

from __future__ import annotations

import errno
import gc
import io
import os
import signal
import socket
import sys
from types import SimpleNamespace
from typing import Any

import frames
import payload
import pytest
import role
import sender
from fake_sockets import FakeSocket, Network
from role import BIND, JOIN, LISTEN, SET, SOCKET, Role

NONCE = b"01234567"
UDP = (SOCKET, int(socket.AF_INET), int(socket.SOCK_DGRAM))
TCP = (SOCKET, int(socket.AF_INET), int(socket.SOCK_STREAM))
REUSE = (SET, 1, 2, 1, "SO_REUSEADDR")
MEMBERSHIP = (JOIN, 0, 35, socket.inet_aton("198.51.100.1"))
RECEIVER = [UDP, REUSE, (BIND, "127.0.0.1", True)]
LISTENER = [TCP, (BIND, "127.0.0.1", False), (LISTEN, 8)]
GROUP = "239.192.0.7"


@pytest.fixture
def network(monkeypatch: pytest.MonkeyPatch) -> Network:
    """Let roles open fake sockets."""
    made = Network()
    monkeypatch.setattr(role, "socket", made.module())
    return made


def datagram(trial: int, number: int, *, label: int = 0, nonce: bytes = NONCE) -> bytes:
    """Return a datagram of ours."""
    return payload.head(nonce, trial) + bytes((label,)) + payload.SEQUENCES[number]


def receiver(network: Network, *incoming: bytes | OSError) -> Role:
    """Return a role with trial 5 open, and datagrams waiting there."""
    one = Role(NONCE)
    assert one.do([(5, 10005, GROUP, 0, 0)], {0: RECEIVER}) == ({}, None)
    network.sockets[-1].incoming.extend(incoming)
    return one


# Opening


def test_a_program_is_performed_in_order(network: Network) -> None:
    """Options before bind, the cell's own port, the trial's own group."""
    program = [UDP, REUSE, (BIND, None, True), MEMBERSHIP]
    assert Role(NONCE).do([(5, 10005, GROUP, 0, 0)], {0: program}) == ({}, None)
    calls = [call for call in network.sockets[0].calls if call[0] != "setblocking"]
    assert calls == [
        ("setsockopt", 1, 2, 1),
        ("bind", (GROUP, 10005)),
        ("setsockopt", 0, 35, socket.inet_aton(GROUP) + socket.inet_aton("198.51.100.1")),
    ]


def test_sockets_never_block(monkeypatch: pytest.MonkeyPatch, network: Network) -> None:
    """By a flag where the system has one, by a call elsewhere (macOS, Windows)."""
    monkeypatch.setattr(role, "_NONBLOCK", 0)
    Role(NONCE).do([(5, 10005, GROUP, 0, 0)], {0: RECEIVER})
    assert ("setblocking", False) in network.sockets[0].calls
    monkeypatch.setattr(role, "_NONBLOCK", 0x800)
    Role(NONCE).do([(5, 10005, GROUP, 0, 0)], {0: RECEIVER})
    assert network.sockets[1].kind == int(socket.SOCK_DGRAM) | 0x800


def test_programs_are_told_once(network: Network) -> None:
    """A role remembers a program; the trials differ in port and group."""
    one = Role(NONCE)
    one.do([(1, 10001, GROUP, 0, 0)], {0: RECEIVER})
    one.do([(2, 10002, GROUP, 0, 0)], {})
    assert [sock.address for sock in network.sockets] == [("127.0.0.1", 10001), ("127.0.0.1", 10002)]


@pytest.mark.parametrize(
    ("call", "program", "expected", "stays_open"),
    [
        ("socket", RECEIVER, "socket EACCES", False),
        ("setsockopt", RECEIVER, "set SO_REUSEADDR EACCES", False),
        ("bind", RECEIVER, "bind EACCES", False),
        ("listen", LISTENER, "listen EACCES", True),
        ("setsockopt", [UDP, (BIND, "127.0.0.1", True), MEMBERSHIP], "join EACCES", True),
    ],
)
def test_a_failure_is_named_by_call_and_errno(
    network: Network, call: str, program: list[Any], expected: str, stays_open: bool
) -> None:
    """What fails at or before bind has no socket; what fails later keeps it."""
    network.refuses = lambda name, _: PermissionError(errno.EACCES, "") if name == call else None
    one = Role(NONCE)
    assert one.do([(5, 10005, GROUP, 0, 0)], {0: program})[0] == {5: expected}
    assert len(network.open) == stays_open
    assert one.drain() == ({}, {})
    if expected.startswith("join"):
        network.refuses = lambda *_: None
        network.sockets[0].incoming.append(datagram(5, 0))
        assert one.drain() == ({5: 1}, {})


def test_a_failure_of_one_trial_is_no_other_s(network: Network) -> None:
    """The rest of a batch opens all the same."""
    error = OSError(errno.EADDRINUSE, "")
    network.refuses = lambda name, args: error if (name, args) == ("bind", (("127.0.0.1", 2),)) else None
    one = Role(NONCE)
    failures, _ = one.do([(trial, trial, GROUP, 0, 0) for trial in (1, 2, 3)], {0: RECEIVER})
    assert failures == {2: "bind EADDRINUSE"}
    assert [sock.address[1] for sock in network.open] == [1, 3]


def test_a_later_round_goes_on_with_the_socket(network: Network) -> None:
    """TCP: all bind, then each listens; who was refused at bind is left out."""
    error = OSError(errno.EADDRINUSE, "")
    network.refuses = lambda name, args: error if (name, args) == ("bind", (("127.0.0.1", 2),)) else None
    one = Role(NONCE)
    bind, listen = LISTENER[:2], LISTENER[2:]
    assert one.do([(1, 1, GROUP, 0, 0), (2, 2, GROUP, 0, 0)], {0: bind})[0] == {2: "bind EADDRINUSE"}
    assert one.do([(1, 1, GROUP, 1, 0), (2, 2, GROUP, 1, 0)], {1: listen}) == ({}, None)
    assert list(one.listening) == [1]


# Hearing


def test_what_is_heard_is_a_bitmap(network: Network) -> None:
    """The usual case: label 0, each datagram once."""
    one = receiver(network, datagram(5, 0), datagram(5, 1), datagram(5, 7))
    assert one.drain() == ({5: 0b10000011}, {})
    assert one.drain() == ({}, {})


@pytest.mark.parametrize(
    "stranger",
    [
        b"",
        b"hello",
        NONCE,
        datagram(5, 0)[:13],
        datagram(5, 0)[:14],
        datagram(6, 0),
        datagram(5, 0, nonce=b"76543210"),
        bytes(60),
        b"\xff" * 200,
    ],
    ids=[
        "empty",
        "text",
        "nonce alone",
        "no number",
        "half a number",
        "other trial",
        "other run",
        "zeros",
        "long",
    ],
)
def test_a_stranger_is_counted_and_never_taken_for_ours(network: Network, stranger: bytes) -> None:
    """Wherever it stands among ours, and however much it looks like one of them."""
    ours = [datagram(5, 0), datagram(5, 1)]
    for place in range(3):
        incoming = [*ours[:place], stranger, *ours[place:]]
        assert receiver(network, *incoming).drain() == ({5: {0: (0b11, 0)}}, {5: 1})
    assert receiver(network, stranger).drain() == ({}, {5: 1})


def test_a_datagram_that_comes_twice_is_told(network: Network) -> None:
    """`again` holds what was heard more than once."""
    incoming = [datagram(5, number) for number in (0, 1, 0, 2, 0)]
    assert receiver(network, *incoming).drain() == ({5: {0: (0b111, 0b1)}}, {})


def test_labels_are_kept_apart(network: Network) -> None:
    """A cell that sends to several destinations has a bitmap for each."""
    incoming = [datagram(5, 0), datagram(5, 0, label=2), datagram(5, 3, label=2)]
    assert receiver(network, *incoming).drain() == ({5: {0: (0b1, 0), 2: (0b1001, 0)}}, {})


def test_an_error_in_between_loses_nothing(network: Network) -> None:
    """Windows: recv fails with WSAECONNRESET after an ICMP error, and ours may still wait."""
    reset = ConnectionResetError(errno.ECONNRESET, "")
    one = receiver(network, datagram(5, 0), reset, datagram(5, 1))
    assert one.drain() == ({5: {0: (0b11, 0)}}, {5: 1})


def test_a_flood_of_strangers_is_left_alone(monkeypatch: pytest.MonkeyPatch, network: Network) -> None:
    """A socket that never runs dry must not keep the batch from ending."""
    monkeypatch.setattr(role, "_FLOOD", 10)
    found, strangers = receiver(network, *[b"flood"] * 50).drain()
    assert found == {}
    assert strangers == {5: 10}


def test_a_bound_socket_that_cannot_hear_is_not_read(network: Network) -> None:
    """A TCP socket that is bound and does not listen."""
    one = Role(NONCE)
    one.do([(5, 10005, GROUP, 0, 0)], {0: LISTENER[:2]})
    assert (one.bound, one.listening) == ({}, {})


def listener(network: Network, *payloads: list[bytes | OSError]) -> tuple[Role, list[FakeSocket]]:
    """Return a role that listens in trial 5, with a connection waiting for each list of data."""
    one = Role(NONCE)
    one.do([(5, 10005, GROUP, 0, 0)], {0: LISTENER})
    connections = []
    for data in payloads:
        connections.append(FakeSocket(network, 2, 1))
        connections[-1].incoming.extend(data)
    network.sockets[-1].queue.extend(connections)
    return one, connections


def test_a_connection_is_known_by_what_it_says(network: Network) -> None:
    """Ours say trial, label and number; a silent or strange one is a stranger's."""
    one, _ = listener(
        network,
        [datagram(5, 0)],
        [datagram(5, 2, label=1)],
        [datagram(5, 4)],
        [b"GET / HTTP/1.1\r\n"],
        [b""],
        [datagram(5, 0)[:14]],
        [TimeoutError("timed out")],
        [datagram(6, 0)],
    )
    assert one.drain() == ({5: {0: (0b10001, 0), 1: (0b100, 0)}}, {5: 5})


def test_connections_stay_open_until_they_are_hung_up(network: Network) -> None:
    """The client resets first, so that nothing is left in TIME_WAIT."""
    one, connections = listener(network, [datagram(5, 0)], [datagram(5, 2)])
    one.drain()
    assert not any(connection.closed for connection in connections)
    one.hang_up()
    assert all(connection.closed for connection in connections)


# Closing


def test_close_leaves_nothing_open(network: Network) -> None:
    """Sockets, listeners and connections are gone, and the role is as new."""
    one, connections = listener(network, [datagram(5, 0)])
    one.do([(6, 10006, GROUP, 1, 0), (7, 10007, GROUP, 1, 0)], {1: RECEIVER})
    one.drain()
    assert one.close() == 0
    assert network.open == []
    assert connections[0].closed
    assert one.drain() == ({}, {})
    assert one.close() == 0


def test_a_datagram_after_the_drain_is_late(network: Network) -> None:
    """Ours count, behind a stranger's as well; a stranger's alone does not."""
    one = receiver(network, datagram(5, 0))
    one.drain()
    network.sockets[-1].incoming.extend([b"stranger", datagram(5, 1)])
    assert one.close() == 1
    one = receiver(network)
    network.sockets[-1].incoming.append(b"stranger")
    assert one.close() == 0


# Serving


def serve(monkeypatch: pytest.MonkeyPatch, *requests: Any) -> list[Any]:
    """Let `main` serve some requests and return its answers."""
    given = io.BytesIO()
    frames.write(given, (NONCE, None, {}))
    for request in requests:
        frames.write(given, request)
    given.seek(0)
    answers = io.BytesIO()
    system = {"dup": lambda _: 1, "dup2": lambda *_: None, "fdopen": lambda *_: answers}
    monkeypatch.setattr(role, "os", SimpleNamespace(**{**vars(os), **system}))
    monkeypatch.setattr(gc, "disable", lambda: None)
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=given))
    role.main()
    answers.seek(0)
    return [frames.read(answers) for _ in requests]


def test_every_request_has_one_answer_in_order(monkeypatch: pytest.MonkeyPatch, network: Network) -> None:
    """A role serves until its input is closed, and then ends."""
    monkeypatch.setattr(sender, "socket", network.module())
    answers = serve(
        monkeypatch,
        ("do", [(5, 10005, GROUP, 0, 0)], {0: RECEIVER}),
        ("drain",),
        ("hang up",),
        ("prepare", 0, 2, [], [20000]),
        ("drop",),
        ("close",),
    )
    assert answers == [({}, None), ({}, {}), None, [None], None, 0]


def test_a_role_that_is_told_nothing_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """The conductor has gone."""
    assert serve(monkeypatch) == []
