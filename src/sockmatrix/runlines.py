"""Decode the lines of run files, the same outcome once: most lines differ in their id alone.

A line whose outcome is known is only split; its `CellLine` is made when somebody asks for it.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple, TypeAlias, final

import msgspec
from msgspec.structs import force_setattr

from sockmatrix.runformat import CellLine, Line

_MOST = 200_000
"""So much is remembered; there are some 5,000 outcomes in a run of 65,000 cells, of 20,000 versions."""

# A cell as runs are written: what follows the id says its version, and how it turned out. The id has the
# characters of runformat.CellId.
_CELL = re.compile(rb'\{"kind":"cell","id":"([a-zA-Z0-9.:/+-]{1,8000})"(,"v":.*)', re.DOTALL)
_CELLS = re.compile(_CELL.pattern.replace(b".*", rb"[^\n]*") + rb"\n")

_FRAME = len('{"kind":"cell","id":""\n')
"""Characters of such a line beside the id and what follows it."""

# The version is one that any decoder reads the same.
_TAIL = re.compile(rb',"v":(0|[1-9][0-9]{0,15})([,}].*)', re.DOTALL)

# In the rest these could say once more what stands before it, and then hold in its place.
_AGAIN = (b'"id"', b'"v"', b'"kind"', b"\\")

decode = msgspec.json.Decoder(Line).decode
"""Decode a line as it is. Raises ValueError, RecursionError."""


class Like(NamedTuple):
    """Cells of which runs say the same but for the id: their version, and a line that ends as theirs do.

    The line is one of another cell, perhaps in another version.
    """

    v: int
    line: CellLine


Kept: TypeAlias = "CellLine | Like"


@final
class Cells(Mapping[str, CellLine]):
    """The cells of a run by id, each made when it is asked for. `kept` is what there is of them now."""

    __slots__ = ("kept",)

    def __init__(self, kept: dict[str, Kept]) -> None:
        self.kept = kept

    def __getitem__(self, name: str) -> CellLine:
        line = self.kept[name]
        if isinstance(line, CellLine):
            return line
        own = copy.copy(line.line)
        # Nobody else has it yet; and what is frozen about it was checked when the other was decoded.
        force_setattr(own, "id", name)
        force_setattr(own, "v", line.v)
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
    """Decodes lines as `decode` does; it may be shared by several files."""

    def __init__(self) -> None:
        self._known: dict[bytes, Like] = {}
        self._lines: dict[bytes, CellLine] = {}

    def __call__(self, text: bytes) -> tuple[str, Like | Line]:
        """Return the id of the cell that `text` is about, and its line; "" for a line about no cell.

        Cells of which the same is said have the same `Like`, in all files that one decoder reads. Raises
        ValueError, RecursionError.
        """
        parts = _CELL.fullmatch(text)
        like = None if parts is None else self._known.get(parts[2]) or self._learn(text, parts[2])
        if parts is None or like is None:
            line = decode(text)
            return (line.id if isinstance(line, CellLine) else ""), line
        return parts[1].decode(), like

    def _learn(self, text: bytes, tail: bytes) -> Like | None:
        """Return what is said of cells that end so, None where it must be looked at each time."""
        parts = _TAIL.fullmatch(tail)
        if parts is None or len(self._known) == _MOST:
            return None
        version, rest = parts.groups()
        line = self._lines.get(rest)
        if line is None:
            found = decode(text)
            if not isinstance(found, CellLine) or not _tells_once(rest):
                return None
            line = self._lines[rest] = found
        like = self._known[tail] = Like(int(version), line)
        return like

    def block(self, text: bytes, longest: int) -> tuple[list[str], list[Like]]:
        """Return ids and lines of many whole lines at once, each of a cell and at most `longest` bytes.

        Nothing if one of them is anything else: then they have to be looked at line by line.
        """
        pairs = _CELLS.findall(text)
        names, tails = [name for name, _ in pairs], [tail for _, tail in pairs]
        size = _FRAME * len(pairs) + sum(map(len, names)) + sum(map(len, tails))
        if (
            not pairs
            or size != len(text)
            or max(map(len, tails)) + _FRAME + max(map(len, names)) > longest
        ):
            return [], []
        likes: list[Like] = []
        for name, tail in pairs:
            like = self._known.get(tail)
            if like is None:
                try:
                    like = self._learn(b'{"kind":"cell","id":"%s"%s' % (name, tail), tail)
                except (ValueError, RecursionError):
                    return [], []
                if like is None:
                    return [], []
            likes.append(like)
        return b"\n".join(names).decode().split("\n"), likes


def _tells_once(rest: bytes) -> bool:
    return rest.isascii() and not any(one in rest for one in _AGAIN)
