"""Memberships of multicast groups as structures: ip(7), RFC 3678 4.1.2 and 5.1.2, RFC 3493 5.2."""

from __future__ import annotations

import socket
import struct
from typing import Any, Dict, List, Optional, Tuple

import groups
import options
import platforms
from resolver import Absent, Resolver

CALLS = {
    "join": ("IP_ADD_MEMBERSHIP", "IP_ADD_SOURCE_MEMBERSHIP", "IPV6_JOIN_GROUP"),
    "leave": ("IP_DROP_MEMBERSHIP", "IP_DROP_SOURCE_MEMBERSHIP", "IPV6_LEAVE_GROUP"),
    "block": ("", "IP_BLOCK_SOURCE", ""),
    "unblock": ("", "IP_UNBLOCK_SOURCE", ""),
}
"""The option of each call: for any source, for one source, for an IPv6 group."""

# linux/in.h: MCAST_JOIN_GROUP, MCAST_JOIN_SOURCE_GROUP and their relatives
_GROUP = {"join": 42, "leave": 45}
_SOURCE_GROUP = {"join": 46, "leave": 47, "block": 43, "unblock": 44}

_ANY = bytes(4)  # INADDR_ANY, in the place of an interface: the system chooses

Parts = Tuple[int, int, List[Any]]
"""Level and number of an option, and the parts of its structure: bytes, or place.Address of a group."""


def parts(
    names: Resolver, call: str, group: str, interface: str, how: Optional[Dict[str, str]] = None
) -> Parts:
    """Return what joins a group, leaves it, blocks or unblocks a source of it.

    `how`: "by" address, index, any or group-req, and "source". Raises Absent, lab.Unavailable.
    """
    how = how or {}
    by = how.get("by", "address")
    source = how.get("source")
    names.may_join(group, "none" if by == "any" else interface)
    if by == "group-req":
        return _of_group(names, call, group, names.device(interface)[1])
    address = names.address(group)
    if group in groups.IPV6:
        index = 0 if by == "any" else names.device(interface)[1]
        return _of_ipv6(names, call, address, index, source)
    chosen = socket.inet_aton(address) if isinstance(address, str) else address
    if source is not None:
        return _of_source(names, call, chosen, "" if by == "any" else interface, source)
    level, option, _ = names.known(CALLS[call][0])
    if by == "any":
        return level, option, [chosen, _ANY]
    if by == "index" or interface == "bad":
        index = names.device(interface)[1]
        packed = options.membership4_by_index(names.platform, "0.0.0.0", index)  # noqa: S104
        if packed is None:
            raise Absent("struct ip_mreqn")
        return level, option, [chosen, packed[4:]]
    return level, option, [chosen, socket.inet_aton(names.ipv4(interface))]


def _of_source(names: Resolver, call: str, group: Any, interface: str, source: str) -> Parts:
    """Return the parts of a struct ip_mreq_source: Linux has the interface before the source (ip(7)).

    The others follow RFC 3678, 4.1.2: FreeBSD and XNU netinet/in.h, Windows ws2ipdef.h.
    """
    level, option, _ = names.known(CALLS[call][1])
    local = socket.inet_aton(names.ipv4(interface)) if interface else _ANY
    last = [local, socket.inet_aton(names.literal(source))]
    ours = platforms.system(names.platform) == "linux"
    return level, option, [group, *(last if ours else last[::-1])]


def _of_group(names: Resolver, call: str, group: str, index: int) -> Parts:
    """Return the parts of a struct group_req as Linux lays it out (RFC 3678, 5.1.1)."""
    if not names.platform.startswith("linux"):
        raise Absent("struct group_req")
    start = struct.pack("=I4x", index)
    if group in groups.IPV6:
        packed = [start + struct.pack("=HHI", socket.AF_INET6, 0, 0), names.address(group), bytes(104)]
        return int(socket.IPPROTO_IPV6), _GROUP[call], packed
    address = names.address(group)
    own = socket.inet_aton(address) if isinstance(address, str) else address
    packed = [start + struct.pack("=HH", socket.AF_INET, 0), own, bytes(120)]  # sockaddr_storage: 128
    return int(socket.IPPROTO_IP), _GROUP[call], packed


def _of_ipv6(names: Resolver, call: str, group: Any, index: int, source: Optional[str]) -> Parts:
    """Return the parts of a struct ipv6_mreq, or of a struct group_source_req as Linux lays it out."""
    if source is None:
        level, option, _ = names.known(CALLS[call][2])
        return level, option, [group, struct.pack("@I", index)]
    if not names.platform.startswith("linux"):
        raise Absent("struct group_source_req")
    address = socket.inet_pton(socket.AF_INET6, names.literal(source))
    start, end = struct.pack("=HHI", socket.AF_INET6, 0, 0), bytes(4 + 100)  # sockaddr_storage: 128
    packed = [struct.pack("=I4x", index), start, group, end + start + address + end]
    return int(socket.IPPROTO_IPV6), _SOURCE_GROUP[call], packed
