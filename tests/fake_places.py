"""Places in memory, for acts: a socket that logs its calls, in a lab of a few names. Python 3.9."""

from __future__ import annotations

import errno
import socket
from typing import Any

import payload
from place import Place, Surroundings
from role import Role

NONCE = b"01234567"
GROUP = "239.192.0.7"
PORT = 12000
NAMES = {"127.0.0.1": "lo4", "198.51.100.1": "if4", "198.51.100.2": "h2", "fe80::1": "link6"}
HERE = Surroundings(NAMES, {1: "lo", 2: "if"}, (32768, 60999))


class Fake:
    """A socket that remembers its calls and gives what it was given to give."""

    def __init__(self, *received: Any, kind: int = int(socket.SOCK_DGRAM)) -> None:
        """Begin with what the next receives give: (data, ancillary, flags, source), or an error."""
        self.type = kind
        self.received = list(received)
        self.calls: list[tuple[Any, ...]] = []
        self.options: dict[tuple[int, int], int] = {}
        self.error: OSError | None = None

    def __getattr__(self, name: str) -> Any:
        def call(*arguments: Any) -> Any:
            self.calls.append((name, *arguments))
            if self.error is not None:
                raise self.error

        return call

    def recvmsg_into(self, buffers: list[bytearray], _: int, flags: int = 0) -> Any:
        """Give the next datagram; the length is the real one with MSG_TRUNC, as recv(2) says."""
        data, ancillary, told, source = self._next()
        size = len(buffers[0])
        buffers[0][: min(size, len(data))] = data[:size]
        told |= socket.MSG_TRUNC if len(data) > size else 0
        return (len(data) if flags & socket.MSG_TRUNC else min(len(data), size)), ancillary, told, source

    def recvmsg(self, *_: Any) -> Any:
        """Give what waits in the error queue."""
        return self._next()

    def recv(self, *_: Any) -> Any:
        """Give the next bytes of a stream."""
        return self._next()

    def _next(self) -> Any:
        if not self.received:
            raise BlockingIOError(errno.EAGAIN, "nothing")
        found = self.received.pop(0)
        if isinstance(found, OSError):
            raise found
        return found

    def getsockopt(self, level: int, option: int, *_: Any) -> Any:
        """Give the value of an option."""
        return self.options[(level, option)]

    def getsockname(self) -> tuple[str, int]:
        """Give the own address."""
        return ("127.0.0.1", PORT)


def at(sock: Fake) -> Place:
    """Return the place of trial 5, with its socket open."""
    role = Role(NONCE)
    role.here(HERE, [])
    role.sockets[5] = sock  # type: ignore[assignment]
    return Place(role, 5, PORT, GROUP)


def ours(label: str = "hello", size: int = 32) -> bytes:
    """Return a datagram that `send` would send."""
    return (payload.head(NONCE, 5) + b"\xff" + label.encode() + b"\n").ljust(size, b"\0")


FROM = ("127.0.0.1", 40000)
