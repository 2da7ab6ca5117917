"""Routing of IPv4 on Linux: which way a datagram leaves, from which source, and what a host accepts.

Sources: net/ipv4/route.c (ip_route_output_key_hash_rcu, __mkroute_output, ip_route_input_slow),
net/ipv4/fib_frontend.c (fib_add_ifaddr), net/ipv4/devinet.c (__ip_dev_find, inet_select_addr).
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Literal, NamedTuple

from sockmatrix.models import addresses as ip
from sockmatrix.models.layouts import LO

if TYPE_CHECKING:
    from sockmatrix.models.layouts import Host
    from sockmatrix.models.versions import Version

Kind = Literal["local", "unicast", "broadcast", "multicast"]

_SCOPE = {"universe": 0, "link": 253, "host": 254}


class Path(NamedTuple):
    """Where a datagram goes.

    `device`: what it leaves by. `arrives`: the device that a local receiver takes it to have
    arrived on (rt_iif). `gateway`: the next hop, if not `to` itself.
    """

    kind: Kind
    device: str
    source: str
    to: str
    arrives: str
    gateway: str = ""


class Entry(NamedTuple):
    """A route of the local or the main table."""

    base: str
    prefix: int
    kind: Kind
    device: str
    gateway: str
    scope: int
    source: str


@functools.cache
def table4(host: Host, version: Version) -> tuple[Entry, ...]:
    """Return all IPv4 routes of a host, in the order in which they are tried.

    The local table comes before the main table (fib_rules_init), longer prefixes before shorter
    ones. fib_add_ifaddr enters an address, its subnet and its broadcast address; until 5.14 also the
    subnet's lowest address as a broadcast address (commit 94c821c74bf5).
    """
    local: list[Entry] = []
    main: list[Entry] = []
    for device in host.devices.values():
        for address, prefix, broadcast in device.v4:
            base = ip.network(address, prefix)
            kind: Kind = "local" if device.loopback else "unicast"
            link, own = _SCOPE["link"], _SCOPE["host"]
            local.append(Entry(address, 32, "local", device.name, "", own, address))
            if broadcast:
                local.append(Entry(broadcast, 32, "broadcast", device.name, "", link, address))
            if base == ip.ANY4 or (base.startswith("0.") and version < (5, 3, 0)):
                continue
            subnet = Entry(base, prefix, kind, device.name, "", own if device.loopback else link, address)
            (local if device.loopback else main).append(subnet)
            highest = _highest(base, prefix)
            if highest != broadcast:
                local.append(Entry(highest, 32, "broadcast", device.name, "", link, address))
            if version < (5, 14, 0):
                local.append(Entry(base, 32, "broadcast", device.name, "", link, address))
    for route in host.routes:
        if ip.version(route.destination) == 4:
            scope = _SCOPE["universe" if route.gateway else "link"]
            main.append(
                Entry(route.destination, route.prefix, "unicast", route.device, route.gateway, scope, "")
            )
    return tuple(sorted(local, key=longest) + sorted(main, key=longest))


def longest(entry: Entry) -> int:
    """Return the sort key of a route: longer prefixes first."""
    return -entry.prefix


def _highest(base: str, prefix: int) -> str:
    return ".".join(
        str((ip.number(base) | (1 << 32 - prefix) - 1) >> shift & 255) for shift in (24, 16, 8, 0)
    )


@functools.cache
def lookup4(host: Host, version: Version, to: str, device: str = "", scope: int = 0) -> Entry | None:
    """Return the route to an address (fib_table_lookup); `device` and `scope` narrow the choice."""
    for entry in table4(host, version):
        if device and entry.device != device:
            continue
        if entry.scope >= scope and ip.contains((entry.base, entry.prefix), to):
            return entry
    return None


def type4(host: Host, version: Version, address: str) -> str:
    """Return the type of an address on a host (inet_addr_type, net/ipv4/fib_frontend.c)."""
    if address in (ip.ANY4, ip.LIMITED):
        return "broadcast"
    if ip.is_multicast(address):
        return "multicast"
    entry = lookup4(host, version, address)
    return entry.kind if entry and entry.kind in ("local", "broadcast") else "unicast"


def owner4(host: Host, version: Version, address: str) -> str:
    """Return the device that owns a source address, "" if none does (__ip_dev_find)."""
    entry = lookup4(host, version, address)
    return entry.device if entry and entry.kind == "local" else ""


@functools.cache
def output4(
    host: Host,
    version: Version,
    to: str,
    device: str = "",
    source: str = "",
    *,
    direct: bool = False,
    foreign: bool = False,
) -> Path | str:
    """Return the path of a datagram, or an errno (ip_route_output_key_hash_rcu).

    `device`: bound to it, or chosen for multicast; `source`: "" lets the kernel choose; `direct`:
    MSG_DONTROUTE, no gateway; `foreign`: any source will do (IP_TRANSPARENT).
    """
    if source == ip.ANY4:
        source = ""
    group = ip.is_multicast(to)
    if source:
        if ip.is_multicast(source) or source == ip.LIMITED:
            return "EINVAL"
        owner = owner4(host, version, source)
        # "ipv4: Return -ENETUNREACH if we can't create route but saddr is valid"
        no_source = "ENETUNREACH" if version >= (5, 9, 0) else "EINVAL"
        if not device and (group or to == ip.LIMITED):
            # A sender with an address of its own needs no route ("special hack" for vic and vat).
            return _made(host, to, owner, source) if owner else no_source
        if not owner and not foreign:
            return no_source
    if device:
        if device not in host.devices:
            return "ENODEV"
        if ip.is_local_group4(to) or to == ip.LIMITED:
            return _made(host, to, device, source)
    if to == ip.ANY4:
        own = host.devices[device].address(4) if device else ip.LOOPBACK4
        to = source = source or own
        return Path("local", LO, source, to, device or LO)
    entry = lookup4(host, version, to, device, _SCOPE["link"] if direct else 0)
    if entry is None:
        # With a device the destination is taken to be on its link; without one there is no route.
        return _made(host, to, device, source) if device else "ENETUNREACH"
    if entry.kind == "local":
        return Path("local", LO, source or entry.source, to, entry.device)
    return _made(host, to, entry.device, source, entry)


def _made(host: Host, to: str, device: str, source: str, entry: Entry | None = None) -> Path | str:
    """Return the path out of a device (__mkroute_output)."""
    gateway = entry.gateway if entry else ""
    source = source or (entry and entry.source) or _select(host, device, gateway)
    # A source in 127/8 never leaves the host (route_localnet is off).
    if ip.is_loopback4(source) and device != LO:
        return "EINVAL"
    kind: Kind = entry.kind if entry else "unicast"
    if to == ip.LIMITED:
        kind = "broadcast"
    elif ip.is_multicast(to):
        kind = "multicast"
    if device == LO and kind == "unicast":
        # Whatever leaves by lo comes in there, and is taken for one's own (RTCF_LOCAL).
        kind = "local"
    return Path(kind, device, source, to, device, gateway if kind == "unicast" else "")


@functools.cache
def _select(host: Host, device: str, gateway: str) -> str:
    """Return a device's source address: in the gateway's subnet, else its first (inet_select_addr)."""
    own = () if device == LO else host.devices[device].v4  # those of lo have the scope of the host
    for address, prefix, _ in own:
        if gateway and ip.contains((ip.network(address, prefix), prefix), gateway):
            return address
    if own:
        return own[0][0]
    return next((one.v4[0][0] for one in host.devices.values() if one.v4 and not one.loopback), "")


def input4(host: Host, version: Version, to: str, source: str) -> Kind | Literal[""]:
    """Return what a host does with a datagram off the wire: local, broadcast, multicast, or drop it.

    ip_route_input_slow: no address of 127/8 is accepted from a wire, nor one's own as a source
    (accept_local is off); nothing is forwarded. Whether a group is wanted is not decided here.
    """
    if ip.is_multicast(source) or source == ip.LIMITED or ip.is_loopback4(source):
        return ""
    if ip.is_multicast(to):
        return "multicast"
    if to == ip.LIMITED:
        return "broadcast"
    if ip.is_loopback4(to) or owner4(host, version, source):
        return ""
    found = type4(host, version, to)
    return "local" if found == "local" else "broadcast" if found == "broadcast" else ""
