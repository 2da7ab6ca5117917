"""TCP connections: how they are made, what their ends are afterwards, what a close leaves behind.

Sources: net/ipv4/tcp_ipv4.c (tcp_v4_connect, tcp_twsk_unique), net/ipv6/tcp_ipv6.c,
net/ipv4/inet_hashtables.c (__inet_hash_connect, __inet_check_established, __inet_inherit_port),
net/ipv4/tcp.c (__tcp_close, tcp_disconnect), net/ipv4/tcp_minisocks.c (tcp_time_wait).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sockmatrix.models import addresses as ip
from sockmatrix.models import linux_balance
from sockmatrix.models.kernel import Bucket, Packet, Socket
from sockmatrix.models.linux_connect import path4, path6
from sockmatrix.models.linux_errors import take_error
from sockmatrix.models.linux_ports import IPV6_IN_IPV4, tcp_release
from sockmatrix.models.linux_tcp import listener
from sockmatrix.models.linux_transmit import Arrival, reach

if TYPE_CHECKING:
    from sockmatrix.models.kernel import Kernel
    from sockmatrix.models.linux_send import Message
    from sockmatrix.models.linux_udp import Pick

Tuple4 = tuple[str, int, str, int]


def connect(sock: Socket, address: str, port: int, pick: Pick, scope: str = "") -> str:
    """connect(2) of a TCP socket: an errno or "ok".

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
        sock.rcv4, sock.rcv6 = bound
        return problem
    syn = _syn(sock, path.to, port)
    return _handshake(sock, path.to, port, reach(sock.kernel, syn, path, loop=True, ttl=64), pick)


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
    sock.peer, sock.peer_port = (ip.as_mapped(to) if sock.family == 6 and ip.version(to) == 4 else to), port
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
        server.actor,
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
    """Put a socket back whose connection failed (tcp_disconnect): what bind() fixed stays."""
    sock.state = "closed"
    sock.peer, sock.peer_port = "", 0
    if not sock.holds_address:
        sock.rcv4 = ip.ANY4
        sock.source4 = ip.ANY4
        if sock.family == 6:
            sock.rcv6 = ip.ANY6
    if not sock.holds_port:
        tcp_release(sock)


def _forget(sock: Socket) -> None:
    """Take a connection out of the table of four-tuples."""
    connections = sock.kernel.connections
    for four in [four for four, one in connections.items() if one is sock]:
        del connections[four]


def close(sock: Socket) -> None:
    """close(2) of a TCP socket (__tcp_close).

    A listener resets what nobody accepted. A connection with unread data is reset (RFC 2525, 2.17);
    else whoever closes first goes to TIME_WAIT, keeps the port in that state, and the other does not.
    """
    if sock.state == "listen":
        stop_listening(sock)
        tcp_release(sock)
        return
    if sock.state in ("closed", "syn-sent"):
        _forget(sock)
        tcp_release(sock)
        sock.state = "closed"
        return
    if sock.queue or sock.get("SO_LINGER", -1) == 0:
        reset(sock)
        return
    other = sock.other
    if sock.finished and not sock.shut:
        # It was told of the end already: LAST_ACK, and gone; the other stays in TIME_WAIT.
        _forget(sock)
        tcp_release(sock)
        sock.state = "closed"
        if other is not None:
            other.finished = True
            if other.shut:
                _time_wait(other)
        return
    sock.shut = True
    if other is not None:
        other.finished = True
    if sock.state == "time-wait":
        return
    _time_wait(sock)


def shutdown(sock: Socket) -> str:
    """shutdown(2) both ways: FIN now, and the socket stays open (inet_shutdown)."""
    if sock.state == "listen":
        stop_listening(sock)
        return "ok"
    if sock.state in ("closed", "syn-sent"):
        return "ENOTCONN"
    other = sock.other
    if sock.finished and not sock.shut:
        _forget(sock)
        sock.shut = True
        if other is not None:
            other.finished = True
            if other.shut:
                _time_wait(other)
        return "ok"
    sock.shut = True
    if other is not None:
        other.finished = True
    return "ok"


def _time_wait(sock: Socket) -> None:
    """Leave a socket in TIME_WAIT, or in FIN_WAIT2 without a file, which binds see alike."""
    sock.state = "time-wait"
    sock.queue.clear()


def stop_listening(sock: Socket) -> None:
    """Take a listener out of the lookup; connections that nobody has accepted are reset."""
    chain = sock.kernel.listeners.get((sock.key, sock.port), [])
    if sock in chain:
        chain.remove(sock)
    linux_balance.leave(sock)
    sock.state = "closed"
    waiting, sock.accepting = sock.accepting, []
    for child in waiting:
        reset(child)


def reset(sock: Socket) -> None:
    """End a connection with a reset: nothing is left in TIME_WAIT, at either end (tcp_reset)."""
    other = sock.other
    _forget(sock)
    tcp_release(sock)
    sock.state = "closed"
    if other is not None and other.other is sock:
        if other.state not in ("closed", "time-wait"):
            other.error = "EPIPE" if other.finished else "ECONNRESET"
        _forget(other)
        if not other.holds_port or other.state == "time-wait" or other.bucket is not None:
            _release_after_reset(other)
        other.state = "closed"


def _release_after_reset(sock: Socket) -> None:
    """A port that bind() chose stays with the socket until it is closed (inet_put_port in tcp_done)."""
    if sock.state == "time-wait" or not sock.holds_port:
        tcp_release(sock)


def disconnect(sock: Socket) -> None:
    """connect(2) to AF_UNSPEC: the connection is reset, what bind() fixed stays (tcp_disconnect)."""
    if sock.state == "listen":
        stop_listening(sock)
    elif sock.state not in ("closed", "syn-sent"):
        held, bucket = sock.holds_port, sock.bucket
        reset(sock)
        if held and bucket is not None:
            bucket.owners.append(sock)
            sock.bucket, sock.port = bucket, bucket.port
    refuse(sock)


def send(sock: Socket, message: Message) -> str:
    """send(2) on a TCP socket: "ok", EPIPE, ECONNRESET (tcp_sendmsg_locked)."""
    if message.to:
        if sock.state in ("closed", "listen"):
            return "EPIPE" if not sock.error else take_error(sock)
    error = take_error(sock)
    if error:
        sock.done = True
        return error
    if sock.shut or sock.state not in ("established",):
        return "EPIPE"
    other = sock.other
    if other is None or other.state != "established" or other.shut:
        # Whoever has closed answers data with a reset.
        reset(sock)
        sock.error = "EPIPE" if sock.finished else "ECONNRESET"
        return "ok"
    own = sock.rcv6 if sock.family == 6 else sock.rcv4
    other.queue.append(Packet(own, sock.port, "", other.port, message.label, message.size))
    return "ok"
