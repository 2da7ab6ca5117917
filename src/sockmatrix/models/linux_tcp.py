"""TCP as far as sockets share ports: listening, who gets a connection, what a close leaves behind.

Sources: net/ipv4/inet_hashtables.c (compute_score, inet_lhash2_lookup, __inet_lookup_listener,
__inet_check_established), net/ipv6/inet6_hashtables.c, net/ipv4/inet_connection_sock.c
(inet_csk_listen_start), net/ipv4/tcp.c (__tcp_close).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sockmatrix.models import addresses as ip
from sockmatrix.models import linux_balance
from sockmatrix.models.linux_bind import remember, tcp_taken
from sockmatrix.models.linux_ports import get_port
from sockmatrix.models.linux_udp import REFUSED, device_matches

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sockmatrix.models.kernel import Kernel, Packet, Socket
    from sockmatrix.models.linux_udp import Pick


def listen(sock: Socket) -> str:
    """Listen (listen(2)): an errno or "ok" (inet_csk_listen_start).

    The port is asked for again, now as a listener: SO_REUSEADDR no longer helps against another
    listener, and EADDRINUSE is the answer. A socket without a port is given one (get_port of 0).
    """
    if sock.transport != "tcp":
        return "EOPNOTSUPP"
    if sock.state == "listen":
        return "ok"
    if sock.state != "closed":
        return "EINVAL"
    sock.state = "listen"
    if sock.bucket is None:
        if not get_port(sock, 0):
            sock.state = "closed"
            return "EADDRINUSE"
    elif tcp_taken(sock, sock.bucket):
        sock.state = "closed"
        return "EADDRINUSE"
    else:
        remember(sock, sock.bucket, sock.kernel.network.version)
    chain = sock.kernel.listeners.setdefault((sock.key, sock.port), [])
    if sock.reuseport:
        linux_balance.join(sock, chain)
    # __inet_hash: an AF_INET6 socket with SO_REUSEPORT goes to the tail, any other to the head.
    if sock.reuseport and sock.family == 6:
        chain.append(sock)
    else:
        chain.insert(0, sock)
    return "ok"


def score(sock: Socket, packet: Packet, to: str) -> int:
    """Return how well a listener fits a connection, REFUSED if not at all (compute_score).

    A device that it is bound to is worth a point, and so is AF_INET for an IPv4 address.
    """
    if ip.version(packet.to) == 6:
        if sock.family != 6 or sock.rcv6 != to:
            return REFUSED
    elif sock.v6only or sock.rcv4 != to:
        return REFUSED
    if not device_matches(sock, packet.arrived):
        return REFUSED
    points = 2 if sock.device else 1
    return points + (sock.family == 4)


def _search(chain: Iterable[Socket], packet: Packet, to: str, pick: Pick) -> Socket | None:
    """Return the best listener of a chain (inet_lhash2_lookup); a group ends the search at once."""
    result, best = None, 0
    for sock in chain:
        points = score(sock, packet, to)
        if points > best:
            if sock.reuseport and sock.balance is not None:
                members = linux_balance.choices(sock.balance)
                if members:
                    return pick(sock.balance, members)
            result, best = sock, points
    return result


def listener(kernel: Kernel, packet: Packet, pick: Pick) -> Socket | None:
    """Return the listener that a connection reaches: one bound to the address, else to a wildcard."""
    wild = ip.ANY6 if ip.version(packet.to) == 6 else ip.ANY4
    own = kernel.listeners.get((packet.to, packet.port), ())
    found = _search(own, packet, packet.to, pick)
    if found is None:
        found = _search(kernel.listeners.get((ip.ANY4, packet.port), ()), packet, wild, pick)
    return found
