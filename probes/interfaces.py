"""The network interfaces of this machine, found without sending a packet and without DNS.

POSIX systems answer with a linked list from getifaddrs(3), Windows with one from
GetAdaptersAddresses. Both are walked here by pure functions over `read(address, size)`, so that the
memory layout of every system can be tested on any: `ctypes.string_at` is the real one (size -1
reads a C string).
"""

from __future__ import annotations

import ipaddress
import re
import socket
import struct
import sys
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Tuple

import platforms

Read = Callable[[int, int], bytes]

_UP, _BROADCAST, _LOOPBACK = 0x1, 0x2, 0x8  # net/if.h, the same on every POSIX system
_AF_INET = 2
_AF_INET6 = {
    "linux": 10,
    "macos": 30,
    "ios": 30,
    "freebsd": 28,
    "dragonfly": 28,
    "openbsd": 24,
    "netbsd": 24,
    "solaris": 26,
    "windows": 23,
}
_WITH_LENGTH = {"macos", "ios", "freebsd", "dragonfly", "openbsd", "netbsd", "aix"}  # sa_len
_MOST = 4096  # list elements read before a list counts as damaged

# winerror.h, iptypes.h, ipifcons.h
_BUFFER_OVERFLOW = 111
_SKIP = 0x2 | 0x4 | 0x8  # GAA_FLAG_SKIP_ANYCAST, _MULTICAST, _DNS_SERVER
_SOFTWARE_LOOPBACK = 24
_POINT_TO_POINT = {23, 131}  # IF_TYPE_PPP, IF_TYPE_TUNNEL
_OPERATIONAL = 1


class Interface(NamedTuple):
    """One interface that is up, with its first IPv4 address and its first IPv6 address, if any.

    `ipv6` is a global (or the loopback) address where there is one, else a link-local one with its
    zone, `fe80::1%2`. `ipv4_broadcast` is None where the interface does not broadcast. `index` is 0
    where it is not known.
    """

    name: str
    index: int  # type: ignore[assignment]  # hides tuple.index, which nobody needs here
    ipv4: Optional[str]
    ipv4_broadcast: Optional[str]
    ipv4_netmask: Optional[str]
    ipv6: Optional[str]
    loopback: bool


def own() -> List[Interface]:
    """Return the interfaces of this machine in the system's order; empty if it cannot tell."""
    try:
        if platforms.system(sys.platform) == "windows":
            return _from_windows()
        return _from_posix(platforms.system(sys.platform))
    except Exception:
        return []


def walk_ifaddrs(
    system: str, head: int, read: Read, index_of: Callable[[str], int], pointer: int = 8
) -> List[Interface]:
    """Return the interfaces of a list of struct ifaddrs (getifaddrs(3)) that starts at `head`.

    `system` as `platforms.system` gives it, `pointer` is the width of a pointer in bytes. The head
    of the structure is the same everywhere but for ifa_flags, which is 64 bits wide on Solaris and
    illumos (usr/src/head/ifaddrs.h); the broadcast address is in the place of the destination
    address.
    """
    flags = "Q" if system == "solaris" else "I"
    address = "Q" if pointer == 8 else "I"
    padding = "4x" if flags == "I" and pointer == 8 else ""
    layout = struct.Struct(f"={address}{address}{flags}{padding}{address}{address}{address}")
    found: Dict[str, Interface] = {}
    for _ in range(_MOST):
        if not head:
            break
        head, label, bits, addr, mask, broadcast = layout.unpack(read(head, layout.size))
        if not bits & _UP:
            continue
        name = read(label, -1).decode("utf-8", "replace").partition(":")[0]  # eth0:1 is eth0
        if name not in found:
            index = index_of(name)
            found[name] = Interface(name, index, None, None, None, None, bool(bits & _LOOPBACK))
        own_address = _sockaddr(system, addr, read)
        if own_address is None:
            continue
        netmask = _netmask4(system, mask, read)
        far = None
        if bits & _BROADCAST:
            # Linux leaves the address out where none was given; its routes have one all the same
            far = _sockaddr(system, broadcast, read) or _directed_broadcast(own_address, netmask)
        found[name] = _add(found[name], own_address, netmask, far)
    return list(found.values())


def walk_adapters(
    head: int, read: Read, name_of: Callable[[int], str], pointer: int = 8
) -> List[Interface]:
    """Return the interfaces of a list of IP_ADAPTER_ADDRESSES (iptypes.h) that starts at `head`.

    Windows keeps no broadcast address: it follows from address and prefix length.
    """
    address = "Q" if pointer == 8 else "I"
    # Length, IfIndex, Next, AdapterName, FirstUnicastAddress, 6 pointers, PhysicalAddress, its
    # length, Flags, Mtu, IfType, OperStatus, Ipv6IfIndex
    adapter = struct.Struct(f"=II{address}{address}{address}{pointer * 6}x8x4x4x4xIII")
    # Length, Flags, Next, lpSockaddr, iSockaddrLength, 3 enumerations, 3 lifetimes,
    # OnLinkPrefixLength
    unicast = struct.Struct(f"=II{address}{address}i{pointer - 4}x24xB")
    found: List[Interface] = []
    for _ in range(_MOST):
        if not head:
            break
        values = adapter.unpack(read(head, adapter.size))
        _, index4, head, label, entry, kind, status, index6 = values
        if status != _OPERATIONAL:
            continue
        index = index4 or index6
        name = name_of(index) or read(label, -1).decode("ascii", "replace")
        interface = Interface(name, index, None, None, None, None, kind == _SOFTWARE_LOOPBACK)
        for _ in range(_MOST):
            if not entry:
                break
            _, _, entry, where, _, prefix = unicast.unpack(read(entry, unicast.size))
            own_address = _sockaddr("windows", where, read)
            if own_address is None:
                continue
            mask = far = None
            if ":" not in own_address and prefix <= 32:
                mask = str(ipaddress.IPv4Network(f"0.0.0.0/{prefix}").netmask)
                if not interface.loopback and kind not in _POINT_TO_POINT:
                    far = _directed_broadcast(own_address, mask)
            interface = _add(interface, own_address, mask, far)
        found.append(interface)
    return found


def _add(interface: Interface, address: str, mask: Optional[str], broadcast: Optional[str]) -> Interface:
    if ":" not in address:
        if interface.ipv4 is None:
            return interface._replace(ipv4=address, ipv4_netmask=mask, ipv4_broadcast=broadcast)
        return interface
    local = address.startswith("fe80:")
    if interface.ipv6 is None or (interface.ipv6.startswith("fe80:") and not local):
        zone = f"%{interface.index}" if local and interface.index else ""
        return interface._replace(ipv6=address + zone)
    return interface


def _directed_broadcast(address: str, mask: Optional[str]) -> Optional[str]:
    """Return the last address of a subnet; None for a prefix of 31 or 32 bits (RFC 3021)."""
    if mask is None or ":" in address:
        return None
    try:
        network = ipaddress.IPv4Network(f"{address}/{mask}", strict=False)
    except ValueError:
        return None
    return str(network.broadcast_address) if network.prefixlen <= 30 else None


def _sockaddr(system: str, address: int, read: Read) -> Optional[str]:
    """Return the IPv4 or IPv6 address of a struct sockaddr, None for any other family."""
    if not address:
        return None
    if system in _WITH_LENGTH:
        length, family = read(address, 2)
    else:
        length, family = 28, struct.unpack("=H", read(address, 2))[0]
    if family == _AF_INET and length >= 8:
        return str(ipaddress.IPv4Address(read(address, 8)[4:]))
    if family == _AF_INET6.get(system, socket.AF_INET6) and length >= 24:
        packed = bytearray(read(address, 24)[8:])
        if system in _WITH_LENGTH and packed[0] == 0xFE and packed[1] & 0xC0 == 0x80:
            # KAME keeps the zone of a link-local address in its second word: not part of the
            # address
            packed[2:4] = b"\0\0"
        return str(ipaddress.IPv6Address(bytes(packed)))
    return None


def _netmask4(system: str, address: int, read: Read) -> Optional[str]:
    """Return an IPv4 netmask. Some systems cut its trailing zeros off and leave its family 0."""
    if not address:
        return None
    length = read(address, 1)[0] if system in _WITH_LENGTH else 8
    if length > 28:
        return None
    return str(ipaddress.IPv4Address(read(address, min(length, 8))[4:].ljust(4, b"\0")))


def _from_posix(system: str) -> List[Interface]:
    import ctypes

    library = ctypes.CDLL(None)
    if system == "solaris" and not hasattr(library, "getifaddrs"):
        library = ctypes.CDLL("libsocket.so.1")
    head = ctypes.c_void_p()
    library.getifaddrs.argtypes = [ctypes.POINTER(ctypes.c_void_p)]
    library.freeifaddrs.argtypes = [ctypes.c_void_p]
    library.freeifaddrs.restype = None
    if library.getifaddrs(ctypes.byref(head)) != 0:
        return []
    try:
        pointer = ctypes.sizeof(ctypes.c_void_p)
        return walk_ifaddrs(system, head.value or 0, ctypes.string_at, _index_of, pointer)
    finally:
        library.freeifaddrs(head)


def _from_windows() -> List[Interface]:
    import ctypes

    loader: Any = ctypes
    library = loader.WinDLL("iphlpapi")
    size = ctypes.c_ulong(1 << 15)
    for _ in range(4):  # the list may grow between two calls
        buffer = ctypes.create_string_buffer(size.value)
        status = library.GetAdaptersAddresses(
            ctypes.c_ulong(0), ctypes.c_ulong(_SKIP), None, buffer, ctypes.byref(size)
        )
        if status == 0:
            pointer = ctypes.sizeof(ctypes.c_void_p)
            return walk_adapters(ctypes.addressof(buffer), ctypes.string_at, _name_of, pointer)
        if status != _BUFFER_OVERFLOW:
            break
    return []


def _index_of(name: str) -> int:
    try:
        return socket.if_nametoindex(name)
    except OSError:
        return 0


def _name_of(index: int) -> str:
    try:
        return socket.if_indextoname(index)
    except OSError:
        return ""


_RANGE_NAMES = {
    "openbsd": ("net.inet.ip.portfirst", "net.inet.ip.portlast"),
    "netbsd": ("net.inet.ip.anonportmin", "net.inet.ip.anonportmax"),
}
_DEFAULT_NAMES = ("net.inet.ip.portrange.first", "net.inet.ip.portrange.last")


def parse_ephemeral_range(platform: str, text: str) -> Optional[Tuple[int, int]]:
    """Return (lowest, highest) port of the ephemeral range, None where `text` does not say.

    `text` is, by `sys.platform`: Linux /proc/sys/net/ipv4/ip_local_port_range; macOS and BSD the
    output of sysctl(8); Windows that of `netsh int ipv4 show dynamicport udp` (in any language: a
    first port and a number of ports); Solaris and illumos that of ipadm(8) for the smallest and the
    largest anonymous port, one on a line.
    """
    system = platforms.system(platform)
    if system in {"linux", "windows", "solaris"}:
        numbers = [int(word) for word in re.findall(r"\d+", text.partition("---")[2] or text)]
        if len(numbers) != 2:
            return None
        low, high = numbers
        if system == "windows":
            high += low - 1
    else:
        values = dict(re.findall(r"^([\w.]+)\s*[:=]\s*(\d+)\s*$", text, re.MULTILINE))
        names = _RANGE_NAMES.get(system, _DEFAULT_NAMES)
        if not all(name in values for name in names):
            return None
        low, high = (int(values[name]) for name in names)
    return (low, high) if 0 < low <= high <= 65535 else None


def ephemeral_range() -> Optional[Tuple[int, int]]:
    """Return this machine's ephemeral ports (lowest, highest), None where it cannot tell."""
    system = platforms.system(sys.platform)
    if system == "linux":
        text = platforms.file_text("/proc/sys/net/ipv4/ip_local_port_range")
    elif system == "windows":
        text = platforms.command_output("netsh", "int", "ipv4", "show", "dynamicport", "udp")
    elif system == "solaris":
        ports = "smallest_anon_port,largest_anon_port"
        text = platforms.command_output("ipadm", "show-prop", "-c", "-o", "current", "-p", ports, "udp")
    else:
        text = platforms.sysctl(*_RANGE_NAMES.get(system, _DEFAULT_NAMES))
    return parse_ephemeral_range(sys.platform, text)
