"""Say which cells: a short exact list of patterns for some cells among others.

Sequential covering: a pattern is found for most of the wanted cells (`search.py`), what it matches is
covered, and the next one is found for the rest.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from typing import TYPE_CHECKING, final

from sockmatrix.rules.bitmaps import bitmap, members
from sockmatrix.rules.features import Features, Term
from sockmatrix.rules.search import Search

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from sockmatrix.cell import Described

EVERYTHING = "*"

_WORK = 250_000_000
"""Bytes of bitmaps that all searches of a cover may look at: a part of a second."""


@final
@dataclass(frozen=True, slots=True)
class Group:
    """Cells that a pattern matches, and of a universe only wanted ones."""

    pattern: str
    cells: tuple[Described, ...]


def cover(universe: Sequence[Described], wanted: Collection[str]) -> tuple[Group, ...]:
    """Return groups of the cells of `universe` with the ids `wanted`: each is in exactly one.

    A pattern matches no other cell of the universe; a cell belongs to the first group whose pattern
    matches it. Few and short patterns, the largest group first. If the universe has several tables,
    each pattern names those it is about. Raises ValueError for an id that no cell has.
    """
    ids = frozenset(wanted)
    by_table: dict[str, list[Described]] = {}
    for cell in universe:
        by_table.setdefault(cell.table, []).append(cell)
    tables = [
        _Table(name, cells, ids)
        for name, cells in by_table.items()
        if any(cell.id in ids for cell in cells)
    ]
    if missing := len(ids) - sum(one.wanted.bit_count() for one in tables):
        raise ValueError(f"{missing} of the wanted cells are not in the universe")
    found: dict[tuple[Term, ...], dict[str, int]] = {}
    while left := [one for one in tables if one.left]:
        one = max(left, key=lambda table: table.left.bit_count())
        pattern = one.pattern(_WORK * one.wanted.bit_count() // len(ids))
        found[pattern] = {other.name: bits for other in tables if (bits := other.take(pattern))}
    return _groups(tables, found, named=len(by_table) > 1)


def _groups(
    tables: Sequence[_Table], claims: Mapping[tuple[Term, ...], Mapping[str, int]], *, named: bool
) -> tuple[Group, ...]:
    """Return the groups of patterns, the largest first; a pattern that adds nothing is left out.

    `claims`: what each matches, by table.
    """
    left = {one.name: one.wanted for one in tables}
    cells = {one.name: one.cells for one in tables}

    def size(pattern: tuple[Term, ...]) -> int:
        return sum((bits & left[name]).bit_count() for name, bits in claims[pattern].items())

    groups = []
    # Sizes only shrink: an old one that still leads when it is looked at again is the largest.
    queue = [(-size(pattern), number, pattern) for number, pattern in enumerate(claims)]
    heapq.heapify(queue)
    while any(left.values()):
        _, number, pattern = heapq.heappop(queue)
        now = -size(pattern)
        if queue and now > queue[0][0]:
            heapq.heappush(queue, (now, number, pattern))
            continue
        taken = claims[pattern]
        own = [cells[name][index] for name, bits in taken.items() for index in members(bits & left[name])]
        for name, bits in taken.items():
            left[name] &= ~bits
        words = [term.text for term in pattern]
        if named:
            words.insert(0, "table=" + ",".join(sorted(taken)))
        groups.append(Group(" ".join(words) or EVERYTHING, tuple(own)))
    return tuple(groups)


@final
class _Table:
    """A table of the universe: its cells, which of them are wanted, and which are still left."""

    def __init__(self, name: str, cells: Sequence[Described], ids: Collection[str]) -> None:
        self.name = name
        self.cells = cells
        chosen = (index for index, cell in enumerate(cells) if cell.id in ids)
        self.wanted = self.left = bitmap(chosen, len(cells))
        self._features = Features.of_cells(cells)
        self._bad = self._features.full & ~self.wanted
        self._search = Search(self._features)

    def take(self, pattern: Iterable[Term]) -> int:
        """Return the cells that a pattern matches, and count them as covered; none if it is not exact."""
        bits = self._features.conjunction(pattern)
        if bits & self._bad:
            return 0
        self.left &= ~bits
        return bits

    def pattern(self, work: int) -> tuple[Term, ...]:
        """Return an exact pattern for some of what is left; a good one until `work` is done."""
        if not self._bad:
            return ()
        grown = self._search.grow(self.left, self._bad) if self._search.work < work else None
        if grown is None:
            lowest = (self.left & -self.left).bit_length() - 1
            grown = self._search.describe(lowest, self.left, self._bad)
        return self._search.finish(grown, self.wanted, self._bad)
