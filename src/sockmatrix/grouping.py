"""Cells that differ, told by patterns and not one by one."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, final

from sockmatrix.rules.cover import EVERYTHING, cover

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from sockmatrix.cell import Described


@final
@dataclass(frozen=True, slots=True)
class Changed:
    """A cell that differs, in words before and after."""

    id: str
    before: str
    after: str


@final
@dataclass(frozen=True, slots=True)
class Group:
    """Cells that one pattern matches; the pattern of a single one is its id.

    It matches no others but such as an earlier group has. Without a pattern: cells that no table of this
    installation has.
    """

    pattern: str
    cells: tuple[Changed, ...]

    @property
    def transitions(self) -> tuple[tuple[tuple[str, str], int], ...]:
        """From what to what, and how many cells each, the most frequent first."""
        return tuple(Counter((one.before, one.after) for one in self.cells).most_common())


def total(found: Iterable[Group]) -> int:
    """Return how many cells groups have."""
    return sum(len(group.cells) for group in found)


def groups(told: Mapping[str, Changed], universe: Mapping[str, Sequence[Described]]) -> Iterator[Group]:
    """Yield some cells, by id, of a universe, by table, in groups, the largest first.

    Patterns are exact among the cells of the universe, and name their tables.
    """
    tables = dict.fromkeys(name.partition("/")[0] for name in told)
    near = [cell for table in tables for cell in universe[table]]
    named = "" if len(tables) > 1 else f"table={next(iter(tables))}"  # cover() names one of several
    for group in cover(near, told):
        cells = tuple(told[cell.id] for cell in group.cells)
        words = (named, "" if named and group.pattern == EVERYTHING else group.pattern)
        yield Group(cells[0].id if len(cells) == 1 else " ".join(filter(None, words)), cells)
