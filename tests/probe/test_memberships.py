"""Memberships: by address, by index, wherever the system likes, of a source, and of IPv6."""

from __future__ import annotations

import socket
import struct
from typing import Any

import lab
import memberships
import pytest
from fake_roles import FakeLab
from resolver import Absent, Resolver

LINUX = {
    "IP_ADD_MEMBERSHIP": 35,
    "IP_DROP_MEMBERSHIP": 36,
    "IPV6_JOIN_GROUP": 20,
    "IPV6_LEAVE_GROUP": 21,
}
BSD = {"IP_ADD_MEMBERSHIP": 12, "IPV6_JOIN_GROUP": 12}
IF4 = socket.inet_aton("198.51.100.1")
H2 = socket.inet_aton("198.51.100.2")
ANY = bytes(4)
GROUP = ("group4",)


def parts(
    call: str, *arguments: Any, platform: str = "linux", host: str = "h1", **facts: Any
) -> tuple[int, int, list[Any]]:
    """Return what a call sets, in a lab of two hosts."""
    names = Resolver(
        FakeLab(hosts=("h2",), **facts), platform, LINUX if platform == "linux" else BSD, host
    )
    return memberships.parts(names, call, *arguments)


@pytest.mark.parametrize(
    ("interface", "how", "expected"),
    [
        ("if4", {}, IF4),
        ("if4", {"by": "address"}, IF4),
        ("lo4", {}, socket.inet_aton("127.0.0.1")),
        ("if4", {"by": "index"}, ANY + struct.pack("@i", 2)),
        ("if4", {"by": "any"}, ANY),
        ("bad", {}, ANY + struct.pack("@i", 9999)),  # no address names it
    ],
)
def test_an_ipv4_group_is_joined_by_address_index_or_anywhere(
    interface: str, how: dict[str, str], expected: bytes
) -> None:
    """ip(7): struct ip_mreq, struct ip_mreqn, INADDR_ANY; left in the same way."""
    assert parts("join", "group4", interface, how) == (0, 35, [GROUP, expected])
    assert parts("leave", "group4", interface, how) == (0, 36, [GROUP, expected])


def test_the_interface_is_that_of_the_host() -> None:
    """On h2 it is h2's own."""
    assert parts("join", "group4", "if4", host="h2") == (0, 35, [GROUP, H2])


def test_a_group_that_is_the_same_in_every_trial_is_a_symbol_too() -> None:
    """Whoever packs it need not know which ones are."""
    assert parts("join", "allhosts4", "if4") == (0, 35, [("allhosts4",), IF4])


def test_what_is_no_group_is_packed_as_it_is() -> None:
    """The system says what it thinks of that."""
    assert parts("join", "lo4", "if4") == (0, 35, [socket.inet_aton("127.0.0.1"), IF4])


@pytest.mark.parametrize(
    ("call", "option"), [("join", 39), ("leave", 40), ("block", 38), ("unblock", 37)]
)
def test_one_source_of_an_ipv4_group(call: str, option: int) -> None:
    """ip(7): struct ip_mreq_source, group, interface, source."""
    assert parts(call, "group4", "if4", {"source": "h2"}) == (0, option, [GROUP, IF4, H2])
    anywhere = {"source": "h2", "by": "any"}
    assert parts(call, "group4", "if4", anywhere) == (0, option, [GROUP, ANY, H2])


@pytest.mark.parametrize(("platform", "first"), [("darwin", 70), ("freebsd14", 70), ("win32", 15)])
def test_other_systems_have_the_source_before_the_interface(platform: str, first: int) -> None:
    """RFC 3678, 4.1.2."""
    for number, call in enumerate(("join", "leave", "block", "unblock"), first):
        found = parts(call, "group4", "if4", {"source": "h2"}, platform=platform)
        assert found == (0, number, [GROUP, H2, IF4])


@pytest.mark.parametrize(("call", "option"), [("join", 42), ("leave", 45)])
def test_the_call_for_both_families(call: str, option: int) -> None:
    """RFC 3678, 5.1.1: struct group_req, an interface index and a sockaddr_storage of 128 bytes."""
    families = ((0, "group4", socket.AF_INET, 12, 4), (41, "group6-site", socket.AF_INET6, 16, 16))
    for level, group, family, begins, length in families:
        own, number, found = parts(call, group, "if4", {"by": "group-req"})
        assert (own, number, found[1]) == (level, option, (group,))
        assert struct.unpack("=I4xH", found[0][:10]) == (2, family)
        assert len(found[0]) == begins
        assert len(found[0]) + length + len(found[2]) == 8 + 128
    assert parts(call, "lo4", "lo4", {"by": "group-req"})[2][1] == socket.inet_aton("127.0.0.1")


def test_an_ipv6_group_is_joined_by_index() -> None:
    """RFC 3493, 5.2: struct ipv6_mreq; index 0 leaves it to the system."""
    link = ("group6-link",)
    assert parts("join", "group6-link", "if6") == (41, 20, [link, struct.pack("@I", 2)])
    assert parts("leave", "group6-link", "if6") == (41, 21, [link, struct.pack("@I", 2)])
    assert parts("join", "group6-link", "if6", {"by": "any"})[2][1] == ANY
    assert parts("join", "group6-link", "none")[2][1] == ANY
    assert parts("join", "group6-link", "bad")[2][1] == struct.pack("@I", 9999)


def test_a_mapped_group_is_joined_as_an_ipv6_one() -> None:
    """Its symbol says so; what the system makes of it is the question."""
    assert parts("join", "mapped-group4", "if6") == (41, 20, [("mapped-group4",), struct.pack("@I", 2)])


@pytest.mark.parametrize(
    ("call", "option"), [("join", 46), ("leave", 47), ("block", 43), ("unblock", 44)]
)
def test_one_source_of_an_ipv6_group(call: str, option: int) -> None:
    """RFC 3678, 5.1.2: struct group_source_req; both addresses are a sockaddr_storage of 128 bytes."""
    level, number, found = parts(call, "group6-site", "if6", {"source": "if6"})
    assert (level, number) == (41, option)
    packed = b"".join(bytes(16) if isinstance(part, tuple) else part for part in found)
    assert len(packed) == 8 + 2 * 128
    assert struct.unpack_from("=I", packed) == (2,)
    assert (
        struct.unpack_from("=H", packed, 8) == struct.unpack_from("=H", packed, 136) == (socket.AF_INET6,)
    )
    assert packed[144:160] == socket.inet_pton(socket.AF_INET6, "2001:db8::1")
    assert found[2] == ("group6-site",)
    assert len(b"".join(found[:2])) == 16  # the group's address begins there


@pytest.mark.parametrize(
    ("arguments", "absent"),
    [
        (("group4", "if4", {"by": "index"}), "struct ip_mreqn"),
        (("group6-site", "if6", {"source": "if6"}), "struct group_source_req"),
        (("group4", "if4", {"by": "group-req"}), "struct group_req"),
    ],
)
def test_what_a_system_cannot_join_is_absent(arguments: tuple[Any, ...], absent: str) -> None:
    """MacOS knows no index, and lays the others out in its own way."""
    with pytest.raises(Absent, match=f"^{absent}$"):
        parts("join", *arguments, platform="darwin")


def test_blocking_takes_a_source() -> None:
    """There is no option without."""
    with pytest.raises(Absent):
        parts("block", "group4", "if4")


def test_a_group_that_may_not_be_joined_is_unavailable() -> None:
    """A join sends a report; where the system would choose the interface as well."""
    for arguments in (("if4",), ("lo4", {"by": "any"}), ("none",)):
        with pytest.raises(lab.Unavailable, match=lab.LEAVES):
            parts("join", "group4", *arguments, may_leave=False)
    parts("join", "group4", "lo4", may_leave=False)
