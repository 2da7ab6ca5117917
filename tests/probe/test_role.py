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

import drain
import frames
import namespaces
import payload
import pytest
import role
import sender
from fake_sockets import FakeSocket, Network
from opcodes import ACT, BIND, JOIN, LISTEN, SET, SOCKET
from role import Role

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
    monkeypatch.setattr(drain, "_FLOOD", 10)
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


# Acts


def act(label: str | None, name: str, *arguments: Any, call: str = "") -> tuple[Any, ...]:
    """Return one act of a program."""
    return (ACT, label, call or name, name, arguments)


MADE = act("made", "socket", *UDP[1:])
TRIED = act("tried", "bind", "127.0.0.1", "P")


def test_notes_are_told_by_trial(network: Network) -> None:
    """Of each labelled act its result; an error is one, and the rest goes on."""
    error = OSError(errno.EADDRINUSE, "")
    network.refuses = lambda name, args: error if (name, args) == ("bind", (("127.0.0.1", 2),)) else None
    one = Role(NONCE)
    entries: list[Any] = [(trial, trial, GROUP, 0, 0) for trial in (1, 2)]
    failures, told = one.do(entries, {0: [MADE, TRIED, act("who", "name")]})
    assert failures == {}
    assert told == (
        {
            1: {"made": "ok", "tried": "ok", "who": "other:P"},
            2: {"made": "ok", "tried": "EADDRINUSE", "who": "other:0"},
        },
        {},
        [2],
        None,
    )


def test_an_act_without_a_label_must_succeed(network: Network) -> None:
    """Its call and errno are told as those of any other; what comes after it is left out."""
    network.refuses = lambda name, _: OSError(errno.EADDRINUSE, "") if name == "bind" else None
    program = [UDP, act(None, "bind", "127.0.0.1", "P"), act("late", "name")]
    failures, told = Role(NONCE).do([(5, 10005, GROUP, 0, 0)], {0: program})
    assert failures == {5: "bind EADDRINUSE"}
    assert told == ({}, {}, [5], None)
    assert network.open == []


def test_a_refused_actor_leaves_out_its_later_turns(network: Network) -> None:
    """Unless they begin with a socket of their own; a new batch begins anew."""
    network.refuses = lambda name, _: OSError(errno.EACCES, "") if name == "bind" else None
    one = Role(NONCE)
    entry = (5, 10005, GROUP)
    programs = {0: RECEIVER, 1: [act("later", "poll")], 2: [UDP, act("anew", "absent")]}
    assert one.do([(*entry, 0, 0)], programs)[0] == {5: "bind EACCES"}
    assert one.do([(*entry, 1, 0)], {}) == ({}, None)
    assert one.do([(*entry, 2, 0)], {}) == ({}, ({5: {"anew": "absent"}}, {}, [5], None))
    one.close()
    network.refuses = lambda *_: None
    assert one.do([(*entry, 1, 0)], {})[1] == ({5: {"later": "EBADF"}}, {}, [5], None)


def test_what_fails_after_bind_refuses_nothing(network: Network) -> None:
    """Its later turns are taken."""
    network.refuses = lambda name, _: OSError(errno.EACCES, "") if name == "listen" else None
    one = Role(NONCE)
    one.do([(5, 10005, GROUP, 0, 0)], {0: LISTENER})
    told = one.do([(5, 10005, GROUP, 1, 0)], {1: [act("who", "name")]})[1]
    assert told is not None
    assert told[0] == {5: {"who": "other:P"}}


def test_a_new_socket_takes_the_place_of_the_old_one(network: Network) -> None:
    """Which is closed, and read no more."""
    one = receiver(network, datagram(5, 0))
    one.do([(5, 10006, GROUP, 1, 0)], {1: [MADE]})
    assert [sock.closed for sock in network.sockets] == [True, False]
    assert one.drain() == ({}, {})
    assert not one.is_open(5)
    one.do([(5, 10006, GROUP, 0, 0)], {})
    assert [sock.closed for sock in network.sockets] == [True, True, False]


# Further sockets of a process


def test_siblings_share_programs_and_surroundings(network: Network) -> None:
    """But no sockets: each name has its own."""
    one = Role(NONCE)
    one.here(({"127.0.0.1": "lo4"}, {}, (1, 2)), [])
    entry = (5, 10005, GROUP)
    one.do([(*entry, 0, 0)], {0: RECEIVER})
    one.do([(*entry, 0, 0)], {}, "b")
    _, told = one.do([(*entry, 1, 0)], {1: [act("who", "name")]}, "b")
    assert told == ({5: {"who": "lo4:P"}}, {}, [], None)
    assert len(network.open) == 2
    network.sockets[1].incoming.append(datagram(5, 3))
    assert one.drain() == ({}, {})
    assert one.drain("b") == ({5: 0b1000}, {})
    assert one.sibling("b").sibling("") is one
    assert one.sibling("b").sibling("c") is one.sibling("c")


def test_closing_a_role_closes_its_siblings(network: Network) -> None:
    """And counts what came late to them."""
    one = receiver(network)
    for name in "bc":
        one.do([(5, 10005, GROUP, 0, 0)], {}, name)
        network.sockets[-1].incoming.append(datagram(5, 1))
    assert one.close() == 2
    assert network.open == []


def test_an_accepted_connection_becomes_a_socket_with_a_name(network: Network) -> None:
    """It is accepted once; hanging up is for those that nobody has named."""
    one, [named, other] = listener(network, [], [datagram(5, 0)])
    program = [act("got", "accept", "c"), act("none", "accept", "d")]
    other_waits = network.sockets[-1].queue.pop()
    _, told = one.do([(5, 10005, GROUP, 1, 0)], {1: program})
    assert told is not None
    assert told[0] == {5: {"got": "ok", "none": "nothing"}}
    assert one.sibling("c").sockets[5] is named  # type: ignore[comparison-overlap]
    assert ("setblocking", False) in named.calls
    network.sockets[-1].queue.append(other_waits)
    assert one.drain() == ({5: {0: (1, 0)}}, {})
    one.hang_up()
    assert (named.closed, other.closed) == (False, True)
    one.close()
    assert named.closed


def test_hanging_up_is_for_siblings_too(network: Network) -> None:
    """They have listeners of their own."""
    one, [connection] = listener(network, [datagram(5, 0)])
    first = Role(NONCE)
    first.siblings["b"] = one
    one._first = False
    one.drain()
    first.hang_up()
    assert connection.closed


# Serving


def serve(monkeypatch: pytest.MonkeyPatch, *requests: Any, answered: int | None = None) -> list[Any]:
    """Let `main` serve some requests and return its answers: to all of them, or to so many."""
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
    found = [frames.read(answers) for _ in range(len(requests) if answered is None else answered)]
    assert answers.read() == b""
    return found


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


def test_what_has_no_answer_is_only_noted(monkeypatch: pytest.MonkeyPatch, network: Network) -> None:
    """`here` comes before the acts that need it; after `exit` nothing is served."""
    who = [UDP, act("who", "bind", "127.0.0.1", "P"), act("name", "name")]
    answers = serve(
        monkeypatch,
        ("here", ({"127.0.0.1": "lo4"}, {}, (1, 2)), []),
        ("do", [(5, 10005, GROUP, 0, 0)], {0: who}),
        ("do", [(5, 10005, GROUP, 0, 0)], {}, "b"),
        ("exit",),
        ("drain",),
        answered=2,
    )
    assert [told[0] for _, told in answers] == [{5: {"who": "ok", "name": "lo4:P"}}] * 2


# Places


def test_a_process_becomes_another_user(monkeypatch: pytest.MonkeyPatch) -> None:
    """Supplementary groups go first, then the group: setuid takes the privilege away."""
    calls: list[tuple[Any, ...]] = []
    names = ("setgroups", "setgid", "setuid")
    system = {name: lambda given, name=name: calls.append((name, given)) for name in names}
    monkeypatch.setattr(role, "os", SimpleNamespace(**system))
    role._go({})
    assert calls == []
    role._go({"user": 40001})
    assert calls == [("setgroups", []), ("setgid", 40001), ("setuid", 40001)]


def test_a_process_moves_to_its_host_before_it_becomes_another_user(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Afterwards it may not."""
    calls: list[tuple[Any, ...]] = []
    monkeypatch.setattr(namespaces, "setns", lambda descriptor: calls.append(("setns", descriptor)))
    system = {
        name: lambda _, name=name: calls.append((name,)) for name in ("setgroups", "setgid", "setuid")
    }
    monkeypatch.setattr(role, "os", SimpleNamespace(**system))
    role._go({"host": 52, "user": 40002})
    assert [name for name, *_ in calls] == ["setns", "setgroups", "setgid", "setuid"]
    assert calls[0] == ("setns", 52)
