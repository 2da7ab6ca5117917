"""One operation in symbols becomes one act with its arguments, in numbers and addresses.

Here is a function for each operation that takes arguments, by its name in steps; acts.py performs it.
"""

from __future__ import annotations

import socket
import struct
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Tuple

import memberships
from opcodes import ACT
from place import Address
from resolver import Absent, Resolver, socket_kind

_BUFFER = 2048  # bytes of a receive that is not told how many
_KINDS = {
    "SO_ERROR": "error",
    "IP_MULTICAST_IF": "address4",
    "SO_BINDTODEVICE": "text",
    "IPV6_MULTICAST_IF": "index",
}
"""How the value of an option is told that is more than an integer; see `sockets.get_option`."""


_ON_LINUX = frozenset({"errors", "flags", "route", "waits"})  # error queue, rtnetlink, /proc/net
_ON_POSIX = frozenset({"pending", "poll"})  # Winsock has another ioctl, and Python no poll there


def offered(operation: str, system: str) -> bool:
    """Tell whether a system (platforms.system) has what an operation asks of it beside options."""
    if operation in _ON_LINUX:
        return system == "linux"
    return operation not in _ON_POSIX or system != "windows"


class Call(NamedTuple):
    """The name of a call as a failure tells it, the act of acts.ACTS that makes it, its arguments."""

    name: str
    act: str
    arguments: Tuple[Any, ...] = ()


How = Optional[Dict[str, Any]]
"""The options that end an operation: port, size, flags, source, on."""


def act(names: Resolver, label: Optional[str], name: str, arguments: List[Any]) -> Tuple[Any, ...]:
    """Return one operation as a role performs it: (ACT, label, call, act, arguments).

    Raises LookupError for one that is unknown, lab.Unavailable, and Absent; but one with a label whose
    option is absent becomes a note that says so.
    """
    try:
        if not offered(name, names.system):
            raise Absent(name)
        if name == "tell":
            call = _tell(names, label or "x", *arguments)
        elif name in memberships.CALLS:
            call = Call(name, name, memberships.parts(names, name, *arguments))
        elif name in _PLAIN:
            call = Call(name, name)
        elif name in _WITH_ARGUMENTS:
            call = _WITH_ARGUMENTS[name](names, *arguments)
        else:
            raise LookupError(f"operation {name}")
    except Absent:
        if label is None:
            raise
        call = Call(name, "absent")
    return (ACT, label, *call)


# --- sockets and options -------------------------------------------------------------------------


def _socket(_: Resolver, kind: str) -> Call:
    return Call("socket", "socket", socket_kind(kind))


def _set(names: Resolver, name: str, value: Any) -> Call:
    return Call("set " + name, "set", names.option(name, value))


def _get(names: Resolver, name: str) -> Call:
    level, option, _ = names.known(name)
    return Call("get", "get", (level, option, _KINDS.get(name, "")))


def _bind(names: Resolver, symbol: str, port: str = "P", how: How = None) -> Call:
    return Call("bind", "bind", (names.address(symbol), str(port), names.scope(how)))


def _listen(_: Resolver, backlog: int = 128) -> Call:
    return Call("listen", "listen", (backlog,))


def _connect(names: Resolver, symbol: str, port: str = "P", how: How = None) -> Call:
    names.may_send(symbol)
    return Call("connect", "connect", (names.address(symbol), str(port), names.scope(how)))


def _accept(_: Resolver, name: str) -> Call:
    return Call("accept", "accept", (name,))


def _balance(names: Resolver, index: Any) -> Call:
    names.known("SO_ATTACH_REUSEPORT_CBPF")
    return Call("balance", "balance", (int(index),))


def _unbalance(names: Resolver) -> Call:
    level, option, _ = names.known("SO_DETACH_REUSEPORT_BPF")
    return Call("unbalance", "unbalance", (level, option, 0))


# --- datagrams -----------------------------------------------------------------------------------


def _tell(
    names: Resolver,
    said: str,
    symbol: Optional[str] = None,
    port: Optional[str] = "P",
    how: How = None,
) -> Call:
    how = how or {}
    address: Optional[Address] = None
    if symbol is not None:
        names.may_send(symbol)
        address = names.address(symbol)
    ancillary = []
    if how.get("source"):
        if names.system == "windows":
            raise Absent("sendmsg")  # Python has none there
        # ip(7): struct in_pktinfo { int ipi_ifindex; struct in_addr ipi_spec_dst, ipi_addr; }
        packed = struct.pack("=I4s4s", 0, socket.inet_aton(names.literal(how["source"])), bytes(4))
        ancillary.append((int(socket.IPPROTO_IP), names.known("IP_PKTINFO")[1], packed))
    size = None if how.get("size") is None else int(how["size"])
    port = "P" if port is None else str(port)
    told = (address, port, said, size, names.flags(how.get("flags", ())), ancillary, names.scope(how))
    return Call("send", "send", told)


def _receive(names: Resolver, *arguments: Any) -> Call:
    how = arguments[-1] if arguments and isinstance(arguments[-1], dict) else {}
    name = "receiveall" if arguments and arguments[0] == "all" else "receive"
    return Call("receive", name, (int(how.get("size", _BUFFER)), names.flags(how.get("flags", ()))))


# --- facts of the host ---------------------------------------------------------------------------


def _flags(names: Resolver, interface: str) -> Call:
    return Call("flags", "flags", (names.device(interface)[0],))


def _route(names: Resolver, symbol: str) -> Call:
    return Call("route", "route", (names.address(symbol),))


def _sysctl(_: Resolver, name: str) -> Call:
    return Call("sysctl", "sysctl", (name,))


def _asyncio(_: Resolver) -> Call:
    return Call("asyncio", "asyncio")


_WITH_ARGUMENTS: Dict[str, Callable[..., Call]] = {
    "socket": _socket,
    "set": _set,
    "get": _get,
    "bind": _bind,
    "listen": _listen,
    "connect": _connect,
    "accept": _accept,
    "balance": _balance,
    "unbalance": _unbalance,
    "receive": _receive,
    "flags": _flags,
    "route": _route,
    "sysctl": _sysctl,
    "asyncio-reuse-address": _asyncio,
}

_PLAIN = frozenset(
    {
        *("disconnect", "name", "peer", "shutdown", "close", "reset"),
        *("errors", "pending", "poll", "waits"),
    }
)
"""Operations without arguments: each is the act of its name."""
