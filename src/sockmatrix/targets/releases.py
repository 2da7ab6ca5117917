"""Point releases of the kernel: those in the cache and those that could be fetched, oldest first.

Debian builds one release for several of its own (6.12.95-1, and 6.12.95-1~bpo12+1 from the same source):
that is one release here, which is had from whichever package is there.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, final

from sockmatrix.targets.kernels import matches, version_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sockmatrix.targets.debian import Offer
    from sockmatrix.targets.kernels import Kernel

_REBUILT = re.compile(r"~(bpo|deb|exp)\d.*$")
_MINOR = re.compile(r"\d+\.\d+")


class ReleaseError(ValueError):
    """No release is what was asked for; the message says which there are."""


@final
@dataclass(frozen=True, slots=True)
class Release:
    """A release: its name, such as 6.12.95-1, its kernel if that is there, and what could be fetched."""

    name: str
    kernel: Kernel | None = None
    offers: tuple[Offer, ...] = ()

    @property
    def minor(self) -> str:
        """The line it belongs to, such as 6.12."""
        return ".".join(str(number) for number in version_key(self.name)[:2])

    @property
    def size(self) -> int:
        """Bytes to be downloaded; none if it is there."""
        return 0 if self.kernel or not self.offers else self.offers[0].size


def name_of(version: str) -> str:
    """Return the release that a package's version is of.

    >>> name_of("6.12.95-1~bpo12+1"), name_of("7.3~rc7-1~exp1")
    ('6.12.95-1', '7.3~rc7-1')
    """
    return _REBUILT.sub("", version)


def releases(
    cached: Iterable[Kernel], offers: Iterable[Offer], measured: Iterable[str] = ()
) -> list[Release]:
    """Return the releases that are there, to be had, or known by name only, the oldest first."""
    kernels: dict[str, Kernel] = {}
    for kernel in cached:
        kernels.setdefault(name_of(kernel.version), kernel)
    packages: dict[str, list[Offer]] = {}
    for offer in offers:
        packages.setdefault(name_of(offer.version), []).append(offer)
    return [
        Release(name, kernels.get(name), tuple(_by_likeness(packages.get(name, ()))))
        for name in sorted({*kernels, *packages, *measured}, key=version_key)
    ]


def _by_likeness(several: Iterable[Offer]) -> list[Offer]:
    """Return the packages of one release: those of the suite it was made for first."""
    return sorted(several, key=lambda offer: (len(offer.version), offer.version))


def lines(known: Iterable[Release]) -> dict[str, list[Release]]:
    """Return releases by the line they belong to, such as 6.12."""
    found: dict[str, list[Release]] = {}
    for release in known:
        found.setdefault(release.minor, []).append(release)
    return found


def fitting(known: Sequence[Release], wanted: str) -> list[Release]:
    """Return the releases that are what somebody asked for: 6.12, 6.12.90, 6.12.90-2~bpo12+1.

    Raises ReleaseError.
    """
    found = [release for release in known if matches(release.name, name_of(wanted))]
    if not found:
        near = lines(known).get(found_minor[0] if (found_minor := _MINOR.match(wanted)) else "", [])
        if near:
            have = f"of {near[0].minor} there are {', '.join(one.name for one in near)}"
        else:
            have = f"there are releases of {', '.join(lines(known)) or 'no line at all'}"
        raise ReleaseError(f"there is no kernel {wanted}: {have}")
    return found
