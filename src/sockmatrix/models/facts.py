"""Facts of a host that a cell may ask for: flags, routes, settings, what waits in TIME_WAIT."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sockmatrix.models import addresses as ip
from sockmatrix.models.linux_routes import output4
from sockmatrix.models.linux_routes6 import lookup6
from sockmatrix.models.play import PORT
from sockmatrix.models.symbols import device_of

if TYPE_CHECKING:
    from sockmatrix.models.place import Place

TIME_WAIT = 60
"""Seconds (TCP_TIMEWAIT_LEN, include/net/tcp.h)."""


def flags(at: Place, iface: str) -> str:
    """Return the flags of a device, in the order of their bits."""
    return at.kernel.host.devices[device_of(iface)].flags


def route(at: Place, symbol: str) -> str:
    """Return what the routing table says of an address (inet_rtm_getroute, inet6_rtm_getroute)."""
    address = at.address(symbol)
    address = ip.mapped(address) or address
    if ip.version(address) == 6:
        entry = lookup6(at.kernel.host, ip.LOOPBACK6 if address == ip.ANY6 else address)
        if entry is None:
            return "ENETUNREACH"
        return f"{entry.kind} dev={'lo' if entry.kind == 'local' else entry.device}"
    path = output4(at.kernel.host, at.kernel.network.version, address)
    return path if isinstance(path, str) else f"{path.kind} dev={path.device}"


def waits(at: Place) -> str:
    """Return the seconds that the oldest TIME_WAIT on the cell's port has left, or none."""
    waiting = (sock for sock in at.kernel.connections.values() if sock.state == "time-wait")
    return str(TIME_WAIT) if any(sock.finished and sock.port == PORT for sock in waiting) else "none"


def sysctl(at: Place, name: str) -> str:
    """Return a setting of the lab."""
    if name == "net.ipv4.ip_local_port_range":
        return " ".join(map(str, at.kernel.host.port_range))
    return at.kernel.host.sysctls.get(name, "absent")


def asyncio_reuse_address(_: Place) -> str:
    """Return what Python 3.11 and later raise, which lack the argument (bpo-45129).

    From 3.8.1 to 3.10 it was ValueError. Python's own, and no rule of Linux.
    """
    return "TypeError"
