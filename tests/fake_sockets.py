"""Sockets in memory, for what roles do with real ones: a log of calls, errors on demand. Python 3.9."""

from __future__ import annotations

import errno
import socket
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


class Network:
    """Where fake sockets come from. `refuses` (call, arguments) returns the error of a call or None."""

    def __init__(self) -> None:
        """Begin with no sockets, and refuse nothing."""
        self.sockets: list[FakeSocket] = []
        self.sent: list[tuple[FakeSocket, bytes, tuple[str, int]]] = []
        self.refuses: Callable[[str, tuple[Any, ...]], OSError | None] = lambda *_: None
        self.echo = True  # a datagram to a bound fake socket arrives

    def module(self) -> SimpleNamespace:
        """Return what stands in for the module `socket`."""
        names = {name: value for name, value in vars(socket).items() if name.isupper()}
        names.update(socket=self.make, inet_aton=socket.inet_aton)
        return SimpleNamespace(**names)

    def make(self, family: int, kind: int) -> FakeSocket:
        """Return a new socket, as `socket.socket`."""
        self.check("socket", family, kind)
        made = FakeSocket(self, family, kind)
        self.sockets.append(made)
        return made

    def check(self, call: str, *arguments: Any) -> None:
        """Raise what the call is refused with."""
        error = self.refuses(call, arguments)
        if error is not None:
            raise error

    @property
    def open(self) -> list[FakeSocket]:
        """The sockets that nobody has closed."""
        return [one for one in self.sockets if not one.closed]


class FakeSocket:
    """One socket. `incoming` is what `recv` returns or raises before it blocks; `queue` is accepted."""

    def __init__(self, network: Network, family: int, kind: int) -> None:
        """Open it."""
        self.network = network
        self.family, self.kind = family, kind
        self.calls: list[tuple[Any, ...]] = []
        self.incoming: list[bytes | OSError] = []
        self.queue: list[FakeSocket] = []
        self.address: tuple[str, int] = ("", 0)
        self.closed = False

    @property
    def type(self) -> int:
        """The type without the flags that Linux has beside it, as Python tells it."""
        return self.kind & 0xF

    def _call(self, name: str, *arguments: Any) -> None:
        assert not self.closed
        self.network.check(name, *arguments)
        self.calls.append((name, *arguments))

    def setsockopt(self, *arguments: Any) -> None:
        """Set an option."""
        self._call("setsockopt", *arguments)

    def setblocking(self, flag: bool) -> None:
        """Say whether to wait."""
        self._call("setblocking", flag)

    def settimeout(self, seconds: float) -> None:
        """Say how long to wait."""
        self._call("settimeout", seconds)

    def bind(self, address: tuple[str, int]) -> None:
        """Bind; port 0 becomes one of the system's choice."""
        self._call("bind", address)
        self.address = (address[0], address[1] or 40000 + len(self.network.sockets))

    def getsockname(self) -> tuple[str, int]:
        """Return the local address."""
        return self.address

    def listen(self, backlog: int) -> None:
        """Listen."""
        self._call("listen", backlog)

    def accept(self) -> tuple[FakeSocket, tuple[str, int]]:
        """Return the next of the queue."""
        if not self.queue:
            raise BlockingIOError
        return self.queue.pop(0), ("127.0.0.1", 1)

    def connect(self, address: tuple[str, int]) -> None:
        """Connect."""
        self._call("connect", address)

    def connect_ex(self, address: tuple[str, int]) -> int:
        """Connect, and return the number of the error."""
        try:
            self._call("connect", address)
        except OSError as error:
            return error.errno or 0
        return errno.EINPROGRESS

    def send(self, data: bytes) -> int:
        """Send on a connection."""
        self._call("send", data)
        return len(data)

    def sendto(self, data: bytes, address: tuple[str, int]) -> int:
        """Send a datagram."""
        self._call("sendto", data, address)
        self.network.sent.append((self, data, address))
        for one in self.network.open:
            if self.network.echo and one.address == address:
                one.incoming.append(data)
        return len(data)

    def recv(self, size: int, _flags: int = 0) -> bytes:
        """Return what comes next, cut to `size`."""
        if not self.incoming:
            raise BlockingIOError
        data = self.incoming.pop(0)
        if isinstance(data, OSError):
            raise data
        return data[:size]

    def close(self) -> None:
        """Close."""
        self.closed = True
