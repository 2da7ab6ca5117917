"""What names stand for on one host: addresses, interfaces, options with symbols, ports."""

from __future__ import annotations

import socket
import struct
from typing import Any

import lab
import pytest
import resolver
from fake_roles import FakeLab
from resolver import Absent, Resolver

LINUX = {
    "SOL_SOCKET": 1,
    "IP_MULTICAST_IF": 32,
    "IP_MULTICAST_TTL": 33,
    "IPV6_MULTICAST_IF": 17,
    "SO_BINDTODEVICE": 25,
    "SO_REUSEADDR": 2,
    "SO_LINGER": 13,
}


def make(platform: str = "linux", host: str = "h1", **facts: Any) -> Resolver:
    """Return a resolver for a host of a lab of plain facts."""
    return Resolver(FakeLab(**facts), platform, LINUX, host)


def test_an_address_is_that_of_the_host() -> None:
    """A group stays a symbol: each trial has its own."""
    here, there = make(hosts=("h2",)), make(host="h2", hosts=("h2",))
    assert (here.address("if4"), there.address("if4")) == ("198.51.100.1", "198.51.100.2")
    assert here.address("h2") == there.address("h2") == "198.51.100.2"
    assert here.address("group4-7") == ("group4-7",)
    assert here.literal("group4") == "239.192.0.0"


def test_a_group_that_the_lab_lacks_is_unavailable() -> None:
    """Though its symbol is known."""
    with pytest.raises(lab.Unavailable, match=lab.NO_IPV6):
        make(ipv6=False).address("group6-site")


@pytest.mark.parametrize(
    ("interface", "expected"), [("lo4", "127.0.0.1"), ("if4", "198.51.100.1"), ("bad", "192.0.2.77")]
)
def test_an_interface_is_named_by_its_address(interface: str, expected: str) -> None:
    """One that does not exist by nobody's."""
    assert make().ipv4(interface) == expected


def test_an_interface_without_an_address_has_no_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of IPv4, that is."""
    names = make()
    monkeypatch.setattr(names.lab, "interface", lambda *_: FakeLab().interface("lo")._replace(ipv4=None))
    with pytest.raises(lab.Unavailable, match="no IPv4 address"):
        names.ipv4("if4")


def test_a_scope_is_the_index_of_an_interface() -> None:
    """Zero where none is given."""
    names = make()
    scopes = [names.scope(how) for how in (None, {}, {"on": "if4"}, {"on": "bad"})]
    assert scopes == [0, 0, 2, 9999]


@pytest.mark.parametrize(
    ("option", "value", "expected"),
    [
        ("SO_REUSEADDR", 1, (1, 2, 1)),
        ("SO_REUSEADDR", "-1", (1, 2, -1)),
        ("SO_LINGER", 0, (1, 13, struct.pack("@ii", 1, 0))),
        ("IP_MULTICAST_IF", "if4", (0, 32, socket.inet_aton("198.51.100.1"))),
        ("IP_MULTICAST_IF", "lo4b", (0, 32, socket.inet_aton("127.0.0.2"))),
        ("IP_MULTICAST_IF", "none", (0, 32, bytes(4))),
        ("IP_MULTICAST_IF", "bad", (0, 32, socket.inet_aton("192.0.2.77"))),
        ("IP_MULTICAST_IF", "index:if4", (0, 32, bytes(8) + struct.pack("@i", 2))),
        ("IP_MULTICAST_IF", "index:none", (0, 32, bytes(12))),
        ("IPV6_MULTICAST_IF", "if", (41, 17, 2)),
        ("IPV6_MULTICAST_IF", "none", (41, 17, 0)),
        ("IPV6_MULTICAST_IF", 77, (41, 17, 77)),
        ("IP_UNICAST_IF", "if", (0, 50, b"\0\0\0\2")),
        ("IP_UNICAST_IF", 3, (0, 50, 3)),
        ("SO_BINDTODEVICE", "if4", (1, 25, b"lab0")),
        ("SO_BINDTODEVICE", "none", (1, 25, b"")),
        ("SO_BINDTODEVICE", "bad", (1, 25, b"nosuchdevice")),
        ("SO_BINDTOIFINDEX", "lo4", (1, 62, 1)),
    ],
)
def test_an_option_takes_numbers_and_symbols(
    option: str, value: int | str, expected: tuple[int, int, Any]
) -> None:
    """In the shape that setsockopt wants."""
    assert make().option(option, value) == expected


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SO_BINDTODEVICE", "if4"),
        ("SO_BINDTOIFINDEX", "if6"),
        ("SO_BINDTOIFINDEX", 2),
        ("IP_UNICAST_IF", "index:if4"),
        ("IPV6_UNICAST_IF", 2),
    ],
)
def test_no_device_takes_a_datagram_off_a_host(name: str, value: str | int) -> None:
    """Bound to a link, a socket sends 127.0.0.1 out of it: only a private lab, or --allow-lan, may."""
    resolver = make()
    resolver.lab.kind, resolver.lab.allow_lan = "host", False
    with pytest.raises(lab.Unavailable, match="would leave this machine"):
        resolver.option(name, value)
    for harmless in ("lo4", "none"):
        assert resolver.option(name, harmless)
    resolver.lab.allow_lan = True
    assert resolver.option(name, value)


def test_what_a_system_does_not_have_is_absent() -> None:
    """By the name that was asked for."""
    with pytest.raises(Absent, match=r"^IP_UNICAST_IF$"):
        make("darwin").option("IP_UNICAST_IF", "if")


@pytest.mark.parametrize(
    ("name", "family", "kind"),
    [
        ("udp4", socket.AF_INET, socket.SOCK_DGRAM),
        ("tcp6", socket.AF_INET6, socket.SOCK_STREAM),
    ],
)
def test_kinds_of_sockets(name: str, family: int, kind: int) -> None:
    """As plain numbers."""
    assert resolver.socket_kind(name) == (int(family), int(kind))
    assert {type(number) for number in resolver.socket_kind(name)} == {int}


def test_a_kind_that_is_not_here_is_absent(monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows has no Unix sockets, as Python sees it."""
    monkeypatch.delitem(resolver._SOCKETS, "unix-dgram", raising=False)
    with pytest.raises(Absent, match=r"^unix-dgram$"):
        resolver.socket_kind("unix-dgram")


def test_flags_add_up() -> None:
    """One without a number is absent."""
    here = vars(socket)
    assert resolver.flags((), "linux", here) == 0
    assert resolver.flags(["MSG_PEEK", "MSG_CONFIRM"], "linux", here) == socket.MSG_PEEK | 0x800
    with pytest.raises(Absent, match="MSG_NO_SUCH"):
        resolver.flags(["MSG_NO_SUCH"], "linux", here)


@pytest.mark.parametrize(
    ("port", "offset"), [("P", 0), ("P+1", 1), ("P+12", 12), ("0", None), (80, None), ("80", None)]
)
def test_only_ports_of_the_trial_have_an_offset(port: int | str, offset: int | None) -> None:
    """Any other is what it is."""
    assert resolver.port_offset(port) == offset


@pytest.mark.parametrize(
    ("host", "expected"), [("127.0.0.1", "AF_INET"), ("::1", "AF_INET6"), ("::ffff:1.2.3.4", "AF_INET6")]
)
def test_the_family_of_an_address(host: str, expected: str) -> None:
    """By the way it is written: a v4-mapped address takes an IPv6 socket."""
    assert resolver.family(host) == int(getattr(socket, expected))
