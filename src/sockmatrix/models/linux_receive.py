"""recvmsg(2) and what else tells of a socket's queues, in the words of notes.

Sources: net/ipv4/udp.c (udp_recvmsg, udp_ioctl), net/ipv4/ip_sockglue.c (ip_cmsg_recv_offset,
ipv4_pktinfo_prepare), net/ipv6/datagram.c (ip6_datagram_recv_common_ctl), net/core/datagram.c
(datagram_poll_queue), net/ipv4/tcp.c (tcp_poll).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sockmatrix.models import addresses as ip
from sockmatrix.models import linux_errors

if TYPE_CHECKING:
    from sockmatrix.models.kernel import Packet, Socket
    from sockmatrix.models.play import Play

BUFFER = 2048
HEAD = 13
"""Bytes of a told datagram before its label."""

NOTHING = "nothing"


def receive(play: Play, sock: Socket, size: int, flags: tuple[str, ...]) -> str:
    """Return what one recvmsg(2) gives: words, "nothing", an errno, "eof"."""
    if sock.transport == "tcp":
        return _stream(sock, size, flags)
    if "MSG_ERRQUEUE" in flags:
        return _error_message(sock)
    if "MSG_OOB" in flags and sock.transport == "unix":
        return "EOPNOTSUPP"
    error = linux_errors.take_error(sock)
    if error:
        return error
    if not sock.queue:
        return NOTHING
    packet = sock.queue[0] if "MSG_PEEK" in flags else sock.queue.pop(0)
    return told(play, sock, packet, size, flags)


def receive_all(play: Play, sock: Socket, size: int, flags: tuple[str, ...]) -> str:
    """Return what each receive gives until nothing is left; an error ends it."""
    found: list[str] = []
    while len(found) < 64:
        one = receive(play, sock, size, flags)
        if one == NOTHING:
            break
        found.append(one)
        if one.isupper() or one == "eof":
            break
    return " / ".join(found) or NOTHING


def told(play: Play, sock: Socket, packet: Packet, size: int, flags: tuple[str, ...]) -> str:
    """Return a received datagram in words."""
    copied = min(size, packet.size)
    cut = copied < packet.size
    # MSG_TRUNC: the whole length is returned, although no more than the buffer is filled.
    length = packet.size if "MSG_TRUNC" in flags else copied
    words = [*heard(packet.label, copied), f"size={length}"]
    four = ip.version(packet.to) == 4
    mapped = four and sock.family == 6
    source = ip.as_mapped(packet.source) if mapped else packet.source
    words.append(f"from={play.endpoint(source, packet.sport)}")
    words += _ancillary(play, sock, packet, four=four, mapped=mapped)
    if cut:
        words.append("flags=TRUNC")
    return " ".join(words)


def heard(label: str, size: int) -> list[str]:
    """Return who said it, if the label fits into so many bytes with its end."""
    return [f"heard={label}"] if label and size >= HEAD + len(label) + 1 else []


def _ancillary(play: Play, sock: Socket, packet: Packet, *, four: bool, mapped: bool) -> list[str]:
    """Return the words for control messages; an AF_INET6 socket gets both families' for IPv4."""
    words: list[str] = []
    info4 = [f"to={play.symbol(packet.to)}", f"local={play.symbol(packet.local)}", f"on={packet.arrived}"]
    if sock.family == 6:
        if sock.get("IPV6_RECVPKTINFO"):
            to = ip.as_mapped(packet.to) if mapped else packet.to
            words += [f"to={play.symbol(to)}", f"on={packet.arrived}"]
        if sock.get("IPV6_RECVHOPLIMIT"):
            words.append(f"ttl={packet.ttl}")
    if four and sock.get("IP_PKTINFO"):
        words += info4
    if four and sock.get("IP_RECVTTL"):
        words.append(f"ttl={packet.ttl}")
    return words


def _error_message(sock: Socket) -> str:
    """Return what recvmsg with MSG_ERRQUEUE gives: the datagram that was refused, as it was sent."""
    if not sock.reports:
        return NOTHING
    linux_errors.take_report(sock)
    return NOTHING


def _stream(sock: Socket, size: int, flags: tuple[str, ...]) -> str:
    """Return what recv(2) gives on a TCP socket (tcp_recvmsg_locked)."""
    if sock.state == "listen":
        return "ENOTCONN"
    if sock.queue:
        packet = sock.queue[0]
        copied = min(size, packet.size)
        if "MSG_PEEK" not in flags:
            rest = packet.size - copied
            sock.queue[:1] = [packet._replace(size=rest, label="")] if rest else []
        return " ".join([*heard(packet.label, copied), f"size={copied}"])
    if sock.done:
        return "eof"
    error = linux_errors.take_error(sock)
    if error:
        sock.done = True
        return error
    if sock.finished or sock.shut:
        return "eof"
    if sock.state in ("closed", "syn-sent"):
        return "ENOTCONN"
    return NOTHING


def pending(sock: Socket) -> str:
    """FIONREAD: the size of the next datagram (udp_ioctl), or all of a stream; EINVAL for a listener."""
    if sock.transport == "tcp":
        if sock.state == "listen":
            return "EINVAL"
        return str(sum(packet.size for packet in sock.queue))
    return str(sock.queue[0].size if sock.queue else 0)


def poll(sock: Socket) -> str:
    """Return what a socket is ready for (datagram_poll_queue, tcp_poll)."""
    ready = set()
    if sock.error or sock.reports:
        ready.add("err")
    if sock.transport == "tcp":
        ready |= _stream_ready(sock)
    else:
        if sock.queue:
            ready.add("in")
        if sock.shut:
            ready |= {"in", "hup", "rdhup"}
        ready.add("out")
    return ",".join(one for one in ("in", "pri", "out", "err", "hup", "rdhup") if one in ready) or "none"


def _stream_ready(sock: Socket) -> set[str]:
    if sock.state == "listen":
        return {"in"} if sock.accepting else set()
    ready = set()
    if sock.state == "closed" or (sock.shut and sock.finished):
        ready |= {"hup"}
    if sock.finished or sock.shut or (sock.state == "closed" and sock.done):
        ready |= {"in", "rdhup"}
    if sock.queue:
        ready.add("in")
    if sock.state != "syn-sent":
        ready.add("out")
    return ready
