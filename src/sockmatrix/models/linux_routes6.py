"""Routing of IPv6 on Linux: which way a datagram leaves, from which source, and what a host accepts.

Sources: net/ipv6/route.c (ip6_route_output_flags, rt6_need_strict), net/ipv6/addrconf.c
(ipv6_dev_get_saddr, addrconf_add_mroute), net/ipv6/ip6_input.c (ip6_mc_input), RFC 6724.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from sockmatrix.models import addresses as ip
from sockmatrix.models.layouts import LO
from sockmatrix.models.linux_routes import Entry, Kind, Path, longest

if TYPE_CHECKING:
    from sockmatrix.models.layouts import Host

_LINK_LOCAL, _GLOBAL = 2, 14


@functools.cache
def table6(host: Host) -> tuple[Entry, ...]:
    """Return all IPv6 routes of a host, in the order in which they are tried.

    Own addresses are in the table of local addresses; each device that can multicast has ff00::/8
    there (addrconf_add_mroute), which lo cannot: its flags lack IFF_MULTICAST.
    """
    local, main = [], []
    for device in host.devices.values():
        for address, prefix in device.v6:
            local.append(Entry(address, 128, "local", device.name, "", 0, address))
            if not device.loopback:
                main.append(Entry(address, prefix, "unicast", device.name, "", 0, ""))
        if "multicast" in device.flags and device.v6:
            local.append(Entry("ff00::", 8, "multicast", device.name, "", 0, ""))
    for route in host.routes:
        if ip.version(route.destination) == 6:
            kind: Kind = "local" if route.local else "unicast"
            entry = Entry(route.destination, route.prefix, kind, route.device, route.gateway, 0, "")
            (local if route.local else main).append(entry)
    return (*sorted(local, key=longest), *sorted(main, key=longest))


def owner6(host: Host, address: str) -> str:
    """Return the device that has an address, "" if none has (ipv6_chk_addr)."""
    return next((d.name for d in host.devices.values() if any(address == own for own, _ in d.v6)), "")


@functools.cache
def lookup6(host: Host, to: str, device: str = "", *, strict: bool = False) -> Entry | None:
    """Return the route to an address; a device is binding if `strict`, else preferred."""
    found = [one for one in table6(host) if ip.contains((one.base, one.prefix), to)]
    if device:
        there = [one for one in found if one.device == device]
        if there or strict:
            found = there
    return found[0] if found else None


@functools.cache
def output6(
    host: Host, to: str, device: str = "", source: str = "", *, bound: bool = False
) -> Path | str:
    """Return the path of a datagram, or an errno (ip6_route_output_flags, ip6_dst_lookup_tail).

    `device`: the one chosen (scope, IPV6_MULTICAST_IF); it is binding for groups, link-local and
    loopback addresses (rt6_need_strict), and for sockets that are `bound` to it.
    """
    if device and device not in host.devices:
        return "ENODEV"
    source = "" if source == ip.ANY6 else source
    if to == ip.ANY6:
        to = ip.LOOPBACK6
    kind = ip.kind6(to)
    strict = bound or kind in ("multicast", "link-local", "loopback")
    entry = lookup6(host, to, device, strict=strict)
    if entry is None:
        return "ENETUNREACH"
    if entry.kind == "local":
        chosen = source or (to if kind != "multicast" else select6(host, entry.device, to))
        return Path("multicast" if kind == "multicast" else "local", LO, chosen, to, entry.device)
    way: Kind = "multicast" if kind == "multicast" else "unicast"
    chosen = source or select6(host, entry.device, to)
    return Path(way, entry.device, chosen, to, entry.device, entry.gateway)


def scope6(address: str) -> int:
    """Return the scope of an address as a number (RFC 4291, 2.7; __ipv6_addr_src_scope)."""
    if ip.is_multicast(address):
        return int(address[3], 16)
    return _LINK_LOCAL if ip.kind6(address) in ("link-local", "loopback") else _GLOBAL


@functools.cache
def select6(host: Host, device: str, to: str) -> str:
    """Return the source address for a destination (RFC 6724 rules 2 and 8; ipv6_dev_get_saddr).

    The smallest scope that is at least the destination's, else the largest there is; groups and
    link-local destinations only get an address of the outgoing device.
    """
    own = [one for one, _ in host.devices[device].v6]
    if not own or (not ip.is_multicast(to) and scope6(to) > _LINK_LOCAL):
        others = (one for d in host.devices.values() if d.name != device for one, _ in d.v6)
        own += [one for one in others if ip.kind6(one) == "unicast"]
    wanted = scope6(to)
    enough = [one for one in own if scope6(one) >= wanted]
    if enough:
        return min(enough, key=lambda one: (scope6(one), own.index(one)))
    return max(own, key=scope6, default=ip.ANY6)


def input6(host: Host, to: str) -> Kind | None:
    """Return what a host does with a datagram off the wire: take it, take it for a group, or drop it."""
    if ip.is_multicast(to):
        return "multicast"
    return "local" if owner6(host, to) and to != ip.LOOPBACK6 else None
