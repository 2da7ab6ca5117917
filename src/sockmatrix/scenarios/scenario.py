"""A scenario: the shape of an experiment. It turns a cell into the steps each role performs.

Steps are data in the form of the probe protocol: a list of [role, operations], performed in order;
an operation is a list that begins with its name. Symbols stay symbols: the probe knows what they
mean where it runs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias, final

from sockmatrix.scenarios import addresses
from sockmatrix.script.compiler import SENDER, is_receiver, role_of

__all__ = ["BYSTANDER", "REUSE", "SENDER", "Operation", "Scenario", "Steps", "open_and_bind"]

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sockmatrix.cell import Cell, Socket

Operation: TypeAlias = list[Any]
Steps: TypeAlias = list[list[Any]]

BYSTANDER = "J"

REUSE = {
    "none": (),
    "addr": ("SO_REUSEADDR",),
    "port": ("SO_REUSEPORT",),
    "addr+port": ("SO_REUSEADDR", "SO_REUSEPORT"),
    "lb": ("SO_REUSEPORT_LB",),
    "addr+lb": ("SO_REUSEADDR", "SO_REUSEPORT_LB"),
    "exclusive": ("EXCLUSIVE",),
}
"""Options a socket sets before bind, in this order, by the value of the axis `reuse`."""


@final
@dataclass(frozen=True, slots=True)
class Scenario:
    """The shape of an experiment.

    `version` is raised whenever the same cell comes to mean other steps. `axes` and `socket_axes`
    (beyond bind and reuse) are those it understands, each with the value it takes where a table
    does not vary it, None where a table must. `build` makes the steps.
    """

    name: str
    version: int
    words: str
    axes: Mapping[str, str | None]
    socket_axes: Mapping[str, str | None]
    build: Callable[[Cell], Steps]

    def steps(self, cell: Cell) -> Steps:
        """Return what each role does, in order; new lists each time. Raises ValueError."""
        return self.build(cell)

    def receivers(self, cell: Cell) -> tuple[str, ...]:
        """Return the roles that may hear, in bind order."""
        if cell.sockets:
            return cell.receivers
        return tuple(
            dict.fromkeys(filter(is_receiver, (role_of(actor) for actor, _ in self.steps(cell))))
        )

    def needs(self, cell: Cell) -> frozenset[str]:
        """Return the options the cell sets: where one does not exist, the cell is absent."""
        return frozenset(
            option
            for _, operations in self.steps(cell)
            for operation in operations
            for option in _options(operation)
        )


def _options(operation: Operation) -> tuple[str, ...]:
    name = operation[0]
    if name == "set":
        return (operation[1],)
    if name == "join":
        source = operation[3:] and operation[3].get("source")
        if operation[1].startswith(("group6", "allnodes6")):
            return ("IPV6_JOIN_GROUP",)
        return ("IP_ADD_SOURCE_MEMBERSHIP",) if source else ("IP_ADD_MEMBERSHIP",)
    if name == "send":
        profile = operation[3]
        return tuple(
            option
            for key, option in (("broadcast", "SO_BROADCAST"), ("via", "IP_MULTICAST_IF"))
            if profile.get(key)
        )
    return ()


def open_and_bind(transport: str, socket: Socket) -> list[Operation]:
    """Return the operations that open a receiver, up to and with its bind.

    IPV6_V6ONLY is always set, one way or the other: its default differs between systems (RFC 3493
    5.3 says off, Windows and OpenBSD on, Linux has a sysctl).
    """
    version6 = socket.bind in addresses.IPV6_SOCKETS
    operations: list[Operation] = [["socket", transport + ("6" if version6 else "4")]]
    if version6:
        operations.append(["set", "IPV6_V6ONLY", int(socket.bind == addresses.V6ONLY)])
    operations.extend(["set", option, 1] for option in REUSE[socket.reuse])
    operations.append(["bind", socket.bind])
    return operations
