"""Acts of sending and receiving, and of asking what there is to receive.

What an act is, acts.py says.
"""

from __future__ import annotations

import socket
import struct
from typing import Any, List, Optional, Tuple

import errnos
import payload
from place import Address, Place
from sockets import NOTHING

TOLD = 0xFF
"""In the place of a label: a datagram that is received as such, and not counted."""

_BUFFER = 2048
_SIZE = 32  # bytes of a datagram that is to have no particular size
_MOST_RECEIVED = 64
_ANCILLARY = 512
_NUMBERS = {
    # Linux include/uapi/linux/in.h, in6.h; names that Python's socket module lacks on some systems
    "IP_PKTINFO": 8,
    "IP_TTL": 2,
    "IP_RECVERR": 11,
    "IPV6_PKTINFO": 50,
    "IPV6_HOPLIMIT": 52,
    "IPV6_RECVERR": 25,
    "MSG_ERRQUEUE": 0x2000,
}
_ORIGINS = {0: "none", 1: "local", 2: "icmp", 3: "icmp6"}  # linux/errqueue.h, SO_EE_ORIGIN_*


def send(  # noqa: PLR0917 - the arguments of a compiled program
    place: Place,
    address: Optional[Address],
    port: str,
    label: str,
    size: Optional[int],
    flags: int,
    ancillary: List[Any],
    scope: int = 0,
) -> str:
    """sendmsg(2) of one datagram that says its label, of `size` bytes; or as many bytes of a stream."""
    mark = payload.head(place.role.nonce, place.trial) + bytes((TOLD,)) + label.encode() + b"\n"
    mark = mark[:size].ljust(_SIZE if size is None else size, b"\0")
    if address is None and not ancillary:
        place.sock.send(mark, flags)
        return "ok"
    to = () if address is None else place.to(address, port, scope)
    if not ancillary:
        place.sock.sendto(mark, flags, to)
    elif to:
        place.sock.sendmsg([mark], ancillary, flags, to)
    else:
        place.sock.sendmsg([mark], ancillary, flags)
    return "ok"


def speak(place: Place, address: Address, port: str, label: int, times: int) -> Tuple[int, str]:
    """Send counted datagrams from the trial's own socket; return the bitmap of the sent, the errno."""
    head = payload.head(place.role.nonce, place.trial) + bytes((label,))
    to = place.to(address, port)
    sent = 0
    for number in range(times):
        try:
            place.sock.sendto(head + payload.SEQUENCES[number], to)
        except OSError as error:
            return sent, errnos.name(error)
        sent |= 1 << number
    return sent, ""


def receive(place: Place, size: int, flags: int) -> str:
    """recvmsg(2) into `size` bytes: who was heard, and what came with it."""
    sock = place.sock
    if sock.type == socket.SOCK_STREAM:
        data = sock.recv(size, flags)
        return _heard(place, data, len(data)) if data else "eof"
    if not hasattr(sock, "recvmsg"):  # Windows
        data, source = sock.recvfrom(size, flags)
        return f"{_heard(place, data, len(data))} from={place.endpoint(source)}"
    buffer = bytearray(size)
    length, ancillary, told, source = sock.recvmsg_into([buffer], _ANCILLARY, flags)
    words = [_heard(place, bytes(buffer[:length]), length)]
    if source:
        words.append(f"from={place.endpoint(source)}")
    for level, kind, value in ancillary:
        words += _came_with(place, level, kind, value)
    named = (("MSG_TRUNC", "TRUNC"), ("MSG_CTRUNC", "CTRUNC"))
    raised = [word for flag, word in named if told & getattr(socket, flag, 0)]
    return " ".join([*words, *([f"flags={','.join(raised)}"] if raised else [])])


def receive_all(place: Place, size: int, flags: int) -> str:
    """Receive until nothing is left: what each receive gives, in their order."""
    found: List[str] = []
    while len(found) < _MOST_RECEIVED:
        try:
            found.append(receive(place, size, flags))
        except BlockingIOError:
            break
        except OSError as error:
            found.append(errnos.name(error))
            break
        if found[-1] == "eof":
            break
    return " / ".join(found) or NOTHING


def _heard(place: Place, data: bytes, size: int) -> str:
    head = payload.head(place.role.nonce, place.trial)
    if data[: payload.HEAD] != head or len(data) <= payload.HEAD:
        return f"size={size}"
    label, newline, _ = data[payload.HEAD + 1 :].partition(b"\n")
    said = label.decode("ascii", "replace") if newline and data[payload.HEAD] == TOLD else ""
    return f"heard={said} size={size}" if said else f"size={size}"


def _came_with(place: Place, level: int, kind: int, value: bytes) -> List[str]:
    """Return the words for one ancillary item: ip(7) IP_PKTINFO, RFC 3542 6.2 (struct in6_pktinfo)."""
    if level == socket.IPPROTO_IP and kind == _number("IP_PKTINFO") and len(value) >= 12:
        index, local, to = struct.unpack("=I4s4s", value[:12])
        return [
            f"to={place.symbol(socket.inet_ntoa(to))}",
            f"local={place.symbol(socket.inet_ntoa(local))}",
            f"on={place.device(index)}",
        ]
    if level == socket.IPPROTO_IPV6 and kind == _number("IPV6_PKTINFO") and len(value) >= 20:
        to6, index = struct.unpack("=16sI", value[:20])
        return [
            f"to={place.symbol(socket.inet_ntop(socket.AF_INET6, to6))}",
            f"on={place.device(index)}",
        ]
    hops = ((socket.IPPROTO_IP, "IP_TTL"), (socket.IPPROTO_IPV6, "IPV6_HOPLIMIT"))
    if any(level == layer and kind == _number(word) for layer, word in hops) and len(value) >= 4:
        return [f"ttl={struct.unpack('=i', value[:4])[0]}"]
    return []


def errors(place: Place) -> str:
    """Read one entry of the error queue (IP_RECVERR, ip(7); struct sock_extended_err)."""
    _, ancillary, _, to = place.sock.recvmsg(_BUFFER, _ANCILLARY, _number("MSG_ERRQUEUE"))
    for _, kind, value in ancillary:
        if kind not in (_number("IP_RECVERR"), _number("IPV6_RECVERR")) or len(value) < 16:
            continue
        number, origin, sort, code, _, info, _ = struct.unpack("=IBBBBII", value[:16])
        words = [errnos.name(number), f"origin={_ORIGINS.get(origin, origin)}"]
        words += [f"type={sort}", f"code={code}"]
        offender = _offender(value[16:])
        words += [f"offender={place.symbol(offender)}"] if offender else []
        words += [f"to={place.endpoint(to)}"] if to else []
        words += [f"info={info}"] if info else []
        return " ".join(words)
    return NOTHING


def _offender(address: bytes) -> str:
    if len(address) < 8:
        return ""
    (family,) = struct.unpack("=H", address[:2])
    if family == socket.AF_INET:
        return socket.inet_ntoa(address[4:8])
    return socket.inet_ntop(socket.AF_INET6, address[8:24]) if family == socket.AF_INET6 else ""


def pending(place: Place) -> str:
    """Ioctl FIONREAD: bytes of the next datagram, or of the whole stream (udp(7), tcp(7))."""
    import fcntl
    import termios

    return str(struct.unpack("@i", fcntl.ioctl(place.sock, termios.FIONREAD, b"\0\0\0\0"))[0])


def poll(place: Place) -> str:
    """Tell what the socket is ready for, without waiting (poll(2))."""
    import select

    names = ("in", "pri", "out", "err", "hup", "rdhup")
    flags = [getattr(select, "POLL" + name.upper(), 0) for name in names]
    asked = select.poll()
    asked.register(place.sock, flags[0] | flags[1] | flags[2] | flags[5])
    ready = dict(asked.poll(0)).get(place.sock.fileno(), 0)
    return ",".join(name for name, flag in zip(names, flags) if ready & flag) or "none"


def _number(constant: str) -> int:
    return int(getattr(socket, constant, _NUMBERS.get(constant, -1)))
