"""The systems that claims speak of, by name, and which of them a run was measured on."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sockmatrix.claims.versions import release

if TYPE_CHECKING:
    from sockmatrix.claims.versions import Version
    from sockmatrix.runformat import Platform

ANY = "any"

LINUX = "linux"

SYSTEMS = {
    ANY: "any system",
    LINUX: "Linux",
    "android": "Android",
    "gvisor": "gVisor",
    "wsl1": "WSL 1",
    "onload": "Onload",
    "macos": "macOS",
    "ios": "iOS",
    "freebsd": "FreeBSD",
    "openbsd": "OpenBSD",
    "netbsd": "NetBSD",
    "dragonfly": "DragonFly BSD",
    "kame": "KAME",
    "windows": "Windows",
    "wine": "Wine",
    "solaris": "Solaris",
    "illumos": "illumos",
    "aix": "AIX",
    "haiku": "Haiku",
    "hurd": "GNU Hurd",
    "nonstop": "HPE NonStop",
    "plan9": "Plan 9",
    "qnx": "QNX",
    "lwip": "lwIP",
    "fuchsia": "Fuchsia",
    "zephyr": "Zephyr",
}
"""What `os` of a claim may name. Whoever has a network stack of his own is a system of his own."""

_BEFORE_DAY = re.compile(r"^(?:release-|0\.0~)")

IMITATED = {"gvisor": LINUX, "wsl1": LINUX, "wine": "windows"}
"""Stacks that take the place of the system they imitate, and that system."""


def system(platform: Platform) -> str:
    """Return the name of the system whose sockets were measured."""
    return platform.stack if platform.stack in IMITATED else platform.os


def version(platform: Platform) -> Version | None:
    """Return the version that conditions are about: Linux' kernel, macOS' product, Windows' NT.

    Of gVisor it is the day in the name of a release: release-20240729.0, Debian's 0.0~20240729.0.
    """
    if platform.stack == "gvisor":
        return release(_BEFORE_DAY.sub("", platform.release))
    return release(platform.release, platform.build)


def words(name: str) -> str:
    """Return a system's name as people write it."""
    return SYSTEMS.get(name, name)
