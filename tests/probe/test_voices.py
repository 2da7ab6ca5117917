"""Voices: from which sockets something is said, where it goes, and whether a control can tell."""

from __future__ import annotations

import socket
from typing import Any

import lab
import pytest
import voices
from fake_roles import FakeLab
from resolver import Resolver
from voices import Pool, Voice

LINUX = {
    "SOL_SOCKET": 1,
    "SO_BROADCAST": 6,
    "IP_MULTICAST_IF": 32,
    "IP_MULTICAST_TTL": 33,
    "IP_MULTICAST_LOOP": 34,
    "IPV6_MULTICAST_IF": 17,
    "IPV6_MULTICAST_HOPS": 18,
    "IPV6_MULTICAST_LOOP": 19,
}
INET, INET6 = int(socket.AF_INET), int(socket.AF_INET6)


def staged(*statement: Any, platform: str = "linux", **facts: Any) -> Voice:
    """Return what the staged sender says."""
    return voices.staged(Resolver(FakeLab(**facts), platform, LINUX), list(statement))


def chosen(destination: str, platform: str = "linux", **profile: Any) -> set[tuple[int, int, Any]]:
    """Return the options of the sockets that send."""
    pool = staged("send", "", destination, profile, platform=platform).pool
    assert pool is not None
    return set(pool.options)


IF4 = socket.inet_aton("198.51.100.1")


@pytest.mark.parametrize(
    ("destination", "profile", "expected"),
    [
        ("lo4", {}, set()),
        ("lobcast", {"broadcast": 1}, {(1, 6, 1)}),
        ("group4", {"via": "if4"}, {(0, 32, IF4), (0, 33, 1), (0, 34, 1)}),
        ("group4", {"via": "none"}, {(0, 33, 1), (0, 34, 1)}),
        ("group4", {}, {(0, 33, 1), (0, 34, 1)}),
        ("group4", {"via": "if4", "ttl": 0, "loop": 0}, {(0, 32, IF4), (0, 33, 0), (0, 34, 0)}),
        ("group6-site", {"via": "if6"}, {(41, 17, 2), (41, 18, 1), (41, 19, 1)}),
        ("mapped-group4", {"via": "if6", "loop": 0}, {(41, 17, 2), (41, 18, 1), (41, 19, 0)}),
    ],
)
def test_a_profile_is_the_options_of_its_sockets(
    destination: str, profile: dict[str, Any], expected: set[Any]
) -> None:
    """Outgoing interface, lifetime and loop of multicast; leave to broadcast."""
    assert chosen(destination, **profile) == expected


def test_windows_asks_the_receiver_about_loops_of_ipv4() -> None:
    """And the sender about those of IPv6; what was asked for is set all the same."""
    assert not {option for _, option, _ in chosen("group4", "win32", via="if4")} & {34}
    assert (0, 34, 0) in chosen("group4", "win32", via="if4", loop=0)
    assert (41, 19, 1) in chosen("group6-link", "win32", via="if6")


@pytest.mark.parametrize(
    ("destination", "profile", "kind"),
    [
        ("lo4", {}, ("lo4", None)),
        ("group4", {"via": "if4"}, ("group4", "if4")),
        ("group6-node", {"via": "lo6"}, ("group6-node", "lo6")),
        ("group4", {}, None),
        ("lobcast", {"via": "if4"}, None),
        ("h2", {}, None),
        ("group4b", {"via": "if4"}, None),
    ],
)
def test_a_control_tells_of_the_usual_destinations(
    destination: str, profile: dict[str, Any], kind: tuple[str, str | None] | None
) -> None:
    """A group takes an interface for that, and nothing else does."""
    assert staged("send", "", destination, profile).kind == kind


def test_ports_and_groups_are_those_of_the_trial() -> None:
    """As an offset, and as a symbol."""
    voice = staged("send", "x", "group6-site", {"via": "if6", "port": "P+2"})
    assert (voice.label, voice.host, voice.group, voice.port) == ("x", None, "group6-site", 2)
    assert staged("connect", "x", "lo6", {"port": "P+1"}) == Voice("x", "::1", None, INET6, None, port=1)
    assert staged("connect", "x", "lo6").port == 0


def test_what_may_not_leave_is_unavailable() -> None:
    """A group out of the loopback may."""
    for destination in ("limited", "group4"):
        with pytest.raises(lab.Unavailable, match=lab.LEAVES):
            staged("send", "", destination, {}, may_leave=False)
    with pytest.raises(lab.Unavailable, match=lab.LEAVES):
        staged("connect", "", "nonlocal4", may_leave=False)
    staged("connect", "", "if4", may_leave=False)  # a host's own address stays
    staged("send", "", "group4", {"via": "lo4"}, may_leave=False)


def test_what_a_role_says_itself() -> None:
    """From a socket of its own: there is no pool, and no control that could hear it."""
    voice = voices.own("x", "group4", ("group4",), "P+1")
    assert (voice.host, voice.group, voice.port, voice.pool, voice.kind) == (
        None,
        "group4",
        1,
        None,
        None,
    )
    assert voice.own
    assert not voice.connects
    assert voices.own("x", "lo4", "127.0.0.1", "P").host == "127.0.0.1"
    assert voices.own("x", "lo4", "127.0.0.1", "80").port == 0


@pytest.mark.parametrize(
    ("voice", "operations", "profile"),
    [
        (
            Voice("x", "127.0.0.1", Pool(INET, ()), INET, ("lo4", None)),
            [["socket", "udp4"], ["bind", "any4"]],
            {"broadcast": 1},
        ),
        (
            Voice("x", None, Pool(INET6, ()), INET6, ("group6-link", "if6")),
            [["socket", "udp6"], ["bind", "any6"], ["join", "group6-link", "if6"]],
            {"via": "if6"},
        ),
    ],
)
def test_a_control_does_what_it_can_to_hear(
    voice: Voice, operations: list[Any], profile: dict[str, Any]
) -> None:
    """Bound to any, a member, and nobody's leave to broadcast is missing."""
    assert voice.kind is not None
    assert voices.for_control(voice) == (operations, ["send", "", voice.kind[0], profile])
