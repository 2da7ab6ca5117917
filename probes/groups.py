"""Multicast groups of a trial's own: all of them follow from the one IPv4 group that it was given.

A role knows its trial's `group4` and finds the others by itself. Each kind of group has a range of its
own. But for the numbered ones, which are too many for that, no two ranges share an Ethernet address
(RFC 1112, 6.4 and RFC 2464, 7: the low 23 or 32 bits), so that a group that is joined never brings
another one along.
"""

from __future__ import annotations

import functools
import socket
from typing import Dict

FIRST, COUNT = 0xEFC00000, 1 << 18
"""239.192.0.0/14, the organization-local scope of RFC 2365: where `group4` is."""

_RANGES4 = {
    "group4": FIRST,
    "group4b": 0xEFC40000,  # 239.196/14 and 239.200/14: administratively scoped, given to nobody
    "group4c": 0xEFC80000,
    "ssm4": 0xE84C0000,  # 232.76/14, source-specific (RFC 4607)
}
# Many more of one cell's own, for limits on memberships: blocks of 239.0/10 and 239.64/10, which RFC
# 2365, 6.2 keeps for later.
_RANGES4.update({f"group4-{number}": 0xEF000000 + (number - 2) * COUNT for number in range(2, 31)})
# Transient groups, flag T of RFC 4291, 2.7; the group ID is a dynamic one, from 0x80000000 on
# (RFC 3307, 4.3). The scope alone would not tell them apart on Ethernet.
_RANGES6 = {
    "group6-node": (0xFF11, 0),
    "group6-link": (0xFF12, 1),
    "group6-site": (0xFF15, 2),
    "group6-global": (0xFF1E, 3),
    "group6b-site": (0xFF15, 4),
}
_CONSTANT = {"allhosts4": "224.0.0.1", "allnodes6": "ff02::1"}

MAPPED = "mapped-group4"
IPV6 = frozenset({*_RANGES6, "allnodes6", MAPPED})
SYMBOLS = frozenset({*_RANGES4, *_RANGES6, *_CONSTANT, MAPPED})
"""Every symbol of a group."""


def is_group(symbol: str) -> bool:
    """Tell whether a symbol stands for a multicast group."""
    return symbol in SYMBOLS


def of(symbol: str, group4: str) -> str:
    """Return the group that `symbol` stands for in the trial whose own IPv4 group is `group4`.

    Raise ValueError for a symbol that is no group's, or a group that no trial is given.
    """
    found = _CONSTANT.get(symbol)
    if found is not None:
        return found
    offset = _offset(group4)
    if symbol in _RANGES4:
        return ipv4(_RANGES4[symbol] + offset)
    if symbol == MAPPED:
        return "::ffff:" + group4
    if symbol not in _RANGES6:
        raise ValueError(f"unknown group symbol: {symbol}")
    scope, block = _RANGES6[symbol]
    number = 0x80000000 + block * COUNT + offset
    return f"{scope:x}::{number >> 16:x}:{number & 0xFFFF:x}"


def names(group4: str) -> Dict[str, str]:
    """Return the symbol of each group of the trial whose own IPv4 group is `group4`."""
    return {of(symbol, group4): symbol for symbol in sorted(SYMBOLS)}


def ipv4(number: int) -> str:
    """Write an IPv4 address that is given as a number."""
    return socket.inet_ntoa(number.to_bytes(4, "big"))


@functools.lru_cache(maxsize=4096)
def _offset(group4: str) -> int:
    try:
        offset = int.from_bytes(socket.inet_aton(group4), "big") - FIRST
    except OSError:
        offset = -1
    if not 0 <= offset < COUNT:
        raise ValueError(f"not the group of a trial: {group4}")
    return offset
