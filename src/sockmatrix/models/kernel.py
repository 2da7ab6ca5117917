"""The state of the simulated kernels: sockets, ports, groups of listeners, memberships, queues.

Nothing is decided here. A `Kernel` is one host; `order`-keeping lists stand for the kernel's hash
chains, newest first where the kernel adds at the head (net/core/sock.c, include/net/sock.h).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, NamedTuple

from sockmatrix.models import addresses as ip

if TYPE_CHECKING:
    from sockmatrix.models.layouts import Host, Layout
    from sockmatrix.models.versions import Version

State = Literal[
    "closed", "established", "listen", "syn-sent", "close-wait", "fin-wait", "last-ack", "time-wait"
]


class Packet(NamedTuple):
    """A datagram on its way.

    `label` is what was said; `arrived`: the device it was taken to have arrived on, `local`: the
    address a reply would come from (ipi_spec_dst).
    """

    source: str
    sport: int
    to: str
    port: int
    label: str = ""
    size: int = 0
    ttl: int = 64
    arrived: str = ""
    local: str = ""


class Report(NamedTuple):
    """An entry of an error queue (IP_RECVERR): in words, and the errno."""

    errno: str
    text: str


@dataclass(slots=True, eq=False)
class Membership:
    """One group on one device, as a socket has joined it (struct ip_mc_socklist).

    `mode`: "exclude" hears everybody but `sources`, "include" nobody but them.
    """

    group: str
    device: str
    address: str = ""
    mode: Literal["include", "exclude"] = "exclude"
    sources: list[str] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class Balance:
    """A group of sockets that share a port by SO_REUSEPORT (struct sock_reuseport).

    `sockets` in the order of their indexes; `index`: what an attached program returns; `connected`:
    a member was once connected, so that scores decide (has_conns).
    """

    sockets: list[Socket] = field(default_factory=list)
    index: int | None = None
    connected: bool = False


@dataclass(slots=True, eq=False)
class Socket:
    """A socket.

    Addresses: `rcv4`, `rcv6` are bound to (inet_rcv_saddr, sk_v6_rcv_saddr), `source4`,
    `source6` are sent from (inet_saddr, np->saddr); an AF_INET6 socket has both families' fields.
    `finished`: the peer has closed; `shut`: this end has; `done`: a reset was told. `shown`: the
    port it had, which getsockname() still tells. `hashed4`: when it was entered by its four-tuple, 0
    if it is not; `filed`: under which peer. `cpu`: it received while it was connected, and so is
    preferred by datagrams of the same processor (sk_incoming_cpu_update); the probe has but one.
    """

    kernel: Kernel
    role: str
    transport: Literal["udp", "tcp", "unix"]
    family: int
    uid: str = "root"
    kind: str = ""
    rcv4: str = ip.ANY4
    rcv6: str = ""
    source4: str = ip.ANY4
    source6: str = ""
    port: int = 0
    peer: str = ""
    peer_port: int = 0
    state: State = "closed"
    device: str = ""
    reuse: bool = False
    reuseport: bool = False
    v6only: bool = False
    broadcast: bool = False
    holds_address: bool = False
    holds_port: bool = False
    hashed: bool = False
    balance: Balance | None = None
    options: dict[str, int | str] = field(default_factory=dict)
    memberships: list[Membership] = field(default_factory=list)
    queue: list[Packet] = field(default_factory=list)
    reports: list[Report] = field(default_factory=list)
    error: str = ""
    bucket: Bucket | None = None
    accepting: list[Socket] = field(default_factory=list)
    other: Socket | None = None
    finished: bool = False
    shut: bool = False
    done: bool = False
    shown: int = 0
    hashed4: int = 0
    filed: tuple[str, int] = ("", 0)
    cpu: bool = False

    @property
    def key(self) -> str:
        """The address part of the hash by address and port.

        One chain for 0.0.0.0 and ::, and one for an IPv4 address and its mapped form
        (ipv6_portaddr_hash, include/net/ipv6.h).
        """
        if self.family == 4:
            return self.rcv4
        if self.rcv6 == ip.ANY6 or ip.mapped(self.rcv6):
            return self.rcv4
        return self.rcv6

    @property
    def wildcard(self) -> bool:
        """Whether it is bound to 0.0.0.0 or :: (inet_rcv_saddr_any); ::ffff:0.0.0.0 is not that."""
        return (self.rcv4 == ip.ANY4) if self.family == 4 else self.rcv6 == ip.ANY6

    def get(self, option: str, default: int = 0) -> int:
        """Return the value of a plain integer option."""
        value = self.options.get(option, default)
        return value if isinstance(value, int) else default


class Holder(NamedTuple):
    """What a port remembers of a socket that took it: its addresses as they were then."""

    family: int
    rcv4: str
    rcv6: str
    v6only: bool


@dataclass(slots=True, eq=False)
class Bucket:
    """Who holds a TCP port (struct inet_bind_bucket), and the shortcuts that the kernel keeps there.

    `fast_reuse`: all owners have SO_REUSEADDR and do not listen; -1: only connect() chose the port.
    `fast_port`: 0 no, 1 all owners since the first have SO_REUSEPORT, 2 strictly by `fast_like`.
    """

    port: int
    owners: list[Socket] = field(default_factory=list)
    fast_reuse: int = 0
    fast_port: int = 0
    fast_uid: str = ""
    fast_like: Holder | None = None


class Kernel:
    """One host's sockets by every key that the kernel looks them up by."""

    __slots__ = (
        "buckets",
        "by_address",
        "connected",
        "connections",
        "host",
        "listeners",
        "members",
        "network",
        "ports",
    )

    def __init__(self, network: Network, host: Host) -> None:
        self.network = network
        self.host = host
        self.ports: dict[int, list[Socket]] = {}
        self.by_address: dict[tuple[str, int], list[Socket]] = {}
        self.buckets: dict[int, Bucket] = {}
        self.listeners: dict[tuple[str, int], list[Socket]] = {}
        self.connections: dict[tuple[str, int, str, int], Socket] = {}
        self.members: list[tuple[Socket, Membership]] = []
        self.connected = 0


class Network:
    """All hosts of a lab while one cell is played in it, for one version of the kernel."""

    __slots__ = ("kernels", "layout", "version")

    def __init__(self, layout: Layout, version: Version) -> None:
        self.layout = layout
        self.version = version
        self.kernels = {name: Kernel(self, host) for name, host in layout.hosts.items()}
