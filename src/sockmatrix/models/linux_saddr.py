"""When two bound addresses overlap (net/ipv4/inet_connection_sock.c, inet_rcv_saddr_equal).

`match` says whether a wildcard overlaps the specific addresses it covers, or only its like.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sockmatrix.models import addresses as ip

if TYPE_CHECKING:
    from sockmatrix.models.kernel import Holder, Socket

    Bound = Socket | Holder


def overlap(one: Bound, two: Bound, *, match: bool) -> bool:
    """Return whether two sockets are bound to overlapping addresses (inet_rcv_saddr_equal).

    The socket that asks is `one`: an AF_INET6 socket asks with both families in mind.
    """
    if one.family == 6:
        return _overlap6(one, two, match_one=match, match_two=match)
    return _overlap4(one, two, match_one=match, match_two=match)


def overlap_fast(fast: Holder, two: Socket) -> bool:
    """Return whether `two` overlaps the socket a port's shortcut was made for (sk_reuseport_match).

    Only the wildcard of the remembered socket counts, not that of the new one.
    """
    if fast.family == 6:
        return _overlap6(fast, two, match_one=True, match_two=False)
    return _overlap4(fast, two, match_one=True, match_two=False)


def _overlap4(one: Bound, two: Bound, *, match_one: bool, match_two: bool) -> bool:
    """ipv4_rcv_saddr_equal: an IPv6 socket with IPV6_V6ONLY overlaps no IPv4 address."""
    if two.v6only:
        return False
    if one.rcv4 == two.rcv4:
        return True
    return (match_one and one.rcv4 == ip.ANY4) or (match_two and two.rcv4 == ip.ANY4)


def _overlap6(one: Bound, two: Bound, *, match_one: bool, match_two: bool) -> bool:
    """ipv6_rcv_saddr_equal: an IPv4 socket counts as bound to the mapped form of its address."""
    kind1 = ip.kind6(one.rcv6)
    kind2 = ip.kind6(two.rcv6) if two.family == 6 else "mapped"
    if kind1 == kind2 == "mapped":
        return _overlap4(one, two, match_one=match_one, match_two=match_two)
    if kind1 == kind2 == "any":
        return True
    if kind2 == "any" and match_two and not (two.v6only and kind1 == "mapped"):
        return True
    if kind1 == "any" and match_one and not (one.v6only and kind2 == "mapped"):
        return True
    return two.family == 6 and one.rcv6 == two.rcv6
