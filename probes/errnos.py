"""Errors by name, the same name on every operating system.

Numbers differ between systems (EADDRINUSE is 98, 48, 125 or 10048), so only names are recorded.
Where two names mean one thing, one is used everywhere:

* EAGAIN, also for EWOULDBLOCK (POSIX allows one number or two);
* EDEADLK, also for EDEADLOCK;
* EOPNOTSUPP, also for ENOTSUP (one number on Linux and FreeBSD, two on macOS, OpenBSD, NetBSD and
  Solaris);
* ECANCELED, also for Winsock's WSAECANCELLED and WSA_E_CANCELLED.

A Winsock code with a counterpart in errno(3) has that name, any other keeps its own (WSAEDISCON).
"""

from __future__ import annotations

import errno
import socket
import sys
from typing import Mapping, Optional, Union

CANONICAL = {"EWOULDBLOCK": "EAGAIN", "EDEADLOCK": "EDEADLK", "ENOTSUP": "EOPNOTSUPP"}

# winerror.h; Microsoft, "Windows Sockets Error Codes". The codes of the QoS service provider
# (11005-11031) are left out: no call made here can give them.
WINSOCK = {
    10004: "EINTR",
    10009: "EBADF",
    10013: "EACCES",
    10014: "EFAULT",
    10022: "EINVAL",
    10024: "EMFILE",
    10035: "EAGAIN",  # WSAEWOULDBLOCK
    10036: "EINPROGRESS",
    10037: "EALREADY",
    10038: "ENOTSOCK",
    10039: "EDESTADDRREQ",
    10040: "EMSGSIZE",
    10041: "EPROTOTYPE",
    10042: "ENOPROTOOPT",
    10043: "EPROTONOSUPPORT",
    10044: "ESOCKTNOSUPPORT",
    10045: "EOPNOTSUPP",
    10046: "EPFNOSUPPORT",
    10047: "EAFNOSUPPORT",
    10048: "EADDRINUSE",
    10049: "EADDRNOTAVAIL",
    10050: "ENETDOWN",
    10051: "ENETUNREACH",
    10052: "ENETRESET",
    10053: "ECONNABORTED",
    10054: "ECONNRESET",
    10055: "ENOBUFS",
    10056: "EISCONN",
    10057: "ENOTCONN",
    10058: "ESHUTDOWN",
    10059: "ETOOMANYREFS",
    10060: "ETIMEDOUT",
    10061: "ECONNREFUSED",
    10062: "ELOOP",
    10063: "ENAMETOOLONG",
    10064: "EHOSTDOWN",
    10065: "EHOSTUNREACH",
    10066: "ENOTEMPTY",
    10067: "EPROCLIM",
    10068: "EUSERS",
    10069: "EDQUOT",
    10070: "ESTALE",
    10071: "EREMOTE",
    10091: "WSASYSNOTREADY",
    10092: "WSAVERNOTSUPPORTED",
    10093: "WSANOTINITIALISED",
    10101: "WSAEDISCON",
    10102: "WSAENOMORE",
    10103: "ECANCELED",  # WSAECANCELLED
    10104: "WSAEINVALIDPROCTABLE",
    10105: "WSAEINVALIDPROVIDER",
    10106: "WSAEPROVIDERFAILEDINIT",
    10107: "WSASYSCALLFAILURE",
    10108: "WSASERVICE_NOT_FOUND",
    10109: "WSATYPE_NOT_FOUND",
    10110: "WSA_E_NO_MORE",
    10111: "ECANCELED",  # WSA_E_CANCELLED
    10112: "WSAEREFUSED",
    11001: "WSAHOST_NOT_FOUND",
    11002: "WSATRY_AGAIN",
    11003: "WSANO_RECOVERY",
    11004: "WSANO_DATA",
}


def name(
    error: Union[OSError, int],
    platform: str = sys.platform,
    codes: Mapping[int, str] = errno.errorcode,
) -> str:
    """Return the name of `error`, "ERRNO-123" for a number without one.

    `codes` maps the numbers of `platform` to names. A time-out of a socket, which carries no
    number, is ETIMEDOUT; a resolver's error is its EAI_ name; any other error without a number is
    ERRNO-0.
    """
    if isinstance(error, int):
        return _named(error, platform, codes) or f"ERRNO-{error}"
    if isinstance(error, socket.gaierror):
        return _resolver(error.errno, platform)
    # Python on Windows translates some Winsock codes to C's errno: the code itself says more.
    for number in (getattr(error, "winerror", None), error.errno):
        if isinstance(number, int):
            found = _named(number, platform, codes)
            if found is not None:
                return found
    if error.errno is None and isinstance(error, (TimeoutError, socket.timeout)):
        return "ETIMEDOUT"
    return f"ERRNO-{error.errno or 0}"


def _named(number: int, platform: str, codes: Mapping[int, str]) -> Optional[str]:
    if platform.startswith("win") and number in WINSOCK:
        return WINSOCK[number]
    found = codes.get(number)
    return None if found is None else CANONICAL.get(found, found)


def _resolver(number: Optional[int], platform: str) -> str:
    if platform.startswith("win") and number in WINSOCK:
        return WINSOCK[number]
    names = [key for key, code in vars(socket).items() if key.startswith("EAI_") and code == number]
    return min(names, default=f"ERRNO-{number or 0}")
