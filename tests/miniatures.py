"""Platforms small enough to predict: each performs a cell's steps and says what it "observed".

They speak the probe's JSON, so that whatever reads observations can be driven by them, on any
system and without a socket. Labelled acts all go well. `steps` builds the steps of a plain cell.
Standard library only: `fakeprobe.py` is a program made of them that starts in no time.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

SOURCE_PORTS = 21
RECEIVERS = "ABCDEFGHIKLMNOPQRTUVWXYZ"  # J is the bystander, S the sender
OPTIONS = {
    "addr": "SO_REUSEADDR",
    "port": "SO_REUSEPORT",
    "lb": "SO_REUSEPORT_LB",
    "exclusive": "EXCLUSIVE",
}
BROADCASTS = frozenset({"lobcast", "lonet", "subnet-bcast", "subnet-net", "limited"})
WILDCARDS = frozenset({"any4", "any6", "any6only", "mapped-any"})

Steps = list[tuple[str, list[list[Any]]]]


@dataclasses.dataclass(frozen=True)
class Socket:
    """A socket as far as the steps have come with it."""

    role: str
    kind: str = "udp4"
    options: frozenset[str] = frozenset()
    bind: str = ""
    listens: bool = False
    joined: bool = False

    @property
    def reuses(self) -> bool:
        """Whether any reuse option is set."""
        return bool(self.options)


@dataclasses.dataclass(frozen=True)
class Message:
    """One datagram or connection on its way. `repetition` counts from 0."""

    dest: str
    number: int
    repetition: int

    @property
    def to_many(self) -> bool:
        """Whether the destination is a broadcast address or a group."""
        return self.dest in BROADCASTS or self.dest.startswith("group")


Refuse = Callable[[Socket, list[Socket]], str]
Hear = Callable[[Message, list[Socket]], list[str]]


def _never(_socket: Socket, _others: list[Socket]) -> str:
    return ""


@dataclasses.dataclass(frozen=True)
class Platform:
    """A platform made of two rules.

    `refuse`: the failure of binding a socket beside those that are bound, empty if it may. `hear`:
    the roles, of open sockets, that a message reaches, one as often as it gets it.
    """

    name: str
    hear: Hear
    refuse: Refuse = _never
    lacks: frozenset[str] = frozenset()
    hangs: str = ""

    def observe(self, steps: Steps, repetition: int = 0) -> dict[str, Any]:
        """Perform `steps`; return the raw observation of one repetition."""
        if self.hangs:
            return {"inconclusive": self.hangs}
        sockets: dict[str, Socket] = {}
        roles: dict[str, str] = {}
        sends: dict[str, Any] = {}
        notes: dict[str, str] = {}
        for actor, operations in steps:
            role = actor.partition("@")[0]
            for operation in operations:
                call = operation[0]
                if call == "note":
                    notes[operation[1]] = "ok"
                    continue
                if call == "set" and operation[1] in self.lacks:
                    return {"absent": operation[1]}
                if call in ("send", "connect"):
                    label, dest = operation[1:3]
                    opened = [s for s in sockets.values() if s.listens or call == "send"]
                    sends[label] = self._deliver(dest, opened, repetition, connects=call == "connect")
                elif roles.get(role, "ok") == "ok":
                    roles[role] = self._perform(role, operation, sockets) or "ok"
        told = {"notes": notes} if notes else {}
        return {"roles": roles, "sends": {label: send for label, send in sends.items() if send}, **told}

    def seen(self, steps: Steps, repeat: int = 3) -> list[list[Any]]:
        """Return what a probe answers: (count, observation), equal observations counted once."""
        found: list[list[Any]] = []
        for repetition in range(repeat):
            observation = self.observe(steps, repetition)
            for entry in found:
                if entry[1] == observation:
                    entry[0] += 1
                    break
            else:
                found.append([1, observation])
        return found

    def _perform(self, role: str, operation: list[Any], sockets: dict[str, Socket]) -> str:
        call = operation[0]
        socket = sockets.get(role, Socket(role))
        others = [other for other in sockets.values() if other.role != role and other.bind]
        if call == "socket":
            socket = Socket(role, operation[1])
        elif call == "set" and operation[2] and operation[1].startswith(("SO_REUSE", "EXCL")):
            socket = dataclasses.replace(socket, options=socket.options | {operation[1]})
        elif call == "bind":
            socket = dataclasses.replace(socket, bind=operation[1])
            failure = self.refuse(socket, others)
            if failure:
                sockets.pop(role, None)
                return failure
        elif call == "listen":
            socket = dataclasses.replace(socket, listens=True)
        elif call == "join":
            socket = dataclasses.replace(socket, joined=True)
        sockets[role] = socket
        return ""

    def _deliver(
        self, dest: str, sockets: list[Socket], repetition: int, *, connects: bool
    ) -> dict[str, Any]:
        opened = [socket for socket in sockets if socket.bind and socket.role not in "JXYZ"]
        heard: dict[str, int] = {}
        again: dict[str, int] = {}
        sent = refused = 0
        for number in range(0, 2 * SOURCE_PORTS, 2 if connects else 1):
            bit = 1 << number
            reached = self.hear(Message(dest, number, repetition), opened) if opened else []
            if connects and not reached:
                refused |= bit
                continue
            sent |= bit
            for role in reached:
                if heard.get(role, 0) & bit:
                    again[role] = again.get(role, 0) | bit
                heard[role] = heard.get(role, 0) | bit
        record = {
            "sent": f"{sent:x}",
            "heard": {role: f"{bits:x}" for role, bits in heard.items()},
            "again": {role: f"{bits:x}" for role, bits in again.items()},
            "refused": f"{refused:x}",
        }
        return {key: value for key, value in record.items() if value not in ({}, "0")}


def _second(socket: Socket, _others: list[Socket]) -> str:
    return "bind EADDRINUSE" if RECEIVERS.index(socket.role) % 2 else ""


def _bsd_refuse(socket: Socket, others: list[Socket]) -> str:
    """SO_REUSEPORT on all of them, or different addresses and no bare wildcard among them."""
    for other in others:
        if all("SO_REUSEPORT" in one.options for one in (socket, other)):
            continue
        same = socket.bind == other.bind
        wildcard = bool({socket.bind, other.bind} & WILDCARDS)
        if same or (wildcard and not socket.reuses):
            return "bind EADDRINUSE"
    return ""


def _bsd_hear(message: Message, sockets: list[Socket]) -> list[str]:
    """Let all that match hear what goes to many, the last of the most specific the rest."""
    matching = [one for one in sockets if one.bind == message.dest or one.bind in WILDCARDS]
    if message.to_many:
        return [one.role for one in matching]
    exact = [one for one in matching if one.bind == message.dest]
    return [one.role for one in (exact or matching)[-1:]]


def _names(sockets: list[Socket]) -> list[str]:
    return [socket.role for socket in sockets]


def _by_port(message: Message, sockets: list[Socket]) -> list[str]:
    return _names(sockets)[(message.number >> 1) % len(sockets) :][:1]


EVERYTHING = Platform("everything hears", lambda _, sockets: _names(sockets))
LAST = Platform("the last hears", lambda _, sockets: _names(sockets)[-1:])
FIRST = Platform("the first hears", lambda _, sockets: _names(sockets)[:1])
NOBODY = Platform("nobody hears", lambda _message, _sockets: [])
FICKLE = Platform(
    "another one hears in each repetition",
    lambda message, sockets: [_names(sockets)[message.repetition % len(sockets)]],
)
ALL_BUT_ONE = Platform("all but the last hear", lambda _, sockets: _names(sockets)[:-1])
REFUSES = Platform("refuses every second bind", EVERYTHING.hear, _second)
BSD = Platform("BSD-like", _bsd_hear, _bsd_refuse, frozenset({"SO_REUSEPORT_LB"}))
SPREADS = Platform("spreads by source port", _by_port)
ROUND_ROBIN = Platform(
    "spreads by datagram", lambda m, sockets: [_names(sockets)[m.number % len(sockets)]]
)
LIES = Platform("hands out everything twice", lambda _, sockets: _names(sockets) * 2)
LOSES = Platform(
    "loses what comes from every third source port",
    lambda m, sockets: [] if (m.number >> 1) % 3 == 2 else _names(sockets),
)
HANGS = Platform("hangs", EVERYTHING.hear, hangs="role A did not answer")

PLATFORMS = (
    EVERYTHING,
    LAST,
    FIRST,
    NOBODY,
    FICKLE,
    ALL_BUT_ONE,
    REFUSES,
    BSD,
    SPREADS,
    ROUND_ROBIN,
    LIES,
    LOSES,
    HANGS,
)


def steps(*sockets: str, dest: str = "lo4", kind: str = "udp4", labels: tuple[str, ...] = ("",)) -> Steps:
    """Return the steps of a cell: sockets as in its id ("any4.addr+port"), bound in this order.

    One send to `dest` for each label; TCP sockets listen, and the sender connects.
    """
    built: Steps = []
    for role, socket in zip(RECEIVERS[: len(sockets)], sockets, strict=True):
        bind, reuse = socket.split(".")
        options = [["set", OPTIONS[one], 1] for one in reuse.split("+") if one != "none"]
        listen = [["listen", 5]] if kind.startswith("tcp") else []
        built.append((role, [["socket", kind], *options, ["bind", bind], *listen]))
    call = "connect" if kind.startswith("tcp") else "send"
    built.append(("S", [[call, label, dest, {}] for label in labels]))
    return built


HELLO: dict[str, Any] = {
    "kind": "hello",
    "protocol": 2,
    "probe": {"version": "1", "sha256": "ab" * 32},
    "platform": {
        "os": "linux",
        "release": "6.12.1",
        "build": "#1 SMP",
        "stack": "linux",
        "arch": "x86_64",
        "python": "3.11.7",
        "privileges": "root",
    },
    "lab": {
        "kind": "private",
        "how": "root",
        "reason": None,
        "allow_lan": False,
        "interfaces": {"lo": {"kind": "loopback", "mtu": 65536, "flags": ["up"]}},
        "sysctls": {"net.ipv6.bindv6only": "0"},
    },
    "reuse": {"none": [[], None], "lb": [["SO_REUSEPORT_LB"], "SO_REUSEPORT_LB"]},
    "limits": {"slots": 256},
}
