"""A guest: a virtual machine's process, and the conversations with the probes in it.

The process talks frames (`agent.py`) over one end of a socket pair. What it says is read by a thread and
handed to the conversation it belongs to; a guest that says nothing for long is ended.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import select
import signal
import socket
import subprocess
import threading
import time
from typing import TYPE_CHECKING, Any, final

from sockmatrix.targets import agent
from sockmatrix.targets.conversation import Conversation, NotStartedError, reason

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

BOOT_PATIENCE = 120.0
"""Seconds until the first word of a guest: an emulated one on a busy machine takes a while."""

PATIENCE = 60.0
"""Seconds without any word, of which a guest says one every other second (`agent.TICK_SECONDS`)."""

_SIGNS = ("ptrace set", "Out of memory", "Kernel panic")
"""What a console says of an end, the most telling first; the first is of user-mode Linux on a
processor whose registers it does not know."""

_PIECE = 1 << 16
_LEAVE = 5.0  # seconds for a process to end that was killed, or has closed its end


@final
class Guest:
    """A running guest. `command` gets the descriptors that its process may talk over; it uses one.

    `console`: the file with what its kernel says. Raises NotStartedError where there is no such command.
    """

    def __init__(
        self,
        name: str,
        command: Callable[[list[int]], list[str]],
        console: Path,
        *,
        ports: int = 1,
    ) -> None:
        self.name = name
        self.console = console
        self.facts: dict[str, Any] = {}
        self._conversations: dict[int, _InGuest] = {}
        self._lock = threading.Lock()
        self._room = threading.Condition(self._lock)
        self._sending = threading.Lock()
        self._frames = agent.Frames()
        self._window = 0
        self._unread = 0
        self._opened = 0
        self._end: str | None = None
        self._ready = threading.Event()
        self._heard = time.monotonic()
        pairs = [socket.socketpair() for _ in range(ports)]
        self._sockets = self._ours = [ours for ours, _ in pairs]
        self._socket = self._sockets[0]
        descriptors = [theirs.fileno() for _, theirs in pairs]
        words = command(descriptors)
        try:
            with console.open("ab") as printed:
                self._process = subprocess.Popen(
                    words,
                    stdin=subprocess.DEVNULL,
                    stdout=printed,
                    stderr=subprocess.PIPE,
                    pass_fds=descriptors,
                    start_new_session=True,  # Ctrl-C is ours to handle
                )
        except OSError as error:
            for ours in self._ours:
                ours.close()
            what = error.filename or words[0]
            raise NotStartedError(f"cannot start {what}: {error.strerror or error}") from error
        finally:
            for _, theirs in pairs:
                theirs.close()
        threading.Thread(target=self._listen, daemon=True).start()

    def wait(self) -> None:
        """Wait until it has come up. Raises NotStartedError."""
        try:
            while not self._ready.wait(0.5):  # a limit keeps the main thread open to Ctrl-C
                pass
        except BaseException:
            self.stop()
            raise
        if self._end is not None:
            self.stop()
            raise NotStartedError(f"{self.name} did not start: {self._end}")

    @property
    def alive(self) -> bool:
        """Whether it can be talked to."""
        return self._end is None

    def open(self, arguments: list[str]) -> Conversation:
        """Start a probe in the guest."""
        with self._lock:
            self._opened += 1
            conversation = _InGuest(self, self._opened)
            self._conversations[self._opened] = conversation
            if self._end is not None:
                conversation.ended(self._end)
        with contextlib.suppress(OSError):  # then the conversation is told
            self.send(agent.OPEN, conversation.channel, json.dumps(arguments).encode())
        return conversation

    def send(self, kind: int, channel: int, payload: bytes = b"") -> None:
        """Send a frame, as fast as the guest reads. Raises OSError when it is gone."""
        data = memoryview(agent.frame(kind, channel, payload))
        with self._sending:
            while data:
                with self._room:
                    while self._unread >= self._window and self._end is None:
                        self._room.wait(1.0)
                    if self._end is not None:
                        raise BrokenPipeError(self._end)
                    piece = data[: min(_PIECE, self._window - self._unread)]
                    self._unread += len(piece)
                self._socket.sendall(piece)
                data = data[len(piece) :]

    def _listen(self) -> None:
        end = ""
        try:
            while not end:
                data = self._hear()
                if data is None:
                    silent = time.monotonic() - self._heard
                    if silent > (PATIENCE if self._ready.is_set() else BOOT_PATIENCE):
                        end = f"it said nothing for {silent:.0f} s"
                    continue
                if not data:
                    break
                self._heard = time.monotonic()
                for kind, channel, payload in self._frames.feed(data):
                    self._take(kind, channel, payload)
        except OSError:
            pass
        except (agent.FrameError, ValueError, LookupError, TypeError):
            end = "it said something that is not its protocol"
        self._finish(end)

    def _hear(self) -> bytes | None:
        """Return what came, nothing at the end, None when nothing came for a second.

        The port that something comes from first is the one that is used.
        """
        poll = select.poll()
        for one in self._sockets:
            poll.register(one, select.POLLIN)
        for descriptor, _ in poll.poll(1000):
            (heard,) = [one for one in self._sockets if one.fileno() == descriptor]
            data = heard.recv(_PIECE)
            if data or len(self._sockets) == 1:
                self._socket, self._sockets = heard, [heard]
                return data
            self._sockets = [one for one in self._sockets if one is not heard]
        return None

    def _take(self, kind: int, channel: int, payload: bytes) -> None:
        if kind == agent.READY:
            self.facts = json.loads(payload)
            with self._room:
                self._window = int(self.facts["window"])
            self._ready.set()
        elif kind == agent.ACK:
            with self._room:
                self._unread -= agent.read_number(payload)
                self._room.notify_all()
        elif channel in self._conversations:
            conversation = self._conversations[channel]
            if kind == agent.DATA:
                conversation.heard(payload)
            elif kind == agent.END:
                told = json.loads(payload)
                conversation.ended(reason(str(told["stderr"]).encode(), int(told["code"])))

    def _finish(self, end: str) -> None:
        """Note the end and tell everybody; `end` is empty where the process knows more."""
        if end:
            self._kill()
        try:
            _, stderr = self._process.communicate(timeout=_LEAVE)
        except subprocess.TimeoutExpired:
            self._kill()
            _, stderr = self._process.communicate()
        end = end or self._reason(stderr, self._process.returncode)
        with self._room:
            self._end = end
            self._room.notify_all()
            conversations = list(self._conversations.values())
        for conversation in conversations:
            conversation.ended(f"{self.name}: {end}")
        with self._sending:
            for ours in self._ours:
                ours.close()
        self._ready.set()

    def _kill(self) -> None:
        """Kill the process, and those it has started: user-mode Linux is several."""
        with contextlib.suppress(OSError):
            os.killpg(self._process.pid, signal.SIGKILL)

    def _reason(self, stderr: bytes, code: int) -> str:
        """Return why it ended: what its kernel said, or else what its process did."""
        try:
            said = self.console.read_bytes()[-_PIECE:].decode("utf-8", "replace").splitlines()
        except OSError:
            said = []
        for sign in _SIGNS:
            for line in reversed(said):
                if sign in line:
                    return " ".join(line.split())
        return reason(stderr, code)

    def forget(self, channel: int) -> None:
        """End a probe, if it is still there."""
        with contextlib.suppress(OSError):
            self.send(agent.KILL, channel)

    def stop(self) -> None:
        """End the guest, and with it all that runs in it. Safe to call twice."""
        self._kill()
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._ready.wait(_LEAVE)
        self._process.wait()


class _InGuest:
    """The conversation with one probe of a guest."""

    def __init__(self, guest: Guest, channel: int) -> None:
        self.channel = channel
        self._guest = guest
        self._pieces: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self._lines: list[bytes] = []  # the next one last
        self._rest = b""
        self._over = False
        self._reason = ""
        self._ended = threading.Event()

    def heard(self, data: bytes) -> None:
        """Take a piece of what the probe says."""
        self._pieces.put(data)

    def ended(self, words: str) -> None:
        """Take note that it says no more, and why."""
        if not self._ended.is_set():
            self._reason = words
            self._ended.set()
            self._pieces.put(b"")

    def send(self, data: bytes) -> None:
        """Send whole lines."""
        if self._ended.is_set():
            raise BrokenPipeError(self._reason)
        for start in range(0, len(data), _PIECE):
            self._guest.send(agent.DATA, self.channel, data[start : start + _PIECE])

    def line(self) -> bytes:
        """Return the next whole line, empty when there is none."""
        while not self._lines and not self._over:
            piece = self._pieces.get()
            if not piece:
                self._over = True
                break
            *lines, self._rest = (self._rest + piece).split(b"\n")
            self._lines = lines[::-1]
        return self._lines.pop() + b"\n" if self._lines else b""

    def last_words(self) -> str:
        """Return why it ended."""
        if not self._ended.wait(_LEAVE):
            return "it says no more"
        return self._reason

    def stop(self) -> None:
        """End the probe; safe to call twice."""
        if not self._ended.is_set():
            self._guest.forget(self.channel)
            self.ended("stopped")
