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
from sockmatrix.models.linux_filter import host_wants
from sockmatrix.models.linux_routes import input4, lookup4, owner4
from sockmatrix.models.linux_routes6 import input6, owner6

if TYPE_CHECKING:
    from sockmatrix.models.kernel import Kernel, Packet, Socket
    from sockmatrix.models.linux_routes import Path
    from sockmatrix.models.linux_udp import Pick


class Arrival(NamedTuple):
    """A datagram that a host takes in. `device`: where it came in, for groups and broadcasts."""

    kernel: Kernel
    packet: Packet
    kind: str
    device: str


def reach(kernel: Kernel, packet: Packet, path: Path, *, loop: bool, ttl: int) -> list[Arrival]:
    """Return every host that takes a datagram in, the sender's own first.

    `loop`: IP_MULTICAST_LOOP of the sender; `ttl`: of a group's datagram; with 0 it stays here.
    """
    six = ip.version(path.to) == 6
    if path.kind == "local":
        return [_arrival(kernel, packet, "local", LO, path.arrives)]
    found = []
    if path.kind == "broadcast":
        found.append(_arrival(kernel, packet, "broadcast", path.device, path.device))
    elif path.kind == "multicast":
        # On lo there is no copy to loop: what leaves comes in again. A copy is only made for a
        # group that somebody here has joined on that device (__mkroute_output, ip_mc_output).
        wanted = host_wants(kernel, packet.to, path.arrives if six else path.device, packet.source)
        if wanted and (loop or path.device == LO):
            found.append(_arrival(kernel, packet, "multicast", path.device, path.arrives))
        if ttl == 0 or (six and _stays(packet.to)):
            return found
    if path.device != LO:
        found += _over_wire(kernel, packet, path)
    return found


def _stays(group: str) -> bool:
    """Groups of interface-local scope (ff?1) do not leave (ip6_finish_output2)."""
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
        if not kind or (
            kind == "multicast" and not host_wants(other, packet.to, device, packet.source)
        ):
            continue
        found.append(_arrival(other, packet, kind, device, device))
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
    return linux_udp.everybody(arrival.kernel, arrival.packet, arrival.device)
