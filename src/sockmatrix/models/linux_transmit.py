"""The way of a datagram: which hosts take it in, and which of their sockets hear it.

Sources: net/ipv4/ip_output.c (ip_mc_output), net/ipv4/udp.c (udp_rcv), net/ipv6/ip6_output.c
(ip6_finish_output2), net/ipv6/ip6_input.c (ip6_mc_input), net/ipv4/fib_frontend.c
(fib_compute_spec_dst).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sockmatrix.models import addresses as ip
from sockmatrix.models import linux_udp
from sockmatrix.models.layouts import LO
from sockmatrix.models.linux_balance import choices
from sockmatrix.models.linux_bind import MANY
from sockmatrix.models.linux_filter import host_wants
from sockmatrix.models.linux_routes import input4, lookup4, owner4
from sockmatrix.models.linux_routes6 import input6, owner6

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sockmatrix.models.kernel import Kernel, Packet, Socket
    from sockmatrix.models.linux_routes import Path
    from sockmatrix.models.linux_udp import Pick


class Arrival(NamedTuple):
    """A datagram that a host takes in. `device`: where it came in, for groups and broadcasts."""

    kernel: Kernel
    packet: Packet
    kind: str
    device: str
    off_wire: bool = False


def reach(kernel: Kernel, packet: Packet, path: Path, *, loop: bool, ttl: int) -> list[Arrival]:
    """Return every host that takes a datagram in, the sender's own first.

    `loop`: IP_MULTICAST_LOOP of the sender; `ttl`: of a group's datagram; with 0 it stays here.
    """
    found = [*_looped(kernel, packet, path, loop=loop)]
    six = ip.version(path.to) == 6
    stays = (
        path.kind == "local"
        or path.device == LO
        or (six and path.kind == "multicast" and _stays(packet.to))
    )
    # TTL 0 stays here, if a copy is asked about at all: IPv4 asks for members, IPv6 the sender too.
    if path.kind == "multicast" and ttl == 0:
        stays = stays or (_wanted_here(kernel, packet, path) and (loop or not six))
    if not stays:
        found += _over_wire(kernel, packet, path)
    # A source of ::1 is only taken from lo (RFC 4291, 2.5.3; ip6_rcv_core).
    return [one for one in found if packet.source != ip.LOOPBACK6 or one.device == LO]


def _looped(kernel: Kernel, packet: Packet, path: Path, *, loop: bool) -> Iterator[Arrival]:
    """Yield the copy that the sender's own host takes in, if it does.

    On lo there is no copy to loop: what leaves comes in again. Elsewhere one is only made for a
    group that somebody here has joined on that device (__mkroute_output, ip_mc_output).
    """
    if path.kind == "local":
        yield _arrival(kernel, packet, "local", LO, path.arrives)
    elif path.kind == "broadcast":
        yield _arrival(kernel, packet, "broadcast", path.device, path.device)
    elif path.kind == "multicast" and _wanted_here(kernel, packet, path) and (loop or path.device == LO):
        yield _arrival(kernel, packet, "multicast", path.device, path.arrives)


def _wanted_here(kernel: Kernel, packet: Packet, path: Path) -> bool:
    device = path.arrives if ip.version(path.to) == 6 else path.device
    return host_wants(kernel, packet.to, device, packet.source)


def _stays(group: str) -> bool:
    """Tell whether a group is of interface-local scope, ff?1: it does not leave (ip6_finish_output2)."""
    return group[3] == "1"


def _over_wire(kernel: Kernel, packet: Packet, path: Path) -> list[Arrival]:
    network = kernel.network
    six = ip.version(packet.to) == 6
    next_hop = path.gateway or packet.to
    found = []
    for host, device in network.layout.beside(kernel.host, path.device):
        other = network.kernels[host.name]
        if path.kind == "unicast":
            owns = owner6(host, next_hop) if six else owner4(host, network.version, next_hop)
            if owns != device:
                continue
        kind = input6(host, packet.to) if six else input4(host, network.version, packet.to, packet.source)
        if not kind or (kind == "multicast" and not host_wants(other, packet.to, device, packet.source)):
            continue
        found.append(_arrival(other, packet, kind, device, device)._replace(off_wire=True))
    return found


def _arrival(kernel: Kernel, packet: Packet, kind: str, device: str, arrives: str) -> Arrival:
    local = packet.to
    if kind != "local" and ip.version(packet.to) == 4:
        local = answers_from(kernel, packet.source, device)
    return Arrival(kernel, packet._replace(arrived=arrives, local=local), kind, device)


def answers_from(kernel: Kernel, source: str, device: str) -> str:
    """Return the address that a reply to `source` comes from (fib_compute_spec_dst)."""
    entry = lookup4(kernel.host, kernel.network.version, source)
    if entry is not None and entry.source:
        return entry.source
    return kernel.host.devices[device].address(4)


def hearers(arrival: Arrival, pick: Pick) -> list[Socket]:
    """Return the sockets of a host that hear a datagram; `pick` chooses within a SO_REUSEPORT group."""
    if arrival.kind == "local" and not ip.is_multicast(arrival.packet.to):
        sock = linux_udp.lookup(arrival.kernel, arrival.packet, pick)
        return [] if sock is None else [sock]
    found = linux_udp.everybody(arrival.kernel, arrival.packet, arrival.device)
    if len(found) == 1 and _demuxed(arrival):
        members = choices(found[0].balance) if found[0].reuseport and found[0].balance else []
        if members and found[0].balance:
            return [pick(found[0].balance, members)]
    return found


def _demuxed(arrival: Arrival) -> bool:
    """Return whether a group's datagram is given to its only hearer before it is routed.

    udp_v4_early_demux, for what comes off a wire and ports with few sockets. Since 6.9 ("udp: no
    longer touch sk->sk_refcnt in early demux") inet_steal_sock takes that socket for one that a
    program chose, and lets its SO_REUSEPORT group pick another, members of the group or not.
    """
    kernel, packet = arrival.kernel, arrival.packet
    return (
        arrival.off_wire
        and arrival.kind == "multicast"
        and ip.version(packet.to) == 4
        and kernel.network.version >= (6, 9, 0)
        and len(kernel.ports.get(packet.port, ())) <= MANY
    )
