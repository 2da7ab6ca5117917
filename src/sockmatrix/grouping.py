"""Cells of which the same is to be said, told by patterns and not one by one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar, final

from sockmatrix.rules.cover import EVERYTHING, cover

if TYPE_CHECKING:
    from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence

    from sockmatrix.cell import Cell

Key = TypeVar("Key", bound="Hashable")

COVERED = 40
"""So many kinds of cells, the most frequent, get patterns; of the others only the table is told."""


@final
@dataclass(frozen=True, slots=True)
class Part:
    """Cells, by id, and a pattern for them; it is the id if there is only one.

    It matches no other cells than these and those of earlier parts, unless it is not `exact`.
    """

    pattern: str
    ids: tuple[str, ...]
    exact: bool = True


@final
@dataclass(frozen=True, slots=True)
class Kind(Generic[Key]):
    """All cells of which the same is to be said, in parts, the largest first."""

    key: Key
    parts: tuple[Part, ...]

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids of its cells."""
        return tuple(name for part in self.parts for name in part.ids)


def kinds(keys: Mapping[str, Key], universe: Sequence[Cell]) -> tuple[Kind[Key], ...]:
    """Return cells of a universe by what is said of each (`keys`, by id), the most frequent first.

    Patterns are exact among the cells of the universe.
    """
    same: dict[Key, list[str]] = {}
    for name, key in keys.items():
        same.setdefault(key, []).append(name)
    by_table: dict[str, list[Cell]] = {}
    for cell in universe:
        by_table.setdefault(cell.table, []).append(cell)
    ordered = sorted(same.items(), key=lambda item: -len(item[1]))
    return tuple(
        Kind(key, _parts(names, by_table, covered=number < COVERED))
        for number, (key, names) in enumerate(ordered)
    )


def _parts(
    names: Collection[str], by_table: Mapping[str, Sequence[Cell]], *, covered: bool
) -> tuple[Part, ...]:
    tables = dict.fromkeys(name.partition("/")[0] for name in names)
    if len(names) == 1 or not covered:
        return tuple(_of_table(table, names) for table in tables)
    near = [cell for table in tables for cell in by_table[table]]
    named = "" if len(tables) > 1 else f"table={next(iter(tables))}"  # cover() names one of several
    return tuple(
        _part(named, group.pattern, [cell.id for cell in group.cells]) for group in cover(near, names)
    )


def _part(named: str, pattern: str, names: Sequence[str]) -> Part:
    if len(names) == 1:
        return Part(names[0], tuple(names))
    words = (named, "" if named and pattern == EVERYTHING else pattern)
    return Part(" ".join(filter(None, words)), tuple(names))


def _of_table(table: str, names: Iterable[str]) -> Part:
    own = tuple(name for name in names if name.startswith(f"{table}/"))
    return Part(own[0], own) if len(own) == 1 else Part(f"table={table}", own, exact=False)
