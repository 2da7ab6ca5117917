"""A nursery: a process that has read all a role needs, and forks one in a moment. Linux only.

To start Python anew for every role takes some hundredths of a second, on an emulated processor a third
of one, and a careful run (--fresh) starts some for every cell. A forked role is as new as any other: the
nursery opens no socket of the experiment and holds nothing but its own line to the conductor.

The line carries packets: `fork NAME` with two descriptors is answered by a process id; `kill PID` is not
answered; `reap PID` is when that process has ended, `ended PID` at once with 0 or 1.
"""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from typing import IO, List, Optional, Sequence, Set

_MESSAGE = 64  # bytes


def supported(platform: str) -> bool:
    """Tell whether there can be one: where fork(2) is safe, and descriptors can be sent (unix(7))."""
    return platform == "linux"


class Nursery:
    """The conductor's end of it. `descriptors` are what every role inherits. Raises OSError."""

    def __init__(self, descriptors: Sequence[int] = ()) -> None:
        self._line, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._lock = threading.Lock()
        number = theirs.fileno()
        with theirs:
            self._process = subprocess.Popen(
                [*command(), "--nursery", str(number)],
                stdin=subprocess.DEVNULL,
                pass_fds=[number, *descriptors],
            )

    def fork(self, name: str) -> Forked:
        """Return a new role, which ps(1) shows by its name. Raises OSError."""
        request, to_role = os.pipe()
        from_role, answers = os.pipe()
        try:
            with self._lock:
                socket.send_fds(self._line, [f"fork {name}".encode()], [request, answers])
                pid = int(self._line.recv(_MESSAGE) or b"0")
            if not pid:
                raise OSError(None, "the nursery has ended")
        except OSError:
            os.close(to_role)
            os.close(from_role)
            raise
        finally:
            os.close(request)
            os.close(answers)
        return Forked(self, pid, to_role, from_role)

    def tell(self, word: str, pid: int) -> None:
        """Say what is not answered. An end of the nursery is the end of its roles, too."""
        try:
            self._line.send(f"{word} {pid}".encode())
        except OSError:
            pass

    def ask(self, word: str, pid: int) -> bool:
        """Say what is answered with yes or no; without a nursery the answer is yes."""
        try:
            with self._lock:
                self._line.send(f"{word} {pid}".encode())
                return self._line.recv(_MESSAGE) != b"0"
        except OSError:
            return True

    def stop(self) -> None:
        """End it, and its roles with it."""
        self._line.close()
        self._process.wait()


class Forked:
    """A role that was forked: what RoleProcess needs of a subprocess.Popen."""

    def __init__(self, nursery: Nursery, pid: int, to_role: int, from_role: int) -> None:
        self.pid = pid
        self.stdin: Optional[IO[bytes]] = os.fdopen(to_role, "wb")
        self.stdout: Optional[IO[bytes]] = os.fdopen(from_role, "rb")
        self._nursery = nursery
        self._over = False

    def kill(self) -> None:
        """End it with SIGKILL."""
        if not self._over:
            self._nursery.tell("kill", self.pid)

    def wait(self, timeout: Optional[float] = None) -> None:
        """Wait until it has ended; without a limit only once it was killed. Raises TimeoutExpired."""
        if timeout is None:
            self._over = self._over or self._nursery.ask("reap", self.pid)
            return
        deadline = time.monotonic() + timeout
        while not self._over:
            self._over = self._nursery.ask("ended", self.pid)
            if not self._over:
                if time.monotonic() > deadline:
                    raise subprocess.TimeoutExpired("role", timeout)
                time.sleep(0.001)


def command() -> List[str]:
    """Return what starts this program anew, but for its arguments."""
    # Without site: it only costs time.
    return [sys.executable, "-s", "-S", "-E", sys.path[0] or os.curdir]


def main(number: int) -> None:
    """Serve the line with that descriptor until the conductor closes it."""
    import role  # noqa: F401 - for the roles to be

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the conductor's
    gc.freeze()
    line = socket.socket(fileno=number)
    children: Set[int] = set()
    while True:
        data, descriptors, _, _ = socket.recv_fds(line, _MESSAGE, 2)
        word, _, argument = data.decode().partition(" ")
        if not word:
            break
        if word == "fork":
            pid = os.fork()
            if pid == 0:
                line.close()
                _become_role(argument, descriptors)
            for descriptor in descriptors:
                os.close(descriptor)
            children.add(pid)
            line.send(str(pid).encode())
            continue
        _care(line, children, word, int(argument))
    for pid in children:
        os.kill(pid, signal.SIGKILL)


def _become_role(name: str, descriptors: Sequence[int]) -> None:
    """Be a role that talks over a pair of pipes, and never return."""
    import role

    try:
        with contextlib.suppress(OSError), open("/proc/self/comm", "w") as comm:
            comm.write(f"role {name}")  # proc(5): cut to 15 characters
        for standard, descriptor in enumerate(descriptors):
            os.dup2(descriptor, standard)
            os.close(descriptor)
        role.main()
        os._exit(0)
    except BaseException:
        sys.excepthook(*sys.exc_info())
        os._exit(1)


def _care(line: socket.socket, children: Set[int], word: str, pid: int) -> None:
    """Kill or reap a child. Its number stays its own until it is reaped."""
    if word == "kill":
        if pid in children:
            os.kill(pid, signal.SIGKILL)
        return
    over = pid not in children or os.waitpid(pid, os.WNOHANG if word == "ended" else 0)[0] == pid
    if over:
        children.discard(pid)
    line.send(b"1" if over else b"0")
