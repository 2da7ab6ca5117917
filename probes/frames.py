"""Messages between the conductor and its roles: a length and a marshalled value, over plain pipes.

Both ends are the same interpreter started from the same file, so `marshal` is safe and the fastest
encoder the standard library has. Pipes are read with blocking reads only: Windows cannot select on them.
"""

from __future__ import annotations

import marshal
import struct
from typing import IO, Any

_LENGTH = struct.Struct("<I")


def encode(value: Any) -> bytes:
    """Return one message."""
    data = marshal.dumps(value)
    return _LENGTH.pack(len(data)) + data


def write(stream: IO[bytes], value: Any) -> None:
    """Write one message and flush it. Raises OSError when the other end is gone."""
    stream.write(encode(value))
    stream.flush()


def read(stream: IO[bytes]) -> Any:
    """Read one message. Raises EOFError when the other end is gone."""
    head = stream.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        raise EOFError
    (length,) = _LENGTH.unpack(head)
    data = stream.read(length)
    if len(data) < length:
        raise EOFError
    return marshal.loads(data)  # noqa: S302 - our own child, see above
