"""join, leave, block and unblock: how the probe names groups and interfaces (probes/programs.py)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sockmatrix.models import addresses as ip
from sockmatrix.models import linux_multicast
from sockmatrix.models.linux_multicast import Where
from sockmatrix.models.place import split
from sockmatrix.models.symbols import device_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from sockmatrix.models.place import Place


def _where(at: Place, group: str, iface: str, how: dict[str, Any]) -> Where:
    """Return the group and the interface as the structure of the socket option has them.

    By an address of the interface unless it says otherwise; IPv6 knows indexes only.
    """
    address = at.address(group)
    by = how.get("by", "address")
    if by == "any":
        return Where(address)
    if (
        ip.version(address) == 6
        or by in ("index", "group-req")
        or (iface == "bad" and "source" not in how)
    ):
        return Where(address, device="" if iface == "none" else device_of(iface))
    if iface == "bad":
        return Where(address, at.address("nonlocal4"))
    own = "" if iface == "none" else at.kernel.host.devices[device_of(iface)].address(4)
    return Where(address, own)


def _join(at: Place, group: str, iface: str, *more: Any) -> str:
    _, how = split(more)
    where = _where(at, group, iface, how)
    if how.get("by") == "group-req":
        return linux_multicast.join_group(at.sock, where)
    if "source" not in how:
        return linux_multicast.join(at.sock, where)
    source = at.address(how["source"])
    return linux_multicast.filter_source(at.sock, where, source, "include", add=True)


def _leave(at: Place, group: str, iface: str, *more: Any) -> str:
    _, how = split(more)
    where = _where(at, group, iface, how)
    if how.get("by") == "group-req":
        return linux_multicast.leave_group(at.sock, where)
    if "source" not in how:
        return linux_multicast.leave(at.sock, where)
    source = at.address(how["source"])
    return linux_multicast.filter_source(at.sock, where, source, "include", add=False)


def _block(at: Place, group: str, iface: str, how: dict[str, str]) -> str:
    where = _where(at, group, iface, how)
    source = at.address(how["source"])
    return linux_multicast.filter_source(at.sock, where, source, "exclude", add=True)


def _unblock(at: Place, group: str, iface: str, how: dict[str, str]) -> str:
    where = _where(at, group, iface, how)
    source = at.address(how["source"])
    return linux_multicast.filter_source(at.sock, where, source, "exclude", add=False)


MEMBERSHIPS: dict[str, Callable[..., str]] = {
    "join": _join,
    "leave": _leave,
    "block": _block,
    "unblock": _unblock,
}
