"""The lab: the network that the roles live in, and what the symbols of a cell mean in it.

A private lab is a Linux network namespace of its own: `lo`, and a veth with documentation
addresses (RFC 5737, RFC 3849) whose other end is in a second namespace, so that whatever is sent
there arrives nowhere else. A host lab is this machine's own network, used within its loopback
only. Which of the two works is found out by a datagram that is heard, not by a call that succeeds.
"""

from __future__ import annotations

import errno
import os
import socket
import sys
from typing import TYPE_CHECKING, Any, NoReturn

import namespaces
import netlink
import platforms
import veth

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from interfaces import Interface

NO_LINK = "no link device"
NO_IPV6 = "no IPv6 here"
NO_ADDRESS = "no interface address here"
LEAVES = "would leave this machine"

ADDRESSES = {
    "any4": "0.0.0.0",  # noqa: S104 - the wildcard is a subject of the experiments
    "lo4": "127.0.0.1",
    "lo4b": "127.0.0.2",
    "lonet": "127.0.0.0",
    "lobcast": "127.255.255.255",
    "limited": "255.255.255.255",
    "any6": "::",
    "any6only": "::",
    "lo6": "::1",
    "mapped-any": "::ffff:0.0.0.0",
    "mapped-lo": "::ffff:127.0.0.1",
}
IPV6_SYMBOLS = frozenset({"any6", "any6only", "lo6", "if6", "mapped-any", "mapped-lo"})
# What needs a device beside lo; an address on lo never stands in for it.
LINK_SYMBOLS = frozenset({"if4", "if6", "subnet-bcast", "subnet-net", "limited"})
# Destinations that a host delivers to itself: RFC 1122, 3.2.1.3 (g) for 127/8.
STAYS = frozenset({"lo4", "lo4b", "lonet", "lobcast", "lo6", "mapped-lo", "if4", "if6"})

_CANARY_TIMEOUT = 2.0
_UNORDERED_GRACE = 0.02  # seconds; where a fence may overtake a datagram

# 239.192.0.0/14, the organization-local scope of RFC 2365, in 64 blocks of GROUPS.
_FIRST_GROUP, GROUPS = 0xEFC00000, 4096


class LabError(Exception):
    """There is no private lab here; the message says why."""


class Unavailable(Exception):
    """The lab lacks what a symbol stands for; `reason` says what, in a few words."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Lab:
    """One network, entered; `enter` makes it. Its addresses and limits do not change after.

    `reason`: why there is no private lab where "auto" was asked for. `multicast_ttl`: what senders
    must set. Cells get the ports from `first_port` on, `port_count` of them. `grace`: seconds to
    wait after a fence has arrived.
    """

    def __init__(
        self,
        *,
        how: str,
        own: Callable[[], Sequence[Interface]],
        reason: str | None = None,
        allow_lan: bool = False,
        private: bool = False,
        link_error: str | None = None,
    ) -> None:
        self.kind = "private" if private else "host"
        self.how = how
        self.reason = reason
        self.allow_lan = allow_lan
        self.multicast_ttl = 1 if private or allow_lan else 0
        self.first_port, self.port_count = cell_ports(*_ephemeral_ports())
        self.grace = 0.0 if _keeps_order() else _UNORDERED_GRACE
        self._private = private
        self._link_error = link_error
        self._list_own = own
        self._own: Sequence[Interface] | None = None
        self._ipv6_sockets, self._ipv6_loopback = _probe_ipv6()
        # Groups are joined per host: probes side by side on one host keep out of each other's way.
        self._group_block = 0 if private else os.getpid() % 64

    def address(self, symbol: str, slot: int) -> str:
        """Resolve a symbol; `slot` (0 to 4095) gives each cell of a batch a group of its own.

        Raise Unavailable where this lab has no such address, ValueError for an unknown symbol.
        """
        if symbol == "group4":
            if not 0 <= slot < GROUPS:
                raise ValueError(f"group slot {slot} is not in 0..{GROUPS - 1}")
            return _ipv4(_FIRST_GROUP + self._group_block * GROUPS + slot)
        if symbol in IPV6_SYMBOLS and not self._ipv6_sockets:
            raise Unavailable(NO_IPV6)
        if symbol == "lo6" and not self._ipv6_loopback:
            raise Unavailable(NO_IPV6)
        if symbol == "limited" and self._lacks_link():
            raise Unavailable(NO_LINK)
        if symbol in ADDRESSES:
            return ADDRESSES[symbol]
        if symbol == "if6":
            return self.interface("if6").ipv6 or _missing(NO_IPV6)
        if symbol not in LINK_SYMBOLS:
            raise ValueError(f"unknown address symbol: {symbol}")
        link = self.interface("if4")
        if symbol == "if4":
            return link.ipv4 or _missing(NO_ADDRESS)
        if symbol == "subnet-bcast":
            return link.ipv4_broadcast or _missing(NO_ADDRESS)
        if not link.ipv4 or not link.ipv4_netmask:
            raise Unavailable(NO_ADDRESS)
        return _ipv4(_number(link.ipv4) & _number(link.ipv4_netmask))

    def interface(self, symbol: str) -> Interface:
        """Return the interface of "if4", "if6", "lo4" or "lo6"; raise Unavailable without one."""
        loopback, version6 = symbol in ("lo4", "lo6"), symbol in ("if6", "lo6")
        if not loopback and symbol not in ("if4", "if6"):
            raise ValueError(f"unknown interface symbol: {symbol}")
        if version6 and not self._ipv6_sockets:
            raise Unavailable(NO_IPV6)
        if self._own is None:
            self._own = tuple(self._list_own())
        kin = [one for one in self._own if one.loopback == loopback]
        if not kin and loopback:
            return _usual_loopback(ipv6=self._ipv6_loopback)
        if not kin:
            raise Unavailable(NO_LINK if self._private else NO_ADDRESS)
        for one in kin:
            if (one.ipv6 if version6 else one.ipv4) is not None:
                return one
        raise Unavailable(NO_IPV6 if version6 else NO_ADDRESS)

    def allows_send(self, dest_symbol: str, via: str | None) -> str | None:
        """Return why nothing may be sent there (out of `via`, if it is a group), or None."""
        is_group = dest_symbol.startswith("group")
        if self._private:
            needs_link = via not in ("lo4", "lo6") if is_group else dest_symbol in LINK_SYMBOLS
            return NO_LINK if needs_link and self._lacks_link() else None
        stays = via in ("lo4", "lo6") if is_group else dest_symbol in STAYS
        return None if stays or self.allow_lan else LEAVES

    def allows_join(self, group_symbol: str, interface_symbol: str) -> str | None:
        """Return why that group may not be joined there, or None: a join sends a report (IGMP)."""
        return self.allows_send(group_symbol, interface_symbol)

    def facts(self) -> dict[str, Any]:
        """Describe the lab for a run's header, without names or addresses of the user's machine."""
        linux = namespaces.supported()
        names = (*namespaces.SETTINGS, *namespaces.RECORDED)
        if self._private and self._link_error is None:
            names += tuple(f"net.ipv4.conf.{veth.LINK}.{one}" for one in ("rp_filter", "accept_local"))
        return {
            "kind": self.kind,
            "how": self.how,
            "reason": self.reason,
            "allow_lan": self.allow_lan,
            "interfaces": self._interface_facts(),
            "sysctls": namespaces.read_settings(names) if linux else {},
        }

    def _lacks_link(self) -> bool:
        return self._private and self._link_error is not None

    def _interface_facts(self) -> dict[str, dict[str, Any]]:
        found: dict[str, dict[str, Any]] = {}
        for key, symbol in (("lo", "lo4"), ("link", "if4")):
            try:
                interface = self.interface(symbol)
            except Unavailable as unavailable:
                found[key] = {"kind": "none", "error": self._link_error or unavailable.reason}
                continue
            kind = "loopback" if key == "lo" else "veth" if self._private else "host"
            found[key] = {"kind": kind, **_device_facts(interface.index)}
        return found


def enter(kind: str, *, allow_lan: bool) -> Lab:
    """Enter a lab: "private", "host", or "auto" for the first that works. Only before any thread.

    A private lab moves this process and those it starts, for good. Raise LabError when "private"
    is not possible; "auto" then gives the host lab, whose `reason` says why.
    """
    if kind not in ("auto", "private", "host"):
        raise ValueError(f"unknown lab: {kind}")
    if kind == "host":
        return Lab(how="host", own=_host_interfaces, allow_lan=allow_lan)
    how, reason = find_way()
    if how is not None:
        return _enter_private(how, allow_lan=allow_lan)
    if kind == "private":
        raise LabError(reason)
    return Lab(how="host", own=_host_interfaces, reason=reason, allow_lan=allow_lan)


def find_way() -> tuple[str | None, str]:
    """Return how a private network can be entered, or None and the reason."""
    if not namespaces.supported():
        return None, "no private network: network namespaces exist on Linux only"
    namespaces.require_one_thread()
    user = os.geteuid()
    failures = []
    for how in namespaces.candidates(user):
        failure = namespaces.rehearse(how, prove)
        if failure is None:
            return how, ""
        failures.append(failure)
    return None, namespaces.refusal(failures[0], namespaces.permissions(), root=user == 0)


def prove() -> None:
    """Bring lo up and hear one datagram over it; raise StepError where that fails.

    Some distributions grant a namespace without capabilities, so the call alone proves nothing.
    """
    namespaces.step(namespaces.LOOPBACK, _loopback_up)
    namespaces.step(namespaces.CANARY, _canary)


def _loopback_up() -> None:
    with netlink.connect() as channel:
        netlink.set_up(channel, socket.if_nametoindex("lo"))


def _canary() -> None:
    with _datagram_socket() as receiver, _datagram_socket() as sender:
        receiver.bind(("127.0.0.1", 0))
        sender.sendto(b"canary", receiver.getsockname())
        receiver.recv(16)


def _datagram_socket() -> socket.socket:
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.settimeout(_CANARY_TIMEOUT)
    return made


def _enter_private(how: str, *, allow_lan: bool) -> Lab:
    from interfaces import Interface

    try:
        namespaces.isolate(how)
        namespaces.write_settings()
        prove()
    except namespaces.StepError as error:
        # It worked a moment ago, in the rehearsal; there is no way back to the host's network.
        raise LabError(f"the private network failed on entering it: {error}") from error
    ipv6 = _probe_ipv6()[1]
    own = [
        Interface(
            name="lo",
            index=socket.if_nametoindex("lo"),
            ipv4="127.0.0.1",
            ipv4_broadcast=None,
            ipv4_netmask="255.0.0.0",
            ipv6="::1" if ipv6 else None,
            loopback=True,
        )
    ]
    link_error = None
    try:
        own.append(veth.make(ipv6=ipv6))
    except OSError as error:
        link_error = errno.errorcode.get(error.errno or 0, "no errno")
    return Lab(how=how, own=lambda: own, allow_lan=allow_lan, private=True, link_error=link_error)


def _device_facts(index: int) -> dict[str, Any]:
    """Read a device's MTU (bytes) and flags, where rtnetlink can tell."""
    if not namespaces.supported():
        return {}
    try:
        with netlink.connect() as channel:
            link = netlink.read_link(channel, index)
    except OSError:
        return {}
    return {"mtu": link.mtu, "flags": link.flag_names()}


def _host_interfaces() -> Sequence[Interface]:
    import interfaces

    return interfaces.own()


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


def _number(address: str) -> int:
    return int.from_bytes(socket.inet_aton(address), "big")


def _ipv4(number: int) -> str:
    return socket.inet_ntoa(number.to_bytes(4, "big"))


def _probe_ipv6() -> tuple[bool, bool]:
    """Tell whether there are IPv6 sockets, and whether ::1 is an address of this machine."""
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as asked:
            try:
                asked.bind(("::1", 0))
            except OSError:
                return True, False
            return True, True
    except OSError:
        return False, False


def _keeps_order() -> bool:
    """Tell whether a fence that has arrived proves that what was sent before it has, too."""
    if not namespaces.supported():
        return False
    _, _, release, version, _ = os.uname()
    return platforms.stack("linux", release, version) == "linux"


def cell_ports(low: int, high: int) -> tuple[int, int]:
    """Choose ports outside the ephemeral range low..high: the first, and how many.

    Where less than 4,096 are left outside it, some inside must do: a taken one is tried elsewhere.
    """
    for first, end in ((10000, min(low, 32000)), (2000, min(low, 10000)), (high + 1, 65536)):
        if end - first >= 4096:
            return first, end - first
    return 10000, 22000


def _ephemeral_ports() -> tuple[int, int]:
    """Return the first and last port that the system gives out by itself, as far as it says."""
    import interfaces

    if sys.platform == "win32":
        return 49152, 65535  # RFC 6335, and the default there; asking `netsh` takes a second
    return interfaces.ephemeral_range() or (32768, 65535)
