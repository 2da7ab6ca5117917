"""Socket options by name: their levels, and what not every header or Python has.

Sources are those of probes/options.py.
"""

from __future__ import annotations

from sockmatrix.repro.program import Option

LACKING = {
    "EXCLUSIVE": "SO_EXCLUSIVEADDRUSE",
    "SO_REUSEPORT_LB": "SO_REUSEPORT_LB",
    "SO_REUSE_MULTICASTPORT": "SO_REUSE_MULTICASTPORT",
    "SO_REUSE_UNICASTPORT": "SO_REUSE_UNICASTPORT",
}
"""Options that Linux does not have, and what the system that has them calls them."""

NUMBERS = {
    "IP_PKTINFO": (8, "linux/in.h"),
    "IP_MTU_DISCOVER": (10, "linux/in.h"),
    "IP_RECVERR": (11, "linux/in.h"),
    "IP_RECVTTL": (12, "linux/in.h"),
    "IP_MTU": (14, "linux/in.h"),
    "IP_FREEBIND": (15, "linux/in.h"),
    "IP_BIND_ADDRESS_NO_PORT": (24, "linux/in.h"),
    "IP_UNBLOCK_SOURCE": (37, "linux/in.h"),
    "IP_BLOCK_SOURCE": (38, "linux/in.h"),
    "IP_ADD_SOURCE_MEMBERSHIP": (39, "linux/in.h"),
    "IP_DROP_SOURCE_MEMBERSHIP": (40, "linux/in.h"),
    "MCAST_JOIN_GROUP": (42, "linux/in.h"),
    "MCAST_BLOCK_SOURCE": (43, "linux/in.h"),
    "MCAST_UNBLOCK_SOURCE": (44, "linux/in.h"),
    "MCAST_LEAVE_GROUP": (45, "linux/in.h"),
    "MCAST_JOIN_SOURCE_GROUP": (46, "linux/in.h"),
    "MCAST_LEAVE_SOURCE_GROUP": (47, "linux/in.h"),
    "IP_MULTICAST_ALL": (49, "linux/in.h"),
    "IP_UNICAST_IF": (50, "linux/in.h"),
    "IP_LOCAL_PORT_RANGE": (51, "linux/in.h"),
    "IPV6_MTU_DISCOVER": (23, "linux/in6.h"),
    "IPV6_RECVERR": (25, "linux/in6.h"),
    "IPV6_MULTICAST_ALL": (29, "linux/in6.h"),
    "IPV6_UNICAST_IF": (76, "linux/in6.h"),
    "IPV6_FREEBIND": (78, "linux/in6.h"),
    "SO_INCOMING_CPU": (49, "asm-generic/socket.h"),
    "SO_ATTACH_REUSEPORT_CBPF": (51, "asm-generic/socket.h"),
    "SO_BINDTOIFINDEX": (62, "asm-generic/socket.h"),
    "SO_DETACH_REUSEPORT_BPF": (68, "asm-generic/socket.h"),
    "UDP_CORK": (1, "linux/udp.h"),
}
"""Numbers that Python's socket module lacks in some version in use, and the header they are in."""

FLAGS = {"MSG_MORE": 0x8000, "MSG_CONFIRM": 0x800, "MSG_ERRQUEUE": 0x2000}
"""The same of flags (linux/socket.h)."""

_LEVELS = (
    ("SO_", "SOL_SOCKET"),
    ("IP_", "IPPROTO_IP"),
    ("IPV6_", "IPPROTO_IPV6"),
    ("TCP_", "IPPROTO_TCP"),
    ("UDP_", "IPPROTO_UDP"),
)


def level_of(name: str) -> Option:
    """Return an option with its level. Raises LookupError."""
    known = LACKING.get(name, name)
    level = next(level for start, level in _LEVELS if known.startswith(start))
    return Option(level, known)
