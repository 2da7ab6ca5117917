"""The crew: the role processes of one lab, what the sender keeps for them, and the fence.

Roles are started when they are first needed and kept; after anything went wrong all of them are stopped
and started anew, because what the old ones hold and say is no longer known.
"""

from __future__ import annotations

import functools
import os
from typing import Any, Dict, List, NamedTuple, Optional, Set

import nursery
import platforms
from process import RoleProcess
from programs import Compiler
from sender import Fence
from symbols import HERE
from trials import SENDER, Trial, bare
from voices import Pool

_PATIENCE = 30.0  # seconds for an answer
_FENCE_PATIENCE = 2.0  # seconds; a quarter of a second once a fence stayed silent twice


USERS = {"u1": 40001, "u2": 40002}
"""User ids of the places u1 and u2; nobody's, as far as that can be said of a number."""

NO_USERS = "needs root: processes of two users"


FENCE_PORTS = range(9000, 10000)
"""For fences in a lab whose local port range is narrow; no cell gets them."""

_FEW_LOCAL_PORTS = 200


class Actor(NamedTuple):
    """Who acts: a process, and the name of one of its sockets ("" for its first)."""

    process: str
    socket: str
    place: str

    @staticmethod
    @functools.lru_cache(maxsize=1024)
    def of(text: str) -> Actor:
        """Read an actor as steps write it: `A`, `A.b`, `A.b@h2`."""
        who, _, place = text.partition("@")
        role, _, name = who.partition(".")
        return Actor(f"{role}@{place}" if place else role, name, place)

    @property
    def host(self) -> str:
        """The host of the lab that the process is on."""
        return self.place if self.place.startswith("h") else HERE


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
        self._fences_made = 0
        self._fences = self._fences_on(HERE)
        self._told: Set[str] = set()
        self._may_fork = nursery.supported(compiler.platform)
        self._nursery: Optional[nursery.Nursery] = None

    def post(self, name: str, *request: Any) -> None:
        """Send a request to a role, which is started if need be. Raises RoleLost."""
        actor = Actor.of(name)
        self._role(actor).post(*request, *([actor.socket] if actor.socket else []))

    def take(self, name: str) -> Any:
        """Return a role's next answer. Raises RoleLost."""
        return self._roles[Actor.of(name).process].take(_PATIENCE)

    def ask(self, name: str, *request: Any) -> Any:
        """Send a request and return its answer. Raises RoleLost."""
        self.post(name, *request)
        return self.take(name)

    def _role(self, actor: Actor) -> RoleProcess:
        name = actor.process
        if name not in self._roles:
            place, child = self._place(actor), self._forked(name)
            self._roles[name] = RoleProcess(name, self._nonce, self._cpu, place, child)
            self._known[name] = set()
        return self._roles[name]

    def _forked(self, name: str) -> Optional[nursery.Forked]:
        """Return a new process of the nursery, None where there is none: then Python is started."""
        if not self._may_fork:
            return None
        try:
            if self._nursery is None:
                self._nursery = nursery.Nursery(self._compiler.lab.descriptors)
            return self._nursery.fork(name)
        except OSError:
            self._may_fork = False
            return None

    def _place(self, actor: Actor) -> Dict[str, Any]:
        """Return where the process of an actor is to go; see `role._go`."""
        hosts = self._compiler.lab.hosts
        descriptors = list(self._compiler.lab.descriptors)
        place: Dict[str, Any] = {"descriptors": descriptors} if descriptors else {}
        if actor.host in hosts:
            place["host"] = hosts[actor.host]
        if actor.place in USERS:
            place["user"] = USERS[actor.place]
        return place

    def _fences_on(self, host: str) -> List[Fence]:
        """Return where a process on a host has its fences, each with a port of its own.

        0 lets the system choose; where it has but a few to give, they belong to the cells.
        """
        lab = self._compiler.lab
        low, high = lab.local_range
        few = high - low < _FEW_LOCAL_PORTS
        fences = []
        for number, host_address, namespace in lab.fences(host):
            port = 0
            if few:
                port = FENCE_PORTS[self._fences_made % len(FENCE_PORTS)]
                self._fences_made += 1
            fences.append((number, host_address, namespace, port))
        return fences

    def tell_surroundings(self, actor_text: str) -> None:
        """Tell a process what its lab is called; only acts (acts.py) need that. Raises RoleLost."""
        actor = Actor.of(actor_text)
        process = self._role(actor)
        if actor.process in self._told:
            return
        self._told.add(actor.process)
        lab = self._compiler.lab
        system = platforms.system(self._compiler.platform)
        surroundings = (lab.names(actor.host), lab.devices(actor.host), lab.local_range, system)
        process.post("here", surroundings, self._fences_on(actor.host))

    def post_round(self, actor_text: str, position: int, trials: List[Trial]) -> None:
        """Let a role perform its part of the round at `position`, for all trials that have one."""
        entries = [
            (trial.number, trial.port, trial.group, turn.program, turn.first)
            for trial in trials
            if position < len(trial.cell.rounds)
            for turn in (trial.cell.rounds[position],)
            if turn.actor == actor_text and turn.program is not None
        ]
        actor = Actor.of(actor_text)
        self._role(actor)  # started anew it knows nothing
        known = self._known[actor.process]
        fresh = {number for *_, number, _ in entries} - known
        if any(self._compiler.acts(number) for number in fresh):
            self.tell_surroundings(actor_text)
        known |= fresh
        programs = {number: self._compiler.programs[number] for number in fresh}
        self.post(actor_text, "do", entries, programs)

    def end(self, actor_text: str, how: str) -> None:
        """End the process of an actor, by itself ("exit") or with SIGKILL; it is started when needed."""
        name = Actor.of(actor_text).process
        process = self._roles.pop(name, None)
        self._known.pop(name, None)
        self._told.discard(name)
        if process is None:
            return
        if how == "exit":
            process.post("exit")
            process.wait(_PATIENCE)
        process.stop()

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
                    by_number[number].hear(bare(role), 0, found)
                    continue
                for label, (bits, again) in found.items():
                    by_number[number].hear(bare(role), label, bits, again)
            for number, count in foreign.items():
                by_number[number].foreign += count

    def hang_up(self, roles: List[str]) -> None:
        """Reset the connections of the window: the client first, so that nothing is in TIME_WAIT."""
        self.ask(SENDER, "drop")
        processes = sorted({Actor.of(role).process for role in roles})
        for name in processes:
            self.post(name, "hang up")
        for name in processes:
            self.take(name)

    def leave(self) -> None:
        """Stop all roles for good."""
        self.stop()
        if self._nursery is not None:
            self._nursery.stop()
            self._nursery = None

    def stop(self) -> None:
        """Stop all roles; they are started again when they are needed."""
        for process in self._roles.values():
            process.stop()
        self._roles.clear()
        self._known.clear()
        self._told.clear()
        self._pool_sizes.clear()
        self.sender_ports.clear()


def users(effective: Optional[int], uid_map: str) -> bool:
    """Tell whether processes can become USERS: root, where those ids exist (user_namespaces(7)).

    `effective` is the effective user id, None on a system without; `uid_map` the text of
    /proc/self/uid_map, empty where there is none.
    """
    if effective != 0:
        return False
    ranges = [[int(word) for word in line.split()] for line in uid_map.splitlines()]
    if not ranges:
        return True
    return all(
        any(first <= user < first + count for first, _, count in ranges) for user in USERS.values()
    )
