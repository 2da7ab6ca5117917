"""Groups of sockets that share a port by SO_REUSEPORT (net/core/sock_reuseport.c).

UDP sockets join a group when they bind (since 4.5), TCP sockets when they listen (since 4.6).
Before, every datagram was scored among all of them (3.9: pseudo-randomly).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sockmatrix.models.kernel import Balance
from sockmatrix.models.linux_saddr import overlap

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sockmatrix.models.kernel import Socket


def alike(one: Socket, two: Socket) -> bool:
    """Return whether a new socket `one` joins the group of `two`.

    udp_reuseport_add_sock (net/ipv4/udp.c) and inet_reuseport_add_sock (net/ipv4/inet_hashtables.c):
    same family, IPV6_V6ONLY, port, device, user, and exactly the same address.
    """
    return (
        two is not one
        and two.family == one.family
        and two.v6only == one.v6only
        and two.port == one.port
        and two.device == one.device
        and two.reuseport
        and two.uid == one.uid
        and overlap(one, two, match=False)
    )


def join(sock: Socket, chain: Iterable[Socket]) -> None:
    """Put a socket with SO_REUSEPORT into the group of the first that is alike, or a new one."""
    for other in chain:
        if alike(sock, other):
            if other.balance is None:
                other.balance = Balance([other])
            if sock.balance is not None:
                # It had a program attached before it was bound (reuseport_add_sock).
                sock.balance.sockets = []
            sock.balance = other.balance
            other.balance.sockets.append(sock)
            return
    if sock.balance is None:
        sock.balance = Balance([sock])


def leave(sock: Socket) -> None:
    """Take a socket out of its group: the last one moves into its place (__reuseport_detach_sock)."""
    group = sock.balance
    if group is None:
        return
    sock.balance = None
    if sock in group.sockets:
        place = group.sockets.index(sock)
        group.sockets[place] = group.sockets[-1]
        group.sockets.pop()


def choices(group: Balance) -> list[Socket]:
    """Return the sockets that the group may pick, each by some hash (reuseport_select_sock).

    A program's index decides; one outside the group falls back to the hash. Connected sockets are
    passed over (reuseport_select_sock_by_hash, since 5.10-rc7 in all cases).
    """
    members = group.sockets
    if group.index is not None and group.index < len(members):
        return [members[group.index]]
    return [one for one in members if one.state != "established"]


def attach(sock: Socket, index: int) -> str:
    """SO_ATTACH_REUSEPORT_CBPF with a program that returns `index` (reuseport_attach_prog)."""
    if sock.balance is None:
        if sock.hashed or not sock.reuseport:
            return "EINVAL"
        sock.balance = Balance([sock])
    sock.balance.index = index
    return "ok"


def detach(sock: Socket) -> str:
    """SO_DETACH_REUSEPORT_BPF, since 5.3 (reuseport_detach_prog)."""
    if sock.balance is None:
        return "ENOENT" if sock.reuseport else "EINVAL"
    if sock.balance.index is None:
        return "ENOENT"
    sock.balance.index = None
    return "ok"
