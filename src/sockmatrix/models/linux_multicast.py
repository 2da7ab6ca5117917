"""Joining and leaving groups, and their source filters.

Sources: net/ipv4/igmp.c (ip_mc_find_dev, __ip_mc_join_group, ip_mc_leave_group, ip_mc_source),
net/ipv4/ip_sockglue.c (do_ip_setsockopt), net/ipv6/mcast.c (__ipv6_sock_mc_join,
ipv6_sock_mc_drop, ip6_mc_source).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

from sockmatrix.models import addresses as ip
from sockmatrix.models.kernel import Membership
from sockmatrix.models.linux_routes import output4, owner4
from sockmatrix.models.linux_routes6 import lookup6

if TYPE_CHECKING:
    from sockmatrix.models.kernel import Kernel, Socket

Mode = Literal["include", "exclude"]

MOST_SOURCES = {4: 10, 6: 64}
"""net.ipv4.igmp_max_msf and net.ipv6.mld_max_msf."""


class Where(NamedTuple):
    """A group on a device, as a program names it: by an address of the device or by its index.

    `address` and `device` are both "" for "any".
    """

    group: str
    address: str = ""
    device: str = ""


def find_device(kernel: Kernel, where: Where) -> str:
    """Return the device that is meant, "" if there is none (ip_mc_find_dev).

    An index counts before an address; without either the route of the group decides.
    """
    host, version = kernel.host, kernel.network.version
    if where.device:
        return where.device if where.device in host.devices else ""
    if where.address:
        return owner4(host, version, where.address)
    if ip.version(where.group) == 6:
        entry = lookup6(host, where.group)
        return entry.device if entry else ""
    path = output4(host, version, where.group)
    return "" if isinstance(path, str) else path.device


def join(sock: Socket, where: Where, mode: Mode = "exclude") -> str:
    """IP_ADD_MEMBERSHIP, IPV6_JOIN_GROUP: an errno or "ok".

    EINVAL: not a group. ENODEV: no such device, or no route to choose one by. EADDRINUSE: joined
    already on that device. ENOBUFS: more than igmp_max_memberships (IPv4 only).
    """
    return _not_for(sock, where.group) or _join(sock, where, mode)


def join_group(sock: Socket, where: Where) -> str:
    """MCAST_JOIN_GROUP: as `join`, but it forgets to refuse TCP (ip_mcast_join_leave)."""
    return _not_of_family(sock, where.group) or _join(sock, where, "exclude")


def _join(sock: Socket, where: Where, mode: Mode) -> str:
    if not ip.is_multicast(where.group):
        return "EINVAL"
    six = ip.version(where.group) == 6
    device = find_device(sock.kernel, where)
    same = [one for one in sock.memberships if one.group == where.group]
    if six and same and (any(one.device == where.device for one in same) or not where.device):
        return "EADDRINUSE"  # looked for before the device is (IPv6)
    if not device:
        return "ENODEV"
    if any(one.device == device for one in same):
        return "EADDRINUSE"
    most = int(sock.kernel.host.sysctls["net.ipv4.igmp_max_memberships"])
    if not six and sum(ip.version(one.group) == 4 for one in sock.memberships) >= most:
        return "ENOBUFS"
    member = Membership(where.group, device, where.address, mode)
    sock.memberships.insert(0, member)
    sock.kernel.members.append((sock, member))
    return "ok"


def _not_for(sock: Socket, group: str) -> str:
    """Return an errno where a kind of socket has no such memberships."""
    return _not_of_family(sock, group) or ("EPROTO" if sock.transport == "tcp" else "")


def _not_of_family(sock: Socket, group: str) -> str:
    return "ENOPROTOOPT" if sock.family == 4 and ip.version(group) == 6 else ""


def leave(sock: Socket, where: Where) -> str:
    """IP_DROP_MEMBERSHIP, IPV6_LEAVE_GROUP: ENODEV without a device, EADDRNOTAVAIL if not joined."""
    return _not_for(sock, where.group) or leave_group(sock, where)


def leave_group(sock: Socket, where: Where) -> str:
    """MCAST_LEAVE_GROUP: as `leave`, but it forgets to refuse TCP (ip_mcast_join_leave)."""
    if problem := _not_of_family(sock, where.group):
        return problem
    six = ip.version(where.group) == 6
    device = find_device(sock.kernel, where) if not six else where.device
    if not six and not device and not where.address and not where.device:
        return "ENODEV"
    for member in sock.memberships:
        if member.group != where.group:
            continue
        if (device and member.device != device) or (
            not device and where.address and where.address != member.address
        ):
            continue
        drop(sock, member)
        return "ok"
    return "EADDRNOTAVAIL"


def drop(sock: Socket, member: Membership) -> None:
    """Take a membership from a socket and its host."""
    sock.memberships.remove(member)
    sock.kernel.members = [pair for pair in sock.kernel.members if pair[1] is not member]


def filter_source(sock: Socket, where: Where, source: str, mode: Mode, *, add: bool) -> str:
    """IP_BLOCK_SOURCE, IP_UNBLOCK_SOURCE, IP_ADD_SOURCE_MEMBERSHIP, IP_DROP_SOURCE_MEMBERSHIP.

    ip_mc_source: EINVAL without a membership, or with sources of the other mode; EADDRNOTAVAIL to
    add a source twice or to take one away that is not there; the last included source leaves.
    """
    if problem := _not_of_family(sock, where.group):
        return problem
    if not ip.is_multicast(where.group):
        return "EINVAL"
    if add and mode == "include":
        joined = _join(sock, where, "include")
        if joined not in ("ok", "EADDRINUSE"):
            return joined
    device = find_device(sock.kernel, where)
    if not device:
        return "ENODEV"
    member = next(
        (one for one in sock.memberships if (one.group, one.device) == (where.group, device)), None
    )
    if member is None:
        return "EINVAL"
    if member.mode != mode:
        if member.sources:
            return "EINVAL"
        member.mode = mode
    if not add:
        return _take(sock, member, source)
    if len(member.sources) >= MOST_SOURCES[ip.version(where.group)]:
        return "ENOBUFS"
    if source in member.sources:
        return "EADDRNOTAVAIL"
    member.sources.append(source)
    return "ok"


def _take(sock: Socket, member: Membership, source: str) -> str:
    if source not in member.sources:
        return "EADDRNOTAVAIL"
    if member.mode == "include" and member.sources == [source]:
        drop(sock, member)
        return "ok"
    member.sources.remove(source)
    return "ok"
