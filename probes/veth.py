"""The link of a private lab: a veth with documentation addresses (RFC 5737, RFC 3849).

Its other end is in a namespace of its own: with both ends in one, multicast would arrive twice.
"""

from __future__ import annotations

import errno
import os
import socket
import time
from typing import TYPE_CHECKING

import namespaces
import netlink

if TYPE_CHECKING:
    from collections.abc import Iterator

    from interfaces import Interface

LINK, PEER = "lab0", "lab1"
_PATIENCE = 2.0  # seconds; a veth has its carrier and its routes at once, their reports may lag


def make(*, ipv6: bool) -> Interface:
    """Make the veth; raise OSError where the kernel has none, leaving nothing behind.

    Both ends in one namespace would hear each multicast twice: the far end gets its own, which
    lives for as long as this process holds its descriptor.
    """
    from interfaces import Interface

    far, far_channel = _far_namespace()
    try:
        with netlink.connect() as channel, far_channel:
            netlink.talk(channel, netlink.new_veth(LINK, PEER, far))
            index = netlink.read_link(channel, LINK).index
            peer = netlink.read_link(far_channel, PEER).index
            # The far end first, so that the near end has its carrier when it comes up.
            netlink.set_up(far_channel, peer)
            netlink.set_up(channel, index)
            _wait_for_carrier((channel, index), (far_channel, peer))
            for request in _addresses(peer, 2, ipv6=ipv6):
                netlink.talk(far_channel, request)
            for request in (*_addresses(index, 1, ipv6=ipv6), *_routes(index, ipv6=ipv6)):
                netlink.talk(channel, request)
        if ipv6:
            _wait_for_local_route("2001:db8::1")
    except OSError:
        os.close(far)  # the namespace goes, its end of the veth with it, and so the other end
        raise
    return Interface(
        name=LINK,
        index=index,
        ipv4="198.51.100.1",
        ipv4_broadcast="198.51.100.255",
        ipv4_netmask="255.255.255.0",
        ipv6="2001:db8::1" if ipv6 else None,
        loopback=False,
    )


def _addresses(index: int, host: int, *, ipv6: bool) -> Iterator[bytes]:
    """Yield the requests for the addresses of one end of the veth."""
    yield netlink.new_address(index, f"198.51.100.{host}", 24, "198.51.100.255")
    if ipv6:
        yield netlink.new_address(index, f"2001:db8::{host}", 64)
        yield netlink.new_address(index, f"fe80::{host}", 64)


def _routes(index: int, *, ipv6: bool) -> Iterator[bytes]:
    yield netlink.new_route(index, "224.0.0.0", 4)
    yield netlink.new_route(index, "0.0.0.0", 0, "198.51.100.2")  # noqa: S104 - a destination
    if ipv6:
        yield netlink.new_route(index, "::", 0, "2001:db8::2")


def _far_namespace() -> tuple[int, socket.socket]:
    """Make the namespace of the far end; return a descriptor of it and a channel into it."""
    home = namespaces.current()
    try:
        namespaces.setns(home)  # changes nothing: proves the way back before leaving
        namespaces.unshare(namespaces.CLONE_NEWNET)
        try:
            far = namespaces.current()
            namespaces.write_settings()
            return far, netlink.connect()
        finally:
            _return_to(home)
    finally:
        os.close(home)


def _return_to(home: int) -> None:
    try:
        namespaces.setns(home)
    except OSError as error:
        from lab import LabError

        raise LabError(f"no way back into the lab's namespace: {error}") from error


def _wait_for_carrier(*ends: tuple[socket.socket, int]) -> None:
    """Wait until both ends are reported as up: before that IPv6 has no multicast route."""
    deadline = time.monotonic() + _PATIENCE
    for channel, index in ends:
        while not netlink.read_link(channel, index).is_operational():
            if time.monotonic() > deadline:
                raise OSError(errno.ENETDOWN, os.strerror(errno.ENETDOWN))
            time.sleep(0.001)


def _wait_for_local_route(address: str) -> None:
    """Wait until a datagram to one's own IPv6 address is heard.

    The kernel enters the route from a work queue (net/ipv6/addrconf.c, addrconf_dad_work), some time
    after it has acknowledged the address; until then it looks for a neighbour on the link.
    """
    deadline = time.monotonic() + _PATIENCE
    while True:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as own:
            own.settimeout(0.01)
            own.bind((address, 0))
            own.sendto(b"canary", own.getsockname())
            try:
                own.recv(16)
            except socket.timeout as error:
                if time.monotonic() > deadline:
                    raise OSError(errno.ETIMEDOUT, os.strerror(errno.ETIMEDOUT)) from error
            else:
                return
