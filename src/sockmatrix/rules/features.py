"""Which terms of the pattern language hold for which of many cells, as bitmaps.

A bitmap is an int whose bit `i` stands for cell `i`. Only what cells and sockets have is looked up;
quantified terms, sets of values and denials are made from that with a few operations on whole bitmaps.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, final

from sockmatrix.axis import vocabulary
from sockmatrix.pattern import DERIVED_PER_SOCKET
from sockmatrix.rules.bitmaps import bitmap, union
from sockmatrix.rules.looking import CELL, look

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from sockmatrix.cell import Cell, Described

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
    def of_cells(cls, cells: Sequence[Described]) -> Features:
        """Return the features of cells, whose terms are those of the pattern language."""
        return cls(*look(cells))

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


def widened(term: Term, values: Iterable[str]) -> Term:
    """Return a term with these values, sorted as a reader expects."""
    return replace(term, values=tuple(sorted(values, key=lambda value: (len(value), value))))
