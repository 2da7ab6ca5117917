"""Acts on a socket as such: open, bind, connect, accept, close it, its options and memberships.

What an act is, acts.py says.
"""

from __future__ import annotations

import errno
import os
import socket
import struct
from typing import Any, List

import errnos
import options
from place import Address, Place

CONNECT_PATIENCE = 1.0
"""Seconds for the handshake of a connection."""

NOTHING = "nothing"
"""There is no connection to accept, no datagram to receive, no error in the queue."""


def make(place: Place, family: int, kind: int) -> str:
    """Make a socket (socket(2)), in place of the one there is."""
    place.role.adopt(place.trial, place.role.make(family, kind))
    return "ok"


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
    to = place.to(address, port, scope)
    if place.role.surroundings.system == "linux" and sock.type == socket.SOCK_STREAM:
        _connect_blocking(sock, to)
        return "ok"
    sock.settimeout(CONNECT_PATIENCE)
    try:
        sock.connect(to)
    finally:
        sock.settimeout(0)
    return "ok"


def _connect_blocking(sock: socket.socket, to: Any) -> None:
    """Let the kernel wait for the handshake, no longer than SO_SNDTIMEO says (socket(7)).

    After a refusal that a non-blocking connect was not there to hear, the socket stays SS_CONNECTING and
    the next connect fails with ECONNABORTED: net/ipv4/af_inet.c, __inet_stream_connect.
    """
    before = sock.getsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, 16)
    seconds, rest = divmod(CONNECT_PATIENCE, 1)
    # struct timeval: two of 64 bits, or of 32 on a system whose time has 32
    times = struct.pack("=qq" if len(before) == 16 else "=ii", int(seconds), int(rest * 1e6))
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, times)
    sock.setblocking(True)
    try:
        sock.connect(to)
    except BlockingIOError as error:
        if error.errno != errno.EINPROGRESS:
            raise
        raise OSError(errno.ETIMEDOUT, os.strerror(errno.ETIMEDOUT)) from error
    finally:
        sock.setblocking(False)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, before)


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
    resetting = options.resetting(place.role.surroundings.system)
    place.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, resetting)
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
        return place.device_named(found) if found else "none"
    number = place.sock.getsockopt(level, option)
    if kind == "error":
        return errnos.name(number) if number else "0"
    if kind == "index":
        return place.device(number) if number else "0"
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
