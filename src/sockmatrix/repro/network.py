"""The network of a program: the lab of its cell, made with ip(8).

The commands run in a new network namespace, with a mount namespace of its own: the names of further
namespaces (`ip netns`) are then nobody else's, and all of it goes when the program ends.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sockmatrix.models.layouts import LINK, LO, ODD, SECOND, SETTINGS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sockmatrix.models.layouts import Device, Host, Layout, Route

LOOPBACK = ("ip link set lo up",)

HOME, PEER = "h1", "peer"
SWITCH = "switch"
"""A namespace that holds nothing but the bridge of more than two hosts."""

_NO_FILTER = "for dev in all default; do echo 0 >/proc/sys/net/ipv4/conf/$dev/rp_filter; done"


def device_name(host: str, device: str) -> str:
    """Return what a device of the model is called in the network."""
    peer = host == PEER
    return {LO: "lo", LINK: "lab1" if peer else "lab0", SECOND: "lab3" if peer else "lab2"}[device]


def commands(layout: Layout, *, ipv6: bool) -> tuple[str, ...]:
    """Return the shell commands that make a lab; without IPv6 addresses where nothing needs them."""
    return tuple(_commands(layout, ipv6=ipv6))


def _commands(layout: Layout, *, ipv6: bool) -> Iterator[str]:
    others = [name for name in layout.hosts if name != HOME]
    yield "mount -t tmpfs none /run"
    for name in others:
        yield f"ip netns add {name}"
    yield from LOOPBACK
    for name in others:
        yield f"ip -n {name} link set lo up"
    for name in layout.hosts:
        if name != PEER:
            # What a distribution presets would answer for the socket that is asked about.
            yield f"{_in(name)}sh -c '{_NO_FILTER}'"
    for segment in (LINK, SECOND):
        ends = [name for name, host in layout.hosts.items() if segment in host.devices]
        yield from _wire(ends, segment, hardware=layout.name == "odd-addresses")
    for name, host in layout.hosts.items():
        for device in list(host.devices.values())[1:]:
            yield from _addresses(name, device, ipv6=ipv6)
    for name, host in layout.hosts.items():
        for route in host.routes:
            if ipv6 or ":" not in route.destination:
                yield _route(name, route)
        yield from _settings(name, host)
    if layout.name == "odd-addresses":
        yield from _neighbours()


def _in(host: str) -> str:
    return "" if host == HOME else f"ip netns exec {host} "


def _ip(host: str) -> str:
    return "ip" if host == HOME else f"ip -n {host}"


def _wire(hosts: list[str], device: str, *, hardware: bool) -> Iterator[str]:
    """Connect hosts by a veth, more than two by a bridge."""
    if len(hosts) > 2:
        yield f"ip netns add {SWITCH}"
        yield f"ip -n {SWITCH} link add bridge0 type bridge mcast_snooping 0"
        yield f"ip -n {SWITCH} link set bridge0 up"
        for number, host in enumerate(hosts, 1):
            name = device_name(host, device)
            # The bridge's end is made first, and the other moved: it ends up at home as well.
            yield f"ip -n {SWITCH} link add port{number} type veth peer name {name}"
            where = "$$" if host == HOME else host
            yield f"ip -n {SWITCH} link set {name} netns {where}"
            yield f"ip -n {SWITCH} link set port{number} master bridge0 up"
        return
    if hosts:
        near, far = (device_name(host, device) for host in hosts)
        own = (" address 02:00:00:00:00:01", " address 02:00:00:00:00:02") if hardware else ("", "")
        yield f"ip link add {near}{own[0]} type veth peer name {far}{own[1]} netns {hosts[1]}"


def _addresses(host: str, device: Device, *, ipv6: bool) -> Iterator[str]:
    name = device_name(host, device.name)
    ip = _ip(host)
    if ipv6:
        yield f"{ip} link set {name} addrgenmode none"
    for address, prefix, broadcast in device.v4:
        brd = f" brd {broadcast}" if broadcast else ""
        yield f"{ip} addr add {address}/{prefix}{brd} dev {name}"
    for address, prefix in device.v6 if ipv6 else ():
        yield f"{ip} addr add {address}/{prefix} nodad dev {name}"
    yield f"{ip} link set {name} up"


def _route(host: str, route: Route) -> str:
    family = " -6" if ":" in route.destination else ""
    kind = "local " if route.local else ""
    to = "default" if route.prefix == 0 else f"{route.destination}/{route.prefix}"
    via = f" via {route.gateway}" if route.gateway else ""
    table = " table local" if route.local else ""
    protocol = " proto static" if route.prefix == 4 else ""
    dev = device_name(host, route.device)
    return f"{_ip(host)}{family} route add {kind}{to}{via} dev {dev}{table}{protocol}"


def _settings(name: str, host: Host) -> Iterator[str]:
    low, high = host.port_range
    wanted = {key: value for key, value in host.sysctls.items() if SETTINGS.get(key) != value}
    if high - low < 100:
        wanted["net.ipv4.ip_local_port_range"] = f"{low} {high}"
    for key, value in wanted.items():
        path = "/proc/sys/" + key.replace(".", "/")
        yield f"{_in(name)}sh -c 'echo {value} > {path}'" if name != HOME else f"echo {value} > {path}"


def _neighbours() -> Iterator[str]:
    """Enter the neighbours that nobody would answer for."""
    for owner, address in ODD.values():
        asks, number = ("h2", 1) if owner == HOME else (HOME, 2)
        yield f"{_ip(asks)} neigh add {address} lladdr 02:00:00:00:00:0{number} dev lab0"
