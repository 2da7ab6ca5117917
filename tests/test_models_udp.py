"""The reference model's rules of who hears a datagram: scores, groups of sockets, source filters."""

from __future__ import annotations

import pytest
from modelled import bound, datagram, heard, kernel, make, play

from sockmatrix.models import linux_balance, linux_filter, linux_udp
from sockmatrix.models.kernel import Membership

IF4, PEER4 = "198.51.100.1", "198.51.100.2"

ADDR, SHARE = "set SO_REUSEADDR 1;", "set SO_REUSEPORT 1;"

# What a socket is, and its score for a datagram from 127.0.0.1:40000 to 127.0.0.1 that came in on lo.
SCORES = [
    ("udp4", "127.0.0.1", {}, 2),
    ("udp6", "::ffff:127.0.0.1", {}, 1),
    ("udp4", "127.0.0.1", {"device": "lo"}, 6),
    ("udp4", "127.0.0.1", {"device": "if"}, linux_udp.REFUSED),
    ("udp4", "127.0.0.1", {"peer": "127.0.0.1", "peer_port": 40000}, 10),
    ("udp4", "127.0.0.1", {"peer": "127.0.0.1", "peer_port": 40001}, linux_udp.REFUSED),
    ("udp4", "127.0.0.1", {"peer": "127.0.0.2", "peer_port": 40000}, linux_udp.REFUSED),
    ("udp4", "127.0.0.1", {"cpu": True}, 3),
    ("udp4", "0.0.0.0", {}, linux_udp.REFUSED),
    ("udp6", "::", {}, linux_udp.REFUSED),
]


@pytest.mark.parametrize(("kind", "address", "fields", "expected"), SCORES)
def test_scores_of_ipv4(kind: str, address: str, fields: dict[str, object], expected: int) -> None:
    """compute_score (net/ipv4/udp.c): 2 for AF_INET, 4 each for peer, its port, and device."""
    sock = bound(kernel(), kind, address)
    for name, value in fields.items():
        setattr(sock, name, value)
    packet = datagram("127.0.0.1")
    assert linux_udp.score4(sock, packet, "127.0.0.1", devices=True) == expected


def test_scores_of_ipv6() -> None:
    """compute_score (net/ipv6/udp.c): a point each, and none for the family."""
    on, packet = kernel(), datagram("::1", "::1")
    plain = bound(on, "udp6", "::1", reuse=True)
    tied = bound(on, "udp6", "::1", reuse=True, device="lo")
    assert linux_udp.score6(plain, packet, "::1", devices=True) == 0
    assert linux_udp.score6(tied, packet, "::1", devices=True) == 1
    assert linux_udp.score6(bound(on, "udp4", "127.0.0.1"), packet, "::1", devices=True) == -1


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        ((4, 19, 0), True),
        ((5, 4, 152), False),
        ((5, 4, 153), True),
        ((5, 10, 72), False),
        ((5, 14, 12), True),
        ((5, 15, 0), True),
    ],
)
def test_versions_in_which_a_device_counts(version: tuple[int, int, int], *, expected: bool) -> None:
    """8d6c414cd2fb, mended by "net: prefer socket bound to interface when not in VRF"."""
    assert linux_udp.device_counts(version) is expected


def test_the_newer_hears_where_devices_do_not_count() -> None:
    """What that meant: both had four points."""
    script = (
        f"A: socket udp4; {ADDR} set SO_BINDTODEVICE lo4; bind lo4\nB: socket udp4; {ADDR} bind lo4\n"
    )
    script += "S: speak lo4"
    assert heard(script, version=(5, 10, 73)) == {"": ("A",)}
    assert heard(script, version=(5, 10, 72)) == {"": ("B",)}


WINNERS = [
    ("the newer of two alike", "udp4 bind lo4", "udp4 bind lo4", ("B",)),
    ("the specific address", "udp4 bind lo4", "udp4 bind any4", ("A",)),
    ("AF_INET before AF_INET6", "udp4 bind any4", "udp6 bind any6", ("A",)),
    ("AF_INET before AF_INET6, mapped", "udp4 bind lo4", "udp6 bind mapped-lo", ("A",)),
    ("a mapped address before the wildcard", "udp6 bind mapped-lo", "udp4 bind any4", ("A",)),
]


@pytest.mark.parametrize(("rule", "one", "two", "expected"), WINNERS)
def test_who_hears_a_unicast(rule: str, one: str, two: str, expected: tuple[str, ...]) -> None:
    """udp4_lib_lookup2, __udp4_lib_lookup."""
    script = "S: speak lo4"
    for role, text in (("B", two), ("A", one)):
        kind, bind = text.split(" ", 1)
        script = f"{role}: socket {kind}; {ADDR} {bind}\n{script}"
    assert heard(script) == {"": expected}, rule


def test_groups_spread_by_source_port() -> None:
    """udp_ehashfn is over the four-tuple: each of many sources has one, all in all everybody hears."""
    script = f"A: socket udp4; {SHARE} bind lo4\nB: socket udp4; {SHARE} bind lo4\nS: speak lo4"
    [told] = play(script).delivery.values()
    assert (told.word, told.by, told.who) == ("spread", "source port", ("A", "B"))


def test_who_joins_a_group_of_sockets() -> None:
    """udp_reuseport_add_sock: the same family, user, device and address."""
    on = kernel()
    first = bound(on, "udp4", "127.0.0.1", reuseport=True, reuse=True)
    alike = bound(on, "udp4", "127.0.0.1", reuseport=True, reuse=True)
    assert first.balance is not None
    assert first.balance.sockets == [first, alike]
    for kind, address, uid, device in (
        ("udp4", "0.0.0.0", "root", ""),
        ("udp4", "127.0.0.2", "root", ""),
        ("udp4", "127.0.0.1", "u1", ""),
        ("udp4", "127.0.0.1", "root", "lo"),
        ("udp6", "::ffff:127.0.0.1", "root", ""),
    ):
        other = bound(on, kind, address, reuseport=True, reuse=True, uid=uid, device=device)
        assert other.balance is not None
        assert other.balance.sockets == [other]


def test_the_last_moves_into_the_place_of_whoever_leaves() -> None:
    """__reuseport_detach_sock."""
    on = kernel()
    one, two, three = (bound(on, "udp4", "127.0.0.1", reuseport=True) for _ in "ABC")
    group = one.balance
    assert group is not None
    linux_balance.leave(one)
    assert group.sockets == [three, two]
    assert one.balance is None


def test_a_program_chooses_and_an_index_too_large_does_not() -> None:
    """reuseport_select_sock, run_bpf_filter."""
    on = kernel()
    one, two = (bound(on, "udp4", "127.0.0.1", reuseport=True) for _ in "AB")
    group = one.balance
    assert group is not None
    assert linux_balance.attach(two, 1) == "ok"
    assert linux_balance.choices(group) == [two]
    assert linux_balance.attach(two, 5) == "ok"
    assert linux_balance.choices(group) == [one, two]
    assert linux_balance.detach(one) == "ok"
    assert linux_balance.detach(one) == "ENOENT"


def test_a_program_needs_reuseport() -> None:
    """reuseport_attach_prog, reuseport_detach_prog."""
    on = kernel()
    assert linux_balance.attach(make(on, "udp4"), 0) == "EINVAL"
    assert linux_balance.detach(make(on, "udp4")) == "EINVAL"
    assert linux_balance.detach(make(on, "udp4", reuseport=True)) == "ENOENT"
    assert linux_balance.attach(make(on, "udp4", reuseport=True), 0) == "ok"


def test_connected_sockets_leave_their_group() -> None:
    """udp_lib_hash4, since 6.13; before, the group knew of it (has_conns) and scores decided."""
    on = "set SO_REUSEPORT 1; bind lo4"
    script = f"A: socket udp4; {on}\nB: socket udp4; {on}\nC: socket udp4; {on}\n"
    script += "X: socket udp4; bind lo4 P+1\nC: connect lo4 P+1\nX: speak lo4\nS: other = speak lo4"
    for version in ((6, 12, 0), (6, 18, 44)):
        assert heard(script, version=version) == {"": ("C",), "other": ("A", "B")}


RECONNECTED = f"""
A: socket udp4; {ADDR} bind lo4
B: socket udp4; {ADDR} bind lo4
X: socket udp4; bind lo4 P+1
X.b: socket udp4; bind lo4 P+2
A: connect lo4 P+2
B: connect lo4 P+2
B: connect lo4 P+1
A: connect lo4 P+1
X: speak lo4
"""


@pytest.mark.parametrize(
    ("version", "winner"),
    [((6, 12, 0), "B"), ((6, 18, 44), "B"), ((6, 18, 55), "A"), ((7, 2, 8), "B"), ((7, 2, 9), "A")],
)
def test_whoever_connects_again(version: tuple[int, int, int], winner: str) -> None:
    """Filed by its new four-tuple since 7.2.9 and 6.18.55; else found as before 6.13, newest first."""
    assert heard(RECONNECTED, version=version) == {"": (winner,)}
    once = RECONNECTED.replace("A: connect lo4 P+2\nB: connect lo4 P+2\n", "")
    newest = "A" if version >= (6, 13, 0) else "B"
    assert heard(once, version=version) == {"": (newest,)}


def test_disconnected_from_what_it_was_bound_to() -> None:
    """A socket without an address of its own is filed anew, whatever the version (udp_lib_rehash)."""
    script = RECONNECTED.replace("bind lo4\n", "bind any4\n").replace("P+2\n", "P+2; disconnect\n")
    script = script.replace("bind lo4 P+2; disconnect", "bind lo4 P+2")
    assert heard(script) == {"": ("A",)}


# --- groups and broadcast --------------------------------------------------------------------------

MATCHES = [
    ("udp4", "0.0.0.0", {}, True),
    ("udp4", "224.0.0.99", {}, True),
    ("udp4", "224.0.0.98", {}, False),
    ("udp4", IF4, {}, False),
    ("udp6", "::", {}, False),  # IP_MULTICAST_ALL is off for AF_INET6 (inet6_create)
    ("udp6", "::", {"options": {"IP_MULTICAST_ALL": 1}}, True),
    ("udp4", "0.0.0.0", {"options": {"IP_MULTICAST_ALL": 0}}, False),
    ("udp4", "0.0.0.0", {"device": "lo"}, False),
    ("udp4", "0.0.0.0", {"peer": PEER4, "peer_port": 40000}, True),
    ("udp4", "0.0.0.0", {"peer": PEER4, "peer_port": 40001}, False),
]


@pytest.mark.parametrize(("kind", "address", "fields", "expected"), MATCHES)
def test_who_matches_a_group(
    kind: str, address: str, fields: dict[str, object], *, expected: bool
) -> None:
    """__udp_is_mcast_sock, ip_mc_sf_allow."""
    sock = bound(kernel(), kind, address)
    for name, value in fields.items():
        setattr(sock, name, value)
    assert linux_udp.matches4(sock, datagram("224.0.0.99", PEER4, "if"), "if") is expected


@pytest.mark.parametrize(
    ("mode", "sources", "expected"),
    [
        ("exclude", [], True),
        ("exclude", [PEER4], False),
        ("include", [], False),
        ("include", [PEER4], True),
    ],
)
def test_source_filters(mode: str, sources: list[str], *, expected: bool) -> None:
    """ip_mc_sf_allow, inet6_mc_check: a membership decides, whatever IP_MULTICAST_ALL says."""
    member = Membership("224.0.0.99", "if", mode="include" if mode == "include" else "exclude")
    member.sources += sources
    sock = bound(kernel(), "udp4", "0.0.0.0")
    sock.memberships.append(member)
    assert linux_filter.allows4(sock, "224.0.0.99", PEER4, "if") is expected
    assert linux_filter.allows4(sock, "224.0.0.99", PEER4, "lo") is True
    member.group, sock.memberships = "ff12::99", [member]
    assert linux_filter.allows6(sock, "ff12::99", PEER4) is expected


def test_all_hear_a_broadcast() -> None:
    """__udp4_lib_mcast_deliver; SO_REUSEPORT makes no difference."""
    script = "\n".join(f"{role}: socket udp4; {SHARE} bind any4" for role in "ABC")
    [told] = play(script + "\nS: speak subnet-bcast broadcast").delivery.values()
    assert told.word == "all"


def test_early_demux_of_a_group() -> None:
    """Since 6.9 the only hearer's SO_REUSEPORT group picks another (inet_steal_sock), off a wire only."""
    quiet = f"socket udp4; {SHARE} set IP_MULTICAST_ALL 0; bind any4"
    script = f"A: {quiet}; join group4 if4\nB: {quiet}\n"
    wire = script + "X@h2: socket udp4; set IP_MULTICAST_IF if4; speak group4"
    old, new = (play(wire, "hosts-2", version=version) for version in ((6, 8, 0), (6, 9, 0)))
    assert old.delivery[""].who == ("A",)
    assert not old.others
    assert {one.delivery[""].who for one in (new, *new.others)} == {("A",), ("B",)}
    here = script + "S: speak group4 via=if4"
    assert heard(here, version=(6, 9, 0)) == {"": ("A",)}
