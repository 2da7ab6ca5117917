"""Where programs meet: what is sent to, what receivers bind, and which cells tell what comes of it."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias, final

from sockmatrix.cell import Socket, make_cell
from sockmatrix.claims.expect import parse
from sockmatrix.scenarios import addresses

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sockmatrix.cell import Cell
    from sockmatrix.claims.expect import Term
    from sockmatrix.table import Table

Deliver: TypeAlias = Literal["all", "one"]

TABLES = ("fan-out", "loopback-broadcast", "bind-conflicts", "users", "multicast6")
"""The tables whose cells tell what comes of a configuration."""

GROUP, GROUP6 = "group4", "group6-site"

_SHARED6 = "multicast6/case:reuse-and-multicast-all/who-joins:both/options:{reuse}"
_ALONE6 = "multicast6/case:join/joins:if6"
_SHARED6_REUSE = ("addr", "port", "addr+port")
"""Two receivers that joined an IPv6 group on the interface, with these options; and one."""

_HOST, _LINK = "loopback", "lan"

_DESTINATIONS: dict[str, tuple[tuple[str, ...], str]] = {
    "lo4": (("any4", "lo4"), _HOST),
    "lobcast": (("any4", "lobcast", "lo4"), _HOST),
    "if4": (("any4", "if4"), _LINK),
    "subnet-bcast": (("any4", "subnet-bcast", "if4"), _LINK),
    "limited": (("any4", "limited", "if4"), _LINK),
    "lo6": (("any6only", "any6", "lo6"), _HOST),
    "if6": (("any6only", "any6", "if6"), _LINK),
}
"""What receivers may bind for each destination, and how far that reaches."""

DESTINATIONS = (*_DESTINATIONS, GROUP, GROUP6)

SCOPES = (_HOST, _LINK, "unicast", "broadcast", "multicast")
"""What a user may call several destinations at once."""

_PREFERRED: dict[Deliver, tuple[str, ...]] = {
    "all": (GROUP, GROUP6, "lobcast", "subnet-bcast", "limited", "if4", "lo4", "if6", "lo6"),
    "one": ("lo4", "if4", "lo6", "if6", GROUP, GROUP6, "lobcast", "subnet-bcast", "limited"),
}
"""Of configurations that are known equally well: for all, a group comes first, for it reaches only those
that asked for it, whatever network there is; for one, unicast does."""


@final
@dataclass(frozen=True, slots=True)
class Question:
    """A cell and what must hold in it. One that is `only_veto` counts only where it is known not to."""

    cell: Cell
    terms: tuple[Term, ...]
    only_veto: bool = False


@final
@dataclass(frozen=True, slots=True)
class Place:
    """What is sent to, what every receiver binds, and the interface of a group, if it is one."""

    transport: str
    dest: str
    bind: str
    via: str = ""

    @property
    def kind(self) -> addresses.Class:
        """The class of the destination."""
        return addresses.class_of(self.dest)

    @property
    def scope(self) -> str:
        """How far it reaches: this machine, or its link too."""
        return _HOST if self.via == "lo4" or _DESTINATIONS.get(self.dest, ((), ""))[1] == _HOST else _LINK

    def preference(self, deliver: Deliver) -> tuple[int, int, int]:
        """Return the sort key among configurations that are known equally well, the simplest first."""
        binds = ("any4", "any6only", "any6", self.dest)
        bind = binds.index(self.bind) if self.bind in binds else len(binds)
        return _PREFERRED[deliver].index(self.dest), self.via == "lo4", bind

    def delivery(self, tables: Mapping[str, Table], reuse: str, receivers: int) -> tuple[Cell, str]:
        """Return the cell of so many receivers with these options, and the label of what is sent."""
        if self.dest == GROUP6:
            # Of more than two, and of other options, the matrix tells only who may bind.
            if receivers == 1:
                return tables["multicast6"].cell(_ALONE6), ""
            if receivers == 2 and reuse in _SHARED6_REUSE:
                return tables["multicast6"].cell(_SHARED6.format(reuse=reuse)), ""
        if self.transport == "tcp" or self.dest in ("lo6", "if6", GROUP6):
            return self._conflict(tables["bind-conflicts"], reuse, receivers), self.dest
        table = tables["loopback-broadcast" if self.scope == _HOST and not self.via else "fan-out"]
        further = {"join": self.via or "none"} if table.name == "fan-out" else {}
        own = {"dest": self.dest, "broadcast": "on", "via": self.via or "if4", "bystander": "none"}
        axes = {name: own[name] for name in table.axes}
        socket = Socket(self.bind, reuse, tuple(further.items()))
        return make_cell(table, axes, [socket] * receivers), ""

    def questions(
        self,
        tables: Mapping[str, Table],
        reuse: str,
        deliver: Deliver,
        receivers: int,
        *,
        same_user: bool,
    ) -> Iterator[Question]:
        """Yield what must hold for a configuration to deliver as wanted, that of the delivery first.

        Documents speak of the option, of a lone socket and of pairs in cells of their own: what they
        forbid is a veto.
        """
        cell, label = self.delivery(tables, reuse, receivers)
        heard = parse(f"delivery{'.' * bool(label)}{label}={'all' if deliver == 'all' else 'one|spread'}")
        yield Question(cell, (heard, parse("bind.every=ok")))
        conflicts = tables["bind-conflicts"]
        wildcard = Place(self.transport, self.dest, "any4")
        for option in reuse.split("+"):
            lone = wildcard._conflict(conflicts, option, 1)
            yield Question(lone, (parse("exists=yes"),), only_veto=True)
        if receivers > 1:
            lone, label = self.delivery(tables, reuse, 1)
            terms = (parse("bind.A=ok"), parse(f"delivery{'.' * bool(label)}{label}=all"))
            yield Question(lone, terms, only_veto=True)
            yield Question(self._conflict(conflicts, reuse, 2), (parse("bind.B=ok"),), only_veto=True)
        if not same_user:
            table = tables["users"]
            sockets = [Socket(self.bind, reuse, (("user", user),)) for user in ("u1", "u2")]
            axes = {"transport": self.transport, "listen": "at-once"}
            yield Question(make_cell(table, axes, sockets), (parse("bind.B=ok"),))

    def _conflict(self, table: Table, reuse: str, receivers: int) -> Cell:
        listen = "at-once" if self.transport == "tcp" else "after"
        via = self.via if self.via in ("if4", "lo4") else "if4"
        axes = {"transport": self.transport, "listen": listen, "via": via}
        return make_cell(table, axes, [Socket(self.bind, reuse)] * receivers)


def places(transport: str = "udp", family: int = 4, wanted: tuple[str, ...] = ()) -> Iterator[Place]:
    """Yield the places of a transport and family; `wanted`: destinations or scopes, none for all."""
    for dest, (binds, _) in _DESTINATIONS.items():
        if ("6" in dest) is not (family == 6):
            continue
        if transport == "tcp" and addresses.class_of(dest) != "unicast":
            continue
        for bind in binds:
            place = Place(transport, dest, bind)
            if _is_wanted(place, wanted):
                yield place
    if transport == "udp" and family == 6:
        place = Place(transport, GROUP6, "any6", "if6")
        if _is_wanted(place, wanted):
            yield place
    if transport == "udp" and family == 4:
        for via, bind in itertools.product(("if4", "lo4"), ("any4", GROUP, "if4")):
            place = Place(transport, GROUP, bind, via)
            if (via, bind) != ("lo4", "if4") and _is_wanted(place, wanted):
                yield place


def _is_wanted(place: Place, wanted: tuple[str, ...]) -> bool:
    names = {place.dest, place.scope, place.kind}
    scopes = {one for one in wanted if one in (_HOST, _LINK)}
    others = {one for one in wanted if one not in scopes}
    return (not scopes or place.scope in scopes) and (not others or bool(names & others))
