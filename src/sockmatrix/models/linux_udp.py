"""Which UDP sockets a datagram reaches: scores for unicast, a match for groups and broadcast.

Sources: net/ipv4/udp.c (compute_score, udp4_lib_lookup2, __udp4_lib_lookup, __udp_is_mcast_sock,
__udp4_lib_mcast_deliver), net/ipv6/udp.c (the same names with 6), since 7.1 net/ipv4/udp_ipv4.c.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sockmatrix.models import addresses as ip
from sockmatrix.models.linux_balance import choices
from sockmatrix.models.linux_filter import allows4, allows6
from sockmatrix.models.versions import Version, since

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from sockmatrix.models.kernel import Balance, Kernel, Packet, Socket

    Pick = Callable[[Balance, list[Socket]], Socket]

REFUSED = -1


def device_counts(version: Version) -> bool:
    """Return whether a socket bound to the device scores higher than one that is not.

    From 5.0 on both got the points ("net: ensure unbound datagram socket to be chosen when not in a
    VRF"), so that the newer won, until "net: prefer socket bound to interface when not in VRF".
    """
    mended = since(version, (5, 15, 0), (5, 14, 12), (5, 10, 73), (5, 4, 153))
    return version < (5, 0, 0) or mended


def device_matches(sock: Socket, device: str) -> bool:
    """Return whether a socket hears what arrives on a device (udp_sk_bound_dev_eq)."""
    return not sock.device or sock.device == device


def score4(sock: Socket, packet: Packet, to: str, *, devices: bool) -> int:
    """Return how well a socket fits an IPv4 datagram, REFUSED if not at all (compute_score).

    `to` is the chain that is searched: the datagram's destination, or 0.0.0.0. An AF_INET socket is
    worth one point more than an AF_INET6 one; a peer's address, its port and the device four each; the
    processor one, for a socket that has received while it was connected.
    """
    if sock.v6only or sock.rcv4 != to:
        return REFUSED
    score = 2 if sock.family == 4 else 1
    if sock.peer:
        if ip.mapped(sock.peer) != packet.source and sock.peer != packet.source:
            return REFUSED
        score += 4
    if sock.peer_port:
        if sock.peer_port != packet.sport:
            return REFUSED
        score += 4
    if not device_matches(sock, packet.arrived):
        return REFUSED
    if sock.device and devices:
        score += 4
    return score + sock.cpu


def score6(sock: Socket, packet: Packet, to: str, *, devices: bool) -> int:
    """Return how well a socket fits an IPv6 datagram (compute_score of net/ipv6/udp.c)."""
    if sock.family != 6 or sock.rcv6 != to:
        return REFUSED
    score = 0
    if sock.peer_port:
        if sock.peer_port != packet.sport:
            return REFUSED
        score += 1
    if sock.peer:
        if sock.peer != packet.source:
            return REFUSED
        score += 1
    if not device_matches(sock, packet.arrived):
        return REFUSED
    if sock.device and devices:
        score += 1
    return score + sock.cpu


def _search(
    chain: Iterable[Socket], packet: Packet, to: str, version: Version, pick: Pick
) -> Socket | None:
    """Return the best socket of a chain (udp4_lib_lookup2, udp6_lib_lookup2): of equals the first.

    A socket of a SO_REUSEPORT group stands for the one that the group picks, and unless a member
    is connected the search ends there.
    """
    score, best = (score6, REFUSED) if ip.version(packet.to) == 6 else (score4, 0)
    devices = device_counts(version)
    result: Socket | None = None
    for sock in chain:
        points = score(sock, packet, to, devices=devices)
        if points <= best:
            continue
        best = points
        result = sock
        group = sock.balance
        if sock.state == "established" or not sock.reuseport or group is None:
            continue
        members = choices(group)
        if members:
            result = pick(group, members)
            if not group.connected:
                return result
            best = max(best, score(result, packet, to, devices=devices))
    return result


def lookup(kernel: Kernel, packet: Packet, pick: Pick) -> Socket | None:
    """Return the socket that a unicast datagram reaches (__udp4_lib_lookup, __udp6_lib_lookup).

    First the sockets bound to the destination, then those bound to a wildcard. Since 6.13 a socket
    that is connected to the sender is found first, by the whole four-tuple (udp4_lib_lookup4).
    """
    version = kernel.network.version
    six = ip.version(packet.to) == 6
    own = kernel.by_address.get((packet.to, packet.port), ())
    if version >= (6, 13, 0):
        exact = [sock for sock in own if _exact(sock, packet)]
        if exact:
            return max(exact, key=lambda sock: sock.hashed4)  # the newest is at the head
    wild = ip.ANY6 if six else ip.ANY4
    result = _search(own, packet, packet.to, version, pick) if own else None
    if result is None:
        chain = kernel.by_address.get((ip.ANY4, packet.port), ())
        result = _search(chain, packet, wild, version, pick)
    return result


def _exact(sock: Socket, packet: Packet) -> bool:
    """Return whether a connected socket has exactly this four-tuple (inet_match), and is filed by it."""
    sender = (packet.source, packet.sport)
    return (
        sock.hashed4 > 0
        and sock.state == "established"
        and sock.filed == sender
        and (ip.mapped(sock.peer) or sock.peer, sock.peer_port) == sender
        and device_matches(sock, packet.arrived)
    )


def matches4(sock: Socket, packet: Packet, device: str) -> bool:
    """Return whether a socket hears an IPv4 group or broadcast (__udp_is_mcast_sock)."""
    return (
        sock.rcv4 in (ip.ANY4, packet.to)
        and not sock.v6only
        and (not sock.peer or packet.source in (sock.peer, ip.mapped(sock.peer)))
        and (not sock.peer_port or sock.peer_port == packet.sport)
        and device_matches(sock, device)
        and allows4(sock, packet.to, packet.source, device)
    )


def matches6(sock: Socket, packet: Packet, device: str) -> bool:
    """Return whether a socket hears an IPv6 group (__udp_v6_is_mcast_sock)."""
    return (
        sock.family == 6
        and sock.rcv6 in (ip.ANY6, packet.to)
        and (not sock.peer or sock.peer == packet.source)
        and (not sock.peer_port or sock.peer_port == packet.sport)
        and device_matches(sock, device)
        and allows6(sock, packet.to, packet.source)
    )


def everybody(kernel: Kernel, packet: Packet, device: str) -> list[Socket]:
    """Return all sockets that hear a group or a broadcast (__udp4_lib_mcast_deliver and its like)."""
    matches = matches6 if ip.version(packet.to) == 6 else matches4
    return [one for one in kernel.ports.get(packet.port, ()) if matches(one, packet, device)]
