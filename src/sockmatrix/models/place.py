"""Who acts in a cell and where, and how the arguments of an operation are read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sockmatrix.models import linux_closing, linux_multicast, linux_ports
from sockmatrix.models.symbols import device_of

if TYPE_CHECKING:
    from sockmatrix.models.kernel import Kernel, Socket
    from sockmatrix.models.play import Play


@dataclass(frozen=True, slots=True)
class Place:
    """Who acts: its name, its host and user, and the label of the act, "" without one."""

    play: Play
    name: str
    kernel: Kernel
    uid: str
    label: str = ""

    @property
    def sock(self) -> Socket:
        """The actor's socket. Raises KeyError when it has none."""
        return self.play.sockets[self.name]

    def address(self, symbol: str) -> str:
        """Return the address that a symbol stands for on the actor's host."""
        return self.play.address(self.kernel, symbol)

    def scope(self, symbol: str, how: dict[str, Any]) -> str:
        """Return the device that goes with an address (sin6_scope_id); link6 brings its own along."""
        return self.play.scope(symbol, device_of(how["on"]) if "on" in how else "")


def split(more: tuple[Any, ...]) -> tuple[list[Any], dict[str, Any]]:
    """Return the plain arguments of an operation, and those by name."""
    if more and isinstance(more[-1], dict):
        return list(more[:-1]), more[-1]
    return list(more), {}


def close_socket(play: Play, name: str) -> None:
    """Close an actor's socket, if it has one."""
    play.hears.discard(name)
    sock = play.sockets.pop(name, None)
    if sock is None:
        return
    for member in list(sock.memberships):
        linux_multicast.drop(sock, member)
    if sock.transport == "tcp":
        linux_closing.close(sock)
    elif sock.transport == "udp":
        sock.options["corked"] = ""
        linux_ports.udp_release(sock)
        sock.state = "closed"
