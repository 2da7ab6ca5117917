"""What the symbols of cells stand for on a host of a lab, and what notes call an address."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from sockmatrix.models.addresses import ANY4, ANY6, LIMITED, LOOPBACK4, LOOPBACK6, as_mapped, mapped
from sockmatrix.models.layouts import LINK, LO, ODD, SECOND

if TYPE_CHECKING:
    from sockmatrix.models.layouts import Host, Layout

_EVERYWHERE = {
    "any4": ANY4,
    "lo4": LOOPBACK4,
    "lo4b": "127.0.0.2",
    **{f"lo4-{n}": f"127.0.0.{n}" for n in range(3, 31)},
    "lonet": "127.0.0.0",
    "lobcast": "127.255.255.255",
    "limited": LIMITED,
    "nonlocal4": "192.0.2.77",
    "any6": ANY6,
    "any6only": ANY6,
    "lo6": LOOPBACK6,
    "nonlocal6": "2001:db8:ffff::77",
    "mapped-any": as_mapped(ANY4),
    "mapped-lo": as_mapped(LOOPBACK4),
}
_GROUPS = {
    "group4": "239.192.0.1",
    "group4b": "239.196.0.1",
    "group4c": "239.200.0.1",
    **{f"group4-{n}": f"239.{n}.0.1" for n in range(2, 31)},
    "ssm4": "232.76.0.1",
    "allhosts4": "224.0.0.1",
    "mapped-group4": as_mapped("239.192.0.1"),
    "group6-node": "ff11::c0:1",
    "group6-link": "ff12::c0:1",
    "group6-site": "ff15::c0:1",
    "group6b-site": "ff15::d0:1",
    "group6-global": "ff1e::c0:1",
    "allnodes6": "ff02::1",
}


@functools.cache
def address_of(where: Layout, host: Host, symbol: str) -> str:
    """Return the address that a symbol stands for on a host. Raises KeyError where there is none."""
    for known in (_EVERYWHERE, _GROUPS):
        if symbol in known:
            return known[symbol]
    if symbol in ODD and where.name == "odd-addresses":
        return ODD[symbol][1]
    name, _, six = symbol.partition("-")
    if name in ("h1", "h2", "h3") and six in ("", "6"):
        station = where.hosts.get(name) or where.hosts["peer" if name == "h2" else name]
        return station.devices[LINK].address(6 if six else 4)
    second = symbol.endswith("b") and symbol != "subnet-b"
    device = host.devices[SECOND if second else LINK]
    return _own(device.v4[0], [one for one, _ in device.v6])[symbol.removesuffix("-b").removesuffix("b")]


def _own(link: tuple[str, int, str], v6: list[str]) -> dict[str, str]:
    address, _, broadcast = link
    return {
        "if4": address,
        "if6": v6[0],
        "subnet-bcast": broadcast,
        "subnet-net": address.rpartition(".")[0] + ".0",
        "link6": next(one for one in v6 if one.startswith("fe80")),
        "mapped-if4": as_mapped(address),
    }


@functools.cache
def symbol_of(where: Layout, address: str) -> str:
    """Return what notes call an address, seen from the first host: `if4` is its own, `h2` another's.

    IPv4-mapped addresses are `mapped-` and the symbol of the IPv4 address.
    """
    found = _names(where).get(address)
    if found is None and mapped(address):
        found = _names(where).get(mapped(address))
        return f"mapped-{found}" if found and found not in _GROUPS else "other"
    return found or "other"


@functools.cache
def _names(where: Layout) -> dict[str, str]:
    found: dict[str, str] = {}
    for symbol, address in _EVERYWHERE.items():
        found.setdefault(address, symbol)
    home = where.hosts["h1"]
    for name, suffix in ((LINK, ""), (SECOND, "b")):
        if name in home.devices:
            device = home.devices[name]
            own = _own(device.v4[0], [one for one, _ in device.v6])
            for symbol, address in own.items():
                found.setdefault(address, symbol + ("-b" if suffix and symbol[0] == "s" else suffix))
    for host in where.hosts.values():
        if host is not home:
            name = "h2" if host.name == "peer" else host.name
            link = host.devices[LINK]
            v6 = [one for one, _ in link.v6]
            found.setdefault(link.address(4), name)
            found.setdefault(v6[0], f"{name}-6")
            found.setdefault(v6[1], f"{name}-link6")
    if where.name == "odd-addresses":
        found.update({address: symbol for symbol, (_, address) in ODD.items()})
    found.update({address: symbol for symbol, address in _GROUPS.items()})
    return found


def device_of(symbol: str) -> str:
    """Return the device that an interface symbol stands for: `lo4` is lo, `if6` the link."""
    names = {"lo": LO, "if": LINK, "if4b": SECOND, "if6b": SECOND, "ifb": SECOND}
    return names.get(symbol.rstrip("46"), names.get(symbol, symbol))


def is_group(symbol: str) -> bool:
    """Tell whether a symbol stands for a multicast group."""
    return symbol in _GROUPS
