"""Acts that ask the host: devices, routes, settings, what waits in TIME_WAIT, what asyncio does.

What an act is, acts.py says. Linux only, but for the last.
"""

from __future__ import annotations

import os
from typing import Any, Dict, List

from place import Address, Place
from proc import text

_TIME_WAIT = "06"  # net/tcp_states.h, as /proc/net/tcp writes it


def flags(_: Place, device: str) -> str:
    """Return the flags of a network device, in the order of their bits (linux/if.h)."""
    import netlink

    with netlink.connect() as channel:
        return ",".join(netlink.read_link(channel, device).flag_names())


def route(place: Place, address: Address) -> str:
    """Return the type and the device of the route to an address (RTM_GETROUTE, rtnetlink(7))."""
    import netlink

    with netlink.connect() as channel:
        kind, index = netlink.route_type(channel, place.host(address))
    return f"{kind} dev={place.device(index)}"


def waits(place: Place) -> str:
    """Return the seconds that the oldest socket in TIME_WAIT on the port has left (proc(5), net/tcp)."""
    left = []
    for path in ("/proc/net/tcp", "/proc/net/tcp6"):
        left += _time_waits(text(path), place.port)
    return str(min(left)) if left else "none"


def _time_waits(table: str, port: int) -> List[int]:
    """Return the seconds left of each TIME_WAIT entry with that local port; timers are in clock ticks."""
    tick = os.sysconf("SC_CLK_TCK")
    found = []
    for line in table.splitlines()[1:]:
        fields = line.split()
        if fields[3] == _TIME_WAIT and int(fields[1].rpartition(":")[2], 16) == port:
            found.append(-(-int(fields[5].partition(":")[2], 16) // tick))
    return found


def sysctl(_: Place, setting: str) -> str:
    """Return a setting of this network namespace, `absent` where there is none."""
    import namespaces

    return namespaces.read_setting(setting) or "absent"


def asyncio_reuse_address(_: Place) -> str:
    """Return the exception that asyncio raises for a datagram endpoint with `reuse_address`."""
    import asyncio  # takes longer to import than all the rest

    async def attempt() -> str:
        loop = asyncio.get_running_loop()
        options: Dict[str, Any] = {"local_addr": ("127.0.0.1", 0), "reuse_address": True}
        try:
            transport, _ = await loop.create_datagram_endpoint(asyncio.DatagramProtocol, **options)
        except Exception as error:
            return type(error).__name__
        transport.close()
        return "ok"

    return asyncio.run(attempt())
