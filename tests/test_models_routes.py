"""The reference model's routes: where a datagram goes, from which source, and what a host accepts."""

from __future__ import annotations

import pytest

from sockmatrix.models import addresses as ip
from sockmatrix.models import linux_routes, linux_routes6
from sockmatrix.models.layouts import Host, layout
from sockmatrix.models.linux import VERSION
from sockmatrix.models.linux_routes import Path
from sockmatrix.models.prediction import Unpredicted
from sockmatrix.models.symbols import address_of, symbol_of
from sockmatrix.models.versions import since

IF4, PEER4, GROUP = "198.51.100.1", "198.51.100.2", "224.0.0.99"


def host(lab: str = "plain") -> Host:
    """Return the host that measures."""
    return layout(lab).hosts["h1"]


# Lab, destination, device, source; then kind, device and source of the path, or an errno.
WAYS = [
    ("plain", "127.0.0.1", "", "", ("local", "lo", "127.0.0.1")),
    ("plain", "127.5.6.7", "", "", ("local", "lo", "127.0.0.1")),
    ("plain", "127.255.255.255", "", "", ("broadcast", "lo", "127.0.0.1")),
    ("plain", IF4, "", "", ("local", "lo", IF4)),
    ("plain", PEER4, "", "", ("unicast", "if", IF4)),
    ("plain", "198.51.100.255", "", "", ("broadcast", "if", IF4)),
    ("plain", "198.51.100.0", "", "", ("unicast", "if", IF4)),
    ("plain", "192.0.2.77", "", "", ("unicast", "if", IF4)),
    ("plain", ip.LIMITED, "", "", ("broadcast", "if", IF4)),
    ("plain", GROUP, "", "", ("multicast", "if", IF4)),
    ("plain", GROUP, "lo", "", ("multicast", "lo", IF4)),
    ("plain", "0.0.0.0", "", "", ("local", "lo", "127.0.0.1")),
    ("no-routes", "192.0.2.77", "", "", "ENETUNREACH"),
    ("no-routes", GROUP, "", "", "ENETUNREACH"),
    ("no-routes", ip.LIMITED, "", "", "ENETUNREACH"),
    ("no-routes", GROUP, "if", "", ("multicast", "if", IF4)),
    ("no-routes", GROUP, "", IF4, ("multicast", "if", IF4)),
    ("no-routes", ip.LIMITED, "", IF4, ("broadcast", "if", IF4)),
    ("plain", PEER4, "", "127.0.0.1", "EINVAL"),
    ("plain", PEER4, "", "192.0.2.77", "ENETUNREACH"),
    ("plain", PEER4, "", GROUP, "EINVAL"),
    ("plain", PEER4, "bad", "", "ENODEV"),
    ("two-links", "203.0.113.2", "", "", ("unicast", "ifb", "203.0.113.1")),
]


@pytest.mark.parametrize(("lab", "to", "device", "source", "expected"), WAYS)
def test_ways_of_ipv4(
    lab: str, to: str, device: str, source: str, expected: str | tuple[str, str, str]
) -> None:
    """ip_route_output_key_hash_rcu, __mkroute_output (net/ipv4/route.c)."""
    path = linux_routes.output4(host(lab), VERSION, to, device, source)
    found = path if isinstance(path, str) else (path.kind, path.device, path.source)
    assert found == expected


@pytest.mark.parametrize(
    ("version", "kind"), [((5, 13, 0), "broadcast"), ((5, 14, 0), "unicast"), (VERSION, "unicast")]
)
def test_the_lowest_address_of_a_subnet(version: tuple[int, int, int], kind: str) -> None:
    """fib_add_ifaddr: a broadcast address as well, until 5.14 (RFC 1122, 3.2.1.3 (d))."""
    assert linux_routes.type4(host(), version, "198.51.100.0") == kind
    path = linux_routes.output4(host(), version, "127.0.0.0")
    assert isinstance(path, Path)
    assert path.kind == ("local" if kind == "unicast" else "broadcast")


@pytest.mark.parametrize(("version", "errno"), [((5, 8, 18), "EINVAL"), ((5, 9, 0), "ENETUNREACH")])
def test_a_source_that_is_not_here(version: tuple[int, int, int], errno: str) -> None:
    """Since 5.9, "ipv4: Return -ENETUNREACH if we can't create route but saddr is valid"."""
    assert linux_routes.output4(host(), version, PEER4, "", "192.0.2.77") == errno


@pytest.mark.parametrize(
    ("to", "source", "expected"),
    [
        (IF4, PEER4, "local"),
        ("198.51.100.255", PEER4, "broadcast"),
        (ip.LIMITED, PEER4, "broadcast"),
        (GROUP, PEER4, "multicast"),
        ("127.0.0.1", PEER4, ""),
        (IF4, "127.0.0.1", ""),
        (IF4, IF4, ""),
        ("198.51.100.9", PEER4, ""),
        (IF4, GROUP, ""),
    ],
)
def test_what_a_host_takes_off_a_wire(to: str, source: str, expected: str) -> None:
    """ip_route_input_slow: martians are dropped, nothing is forwarded."""
    assert linux_routes.input4(host(), VERSION, to, source) == expected


WAYS6 = [
    ("plain", "::1", "", ("local", "lo", "::1")),
    ("plain", "2001:db8::1", "", ("local", "lo", "2001:db8::1")),
    ("plain", "2001:db8::2", "", ("unicast", "if", "2001:db8::1")),
    ("plain", "ff12::99", "if", ("multicast", "if", "fe80::1")),
    ("plain", "ff1e::99", "if", ("multicast", "if", "2001:db8::1")),
    ("plain", "ff12::99", "lo", "ENETUNREACH"),
    ("plain", "ff12::99", "bad", "ENODEV"),
    ("lo-group-route", "ff12::99", "lo", ("multicast", "lo", "::1")),
    ("no-routes", "2001:db8:ffff::77", "", "ENETUNREACH"),
]


@pytest.mark.parametrize(("lab", "to", "device", "expected"), WAYS6)
def test_ways_of_ipv6(lab: str, to: str, device: str, expected: str | tuple[str, str, str]) -> None:
    """ip6_route_output_flags, ipv6_dev_get_saddr; lo has no route for groups of its own."""
    path = linux_routes6.output6(host(lab), to, device)
    found = path if isinstance(path, str) else (path.kind, path.device, path.source)
    assert found == expected


def test_symbols_and_addresses() -> None:
    """What a symbol stands for is called by it again."""
    lab = layout("hosts-3")
    here, there = lab.hosts["h1"], lab.hosts["h2"]
    assert address_of(lab, here, "if4") == IF4
    assert address_of(lab, there, "if4") == address_of(lab, here, "h2") == PEER4
    for symbol in (
        "lo4",
        "lo4-7",
        "lobcast",
        "if4",
        "h2",
        "h3",
        "limited",
        "group4",
        "any6",
        "lo6",
        "if6",
    ):
        assert symbol_of(lab, address_of(lab, here, symbol)) == symbol
    with pytest.raises(KeyError):
        address_of(layout("plain"), host(), "h3")


def test_a_lab_that_is_not_modelled() -> None:
    """It is named."""
    with pytest.raises(Unpredicted, match="the lab moon"):
        layout("moon")


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        ((6, 18, 21), True),
        ((6, 18, 20), False),
        ((6, 19, 0), False),
        ((7, 0, 0), True),
        ((7, 1, 3), True),
        ((6, 17, 99), False),
    ],
)
def test_changes_of_mainline_and_of_stable_series(
    version: tuple[int, int, int], *, expected: bool
) -> None:
    """A stable series has what was taken over from its release on, and no series between them."""
    assert since(version, (7, 0, 0), (6, 18, 21)) is expected
