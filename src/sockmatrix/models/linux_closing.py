"""How TCP connections end, and what passes over them: close, shutdown, reset, data.

Sources: net/ipv4/tcp.c (__tcp_close, tcp_shutdown, tcp_disconnect, tcp_sendmsg_locked),
net/ipv4/tcp_input.c (tcp_reset), net/ipv4/tcp_minisocks.c (tcp_time_wait),
net/ipv4/inet_connection_sock.c (inet_csk_listen_stop).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sockmatrix.models import linux_balance
from sockmatrix.models.kernel import Packet
from sockmatrix.models.linux_connection import forget_addresses
from sockmatrix.models.linux_errors import take_error
from sockmatrix.models.linux_ports import tcp_release

if TYPE_CHECKING:
    from sockmatrix.models.kernel import Socket
    from sockmatrix.models.linux_send import Message


def _forget(sock: Socket) -> None:
    """Take a connection out of the table of four-tuples."""
    connections = sock.kernel.connections
    for four in [four for four, one in connections.items() if one is sock]:
        del connections[four]


def close(sock: Socket) -> None:
    """Close a TCP socket (close(2), __tcp_close).

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
    """Shut down both ways (shutdown(2)): FIN now, and the socket stays open (inet_shutdown)."""
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
    """Release the port, unless bind() chose it and the socket is open (inet_put_port in tcp_done)."""
    if sock.state == "time-wait" or not sock.holds_port:
        tcp_release(sock)


def disconnect(sock: Socket) -> str:
    """Connect to AF_UNSPEC: the connection is reset, what bind() fixed stays (tcp_disconnect)."""
    if sock.state == "listen":
        stop_listening(sock)
    elif sock.state not in ("closed", "syn-sent"):
        held, bucket = sock.holds_port, sock.bucket
        reset(sock)
        if held and bucket is not None:
            bucket.owners.append(sock)
            sock.bucket, sock.port = bucket, bucket.port
    forget_addresses(sock)
    return "ok"


def send(sock: Socket, message: Message) -> str:
    """Send on a TCP socket: "ok", EPIPE, ECONNRESET (tcp_sendmsg_locked)."""
    error = take_error(sock)
    if error:
        sock.done = True
        return error
    if sock.shut or sock.state != "established":
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
