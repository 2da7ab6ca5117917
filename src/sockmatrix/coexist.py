"""Programs beside each other on one port: who may bind, in either order, and who then hears what.

Every answer is looked up in the cells of the tables (`evidence.py`): the pair of sockets in bind order,
as one user or as two. What no table has is predicted for Linux and not known elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias, final

from sockmatrix.cell import Socket, make_cell
from sockmatrix.evidence import KINDS
from sockmatrix.scenarios import addresses

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sockmatrix.cell import Cell
    from sockmatrix.evidence import Evidence, Kind, Knowledge
    from sockmatrix.table import Table

TABLES = ("bind-conflicts", "fan-out", "loopback-broadcast", "users")

Order: TypeAlias = Literal["theirs first", "mine first"]
ORDERS: tuple[Order, ...] = ("theirs first", "mine first")

MINE = "you"

SHARED = "one of them, shared out"
"""How it is said that every socket gets a part of the datagrams or connections."""


@final
@dataclass(frozen=True, slots=True)
class Program:
    """A program: what it is called, what it binds, and its options.

    `reuse` when others bind beside it; `reuse_second` when it binds beside others, for there are
    programs that set options only after they have bound, or only when a bind has failed.
    """

    name: str
    bind: str
    reuse: str
    reuse_second: str

    def socket(self, place: int, **further: str) -> Socket:
        """Return its socket at a place in bind order, with further axes."""
        return Socket(self.bind, self.reuse_second if place else self.reuse, tuple(further.items()))


@final
@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked: programs that are there, mine, and whether they are of one user."""

    theirs: tuple[Program, ...]
    mine: Program
    transport: str = "udp"
    same_user: bool = True

    def programs(self, order: Order) -> tuple[Program, ...]:
        """Return all programs in bind order."""
        return (*self.theirs, self.mine) if order == ORDERS[0] else (self.mine, *self.theirs)

    def names(self, order: Order) -> tuple[str, ...]:
        """Return what they are called in answers, in bind order."""
        count = len(self.theirs)
        theirs = ["they"] if count == 1 else [f"no. {number}" for number in range(1, count + 1)]
        return (*theirs, MINE) if order == ORDERS[0] else (MINE, *theirs)


@final
@dataclass(frozen=True, slots=True)
class Answer:
    """Words about one order, by name of program, and the evidence; none where nothing is known."""

    words: tuple[str, ...]
    evidence: Evidence | None = None

    @property
    def kind(self) -> Kind:
        """What kind of evidence it stands on."""
        return self.evidence.kind if self.evidence else "unknown"


@final
@dataclass(frozen=True, slots=True)
class Row:
    """A destination in words, its class, and who hears it in either order (None: nobody binds)."""

    what: str
    kind: str
    heard: Mapping[Order, Answer | None]


@final
@dataclass(frozen=True, slots=True)
class Answers:
    """What is known on one system. `bind`: by order, the errno of each that is refused, or "ok"."""

    system: str
    bind: Mapping[Order, Answer]
    rows: tuple[Row, ...]

    def may(self, order: Order) -> bool | None:
        """Tell whether all may bind in an order, None if that is not known."""
        words = self.bind[order].words
        return None if not words else all(word == "ok" for word in words)


_ROWS = {
    "lo4": "unicast to 127.0.0.1",
    "if4": "unicast to the interface",
    "lo6": "unicast to ::1",
    "if6": "unicast to the interface, IPv6",
    "lobcast": "broadcast to 127.255.255.255",
    "subnet-bcast": "broadcast to the subnet",
    "limited": "broadcast to 255.255.255.255",
    "if4 group4": "multicast by the interface",
    "lo4 group4": "multicast by the loopback interface",
}


@final
class Neighbours:
    """Looks up what is known of programs beside each other."""

    def __init__(self, knowledge: Knowledge, tables: Mapping[str, Table], asked: Asked) -> None:
        """`tables` are those of `TABLES`, by name."""
        self._knowledge = knowledge
        self._tables = tables
        self._asked = asked

    def answers(self, system: str) -> Answers:
        """Return what is known on a system."""
        binds = {order: self._bind(order, system) for order in ORDERS}
        rows = []
        for key, words in _ROWS.items():
            dest = key.rpartition(" ")[2]
            heard = {
                order: None if _refused(binds[order]) else self._heard(key, order, system)
                for order in ORDERS
            }
            if any(one is not None for one in heard.values()) and any(self._cells(key, ORDERS[0])):
                rows.append(Row(*self._words(words, addresses.class_of(dest)), heard))
        return Answers(system, binds, tuple(rows))

    def _words(self, words: str, kind: str) -> tuple[str, str]:
        if self._asked.transport == "udp":
            return words, kind
        return words.replace("unicast", "connections"), "connections"

    def _bind(self, order: Order, system: str) -> Answer:
        cell = self._pair(order)
        for evidence in self._knowledge.known(cell, system):
            words = tuple(evidence.opened(role) for role in evidence.shape.receivers)
            if all(words) or any(word not in ("", "ok") for word in words):
                return Answer(words, evidence)
        return Answer(())

    def _heard(self, key: str, order: Order, system: str) -> Answer:
        names = dict(zip("ABCDEFGH", self._asked.names(order), strict=False))
        found = [
            (evidence, label)
            for cell, label in self._cells(key, order)
            for evidence in self._knowledge.known(cell, system)
        ]
        for evidence, label in sorted(found, key=lambda pair: KINDS.index(pair[0].kind)):
            words = evidence.heard(label)
            if words:
                own = ("one",) if set(words) == {"one", "spread"} else words
                return Answer(tuple(_named(word, names) for word in own), evidence)
        return Answer(())

    def _pair(self, order: Order) -> Cell:
        """Return the cell of the programs' sockets in an order, as one user or as two."""
        asked = self._asked
        table = self._tables["bind-conflicts" if asked.same_user else "users"]
        mine = len(asked.theirs) if order == ORDERS[0] else 0

        def user(place: int) -> dict[str, str]:
            # User 1 and user 2 are alike but for their ids: the first is always user 1.
            return {"user": "u1" if (place == mine) is (mine == 0) else "u2"}

        sockets = [
            one.socket(place, **({} if asked.same_user else user(place)))
            for place, one in enumerate(asked.programs(order))
        ]
        listen = "at-once" if asked.transport == "tcp" or not asked.same_user else "after"
        axes = {"transport": asked.transport, "listen": listen, "via": "if4"}
        return make_cell(table, {name: axes[name] for name in table.axes}, sockets)

    def _cells(self, key: str, order: Order) -> Iterator[tuple[Cell, str]]:
        """Yield the cells that tell who hears a destination, and the label there."""
        asked = self._asked
        via, _, dest = key.rpartition(" ")
        programs = asked.programs(order)
        binds = [one.bind for one in programs]
        if not via and dest in addresses.destinations(binds):
            yield self._pair(order), dest
        if asked.transport == "tcp" or any(bind in addresses.IPV6_SOCKETS for bind in binds):
            return
        name = "loopback-broadcast" if dest in ("lo4", "lobcast") else "fan-out"
        if dest in ("lo6", "if6"):
            return
        table = self._tables[name]
        join = {"join": via or "none"} if name == "fan-out" else {}
        own = {"dest": dest, "broadcast": "on", "via": via or "if4", "bystander": "none"}
        sockets = [one.socket(place, **join) for place, one in enumerate(programs)]
        yield make_cell(table, {axis: own[axis] for axis in table.axes}, sockets), ""


def _refused(bind: Answer) -> bool:
    return any(word not in ("", "ok") for word in bind.words)


def _named(word: str, names: Mapping[str, str]) -> str:
    """Return a word of claims about who heard, with the programs' names."""
    name, _, rest = word.partition(":")
    everybody = list(names.values())

    def together(some: Sequence[str]) -> str:
        return " + ".join(sorted(some, key=lambda one: (one == MINE, one)))

    if name == "all":
        return together(everybody)
    if rest in ("first", "last"):
        return everybody[0 if rest == "first" else -1]
    if name in ("only", "one") and rest[:1].isupper():
        return together([names[role] for role in rest.split("+")])
    if name == "hears":
        return f"{names[rest]} at least"
    if name == "not":
        return f"not {names[rest]}"
    return {"spread": SHARED, "one": "one of them", "none": "nobody"}.get(name, name)
