"""The crew: the role processes of one lab, what the sender keeps for them, and the fence.

Roles are started when they are first needed and kept; after anything went wrong all of them are stopped
and started anew, because what the old ones hold and say is no longer known.
"""

from __future__ import annotations

import os
from typing import Any, Dict, List, Optional, Set, Tuple

import lab as labs
from process import RoleProcess
from programs import Compiler, Pool, family
from trials import Trial

SENDER = "S"
SENDER_PORTS = 2400
"""Ports that are kept from the cells for the sender's sockets, at most."""

_PATIENCE = 30.0  # seconds for an answer
_FENCE_PATIENCE = 2.0  # seconds; a quarter of a second once a fence stayed silent twice


class Void(Exception):
    """A batch proves nothing; the message says why."""


class Silent(Void):
    """The fence was not heard."""


class Crew:
    """The roles of one lab. `ports` are the sender's, in the order of use; `counts` is added to."""

    def __init__(
        self, compiler: Compiler, ports: range, counts: Dict[str, int], cpu: Optional[int]
    ) -> None:
        self.sender_ports: List[int] = []
        self._compiler = compiler
        self._ports = ports
        self._counts = counts
        self._cpu = cpu
        self._nonce = os.urandom(8)
        self._roles: Dict[str, RoleProcess] = {}
        self._known: Dict[str, Set[int]] = {}
        self._pools: Dict[Pool, int] = {}
        self._pool_sizes: Dict[int, int] = {}
        self._fences = _fences(compiler.lab)

    def post(self, name: str, *request: Any) -> None:
        """Send a request to a role, which is started if need be. Raises RoleLost."""
        self._role(name).post(*request)

    def take(self, name: str) -> Any:
        """Return a role's next answer. Raises RoleLost."""
        return self._roles[name].take(_PATIENCE)

    def ask(self, name: str, *request: Any) -> Any:
        """Send a request and return its answer. Raises RoleLost."""
        self.post(name, *request)
        return self.take(name)

    def _role(self, name: str) -> RoleProcess:
        if name not in self._roles:
            self._roles[name] = RoleProcess(name, self._nonce, self._cpu if name == SENDER else None)
            self._known[name] = set()
        return self._roles[name]

    def post_round(self, role: str, position: int, trials: List[Trial]) -> None:
        """Let a role perform its part of the round at `position`, for all trials that have one."""
        entries = [
            (trial.number, trial.port, trial.group, trial.cell.rounds[position][1])
            for trial in trials
            if position < len(trial.cell.rounds)
        ]
        process = self._role(role)
        known = self._known[role]
        fresh = {entry[3] for entry in entries} - known
        known |= fresh
        process.post("do", entries, {number: self._compiler.programs[number] for number in fresh})

    def pool(self, pool: Pool, size: int) -> int:
        """Return the number of a pool of sender sockets, grown to `size` source ports. Raises Void."""
        number = self._pools.setdefault(pool, len(self._pools))
        have = self._pool_sizes.get(number, 0)
        if have < size:
            ports = [0] * have + [self._next_sender_port() for _ in range(size - have)]
            (error,) = self.ask(SENDER, "prepare", number, pool.family, list(pool.options), ports)
            if error:
                raise Void(f"the sender's sockets could not be made: {error}")
            self._pool_sizes[number] = size
        return number

    def _next_sender_port(self) -> int:
        port = self._ports[len(self.sender_ports) % len(self._ports)]
        self.sender_ports.append(port)
        return port

    def send(self, request: str, entries: List[Any], *, doubtful: bool) -> Dict[int, Any]:
        """Let the sender perform `entries`, then the fence; return what failed, by entry.

        `doubtful`: the fence stayed silent before, so it is not waited for as long. Raises Silent.
        """
        patience = _FENCE_PATIENCE / 8 if doubtful else _FENCE_PATIENCE
        failed: Dict[int, Any]
        failed, fence = self.ask(SENDER, request, entries, self._fences, patience)
        self._counts["fences"] += 1
        if not fence:
            self._counts["silent fences"] += 1
            raise Silent("the fence stayed silent: nothing sent here arrives")
        return failed

    def drain(self, roles: List[str], by_number: Dict[int, Trial]) -> None:
        """Let the receivers read their sockets, and note in the trials what they heard."""
        for role in roles:
            self.post(role, "drain")
        for role in roles:
            heard, foreign = self.take(role)
            for number, found in heard.items():
                if isinstance(found, int):
                    by_number[number].hear(role, 0, found)
                    continue
                for label, (bits, again) in found.items():
                    by_number[number].hear(role, label, bits, again)
            for number, count in foreign.items():
                by_number[number].foreign += count

    def hang_up(self, roles: List[str]) -> None:
        """Reset the connections of the window: the client first, so that nothing is in TIME_WAIT."""
        self.ask(SENDER, "drop")
        for role in roles:
            self.post(role, "hang up")
        for role in roles:
            self.take(role)

    def stop(self) -> None:
        """Stop all roles; they are started again when they are needed."""
        for process in self._roles.values():
            process.stop()
        self._roles.clear()
        self._known.clear()
        self._pool_sizes.clear()
        self.sender_ports.clear()


def _fences(lab: labs.Lab) -> List[Tuple[int, str]]:
    """Return (address family, own address) for each interface and family that has one."""
    found = []
    for symbol in ("lo4", "lo6", "if4", "if6"):
        try:
            host = lab.address(symbol, 0)
        except labs.Unavailable:
            continue
        found.append((family(host), host))
    return found
