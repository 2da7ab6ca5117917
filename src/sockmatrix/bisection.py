"""Between which two releases an outcome changed, by measuring few of many.

Point releases are no line but a tree: 6.1.192 is no ancestor of 6.12.43, and a mend may have come to each
of them by itself. So first the newest release of each line (5.10, 6.1, 6.12, ...) is looked at, which
tells the line where the outcome is another one; then the releases of that line. A `History` says what
follows what. As in every bisection, of several changes one is found.

A release tells nothing of a cell if it could not be had or booted, if it skipped the cell, if its
repetitions differ or if it could not tell: then one beside it is asked, and the gap stays known.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias, final

from sockmatrix.compare import verdict
from sockmatrix.targets.kernels import version_key
from sockmatrix.targets.releases import lines, name_of

if TYPE_CHECKING:
    from collections.abc import Container, Mapping, Sequence

    from sockmatrix.runformat import CellLine, Header, Platform
    from sockmatrix.targets.releases import Release

_PACKAGE = re.compile(r"(?:^|, )\S+ (\d\S*) sha256:")


@final
@dataclass(frozen=True, slots=True)
class Want:
    """A release has to be measured; at most `left` more lie between what is known."""

    release: str
    left: int


@final
@dataclass(frozen=True, slots=True)
class Same:
    """The outcome is the same at both ends."""

    first: str
    last: str


@final
@dataclass(frozen=True, slots=True)
class Changed:
    """The last release with the old outcome, the first with another, and those between: no evidence."""

    last: str
    first: str
    between: tuple[str, ...] = ()


@final
@dataclass(frozen=True, slots=True)
class Unknown:
    """Fewer than two releases tell anything: those that do."""

    told: tuple[str, ...] = ()


Found: TypeAlias = Want | Same | Changed | Unknown


@final
@dataclass(frozen=True, slots=True)
class History:
    """Releases in order. `straight`: each is the ancestor of the next; else they are lines of a tree."""

    releases: tuple[Release, ...]
    straight: bool

    def tips(self, gone: Container[str]) -> list[str]:
        """Return what is looked at first: the newest of each line that can be had, or all."""
        if self.straight:
            return [release.name for release in self.releases]
        newest = []
        for several in lines(self.releases).values():
            there = [one.name for one in several if one.name not in gone]
            newest.append(there[-1] if there else several[-1].name)
        return newest

    def between(self, last: str, first: str, mute: Container[str]) -> list[str]:
        """Return what lies between two releases, with them.

        Of the line of `last` nothing newer, unless both are of that line; of others whose newest is
        `mute`, that is tells nothing of this cell, nothing else: the rest will hardly tell more.
        """
        minors = {release.name: release.minor for release in self.releases}
        names = list(minors)
        inside = names[names.index(last) + 1 : names.index(first)]
        if not self.straight and minors[last] != minors[first]:
            dumb = {minors[name] for name in inside if name in mute and minors[name] != minors[first]}
            inside = [
                name
                for name in inside
                if minors[name] != minors[last] and (minors[name] not in dumb or name in mute)
            ]
        return [last, *inside, first]


def history(known: Sequence[Release], old: Sequence[Release], new: Sequence[Release]) -> History:
    """Return the history from the newest of `old` to the newest of `new`.

    Of the line of the first there may be older ones, for the case that it cannot be had.
    """
    start, end = sorted((old[-1], new[-1]), key=lambda release: version_key(release.name))
    least, most = version_key(start.name), version_key(end.name)
    if start.minor == end.minor:
        found = [one for one in known if least <= version_key(one.name) <= most]
        return History(tuple(found), straight=True)
    found = [
        one
        for one in known
        if least[:2] <= version_key(one.name)[:2] <= most[:2]
        and version_key(one.name) <= (least if one.minor == start.minor else most)
    ]
    return History(tuple(found), straight=False)


def search(order: History, told: Mapping[str, CellLine], gone: Container[str]) -> Found:
    """Return where a cell changed, or what has to be measured to know it.

    `told`: its outcomes by release; `gone`: releases that cannot be measured.
    """
    found = narrow(order.tips(gone), told, gone)
    if isinstance(found, Changed):
        mute = {name for name, line in told.items() if not tells(line)}
        return narrow(order.between(found.last, found.first, mute), told, gone)
    return found


def narrow(path: Sequence[str], told: Mapping[str, CellLine], gone: Container[str]) -> Found:
    """Return between which two of a path an outcome changed first, or what has to be measured."""
    telling = [name for name in path if name in told and tells(told[name])]
    fresh = [name for name in path if name not in told and name not in gone]
    for ends in (path, path[::-1]):
        end = next((name for name in ends if name in telling or name in fresh), None)
        if end is not None and end in fresh:
            return Want(end, len(fresh) - 1)
    if len(telling) < 2:
        return Unknown(tuple(telling))
    before = told[telling[0]]
    first = next((name for name in telling if verdict(before, told[name]) != "same"), None)
    if first is None:
        return Same(telling[0], telling[-1])
    last = telling[telling.index(first) - 1]
    start, end_ = path.index(last), path.index(first)
    inside = path[start + 1 : end_]
    near = [name for name in inside if name in fresh]
    if not near:
        return Changed(last, first, tuple(inside))
    middle = (start + end_) / 2
    return Want(min(near, key=lambda name: abs(path.index(name) - middle)), len(near) - 1)


def tells(line: CellLine) -> bool:
    """Tell whether what was measured is evidence: it is the same as itself."""
    return verdict(line, line) == "same"


def doubt(line: CellLine) -> str:
    """Return why what was measured is no evidence."""
    return line.skipped or line.inconclusive or ("its repetitions differ" if line.variants else "")


@final
class Evidence:
    """What run files of kernels say of some cells; `versions`: what their ids mean now.

    `told`: outcomes by cell and release. `platforms`: by release.
    """

    def __init__(self, versions: Mapping[str, int]) -> None:
        self._versions = versions
        self.told: dict[str, dict[str, CellLine]] = {cell: {} for cell in versions}
        self.platforms: dict[str, Platform] = {}

    def add(self, head: Header, cells: Mapping[str, CellLine], *, earlier: bool = False) -> str:
        """Take what a run says, and return the release it is of, empty if of none.

        Of two outcomes of a cell on one release the first counts that tells something. Of an `earlier`
        run what was inconclusive is left out: it may have been a bad day, and is measured again.
        """
        release = name_of(package(head))
        if not release:
            return ""
        for name, version in self._versions.items():
            line = cells.get(name)
            if line is None or line.v != version or (earlier and line.word == "inconclusive"):
                continue
            own = self.told[name]
            if release not in own or not tells(own[release]):
                own[release] = line
                self.platforms.setdefault(release, head.platform)
        return release

    def lacking(self, release: str) -> list[str]:
        """Return the cells of which nothing is known on a release."""
        return [name for name, own in self.told.items() if release not in own]


def package(head: Header) -> str:
    """Return the version of the package that a run's kernel is from, empty for another system."""
    if head.target.get("kind") != "kernel":
        return ""
    found = _PACKAGE.search(head.target.get("packages", ""))
    return head.target.get("version") or (found[1] if found else "")
