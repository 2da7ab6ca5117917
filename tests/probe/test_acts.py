"""Acts: what a role does with a socket beside opening it, told in words that are the same everywhere."""

from __future__ import annotations

import errno
import socket
import struct
from typing import Any

import acts
import groups
import payload
import pytest
from acts import Place, Surroundings
from role import Role

NONCE = b"01234567"
GROUP = "239.192.0.7"
PORT = 12000
NAMES = {"127.0.0.1": "lo4", "198.51.100.1": "if4", "198.51.100.2": "h2", "fe80::1": "link6"}
HERE = Surroundings(NAMES, {1: "lo", 2: "if"}, (32768, 60999))


class Fake:
    """A socket that remembers its calls and gives what it was given to give."""

    def __init__(self, *received: Any, kind: int = int(socket.SOCK_DGRAM)) -> None:
        """Begin with what the next receives give: (data, ancillary, flags, source), or an error."""
        self.type = kind
        self.received = list(received)
        self.calls: list[tuple[Any, ...]] = []
        self.options: dict[tuple[int, int], int] = {}
        self.error: OSError | None = None

    def __getattr__(self, name: str) -> Any:
        def call(*arguments: Any) -> Any:
            self.calls.append((name, *arguments))
            if self.error is not None:
                raise self.error

        return call

    def recvmsg_into(self, buffers: list[bytearray], _: int, flags: int = 0) -> Any:
        """Give the next datagram; the length is the real one with MSG_TRUNC, as recv(2) says."""
        data, ancillary, told, source = self._next()
        size = len(buffers[0])
        buffers[0][: min(size, len(data))] = data[:size]
        told |= socket.MSG_TRUNC if len(data) > size else 0
        return (len(data) if flags & socket.MSG_TRUNC else min(len(data), size)), ancillary, told, source

    def recvmsg(self, *_: Any) -> Any:
        """Give what waits in the error queue."""
        return self._next()

    def recv(self, *_: Any) -> Any:
        """Give the next bytes of a stream."""
        return self._next()

    def _next(self) -> Any:
        if not self.received:
            raise BlockingIOError(errno.EAGAIN, "nothing")
        found = self.received.pop(0)
        if isinstance(found, OSError):
            raise found
        return found

    def getsockopt(self, level: int, option: int, *_: Any) -> Any:
        """Give the value of an option."""
        return self.options[(level, option)]

    def getsockname(self) -> tuple[str, int]:
        """Give the own address."""
        return ("127.0.0.1", PORT)


def at(sock: Fake) -> Place:
    """Return the place of trial 5, with its socket open."""
    role = Role(NONCE)
    role.here(HERE, [])
    role.sockets[5] = sock  # type: ignore[assignment]
    return Place(role, 5, PORT, GROUP)


def ours(label: str = "hello", size: int = 32) -> bytes:
    """Return a datagram that `send` would send."""
    return (payload.head(NONCE, 5) + b"\xff" + label.encode() + b"\n").ljust(size, b"\0")


FROM = ("127.0.0.1", 40000)


# What addresses and ports are called


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        (("127.0.0.1", PORT), "lo4:P"),
        (("198.51.100.2", PORT + 2), "h2:P+2"),
        (("198.51.100.1", 40000), "if4:ephemeral"),
        (("fe80::1%lab0", PORT, 0, 2), "link6:P"),
        ((GROUP, 0), "group4:0"),
        ((groups.of("group4b", GROUP), 5), "group4b:other"),
        (("203.0.113.9", PORT - 1), "other:other"),
    ],
)
def test_an_address_is_told_as_the_lab_calls_it(address: tuple[Any, ...], expected: str) -> None:
    """The same words on every run and system."""
    assert at(Fake()).endpoint(address) == expected


@pytest.mark.parametrize(("spec", "port"), [("P", PORT), ("P+3", PORT + 3), ("0", 0), ("80", 80)])
def test_ports_are_those_of_the_trial(spec: str, port: int) -> None:
    """Or a number as it is."""
    assert at(Fake()).port_of(spec) == port


def test_a_group_is_the_trial_s_own() -> None:
    """Each kind follows from the one it was given."""
    place = at(Fake())
    assert place.host(("group4",)) == GROUP
    assert place.host(("group6-site",)) == groups.of("group6-site", GROUP)
    assert place.host("198.51.100.1") == "198.51.100.1"


def test_a_scope_or_a_zone_becomes_the_scope_id() -> None:
    """Python ignores a zone in a pair."""
    place = at(Fake())
    assert place.to("ff12::1", "P", 2) == ("ff12::1", PORT, 0, 2)
    assert place.to("fe80::1%7", "P", 0) == ("fe80::1", PORT, 0, 7)
    assert place.to("127.0.0.1", "P+1", 0) == ("127.0.0.1", PORT + 1)


# Receiving


def test_what_is_heard_is_told_with_its_label_size_and_source() -> None:
    """Nothing else is asked for."""
    place = at(Fake((ours(), [], 0, FROM)))
    assert acts.receive(place, 2048, 0) == "heard=hello size=32 from=lo4:ephemeral"


def test_a_stranger_has_no_label() -> None:
    """Nor has one of another trial, or one too short to carry one."""
    strangers = [b"x" * 32, b"", payload.head(NONCE, 6) + b"\xffhello\n", ours()[:12]]
    place = at(Fake(*((data, [], 0, FROM) for data in strangers)))
    assert {acts.receive(place, 2048, 0).split()[0] for _ in strangers} == {
        "size=32", "size=0", "size=19", "size=12",
    }  # fmt: skip


def test_truncation_is_told() -> None:
    """The size is what fits; with MSG_TRUNC the real one (recv(2))."""
    place = at(Fake((ours(size=100), [], 0, FROM), (ours(size=100), [], 0, FROM)))
    assert acts.receive(place, 50, 0) == "heard=hello size=50 from=lo4:ephemeral flags=TRUNC"
    assert acts.receive(place, 50, socket.MSG_TRUNC).split()[1] == "size=100"


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
    assert acts.receive(place, 2048, 0).endswith(" to=group4 local=if4 on=if")
    assert acts.receive(place, 2048, 0).endswith(" to=group6-link on=lo")


def test_ttl_is_told_where_it_was_asked_for() -> None:
    """IP_RECVTTL gives IP_TTL, IPV6_RECVHOPLIMIT IPV6_HOPLIMIT."""
    item = struct.pack("=i", 64)
    place = at(Fake((ours(), [(socket.IPPROTO_IP, 2, item)], 0, FROM)))
    assert acts.receive(place, 2048, 0).endswith(" ttl=64")


def test_all_is_received_in_order_until_nothing_is_left() -> None:
    """An error ends it, and is told."""
    refused = OSError(errno.ECONNREFUSED, "refused")
    place = at(Fake((ours("one"), [], 0, FROM), (ours("two"), [], 0, FROM), refused))
    assert acts.receive_all(place, 2048, 0) == (
        "heard=one size=32 from=lo4:ephemeral / heard=two size=32 from=lo4:ephemeral / ECONNREFUSED"
    )
    assert acts.receive_all(at(Fake()), 2048, 0) == "nothing"


def test_the_end_of_a_stream_is_told() -> None:
    """And what it brought before."""
    place = at(Fake(ours(), b"", kind=int(socket.SOCK_STREAM)))
    assert acts.receive(place, 2048, 0) == "heard=hello size=32"
    assert acts.receive(place, 2048, 0) == "eof"


def test_the_error_queue_tells_who_refused_what() -> None:
    """ip(7): struct sock_extended_err, and the offender behind it."""
    extended = struct.pack("=IBBBBII", errno.ECONNREFUSED, 2, 3, 3, 0, 0, 0)
    offender = struct.pack("=HH4s8x", socket.AF_INET, 0, socket.inet_aton("127.0.0.1"))
    queue = Fake((b"", [(socket.IPPROTO_IP, 11, extended + offender)], 0, ("127.0.0.1", PORT)))
    assert acts.errors(at(queue)) == "ECONNREFUSED origin=icmp type=3 code=3 offender=lo4 to=lo4:P"


# Sending


def test_a_datagram_says_its_label() -> None:
    """So that whoever receives it can tell."""
    sock = Fake()
    assert acts.send(at(sock), ("group4",), "P", "hello", None, 0, []) == "ok"
    [(call, data, _, to)] = sock.calls
    assert (call, data, to) == ("sendto", ours(), (GROUP, PORT))


@pytest.mark.parametrize("size", [0, 5, 100])
def test_a_datagram_has_the_size_that_was_asked_for(size: int) -> None:
    """Cut off or filled up."""
    sock = Fake()
    acts.send(at(sock), None, "P", "hello", size, 0, [])
    assert sock.calls == [("send", ours(size=100)[:size], 0)]


def test_counted_datagrams_stop_at_an_error() -> None:
    """What left until then counts."""
    sock = Fake()
    assert acts.speak(at(sock), "127.0.0.1", "P", 3, 4) == (0b1111, "")
    assert sock.calls[1][1] == payload.head(NONCE, 5) + b"\x03" + payload.SEQUENCES[1]
    sock.error = OSError(errno.EACCES, "no")
    assert acts.speak(at(sock), "127.0.0.1", "P", 3, 4) == (0, "EACCES")


# Sockets


def test_a_closed_socket_is_none() -> None:
    """What is done with it afterwards fails as a call on a closed descriptor does."""
    place = at(Fake())
    assert acts.close(place) == "ok"
    with pytest.raises(OSError, match="no such socket"):
        acts.name(place)


def test_a_datagram_socket_hears_from_its_bind_on() -> None:
    """Whatever turn made it; a stream does not, before it listens."""
    place = at(Fake())
    acts.bind(place, "127.0.0.1", "P")
    assert place.role.is_open(5)
    stream = at(Fake(kind=int(socket.SOCK_STREAM)))
    acts.bind(stream, "127.0.0.1", "P")
    assert not stream.role.is_open(5)
    acts.listen(stream, 8)
    assert stream.role.is_open(5)
    acts.shutdown(stream)
    assert not stream.role.is_open(5)


def test_a_group_is_packed_into_the_structure_of_a_membership() -> None:
    """ip(7): struct ip_mreq; the address is the trial's own."""
    sock = Fake()
    acts.member(at(sock), 0, 35, [("group4",), socket.inet_aton("198.51.100.1")])
    wanted = socket.inet_aton(GROUP) + socket.inet_aton("198.51.100.1")
    assert sock.calls == [("setsockopt", 0, 35, wanted)]


def test_options_are_told_as_numbers_errors_and_symbols() -> None:
    """SO_ERROR by name, an address and an interface by what the lab calls them."""
    sock = Fake()
    sock.options = {(1, 4): errno.ECONNREFUSED, (1, 2): 1, (41, 17): 2}
    place = at(sock)
    assert acts.get_option(place, 1, 4, "error") == "ECONNREFUSED"
    assert acts.get_option(place, 1, 2, "") == "1"
    assert acts.get_option(place, 41, 17, "index") == "if"
    sock.options = {(1, 4): 0, (0, 32): socket.inet_aton("198.51.100.1")}  # type: ignore[dict-item]
    assert acts.get_option(place, 1, 4, "error") == "0"
    assert acts.get_option(place, 0, 32, "address4") == "if4"


def test_the_seconds_that_are_left_in_time_wait() -> None:
    """proc(5), net/tcp: state 06, and the timer in clock ticks."""
    table = (
        "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt\n"
        "   0: 0100007F:2EE0 0100007F:9C40 06 00000000:00000000 03:0000176F 00000000\n"
        "   1: 0100007F:2EE0 00000000:0000 0A 00000000:00000000 00:00000000 00000000\n"
        "   2: 0100007F:2EE1 0100007F:9C41 06 00000000:00000000 03:00000001 00000000\n"
    )
    assert acts._time_waits(table, PORT) == [60]
    assert acts._time_waits(table, PORT + 1) == [1]
    assert acts._time_waits(table, 1) == []
