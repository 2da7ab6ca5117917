"""Look at many cells once: which of them have which value of each axis."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sockmatrix.cell import receiver_names
from sockmatrix.pattern import DERIVED, NO_OPTION
from sockmatrix.rules.bitmaps import bitmap, union
from sockmatrix.scenarios.addresses import WILDCARDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from sockmatrix.cell import Described, Socket

LISTED = 4
"""So many sockets are spoken of by their names; more only where they are not all alike."""

CELL = ""
"""Whom a term is about that is about the cell."""


def look(cells: Sequence[Described]) -> tuple[int, dict[tuple[str, str], dict[str, int]], int]:
    """Return how many cells there are, what they have (see features.Features), and which have sockets."""
    looking = _Looking(cells)
    return len(cells), looking.everywhere(), looking.with_sockets


class _Looking:
    """Looks once at each of many cells, and then only at what several of them share.

    Cells of a plan or a catalogue share their axes and their sockets: the values themselves are the
    quickest keys.
    """

    def __init__(self, cells: Sequence[Described]) -> None:
        self.cells = cells
        self.base: dict[tuple[str, str], dict[str, int]] = {}
        self.by_axes: dict[int, list[int]] = {}
        self.by_sockets: dict[tuple[int, ...], list[int]] = {}
        self.by_table: dict[tuple[str, str], list[int]] = {}
        same: dict[int, list[int]] = {}
        for index, cell in enumerate(cells):
            self.by_axes.setdefault(id(cell.axes), []).append(index)
            same.setdefault(id(cell.sockets), []).append(index)
        for indexes in same.values():
            sockets = cells[indexes[0]].sockets
            self.by_sockets.setdefault(tuple(map(id, sockets)), []).extend(indexes)
        for indexes in self.by_axes.values():  # cells that share their axes are of one table
            cell = cells[indexes[0]]
            self.by_table.setdefault((cell.table, cell.lab), []).extend(indexes)
        firsts = [cells[own[0]] for own in self.by_sockets.values()]
        mixed = (len(cell.sockets) for cell in firsts if len(cell.sockets) > LISTED and not _alike(cell))
        self.names = receiver_names(max(mixed, default=LISTED))
        without = self.by_sockets.get((), ())
        self.with_sockets = ((1 << len(cells)) - 1) & ~bitmap(without, len(cells))

    def everywhere(self) -> dict[tuple[str, str], dict[str, int]]:
        """Return what there is to see."""
        self._add_axes()
        self._add_sockets()
        self._add_derived()
        self._add_bind_is()
        self._add_some()
        return self.base

    def _add(self, who: str, axis: str, value: str, bits: int) -> None:
        known = self.base.setdefault((who, axis), {})
        known[value] = known.get(value, 0) | bits

    def _add_axes(self) -> None:
        for indexes in self.by_axes.values():
            bits = bitmap(indexes, len(self.cells))
            for axis, value in self.cells[indexes[0]].axes.items():
                self._add(CELL, axis, value, bits)

    def _add_sockets(self) -> None:
        places: dict[str, dict[int, list[int]]] = {}
        known: dict[int, Socket] = {}
        for indexes in self.by_sockets.values():
            sockets = self.cells[indexes[0]].sockets
            if not sockets:
                continue
            for name, socket in (*zip(self.names, sockets, strict=False), ("last", sockets[-1])):
                known[id(socket)] = socket
                places.setdefault(name, {}).setdefault(id(socket), []).extend(indexes)
        for who, by_socket in places.items():
            for key, indexes in by_socket.items():
                socket = known[key]
                bits = bitmap(indexes, len(self.cells))
                for axis, value in (("bind", socket.bind), ("reuse", socket.reuse), *socket.further):
                    self._add(who, axis, value, bits)

    def _add_derived(self) -> None:
        quick = {"sockets": self._sockets, "shared": self._shared}
        for axis, (values, derive) in DERIVED.items():
            known = self.base.setdefault((CELL, axis), {})
            if axis in quick:
                found = [one for one in quick[axis](values or ()) if one[1]]
                known.update(sorted(found, key=lambda one: one[1] & -one[1]))  # as cells have them
                continue
            groups: dict[str, list[int]] = {}
            for indexes in self._alike_in(axis):
                groups.setdefault(derive(self.cells[indexes[0]]), []).extend(indexes)
            groups.pop("", None)
            known.update((value, bitmap(own, len(self.cells))) for value, own in groups.items())

    def _alike_in(self, axis: str) -> Iterable[Sequence[int]]:
        """Return the cells in parts that have one value of a derived axis each."""
        if axis in ("table", "lab"):
            return self.by_table.values()
        if axis == "receivers":
            return self.by_sockets.values()
        return self.by_axes.values() if axis == "dest-class" else ([at] for at in range(len(self.cells)))

    def _sockets(self, _values: Iterable[str]) -> Iterator[tuple[str, int]]:
        """Yield the cells whose sockets are alike, and the others: see pattern.DERIVED."""
        alike = self.with_sockets
        for _, known in self._of_sockets():
            one = union(
                bits & ~union(other for name, other in known.items() if name != value)
                for value, bits in known.items()
            )
            alike &= one | ~union(known.values())
        yield "alike", alike
        yield "mixed", self.with_sockets & ~alike

    def _shared(self, values: Iterable[str]) -> Iterator[tuple[str, int]]:
        """Yield the cells by the reuse options that all of their sockets set."""
        known = dict(self._of_sockets()).get("reuse", {})
        options = dict.fromkeys(option for value in values for option in value.split("+"))
        everywhere = {
            option: self.with_sockets
            & ~union(bits for value, bits in known.items() if option not in value.split("+"))
            for option in options
            if option != NO_OPTION
        }
        for value in values:
            found = self.with_sockets
            for option, bits in everywhere.items():
                found &= bits if option in value.split("+") else ~bits
            yield value, found

    def _of_sockets(self) -> Iterator[tuple[str, dict[str, int]]]:
        """Yield each axis of sockets, with the cells in which some socket has a value."""
        found: dict[str, dict[str, int]] = {}
        for (who, axis), known in self.base.items():
            if who != CELL:
                some = found.setdefault(axis, {})
                for value, bits in known.items():
                    some[value] = some.get(value, 0) | bits
        yield from found.items()

    def _add_bind_is(self) -> None:
        """Add what follows from where sockets are bound and from the destination."""
        dests = self.base.get((CELL, "dest"), {})
        for (who, axis), binds in list(self.base.items()):
            if axis != "bind" or who == CELL:
                continue
            at_destination = union(bits & dests.get(bind, 0) for bind, bits in binds.items())
            wildcard = union(bits for bind, bits in binds.items() if bind in WILDCARDS) & ~at_destination
            found = {
                "destination": at_destination,
                "wildcard": wildcard,
                "other": union(binds.values()) & ~at_destination & ~wildcard,
            }
            for value, bits in found.items():
                if bits:
                    self._add(who, "bind-is", value, bits)

    def _add_some(self) -> None:
        for (who, axis), known in list(self.base.items()):
            if who not in (CELL, "some"):
                some = self.base.setdefault(("some", axis), {})
                for value, bits in known.items():
                    some[value] = some.get(value, 0) | bits
        for (who, _), known in self.base.items():
            if who == "some":
                known[""] = self.with_sockets & ~union(known.values())  # other tables lack the axis


def _alike(cell: Described) -> bool:
    return cell.sockets.count(cell.sockets[0]) == len(cell.sockets)
