"""TCP connections: how they are made, and what their ends are afterwards.

Sources: net/ipv4/tcp_ipv4.c (tcp_v4_connect, tcp_twsk_unique), net/ipv6/tcp_ipv6.c,
net/ipv4/inet_hashtables.c (__inet_hash_connect, __inet_check_established, __inet_inherit_port),
net/ipv4/af_inet.c (__inet_stream_connect).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sockmatrix.models import addresses as ip
from sockmatrix.models.kernel import Bucket, Packet, Socket
from sockmatrix.models.linux_connect import path4, path6
from sockmatrix.models.linux_ports import IPV6_IN_IPV4, tcp_release
from sockmatrix.models.linux_tcp import listener
from sockmatrix.models.linux_transmit import Arrival, reach
from sockmatrix.models.versions import Version, since

if TYPE_CHECKING:
    from sockmatrix.models.kernel import Kernel
    from sockmatrix.models.linux_udp import Pick

Tuple4 = tuple[str, int, str, int]


def connect(sock: Socket, address: str, port: int, pick: Pick, scope: str = "") -> str:
    """Connect a TCP socket (connect(2)): an errno or "ok".

    ENETUNREACH for groups and broadcasts (tcp_v4_connect); EADDRNOTAVAIL where the four-tuple is in
    use or no port is left; ECONNREFUSED where nobody listens; ETIMEDOUT where nobody is.
    """
    if sock.state != "closed":
        return "EISCONN"
    six = sock.family == 6
    if six and address == ip.ANY6:
        address = ip.as_mapped(ip.LOOPBACK4) if ip.mapped(sock.rcv6) else ip.LOOPBACK6
    four = ip.mapped(address) if six else address
    if six and four and sock.v6only:
        return "ENETUNREACH"
    if six and not four:
        if ip.kind6(address) == "multicast":
            return "ENETUNREACH"
        if ip.needs_scope(address):
            sock.device = scope or sock.device
            if not sock.device:
                return "EINVAL"
    path = path4(sock, four) if four else path6(sock, address)
    if isinstance(path, str):
        return path
    if path.kind in ("multicast", "broadcast"):
        return "ENETUNREACH"
    bound = (sock.rcv4, sock.rcv6)
    _take_source(sock, path.source)
    problem = _take_port(sock, path.to, port)
    if problem:
        if resets_address(sock.kernel.network.version):
            sock.rcv4, sock.rcv6 = bound
        return problem
    syn = _syn(sock, path.to, port)
    return _handshake(sock, path.to, port, reach(sock.kernel, syn, path, loop=True, ttl=64), pick)


def resets_address(version: Version) -> bool:
    """Return whether a connect() that finds no port gives the wildcard back.

    Before, the socket kept the source of the route ("dccp/tcp: Reset saddr on
    failure after inet6?_hash_connect()").
    """
    return since(version, (6, 1, 0), (6, 0, 11), (5, 15, 81), (5, 10, 157), (5, 4, 226), (4, 19, 268))


def _syn(sock: Socket, to: str, port: int) -> Packet:
    return Packet(_own(sock, to), sock.port, to, port)


def _own(sock: Socket, to: str) -> str:
    return sock.rcv6 if ip.version(to) == 6 else sock.rcv4


def _take_source(sock: Socket, source: str) -> None:
    """Bind to the source of the route, if to a wildcard so far (inet_bhash2_update_saddr)."""
    if ip.version(source) == 6:
        if sock.rcv6 == ip.ANY6:
            sock.rcv6, sock.rcv4 = source, IPV6_IN_IPV4
        return
    if sock.rcv4 == ip.ANY4:
        sock.rcv4 = source
        if sock.family == 6:
            sock.rcv6 = ip.as_mapped(source)


def _take_port(sock: Socket, to: str, port: int) -> str:
    """Give a socket that connects a port, unless its four-tuple is in use (__inet_hash_connect)."""
    kernel = sock.kernel
    own = _own(sock, to)
    if sock.bucket is not None:
        return "" if _free(kernel, (own, sock.port, to, port), sock, bound=True) else "EADDRNOTAVAIL"
    low, high = kernel.host.port_range
    # connect() begins with the even half of the range (the parity of its lowest port).
    for candidate in (*range(low, high + 1, 2), *range(low + 1, high + 1, 2)):
        bucket = kernel.buckets.get(candidate)
        if bucket is not None and (bucket.fast_reuse >= 0 or bucket.fast_port >= 0):
            continue  # somebody bound it
        if bucket is not None and not _free(kernel, (own, candidate, to, port), sock, bound=False):
            continue
        if bucket is None:
            bucket = kernel.buckets[candidate] = Bucket(candidate, fast_reuse=-1, fast_port=-1)
        bucket.owners.append(sock)
        sock.bucket, sock.port = bucket, candidate
        return ""
    return "EADDRNOTAVAIL"


def _free(kernel: Kernel, four: Tuple4, sock: Socket, *, bound: bool) -> bool:
    """Return whether a four-tuple is free (__inet_check_established).

    One in TIME_WAIT may be taken over at once from a port that was bound, or on the loopback with
    tcp_tw_reuse=2 after a second (tcp_twsk_unique; timestamps are on).
    """
    other = kernel.connections.get(four)
    if other is None or other is sock:
        return True
    return other.state == "time-wait" and bound


def _handshake(sock: Socket, to: str, port: int, arrivals: list[Arrival], pick: Pick) -> str:
    kernel = sock.kernel
    if not arrivals:
        sock.state = "syn-sent"
        return "ETIMEDOUT"
    arrival = arrivals[0]
    packet = arrival.packet
    if (packet.source, packet.sport) == (to, port) and arrival.kernel is kernel:
        # Both ends are one: a simultaneous open with itself (RFC 9293, 3.5).
        sock.state, sock.other = "established", sock
        sock.peer, sock.peer_port = (packet.source if sock.family == 4 else sock.rcv6), port
        kernel.connections[to, port, to, port] = sock
        return "ok"
    server = listener(arrival.kernel, packet, pick)
    if server is None:
        refuse(sock)
        return "ECONNREFUSED"
    four = (packet.source, packet.sport, to, port)
    old = kernel.connections.pop(four, None)
    if old is not None:
        tcp_release(old)
    back = (to, port, packet.source, packet.sport)
    before = arrival.kernel.connections.pop(back, None)
    if before is not None:
        tcp_release(before)
    sock.state = "established"
    sock.peer, sock.peer_port = (
        (ip.as_mapped(to) if sock.family == 6 and ip.version(to) == 4 else to),
        port,
    )
    kernel.connections[four] = sock
    child = _child(server, to, packet)
    child.other, sock.other = sock, child
    arrival.kernel.connections[back] = child
    server.accepting.append(child)
    return "ok"


def _child(server: Socket, to: str, packet: Packet) -> Socket:
    """Return the listener's end of a connection: its options, on its port (__inet_inherit_port)."""
    mapped = server.family == 6 and ip.version(to) == 4
    four = to if ip.version(to) == 4 else IPV6_IN_IPV4
    six = "" if server.family == 4 else ip.as_mapped(to) if mapped else to
    child = Socket(
        server.kernel,
        server.role,
        "tcp",
        server.family,
        uid=server.uid,
        kind=server.kind,
        rcv4=four,
        rcv6=six,
        source4=four,
        source6=six,
        port=server.port,
        peer=ip.as_mapped(packet.source) if mapped else packet.source,
        peer_port=packet.sport,
        state="established",
        device=server.device,
        reuse=server.reuse,
        reuseport=server.reuseport,
        v6only=server.v6only,
        holds_address=server.holds_address,
        holds_port=server.holds_port,
        options=dict(server.options),
    )
    if server.bucket is not None:
        server.bucket.owners.append(child)
        child.bucket = server.bucket
    return child


def refuse(sock: Socket) -> None:
    """Let a connection fail while connect() waits for it (__inet_stream_connect: sock_error).

    A port that the kernel chose is free again, though still told (tcp_done), and so is the address
    (tcp_disconnect). A connect() that did not wait is told ECONNABORTED by the next; the probe's does.
    """
    if not sock.holds_port:
        tcp_release(sock)
    forget_addresses(sock)


def forget_addresses(sock: Socket) -> None:
    """Undo what connect() did to the local address (tcp_disconnect): what bind() fixed stays."""
    sock.state = "closed"
    sock.peer, sock.peer_port = "", 0
    if not sock.holds_address:
        sock.rcv4 = sock.source4 = ip.ANY4
        if sock.family == 6:
            sock.rcv6 = ip.ANY6
