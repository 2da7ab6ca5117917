"""Which of many runs is the one to compare a system with.

It is one of the same network stack, architecture, kind of lab and privileges. Of those it is the newest
release that is not newer than the system's own; if all are newer, the oldest. Releases are compared as
versions (`claims/versions.py`), never as text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, TypeAlias, final

from sockmatrix.claims.systems import version
from sockmatrix.render.escape import printable
from sockmatrix.runfile import read_header

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from sockmatrix.claims.versions import Version
    from sockmatrix.runformat import Header

AUTO = "auto"
"""The name that stands for the baseline that is found here."""

SUFFIXES = (".jsonl", ".jsonl.gz")
"""How the files of runs in a directory end."""

_NAMED = 5  # runs that are named when none fits


class NoBaselineError(Exception):
    """No run fits; the message says what was looked for, and what there is."""


@final
@dataclass(frozen=True, slots=True)
class Baseline:
    """A run file to compare with, its header, and why it is this one, in words."""

    path: Path
    header: Header
    why: str


class Kind(NamedTuple):
    """What a baseline shares with the system that is compared with it."""

    stack: str
    arch: str
    lab: str
    privileges: str

    @classmethod
    def of(cls, header: Header) -> Kind:
        """Return the kind of a run."""
        platform = header.platform
        return cls(platform.stack, platform.arch, header.lab.kind, platform.privileges)

    def __str__(self) -> str:
        return f"{self.stack} on {self.arch}, {self.lab} lab, {self.privileges}"

    def differs(self, other: Kind) -> str:
        """Return in what another one differs, in words, or nothing."""
        pairs = zip(self._fields, self, other, strict=True)
        return ", ".join(f"{name} {b} instead of {a}" for name, a, b in pairs if a != b)


def headers(directory: Path) -> dict[Path, Header]:
    """Return the headers of the run files of a directory, by path. Raises RunFileError, OSError."""
    files = sorted(file for file in directory.iterdir() if file.name.endswith(SUFFIXES))
    return {file: read_header(file) for file in files}


def choose(candidates: Mapping[Path, Header], header: Header) -> Baseline:
    """Return the one of some runs to compare the run with this header with. Raises NoBaselineError."""
    kind = Kind.of(header)
    fitting = {path: own for path, own in candidates.items() if Kind.of(own) == kind}
    here = version(header.platform)
    name = printable(header.platform.name)
    same = [p for p, own in fitting.items() if own.platform.release == header.platform.release]
    if same:
        path = max(same, key=lambda path: (fitting[path].started, path.name))
        return Baseline(path, fitting[path], f"the same release, {name}")
    dated = {path: found for path, own in fitting.items() if (found := version(own.platform))}
    if here is None or not dated:
        raise NoBaselineError(_none(kind, name, candidates))
    not_newer = [path for path, own in dated.items() if own.low <= here.high]

    def age(path: Path) -> _Age:
        return _age(fitting[path], dated[path])

    if not_newer:
        path = max(not_newer, key=age)
        if dated[path] == here:
            return Baseline(path, fitting[path], f"another build of the release, {name}")
        return Baseline(path, fitting[path], f"the newest that is not newer than {name}")
    oldest = min(dated[path].low for path in dated)
    path = max((path for path in dated if dated[path].low == oldest), key=age)
    return Baseline(path, fitting[path], f"the oldest there is; all are newer than {name}")


_Age: TypeAlias = "tuple[object, list[int], str, str]"


def _age(header: Header, release: Version) -> _Age:
    # A distribution counts its builds behind the release: 6.8.0-45-generic.
    builds = [int(number) for number in re.findall("[0-9]{1,18}", header.platform.release)]
    return release.low, builds, header.started, header.platform.release


def _none(kind: Kind, name: str, candidates: Mapping[Path, Header]) -> str:
    texts = [f"{printable(own.platform.name)} ({Kind.of(own)})" for own in candidates.values()]
    there = f"there is {_few(texts)}" if texts else "there is no run at all"
    return f"no run to compare {name} ({kind}) with: {there}"


def _few(texts: Sequence[str]) -> str:
    unique: Iterable[str] = dict.fromkeys(texts)
    named = list(unique)
    more = f" and {len(named) - _NAMED} more" if len(named) > _NAMED else ""
    return "; ".join(named[:_NAMED]) + more
