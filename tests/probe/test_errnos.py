"""Errors have one name on every operating system."""

from __future__ import annotations

import errno
import socket

import errnos
import pytest

# sys/errno.h of each system
DARWIN = {35: "EAGAIN", 11: "EDEADLK", 45: "ENOTSUP", 48: "EADDRINUSE", 102: "EOPNOTSUPP"}
FREEBSD = {35: "EWOULDBLOCK", 45: "ENOTSUP", 48: "EADDRINUSE", 49: "EADDRNOTAVAIL"}
OPENBSD = {35: "EAGAIN", 45: "EOPNOTSUPP", 48: "EADDRINUSE", 91: "ENOTSUP"}
NETBSD = {35: "EWOULDBLOCK", 45: "EOPNOTSUPP", 48: "EADDRINUSE", 86: "ENOTSUP"}
SOLARIS = {11: "EAGAIN", 45: "EDEADLK", 48: "ENOTSUP", 56: "EDEADLOCK", 125: "EADDRINUSE"}
LINUX = {11: "EWOULDBLOCK", 35: "EDEADLOCK", 95: "ENOTSUP", 98: "EADDRINUSE"}
WINDOWS = {13: "EACCES", 10013: "WSAEACCES", 10048: "WSAEADDRINUSE", 10035: "WSAEWOULDBLOCK"}


class WindowsError(OSError):
    """An OSError with the attribute that only Windows gives it."""

    def __init__(self, number: int | None, winerror: int) -> None:
        super().__init__(number, "message")
        self.winerror = winerror


@pytest.mark.parametrize(
    ("number", "platform", "codes"),
    [
        (98, "linux", LINUX),
        (48, "darwin", DARWIN),
        (48, "freebsd14", FREEBSD),
        (48, "openbsd7", OPENBSD),
        (48, "netbsd10", NETBSD),
        (125, "sunos5", SOLARIS),
        (10048, "win32", WINDOWS),
        (10048, "win32", {}),
    ],
)
def test_an_address_in_use_has_one_name(number: int, platform: str, codes: dict[int, str]) -> None:
    """One name on every system; on Windows without the help of Python's own table."""
    assert errnos.name(number, platform, codes) == "EADDRINUSE"
    assert errnos.name(OSError(number, "message"), platform, codes) == "EADDRINUSE"


@pytest.mark.parametrize(
    ("number", "platform", "codes", "expected"),
    [
        (11, "linux", LINUX, "EAGAIN"),
        (35, "freebsd14", FREEBSD, "EAGAIN"),
        (35, "netbsd10", NETBSD, "EAGAIN"),
        (10035, "win32", WINDOWS, "EAGAIN"),
        (35, "linux", LINUX, "EDEADLK"),
        (45, "sunos5", SOLARIS, "EDEADLK"),
        (56, "sunos5", SOLARIS, "EDEADLK"),
        (95, "linux", LINUX, "EOPNOTSUPP"),
        (45, "darwin", DARWIN, "EOPNOTSUPP"),
        (102, "darwin", DARWIN, "EOPNOTSUPP"),
        (91, "openbsd7", OPENBSD, "EOPNOTSUPP"),
        (86, "netbsd10", NETBSD, "EOPNOTSUPP"),
        (48, "sunos5", SOLARIS, "EOPNOTSUPP"),
        (10045, "win32", WINDOWS, "EOPNOTSUPP"),
    ],
)
def test_two_names_for_one_thing_become_one(
    number: int, platform: str, codes: dict[int, str], expected: str
) -> None:
    """Where systems differ in which of two names a number has, the canonical one is used."""
    assert errnos.name(number, platform, codes) == expected


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (10004, "EINTR"),
        (10013, "EACCES"),
        (10022, "EINVAL"),
        (10042, "ENOPROTOOPT"),
        (10049, "EADDRNOTAVAIL"),
        (10051, "ENETUNREACH"),
        (10054, "ECONNRESET"),
        (10055, "ENOBUFS"),
        (10060, "ETIMEDOUT"),
        (10061, "ECONNREFUSED"),
        (10065, "EHOSTUNREACH"),
        (10101, "WSAEDISCON"),
        (10103, "ECANCELED"),
        (11001, "WSAHOST_NOT_FOUND"),
    ],
)
def test_winsock_codes(number: int, expected: str) -> None:
    """A Winsock code has the name errno(3) has for it, or its own where there is none."""
    assert errnos.name(number, "win32", WINDOWS) == expected


def test_winsock_names_are_names_of_errno_or_their_own() -> None:
    """No Winsock code is given a name that this Python's errno module would not understand."""
    unknown = {
        name
        for name in errnos.WINSOCK.values()
        if not name.startswith("WSA") and not hasattr(errno, name)
    }
    assert unknown <= {"EPROCLIM"}  # 4.4BSD's; Linux has no such limit


def test_the_winsock_code_of_an_exception_is_preferred() -> None:
    """Python on Windows translates some codes to C's errno: the Winsock code decides."""
    assert errnos.name(WindowsError(13, 10013), "win32", WINDOWS) == "EACCES"
    assert errnos.name(WindowsError(13, 10051), "win32", WINDOWS) == "ENETUNREACH"
    assert errnos.name(WindowsError(13, 5), "win32", WINDOWS) == "EACCES"


@pytest.mark.parametrize("platform", ["linux", "darwin", "sunos5", "cygwin"])
def test_winsock_codes_mean_nothing_elsewhere(platform: str) -> None:
    """Only Windows gives Winsock codes."""
    assert errnos.name(10048, platform, {}) == "ERRNO-10048"


def test_unknown_numbers_keep_their_number() -> None:
    """A number without a name is still recorded."""
    assert errnos.name(123456, "linux", LINUX) == "ERRNO-123456"
    assert errnos.name(OSError(123456, "message"), "linux", LINUX) == "ERRNO-123456"
    assert errnos.name(WindowsError(None, 999), "win32", {}) == "ERRNO-0"


def test_errors_without_a_number() -> None:
    """A socket's time-out is ETIMEDOUT; a resolver's error has the resolver's name."""
    assert errnos.name(TimeoutError("timed out")) == "ETIMEDOUT"
    assert errnos.name(OSError("no number")) == "ERRNO-0"
    failed = socket.gaierror(socket.EAI_NONAME, "message")
    assert errnos.name(failed, "linux").startswith("EAI_NO")
    assert errnos.name(socket.gaierror(11001, "message"), "win32") == "WSAHOST_NOT_FOUND"


def test_this_system() -> None:
    """The defaults are those of the running system."""
    assert errnos.name(OSError(errno.EADDRINUSE, "message")) == "EADDRINUSE"
    assert errnos.name(errno.EWOULDBLOCK) == "EAGAIN"
