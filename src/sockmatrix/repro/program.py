"""A cell as a program, before it is written in a language: its processes, and their turns in order.

Every symbol is resolved here: addresses are literal, ports are numbers or relative to the one port of
the program, options and flags are called by the names that C has for them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias, final

if TYPE_CHECKING:
    from collections.abc import Mapping

PORT = 20000
"""The port of a program; in its own network every port is free."""

SOURCE_PORT = 25000
"""The first source port of the main process; like PORT outside the usual ephemeral range."""

MARK = "this message="
"""How a datagram begins that is received as such; as long as the probe's own mark (probes/payload.py)."""

PLAIN_SIZE = 32
"""Bytes of a datagram that is to have no particular size (probes/datagrams.py)."""

NO_DEVICE, NO_INDEX = "nosuchdevice", 9999
"""A device that is not there."""


class Inexpressible(Exception):
    """A step that a program of this kind cannot express; the message names it, and says why."""

    def __init__(self, step: str, why: str) -> None:
        super().__init__(f'"{step}": {why}')


# --- values ---------------------------------------------------------------------------------------


@final
@dataclass(frozen=True, slots=True)
class Port:
    """A port: `number` itself, or where it is the program's `own`, what is added to that."""

    number: int = 0
    own: bool = True


@final
@dataclass(frozen=True, slots=True)
class Endpoint:
    """An address and a port; `device` is the one whose index is the sin6_scope_id, None for 0."""

    host: str
    port: Port
    device: str | None = None

    @property
    def version6(self) -> bool:
        """Whether it is an IPv6 address."""
        return ":" in self.host


@final
@dataclass(frozen=True, slots=True)
class Inet:
    """An IPv4 address as the value of an option (struct in_addr)."""

    host: str


@final
@dataclass(frozen=True, slots=True)
class Device:
    """A device as the value of an option.

    `how`: by its name, its index, that in network order, or as a struct ip_mreqn (ip(7)). An empty name
    is no device, index 0.
    """

    name: str
    how: Literal["name", "index", "network", "mreqn"]


@final
@dataclass(frozen=True, slots=True)
class Linger:
    """A struct linger that is on, with so many seconds."""

    seconds: int


Value: TypeAlias = int | Inet | Device | Linger


@final
@dataclass(frozen=True, slots=True)
class Option:
    """A socket option, by the names of its level and its own."""

    level: str
    name: str


# --- calls ----------------------------------------------------------------------------------------


@final
@dataclass(frozen=True, slots=True)
class Open:
    """socket(2), by the names of the address family and the type."""

    family: str
    kind: str


@final
@dataclass(frozen=True, slots=True)
class SetOption:
    """setsockopt(2)."""

    option: Option
    value: Value


@final
@dataclass(frozen=True, slots=True)
class GetOption:
    """getsockopt(2), and how the value is told: as a number, or what it stands for."""

    option: Option
    told: Literal["number", "error", "address", "device", "index"] = "number"


@final
@dataclass(frozen=True, slots=True)
class Bind:
    """bind(2); `hears`: a datagram socket, which can hear from now on."""

    to: Endpoint
    hears: bool


@final
@dataclass(frozen=True, slots=True)
class Listen:
    """listen(2)."""

    backlog: int


@final
@dataclass(frozen=True, slots=True)
class Connect:
    """connect(2); `stream`: of a TCP socket, which waits a second for the handshake."""

    to: Endpoint
    stream: bool


@final
@dataclass(frozen=True, slots=True)
class Member:
    """setsockopt(2) with a structure that names a group.

    `form`: struct ip_mreq, ip_mreqn, ip_mreq_source, ipv6_mreq, group_req, group_source_req.
    `interface` is an IPv4 address, `device` what is named by its index; `source` the one sender meant.
    """

    call: str
    option: Option
    form: Literal["mreq", "mreqn", "source", "mreq6", "group", "source6"]
    group: str
    interface: str = ""
    device: str = ""
    source: str = ""


@final
@dataclass(frozen=True, slots=True)
class Send:
    """sendmsg(2) of one datagram that says its `label`; `source`: struct in_pktinfo names it (ip(7))."""

    to: Endpoint | None
    label: str
    size: int | None
    flags: tuple[str, ...] = ()
    source: str = ""

    @property
    def mark(self) -> str:
        """What the datagram says, before it is filled up with zeros."""
        return f"{MARK}{self.label}\n"[: self.size]

    @property
    def length(self) -> int:
        """Bytes of it."""
        return PLAIN_SIZE if self.size is None else self.size


@final
@dataclass(frozen=True, slots=True)
class Speak:
    """So many datagrams of one voice, from the socket of a process."""

    voice: int
    to: Endpoint
    times: int


@final
@dataclass(frozen=True, slots=True)
class Receive:
    """recvmsg(2), once or until there is no more; what is told of it."""

    every: bool
    size: int
    flags: tuple[str, ...] = ()


@final
@dataclass(frozen=True, slots=True)
class Accept:
    """accept(2): the connection becomes a socket of that name."""

    name: str


@final
@dataclass(frozen=True, slots=True)
class Balance:
    """SO_ATTACH_REUSEPORT_CBPF (socket(7)) with a program that returns a number."""

    index: int


@final
@dataclass(frozen=True, slots=True)
class Plainly:
    """A call without arguments, by the name that steps have for it."""

    name: str


@final
@dataclass(frozen=True, slots=True)
class Ask:
    """A question to the host: the route to an address, a sysctl, the flags of a device."""

    what: str
    of: str = ""


Call: TypeAlias = (
    Open
    | SetOption
    | GetOption
    | Bind
    | Listen
    | Connect
    | Member
    | Send
    | Speak
    | Receive
    | Accept
    | Balance
    | Plainly
    | Ask
)


@final
@dataclass(frozen=True, slots=True)
class Step:
    """One call. `name` is what a failure calls it, `text` how steps write it.

    With a label its result is noted; without one an error ends the turn.
    """

    label: str | None
    name: str
    call: Call
    text: str = field(compare=False)


# --- turns ----------------------------------------------------------------------------------------


@final
@dataclass(frozen=True, slots=True)
class Turn:
    """What one process does with one of its sockets, `who`: A, or A.b of the process A."""

    who: str
    steps: tuple[Step, ...]
    place: str = ""

    @property
    def process(self) -> str:
        """The process."""
        return self.who.partition(".")[0]

    @property
    def speaks(self) -> tuple[int, ...]:
        """The voices it speaks with."""
        return tuple(step.call.voice for step in self.steps if isinstance(step.call, Speak))


@final
@dataclass(frozen=True, slots=True)
class End:
    """The end of a process: by itself, or killed."""

    process: str
    how: Literal["exit", "kill"]


@final
@dataclass(frozen=True, slots=True)
class Speech:
    """What the main process says: one voice after another, each before the next is heard."""

    voices: tuple[int, ...]


@final
@dataclass(frozen=True, slots=True)
class Voice:
    """Datagrams (or connections) of one label, which are counted.

    `ports`: from how many source ports, two datagrams each (or connections); a process that speaks
    itself has one. `options` are those of the sending sockets. `receivers`: the sockets that may hear, if
    they opened.
    """

    label: str
    to: Endpoint
    receivers: tuple[str, ...]
    ports: int
    own: bool = False
    connects: bool = False
    options: tuple[tuple[Option, Value], ...] = ()


@final
@dataclass(frozen=True, slots=True)
class Program:
    """The whole. `turns` are taken one after another.

    `network`: shell commands that make its network; empty where it stays on the loopback of any machine.
    `names` are what notes call addresses, `devices` devices. `local_range`: the ephemeral ports. `named`:
    sockets are called by their names even where they are the first or the last. `notes`: the labels of
    notes, in the order of the outcome; `voices` have that order too. `lacking` is the option that most
    systems do not have. `users`: user ids by process. `hosts`: the namespace of each process that is not
    at home.
    """

    cell: str
    question: str
    script: tuple[str, ...]
    turns: tuple[Turn | End | Speech, ...]
    voices: tuple[Voice, ...]
    order: tuple[int, ...]
    notes: tuple[str, ...]
    receivers: tuple[str, ...]
    network: tuple[str, ...]
    link: bool
    names: Mapping[str, str]
    devices: Mapping[str, str]
    local_range: tuple[int, int]
    named: bool
    lacking: str = ""
    users: Mapping[str, int] = field(default_factory=dict)
    hosts: Mapping[str, str] = field(default_factory=dict)
    recorded: tuple[str, str] | None = None

    @property
    def steps(self) -> tuple[Step, ...]:
        """Every step of the processes, in order."""
        return tuple(step for turn in self.turns if isinstance(turn, Turn) for step in turn.steps)

    def calls(self, kind: type | tuple[type, ...]) -> list[Step]:
        """Return the steps that are calls of a kind."""
        return [step for step in self.steps if isinstance(step.call, kind)]
