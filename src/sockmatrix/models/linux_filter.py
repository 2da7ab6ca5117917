"""Who wants a group: the memberships of a host and the source filters of its sockets.

Sources: net/ipv4/igmp.c (ip_check_mc_rcu, ip_mc_sf_allow), net/ipv6/mcast.c (ipv6_chk_mcast_addr,
inet6_mc_check).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sockmatrix.models import addresses as ip

if TYPE_CHECKING:
    from sockmatrix.models.kernel import Kernel, Membership, Socket


def passes(member: Membership, source: str) -> bool:
    """Return whether one membership lets a source through."""
    return (source in member.sources) == (member.mode == "include")


def host_wants(kernel: Kernel, group: str, device: str, source: str) -> bool:
    """Return whether a host takes a group in on a device: somebody's membership lets it through.

    Everybody is in 224.0.0.1 (ip_mc_up), ff01::1 and ff02::1 (ipv6_add_dev) for good.
    """
    if group == ip.ALL_HOSTS4 or group in ip.ALL_NODES6:
        return True
    return any(
        member.group == group and member.device == device and passes(member, source)
        for _, member in kernel.members
    )


def allows4(sock: Socket, group: str, source: str, device: str) -> bool:
    """Return whether a socket lets a group's datagram in (ip_mc_sf_allow).

    A socket that has not joined the group on that device hears it all the same, unless
    IP_MULTICAST_ALL is off (since 2.6.31).
    """
    if not ip.is_multicast(group):
        return True
    for member in sock.memberships:
        if member.group == group and member.device == device:
            return passes(member, source)
    return hears_all(sock)


def hears_all(sock: Socket) -> bool:
    """Return whether a socket hears groups that only others have joined: IP_MULTICAST_ALL.

    On from the start for AF_INET (inet_create); inet6_create does not set it, so that a dual-stack
    socket only hears the IPv4 groups that it has joined by itself.
    """
    return bool(sock.get("IP_MULTICAST_ALL", int(sock.family == 4)))


def allows6(sock: Socket, group: str, source: str) -> bool:
    """Return whether a socket lets an IPv6 group's datagram in (inet6_mc_check); any device will do."""
    for member in sock.memberships:
        if member.group == group:
            return passes(member, source)
    return bool(sock.get("IPV6_MULTICAST_ALL", 1))
