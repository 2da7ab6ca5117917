"""The reference model's rules of single messages: errors, sizes, addresses, options."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from modelled import notes, play

from sockmatrix.models.linux_size import DO, INTERFACE, OMIT, PROBE, WANT, Excess, excess

if TYPE_CHECKING:
    from sockmatrix.models.versions import Version

A = "A: socket udp4; bind lo4\n"
UDP = "X: socket udp4; "

SENDS = [
    (UDP + "it = send lo4", "ok", "nobody is told of what an unconnected socket sends"),
    (UDP + "it = send subnet-bcast", "EACCES", "udp_sendmsg: SO_BROADCAST"),
    (UDP + "set SO_BROADCAST 1; it = send subnet-bcast", "ok", "udp_sendmsg"),
    (UDP + "it = connect subnet-bcast", "EACCES", "__ip4_datagram_connect"),
    (UDP + "it = send", "EDESTADDRREQ", "udp_sendmsg"),
    (UDP + "it = send lo4 0", "EINVAL", "udp_sendmsg: a port of 0"),
    (UDP + "connect lo4; send; it = send", "ECONNREFUSED", "sock_error, after an ICMP error"),
    (UDP + "connect lo4; send; told = send; it = send", "ok", "an error is told once"),
    (UDP + "it = peer", "ENOTCONN", "inet_getname"),
    (UDP + "connect lo4; it = peer", "lo4:P", "inet_getname"),
    (UDP + "connect lo4; disconnect; it = peer", "ENOTCONN", "__udp_disconnect"),
    (UDP + "bind lo4 P+1; connect lo4; disconnect; it = name", "lo4:P+1", "SOCK_BINDADDR_LOCK"),
    (UDP + "bind any4 P+1; connect lo4; it = name", "lo4:P+1", "__ip4_datagram_connect"),
    (UDP + "bind any4 P+1; connect lo4; disconnect; it = name", "any4:P+1", "__udp_disconnect"),
    (UDP + "connect lo4; it = name", "lo4:ephemeral", "inet_autobind"),
    (UDP + "it = receive", "nothing", "EAGAIN"),
    ("X: socket udp6; set IPV6_V6ONLY 1; it = send mapped-lo", "ENETUNREACH", "udpv6_sendmsg"),
    ("X: socket udp6; bind mapped-lo P+1; it = send lo6", "EAFNOSUPPORT", "ip6_dst_lookup_tail"),
]


@pytest.mark.parametrize(("script", "expected", "rule"), SENDS)
def test_single_messages(script: str, expected: str, rule: str) -> None:
    """udp_sendmsg, udpv6_sendmsg, and what goes with them."""
    assert notes(script)["it"] == expected, rule


def test_a_datagram_is_cut_to_the_buffer() -> None:
    """MSG_TRUNC: what does not fit is lost, and asked for, the real length is told."""
    script = A + UDP + "one = send lo4 size=100; two = send lo4 size=100; bind-x = name\n"
    script += "A: a = receive size=50; b = receive size=50 flags=MSG_TRUNC; c = receive"
    seen = notes(script)
    assert seen["a"].startswith("heard=one size=50 from=lo4:ephemeral")
    assert seen["a"].endswith("flags=TRUNC")
    assert seen["b"].startswith("heard=two size=100 ")
    assert seen["c"] == "nothing"


def test_errors_are_kept_for_whoever_asks() -> None:
    """ip_icmp_error, ip_recv_error; SO_ERROR goes with it."""
    script = UDP + "set IP_RECVERR 1; bind lo4 P+1; send lo4; a = get SO_ERROR; b = errors; c = errors"
    told = "ECONNREFUSED origin=icmp type=3 code=3 offender=lo4 to=lo4:P"
    assert notes(script) == {"a": "ECONNREFUSED", "b": told, "c": "nothing"}


def test_what_a_datagram_says_of_its_way() -> None:
    """IP_PKTINFO: destination, local address, device (ip_cmsg_recv_pktinfo)."""
    script = "A: socket udp4; bind any4; set IP_PKTINFO 1; set IP_RECVTTL 1\n"
    script += "X: socket udp4; bind if4 P+1; s = send if4\nA: it = receive"
    assert notes(script)["it"] == "heard=s size=32 from=if4:P+1 to=if4 local=if4 on=if ttl=64"


# Payload, family, device, IP_MTU_DISCOVER, version; then what becomes of it.
SIZES = [
    ((1472, 4, "if", DO, (6, 18, 44)), None),
    ((1473, 4, "if", WANT, (6, 18, 44)), None),
    ((1473, 4, "if", DO, (6, 18, 44)), Excess("local", 1500)),
    ((1473, 4, "if", OMIT, (6, 18, 44)), None),
    ((65507, 4, "lo", DO, (6, 18, 44)), None),
    ((65508, 4, "lo", WANT, (6, 18, 44)), Excess("local", 65535)),
    ((65508, 4, "lo", PROBE, (6, 18, 44)), Excess("icmp", 65535)),
    ((65508, 4, "lo", INTERFACE, (6, 18, 44)), Excess("lost", 65535)),
    ((65508, 4, "lo", INTERFACE, (7, 2, 6)), Excess("lost", 65535)),
    ((65508, 4, "lo", INTERFACE, (7, 2, 7)), Excess("local", 65535)),
    ((65508, 4, "lo", OMIT, (6, 18, 44)), Excess("local", 65536)),
    ((65508, 4, "lo", OMIT, (7, 2, 7)), Excess("local", 65535)),
    ((65536, 4, "lo", WANT, (6, 18, 44)), Excess("unsaid", 0)),
    ((1453, 6, "if", DO, (6, 18, 44)), Excess("local", 1500)),
    ((65527, 6, "lo", WANT, (6, 18, 44)), None),
    ((65527, 6, "lo", DO, (6, 18, 44)), Excess("local", 65536)),
    ((65528, 6, "lo", WANT, (6, 18, 44)), Excess("local", 65536)),
]


@pytest.mark.parametrize(("what", "expected"), SIZES)
def test_sizes(what: tuple[int, int, str, int, Version], expected: Excess | None) -> None:
    """__ip_append_data, __ip6_append_data; measured on 6.18.44, and on 7.2.7 for the cap."""
    assert excess(*what) == expected


OPTIONS = [
    ("udp4", "it = get IP_TTL", "64"),
    ("udp4", "it = set IP_TTL 0", "EINVAL"),
    ("udp4", "set IP_TTL 7; set IP_TTL -1; it = get IP_TTL", "64"),
    ("udp4", "it = get IP_MULTICAST_ALL", "1"),
    ("udp6", "it = get IP_MULTICAST_ALL", "0"),
    ("udp4", "it = set IP_MULTICAST_ALL 2", "EINVAL"),
    ("udp4", "it = set IPV6_V6ONLY 1", "ENOPROTOOPT"),
    ("udp6", "bind any6; it = set IPV6_V6ONLY 1", "EINVAL"),
    ("udp4", "it = set SO_TYPE 1", "ENOPROTOOPT"),
    ("udp4", "set SO_RCVBUF 1; it = get SO_RCVBUF", "2304"),
    ("udp4", "set SO_RCVBUF 5000; it = get SO_RCVBUF", "10000"),
    ("tcp4", "it = set IP_MULTICAST_TTL 1", "EINVAL"),
    ("udp4", "it = set SO_BINDTODEVICE bad", "ENODEV"),
    ("udp4", "it = set SO_REUSEPORT_LB 1", "absent"),
    ("udp4", "it = set SO_REUSE_MULTICASTPORT 1", "absent"),
    ("udp4", "it = set IP_MULTICAST_IF bad", "EADDRNOTAVAIL"),
    ("udp4", "set SO_REUSEADDR 5; it = get SO_REUSEADDR", "1"),
]


@pytest.mark.parametrize(("kind", "calls", "expected"), OPTIONS)
def test_options(kind: str, calls: str, expected: str) -> None:
    """sk_setsockopt, do_ip_setsockopt, do_ipv6_setsockopt."""
    assert notes(f"A: socket {kind}; {calls}") == {"it": expected}


@pytest.mark.parametrize(
    ("version", "expected"), [((6, 12, 8), "ok"), ((6, 12, 9), "EOPNOTSUPP"), ((6, 18, 44), "EOPNOTSUPP")]
)
def test_reuseport_outside_of_ip(version: tuple[int, int, int], expected: str) -> None:
    """Since "net: restrict SO_REUSEPORT to inet sockets" they refuse it."""
    script = "A: socket unix-stream; it = set SO_REUSEPORT 1"
    assert notes(script, version=version) == {"it": expected}


def test_only_root_changes_a_device() -> None:
    """sock_bindtoindex: CAP_NET_RAW to change one, none for the first (since 5.7)."""
    script = "A: socket udp4; one = set SO_BINDTODEVICE lo4; two = set SO_BINDTODEVICE if4"
    assert notes(script) == {"one": "ok", "two": "ok"}
    assert notes(script, user="owner") == {"one": "ok", "two": "ok"}
    assert notes(script, user="user") == {"one": "ok", "two": "EPERM"}


def test_other_users_need_root() -> None:
    """The cell is skipped."""
    assert play("A@u1: socket udp4; bind lo4", user="user").skipped
    assert play("A@u1: socket udp4; bind lo4", user="owner").skipped
