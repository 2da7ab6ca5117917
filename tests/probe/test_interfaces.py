"""Interfaces are read from the memory layout of each system, here built by hand."""

from __future__ import annotations

import ipaddress
import struct
import sys
from typing import NamedTuple

import interfaces
import pytest
from interfaces import Interface

UP, BROADCAST, LOOPBACK, POINT_TO_POINT = 0x1, 0x2, 0x8, 0x10
AF_INET6 = {"linux": 10, "macos": 30, "freebsd": 28, "openbsd": 24, "netbsd": 24, "solaris": 26}
LINK_LAYER = {"linux": 17, "macos": 18, "freebsd": 18, "openbsd": 18, "netbsd": 18, "solaris": 25}


class Memory:
    """Memory that can only be read where something was put."""

    def __init__(self) -> None:
        self.blocks: dict[int, bytes] = {}
        self.top = 0x1000

    def put(self, data: bytes) -> int:
        """Store `data` and return its address."""
        address = self.top
        self.blocks[address] = data
        self.top += len(data) + 64
        return address

    def read(self, address: int, size: int) -> bytes:
        """Read as ctypes.string_at does; a read outside what was put is an error of the test."""
        for start, data in self.blocks.items():
            if start <= address < start + len(data):
                rest = data[address - start :]
                if size < 0:
                    return rest[: rest.index(0)]
                assert size <= len(rest), "read beyond the end"
                return rest[:size]
        raise AssertionError(f"nothing at {address:#x}")


class Row(NamedTuple):
    """One struct ifaddrs."""

    name: str
    flags: int
    address: bytes | None = None
    netmask: bytes | None = None
    broadcast: bytes | None = None


def sockaddr(system: str, address: str) -> bytes:
    """Return the struct sockaddr_in or sockaddr_in6 of a system."""
    packed = ipaddress.ip_address(address).packed
    family = 2 if len(packed) == 4 else AF_INET6[system]
    tail = bytes(2) + packed + bytes(8) if len(packed) == 4 else bytes(6) + packed + bytes(4)
    return head(system, family, len(tail) + 2) + tail


def head(system: str, family: int, length: int) -> bytes:
    """Return the first two bytes of a struct sockaddr."""
    if system in {"linux", "solaris"}:
        return struct.pack("=H", family)
    return bytes((length, family))


def chain(memory: Memory, system: str, rows: list[Row], pointer: int = 8) -> int:
    """Put a list of struct ifaddrs into memory and return its address."""
    word = "Q" if pointer == 8 else "I"
    flags = "Q" if system == "solaris" else "I4x" if pointer == 8 else "I"
    following = 0
    for row in reversed(rows):
        parts = [
            memory.put(part) if part is not None else 0
            for part in (row.address, row.netmask, row.broadcast)
        ]
        name = memory.put(row.name.encode() + b"\0")
        layout = f"={word}{word}{flags}{word}{word}{word}{word}"
        following = memory.put(struct.pack(layout, following, name, row.flags, *parts, 0))
    return following


def walk(system: str, rows: list[Row], indices: dict[str, int], pointer: int = 8) -> list[Interface]:
    """Build a list and walk it."""
    memory = Memory()
    start = chain(memory, system, rows, pointer)
    return interfaces.walk_ifaddrs(system, start, memory.read, indices.__getitem__, pointer)


@pytest.mark.parametrize("pointer", [4, 8])
@pytest.mark.parametrize("system", AF_INET6)
def test_each_system(system: str, pointer: int) -> None:
    """Loopback and Ethernet are understood in the layout of every system and both widths."""
    link = head(system, LINK_LAYER[system], 20) + bytes(18)

    def address(text: str) -> bytes:
        return sockaddr(system, text)

    rows = [
        Row("lo0", UP | LOOPBACK, link),
        Row("en0", UP | BROADCAST, link),
        Row("lo0", UP | LOOPBACK, address("127.0.0.1"), address("255.0.0.0"), address("127.0.0.1")),
        Row("lo0", UP | LOOPBACK, address("fe80::1"), address("ffff:ffff:ffff:ffff::")),
        Row("lo0", UP | LOOPBACK, address("::1"), address("ffff::")),
        Row(
            "en0",
            UP | BROADCAST,
            address("192.0.2.7"),
            address("255.255.255.0"),
            address("192.0.2.255"),
        ),
        Row("en0", UP | BROADCAST, address("192.0.2.8"), address("255.255.255.255"), None),
        Row("en0", UP | BROADCAST, address("fe80::2"), address("ffff::")),
        Row("off0", BROADCAST, address("198.51.100.1"), address("255.255.255.0"), None),
    ]
    assert walk(system, rows, {"lo0": 1, "en0": 4}, pointer) == [
        Interface("lo0", 1, "127.0.0.1", None, "255.0.0.0", "::1", loopback=True),
        Interface("en0", 4, "192.0.2.7", "192.0.2.255", "255.255.255.0", "fe80::2%4", loopback=False),
    ]


def test_short_netmasks() -> None:
    """The BSDs cut the trailing zeros off a netmask and may leave its family 0."""
    for mask, expected in (
        (b"\x05\0\0\0\xff", "255.0.0.0"),
        (b"\x07\xff\0\0\xff\xff\xff", "255.255.255.0"),
        (b"\0\0", "0.0.0.0"),
    ):
        rows = [Row("en0", UP, sockaddr("macos", "192.0.2.7"), mask)]
        assert walk("macos", rows, {"en0": 4})[0].ipv4_netmask == expected


def test_zones_of_link_local_addresses() -> None:
    """KAME's zone inside a link-local address is taken out, on the systems that put it there."""
    packed = bytearray(sockaddr("macos", "fe80::1"))
    packed[10:12] = b"\0\x04"
    assert walk("macos", [Row("en0", UP, bytes(packed))], {"en0": 4})[0].ipv6 == "fe80::1%4"
    rows = [
        Row("eth0", UP, sockaddr("linux", "fe80::1")),
        Row("eth0", UP, sockaddr("linux", "fd00::2")),
    ]
    assert walk("linux", rows, {"eth0": 0})[0].ipv6 == "fd00::2"
    assert walk("linux", rows[:1], {"eth0": 0})[0].ipv6 == "fe80::1"


def test_broadcast_addresses() -> None:
    """It follows from the netmask where none was given, and only where the interface broadcasts."""

    def row(flags: int, mask: str) -> Row:
        return Row("e", UP | flags, sockaddr("linux", "192.0.2.129"), sockaddr("linux", mask))

    for flags, mask, expected in (
        (BROADCAST, "255.255.255.128", "192.0.2.255"),
        (BROADCAST, "255.255.255.252", "192.0.2.131"),
        (BROADCAST, "255.255.255.254", None),
        (BROADCAST, "255.255.255.255", None),
        (BROADCAST, "255.0.255.0", None),
        (POINT_TO_POINT, "255.255.255.0", None),
    ):
        assert walk("linux", [row(flags, mask)], {"e": 2})[0].ipv4_broadcast == expected


def test_labels_belong_to_their_interface() -> None:
    """An address with a label of its own (eth0:1) is one of eth0."""
    rows = [Row("eth0:1", UP, sockaddr("linux", "192.0.2.7"))]
    assert walk("linux", rows, {"eth0": 2})[0].name == "eth0"


def test_a_list_that_bites_its_tail_ends() -> None:
    """A damaged list does not keep us here."""
    memory = Memory()
    name = memory.put(b"lo\0")
    record = struct.pack("=QQI4xQQQQ", memory.top, name, UP, 0, 0, 0, 0)
    start = memory.put(record)
    assert len(interfaces.walk_ifaddrs("linux", start, memory.read, lambda _: 1)) == 1


def adapter(
    memory: Memory,
    following: int,
    numbers: tuple[int, int, int],
    addresses: list[tuple[bytes, int]],
    pointer: int,
) -> int:
    """Put an IP_ADAPTER_ADDRESSES with its unicast addresses into memory; return its address."""
    index, kind, status = numbers
    word = "Q" if pointer == 8 else "I"
    entry = 0
    for packed, prefix in reversed(addresses):
        where = memory.put(packed)
        layout = f"=II{word}{word}i{'4x' if pointer == 8 else ''}III III BxxxIII"
        entry = memory.put(
            struct.pack(layout, 64, 0, entry, where, len(packed), 1, 1, 4, 0, 0, 0, prefix, 0, 0, 0)
        )
    name = memory.put(b"{6E09A1F0-0000-0000-0000-000000000000}\0")
    data = struct.pack(f"=II{word}{word}{word}", 448, index, following, name, entry)
    data += struct.pack(f"={word}{word}{word}{word}{word}{word}", *range(6))
    data += bytes(8) + struct.pack("=IIIIII", 6, 0x1C5, 1500, kind, status, index) + bytes(64)
    return memory.put(data)


@pytest.mark.parametrize("pointer", [4, 8])
def test_windows(pointer: int) -> None:
    """The list of GetAdaptersAddresses is understood on 32-bit and 64-bit Windows."""

    def v4(address: str) -> bytes:
        return struct.pack("=HH", 2, 0) + ipaddress.ip_address(address).packed + bytes(8)

    def v6(address: str) -> bytes:
        return struct.pack("=HHI", 23, 0, 0) + ipaddress.ip_address(address).packed + bytes(4)

    memory = Memory()
    ethernet, loopback, tunnel, up, down = 6, 24, 131, 1, 2
    start = adapter(memory, 0, (1, loopback, up), [(v6("::1"), 128), (v4("127.0.0.1"), 8)], pointer)
    start = adapter(memory, start, (9, tunnel, up), [(v4("198.51.100.1"), 24)], pointer)
    start = adapter(memory, start, (7, ethernet, down), [(v4("192.0.2.9"), 24)], pointer)
    addresses = [(v6("fe80::5"), 64), (v4("192.0.2.7"), 25), (v4("192.0.2.8"), 25)]
    start = adapter(memory, start, (12, ethernet, up), addresses, pointer)
    names = {12: "ethernet_32769", 1: "loopback_0"}
    found = interfaces.walk_adapters(start, memory.read, lambda i: names.get(i, ""), pointer)
    assert found == [
        Interface(
            "ethernet_32769",
            12,
            "192.0.2.7",
            "192.0.2.127",
            "255.255.255.128",
            "fe80::5%12",
            loopback=False,
        ),
        Interface(
            "{6E09A1F0-0000-0000-0000-000000000000}",
            9,
            "198.51.100.1",
            None,
            "255.255.255.0",
            None,
            loopback=False,
        ),
        Interface("loopback_0", 1, "127.0.0.1", None, "255.0.0.0", "::1", loopback=True),
    ]


def test_own_interfaces() -> None:
    """A machine has a loopback interface, or cannot tell."""
    found = interfaces.own()
    assert not found or any(interface.loopback for interface in found)


def test_own_never_raises(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever goes wrong, the list is empty."""

    def fail(_: str) -> list[Interface]:
        raise ValueError

    monkeypatch.setattr(interfaces, "_from_posix", fail)
    monkeypatch.setattr(sys, "platform", "linux")
    assert interfaces.own() == []


NETSH = """
Protocol udp Dynamic Port Range
---------------------------------
Start Port      : 49152
Number of Ports : 16384
"""


@pytest.mark.parametrize(
    ("platform", "text", "expected"),
    [
        ("linux", "32768\t60999\n", (32768, 60999)),
        (
            "darwin",
            "net.inet.ip.portrange.first: 49152\nnet.inet.ip.portrange.last: 65535\n",
            (49152, 65535),
        ),
        (
            "freebsd14",
            "net.inet.ip.portrange.first: 10000\nnet.inet.ip.portrange.last: 65535\n",
            (10000, 65535),
        ),
        ("openbsd7", "net.inet.ip.portfirst=1024\nnet.inet.ip.portlast=49151\n", (1024, 49151)),
        (
            "netbsd10",
            "net.inet.ip.anonportmin = 49152\nnet.inet.ip.anonportmax = 65535\n",
            (49152, 65535),
        ),
        ("win32", NETSH, (49152, 65535)),
        ("win32", NETSH.replace("Start Port", "Startport").replace("udp", "IPv4"), (49152, 65535)),
        ("sunos5", "32768\n65535\n", (32768, 65535)),
        ("linux", "", None),
        ("linux", "0\t0\n", None),
        ("darwin", "32768\t60999\n", None),
        ("darwin", "sysctl: unknown oid", None),
        ("win32", "error 5", None),
    ],
)
def test_ephemeral_range(platform: str, text: str, expected: tuple[int, int] | None) -> None:
    """Each system says it in its own way; what does not parse is not guessed."""
    assert interfaces.parse_ephemeral_range(platform, text) == expected


def test_own_ephemeral_range() -> None:
    """The range of this machine is one, or unknown."""
    found = interfaces.ephemeral_range()
    assert found is None or 0 < found[0] <= found[1] <= 65535
