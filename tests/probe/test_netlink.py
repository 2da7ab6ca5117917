"""The rtnetlink requests, byte by byte, and the reading of what the kernel answers."""

from __future__ import annotations

import errno
import socket
import struct
from typing import TYPE_CHECKING, cast

import netlink
import pytest

if TYPE_CHECKING:
    from collections.abc import Sequence


class Kernel:
    """A channel that remembers what is sent and answers from a list."""

    def __init__(self, *answers: bytes) -> None:
        self.sent: list[bytes] = []
        self.answers = list(answers)

    def send(self, data: bytes) -> int:
        """Remember one request."""
        self.sent.append(data)
        return len(data)

    def recv(self, size: int) -> bytes:
        """Give the next answer."""
        return self.answers.pop(0)

    def channel(self) -> socket.socket:
        """Pass for a socket."""
        return cast("socket.socket", self)


def answer(kind: int, payload: bytes, sequence: int = 1) -> bytes:
    """Build one message as the kernel sends it."""
    return struct.pack("=IHHII", 16 + len(payload), kind, 0, sequence, 7) + payload


def acknowledgement(number: int = 0, sequence: int = 1) -> bytes:
    """Build the kernel's yes (0) or no (an errno)."""
    return answer(netlink.NLMSG_ERROR, struct.pack("=i", -number) + bytes(16), sequence)


def link_payload(name: str = "lo", flags: int = 0x9, operstate: int = 0) -> bytes:
    """Build the payload of RTM_NEWLINK for a device of index 3."""
    return (
        struct.pack("=BxHiII", 0, 1, 3, flags, 0)
        + netlink.attribute(netlink.IFLA_IFNAME, name.encode() + b"\0")
        + netlink.attribute(netlink.IFLA_MTU, struct.pack("=I", 1500))
        + netlink.attribute(netlink.IFLA_OPERSTATE, bytes([operstate]))
    )


def body(request: bytes) -> bytes:
    """Return what follows the header, after checking that the header tells the true length."""
    assert struct.unpack_from("=I", request)[0] == len(request)
    return request[16:]


@pytest.mark.parametrize("data", [b"", b"a", b"abc", b"abcd", b"abcde"])
def test_an_attribute_is_padded_to_four_bytes_and_tells_its_length_without_padding(
    data: bytes,
) -> None:
    """netlink(7): nla_len excludes the padding, which must be there."""
    built = netlink.attribute(3, data)
    assert len(built) % 4 == 0
    assert struct.unpack_from("=HH", built) == (4 + len(data), 3)
    assert netlink.attributes(built) == {3: data}


def test_attributes_forget_the_nested_flag_and_stop_at_rubbish() -> None:
    """The two top bits of a type are flags; a length below four ends the run."""
    nested = struct.pack("=HH", 5, 0x8000 | 18) + b"x\0\0\0"
    assert netlink.attributes(nested + b"\0\0\0\0" + netlink.attribute(1, b"y")) == {18: b"x"}


def test_a_message_asks_for_an_acknowledgement() -> None:
    """Every request carries NLM_F_REQUEST | NLM_F_ACK and its whole length."""
    header = struct.unpack("=IHHII", netlink.message(16, 0x600, b"1234")[:16])
    assert header == (20, 16, 0x605, 1, 0)


def test_link_up_changes_that_one_flag_only() -> None:
    """The change mask of RTM_NEWLINK keeps IFF_MULTICAST and the rest as the kernel set them."""
    assert body(netlink.link_up(7)) == struct.pack("=BxHiII", 0, 0, 7, 1, 1)


def test_a_veth_names_its_peer_and_the_namespace_it_goes_to() -> None:
    """IFLA_LINKINFO nests the kind and VETH_INFO_PEER, which nests the peer's own message."""
    request = netlink.new_veth("lab0", "lab1", 9)
    assert struct.unpack_from("=HH", request, 4) == (netlink.RTM_NEWLINK, 0x605)
    near = netlink.attributes(body(request)[16:])
    assert near[netlink.IFLA_IFNAME] == b"lab0\0"
    info = netlink.attributes(near[netlink.IFLA_LINKINFO])
    assert info[netlink.IFLA_INFO_KIND] == b"veth"
    data = netlink.attributes(info[netlink.IFLA_INFO_DATA])
    far = netlink.attributes(data[netlink.VETH_INFO_PEER][16:])
    assert far == {
        netlink.IFLA_IFNAME: b"lab1\0",
        netlink.IFLA_NET_NS_FD: struct.pack("=i", 9),
    }


def test_both_ends_of_a_veth_may_have_hardware_addresses() -> None:
    """IFLA_ADDRESS of the near end and of the peer: neighbours can be entered before anybody is asked."""
    request = netlink.new_veth("lab0", "lab1", 9, b"\2\0\0\0\0\1", b"\2\0\0\0\0\2")
    near = netlink.attributes(body(request)[16:])
    data = netlink.attributes(netlink.attributes(near[netlink.IFLA_LINKINFO])[netlink.IFLA_INFO_DATA])
    far = netlink.attributes(data[netlink.VETH_INFO_PEER][16:])
    assert near[netlink.IFLA_ADDRESS] == b"\2\0\0\0\0\1"
    assert far[netlink.IFLA_ADDRESS] == b"\2\0\0\0\0\2"


def test_a_bridge_neither_waits_nor_snoops() -> None:
    """linux/if_link.h: IFLA_BR_STP_STATE is a u32, IFLA_BR_MCAST_SNOOPING a u8."""
    request = netlink.new_bridge("bridge0")
    assert struct.unpack_from("=HH", request, 4) == (netlink.RTM_NEWLINK, 0x605)
    found = netlink.attributes(body(request)[16:])
    info = netlink.attributes(found[netlink.IFLA_LINKINFO])
    assert info[netlink.IFLA_INFO_KIND] == b"bridge"
    assert netlink.attributes(info[netlink.IFLA_INFO_DATA]) == {5: bytes(4), 23: b"\0"}


def test_a_port_is_told_its_bridge() -> None:
    """IFLA_MASTER of an existing device; no flag is changed."""
    sent = body(netlink.link_master(7, 3))
    assert sent[:16] == struct.pack("=BxHiII", 0, 0, 7, 0, 0)
    assert netlink.attributes(sent[16:]) == {netlink.IFLA_MASTER: struct.pack("=I", 3)}


@pytest.mark.parametrize(("address", "family"), [("198.51.100.2", 2), ("fe80::2", 10)])
def test_a_neighbour_is_permanent(address: str, family: int) -> None:
    """linux/neighbour.h, struct ndmsg: family, index, state, flags, type."""
    request = netlink.new_neighbour(4, address, b"\2\0\0\0\0\2")
    assert struct.unpack_from("=HH", request, 4) == (28, 0x605)
    sent = body(request)
    assert sent[:12] == struct.pack("=BxHiHBB", family, 0, 4, 0x80, 0, 0)
    packed = socket.inet_pton(socket.AF_INET if family == 2 else socket.AF_INET6, address)
    assert netlink.attributes(sent[12:]) == {1: packed, 2: b"\2\0\0\0\0\2"}


def test_an_ipv4_address_brings_its_broadcast_address() -> None:
    """rtnetlink(7), struct ifaddrmsg: family, prefix, flags, scope, index; then the attributes."""
    sent = body(netlink.new_address(2, "198.51.100.1", 24, "198.51.100.255"))
    assert sent[:8] == struct.pack("=BBBBI", 2, 24, netlink.IFA_F_PERMANENT, 0, 2)
    assert netlink.attributes(sent[8:]) == {
        netlink.IFA_LOCAL: bytes([198, 51, 100, 1]),
        netlink.IFA_ADDRESS: bytes([198, 51, 100, 1]),
        netlink.IFA_BROADCAST: bytes([198, 51, 100, 255]),
    }


@pytest.mark.parametrize("address", ["2001:db8::1", "fe80::1"])
def test_an_ipv6_address_is_usable_at_once(address: str) -> None:
    """IFA_F_NODAD, link-local included: there is no duplicate detection to wait for."""
    sent = body(netlink.new_address(2, address, 64))
    assert sent[:8] == struct.pack("=BBBBI", 10, 64, 0x82, 0, 2)
    assert netlink.attributes(sent[8:])[netlink.IFA_LOCAL] == socket.inet_pton(socket.AF_INET6, address)


@pytest.mark.parametrize(
    ("request_", "header", "found"),
    [
        (
            netlink.new_route(5, "224.0.0.0", 4),
            (2, 4, 0, 0, 254, 3, 253, 1, 0),
            {1: bytes([224, 0, 0, 0]), 4: struct.pack("=i", 5)},
        ),
        (
            netlink.new_route(5, "0.0.0.0", 0, "198.51.100.2"),
            (2, 0, 0, 0, 254, 3, 0, 1, 0),
            {5: bytes([198, 51, 100, 2]), 4: struct.pack("=i", 5)},
        ),
        (
            netlink.new_route(5, "::", 0, "2001:db8::2"),
            (10, 0, 0, 0, 254, 3, 0, 1, 0),
            {5: socket.inet_pton(socket.AF_INET6, "2001:db8::2"), 4: struct.pack("=i", 5)},
        ),
        (
            netlink.new_route(1, "ff00::", 8, local=True),
            (10, 8, 0, 0, 255, 3, 0, 2, 0),
            {1: bytes([0xFF]) + bytes(15), 4: struct.pack("=i", 1)},
        ),
        (
            netlink.new_route(1, "192.0.2.0", 24, local=True, protocol=netlink.RTPROT_STATIC),
            (2, 24, 0, 0, 255, 4, 254, 2, 0),
            {1: bytes([192, 0, 2, 0]), 4: struct.pack("=i", 1)},
        ),
    ],
    ids=["on-link", "default", "default-ipv6", "local-ipv6", "local"],
)
def test_routes(request_: bytes, header: Sequence[int], found: dict[int, bytes]) -> None:
    """A route on the link itself has link scope; a default route has no destination."""
    sent = body(request_)
    assert struct.unpack("=BBBBBBBBI", sent[:12]) == header
    assert netlink.attributes(sent[12:]) == found


def test_a_link_is_read_from_its_message() -> None:
    """Name, index, flags by name, MTU and operational state come out of RTM_NEWLINK."""
    link = netlink.parse_link(link_payload(flags=0x1043 | 0x10000, operstate=6))
    assert (link.name, link.index, link.mtu) == ("lo", 3, 1500)
    assert link.flag_names() == ["up", "broadcast", "running", "multicast", "lower-up"]
    assert link.is_operational()


@pytest.mark.parametrize(
    ("flags", "operstate", "expected"),
    [(1, 6, True), (1, 0, True), (1, 2, False), (1, 7, False), (0, 6, False)],
)
def test_a_link_is_operational_when_up_with_its_carrier_or_saying_nothing(
    flags: int, operstate: int, *, expected: bool
) -> None:
    """RFC 2863 states: up is 6, unknown 0 (gVisor, lo), down 2, lower layer down 7."""
    assert netlink.parse_link(link_payload("v", flags, operstate)).is_operational() is expected


def test_talk_raises_what_the_kernel_refused_with() -> None:
    """An error answer becomes an OSError with its errno."""
    kernel = Kernel(acknowledgement(errno.EPERM))
    with pytest.raises(PermissionError) as caught:
        netlink.talk(kernel.channel(), netlink.link_up(1))
    assert caught.value.errno == errno.EPERM


def test_talk_skips_foreign_answers_and_collects_its_own() -> None:
    """Only answers with the request's sequence number count, in one datagram or in several."""
    kernel = Kernel(
        acknowledgement(errno.EPERM, sequence=9),
        answer(netlink.RTM_NEWLINK, link_payload()) + acknowledgement(),
    )
    assert netlink.talk(kernel.channel(), netlink.get_link("lo")) == [link_payload()]


def test_talk_ends_at_done_too() -> None:
    """NLMSG_DONE ends an answer of several messages."""
    kernel = Kernel(answer(netlink.NLMSG_DONE, bytes(4)))
    assert netlink.talk(kernel.channel(), netlink.get_link(1)) == []


def test_a_link_that_is_up_is_left_alone() -> None:
    """Bringing lo up twice asks once and changes nothing."""
    kernel = Kernel(answer(netlink.RTM_NEWLINK, link_payload(flags=0x9)) + acknowledgement())
    netlink.set_up(kernel.channel(), 3)
    assert kernel.sent == [netlink.get_link(3)]


def test_a_refused_link_up_falls_back_to_the_ioctl(monkeypatch: pytest.MonkeyPatch) -> None:
    """RTM_NEWLINK refused, ioctl granted: up; both refused: the first refusal is told."""
    down = answer(netlink.RTM_NEWLINK, link_payload("v0", flags=0x2)) + acknowledgement()
    asked: list[str] = []
    monkeypatch.setattr(netlink, "_set_up_by_ioctl", asked.append)
    netlink.set_up(Kernel(down, acknowledgement(errno.EOPNOTSUPP)).channel(), 3)
    assert asked == ["v0"]

    def refuse(name: str) -> None:
        raise OSError(errno.ENOTTY, "no ioctl")

    monkeypatch.setattr(netlink, "_set_up_by_ioctl", refuse)
    with pytest.raises(OSError, match="supported") as caught:
        netlink.set_up(Kernel(down, acknowledgement(errno.EOPNOTSUPP)).channel(), 3)
    assert caught.value.errno == errno.EOPNOTSUPP


def route_payload(kind: int, *found: bytes) -> bytes:
    """Build the payload of RTM_NEWROUTE: struct rtmsg, with rtm_type `kind`, and attributes."""
    return struct.pack("=BBBBBBBBI", 2, 32, 0, 0, 255, 2, 254, kind, 0) + b"".join(found)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (1, "unicast"), (2, "local"), (3, "broadcast"), (5, "multicast"), (6, "blackhole"),
        (7, "unreachable"), (99, "type 99"),
    ],
)  # fmt: skip
def test_a_route_is_told_by_its_type_and_device(kind: int, expected: str) -> None:
    """linux/rtnetlink.h, rtm_type; a type that is not known is told by its number."""
    payload = route_payload(kind, netlink.attribute(netlink.RTA_OIF, struct.pack("=i", 3)))
    kernel = Kernel(answer(netlink.RTM_NEWROUTE, payload) + acknowledgement())
    assert netlink.route_type(kernel.channel(), "192.0.2.1") == (expected, 3)


def test_a_route_without_a_device_has_index_0() -> None:
    """A blackhole leads nowhere."""
    kernel = Kernel(answer(netlink.RTM_NEWROUTE, route_payload(6)) + acknowledgement())
    assert netlink.route_type(kernel.channel(), "192.0.2.1") == ("blackhole", 0)


def test_no_route_is_the_kernels_error() -> None:
    """Nothing stands for a route that is not there."""
    kernel = Kernel(acknowledgement(errno.ENETUNREACH))
    with pytest.raises(OSError, match="unreachable") as caught:
        netlink.route_type(kernel.channel(), "192.0.2.1")
    assert caught.value.errno == errno.ENETUNREACH


@pytest.mark.parametrize(
    ("address", "index", "expected"),
    [
        ("192.0.2.1", 0, netlink.get_route("192.0.2.1")),
        ("::ffff:192.0.2.1", 0, netlink.get_route("192.0.2.1")),
        ("ff02::1%7", 0, netlink.get_route("ff02::1", index=7)),
        ("ff02::1%7", 8, netlink.get_route("ff02::1", index=8)),
        ("2001:db8::1", 5, netlink.get_route("2001:db8::1", index=5)),
    ],
)
def test_what_is_asked_for(address: str, index: int, expected: bytes) -> None:
    """A mapped address goes by the IPv4 routes, and a zone is the device."""
    kernel = Kernel(answer(netlink.RTM_NEWROUTE, route_payload(1)) + acknowledgement())
    netlink.route_type(kernel.channel(), address, index=index)
    assert kernel.sent == [expected]


def test_a_question_for_a_route_names_a_whole_address() -> None:
    """Of struct rtmsg: both prefix lengths are those of a host, and the source is optional."""
    sent = body(netlink.get_route("192.0.2.1", index=4, source="192.0.2.2"))
    assert struct.unpack("=BBBBBBBBI", sent[:12]) == (2, 32, 32, 0, 0, 0, 0, 0, 0)
    assert netlink.attributes(sent[12:]) == {
        1: bytes([192, 0, 2, 1]),
        2: bytes([192, 0, 2, 2]),
        4: struct.pack("=i", 4),
    }
    sent = body(netlink.get_route("2001:db8::1"))
    assert struct.unpack("=BBBBBBBBI", sent[:12]) == (10, 128, 0, 0, 0, 0, 0, 0, 0)
