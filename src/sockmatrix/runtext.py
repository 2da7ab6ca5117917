"""The text of a run file: its lines with their numbers, unpacked, and none that is too long."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, BinaryIO, final

from sockmatrix.runerrors import DamagedGzip, NotARunFile, TooLarge

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MAX_LINE = 1 << 16
"""Bytes of the longest line: a cell with 600 sockets takes some 20,000."""

MAX_BYTES = 1 << 28
"""Bytes of a whole file once it is unpacked: the whole matrix of a platform takes some 15 million."""

GZIP_MAGIC = b"\x1f\x8b"

_CHUNK = 1 << 18


@final
class Lines:
    """The lines of a file with their numbers, unpacked if need be; blank ones are left out.

    `at_tail` once the line handed out has no end; `ragged`: the file stops within a line or a gzip
    member; `unended`: within the last end of line only.
    """

    def __init__(self, path: Path, file: BinaryIO) -> None:
        self._path = path
        self._file = file
        self._blocks = self._whole()
        self._begun = b""
        self.number = 0
        self.at_tail = self.ragged = self.unended = self.compressed = False

    def first(self) -> tuple[int, bytes]:
        """Return the first line, and leave the rest for `blocks`. Raises NotARunFile if there is none."""
        for block in self._blocks:
            self._begun = block
            while self._begun:
                line, end, self._begun = self._begun.partition(b"\n")
                for found in self.split(line + end):
                    return found
        raise NotARunFile(self._path, 0, "empty")

    def blocks(self) -> Iterator[bytes]:
        """Yield whole lines, many at a time; each block has to be split or skipped before the next."""
        if self._begun:
            yield self._begun
        yield from self._blocks

    def _whole(self) -> Iterator[bytes]:
        rest = b""
        size = 0
        for chunk in self._chunks():
            size += len(chunk)
            if size > MAX_BYTES:
                raise TooLarge(self._path, 0, f"more than {MAX_BYTES >> 20} MiB")
            text = rest + chunk
            end = text.rfind(b"\n") + 1
            rest = text[end:]
            if end:
                yield text[:end]
            self._check(rest, 1)
        if rest.strip():
            self.at_tail = self.unended = True
            yield rest

    def split(self, block: bytes) -> Iterator[tuple[int, bytes]]:
        """Yield the lines of a block with their numbers."""
        lines = block.split(b"\n")
        for line in lines[:-1] if block.endswith(b"\n") else lines:
            self.number += 1
            self._check(line)
            if line and not line.isspace():
                yield self.number, line

    def skip(self, count: int) -> None:
        """Count the lines of a block that was read at once."""
        self.number += count

    def _check(self, line: bytes, ahead: int = 0) -> None:
        if len(line) > MAX_LINE:
            raise TooLarge(self._path, self.number + ahead, f"a line of more than {MAX_LINE} bytes")

    def _chunks(self) -> Iterator[bytes]:
        chunk = self._file.read(_CHUNK)
        self.compressed = chunk.startswith(GZIP_MAGIC)
        if self.compressed:
            yield from self._unpack(chunk)
            return
        while chunk:
            yield chunk
            chunk = self._file.read(_CHUNK)

    def _unpack(self, packed: bytes) -> Iterator[bytes]:
        # One member for each block that was appended; max_length keeps a bomb from unfolding at
        # once.
        member = zlib.decompressobj(wbits=31)
        try:
            while True:
                packed = packed or self._file.read(_CHUNK)
                text = member.decompress(packed, _CHUNK)
                yield text
                if member.eof:
                    packed = member.unused_data or self._file.read(_CHUNK)
                    if not packed:
                        return
                    member = zlib.decompressobj(wbits=31)
                elif packed or text:
                    packed = member.unconsumed_tail
                else:
                    self.ragged = True
                    return
        except zlib.error as error:
            raise DamagedGzip(self._path, self.number + 1, f"damaged gzip: {error}") from error
