"""One cell, played in a simulated lab: its actors, their sockets, and what came of each step."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sockmatrix.models import addresses as ip
from sockmatrix.models.kernel import Network
from sockmatrix.models.layouts import LINK, layout
from sockmatrix.models.openness import Plan
from sockmatrix.models.symbols import address_of, symbol_of

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable
    from typing import Any

    from sockmatrix.delivery import Delivery
    from sockmatrix.models.kernel import Balance, Kernel, Packet, Socket
    from sockmatrix.models.linux_routes import Path
    from sockmatrix.models.versions import Version

PORT = 20000
"""The cell's own port in the model: outside the local port range, as the probe's are."""

_BEFORE_BOUND = ("socket", "set", "bind")
_BEFORE_OPEN = (*_BEFORE_BOUND, "listen")


class Skipped(Exception):
    """The lab lacks what a cell needs; the message says what."""


class Chance:
    """What hashes decide. The same question is answered alike within one world.

    `plan`: the answers of this world, in the order of the questions; `made`: those that were given,
    and out of how many.
    """

    def __init__(self, plan: tuple[int, ...] = ()) -> None:
        self.plan = plan
        self.made: list[tuple[int, int]] = []
        self._answers: dict[Hashable, int] = {}

    def choose(self, question: Hashable, count: int) -> int:
        """Return one of `count` possibilities."""
        if count < 2:
            return 0
        key = (question, count)
        if key not in self._answers:
            step = len(self.made)
            answer = self.plan[step] if step < len(self.plan) else 0
            self.made.append((answer, count))
            self._answers[key] = answer
        return self._answers[key]


class Play:
    """The state of a cell while its steps are performed."""

    def __init__(
        self,
        steps: list[list[Any]],
        lab: str,
        version: Version,
        user: str,
        plan: tuple[int, ...] = (),
    ) -> None:
        self.lab = lab
        self.network = Network(layout(lab), version)
        self.home = self.network.kernels["h1"]
        self.user = user
        self.chance = Chance(plan)
        self.plan = Plan(steps)
        self.sockets: dict[str, Socket] = {}
        self.hears: set[str] = set()
        self.refused: set[str] = set()
        self.shut: dict[str, bool] = {}
        self.failed: dict[str, str] = {}
        self.notes: dict[str, str] = {}
        self.send: dict[str, str] = {}
        self.connect: dict[str, str] = {}
        self.delivery: dict[str, Delivery] = {}
        self.corked: dict[int, tuple[Path, Packet]] = {}

    # --- who is open -----------------------------------------------------------------------------

    def opened(self) -> list[str]:
        """Return the receivers that an outcome counts as open."""
        return [n for n in self.plan.hearing if not self.failed.get(n, "").startswith(_BEFORE_OPEN)]

    def closed(self, port: int) -> list[str]:
        """Return who is not open for what is said to a port (an offset) now."""
        return self._closed(self.plan.closed(port))

    def open_at_last(self) -> int:
        """Return how many receivers are open in the end."""
        return len(set(self.opened()).difference(self._closed(self.plan.closed_at_last())))

    def _closed(self, planned: list[str]) -> list[str]:
        shut = [n for n, is_shut in self.shut.items() if is_shut and n not in self.failed]
        return list(dict.fromkeys([*planned, *(n for n in shut if n in self.plan.receivers)]))

    def can_hear(self, closed: list[str]) -> list[str]:
        """Return the receivers that the probe speaks to; with none of them nothing is said."""
        return [n for n in self.plan.receivers if n not in closed and self._is_open(n)]

    def _is_open(self, name: str) -> bool:
        failure = self.failed.get(name)
        if failure is None:
            return True
        return not self.plan.listens and not failure.startswith(_BEFORE_BOUND)

    # --- addresses and ports -----------------------------------------------------------------------

    def address(self, kernel: Kernel, symbol: str) -> str:
        """Return the address that a symbol stands for on a host."""
        try:
            return address_of(self.network.layout, kernel.host, symbol)
        except KeyError:
            raise Skipped(f"no {symbol} here") from None

    def port(self, text: str | int | None) -> int:
        """Return the port that `P`, `P+1` or a number stands for."""
        if text is None:
            return PORT
        if isinstance(text, str) and text.startswith("P"):
            return PORT + int(text[2:] or 0)
        return int(text)

    def symbol(self, address: str) -> str:
        """Return what notes call an address."""
        return symbol_of(self.network.layout, address)

    def port_name(self, port: int) -> str:
        """Return what notes call a port."""
        offset = port - PORT
        if offset == 0:
            return "P"
        if 0 < offset < 4:
            return f"P+{offset}"
        low, high = self.home.host.port_range
        return "0" if port == 0 else "ephemeral" if low <= port <= high else "other"

    def endpoint(self, address: str, port: int) -> str:
        """Return a socket address as notes write it."""
        return f"{self.symbol(address)}:{self.port_name(port)}"

    def named(self, address: str, port: int) -> str:
        """Return an address, with its port unless that is negative."""
        return self.symbol(address) if port < 0 else self.endpoint(address, port)

    def scope(self, symbol: str, on: str) -> str:
        """Return the device that an address says by itself, or `on`: a sin6_scope_id."""
        return LINK if symbol == "link6" else on

    def picker(self, flow: Hashable) -> Callable[[Balance, list[Socket]], Socket]:
        """Return what picks a socket of a SO_REUSEPORT group for one flow, by this world's hashes."""

        def pick(group: Balance, members: list[Socket]) -> Socket:
            size = len(group.sockets)
            return members[self.chance.choose((flow, size), len(members))]

        return pick

    def wildcard(self, family: int) -> str:
        """Return the wildcard address of a family."""
        return ip.ANY6 if family == 6 else ip.ANY4
