"""connect(2) and its undoing on UDP sockets.

Sources: net/ipv4/datagram.c (__ip4_datagram_connect), net/ipv6/datagram.c (__ip6_datagram_connect,
ip6_datagram_dst_update), net/ipv4/udp.c (__udp_disconnect, udp_lib_hash4), net/ipv4/af_inet.c
(inet_dgram_connect, inet_autobind).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sockmatrix.models import addresses as ip
from sockmatrix.models import linux_balance
from sockmatrix.models.linux_ports import IPV6_IN_IPV4, get_port, udp_move, udp_release
from sockmatrix.models.linux_routes import output4
from sockmatrix.models.linux_routes6 import output6
from sockmatrix.models.versions import Version, since

if TYPE_CHECKING:
    from sockmatrix.models.kernel import Socket
    from sockmatrix.models.linux_routes import Path


def autobind(sock: Socket) -> bool:
    """Give a socket without a port one of the local port range (inet_autobind); False if none is left."""
    return bool(sock.port) or get_port(sock, 0)


def connect(sock: Socket, address: str, port: int, scope: str = "") -> str:
    """Connect a UDP socket (connect(2)): an errno or "ok"."""
    if not autobind(sock):
        return "EAGAIN"
    if sock.family == 4:
        return _connect4(sock, address, port)
    if address == ip.ANY6:
        # net/ipv6/datagram.c: connect to self
        address = ip.as_mapped(ip.LOOPBACK4) if ip.mapped(sock.rcv6) else ip.LOOPBACK6
    four = ip.mapped(address)
    if four:
        if sock.v6only:
            return "ENETUNREACH"
        return _connect4(sock, four, port)
    return _connect6(sock, address, port, scope)


def path4(sock: Socket, to: str, source: str = "", *, direct: bool = False) -> Path | str:
    """Return the way from a socket to an IPv4 address, or an errno.

    A device that it is bound to counts before IP_MULTICAST_IF or IP_UNICAST_IF; its own address
    before that of IP_MULTICAST_IF (udp_sendmsg, __ip4_datagram_connect).
    """
    device = sock.device
    source = source or (sock.source4 if sock.source4 != ip.ANY4 else "")
    if ip.is_multicast(to):
        device = device or str(sock.options.get("mc-device", ""))
        source = source or str(sock.options.get("mc-address", ""))
    elif not device:
        device = str(sock.options.get("uc-device", ""))
    return output4(
        sock.kernel.host,
        sock.kernel.network.version,
        to,
        device,
        source,
        direct=direct or bool(sock.get("SO_DONTROUTE")),
        foreign=bool(sock.get("IP_TRANSPARENT")),
    )


def path6(sock: Socket, to: str, scope: str = "", source: str = "") -> Path | str:
    """Return the way from a socket to an IPv6 address, or an errno (udpv6_sendmsg).

    EAFNOSUPPORT: the socket is bound to an IPv4-mapped address (ip6_dst_lookup_tail).
    """
    device = (scope if ip.needs_scope(to) else "") or sock.device
    if not device and ip.is_multicast(to):
        device = str(sock.options.get("mc6-device", ""))
    elif not device:
        device = str(sock.options.get("uc6-device", ""))
    source = source or sock.source6
    path = output6(
        sock.kernel.host, to, device, "" if ip.mapped(source) else source, bound=bool(sock.device)
    )
    if not isinstance(path, str) and ip.mapped(source):
        return "EAFNOSUPPORT"
    return path


def _connect4(sock: Socket, address: str, port: int) -> str:
    path = path4(sock, address)
    if isinstance(path, str):
        return path
    if path.kind == "broadcast" and not sock.broadcast:
        return "EACCES"
    own = sock.source4 if sock.source4 != ip.ANY4 else path.source
    sock.source4 = own
    if sock.family == 4:
        if sock.rcv4 == ip.ANY4:
            udp_move(sock, path.source, "")
    else:
        if sock.source6 in ("", ip.ANY6) or ip.mapped(sock.source6):
            sock.source6 = ip.as_mapped(own)
        if sock.rcv6 == ip.ANY6 or ip.mapped(sock.rcv6) == ip.ANY4:
            udp_move(sock, path.source, ip.as_mapped(path.source))
    _connected(sock, path.to if sock.family == 4 else ip.as_mapped(path.to), port)
    return "ok"


def _connect6(sock: Socket, address: str, port: int, scope: str) -> str:
    if ip.needs_scope(address):
        if scope:
            if sock.device and sock.device != scope:
                return "EINVAL"
            sock.device = scope
        if not sock.device and ip.is_multicast(address):
            sock.device = str(sock.options.get("mc6-device", ""))
        if not sock.device:
            return "EINVAL"
    path = path6(sock, address)
    if isinstance(path, str):
        return path
    if sock.source6 in ("", ip.ANY6):
        sock.source6 = path.source
    if sock.rcv6 == ip.ANY6:
        udp_move(sock, IPV6_IN_IPV4, path.source)
    _connected(sock, path.to, port)
    return "ok"


def _connected(sock: Socket, peer: str, port: int) -> None:
    """Note the peer; a SO_REUSEPORT group learns of it, and since 6.13 the socket leaves the group."""
    sock.peer, sock.peer_port = peer, port
    if sock.balance is not None:
        sock.balance.connected = True
    sock.state = "established"
    if sock.kernel.network.version >= (6, 13, 0):
        _file(sock)


def refiles(version: Version) -> bool:
    """Return whether a socket is always filed by the four-tuple that it has.

    Before, one that is bound to an address stayed under its first peer, and was found as an unconnected
    one is ("udp: relocate a connected socket in the 4-tuple hash table on re-connect", and "remove a
    disconnected socket from" it). 7.0 and 7.1 ended without it.
    """
    return since(version, (7, 3, 0), (7, 2, 9), (6, 18, 55))


def _file(sock: Socket) -> None:
    """Enter a socket under its four-tuple, at the head (udp_lib_hash4); it leaves its group."""
    peer = (ip.mapped(sock.peer) or sock.peer, sock.peer_port)
    if not sock.hashed4:
        linux_balance.leave(sock)
    elif sock.filed == peer or not refiles(sock.kernel.network.version):
        return
    sock.kernel.connected += 1
    sock.hashed4, sock.filed = sock.kernel.connected, peer


def disconnect(sock: Socket) -> str:
    """Connect to AF_UNSPEC (__udp_disconnect).

    The device goes as well. What bind() did not fix is undone: the address, and a port that the
    kernel chose. An AF_INET6 socket goes on hearing its former peer's address only, for its
    sk_v6_daddr is left as it is.
    """
    if refiles(sock.kernel.network.version) or not (sock.holds_address and sock.holds_port):
        sock.hashed4 = 0
    sock.state = "closed"
    sock.peer_port = 0
    if sock.family == 4 or ip.mapped(sock.peer):
        sock.peer = ""
    sock.device = ""
    if not sock.holds_address:
        six = ip.ANY6 if sock.family == 6 else ""
        sock.source4, sock.source6 = ip.ANY4, six
        if sock.holds_port:
            udp_move(sock, ip.ANY4, six)
        else:
            udp_release(sock)
            sock.rcv4, sock.rcv6 = ip.ANY4, six
    elif not sock.holds_port:
        udp_release(sock)
    return "ok"
