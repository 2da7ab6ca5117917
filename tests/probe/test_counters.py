"""Kernel counters: the sum over the texts of real files, and none where there are none."""

from __future__ import annotations

import counters
import pytest

# Linux 6.18, a host with some history; the long lines are the kernel's
SNMP = """\
Ip: Forwarding DefaultTTL InReceives InHdrErrors InAddrErrors ForwDatagrams
Ip: 2 64 1202 0 0 0
IcmpMsg: InType3 OutType3
IcmpMsg: 41 41
Udp: InDatagrams NoPorts InErrors OutDatagrams RcvbufErrors SndbufErrors InCsumErrors IgnoredMulti MemErrors
Udp: 5291 41 17 5349 12 7 3 88 5
UdpLite: InDatagrams NoPorts InErrors OutDatagrams RcvbufErrors SndbufErrors InCsumErrors IgnoredMulti MemErrors
UdpLite: 0 0 0 0 100 100 0 0 100
"""  # noqa: E501
SNMP6 = """\
Ip6InReceives                   \t122
Udp6InDatagrams                 \t6
Udp6InErrors                    \t900
Udp6RcvbufErrors                \t300
Udp6SndbufErrors                \t1
Udp6MemErrors                   \t20
UdpLite6RcvbufErrors            \t7000
"""
# Processed, dropped, time_squeeze, ...: hexadecimal, a line for each CPU
SOFTNET = """\
00009c1f 00001000 00000003 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000
0000b37a 0000000a 00000001 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000001 00000000 00000000 00000000
"""  # noqa: E501


def test_the_sum_is_over_all_that_tells_of_a_lost_datagram() -> None:
    """Receive buffer and memory errors of UDP over IPv4 and IPv6, and what the backlog dropped."""
    assert counters.from_texts(SNMP, SNMP6, SOFTNET) == (12 + 5) + (300 + 20) + (0x1000 + 0xA)


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        ((SNMP, "", ""), 17),
        (("", SNMP6, ""), 320),
        (("", "", SOFTNET), 0x100A),
        (("", "", ""), 0),
    ],
)
def test_a_file_that_is_missing_counts_nothing(texts: tuple[str, str, str], expected: int) -> None:
    """IPv6 may be off, /proc restricted, the system another one."""
    assert counters.from_texts(*texts) == expected


def test_a_kernel_before_5_8_has_no_memory_errors() -> None:
    """Columns go by their names, not by their places."""
    old = "Udp: InDatagrams NoPorts InErrors OutDatagrams RcvbufErrors SndbufErrors\nUdp: 1 2 3 4 5 6\n"
    assert counters.from_texts(old, "", "") == 5


def test_an_empty_line_of_softnet_stat_is_no_cpu() -> None:
    """An empty file is what gVisor gives."""
    assert counters.from_texts("", "", "\n") == 0


def test_what_is_counted_now_is_a_number_on_any_system(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there is no /proc the sum is 0."""
    assert counters.lost_datagrams() >= 0
    monkeypatch.setattr(counters, "text", lambda path: "")
    assert counters.lost_datagrams() == 0
