"""The labs as plain facts: hosts, their devices, addresses and routes, and what symbols mean there.

A device is called `lo`, `if` (the link) or `ifb` (the second link), as notes call it. Segments are
wires: whoever is on one hears what is sent there.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, field

from sockmatrix.models.addresses import ANY4, ANY6, LOOPBACK4, LOOPBACK6
from sockmatrix.models.prediction import Unpredicted

LO, LINK, SECOND = "lo", "if", "ifb"

FIRST_LOCAL_PORT, LAST_LOCAL_PORT = 32768, 60999
"""net.ipv4.ip_local_port_range of every lab but those whose subject it is."""


@dataclass(frozen=True, slots=True)
class Device:
    """A network device. `v4` are (address, prefix length, broadcast address), `v6` without the last."""

    name: str
    v4: tuple[tuple[str, int, str], ...] = ()
    v6: tuple[tuple[str, int], ...] = ()
    segment: str = ""
    flags: str = "up,broadcast,running,multicast,lower-up"

    @property
    def loopback(self) -> bool:
        """Whether this is the loopback device."""
        return self.name == LO

    def address(self, family: int) -> str:
        """Return the first address of a family, "" without one."""
        own = self.v4 if family == 4 else self.v6
        return own[0][0] if own else ""


@dataclass(frozen=True, slots=True)
class Route:
    """An entry of a host's main table, or of its table of local addresses where `local`."""

    destination: str
    prefix: int
    device: str
    gateway: str = ""
    local: bool = False


@dataclass(frozen=True, slots=True)
class Host:
    """A host: its devices by name, its routes beyond those that its addresses bring along."""

    name: str
    devices: dict[str, Device]
    routes: tuple[Route, ...] = ()
    port_range: tuple[int, int] = (FIRST_LOCAL_PORT, LAST_LOCAL_PORT)
    sysctls: dict[str, str] = field(default_factory=dict)

    def __hash__(self) -> int:
        return id(self)

    def on_segment(self, segment: str) -> str:
        """Return the device that is on a segment, "" without one."""
        return next((one.name for one in self.devices.values() if one.segment == segment), "")


@dataclass(frozen=True, slots=True)
class Layout:
    """A lab: its hosts by name."""

    name: str
    hosts: dict[str, Host]

    def __hash__(self) -> int:
        return id(self)

    def beside(self, host: Host, device: str) -> tuple[tuple[Host, str], ...]:
        """Return the other hosts on the wire that a device is on, each with its own device there."""
        segment = host.devices[device].segment
        found = ((other, other.on_segment(segment)) for other in self.hosts.values() if other != host)
        return tuple((other, name) for other, name in found if segment and name)


LOOPBACK = Device(LO, ((LOOPBACK4, 8, ""),), ((LOOPBACK6, 128),), flags="up,loopback,running,lower-up")

_GROUPS = Route("224.0.0.0", 4, LINK)
SETTINGS = {
    "net.ipv4.ip_forward": "0",
    "net.ipv4.ip_autobind_reuse": "0",
    "net.ipv4.ip_nonlocal_bind": "0",
    "net.ipv4.ip_unprivileged_port_start": "1024",
    "net.ipv4.igmp_max_memberships": "20",
    "net.ipv4.igmp_max_msf": "10",
    "net.ipv4.tcp_tw_reuse": "2",
    "net.ipv4.tcp_fin_timeout": "60",
    "net.ipv6.bindv6only": "0",
}


def link(number: int, name: str = LINK, segment: str = "wire", further: tuple[str, ...] = ()) -> Device:
    """Return a host's device on the link (198.51.100/24) or on the second link (203.0.113/24)."""
    base4, base6 = ("198.51.100", "2001:db8:") if name == LINK else ("203.0.113", "2001:db8:1:")
    v4 = [(f"{base4}.{number}", 24, f"{base4}.255")]
    v4 += [(one, 24, "") for one in further]
    return Device(
        name, tuple(v4), ((f"{base6}:{number}", 64), (f"fe80::{number}", 64)), f"{segment}-{name}"
    )


def _host(
    name: str,
    number: int,
    *routes: Route,
    second: bool = False,
    ports: tuple[int, int] = (FIRST_LOCAL_PORT, LAST_LOCAL_PORT),
    further: tuple[str, ...] = (),
    settings: dict[str, str] | None = None,
) -> Host:
    devices = {LO: LOOPBACK, LINK: link(number, further=further)}
    if second:
        devices[SECOND] = link(number, SECOND)
    return Host(name, devices, routes, ports, {**SETTINGS, **(settings or {})})


def _defaults(gateway: int, *, groups: bool = True) -> tuple[Route, ...]:
    """Return default routes and one for groups; gateway 0: everything is on the link."""
    via4, via6 = (f"198.51.100.{gateway}", f"2001:db8::{gateway}") if gateway else ("", "")
    routes = (Route(ANY4, 0, LINK, via4), Route(ANY6, 0, LINK, via6))
    return (_GROUPS, *routes) if groups else routes


ODD = {
    "zero8": ("h1", "0.1.2.3"),
    "class-e": ("h1", "240.1.2.3"),
    "high255": ("h1", "255.255.3.3"),
    "near-lowest": ("h1", "203.0.113.1"),
    "h2-zero8": ("h2", "0.1.2.4"),
    "h2-class-e": ("h2", "240.1.2.4"),
    "h2-high255": ("h2", "255.255.3.4"),
    "h2-lowest": ("h2", "203.0.113.0"),
}
"""Addresses of one lab only, and whose they are, each of a /24."""

_TWO_PORTS = (61000, 61001)


def _odd(name: str) -> tuple[str, ...]:
    return tuple(address for host, address in ODD.values() if host == name)


@functools.cache
def layout(name: str) -> Layout:
    """Return a lab by its name. Raises prediction.Unpredicted for one that is not modelled."""
    peer, peers = _host("peer", 2), _host("peer", 2, second=True)
    here = _defaults(2)
    hosts: dict[str, tuple[Host, ...]] = {
        "plain": (_host("h1", 1, *here), peer),
        "no-routes": (_host("h1", 1), peer),
        "lo-group-route": (_host("h1", 1, *here, Route("ff00::", 8, LO, local=True)), peer),
        "two-links": (_host("h1", 1, *here, second=True), peers),
        "default-route": (_host("h1", 1, *_defaults(2, groups=False), second=True), peers),
        "hosts-2": (_host("h1", 1, *_defaults(0)), _host("h2", 2, *_defaults(0))),
        "hosts-3": tuple(_host(f"h{n}", n, *_defaults(0)) for n in (1, 2, 3)),
        "gateway": (
            _host("h1", 1, *_defaults(3)),
            *(_host(f"h{n}", n, *_defaults(0)) for n in (2, 3)),
        ),
        "one-port-range": (_host("h1", 1, *here, ports=_TWO_PORTS), peer),
        "autobind-reuse": (
            _host("h1", 1, *here, ports=_TWO_PORTS, settings={"net.ipv4.ip_autobind_reuse": "1"}),
            peer,
        ),
        "odd-addresses": tuple(_host(f"h{n}", n, *_defaults(0), further=_odd(f"h{n}")) for n in (1, 2)),
    }
    if name not in hosts:
        raise Unpredicted(f"the lab {name}")
    return Layout(name, {host.name: host for host in hosts[name]})
