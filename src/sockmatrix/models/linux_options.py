"""setsockopt(2) and getsockopt(2): which values are taken, and what is read back.

Sources: net/core/sock.c (sk_setsockopt, sk_getsockopt), net/ipv4/ip_sockglue.c (do_ip_setsockopt),
net/ipv6/ipv6_sockglue.c (do_ipv6_setsockopt), net/ipv4/udp.c (udp_lib_setsockopt), net/ipv4/tcp.c
(do_tcp_setsockopt).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sockmatrix.models import addresses as ip
from sockmatrix.models import linux_balance, linux_errors, linux_filter
from sockmatrix.models.linux_routes import output4, owner4
from sockmatrix.models.linux_routes6 import output6
from sockmatrix.models.prediction import Unpredicted
from sockmatrix.models.symbols import address_of, device_of
from sockmatrix.models.versions import Version, since

if TYPE_CHECKING:
    from sockmatrix.models.kernel import Socket

ABSENT = frozenset(
    {
        *("SO_REUSEPORT_LB", "EXCLUSIVE", "IP_RECVDSTADDR", "IP_RECVIF"),
        *("SO_REUSE_MULTICASTPORT", "SO_REUSE_UNICASTPORT"),
    }
)
"""Options of other systems."""

RCVBUF, SNDBUF = 212992, 212992
TCP_RCVBUF, TCP_SNDBUF = 131072, 16384
LEAST_RCVBUF, LEAST_SNDBUF = 2304, 4608

_READ_ONLY = ("SO_TYPE", "SO_DOMAIN", "SO_PROTOCOL", "SO_ACCEPTCONN", "SO_ERROR")
_DEFAULTS = {
    "SO_RCVLOWAT": 1,
    "SO_INCOMING_CPU": -1,
    "IP_TTL": 64,
    "IP_MTU_DISCOVER": 1,
    "IP_MULTICAST_TTL": 1,
    "IP_MULTICAST_LOOP": 1,
    "IP_MULTICAST_ALL": 1,
    "IPV6_UNICAST_HOPS": 64,
    "IPV6_MTU_DISCOVER": 1,
    "IPV6_MULTICAST_HOPS": 1,
    "IPV6_MULTICAST_LOOP": 1,
    "IPV6_MULTICAST_ALL": 1,
}
_SWITCHES = frozenset(
    {
        *("SO_DONTROUTE", "SO_KEEPALIVE", "SO_OOBINLINE", "SO_TIMESTAMP", "SO_RXQ_OVFL"),
        *("IP_MULTICAST_LOOP", "IP_MULTICAST_ALL", "IP_RECVERR", "IP_PKTINFO", "IP_RECVTTL"),
        *("IP_RECVTOS", "IP_FREEBIND", "IP_TRANSPARENT", "IP_BIND_ADDRESS_NO_PORT", "IP_RECVOPTS"),
        *("IPV6_MULTICAST_LOOP", "IPV6_MULTICAST_ALL", "IPV6_RECVERR", "IPV6_RECVPKTINFO"),
        *("IPV6_RECVHOPLIMIT", "IPV6_FREEBIND", "IPV6_TRANSPARENT", "UDP_CORK", "TCP_NODELAY"),
    }
)
_ONLY_0_AND_1 = frozenset({"IP_MULTICAST_ALL", "IPV6_MULTICAST_LOOP", "IP_FREEBIND"})
_NOT_FOR_STREAMS = frozenset(
    {"IP_MULTICAST_IF", "IP_MULTICAST_TTL", "IPV6_MULTICAST_IF", "IPV6_MULTICAST_HOPS"}
)
_RANGES = {
    "IP_MTU_DISCOVER": (0, 5),
    "IPV6_MTU_DISCOVER": (0, 5),
    "IP_TTL": (1, 255),
    "IP_MULTICAST_TTL": (0, 255),
    "IPV6_MULTICAST_HOPS": (0, 255),
    "IPV6_UNICAST_HOPS": (0, 255),
}
_OTHERS = frozenset(
    {
        *("SO_REUSEADDR", "SO_REUSEPORT", "SO_BROADCAST", "SO_RCVBUF", "SO_SNDBUF", "SO_LINGER"),
        *("SO_RCVLOWAT", "SO_INCOMING_CPU", "SO_BINDTODEVICE", "SO_BINDTOIFINDEX", *_READ_ONLY),
        *("IP_MULTICAST_IF", "IP_UNICAST_IF", "IP_TOS", "IP_MTU", "IPV6_V6ONLY", "IPV6_MTU"),
        *("IPV6_MULTICAST_IF", "IPV6_UNICAST_IF", "TCP_DEFER_ACCEPT", "TCP_FASTOPEN"),
    }
)
KNOWN = ABSENT | _SWITCHES | _OTHERS | set(_RANGES)
"""Options that the model knows; of any other it says nothing."""

_MINUS_ONE = {"IP_TTL": 64, "IP_MULTICAST_TTL": 1, "IPV6_MULTICAST_HOPS": 1, "IPV6_UNICAST_HOPS": 64}


def reuseport_is_restricted(version: Version) -> bool:
    """Return whether only IP sockets take it ("net: restrict SO_REUSEPORT to inet sockets").

    5.10.233 is said to have it, but 5.10.262 does not (measured).
    """
    return since(version, (6, 13, 0), (6, 12, 9), (6, 6, 70), (6, 1, 124), (5, 15, 176), (5, 4, 289))


def set_option(sock: Socket, option: str, value: int | str) -> str:
    """setsockopt(2): an errno, or "ok". Raises prediction.Unpredicted for an unknown option."""
    if option not in KNOWN:
        raise Unpredicted(f"the option {option}")
    if option.startswith("IPV6_") and sock.family != 6:
        return "ENOPROTOOPT"
    if sock.transport == "tcp" and option in _NOT_FOR_STREAMS:
        return "EINVAL" if option.startswith("IP_") else "ENOPROTOOPT"
    if option in ("IP_MULTICAST_IF", "IP_UNICAST_IF"):
        return _device4(sock, option, value)
    if option in ("IPV6_MULTICAST_IF", "IPV6_UNICAST_IF"):
        return _device6(sock, option, value)
    if option in ("SO_BINDTODEVICE", "SO_BINDTOIFINDEX"):
        return _bind_to_device(sock, value)
    assert isinstance(value, int)
    if option in _READ_ONLY:
        return "ENOPROTOOPT"
    if option == "SO_REUSEADDR":
        sock.reuse = value != 0
    elif option == "SO_REUSEPORT":
        if sock.transport == "unix" and value and reuseport_is_restricted(sock.kernel.network.version):
            return "EOPNOTSUPP"
        sock.reuseport = value != 0
    elif option == "SO_BROADCAST":
        sock.broadcast = value != 0
    elif option == "IPV6_V6ONLY":
        if sock.port:
            return "EINVAL"
        sock.v6only = value != 0
    elif option in ("SO_RCVBUF", "SO_SNDBUF"):
        least = LEAST_RCVBUF if option == "SO_RCVBUF" else LEAST_SNDBUF
        sock.options[option] = max(2 * value, least)
    else:
        return _plain(sock, option, value)
    return "ok"


def _plain(sock: Socket, option: str, value: int) -> str:
    if option in _ONLY_0_AND_1 and value not in (0, 1):
        return "EINVAL"
    if option in _RANGES:
        low, high = _RANGES[option]
        if value == -1 and option in _MINUS_ONE:
            value = _MINUS_ONE[option]
        elif not low <= value <= high:
            return "EINVAL"
    if option == "IP_TRANSPARENT" and value and sock.uid != "root":
        return "EPERM"
    if option.startswith("UDP_") and sock.transport != "udp":
        return "ENOPROTOOPT"
    if option.startswith("TCP_") and sock.transport != "tcp":
        return "ENOPROTOOPT"
    sock.options[option] = int(bool(value)) if option in _SWITCHES else value
    return "ok"


def _device4(sock: Socket, option: str, value: int | str) -> str:
    """IP_MULTICAST_IF by address or index: EADDRNOTAVAIL for no device, EINVAL beside SO_BINDTODEVICE."""
    host = sock.kernel.host
    how, _, symbol = str(value).rpartition(":")
    address = ""
    if how == "index" or option == "IP_UNICAST_IF":
        device = "" if symbol in ("none", "0") else device_of(symbol)
    elif symbol in ("none", "0", "any4"):
        device = ""
    else:
        address = address_of(sock.kernel.network.layout, host, {"bad": "nonlocal4"}.get(symbol, symbol))
        device = owner4(host, sock.kernel.network.version, address)
        if not device:
            return "EADDRNOTAVAIL"
    if device and device not in host.devices:
        return "EADDRNOTAVAIL"
    if device and sock.device and device != sock.device:
        return "EINVAL"
    if option == "IP_UNICAST_IF":
        sock.options["uc-device"] = device
    else:
        sock.options["mc-device"], sock.options["mc-address"] = device, address
    return "ok"


def _device6(sock: Socket, option: str, value: int | str) -> str:
    """IPV6_MULTICAST_IF by index: ENODEV for no device, EINVAL beside SO_BINDTODEVICE."""
    device = "" if value in (0, "none") else device_of(str(value).rpartition(":")[2])
    if device and sock.device and device != sock.device:
        return "EINVAL"
    if device and device not in sock.kernel.host.devices:
        return "ENODEV" if option == "IPV6_MULTICAST_IF" else "EADDRNOTAVAIL"
    sock.options["mc6-device" if option == "IPV6_MULTICAST_IF" else "uc6-device"] = device
    return "ok"


def _bind_to_device(sock: Socket, value: int | str) -> str:
    """SO_BINDTODEVICE: ENODEV for no device; to change one takes CAP_NET_RAW (sock_bindtoindex, 5.7)."""
    device = "" if value in ("none", 0) else device_of(str(value).rpartition(":")[2])
    if sock.device and sock.uid != "root":
        return "EPERM"
    if device and device not in sock.kernel.host.devices:
        return "ENODEV"
    sock.device = device
    if sock.hashed:
        linux_balance.leave(sock)  # udp_lib_rehash: reuseport_detach_sock
    return "ok"


def get_option(sock: Socket, option: str, symbol: str = "") -> str:
    """getsockopt(2) in words; `symbol` is what the address of IP_MULTICAST_IF is called."""
    if option not in KNOWN:
        raise Unpredicted(f"the option {option}")
    if option.startswith("IPV6_") and sock.family != 6:
        return "EOPNOTSUPP"
    if option.startswith(("UDP_", "TCP_")) and not option.lower().startswith(sock.transport):
        return "EOPNOTSUPP"
    if option == "IP_MULTICAST_ALL":
        return str(int(linux_filter.hears_all(sock)))
    special = {
        "SO_REUSEADDR": int(sock.reuse),
        "SO_REUSEPORT": int(sock.reuseport),
        "SO_BROADCAST": int(sock.broadcast),
        "IPV6_V6ONLY": int(sock.v6only),
        "SO_TYPE": 1 if sock.kind.startswith("tcp") or sock.kind == "unix-stream" else 2,
        "SO_DOMAIN": {4: 2, 6: 10}.get(sock.family, 1),
        "SO_PROTOCOL": {"udp": 17, "tcp": 6}.get(sock.transport, 0),
        "SO_ACCEPTCONN": int(sock.state == "listen"),
        "SO_RCVBUF": TCP_RCVBUF if sock.transport == "tcp" else RCVBUF,
        "SO_SNDBUF": TCP_SNDBUF if sock.transport == "tcp" else SNDBUF,
    }
    if option == "SO_ERROR":
        return linux_errors.take_error(sock) or "0"
    if option == "SO_BINDTODEVICE":
        return sock.device or "none"
    if option == "IP_MULTICAST_IF":
        return symbol
    if option == "IPV6_MULTICAST_IF":
        return str(sock.options.get("mc6-device", "")) or "0"
    if option in ("IP_MTU", "IPV6_MTU"):
        return _mtu(sock)
    value = sock.options.get(option, special.get(option, _DEFAULTS.get(option, 0)))
    return str(value)


def _mtu(sock: Socket) -> str:
    """IP_MTU: of the route to the peer; ENOTCONN without one (do_ip_getsockopt)."""
    if sock.state != "established":
        return "ENOTCONN"
    four = sock.peer if sock.family == 4 else ip.mapped(sock.peer)
    path = (
        output4(sock.kernel.host, sock.kernel.network.version, four)
        if four
        else output6(sock.kernel.host, sock.peer)
    )
    return (
        "ENOTCONN"
        if isinstance(path, str)
        else ("65535" if four else "65536")
        if path.device == "lo"
        else "1500"
    )
