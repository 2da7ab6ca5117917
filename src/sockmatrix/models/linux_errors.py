"""ICMP errors that come back to a UDP socket, and its error queue.

Sources: net/ipv4/udp.c (udp_err), net/ipv6/udp.c (udpv6_err), net/ipv4/ip_sockglue.c
(ip_icmp_error, ip_local_error, ip_recv_error), net/core/skbuff.c (sock_dequeue_err_skb).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sockmatrix.models import addresses as ip
from sockmatrix.models import linux_udp
from sockmatrix.models.kernel import Report

if TYPE_CHECKING:
    from collections.abc import Callable

    from sockmatrix.models.kernel import Kernel, Packet, Socket
    from sockmatrix.models.linux_udp import Pick

    Name = Callable[[str, int], str]


def wants_reports(sock: Socket, family: int) -> bool:
    """Return whether a socket keeps errors: IP_RECVERR for IPv4, IPV6_RECVERR for IPv6.

    An IPv4 error finds IP_RECVERR of an AF_INET6 socket as well, and only that.
    """
    return bool(sock.get("IP_RECVERR" if family == 4 else "IPV6_RECVERR"))


def refused(
    kernel: Kernel, packet: Packet, arrived: str, *, offender: str, name: Name, pick: Pick
) -> None:
    """Tell the sender of a datagram that nobody is bound to its destination.

    `kernel`: the sender's host, `arrived`: the device the error came in on. The socket is looked up
    as for a datagram from the destination (udp_err). Without a queue for errors only a connected
    socket is told; with one everybody is.
    """
    back = packet._replace(
        source=packet.to, sport=packet.port, to=packet.source, port=packet.sport, arrived=arrived
    )
    sock = linux_udp.lookup(kernel, back, pick)
    if sock is None:
        return
    family = ip.version(packet.to)
    if wants_reports(sock, family):
        kind = "icmp type=3 code=3" if family == 4 else "icmp6 type=1 code=4"
        six = sock.family == 6 and family == 4
        by, to = (ip.as_mapped(offender), ip.as_mapped(packet.to)) if six else (offender, packet.to)
        text = f"ECONNREFUSED origin={kind} offender={name(by, -1)} to={name(to, packet.port)}"
        sock.reports.append(Report("ECONNREFUSED", text))
    elif sock.state != "established":
        return
    sock.error = "ECONNREFUSED"


def take_report(sock: Socket) -> str:
    """Return the oldest entry of the error queue, or "nothing".

    The socket's pending error becomes that of the next entry (sock_dequeue_err_skb).
    """
    if not sock.reports:
        return "nothing"
    report = sock.reports.pop(0)
    following = sock.reports[0] if sock.reports else None
    if "origin=icmp" in report.text:
        sock.error = ""
    if following is not None and "origin=icmp" in following.text:
        sock.error = following.errno
    return report.text


def take_error(sock: Socket) -> str:
    """Return the pending error and clear it (sock_error); "" without one."""
    error, sock.error = sock.error, ""
    return error
