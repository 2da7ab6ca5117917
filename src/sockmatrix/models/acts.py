"""The operations of an actor, performed on the simulated kernels: each returns its result in words.

They are those of the probe protocol, by the same names and with the same arguments.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sockmatrix.models import addresses as ip
from sockmatrix.models import (
    facts,
    linux_balance,
    linux_closing,
    linux_connect,
    linux_connection,
    linux_options,
    linux_ports,
    linux_send,
    linux_tcp,
)
from sockmatrix.models.data import DATA
from sockmatrix.models.kernel import Socket
from sockmatrix.models.memberships import MEMBERSHIPS
from sockmatrix.models.place import Place, close_socket, split
from sockmatrix.models.prediction import Unpredicted

if TYPE_CHECKING:
    from collections.abc import Callable

NO_SOCKET = "EBADF"


def act(at: Place, call: str, arguments: list[Any]) -> str:
    """Perform one operation: "ok", an errno, or what it tells. Raises prediction.Unpredicted."""
    if call in _WITHOUT_SOCKET:
        return _WITHOUT_SOCKET[call](at, *arguments)
    if call not in _WITH_SOCKET:
        raise Unpredicted(call)
    if call in ("set", "get") and arguments[0] in linux_options.ABSENT:
        return "absent"
    if at.name not in at.play.sockets:
        return NO_SOCKET
    return _WITH_SOCKET[call](at, *arguments)


def _socket(at: Place, kind: str) -> str:
    close_socket(at.play, at.name)
    unix = kind.startswith("unix")
    family = 0 if unix else int(kind[3])
    at.play.sockets[at.name] = Socket(
        at.kernel,
        at.name,
        "unix" if unix else "udp" if kind.startswith("udp") else "tcp",
        family,
        uid=at.uid,
        kind=kind,
        rcv6=ip.ANY6 if family == 6 else "",
        source6=ip.ANY6 if family == 6 else "",
        v6only=family == 6 and at.kernel.host.sysctls["net.ipv6.bindv6only"] == "1",
    )
    return "ok"


def _bind(at: Place, symbol: str, *more: Any) -> str:
    arguments, how = split(more)
    port = at.play.port(arguments[0] if arguments else "P")
    result = linux_ports.bind(at.sock, at.address(symbol), port, at.scope(symbol, how))
    if result == "ok" and at.sock.transport == "udp":
        at.play.hears.add(at.name)
    return result


def _listen(at: Place, _: int = 128) -> str:
    result = linux_tcp.listen(at.sock)
    if result == "ok":
        at.play.hears.add(at.name)
    return result


def _connect(at: Place, symbol: str, *more: Any) -> str:
    arguments, how = split(more)
    port = at.play.port(arguments[0] if arguments else "P")
    address, scope = at.address(symbol), at.scope(symbol, how)
    if at.sock.transport == "udp":
        return linux_connect.connect(at.sock, address, port, scope)
    flow = (at.name, address, port, len(at.play.chance.made))
    return linux_connection.connect(at.sock, address, port, at.play.picker(flow), scope)


def _disconnect(at: Place) -> str:
    if at.sock.transport == "udp":
        return linux_connect.disconnect(at.sock)
    return linux_closing.disconnect(at.sock)


def _accept(at: Place, name: str) -> str:
    if at.sock.state != "listen":
        return "EINVAL"
    if not at.sock.accepting:
        return "nothing"
    child = at.sock.accepting.pop(0)
    child.role = f"{at.name.partition('.')[0]}.{name}"
    close_socket(at.play, child.role)
    at.play.sockets[child.role] = child
    return "ok"


def _name(at: Place) -> str:
    sock = at.sock
    own, source, wild = sock.rcv4, sock.source4, ip.ANY4
    if sock.family == 6:
        own, source, wild = sock.rcv6, sock.source6, ip.ANY6
    return at.play.endpoint(own if own != wild else source or wild, sock.port or sock.shown)


def _peer(at: Place) -> str:
    if not at.sock.peer_port or at.sock.state in ("closed", "listen", "syn-sent"):
        return "ENOTCONN"
    return at.play.endpoint(at.sock.peer, at.sock.peer_port)


def _shutdown(at: Place) -> str:
    if at.sock.transport == "tcp":
        at.play.hears.discard(at.name)
        return linux_closing.shutdown(at.sock)
    at.sock.shut = True
    return "ok" if at.sock.state == "established" else "ENOTCONN"


def _close(at: Place) -> str:
    close_socket(at.play, at.name)
    return "ok"


def _reset(at: Place) -> str:
    at.sock.options["SO_LINGER"] = 0
    return _close(at)


def _set(at: Place, option: str, value: int | str) -> str:
    result = linux_options.set_option(at.sock, option, value)
    if result == "ok" and option == "UDP_CORK" and not value:
        linux_send.uncork(at.play, at.sock)
    return result


def _get(at: Place, option: str) -> str:
    address = str(at.sock.options.get("mc-address", "")) or ip.ANY4
    return linux_options.get_option(at.sock, option, at.play.symbol(address))


def _balance(at: Place, index: int) -> str:
    return linux_balance.attach(at.sock, int(index))


def _unbalance(at: Place) -> str:
    return linux_balance.detach(at.sock)


_WITH_SOCKET: dict[str, Callable[..., str]] = {
    "set": _set,
    "get": _get,
    "bind": _bind,
    "listen": _listen,
    "connect": _connect,
    "disconnect": _disconnect,
    "accept": _accept,
    "name": _name,
    "peer": _peer,
    "shutdown": _shutdown,
    "close": _close,
    "reset": _reset,
    "balance": _balance,
    "unbalance": _unbalance,
    **MEMBERSHIPS,
    **DATA,
}

_WITHOUT_SOCKET: dict[str, Callable[..., str]] = {
    "socket": _socket,
    "flags": facts.flags,
    "route": facts.route,
    "waits": facts.waits,
    "sysctl": facts.sysctl,
    "asyncio-reuse-address": facts.asyncio_reuse_address,
}

KNOWN = frozenset({*_WITH_SOCKET, *_WITHOUT_SOCKET})
"""Every operation that the model knows, by its name in the probe protocol."""
