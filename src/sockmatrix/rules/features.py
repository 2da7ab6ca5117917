"""Which terms of the pattern language hold for which of many cells, as bitmaps.

A bitmap is an int whose bit `i` stands for cell `i`. Only what cells and sockets have is looked up;
quantified terms, sets of values and denials are made from that with a few operations on whole bitmaps.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, final

from sockmatrix.axis import vocabulary
from sockmatrix.cell import receiver_names
from sockmatrix.pattern import DERIVED, DERIVED_PER_SOCKET, NO_OPTION
from sockmatrix.scenarios.addresses import WILDCARDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from sockmatrix.cell import Cell, Socket

LISTED = 4
"""So many sockets are spoken of by their names; more only where they are not all alike."""

CELL = ""
"""Whom a term is about that is about the cell."""

_COSTS = {CELL: 0.0, "every": 0.3, "some": 0.6, "last": 0.7, "none": 0.9}
_AXIS_COSTS = {
    "receivers": 0.1,
    "dest-class": 0.1,
    "sockets": 0.2,
    "shared": 0.3,
    "bind-is": 0.4,
    # of single facts; see words.py
    "place-nearest": 0.1,
    "place-alike": 0.2,
    "peers": 0.2,
    "family": 0.1,
    "bind-class": 0.2,
    "opened": 0.2,
    "place-open": 0.3,
    "place-without-port": 0.3,
    "ipv4-rival": 0.3,
    "shared-with-first": 0.3,
    "shared-with-last": 0.3,
    "as-first": 0.4,
    "as-last": 0.4,
}


@final
@dataclass(frozen=True, slots=True)
class Term:
    """A term of a pattern, as `pattern.parse` reads its `text`.

    `who` is empty for an axis of the cell, else a socket or a quantifier.
    """

    who: str
    axis: str
    values: tuple[str, ...]
    negated: bool = False

    @property
    def text(self) -> str:
        """The term as patterns write it."""
        who = f"{self.who}." if self.who else ""
        return f"{who}{self.axis}{'!' * self.negated}={','.join(self.values)}"

    @property
    def cost(self) -> float:
        """How much it asks of a reader: plain before quantified, positive before negative."""
        cost = 1 + _COSTS.get(self.who, 0.0) + _AXIS_COSTS.get(self.axis, 0.0)
        return cost + 0.1 * (len(self.values) - 1) + 0.5 * self.negated


def terms(cell: Cell) -> tuple[str, ...]:
    """Return the terms with one value that hold for a cell: of its axes, derived ones, its sockets."""
    features = Features.of_cells([cell])
    found = [term for term in features.terms() if features.bits(term)]
    known = vocabulary()
    for who, axis in features.base:
        if who == "some" and axis in known:
            absent = (value for value in known[axis].values if value not in features.base[who, axis])
            found += [Term("none", axis, (value,)) for value in absent]
    return tuple(term.text for term in found)


@final
class Features:
    """What holds for each of many cells, or of other things that have axes.

    `base` has a bitmap for each value, by whom it is of (the cell, a socket, the last socket, some
    socket) and its axis; the empty value is that of a socket that lacks the axis.
    """

    def __init__(
        self, size: int, base: Mapping[tuple[str, str], Mapping[str, int]], sockets: int
    ) -> None:
        """`size` things; `sockets` are those that have any."""
        self.full: Final = (1 << size) - 1
        self.bytes: Final = (size + 7) >> 3
        self.base: Final = base
        self.with_sockets: Final = sockets

    @classmethod
    def of_cells(cls, cells: Sequence[Cell]) -> Features:
        """Return the features of cells, whose terms are those of the pattern language."""
        return _Looking(cells).features()

    @classmethod
    def of_rows(cls, rows: Sequence[Mapping[str, str]]) -> Features:
        """Return the features of things that have axes and no sockets; an empty value is none."""
        groups: dict[str, dict[str, list[int]]] = {}
        for index, row in enumerate(rows):
            for axis, value in row.items():
                groups.setdefault(axis, {}).setdefault(value, []).append(index)
        base = {
            (CELL, axis): {value: bitmap(own, len(rows)) for value, own in known.items() if value}
            for axis, known in groups.items()
        }
        return cls(len(rows), base, 0)

    def bits(self, term: Term) -> int:
        """Return the cells for which a term holds: the same as its pattern matches."""
        every, none = term.who == "every", term.who == "none"
        who = "some" if every or none else "A" if term.who == "first" else term.who
        known = self.base.get((who, term.axis), {})
        if not every and not none and not term.negated and len(term.values) == 1:
            return known.get(term.values[0], 0)
        scope = self.with_sockets if who else self.full
        if every:
            found = scope & ~union(bits for value, bits in known.items() if value not in term.values)
            found = found if known else 0
        else:
            found = union(known.get(value, 0) for value in term.values)
            found = scope & ~found if none else found
        return scope & ~found if term.negated else found

    def conjunction(self, terms_: Iterable[Term]) -> int:
        """Return the cells for which all the terms hold."""
        found = self.full
        for term in terms_:
            found &= self.bits(term)
            if not found:
                break
        return found

    def terms(self) -> Iterator[Term]:
        """Yield the terms with one value, of all values there are."""
        for (who, axis), known in self.base.items():
            for value in known:
                if not value:
                    continue
                yield Term(who, axis, (value,))
                if who == "some":
                    yield Term("every", axis, (value,))
                    yield Term("none", axis, (value,))

    def described(self, index: int) -> tuple[Term, ...]:
        """Return plain terms that together hold for nothing else."""
        bit = 1 << index
        return tuple(
            Term(who, axis, (value,))
            for (who, axis), known in self.base.items()
            if who not in ("last", "some") and axis not in DERIVED_PER_SOCKET
            for value, bits in known.items()
            if value and bits & bit
        )

    def values(self, term: Term) -> Mapping[str, int]:
        """Return the values that could stand in a term, and the cells that have each."""
        who = "some" if term.who in ("every", "none") else term.who
        return self.base.get((who, term.axis), {})


def union(bitmaps: Iterable[int]) -> int:
    """Return the cells of any of the bitmaps."""
    found = 0
    for bits in bitmaps:
        found |= bits
    return found


def bitmap(indexes: Iterable[int], size: int) -> int:
    """Return the bitmap of some of `size` cells."""
    found = bytearray((size + 7) >> 3)
    for index in indexes:
        found[index >> 3] |= 1 << (index & 7)
    return int.from_bytes(found, "little")


def members(bits: int) -> Iterator[int]:
    """Yield the numbers of the cells in a bitmap.

    >>> list(members(0b1011))
    [0, 1, 3]
    """
    while bits:
        lowest = bits & -bits
        yield lowest.bit_length() - 1
        bits ^= lowest


def widened(term: Term, values: Iterable[str]) -> Term:
    """Return a term with these values, sorted as a reader expects."""
    return replace(term, values=tuple(sorted(values, key=lambda value: (len(value), value))))


def _alike(cell: Cell) -> bool:
    return cell.sockets.count(cell.sockets[0]) == len(cell.sockets)


class _Looking:
    """Looks once at each of many cells, and then only at what several of them share.

    Cells of a plan or a catalogue share their axes and their sockets: the values themselves are the
    quickest keys.
    """

    def __init__(self, cells: Sequence[Cell]) -> None:
        self.cells = cells
        self.base: dict[tuple[str, str], dict[str, int]] = {}
        self.by_axes: dict[int, list[int]] = {}
        self.by_sockets: dict[tuple[int, ...], list[int]] = {}
        self.by_table: dict[tuple[str, str], list[int]] = {}
        for index, cell in enumerate(cells):
            self.by_axes.setdefault(id(cell.axes), []).append(index)
            self.by_sockets.setdefault(tuple(map(id, cell.sockets)), []).append(index)
            self.by_table.setdefault((cell.table, cell.lab), []).append(index)
        firsts = [cells[own[0]] for own in self.by_sockets.values()]
        mixed = (len(cell.sockets) for cell in firsts if len(cell.sockets) > LISTED and not _alike(cell))
        self.names = receiver_names(max(mixed, default=LISTED))
        without = self.by_sockets.get((), ())
        self.with_sockets = ((1 << len(cells)) - 1) & ~bitmap(without, len(cells))

    def features(self) -> Features:
        """Return what there is to see."""
        self._add_axes()
        self._add_sockets()
        self._add_derived()
        self._add_bind_is()
        self._add_some()
        return Features(len(self.cells), self.base, self.with_sockets)

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
