"""One role: a process of its own that opens, drains and closes the sockets of the trials it is told.

A *trial* is one cell measured once, on a port of its own. The conductor's requests are tuples, each
answered by one message:

    ("do", [(trial, port, group, program number)], {program number: program})  -> {trial: "bind EADDRINUSE"}
    ("drain",)   -> ({trial: {label: (heard, again)}}, {trial: foreign datagrams})
    ("close",)   -> number of our own datagrams found after the last drain
    ("send", [...]), ("connect", [...]), ("hang up",)  -> see sender.py

`heard` and `again` are bitmaps of sequence numbers (see payload.py).
"""

from __future__ import annotations

import gc
import os
import socket
import sys
from typing import Any, Dict, List, Optional, Tuple

import errnos
import frames
import payload
import sender

SOCKET, SET, BIND, LISTEN, JOIN = range(5)
CALLS = ("socket", "set", "bind", "listen", "join")

_READ_TIMEOUT = 0.5  # seconds for the payload of an accepted connection; it was sent before the fence
_NONBLOCK = getattr(socket, "SOCK_NONBLOCK", 0)

Heard = Dict[int, Dict[int, Tuple[int, int]]]


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
        for trial, port, group, number in entries:
            operations = self.programs[number]
            if operations[0][0] != SOCKET and trial not in self.sockets:
                continue  # its socket was refused in an earlier round
            operation: Tuple[Any, ...] = ()
            try:
                for operation in operations:
                    self._perform(operation, trial, port, group)
            except OSError as error:
                call = CALLS[operation[0]] if operation[0] != SET else "set " + operation[4]
                failures[trial] = call + " " + errnos.name(error)
                if operation[0] <= BIND:
                    self._drop(trial)
        return failures

    def _perform(self, operation: Tuple[Any, ...], trial: int, port: int, group: Optional[str]) -> None:
        code = operation[0]
        if code == SOCKET:
            _, family, kind = operation
            sock = socket.socket(family, kind | _NONBLOCK)
            if not _NONBLOCK:
                sock.setblocking(False)
            self.sockets[trial] = sock
            return
        sock = self.sockets[trial]
        if code == SET:
            sock.setsockopt(operation[1], operation[2], operation[3])
        elif code == BIND:
            sock.bind((operation[1] or group, port))
            if sock.type == socket.SOCK_DGRAM:
                self.bound[trial] = (sock, payload.head(self.nonce, trial))
        elif code == LISTEN:
            sock.listen(operation[1])
            self.listening[trial] = (sock, payload.head(self.nonce, trial))
        else:
            _, level, option, interface = operation
            sock.setsockopt(level, option, socket.inet_aton(group or "") + interface)

    def _drop(self, trial: int) -> None:
        sock = self.sockets.pop(trial, None)
        if sock is not None:
            sock.close()

    def drain(self) -> Tuple[Heard, Dict[int, int]]:
        """Read every socket until it is empty."""
        heard: Heard = {}
        foreign: Dict[int, int] = {}
        for trial, (sock, head) in self.bound.items():
            found, strangers = drain_datagrams(sock, head)
            if found:
                heard[trial] = found
            if strangers:
                foreign[trial] = strangers
        for trial, (sock, head) in self.listening.items():
            found, strangers = self._drain_connections(sock, head)
            if found:
                heard[trial] = found
            if strangers:
                foreign[trial] = strangers
        return heard, foreign

    def _drain_connections(
        self, listener: socket.socket, head: bytes
    ) -> Tuple[Dict[int, Tuple[int, int]], int]:
        """Accept until the queue is empty; a connection without our payload is a stranger's.

        The connections stay open until the batch is closed, so that the client is the one that resets
        them and nothing is left in TIME_WAIT.
        """
        found: Dict[int, Tuple[int, int]] = {}
        strangers = 0
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return found, strangers
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
            found, _ = drain_datagrams(sock, head)
            late += sum(bits.bit_length() > 0 for bits, _ in found.values())
        self.hang_up()
        for sock in self.sockets.values():
            sock.close()
        self.sockets.clear()
        self.bound.clear()
        self.listening.clear()
        return late


def drain_datagrams(sock: socket.socket, head: bytes) -> Tuple[Dict[int, Tuple[int, int]], int]:
    """Read a datagram socket until it is empty: ({label: (heard, again)}, foreign datagrams)."""
    found: Dict[int, Tuple[int, int]] = {}
    strangers = 0
    receive = sock.recv
    while True:
        try:
            data = receive(payload.MAXIMUM)
        except BlockingIOError:
            return found, strangers
        except OSError:
            # Windows reports an ICMP error of an earlier send here (WSAECONNRESET): not a datagram.
            strangers += 1
            if strangers > 100_000:
                return found, strangers
            continue
        if data[: payload.HEAD] == head:
            label = data[12]
            bits = 1 << (data[13] | data[14] << 8)
            if label in found:
                before, again = found[label]
                found[label] = (before | bits, again | before & bits)
            else:
                found[label] = (bits, 0)
        else:
            strangers += 1
            if strangers > 100_000:  # a flood: never let it keep us here
                return found, strangers


def main() -> None:
    """Serve requests on standard input until it is closed."""
    requests, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # a stray print must not break the framing
    nonce, cpu = frames.read(requests)
    role = Role(nonce)
    voice = sender.Sender(nonce, cpu)
    gc.disable()
    handlers = {
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
