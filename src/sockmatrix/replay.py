"""Observations that a probe wrote to a file somewhere else, taken as if it were measuring here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, final

import msgspec

from sockmatrix.labs import PLAIN
from sockmatrix.measure import Block
from sockmatrix.runformat import Hello
from sockmatrix.target import PROTOCOL, Observed, TargetError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from sockmatrix.cell import Cell

MOST = 1 << 26
"""Bytes of a line at most."""

_observed = msgspec.json.Decoder(Observed).decode


class ReplayError(TargetError):
    """A file does not hold what a probe says; the message says where."""


@final
class Replay:
    """What some files hold: the observations of one probe on one machine, a file for each lab.

    `repeat`: how often each cell was measured. `cut`: which file ends before its probe had said all.
    """

    interrupted = False

    def __init__(self, paths: Sequence[Path]) -> None:
        """Read the files. Raises ReplayError, OSError."""
        self.hello: dict[str, Any] = {}
        self.labs: dict[str, dict[str, Any]] = {}
        self.seen: dict[str, bytes] = {}
        self.cut = ""
        self.repeat = 0
        self._counts: dict[str, float] = {}
        for path in paths:
            self._read(path)
        if not self.seen:
            raise ReplayError(f"{paths[0]}: there is no observation in it")

    def _read(self, path: Path) -> None:
        hello: dict[str, Any] = {}
        complete = False
        with path.open("rb") as file:
            for number, line in enumerate(iter(lambda: file.readline(MOST), b""), 1):
                if not line.endswith(b"\n"):
                    complete = False  # it was still being written
                    break
                try:
                    kind = self._take(line, hello)
                except ValueError as error:
                    raise ReplayError(f"{path}:{number}: not what a probe says: {error}") from error
                complete = kind == "measured" or (complete and kind == "hello")
        if not hello:
            raise ReplayError(f"{path}: no probe says there what it is")
        if not complete:
            self.cut = str(path)

    def _take(self, line: bytes, hello: dict[str, Any]) -> str:
        """Take a line, and return its kind. Raises ValueError."""
        try:
            observed = _observed(line)
        except ValueError:
            told = msgspec.json.decode(line, type=dict[str, Any])
        else:
            self.seen[observed.id] = bytes(observed.seen)
            if not self.repeat:
                self.repeat = sum(int(count) for count, _ in msgspec.json.decode(observed.seen))
            return "observation"
        kind = told.get("kind")
        if kind == "hello":
            self._greet(told)
            hello.update(told)
        elif kind == "measured":
            for name, value in told.items():
                if isinstance(value, int | float):
                    self._counts[name] = self._counts.get(name, 0) + value
        else:
            raise ValueError(f"a line of the kind {kind!r}")
        return str(kind)

    def _greet(self, hello: dict[str, Any]) -> None:
        told = msgspec.convert(hello, Hello)
        if told.protocol != PROTOCOL:
            raise ValueError(f"it speaks protocol {told.protocol}, not {PROTOCOL}")
        if self.hello:
            first = msgspec.convert(self.hello, Hello)
            if (told.platform, told.probe) != (first.platform, first.probe):
                raise ValueError("it is of another machine, or of another probe, than the file before")
        else:
            self.hello = hello
        if told.lab.layout != PLAIN:
            self.labs[told.lab.layout] = hello["lab"]

    def run(self, cells: Sequence[Cell]) -> Iterator[Block]:
        """Yield what was observed of these cells. Raises TargetError at the end if that is not all."""
        known = [cell for cell in cells if cell.id in self.seen]
        if known:
            seen = {cell.id: self.seen[cell.id] for cell in known}
            yield Block(known, seen=seen, counts=self._counts)
        if self.cut:
            raise TargetError(f"{self.cut} ends before the probe had said all")

    def stop(self) -> None:
        """Do nothing: there is no probe."""


def requests(blocks: Iterable[tuple[list[bytes], list[bytes]]], *, repeat: int, seed: int) -> bytes:
    """Return what a probe reads: for each block its operations, its cells, and the word to measure."""
    measure = msgspec.json.encode({"kind": "measure", "repeat": repeat, "seed": seed})
    lines: list[bytes] = []
    for operations, cells in blocks:
        lines += [*operations, *cells, measure]
    return b"\n".join([*lines, b""])
