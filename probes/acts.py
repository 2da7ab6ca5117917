"""What a role can do with one socket beside opening it: connect, join, send, receive, accept, and so on.

Each act is a function of the socket's place (`Place`) and its compiled arguments (`programs.py`). It
returns its result in words: what was received, an option's value, `ok`. Addresses are told as the
symbols of the lab and ports as `P`, `P+1`, so that the words are the same on every run and system.
"""

from __future__ import annotations

import os
import socket
import struct
from typing import TYPE_CHECKING, Any, Callable, Dict, List, NamedTuple, Optional, Tuple, Union

import errnos
import groups
import payload

if TYPE_CHECKING:
    from role import Role

Address = Union[str, Tuple[str]]
"""An address, or a one-tuple of a group's symbol, which each trial has its own for."""

NOTHING = "nothing"
TOLD = 0xFF
"""In the place of a label: a datagram that is received as such, and not counted."""

CONNECT_PATIENCE = 1.0  # seconds
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
    "SO_EE_ORIGIN_ICMP": 2,
}
_ORIGINS = {0: "none", 1: "local", 2: "icmp", 3: "icmp6"}  # linux/errqueue.h, SO_EE_ORIGIN_*
_SIOCINQ = 0x541B  # FIONREAD of asm-generic/ioctls.h; others have the name in termios
_TIME_WAIT = "06"  # net/tcp_states.h, as /proc/net/tcp writes it


class Surroundings(NamedTuple):
    """What a role knows of its lab: symbols of addresses, of interfaces by index, the local ports."""

    names: Dict[str, str]
    devices: Dict[int, str]
    local_range: Tuple[int, int]
    system: str = "linux"


class Place(NamedTuple):
    """Where an act takes place: a role, one of its trials, the trial's port and group."""

    role: Role
    trial: int
    port: int
    group: str

    @property
    def sock(self) -> socket.socket:
        """The socket of this trial. Raises OSError (EBADF) when it has none, or closed it."""
        try:
            return self.role.sockets[self.trial]
        except KeyError:
            raise OSError(9, "no such socket") from None

    def host(self, address: Address) -> str:
        """Return the address, with the trial's own group filled in."""
        return groups.of(address[0], self.group) if isinstance(address, tuple) else address

    def port_of(self, spec: str) -> int:
        """Return the port that `P`, `P+1` or a number means here."""
        if spec.startswith("P"):
            return self.port + int(spec[2:] or 0)
        return int(spec)

    def to(self, address: Address, port: str, scope: int) -> Tuple[Any, ...]:
        """Return a socket address; `scope` is the sin6_scope_id of an IPv6 one."""
        host, _, zone = self.host(address).partition("%")
        if zone:
            scope = int(zone) if zone.isdecimal() else socket.if_nametoindex(zone)
        return (host, self.port_of(port), 0, scope) if scope else (host, self.port_of(port))

    def symbol(self, host: str) -> str:
        """Return what an address is called in this lab."""
        known = self.role.surroundings.names.get(host)
        if known is None:
            plain = host.partition("%")[0]
            known = self.role.surroundings.names.get(plain)
            host = plain
        return known or groups.names(self.group).get(host, "other")

    def port_name(self, port: int) -> str:
        """Return what a port is called: P, P+1, ..., 0, ephemeral, other."""
        offset = port - self.port
        if offset == 0:
            return "P"
        if 0 < offset < 4:
            return f"P+{offset}"
        low, high = self.role.surroundings.local_range
        return "0" if port == 0 else "ephemeral" if low <= port <= high else "other"

    def endpoint(self, address: Any) -> str:
        """Return a socket address as SYMBOL:PORT."""
        return f"{self.symbol(address[0])}:{self.port_name(address[1])}"


# --- addresses and connections -------------------------------------------------------------------


def bind(place: Place, address: Address, port: str, scope: int = 0) -> str:
    """Bind to an address and port (bind(2))."""
    place.sock.bind(place.to(address, port, scope))
    if place.sock.type == socket.SOCK_DGRAM:
        place.role.hear(place.trial)
    return "ok"


def listen(place: Place, backlog: int) -> str:
    """Listen for connections (listen(2))."""
    place.sock.listen(backlog)
    place.role.accept_from(place.trial)
    return "ok"


def connect(place: Place, address: Address, port: str, scope: int = 0) -> str:
    """Connect to an address and port (connect(2)); a stream waits for the handshake."""
    sock = place.sock
    sock.settimeout(CONNECT_PATIENCE)
    try:
        sock.connect(place.to(address, port, scope))
    finally:
        sock.settimeout(0)
    return "ok"


def disconnect(place: Place) -> str:
    """connect(2) to AF_UNSPEC, which dissolves the association of a datagram socket."""
    import ctypes  # Python's own connect knows no AF_UNSPEC

    library = ctypes.CDLL(None, use_errno=True)
    if library.connect(place.sock.fileno(), struct.pack("=H14x", socket.AF_UNSPEC), 16):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return "ok"


def accept(place: Place, name: str) -> str:
    """Make a connection the socket `name` of the same process (accept(2))."""
    try:
        connection, _ = place.sock.accept()
    except BlockingIOError:
        return NOTHING
    connection.setblocking(False)
    place.role.sibling(name).adopt(place.trial, connection)
    return "ok"


def name(place: Place) -> str:
    """getsockname(2)."""
    return place.endpoint(place.sock.getsockname())


def peer(place: Place) -> str:
    """getpeername(2)."""
    return place.endpoint(place.sock.getpeername())


def shutdown(place: Place) -> str:
    """Shut both ways down (shutdown(2)); what listened does so no longer (Linux: tcp_disconnect)."""
    place.sock.shutdown(socket.SHUT_RDWR)
    place.role.listening.pop(place.trial, None)
    return "ok"


def close(place: Place) -> str:
    """Close the socket (close(2))."""
    sock = place.sock
    place.role.forget(place.trial)
    sock.close()
    return "ok"


def reset(place: Place) -> str:
    """close(2) with SO_LINGER 0: a connection is reset, and nothing is left in TIME_WAIT."""
    short = place.role.surroundings.system == "windows"  # struct linger of Winsock: two u_shorts
    packed = struct.pack("@HH" if short else "@ii", 1, 0)
    place.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, packed)
    return close(place)


# --- options and memberships ---------------------------------------------------------------------


def set_option(place: Place, level: int, option: int, value: Any) -> str:
    """setsockopt(2)."""
    place.sock.setsockopt(level, option, value)
    return "ok"


def get_option(place: Place, level: int, option: int, kind: str) -> str:
    """getsockopt(2): an integer, `kind` "error" its errno name, "address4" a symbol, "text" a device."""
    if kind == "address4":
        return place.symbol(socket.inet_ntoa(place.sock.getsockopt(level, option, 4)))
    if kind == "text":
        found = place.sock.getsockopt(level, option, 16).rstrip(b"\0").decode("ascii", "replace")
        return place.role.device_symbol(found) if found else "none"
    number = place.sock.getsockopt(level, option)
    if kind == "error":
        return errnos.name(number) if number else "0"
    if kind == "index":
        return place.role.surroundings.devices.get(number, str(number) if number == 0 else "other")
    return str(number)


def member(place: Place, level: int, option: int, parts: List[Any]) -> str:
    """setsockopt(2) with a structure that names a group; a one-tuple is the symbol of a group."""
    packed = b""
    for part in parts:
        if not isinstance(part, tuple):
            packed += part
            continue
        address = place.host(part)
        packed += socket.inet_pton(socket.AF_INET6 if ":" in address else socket.AF_INET, address)
    place.sock.setsockopt(level, option, packed)
    return "ok"


def balance(place: Place, index: int) -> str:
    """Attach a classic BPF program that returns `index` (SO_ATTACH_REUSEPORT_CBPF, socket(7))."""
    import ctypes

    # struct sock_filter { u16 code; u8 jt, jf; u32 k; }: BPF_RET | BPF_K, linux/filter.h
    program = ctypes.create_string_buffer(struct.pack("=HBBI", 0x06, 0, 0, index))
    descriptor = struct.pack("@HP", 1, ctypes.addressof(program))  # struct sock_fprog
    place.sock.setsockopt(socket.SOL_SOCKET, 51, descriptor)
    return "ok"


# --- datagrams -----------------------------------------------------------------------------------


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
    to = (place.host(address), place.port_of(port))
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
    devices = place.role.surroundings.devices
    if level == socket.IPPROTO_IP and kind == _number("IP_PKTINFO") and len(value) >= 12:
        index, local, to = struct.unpack("=I4s4s", value[:12])
        return [
            f"to={place.symbol(socket.inet_ntoa(to))}",
            f"local={place.symbol(socket.inet_ntoa(local))}",
            f"on={devices.get(index, 'other')}",
        ]
    if level == socket.IPPROTO_IPV6 and kind == _number("IPV6_PKTINFO") and len(value) >= 20:
        to6, index = struct.unpack("=16sI", value[:20])
        return [
            f"to={place.symbol(socket.inet_ntop(socket.AF_INET6, to6))}",
            f"on={devices.get(index, 'other')}",
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

    return str(struct.unpack("@i", fcntl.ioctl(place.sock, _SIOCINQ, b"\0\0\0\0"))[0])


def poll(place: Place) -> str:
    """Tell what the socket is ready for, without waiting (poll(2))."""
    import select

    names = ("in", "pri", "out", "err", "hup", "rdhup")
    flags = [getattr(select, "POLL" + name.upper(), 0) for name in names]
    asked = select.poll()
    asked.register(place.sock, flags[0] | flags[1] | flags[2] | flags[5])
    ready = dict(asked.poll(0)).get(place.sock.fileno(), 0)
    return ",".join(name for name, flag in zip(names, flags) if ready & flag) or "none"


# --- facts of the host ---------------------------------------------------------------------------


def flags(_: Place, device: str) -> str:
    """Return the flags of a network device, in the order of their bits (linux/if.h)."""
    import netlink

    with netlink.connect() as channel:
        return ",".join(netlink.read_link(channel, device).flag_names())


def route(place: Place, address: Address) -> str:
    """Return the type and the device of the route to an address (RTM_GETROUTE, rtnetlink(7))."""
    import netlink

    with netlink.connect() as channel:
        kind, index = netlink.route_type(channel, place.host(address))
    return f"{kind} dev={place.role.surroundings.devices.get(index, 'other')}"


def waits(place: Place) -> str:
    """Return the seconds that the oldest socket in TIME_WAIT on the port has left (proc(5), net/tcp)."""
    left = []
    for path in ("/proc/net/tcp", "/proc/net/tcp6"):
        try:
            with open(path, encoding="ascii") as file:
                left += _time_waits(file.read(), place.port)
        except OSError:
            continue
    return str(min(left)) if left else "none"


def _time_waits(table: str, port: int) -> List[int]:
    """Return the seconds left of each TIME_WAIT entry with that local port; timers are in clock ticks."""
    tick = os.sysconf("SC_CLK_TCK")
    found = []
    for line in table.splitlines()[1:]:
        fields = line.split()
        if fields[3] == _TIME_WAIT and int(fields[1].rpartition(":")[2], 16) == port:
            found.append(-(-int(fields[5].partition(":")[2], 16) // tick))
    return found


def sysctl(_: Place, setting: str) -> str:
    """Return a setting of this network namespace, `absent` where there is none."""
    import namespaces

    return namespaces.read_setting(setting) or "absent"


def asyncio_reuse_address(_: Place) -> str:
    """Return the exception that asyncio raises for a datagram endpoint with `reuse_address`."""
    import asyncio  # takes longer to import than all the rest

    async def attempt() -> str:
        loop = asyncio.get_running_loop()
        options: Dict[str, Any] = {"local_addr": ("127.0.0.1", 0), "reuse_address": True}
        try:
            transport, _ = await loop.create_datagram_endpoint(asyncio.DatagramProtocol, **options)
        except Exception as error:
            return type(error).__name__
        transport.close()
        return "ok"

    return asyncio.run(attempt())


def _number(constant: str) -> int:
    return int(getattr(socket, constant, _NUMBERS.get(constant, -1)))


ACTS: Dict[str, Callable[..., str]] = {
    "bind": bind,
    "listen": listen,
    "connect": connect,
    "disconnect": disconnect,
    "accept": accept,
    "name": name,
    "peer": peer,
    "shutdown": shutdown,
    "close": close,
    "reset": reset,
    "set": set_option,
    "get": get_option,
    "join": member,
    "leave": member,
    "block": member,
    "unblock": member,
    "balance": balance,
    "unbalance": set_option,
    "send": send,
    "receive": receive,
    "receiveall": receive_all,
    "errors": errors,
    "pending": pending,
    "poll": poll,
    "flags": flags,
    "route": route,
    "waits": waits,
    "sysctl": sysctl,
    "asyncio": asyncio_reuse_address,
}
"""By the name of the call, as a failure tells it."""

TALKING = frozenset({"send", "speak", "connect", "close", "reset", "shutdown"})
"""Acts after which a fence must arrive before anybody's silence counts."""
