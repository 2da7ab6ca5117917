"""Versions of operating systems, and the conditions that claims put on them.

A condition is one or more lists of comparisons: `>=4.5,<5.3 | ==6.1.*,>=6.1.168`. Comparisons
separated by commas hold together, lists separated by `|` are alternatives, and the empty condition
always holds. Releases are compared number by number, never as text; a release candidate comes before
its release (PEP 440, "Handling of pre-releases"), and what a builder appends (`-generic`, `-fc-v595`)
does not count.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias, final

if TYPE_CHECKING:
    from collections.abc import Iterable

_PARTS = 6
"""Numbers of a release that are compared; 11.4.42.111.0 is the longest in use."""

_MOST = 1 << 62

_FINAL = (0, 0)
_NUMBERS = re.compile(
    r"v?(?P<numbers>\d{1,9}(?:\.\d{1,9})*)(?:[-_.]?(?:rc|alpha|beta)[-.]?(?P<rc>\d{0,9})(?![a-z0-9]))?",
    re.IGNORECASE,
)
_COMPARISON = re.compile(r"(?P<how>>=|<=|==|!=|>|<)\s*(?P<version>\S+)")

# Debian and Ubuntu count their own builds where the third number was: 6.1.0-18-amd64, 6.8.0-45-generic.
_DISTRIBUTION = re.compile(r"(?P<base>\d+\.\d+)\.0-\d+[-.]")
# Debian's `uname -v` names the release it was built from: "#1 SMP Debian 6.1.76-1 (2024-02-01)".
_DEBIAN = re.compile(r"\bDebian (?P<version>\d+\.\d+\.\d+)")

Point: TypeAlias = "tuple[tuple[int, ...], tuple[int, int]]"


class VersionError(ValueError):
    """A text is not a condition on versions; the message says what is wrong."""


@final
@dataclass(frozen=True, slots=True)
class Version:
    """A release as far as it is known: somewhere from `low` to `high`, mostly the same."""

    low: Point
    high: Point


@final
@dataclass(frozen=True, slots=True)
class Condition:
    """Which versions a claim speaks of: any of some lists of comparisons; none is every version."""

    text: str
    alternatives: tuple[tuple[tuple[str, Point, Point], ...], ...]

    def holds(self, version: Version) -> bool | None:
        """Return whether it holds, None where too little is known of the version to tell."""
        if not self.alternatives:
            return True
        found = [_all(_compare(version, *one) for one in several) for several in self.alternatives]
        return True if True in found else None if None in found else False


def release(text: str, build: str = "") -> Version | None:
    """Return the version in a release such as `6.18.44-generic`, None if there is no number in it.

    `build` is the kernel's build string. Of a distribution's kernel whose build does not tell, only
    the first two numbers are known.

    >>> release("6.3-rc1").low < release("6.3").low
    True
    """
    own = _DISTRIBUTION.match(text)
    if own:
        named = _DEBIAN.search(build)
        if named is None:
            low = _point(own["base"])
            return Version(low, (low[0][:2] + (_MOST,) * (_PARTS - 2), (_MOST, 0)))
        text = named["version"]
    found = _NUMBERS.match(text)
    if found is None:
        return None
    point = _point(found["numbers"], found["rc"])
    return Version(point, point)


def condition(text: str) -> Condition:
    """Return the condition that `text` says. Raises VersionError."""
    if not text.strip():
        return Condition("", ())
    lists = tuple(
        tuple(_comparison(part.strip(), text) for part in several.split(","))
        for several in text.split("|")
    )
    return Condition(text, lists)


def _comparison(part: str, text: str) -> tuple[str, Point, Point]:
    parts = _COMPARISON.fullmatch(part)
    if parts is None:
        raise VersionError(f'"{part}" in "{text}" is not a comparison such as >=4.5 or ==6.1.*')
    how, version = parts["how"], parts["version"]
    start = version.removesuffix(".*")
    numbers = _NUMBERS.fullmatch(start)
    if numbers is None or (start != version and how not in ("==", "!=")):
        raise VersionError(f'"{version}" in "{text}" is not a version such as 4.5, 6.3-rc1 or (==) 6.1.*')
    low = _point(numbers["numbers"], numbers["rc"])
    if start == version:
        return how, low, low
    count = start.count(".") + 1
    first = (low[0], (-_MOST, 0))
    return how, first, (low[0][:count] + (_MOST,) * (_PARTS - count), (_MOST, 0))


def _point(numbers: str, candidate: str | None = None) -> Point:
    parts = [int(part) for part in numbers.split(".")][:_PARTS]
    stage = _FINAL if candidate is None else (-1, int(candidate or 0))
    return (*parts, *(0,) * (_PARTS - len(parts))), stage


def _compare(version: Version, how: str, low: Point, high: Point) -> bool | None:
    """Compare; None if it holds for some of what `version` may be, but not for all."""
    if how in ("==", "!="):
        inside = _all((version.low >= low, version.high <= high))
        if not inside and version.low <= high and version.high >= low:
            return None
        return inside is (how == "==")
    ends = {
        ">=": (version.low >= low, version.high >= low),
        ">": (version.low > low, version.high > low),
        "<": (version.low < low, version.high < low),
        "<=": (version.low <= low, version.high <= low),
    }[how]
    return ends[0] if ends[0] == ends[1] else None


def _all(found: Iterable[bool | None]) -> bool | None:
    """Return the conjunction of three-valued answers."""
    answers = list(found)
    return False if False in answers else None if None in answers else True
