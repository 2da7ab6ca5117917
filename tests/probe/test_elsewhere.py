"""What Windows and macOS lack is asked for only where it is made sure of. Read, not executed.

The lists are those of Python's documentation ("Availability") and of typeshed, which says for each name
by `sys.platform` where it exists; `mypy --platform win32 probes` finds the same.
"""

from __future__ import annotations

import ast
from pathlib import Path
from typing import TYPE_CHECKING

import operations
import pytest
import resolver

if TYPE_CHECKING:
    from collections.abc import Iterator

PROBES = Path(operations.__file__).parent
FILES = sorted(PROBES.glob("*.py"))

LINUX = {
    *("os.unshare", "os.setns", "os.sched_getaffinity", "os.sched_setaffinity", "os.eventfd"),
    *("os.memfd_create", "os.pidfd_open", "os.pipe2", "os.splice", "os.getrandom", "os.setresuid"),
    *("socket.AF_NETLINK", "socket.AF_PACKET", "socket.NETLINK_ROUTE", "socket.SO_BINDTODEVICE"),
    *("socket.MSG_ERRQUEUE", "socket.MSG_MORE", "socket.MSG_CONFIRM", "socket.SO_DOMAIN"),
    *("select.epoll", "signal.pidfd_send_signal", "socket.SO_INCOMING_CPU", "socket.SO_MARK"),
}
"""What there is on Linux and not on macOS (nor on Windows)."""

UNIX = {
    *("os.fork", "os.forkpty", "os.geteuid", "os.getuid", "os.getegid", "os.getgid", "os.getgroups"),
    *("os.setuid", "os.setgid", "os.setgroups", "os.uname", "os.sysconf", "os.pathconf", "os.statvfs"),
    *("os.getpgid", "os.setsid", "os.killpg", "os.wait", "os.wait4", "os.getloadavg", "os.nice"),
    *("os.mkfifo", "os.posix_spawn", "os.O_CLOEXEC", "os.O_NONBLOCK", "os.set_blocking", "os.chroot"),
    *("socket.AF_UNIX", "socket.SO_REUSEPORT", "socket.CMSG_LEN", "select.poll"),
    *("signal.SIGKILL", "signal.SIGHUP", "signal.SIGUSR1", "signal.SIGUSR2", "signal.SIGCHLD"),
    *("signal.SIGALRM", "signal.SIGPIPE", "signal.SIGSTOP", "signal.alarm", "signal.setitimer"),
    *("signal.pthread_sigmask", "signal.sigwait", "signal.pause", "select.kqueue"),
}
"""What there is on systems like Unix and not on Windows."""

METHODS = {"sendmsg", "recvmsg", "recvmsg_into", "sendmsg_afalg"}
"""Of a socket, and not on Windows."""

MODULES = {"fcntl", "termios", "resource", "pwd", "grp", "pty", "tty", "syslog", "crypt", "spwd"}
"""That Windows does not have."""

ONLY_LINUX = {"namespaces", "netlink", "nursery"}
"""Modules with functions that only their own `supported`, or `operations.offered`, leads to."""

SURE = {
    ("lab", "find_way"): "after namespaces.supported()",
    ("lab", "_keeps_order"): "after namespaces.supported()",
    ("checkup", "check"): "after namespaces.supported()",
    ("role", "_go"): "a host or another user is of a private lab only",
    ("datagrams", "receive"): "after a return where there is no recvmsg",
    ("datagrams", "send"): "operations refuse ancillary data on Windows",
    ("datagrams", "errors"): "operations.offered: Linux",
    ("datagrams", "pending"): "operations.offered: not Windows",
    ("datagrams", "poll"): "operations.offered: not Windows",
    ("facts", "_time_waits"): "operations.offered: Linux",
    ("limits", "_raise_descriptors"): "where there is a module `resource`",
}
"""Functions in which what is lacking elsewhere is used, and what makes sure of it."""


def functions(module: ast.Module) -> Iterator[tuple[str, ast.AST]]:
    """Yield the statements of a module by the outermost function they are in; methods as functions."""
    for one in module.body:
        for own in one.body if isinstance(one, ast.ClassDef) else [one]:
            named = isinstance(own, (ast.FunctionDef, ast.ClassDef))
            yield own.name if named else "", own  # type: ignore[attr-defined]


def asked(node: ast.AST) -> set[str]:
    """Return what a function finds out to be there: `hasattr` and `getattr` with a default."""
    return {
        str(one.args[1].value)
        for one in ast.walk(node)
        if isinstance(one, ast.Call)
        and isinstance(one.func, ast.Name)
        and one.func.id in {"hasattr", "getattr"}
        and len(one.args) > 1
        and isinstance(one.args[1], ast.Constant)
    }


_PLATFORM = ("attr='platform'", "'system'", "Name(id='os', ctx=Load()), attr='name'")


def branches(node: ast.AST) -> Iterator[ast.AST]:
    """Yield all nodes but those in a branch that a test of `sys.platform` or `os.name` leads to."""
    waiting = [node]
    while waiting:
        one = waiting.pop()
        yield one
        tested = ast.dump(one.test) if isinstance(one, (ast.If, ast.IfExp)) else ""
        if not any(word in tested for word in _PLATFORM):
            waiting.extend(ast.iter_child_nodes(one))
        elif isinstance(one, (ast.If, ast.IfExp)):
            waiting.append(one.test)


def lacking(node: ast.AST) -> set[str]:
    """Return what a function uses that some system lacks, and that it does not make sure of itself."""
    sure = asked(node)
    found = set()
    for one in branches(node):
        if isinstance(one, ast.Attribute) and one.attr not in sure:
            if isinstance(one.value, ast.Name) and f"{one.value.id}.{one.attr}" in UNIX | LINUX:
                found.add(f"{one.value.id}.{one.attr}")
            elif one.attr in METHODS:
                found.add(one.attr)
        elif isinstance(one, ast.Import):
            found |= {alias.name for alias in one.names} & MODULES
    return found


def uses(module: ast.Module) -> dict[str, set[str]]:
    """Return what each function of a module uses that some system lacks."""
    found: dict[str, set[str]] = {}
    for name, node in functions(module):
        if lacking(node):
            found.setdefault(name, set()).update(lacking(node))
    return found


def read(file: Path) -> ast.Module:
    """Parse a file."""
    return ast.parse(file.read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    "file", [file for file in FILES if file.stem not in ONLY_LINUX], ids=lambda file: file.stem
)
def test_what_another_system_lacks_is_made_sure_of(file: Path) -> None:
    """By `hasattr`, by a branch for some systems, or by what `SURE` says."""
    left = {name: what for name, what in uses(read(file)).items() if (file.stem, name) not in SURE}
    assert not left


def test_nothing_is_made_sure_of_without_need() -> None:
    """What `SURE` names is there, and uses what is lacking somewhere."""
    modules = {file.stem: uses(read(file)) for file in FILES}
    assert [key for key in SURE if key[1] not in modules[key[0]]] == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("def f():\n    return os.fork()", {"f": {"os.fork"}}),
        ("class C:\n    def f(self):\n        self.sock.recvmsg(1)", {"f": {"recvmsg"}}),
        ("def f():\n    import fcntl", {"f": {"fcntl"}}),
        ("def f():\n    if hasattr(os, 'geteuid'):\n        os.geteuid()", {}),
        ("def f():\n    if sys.platform != 'win32':\n        os.geteuid()", {}),
        ("def f():\n    if os.geteuid():\n        pass", {"f": {"os.geteuid"}}),
        ("x = signal.SIGKILL", {"": {"signal.SIGKILL"}}),
    ],
)
def test_the_check_itself(text: str, expected: dict[str, set[str]]) -> None:
    """It finds what it is to find, and no more."""
    assert uses(ast.parse(text)) == expected


def test_only_linux_modules_are_imported_where_they_are_used() -> None:
    """Importing them does nothing that needs Linux."""
    for name in ONLY_LINUX:
        for one in read(PROBES / f"{name}.py").body:
            if not isinstance(one, (ast.FunctionDef, ast.ClassDef)):
                assert not lacking(one), name


@pytest.mark.parametrize(
    ("operation", "lack"),
    [
        ("errors", {"macos", "windows", "freebsd"}),
        ("route", {"macos", "windows", "freebsd"}),
        ("flags", {"macos", "windows", "freebsd"}),
        ("waits", {"macos", "windows", "freebsd"}),
        ("poll", {"windows"}),
        ("pending", {"windows"}),
        ("bind", set()),
        ("sysctl", set()),
    ],
)
def test_operations_that_a_system_does_not_have(operation: str, lack: set[str]) -> None:
    """They are absent there, which is known before any socket is opened."""
    systems = ("linux", "macos", "windows", "freebsd")
    assert {name for name in systems if not operations.offered(operation, name)} == lack


MACOS = {"MSG_PEEK": 0x2, "MSG_DONTWAIT": 0x80, "MSG_TRUNC": 0x10}
WINDOWS = {"MSG_PEEK": 0x2, "MSG_TRUNC": 0x100, "MSG_ERRQUEUE": 0x1000}
"""Numbers of these flags as <sys/socket.h> of XNU and ws2def.h of the Windows SDK have them."""


@pytest.mark.parametrize(
    ("platform", "constants", "name", "expected"),
    [
        ("linux", {}, "MSG_ERRQUEUE", 0x2000),
        ("linux", {}, "MSG_MORE", 0x8000),
        ("darwin", MACOS, "MSG_PEEK", 2),
        ("darwin", MACOS, "MSG_ERRQUEUE", None),
        ("darwin", MACOS, "MSG_MORE", None),
        ("win32", WINDOWS, "MSG_TRUNC", 0x100),
        ("win32", WINDOWS, "MSG_MORE", None),
        ("freebsd14", {}, "MSG_CONFIRM", None),
    ],
)
def test_flags_mean_what_the_system_says(
    platform: str, constants: dict[str, int], name: str, expected: int | None
) -> None:
    """A number of Linux is taken on Linux only: 0x2000 is another flag of macOS."""
    if expected is None:
        with pytest.raises(resolver.Absent):
            resolver.flags([name], platform, constants)
    else:
        assert resolver.flags([name], platform, constants) == expected
