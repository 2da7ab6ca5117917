"""Since which kernels a rule holds: its mainline release, and the stable ones that took it over."""

from __future__ import annotations

Version = tuple[int, int, int]


def since(version: Version, mainline: Version, *stable: Version) -> bool:
    """Return whether a kernel has a change of `mainline`, or of a stable series.

    >>> since((6, 1, 170), (7, 0, 0), (6, 1, 168))
    True
    >>> since((6, 2, 0), (7, 0, 0), (6, 1, 168))
    False
    """
    return version >= mainline or any(one[:2] == version[:2] and version >= one for one in stable)
