"""IP addresses as Linux classifies them, by their text (net/ipv6/addrconf_core.c, linux/in.h).

Addresses are plain text everywhere in the model: equal texts are equal addresses. An IPv4-mapped
IPv6 address (RFC 4291, 2.5.5.2) is written with its IPv4 part in dots.
"""

from __future__ import annotations

import functools
import ipaddress
from typing import Literal

ANY4, ANY6 = "0.0.0.0", "::"  # noqa: S104 - addresses are what is modelled
LOOPBACK4, LOOPBACK6 = "127.0.0.1", "::1"
LIMITED = "255.255.255.255"
ALL_HOSTS4 = "224.0.0.1"
ALL_NODES6 = ("ff01::1", "ff02::1")
"""Groups each IPv6 interface is in for good (net/ipv6/addrconf.c, ipv6_add_dev)."""

_MAPPED = "::ffff:"

Kind6 = Literal["any", "mapped", "multicast", "link-local", "loopback", "unicast"]


@functools.cache
def version(address: str) -> int:
    """Return 4 or 6."""
    return 6 if ":" in address else 4


@functools.cache
def number(address: str) -> int:
    """Return an address as a number."""
    return int(ipaddress.ip_address(address))


@functools.cache
def mapped(address: str) -> str:
    """Return the IPv4 part of an IPv4-mapped address, nothing for any other."""
    return address[len(_MAPPED) :] if address.startswith(_MAPPED) and "." in address else ""


@functools.cache
def as_mapped(address: str) -> str:
    """Return an IPv4 address as IPv6 sockets see it."""
    return _MAPPED + address


@functools.cache
def is_multicast(address: str) -> bool:
    """Tell whether an address is a group: 224/4 (ipv4_is_multicast) or ff00::/8."""
    if version(address) == 6:
        return address.startswith("ff")
    return 224 <= int(address.partition(".")[0]) <= 239


@functools.cache
def is_loopback4(address: str) -> bool:
    """Tell whether an address is in 127/8 (ipv4_is_loopback)."""
    return address.startswith("127.")


@functools.cache
def is_local_group4(address: str) -> bool:
    """Tell whether a group is in 224.0.0/24 (ipv4_is_local_multicast)."""
    return address.startswith("224.0.0.")


@functools.cache
def kind6(address: str) -> Kind6:
    """Return the type of an IPv6 address (ipv6_addr_type)."""
    if address == ANY6:
        return "any"
    if address == LOOPBACK6:
        return "loopback"
    if mapped(address):
        return "mapped"
    if is_multicast(address):
        return "multicast"
    return "link-local" if ipaddress.ip_address(address).is_link_local else "unicast"


@functools.cache
def needs_scope(address: str) -> bool:
    """Tell whether an IPv6 address means nothing without an interface (__ipv6_addr_needs_scope_id).

    Link-local addresses, and groups of interface-local and link-local scope (ff?1, ff?2).
    """
    if is_multicast(address):
        return address[3] in "12" if len(address) > 3 else False
    return kind6(address) == "link-local"


@functools.cache
def network(address: str, prefix: int) -> str:
    """Return the lowest address of the subnet of an IPv4 address."""
    mask = (1 << 32) - (1 << 32 - prefix)
    return str(ipaddress.IPv4Address(number(address) & mask))


@functools.cache
def contains(prefix: tuple[str, int], address: str) -> bool:
    """Tell whether an address is in a prefix of its own version."""
    base, length = prefix
    width = 32 if version(base) == 4 else 128
    shift = width - length
    return version(base) == version(address) and number(base) >> shift == number(address) >> shift
