"""Fan-out: receivers open a UDP port in order, then one destination is sent to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sockmatrix.scenarios import addresses
from sockmatrix.scenarios.scenario import (
    BYSTANDER,
    SENDER,
    Operation,
    Scenario,
    Steps,
    open_and_bind,
)

if TYPE_CHECKING:
    from sockmatrix.cell import Cell, Socket

AXES = {"dest": None, "broadcast": "off", "via": "if4", "bystander": "none"}
SOCKET_AXES = {"join": "none"}

GROUP = "group4"


def _steps(cell: Cell) -> Steps:
    axes = cell.axes
    steps: Steps = [
        [name, _receiver(socket)] for name, socket in zip(cell.receivers, cell.sockets, strict=True)
    ]
    bystander = axes.get("bystander", "none")
    if bystander != "none":
        steps.append([BYSTANDER, [["socket", "udp4"], ["join", GROUP, bystander]]])
    destination = axes["dest"]
    profile: dict[str, int | str] = {}
    if axes.get("broadcast") == "on":
        profile["broadcast"] = 1
    if destination in addresses.GROUPS:
        profile["via"] = axes.get("via", "if4")
    steps.append([SENDER, [["send", "", destination, profile]]])
    return steps


def _receiver(socket: Socket) -> list[Operation]:
    operations = open_and_bind("udp", socket)
    interface = socket.get("join", "none")
    if interface != "none":
        operations.append(["join", GROUP, interface])
    return operations


FAN_OUT = Scenario(
    name="fan-out",
    version=1,
    words="Receivers open a UDP port one after another, then datagrams from many source ports go to"
    " one destination, and it is seen which receivers hear them.",
    axes=AXES,
    socket_axes=SOCKET_AXES,
    build=_steps,
)
