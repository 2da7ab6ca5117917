"""Socket options as each operating system has them: which exist, number, shape of value.

A name that Python's `socket` module knows has the number of the header it was compiled against. The
tables below only add what Python leaves out, with the header that says so, and what the systems do
differently. Everything is a function of `sys.platform` and a mapping of constants (`vars(socket)`).
"""

from __future__ import annotations

import ipaddress
import struct
from typing import Any, Dict, List, Mapping, NamedTuple, Optional, Tuple, Union

import platforms

# Kinds: what `setsockopt` wants to be given.
INT = "int"  # a C int; on Windows a DWORD or BOOL, four bytes as well
UCHAR = "uchar"  # one byte, exactly
ADDRESS4 = "address4"  # struct in_addr
MEMBERSHIP4 = "membership4"  # struct ip_mreq, see `membership4`
MEMBERSHIP6 = "membership6"  # struct ipv6_mreq, see `membership6`
LINGER = "linger"  # struct linger, two ints
LINGER_SHORT = "linger-short"  # struct linger of Winsock, two u_shorts

_SOCKET, _IP, _IPV6 = "SOL_SOCKET", "IPPROTO_IP", "IPPROTO_IPV6"
_OPTIONS = {
    "SO_REUSEADDR": (_SOCKET, INT),
    "SO_REUSEPORT": (_SOCKET, INT),
    "SO_REUSEPORT_LB": (_SOCKET, INT),
    "EXCLUSIVE": (_SOCKET, INT),
    "SO_BROADCAST": (_SOCKET, INT),
    "SO_LINGER": (_SOCKET, LINGER),
    "SO_RCVBUF": (_SOCKET, INT),
    "IP_MULTICAST_LOOP": (_IP, INT),
    "IP_MULTICAST_TTL": (_IP, INT),
    "IP_MULTICAST_IF": (_IP, ADDRESS4),
    "IP_MULTICAST_ALL": (_IP, INT),
    "IP_ADD_MEMBERSHIP": (_IP, MEMBERSHIP4),
    "IP_DROP_MEMBERSHIP": (_IP, MEMBERSHIP4),
    "IPV6_V6ONLY": (_IPV6, INT),
    "IPV6_MULTICAST_LOOP": (_IPV6, INT),
    "IPV6_MULTICAST_HOPS": (_IPV6, INT),
    "IPV6_MULTICAST_IF": (_IPV6, INT),  # an interface index
    "IPV6_MULTICAST_ALL": (_IPV6, INT),
    "IPV6_JOIN_GROUP": (_IPV6, MEMBERSHIP6),
    "IPV6_LEAVE_GROUP": (_IPV6, MEMBERSHIP6),
}
# What a symbol stands for where an option takes one.
DEVICE_NAME, INDEX, INDEX_IN_NETWORK_ORDER = "device-name", "index", "index-in-network-order"
_SYMBOLIC = {
    "SO_BINDTODEVICE": DEVICE_NAME,
    "SO_BINDTOIFINDEX": INDEX,
    "IPV6_MULTICAST_IF": INDEX,
    # net/ipv4/ip_sockglue.c and net/ipv6/ipv6_sockglue.c: both are read with ntohl
    "IP_UNICAST_IF": INDEX_IN_NETWORK_ORDER,
    "IPV6_UNICAST_IF": INDEX_IN_NETWORK_ORDER,
}
# Levels by the beginning of a name, for options that are not in the table above.
_LEVELS = (
    ("SO_", _SOCKET),
    ("IP_", _IP),
    ("MCAST_", _IP),
    ("IPV6_", _IPV6),
    ("UDP_", "IPPROTO_UDP"),
    ("TCP_", "IPPROTO_TCP"),
)
_ALIASES = {
    ("windows", "EXCLUSIVE"): "SO_EXCLUSIVEADDRUSE",
    ("solaris", "EXCLUSIVE"): "SO_EXCLBIND",
}
_NUMBERS = {
    # winsock2.h: ((int)(~SO_REUSEADDR)), and SO_REUSEADDR is 4
    ("windows", "SO_EXCLUSIVEADDRUSE"): -5,
    # illumos usr/src/uts/common/sys/socket.h; Solaris has the same
    ("solaris", "SO_EXCLBIND"): 0x1015,
    # Windows SDK shared/ws2def.h, since Windows 10: for connect() to choose a port that is in use, and
    # to share a port for multicast, without unicast
    ("windows", "SO_REUSE_UNICASTPORT"): 0x3007,
    ("windows", "SO_REUSE_MULTICASTPORT"): 0x3008,
    # FreeBSD sys/sys/socket.h, since 12.0; Python names it from 3.14
    ("freebsd", "SO_REUSEPORT_LB"): 0x00010000,
    # Linux include/uapi/linux/in.h, since 2.6.31
    ("linux", "IP_MULTICAST_ALL"): 49,
    # Linux include/uapi/linux/in6.h, since 4.20
    ("linux", "IPV6_MULTICAST_ALL"): 29,
    # The same two headers, and asm-generic/socket.h, linux/udp.h: names that Python leaves out
    ("linux", "IP_PKTINFO"): 8,
    ("linux", "IP_MTU_DISCOVER"): 10,
    ("linux", "IP_RECVERR"): 11,
    ("linux", "IP_RECVTTL"): 12,
    ("linux", "IP_MTU"): 14,
    ("linux", "IP_FREEBIND"): 15,
    ("linux", "IP_BIND_ADDRESS_NO_PORT"): 24,
    ("linux", "IP_UNBLOCK_SOURCE"): 37,
    ("linux", "IP_BLOCK_SOURCE"): 38,
    ("linux", "IP_ADD_SOURCE_MEMBERSHIP"): 39,
    ("linux", "IP_DROP_SOURCE_MEMBERSHIP"): 40,
    ("linux", "IP_UNICAST_IF"): 50,
    ("linux", "IP_LOCAL_PORT_RANGE"): 51,
    ("linux", "IPV6_MTU_DISCOVER"): 23,
    ("linux", "IPV6_RECVERR"): 25,
    ("linux", "IPV6_FREEBIND"): 78,
    ("linux", "IPV6_UNICAST_IF"): 76,
    ("linux", "SO_DETACH_REUSEPORT_BPF"): 68,
    ("linux", "SO_ATTACH_REUSEPORT_CBPF"): 51,
    ("linux", "SO_BINDTOIFINDEX"): 62,
    ("linux", "SO_INCOMING_CPU"): 49,
    ("linux", "UDP_CORK"): 1,
    # netinet/in.h of FreeBSD and XNU, ws2ipdef.h of Windows; Python names them from 3.12
    **{
        (system, f"IP_{call}"): number
        for system, first in (("freebsd", 70), ("macos", 70), ("windows", 15))
        for number, call in enumerate(
            ("ADD_SOURCE_MEMBERSHIP", "DROP_SOURCE_MEMBERSHIP", "BLOCK_SOURCE", "UNBLOCK_SOURCE"), first
        )
    },
}
# Names a system does not have, whatever a header of a compatibility layer may define.
_ABSENT = {
    ("windows", "SO_REUSEPORT"),
    ("windows", "SO_REUSEPORT_LB"),
    ("macos", "SO_REUSEPORT_LB"),
}
# These take one byte and refuse an int. OpenBSD sys/netinet/ip_output.c, ip_setmoptions;
# illumos usr/src/uts/common/inet/udp/udp_opt_data.c (sizeof (uchar_t)); AIX: libuv src/unix/udp.c.
# Linux, FreeBSD, NetBSD, DragonFly and macOS take either size.
_ONE_BYTE = {
    (name, option)
    for name in ("openbsd", "solaris", "aix")
    for option in ("IP_MULTICAST_LOOP", "IP_MULTICAST_TTL")
}

REUSE: Dict[str, Tuple[str, ...]] = {
    "none": (),
    "addr": ("SO_REUSEADDR",),
    "port": ("SO_REUSEPORT",),
    "addr+port": ("SO_REUSEADDR", "SO_REUSEPORT"),
    "lb": ("SO_REUSEPORT_LB",),
    "addr+lb": ("SO_REUSEADDR", "SO_REUSEPORT_LB"),
    "exclusive": ("EXCLUSIVE",),
}

Option = Tuple[int, int, str]


class ReuseValue(NamedTuple):
    """The options that a reuse value sets, and the first of them that this system lacks, if any."""

    options: Tuple[str, ...]
    absent: Optional[str]


class SenderRules(NamedTuple):
    """What a sender of multicast on a loopback interface must mind on one system.

    must_join_before_sending_on_loopback: the send fails with ENETUNREACH until some socket has
    joined a group there (Windows; python/cpython#102590, tsduck/tsduck#779).
    must_not_bind_sender_to_loopback: a source address in 127/8 fails with EADDRNOTAVAIL, because
    the route of the group leads off the host (macOS; eclipse-zenoh/zenoh#2408).
    must_set_multicast_if: without IP_MULTICAST_IF the routing table chooses; true everywhere.
    """

    must_join_before_sending_on_loopback: bool
    must_not_bind_sender_to_loopback: bool
    must_set_multicast_if: bool


def known(platform: str, constants: Mapping[str, Any]) -> Dict[str, Option]:
    """Return name -> (level, option number, kind) for each option that exists on `platform`.

    `platform` is a value of `sys.platform`, `constants` are those of its `socket` module. An option
    the system does not have is left out.
    """
    system = platforms.system(platform)
    levels = {
        _SOCKET: constants.get(_SOCKET, 1 if system == "linux" else 0xFFFF),
        _IP: constants.get(_IP, 0),
        _IPV6: constants.get(_IPV6, 41),  # Python on Windows lacks the name before 3.8
    }
    found = {}
    for name, (level, kind) in _OPTIONS.items():
        number = _number(system, name, constants, levels[_SOCKET])
        if number is not None:
            found[name] = (levels[level], number, _kind(system, name, kind))
    return found


def find(platform: str, constants: Mapping[str, Any], name: str) -> Optional[Option]:
    """Return (level, number, kind) of any option by its name, None where `platform` has none.

    Beyond the table of `known` a name counts that Python's socket module has, or `_NUMBERS`.
    """
    option = known(platform, constants).get(name)
    if option is None:
        system = platforms.system(platform)
        beginning = next((level for start, level in _LEVELS if name.startswith(start)), None)
        if beginning is None:
            return None
        standard = {_SOCKET: 1 if system == "linux" else 0xFFFF, "IPPROTO_TCP": 6, "IPPROTO_UDP": 17}
        level = constants.get(beginning, standard.get(beginning, 41 if beginning == _IPV6 else 0))
        number = _number(system, name, constants, constants.get(_SOCKET, 1))
        if number is None:
            return None
        option = (level, number, INT)
    return (*option[:2], _SYMBOLIC.get(name, option[2]))


def _number(system: str, name: str, constants: Mapping[str, Any], socket_level: int) -> Optional[int]:
    if (system, name) in _ABSENT:
        return None
    real = _ALIASES.get((system, name), name)
    number: Optional[int] = constants.get(real, _NUMBERS.get((system, real)))
    if number is None and (system, name) == ("linux", "SO_REUSEPORT"):
        # asm-generic/socket.h says 15; alpha, mips, parisc, sparc have BSD's numbers, SOL_SOCKET
        # too
        number = 15 if socket_level == 1 else 0x0200
    return number


def _kind(system: str, name: str, kind: str) -> str:
    if (system, name) in _ONE_BYTE:
        return UCHAR
    if kind == LINGER and system == "windows":
        return LINGER_SHORT
    return kind


def value(kind: str, given: Union[int, str]) -> Union[int, bytes]:
    """Return `given` in the shape `setsockopt` wants for `kind`.

    `given` is a number, or an IPv4 address for ADDRESS4; for LINGER the seconds to linger, 0 for a
    reset. Raises ValueError for a membership, which needs a group and an interface.
    """
    if kind == ADDRESS4:
        return ipaddress.IPv4Address(given).packed
    number = int(given)
    if kind == INT:
        return number
    if kind == UCHAR:
        return struct.pack("@B", number)
    if kind == LINGER:
        return struct.pack("@ii", 1, number)
    if kind == LINGER_SHORT:
        return struct.pack("@HH", 1, number)
    raise ValueError(f"no value of kind {kind} can be made of a number")


def resetting(system: str) -> Union[int, bytes]:
    """Return the value of SO_LINGER with which close(2) resets a connection; `system`: platforms.system.

    struct linger is two ints (POSIX, sys/socket.h), on Windows two u_shorts (winsock2.h).
    """
    return value(_kind(system, "SO_LINGER", LINGER), 0)


def membership4(group: str, interface_ipv4: str) -> bytes:
    """Return a struct ip_mreq (ip(7)): group and an address of the interface, on any system."""
    return ipaddress.IPv4Address(group).packed + ipaddress.IPv4Address(interface_ipv4).packed


def membership4_by_index(platform: str, group: str, index: int) -> Optional[bytes]:
    """Return what IP_ADD_MEMBERSHIP takes for an interface index, None where it takes none.

    Linux and FreeBSD (13 and later; sys/netinet/in_mcast.c, inp_join_group) take a struct ip_mreqn.
    So does a header on macOS, but its kernel reads no more than a struct ip_mreq from it (XNU
    bsd/netinet/in_mcast.c, inp_join_group) and would join silently on the default interface.
    Windows takes the index in place of the interface's address, as 0.0.0.x in network order.
    """
    packed = ipaddress.IPv4Address(group).packed
    system = platforms.system(platform)
    if system in {"linux", "freebsd"}:
        return packed + struct.pack("@4xi", index)
    if system == "windows":
        return packed + struct.pack("!I", index)
    return None


def membership6(group: str, index: int) -> bytes:
    """Return a struct ipv6_mreq (RFC 3493, 5.2): the group and the interface index."""
    return ipaddress.IPv6Address(group).packed + struct.pack("@I", index)


def multicast_loop_side(platform: str) -> str:
    """Return whose IP_MULTICAST_LOOP decides: "sender", but "receiver" on Windows.

    Microsoft, "IPPROTO_IP Socket Options"; golang/go#10742.
    """
    return "receiver" if platforms.system(platform) == "windows" else "sender"


def sender_rules(platform: str) -> SenderRules:
    """Return what a multicast sender must mind on `platform`."""
    system = platforms.system(platform)
    return SenderRules(
        must_join_before_sending_on_loopback=system == "windows",
        must_not_bind_sender_to_loopback=system == "macos",
        must_set_multicast_if=True,
    )


def reuse_values(platform: str, constants: Mapping[str, Any]) -> Dict[str, ReuseValue]:
    """Return each reuse value (none, addr, port, ...) with its options and what is missing here."""
    available = known(platform, constants)
    found = {}
    for reuse, names in REUSE.items():
        missing: List[str] = [name for name in names if name not in available]
        found[reuse] = ReuseValue(names, missing[0] if missing else None)
    return found
