"""Who may bind which port: the conflict rules of UDP and TCP, pure functions of socket states.

Sources: net/ipv4/udp.c (udp_lib_lport_inuse, udp_lib_lport_inuse2, udp_lib_get_port),
net/ipv4/inet_connection_sock.c (inet_bind_conflict, inet_csk_bind_conflict, inet_csk_get_port).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sockmatrix.models import addresses as ip
from sockmatrix.models.kernel import Holder
from sockmatrix.models.linux_saddr import overlap, overlap_fast
from sockmatrix.models.versions import Version, since

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sockmatrix.models.kernel import Bucket, Socket

MANY = 10
"""With more sockets in a port's chain, UDP looks into the chains by address instead."""

ANY, STRICT = 1, 2
"""FASTREUSEPORT_ANY and FASTREUSEPORT_STRICT (include/net/inet_hashtables.h)."""


def same_device(one: Socket, two: Socket) -> bool:
    """Return whether SO_BINDTODEVICE does not keep two sockets apart."""
    return not one.device or not two.device or one.device == two.device


# --- UDP -------------------------------------------------------------------------------------------


def udp_in_use(sock: Socket, chain: Iterable[Socket]) -> bool:
    """Return whether a UDP port is taken (udp_lib_lport_inuse, udp_lib_lport_inuse2).

    `chain`: its holders, newest first. SO_REUSEADDR on both lets pass. The first other holder that
    overlaps decides: SO_REUSEPORT on both and one user let in, whatever holders come after it.
    """
    for other in chain:
        if (
            not (other.reuse and sock.reuse)
            and other is not sock
            and same_device(sock, other)
            and overlap(sock, other, match=True)
        ):
            return not (
                other.reuseport and sock.reuseport and sock.balance is None and sock.uid == other.uid
            )
    return False


def hash2_fixed(version: Version) -> bool:
    """Return whether a wildcard is always checked against all holders of a port.

    Before, with more than ten of them, it saw only other wildcards ("udp: Fix wildcard bind conflict
    check when using hash2", CVE-2026-31503).
    """
    return since(version, (7, 0, 0), (6, 19, 11), (6, 18, 21), (6, 12, 80), (6, 6, 131), (6, 1, 168))


def udp_taken(sock: Socket, port: int, version: Version) -> bool:
    """Return whether a UDP socket may not bind `port` (udp_lib_get_port with a port asked for)."""
    kernel = sock.kernel
    chain = kernel.ports.get(port, [])
    by_address = uses_hash2(sock) or not hash2_fixed(version)
    if len(chain) <= MANY or not by_address:
        return udp_in_use(sock, chain)
    own = kernel.by_address.get((sock.key, port), [])
    wild = kernel.by_address.get((ip.ANY4, port), [])
    return udp_in_use(sock, own) or (sock.key != ip.ANY4 and udp_in_use(sock, wild))


# --- TCP -------------------------------------------------------------------------------------------


def uses_hash2(sock: Socket) -> bool:
    """Return whether a socket is bound to a specific address (inet_use_bhash2_on_bind)."""
    if sock.family == 6:
        kind = ip.kind6(sock.rcv6)
        if kind != "mapped":
            return kind != "any"
    return sock.rcv4 != ip.ANY4


def tcp_pair_conflicts(sock: Socket, other: Socket, *, relax: bool, shares: bool, free: bool) -> bool:
    """Return whether two TCP sockets on one port may not both be there, addresses aside.

    inet_bind_conflict. SO_REUSEADDR on both helps unless the other listens; SO_REUSEPORT on both
    helps if one user has both or the other is in TIME_WAIT. `relax`: the port was asked for, not
    chosen; `shares`: SO_REUSEPORT may help; `free`: the socket is in no group, or its has gone.
    """
    if sock is other or not same_device(sock, other):
        return False
    grouped = (
        sock.reuseport
        and other.reuseport
        and free
        and (other.state == "time-wait" or sock.uid == other.uid)
    )
    if sock.reuse and other.reuse and other.state != "listen":
        return not relax or (not shares and grouped)
    return not (shares and grouped)


def tcp_conflict(sock: Socket, bucket: Bucket, *, relax: bool = True, shares: bool = True) -> bool:
    """Return whether a TCP socket may not join the holders of a port (inet_csk_bind_conflict).

    Since 6.1 a specific address is compared only with holders of the same address and of a wildcard
    that covers it (inet_bhash2_addr_any_conflict); the answer is that of comparing with them all, but
    for one that some overlook.
    """
    free = sock.balance is None
    return any(
        tcp_pair_conflicts(sock, other, relax=relax, shares=shares, free=free)
        and overlap(sock, other, match=True)
        and not _overlooked(sock, other, bucket)
        for other in bucket.owners
    )


def _overlooked(sock: Socket, other: Socket, bucket: Bucket) -> bool:
    """Return whether a mapped address is not compared with a holder of the IPv4 wildcard.

    6.1.168 took over 5e07e672412b, by which a mapped address is compared with its like and wildcards,
    without 06a8c04f8994, by which ::ffff:0.0.0.0 is one (both 6.8; inet_bind2_bucket_match_addr_any).
    0.0.0.0 shares the bucket of a mapped wildcard that was there before it.
    """
    if not (6, 1, 168) <= sock.kernel.network.version < (6, 2, 0):
        return False
    if not _is_mapped(sock) or sock.rcv4 == ip.ANY4 or not _holds_wildcard4(other):
        return False
    return _is_mapped(next(filter(_holds_wildcard4, bucket.owners)))


def _is_mapped(sock: Socket) -> bool:
    return sock.family == 6 and ip.kind6(sock.rcv6) == "mapped"


def _holds_wildcard4(sock: Socket) -> bool:
    return sock.rcv4 == ip.ANY4 and (sock.family == 4 or _is_mapped(sock))


def fast_port_match(sock: Socket, bucket: Bucket) -> bool:
    """Return whether SO_REUSEPORT lets a socket in without a look at the holders (sk_reuseport_match)."""
    if bucket.fast_port <= 0 or not sock.reuseport or sock.balance is not None:
        return False
    if bucket.fast_uid != sock.uid:
        return False
    if bucket.fast_port == ANY:
        return True
    return bucket.fast_like is not None and overlap_fast(bucket.fast_like, sock)


def tcp_taken(sock: Socket, bucket: Bucket) -> bool:
    """Return whether a TCP socket may not have a port that it asked for (inet_csk_get_port)."""
    if bucket.owners:
        reuse = sock.reuse and sock.state != "listen"
        if (bucket.fast_reuse > 0 and reuse) or fast_port_match(sock, bucket):
            return False
    return tcp_conflict(sock, bucket)


def remember(sock: Socket, bucket: Bucket, version: Version) -> None:
    """Note in a port's shortcuts that a socket takes it (inet_csk_update_fastreuse).

    Since 6.8 a port is never seen without holders there ("tcp: Check hlist_empty(&tb->bhash2) instead
    of hlist_empty(&tb->owners)": the new holder's own bucket is linked before the question is
    asked), so that SO_REUSEADDR has no shortcut and SO_REUSEPORT only the strict one.
    """
    reuse = sock.reuse and sock.state != "listen"
    if not bucket.owners and version < (6, 8, 0):
        bucket.fast_reuse = int(reuse)
        bucket.fast_port = ANY if sock.reuseport else 0
        if sock.reuseport:
            bucket.fast_uid, bucket.fast_like = sock.uid, _holder(sock)
        return
    if not reuse:
        bucket.fast_reuse = 0
    if not sock.reuseport:
        bucket.fast_port = 0
    elif not fast_port_match(sock, bucket):
        bucket.fast_port, bucket.fast_uid, bucket.fast_like = STRICT, sock.uid, _holder(sock)


def _holder(sock: Socket) -> Holder:
    return Holder(sock.family, sock.rcv4, sock.rcv6, sock.v6only)
