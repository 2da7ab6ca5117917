"""Decode the lines of run files, the same outcome once: most lines differ in their id alone."""

from __future__ import annotations

import copy
import re
from typing import final

import msgspec
from msgspec.structs import force_setattr

from sockmatrix.runformat import CellLine, Line

_MOST = 200_000
"""So many outcomes are remembered; there are some 5,000 in a run of 65,000 cells."""

# A cell as runs are written: what follows the id and its version says how it turned out. The id has the
# characters of runformat.CellId, the version is one that any decoder reads the same.
_CELL = re.compile(
    rb'\{"kind":"cell","id":"([a-zA-Z0-9.:/+-]{1,8000})","v":(0|[1-9][0-9]{0,15})(?P<rest>[,}].*)',
    re.DOTALL,
)

# In the rest these could say once more what stands before it, and then hold in its place.
_AGAIN = (b'"id"', b'"v"', b'"kind"', b"\\")

decode = msgspec.json.Decoder(Line).decode
"""Decode a line as it is. Raises ValueError, RecursionError."""


@final
class LineDecoder:
    """Decodes lines as `decode` does; it may be shared by several files."""

    def __init__(self) -> None:
        self._known: dict[bytes, CellLine] = {}

    def __call__(self, text: bytes) -> Line:
        """Return the line that `text` says. Raises ValueError, RecursionError."""
        parts = _CELL.fullmatch(text)
        if parts is None:
            return decode(text)
        name, version, rest = parts.groups()
        known = self._known.get(rest)
        if known is None:
            line = decode(text)
            if (
                isinstance(line, CellLine)
                and len(self._known) < _MOST
                and rest.isascii()
                and not any(one in rest for one in _AGAIN)
            ):
                self._known[rest] = line
            return line
        own = copy.copy(known)
        # Nobody else has it yet; and what is frozen about it was checked when `known` was decoded.
        force_setattr(own, "id", name.decode())
        force_setattr(own, "v", int(version))
        return own
