"""Which tests are measured together, as those who hand them out and those who measure both know it."""

from __future__ import annotations

LARGEST = 2000
"""Tests of a batch at most: as many as a block of `sockmatrix run`."""

_EACH = 4  # batches for a worker at least: the workers end together


def deal(tests: int, workers: int) -> list[range]:
    """Cut the numbers of `tests` into batches for so many workers.

    >>> deal(10, 1)
    [range(0, 3), range(3, 6), range(6, 9), range(9, 10)]
    """
    size = max(1, min(LARGEST, -(-tests // (workers * _EACH))))
    return [range(start, min(start + size, tests)) for start in range(0, tests, size)]
