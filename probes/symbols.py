"""Symbols of addresses and interfaces: what they are by themselves, before a lab gives them a place.

Groups have a module of their own (groups.py); what depends on a network is resolved in lab.py.
"""

from __future__ import annotations

from typing import Dict, Iterable, Iterator, NamedTuple, Optional, Tuple

import groups

HOSTS = ("h1", "h2", "h3")
"""Names of hosts."""

HERE = HOSTS[0]
"""The host that the probe itself is on."""

_MORE_LOOPBACK = {f"lo4-{number}": f"127.0.0.{number}" for number in range(3, 31)}

ADDRESSES: Dict[str, str] = {
    "any4": "0.0.0.0",  # noqa: S104 - the wildcard is a subject of the experiments
    "lo4": "127.0.0.1",
    "lo4b": "127.0.0.2",
    **_MORE_LOOPBACK,
    "lonet": "127.0.0.0",
    "lobcast": "127.255.255.255",
    "limited": "255.255.255.255",
    "nonlocal4": "192.0.2.77",  # RFC 5737 and RFC 3849: nobody's
    "any6": "::",
    "any6only": "::",
    "lo6": "::1",
    "nonlocal6": "2001:db8:ffff::77",
    "mapped-any": "::ffff:0.0.0.0",
    "mapped-lo": "::ffff:127.0.0.1",
}
"""Addresses that are the same in every lab."""

ODD: Dict[str, Tuple[str, str]] = {
    "zero8": ("h1", "0.1.2.3"),
    "class-e": ("h1", "240.1.2.3"),
    "high255": ("h1", "255.255.3.3"),
    "near-lowest": ("h1", "203.0.113.1"),
    "h2-zero8": ("h2", "0.1.2.4"),
    "h2-class-e": ("h2", "240.1.2.4"),
    "h2-high255": ("h2", "255.255.3.4"),
    "h2-lowest": ("h2", "203.0.113.0"),
}
"""Addresses that only one layout has, and whose they are, each of a /24: of 0/8, of 240/4, of 255.255/16,
and the lowest one of a subnet (RFC 1122, 3.2.1.3; RFC 1112, 4)."""

INTERFACES: Dict[str, Tuple[str, int]] = {
    "lo": ("lo", 0),
    "lo4": ("lo", 4),
    "lo6": ("lo", 6),
    "if": ("if", 0),
    "if4": ("if", 4),
    "if6": ("if", 6),
    "ifb": ("ifb", 0),
    "if4b": ("ifb", 4),
    "if6b": ("ifb", 6),
}
"""Interface symbols: which device, and the address family that it must have (0: either)."""

NO_DEVICE = ("none", "bad")
"""In the place of an interface: index 0, and an index that no device has."""

OF_HOST = {
    **{name: (name, 4) for name in HOSTS},
    **{name + "-6": (name, 6) for name in HOSTS},
}
"""Symbols of the hosts on the link: whose address, and of which family."""

OF_LINK = {
    "if4": "if4",
    "if6": "if6",
    "subnet-bcast": "if4",
    "subnet-net": "if4",
    "link6": "if6",
    "mapped-if4": "if4",
    "if4b": "if4b",
    "if6b": "if6b",
    "subnet-bcast-b": "if4b",
}
"""Symbols that follow from the addresses of a link, and the interface that has them."""

LINK = frozenset({"limited", "nonlocal4", "nonlocal6", *ODD, *OF_LINK, *OF_HOST})
"""Symbols that need a device beside lo when something is sent there; lo never stands in for it."""

IPV6 = frozenset(
    {
        "any6", "any6only", "lo6", "if6", "if6b", "link6", "nonlocal6",
        "mapped-any", "mapped-lo", "mapped-if4",
        *(name + "-6" for name in HOSTS),
        *groups.IPV6,
    }
)  # fmt: skip
"""Symbols that take an IPv6 socket."""

STAYS = frozenset(
    {
        # RFC 1122, 3.2.1.3 (g): 127/8 must not appear outside a host; one's own addresses need not.
        "lo4", "lo4b", *_MORE_LOOPBACK, "lonet", "lobcast", "lo6", "mapped-lo",
        "if4", "if6", "link6", "mapped-if4",
        # RFC 1122, 3.2.1.3 (a): a wildcard must not be sent anywhere. Linux takes it for the loopback
        # (net/ipv4/route.c, ip_route_output_key_hash_rcu), the BSDs for the first address of their own
        # (sys/netinet/in_pcb.c, in_pcbconnect_setup), Windows refuses it.
        "any4", "any6", "any6only", "mapped-any",
    }
)  # fmt: skip
"""Destinations that a host delivers to itself."""

ON_LOOPBACK = frozenset({"lo", "lo4", "lo6"})


class Named(NamedTuple):
    """The addresses of one link of one host, for `names`; a link-local one has no zone."""

    ipv4: Optional[str]
    ipv6: Optional[str]
    broadcast: Optional[str]
    network: Optional[str]
    link_local: Optional[str]


_LINK_NAMES = (
    ("if4", "if6", "subnet-bcast", "subnet-net", "link6"),
    ("if4b", "if6b", "subnet-bcast-b", "subnet-net-b", "link6b"),
)


def names(first: Iterable[Named], others: Dict[str, Named], odd: Iterable[str]) -> Dict[str, str]:
    """Return the symbol of each address, as everybody in a lab writes it.

    `first`: the links of h1, `others`: the link of each other host, `odd`: the symbols of ODD that
    there are. IPv4-mapped addresses are `mapped-` and the symbol of the IPv4 address, but for those
    that have a symbol of their own.
    """
    found: Dict[str, str] = {}
    for symbol, address in _pairs(first, others, odd):
        found.setdefault(address, symbol)
    for address, symbol in list(found.items()):
        if ":" not in address:
            found.setdefault("::ffff:" + address, "mapped-" + symbol)
    return found


def _pairs(
    first: Iterable[Named], others: Dict[str, Named], odd: Iterable[str]
) -> Iterator[Tuple[str, str]]:
    for link, symbols in zip(first, _LINK_NAMES):
        yield from _present(zip(symbols, link))
    for host, link in others.items():
        yield from _present(
            [(host, link.ipv4), (host + "-6", link.ipv6), (host + "-link6", link.link_local)]
        )
    for symbol in odd:
        yield symbol, ODD[symbol][1]
    yield from ADDRESSES.items()  # last: on some machine one of them may be its own


def _present(pairs: Iterable[Tuple[str, Optional[str]]]) -> Iterator[Tuple[str, str]]:
    for symbol, address in pairs:
        if address is not None:
            yield symbol, address
