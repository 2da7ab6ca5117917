"""Symbols by themselves: constants, classes, and the way back from an address to its symbol."""

from __future__ import annotations

import ipaddress

import groups
import pytest
import symbols
from symbols import Named

FIRST = Named("192.0.2.1", "2001:db8::1", "192.0.2.255", "192.0.2.0", "fe80::1")
SECOND = Named("192.0.2.129", "2001:db8:1::1", "192.0.2.191", "192.0.2.128", "fe80::1:1")
OTHER = Named("192.0.2.2", "2001:db8::2", "192.0.2.255", "192.0.2.0", "fe80::2")
NONE = Named(None, None, None, None, None)


def test_constants_are_addresses_of_their_family() -> None:
    """An IPv6 symbol has an IPv6 address, and no other has."""
    for symbol, address in symbols.ADDRESSES.items():
        version = 6 if symbol in symbols.IPV6 else 4
        assert ipaddress.ip_address(address).version == version, symbol


def test_the_loopback_addresses_are_thirty() -> None:
    """lo4, lo4b and lo4-3 to lo4-30 are 127.0.0.1 to 127.0.0.30."""
    found = [symbols.ADDRESSES[name] for name in ("lo4", "lo4b", *(f"lo4-{n}" for n in range(3, 31)))]
    assert found == [f"127.0.0.{n}" for n in range(1, 31)]


@pytest.mark.parametrize(
    ("symbol", "network"),
    [
        ("zero8", "0.0.0.0/8"),
        ("class-e", "240.0.0.0/4"),
        ("high255", "255.255.0.0/16"),
        ("near-lowest", "203.0.113.0/24"),
    ],
)
def test_the_odd_addresses_are_of_the_ranges_they_are_named_after(symbol: str, network: str) -> None:
    """Both hosts have one of each, in one /24; the lowest of a subnet is h2's."""
    other = "h2-lowest" if symbol == "near-lowest" else "h2-" + symbol
    (first, own), (second, theirs) = symbols.ODD[symbol], symbols.ODD[other]
    assert (first, second) == ("h1", "h2")
    subnet = ipaddress.ip_network(f"{own}/24", strict=False)
    assert subnet.subnet_of(ipaddress.ip_network(network))  # type: ignore[arg-type]
    assert ipaddress.ip_address(theirs) in subnet
    assert (ipaddress.ip_address(theirs) == subnet.network_address) == (other == "h2-lowest")
    assert subnet.broadcast_address not in {ipaddress.ip_address(one) for one in (own, theirs)}


def test_an_address_of_ones_own_is_named_as_such() -> None:
    """Also where it happens to be one of those that are nobody's."""
    link = FIRST._replace(ipv4=symbols.ADDRESSES["nonlocal4"])
    assert symbols.names([link], {}, [])[symbols.ADDRESSES["nonlocal4"]] == "if4"


def test_nothing_that_may_leave_is_among_what_stays() -> None:
    """Groups, broadcasts on a link, other hosts and addresses of nobody's are never there."""
    leaving = {"limited", "subnet-bcast", "subnet-net", "subnet-bcast-b", "nonlocal4", "nonlocal6"}
    leaving |= {*symbols.ODD, *symbols.OF_HOST, *groups.SYMBOLS}
    assert not symbols.STAYS & leaving
    for symbol in symbols.STAYS & set(symbols.ADDRESSES):
        address = ipaddress.ip_address(symbols.ADDRESSES[symbol])
        mapped = getattr(address, "ipv4_mapped", None) or address
        assert mapped.is_loopback or mapped.is_unspecified, symbol


def test_interface_symbols_of_links_are_known() -> None:
    """What an address follows from is an interface."""
    assert set(symbols.OF_LINK.values()) <= set(symbols.INTERFACES)
    assert set(symbols.INTERFACES) >= symbols.ON_LOOPBACK


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("0.0.0.0", "any4"),
        ("::", "any6"),
        ("127.0.0.1", "lo4"),
        ("127.0.0.17", "lo4-17"),
        ("127.255.255.255", "lobcast"),
        ("192.0.2.1", "if4"),
        ("192.0.2.255", "subnet-bcast"),
        ("192.0.2.0", "subnet-net"),
        ("192.0.2.129", "if4b"),
        ("192.0.2.191", "subnet-bcast-b"),
        ("2001:db8:1::1", "if6b"),
        ("fe80::1", "link6"),
        ("fe80::1:1", "link6b"),
        ("192.0.2.2", "h2"),
        ("2001:db8::2", "h2-6"),
        ("fe80::2", "h2-link6"),
        ("::ffff:127.0.0.1", "mapped-lo"),
        ("::ffff:0.0.0.0", "mapped-any"),
        ("::ffff:192.0.2.1", "mapped-if4"),
        ("::ffff:127.0.0.2", "mapped-lo4b"),
        ("::ffff:192.0.2.2", "mapped-h2"),
        ("240.1.2.3", "class-e"),
        ("0.1.2.3", None),
        ("198.51.100.9", None),
    ],
)
def test_an_address_has_its_symbol(address: str, expected: str | None) -> None:
    """Everybody writes h1's point of view; what the network does not have has no symbol."""
    found = symbols.names([FIRST, SECOND], {"h2": OTHER}, ["class-e"])
    assert found.get(address) == expected


def test_what_a_link_lacks_is_left_out() -> None:
    """No key is None, and a lone loopback has its names all the same."""
    found = symbols.names([NONE], {}, [])
    assert set(found.values()) >= {"lo4", "lo6", "mapped-lo", "limited"}
    assert not {"if4", "if6", "subnet-bcast", "h2"} & set(found.values())
    assert all(isinstance(address, str) for address in found)
