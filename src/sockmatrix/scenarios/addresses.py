"""What the address symbols of ids are: plain facts, the same on every system.

Sources: RFC 1122 3.2.1.3 (special IPv4 addresses), RFC 4291 2.5 (IPv6 unspecified, loopback and
IPv4-mapped addresses), RFC 3493 5.3 (what a dual-stack wildcard hears), RFC 5771 (multicast).
"""

from __future__ import annotations

from typing import Literal

from sockmatrix.script import symbols

Class = Literal["unicast", "broadcast", "multicast", "wildcard"]

CLASSES: tuple[Class, ...] = ("unicast", "broadcast", "multicast", "wildcard")

WILDCARDS = frozenset({"any4", "any6", "any6only", "mapped-any"})

# RFC 1122 3.3.6: the lowest address of a subnet is an obsolete broadcast that hosts may accept.
BROADCASTS = frozenset({"lobcast", "lonet", "subnet-bcast", "subnet-bcast-b", "subnet-net", "limited"})

GROUPS = frozenset(symbols.GROUPS)

IPV6_SOCKETS = frozenset({"any6", "any6only", "lo6", "if6", "mapped-any", "mapped-lo"})
"""Addresses that take an IPv6 socket to bind, the IPv4-mapped ones among them."""

V6ONLY = "any6only"
"""The one symbol that stands for an address and an option: `::` with IPV6_V6ONLY set."""

_V4 = ("lo4", "if4")
_V6 = ("lo6", "if6")
_HEARS = {
    "any4": _V4,
    "any6": (*_V4, *_V6),
    "any6only": _V6,
    "mapped-any": _V4,
    "mapped-lo": ("lo4",),
}
_ORDER = (*_V4, *_V6)


def class_of(symbol: str) -> Class:
    """Return the class of an address."""
    if symbol in WILDCARDS:
        return "wildcard"
    if symbol in GROUPS:
        return "multicast"
    return "broadcast" if symbol in BROADCASTS else "unicast"


def destinations(binds: list[str]) -> list[str]:
    """Return where to send to learn who of the sockets with these binds hears what.

    Each address that is bound, and for a wildcard the loopback and the interface address it covers.

    >>> destinations(["any4", "lo4"])
    ['lo4', 'if4']
    >>> destinations(["group4", "any6only"])
    ['lo6', 'if6', 'group4']
    """
    found = dict.fromkeys(symbol for bind in binds for symbol in _HEARS.get(bind, (bind,)))
    return [*(one for one in _ORDER if one in found), *(one for one in found if one not in _ORDER)]
