"""Operations: each in symbols becomes an act with its arguments, or a note that it is absent."""

from __future__ import annotations

import socket
import struct
from typing import Any

import acts
import lab
import memberships
import operations
import pytest
from fake_roles import FakeLab
from opcodes import ACT
from resolver import Absent, Resolver

LINUX = {
    "SOL_SOCKET": 1,
    "SO_REUSEADDR": 2,
    "SO_ERROR": 4,
    "SO_BINDTODEVICE": 25,
    "IP_MULTICAST_IF": 32,
    "IP_DROP_MEMBERSHIP": 36,
}
UDP4 = (int(socket.AF_INET), int(socket.SOCK_DGRAM))


def act(name: str, *arguments: Any, label: str | None = "x", **facts: Any) -> tuple[Any, ...]:
    """Compile one operation; return (call, act, arguments)."""
    names = Resolver(FakeLab(**facts), "linux", LINUX)
    kind, told, *rest = operations.act(names, label, name, list(arguments))
    assert (kind, told) == (ACT, label)
    return tuple(rest)


@pytest.mark.parametrize(
    ("operation", "expected"),
    [
        (("socket", "udp4"), ("socket", "socket", UDP4)),
        (("set", "SO_REUSEADDR", 1), ("set SO_REUSEADDR", "set", (1, 2, 1))),
        (("get", "SO_REUSEADDR"), ("get", "get", (1, 2, ""))),
        (("get", "SO_ERROR"), ("get", "get", (1, 4, "error"))),
        (("get", "IP_MULTICAST_IF"), ("get", "get", (0, 32, "address4"))),
        (("get", "SO_BINDTODEVICE"), ("get", "get", (1, 25, "text"))),
        (("bind", "lo4"), ("bind", "bind", ("127.0.0.1", "P", 0))),
        (("bind", "lo4", 80), ("bind", "bind", ("127.0.0.1", "80", 0))),
        (("bind", "group6-link", "P+1", {"on": "if6"}), ("bind", "bind", (("group6-link",), "P+1", 2))),
        (("listen",), ("listen", "listen", (128,))),
        (("listen", 0), ("listen", "listen", (0,))),
        (("connect", "if4", "P+1"), ("connect", "connect", ("198.51.100.1", "P+1", 0))),
        (("accept", "b"), ("accept", "accept", ("b",))),
        (("balance", "2"), ("balance", "balance", (2,))),
        (("unbalance",), ("unbalance", "unbalance", (1, 68, 0))),
        (("receive",), ("receive", "receive", (2048, 0))),
        (
            ("receive", {"size": "0", "flags": ["MSG_PEEK"]}),
            ("receive", "receive", (0, int(socket.MSG_PEEK))),
        ),
        (("receive", "all"), ("receive", "receiveall", (2048, 0))),
        (("receive", "all", {"size": 9}), ("receive", "receiveall", (9, 0))),
        (("flags", "if4"), ("flags", "flags", ("lab0",))),
        (("route", "limited"), ("route", "route", ("255.255.255.255",))),
        (("sysctl", "net.ipv4.ip_forward"), ("sysctl", "sysctl", ("net.ipv4.ip_forward",))),
        (("asyncio-reuse-address",), ("asyncio", "asyncio", ())),
        (("poll",), ("poll", "poll", ())),
        (
            ("leave", "group4", "none", {"by": "any"}),
            ("leave", "leave", (0, 36, [("group4",), bytes(4)])),
        ),
    ],
)
def test_an_operation_becomes_an_act(operation: tuple[Any, ...], expected: tuple[Any, ...]) -> None:
    """With the name of its call, and of its act."""
    assert act(*operation) == expected
    assert expected[1] in acts.ACTS


def test_operations_without_arguments_are_acts_of_their_name() -> None:
    """And so are memberships."""
    assert {*operations._PLAIN, *memberships.CALLS, "absent"} <= set(acts.ACTS)
    assert act("peer") == ("peer", "peer", ())


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ((), (None, "P", "x", None, 0, [], 0)),
        ((None, None, {"size": 0}), (None, "P", "x", 0, 0, [], 0)),
        (("lo4",), ("127.0.0.1", "P", "x", None, 0, [], 0)),
        (("lo4", 9), ("127.0.0.1", "9", "x", None, 0, [], 0)),
        (("group6-link", "P", {"on": "if6"}), (("group6-link",), "P", "x", None, 0, [], 2)),
        (("lo4", "P", {"flags": ["MSG_MORE"]}), ("127.0.0.1", "P", "x", None, 0x8000, [], 0)),
    ],
)
def test_a_datagram_of_a_role(arguments: tuple[Any, ...], expected: tuple[Any, ...]) -> None:
    """Without a destination it goes to the connected peer."""
    assert act("tell", *arguments) == ("send", "send", expected)


def test_an_unlabelled_datagram_says_x() -> None:
    """A labelled one says its label."""
    assert act("tell", label=None)[2][2] == "x"
    assert act("tell", label="first")[2][2] == "first"


def test_a_source_address_is_ancillary_data() -> None:
    """ip(7): struct in_pktinfo, ipi_spec_dst."""
    ancillary = act("tell", "lo4", "P", {"source": "lo4b"})[2][5]
    assert ancillary == [(0, 8, struct.pack("=I4s4s", 0, socket.inet_aton("127.0.0.2"), bytes(4)))]


@pytest.mark.parametrize(
    "operation",
    [
        ("get", "SO_NO_SUCH"),
        ("socket", "sctp4"),
        ("tell", "lo4", "P", {"flags": ["MSG_NO"]}),
        ("block", "group4", "if4"),
    ],
)
def test_an_absent_option_is_a_note_or_the_end(operation: tuple[Any, ...]) -> None:
    """With a label it is told; without, there is no such cell on this platform."""
    assert act(*operation) == (operation[0], "absent", ())
    with pytest.raises(Absent):
        act(*operation, label=None)


def test_what_may_not_be_sent_is_unavailable() -> None:
    """Not even connected to, which a stream does by sending."""
    for operation in (("connect", "limited"), ("tell", "limited")):
        with pytest.raises(lab.Unavailable, match=lab.LEAVES):
            act(*operation, may_leave=False)
        with pytest.raises(lab.Unavailable, match=lab.LEAVES):
            act(*operation, may_leave=False, label=None)


def test_what_nobody_knows_is_a_lookup_error() -> None:
    """The compiler says that it does not understand."""
    with pytest.raises(LookupError, match="operation fly"):
        act("fly")
