"""Kernel counters that betray a lost datagram: a batch over which they grew proves nothing.

A default receive buffer keeps some 256 small datagrams and then drops silently; `RcvbufErrors` and
`MemErrors` (net/ipv4/udp.c) and the dropped column of softnet_stat (net/core/dev.c) count what was lost.
Where there is no /proc (macOS, Windows) the sum stays 0 and only the bounded windows protect a result.
"""

from __future__ import annotations

from proc import text

_NAMES = ("RcvbufErrors", "MemErrors")


def lost_datagrams() -> int:
    """Return the sum of the counters as they stand now."""
    return from_texts(text("/proc/net/snmp"), text("/proc/net/snmp6"), text("/proc/net/softnet_stat"))


def from_texts(snmp: str, snmp6: str, softnet: str) -> int:
    """Return the sum of the counters in the texts of the three files; absent ones count 0."""
    total = 0
    lines = [line.split() for line in snmp.splitlines() if line.startswith("Udp: ")]
    for names, values in zip(lines[::2], lines[1::2]):
        total += sum(int(v) for n, v in zip(names, values) if n in _NAMES)
    for line in snmp6.splitlines():
        name, _, value = line.partition(" ")
        if name in ("Udp6RcvbufErrors", "Udp6MemErrors"):
            total += int(value)
    for line in softnet.splitlines():
        fields = line.split()
        total += int(fields[1], 16) if len(fields) > 1 else 0
    return total
