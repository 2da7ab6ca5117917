"""From the steps of a cell to a program: what symbols stand for, and who may hear what.

The meaning of each operation is the probe's (probes/operations.py, memberships.py, voices.py, cells.py);
the addresses of a lab are those of the reference model's layouts, which are the probe's too.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from sockmatrix.delivery import bind_order
from sockmatrix.models.layouts import LO, Layout, layout
from sockmatrix.models.openness import Plan
from sockmatrix.models.prediction import Unpredicted
from sockmatrix.models.symbols import address_of, device_of, symbol_of
from sockmatrix.repro import network
from sockmatrix.repro.options import LACKING, level_of
from sockmatrix.repro.program import (
    NO_DEVICE,
    Accept,
    Ask,
    Balance,
    Bind,
    Call,
    Connect,
    Device,
    End,
    Endpoint,
    GetOption,
    Inet,
    Inexpressible,
    Linger,
    Listen,
    Member,
    Open,
    Option,
    Plainly,
    Port,
    Program,
    Receive,
    Send,
    SetOption,
    Speak,
    Speech,
    Step,
    Turn,
    Value,
    Voice,
)
from sockmatrix.script import symbols
from sockmatrix.script.arguments import OWN_PORT
from sockmatrix.script.compiler import SENDER, labels
from sockmatrix.script.writer import write

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sockmatrix.cell import Cell
    from sockmatrix.table import Table

USERS = {"u1": 40001, "u2": 40002}
"""User ids of the places u1 and u2: nobody's."""

DOUBT = 1e-9
"""Chance that a spread over several sockets is taken for less (probes/stages.py)."""

_BUFFER = 2048
_SOCKETS = {
    "udp4": ("AF_INET", "SOCK_DGRAM"),
    "udp6": ("AF_INET6", "SOCK_DGRAM"),
    "tcp4": ("AF_INET", "SOCK_STREAM"),
    "tcp6": ("AF_INET6", "SOCK_STREAM"),
    "unix-stream": ("AF_UNIX", "SOCK_STREAM"),
    "unix-dgram": ("AF_UNIX", "SOCK_DGRAM"),
}
# Destinations and addresses that need nothing but the loopback of a machine.
_ON_LOOPBACK = frozenset(
    {"any4", "lo4", "lo4b", "lonet", "lobcast", "any6", "any6only", "lo6", "mapped-any", "mapped-lo"}
    | {symbol for symbol in symbols.ADDRESSES if symbol.startswith("lo4-")}
)
_MEMBERS = {
    "join": (
        "IP_ADD_MEMBERSHIP",
        "IP_ADD_SOURCE_MEMBERSHIP",
        "IPV6_JOIN_GROUP",
        "MCAST_JOIN_SOURCE_GROUP",
    ),
    "leave": (
        *("IP_DROP_MEMBERSHIP", "IP_DROP_SOURCE_MEMBERSHIP", "IPV6_LEAVE_GROUP"),
        "MCAST_LEAVE_SOURCE_GROUP",
    ),
    "block": ("", "IP_BLOCK_SOURCE", "", "MCAST_BLOCK_SOURCE"),
    "unblock": ("", "IP_UNBLOCK_SOURCE", "", "MCAST_UNBLOCK_SOURCE"),
}

_GROUP_REQ = {"join": "MCAST_JOIN_GROUP", "leave": "MCAST_LEAVE_GROUP"}


def resolve(table: Table, cell: Cell, recorded: tuple[str, str] | None = None) -> Program:
    """Return the program of a cell; `recorded`: on which platform, and the headline.

    Raises Inexpressible.
    """
    steps = table.scenario.steps(cell)
    made = _Maker(steps, cell.lab)
    turns = made.turns(steps)
    script = tuple(write(steps))
    order = labels(cell.script) if cell.script else ()
    places = {label: place for place, label in enumerate(order)}

    def key(label: str) -> tuple[int, str]:
        return places.get(label, -1), label

    notes = [step.label for step in made.steps if step.label is not None]
    link = made.needs_link(steps)
    return Program(
        cell=cell.id,
        question=_about(table, cell),
        script=script,
        turns=turns,
        voices=tuple(made.voices),
        order=tuple(sorted(range(len(made.voices)), key=lambda n: key(made.voices[n].label))),
        notes=tuple(sorted(notes, key=key)),
        receivers=tuple(sorted(made.plan.hearing, key=bind_order)),
        network=network.commands(made.layout, ipv6=made.ipv6) if link else network.LOOPBACK,
        link=link,
        names=made.names(),
        devices=made.devices(link=link),
        local_range=made.layout.hosts[network.HOME].port_range,
        named=bool(cell.script),
        lacking=next((one for one in LACKING.values() if made.sets(one)), ""),
        users=made.users,
        hosts=made.hosts,
        recorded=recorded,
    )


def ports_to_meet(sockets: int) -> int:
    """Return how many source ports meet each of `sockets` sockets but for one case in a billion.

    The coupon collector's bound, as in probes/stages.py.
    """
    if sockets < 2:
        return 2
    return math.ceil(math.log(sockets / DOUBT) / -math.log(1 - 1 / sockets))


def _about(table: Table, cell: Cell) -> str:
    name = cell.axes.get("case")
    return next((case.about for case in table.cases if case.name == name), table.question)


@dataclass
class _Maker:
    """Follows the steps of one cell."""

    steps_given: list[list[Any]]
    lab: str
    voices: list[Voice] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    users: dict[str, int] = field(default_factory=dict)
    hosts: dict[str, str] = field(default_factory=dict)
    host: str = network.HOME
    ipv6: bool = False
    met: dict[str, None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.plan = Plan(self.steps_given)
        self.kinds: dict[str, str] = {}
        try:
            self.layout: Layout = layout(self.lab)
        except Unpredicted as error:
            raise Inexpressible(f"lab {self.lab}", f"it is not known here: {error}") from error

    # --- turns ------------------------------------------------------------------------------------

    def turns(self, steps: list[list[Any]]) -> tuple[Turn | End | Speech, ...]:
        """Return the turns of the program."""
        found: list[Turn | End | Speech] = []
        texts = [line.partition(": ")[2].split("; ") for line in write(steps)]
        for (actor, operations), words in zip(steps, texts, strict=True):
            if actor == SENDER:
                self.host = network.HOME
                first = len(self.voices)
                for operation, text in zip(operations, words, strict=True):
                    self._try(text, self._staged, operation)
                found.append(Speech(tuple(range(first, len(self.voices)))))
                continue
            who, _, place = actor.partition("@")
            process = who.partition(".")[0]
            self.host = place if place in self.layout.hosts else network.HOME
            if place in USERS:
                self.users[process] = USERS[place]
            elif place:
                self._try(actor, self._on_host, process, place)
            self.plan.follow(actor, operations)
            if operations[0][0] in ("exit", "kill"):
                found.append(End(process, operations[0][0]))
                continue
            turn = Turn(
                who,
                tuple(self._step(who, one, text) for one, text in zip(operations, words, strict=True)),
                place,
            )
            self.steps += turn.steps
            found.append(turn)
        return tuple(found)

    def _on_host(self, process: str, place: str) -> None:
        if place not in self.layout.hosts:
            raise KeyError(place)
        self.hosts[process] = place

    def _try(self, text: str, act: Any, *arguments: Any) -> Any:
        try:
            return act(*arguments)
        except (KeyError, StopIteration):
            raise Inexpressible(text, f"the lab {self.lab} lacks what it needs") from None

    def _step(self, who: str, operation: list[Any], text: str) -> Step:
        label = None
        if operation[0] == "note":
            label, operation = operation[1], operation[2]
        name, *arguments = operation
        call = self._try(text, self._call, who, text, label, name, arguments)
        said = {"tell": "send", "speak": "send", "set": f"set {arguments[0] if arguments else ''}"}.get(
            name, name
        )
        return Step(label, said, call, text)

    def _call(self, who: str, text: str, label: str | None, name: str, arguments: list[Any]) -> Call:
        how = arguments[-1] if arguments and isinstance(arguments[-1], dict) else {}
        plain = arguments[:-1] if how else arguments
        kind = self.kinds.get(who, "")
        if name == "socket":
            self.kinds[who] = plain[0]
            self.ipv6 |= plain[0].endswith("6")
            return Open(*_SOCKETS[plain[0]])
        if name == "set":
            return SetOption(level_of(plain[0]), self._value(text, plain[0], plain[1]))
        if name == "get":
            return GetOption(level_of(plain[0]), _TOLD.get(plain[0], "number"))
        if name == "bind":
            return Bind(
                self._endpoint(plain[0], *plain[1:2], on=how.get("on")), hears=kind.startswith("udp")
            )
        if name == "connect":
            return Connect(
                self._endpoint(plain[0], *plain[1:2], on=how.get("on")), stream=kind.startswith("tcp")
            )
        if name == "listen":
            return Listen(plain[0] if plain else 128)
        if name in _MEMBERS:
            return self._member(name, plain[0], plain[1], how)
        if name == "tell":
            return self._tell(label or "x", *plain[:2], how=how)
        if name == "speak":
            return self._own_voice(*plain)
        if name == "receive":
            return Receive(plain[:1] == ["all"], how.get("size", _BUFFER), tuple(how.get("flags", ())))
        if name == "accept":
            self.kinds[f"{who.partition('.')[0]}.{plain[0]}"] = "tcp"
            return Accept(f"{who.partition('.')[0]}.{plain[0]}")
        if name == "balance":
            return Balance(plain[0])
        if name in ("route", "sysctl", "flags"):
            of: Mapping[str, Callable[[str], str]] = {
                "route": self._address,
                "sysctl": str,
                "flags": self._device,
            }
            return Ask(name, of[name](plain[0]))
        if name in _PLAIN:
            return Plainly(name)
        raise Inexpressible(text, "it is no operation of such programs")

    # --- voices -----------------------------------------------------------------------------------

    def _staged(self, operation: list[Any]) -> None:
        name, label, symbol, *more = operation
        profile: Mapping[str, Any] = more[0] if more else {}
        to = self._endpoint(symbol, profile.get("port", OWN_PORT))
        self.ipv6 |= to.version6
        chosen: list[tuple[Option, Value]] = []
        if profile.get("broadcast"):
            chosen.append((level_of("SO_BROADCAST"), 1))
        if symbol in symbols.GROUPS and name == "send":
            start = "IPV6_" if to.version6 else "IP_"
            via = profile.get("via")
            if via and via != "none":
                value = self._value(symbol, f"{start}MULTICAST_IF", via)
                chosen.append((level_of(f"{start}MULTICAST_IF"), value))
            hops = "IPV6_MULTICAST_HOPS" if to.version6 else "IP_MULTICAST_TTL"
            # Linux's defaults are 1 and 1 (ip(7), ipv6(7)).
            chosen += [
                (level_of(option), profile[key])
                for key, option in (("ttl", hops), ("loop", f"{start}MULTICAST_LOOP"))
                if key in profile
            ]
        self._voice(Voice(label, to, (), 0, connects=name == "connect", options=tuple(chosen)))

    def _own_voice(self, label: str, symbol: str, port: str | int, times: int) -> Speak:
        to = self._endpoint(symbol, port)
        self._voice(Voice(label, to, (), 1, own=True))
        return Speak(len(self.voices) - 1, to, times)

    def _tell(
        self, said: str, symbol: str | None, port: str | int | None = None, *, how: Mapping[str, Any]
    ) -> Send:
        to = None
        if symbol is not None:
            to = self._endpoint(symbol, OWN_PORT if port is None else port, on=how.get("on"))
        source = self._address(how["source"]) if how.get("source") else ""
        return Send(to, said, how.get("size"), tuple(how.get("flags", ())), source)

    def _voice(self, voice: Voice) -> None:
        port = voice.to.port
        offset = port.number if port.own else 0
        receivers = [one for one in self.plan.hearing if one not in self.plan.closed(offset)]
        ports = 1 if voice.own else ports_to_meet(len(receivers))
        if voice.connects and len(receivers) < 2:
            ports = 1
        self.voices.append(
            replace(voice, receivers=tuple(sorted(receivers, key=bind_order)), ports=ports)
        )

    # --- addresses --------------------------------------------------------------------------------

    def _address(self, symbol: str) -> str:
        found = address_of(self.layout, self.layout.hosts[self.host], symbol)
        self.met.setdefault(found)
        return found

    def _device(self, interface: str) -> str:
        if interface == "bad":
            return NO_DEVICE
        if interface == "none":
            return ""
        device = device_of(interface)
        if device not in self.layout.hosts[self.host].devices:
            raise KeyError(interface)
        return network.device_name(self.host, device)

    def _ipv4(self, interface: str) -> str:
        if interface == "bad":
            return self._address("nonlocal4")
        return self.layout.hosts[self.host].devices[device_of(interface)].address(4)

    def _endpoint(self, symbol: str, port: str | int = OWN_PORT, *, on: str | None = None) -> Endpoint:
        text = str(port)
        own = text.startswith("P")
        number = int(text[2:] or 0) if own else int(text)
        device = self._device(on) if on else None
        if symbol == "link6" and not on:
            device = self._device("if6")
        return Endpoint(self._address(symbol), Port(number, own), device)

    def _value(self, text: str, option: str, given: int | str) -> Value:
        """Return the value of an option as resolver.Resolver.option in the probe does."""
        if isinstance(given, int) or given.lstrip("-").isdigit():
            if option == "IP_MULTICAST_IF":
                raise Inexpressible(text, "it gives a number for an address")
            return Linger(int(given)) if option == "SO_LINGER" else int(given)
        how, _, symbol = given.rpartition(":")
        if option == "SO_BINDTODEVICE":
            return Device(self._device(symbol), "name")
        if option in ("SO_BINDTOIFINDEX", "IPV6_MULTICAST_IF"):
            return Device(self._device(symbol), "index")
        if option in ("IP_UNICAST_IF", "IPV6_UNICAST_IF"):
            return Device(self._device(symbol), "network")
        if how == "index":
            return Device(self._device(symbol), "mreqn")
        if symbol == "none":
            return Inet("0.0.0.0")  # noqa: S104 - no interface
        if symbol in symbols.INTERFACES:
            return Inet(self._ipv4(symbol))
        return Inet(self._address(symbol))

    def _member(self, call: str, symbol: str, interface: str, how: Mapping[str, str]) -> Member:
        """Return a call on a membership, as memberships.parts in the probe does."""
        by, source = how.get("by", "address"), how.get("source")
        group = self._address(symbol)
        plain, of_source, plain6, of_source6 = _MEMBERS[call]
        if by == "group-req":
            option = Option("IPPROTO_IPV6" if ":" in group else "IPPROTO_IP", _GROUP_REQ[call])
            return Member(call, option, "group", group, device=self._device(interface))
        if ":" in group:
            device = "" if by == "any" else self._device(interface)
            if source is None:
                return Member(call, level_of(plain6), "mreq6", group, device=device)
            option = Option("IPPROTO_IPV6", of_source6)
            return Member(call, option, "source6", group, device=device, source=self._address(source))
        anywhere = "0.0.0.0"  # noqa: S104 - no interface
        if source is not None:
            local = anywhere if by == "any" else self._ipv4(interface)
            return Member(call, level_of(of_source), "source", group, local, source=self._address(source))
        if by == "any":
            return Member(call, level_of(plain), "mreq", group, anywhere)
        if by == "index" or interface == "bad":
            return Member(call, level_of(plain), "mreqn", group, device=self._device(interface))
        return Member(call, level_of(plain), "mreq", group, self._ipv4(interface))

    # --- the whole --------------------------------------------------------------------------------

    def sets(self, option: str) -> bool:
        """Tell whether a step sets or reads an option."""
        return any(
            step.call.option.name == option
            for step in self.steps
            if isinstance(step.call, SetOption | GetOption)
        )

    def needs_link(self, steps: list[list[Any]]) -> bool:
        """Tell whether the cell needs more than the loopback of a machine."""
        if self.lab != "plain" or self.hosts:
            return True
        words = {word for _, operations in steps for one in operations for word in _words(one)}
        places = {*symbols.ADDRESSES, *symbols.INTERFACES} - _ON_LOOPBACK - {"lo", "none", "bad"}
        asks = any(isinstance(step.call, Ask) for step in self.steps)
        return asks or bool(words & places) or any(w.startswith("index:") for w in words)

    def names(self) -> dict[str, str]:
        """Return what notes call the addresses that may occur in them."""
        found = dict.fromkeys(["0.0.0.0", "127.0.0.1", *(["::", "::1"] if self.ipv6 else [])])  # noqa: S104
        for host in self.layout.hosts.values():
            for device in list(host.devices.values())[1:]:
                found.update(dict.fromkeys(address for address, *_ in device.v4))
                if self.ipv6:
                    found.update(dict.fromkeys(address for address, _ in device.v6))
        found.update(self.met)
        if self.ipv6:
            found.update(dict.fromkeys(f"::ffff:{one}" for one in list(found) if ":" not in one))
        return {address: symbol_of(self.layout, address) for address in found}

    def devices(self, *, link: bool) -> dict[str, str]:
        """Return what notes call devices, by their names."""
        home = self.layout.hosts[network.HOME]
        return {network.device_name(home.name, one): one for one in home.devices if link or one == LO}


_TOLD: dict[str, Any] = {
    "SO_ERROR": "error",
    "IP_MULTICAST_IF": "address",
    "SO_BINDTODEVICE": "device",
    "IPV6_MULTICAST_IF": "index",
}
_PLAIN = frozenset(
    {
        *("disconnect", "name", "peer", "shutdown", "close", "reset", "unbalance"),
        *("errors", "pending", "poll", "waits", "asyncio-reuse-address"),
    }
)


def _words(operation: Any) -> list[str]:
    if isinstance(operation, dict):
        operation = list(operation.values())
    if isinstance(operation, list):
        return [word for one in operation for word in _words(one)]
    return [str(operation)]
