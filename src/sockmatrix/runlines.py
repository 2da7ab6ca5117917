"""Decode the lines of run files, the same outcome once: most lines differ in their id alone.

A line whose outcome is known is only split; its `CellLine` is made when somebody asks for it.
"""

from __future__ import annotations

import copy
import itertools
import operator
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple, TypeAlias, final

import msgspec
from msgspec.structs import force_setattr

from sockmatrix.runformat import CellLine, Footer, Header, Line

_MOST = 200_000
"""So many outcomes are remembered; there are some 5,000 in a run of 65,000 cells."""

# A cell as runs are written: what follows id and version says how it turned out. The id has the
# characters of runformat.CellId, the version is one that any decoder reads the same.
_CELL = re.compile(
    rb'(\{"kind":"cell","id":"([a-zA-Z0-9.:/+-]{1,8000})","v":(0|[1-9][0-9]{0,15}))([,}].*)', re.DOTALL
)

decode = msgspec.json.Decoder(Line).decode
"""Decode a line as it is. Raises ValueError, RecursionError."""


class Told(NamedTuple):
    """A cell of a run: its id, its version, and a line that says the same of this cell or of another."""

    id: str
    v: int
    line: CellLine


Block: TypeAlias = tuple[Sequence[str], Sequence[int], Sequence[CellLine]]
"""Cells as `Told`, by column."""


@final
class Cells(Mapping[str, CellLine]):
    """The cells of a run by id, each made when it is asked for.

    `kept` has a line for each that says the same, of this cell or of another, perhaps in another version;
    cells of which the same is said have the same line. `versions` are their own.
    """

    __slots__ = ("kept", "versions")

    def __init__(self, kept: dict[str, CellLine], versions: Mapping[str, int]) -> None:
        self.kept = kept
        self.versions = versions

    def __getitem__(self, name: str) -> CellLine:
        line = self.kept[name]
        version = self.versions[name]
        if line.id == name and line.v == version:
            return line
        own = copy.copy(line)
        # Nobody else has it yet; and what is frozen about it was checked when the other was decoded.
        force_setattr(own, "id", name)
        force_setattr(own, "v", version)
        self.kept[name] = own
        return own

    def __contains__(self, name: object) -> bool:
        return name in self.kept

    def __iter__(self) -> Iterator[str]:
        return iter(self.kept)

    def __len__(self) -> int:
        return len(self.kept)


@final
class LineDecoder:
    """Decodes lines as `decode` does; it may be shared by several files, read one after the other.

    Runs of one matrix have the same cells in the same order: lines are compared with how those began that
    followed in a file before, and looked at only where that is not the same.
    """

    def __init__(self) -> None:
        self._lines: dict[bytes, CellLine] = {}
        """A line for each way to end."""
        # How lines have begun, in the order of the files; the id and the version in each.
        self._starts: list[bytes] = []
        self._names: list[str] = []
        self._versions: list[int] = []
        self._places: dict[bytes, int] = {}
        self._place = 0

    def begin(self) -> None:
        """Begin another file."""
        self._place = 0

    def __call__(self, text: bytes) -> Told | Header | Footer:
        """Return what a line says. Raises ValueError, RecursionError."""
        parts = _CELL.fullmatch(text)
        line = self._like(text, parts[4]) if parts else None
        if parts and line:
            return Told(parts[2].decode(), int(parts[3]), line)
        found = decode(text)
        return Told(found.id, found.v, found) if isinstance(found, CellLine) else found

    def _like(self, text: bytes, end: bytes) -> CellLine | None:
        """Return a line that ends so, None where each must be looked at. Raises as `decode` does."""
        line = self._lines.get(end)
        if line is None and len(self._lines) < _MOST and _tells_once(end):
            found = decode(text)
            if isinstance(found, CellLine):
                line = self._lines[end] = found
        return line

    def block(self, text: bytes, longest: int) -> Block | None:
        """Return what many whole lines say at once, each of a cell and at most `longest` bytes.

        None if one of them is anything else: then they have to be looked at line by line.
        """
        texts = text.split(b"\n")
        if texts.pop() or not texts or len(max(texts, key=len)) > longest:
            return None
        begun = self._begun(texts)
        if begun is None:
            return None
        starts, names, versions = begun
        ends = [text[len(start) :] for text, start in zip(texts, starts, strict=True)]
        lines = list(map(self._lines.get, ends))
        try:
            for at, line in enumerate(lines):
                if line is None:
                    lines[at] = self._like(texts[at], ends[at])
        except (ValueError, RecursionError):
            return None
        found = [line for line in lines if line is not None]
        return (names, versions, found) if len(found) == len(lines) else None

    def _begun(self, texts: Sequence[bytes]) -> tuple[list[bytes], list[str], list[int]] | None:
        """Return how the next lines begin, their ids and their versions; None if one is of no cell."""
        starts: list[bytes] = []
        names: list[str] = []
        versions: list[int] = []
        while len(starts) < len(texts):
            done, place = len(starts), self._place
            likely = self._starts[place : place + len(texts) - done]
            fits = map(bytes.startswith, itertools.islice(texts, done, None), likely)
            end = place + next(
                itertools.compress(itertools.count(), map(operator.not_, fits)), len(likely)
            )
            starts += likely[: end - place]
            names += self._names[place:end]
            versions += self._versions[place:end]
            self._place = end
            if len(starts) < len(texts) and not self._find(itertools.islice(texts, len(starts), None)):
                return None
        return starts, names, versions

    def _find(self, texts: Iterable[bytes]) -> bool:
        """Go to the place of the first of some lines, or remember it and those behind it that are new.

        Returns whether the first is of a cell.
        """
        self._place = len(self._starts)
        for text in texts:
            parts = _CELL.fullmatch(text)
            if parts is None or parts[1] in self._places:
                break
            self._places[parts[1]] = len(self._starts)
            self._starts.append(parts[1])
            self._names.append(parts[2].decode())
            self._versions.append(int(parts[3]))
        if self._place < len(self._starts):
            return True
        self._place = self._places[parts[1]] if parts else self._place
        return parts is not None


def _tells_once(end: bytes) -> bool:
    """Tell whether the end of a line does not say once more what stands before it, which would hold."""
    named = b'"id"' in end or b'"v"' in end or b'"kind"' in end or b"\\" in end
    return not named and end.isascii() and end.startswith((b",", b"}"))
