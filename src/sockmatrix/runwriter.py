"""Write a run block by block, so that it can be watched, interrupted and resumed.

A block is one write to the file: what is killed between blocks has lost nothing that was written,
and no reader ever sees half a line of ours.
"""

from __future__ import annotations

import contextlib
import gzip
import os
from pathlib import Path
from typing import TYPE_CHECKING, final

import msgspec

from sockmatrix.runfile import CannotResume, NotAFile, Run

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sockmatrix.runformat import CellLine, Footer, Header, Lab, Line

_encoder = msgspec.json.Encoder()

_MUST_AGREE = {
    "probe": "another probe",
    "protocol": "another protocol",
    "platform": "another platform",
    "tables": "other tables",
    "repeat": "another --repeat",
    "fresh": "a different use of --fresh",
    "settle": "another --settle",
}


@final
class RunWriter:
    """An open run file, a context manager; `done` are the ids it held when it was resumed."""

    def __init__(self, path: Path, *, compressed: bool, done: Iterable[str] = ()) -> None:
        """Open `path` for appending; `create` and `resume` are the ways to get a writer."""
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0)
        self.path = path
        self.done = frozenset(done)
        self._compressed = compressed
        self._file = os.open(path, flags, 0o666)

    @classmethod
    def create(cls, path: str | Path, header: Header) -> RunWriter:
        """Begin a new file with `header`; a name that ends in .gz is compressed.

        What was there is replaced, and stays untouched if the header cannot be written. Raises
        OSError, or NotAFile.
        """
        path = _regular(path)
        compressed = path.suffix == ".gz"
        _replace(path, [header], compressed=compressed)
        return cls(path, compressed=compressed)

    @classmethod
    def resume(cls, path: str | Path, header: Header) -> RunWriter:
        """Go on with a file that is there, or begin it.

        A half line at its end is dropped. Raises RunFileError; CannotResume if it was measured on
        another platform, in another lab, with another probe or from other tables.
        """
        path = _regular(path)
        if not path.exists():
            return cls.create(path, header)
        run = Run.read(path)
        for name, what in _MUST_AGREE.items():
            if getattr(run.header, name) != getattr(header, name):
                raise CannotResume(path, 1, f"measured with {what}")
        labs = {**run.header.labs, "": run.header.lab}
        for layout, lab in {**header.labs, "": header.lab}.items():
            if layout in labs and _lab(labs[layout]) != _lab(lab):
                raise CannotResume(path, 1, f"measured in another lab {layout}".rstrip())
        if run.ragged:
            lines: list[Line] = [run.header, *run.cells.values()]
            lines += [run.footer] if run.footer else []
            _replace(path, lines, compressed=run.compressed)
        return cls(path, compressed=run.compressed, done=run.cells)

    def __enter__(self) -> RunWriter:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def write(self, block: Iterable[CellLine]) -> None:
        """Append the cells of a block, all or none. Raises OSError."""
        self._append(_encoder.encode_lines(list(block)))

    def finish(self, footer: Footer) -> None:
        """Append a footer and close the file. Raises OSError."""
        self._append(_encoder.encode_lines([footer]))
        self.close()

    def close(self) -> None:
        """Close the file; safe to call twice."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _append(self, text: bytes) -> None:
        if not text:
            return
        rest = memoryview(_pack(text, compressed=self._compressed))
        before = os.fstat(self._file).st_size
        try:
            while rest:  # only a full disk or a signal takes a second turn
                rest = rest[os.write(self._file, rest) :]
        except BaseException:
            with contextlib.suppress(OSError):
                os.ftruncate(self._file, before)
            raise


def write_run(path: str | Path, lines: Iterable[Line]) -> None:
    """Write a run, whole or not at all; one named .gz is compressed. Raises OSError, NotAFile."""
    path = _regular(path)
    _replace(path, lines, compressed=path.suffix == ".gz")


def _regular(path: str | Path) -> Path:
    path = Path(path).resolve()
    if path.exists() and not path.is_file():
        raise NotAFile(path, 0, "not a regular file")
    return path


def _lab(lab: Lab) -> tuple[object, ...]:
    # Indexes and flags of a host's own interfaces may change between two starts; this may not.
    return lab.kind, lab.layout, lab.allow_lan, lab.sysctls


def _pack(text: bytes, *, compressed: bool) -> bytes:
    return gzip.compress(text, mtime=0) if compressed else text


def _replace(path: Path, lines: Iterable[Line], *, compressed: bool) -> None:
    partial = path.with_name(path.name + ".partial")
    try:
        partial.write_bytes(_pack(_encoder.encode_lines(list(lines)), compressed=compressed))
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
