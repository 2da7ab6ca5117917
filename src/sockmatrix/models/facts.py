"""Facts of a host that a cell may ask for: flags, routes, settings, what waits in TIME_WAIT."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sockmatrix.models import addresses as ip
from sockmatrix.models.symbols import device_of
from sockmatrix.models.linux_routes import output4
from sockmatrix.models.linux_routes6 import lookup6
from sockmatrix.models.play import PORT

if TYPE_CHECKING:
    from sockmatrix.models.acts import Place
    from sockmatrix.models.play import Play

TIME_WAIT = 60
"""Seconds (TCP_TIMEWAIT_LEN, include/net/tcp.h)."""


def flags(play: Play, at: Place, iface: str) -> str:
    """The flags of a device, in the order of their bits."""
    return at.kernel.host.devices[device_of(iface)].flags


def route(play: Play, at: Place, symbol: str) -> str:
    """What the routing table says of an address (inet_rtm_getroute, inet6_rtm_getroute)."""
    address = play.address(at.kernel, symbol)
    address = ip.mapped(address) or address
    if ip.version(address) == 6:
        entry = lookup6(at.kernel.host, ip.LOOPBACK6 if address == ip.ANY6 else address)
        if entry is None:
            return "ENETUNREACH"
        return f"{entry.kind} dev={'lo' if entry.kind == 'local' else entry.device}"
    path = output4(at.kernel.host, play.network.version, address)
    return path if isinstance(path, str) else f"{path.kind} dev={path.device}"


def waits(play: Play, at: Place) -> str:
    """Seconds that the oldest socket in TIME_WAIT on the cell's port has left, or none."""
    there = (
        sock
        for kernel in play.network.kernels.values()
        for sock in kernel.connections.values()
        if kernel is at.kernel
    )
    found = any(sock.state == "time-wait" and sock.finished and sock.port == PORT for sock in there)
    return str(TIME_WAIT) if found else "none"


def sysctl(play: Play, at: Place, name: str) -> str:
    """A setting of the lab."""
    if name == "net.ipv4.ip_local_port_range":
        return " ".join(map(str, at.kernel.host.port_range))
    return at.kernel.host.sysctls.get(name, "absent")


def asyncio_reuse_address(play: Play, at: Place) -> str:
    """What Python 3.11 and later raise: reuse_address is no argument any more (bpo-45129).

    From 3.8.1 to 3.10 it was ValueError.
    """
    return "TypeError"
