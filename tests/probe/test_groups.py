"""Groups of a trial: each follows from the one it was given, and none meets another's."""

from __future__ import annotations

import ipaddress
import random

import groups
import pytest

FIRST, LAST = "239.192.0.0", "239.195.255.255"
OWN = sorted(groups.SYMBOLS - {"allhosts4", "allnodes6", "mapped-group4"})
NUMBERED = [f"group4-{number}" for number in range(2, 31)]


def trials(count: int = 200) -> list[str]:
    """Return the groups of some trials, the first and the last possible one among them."""
    chosen = random.Random(7).sample(range(groups.COUNT), count)
    return sorted({groups.ipv4(groups.FIRST + number) for number in chosen} | {FIRST, LAST})


def ethernet(address: str) -> str:
    """Return the Ethernet address of a group: RFC 1112, 6.4 and RFC 2464, 7."""
    number = int(ipaddress.ip_address(address))
    return f"3333{number & 0xFFFFFFFF:08x}" if ":" in address else f"01005e{number & 0x7FFFFF:06x}"


@pytest.mark.parametrize(
    ("symbol", "expected"),
    [
        ("group4", "239.193.2.3"),
        ("group4b", "239.197.2.3"),
        ("group4c", "239.201.2.3"),
        ("group4-2", "239.1.2.3"),
        ("group4-30", "239.113.2.3"),
        ("ssm4", "232.77.2.3"),
        ("allhosts4", "224.0.0.1"),
        ("allnodes6", "ff02::1"),
        ("mapped-group4", "::ffff:239.193.2.3"),
        ("group6-node", "ff11::8001:203"),
        ("group6-link", "ff12::8005:203"),
        ("group6-site", "ff15::8009:203"),
        ("group6-global", "ff1e::800d:203"),
        ("group6b-site", "ff15::8011:203"),
    ],
)
def test_each_group_follows_from_the_one_of_the_trial(symbol: str, expected: str) -> None:
    """A role computes it from the address that it is given, and it is the same in every process."""
    assert groups.of(symbol, "239.193.2.3") == expected
    assert groups.is_group(symbol)


def test_no_two_trials_or_symbols_share_a_group_or_its_ethernet_address() -> None:
    """Membership is per host and filtered by Ethernet address: a shared one leaks joins."""
    addresses = [groups.of(symbol, trial) for trial in trials() for symbol in OWN]
    addresses += ["224.0.0.1", "ff02::1"]
    assert len(set(addresses)) == len(addresses)
    named = [groups.of(symbol, trial) for trial in trials() for symbol in OWN if symbol not in NUMBERED]
    assert len({ethernet(address) for address in named}) == len(named)


@pytest.mark.parametrize("symbol", OWN)
@pytest.mark.parametrize("trial", [FIRST, LAST])
def test_every_range_is_one_of_those_for_private_use(symbol: str, trial: str) -> None:
    """RFC 2365 (239/8), RFC 4607 (232/8 from 232.0.1.0), RFC 4291 and 3307 (transient, dynamic)."""
    found = ipaddress.ip_address(groups.of(symbol, trial))
    assert found.is_multicast
    if isinstance(found, ipaddress.IPv4Address):
        scope = "239.192.0.0/10"
        if symbol == "ssm4":
            scope = "232.0.0.0/8"
        elif symbol in NUMBERED:
            scope = "239.0.0.0/9"
        assert found in ipaddress.IPv4Network(scope)
        assert found > ipaddress.IPv4Address("232.0.0.255")
    else:
        scopes = {"node": 1, "link": 2, "site": 5, "global": 0xE}
        assert found.packed[1] == 0x10 | scopes[symbol.partition("-")[2]]
        assert found.packed[12] & 0x80


@pytest.mark.parametrize("trial", [FIRST, LAST, "239.192.1.0"])
def test_addresses_are_written_as_the_system_writes_them(trial: str) -> None:
    """A note compares text with what recvfrom and getsockname give (RFC 5952)."""
    for symbol in groups.SYMBOLS:
        address = groups.of(symbol, trial)
        if symbol == "mapped-group4":
            assert ipaddress.IPv6Address(address).ipv4_mapped == ipaddress.IPv4Address(trial)
        else:
            assert str(ipaddress.ip_address(address)) == address


def test_names_are_the_way_back() -> None:
    """Every group of a trial has its symbol; another trial's groups have none."""
    found = groups.names("239.192.0.5")
    assert found == {groups.of(symbol, "239.192.0.5"): symbol for symbol in groups.SYMBOLS}
    assert groups.of("group6-site", "239.192.0.6") not in found


def test_ipv6_symbols_are_those_whose_address_is_ipv6() -> None:
    """They take an IPv6 socket."""
    assert {one for one in groups.SYMBOLS if ":" in groups.of(one, FIRST)} == groups.IPV6


@pytest.mark.parametrize("trial", ["239.191.255.255", "239.196.0.0", "127.0.0.1", "ff02::1", ""])
def test_only_a_trials_own_group_is_taken(trial: str) -> None:
    """Anything else would give a group outside the ranges."""
    with pytest.raises(ValueError, match="not the group of a trial"):
        groups.of("group6-link", trial)


@pytest.mark.parametrize("symbol", ["group5", "lo4", "mapped-lo", ""])
def test_what_is_no_group_is_a_mistake(symbol: str) -> None:
    """A misspelt symbol is never taken for a group."""
    assert not groups.is_group(symbol)
    with pytest.raises(ValueError, match="unknown group"):
        groups.of(symbol, FIRST)
