"""The operations of an actor, performed on the simulated kernels: each returns its result in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from sockmatrix.models import addresses as ip
from sockmatrix.models import (
    facts,
    linux_balance,
    linux_connect,
    linux_connection,
    linux_errors,
    linux_multicast,
    linux_options,
    linux_ports,
    linux_receive,
    linux_send,
    linux_tcp,
)
from sockmatrix.models.kernel import Socket
from sockmatrix.models.symbols import device_of
from sockmatrix.models.linux_multicast import Where
from sockmatrix.models.staged import speak_own

if TYPE_CHECKING:
    from collections.abc import Callable

    from sockmatrix.models.kernel import Kernel
    from sockmatrix.models.play import Play

NO_SOCKET = "EBADF"
SIZE = 32
"""Bytes of a datagram that says no size."""


class Place(NamedTuple):
    """Who acts: its name, its host and user, and the label of the act."""

    name: str
    kernel: Kernel
    uid: str
    label: str


def is_group(symbol: str) -> bool:
    """Tell whether a symbol stands for a multicast group."""
    return symbol.startswith(("group", "ssm", "allhosts", "allnodes", "mapped-group"))


def close_socket(play: Play, name: str) -> None:
    """Close an actor's socket, if it has one."""
    play.hears.discard(name)
    sock = play.sockets.pop(name, None)
    if sock is None:
        return
    for member in list(sock.memberships):
        linux_multicast.drop(sock, member)
    if sock.transport == "tcp":
        linux_connection.close(sock)
    elif sock.transport == "udp":
        sock.options["corked"] = ""
        linux_ports.udp_release(sock)
        sock.state = "closed"


# --- sockets, addresses, connections ---------------------------------------------------------------


def _socket(play: Play, at: Place, kind: str) -> str:
    close_socket(play, at.name)
    transport, _, rest = kind.partition("-")
    family = 0 if rest else int(kind[3])
    play.sockets[at.name] = Socket(
        at.kernel,
        at.name,
        at.name,
        "unix" if rest else "udp" if transport[:3] == "udp" else "tcp",
        family,
        uid=at.uid,
        kind=kind,
        rcv6=ip.ANY6 if family == 6 else "",
        source6=ip.ANY6 if family == 6 else "",
        v6only=family == 6 and at.kernel.host.sysctls.get("net.ipv6.bindv6only") == "1",
    )
    return "ok"


def _bind(play: Play, at: Place, symbol: str, *more: Any) -> str:
    sock = play.sockets.get(at.name)
    if sock is None:
        return NO_SOCKET
    arguments, how = _how(more)
    port = play.port(arguments[0] if arguments else "P")
    scope = play.scope(symbol, device_of(how["on"]) if "on" in how else "")
    address = play.address(sock.kernel, symbol)
    result = linux_ports.bind(sock, address, port, scope)
    if result == "ok" and sock.transport == "udp":
        play.hears.add(at.name)
    return result


def _listen(play: Play, at: Place, backlog: int = 128) -> str:
    sock = play.sockets.get(at.name)
    if sock is None:
        return NO_SOCKET
    result = linux_tcp.listen(sock)
    if result == "ok":
        play.hears.add(at.name)
    return result


def _connect(play: Play, at: Place, symbol: str, *more: Any) -> str:
    sock = play.sockets.get(at.name)
    if sock is None:
        return NO_SOCKET
    arguments, how = _how(more)
    port = play.port(arguments[0] if arguments else "P")
    address = play.address(sock.kernel, symbol)
    scope = play.scope(symbol, device_of(how["on"]) if "on" in how else "")
    if sock.transport == "udp":
        return linux_connect.connect(sock, address, port, scope)
    flow = (at.name, address, port, len(play.chance.made))
    return linux_connection.connect(sock, address, port, play.picker(flow), scope)


def _disconnect(play: Play, at: Place) -> str:
    sock = play.sockets.get(at.name)
    if sock is None:
        return NO_SOCKET
    if sock.transport == "udp":
        return linux_connect.disconnect(sock)
    linux_connection.disconnect(sock)
    return "ok"


def _accept(play: Play, at: Place, name: str) -> str:
    sock = play.sockets.get(at.name)
    if sock is None:
        return NO_SOCKET
    if sock.state != "listen":
        return "EINVAL"
    if not sock.accepting:
        return "nothing"
    child = sock.accepting.pop(0)
    own = f"{at.name.partition('.')[0]}.{name}"
    close_socket(play, own)
    child.role = child.actor = own
    play.sockets[own] = child
    return "ok"


def _name(play: Play, at: Place) -> str:
    sock = play.sockets.get(at.name)
    if sock is None:
        return NO_SOCKET
    if sock.family == 4:
        return play.endpoint(sock.rcv4 if sock.rcv4 != ip.ANY4 else sock.source4, sock.port)
    return play.endpoint(sock.rcv6 if sock.rcv6 != ip.ANY6 else sock.source6 or ip.ANY6, sock.port)


def _peer(play: Play, at: Place) -> str:
    sock = play.sockets.get(at.name)
    if sock is None:
        return NO_SOCKET
    if not sock.peer_port or sock.state in ("closed", "listen", "syn-sent"):
        return "ENOTCONN"
    return play.endpoint(sock.peer, sock.peer_port)


def _shutdown(play: Play, at: Place) -> str:
    sock = play.sockets.get(at.name)
    if sock is None:
        return NO_SOCKET
    if sock.transport == "tcp":
        return linux_connection.shutdown(sock)
    sock.shut = True
    return "ok" if sock.state == "established" else "ENOTCONN"


def _close(play: Play, at: Place) -> str:
    if at.name not in play.sockets:
        return NO_SOCKET
    close_socket(play, at.name)
    return "ok"


def _reset(play: Play, at: Place) -> str:
    sock = play.sockets.get(at.name)
    if sock is None:
        return NO_SOCKET
    sock.options["SO_LINGER"] = 0
    close_socket(play, at.name)
    return "ok"


# --- options and memberships -------------------------------------------------------------------------


def _set(play: Play, at: Place, option: str, value: int | str) -> str:
    sock = play.sockets.get(at.name)
    if option in linux_options.ABSENT:
        return "absent"
    if sock is None:
        return NO_SOCKET
    result = linux_options.set_option(sock, option, value)
    if result == "ok" and option == "UDP_CORK" and not value:
        linux_send.uncork(play, sock)
    return result


def _get(play: Play, at: Place, option: str) -> str:
    sock = play.sockets.get(at.name)
    if option in linux_options.ABSENT:
        return "absent"
    if sock is None:
        return NO_SOCKET
    address = str(sock.options.get("mc-address", "")) or ip.ANY4
    return linux_options.get_option(sock, option, play.symbol(address))


def _membership(play: Play, sock: Socket, group: str, iface: str, how: dict[str, str]) -> Where:
    kernel = sock.kernel
    address = play.address(kernel, group)
    by = how.get("by", "address")
    if by == "any":
        return Where(address)
    if ip.version(address) == 6 or by == "index" or (iface == "bad" and "source" not in how):
        return Where(address, device="" if iface == "none" else device_of(iface))
    own = play.address(kernel, "nonlocal4") if iface == "bad" else ""
    if not own and iface != "none":
        own = kernel.host.devices[device_of(iface)].address(4)
    return Where(address, own)


def _join(play: Play, at: Place, group: str, iface: str, *more: Any) -> str:
    return _member(play, at, group, iface, more, joins=True)


def _leave(play: Play, at: Place, group: str, iface: str, *more: Any) -> str:
    return _member(play, at, group, iface, more, joins=False)


def _member(
    play: Play, at: Place, group: str, iface: str, more: tuple[Any, ...], *, joins: bool
) -> str:
    sock = play.sockets.get(at.name)
    if sock is None:
        return NO_SOCKET
    _, how = _how(more)
    where = _membership(play, sock, group, iface, how)
    if "source" in how:
        source = play.address(sock.kernel, how["source"])
        return linux_multicast.filter_source(sock, where, source, "include", add=joins)
    return linux_multicast.join(sock, where) if joins else linux_multicast.leave(sock, where)


def _block(play: Play, at: Place, group: str, iface: str, how: dict[str, str]) -> str:
    return _filter(play, at, group, iface, how, add=True)


def _unblock(play: Play, at: Place, group: str, iface: str, how: dict[str, str]) -> str:
    return _filter(play, at, group, iface, how, add=False)


def _filter(
    play: Play, at: Place, group: str, iface: str, how: dict[str, str], *, add: bool
) -> str:
    sock = play.sockets.get(at.name)
    if sock is None:
        return NO_SOCKET
    where = _membership(play, sock, group, iface, how)
    source = play.address(sock.kernel, how["source"])
    return linux_multicast.filter_source(sock, where, source, "exclude", add=add)


def _balance(play: Play, at: Place, index: int) -> str:
    sock = play.sockets.get(at.name)
    return NO_SOCKET if sock is None else linux_balance.attach(sock, int(index))


def _unbalance(play: Play, at: Place) -> str:
    sock = play.sockets.get(at.name)
    return NO_SOCKET if sock is None else linux_balance.detach(sock)


# --- datagrams -----------------------------------------------------------------------------------------


def _tell(play: Play, at: Place, symbol: str | None, port: Any = None, *more: Any) -> str:
    sock = play.sockets.get(at.name)
    if sock is None:
        return NO_SOCKET
    _, how = _how(more)
    label = at.label or "x"
    size = how.get("size")
    message = linux_send.Message(
        label,
        SIZE if size is None else int(size),
        to="" if symbol is None else play.address(sock.kernel, symbol),
        port=0 if symbol is None else play.port(port),
        flags=tuple(how.get("flags", ())),
        source=play.address(sock.kernel, how["source"]) if "source" in how else "",
        scope=play.scope(symbol or "", device_of(how["on"]) if "on" in how else ""),
    )
    if sock.transport == "tcp":
        return linux_connection.send(sock, message)
    return linux_send.send(play, sock, message).result


def _speak(play: Play, at: Place, label: str, symbol: str, port: Any = "P", times: int = 8) -> str:
    sock = play.sockets.get(at.name)
    if sock is None:
        return NO_SOCKET
    return speak_own(play, sock, label, symbol, port, times)


def _receive(play: Play, at: Place, *more: Any) -> str:
    sock = play.sockets.get(at.name)
    if sock is None:
        return NO_SOCKET
    arguments, how = _how(more)
    act = linux_receive.receive_all if "all" in arguments else linux_receive.receive
    return act(play, sock, int(how.get("size", linux_receive.BUFFER)), tuple(how.get("flags", ())))


def _errors(play: Play, at: Place) -> str:
    sock = play.sockets.get(at.name)
    return NO_SOCKET if sock is None else linux_errors.take_report(sock)


def _pending(play: Play, at: Place) -> str:
    sock = play.sockets.get(at.name)
    return NO_SOCKET if sock is None else linux_receive.pending(sock)


def _poll(play: Play, at: Place) -> str:
    sock = play.sockets.get(at.name)
    return NO_SOCKET if sock is None else linux_receive.poll(sock)


def _how(more: tuple[Any, ...]) -> tuple[list[Any], dict[str, Any]]:
    """Return the plain arguments, and those by name."""
    if more and isinstance(more[-1], dict):
        return list(more[:-1]), more[-1]
    return list(more), {}


ACTS: dict[str, Callable[..., str]] = {
    "socket": _socket,
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
    "join": _join,
    "leave": _leave,
    "block": _block,
    "unblock": _unblock,
    "balance": _balance,
    "unbalance": _unbalance,
    "tell": _tell,
    "speak": _speak,
    "receive": _receive,
    "errors": _errors,
    "pending": _pending,
    "poll": _poll,
    "flags": facts.flags,
    "route": facts.route,
    "waits": facts.waits,
    "sysctl": facts.sysctl,
    "asyncio-reuse-address": facts.asyncio_reuse_address,
}
"""Every operation that the model knows, by its name in the probe protocol."""
