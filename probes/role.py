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
what acts (acts.py) had to say, see `Told`. A process may have further sockets of each trial, by name: the
first three requests then end with the name.
"""

from __future__ import annotations

import gc
import os
import signal
import socket
import sys
from typing import Any, Callable, Dict, List, Optional, Set, Tuple, Union

import acts
import errnos
import frames
import payload
import sender

SOCKET, SET, BIND, LISTEN, JOIN, ACT = range(6)
CALLS = ("socket", "set", "bind", "listen", "join")
"""What every cell does, performed in one loop; ACT is any other operation (acts.py), or one labelled."""

_READ_TIMEOUT = 0.5  # seconds for the payload of an accepted connection; it was sent before the fence
_FLOOD = 100_000  # foreign datagrams after which a socket is left alone
_NONBLOCK = getattr(socket, "SOCK_NONBLOCK", 0)

Found = Dict[int, Tuple[int, int]]
Heard = Dict[int, Union[int, Found]]


Told = Tuple[Dict[int, Dict[str, str]], Dict[int, List[Tuple[int, int, str]]], List[int], Optional[bool]]
"""({trial: {label: note}}, {trial: [(voice, sent, errno)]}, trials without an open socket, fence heard).

The fence is None where nothing was sent.
"""


class Role:
    """The sockets of one role, by trial: one each, and each further one by its name in a `sibling`."""

    def __init__(self, nonce: bytes, voice: Optional[sender.Sender] = None) -> None:
        self.nonce = nonce
        self.voice = voice
        self.surroundings = acts.Surroundings({}, {}, (0, 0))
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
        self.surroundings = acts.Surroundings(*surroundings)
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
        told = None
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
                        sock = self._socket(operation)
                        sockets[trial] = sock
                        continue
                    if code == ACT:
                        if told is None:
                            told = _Talk(self)
                        told.act(operation, acts.Place(self, trial, port, group or ""), first_voice)
                        sock = sockets.get(trial)
                        continue
                    assert sock is not None
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
                failures[trial] = _call(operation) + " " + errnos.name(error)
                if _call(operation).startswith(_BEFORE_BOUND):
                    self._drop(trial)
                    self.refused.add(trial)
        return failures, None if told is None else told.all()

    def _socket(self, operation: Tuple[Any, ...]) -> socket.socket:
        made = socket.socket(operation[1], operation[2] | _NONBLOCK)
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
        self.sockets[trial] = sock

    def forget(self, trial: int) -> None:
        """Leave a socket alone that is about to be closed."""
        for sockets in (self.sockets, self.bound, self.listening):
            sockets.pop(trial, None)

    def is_open(self, trial: int) -> bool:
        """Tell whether the trial's socket can hear: bound for datagrams, or listening."""
        return trial in self.bound or trial in self.listening

    def device_symbol(self, device: str) -> str:
        """Return what an interface is called in this lab."""
        try:
            index = socket.if_nametoindex(device)
        except OSError:
            return "other"
        return self.surroundings.devices.get(index, "other")

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


_BEFORE_BOUND = ("socket", "set", "bind")


def _call(operation: Tuple[Any, ...]) -> str:
    """Return the call as a failure names it, with the option of a `set`."""
    if operation[0] == SET:
        return "set " + str(operation[4])
    return str(operation[2]) if operation[0] == ACT else CALLS[operation[0]]


class _Talk:
    """What the acts of one request told so far."""

    def __init__(self, role: Role) -> None:
        self.role = role
        self.notes: Dict[int, Dict[str, str]] = {}
        self.spoken: Dict[int, List[Tuple[int, int, str]]] = {}
        self.trials: Set[int] = set()
        self.talked = False

    def act(self, operation: Tuple[Any, ...], place: acts.Place, first_voice: int) -> None:
        """Perform one act, and note its result if it has a label. Raises OSError if it has none."""
        _, label, _, name, arguments = operation
        self.trials.add(place.trial)
        if name in acts.TALKING and not self.talked:
            self.talked = True
            if self.role.voice is not None:
                self.role.voice.stay()
        if name == "speak":
            host, port, voice, times = arguments
            sent, error = acts.speak(place, host, port, first_voice + voice, times)
            self.spoken.setdefault(place.trial, []).append((first_voice + voice, sent, error))
            return
        try:
            result = self._result(name, place, arguments)
        except OSError as error:
            if label is None:
                raise
            result = errnos.name(error)
        if label is not None:
            self.notes.setdefault(place.trial, {})[label] = result

    def _result(self, name: str, place: acts.Place, arguments: Tuple[Any, ...]) -> str:
        if name == "socket":
            place.role.adopt(place.trial, place.role._socket((SOCKET, *arguments)))
            return "ok"
        if name == "absent":
            return name
        try:
            return acts.ACTS[name](place, *arguments)
        except BlockingIOError:
            if name in _MAY_FIND_NOTHING:
                return acts.NOTHING
            raise
        except (ValueError, TypeError, AttributeError, OverflowError, ImportError) as error:
            # Python cannot do here what was asked; that is this act's failure, and no other cell's.
            raise OSError(None, str(error)) from error

    def all(self) -> Told:
        """Return it, with the fence if anything was sent."""
        shut = [trial for trial in self.trials if not self.role.is_open(trial)]
        fenced = None
        if self.talked and self.role.voice is not None:
            fenced = self.role.voice.fence(self.role.fences, _FENCE_PATIENCE)
        return self.notes, self.spoken, shut, fenced


_FENCE_PATIENCE = 2.0  # seconds
_MAY_FIND_NOTHING = ("receive", "errors", "accept")


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

        os.setgroups([])
        os.setgid(place["user"])
        os.setuid(place["user"])
