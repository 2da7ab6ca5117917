"""Bind conflicts: sockets bind one port in order, then each address they cover is spoken to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sockmatrix.scenarios import addresses
from sockmatrix.scenarios.scenario import SENDER, Operation, Scenario, Steps, open_and_bind

if TYPE_CHECKING:
    from sockmatrix.cell import Cell, Socket

AXES = {"transport": None, "listen": "after", "via": "if4"}
SOCKET_AXES = {"user": "same"}

BACKLOG = 128
"""Connections a listener must hold between two drains; no system's default limit is lower."""


def _steps(cell: Cell) -> Steps:
    transport = cell.axes["transport"]
    via = cell.axes.get("via", "if4")
    sockets = [
        (_actor(name, socket), socket) for name, socket in zip(cell.receivers, cell.sockets, strict=True)
    ]
    if transport == "udp":
        steps: Steps = [[name, _datagram_receiver(socket, via)] for name, socket in sockets]
    elif cell.axes.get("listen") == "at-once":
        steps = [[name, [*open_and_bind("tcp", socket), _listen()]] for name, socket in sockets]
    else:
        steps = [[name, open_and_bind("tcp", socket)] for name, socket in sockets]
        steps += [[name, [_listen()]] for name, _ in sockets]
    sends = [
        _send(transport, symbol, via)
        for symbol in addresses.destinations([socket.bind for socket in cell.sockets])
        if transport == "udp" or addresses.class_of(symbol) == "unicast"
    ]
    if sends:
        steps.append([SENDER, sends])
    return steps


def _actor(name: str, socket: Socket) -> str:
    user = socket.get("user", "same")
    return name if user == "same" else f"{name}@{user}"


def _listen() -> Operation:
    return ["listen", BACKLOG]


def _datagram_receiver(socket: Socket, via: str) -> list[Operation]:
    operations = open_and_bind("udp", socket)
    if socket.bind in addresses.GROUPS:
        operations.append(["join", socket.bind, via])
    return operations


def _send(transport: str, symbol: str, via: str) -> Operation:
    if transport == "tcp":
        # RFC 1122 4.2.3.10: a TCP connection to a broadcast or multicast address is an error.
        return ["connect", symbol, symbol]
    kind = addresses.class_of(symbol)
    profile: dict[str, int | str] = {}
    if kind == "multicast":
        profile["via"] = via
    elif kind == "broadcast":
        profile["broadcast"] = 1
    return ["send", symbol, symbol, profile]


BIND_CONFLICTS = Scenario(
    name="bind-conflicts",
    version=1,
    words="Sockets bind one port one after another (TCP: and listen), then every address that one"
    " of them covers is sent or connected to, and it is seen who may bind and who hears.",
    axes=AXES,
    socket_axes=SOCKET_AXES,
    build=_steps,
)
