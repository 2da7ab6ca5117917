"""What is said to be counted: by the staged sender from many ports, or by an actor's own socket."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from sockmatrix.delivery import bind_order
from sockmatrix.models import addresses as ip
from sockmatrix.models import linux_tcp
from sockmatrix.models.hearing import delivery, possibilities
from sockmatrix.models.kernel import Membership, Network, Packet, Socket
from sockmatrix.models.layouts import layout
from sockmatrix.models.linux_ports import bind
from sockmatrix.models.linux_routes import output4
from sockmatrix.models.linux_routes6 import output6
from sockmatrix.models.linux_send import send
from sockmatrix.models.linux_transmit import hearers, reach
from sockmatrix.models.openness import offset
from sockmatrix.models.play import PORT
from sockmatrix.models.symbols import address_of, device_of, is_group

if TYPE_CHECKING:
    from collections.abc import Callable

    from sockmatrix.delivery import Delivery
    from sockmatrix.models.kernel import Kernel
    from sockmatrix.models.linux_routes import Path
    from sockmatrix.models.linux_send import Message
    from sockmatrix.models.linux_udp import Pick
    from sockmatrix.models.play import Play
    from sockmatrix.models.versions import Version

SOURCE_PORT = 1
"""A port that no socket of a cell is connected to."""

_CONTROLLED = frozenset(
    {
        *("lo4", "lo4b", "lonet", "lobcast", "if4", "subnet-bcast", "subnet-net", "limited"),
        *("lo6", "if6", "mapped-lo", "group4"),
        *("group6-node", "group6-link", "group6-site", "group6-global"),
    }
)
"""Destinations for which the probe asks a lone receiver as well (probes/programs.py)."""


def say(play: Play, operation: list[Any]) -> None:
    """Perform one statement of the staged sender."""
    connects = operation[0] == "connect"
    _, label, symbol, *more = operation
    profile = more[0] if more else {}
    port = profile.get("port", "P")
    closed = play.closed(offset(port) or 0)
    if not play.can_hear(closed):
        return
    kernel = play.home
    to = play.address(kernel, symbol)
    to = ip.mapped(to) or to
    path = _way(kernel, to, profile)
    if isinstance(path, str):
        (play.connect if connects else play.send)[label] = path
        return
    if connects and path.kind in ("broadcast", "multicast"):
        play.connect[label] = "ENETUNREACH"
        return
    if path.kind == "broadcast" and not profile.get("broadcast"):
        play.send[label] = "EACCES"
        return
    hear = _listening(kernel, path, profile, play.port(port), connects=connects)
    hearing = [name for name in play.opened() if name not in closed]
    if hearing:
        by: Literal["connection", "source port"] = "connection" if connects else "source port"
        found = delivery(possibilities(hear), hearing, by=by)
        if found.word == "none" and not connects and _control(play, symbol, profile.get("via")):
            found = msgspec.structs.replace(found, control="silent")
        play.delivery[label] = _with_closed(found, closed)
    drain(play)


def _way(kernel: Kernel, to: str, profile: dict[str, Any]) -> Path | str:
    """Return the path of a pooled sender socket, which is bound to a wildcard."""
    group = ip.is_multicast(to)
    via = profile.get("via") if group else None
    device = device_of(via) if via else ""
    if ip.version(to) == 6:
        return output6(kernel.host, to, device)
    source = kernel.host.devices[device].address(4) if device else ""
    return output4(kernel.host, kernel.network.version, to, device, source)


def _listening(
    kernel: Kernel, path: Path, profile: dict[str, Any], port: int, *, connects: bool
) -> Callable[[Pick], tuple[str, ...]]:
    """Return what tells who hears one datagram or gets one connection, by what hashes pick."""
    packet = Packet(path.source, SOURCE_PORT, path.to, port)
    loop, ttl = profile.get("loop", 1) != 0, int(profile.get("ttl", 1))
    arrivals = reach(kernel, packet, path, loop=loop, ttl=ttl)

    def hear(pick: Pick) -> tuple[str, ...]:
        if connects:
            found = [linux_tcp.listener(one.kernel, one.packet, pick) for one in arrivals]
            return tuple(sock.role for sock in found if sock is not None)
        return tuple(sock.role for one in arrivals for sock in hearers(one, pick))

    return hear


def speak_own(play: Play, sock: Socket, label: str, message: Message, *, times: int) -> None:
    """Send counted datagrams from an actor's own socket: all of one flow, until one is refused."""
    closed = play.closed(message.port - PORT)
    heard: list[tuple[str, ...]] = []
    for _ in range(times):
        sent = send(play, sock, message, counted=True)
        if sent.result != "ok":
            play.send[label] = sent.result
            break
        heard.append(tuple(one.role for one in sent.heard))
    hearing = [name for name in play.opened() if name not in closed]
    if hearing and heard:
        play.delivery[label] = _with_closed(delivery(set(heard), hearing), closed)
    drain(play)


def _with_closed(found: Delivery, closed: list[str]) -> Delivery:
    """Return a delivery with those that were not open, in bind order."""
    if not closed:
        return found
    return msgspec.structs.replace(found, closed=tuple(sorted(closed, key=bind_order)))


def drain(play: Play) -> None:
    """Empty the queues that the probe reads after something was counted: of all bound sockets."""
    for name in play.hears:
        sock = play.sockets.get(name)
        if sock is not None and sock.transport == "udp":
            sock.queue.clear()
            sock.error = ""


def _control(play: Play, symbol: str, via: str | None) -> bool:
    if symbol not in _CONTROLLED or bool(via) != is_group(symbol):
        return False
    return control_silent(play.lab, play.network.version, symbol, via or "")


@functools.cache
def control_silent(lab: str, version: Version, symbol: str, via: str) -> bool:
    """Return whether a lone wildcard receiver hears nothing of a kind of destination either."""
    network = Network(layout(lab), version)
    kernel = network.kernels["h1"]
    to = address_of(network.layout, kernel.host, symbol)
    family = ip.version(to)
    to = ip.mapped(to) or to
    lone = Socket(kernel, "A", "udp", family, rcv6=ip.ANY6 if family == 6 else "")
    bind(lone, ip.ANY6 if family == 6 else ip.ANY4, 2)
    if via:
        member = Membership(to, device_of(via))
        lone.memberships.append(member)
        kernel.members.append((lone, member))
    profile = {"via": via} if via else {}
    path = _way(kernel, to, profile)
    if isinstance(path, str):
        return False
    hear = _listening(kernel, path, profile, 2, connects=False)
    return possibilities(hear) == {()}
