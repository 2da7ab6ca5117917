"""The shape of a cell: which roles, sends and notes it has, whatever comes of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, final

from sockmatrix.observation import NEVER_HEAR
from sockmatrix.scenarios.scenario import SENDER

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sockmatrix.cell import Cell
    from sockmatrix.scenarios import Scenario, Steps

_OWN_PORT = "P"
_ENDS = ("exit", "kill")
_CLOSES = ("close", "reset")


@final
@dataclass(frozen=True, slots=True)
class Shape:
    """What can be told of a cell from its steps.

    `receivers` bind, in this order; A.b is a further socket of the process A. `sends` and `connects`
    are labels of deliveries, `notes` those of notes. `closed` are the receivers that are not open when
    a label is sent. `calls` are the operations of each role in order, as words: "bind",
    "set SO_REUSEADDR".
    """

    receivers: tuple[str, ...]
    sends: tuple[str, ...] = ()
    connects: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    closed: dict[str, frozenset[str]] = field(default_factory=dict)
    calls: dict[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def labels(self) -> tuple[str, ...]:
        """Every label there is a delivery of."""
        return (*self.sends, *self.connects)

    def before(self, role: str, failed: str, call: str) -> bool:
        """Tell whether what failed (a call, or `set OPTION`) comes before the first `call`."""
        calls = self.calls.get(role, ())
        if call not in calls:
            return False
        return any(one == failed for one in calls[: calls.index(call)])


def shape(steps: Steps) -> Shape:
    """Return the shape of the cell with these steps."""
    follower = _Follower()
    for actor, operations in steps:
        name = actor.partition("@")[0]
        for operation in operations:
            follower.follow(name, operation)
    return follower.shape()


@final
class Shapes:
    """The shapes of cells, each worked out once; `scenario` returns that of a table, by its name."""

    def __init__(self, scenario: Callable[[str], Scenario]) -> None:
        self._scenario = scenario
        self._known: dict[str, Shape] = {}

    def __call__(self, cell: Cell) -> Shape:
        """Return the shape of a cell."""
        known = self._known.get(cell.id)
        if known is None:
            known = self._known[cell.id] = shape(self._scenario(cell.table).steps(cell))
        return known


class _Follower:
    """Follows the sockets of a cell through its steps."""

    def __init__(self) -> None:
        self._receivers: dict[str, None] = {}
        self._calls: dict[str, list[str]] = {}
        self._streams: set[str] = set()
        self._ports: dict[str, object] = {}
        self._open: dict[str, object] = {}
        self._labels: dict[str, tuple[bool, dict[str, object], object]] = {}
        self._notes: dict[str, None] = {}

    def follow(self, name: str, operation: Sequence[Any]) -> None:
        """Take in one operation of an actor."""
        verb = operation[0]
        if verb == "note":
            self._notes[operation[1]] = None
            self._socket(name, operation[2])
        elif verb in ("send", "speak") or (verb == "connect" and name == SENDER):
            self._labels[operation[1]] = (verb == "connect", dict(self._open), _port_of(operation))
        else:
            words = f"set {operation[1]}" if verb == "set" else str(verb)
            self._calls.setdefault(name, []).append(words)
            self._socket(name, operation)

    def shape(self) -> Shape:
        """Return the whole."""
        receivers = tuple(self._receivers)
        return Shape(
            receivers,
            tuple(label for label, (connects, _, _) in self._labels.items() if not connects),
            tuple(label for label, (connects, _, _) in self._labels.items() if connects),
            tuple(self._notes),
            {
                label: frozenset(name for name in receivers if opened.get(name) != port)
                for label, (_, opened, port) in self._labels.items()
            },
            {name: tuple(calls) for name, calls in self._calls.items()},
        )

    def _socket(self, name: str, operation: Sequence[Any]) -> None:
        verb = operation[0]
        if verb == "socket":
            (self._streams.add if operation[1].startswith("tcp") else self._streams.discard)(name)
            self._open.pop(name, None)
        elif verb == "bind":
            if name[0] not in NEVER_HEAR:
                self._receivers[name] = None
            self._ports[name] = operation[2] if len(operation) > 2 else _OWN_PORT
            if name not in self._streams:
                self._open[name] = self._ports[name]
        elif verb == "listen":
            self._open[name] = self._ports.get(name, 0)
        elif verb in _CLOSES:
            self._open.pop(name, None)
        elif verb in _ENDS:
            for other in [one for one in self._open if one.partition(".")[0] == name.partition(".")[0]]:
                del self._open[other]


def _port_of(operation: Sequence[Any]) -> object:
    """Return the port of a send, a connect or a speak as the protocol writes it."""
    if operation[0] == "speak":
        return operation[3]
    profile = operation[3] if len(operation) > 3 else {}
    return profile.get("port", _OWN_PORT)
