"""Steps in symbols become programs of numbers and addresses that a role can perform.

Everything that depends on the operating system or on the lab is decided here, once for each distinct
program: which option a name is, what an address symbol stands for, whether it may be used at all.
"""

from __future__ import annotations

import socket
import sys
from typing import Any, Dict, List, NamedTuple, Optional, Tuple, Union

import lab as labs
import options
from role import BIND, JOIN, LISTEN, SET, SOCKET

# Plain numbers: a message to a role holds no enumerations.
SOCKETS = {
    "udp4": (int(socket.AF_INET), int(socket.SOCK_DGRAM)),
    "udp6": (int(socket.AF_INET6), int(socket.SOCK_DGRAM)),
    "tcp4": (int(socket.AF_INET), int(socket.SOCK_STREAM)),
    "tcp6": (int(socket.AF_INET6), int(socket.SOCK_STREAM)),
}
GROUP4 = "group4"


class Absent(Exception):
    """There is no such option on this platform; its name is the message."""


class Pool(NamedTuple):
    """A set of sender sockets that are alike: address family and options (level, name, value)."""

    family: int
    options: Tuple[Tuple[int, int, Any], ...]


class Voice(NamedTuple):
    """One thing the sender does in a cell. `host` is None for the trial's own group."""

    label: str
    host: Optional[str]
    pool: Optional[Pool]
    family: int
    kind: Tuple[str, Optional[str]]

    @property
    def connects(self) -> bool:
        """True for a TCP connection, False for datagrams."""
        return self.pool is None


class Part(NamedTuple):
    """What one role does in one round: a receiver's program, or what the sender says.

    `unsent` are (label, reason) of what the lab has no destination for, when others remain.
    """

    program: Optional[int]
    voices: List[Voice]
    binds: bool
    listens: bool
    unsent: Tuple[Tuple[str, str], ...] = ()


class Compiler:
    """Compiles operations for one lab and keeps what it has compiled."""

    def __init__(self, lab: labs.Lab, platform: str = sys.platform) -> None:
        self.lab = lab
        self.platform = platform
        self.known = options.known(platform, vars(socket))
        self.programs: Dict[int, List[Tuple[Any, ...]]] = {}
        self._operations: List[List[List[Any]]] = []
        self._parts: Dict[int, Union[Part, Exception]] = {}

    def add(self, operations: List[List[Any]]) -> int:
        """Take in the operations of one role and return their number."""
        self._operations.append(operations)
        return len(self._operations) - 1

    def part(self, number: int) -> Part:
        """Return the compiled operations `number`.

        Raises Absent for an option this platform does not have, lab.Unavailable for an address it
        lacks or may not use.
        """
        part = self._parts.get(number)
        if part is None:
            try:
                part = self._part(self._operations[number])
            except (Absent, labs.Unavailable) as error:
                part = error
            self._parts[number] = part
        if isinstance(part, Exception):
            raise part
        return part

    def _part(self, operations: List[List[Any]]) -> Part:
        names = {operation[0] for operation in operations}
        if names & {"send", "connect"}:
            return self._speech(operations)
        return Part(self._compile(operations), [], "bind" in names, "listen" in names)

    def _speech(self, operations: List[List[Any]]) -> Part:
        """Return what the sender says; a destination that is missing here costs only its own send."""
        voices = []
        unsent = []
        for operation in operations:
            try:
                voices.append(self._voice(operation))
            except labs.Unavailable as reason:
                unsent.append((operation[1], str(reason)))
        if not voices:
            raise labs.Unavailable(unsent[0][1])
        return Part(None, voices, False, False, tuple(unsent))

    def _compile(self, operations: List[List[Any]]) -> int:
        program: List[Tuple[Any, ...]] = []
        datagrams = False
        for name, *arguments in operations:
            if name == "socket":
                datagrams = arguments[0].startswith("udp")
            program.extend(getattr(self, "_op_" + name)(*arguments))
        # A bound datagram socket may hear; what a bind is worth otherwise, listen decides.
        program = [(*op, datagrams) if op[0] == BIND else op for op in program]
        number = len(self.programs)
        self.programs[number] = program
        return number

    def _op_socket(self, kind: str) -> List[Tuple[Any, ...]]:
        return [(SOCKET, *SOCKETS[kind])]

    def _op_set(self, name: str, value: int) -> List[Tuple[Any, ...]]:
        level, option, packed = self._option(name, value)
        return [(SET, level, option, packed, name)]

    def _op_bind(self, symbol: str) -> List[Tuple[Any, ...]]:
        return [(BIND, None if symbol == GROUP4 else self.lab.address(symbol, 0))]

    def _op_listen(self, backlog: int) -> List[Tuple[Any, ...]]:
        return [(LISTEN, backlog)]

    def _op_join(self, group: str, interface: str) -> List[Tuple[Any, ...]]:
        reason = self.lab.allows_join(group, interface)
        if reason:
            raise labs.Unavailable(reason)
        address = self._interface4(interface)
        level, option, _ = self._known("IP_ADD_MEMBERSHIP")
        program: List[Tuple[Any, ...]] = [(JOIN, level, option, socket.inet_aton(address))]
        if options.multicast_loop_side(self.platform) == "receiver":
            program.extend(self._op_set("IP_MULTICAST_LOOP", 1))
        return program

    def _voice(self, operation: List[Any]) -> Voice:
        if operation[0] == "connect":
            _, label, destination = operation
            self._may_send(destination, None)
            host = self.lab.address(destination, 0)
            return Voice(label, host, None, family(host), (destination, None))
        _, label, destination, profile = operation
        via = profile.get("via")
        self._may_send(destination, via)
        host = self.lab.address(destination, 0)
        chosen: List[Tuple[int, int, Any]] = []
        if profile.get("broadcast"):
            chosen.append(self._option("SO_BROADCAST", 1))
        if via is not None:
            level, option, _ = self._known("IP_MULTICAST_IF")
            chosen.append((level, option, socket.inet_aton(self._interface4(via))))
            chosen.append(self._option("IP_MULTICAST_TTL", self.lab.multicast_ttl))
            if options.multicast_loop_side(self.platform) == "sender":
                chosen.append(self._option("IP_MULTICAST_LOOP", 1))
        pool = Pool(family(host), tuple(chosen))
        return Voice(
            label, None if destination == GROUP4 else host, pool, pool.family, (destination, via)
        )

    def control(self, voice: Voice) -> Tuple[int, Voice]:
        """Return the program of a lone receiver for `voice`'s kind of destination, and its voice."""
        destination, via = voice.kind
        v6 = voice.family == socket.AF_INET6
        operations: List[List[Any]] = [["socket", "udp6" if v6 else "udp4"]]
        operations.append(["bind", "any6" if v6 else "any4"])
        if destination == GROUP4:
            operations.append(["join", destination, via])
        profile: Dict[str, Any] = {} if v6 else {"broadcast": 1}
        if via is not None:
            profile = {**profile, "via": via}
        return self._compile(operations), self._voice(["send", "", destination, profile])

    def _may_send(self, destination: str, via: Optional[str]) -> None:
        reason = self.lab.allows_send(destination, via)
        if reason:
            raise labs.Unavailable(reason)

    def _interface4(self, symbol: str) -> str:
        address = self.lab.interface(symbol).ipv4
        if address is None:
            raise labs.Unavailable("no IPv4 address on that interface")
        return address

    def _known(self, name: str) -> Tuple[int, int, Any]:
        if name not in self.known:
            raise Absent(name)
        level, option, kind = self.known[name]
        return level, option, kind

    def _option(self, name: str, value: int) -> Tuple[int, int, Any]:
        level, option, kind = self._known(name)
        return level, option, options.value(kind, value)


def family(host: str) -> int:
    """Return the number of the address family that `host` is written in."""
    return int(socket.AF_INET6 if ":" in host else socket.AF_INET)
