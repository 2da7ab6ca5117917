"""Voices: what is said in a cell for its receivers to hear, and counted, by whomever.

The staged sender speaks from pools of sockets that are alike, a role from a socket of its own.
"""

from __future__ import annotations

import socket
from typing import Any, Dict, List, NamedTuple, Optional, Tuple

import groups
import options
from place import Address
from resolver import Option, Resolver, family, port_offset

GROUP4 = "group4"
"""The group that a trial is given; its others follow from it."""

_CONTROLLED = frozenset(
    {
        *("lo4", "lo4b", "lonet", "lobcast", "if4", "subnet-bcast", "subnet-net", "limited", "group4"),
        *("lo6", "if6", "mapped-lo", "group6-node", "group6-link", "group6-site", "group6-global"),
    }
)
"""Destinations of which a lone receiver on the first host says whether anybody here can hear them."""


class Pool(NamedTuple):
    """A set of sender sockets that are alike: address family and options (level, name, value)."""

    family: int
    options: Tuple[Option, ...]


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


def staged(names: Resolver, statement: List[Any]) -> Voice:
    """Return what the staged sender says by ("send", label, destination, profile) or ("connect", ...)."""
    _, label, destination, *more = statement
    profile: Dict[str, Any] = more[0] if more else {}
    port = port_offset(profile.get("port", "P")) or 0
    if statement[0] == "connect":
        names.may_send(destination)
        host = names.literal(destination)
        return Voice(label, host, None, family(host), None, port=port)
    via = profile.get("via")
    names.may_send(destination, via)
    symbolic = groups.is_group(destination)
    host = names.literal(destination)
    chosen: List[Option] = []
    if profile.get("broadcast"):
        chosen.append(names.option("SO_BROADCAST", 1))
    if symbolic:
        chosen += _multicast(names, destination in groups.IPV6, via or "none", profile)
    pool = Pool(family(host), tuple(chosen))
    controlled = destination in _CONTROLLED and bool(via) == symbolic
    return Voice(
        label,
        None if symbolic else host,
        pool,
        pool.family,
        (destination, via) if controlled else None,
        group=destination if symbolic else GROUP4,
        port=port,
    )


def own(label: str, symbol: str, address: Address, port: str) -> Voice:
    """Return what a role says from a socket of its own; no control hears that."""
    host = None if isinstance(address, tuple) else address
    return Voice(label, host, None, 0, None, group=symbol, port=port_offset(port) or 0, own=True)


def for_control(voice: Voice) -> Tuple[List[List[Any]], List[Any]]:
    """Return what the most willing receiver does for `voice`'s kind of destination, what it is told."""
    assert voice.kind is not None
    destination, via = voice.kind
    v6 = voice.family == socket.AF_INET6
    operations: List[List[Any]] = [["socket", "udp6" if v6 else "udp4"]]
    operations.append(["bind", "any6" if v6 else "any4"])
    if via is not None:
        operations.append(["join", destination, via])
    profile: Dict[str, Any] = {} if v6 else {"broadcast": 1}
    if via is not None:
        profile = {**profile, "via": via}
    return operations, ["send", "", destination, profile]


def _multicast(names: Resolver, version6: bool, via: str, profile: Dict[str, Any]) -> List[Option]:
    """Return the options of a socket that sends to a group, out of the interface `via`."""
    chosen = []
    start = "IPV6_" if version6 else "IP_"
    if via != "none":
        if version6:
            chosen.append(names.option("IPV6_MULTICAST_IF", via))
        else:
            level, option, _ = names.known("IP_MULTICAST_IF")
            chosen.append((level, option, socket.inet_aton(names.ipv4(via))))
    hops = start + ("MULTICAST_HOPS" if version6 else "MULTICAST_TTL")
    chosen.append(names.option(hops, profile.get("ttl", names.lab.multicast_ttl)))
    if "loop" in profile:
        chosen.append(names.option(start + "MULTICAST_LOOP", profile["loop"]))
    elif options.multicast_loop_side(names.platform) == "sender" or version6:
        chosen.append(names.option(start + "MULTICAST_LOOP", 1))
    return chosen
