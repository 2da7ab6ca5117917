"""The far side of a remote target: execnet sends this source, and runs it there (Python 3.9 or newer).

The first thing received is (zipapp, arguments, how Python is isolated). Then bytes are the probe's input,
and bytes that are sent are its output; a tuple is its exit status and the end of what it complained of.
"""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import zipfile
from typing import Any

_PIECE = 1 << 16
_LAST_WORDS = 8192


def serve(channel: Any) -> None:
    """Run a probe for as long as the channel is open, and leave nothing behind."""
    place = tempfile.mkdtemp(prefix="sockmatrix-")
    try:
        source, arguments, isolated = channel.receive()
        with zipfile.ZipFile(io.BytesIO(source)) as archive:
            archive.extractall(place)
        command = [sys.executable, *isolated, place, *arguments]
        with tempfile.TemporaryFile() as stderr:
            child = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stderr
            )
            listener = threading.Thread(target=_listen, args=(channel, child), daemon=True)
            listener.start()
            _relay(channel, child)
            code = child.wait()
            stderr.seek(max(0, stderr.seek(0, os.SEEK_END) - _LAST_WORDS))
            channel.send((code, stderr.read()))
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _relay(channel: Any, child: subprocess.Popen[bytes]) -> None:
    assert child.stdout is not None
    while True:
        data = child.stdout.read1(_PIECE)  # type: ignore[attr-defined]  # of a BufferedReader
        if not data:
            return
        channel.send(data)


def _listen(channel: Any, child: subprocess.Popen[bytes]) -> None:
    """Hand on what comes; when nothing can come any more, the probe has nobody to work for."""
    assert child.stdin is not None
    try:
        for data in channel:
            child.stdin.write(data)
            child.stdin.flush()
    except (EOFError, OSError):
        pass
    child.kill()


if __name__ == "__channelexec__":
    serve(globals()["channel"])
