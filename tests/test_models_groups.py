"""The reference model's rules of memberships: who may join what, and who then hears whom."""

from __future__ import annotations

import pytest
from modelled import heard, notes, play

ADDR = "set SO_REUSEADDR 1;"

JOINS = [
    ("udp4", "it = join group4 if4", "ok", "plain"),
    ("udp4", "it = join group4 bad by=index", "ENODEV", "plain"),
    ("udp4", "it = join lo4 if4", "EINVAL", "plain"),
    ("udp4", "join group4 if4; it = join group4 if4", "EADDRINUSE", "plain"),
    ("udp4", "join group4 if4; it = join group4 lo4", "ok", "plain"),
    ("udp4", "it = join group4 if4 by=any", "ok", "plain"),
    ("udp4", "it = join group4 if4 by=any", "ENODEV", "no-routes"),
    ("udp4", "it = leave group4 if4", "EADDRNOTAVAIL", "plain"),
    ("udp4", "join group4 if4; it = leave group4 lo4", "EADDRNOTAVAIL", "plain"),
    ("udp4", "join group4 if4; it = leave group4 if4", "ok", "plain"),
    ("tcp4", "it = join group4 if4", "EPROTO", "plain"),
    ("tcp4", "it = join group4 if4 by=group-req", "ok", "plain"),
    ("tcp6", "it = join group6-link if6 by=group-req", "ok", "plain"),
    ("tcp4", "join group4 if4 by=group-req; it = leave group4 if4 by=group-req", "ok", "plain"),
    ("tcp4", "join group4 if4 by=group-req; it = leave group4 if4", "EPROTO", "plain"),
    ("udp4", "join group4 if4 by=group-req; it = join group4 if4", "EADDRINUSE", "plain"),
    ("udp4", "it = join group6-link if6 by=group-req", "ENOPROTOOPT", "plain"),
    ("udp4", "it = join group6-link if6", "ENOPROTOOPT", "plain"),
    ("udp6", "it = join group6-link if6", "ok", "plain"),
    ("udp6", "join group6-link if6; it = join group6-link if6", "EADDRINUSE", "plain"),
    ("udp6", "it = join group6-link bad", "ENODEV", "plain"),
    ("udp6", "it = join group4 if4", "ok", "plain"),
]


@pytest.mark.parametrize(("kind", "calls", "expected", "lab"), JOINS)
def test_joining_and_leaving(kind: str, calls: str, expected: str, lab: str) -> None:
    """__ip_mc_join_group, ip_mc_leave_group, __ipv6_sock_mc_join."""
    assert notes(f"A: socket {kind}; {calls}", lab) == {"it": expected}


SOURCES = [
    ("it = join group4 if4 source=h2", "ok"),
    ("join group4 if4 source=h2; it = join group4 if4 source=h2", "EADDRNOTAVAIL"),
    ("join group4 if4 source=h2; it = join group4 if4 source=h3", "ok"),
    ("join group4 if4; it = join group4 if4 source=h2", "ok"),
    ("join group4 if4; it = block group4 if4 source=h2", "ok"),
    ("it = block group4 if4 source=h2", "EINVAL"),
    ("join group4 if4; it = unblock group4 if4 source=h2", "EADDRNOTAVAIL"),
    ("join group4 if4; block group4 if4 source=h2; it = block group4 if4 source=h2", "EADDRNOTAVAIL"),
    ("join group4 if4; block group4 if4 source=h2; it = join group4 if4 source=h3", "EINVAL"),
    ("join group4 if4 source=h2; it = block group4 if4 source=h3", "EINVAL"),
    ("join group4 if4 source=h2; it = leave group4 if4 source=h2", "ok"),
    ("join group4 if4 source=h2; leave group4 if4 source=h2; it = leave group4 if4", "EADDRNOTAVAIL"),
]


@pytest.mark.parametrize(("calls", "expected"), SOURCES)
def test_filters_by_source(calls: str, expected: str) -> None:
    """ip_mc_source: a filter has one mode, and the last included source leaves."""
    assert notes(f"A: socket udp4; {calls}", "hosts-3") == {"it": expected}


def test_a_socket_has_so_many_memberships() -> None:
    """net.ipv4.igmp_max_memberships is 20, for each socket; IPv6 knows no such number."""
    joins = "; ".join(f"join group4-{number} if4" for number in range(2, 22))
    assert notes(f"A: socket udp4; {joins}; it = join group4 if4") == {"it": "ENOBUFS"}
    assert notes(f"A: socket udp4; {joins}; it = join group4-2 if4") == {"it": "EADDRINUSE"}
    assert notes(f"A: socket udp4; {joins}\nA.b: socket udp4; it = join group4 if4") == {"it": "ok"}


def test_sources_are_counted() -> None:
    """net.ipv4.igmp_max_msf is 10."""
    blocks = "; ".join(f"block group4 if4 source=lo4-{number}" for number in range(3, 13))
    script = f"A: socket udp4; join group4 if4; {blocks}; it = block group4 if4 source=lo4"
    assert notes(script) == {"it": "ENOBUFS"}


def test_whoever_has_not_joined_hears_as_well() -> None:
    """IP_MULTICAST_ALL (ip_mc_sf_allow), and AF_INET6 sockets do not have it for IPv4 groups."""
    rest = "A: socket udp4; {} bind any4; join group4 if4\nB: socket {}; {} {} bind {}\n"
    script = rest + "S: speak group4 via=if4"
    said = [
        ("udp4", "", "any4", ("A", "B")),
        ("udp4", "set IP_MULTICAST_ALL 0;", "any4", ("A",)),
        ("udp6", "", "any6", ("A",)),
        ("udp6", "set IP_MULTICAST_ALL 1;", "any6", ("A", "B")),
    ]
    for kind, option, address, expected in said:
        [told] = play(script.format(ADDR, kind, ADDR, option, address)).delivery.values()
        assert (told.who or ("A", "B")) == expected
        assert told.word == ("all" if expected == ("A", "B") else "one")


def test_nobody_hears_a_group_that_nobody_has_joined() -> None:
    """ip_mc_output loops back only what ip_check_mc_rcu lets in; 224.0.0.1 has everybody in it."""
    script = "A: socket udp4; bind any4\nS: speak GROUP via=if4"
    assert play(script.replace("GROUP", "group4")).delivery[""].word == "none"
    assert play(script.replace("GROUP", "allhosts4")).delivery[""].word == "all"


def test_a_sender_need_not_hear_itself() -> None:
    """sk_mc_loop: IP_MULTICAST_LOOP of the sender, for its own host only."""
    script = "A: socket udp4; bind any4; join group4 if4\nB@h2: socket udp4; bind any4; join group4 if4\n"
    assert heard(script + "S: speak group4 via=if4 loop=0 ttl=1", "hosts-2") == {"": ("B",)}
    assert play(script + "S: speak group4 via=if4 ttl=1", "hosts-2").delivery[""].word == "all"
    assert heard(script + "S: speak group4 via=if4 ttl=0", "hosts-2") == {"": ("A",)}


def test_a_blocked_source_is_not_heard() -> None:
    """Filters of sockets (ip_mc_sf_allow) and of hosts (ip_check_mc_rcu)."""
    script = "A: socket udp4; bind any4; join group4 if4; FILTER\nX@h2: socket udp4; speak group4\n"
    for words, word in (
        ("block group4 if4 source=h2", "none"),
        ("block group4 if4 source=h3", "all"),
        ("join group4 if4 source=h3", "none"),
        ("join group4 if4 source=h2", "all"),
    ):
        [told] = play(script.replace("FILTER", words), "hosts-3").delivery.values()
        assert told.word == word


def test_leaving_by_closing() -> None:
    """ip_mc_drop_socket: who is left hears no more, for the host has left the group."""
    script = f"A: socket udp4; {ADDR} bind any4\nB: socket udp4; {ADDR} bind any4; join group4 if4\n"
    script += "S: before = speak group4 via=if4\nB: close\nS: after = speak group4 via=if4"
    said = play(script).delivery
    assert (said["before"].word, said["after"].word) == ("all", "none")
    assert said["after"].closed == ("B",)
