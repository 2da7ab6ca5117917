"""Steps in symbols become programs of numbers and addresses that a role can perform.

Everything that depends on the operating system or on the lab is decided here, once for each distinct
program: which option a name is, what an address symbol stands for, whether it may be used at all.
"""

from __future__ import annotations

import socket
import struct
import sys
from typing import Any, Dict, List, Mapping, NamedTuple, Optional, Tuple, Union

import groups
import lab as labs
import options
import symbols
from acts import ACTS, Address
from role import ACT, BIND, JOIN, LISTEN, SET, SOCKET

# Plain numbers: a message to a role holds no enumerations.
SOCKETS = {
    "udp4": (int(socket.AF_INET), int(socket.SOCK_DGRAM)),
    "udp6": (int(socket.AF_INET6), int(socket.SOCK_DGRAM)),
    "tcp4": (int(socket.AF_INET), int(socket.SOCK_STREAM)),
    "tcp6": (int(socket.AF_INET6), int(socket.SOCK_STREAM)),
}
_UNIX = getattr(socket, "AF_UNIX", None)  # Python on Windows has none
if _UNIX is not None:
    SOCKETS["unix-stream"] = (int(_UNIX), int(socket.SOCK_STREAM))
    SOCKETS["unix-dgram"] = (int(_UNIX), int(socket.SOCK_DGRAM))
GROUP4 = "group4"
HOME = "h1"

_CONTROLLED = frozenset(
    {
        *("lo4", "lo4b", "lonet", "lobcast", "if4", "subnet-bcast", "subnet-net", "limited", "group4"),
        *("lo6", "if6", "mapped-lo", "group6-node", "group6-link", "group6-site", "group6-global"),
    }
)
"""Destinations of which a lone receiver on the first host says whether anybody here can hear them."""

_MEMBERSHIPS = {
    "join": ("IP_ADD_MEMBERSHIP", "IP_ADD_SOURCE_MEMBERSHIP", "IPV6_JOIN_GROUP"),
    "leave": ("IP_DROP_MEMBERSHIP", "IP_DROP_SOURCE_MEMBERSHIP", "IPV6_LEAVE_GROUP"),
    "block": ("", "IP_BLOCK_SOURCE", ""),
    "unblock": ("", "IP_UNBLOCK_SOURCE", ""),
}
# linux/in.h: MCAST_JOIN_SOURCE_GROUP and its relatives
_SOURCE_GROUP = {"join": 46, "leave": 47, "block": 43, "unblock": 44}
_GET_KINDS = {
    "SO_ERROR": "error",
    "IP_MULTICAST_IF": "address4",
    "SO_BINDTODEVICE": "text",
    "IPV6_MULTICAST_IF": "index",
}
_BUFFER = 2048
_TIMES = 8
_ENDS = ("exit", "kill")


class Absent(Exception):
    """There is no such option on this platform; its name is the message."""


class Pool(NamedTuple):
    """A set of sender sockets that are alike: address family and options (level, name, value)."""

    family: int
    options: Tuple[Tuple[int, int, Any], ...]


class Voice(NamedTuple):
    """One thing that is said in a cell, by the staged sender or (`own`) by a role's own socket.

    `host` is None for the trial's own `group`. `kind` is the destination a control hears, None where
    none can tell. `port` is added to the trial's. `at` is the turn of the cell in which it is said.
    """

    label: str
    host: Optional[str]
    pool: Optional[Pool]
    family: int
    kind: Optional[Tuple[str, Optional[str]]]
    group: str = GROUP4
    port: int = 0
    at: int = 0
    own: bool = False

    @property
    def connects(self) -> bool:
        """True for a TCP connection, False for datagrams."""
        return self.pool is None and not self.own


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
        self._constants = vars(socket) if constants is None else constants
        self._found: Dict[str, Optional[options.Option]] = {}
        self.programs: Dict[int, List[Tuple[Any, ...]]] = {}
        self._operations: List[List[List[Any]]] = []
        self._parts: Dict[Any, Union[Part, Exception]] = {}
        self._host = HOME

    def add(self, operations: List[List[Any]]) -> int:
        """Take in the operations of one role and return their number."""
        self._operations.append(operations)
        return len(self._operations) - 1

    def acts(self, number: int) -> bool:
        """Tell whether a program has operations that need to know the lab (acts.py)."""
        return any(operation[0] == ACT for operation in self.programs[number])

    def part(self, number: int, *, staged: bool = False, host: str = HOME) -> Part:
        """Return the compiled operations `number`: of the staged sender, or of a role on `host`.

        Raises Absent for an option this platform does not have, lab.Unavailable for an address it
        lacks or may not use.
        """
        key = (number, staged, host)
        part = self._parts.get(key)
        if part is None:
            self._host = host
            try:
                operations = self._operations[number]
                part = self._speech(operations) if staged else self._part(operations)
            except (Absent, labs.Unavailable) as error:
                part = error
            except (ValueError, LookupError, TypeError, AttributeError) as error:
                # Of a newer engine, perhaps: it costs the cells that ask for it, and no others.
                part = labs.Unavailable(f"this probe does not understand it: {error}"[:400])
            self._parts[key] = part
        if isinstance(part, Exception):
            raise part
        return part

    def _part(self, operations: List[List[Any]]) -> Part:
        if operations[0][0] in _ENDS:
            return Part(None, [], False, False, closes=True, ends=operations[0][0])
        plain = [one[2] if one[0] == "note" else one for one in operations]
        names = {one[0] for one in plain}
        ports = [str(argument) for one in plain for argument in one[1:] if str(argument).startswith("P+")]
        stream = next((one[1].startswith("tcp") for one in plain if one[0] == "socket"), None)
        binds = [
            one[2] if len(one) > 2 and not isinstance(one[2], dict) else "P"
            for one in plain
            if one[0] == "bind"
        ]
        program, voices = self._compile(operations)
        return Part(
            program,
            voices,
            "bind" in names,
            "listen" in names,
            stream=stream,
            bound=_offset(binds[-1]) if binds else None,
            closes=bool(names & {"close", "reset"}),
            ports=1 + max((_offset(port) or 0 for port in ports), default=0),
            connects=bool(stream is not False and names & {"connect", "accept"}),
        )

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
        ports = 1 + max(voice.port for voice in voices)
        return Part(None, voices, False, False, tuple(unsent), ports=ports)

    # --- the programs of roles -------------------------------------------------------------------

    def _compile(self, operations: List[List[Any]]) -> Tuple[int, List[Voice]]:
        program: List[Tuple[Any, ...]] = []
        voices: List[Voice] = []
        datagrams = False
        opens = any(operation[0] == "socket" for operation in operations)
        for given in operations:
            label, operation = given[1:] if given[0] == "note" else (None, given)
            name, *arguments = operation
            if name in ("bind", "connect") and isinstance(arguments[-1], dict) and len(arguments) < 3:
                arguments.insert(1, "P")
            if name == "speak":
                program.append(self._own_voice(voices, *arguments))
                continue
            if name == "socket":
                datagrams = arguments[0].startswith("udp")
            if name in ("socket", "set", "bind", "listen", "join"):
                # What kind of socket an earlier turn has made, only the role knows.
                known = opens or name != "bind"
                fast = getattr(self, "_op_" + name)(*arguments) if known and not label else None
                if fast is not None:
                    program.extend(fast)
                    continue
            program.append(self._act(label, name, arguments))
        # A bound datagram socket may hear; what a bind is worth otherwise, listen decides.
        program = [(*op, datagrams) if op[0] == BIND else op for op in program]
        number = len(self.programs)
        self.programs[number] = program
        return number, voices

    def _op_socket(self, kind: str) -> List[Tuple[Any, ...]]:
        return [(SOCKET, *_socket(kind))]

    def _op_set(self, name: str, value: Any) -> List[Tuple[Any, ...]]:
        level, option, packed = self._option(name, value)
        return [(SET, level, option, packed, name)]

    def _op_bind(
        self, symbol: str, port: str = "P", how: Optional[Dict[str, Any]] = None
    ) -> Optional[List[Tuple[Any, ...]]]:
        address = self._address(symbol)
        if how or port != "P" or (isinstance(address, tuple) and symbol != GROUP4) or "%" in address:
            return None
        return [(BIND, None if isinstance(address, tuple) else address)]

    def _op_listen(self, backlog: int = 128) -> List[Tuple[Any, ...]]:
        return [(LISTEN, backlog)]

    def _op_join(
        self, group: str, interface: str, how: Optional[Dict[str, str]] = None
    ) -> Optional[List[Tuple[Any, ...]]]:
        if group != GROUP4 or how or interface in ("bad", "none"):
            return None
        self._may_join(group, interface)
        address = self._interface4(interface)
        level, option, _ = self._known("IP_ADD_MEMBERSHIP")
        program: List[Tuple[Any, ...]] = [(JOIN, level, option, socket.inet_aton(address))]
        if options.multicast_loop_side(self.platform) == "receiver":
            program.extend(self._op_set("IP_MULTICAST_LOOP", 1))
        return program

    # --- acts ------------------------------------------------------------------------------------

    def _act(self, label: Optional[str], name: str, arguments: List[Any]) -> Tuple[Any, ...]:
        """Return one act as a role performs it: (ACT, label, call, name in acts.ACTS, arguments)."""
        method = getattr(self, "_act_" + name.replace("-", "_"), None)
        try:
            if name == "tell":
                call, act, given = self._act_tell(label or "x", *arguments)
            elif method is not None:
                call, act, given = method(*arguments)
            elif name in _MEMBERSHIPS:
                call, act, given = name, name, self._membership(name, *arguments)
            elif name in ACTS:
                call, act, given = name, name, ()
            else:
                raise LookupError(f"operation {name}")
        except Absent:
            if label is None:
                raise
            call, act, given = name, "absent", ()
        return (ACT, label, call, act, given)

    def _act_socket(self, kind: str) -> Tuple[Any, ...]:
        return "socket", "socket", _socket(kind)

    def _act_set(self, name: str, value: Any) -> Tuple[Any, ...]:
        return "set " + name, "set", self._option(name, value)

    def _act_get(self, name: str) -> Tuple[Any, ...]:
        level, option, _ = self._known(name)
        return "get", "get", (level, option, _GET_KINDS.get(name, ""))

    def _act_bind(
        self, symbol: str, port: str = "P", how: Optional[Dict[str, Any]] = None
    ) -> Tuple[Any, ...]:
        return "bind", "bind", (self._address(symbol), str(port), self._scope(how))

    def _act_listen(self, backlog: int = 128) -> Tuple[Any, ...]:
        return "listen", "listen", (backlog,)

    def _act_connect(
        self, symbol: str, port: str = "P", how: Optional[Dict[str, Any]] = None
    ) -> Tuple[Any, ...]:
        self._may_send(symbol, None)
        return "connect", "connect", (self._address(symbol), str(port), self._scope(how))

    def _act_accept(self, name: str) -> Tuple[Any, ...]:
        return "accept", "accept", (name,)

    def _act_tell(
        self,
        said: str,
        symbol: Optional[str] = None,
        port: Optional[str] = "P",
        how: Optional[Dict[str, Any]] = None,
    ) -> Tuple[Any, ...]:
        how = how or {}
        address = None
        if symbol is not None:
            self._may_send(symbol, None)
            address = self._address(symbol)
        ancillary = []
        if how.get("source"):
            source = self.lab.address(how["source"], 0, self._host)
            # ip(7): struct in_pktinfo { int ipi_ifindex; struct in_addr ipi_spec_dst, ipi_addr; }
            packed = struct.pack("=I4s4s", 0, socket.inet_aton(source), bytes(4))
            ancillary.append((int(socket.IPPROTO_IP), self._known("IP_PKTINFO")[1], packed))
        size, flags = _how_much(how, None)
        port = "P" if port is None else str(port)
        return "send", "send", (address, port, said, size, flags, ancillary, self._scope(how))

    def _act_receive(self, *arguments: Any) -> Tuple[Any, ...]:
        how = arguments[-1] if arguments and isinstance(arguments[-1], dict) else {}
        act = "receiveall" if arguments and arguments[0] == "all" else "receive"
        return "receive", act, _how_much(how, _BUFFER)

    def _act_balance(self, index: Any) -> Tuple[Any, ...]:
        self._known("SO_ATTACH_REUSEPORT_CBPF")
        return "balance", "balance", (int(index),)

    def _act_unbalance(self) -> Tuple[Any, ...]:
        level, option, _ = self._known("SO_DETACH_REUSEPORT_BPF")
        return "unbalance", "unbalance", (level, option, 0)

    def _act_flags(self, interface: str) -> Tuple[Any, ...]:
        return "flags", "flags", (self.lab.device(interface, self._host)[0],)

    def _act_route(self, symbol: str) -> Tuple[Any, ...]:
        return "route", "route", (self._address(symbol),)

    def _act_sysctl(self, name: str) -> Tuple[Any, ...]:
        return "sysctl", "sysctl", (name,)

    def _act_asyncio_reuse_address(self) -> Tuple[Any, ...]:
        return "asyncio", "asyncio", ()

    def _membership(
        self, call: str, group: str, interface: str, how: Optional[Dict[str, str]] = None
    ) -> Tuple[Any, ...]:
        """Return (level, option, parts of the structure); ip(7), RFC 3678 4.1.2, RFC 3493 5.2."""
        how = how or {}
        by = how.get("by", "address")
        self._may_join(group, "none" if by == "any" else interface)
        whole, sourced, v6 = _MEMBERSHIPS[call]
        chosen: Address = (group,) if groups.is_group(group) else self.lab.address(group, 0, self._host)
        if group in groups.IPV6:
            index = 0 if by == "any" else self._device(interface)[1]
            if "source" in how:
                return self._source_group6(call, group, index, how["source"])
            level, option, _ = self._known(v6)
            return level, option, [chosen, struct.pack("@I", index)]
        if isinstance(chosen, str):
            chosen_part: Any = socket.inet_aton(chosen)
        else:
            chosen_part = chosen
        if "source" in how:
            level, option, _ = self._known(sourced)
            own = socket.inet_aton("0.0.0.0" if by == "any" else self._interface4(interface))  # noqa: S104
            source = socket.inet_aton(self.lab.address(how["source"], 0, self._host))
            return level, option, [chosen_part, own, source]  # struct ip_mreq_source of Linux
        level, option, _ = self._known(whole)
        if by == "any":
            return level, option, [chosen_part, bytes(4)]
        if by == "index" or interface == "bad":
            index = self._device(interface)[1]
            packed = options.membership4_by_index(self.platform, "0.0.0.0", index)  # noqa: S104
            if packed is None:
                raise Absent("struct ip_mreqn")
            return level, option, [chosen_part, packed[4:]]
        return level, option, [chosen_part, socket.inet_aton(self._interface4(interface))]

    def _source_group6(self, call: str, group: str, index: int, source: str) -> Tuple[Any, ...]:
        """Return the parts of a struct group_source_req (RFC 3678, 5.1.2), as Linux lays it out."""
        if not self.platform.startswith("linux"):
            raise Absent("struct group_source_req")
        address = socket.inet_pton(socket.AF_INET6, self.lab.address(source, 0, self._host))
        start, end = struct.pack("=HHI", socket.AF_INET6, 0, 0), bytes(4 + 100)  # sockaddr_storage: 128
        parts = [struct.pack("=I4x", index), start, (group,), end + start + address + end]
        return int(socket.IPPROTO_IPV6), _SOURCE_GROUP[call], parts

    # --- voices ----------------------------------------------------------------------------------

    def _own_voice(
        self, voices: List[Voice], label: str, symbol: str, port: str = "P", times: int = _TIMES
    ) -> Tuple[Any, ...]:
        self._may_send(symbol, None)
        address = self._address(symbol)
        host = None if isinstance(address, tuple) else address
        offset = _offset(port) or 0
        number = len(voices)
        voices.append(Voice(label, host, None, 0, None, group=symbol, port=offset, own=True))
        return (ACT, None, "send", "speak", (address, str(port), number, int(times)))

    def _voice(self, operation: List[Any]) -> Voice:
        if operation[0] == "connect":
            _, label, destination, *more = operation
            self._may_send(destination, None)
            host = self.lab.address(destination, 0)
            offset = _offset(more[0].get("port", "P")) if more else 0
            return Voice(label, host, None, family(host), None, port=offset or 0)
        _, label, destination, profile = operation
        via = profile.get("via")
        self._may_send(destination, via)
        symbolic = groups.is_group(destination)
        host = self.lab.address(destination, 0)
        chosen: List[Tuple[int, int, Any]] = []
        if profile.get("broadcast"):
            chosen.append(self._option("SO_BROADCAST", 1))
        if symbolic:
            chosen += self._multicast(destination in groups.IPV6, via or "none", profile)
        pool = Pool(family(host), tuple(chosen))
        controlled = destination in _CONTROLLED and bool(via) == symbolic
        return Voice(
            label,
            None if symbolic else host,
            pool,
            pool.family,
            (destination, via) if controlled else None,
            group=destination if symbolic else GROUP4,
            port=_offset(profile.get("port", "P")) or 0,
        )

    def _multicast(self, version6: bool, via: str, profile: Dict[str, Any]) -> List[Tuple[int, int, Any]]:
        """Return the options of a socket that sends to a group, out of the interface `via`."""
        chosen = []
        start = "IPV6_" if version6 else "IP_"
        if via != "none":
            if version6:
                chosen.append(self._option("IPV6_MULTICAST_IF", via))
            else:
                level, option, _ = self._known("IP_MULTICAST_IF")
                chosen.append((level, option, socket.inet_aton(self._interface4(via))))
        hops = start + ("MULTICAST_HOPS" if version6 else "MULTICAST_TTL")
        chosen.append(self._option(hops, profile.get("ttl", self.lab.multicast_ttl)))
        if "loop" in profile:
            chosen.append(self._option(start + "MULTICAST_LOOP", profile["loop"]))
        elif options.multicast_loop_side(self.platform) == "sender" or version6:
            chosen.append(self._option(start + "MULTICAST_LOOP", 1))
        return chosen

    def control(self, voice: Voice) -> Tuple[int, Voice]:
        """Return the program of a lone receiver for `voice`'s kind of destination, and its voice."""
        assert voice.kind is not None
        destination, via = voice.kind
        v6 = voice.family == socket.AF_INET6
        self._host = HOME
        operations: List[List[Any]] = [["socket", "udp6" if v6 else "udp4"]]
        operations.append(["bind", "any6" if v6 else "any4"])
        if via is not None:
            operations.append(["join", destination, via])
        profile: Dict[str, Any] = {} if v6 else {"broadcast": 1}
        if via is not None:
            profile = {**profile, "via": via}
        return self._compile(operations)[0], self._voice(["send", "", destination, profile])

    # --- what symbols and names stand for --------------------------------------------------------

    def _address(self, symbol: str) -> Address:
        if groups.is_group(symbol):
            self.lab.address(symbol, 0, self._host)  # raises where the lab lacks it
            return (symbol,)
        return self.lab.address(symbol, 0, self._host)

    def _scope(self, how: Optional[Dict[str, Any]]) -> int:
        """Return the scope id that `on` means: an interface index; 0 where it is not given."""
        interface = (how or {}).get("on")
        return self._device(interface)[1] if interface else 0

    def _may_send(self, destination: str, via: Optional[str]) -> None:
        reason = self.lab.allows_send(destination, via)
        if reason:
            raise labs.Unavailable(reason)

    def _may_join(self, group: str, interface: str) -> None:
        reason = self.lab.allows_join(group, interface)
        if reason:
            raise labs.Unavailable(reason)

    def _interface4(self, symbol: str) -> str:
        if symbol == "bad":
            return self.lab.address("nonlocal4", 0, self._host)
        address = self.lab.interface(symbol, self._host).ipv4
        if address is None:
            raise labs.Unavailable("no IPv4 address on that interface")
        return address

    def _device(self, symbol: str) -> Tuple[str, int]:
        return self.lab.device(symbol, self._host)

    def _known(self, name: str) -> Tuple[int, int, Any]:
        if name not in self._found:
            self._found[name] = options.find(self.platform, self._constants, name)
        found = self._found[name]
        if found is None:
            raise Absent(name)
        return found

    def _option(self, name: str, value: Any) -> Tuple[int, int, Any]:
        level, option, kind = self._known(name)
        if not isinstance(value, str) or value.lstrip("-").isdigit():
            number = kind in (options.INDEX, options.INDEX_IN_NETWORK_ORDER)
            return level, option, options.value(options.INT if number else kind, value)
        how, _, symbol = value.rpartition(":")
        if kind == options.DEVICE_NAME:
            return level, option, self._device(symbol)[0].encode() if symbol != "none" else b""
        if kind == options.INDEX:
            return level, option, self._device(symbol)[1]
        if kind == options.INDEX_IN_NETWORK_ORDER:
            return level, option, struct.pack("!I", self._device(symbol)[1])
        if how == "index":  # struct ip_mreqn, ip(7)
            return level, option, bytes(8) + struct.pack("@i", self._device(symbol)[1])
        if symbol == "none":
            return level, option, bytes(4)
        if symbol in symbols.INTERFACES or symbol == "bad":
            return level, option, socket.inet_aton(self._interface4(symbol))
        return level, option, socket.inet_aton(self.lab.address(symbol, 0, self._host))


def _socket(kind: str) -> Tuple[int, int]:
    if kind not in SOCKETS:
        raise Absent(kind)
    return SOCKETS[kind]


def _offset(port: Any) -> Optional[int]:
    """Return what is added to the trial's own port: 0 for P, 1 for P+1, None for another port."""
    text = str(port)
    return int(text[2:] or 0) if text.startswith("P") else None


def _how_much(how: Dict[str, Any], size: Optional[int]) -> Tuple[Optional[int], int]:
    """Return the size in bytes and the flags of a send or a receive."""
    flags = 0
    for name in how.get("flags", ()):
        number = getattr(socket, name, _FLAGS.get(name))
        if number is None:
            raise Absent(name)
        flags |= int(number)
    given = how.get("size", size)
    return (None if given is None else int(given)), flags


_FLAGS = {"MSG_MORE": 0x8000, "MSG_CONFIRM": 0x800, "MSG_ERRQUEUE": 0x2000}  # linux/socket.h


def family(host: str) -> int:
    """Return the number of the address family that `host` is written in."""
    return int(socket.AF_INET6 if ":" in host else socket.AF_INET)
