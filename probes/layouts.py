"""Layouts: the networks that a private lab can be. Each is a line of LAYOUTS; `build` makes it.

Documentation addresses only (RFC 5737, RFC 3849). A layout never changes once it is made.
"""

from __future__ import annotations

import errno
import os
import socket
import struct
import time
from typing import TYPE_CHECKING, Dict, Iterator, List, NamedTuple, Optional, Sequence, Tuple

import namespaces
import netlink
import symbols
import veth
from veth import End, Place, Subnet

if TYPE_CHECKING:
    from interfaces import Interface

NO_LINK = "no link device"

LINK, PEER, SECOND, SECOND_PEER = "lab0", "lab1", "lab2", "lab3"
FIRST_SUBNET = Subnet(0, "198.51.100", "2001:db8::")
SECOND_SUBNET = Subnet(1, "203.0.113", "2001:db8:1::")

_BROADCAST = FIRST_SUBNET.ipv4 + ".255"
_PEER = 2  # its number on the link
_PATIENCE, _AGAIN = 2.0, 0.005  # seconds until a canary is given up, and until it is sent again


class Layout(NamedTuple):
    """What a network is made of.

    `hosts`: complete hosts on the link; with a single one the link's other end is a peer that has
    addresses, and nobody who listens. `gateway`: number of the station that default routes lead to; 0:
    they lead to the link itself. `via`: another gateway for h1 alone. `routes`: whether there are
    default and 224/4 routes at all, `group_route`: the latter. `odd`: the symbols.ODD addresses are on
    the link as well. `groups_on_lo`: a local route for all IPv6 groups. `settings`: sysctls of h1, by
    dotted name.
    """

    hosts: int = 1
    gateway: int = 0
    via: int = 0
    routes: bool = True
    group_route: bool = True
    second_link: bool = False
    odd: bool = False
    groups_on_lo: bool = False
    settings: Tuple[Tuple[str, str], ...] = ()


# Above the ports that lab.cell_ports chooses, and of differing parity, as the kernel wants it.
_TWO_PORTS = (namespaces.LOCAL_PORT_RANGE, "61000 61001")

LAYOUTS: Dict[str, Layout] = {
    "plain": Layout(gateway=_PEER),
    "no-routes": Layout(gateway=_PEER, routes=False),
    "lo-group-route": Layout(gateway=_PEER, groups_on_lo=True),
    "two-links": Layout(gateway=_PEER, second_link=True),
    "default-route": Layout(gateway=_PEER, second_link=True, group_route=False),
    "hosts-2": Layout(hosts=2),
    "hosts-3": Layout(hosts=3),
    "gateway": Layout(hosts=3, via=3),
    "one-port-range": Layout(gateway=_PEER, settings=(_TWO_PORTS,)),
    "autobind-reuse": Layout(gateway=_PEER, settings=(_TWO_PORTS, ("net.ipv4.ip_autobind_reuse", "1"))),
    "odd-addresses": Layout(hosts=2, odd=True),
}


class Host(NamedTuple):
    """One host: a descriptor of its namespace, its interfaces (lo, the link, the second link).

    `link_locals` are the link-local addresses of its links, without a zone.
    """

    namespace: int
    interfaces: Tuple[Interface, ...]
    link_locals: Tuple[str, ...]


class Network(NamedTuple):
    """A network that was made: its hosts by name, and what there is or is not.

    `peer`: the addresses of what is at the other end of the link of a lone host.
    `odd`: those of symbols.ODD that the kernel took. `link_error`: why there is no link, as an errno
    name. `unavailable`: why this is not the network that was asked for, in a few words.
    """

    hosts: Dict[str, Host]
    peer: Optional[symbols.Named] = None
    odd: Tuple[str, ...] = ()
    link_error: Optional[str] = None
    unavailable: Optional[str] = None


def build(layout: Layout, *, ipv6: bool) -> Network:
    """Make a network around this process's namespace, which has lo already.

    What the kernel does not have is told in the network. Raise namespaces.LostError where this
    process is no longer where it was.
    """
    home = veth.here()
    odd: Tuple[str, ...] = ()
    try:
        links = _links(layout, home, ipv6=ipv6)
        link_error = None
        if layout.odd:
            odd = tuple(_odd_addresses(links[0]))
    except OSError as error:
        links = []
        link_error = _name(error)
    places = [end.place for end in links[0][: layout.hosts]] if links else [home]
    network = Network(
        {
            name: Host(place.namespace, *_equipment(place, links, station, ipv6=ipv6))
            for station, (name, place) in enumerate(zip(symbols.HOSTS, places), 1)
        },
        _peer(ipv6=ipv6) if links and layout.hosts == 1 else None,
        odd,
        link_error,
    )
    network = network._replace(unavailable=_lacking(layout, network) or _finish(layout, home))
    for place in places:
        place.channel.close()
    return network


def _lacking(layout: Layout, network: Network) -> Optional[str]:
    """Return what of the layout the kernel does not have; a plain one without a link is still plain."""
    if network.link_error and (layout.hosts > 1 or layout.second_link or layout.odd):
        return NO_LINK if network.link_error != "ETIMEDOUT" else "the hosts do not hear each other"
    return None


def _finish(layout: Layout, home: Place) -> Optional[str]:
    """Make what needs no link; return what there is not, in a few words."""
    if layout.groups_on_lo:
        try:
            home.talk(netlink.new_route(_loopback(home), "ff00::", 8, local=True))
        except OSError as error:
            return f"no local route for groups here ({_name(error)})"
    if layout.settings and not namespaces.settings_are_own():
        return "a network namespace has no settings of its own here"
    for name, value in layout.settings:
        namespaces.write_setting(name, value)
        if namespaces.read_setting(name) != value:
            return f"{name} cannot be set here"
    return None


def _links(layout: Layout, home: Place, *, ipv6: bool) -> List[List[End]]:
    """Make the links; for each, its ends by station. Raise OSError, with nothing left behind."""
    made: List[Place] = []
    try:
        others = []
        for _ in range(max(layout.hosts, 2) - 1):
            others.append(veth.elsewhere())
            made.append(others[-1])
        if layout.hosts > 2:
            switch, first = veth.bridge([home, *others], LINK, FIRST_SUBNET)
            made.append(switch)
        else:
            far_name = PEER if layout.hosts == 1 else LINK
            first = veth.pair(home, LINK, others[0], far_name, FIRST_SUBNET)
        veth.address(first, FIRST_SUBNET, ipv6=ipv6)
        links = [first]
        if layout.second_link:
            made.append(veth.elsewhere())
            second = veth.pair(home, SECOND, made[-1], SECOND_PEER, SECOND_SUBNET)
            veth.address(second, SECOND_SUBNET, ipv6=ipv6)
            links.append(second)
        for station, end in enumerate(first, 1):
            if not end.place.own:
                netlink.set_up(end.place.channel, _loopback(end.place))
            if layout.routes and station <= layout.hosts:
                gateway = layout.via if layout.via and station == 1 else layout.gateway
                end.place.talk(*_routes(end.index, gateway, groups=layout.group_route, ipv6=ipv6))
        if ipv6:
            _wait_for_local_routes(layout, links)
        if layout.hosts > 1:
            hear_each_other(first, ipv6=ipv6)
    except OSError:
        for place in made:
            place.abandon()
        raise
    return links


def _routes(index: int, gateway: int, *, groups: bool, ipv6: bool) -> Iterator[bytes]:
    via4 = via6 = None
    if gateway:
        via4, via6 = FIRST_SUBNET.addresses(gateway, ipv6=True)[:2]
    # Routes alike in next hop and protocol share one entry of what was last looked up (net/ipv4/
    # fib_semantics.c, fib_find_info; route.c, __mkroute_output): a group that this host is not in would
    # then be sent as a unicast after any unicast by the default route.
    if groups:
        yield netlink.new_route(index, "224.0.0.0", 4, protocol=netlink.RTPROT_STATIC)
    yield netlink.new_route(index, "0.0.0.0", 0, via4)  # noqa: S104 - a destination
    if ipv6:
        yield netlink.new_route(index, "::", 0, via6)


def _odd_addresses(ends: Sequence[End]) -> Iterator[str]:
    """Put the odd addresses on a link, and yield the symbols of those that the kernel takes."""
    for symbol, (host, address) in symbols.ODD.items():
        station = symbols.HOSTS.index(host) + 1
        try:
            for number, end in enumerate(ends, 1):
                if number == station:
                    end.place.talk(netlink.new_address(end.index, address, 24))
                else:
                    hardware = FIRST_SUBNET.hardware(station)
                    end.place.talk(netlink.new_neighbour(end.index, address, hardware))
        except OSError:
            continue
        yield symbol


def _wait_for_local_routes(layout: Layout, links: Sequence[Sequence[End]]) -> None:
    for ends, subnet in zip(links, (FIRST_SUBNET, SECOND_SUBNET)):
        for station, end in enumerate(ends[: layout.hosts], 1):
            for address in subnet.addresses(station, ipv6=True)[1:]:
                veth.wait_for_local_route(end.place, address, end.index)


def _equipment(
    place: Place, links: Sequence[Sequence[End]], station: int, *, ipv6: bool
) -> Tuple[Tuple[Interface, ...], Tuple[str, ...]]:
    """Return the interfaces of a host, and the link-local addresses of its links."""
    from interfaces import Interface

    own = "::1" if ipv6 else None
    found = [Interface("lo", _loopback(place), "127.0.0.1", None, "255.0.0.0", own, True)]
    link_locals = []
    for ends, subnet in zip(links, (FIRST_SUBNET, SECOND_SUBNET)):
        end = ends[station - 1]
        ipv4, *rest = subnet.addresses(station, ipv6=ipv6)
        found.append(
            Interface(
                name=end.name,
                index=end.index,
                ipv4=ipv4,
                ipv4_broadcast=f"{subnet.ipv4}.255",
                ipv4_netmask="255.255.255.0",
                ipv6=rest[0] if rest else None,
                loopback=False,
            )
        )
        link_locals += rest[1:]
    return tuple(found), tuple(link_locals)


def _peer(*, ipv6: bool) -> symbols.Named:
    ipv4, global6, local6 = FIRST_SUBNET.addresses(_PEER, ipv6=True)
    return symbols.Named(ipv4, global6 if ipv6 else None, None, None, local6 if ipv6 else None)


def _loopback(place: Place) -> int:
    return netlink.read_link(place.channel, "lo").index


def _name(error: OSError) -> str:
    return errno.errorcode.get(error.errno or 0, "no errno")


# --- canaries ------------------------------------------------------------------------------------


def hear_each_other(ends: Sequence[End], *, ipv6: bool) -> None:
    """Wait until every host of a link hears every other one, by every kind of address.

    Raise OSError (ETIMEDOUT) where one stays deaf. The groups are those that nobody has to join; the
    limited broadcast is left out, because what becomes of it is a question of the matrix.
    """
    opened: List[socket.socket] = []
    try:
        for family in (socket.AF_INET, socket.AF_INET6)[: 2 if ipv6 else 1]:
            sockets = [_canary_socket(end, family) for end in ends]
            opened += sockets
            _hear(sockets, ends)
    finally:
        for one in opened:
            one.close()


def _canary_socket(end: End, family: int) -> socket.socket:
    made = end.place.socket(family)
    made.setblocking(False)
    if family == socket.AF_INET:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        # struct ip_mreqn (ip(7)): the group, the local address, the index
        own = struct.pack("@4s4si", b"", b"", end.index)
        made.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, own)
        made.bind(("", 0))
    else:
        made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, end.index)
        made.bind(("::", 0))
    return made


def _hear(sockets: Sequence[socket.socket], ends: Sequence[End]) -> None:
    """Let one socket on each host send to all others, until all have heard all."""
    version6 = sockets[0].family == socket.AF_INET6
    wanted = []
    for receiver, other in enumerate(sockets):
        port = other.getsockname()[1]
        own = FIRST_SUBNET.addresses(receiver + 1, ipv6=True)
        to = [own[1], own[2], "ff02::1"] if version6 else [own[0], _BROADCAST, "224.0.0.1"]
        for sender in range(len(sockets)):
            if sender != receiver:
                wanted += [(receiver, sender, kind, (host, port)) for kind, host in enumerate(to)]
    deadline = time.monotonic() + _PATIENCE
    while True:
        for _, sender, kind, address in wanted:
            scope = (0, ends[sender].index) if version6 else ()
            sockets[sender].sendto(bytes((sender, kind)), address + scope)
        heard = {(index, *data) for index, one in enumerate(sockets) for data in _drained(one)}
        wanted = [one for one in wanted if one[:3] not in heard]
        if not wanted:
            return
        if time.monotonic() > deadline:
            raise OSError(errno.ETIMEDOUT, os.strerror(errno.ETIMEDOUT))
        time.sleep(_AGAIN)


def _drained(one: socket.socket) -> Iterator[bytes]:
    while True:
        try:
            yield one.recv(16)
        except BlockingIOError:
            return
