"""How sockets stand to each other and to a destination: plain facts about addresses and options.

Two addresses overlap when a datagram could match both: they are the same, or one is a wildcard of the
other's family. RFC 4291 2.5.5.2 and RFC 3493 3.7: an IPv4-mapped address is the IPv4 address.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from sockmatrix.scenarios import addresses

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sockmatrix.cell import Socket

_COVERS = {"any4": "4", "any6": "46", "any6only": "6", "mapped-any": "4"}
_MAPPED = {"mapped-lo": "lo4", "mapped-any": "any4", "mapped-if4": "if4", "mapped-group4": "group4"}
_IPV6 = ("lo6", "if6", "link6", "group6", "allnodes6")

NOBODY = "nobody"
"""There is no other socket to stand in a relation to."""

NO_OPTION = "none"
ONE_EACH = "one-each"

DESTINATION, WILDCARD, OTHER = "destination", "wildcard", "other"


@functools.cache
def families(symbol: str) -> str:
    """Return the families of the addresses that a bind to this one covers: 4, 6 or 46."""
    if symbol in _COVERS:
        return _COVERS[symbol]
    return "6" if symbol.startswith(_IPV6) or symbol.endswith("-6") else "4"


@functools.cache
def overlap(one: str, other: str) -> bool:
    """Tell whether two addresses overlap.

    >>> overlap("any4", "lo4"), overlap("any6", "any4"), overlap("any6only", "any4")
    (True, True, False)
    """
    if one in _COVERS or other in _COVERS:
        return not set(families(one)).isdisjoint(families(other))
    return _MAPPED.get(one, one) == _MAPPED.get(other, other)


@functools.cache
def bound(bind: str, dest: str) -> str:
    """Return what a bound address is to a destination: the `destination`, a `wildcard`, or `other`."""
    if not overlap(bind, dest):
        return OTHER
    return WILDCARD if bind in _COVERS else DESTINATION


@functools.cache
def is_ipv6(bind: str) -> bool:
    """Tell whether it takes an IPv6 socket to bind an address."""
    return bind in addresses.IPV6_SOCKETS or "6" in families(bind)


@functools.cache
def own_values(socket: Socket) -> Mapping[str, str]:
    """Return what a socket is by itself, by axis."""
    return {
        "bind": socket.bind,
        "reuse": socket.reuse,
        "family": "6" if is_ipv6(socket.bind) else "4",
        "bind-class": addresses.class_of(socket.bind),
        **dict(socket.further),
    }


def beside(socket: Socket, earlier: Sequence[Socket]) -> dict[str, str]:
    """Return how a socket stands to those before it whose addresses overlap with its own, by axis."""
    near = [other for other in earlier if overlap(socket.bind, other.bind)]
    found = {
        "overlap": _ways(socket.bind, [other.bind for other in near]),
        "shared-with-each": shared(socket, near),
        "shared-with-latest": shared(socket, near[-1:]),
    }
    if user := socket.get("user"):
        alike = all(other.get("user") == user for other in near)
        found["their-user"] = NOBODY if not near else "same" if alike else "another"
    return found


def shared(one: Socket, others: Sequence[Socket]) -> str:
    """Return the reuse options that a socket shares with each of others.

    `none` if it shares nothing with one of them, `one-each` if something with each, but not the same.
    """
    if not others:
        return NOBODY
    known = [common(one, other) for other in others]
    if not all(known):
        return NO_OPTION
    return "+".join(option for option in known[0] if all(option in some for some in known)) or ONE_EACH


def common(one: Socket, other: Socket) -> list[str]:
    """Return the options that two sockets set, as the axis `reuse` names them."""
    if NO_OPTION in (one.reuse, other.reuse):
        return []
    theirs = other.reuse.split("+")
    return [option for option in one.reuse.split("+") if option in theirs]


def _ways(one: str, others: Iterable[str]) -> str:
    """Return how an address overlaps with those of others: one word if it is the same for all."""
    found = {_way(one, other) for other in others}
    return found.pop() if len(found) == 1 else "several" if found else NOBODY


def _way(one: str, other: str) -> str:
    if _MAPPED.get(one, one) == _MAPPED.get(other, other):
        return "same"
    if one in _COVERS:
        return "two-wildcards" if other in _COVERS else "wider"
    return "narrower"
