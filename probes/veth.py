"""Links of a private lab: veth pairs, and a bridge where more than two hosts share one (Linux).

Both ends of a pair in one namespace would hear each multicast twice, so no two hosts share a
namespace. Neighbours are entered by hand: the first datagram waits for nobody's answer.
"""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import time
from typing import TYPE_CHECKING, NamedTuple

import namespaces
import netlink

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_PATIENCE = 2.0  # seconds; a veth has its carrier and its routes at once, their reports may lag
_BRIDGE = "bridge0"
_SWITCH_SETTINGS = {
    "net.ipv6.conf.all.disable_ipv6": "1",
    "net.ipv6.conf.default.disable_ipv6": "1",
    **{f"net.bridge.bridge-nf-call-{one}tables": "0" for one in ("arp", "ip", "ip6")},
}


class Place:
    """A network namespace of the lab, by an open descriptor of it, and a channel into it.

    The descriptor is never inherited by itself. It is what keeps a namespace alive that nobody is in.
    """

    def __init__(self, namespace: int, *, own: bool = False) -> None:
        self.namespace = namespace
        self.own = own
        with self._inside():
            self.channel = netlink.connect()

    def _inside(self) -> contextlib.AbstractContextManager[None]:
        return contextlib.nullcontext() if self.own else namespaces.inside(self.namespace)

    def talk(self, *requests: bytes) -> None:
        """Send requests, each after the last one's acknowledgement. Raise OSError."""
        for request in requests:
            netlink.talk(self.channel, request)

    def socket(self, family: int) -> socket.socket:
        """Make a datagram socket there."""
        with self._inside():
            return socket.socket(family, socket.SOCK_DGRAM)

    def abandon(self) -> None:
        """Close everything; a namespace that nobody is in goes, and its devices with it."""
        self.channel.close()
        os.close(self.namespace)


def here() -> Place:
    """Return the place of this process."""
    return Place(namespaces.current(), own=True)


def elsewhere() -> Place:
    """Make a namespace for a host, a peer or a bridge. Raise OSError."""
    return Place(namespaces.fresh())


class Subnet(NamedTuple):
    """Addresses of a link: station 1 is h1, and the last number is the station's.

    `ipv4` is that of a /24 and `ipv6` that of a /64, without the last number.
    """

    number: int
    ipv4: str
    ipv6: str

    def addresses(self, station: int, *, ipv6: bool) -> list[str]:
        """Return the addresses of a station: IPv4, global and link-local IPv6."""
        found = [f"{self.ipv4}.{station}"]
        if ipv6:
            found += [f"{self.ipv6}{station}", self.link_local(station)]
        return found

    def link_local(self, station: int) -> str:
        """Return the link-local address of a station: another one on each of its links."""
        return f"fe80::{station}" if self.number == 0 else f"fe80::{self.number}:{station}"

    def hardware(self, station: int) -> bytes:
        """Return the hardware address of a station: individual, locally administered (IEEE 802)."""
        return bytes((2, 0, 0, 0, self.number, station))


class End(NamedTuple):
    """One end of a link: a device, by its name and index, in its place."""

    place: Place
    name: str
    index: int  # type: ignore[assignment]  # the field's word, though a tuple has such a method


def pair(near: Place, name: str, far: Place, far_name: str, subnet: Subnet) -> list[End]:
    """Connect two places by a veth; stations 1 and 2. Raise OSError where the kernel has none."""
    hardware = subnet.hardware(1), subnet.hardware(2)
    near.talk(netlink.new_veth(name, far_name, far.namespace, *hardware))
    ends = [_end(near, name), _end(far, far_name)]
    _bring_up(list(reversed(ends)))  # the far one first: the near one has its carrier when it comes up
    return ends


def bridge(places: Sequence[Place], name: str, subnet: Subnet) -> tuple[Place, list[End]]:
    """Connect places by a bridge; station 1 is the first. Raise OSError where the kernel has none.

    The bridge is in a namespace of its own, which is returned as well: no host sees its ports.
    """
    switch = elsewhere()
    try:
        with namespaces.inside(switch.namespace):
            # The bridge itself is no host: it answers and asks for nothing, and no rule is applied.
            for setting, value in _SWITCH_SETTINGS.items():
                namespaces.write_setting(setting, value)
        switch.talk(netlink.new_bridge(_BRIDGE))
        middle = _end(switch, _BRIDGE)
        netlink.set_up(switch.channel, middle.index)
        ends = []
        for station, place in enumerate(places, 1):
            port = f"port{station}"
            switch.talk(netlink.new_veth(port, name, place.namespace, b"", subnet.hardware(station)))
            ends.append(_end(place, name))
            near = _end(switch, port)
            switch.talk(netlink.link_master(near.index, middle.index))
            netlink.set_up(switch.channel, near.index)
        _bring_up(ends)
    except OSError:
        switch.abandon()  # the ends that exist go with their ports
        raise
    return switch, ends


def _end(place: Place, name: str) -> End:
    return End(place, name, netlink.read_link(place.channel, name).index)


def _bring_up(ends: Sequence[End]) -> None:
    """Set the devices up and wait for their carrier: before that IPv6 has no multicast route."""
    for end in ends:
        netlink.set_up(end.place.channel, end.index)
    deadline = time.monotonic() + _PATIENCE
    for end in ends:
        while not netlink.read_link(end.place.channel, end.index).is_operational():
            if time.monotonic() > deadline:
                raise OSError(errno.ENETDOWN, os.strerror(errno.ENETDOWN))
            time.sleep(0.001)


def address(ends: Sequence[End], subnet: Subnet, *, ipv6: bool) -> None:
    """Give each end of a link its addresses, and its neighbours. Raise OSError."""
    for station, end in enumerate(ends, 1):
        end.place.talk(*_addresses(end.index, subnet, station, ipv6=ipv6))
    for station, end in enumerate(ends, 1):
        for other in range(1, len(ends) + 1):
            if other != station:
                for address in subnet.addresses(other, ipv6=ipv6):
                    hardware = subnet.hardware(other)
                    end.place.talk(netlink.new_neighbour(end.index, address, hardware))


def _addresses(index: int, subnet: Subnet, station: int, *, ipv6: bool) -> Iterator[bytes]:
    """Yield the requests for the addresses of one station."""
    own, *rest = subnet.addresses(station, ipv6=ipv6)
    yield netlink.new_address(index, own, 24, subnet.ipv4 + ".255")
    for address in rest:
        yield netlink.new_address(index, address, 64)


def wait_for_local_route(place: Place, address: str, index: int) -> None:
    """Wait until a datagram to a place's own IPv6 address is heard. Raise OSError (ETIMEDOUT).

    The kernel enters the route from a work queue (net/ipv6/addrconf.c, addrconf_dad_work), some time
    after it has acknowledged the address; until then it looks for a neighbour on the link.
    """
    deadline = time.monotonic() + _PATIENCE
    scope = index if address.startswith("fe80:") else 0
    while True:
        with place.socket(socket.AF_INET6) as own:
            own.settimeout(0.01)
            own.bind((address, 0, 0, scope))
            own.sendto(b"canary", own.getsockname())
            try:
                own.recv(16)
            except socket.timeout as error:
                if time.monotonic() > deadline:
                    raise OSError(errno.ETIMEDOUT, os.strerror(errno.ETIMEDOUT)) from error
            else:
                return
