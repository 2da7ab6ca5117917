"""sendmsg(2) of datagrams: whether it is allowed, what leaves, and who gets it.

Sources: net/ipv4/udp.c (udp_sendmsg), net/ipv6/udp.c (udpv6_sendmsg), net/ipv4/ip_output.c
(__ip_append_data), net/ipv6/ip6_output.c, net/ipv4/icmp.c (icmp_send).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sockmatrix.models import addresses as ip
from sockmatrix.models import linux_errors, linux_size
from sockmatrix.models.kernel import Packet, Report
from sockmatrix.models.layouts import LO
from sockmatrix.models.linux_connect import autobind, path4, path6
from sockmatrix.models.linux_transmit import hearers, reach

if TYPE_CHECKING:
    from sockmatrix.models.kernel import Socket
    from sockmatrix.models.linux_routes import Path
    from sockmatrix.models.play import Play


@dataclass(slots=True)
class Message:
    """What sendmsg(2) is asked to send; `to` is "" for the connected peer."""

    label: str
    size: int
    to: str = ""
    port: int = 0
    flags: tuple[str, ...] = ()
    source: str = ""
    scope: str = ""


@dataclass(slots=True)
class Sent:
    """What became of it: an errno or "ok", and on whom it was put."""

    result: str
    heard: list[Socket] = field(default_factory=list)


def send(play: Play, sock: Socket, message: Message, *, counted: bool = False) -> Sent:
    """Send one datagram; a `counted` one is not put into queues (the probe drains them at once)."""
    if not autobind(sock):
        return Sent("EAGAIN")  # inet_send_prepare, before anything is looked at
    if sock.family == 4 and message.size > linux_size.MOST4:
        return Sent("EMSGSIZE")
    corked = sock.options.get("corked")
    if sock.family == 4 and "MSG_OOB" in message.flags:
        return Sent("EOPNOTSUPP")
    if isinstance(corked, str) and corked:
        return _more(play, sock, message)
    path, problem = _way(sock, message)
    if path is None:
        return Sent(problem)
    if path.kind == "broadcast" and not sock.broadcast and not _cached(sock, message):
        return Sent("EACCES")
    port = message.port if message.to else sock.peer_port
    too_large = _too_large(play, sock, path, message.size, port)
    if too_large:
        return Sent(too_large)
    error = linux_errors.take_error(sock)
    if error:
        return Sent(error)
    if sock.shut:
        return Sent("EPIPE")
    packet = Packet(path.source, sock.port, path.to, port, message.label, message.size)
    if "MSG_MORE" in message.flags or sock.get("UDP_CORK"):
        sock.options["corked"] = message.label
        play.corked[id(sock)] = (path, packet)
        return Sent("ok")
    return Sent("ok", emit(play, sock, path, packet, counted=counted))


def _cached(sock: Socket, message: Message) -> bool:
    """Return whether the route of connect() is used again, unasked (sk_dst_check in udp_sendmsg)."""
    direct = "MSG_DONTROUTE" in message.flags or sock.get("SO_DONTROUTE")
    return not (message.to or message.source or direct)


def _way(sock: Socket, message: Message) -> tuple[Path | None, str]:
    """Return the path, or None and an errno."""
    to = message.to
    if to:
        if message.port == 0:
            return None, "EINVAL"
    else:
        if sock.state != "established":
            return None, "EDESTADDRREQ"
        to = sock.peer
    direct = "MSG_DONTROUTE" in message.flags
    if sock.family == 6:
        if to == ip.ANY6:
            to = ip.as_mapped(ip.LOOPBACK4) if ip.mapped(sock.rcv6) else ip.LOOPBACK6
        four = ip.mapped(to)
        if not four:
            path = path6(sock, to, message.scope)
            return (None, path) if isinstance(path, str) else (path, "")
        if sock.v6only:
            return None, "ENETUNREACH"
        to = four
    path = path4(sock, to, message.source, direct=direct)
    return (None, path) if isinstance(path, str) else (path, "")


def _too_large(play: Play, sock: Socket, path: Path, size: int, port: int) -> str:
    """Return an errno for what is too large, or "ok" for what is lost without a word; "" if it fits.

    Whoever keeps errors is told the MTU (ip_local_error, with the port of the peer, if any).
    """
    family = ip.version(path.to)
    how = sock.get("IPV6_MTU_DISCOVER" if family == 6 else "IP_MTU_DISCOVER", linux_size.WANT)
    excess = linux_size.excess(size, family, path.device, how, sock.kernel.network.version)
    if excess is None or excess.how == "lost":
        return "ok" if excess else ""
    told = linux_errors.wants_reports(sock, family)
    kind, to = "origin=local type=0 code=0", sock.peer_port
    if excess.how == "icmp":
        kind, to = f"origin=icmp type=3 code=4 offender={play.symbol(path.source)}", port
        sock.error = "EMSGSIZE" if told or sock.state == "established" else sock.error
    if told and excess.how != "unsaid":
        text = f"EMSGSIZE {kind} to={play.endpoint(path.to, to)} info={excess.mtu}"
        sock.reports.append(Report("EMSGSIZE", text))
    return "EMSGSIZE"


def _more(play: Play, sock: Socket, message: Message) -> Sent:
    """Append to a corked datagram, whose destination is that of the first part (do_append_data)."""
    path, packet = play.corked[id(sock)]
    packet = packet._replace(size=packet.size + message.size)
    play.corked[id(sock)] = (path, packet)
    if "MSG_MORE" in message.flags or sock.get("UDP_CORK"):
        return Sent("ok")
    return Sent("ok", uncork(play, sock))


def uncork(play: Play, sock: Socket) -> list[Socket]:
    """Send what is corked (udp_push_pending_frames)."""
    if not sock.options.get("corked"):
        return []
    sock.options["corked"] = ""
    path, packet = play.corked.pop(id(sock))
    return emit(play, sock, path, packet)


def emit(play: Play, sock: Socket, path: Path, packet: Packet, *, counted: bool = False) -> list[Socket]:
    """Let a datagram go: return who hears it, and put it into their queues unless it is `counted`.

    Where nobody is bound, the host it was sent to says so (ICMP), but never for groups and
    broadcasts (RFC 1122, 3.2.2).
    """
    six = ip.version(path.to) == 6
    group = path.kind == "multicast"
    # sk_mc_loop asks for the option of the socket's own family, whatever it sends.
    loop = bool(sock.get("IPV6_MULTICAST_LOOP" if sock.family == 6 else "IP_MULTICAST_LOOP", 1))
    hops = sock.get("IPV6_MULTICAST_HOPS" if six else "IP_MULTICAST_TTL", 1)
    if not group:
        hops = sock.get("IPV6_UNICAST_HOPS" if six else "IP_TTL", 64)
    packet = packet._replace(ttl=hops)
    pick = play.picker((packet.source, packet.sport, packet.to, packet.port))
    everybody: list[Socket] = []
    for arrival in reach(sock.kernel, packet, path, loop=loop, ttl=hops):
        heard = hearers(arrival, pick)
        everybody += heard
        for one in heard:
            # __udp_queue_rcv_skb: sk_incoming_cpu_update, for connected sockets only.
            one.cpu = one.cpu or bool(one.peer)
            if not counted:
                one.queue.append(arrival.packet)
        if not heard and arrival.kind == "local":
            here = arrival.kernel is sock.kernel
            device = LO if here else path.device
            answer = play.picker((packet.to, packet.port, packet.source, packet.sport))
            linux_errors.refused(
                sock.kernel,
                packet,
                path.arrives if here and six else device,
                offender=arrival.packet.to,
                name=play.named,
                pick=answer,
            )
    return everybody
