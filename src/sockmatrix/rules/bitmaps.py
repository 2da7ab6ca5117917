"""Sets of numbered things as bitmaps: ints whose bit `i` stands for thing `i`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


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
