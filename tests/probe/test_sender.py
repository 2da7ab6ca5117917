"""The sender: pooled source ports, what left and what did not, connections, and the fence."""

from __future__ import annotations

import errno
import os
import socket
from typing import Any

import namespaces
import payload
import pytest
import sender
from fake_sockets import Network
from sender import Fence, Sender

NONCE = b"01234567"
UDP4 = int(socket.AF_INET)
FENCES: list[Fence] = [(UDP4, "127.0.0.1", None, 0), (UDP4, "198.51.100.1", None, 0)]
LO = "127.0.0.1"


@pytest.fixture
def network(monkeypatch: pytest.MonkeyPatch) -> Network:
    """Let senders open fake sockets."""
    made = Network()
    monkeypatch.setattr(sender, "socket", made.module())
    return made


@pytest.fixture
def voice(network: Network) -> Sender:
    """Return a sender with a pool of four source ports."""
    one = Sender(NONCE, None)
    assert one.prepare(0, UDP4, [], [20000, 20001, 20002, 20003]) == [None]
    return one


def test_a_connection_has_longer_where_a_refusal_takes_two_seconds() -> None:
    """By the platform's name alone: Windows asks a closed port again."""
    assert sender.connect_timeout("win32") > 2
    assert {sender.connect_timeout(name) for name in ("linux", "darwin", "freebsd14")} == {1.0}


def test_only_linux_connects_without_waiting() -> None:
    """Elsewhere what a socket says that is not connected yet is another error on each system."""
    assert sender.impatient("linux", {"SOCK_NONBLOCK": 2048}) == 2048
    assert sender.impatient("linux", {}) == 0
    for platform in ("freebsd14", "darwin", "win32"):
        assert sender.impatient(platform, {"SOCK_NONBLOCK": 0x20000000}) == 0


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Connect as every system can."""
    monkeypatch.setattr(sender, "_IMPATIENT", 0)


# Pools


def test_a_pool_has_a_socket_for_every_source_port(network: Network) -> None:
    """Each with the options of its profile, bound to the wildcard."""
    one = Sender(NONCE, None)
    assert one.prepare(3, UDP4, [(1, 6, 1)], [20000, 20001]) == [None]
    assert [sock.getsockname() for sock in one.pools[3]] == [("0.0.0.0", 20000), ("0.0.0.0", 20001)]
    assert all(("setsockopt", 1, 6, 1) in sock.calls for sock in network.sockets)


def test_a_pool_grows_and_keeps_what_it_has(network: Network) -> None:
    """A source port is made once: what is asked for again is there."""
    one = Sender(NONCE, None)
    one.prepare(0, UDP4, [], [20000, 20001])
    before = list(one.pools[0])
    one.prepare(0, UDP4, [], [0, 0, 20002])
    assert one.pools[0][:2] == before
    assert [sock.getsockname()[1] for sock in one.pools[0]] == [20000, 20001, 20002]


def test_ipv6_sources_are_bound_to_their_own_wildcard(network: Network) -> None:
    """The family decides which wildcard."""
    one = Sender(NONCE, None)
    one.prepare(0, int(socket.AF_INET6), [], [20000])
    assert one.pools[0][0].getsockname() == ("::", 20000)


def test_a_source_port_that_is_taken_is_replaced(network: Network) -> None:
    """Any other port does as well; it need only differ from the rest."""
    error = OSError(errno.EADDRINUSE, "")
    network.refuses = lambda call, args: error if call == "bind" and args[0][1] == 20001 else None
    one = Sender(NONCE, None)
    assert one.prepare(0, UDP4, [], [20000, 20001, 20002]) == [None]
    ports = [sock.getsockname()[1] for sock in one.pools[0]]
    assert (ports[0], ports[2]) == (20000, 20002)
    assert len(set(ports)) == 3


def test_a_pool_that_cannot_be_made_says_why(network: Network) -> None:
    """The conductor voids the batch."""
    network.refuses = lambda call, _: OSError(errno.EMFILE, "") if call == "socket" else None
    assert Sender(NONCE, None).prepare(0, UDP4, [], [20000]) == ["EMFILE"]


def test_the_sender_is_pinned_once(monkeypatch: pytest.MonkeyPatch, network: Network) -> None:
    """To the CPU it was given, and a refusal is no reason to stop."""
    pinned = []

    def pin(_: int, cpus: set[int]) -> None:
        pinned.append(cpus)
        raise PermissionError

    monkeypatch.setattr(os, "sched_setaffinity", pin, raising=False)
    one = Sender(NONCE, 1)
    one.prepare(0, UDP4, [], [20000])
    one.prepare(1, UDP4, [], [20001])
    assert pinned == [{1}]


# Datagrams


def test_each_datagram_says_whose_it_is(network: Network, voice: Sender) -> None:
    """Sequence numbers 2p and 2p+1 come from source port p."""
    failed, fence = voice.send([(0, 5, 1, LO, 10005, 0, [0, 1, 6])], [], 0.1)
    assert (failed, fence) == ({}, True)
    head = payload.head(NONCE, 5) + b"\x01"
    assert [(sock.address[1], data, to) for sock, data, to in network.sent] == [
        (20000, head + b"\0\0", (LO, 10005)),
        (20000, head + b"\1\0", (LO, 10005)),
        (20003, head + b"\6\0", (LO, 10005)),
    ]


def test_a_failed_send_tells_what_left_before(network: Network, voice: Sender) -> None:
    """The errno of the first failure, the numbers that left, and the other entries unharmed."""
    error = OSError(errno.ENETUNREACH, "")
    network.refuses = lambda call, args: error if call == "sendto" and args[0][-2:] == b"\4\0" else None
    entries = [(7, 5, 0, LO, 10005, 0, [0, 2, 4, 6]), (8, 6, 0, LO, 10006, 0, [0])]
    failed, _ = voice.send(entries, [], 0.1)
    assert failed == {7: (0b101, 0, "ENETUNREACH")}
    assert [to for _, _, to in network.sent] == [(LO, 10005), (LO, 10005), (LO, 10006)]


def test_a_send_that_is_refused_at_once_left_nothing(network: Network, voice: Sender) -> None:
    """EACCES: a broadcast without SO_BROADCAST."""
    network.refuses = lambda call, _: PermissionError(errno.EACCES, "") if call == "sendto" else None
    failed, _ = voice.send([(0, 5, 0, "127.255.255.255", 10005, 0, [0, 1])], [], 0.1)
    assert failed == {0: (0, 0, "EACCES")}


# Connections


def connect(voice: Sender, numbers: list[int]) -> tuple[Any, bool]:
    """Connect with some sequence numbers in trial 5."""
    return voice.connect([(0, 5, 1, LO, 10005, UDP4, numbers)], [], 0.1)


def test_a_connection_resets_and_says_whose_it_is(network: Network) -> None:
    """SO_LINGER 0 leaves nothing in TIME_WAIT; the connection is held until it is dropped."""
    one = Sender(NONCE, None)
    assert connect(one, [0, 2]) == ({}, True)
    for sock, number in zip(network.sockets, (0, 2)):  # noqa: B905 - new in Python 3.10
        names = [call[0] for call in sock.calls]
        assert names == ["setsockopt", "settimeout", "connect", "send"]
        assert sock.calls[0][2] == socket.SO_LINGER
        assert sock.calls[-1][1] == payload.head(NONCE, 5) + b"\1" + payload.SEQUENCES[number]
    assert len(network.open) == 2
    one.drop()
    assert network.open == []
    assert one.connections == []


def test_refused_connections_are_not_failures(network: Network) -> None:
    """ECONNREFUSED is told by its number, and the next is tried all the same."""
    refusals = iter([None, ConnectionRefusedError(errno.ECONNREFUSED, ""), None])
    network.refuses = lambda call, _: next(refusals) if call == "connect" else None
    assert connect(Sender(NONCE, None), [0, 2, 4])[0] == {0: (0b10001, 0b100, None)}
    assert len(network.open) == 2


def test_another_failure_ends_the_entry(network: Network) -> None:
    """Its errno is told, with what was connected before."""
    failures = iter([None, OSError(errno.ENETUNREACH, ""), None])
    network.refuses = lambda call, _: next(failures) if call == "connect" else None
    assert connect(Sender(NONCE, None), [0, 2, 4])[0] == {0: (0b1, 0, "ENETUNREACH")}
    assert len(network.open) == 1


def test_after_some_time_outs_the_rest_is_not_tried(network: Network) -> None:
    """A filter that swallows connections must not cost a second for each of hundreds."""
    tried = []

    def refuse(call: str, arguments: tuple[Any, ...]) -> OSError | None:
        if call != "connect":
            return None
        tried.append(arguments)
        return socket.timeout("timed out")  # noqa: UP041 - another class before Python 3.10

    network.refuses = refuse
    entries = [(index, index, 0, LO, 10000 + index, UDP4, [0, 2]) for index in range(50)]
    failed, _ = Sender(NONCE, None).connect(entries, [], 0.1)
    assert set(failed) == set(range(50))
    assert set(failed.values()) == {(0, 0, "ETIMEDOUT"), (0, 0, sender.UNTRIED)}
    assert len(tried) < 10
    assert network.open == []


@pytest.mark.parametrize(
    ("refusals", "expected"),
    [
        ([None, None], {}),
        ([None, BlockingIOError(), None], {}),
        ([None, OSError(errno.ECONNREFUSED, "")], {0: (0, 1, None)}),
        ([OSError(errno.EADDRNOTAVAIL, "")], {0: (0, 0, "EADDRNOTAVAIL")}),
        (
            [None, BlockingIOError(), socket.timeout()],  # noqa: UP041 - another class before Python 3.10
            {0: (0, 0, "ETIMEDOUT")},
        ),
        ([None, BlockingIOError(), OSError(errno.ECONNREFUSED, "")], {0: (0, 1, None)}),
    ],
    ids=["at once", "a moment later", "refused", "not to be had", "timed out", "refused later"],
)
def test_on_linux_a_connection_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch,
    network: Network,
    refusals: list[OSError | None],
    expected: dict[int, Any],
) -> None:
    """It is made when connect(2) returns, as a rule; else sending waits for it."""
    monkeypatch.setattr(sender, "_IMPATIENT", 1)
    answers = iter(refusals)
    network.refuses = lambda call, _: next(answers) if call in {"connect", "send"} else None
    assert connect(Sender(NONCE, None), [0])[0] == expected
    assert next(answers, "none left") == "none left"


# The fence


def test_the_fence_is_heard_when_every_datagram_of_it_arrives(network: Network) -> None:
    """One to each of our own sockets, made once and used again."""
    one = Sender(NONCE, None)
    assert one.fence(FENCES, 0.1)
    assert one.fence(FENCES, 0.1)
    assert len(network.sockets) == 2
    assert len(network.sent) == 4


def test_nothing_to_fence_is_heard() -> None:
    """A lab without any address has no fence."""
    assert Sender(NONCE, None).fence([], 0.0)


def test_a_fence_that_does_not_arrive_is_silent(network: Network) -> None:
    """Nothing is believed then."""
    network.echo = False
    assert not Sender(NONCE, None).fence(FENCES, 0.0)


def test_an_older_fence_is_not_taken_for_this_one(network: Network) -> None:
    """It may have been delayed; only the newest proves that what was sent before has arrived."""
    one = Sender(NONCE, None)
    assert one.fence(FENCES[:1], 0.1)
    stale = network.sent[-1][1]
    network.echo = False
    network.sockets[0].incoming.extend([stale, b"stranger"])
    assert not one.fence(FENCES[:1], 0.0)
    network.echo = True
    network.sockets[0].incoming.extend([stale, b"stranger"])
    assert one.fence(FENCES[:1], 0.1)


def test_a_fence_that_cannot_be_sent_is_silent(network: Network) -> None:
    """EPERM from a firewall is no proof of anything."""
    network.refuses = lambda call, _: PermissionError(errno.EPERM, "") if call == "sendto" else None
    assert not Sender(NONCE, None).fence(FENCES, 0.1)


def test_a_fence_on_another_host_is_opened_there_and_sent_from_here(
    monkeypatch: pytest.MonkeyPatch, network: Network
) -> None:
    """It closes off the link between them: its socket is in the namespace of the other host."""
    log: list[tuple[str, Any]] = []
    monkeypatch.setattr(namespaces, "current", lambda: 40)
    monkeypatch.setattr(namespaces, "setns", lambda descriptor: log.append(("setns", descriptor)))
    monkeypatch.setattr(os, "close", lambda descriptor: log.append(("close", descriptor)))
    network.refuses = lambda call, args: log.append((call, args[0])) if call == "bind" else None
    one = Sender(NONCE, None)
    fences: list[Fence] = [FENCES[0], (UDP4, "198.51.100.2", 52, 9001)]
    assert one.fence(fences, 0.1)
    assert log == [
        ("bind", (LO, 0)),
        *(("setns", 52), ("bind", ("198.51.100.2", 9001)), ("setns", 40), ("close", 40)),
    ]
    abroad: Any = one.fences[1]
    [_, (source, _, to)] = network.sent
    assert source is not abroad
    assert to == ("198.51.100.2", 9001)
    assert one.fence(fences, 0.1)
    assert network.sent[-1][0] is source


def test_who_was_abroad_comes_home_whatever_happens(
    monkeypatch: pytest.MonkeyPatch, network: Network
) -> None:
    """Else all that follows would be sent from the wrong host."""
    log: list[int] = []
    monkeypatch.setattr(namespaces, "current", lambda: 40)
    monkeypatch.setattr(namespaces, "setns", log.append)
    monkeypatch.setattr(os, "close", log.append)
    network.refuses = lambda call, _: OSError(errno.EADDRINUSE, "") if call == "bind" else None
    assert not Sender(NONCE, None).fence([(UDP4, "198.51.100.2", 52, 9001)], 0.1)
    assert log == [52, 40, 40]


def test_a_zone_becomes_the_scope_of_a_destination(
    monkeypatch: pytest.MonkeyPatch, network: Network, voice: Sender
) -> None:
    """Python leaves it out of a pair (socketmodule.c, getsockaddrarg)."""
    monkeypatch.setattr("place.socket.if_nametoindex", {"lab0": 7}.__getitem__, raising=False)
    voice.send([(0, 5, 0, "fe80::1%lab0", 10005, 0, [0]), (1, 6, 0, "::1", 10006, 0, [0])], [], 0.1)
    assert [to for _, _, to in network.sent] == [("fe80::1", 10005, 0, 7), ("::1", 10006)]
