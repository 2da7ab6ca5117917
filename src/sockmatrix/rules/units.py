"""What rules are about: whether there is such an option, which socket may bind, which one hears.

A cell is not one fact but many, and each is decided by few things: whether C may bind, by the sockets
that hold the port when it tries; whether B hears, by the sockets that are open then. A `Unit` is one
such fact, with the values that may decide it. What became of earlier sockets is among them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, final

from sockmatrix.rules import relations
from sockmatrix.rules.contest import Contest
from sockmatrix.rules.relations import NO_OPTION, own_values
from sockmatrix.scenarios import addresses
from sockmatrix.wording import cell_headline

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from sockmatrix.cell import Cell, Socket
    from sockmatrix.delivery import Delivery
    from sockmatrix.outcome import Outcome

EXIST, BIND, LISTEN, JOIN, SEND, HEAR, WHOLE = "exist", "bind", "listen", "join", "send", "hear", "whole"

FACETS = (EXIST, BIND, LISTEN, JOIN, SEND, HEAR, WHOLE)
"""What is asked of a cell, in this order; the last of a cell without sockets, which is one fact."""

UNMEASURED = ("skipped", "inconclusive", "unstable")
"""Words of outcomes that tell no single fact."""

ALLOWED, ABSENT, THERE, SENT = "allowed", "absent", "there", "sent"

_UNBOUND = ("socket ", "set ", "bind ")
"""Beginnings of failures that leave no socket that holds the port."""


@final
@dataclass(frozen=True, slots=True)
class Unit:
    """One fact about a cell: `answer` is what happened to `subject`, a socket or what was sent.

    `values` by axis are what may decide it.
    """

    facet: str
    cell: Cell
    subject: str
    answer: str
    values: Mapping[str, str] = field(repr=False)

    @property
    def precise(self) -> dict[str, str]:
        """The values, and all others of the cell: they tell it from every other fact of its facet."""
        found = {**self.cell.axes, **self.values, "subject": self.subject or "all"}
        found["receivers"] = str(len(self.cell.sockets))
        for name, socket in zip(self.cell.receivers, self.cell.sockets, strict=True):
            found.update({f"{name}.bind": socket.bind, f"{name}.reuse": socket.reuse})
            found.update({f"{name}.{axis}": value for axis, value in socket.further})
        return found


def units(cell: Cell, outcome: Outcome) -> Iterator[Unit]:
    """Yield the facts that were measured of a cell, none for an outcome that tells no single one."""
    if outcome.word in UNMEASURED:
        return
    if not cell.sockets:
        yield Unit(WHOLE, cell, "", cell_headline(cell, outcome), cell.axes)
        return
    yield Unit(EXIST, cell, "", ABSENT if outcome.absent else THERE, cell.axes)
    if outcome.absent:
        return
    sockets = dict(zip(cell.receivers, cell.sockets, strict=True))
    bound = [name for name in sockets if not outcome.failed.get(name, "").startswith(_UNBOUND)]
    yield from _in_turn(BIND, cell, sockets, outcome, _UNBOUND)
    opened = bound
    if cell.axes.get("transport") == "tcp":
        yield from _in_turn(LISTEN, cell, {name: sockets[name] for name in bound}, outcome, ("listen ",))
        opened = [name for name in bound if not outcome.failed.get(name, "").startswith("listen ")]
    for name in opened:
        failure = outcome.failed.get(name, "")
        refused = failure.startswith("join ")
        if not refused and sockets[name].get("join", NO_OPTION) == NO_OPTION:
            continue
        answer = f"refused at {failure}" if refused else ALLOWED
        yield Unit(JOIN, cell, name, answer, {**cell.axes, **own_values(sockets[name])})
    yield from _sent(cell, sockets, opened, outcome)


def _in_turn(
    facet: str, cell: Cell, sockets: Mapping[str, Socket], outcome: Outcome, failures: tuple[str, ...]
) -> Iterator[Unit]:
    """Yield whether each socket was refused, beside those before it that were not."""
    earlier: list[Socket] = []
    about = {axis: cell.axes[axis] for axis in ("transport", "listen") if axis in cell.axes}
    for name, socket in sockets.items():
        failure = outcome.failed.get(name, "")
        refused = failure.startswith(failures)
        answer = f"refused at {failure}" if refused else ALLOWED
        values = {**about, **own_values(socket), **relations.beside(socket, earlier)}
        yield Unit(facet, cell, name, answer, values)
        if not refused:
            earlier.append(socket)


def _sent(
    cell: Cell, sockets: Mapping[str, Socket], opened: Sequence[str], outcome: Outcome
) -> Iterator[Unit]:
    for label in sorted({*outcome.send, *outcome.connect, *outcome.delivery, *outcome.unsent}):
        dest = label or cell.axes.get("dest", "")
        about = {**cell.axes, "dest": dest, "dest-class": addresses.class_of(dest)}
        about["opened"] = "all" if len(opened) == len(sockets) else "some" if opened else "none"
        error = outcome.send.get(label) or outcome.connect.get(label)
        answer = f"refused ({error})" if error else "not sent" if label in outcome.unsent else SENT
        yield Unit(SEND, cell, label, answer, about)
        delivery = outcome.delivery.get(label)
        if delivery is not None:
            contest = Contest(cell, sockets, opened, dest)
            hears = _hears(delivery)
            for name in opened:
                values = {**about, **own_values(sockets[name]), **contest.values(name)}
                yield Unit(HEAR, cell, f"{label}, {name}" if label else name, hears(name), values)


def _hears(delivery: Delivery) -> Callable[[str], str]:
    """Return how to say what an open socket heard."""
    word, heard = delivery.word, delivery.heard
    if word == "all":
        return lambda _: "everything"
    if word == "none":
        return lambda _: "nothing"
    if word in ("duplicated", "uneven"):
        return lambda name: f"{word}: {_amount(delivery, name)}"
    own = "everything"
    if word == "spread":
        own = "its share" + (", by datagram" if delivery.by == "datagram" else "")
    elif delivery.place == "varies":
        own = "everything or nothing"
    return lambda name: own if name in heard else "nothing"


def _amount(delivery: Delivery, name: str) -> str:
    amount = "a part" if name in delivery.heard else "nothing"
    amount = "everything" if name in delivery.always else amount
    return f"{amount}, some of it twice" if name in delivery.copies else amount
