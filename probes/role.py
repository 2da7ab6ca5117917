"""One role: a process of its own that opens, drains and closes the sockets of the trials it is told.

A *trial* is one cell measured once, on a port of its own. The conductor's requests are tuples, each
answered by one message:

    ("do", [(trial, port, group, number of its program, first voice)], {number: program})
                 -> ({trial: "bind EADDRINUSE"}, told or None)
    ("drain",)   -> ({trial: heard, or {label: (heard, again)}}, {trial: foreign datagrams})
    ("close",)   -> number of our own datagrams found after the last drain
    ("send", [...]), ("connect", [...]), ("hang up",)  -> see sender.py
    ("here", surroundings, fences), ("exit",)  no answer; what acts need to know of the lab, and the end

`heard` and `again` are bitmaps of sequence numbers (see payload.py); a plain number is label 0. `told` is
what acts (acts.py) had to say, see talk.py. A process may have further sockets of each trial, by name:
the first three requests then end with the name.
"""

from __future__ import annotations

import errno
import gc
import os
import signal
import socket
import sys
from typing import Any, Callable, Dict, List, Optional, Set, Tuple, Union

import errnos
import frames
import payload
import sender
from drain import Found, drain_connections, drain_datagrams
from opcodes import ACT, BEFORE_BOUND, BIND, LISTEN, SET, SOCKET, call
from place import Place, Surroundings
from talk import Talk, Told

_NONBLOCK = getattr(socket, "SOCK_NONBLOCK", 0)

Heard = Dict[int, Union[int, Found]]


class Role:
    """The sockets of one role, by trial: one each, and each further one by its name in a `sibling`."""

    def __init__(self, nonce: bytes, voice: Optional[sender.Sender] = None) -> None:
        self.nonce = nonce
        self.voice = voice
        self.surroundings = Surroundings({}, {}, (0, 0))
        self.fences: List[Any] = []
        self.programs: Dict[int, List[Tuple[Any, ...]]] = {}
        self.sockets: Dict[int, socket.socket] = {}
        self.bound: Dict[int, Tuple[socket.socket, bytes]] = {}
        self.listening: Dict[int, Tuple[socket.socket, bytes]] = {}
        self.kept: List[socket.socket] = []
        self.refused: Set[int] = set()
        self.siblings: Dict[str, Role] = {"": self}
        self._first = True

    def here(self, surroundings: Tuple[Any, ...], fences: List[Any]) -> None:
        """Learn what the lab's addresses are called, and where this role's fence goes."""
        self.surroundings = Surroundings(*surroundings)
        self.fences = fences

    def sibling(self, name: str) -> Role:
        """Return the keeper of the sockets `name` of this process."""
        if name not in self.siblings:
            made = Role(self.nonce, self.voice)
            made.programs = self.programs
            made.siblings = self.siblings
            made._first = False
            made.here(self.surroundings, self.fences)
            self.siblings[name] = made
        return self.siblings[name]

    def do(
        self,
        entries: List[Tuple[int, int, Optional[str], int, int]],
        programs: Dict[int, List[Tuple[Any, ...]]],
        name: str = "",
    ) -> Tuple[Dict[int, str], Optional[Told]]:
        """Perform a program for every entry; return the call and the errno name of each that failed."""
        if name:
            return self.sibling(name).do(entries, programs)
        self.programs.update(programs)
        failures = {}
        sockets = self.sockets
        talk = None
        for trial, port, group, number, first_voice in entries:
            operations = self.programs[number]
            sock = sockets.get(trial)
            if trial in self.refused and operations[0][0] != SOCKET:
                continue  # in an earlier round
            operation: Tuple[Any, ...] = ()
            try:
                for operation in operations:
                    code = operation[0]
                    if code == SOCKET:
                        if trial in sockets:
                            self._drop(trial)
                        sock = self.make(operation[1], operation[2])
                        sockets[trial] = sock
                        self.refused.discard(trial)
                        continue
                    if code == ACT:
                        if talk is None:
                            talk = Talk(self)
                        talk.act(operation, Place(self, trial, port, group or ""), first_voice)
                        sock = sockets.get(trial)
                        continue
                    if sock is None:  # closed in an earlier turn
                        raise OSError(errno.EBADF, os.strerror(errno.EBADF))
                    if code == SET:
                        sock.setsockopt(operation[1], operation[2], operation[3])
                    elif code == BIND:
                        sock.bind((operation[1] or group, port))
                        if operation[2]:
                            self.hear(trial)
                    elif code == LISTEN:
                        sock.listen(operation[1])
                        self.accept_from(trial)
                    else:
                        membership = socket.inet_aton(group or "") + operation[3]
                        sock.setsockopt(operation[1], operation[2], membership)
            except OSError as error:
                failed = call(operation)
                failures[trial] = failed + " " + errnos.name(error)
                if failed.startswith(BEFORE_BOUND):
                    self._drop(trial)
                    self.refused.add(trial)
        return failures, None if talk is None else talk.told()

    @staticmethod
    def make(family: int, kind: int) -> socket.socket:
        """Return a new socket that never waits."""
        made = socket.socket(family, kind | _NONBLOCK)
        if not _NONBLOCK:
            made.setblocking(False)
        return made

    def hear(self, trial: int) -> None:
        """Read the datagrams of a bound socket from now on."""
        self.bound[trial] = (self.sockets[trial], payload.head(self.nonce, trial) + b"\0")

    def accept_from(self, trial: int) -> None:
        """Accept the connections of a listening socket from now on."""
        self.listening[trial] = (self.sockets[trial], payload.head(self.nonce, trial))

    def adopt(self, trial: int, sock: socket.socket) -> None:
        """Take a socket that was made elsewhere, in place of the one there is."""
        self._drop(trial)
        self.refused.discard(trial)
        self.sockets[trial] = sock

    def forget(self, trial: int) -> None:
        """Leave a socket alone that is about to be closed."""
        for sockets in (self.sockets, self.bound, self.listening):
            sockets.pop(trial, None)

    def is_open(self, trial: int) -> bool:
        """Tell whether the trial's socket can hear: bound for datagrams, or listening."""
        return trial in self.bound or trial in self.listening

    def _drop(self, trial: int) -> None:
        self.bound.pop(trial, None)
        self.listening.pop(trial, None)
        sock = self.sockets.pop(trial, None)
        if sock is not None:
            sock.close()

    def drain(self, name: str = "") -> Tuple[Heard, Dict[int, int]]:
        """Read every socket until it is empty."""
        if name:
            return self.sibling(name).drain()
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
            found, strangers = drain_connections(sock, head[: payload.HEAD], self.kept)
            if found:
                heard[trial] = found
            if strangers:
                foreign[trial] = strangers
        return heard, foreign

    def hang_up(self) -> None:
        """Close the accepted connections, those of siblings too."""
        self._hang_up()
        for other in self._others():
            other.hang_up()

    def _hang_up(self) -> None:
        for connection in self.kept:
            connection.close()
        self.kept.clear()

    def _others(self) -> List[Role]:
        return [one for one in self.siblings.values() if one is not self] if self._first else []

    def close(self) -> int:
        """Close everything, siblings too; return how many counted datagrams came after the last drain."""
        late = 0
        for sock, head in self.bound.values():
            try:
                first = sock.recv(payload.MAXIMUM)
            except OSError:
                continue
            found, _ = drain_datagrams(sock, head[: payload.HEAD], first, 0)
            late += len(found)
        late += sum(other.close() for other in self._others())
        self._hang_up()
        for sock in self.sockets.values():
            sock.close()
        self.sockets.clear()
        self.refused.clear()
        self.bound.clear()
        self.listening.clear()
        return late


def main() -> None:
    """Serve requests on standard input until it is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the conductor's; we end with our input
    requests, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # a stray print must not break the framing
    nonce, cpu, place = frames.read(requests)
    _go(place)
    voice = sender.Sender(nonce, cpu)
    role = Role(nonce, voice)
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
        if name == "exit":
            return
        if name == "here":
            role.here(*arguments)
            continue
        frames.write(answers, handlers[name](*arguments))


def _go(place: Dict[str, Any]) -> None:
    """Move to another host of the lab (`host`: descriptor of its namespace), become another `user`.

    Supplementary groups go first: setgroups(2) needs the privilege that setuid(2) gives up.
    """
    if place.get("host") is not None:
        import namespaces

        namespaces.setns(place["host"])
    if place.get("user") is not None:
        import ctypes  # noqa: F401 - acts may need them, and another user may not read Python's files
        import fcntl  # noqa: F401
        import termios  # noqa: F401

        os.setgroups([])
        os.setgid(place["user"])
        os.setuid(place["user"])
