"""The agent: the first process of a guest. It starts probes there and carries what they say.

One port leads out of the guest. On it go frames, each for one channel; a channel is one probe. The host
uses the functions for frames too; the rest runs inside, alone, on the standard library.

To the guest:   OPEN (JSON: the probe's arguments), DATA (its input), KILL
From the guest: READY (JSON: what became of its modules, and its port's window), DATA (its output), END
                (JSON: its exit status and the end of its stderr), ACK (how many bytes were read), TICK
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import select
import signal
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

OPEN, DATA, KILL, READY, END, ACK, TICK = range(1, 8)

_HEAD = struct.Struct(">BHI")
_NUMBER = struct.Struct(">I")

MOST = 1 << 20
"""Bytes of a frame at most."""

TICK_SECONDS = 2.0
"""How often a guest says that it is alive."""

_WINDOW = 1 << 20  # bytes a port with flow control of its own may be ahead
_SERIAL_WINDOW = 2048  # bytes: what a terminal's buffer surely holds
_LAST_WORDS = 8192  # bytes of stderr that are sent back
_PORT_PATIENCE = 5.0  # seconds for a virtio port to turn up
_PIECE = 1 << 16

PORT = "SOCKMATRIX_PORT"
"""What a kernel's command line calls the port where there is no virtio."""

MOUNTS = (("proc", "/proc"), ("sysfs", "/sys"), ("devtmpfs", "/dev"), ("tmpfs", "/tmp"))  # noqa: S108


class FrameError(Exception):
    """What came is not a frame."""


def frame(kind: int, channel: int = 0, payload: bytes = b"") -> bytes:
    """Return a frame."""
    return _HEAD.pack(kind, channel, len(payload)) + payload


def number(value: int) -> bytes:
    """Return the payload of an ACK."""
    return _NUMBER.pack(value)


def read_number(payload: bytes) -> int:
    """Return what an ACK says. Raises FrameError."""
    if len(payload) != _NUMBER.size:
        raise FrameError("a number of another length")
    return int(_NUMBER.unpack(payload)[0])


class Frames:
    """Bytes as they come, cut into frames."""

    def __init__(self) -> None:
        self._data = bytearray()

    def feed(self, data: bytes) -> Iterator[tuple[int, int, bytes]]:
        """Take bytes and yield the frames that are whole: kind, channel, payload. Raises FrameError."""
        self._data += data
        while len(self._data) >= _HEAD.size:
            kind, channel, length = _HEAD.unpack_from(self._data)
            if not OPEN <= kind <= TICK or length > MOST:
                raise FrameError(f"kind {kind}, {length} bytes")
            end = _HEAD.size + length
            if len(self._data) < end:
                return
            payload = bytes(self._data[_HEAD.size : end])
            del self._data[:end]
            yield kind, channel, payload


class _Channel:
    """One probe: its process, what it is still to read, and its stderr."""

    def __init__(self, command: list[str]) -> None:
        self.waiting = bytearray()
        self.stderr: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the channel
        self.child = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.stderr,
            start_new_session=True,
            bufsize=0,
        )
        assert self.child.stdin is not None
        assert self.child.stdout is not None
        self.stdin, self.stdout = self.child.stdin.fileno(), self.child.stdout.fileno()
        os.set_blocking(self.stdin, False)
        self.open = True
        self.status: int | None = None

    def last_words(self) -> str:
        """Return the end of what it wrote to stderr."""
        self.stderr.seek(max(0, self.stderr.seek(0, os.SEEK_END) - _LAST_WORDS))
        return self.stderr.read().decode("utf-8", "replace")

    def close(self) -> None:
        """Close its pipes."""
        for pipe in (self.child.stdin, self.child.stdout, self.stderr):
            if pipe is not None:
                pipe.close()


class Agent:
    """Carries frames between a port and the probes it starts, until the port is closed."""

    def __init__(self, port: int, command: list[str], facts: dict[str, Any]) -> None:
        """Use the descriptor `port`; `command` starts a probe, without its arguments."""
        self._port = port
        self._command = command
        self._frames = Frames()
        self._out = bytearray(frame(READY, 0, json.dumps(facts).encode()))
        self._channels: dict[int, _Channel] = {}
        self._ticked = time.monotonic()
        os.set_blocking(port, False)

    def serve(self) -> None:
        """Serve until the port is closed."""
        while True:
            ready = self._wait()
            now = time.monotonic()
            if now - self._ticked >= TICK_SECONDS:
                self._ticked = now
                self._out += frame(TICK)
            for descriptor, event in ready:
                if descriptor == self._port:
                    if event & select.POLLOUT:
                        self._flush()
                    if event & (select.POLLIN | select.POLLHUP | select.POLLERR) and not self._listen():
                        return
            self._reap()
            for number_, channel in list(self._channels.items()):
                self._carry(number_, channel)

    def _wait(self) -> list[tuple[int, int]]:
        poll = select.poll()
        poll.register(self._port, select.POLLIN | (select.POLLOUT if self._out else 0))
        for channel in self._channels.values():
            if channel.open and len(self._out) < MOST:
                poll.register(channel.stdout, select.POLLIN)
            if channel.waiting:
                poll.register(channel.stdin, select.POLLOUT)
        return poll.poll(TICK_SECONDS * 500)

    def _flush(self) -> None:
        with contextlib.suppress(BlockingIOError):
            del self._out[: os.write(self._port, self._out[:_PIECE])]

    def _listen(self) -> bool:
        """Take what the host sent; return whether there is still a host."""
        try:
            data = os.read(self._port, _PIECE)
        except BlockingIOError:
            return True
        except OSError:
            return False
        if not data:
            return False
        for kind, channel, payload in self._frames.feed(data):
            if kind == OPEN:
                self._open(channel, json.loads(payload))
            elif channel in self._channels and kind == DATA:
                self._channels[channel].waiting += payload
            elif channel in self._channels and kind == KILL:
                self._channels[channel].child.send_signal(signal.SIGKILL)
        self._out += frame(ACK, 0, number(len(data)))
        return True

    def _open(self, channel: int, arguments: list[str]) -> None:
        try:
            self._channels[channel] = _Channel([*self._command, *arguments])
        except OSError as error:
            self._end(channel, 127, f"cannot start a probe: {error}")

    def _end(self, channel: int, code: int, words: str) -> None:
        self._out += frame(END, channel, json.dumps({"code": code, "stderr": words}).encode())

    def _reap(self) -> None:
        """Take the status of whoever ended: the first process inherits the orphans of all others."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            for channel in self._channels.values():
                if channel.child.pid == pid:
                    channel.status = channel.child.returncode = os.waitstatus_to_exitcode(status)

    def _carry(self, number_: int, channel: _Channel) -> None:
        """Move what can be moved to and from a probe."""
        if channel.waiting:
            try:
                del channel.waiting[: os.write(channel.stdin, channel.waiting[:_PIECE])]
            except BlockingIOError:
                pass
            except OSError:
                channel.waiting.clear()  # it does not listen any more
        poll = select.poll()
        poll.register(channel.stdout, select.POLLIN)
        while channel.open and len(self._out) < MOST and poll.poll(0):
            data = os.read(channel.stdout, _PIECE)
            if data:
                self._out += frame(DATA, number_, data)
            else:
                channel.open = False
        # A role that outlives its probe may hold the pipe open: a probe that ended has said all.
        if channel.status is not None and (not channel.open or not poll.poll(0)):
            self._end(number_, channel.status, channel.last_words())
            channel.close()
            del self._channels[number_]


def load_modules(directory: str) -> dict[str, str]:
    """Load the kernel modules of a directory in the order of their names; return what failed, and why."""
    failed = {}
    libc = ctypes.CDLL(None, use_errno=True)
    for path in sorted(Path(directory).glob("*.ko")):
        with path.open("rb") as file:
            image = file.read()
        if libc.syscall(_INIT_MODULE[os.uname().machine], image, len(image), b"") != 0:
            failed[path.stem] = os.strerror(ctypes.get_errno())
    return failed


_INIT_MODULE = {"x86_64": 175, "aarch64": 105}


def _mount() -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    for kind, place in MOUNTS:
        Path(place).mkdir(exist_ok=True)
        libc.mount(kind.encode(), place.encode(), kind.encode(), 0, None)
    Path("/tmp").chmod(0o1777)  # noqa: S108 - of the guest


def open_port() -> tuple[int, int]:
    """Return a descriptor of the way out, and how many bytes it may be ahead: a virtio or serial port."""
    deadline = time.monotonic() + _PORT_PATIENCE
    while time.monotonic() < deadline and Path("/sys/bus/virtio").exists():
        for port in Path("/dev").glob("vport*p1"):
            return os.open(port, os.O_RDWR | os.O_CLOEXEC), _WINDOW
        time.sleep(0.02)
    import termios
    import tty

    port_ = os.open(os.environ.get(PORT, "/dev/ttyS1"), os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)
    tty.setraw(port_)
    settings = termios.tcgetattr(port_)
    settings[4] = settings[5] = termios.B115200
    termios.tcsetattr(port_, termios.TCSANOW, settings)
    return port_, _SERIAL_WINDOW


def main() -> None:
    """Be the first process of a guest."""
    import resource

    _mount()
    os.environ.update(PATH="/usr/bin:/bin", HOME="/", LANG="C.UTF-8")
    resource.setrlimit(resource.RLIMIT_NOFILE, (1024, 1 << 20))
    failed = load_modules("/modules")
    print("agent: modules that failed:", failed, flush=True)
    port, window = open_port()
    command = [sys.executable, "-s", "-S", "-E", "/probes"]
    Agent(port, command, {"failed": failed, "window": window}).serve()


if __name__ == "__main__":
    main()
