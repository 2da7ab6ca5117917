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

import conductor
import counters
import crew
import lab
import limits
import trials
from interfaces import Interface
from process import RoleLost
from role import BIND, LISTEN, SOCKET

if TYPE_CHECKING:
    import pytest

LO = Interface("lo", 1, "127.0.0.1", None, "255.0.0.0", "::1", loopback=True)
LINK = Interface(
    "lab0", 2, "198.51.100.1", "198.51.100.255", "255.255.255.0", "2001:db8::1", loopback=False
)

WITHIN = limits.Limits(slots=1024, descriptors=4096, queued=20_000)
ROLES = "ABCDEFGHIKLMNOPQRTUVWXYZ"  # J is the bystander, S the sender

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

    `refuses` (role, port, operations) returns the failure of a program or None. `befalls` (role, request,
    operations of its programs) returns how the role is lost at that request, or nothing.
    """

    def __init__(self, hears: Hears = everybody) -> None:
        """Begin a world in which all goes well."""
        self.hears = hears
        self.refuses: Callable[[str, int, list[Any]], str | None] = lambda *_: None
        self.befalls: Callable[[str, str, list[Any]], str] = lambda *_: ""
        self.fence: Callable[[], bool] = lambda: True
        self.send_errors: dict[str, str] = {}
        self.late: list[int] = []  # datagrams that turn up at the next closes
        self.lost_datagrams: Callable[[], int] = lambda: 0
        self.requests: list[tuple[str, tuple[Any, ...]]] = []
        self.started: dict[str, int] = collections.Counter()
        self.alive: list[FakeRole] = []
        self.open: dict[int, list[str]] = {}
        self.inbox: dict[str, dict[int, dict[int, tuple[int, int]]]] = {}

    def role(
        self, name: str, nonce: bytes, cpu: int | None, place: dict[str, Any] | None = None
    ) -> FakeRole:
        """Start a role, as `RoleProcess(name, nonce, cpu, place)` does."""
        self.started[name] += 1
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
        self._sockets: set[int] = set()

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
        if not self.lost:
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

    def stop(self) -> None:
        """Leave the world, and with it all sockets."""
        self._forget()
        self.world.alive.remove(self)

    def _do(
        self, entries: list[tuple[int, int, str, int, int]], programs: dict[int, list[Any]]
    ) -> tuple[dict[int, str], None]:
        failures = {}
        for trial, port, _, number, _ in entries:
            operations = self._programs[number]
            codes = [operation[0] for operation in operations]
            if SOCKET not in codes and trial not in self._sockets:
                continue
            failure = self.world.refuses(self.name, port, operations)
            if failure:
                failures[trial] = failure
            if failure and failure.startswith(trials.BEFORE_BOUND):
                self._sockets.discard(trial)
                continue
            self._sockets.add(trial)
            hears = any(op[0] == BIND and op[2] for op in operations) or LISTEN in codes
            if hears and not (failure and LISTEN in codes):
                self.world.open.setdefault(trial, []).append(self.name)
        return failures, None

    def _drain(self) -> tuple[dict[int, Any], dict[int, int]]:
        # A plain number stands for label 0 without anything unusual.
        found = self.world.inbox.pop(self.name, {})
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
        for trial in list(self.world.open):
            if self.name in self.world.open[trial]:
                self.world.open[trial].remove(self.name)
        self.world.inbox.pop(self.name, None)

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
    """A lab of plain facts: lo, and a link unless `link` is False."""

    def __init__(self, *, link: bool = True, ipv6: bool = True, may_leave: bool = True) -> None:
        """Make it; nothing is asked of the system."""
        self.kind, self.how, self.reason = "private", "fake", None
        self.multicast_ttl = 1
        self.first_port, self.port_count = 10000, 22000
        self.grace = 0.0
        self.layout, self.unavailable, self.hosts = "plain", None, {}
        self.descriptors = ()
        self.local_range = (32768, 60999)
        self._link, self._ipv6, self._may_leave = link, ipv6, may_leave

    def address(self, symbol: str, slot: int, host: str = "h1") -> str:
        """Resolve a symbol."""
        if symbol == "group4":
            return f"239.192.{slot >> 8}.{slot & 255}"
        if symbol in lab.IPV6_SYMBOLS and not self._ipv6:
            raise lab.Unavailable(lab.NO_IPV6)
        if symbol in lab.LINK_SYMBOLS and not self._link:
            raise lab.Unavailable(lab.NO_LINK)
        link = {
            "if4": LINK.ipv4,
            "if6": LINK.ipv6,
            "subnet-bcast": LINK.ipv4_broadcast,
            "subnet-net": "198.51.100.0",
        }
        return link.get(symbol) or lab.ADDRESSES[symbol]

    def fences(self, host: str = "h1") -> list[tuple[int, str, int | None]]:
        """Return where a fence goes: the loopback address stands for all."""
        return [(int(socket.AF_INET), "127.0.0.1", None)]

    def device(self, symbol: str, host: str = "h1") -> tuple[str, int]:
        """Return the name and index of an interface."""
        found = self.interface(symbol, host)
        return found.name, found.index

    def interface(self, symbol: str, host: str = "h1") -> Interface:
        """Return lo or the link."""
        if symbol in ("lo4", "lo6"):
            return LO
        if not self._link:
            raise lab.Unavailable(lab.NO_LINK)
        return LINK

    def allows_send(self, dest_symbol: str, via: str | None) -> str | None:
        """Return why nothing may be sent there, or None."""
        stays = via == "lo4" or dest_symbol in lab.STAYS
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
    **settings: Any,
) -> conductor.Conductor:
    """Return a conductor that leads the roles of `world` in a fake lab."""
    monkeypatch.setattr(crew, "RoleProcess", world.role)
    monkeypatch.setattr(limits, "read", lambda: within)
    monkeypatch.setattr(counters, "lost_datagrams", lambda: world.lost_datagrams())  # noqa: PLW0108 - it may be replaced
    lab = FakeLab()
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
