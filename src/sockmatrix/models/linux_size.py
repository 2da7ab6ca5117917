"""How large a datagram may be: what IP_MTU_DISCOVER lets through, and which errors say that it does not.

Sources: net/ipv4/ip_output.c (ip_setup_cork, __ip_append_data, ip_fragment), net/ipv6/ip6_output.c
(__ip6_append_data), include/net/ip.h (ip_sk_use_pmtu, ip_sk_ignore_df).
"""

from __future__ import annotations

from typing import NamedTuple

from sockmatrix.models.layouts import LO
from sockmatrix.models.versions import Version, since

DONT, WANT, DO, PROBE, INTERFACE, OMIT = range(6)
"""IP_PMTUDISC_* (linux/in.h)."""

MTU = {LO: 65536}
ETHERNET = 1500
MOST4 = 65535
"""The largest IPv4 datagram, header and all (IP_MAX_MTU); IPv6 does not count its header."""


class Excess(NamedTuple):
    """What becomes of a datagram that is too large.

    `how`: "local", refused where it is made; "icmp", by the route; "lost", sent to nobody;
    "unsaid", refused without an entry in the error queue. `mtu` is told.
    """

    how: str
    mtu: int


def lo_is_capped(version: Version) -> bool:
    """Return whether the MTU of lo, a byte more than IPv4 can say, never counts.

    "net: ipv4: Fix UDP length overflow with PMTU discover and big MTU"; of other stable series than
    7.2 it is not known here.
    """
    return since(version, (7, 3, 0), (7, 2, 7))


def excess(size: int, family: int, device: str, how: int, version: Version) -> Excess | None:
    """Return what becomes of a payload of `size` that is too large, or None.

    IP_PMTUDISC_DO, PROBE and INTERFACE do not fragment what they send; PROBE, INTERFACE and OMIT
    ask the device for its MTU, not the route (since 3.13; OMIT since 3.14).
    """
    mtu = MTU.get(device, ETHERNET)
    fragments = how in (DONT, WANT, OMIT)
    if family == 6:
        most = 40 + MOST4 if fragments else mtu
        return Excess("local", mtu) if size + 8 + 40 > most else None
    if size > MOST4:
        return Excess("unsaid", 0)
    by_route = min(mtu, MOST4)
    if how in (DONT, WANT, DO) or lo_is_capped(version):
        mtu = by_route
    whole = size + 8 + 20
    if whole > (MOST4 if fragments else mtu):
        return Excess("local", mtu)
    if whole > MOST4:  # only lo: too large for its header, and its length becomes 0
        return Excess("icmp" if how == PROBE else "lost", by_route)
    return None
