"""What the symbols of a cell stand for in one network: addresses, interfaces, and back again."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import groups
import symbols
from layouts import NO_LINK

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from interfaces import Interface
    from layouts import Host, Network

_Found = TypeVar("_Found")

NO_IPV6 = "no IPv6 here"
NO_ADDRESS = "no interface address here"
NO_LINK_LOCAL = "no link-local address here"
NO_SECOND_LINK = "no second link here"
NOT_CONFIGURED = "not an address of this lab"

GROUPS = 4096
"""Groups of one lab: a 64th of those in groups.py."""

PEER = symbols.HOSTS[1]
"""The host that a lone h1's link leads to; nobody lives there."""

_NO_INDEX = 9999


class Unavailable(Exception):
    """The lab lacks what a symbol stands for; `reason` says what, in a few words."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Addresses:
    """The addresses and interfaces of one network, as its hosts see them.

    `own` lists the interfaces of this process's host, `network` is the private one that was made, if
    it was; `link_error` says why that has no link. `ipv6`: whether there are IPv6 sockets, and whether
    ::1 is there. `group_block` (0 to 63) keeps the groups of labs on one host apart. `hosts`: for
    every host but h1, which is where this process is, an open descriptor of its network namespace,
    which no process inherits by itself. `descriptors`: all that a process on any host needs for its
    fences, those of h1 and of the others; none where h1 is alone.
    """

    def __init__(
        self,
        own: Callable[[], Sequence[Interface]],
        *,
        private: bool,
        network: Network | None,
        link_error: str | None,
        ipv6: tuple[bool, bool],
        group_block: int,
    ) -> None:
        self._list_own = own
        self._own: Sequence[Interface] | None = None
        self._private = private
        self._network = network
        self._link_error = link_error
        self._peer = network.peer if network is not None else None
        self._all: Mapping[str, Host] = network.hosts if network is not None else {}
        self.hosts = {name: host.namespace for name, host in self._all.items() if name != symbols.HERE}
        self.descriptors = tuple(host.namespace for host in self._all.values()) if self.hosts else ()
        self._ipv6_sockets, self._ipv6_loopback = ipv6
        self._group_block = group_block

    def _lacks_link(self) -> bool:
        return self._private and self._link_error is not None

    # --- addresses -------------------------------------------------------------------------------

    def address(self, symbol: str, slot: int, host: str = symbols.HERE) -> str:
        """Resolve a symbol; `slot` (0 to 4095) gives each cell of a batch groups of its own.

        What is called "own" is that of `host`. Raise Unavailable where this lab has no such address,
        ValueError for an unknown symbol.
        """
        if symbol in symbols.IPV6 and not self._ipv6_sockets:
            raise Unavailable(NO_IPV6)
        if groups.is_group(symbol):
            return groups.of(symbol, self._group4(slot))
        if symbol == "lo6" and not self._ipv6_loopback:
            raise Unavailable(NO_IPV6)
        if symbol == "limited" and self._lacks_link():
            raise Unavailable(NO_LINK)
        if symbol in symbols.ADDRESSES:
            return symbols.ADDRESSES[symbol]
        if symbol in symbols.ODD:
            return self._odd(symbol, host)
        if symbol in symbols.OF_HOST:
            return self._of_host(*symbols.OF_HOST[symbol])
        if symbol not in symbols.OF_LINK:
            raise ValueError(f"unknown address symbol: {symbol}")
        link = self.interface(symbols.OF_LINK[symbol], host)
        return _of_link(symbol, link, self._link_local(host) if symbol == "link6" else None)

    def _odd(self, symbol: str, host: str) -> str:
        own = f"{host}-{symbol}"
        chosen = own if own in symbols.ODD else symbol
        if self._network is None or chosen not in self._network.odd:
            raise Unavailable(NOT_CONFIGURED)
        return symbols.ODD[chosen][1]

    def _of_host(self, name: str, family: int) -> str:
        """Return the address of a host on the link, which may be no more than the peer of h1's end."""
        if name == symbols.HERE or name in self.hosts:
            return self.address(f"if{family}", 0, name)
        if name != PEER or self._peer is None:
            raise Unavailable(f"no host {name} here")
        return (self._peer.ipv4 if family == 4 else self._peer.ipv6) or _missing(NO_IPV6)

    def _group4(self, slot: int) -> str:
        if not 0 <= slot < GROUPS:
            raise ValueError(f"group slot {slot} is not in 0..{GROUPS - 1}")
        return groups.ipv4(groups.FIRST + self._group_block * GROUPS + slot)

    def _link_local(self, host: str) -> str | None:
        """Return the link-local address of a host's link, with its zone; None where it is not known."""
        if host in self._all:
            for address in self._all[host].link_locals:
                return f"{address}%{self.interface('if6', host).name}"
        found = self.interface("if6", host).ipv6 if not self._all else None
        return found if found and found.startswith("fe80:") else None

    # --- interfaces ------------------------------------------------------------------------------

    def interface(self, symbol: str, host: str = symbols.HERE) -> Interface:
        """Return the interface of "if4", "lo6", "ifb", ... on a host; raise Unavailable without one.

        Without a family in the symbol, the interface of the IPv4 address or else of the IPv6 one.
        """
        if symbol not in symbols.INTERFACES:
            raise ValueError(f"unknown interface symbol: {symbol}")
        device, family = symbols.INTERFACES[symbol]
        if family == 6 and not self._ipv6_sockets:
            raise Unavailable(NO_IPV6)
        kin = self._kin(device, host)
        if not kin and device == "lo":
            return _usual_loopback(ipv6=self._ipv6_loopback)
        if not kin:
            raise Unavailable(NO_LINK if self._private else NO_ADDRESS)
        for version in (family,) if family else (4, 6):
            for one in kin:
                if (one.ipv6 if version == 6 else one.ipv4) is not None:
                    return one
        raise Unavailable(NO_IPV6 if family == 6 else NO_ADDRESS)

    def _kin(self, device: str, host: str) -> list[Interface]:
        """Return the interfaces of a host that "lo", "if" or "ifb" may stand for."""
        every = self._interfaces(host)
        links = [one for one in every if not one.loopback]
        if device == "lo":
            return [one for one in every if one.loopback]
        if device == "if":
            return links[:1] if self._private else links
        if len(links) < 2 or not self._private:  # which is the second one of a machine, who can say
            raise Unavailable(NO_LINK if self._lacks_link() else NO_SECOND_LINK)
        return links[1:2]

    def _interfaces(self, host: str) -> Sequence[Interface]:
        if host in self._all:
            return self._all[host].interfaces
        if host != symbols.HERE:
            raise Unavailable(f"no host {host} here")
        if self._own is None:
            self._own = tuple(self._list_own())
        return self._own

    def device(self, symbol: str, host: str = symbols.HERE) -> tuple[str, int]:
        """Return the (name, index) of an interface; also of "none" (index 0) and "bad" (no device's).

        Raise Unavailable, ValueError as `interface` does.
        """
        if symbol == "none":
            return "", 0
        if symbol == "bad":
            taken = {one.index for one in self._interfaces(host)}
            return "nosuchdevice", next(i for i in range(_NO_INDEX, 1 << 30) if i not in taken)
        found = self.interface(symbol, host)
        return found.name, found.index

    # --- names for notes -------------------------------------------------------------------------

    def names(self, host: str = symbols.HERE) -> dict[str, str]:
        """Return the symbol of each address, as a process on `host` meets it.

        The symbols are those of h1's point of view wherever the process is: `if4` is h1's address,
        `h2` that of h2. Link-local addresses are listed without a zone, with the name and with the
        index of the host's link as their zone. Groups are those of a trial: groups.names. Raise
        Unavailable where there is no such host.
        """
        self._interfaces(host)
        first = [self._named(symbols.HERE, *pair) for pair in (("if4", "if6"), ("if4b", "if6b"))]
        others = {name: self._named(name, "if4", "if6") for name in self.hosts}
        if self._peer is not None:
            others[PEER] = self._peer
        odd = self._network.odd if self._network is not None else ()
        found = symbols.names(first, others, odd)
        for address, symbol in list(found.items()):
            if address.startswith("fe80:"):
                bare = address.partition("%")[0]
                link = self._present(self.interface, "if6b" if symbol == "link6b" else "if6", host)
                zones = (f"%{link.name}", f"%{link.index}") if link is not None else ()
                found.update({bare + zone: symbol for zone in ("", *zones)})
        return found

    def _named(self, host: str, *interfaces: str) -> symbols.Named:
        """Return the addresses of a link: of IPv4 by its first symbol, of IPv6 by its second."""
        ipv4, ipv6 = (self._present(self.interface, symbol, host) for symbol in interfaces)
        link_locals = self._all[host].link_locals if host in self._all else ()
        second = interfaces[0] == "if4b"
        return symbols.Named(
            ipv4 and ipv4.ipv4,
            ipv6 and ipv6.ipv6,
            ipv4 and ipv4.ipv4_broadcast,
            ipv4 and _subnet(ipv4),
            next(iter(link_locals[second:]), None),
        )

    def devices(self, host: str = symbols.HERE) -> dict[int, str]:
        """Return `lo`, `if` or `ifb` for the index of each interface of a host that has a symbol.

        Raise Unavailable where there is no such host.
        """
        self._interfaces(host)
        found: dict[int, str] = {}
        for symbol, (device, _) in symbols.INTERFACES.items():
            one = self._present(self.interface, symbol, host)
            if one is not None and one.index:
                found.setdefault(one.index, device)
        return found

    @staticmethod
    def _present(ask: Callable[..., _Found], *arguments: Any) -> _Found | None:
        try:
            return ask(*arguments)
        except Unavailable:
            return None

    # --- fences ----------------------------------------------------------------------------------

    def fences(self, host: str = symbols.HERE) -> list[tuple[int, str, int | None]]:
        """Return where a process on `host` must have fence sockets: (family, address, namespace).

        Each own address of an interface, with no namespace; and for each other host the addresses of
        its link, with a descriptor of that host's namespace, in which the socket has to be opened.
        Raise Unavailable where there is no such host.
        """
        self._interfaces(host)
        wanted: list[tuple[str, str, int | None]] = [
            (symbol, host, None) for symbol in ("lo4", "lo6", "if4", "if6", "if4b", "if6b")
        ]
        for name, other in self._all.items():
            if name != host:
                wanted += [(symbol, name, other.namespace) for symbol in ("if4", "if6")]
        found = []
        for symbol, name, namespace in wanted:
            address = self._present(self.address, symbol, 0, name)
            if address is not None:
                family = socket.AF_INET6 if ":" in address else socket.AF_INET
                found.append((int(family), address, namespace))
        return found


def _of_link(symbol: str, link: Interface, link_local: str | None) -> str:
    """Return the address that `symbol` stands for on a link."""
    found: str | None
    missing = NO_ADDRESS
    if symbol in ("if6", "if6b"):
        found, missing = link.ipv6, NO_IPV6
    elif symbol == "link6":
        found, missing = link_local, NO_LINK_LOCAL
    elif symbol in ("subnet-bcast", "subnet-bcast-b"):
        found = link.ipv4_broadcast
    elif symbol == "subnet-net":
        found = _subnet(link)
    else:
        found = link.ipv4
        if symbol == "mapped-if4" and found:
            found = "::ffff:" + found
    return found or _missing(missing)


def _subnet(link: Interface) -> str | None:
    """Return the lowest address of a link's IPv4 subnet."""
    if not link.ipv4 or not link.ipv4_netmask:
        return None
    pairs = zip(socket.inet_aton(link.ipv4), socket.inet_aton(link.ipv4_netmask))
    return socket.inet_ntoa(bytes(one & mask for one, mask in pairs))


def _usual_loopback(*, ipv6: bool) -> Interface:
    """Stand in for a loopback interface that this system does not list."""
    from interfaces import Interface

    named = {name: index for index, name in socket.if_nameindex()}
    name = next((one for one in ("lo", "lo0") if one in named), "")
    return Interface(
        name=name,
        index=named.get(name, 0),
        ipv4="127.0.0.1",
        ipv4_broadcast=None,
        ipv4_netmask="255.0.0.0",
        ipv6="::1" if ipv6 else None,
        loopback=True,
    )


def _missing(reason: str) -> NoReturn:
    raise Unavailable(reason)
