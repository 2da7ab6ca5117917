"""A cpio archive, as the Linux kernel unpacks it for its first file system (the format "newc").

Documentation/driver-api/early-userspace/buffer-format.rst of the kernel.
"""

from __future__ import annotations

import stat
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, final

if TYPE_CHECKING:
    from typing import IO

_DIRECTORY = stat.S_IFDIR | 0o755


@final
class Archive:
    """An archive being written; `close` ends it. Several, one after the other, are unpacked as one.

    All files belong to root and have no date, so that equal contents are equal bytes.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._names: set[str] = set()
        self._size = 0

    def add(self, name: str, content: bytes, *, executable: bool = False) -> None:
        """Add a file by its absolute name, and the directories above it; a second time is no matter."""
        self.directory(str(PurePosixPath(name).parent))
        self._add(name, stat.S_IFREG | (0o755 if executable else 0o644), content)

    def directory(self, name: str) -> None:
        """Add a directory by its absolute name, and those above it."""
        for parent in (*reversed(PurePosixPath(name).parents), PurePosixPath(name)):
            if parent != PurePosixPath("/"):
                self._add(str(parent), _DIRECTORY, b"")

    def _add(self, name: str, mode: int, content: bytes) -> None:
        if name in self._names:
            return
        self._names.add(name)
        self._entry(name.lstrip("/"), mode, content, len(self._names))

    def _entry(self, name: str, mode: int, content: bytes, inode: int) -> None:
        path = name.encode() + b"\0"
        numbers = (inode, mode, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(path), 0)
        head = b"070701" + b"".join(b"%08X" % number for number in numbers) + path
        self._write(head, 4)
        self._write(content, 4)

    def _write(self, data: bytes, alignment: int) -> None:
        data += bytes(-(self._size + len(data)) % alignment)
        self._file.write(data)
        self._size += len(data)

    def close(self) -> None:
        """Write the end; the file stays open."""
        self._entry("TRAILER!!!", 0, b"", 0)
        self._write(b"", 512)
