"""Reading what receivers were sent until there is no more, and telling ours from a stranger's."""

from __future__ import annotations

import socket
from typing import Dict, List, Tuple

import payload

_READ_TIMEOUT = 0.5  # seconds for the payload of an accepted connection; it was sent before the fence
_DONTWAIT = getattr(socket, "MSG_DONTWAIT", 0)
_FLOOD = 100_000  # foreign datagrams after which a socket is left alone

Found = Dict[int, Tuple[int, int]]
"""By label: bitmaps of the sequence numbers heard, and of those heard again."""


def drain_datagrams(sock: socket.socket, head: bytes, data: bytes, bits: int) -> Tuple[Found, int]:
    """Read a datagram socket until it is empty: ({label: (heard, again)}, foreign datagrams).

    `data` was read already and comes first; `bits` were heard already under label 0. An empty `data`
    counts as foreign: on Windows it stands for the ICMP error of an earlier send (WSAECONNRESET).
    """
    found: Found = {0: (bits, 0)} if bits else {}
    strangers = 0
    while strangers < _FLOOD:
        if data[: payload.HEAD] == head and len(data) == payload.HEAD + 3:
            bit = 1 << (data[13] | data[14] << 8)
            before, again = found.get(data[12], (0, 0))
            found[data[12]] = (before | bit, again | before & bit)
        else:
            strangers += 1
        try:
            data = sock.recv(payload.MAXIMUM)
        except BlockingIOError:
            break
        except OSError:
            data = b""
    return found, strangers


def _first_words(connection: socket.socket) -> bytes:
    """Return what was sent over a connection first: it is there already, as a rule. Raises OSError."""
    if _DONTWAIT:
        try:
            return connection.recv(payload.MAXIMUM, _DONTWAIT)
        except BlockingIOError:
            pass
    connection.settimeout(_READ_TIMEOUT)
    return connection.recv(payload.MAXIMUM)


def drain_connections(
    listener: socket.socket, head: bytes, kept: List[socket.socket]
) -> Tuple[Found, int]:
    """Accept until the queue is empty; a connection without our payload is a stranger's.

    The connections are added to `kept` and stay open until the batch is closed, so that the client is
    the one that resets them and nothing is left in TIME_WAIT.
    """
    found: Found = {}
    strangers = 0
    while True:
        try:
            connection, _ = listener.accept()
        except BlockingIOError:
            return found, strangers
        except (ConnectionAbortedError, InterruptedError):
            continue  # a stranger's that is gone already; any other error ends this role
        kept.append(connection)
        try:
            data = _first_words(connection)
        except OSError:
            data = b""
        if data[: payload.HEAD] == head and len(data) >= payload.HEAD + 3:
            label = data[12]
            bits = 1 << (data[13] | data[14] << 8)
            before, again = found.get(label, (0, 0))
            found[label] = (before | bits, again | before & bits)
        else:
            strangers += 1
