"""Which of the open sockets a message could be for, and how each of them stands to the others."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, final

from sockmatrix.rules import relations
from sockmatrix.scenarios import addresses

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sockmatrix.cell import Cell, Socket


@final
class Contest:
    """The open sockets of a cell, and one destination.

    The nearest are those bound to the destination, or if there is none, to a wildcard that covers it. Of
    them, those alike have the same address and user; peers are those of the same family of sockets.
    """

    def __init__(
        self, cell: Cell, sockets: Mapping[str, Socket], opened: Sequence[str], dest: str
    ) -> None:
        """Sort the `opened`, names of `sockets` in bind order."""
        self._sockets = sockets
        self._opened = opened
        self._bound = {name: relations.bound(sockets[name].bind, dest) for name in opened}
        exact = [name for name in opened if self._bound[name] == relations.DESTINATION]
        covering = [name for name in opened if self._bound[name] == relations.WILDCARD]
        self._nearest = exact or covering
        self._alike: dict[tuple[str, str], list[str]] = {}
        self._peers: dict[bool, list[str]] = {}
        for name in self._nearest:
            self._alike.setdefault(self._kind(name), []).append(name)
            self._peers.setdefault(relations.is_ipv6(sockets[name].bind), []).append(name)
        self._members = _members(cell, sockets, opened, dest)

    def values(self, name: str) -> dict[str, str]:
        """Return how an open socket stands to the destination and to the others, by axis."""
        socket = self._sockets[name]
        found = {"bound": self._bound[name], "place-open": _place(name, self._opened)}
        if self._members:
            found["member"] = "itself" if name in self._members.joined else self._members.others
        if name not in self._nearest:
            return {**found, "nearest": "no"}
        alike = self._alike[self._kind(name)]
        six = relations.is_ipv6(socket.bind)
        peers = self._peers[six]
        found["nearest"] = "yes"
        found["rivals"] = _company(self._nearest, alike)
        found["peers"] = _company(peers, alike)
        found["ipv4-rival"] = "yes" if six and self._peers.get(False) else "no"
        found["place-nearest"] = _place(name, self._nearest)
        found["place-alike"] = _place(name, alike)
        found["place-without-port"] = self._without_port(name, peers)
        found["as-first"] = "yes" if self._kind(peers[0]) == self._kind(name) else "no"
        found["as-last"] = "yes" if self._kind(peers[-1]) == self._kind(name) else "no"
        found["shared-with-first"] = self._shared(name, alike, alike[0])
        found["shared-with-last"] = self._shared(name, alike, alike[-1])
        return found

    def _kind(self, name: str) -> tuple[str, str]:
        socket = self._sockets[name]
        return socket.bind, socket.get("user")

    def _without_port(self, name: str, peers: Sequence[str]) -> str:
        """Return the place among the peers that do not set SO_REUSEPORT."""
        plain = [one for one in peers if "port" not in self._sockets[one].reuse.split("+")]
        if name in plain:
            return "last" if name == plain[-1] else "earlier"
        return "not-among" if plain else "none-such"

    def _shared(self, name: str, alike: Sequence[str], chief: str) -> str:
        """Return the options shared with a chief of those alike; it shares with any other of them."""
        own = self._sockets[name]
        others = [one for one in alike if one != name] if chief == name else [chief]
        if not others:
            return relations.NOBODY
        found: dict[str, None] = {}
        for other in others:
            found.update(dict.fromkeys(relations.common(own, self._sockets[other])))
        return "+".join(sorted(found)) or relations.NO_OPTION


def _company(group: Sequence[str], alike: Sequence[str]) -> str:
    if len(group) == 1:
        return "none"
    return "alike" if len(group) == len(alike) else "mixed"


def _place(name: str, group: Sequence[str]) -> str:
    if len(group) == 1:
        return "alone"
    return "first" if name == group[0] else "last" if name == group[-1] else "middle"


def _members(
    cell: Cell, sockets: Mapping[str, Socket], opened: Sequence[str], dest: str
) -> _Members | None:
    """Return who has joined the group that is sent to, on the interface by which it is sent."""
    if addresses.class_of(dest) != "multicast":
        return None
    via = cell.axes.get("via", "")
    joined = frozenset(
        name
        for name in opened
        # Tables without memberships join the group they are bound to.
        if sockets[name].get("join", via if sockets[name].bind == dest else "") == via
    )
    others = "another" if joined else "bystander" if cell.axes.get("bystander") == via else "nobody"
    return _Members(joined, others)


class _Members(NamedTuple):
    joined: frozenset[str]
    others: str
