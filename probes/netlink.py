"""Links, addresses, neighbours and routes over rtnetlink, without the `ip` program (Linux).

The builders are pure: each returns one whole request as bytes. `talk` sends a request and waits
for the kernel's answer. Layouts: netlink(7), rtnetlink(7), linux/if_link.h, linux/veth.h,
linux/if_addr.h, linux/neighbour.h. Numbers are written out, so that the builders also work on
other systems.
"""

from __future__ import annotations

import os
import socket
import struct
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

RTM_NEWLINK, RTM_GETLINK, RTM_NEWADDR, RTM_NEWROUTE, RTM_GETROUTE, RTM_NEWNEIGH = 16, 18, 20, 24, 26, 28
NLMSG_ERROR, NLMSG_DONE = 2, 3
NLM_F_REQUEST, NLM_F_ACK, NLM_F_EXCL, NLM_F_CREATE = 0x1, 0x4, 0x200, 0x400
IFLA_ADDRESS, IFLA_IFNAME, IFLA_MTU, IFLA_MASTER = 1, 3, 4, 10
IFLA_OPERSTATE, IFLA_LINKINFO, IFLA_NET_NS_FD = 16, 18, 28
IFLA_INFO_KIND, IFLA_INFO_DATA, VETH_INFO_PEER = 1, 2, 1
IFLA_BR_STP_STATE, IFLA_BR_MCAST_SNOOPING = 5, 23
IFA_ADDRESS, IFA_LOCAL, IFA_BROADCAST = 1, 2, 4
IFA_F_NODAD, IFA_F_PERMANENT = 0x02, 0x80
NDA_DST, NDA_LLADDR, NUD_PERMANENT = 1, 2, 0x80
RTA_DST, RTA_SRC, RTA_OIF, RTA_GATEWAY = 1, 2, 4, 5
RT_TABLE_MAIN, RT_TABLE_LOCAL, RTPROT_BOOT, RTPROT_STATIC = 254, 255, 3, 4
RTN_UNICAST, RTN_LOCAL = 1, 2
RT_SCOPE_UNIVERSE, RT_SCOPE_LINK, RT_SCOPE_HOST = 0, 253, 254
AF_UNSPEC, AF_INET, AF_INET6 = 0, 2, 10
IFF_UP = 0x1
SIOCGIFFLAGS, SIOCSIFFLAGS = 0x8913, 0x8914
IF_OPER_UNKNOWN, IF_OPER_UP = 0, 6

# linux/rtnetlink.h, rtm_type
ROUTE_TYPES = {
    RTN_UNICAST: "unicast",
    RTN_LOCAL: "local",
    3: "broadcast",
    4: "anycast",
    5: "multicast",
    6: "blackhole",
    7: "unreachable",
    8: "prohibit",
    9: "throw",
}

# linux/if.h; lower case, as `ip link` users read them
FLAGS = {
    0x1: "up",
    0x2: "broadcast",
    0x8: "loopback",
    0x10: "pointopoint",
    0x40: "running",
    0x80: "noarp",
    0x100: "promisc",
    0x200: "allmulti",
    0x1000: "multicast",
    0x10000: "lower-up",
}

# One request at a time is outstanding, so one sequence number serves for all.
_SEQUENCE = 1
_MAPPED = "::ffff:"
_TIMEOUT = 5.0  # seconds; the kernel answers within the send


class Link(NamedTuple):
    """One network device as RTM_NEWLINK describes it; `mtu` in bytes, `operstate` of RFC 2863."""

    name: str
    index: int  # type: ignore[assignment]  # the field's word, though a tuple has such a method
    flags: int
    mtu: int
    operstate: int

    def is_operational(self) -> bool:
        """Tell whether it is up and has a carrier, as far as it says (linux: netif_oper_up)."""
        return bool(self.flags & IFF_UP) and self.operstate in (IF_OPER_UP, IF_OPER_UNKNOWN)

    def flag_names(self) -> list[str]:
        """Name the flags that are set, in the order of their bits."""
        return [name for bit, name in FLAGS.items() if self.flags & bit]


def attribute(kind: int, data: bytes) -> bytes:
    """Build one attribute (struct nlattr), padded to four bytes."""
    length = 4 + len(data)
    return struct.pack("=HH", length, kind) + data + bytes(-length % 4)


def message(kind: int, flags: int, body: bytes) -> bytes:
    """Build one request with its header (struct nlmsghdr) that asks for an answer."""
    flags |= NLM_F_REQUEST | NLM_F_ACK
    return struct.pack("=IHHII", 16 + len(body), kind, flags, _SEQUENCE, 0) + body


def messages(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Split what the kernel sent into (type, sequence number, payload)."""
    while len(data) >= 16:
        length, kind, _, sequence, _ = struct.unpack_from("=IHHII", data)
        if length < 16:
            return
        yield kind, sequence, data[16:length]
        data = data[(length + 3) & ~3 :]


def attributes(data: bytes) -> dict[int, bytes]:
    """Read a run of attributes by type; the last of a type counts."""
    found: dict[int, bytes] = {}
    while len(data) >= 4:
        length, kind = struct.unpack_from("=HH", data)
        if length < 4:
            break
        found[kind & 0x3FFF] = data[4:length]  # without NLA_F_NESTED and NLA_F_NET_BYTEORDER
        data = data[(length + 3) & ~3 :]
    return found


def _ifinfomsg(index: int = 0, flags: int = 0, change: int = 0) -> bytes:
    return struct.pack("=BxHiII", AF_UNSPEC, 0, index, flags, change)


def _name(name: str) -> bytes:
    return attribute(IFLA_IFNAME, name.encode() + b"\0")


def _packed(address: str) -> tuple[int, bytes]:
    if ":" in address:
        return AF_INET6, socket.inet_pton(socket.AF_INET6, address)
    return AF_INET, socket.inet_aton(address)


def new_veth(
    name: str, peer: str, peer_namespace: int, hardware: bytes = b"", peer_hardware: bytes = b""
) -> bytes:
    """Build the request for a veth pair whose `peer` is born in another network namespace.

    `peer_namespace` is an open descriptor of that namespace. The hardware addresses (six bytes) are
    random where none is given.
    """
    other = _ifinfomsg() + _name(peer) + _hardware(peer_hardware)
    other += attribute(IFLA_NET_NS_FD, struct.pack("=i", peer_namespace))
    info = attribute(IFLA_INFO_KIND, b"veth")
    info += attribute(IFLA_INFO_DATA, attribute(VETH_INFO_PEER, other))
    body = _ifinfomsg() + _name(name) + _hardware(hardware) + attribute(IFLA_LINKINFO, info)
    return message(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, body)


def _hardware(address: bytes) -> bytes:
    return attribute(IFLA_ADDRESS, address) if address else b""


def new_bridge(name: str) -> bytes:
    """Build the request for a bridge that is no more than a wire with many ends.

    Without the spanning tree protocol its ports forward at once (net/bridge/br_stp.c,
    br_make_forwarding). Without multicast snooping it copies every datagram to every port: what a
    host hears is then the host's own doing, and does not hang on reports the bridge has seen.
    """
    data = attribute(IFLA_BR_STP_STATE, struct.pack("=I", 0))
    data += attribute(IFLA_BR_MCAST_SNOOPING, b"\0")
    info = attribute(IFLA_INFO_KIND, b"bridge") + attribute(IFLA_INFO_DATA, data)
    body = _ifinfomsg() + _name(name) + attribute(IFLA_LINKINFO, info)
    return message(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, body)


def link_master(index: int, bridge: int) -> bytes:
    """Build the request that makes a device a port of a bridge."""
    return message(RTM_NEWLINK, 0, _ifinfomsg(index) + attribute(IFLA_MASTER, struct.pack("=I", bridge)))


def link_up(index: int) -> bytes:
    """Build the request that sets IFF_UP on a device and leaves its other flags."""
    return message(RTM_NEWLINK, 0, _ifinfomsg(index, IFF_UP, IFF_UP))


def get_link(which: int | str) -> bytes:
    """Build the request for what the kernel knows of one device, by its index or its name."""
    if isinstance(which, int):
        return message(RTM_GETLINK, 0, _ifinfomsg(which))
    return message(RTM_GETLINK, 0, _ifinfomsg() + _name(which))


def new_address(index: int, address: str, prefix: int, broadcast: str | None = None) -> bytes:
    """Build the request for one address, IPv4 or IPv6, on a device.

    An IPv6 address is marked IFA_F_NODAD: usable at once, with no duplicate address detection
    (RFC 4862, 5.4) to wait for. Its scope follows from the address itself.
    """
    family, packed = _packed(address)
    flags = IFA_F_PERMANENT | (IFA_F_NODAD if family == AF_INET6 else 0)
    body = struct.pack("=BBBBI", family, prefix, flags, RT_SCOPE_UNIVERSE, index)
    body += attribute(IFA_LOCAL, packed) + attribute(IFA_ADDRESS, packed)
    if broadcast is not None:
        body += attribute(IFA_BROADCAST, _packed(broadcast)[1])
    return message(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, body)


def new_neighbour(index: int, address: str, hardware: bytes) -> bytes:
    """Build the request for a neighbour that is known for good: nobody has to be asked (ARP, ND)."""
    family, packed = _packed(address)
    body = struct.pack("=BxHiHBB", family, 0, index, NUD_PERMANENT, 0, 0)
    body += attribute(NDA_DST, packed) + attribute(NDA_LLADDR, hardware)
    return message(RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_EXCL, body)


def new_route(
    index: int,
    destination: str,
    prefix: int,
    gateway: str | None = None,
    *,
    local: bool = False,
    protocol: int = RTPROT_BOOT,
) -> bytes:
    """Build the request for a route out of a device, via `gateway` or on the link itself.

    Prefix 0 makes the default route of the family that `destination` belongs to. `local`: what is
    sent there is delivered to this host, by an entry in its table of local addresses. `protocol`: who
    says so; routes that differ in it share nothing.
    """
    family, packed = _packed(destination)
    table, kind = (RT_TABLE_LOCAL, RTN_LOCAL) if local else (RT_TABLE_MAIN, RTN_UNICAST)
    scope = RT_SCOPE_UNIVERSE
    if family == AF_INET and gateway is None:
        scope = RT_SCOPE_HOST if local else RT_SCOPE_LINK
    body = struct.pack("=BBBBBBBBI", family, prefix, 0, 0, table, protocol, scope, kind, 0)
    if prefix:
        body += attribute(RTA_DST, packed)
    if gateway is not None:
        body += attribute(RTA_GATEWAY, _packed(gateway)[1])
    body += attribute(RTA_OIF, struct.pack("=i", index))
    return message(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, body)


def get_route(destination: str, *, index: int = 0, source: str | None = None) -> bytes:
    """Build the question by which route a datagram would go, out of a device, from a source."""
    family, packed = _packed(destination)
    bits = 8 * len(packed)
    body = struct.pack("=BBBBBBBBI", family, bits, bits if source else 0, 0, 0, 0, 0, 0, 0)
    body += attribute(RTA_DST, packed)
    if source is not None:
        body += attribute(RTA_SRC, _packed(source)[1])
    if index:
        body += attribute(RTA_OIF, struct.pack("=i", index))
    return message(RTM_GETROUTE, 0, body)


def connect() -> socket.socket:
    """Open a channel to the kernel; it stays with the namespace that it was opened in."""
    channel = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)
    channel.settimeout(_TIMEOUT)
    channel.bind((0, 0))
    return channel


def talk(channel: socket.socket, request: bytes) -> list[bytes]:
    """Send one request, wait for its acknowledgement, and return the payloads that came with it.

    Raise OSError with the kernel's errno when it refuses.
    """
    channel.send(request)
    answers: list[bytes] = []
    while True:
        for kind, sequence, payload in messages(channel.recv(65536)):
            if sequence != _SEQUENCE:
                continue
            if kind == NLMSG_DONE:
                return answers
            if kind != NLMSG_ERROR:
                answers.append(payload)
                continue
            code = struct.unpack_from("=i", payload)[0]
            if code:
                raise OSError(-code, os.strerror(-code))
            return answers


def parse_link(payload: bytes) -> Link:
    """Read the payload of an RTM_NEWLINK message."""
    _, _, index, flags, _ = struct.unpack_from("=BxHiII", payload)
    found = attributes(payload[16:])
    return Link(
        name=found.get(IFLA_IFNAME, b"").rstrip(b"\0").decode(errors="replace"),
        index=index,
        flags=flags,
        mtu=struct.unpack("=I", found[IFLA_MTU])[0] if IFLA_MTU in found else 0,
        operstate=found.get(IFLA_OPERSTATE, b"\0")[0],
    )


def read_link(channel: socket.socket, which: int | str) -> Link:
    """Ask for one device, by index or name; raise OSError (ENODEV) when there is none."""
    return parse_link(talk(channel, get_link(which))[0])


def route_type(
    channel: socket.socket, address: str, *, index: int = 0, source: str | None = None
) -> tuple[str, int]:
    """Ask the routing table: (type, device index) of the route that a datagram to `address` takes.

    An IPv4-mapped address is asked for as the IPv4 address that it is. A zone behind the address
    ("%eth0", "%2") names the device, as `index` does. The types are those of rtnetlink(7): unicast,
    local, broadcast, multicast, unreachable, blackhole, ... Raise OSError with the kernel's errno
    where no route is found.
    """
    address, _, zone = address.partition("%")
    if zone and not index:
        index = int(zone) if zone.isdecimal() else socket.if_nametoindex(zone)
    if address.startswith(_MAPPED) and "." in address:
        address = address[len(_MAPPED) :]
    payload = talk(channel, get_route(address, index=index, source=source))[0]
    kind = payload[7]  # struct rtmsg
    found = attributes(payload[12:])
    device = struct.unpack("=i", found[RTA_OIF])[0] if RTA_OIF in found else 0
    return ROUTE_TYPES.get(kind, f"type {kind}"), device


def set_up(channel: socket.socket, index: int) -> None:
    """Bring a device up; one that is up already is left alone.

    gVisor refuses RTM_NEWLINK for a device that exists: an ioctl (netdevice(7)) is the second try.
    """
    link = read_link(channel, index)
    if link.flags & IFF_UP:
        return
    try:
        talk(channel, link_up(index))
    except OSError as refused:
        try:
            _set_up_by_ioctl(link.name)
        except OSError:
            raise refused from None


def _set_up_by_ioctl(name: str) -> None:
    import fcntl  # not on Windows

    layout = "16sH14x"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
        answer = fcntl.ioctl(asked, SIOCGIFFLAGS, struct.pack(layout, name.encode(), 0))
        flags = struct.unpack(layout, answer)[1] | IFF_UP
        fcntl.ioctl(asked, SIOCSIFFLAGS, struct.pack(layout, name.encode(), flags))
