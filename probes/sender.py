"""The sender's half of a role: datagrams from pooled source ports, TCP connections, and the fence.

Sender sockets are made once per profile (address family, SO_BROADCAST, outgoing interface, ...) and kept:
a source port costs 9 us to make and 3.5 us to use again. The *fence* is a unicast datagram to a socket of
our own, sent after the datagrams of the experiment from the same CPU: silence of the others counts only
once it has arrived.
"""

from __future__ import annotations

import errno
import os
import socket
import struct
import sys
import time
from typing import Any, Dict, List, Mapping, Optional, Tuple

import errnos
import options
import payload
import platforms
from place import socket_address

_PATIENCE = 5  # timed-out connections after which the rest are not tried

UNTRIED = "untried"
"""In place of an errno name: too many connections before had timed out."""

Result = Tuple[int, int, Optional[str]]
Entry = Tuple[int, int, int, str, int, int, List[int]]
Fence = Tuple[int, str, Optional[int], int]


def connect_timeout(platform: str) -> float:
    """Return the seconds in which a connection over a loopback is made or refused, with much to spare.

    Windows asks a closed port again for two seconds before it calls that a refusal.
    """
    return 4.0 if platform == "win32" else 1.0


def impatient(platform: str, constants: Mapping[str, Any]) -> int:
    """Return the flag of a socket that connects without waiting for it; 0 where it has to wait.

    `constants` are those of the module `socket`. See `_tell`.
    """
    return int(constants.get("SOCK_NONBLOCK", 0)) if platform == "linux" else 0


_RESET = options.resetting(platforms.system(sys.platform))
_CONNECT_TIMEOUT = connect_timeout(sys.platform)
_IMPATIENT = impatient(sys.platform, vars(socket))
_STREAM = socket.SOCK_STREAM | _IMPATIENT


class Sender:
    """Sends for all trials, pinned to one CPU so that the order of its datagrams is the order sent."""

    def __init__(self, nonce: bytes, cpu: Optional[int]) -> None:
        self.nonce = nonce
        self._cpu = cpu
        self.pools: Dict[int, List[socket.socket]] = {}
        self.fences: List[socket.socket] = []
        self.connections: List[socket.socket] = []
        self._abroad: Dict[int, Optional[socket.socket]] = {}
        self.token = 0

    def stay(self) -> None:
        """Stay on one CPU from the first datagram on: the order sent is then the order in its backlog."""
        if self._cpu is not None and hasattr(os, "sched_setaffinity"):
            try:
                os.sched_setaffinity(0, {self._cpu})
            except OSError:
                pass
        self._cpu = None

    def prepare(
        self, number: int, family: int, options: List[Tuple[int, int, Any]], ports: List[int]
    ) -> List[Any]:
        """Make sure that pool `number` has a socket for each of `ports`; return the errno or None.

        The sockets are bound to the wildcard address. A port that somebody else holds is replaced by
        one of the system's choice (no reuse option is set, so it is nobody's).
        """
        self.stay()
        pool = self.pools.setdefault(number, [])
        try:
            for port in ports[len(pool) :]:
                sock = socket.socket(family, socket.SOCK_DGRAM)
                for level, option, value in options:
                    sock.setsockopt(level, option, value)
                wildcard = "::" if family == socket.AF_INET6 else "0.0.0.0"  # noqa: S104
                try:
                    sock.bind((wildcard, port))
                except OSError:
                    sock.bind((wildcard, 0))
                sock.settimeout(2.0)
                pool.append(sock)
        except OSError as error:
            return [errnos.name(error)]
        return [None]

    def drop(self) -> None:
        """Reset the connections of the window: SO_LINGER 0 leaves nothing in TIME_WAIT."""
        for connection in self.connections:
            connection.close()
        self.connections.clear()

    def send(
        self,
        entries: List[Entry],
        fences: List[Fence],
        patience: float,
    ) -> Tuple[Dict[int, Result], bool]:
        """Send `entries` and then the fence.

        An entry is (index, trial, label, destination, port, pool, sequence numbers).
        Returns ({index: (sent, 0, errno name)} for the entries that failed, fence heard).
        """
        failed: Dict[int, Result] = {}
        sequences = payload.SEQUENCES
        for index, trial, label, host, port, pool_number, numbers in entries:
            head = payload.head(self.nonce, trial) + bytes((label,))
            pool = self.pools[pool_number]
            address = socket_address(host, port)
            sent = 0
            try:
                for number in numbers:
                    pool[number >> 1].sendto(head + sequences[number], address)
                    sent += 1
            except OSError as error:
                done = sum(1 << number for number in numbers[:sent])
                failed[index] = (done, 0, errnos.name(error))
        return failed, self.fence(fences, patience)

    def connect(
        self,
        entries: List[Entry],
        fences: List[Fence],
        patience: float,
    ) -> Tuple[Dict[int, Result], bool]:
        """Connect once per sequence number and then send the fence.

        An entry is (index, trial, label, destination, port, family, sequence numbers).
        Returns ({index: (connected, refused, errno name of any other failure)} for the entries that
        failed, fence heard). The connections stay open until `drop`.
        """
        failed: Dict[int, Result] = {}
        sequences = payload.SEQUENCES
        timed_out = 0
        for index, trial, label, host, port, family, numbers in entries:
            head = payload.head(self.nonce, trial) + bytes((label,))
            connected = refused = 0
            problem = None
            for number in numbers:
                if timed_out >= _PATIENCE:
                    problem = UNTRIED
                    break
                sock = socket.socket(family, _STREAM)
                try:
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
                    _tell(sock, (host, port), head + sequences[number])
                except OSError as error:
                    sock.close()
                    name = errnos.name(error)
                    if name == "ECONNREFUSED":
                        refused |= 1 << number
                        continue
                    timed_out += name == "ETIMEDOUT"
                    problem = name
                    break
                self.connections.append(sock)
                connected |= 1 << number
            if refused or problem:
                failed[index] = (connected, refused, problem)
        return failed, self.fence(fences, patience)

    def fence(self, fences: List[Fence], patience: float) -> bool:
        """Send one datagram to each of our own fence sockets; True when all arrived in `patience` s.

        A fence is (address family, own address, descriptor of the network namespace or None for this one,
        port or 0 for any): with a socket on another host of the lab it closes off the link between them.
        """
        self.stay()
        try:
            while len(self.fences) < len(fences):
                fence = fences[len(self.fences)]
                if fence[2] is not None:
                    self._abroad[len(self.fences)] = None
                self.fences.append(_fence_socket(*fence))
            self.token += 1
            message = self.nonce + b"fence" + struct.pack("<I", self.token)
            deadline = time.monotonic() + patience
            for position, sock in enumerate(self.fences):
                self._sources(position, sock).sendto(message, sock.getsockname())
            return all(self._arrives(sock, message, deadline) for sock in self.fences)
        except OSError:
            return False

    def _sources(self, position: int, fence: socket.socket) -> socket.socket:
        """Return the socket that sends to a fence: itself, or one of this host for one on another."""
        if position not in self._abroad:
            return fence
        source = self._abroad[position]
        if source is None:
            source = self._abroad[position] = socket.socket(fence.family, socket.SOCK_DGRAM)
        return source

    @staticmethod
    def _arrives(sock: socket.socket, message: bytes, deadline: float) -> bool:
        while True:
            try:
                if sock.recv(payload.MAXIMUM) == message:
                    return True
            except OSError:
                pass
            if time.monotonic() > deadline:
                return False


def _tell(sock: socket.socket, address: Tuple[str, int], message: bytes) -> None:
    """Connect and send. Raises OSError, also after _CONNECT_TIMEOUT.

    From a socket that does not wait, the handshake over a loopback of Linux is done when connect(2)
    returns; waiting for it to say so would cost three system calls more.
    """
    if not _IMPATIENT:
        sock.settimeout(_CONNECT_TIMEOUT)
        sock.connect(address)
        sock.send(message)
        return
    number = sock.connect_ex(address)
    if number not in (0, errno.EINPROGRESS):
        raise OSError(number, os.strerror(number))
    try:
        sock.send(message)
    except BlockingIOError:
        sock.settimeout(_CONNECT_TIMEOUT)
        sock.send(message)  # waits until it is connected, or refused


def _fence_socket(family: int, host: str, namespace: Optional[int], port: int) -> socket.socket:
    """Return a socket that waits for fences. Raises OSError."""
    if namespace is None:
        return _waiting(family, host, port)
    import namespaces  # Linux only, as is a lab of several hosts

    home = namespaces.current()
    try:
        namespaces.setns(namespace)
        try:
            return _waiting(family, host, port)
        finally:
            namespaces.setns(home)
    finally:
        os.close(home)


def _waiting(family: int, host: str, port: int) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_DGRAM)
    sock.bind((host, port))
    sock.settimeout(0.05)
    return sock
