"""Where an act takes place: a role's socket of one trial, and what its lab calls addresses and ports.

Addresses are told as the symbols of the lab and ports as `P`, `P+1`, so that the words are the same on
every run and system.
"""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any, Dict, NamedTuple, Tuple, Union

import groups

if TYPE_CHECKING:
    from role import Role

Address = Union[str, Tuple[str]]
"""An address, or a one-tuple of a group's symbol, which each trial has its own for."""

OTHER = "other"
"""What has no name in the lab."""


def socket_address(host: str, port: int, scope: int = 0) -> Tuple[Any, ...]:
    """Return a socket address with its sin6_scope_id: Python leaves the zone of a pair out.

    A zone in `host`, by name or number (`fe80::1%lab0`, RFC 4007, 11), goes before `scope`.
    """
    host, _, zone = host.partition("%")
    if zone:
        scope = int(zone) if zone.isdecimal() else socket.if_nametoindex(zone)
    return (host, port, 0, scope) if scope else (host, port)


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

    # --- what symbols stand for ------------------------------------------------------------------

    def host(self, address: Address) -> str:
        """Return the address, with the trial's own group filled in."""
        return groups.of(address[0], self.group) if isinstance(address, tuple) else address

    def port_of(self, spec: str) -> int:
        """Return the port that `P`, `P+1` or a number means here."""
        if spec.startswith("P"):
            return self.port + int(spec[2:] or 0)
        return int(spec)

    def to(self, address: Address, port: str, scope: int = 0) -> Tuple[Any, ...]:
        """Return a socket address; `scope` is the sin6_scope_id of an IPv6 one."""
        return socket_address(self.host(address), self.port_of(port), scope)

    # --- what things are called ------------------------------------------------------------------

    def symbol(self, host: str) -> str:
        """Return what an address is called in this lab."""
        known = self.role.surroundings.names.get(host)
        if known is None:
            plain = host.partition("%")[0]
            known = self.role.surroundings.names.get(plain)
            host = plain
        return known or groups.names(self.group).get(host, OTHER)

    def port_name(self, port: int) -> str:
        """Return what a port is called: P, P+1, ..., 0, ephemeral, other."""
        offset = port - self.port
        if offset == 0:
            return "P"
        if 0 < offset < 4:
            return f"P+{offset}"
        low, high = self.role.surroundings.local_range
        return "0" if port == 0 else "ephemeral" if low <= port <= high else OTHER

    def endpoint(self, address: Any) -> str:
        """Return a socket address as SYMBOL:PORT."""
        return f"{self.symbol(address[0])}:{self.port_name(address[1])}"

    def device(self, index: int) -> str:
        """Return what an interface is called in this lab, by its index."""
        return self.role.surroundings.devices.get(index, OTHER)

    def device_named(self, name: str) -> str:
        """Return what an interface is called in this lab, by the name the system has for it."""
        try:
            return self.device(socket.if_nametoindex(name))
        except OSError:
            return OTHER
