"""Roles that answer the conductor's requests in memory: worlds small enough to predict.

A `World` takes the place of `process.RoleProcess`. It keeps to the request tuples of `probes/role.py` and
decides by a few small functions who hears a datagram, which bind is refused, when a role dies or goes
silent, whether the fence arrives. No process is started, no socket opened. Python 3.9.
"""

from __future__ import annotations

import collections
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import acts
import conductor
import counters
import crew
import groups
import lab
import limits
import nursery
import symbols
import trials
from interfaces import Interface
from opcodes import ACT, BEFORE_BOUND, BIND, LISTEN, SOCKET
from process import RoleLost

if TYPE_CHECKING:
    import pytest

LO = Interface("lo", 1, "127.0.0.1", None, "255.0.0.0", "::1", loopback=True)
LINK = Interface(
    "lab0", 2, "198.51.100.1", "198.51.100.255", "255.255.255.0", "2001:db8::1", loopback=False
)

WITHIN = limits.Limits(slots=1024, descriptors=4096, queued=20_000)
ROLES = "ABCDEFGHIKLMNOPQRTUVWXYZ"  # J is the bystander, S the sender

Told = tuple[dict[int, dict[str, str]], dict[int, list[tuple[int, int, str]]], list[int], "bool | None"]
"""What a role's acts told, as `talk.Told`."""

Hears = Callable[[str, list[str], int], list[str]]
"""(destination, open roles in bind order, sequence number) -> the roles that hear it."""


def everybody(_: str, opened: list[str], __: int) -> list[str]:
    """Deliver to all."""
    return opened


def nobody(_: str, __: list[str], ___: int) -> list[str]:
    """Deliver to none, not even a control."""
    return []


def last(_: str, opened: list[str], __: int) -> list[str]:
    """Deliver to the last one bound."""
    return opened[-1:]


def first(_: str, opened: list[str], __: int) -> list[str]:
    """Deliver to the first one bound."""
    return opened[:1]


def the_lone(_: str, opened: list[str], __: int) -> list[str]:
    """Deliver where nobody else is open: to a control, and to none of several."""
    return opened if len(opened) == 1 else []


def by_source_port(_: str, opened: list[str], number: int) -> list[str]:
    """Spread over the open sockets by source port."""
    return [opened[(number >> 1) % len(opened)]]


def by_datagram(_: str, opened: list[str], number: int) -> list[str]:
    """Spread over the open sockets one datagram after another."""
    return [opened[number % len(opened)]]


class World:
    """What the fake roles live in, what they were asked, and what befalls them.

    `refuses` (actor, port, operations) returns the failure of a program or None. `befalls` (role,
    request, operations of its programs) returns how the role is lost at that request, or nothing.
    `notes` (actor, act) returns what comes of an act. A further socket of a role is the actor `A.b`.
    """

    def __init__(self, hears: Hears = everybody) -> None:
        """Begin a world in which all goes well."""
        self.hears = hears
        self.refuses: Callable[[str, int, list[Any]], str | None] = lambda *_: None
        self.befalls: Callable[[str, str, list[Any]], str] = lambda *_: ""
        self.notes: Callable[[str, str], str] = lambda *_: "ok"
        self.fence: Callable[[], bool] = lambda: True
        self.send_errors: dict[str, str] = {}
        self.late: list[int] = []  # datagrams that turn up at the next closes
        self.lost_datagrams: Callable[[], int] = lambda: 0
        self.requests: list[tuple[str, tuple[Any, ...]]] = []
        self.started: dict[str, int] = collections.Counter()
        self.places: dict[str, dict[str, Any] | None] = {}
        self.alive: list[FakeRole] = []
        self.open: dict[int, list[str]] = {}
        self.inbox: dict[str, dict[int, dict[int, tuple[int, int]]]] = {}

    def role(
        self,
        name: str,
        nonce: bytes,
        cpu: int | None,
        place: dict[str, Any] | None = None,
        _child: object = None,
    ) -> FakeRole:
        """Start a role, as `RoleProcess(name, nonce, cpu, place, child)` does."""
        self.started[name] += 1
        self.places[name] = place
        role = FakeRole(self, name)
        self.alive.append(role)
        return role

    def deliver(self, trial: int, label: int, host: str, number: int) -> int:
        """Deliver one datagram or connection; return how many heard it."""
        opened = self.open.get(trial, [])
        hearers = self.hears(host, opened, number) if opened else []
        for name in hearers:
            found = self.inbox.setdefault(name, {}).setdefault(trial, {})
            heard, again = found.get(label, (0, 0))
            bit = 1 << number
            found[label] = (heard | bit, again | heard & bit)
        return len(hearers)

    def asked(self, name: str, request: str) -> list[tuple[Any, ...]]:
        """Return the arguments of every such request to a role, in order."""
        return [tuple(args) for who, (what, *args) in self.requests if (who, what) == (name, request)]

    def windows(self) -> list[dict[int, int]]:
        """Return for every send request how many datagrams each trial got."""
        found = []
        for entries, _, _ in self.asked("S", "send"):
            counts: dict[int, int] = collections.Counter()
            for _, trial, _, _, _, _, numbers in entries:
                counts[trial] += len(numbers)
            found.append(dict(counts))
        return found


class FakeRole:
    """One role of a world, with the methods of `process.RoleProcess`."""

    def __init__(self, world: World, name: str) -> None:
        """Join the world."""
        self.world = world
        self.name = name
        self.pid = 0
        self.lost = ""
        self._answers: collections.deque[Any] = collections.deque()
        self._programs: dict[int, list[Any]] = {}
        self._sockets: set[tuple[str, int]] = set()

    def post(self, *request: Any) -> None:
        """Take a request and have its answer ready."""
        if self.lost:
            raise RoleLost(self.lost)
        name, *arguments = request
        self.world.requests.append((self.name, request))
        operations = []
        if name == "do":
            self._programs.update(arguments[1])
            operations = [op for entry in arguments[0] for op in self._programs[entry[3]]]
        self.lost = self.world.befalls(self.name, name, operations)
        if not self.lost and name not in ("here", "exit"):
            self._answers.append(getattr(self, "_" + name.replace(" ", "_"))(*arguments))

    def take(self, patience: float) -> Any:
        """Return the next answer; those given before the role was lost still count."""
        if self._answers:
            return self._answers.popleft()
        raise RoleLost(self.lost or f"role {self.name} did not answer in {patience:g} s")

    def ask(self, *request: Any, patience: float) -> Any:
        """Post a request and take its answer."""
        self.post(*request)
        return self.take(patience)

    def wait(self, patience: float) -> None:
        """Wait for the end of a role that was told to exit."""
        if (self.name, ("exit",)) not in self.world.requests:
            raise RoleLost(f"role {self.name} did not end in {patience:g} s")

    def stop(self) -> None:
        """Leave the world, and with it all sockets."""
        self._forget()
        self.world.alive.remove(self)

    def _do(
        self,
        entries: list[tuple[int, int, str, int, int]],
        programs: dict[int, list[Any]],
        name: str = "",
    ) -> tuple[dict[int, str], Any]:
        actor = f"{self.name}.{name}" if name else self.name
        failures = {}
        told: Told = ({}, {}, [], None)
        acted = False
        for trial, port, _, number, first in entries:
            operations = self._programs[number]
            codes = [operation[0] for operation in operations]
            if SOCKET not in codes and (actor, trial) not in self._sockets:
                continue
            failure = self.world.refuses(actor, port, operations)
            if failure:
                failures[trial] = failure
            if failure and failure.startswith(BEFORE_BOUND):
                self._sockets.discard((actor, trial))
                continue
            self._sockets.add((actor, trial))
            hears = any(op[0] == BIND and op[2] for op in operations) or LISTEN in codes
            if hears and not (failure and LISTEN in codes):
                self._open(actor, trial)
            for operation in operations:
                if operation[0] == ACT:
                    acted = True
                    told = self._act(actor, trial, first, operation, told)
            if ACT in codes and actor not in self.world.open.get(trial, []):
                told[2].append(trial)
        return failures, told if acted else None

    def _act(self, actor: str, trial: int, first: int, operation: Any, told: Told) -> Told:
        _, label, _, act, arguments = operation
        notes, spoken, shut, fenced = told
        if act in acts.TALKING and fenced is None:
            fenced = self.world.fence()
        result = self.world.notes(actor, act)
        if act == "speak":
            host, _, voice, times = arguments
            error = self.world.send_errors.get(host, "")
            for number in range(0 if error else times):
                self.world.deliver(trial, first + voice, host, number)
            sent = 0 if error else (1 << times) - 1
            spoken.setdefault(trial, []).append((first + voice, sent, error))
        elif act in ("bind", "listen") and result == "ok":
            self._open(actor, trial)
        elif act in ("close", "reset", "shutdown"):
            self._shut(actor, trial)
        if label is not None:
            notes.setdefault(trial, {})[label] = result
        return notes, spoken, shut, fenced

    def _open(self, actor: str, trial: int) -> None:
        opened = self.world.open.setdefault(trial, [])
        if actor not in opened:
            opened.append(actor)

    def _shut(self, actor: str, trial: int) -> None:
        if actor in self.world.open.get(trial, []):
            self.world.open[trial].remove(actor)

    def _drain(self, name: str = "") -> tuple[dict[int, Any], dict[int, int]]:
        # A plain number stands for label 0 without anything unusual.
        found = self.world.inbox.pop(f"{self.name}.{name}" if name else self.name, {})
        heard = {
            trial: labels[0][0] if set(labels) == {0} and not labels[0][1] else labels
            for trial, labels in found.items()
        }
        return heard, {}

    def _close(self) -> int:
        self._forget()
        return self.world.late.pop(0) if self.world.late else 0

    def _forget(self) -> None:
        self._sockets.clear()
        own = {self.name, *(one for one in self.world.inbox if one.startswith(self.name + "."))}
        for opened in self.world.open.values():
            opened[:] = [one for one in opened if one.partition(".")[0] != self.name]
        for actor in own:
            self.world.inbox.pop(actor, None)

    def _hang_up(self) -> None:
        pass

    def _drop(self) -> None:
        pass

    def _prepare(
        self, number: int, family: int, options: list[Any], ports: list[int]
    ) -> list[str | None]:
        return [None]

    def _send(
        self, entries: list[Any], fences: list[Any], patience: float
    ) -> tuple[dict[int, tuple[int, int, str | None]], bool]:
        failed: dict[int, tuple[int, int, str | None]] = {}
        for index, trial, label, host, _, _, numbers in entries:
            if host in self.world.send_errors:
                failed[index] = (0, 0, self.world.send_errors[host])
                continue
            for number in numbers:
                self.world.deliver(trial, label, host, number)
        return failed, self.world.fence()

    def _connect(
        self, entries: list[Any], fences: list[Any], patience: float
    ) -> tuple[dict[int, tuple[int, int, str | None]], bool]:
        failed: dict[int, tuple[int, int, str | None]] = {}
        for index, trial, label, host, _, _, numbers in entries:
            if host in self.world.send_errors:
                failed[index] = (0, 0, self.world.send_errors[host])
                continue
            refused = sum(
                1 << number for number in numbers if not self.world.deliver(trial, label, host, number)
            )
            if refused:
                failed[index] = (trials.bitmap(tuple(numbers)) & ~refused, refused, None)
        return failed, self.world.fence()


class FakeLab(lab.Lab):
    """A lab of plain facts: lo, and a link unless `link` is False; `hosts` are on that link too.

    They are h2, h3, ..., with an invented descriptor each.
    """

    def __init__(
        self,
        *,
        link: bool = True,
        ipv6: bool = True,
        may_leave: bool = True,
        hosts: tuple[str, ...] = (),
        local_range: tuple[int, int] = (32768, 60999),
    ) -> None:
        """Make it; nothing is asked of the system."""
        self.kind, self.how, self.reason = "private", "fake", None
        self.multicast_ttl = 1
        self.first_port, self.port_count = 10000, 22000
        self.grace = 0.0
        self.layout, self.unavailable = "plain", None
        self.hosts = {host: 50 + int(host[1:]) for host in hosts}
        self.descriptors = (51, *self.hosts.values()) if hosts else ()
        self.local_range = local_range
        self._link, self._ipv6, self._may_leave = link, ipv6, may_leave

    def address(self, symbol: str, slot: int, host: str = "h1") -> str:
        """Resolve a symbol."""
        if symbol in lab.IPV6_SYMBOLS and not self._ipv6:
            raise lab.Unavailable(lab.NO_IPV6)
        if groups.is_group(symbol):
            return groups.of(symbol, f"239.192.{slot >> 8}.{slot & 255}")
        if symbol in lab.LINK_SYMBOLS and not self._link:
            raise lab.Unavailable(lab.NO_LINK)
        station = int((symbol if symbol in symbols.HOSTS else host)[1:])
        link = {
            "if4": f"198.51.100.{station}",
            "if6": f"2001:db8::{station}",
            "link6": f"fe80::{station}%lab0",
            "subnet-bcast": LINK.ipv4_broadcast,
            "subnet-net": "198.51.100.0",
            **dict.fromkeys(symbols.HOSTS, f"198.51.100.{station}"),
        }
        return link.get(symbol) or lab.ADDRESSES[symbol]

    def fences(self, host: str = "h1") -> list[tuple[int, str, int | None]]:
        """Return where a fence goes: the loopback address, and the link of the other hosts."""
        own = (int(socket.AF_INET), "127.0.0.1", None)
        others = {**({"h1": 51} if self.hosts else {}), **self.hosts}
        return [own] + [
            (int(socket.AF_INET), self.address("if4", 0, other), descriptor)
            for other, descriptor in others.items()
            if other != host
        ]

    def names(self, host: str = "h1") -> dict[str, str]:
        """Return what addresses are called."""
        return {"127.0.0.1": "lo4", "198.51.100.1": "if4", "198.51.100.2": "h2"}

    def devices(self, host: str = "h1") -> dict[int, str]:
        """Return what interfaces are called."""
        return {LO.index: "lo", LINK.index: "if"}

    def device(self, symbol: str, host: str = "h1") -> tuple[str, int]:
        """Return the name and index of an interface."""
        if symbol in symbols.NO_DEVICE:
            return {"none": ("", 0), "bad": ("nosuchdevice", 9999)}[symbol]
        found = self.interface(symbol, host)
        return found.name, found.index

    def interface(self, symbol: str, host: str = "h1") -> Interface:
        """Return lo or the link."""
        if symbol in symbols.ON_LOOPBACK:
            return LO
        if not self._link:
            raise lab.Unavailable(lab.NO_LINK)
        return LINK._replace(ipv4=self.address("if4", 0, host), ipv6=self.address("if6", 0, host))

    def allows_send(self, dest_symbol: str, via: str | None) -> str | None:
        """Return why nothing may be sent there, or None."""
        stays = via in symbols.ON_LOOPBACK or dest_symbol in lab.STAYS
        return None if stays or self._may_leave else lab.LEAVES

    def facts(self) -> dict[str, Any]:
        """Describe it."""
        return {"kind": self.kind, "how": self.how}


class Results(dict[str, list[Any]]):
    """What the conductor handed in, by cell: raw observations, in the order they came."""

    def __call__(self, cell: trials.Cell, what: trials.Seen | str) -> None:
        """Take in one result, as `conductor.Results`."""
        if isinstance(what, str):
            observation = {"inconclusive": what}
        else:
            observation = trials.observation(cell.labels, cell.shape, what)
        self.setdefault(cell.id, []).append(observation)


def make_conductor(
    monkeypatch: pytest.MonkeyPatch,
    world: World,
    *,
    within: limits.Limits = WITHIN,
    place: FakeLab | None = None,
    **settings: Any,
) -> conductor.Conductor:
    """Return a conductor that leads the roles of `world` in a fake lab, `place` if it is given."""
    monkeypatch.setattr(crew, "RoleProcess", world.role)
    monkeypatch.setattr(nursery, "supported", lambda _: False)
    monkeypatch.setattr(limits, "read", lambda: within)
    monkeypatch.setattr(counters, "lost_datagrams", lambda: world.lost_datagrams())  # noqa: PLW0108 - it may be replaced
    lab = place or FakeLab()
    lab.kind = "host" if "share" in settings else "private"  # only a host is shared
    return conductor.Conductor(lab, conductor.Settings(**{"grace": 0.0, **settings}))


def make_cell(
    leader: conductor.Conductor,
    identifier: str,
    *binds: str,
    to: str = "lo4",
    kind: str = "udp4",
    solo: bool = False,
) -> trials.Cell:
    """Return a cell whose receivers A, B, ... bind to `binds`, and which sends or connects to `to`."""
    tcp = kind.startswith("tcp")
    steps = []
    for role, bind in zip(ROLES, binds):  # noqa: B905 - new in Python 3.10
        operations: list[list[Any]] = [["socket", kind], ["bind", bind]]
        if tcp:
            operations.append(["listen", 8])
        steps.append((role, leader.compiler.add(operations)))
    voice = ["connect", "", to] if tcp else ["send", "", to, {"via": "if4"} if to == "group4" else {}]
    steps.append(("S", leader.compiler.add([voice])))
    return leader.cell(identifier, steps, solo=solo)


def script(
    leader: conductor.Conductor, identifier: str, *turns: tuple[str, list[Any]], solo: bool = False
) -> trials.Cell:
    """Return a cell of turns, (actor, operations) each."""
    steps = [(actor, leader.compiler.add(operations)) for actor, operations in turns]
    return leader.cell(identifier, steps, solo=solo)
