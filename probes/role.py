"""One role: a process of its own that opens, drains and closes the sockets of the trials it is told.

A *trial* is one cell measured once, on a port of its own. The conductor's requests are tuples, each
answered by one message:

    ("do", [(trial, port, group, number of its program)], {number: program})
                 -> {trial: "bind EADDRINUSE"}
    ("drain",)   -> ({trial: heard, or {label: (heard, again)}}, {trial: foreign datagrams})
    ("close",)   -> number of our own datagrams found after the last drain
    ("send", [...]), ("connect", [...]), ("hang up",)  -> see sender.py

`heard` and `again` are bitmaps of sequence numbers (see payload.py); a plain number is label 0.
"""

from __future__ import annotations

import gc
import os
import signal
import socket
import sys
from typing import Any, Callable, Dict, List, Optional, Tuple, Union

import errnos
import frames
import payload
import sender

SOCKET, SET, BIND, LISTEN, JOIN = range(5)
CALLS = ("socket", "set", "bind", "listen", "join")

_READ_TIMEOUT = 0.5  # seconds for the payload of an accepted connection; it was sent before the fence
_FLOOD = 100_000  # foreign datagrams after which a socket is left alone
_NONBLOCK = getattr(socket, "SOCK_NONBLOCK", 0)

Found = Dict[int, Tuple[int, int]]
Heard = Dict[int, Union[int, Found]]


class Role:
    """The sockets of one role, by trial."""

    def __init__(self, nonce: bytes) -> None:
        self.nonce = nonce
        self.programs: Dict[int, List[Tuple[Any, ...]]] = {}
        self.sockets: Dict[int, socket.socket] = {}
        self.bound: Dict[int, Tuple[socket.socket, bytes]] = {}
        self.listening: Dict[int, Tuple[socket.socket, bytes]] = {}
        self.kept: List[socket.socket] = []

    def do(
        self,
        entries: List[Tuple[int, int, Optional[str], int]],
        programs: Dict[int, List[Tuple[Any, ...]]],
    ) -> Dict[int, str]:
        """Perform a program for every entry; return the call and the errno name of each that failed."""
        self.programs.update(programs)
        failures = {}
        sockets = self.sockets
        for trial, port, group, number in entries:
            operations = self.programs[number]
            sock = sockets.get(trial)
            if sock is None and operations[0][0] != SOCKET:
                continue  # refused in an earlier round
            operation: Tuple[Any, ...] = ()
            try:
                for operation in operations:
                    code = operation[0]
                    if code == SOCKET:
                        sock = socket.socket(operation[1], operation[2] | _NONBLOCK)
                        if not _NONBLOCK:
                            sock.setblocking(False)
                        sockets[trial] = sock
                        continue
                    assert sock is not None
                    if code == SET:
                        sock.setsockopt(operation[1], operation[2], operation[3])
                    elif code == BIND:
                        sock.bind((operation[1] or group, port))
                        if operation[2]:
                            self.bound[trial] = (sock, payload.head(self.nonce, trial) + b"\0")
                    elif code == LISTEN:
                        sock.listen(operation[1])
                        self.listening[trial] = (sock, payload.head(self.nonce, trial))
                    else:
                        membership = socket.inet_aton(group or "") + operation[3]
                        sock.setsockopt(operation[1], operation[2], membership)
            except OSError as error:
                call = CALLS[operation[0]] if operation[0] != SET else "set " + operation[4]
                failures[trial] = call + " " + errnos.name(error)
                if operation[0] <= BIND:
                    self._drop(trial)
        return failures

    def _drop(self, trial: int) -> None:
        self.bound.pop(trial, None)
        self.listening.pop(trial, None)
        sock = self.sockets.pop(trial, None)
        if sock is not None:
            sock.close()

    def drain(self) -> Tuple[Heard, Dict[int, int]]:
        """Read every socket until it is empty."""
        heard: Heard = {}
        foreign: Dict[int, int] = {}
        for trial, (sock, head) in self.bound.items():
            bits = 0
            receive = sock.recv
            try:
                # The usual case, one label and nothing unexpected, without a call for every socket.
                while True:
                    data = receive(payload.MAXIMUM)
                    bit = 1 << (data[13] | data[14] << 8)
                    if data[:13] != head or bits & bit:
                        break
                    bits |= bit
            except BlockingIOError:
                if bits:
                    heard[trial] = bits
                continue
            except (OSError, IndexError):
                data = b""
            found, strangers = drain_datagrams(sock, head[: payload.HEAD], data, bits)
            if found:
                heard[trial] = found
            if strangers:
                foreign[trial] = strangers
        for trial, (sock, head) in self.listening.items():
            found, strangers = self._drain_connections(sock, head[: payload.HEAD])
            if found:
                heard[trial] = found
            if strangers:
                foreign[trial] = strangers
        return heard, foreign

    def _drain_connections(self, listener: socket.socket, head: bytes) -> Tuple[Found, int]:
        """Accept until the queue is empty; a connection without our payload is a stranger's.

        The connections stay open until the batch is closed, so that the client is the one that resets
        them and nothing is left in TIME_WAIT.
        """
        found: Found = {}
        strangers = 0
        while True:
            try:
                connection, _ = listener.accept()
            except BlockingIOError:
                return found, strangers
            except (ConnectionAbortedError, InterruptedError):
                continue  # a stranger's that is gone already; any other error ends this role
            self.kept.append(connection)
            connection.settimeout(_READ_TIMEOUT)
            try:
                data = connection.recv(payload.MAXIMUM)
            except OSError:
                data = b""
            if data[: payload.HEAD] == head and len(data) >= payload.HEAD + 3:
                label = data[12]
                bits = 1 << (data[13] | data[14] << 8)
                before, again = found.get(label, (0, 0))
                found[label] = (before | bits, again | before & bits)
            else:
                strangers += 1

    def hang_up(self) -> None:
        """Close the accepted connections."""
        for connection in self.kept:
            connection.close()
        self.kept.clear()

    def close(self) -> int:
        """Close everything; return how many of our datagrams arrived after the last drain."""
        late = 0
        for sock, head in self.bound.values():
            try:
                first = sock.recv(payload.MAXIMUM)
            except OSError:
                continue
            found, _ = drain_datagrams(sock, head[: payload.HEAD], first, 0)
            late += len(found)
        self.hang_up()
        for sock in self.sockets.values():
            sock.close()
        self.sockets.clear()
        self.bound.clear()
        self.listening.clear()
        return late


def drain_datagrams(sock: socket.socket, head: bytes, data: bytes, bits: int) -> Tuple[Found, int]:
    """Read a datagram socket until it is empty: ({label: (heard, again)}, foreign datagrams).

    `data` was read already and comes first; `bits` were heard already under label 0. An empty `data`
    counts as foreign: on Windows it stands for the ICMP error of an earlier send (WSAECONNRESET).
    """
    found: Found = {0: (bits, 0)} if bits else {}
    strangers = 0
    while strangers < _FLOOD:
        if data[: payload.HEAD] == head and len(data) == payload.HEAD + 3:
            bit = 1 << (data[13] | data[14] << 8)
            before, again = found.get(data[12], (0, 0))
            found[data[12]] = (before | bit, again | before & bit)
        else:
            strangers += 1
        try:
            data = sock.recv(payload.MAXIMUM)
        except BlockingIOError:
            break
        except OSError:
            data = b""
    return found, strangers


def main() -> None:
    """Serve requests on standard input until it is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the conductor's; we end with our input
    requests, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # a stray print must not break the framing
    nonce, cpu = frames.read(requests)
    role = Role(nonce)
    voice = sender.Sender(nonce, cpu)
    gc.disable()
    handlers: Dict[str, Callable[..., Any]] = {
        "do": role.do,
        "drain": role.drain,
        "hang up": role.hang_up,
        "close": role.close,
        "prepare": voice.prepare,
        "send": voice.send,
        "connect": voice.connect,
        "drop": voice.drop,
    }
    while True:
        try:
            name, *arguments = frames.read(requests)
        except EOFError:
            return
        frames.write(answers, handlers[name](*arguments))
