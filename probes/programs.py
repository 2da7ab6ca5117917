"""Steps in symbols become programs of numbers and addresses that a role can perform.

Everything that depends on the operating system or on the lab is decided here, once for each distinct
program: resolver.py says what names stand for, voices.py what is said, operations.py what an act takes.
"""

from __future__ import annotations

import socket
import sys
from typing import Any, Callable, Dict, List, Mapping, NamedTuple, Optional, Tuple, Union

import lab as labs
import options
import symbols
import voices
from opcodes import ACT, BIND, JOIN, LISTEN, SET, SOCKET
from operations import act
from resolver import Absent, Resolver, port_offset, socket_kind
from voices import GROUP4, Voice

_TIMES = 8  # datagrams that a role speaks, if it is not told how many
_ENDS = ("exit", "kill")

Program = List[Tuple[Any, ...]]


class Part(NamedTuple):
    """What one role does in one round: a receiver's program, or what the sender says.

    `unsent` are (label, reason) of what the lab has no destination for, when others remain. `stream` is
    None where an earlier turn made the socket, `bound` what its bind adds to the trial's port. `closes`:
    it closes its socket; `ends`: its process, by "exit" or "kill". `ports` it needs. `connects`: it may
    leave a connection in TIME_WAIT.
    """

    program: Optional[int]
    voices: List[Voice]
    binds: bool
    listens: bool
    unsent: Tuple[Tuple[str, str], ...] = ()
    stream: Optional[bool] = None
    bound: Optional[int] = None
    closes: bool = False
    ends: str = ""
    ports: int = 1
    connects: bool = False


class Compiler:
    """Compiles operations for one lab and keeps what it has compiled."""

    def __init__(
        self,
        lab: labs.Lab,
        platform: str = sys.platform,
        constants: Optional[Mapping[str, Any]] = None,
    ) -> None:
        """Begin with none; `constants` are those of the platform's module `socket`, ours if None."""
        self.lab = lab
        self.platform = platform
        self.programs: Dict[int, Program] = {}
        self._constants = vars(socket) if constants is None else constants
        self._resolvers: Dict[str, Resolver] = {}
        self._operations: List[List[List[Any]]] = []
        self._parts: Dict[Any, Union[Part, Exception]] = {}

    def add(self, operations: List[List[Any]]) -> int:
        """Take in the operations of one role and return their number."""
        self._operations.append(operations)
        return len(self._operations) - 1

    def acts(self, number: int) -> bool:
        """Tell whether a program has operations that need to know the lab (acts.py)."""
        return any(operation[0] == ACT for operation in self.programs[number])

    def part(self, number: int, *, staged: bool = False, host: str = symbols.HERE) -> Part:
        """Return the compiled operations `number`: of the staged sender, or of a role on `host`.

        Raises Absent for an option this platform does not have, lab.Unavailable for an address it
        lacks or may not use.
        """
        key = (number, staged, host)
        part = self._parts.get(key)
        if part is None:
            try:
                operations = self._operations[number]
                names = self._names(host)
                part = _speech(names, operations) if staged else self._part(names, operations)
            except (Absent, labs.Unavailable) as error:
                part = error
            except (ValueError, LookupError, TypeError, AttributeError) as error:
                # Of a newer engine, perhaps: it costs the cells that ask for it, and no others.
                part = labs.Unavailable(f"this probe does not understand it: {error}"[:400])
            self._parts[key] = part
        if isinstance(part, Exception):
            raise part
        return part

    def control(self, voice: Voice) -> Tuple[int, Voice]:
        """Return the program of a lone receiver for `voice`'s kind of destination, and its voice."""
        names = self._names(symbols.HERE)
        operations, statement = voices.for_control(voice)
        return self._compile(names, operations)[0], voices.staged(names, statement)

    def _names(self, host: str) -> Resolver:
        if host not in self._resolvers:
            self._resolvers[host] = Resolver(self.lab, self.platform, self._constants, host)
        return self._resolvers[host]

    def _part(self, names: Resolver, operations: List[List[Any]]) -> Part:
        """Return what a role does, and what may be known of its socket from that."""
        if operations[0][0] in _ENDS:
            return Part(None, [], False, False, closes=True, ends=operations[0][0])
        plain = [one[2] if one[0] == "note" else one for one in operations]
        calls = {one[0] for one in plain}
        ports = [str(argument) for one in plain for argument in one[1:] if str(argument).startswith("P+")]
        stream = next((one[1].startswith("tcp") for one in plain if one[0] == "socket"), None)
        binds = [
            one[2] if len(one) > 2 and not isinstance(one[2], dict) else "P"
            for one in plain
            if one[0] == "bind"
        ]
        program, spoken = self._compile(names, operations)
        return Part(
            program,
            spoken,
            "bind" in calls,
            "listen" in calls,
            stream=stream,
            bound=port_offset(binds[-1]) if binds else None,
            closes=bool(calls & {"close", "reset"}),
            ports=1 + max((port_offset(port) or 0 for port in ports), default=0),
            connects=bool(stream is not False and calls & {"connect", "accept"}),
        )

    def _compile(self, names: Resolver, operations: List[List[Any]]) -> Tuple[int, List[Voice]]:
        """Return the number of a new program, and what it speaks by itself."""
        program: Program = []
        spoken: List[Voice] = []
        datagrams = False
        opens = any(operation[0] == "socket" for operation in operations)
        for given in operations:
            label, asked = given[1:] if given[0] == "note" else (None, given)
            name, *arguments = asked
            if name in ("bind", "connect") and isinstance(arguments[-1], dict) and len(arguments) < 3:
                arguments.insert(1, "P")
            if name == "speak":
                voice, operation = _speak(names, *arguments, number=len(spoken))
                spoken.append(voice)
                program.append(operation)
                continue
            if name == "socket":
                datagrams = arguments[0].startswith("udp")
            # What kind of socket an earlier turn has made, only the role knows.
            if name in _FAST and not label and (opens or name != "bind"):
                fast = _FAST[name](names, *arguments)
                if fast is not None:
                    program.extend(fast)
                    continue
            program.append(act(names, label, name, arguments))
        # A bound datagram socket may hear; what a bind is worth otherwise, listen decides.
        program = [(*op, datagrams) if op[0] == BIND else op for op in program]
        number = len(self.programs)
        self.programs[number] = program
        return number, spoken


def _speech(names: Resolver, statements: List[List[Any]]) -> Part:
    """Return what the sender says; a destination that is missing here costs only its own send."""
    spoken = []
    unsent = []
    for statement in statements:
        try:
            spoken.append(voices.staged(names, statement))
        except labs.Unavailable as reason:
            unsent.append((statement[1], str(reason)))
    if not spoken:
        raise labs.Unavailable(unsent[0][1])
    ports = 1 + max(voice.port for voice in spoken)
    return Part(None, spoken, False, False, tuple(unsent), ports=ports)


def _speak(
    names: Resolver, label: str, symbol: str, port: str = "P", times: int = _TIMES, *, number: int
) -> Tuple[Voice, Tuple[Any, ...]]:
    """Return what a role says from its own socket, its voice of that number, and the act of saying it."""
    names.may_send(symbol)
    address = names.address(symbol)
    said = (address, str(port), number, int(times))
    return voices.own(label, symbol, address, port), (ACT, None, "send", "speak", said)


# --- what nearly every cell does (opcodes.py); None where only an act will do -----------------------


def _socket(_: Resolver, kind: str) -> Optional[Program]:
    return [(SOCKET, *socket_kind(kind))]


def _set(names: Resolver, name: str, value: Any) -> Optional[Program]:
    return [(SET, *names.option(name, value), name)]


def _bind(
    names: Resolver, symbol: str, port: str = "P", how: Optional[Dict[str, Any]] = None
) -> Optional[Program]:
    address = names.address(symbol)
    if how or port != "P" or (isinstance(address, tuple) and symbol != GROUP4) or "%" in address:
        return None
    return [(BIND, None if isinstance(address, tuple) else address)]


def _listen(_: Resolver, backlog: int = 128) -> Optional[Program]:
    return [(LISTEN, backlog)]


def _join(
    names: Resolver, group: str, interface: str, how: Optional[Dict[str, str]] = None
) -> Optional[Program]:
    if group != GROUP4 or how or interface in ("bad", "none"):
        return None
    names.may_join(group, interface)
    address = names.ipv4(interface)
    level, option, _ = names.known("IP_ADD_MEMBERSHIP")
    program: Program = [(JOIN, level, option, socket.inet_aton(address))]
    if options.multicast_loop_side(names.platform) == "receiver":
        program.append((SET, *names.option("IP_MULTICAST_LOOP", 1), "IP_MULTICAST_LOOP"))
    return program


_FAST: Dict[str, Callable[..., Optional[Program]]] = {
    "socket": _socket,
    "set": _set,
    "bind": _bind,
    "listen": _listen,
    "join": _join,
}
