"""Datagrams: what is sent says its label, and what is received is told in words."""

from __future__ import annotations

import errno
import socket
import struct
from typing import Any

import datagrams
import groups
import payload
import pytest
from fake_places import FROM, GROUP, NONCE, PORT, Fake, at, ours


def test_what_is_heard_is_told_with_its_label_size_and_source() -> None:
    """Nothing else is asked for."""
    place = at(Fake((ours(), [], 0, FROM)))
    assert datagrams.receive(place, 2048, 0) == "heard=hello size=32 from=lo4:ephemeral"


def test_a_stranger_has_no_label() -> None:
    """Nor has one of another trial, or one too short to carry one."""
    strangers = [b"x" * 32, b"", payload.head(NONCE, 6) + b"\xffhello\n", ours()[:12]]
    place = at(Fake(*((data, [], 0, FROM) for data in strangers)))
    assert {datagrams.receive(place, 2048, 0).split()[0] for _ in strangers} == {
        "size=32", "size=0", "size=19", "size=12",
    }  # fmt: skip


def test_truncation_is_told() -> None:
    """The size is what fits; with MSG_TRUNC the real one (recv(2))."""
    place = at(Fake((ours(size=100), [], 0, FROM), (ours(size=100), [], 0, FROM)))
    assert datagrams.receive(place, 50, 0) == "heard=hello size=50 from=lo4:ephemeral flags=TRUNC"
    assert datagrams.receive(place, 50, socket.MSG_TRUNC).split()[1] == "size=100"


def test_pktinfo_tells_destination_local_address_and_interface() -> None:
    """ip(7): struct in_pktinfo; RFC 3542: struct in6_pktinfo."""
    info4 = struct.pack("=I", 2) + socket.inet_aton("198.51.100.1") + socket.inet_aton(GROUP)
    info6 = socket.inet_pton(socket.AF_INET6, groups.of("group6-link", GROUP)) + struct.pack("=I", 1)
    place = at(
        Fake(
            (ours(), [(socket.IPPROTO_IP, 8, info4)], 0, FROM),
            (ours(), [(socket.IPPROTO_IPV6, 50, info6)], 0, FROM),
        )
    )
    assert datagrams.receive(place, 2048, 0).endswith(" to=group4 local=if4 on=if")
    assert datagrams.receive(place, 2048, 0).endswith(" to=group6-link on=lo")


def test_ttl_is_told_where_it_was_asked_for() -> None:
    """IP_RECVTTL gives IP_TTL, IPV6_RECVHOPLIMIT IPV6_HOPLIMIT."""
    item = struct.pack("=i", 64)
    place = at(Fake((ours(), [(socket.IPPROTO_IP, 2, item)], 0, FROM)))
    assert datagrams.receive(place, 2048, 0).endswith(" ttl=64")


def test_all_is_received_in_order_until_nothing_is_left() -> None:
    """An error ends it, and is told."""
    refused = OSError(errno.ECONNREFUSED, "refused")
    place = at(Fake((ours("one"), [], 0, FROM), (ours("two"), [], 0, FROM), refused))
    assert datagrams.receive_all(place, 2048, 0) == (
        "heard=one size=32 from=lo4:ephemeral / heard=two size=32 from=lo4:ephemeral / ECONNREFUSED"
    )
    assert datagrams.receive_all(at(Fake()), 2048, 0) == "nothing"


def test_the_end_of_a_stream_is_told() -> None:
    """And what it brought before."""
    place = at(Fake(ours(), b"", kind=int(socket.SOCK_STREAM)))
    assert datagrams.receive(place, 2048, 0) == "heard=hello size=32"
    assert datagrams.receive(place, 2048, 0) == "eof"


def test_the_error_queue_tells_who_refused_what() -> None:
    """ip(7): struct sock_extended_err, and the offender behind it."""
    extended = struct.pack("=IBBBBII", errno.ECONNREFUSED, 2, 3, 3, 0, 0, 0)
    offender = struct.pack("=HH4s8x", socket.AF_INET, 0, socket.inet_aton("127.0.0.1"))
    queue = Fake((b"", [(socket.IPPROTO_IP, 11, extended + offender)], 0, ("127.0.0.1", PORT)))
    assert datagrams.errors(at(queue)) == "ECONNREFUSED origin=icmp type=3 code=3 offender=lo4 to=lo4:P"


# Sending


def test_a_datagram_says_its_label() -> None:
    """So that whoever receives it can tell."""
    sock = Fake()
    assert datagrams.send(at(sock), ("group4",), "P", "hello", None, 0, []) == "ok"
    [(call, data, _, to)] = sock.calls
    assert (call, data, to) == ("sendto", ours(), (GROUP, PORT))


@pytest.mark.parametrize("size", [0, 5, 100])
def test_a_datagram_has_the_size_that_was_asked_for(size: int) -> None:
    """Cut off or filled up."""
    sock = Fake()
    datagrams.send(at(sock), None, "P", "hello", size, 0, [])
    assert sock.calls == [("send", ours(size=100)[:size], 0)]


def test_counted_datagrams_stop_at_an_error() -> None:
    """What left until then counts."""
    sock = Fake()
    assert datagrams.speak(at(sock), "127.0.0.1", "P", 3, 4) == (0b1111, "")
    assert sock.calls[1][1] == payload.head(NONCE, 5) + b"\x03" + payload.SEQUENCES[1]
    sock.error = OSError(errno.EACCES, "no")
    assert datagrams.speak(at(sock), "127.0.0.1", "P", 3, 4) == (0, "EACCES")


def test_a_source_address_goes_along_as_ancillary_data() -> None:
    """sendmsg(2), to somebody or to the connected peer."""
    sock = Fake()
    item = [(0, 8, b"info")]
    datagrams.send(at(sock), "198.51.100.2", "P+1", "x", 20, 4, item)
    datagrams.send(at(sock), None, "P", "x", 20, 4, item)
    data = ours("x", 20)
    assert sock.calls == [
        ("sendmsg", [data], item, 4, ("198.51.100.2", PORT + 1)),
        ("sendmsg", [data], item, 4),
    ]


def test_where_there_is_no_recvmsg_the_source_is_told_all_the_same() -> None:
    """Windows."""

    class Winsock:
        type = int(socket.SOCK_DGRAM)

        @staticmethod
        def recvfrom(size: int, _: int) -> Any:
            return ours()[:size], FROM

    place = at(Winsock())  # type: ignore[arg-type]
    assert datagrams.receive(place, 30, 0) == "heard=hello size=30 from=lo4:ephemeral"


def test_an_error_of_the_own_host_has_no_offender() -> None:
    """EMSGSIZE: SO_EE_ORIGIN_LOCAL, and the MTU as `ee_info` (ip(7))."""
    extended = struct.pack("=IBBBBII", errno.EMSGSIZE, 1, 0, 0, 0, 1500, 0) + bytes(16)
    place = at(Fake((b"", [(socket.IPPROTO_IP, 11, extended)], 0, ("198.51.100.2", PORT))))
    assert datagrams.errors(place) == "EMSGSIZE origin=local type=0 code=0 to=h2:P info=1500"
    assert datagrams.errors(at(Fake((b"", [], 0, FROM)))) == "nothing"


def test_an_offender_of_ipv6_is_told() -> None:
    """ICMPv6 port unreachable, type 1 code 4 (RFC 4443, 3.1)."""
    extended = struct.pack("=IBBBBII", errno.ECONNREFUSED, 3, 1, 4, 0, 0, 0)
    offender = struct.pack(
        "=HHI16sI", socket.AF_INET6, 0, 0, socket.inet_pton(socket.AF_INET6, "fe80::1"), 0
    )
    queue = Fake((b"", [(socket.IPPROTO_IPV6, 25, extended + offender)], 0, ("fe80::1", PORT)))
    told = "ECONNREFUSED origin=icmp6 type=1 code=4 offender=link6 to=link6:P"
    assert datagrams.errors(at(queue)) == told


def test_a_flood_is_not_read_for_ever() -> None:
    """64 datagrams are enough for any question."""
    found = datagrams.receive_all(at(Fake(*[(ours(), [], 0, FROM)] * 100)), 2048, 0)
    assert found.count("heard=hello") == 64
