"""What the names of a program stand for on one host of a lab: addresses, interfaces, options, ports.

Whether they may be used at all is decided here too: what a lab lacks or forbids is lab.Unavailable, what
the operating system lacks is Absent.
"""

from __future__ import annotations

import socket
import struct
from typing import Any, Dict, Mapping, Optional, Tuple

import groups
import lab as labs
import options
import platforms
import symbols
from place import Address

# Plain numbers: a message to a role holds no enumerations.
_SOCKETS = {
    "udp4": (int(socket.AF_INET), int(socket.SOCK_DGRAM)),
    "udp6": (int(socket.AF_INET6), int(socket.SOCK_DGRAM)),
    "tcp4": (int(socket.AF_INET), int(socket.SOCK_STREAM)),
    "tcp6": (int(socket.AF_INET6), int(socket.SOCK_STREAM)),
}
_UNIX = getattr(socket, "AF_UNIX", None)  # Python on Windows has none
if _UNIX is not None:
    _SOCKETS["unix-stream"] = (int(_UNIX), int(socket.SOCK_STREAM))
    _SOCKETS["unix-dgram"] = (int(_UNIX), int(socket.SOCK_DGRAM))
_FLAGS = {"MSG_MORE": 0x8000, "MSG_CONFIRM": 0x800, "MSG_ERRQUEUE": 0x2000}  # linux/socket.h

_STEERING = (options.DEVICE_NAME, options.INDEX_IN_NETWORK_ORDER)

Option = Tuple[int, int, Any]
"""Level and number of an option, and its value as setsockopt takes it."""


class Absent(Exception):
    """There is no such option on this platform; its name is the message."""


class Resolver:
    """Resolves names as one `host` of a lab sees them. `constants` are those of a module `socket`."""

    def __init__(
        self, lab: labs.Lab, platform: str, constants: Mapping[str, Any], host: str = symbols.HERE
    ) -> None:
        self.lab = lab
        self.platform = platform
        self.system = platforms.system(platform)
        self.host = host
        self._constants = constants
        self._found: Dict[str, Optional[options.Option]] = {}

    # --- addresses and interfaces ----------------------------------------------------------------

    def address(self, symbol: str) -> Address:
        """Return an address, or a group's symbol for each trial to have its own."""
        address = self.literal(symbol)  # raises where the lab lacks it
        return (symbol,) if groups.is_group(symbol) else address

    def literal(self, symbol: str) -> str:
        """Return an address; of a group, that of some trial."""
        return self.lab.address(symbol, 0, self.host)

    def ipv4(self, interface: str) -> str:
        """Return the IPv4 address that names an interface; nobody's for one that does not exist."""
        if interface == "bad":
            return self.literal("nonlocal4")
        address = self.lab.interface(interface, self.host).ipv4
        if address is None:
            raise labs.Unavailable("no IPv4 address on that interface")
        return address

    def device(self, interface: str) -> Tuple[str, int]:
        """Return the name and the index of an interface."""
        return self.lab.device(interface, self.host)

    def scope(self, how: Optional[Dict[str, Any]]) -> int:
        """Return the scope id that `on` means: an interface index; 0 where it is not given."""
        interface = (how or {}).get("on")
        return self.device(interface)[1] if interface else 0

    def may_send(self, destination: str, via: Optional[str] = None) -> None:
        """Raise lab.Unavailable where nothing may be sent there."""
        reason = self.lab.allows_send(destination, via)
        if reason:
            raise labs.Unavailable(reason)

    def may_join(self, group: str, interface: str) -> None:
        """Raise lab.Unavailable where that group may not be joined there."""
        reason = self.lab.allows_join(group, interface)
        if reason:
            raise labs.Unavailable(reason)

    def _may_steer(self, value: Any) -> None:
        """Raise lab.Unavailable where that device would take what is sent to this host off the host.

        Bound to a link, a socket sends 127.0.0.1 and ::1 out of it as well: what its datagrams are sent
        to says nothing any more.
        """
        stays = self.lab.kind == "private" or self.lab.allow_lan
        if not stays and str(value).rpartition(":")[2] not in {*symbols.ON_LOOPBACK, "none", "bad", "0"}:
            raise labs.Unavailable(labs.LEAVES)

    # --- options ---------------------------------------------------------------------------------

    def known(self, name: str) -> options.Option:
        """Return level, number and kind of an option. Raises Absent."""
        if name not in self._found:
            self._found[name] = options.find(self.platform, self._constants, name)
        found = self._found[name]
        if found is None:
            raise Absent(name)
        return found

    def flags(self, names: Any) -> int:
        """Return the number of some flags of a send or a receive. Raises Absent."""
        return flags(names, self.platform, vars(socket))

    def option(self, name: str, value: Any) -> Option:
        """Return an option with its value: a number, or the symbol of an address or an interface."""
        level, option, kind = self.known(name)
        if kind in _STEERING or name == "SO_BINDTOIFINDEX":
            self._may_steer(value)
        if not isinstance(value, str) or value.lstrip("-").isdigit():
            number = kind in (options.INDEX, options.INDEX_IN_NETWORK_ORDER)
            return level, option, options.value(options.INT if number else kind, value)
        how, _, symbol = value.rpartition(":")
        if kind == options.DEVICE_NAME:
            return level, option, self.device(symbol)[0].encode() if symbol != "none" else b""
        if kind == options.INDEX:
            return level, option, self.device(symbol)[1]
        if kind == options.INDEX_IN_NETWORK_ORDER:
            return level, option, struct.pack("!I", self.device(symbol)[1])
        if how == "index":  # struct ip_mreqn, ip(7)
            return level, option, bytes(8) + struct.pack("@i", self.device(symbol)[1])
        if symbol == "none":
            return level, option, bytes(4)
        if symbol in symbols.INTERFACES or symbol == "bad":
            return level, option, socket.inet_aton(self.ipv4(symbol))
        return level, option, socket.inet_aton(self.literal(symbol))


def socket_kind(name: str) -> Tuple[int, int]:
    """Return the address family and the type of a socket. Raises Absent."""
    if name not in _SOCKETS:
        raise Absent(name)
    return _SOCKETS[name]


def flags(names: Any, platform: str, constants: Mapping[str, Any]) -> int:
    """Return the number of some flags of a send or a receive. Raises Absent.

    Elsewhere the bits of Linux mean something else: 0x2000 is MSG_HAVEMORE of macOS.
    """
    found = 0
    known = _FLAGS if platforms.system(platform) == "linux" else {}
    for name in names:
        number = constants.get(name, known.get(name))
        if number is None:
            raise Absent(name)
        found |= int(number)
    return found


def family(host: str) -> int:
    """Return the number of the address family that `host` is written in."""
    return int(socket.AF_INET6 if ":" in host else socket.AF_INET)


def port_offset(port: Any) -> Optional[int]:
    """Return what is added to the trial's own port: 0 for P, 1 for P+1, None for another port."""
    text = str(port)
    return int(text[2:] or 0) if text.startswith("P") else None
