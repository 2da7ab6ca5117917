"""The words of scripts: addresses, interfaces, options and flags by their symbols.

What an address is, the probe knows in its lab; `matrix/axes.toml` has it in words.
"""

from __future__ import annotations

GROUPS = (
    *("group4", "group4b", "group4c", *(f"group4-{number}" for number in range(2, 31))),
    *("ssm4", "allhosts4", "mapped-group4"),
    *("group6-node", "group6-link", "group6-site", "group6-global", "group6b-site", "allnodes6"),
)

ADDRESSES = (
    *("any4", "lo4", "lo4b", *(f"lo4-{number}" for number in range(3, 31))),
    *("lobcast", "lonet", "if4", "if4b", "h1", "h2", "h3", "nonlocal4"),
    *("zero8", "class-e", "high255", "near-lowest"),
    *("h2-zero8", "h2-class-e", "h2-high255", "h2-lowest"),
    *("subnet-bcast", "subnet-bcast-b", "subnet-net", "limited"),
    *("any6", "any6only", "lo6", "if6", "if6b", "link6", "h1-6", "h2-6", "h3-6", "nonlocal6"),
    *("mapped-any", "mapped-lo", "mapped-if4"),
    *GROUPS,
)

INTERFACES = ("lo4", "lo6", "lo", "if4", "if6", "if", "if4b", "if6b", "ifb", "none", "bad")
"""An interface by one of its addresses or as such; one that is not there, none at all."""

SOCKETS = ("udp4", "udp6", "tcp4", "tcp6", "unix-stream", "unix-dgram")

OPTIONS = (
    # socket(7), and what other systems have in its place
    *("EXCLUSIVE", "SO_ACCEPTCONN", "SO_ATTACH_REUSEPORT_CBPF", "SO_BINDTODEVICE", "SO_BINDTOIFINDEX"),
    *("SO_BROADCAST", "SO_DOMAIN", "SO_DONTROUTE", "SO_ERROR", "SO_INCOMING_CPU", "SO_KEEPALIVE"),
    *("SO_LINGER", "SO_MARK", "SO_OOBINLINE", "SO_PRIORITY", "SO_PROTOCOL", "SO_RCVBUF", "SO_RCVLOWAT"),
    *("SO_REUSEADDR", "SO_REUSEPORT", "SO_REUSEPORT_LB", "SO_REUSE_MULTICASTPORT"),
    *("SO_REUSE_UNICASTPORT", "SO_SNDBUF", "SO_TYPE"),
    # ip(7)
    *("IP_ADD_MEMBERSHIP", "IP_BIND_ADDRESS_NO_PORT", "IP_DROP_MEMBERSHIP", "IP_FREEBIND"),
    *("IP_HDRINCL", "IP_LOCAL_PORT_RANGE", "IP_MTU", "IP_MTU_DISCOVER", "IP_MULTICAST_ALL"),
    *("IP_MULTICAST_IF", "IP_MULTICAST_LOOP", "IP_MULTICAST_TTL", "IP_PKTINFO", "IP_RECVERR"),
    *("IP_RECVOPTS", "IP_RECVTOS", "IP_RECVTTL", "IP_TOS", "IP_TRANSPARENT", "IP_TTL", "IP_UNICAST_IF"),
    # ipv6(7)
    *("IPV6_DONTFRAG", "IPV6_FREEBIND", "IPV6_JOIN_GROUP", "IPV6_LEAVE_GROUP", "IPV6_MTU_DISCOVER"),
    *("IPV6_MULTICAST_ALL", "IPV6_MULTICAST_HOPS", "IPV6_MULTICAST_IF", "IPV6_MULTICAST_LOOP"),
    *("IPV6_RECVERR", "IPV6_RECVHOPLIMIT", "IPV6_RECVPKTINFO", "IPV6_UNICAST_HOPS", "IPV6_UNICAST_IF"),
    "IPV6_V6ONLY",
    # tcp(7), udp(7)
    *("TCP_DEFER_ACCEPT", "TCP_FASTOPEN", "TCP_LINGER2", "TCP_NODELAY", "TCP_SYNCNT"),
    *("TCP_USER_TIMEOUT", "UDP_CORK"),
)

FLAGS = (
    *("MSG_CMSG_CLOEXEC", "MSG_CONFIRM", "MSG_CTRUNC", "MSG_DONTROUTE", "MSG_DONTWAIT", "MSG_EOR"),
    *("MSG_ERRQUEUE", "MSG_FASTOPEN", "MSG_MORE", "MSG_NOSIGNAL", "MSG_OOB", "MSG_PEEK", "MSG_TRUNC"),
    *("MSG_WAITALL", "MSG_ZEROCOPY"),
)
"""Flags of send(2) and recv(2)."""
