"""Read a run: all outcomes of one probe on one platform, as JSON Lines.

The first line is the header, then one line for each cell, then a footer. A resumed run appends
cells and another footer: the later one holds. Gzip is read as it is, known by its first bytes.
These files come from other people's machines: whatever is wrong with one is a `RunFileError`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, NoReturn, final

import msgspec
from msgspec import Struct

from sockmatrix.render.escape import printable
from sockmatrix.runerrors import (
    BadId,
    CannotResume,
    DamagedGzip,
    DuplicateCell,
    NotAFile,
    NotARunFile,
    NotJson,
    NotUtf8,
    RunFileError,
    TooLarge,
    UnknownSchema,
    Unreadable,
    WrongType,
)
from sockmatrix.runformat import (
    SCHEMA,
    CellLine,
    CrossCheck,
    Footer,
    Header,
    Lab,
    Platform,
    ProbeProgram,
    Whole,
    count_words,
    header,
)
from sockmatrix.runlines import Cells, LineDecoder, Told, decode
from sockmatrix.runtext import MAX_LINE, Lines

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "SCHEMA",
    "BadId",
    "CannotResume",
    "CellLine",
    "CrossCheck",
    "DamagedGzip",
    "DuplicateCell",
    "Footer",
    "Header",
    "Lab",
    "LineDecoder",
    "NotAFile",
    "NotARunFile",
    "NotJson",
    "NotUtf8",
    "Platform",
    "ProbeProgram",
    "Run",
    "RunFileError",
    "TooLarge",
    "UnknownSchema",
    "Unreadable",
    "WrongType",
    "count_words",
    "header",
    "printable",
    "read_header",
]

MAX_CELLS = 1_000_000


class _Start(Struct):
    """As much of a header as all schema versions share."""

    kind: str
    schema: Whole = 0


_decode_start = msgspec.json.Decoder(_Start).decode


@final
@dataclass(frozen=True, slots=True)
class Run:
    """A run as a value. `cells` are by id, in the order of the file.

    `truncated`: it was cut short, or is not finished: what is missing is unmeasured. `ragged`: it
    ends within a line (or within a gzip member), which must be mended before anything is appended.
    """

    path: Path
    header: Header
    cells: Mapping[str, CellLine] = field(repr=False)
    footer: Footer | None = None
    truncated: bool = False
    ragged: bool = False
    compressed: bool = False

    @classmethod
    def read(cls, path: str | Path, decoder: LineDecoder | None = None) -> Run:
        """Read a run file, plain or gzip, to its last whole line. Raises RunFileError.

        A `decoder` that has read a run like it makes it faster.
        """
        path = Path(path)
        try:
            with path.open("rb") as file:
                return _read(path, file, decoder or LineDecoder())
        except OSError as error:
            raise Unreadable(path, 0, f"cannot be read: {error.strerror or error}") from error

    @property
    def complete(self) -> bool:
        """Whether all that was planned was measured."""
        done = self.footer is not None and self.footer.ended == "complete"
        return done and len(self.cells) >= self.header.planned


def read_header(path: Path) -> Header:
    """Read who measured what and where, and nothing of the cells. Raises RunFileError."""
    try:
        with path.open("rb") as file:
            return _header(path, *Lines(path, file).first())
    except OSError as error:
        raise Unreadable(path, 0, f"cannot be read: {error.strerror or error}") from error


def _read(path: Path, file: BinaryIO, decode_line: LineDecoder) -> Run:
    lines = Lines(path, file)
    head = _header(path, *lines.first())
    footer = None
    cells: dict[str, CellLine] = {}
    versions: dict[str, int] = {}
    decode_line.begin()
    for block in lines.blocks():
        names, own_versions, kept = decode_line.block(block, MAX_LINE) or ((), (), ())
        own = dict(zip(names, kept, strict=True))
        if own and len(own) == len(names) and cells.keys().isdisjoint(own):
            cells |= own
            versions.update(zip(names, own_versions, strict=True))
            lines.skip(len(own))
            footer = None
            continue
        for number, text in lines.split(block):
            try:
                line = decode_line(text)
            except (ValueError, RecursionError) as error:
                if lines.at_tail and not isinstance(error, msgspec.ValidationError):
                    lines.ragged = True
                    break
                _check_utf8(path, number, text)
                _explain(path, number, error)
            if not text.isascii():
                _check_utf8(path, number, text)
            if isinstance(line, Told):
                # A cell measured again in another version takes the place of the old one.
                if versions.get(line.id) == line.v:
                    raise DuplicateCell(path, number, f"{line.id} occurs twice")
                cells[line.id], versions[line.id] = line.line, line.v
                footer = None
            elif isinstance(line, Footer):
                footer = line
            else:
                raise WrongType(
                    path, number, "a second header", "`sockmatrix merge` makes one of two runs"
                )
        if len(cells) > MAX_CELLS:
            raise TooLarge(path, lines.number, f"more than {MAX_CELLS} cells")
    cut = lines.ragged or footer is None
    return Run(
        path, head, Cells(cells, versions), footer, cut, lines.ragged or lines.unended, lines.compressed
    )


def _header(path: Path, number: int, text: bytes) -> Header:
    try:
        start = _decode_start(text)
    except (ValueError, RecursionError) as error:
        raise NotARunFile(path, number, "not the header of a run") from error
    if start.kind != "header":
        raise NotARunFile(path, number, f"begins with {start.kind!r}, not with a header")
    if start.schema > SCHEMA:
        raise UnknownSchema(path, number, f"schema {start.schema}; this sockmatrix knows {SCHEMA}")
    try:
        text.decode()
        line = decode(text)
    except (ValueError, RecursionError) as error:
        _explain(path, number, error)
    if not isinstance(line, Header):
        raise NotARunFile(path, number, "not the header of a run")
    return line


def _check_utf8(path: Path, number: int, text: bytes) -> None:
    # The decoder does not look into fields it skips, and not every version of it says what is wrong.
    try:
        text.decode()
    except UnicodeDecodeError as error:
        _explain(path, number, error)


def _explain(path: Path, number: int, error: Exception) -> NoReturn:
    """Raise the exception for a line that cannot be decoded."""
    if isinstance(error, UnicodeDecodeError):
        raise NotUtf8(path, number, f"not UTF-8 at byte {error.start}") from error
    if isinstance(error, RecursionError):
        raise WrongType(path, number, "nested too deeply") from error
    if not isinstance(error, msgspec.ValidationError):
        raise NotJson(path, number, f"not JSON: {error}") from error
    what, _, where = str(error).rpartition(" - at ")
    if where == "`$.id`" and "regex" in what:
        raise BadId(path, number, "the id has other characters than a-z A-Z 0-9 . : / + -") from error
    raise WrongType(path, number, str(error)) from error
