"""The reference model's rules of who may bind what: kernel functions as tables of cases."""

from __future__ import annotations

import pytest
from modelled import PORT, bound, kernel, make, notes, play

from sockmatrix.models import linux_bind, linux_saddr
from sockmatrix.models.kernel import Bucket, Kernel, Socket
from sockmatrix.models.linux_ports import bind

# Who asks, who is there, whether they overlap. v: IPV6_V6ONLY.
OVERLAP = [
    # ipv4_rcv_saddr_equal
    ("4 127.0.0.1", "4 127.0.0.1", True),
    ("4 127.0.0.1", "4 127.0.0.2", False),
    ("4 127.0.0.1", "4 0.0.0.0", True),
    ("4 0.0.0.0", "4 127.0.0.1", True),
    # ipv6_rcv_saddr_equal: an IPv4 socket stands for its mapped address
    ("4 127.0.0.1", "6 ::", True),
    ("4 127.0.0.1", "6v ::", False),
    ("6 ::", "4 127.0.0.1", True),
    ("6v ::", "4 127.0.0.1", False),
    ("6 ::", "4 0.0.0.0", True),
    ("6v ::", "4 0.0.0.0", False),
    ("6 ::", "6v ::1", True),
    ("6v ::1", "6 ::", True),
    ("6v ::1", "4 0.0.0.0", False),
    ("4 0.0.0.0", "6v ::1", False),
    ("6 ::ffff:127.0.0.1", "4 127.0.0.1", True),
    ("6 ::ffff:127.0.0.1", "4 127.0.0.2", False),
    ("6 ::ffff:127.0.0.1", "6v ::", False),
    ("6v ::", "6 ::ffff:127.0.0.1", False),
    ("6 ::ffff:0.0.0.0", "4 127.0.0.1", True),
    ("6v ::1", "6v ::1", True),
    ("6v ::1", "6v 2001:db8::1", False),
]


def socket(on: Kernel, text: str) -> Socket:
    """Return a socket as the tables write it: its family and address."""
    kind, address = text.split()
    sock = make(on, f"udp{kind[0]}")
    assert bind(sock, address, PORT) == "ok"
    sock.v6only = kind.endswith("v")
    return sock


@pytest.mark.parametrize(("asks", "there", "expected"), OVERLAP)
def test_overlapping_addresses(asks: str, there: str, *, expected: bool) -> None:
    """inet_rcv_saddr_equal (net/ipv4/inet_connection_sock.c)."""
    one, two = socket(kernel(), asks), socket(kernel(), there)
    assert linux_saddr.overlap(one, two, match=True) is expected


@pytest.mark.parametrize(
    ("asks", "there", "expected"),
    [
        ("4 127.0.0.1", "4 0.0.0.0", False),
        ("4 0.0.0.0", "4 0.0.0.0", True),
        ("6v ::1", "6 ::", False),
        ("6 ::", "6 ::", True),
        ("6 ::", "4 0.0.0.0", False),
    ],
)
def test_without_wildcards_only_the_same_overlaps(asks: str, there: str, *, expected: bool) -> None:
    """match_wildcard = false, as for groups of SO_REUSEPORT."""
    one, two = socket(kernel(), asks), socket(kernel(), there)
    assert linux_saddr.overlap(one, two, match=False) is expected


# What two sockets have, and whether the second may bind the port of the first.
BOTH = "set SO_REUSEADDR 1; set SO_REUSEPORT 1;"
ADDR, SHARE, NONE = "set SO_REUSEADDR 1;", "set SO_REUSEPORT 1;", ""
PAIRS = [(NONE, NONE), (ADDR, NONE), (NONE, ADDR), (SHARE, NONE), (ADDR, SHARE), (ADDR, ADDR)]
PAIRS += [(SHARE, SHARE), (BOTH, ADDR), (BOTH, SHARE), (BOTH, BOTH)]

UDP = {(ADDR, ADDR), (SHARE, SHARE), (BOTH, ADDR), (BOTH, SHARE), (BOTH, BOTH)}
"""udp_lib_lport_inuse: both must have the same option."""


@pytest.mark.parametrize(("one", "two"), PAIRS)
def test_udp_wants_the_same_option_on_both(one: str, two: str) -> None:
    """udp_lib_lport_inuse2 (net/ipv4/udp.c)."""
    for first, second in ((one, two), (two, one)):
        seen = play(f"A: socket udp4; {first} bind lo4\nB: socket udp4; {second} bind lo4")
        assert seen.failed == ({} if (one, two) in UDP else {"B": "bind EADDRINUSE"})


@pytest.mark.parametrize(("one", "two"), PAIRS)
@pytest.mark.parametrize("listens", [False, True])
def test_tcp_wants_the_same_option_and_nobody_who_listens(one: str, two: str, *, listens: bool) -> None:
    """inet_bind_conflict: SO_REUSEADDR is of no use against a listener, SO_REUSEPORT is."""
    first = f"A: socket tcp4; {one} bind lo4" + ("; listen" if listens else "")
    seen = play(f"{first}\nB: socket tcp4; {two} bind lo4")
    shares = SHARE.strip(";") in one and SHARE.strip(";") in two
    allowed = shares or ((one, two) in UDP and not listens)
    assert seen.failed == ({} if allowed else {"B": "bind EADDRINUSE"})


def test_two_bound_tcp_sockets_cannot_both_listen() -> None:
    """inet_csk_listen_start asks for the port again, now as a listener."""
    seen = play(f"A: socket tcp4; {ADDR} bind lo4\nB: socket tcp4; {ADDR} bind lo4\nA: listen\nB: listen")
    assert seen.failed == {"B": "listen EADDRINUSE"}


def test_reuseport_is_for_one_user() -> None:
    """sk_uid: uid_eq, in udp_lib_lport_inuse and inet_bind_conflict; SO_REUSEADDR asks nobody."""
    for kind in ("udp4", "tcp4"):
        first, second = f"A@u1: socket {kind}; OPTION bind lo4", f"B@u2: socket {kind}; OPTION bind lo4"
        script = f"{first}\n{second}"
        assert play(script.replace("OPTION", SHARE)).failed == {"B": "bind EADDRINUSE"}
        assert play(script.replace("OPTION", ADDR)).failed == {}


def test_devices_keep_sockets_apart() -> None:
    """sk_bound_dev_if differs and neither is 0."""
    lo, link = "set SO_BINDTODEVICE lo4;", "set SO_BINDTODEVICE if4;"
    script = "A: socket udp4; {} bind any4\nB: socket udp4; {} bind any4"
    assert not play(script.format(lo, link)).failed
    assert play(script.format(lo, lo)).failed
    assert play(script.format(lo, "")).failed


BIND = [
    ("udp4", "it = bind nonlocal4", "EADDRNOTAVAIL", "inet_addr_valid_or_nonlocal"),
    ("udp4", "set IP_FREEBIND 1; it = bind nonlocal4", "ok", "inet_addr_valid_or_nonlocal"),
    ("udp6", "it = bind nonlocal6", "EADDRNOTAVAIL", "ipv6_chk_addr in __inet6_bind"),
    ("udp4", "it = bind group4", "ok", "inet_addr_type: multicast"),
    ("udp4", "it = bind subnet-bcast", "ok", "inet_addr_type: broadcast"),
    ("udp4", "it = bind limited", "ok", "inet_addr_type: broadcast"),
    ("tcp6", "it = bind group6-link", "EINVAL", "__inet6_bind: no groups for streams"),
    ("udp6", "it = bind mapped-lo", "ok", "__inet6_bind"),
    ("udp6", "set IPV6_V6ONLY 1; it = bind mapped-lo", "EINVAL", "__inet6_bind"),
    ("udp4", "it = bind lo4 80", "ok", "inet_port_requires_bind_service"),
    ("udp4", "bind lo4; it = bind lo4", "EINVAL", "__inet_bind: inet_num"),
]


@pytest.mark.parametrize(("kind", "calls", "expected", "rule"), BIND)
def test_bind(kind: str, calls: str, expected: str, rule: str) -> None:
    """__inet_bind (net/ipv4/af_inet.c), __inet6_bind (net/ipv6/af_inet6.c)."""
    assert notes(f"A: socket {kind}; {calls}") == {"it": expected}, rule


def test_low_ports_are_for_root() -> None:
    """ip_unprivileged_port_start."""
    assert notes("A@u1: socket udp4; it = bind lo4 80") == {"it": "EACCES"}
    assert notes("A: socket udp4; it = bind lo4 80", user="user") == {"it": "EACCES"}
    assert notes("A: socket udp4; it = bind lo4 1024", user="user") == {"it": "ok"}


def test_a_specific_ipv6_address_makes_a_socket_ipv6_only() -> None:
    """__inet6_bind: sk_ipv6only, whatever the option said."""
    assert notes("A: socket udp6; set IPV6_V6ONLY 0; bind lo6; now = get IPV6_V6ONLY") == {"now": "1"}


def crowd(count: int, on: Kernel) -> None:
    """Bind so many sockets to addresses of 127/8, none of which may be shared."""
    for number in range(1, count + 1):
        bound(on, "udp4", f"127.0.0.{number}")


@pytest.mark.parametrize(
    ("version", "holders", "expected"),
    [
        ((6, 18, 20), 10, "EADDRINUSE"),
        ((6, 18, 20), 11, "ok"),
        ((6, 18, 21), 11, "EADDRINUSE"),
        ((6, 12, 79), 11, "ok"),
        ((6, 12, 80), 11, "EADDRINUSE"),
        ((6, 13, 0), 11, "ok"),
        ((6, 19, 11), 11, "EADDRINUSE"),
        ((7, 0, 0), 11, "EADDRINUSE"),
    ],
)
def test_a_wildcard_among_many(version: tuple[int, int, int], holders: int, expected: str) -> None:
    """CVE-2026-31503: with more than ten holders a wildcard only saw other wildcards."""
    on = kernel(version)
    crowd(holders, on)
    assert bind(make(on, "udp4"), "0.0.0.0", PORT) == expected


def test_a_specific_address_among_many_is_always_checked() -> None:
    """udp_lib_lport_inuse2 looks at the chain of the address, and at that of the wildcard."""
    on = kernel((6, 1, 0))
    crowd(11, on)
    assert bind(make(on, "udp4"), "127.0.0.3", PORT) == "EADDRINUSE"
    assert bind(make(on, "udp4"), "127.0.0.99", PORT) == "ok"


@pytest.mark.parametrize(
    ("version", "reuse", "share"),
    [((6, 7, 0), 1, linux_bind.ANY), ((6, 8, 0), 0, linux_bind.STRICT)],
)
def test_the_shortcuts_of_a_tcp_port(version: tuple[int, int, int], reuse: int, share: int) -> None:
    """inet_csk_update_fastreuse: since 6.8 its port is never found empty."""
    on, bucket = kernel(version), Bucket(PORT)
    linux_bind.remember(make(on, "tcp4", reuse=True, reuseport=True), bucket, version)
    assert (bucket.fast_reuse, bucket.fast_port) == (reuse, share)


@pytest.mark.parametrize(
    ("there", "version", "expected"),
    [
        (("6 ::ffff:0.0.0.0",), (6, 1, 168), "ok"),
        (("6 ::ffff:0.0.0.0",), (6, 1, 167), "EADDRINUSE"),
        (("6 ::ffff:0.0.0.0",), (6, 2, 0), "EADDRINUSE"),
        (("4 0.0.0.0",), (6, 1, 168), "EADDRINUSE"),
        (("6 ::",), (6, 1, 168), "EADDRINUSE"),
        (("6 ::ffff:0.0.0.0", "4 0.0.0.0"), (6, 1, 168), "ok"),
        (("4 0.0.0.0", "6 ::ffff:0.0.0.0"), (6, 1, 168), "EADDRINUSE"),
    ],
)
def test_a_mapped_wildcard_that_is_overlooked(
    there: tuple[str, ...], version: tuple[int, int, int], expected: str
) -> None:
    """6.1.168 compares a mapped address with no mapped wildcard, nor with what shares its bucket."""
    on = kernel(version=version)
    for text in there:
        family, address = text.split()
        holder = make(on, f"tcp{family}")
        holder.reuseport = True
        assert bind(holder, address, PORT) == "ok"
    assert bind(make(on, "tcp6"), "::ffff:127.0.0.1", PORT) == expected


@pytest.mark.parametrize(
    ("lab", "options", "expected"),
    [
        ("one-port-range", ADDR, "EADDRINUSE"),
        ("one-port-range", BOTH, "EADDRINUSE"),
        ("autobind-reuse", ADDR, "ok"),
        ("autobind-reuse", SHARE, "EADDRINUSE"),
        ("autobind-reuse", BOTH, "EADDRINUSE"),
    ],
)
def test_a_tcp_port_that_the_kernel_chooses(lab: str, options: str, expected: str) -> None:
    """inet_csk_find_open_port: no SO_REUSEPORT there, SO_REUSEADDR only with ip_autobind_reuse."""
    line = f"{{}}: socket tcp4; {options} {{}} = bind lo4 0\n"
    seen = notes("".join(line.format(role, role.lower()) for role in "ABC"), lab)
    assert seen == {"a": "ok", "b": "ok", "c": expected}
