"""The lab: the network that the roles live in, and what the symbols of a cell mean in it.

A private lab is a Linux network namespace of its own: `lo`, and a veth with documentation
addresses (RFC 5737, RFC 3849) whose other end is in a second namespace, so that whatever is sent
there arrives nowhere else; layouts.py has its variants. A host lab is this machine's own network,
used within its loopback only. Which of the two works is found out by a datagram that is heard, not by
a call that succeeds.
"""

from __future__ import annotations

import os
import socket
import sys
from typing import TYPE_CHECKING, Any

import addresses
import groups
import layouts
import namespaces
import netlink
import platforms
import symbols
from addresses import Addresses

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from interfaces import Interface

Unavailable = addresses.Unavailable
NO_LINK, NO_IPV6, NO_ADDRESS = layouts.NO_LINK, addresses.NO_IPV6, addresses.NO_ADDRESS
LEAVES = "would leave this machine"

ADDRESSES = symbols.ADDRESSES
IPV6_SYMBOLS, LINK_SYMBOLS, STAYS = symbols.IPV6, symbols.LINK, symbols.STAYS
GROUPS = addresses.GROUPS
LAYOUTS = tuple(layouts.LAYOUTS)
"""Names of the layouts."""

_CANARY_TIMEOUT = 2.0
_NETSTACK_PORTS = 16000, 65535  # google/gvisor, pkg/tcpip/ports/ports.go, firstEphemeral
_UNORDERED_GRACE = 0.02  # seconds; where a fence may overtake a datagram


class LabError(Exception):
    """There is no private lab here; the message says why."""


class Lab(Addresses):
    """One network, entered; `enter` makes it. Its addresses and limits do not change after.

    `reason`: why there is no private lab where "auto" was asked for. `layout`: the name of its layout;
    `unavailable`: why nothing of that layout can be measured here, or None. `multicast_ttl`: what
    senders must set. Cells get the ports from `first_port` on, `port_count` of them; `local_range`:
    the first and last port that the system gives out by itself. `grace`: seconds to wait after a
    fence has arrived.
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
        layout: str = "plain",
        network: layouts.Network | None = None,
        unavailable: str | None = None,
    ) -> None:
        self.kind = "private" if private else "host"
        self.how = how
        self.reason = reason
        self.allow_lan = allow_lan
        self.layout = layout
        self.unavailable = unavailable
        self.multicast_ttl = 1 if private or allow_lan else 0
        self._own_settings = not private or namespaces.settings_are_own()
        self.local_range = _ephemeral_ports() if self._own_settings else _NETSTACK_PORTS
        self.first_port, self.port_count = cell_ports(*self.local_range)
        self.grace = 0.0 if _keeps_order() else _UNORDERED_GRACE
        super().__init__(
            own,
            private=private,
            network=network,
            link_error=link_error,
            ipv6=_probe_ipv6(),
            # Groups are joined per host: probes side by side on one keep out of each other's way.
            group_block=0 if private else os.getpid() % (groups.COUNT // GROUPS),
        )

    # --- permissions -----------------------------------------------------------------------------

    def allows_send(self, dest_symbol: str, via: str | None) -> str | None:
        """Return why nothing may be sent there (out of `via`, if it is a group), or None."""
        is_group = groups.is_group(dest_symbol)
        on_loopback = via in symbols.ON_LOOPBACK
        if self._private:
            needs_link = not on_loopback if is_group else dest_symbol in LINK_SYMBOLS
            return NO_LINK if needs_link and self._lacks_link() else None
        # What an IPv6 socket sends to an IPv4-mapped group does not leave by IPV6_MULTICAST_IF.
        stays = on_loopback and dest_symbol != groups.MAPPED if is_group else dest_symbol in STAYS
        return None if stays or self.allow_lan else LEAVES

    def allows_join(self, group_symbol: str, interface_symbol: str | None) -> str | None:
        """Return why that group may not be joined there, or None: a join sends a report (IGMP).

        An interface that the system is to choose is None or "none".
        """
        return self.allows_send(group_symbol, interface_symbol)

    # --- facts -----------------------------------------------------------------------------------

    def facts(self) -> dict[str, Any]:
        """Describe the lab for a run's header, without names or addresses of the user's machine."""
        linux = namespaces.supported()
        names = (*namespaces.SETTINGS, *namespaces.RECORDED)
        if self._private and self._link_error is None:
            names += tuple(f"net.ipv4.conf.{layouts.LINK}.{one}" for one in ("rp_filter", "accept_local"))
        return {
            "kind": self.kind,
            "how": self.how,
            "reason": self.reason,
            "layout": self.layout,
            "allow_lan": self.allow_lan,
            "interfaces": self._interface_facts(),
            "sysctls": namespaces.read_settings(names) if linux and self._own_settings else {},
        }

    def _interface_facts(self) -> dict[str, dict[str, Any]]:
        found: dict[str, dict[str, Any]] = {}
        wanted = {"lo": "lo4", "link": "if4"}
        if layouts.LAYOUTS[self.layout].second_link:
            wanted["second-link"] = "if4b"
        for key, symbol in wanted.items():
            try:
                interface = self.interface(symbol)
            except Unavailable as unavailable:
                found[key] = {"kind": "none", "error": self._link_error or unavailable.reason}
                continue
            kind = "loopback" if key == "lo" else "veth" if self._private else "host"
            found[key] = {"kind": kind, **_device_facts(interface.index)}
        return found


def enter(kind: str, *, layout: str = "plain", allow_lan: bool) -> Lab:
    """Enter a lab: "private", "host", or "auto" for the first that works. Only before any thread.

    A private lab moves this process and those it starts, for good. Raise LabError when "private"
    is not possible; "auto" then gives the host lab, whose `reason` says why. A host lab can only be
    plain: any other `layout` (one of LAYOUTS) is `unavailable` there.
    """
    if kind not in ("auto", "private", "host"):
        raise ValueError(f"unknown lab: {kind}")
    if layout not in LAYOUTS:
        raise ValueError(f"unknown layout: {layout}")
    how, reason = (None, None) if kind == "host" else find_way()
    if how is not None:
        return _enter_private(how, layout, allow_lan=allow_lan)
    if kind == "private":
        raise LabError(reason)
    return Lab(
        how="host",
        own=_host_interfaces,
        reason=reason,
        allow_lan=allow_lan,
        layout=layout,
        unavailable=None if layout == "plain" else f"needs a private network (lab {layout})",
    )


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


def _enter_private(how: str, layout: str, *, allow_lan: bool) -> Lab:
    try:
        namespaces.isolate(how)
        namespaces.write_settings()
        prove()
        network = layouts.build(layouts.LAYOUTS[layout], ipv6=_probe_ipv6()[1])
    except (namespaces.StepError, namespaces.LostError) as error:
        # It worked a moment ago, in the rehearsal; there is no way back to the host's network.
        raise LabError(f"the private network failed on entering it: {error}") from error
    return Lab(
        how=how,
        own=lambda: network.hosts[symbols.HERE].interfaces,
        allow_lan=allow_lan,
        private=True,
        link_error=network.link_error,
        layout=layout,
        network=network,
        unavailable=network.unavailable,
    )


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
    if not namespaces.supported():
        return False
    _, _, release, version, _ = os.uname()
    return keeps_order(platforms.stack("linux", release, version))


def keeps_order(stack: str) -> bool:
    """Tell whether a fence that has arrived proves that what was sent before it has, too.

    On Linux a loopback datagram is queued at its receivers before send(2) of the next one returns, or in
    the order sent in one processor's backlog (net/core/dev.c, netif_rx); no other stack promises that.
    """
    return stack == "linux"


def cell_ports(low: int, high: int) -> tuple[int, int]:
    """Choose ports outside the ephemeral range low..high: the first, and how many.

    Where less than 4,096 are left outside it, some inside must do: a taken one is tried elsewhere.
    """
    for first, end in ((10000, min(low, 32000)), (2000, min(low, 10000)), (high + 1, 65536)):
        if end - first >= 4096:
            return first, end - first
    return 10000, 22000


def _ephemeral_ports() -> tuple[int, int]:
    import interfaces

    told = None if asking_is_slow(sys.platform) else interfaces.ephemeral_range()
    return told or default_ports(sys.platform)


def asking_is_slow(platform: str) -> bool:
    """Tell whether the system is not worth asking for its ports: `netsh` takes a second."""
    return platform == "win32"


def default_ports(platform: str) -> tuple[int, int]:
    """Return the first and last port that a system gives out by itself, where it does not say.

    RFC 6335 has those of Windows; the others lie within these.
    """
    return (49152, 65535) if platform == "win32" else (32768, 65535)
