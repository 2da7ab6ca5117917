"""bind(2) and what releases a port again.

Sources: net/ipv4/af_inet.c (__inet_bind), net/ipv6/af_inet6.c (__inet6_bind), net/ipv4/udp.c
(udp_lib_get_port, udp_lib_unhash, udp_lib_rehash), net/ipv4/inet_hashtables.c (inet_bind_hash).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sockmatrix.models import addresses as ip
from sockmatrix.models import linux_balance
from sockmatrix.models.kernel import Bucket
from sockmatrix.models.linux_bind import remember, tcp_conflict, tcp_taken, udp_in_use, udp_taken
from sockmatrix.models.linux_routes import type4
from sockmatrix.models.linux_routes6 import owner6

if TYPE_CHECKING:
    from sockmatrix.models.kernel import Kernel, Socket

IPV6_IN_IPV4 = "127.0.0.6"
"""What the IPv4 address of a socket is that is bound to an IPv6 one (LOOPBACK4_IPV6)."""


def bind(sock: Socket, address: str, port: int, scope: str = "") -> str:
    """Bind a socket (bind(2)): an errno or "ok". The order of the checks is the kernel's.

    EADDRNOTAVAIL: not an address of this host (nor a group or broadcast address); EACCES: a port
    below ip_unprivileged_port_start; EINVAL: bound already, or a link-local address without scope;
    EADDRINUSE: the port is taken.
    """
    problem = _check6(sock, address, port, scope) if sock.family == 6 else _check4(sock, address, port)
    if problem:
        return problem
    before = (sock.rcv4, sock.rcv6, sock.source4, sock.source6, sock.v6only)
    _take_address(sock, address)
    late = not port and sock.get("IP_BIND_ADDRESS_NO_PORT")
    if not late and not get_port(sock, port):
        sock.rcv4, sock.rcv6, sock.source4, sock.source6, sock.v6only = before
        return "EADDRINUSE"
    # ::ffff:0.0.0.0 locks the address as well (addr_type != IPV6_ADDR_ANY).
    sock.holds_address = address not in (ip.ANY4, ip.ANY6)
    sock.holds_port = port != 0
    return "ok"


def _check4(sock: Socket, address: str, port: int) -> str:
    if not valid4(sock, address):
        return "EADDRNOTAVAIL"
    if privileged(sock, port):
        return "EACCES"
    return "EINVAL" if sock.state != "closed" or sock.port else ""


def valid4(sock: Socket, address: str) -> bool:
    """Return whether an IPv4 address may be bound (inet_addr_valid_or_nonlocal)."""
    kind = type4(sock.kernel.host, sock.kernel.network.version, address)
    return kind != "unicast" or _nonlocal(sock, "net.ipv4.ip_nonlocal_bind")


def _nonlocal(sock: Socket, setting: str) -> bool:
    free = sock.get("IP_FREEBIND") or sock.get("IP_TRANSPARENT")
    return bool(free) or sock.kernel.host.sysctls.get(setting, "0") != "0"


def privileged(sock: Socket, port: int) -> bool:
    """Return whether a port needs CAP_NET_BIND_SERVICE that the socket's user lacks."""
    first = int(sock.kernel.host.sysctls["net.ipv4.ip_unprivileged_port_start"])
    return 0 < port < first and sock.uid != "root"


def _check6(sock: Socket, address: str, port: int, scope: str) -> str:
    kind = ip.kind6(address)
    if kind == "multicast" and sock.transport == "tcp":
        return "EINVAL"
    if privileged(sock, port):
        return "EACCES"
    if sock.state != "closed" or sock.port:
        return "EINVAL"
    if kind == "mapped":
        if sock.v6only:
            return "EINVAL"
        return "" if valid4(sock, ip.mapped(address)) else "EADDRNOTAVAIL"
    if kind == "any":
        return ""
    if ip.needs_scope(address):
        sock.device = scope or sock.device
        if not sock.device:
            return "EINVAL"
    owner = owner6(sock.kernel.host, address)
    # ipv6_chk_addr: only addresses of link and host scope belong to their device.
    elsewhere = kind in ("link-local", "loopback") and sock.device not in ("", owner)
    if kind != "multicast" and (not owner or elsewhere):
        return "" if _nonlocal(sock, "net.ipv6.ip_nonlocal_bind") else "EADDRNOTAVAIL"
    return ""


def _take_address(sock: Socket, address: str) -> None:
    if sock.family == 6:
        sock.rcv6 = sock.source6 = address
        four = ip.mapped(address) or (ip.ANY4 if address == ip.ANY6 else IPV6_IN_IPV4)
        if ip.kind6(address) == "multicast":
            sock.source6 = ""
        if address != ip.ANY6 and not ip.mapped(address):
            sock.v6only = True  # of itself: sk_ipv6only = 1 for any other specific address
    else:
        four = address
    sock.rcv4 = sock.source4 = four
    kind = type4(sock.kernel.host, sock.kernel.network.version, four)
    if sock.family == 4 and kind in ("broadcast", "multicast"):
        sock.source4 = ip.ANY4  # "Use device" (__inet_bind)


def get_port(sock: Socket, port: int) -> bool:
    """Give a socket a port, of the kernel's choice for 0 (get_port of each protocol)."""
    return _udp_port(sock, port) if sock.transport == "udp" else _tcp_port(sock, port)


# --- UDP -------------------------------------------------------------------------------------------


def _udp_port(sock: Socket, port: int) -> bool:
    kernel = sock.kernel
    if port == 0:
        found = _free_udp(kernel, sock)
        if not found:
            return False
        port = found
    elif udp_taken(sock, port, kernel.network.version):
        return False
    sock.port = port
    chain = kernel.ports.setdefault(port, [])
    if sock.reuseport and kernel.network.version >= (4, 5, 0):
        linux_balance.join(sock, chain)
    _add(chain, sock)
    _add(kernel.by_address.setdefault((sock.key, port), []), sock)
    sock.hashed = True
    return True


def _add(chain: list[Socket], sock: Socket) -> None:
    """Add to a chain: at the head, but an AF_INET6 socket with SO_REUSEPORT at the tail (since 4.6)."""
    if sock.reuseport and sock.family == 6:
        chain.append(sock)
    else:
        chain.insert(0, sock)


def _free_udp(kernel: Kernel, sock: Socket) -> int:
    low, high = kernel.host.port_range
    for port in range(low, high + 1):
        chain = kernel.ports.get(port, ())
        # Each holder is asked about by itself here: a port is shared where all of them let it be.
        if not any(udp_in_use(sock, [one]) for one in chain):
            return port
    return 0


def udp_release(sock: Socket) -> None:
    """Take a UDP socket off its port (udp_lib_unhash)."""
    linux_balance.leave(sock)
    if sock.hashed:
        sock.kernel.ports[sock.port].remove(sock)
        sock.kernel.by_address[sock.key, sock.port].remove(sock)
        sock.hashed = False
    sock.hashed4 = 0
    sock.port = 0


def udp_move(sock: Socket, rcv4: str, rcv6: str) -> None:
    """Change the address that a UDP socket receives on (udp_lib_rehash): it becomes the newest there.

    It leaves its SO_REUSEPORT group (reuseport_detach_sock).
    """
    if not sock.hashed:
        sock.rcv4, sock.rcv6 = rcv4, rcv6
        return
    by_address = sock.kernel.by_address
    before = sock.key
    sock.rcv4, sock.rcv6 = rcv4, rcv6
    if sock.key != before:
        by_address[before, sock.port].remove(sock)
        by_address.setdefault((sock.key, sock.port), []).insert(0, sock)
        linux_balance.leave(sock)


# --- TCP -------------------------------------------------------------------------------------------


def _tcp_port(sock: Socket, port: int) -> bool:
    kernel = sock.kernel
    if port == 0:
        port = _free_tcp(kernel, sock)
        if not port:
            return False
    bucket = kernel.buckets.setdefault(port, Bucket(port))
    if tcp_taken(sock, bucket):
        return False
    hold(sock, bucket)
    return True


def hold(sock: Socket, bucket: Bucket) -> None:
    """Make a socket one of the holders of a TCP port (inet_bind_hash)."""
    remember(sock, bucket, sock.kernel.network.version)
    if sock.bucket is None:
        bucket.owners.append(sock)
        sock.bucket = bucket
        sock.port = bucket.port


def _free_tcp(kernel: Kernel, sock: Socket) -> int:
    """Return a free port (inet_csk_find_open_port).

    With ip_autobind_reuse, ports that SO_REUSEADDR may share come last.
    """
    low, high = kernel.host.port_range
    attempts = [False]
    if kernel.host.sysctls.get("net.ipv4.ip_autobind_reuse", "0") != "0":
        attempts.append(True)
    for relax in attempts:
        for port in range(low, high + 1):
            bucket = kernel.buckets.get(port)
            if bucket is None or not tcp_conflict(sock, bucket, relax=relax, shares=False):
                return port
    return 0


def tcp_release(sock: Socket) -> None:
    """Take a TCP socket off its port (inet_put_port)."""
    bucket = sock.bucket
    if bucket is None:
        return
    bucket.owners.remove(sock)
    sock.bucket = None
    sock.shown, sock.port = sock.port, 0  # inet_num is cleared, inet_sport is not (__inet_put_port)
    if not bucket.owners:
        sock.kernel.buckets.pop(bucket.port, None)
