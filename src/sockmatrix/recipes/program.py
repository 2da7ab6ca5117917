"""Programs that do what a recipe says: one file each for Python, C, Node, Go and Rust.

Every word that goes into a template is from the tables here: symbols and options of the matrix, never
text from a file. A program receives or sends; on a system of which the recipe says nothing it stops.
"""

from __future__ import annotations

import functools
import ipaddress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sockmatrix.claims.systems import words
from sockmatrix.scenarios import addresses
from sockmatrix.scenarios.scenario import REUSE as CALLS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jinja2 import Environment

    from sockmatrix.recipes.place import Place
    from sockmatrix.recipes.search import Choice, Recipe

LANGUAGES = {
    "python": ("Python", "recipe.py"),
    "c": ("C", "recipe.c"),
    "node": ("Node", "recipe.mjs"),
    "go": ("Go", "recipe.go"),
    "rust": ("Rust", "main.rs"),
}
"""The languages: their names, and what the file is called."""

PORT = 47474
GROUP, GROUP6 = "239.255.47.47", "ff15::4747"
"""Groups of the organization-local and site-local scope (RFC 2365, RFC 4291), and a port outside the
ephemeral range."""

_TEMPLATES = Path(__file__).parent / "templates"

_LITERALS = {
    "any4": "0.0.0.0",  # noqa: S104 - the name of an address
    "any6": "::",
    "any6only": "::",
    "lo4": "127.0.0.1",
    "lo6": "::1",
    "lobcast": "127.255.255.255",
    "limited": "255.255.255.255",
    "group4": GROUP,
    "group6-site": GROUP6,
}

_NUMBERS = {"SO_REUSEPORT_LB": 0x10000}
"""Options that the socket module or the standard library of a language may not know (FreeBSD)."""

# How each language calls the systems: sys.platform begins so, process.platform, GOOS, target_os, and the
# macro that every C compiler there defines. None: the language has no name for it.
_NAMES: dict[str, tuple[str, str | None, str | None, str | None, str]] = {
    "linux": ("linux", "linux", "linux", "linux", "__linux__"),
    "android": ("android", "android", "android", "android", "__ANDROID__"),
    "gvisor": ("linux", "linux", "linux", "linux", "__linux__"),
    "wsl1": ("linux", "linux", "linux", "linux", "__linux__"),
    "macos": ("darwin", "darwin", "darwin", "macos", "__APPLE__"),
    "ios": ("ios", None, "ios", "ios", "__APPLE__"),
    "windows": ("win32", "win32", "windows", "windows", "_WIN32"),
    "wine": ("win32", "win32", "windows", "windows", "_WIN32"),
    "freebsd": ("freebsd", "freebsd", "freebsd", "freebsd", "__FreeBSD__"),
    "openbsd": ("openbsd", "openbsd", "openbsd", "openbsd", "__OpenBSD__"),
    "netbsd": ("netbsd", "netbsd", "netbsd", "netbsd", "__NetBSD__"),
    "dragonfly": ("dragonfly", None, "dragonfly", "dragonfly", "__DragonFly__"),
    "solaris": ("sunos", "sunos", "solaris", "solaris", "__sun"),
    "illumos": ("sunos", "sunos", "illumos", "illumos", "__sun"),
    "aix": ("aix", "aix", "aix", "aix", "_AIX"),
    "haiku": ("haiku", "haiku", None, "haiku", "__HAIKU__"),
}

_SO_REUSEPORT = {"linux": 15, "android": 15, "solaris": 0x100E, "illumos": 0x100E}
"""Its number, where Go's syscall lacks the name; 0x200 on macOS and the BSDs."""

# What Node sets by { reuseAddr: true }: libuv, src/unix/udp.c, uv__set_reuse(); and src/win/udp.c.
_NODE_SETS_PORT = frozenset({"macos", "ios", "freebsd", "openbsd", "netbsd"})
# And where { reusePort: true } is SO_REUSEPORT (not SO_REUSEPORT_LB): libuv, uv__sock_reuseport().
_NODE_REUSE_PORT = frozenset({"linux", "android", "gvisor", "wsl1", "dragonfly", "solaris"})


def systems(recipe: Recipe) -> tuple[str, ...]:
    """Return the systems that a program of a recipe can be for: it is not known to fail there."""
    return tuple(name for name in recipe.chosen if name in _NAMES and name not in recipe.fails)


def write(recipe: Recipe, language: str) -> str:
    """Return the program of a recipe in one of `LANGUAGES`; there must be one of `systems`."""
    return _environment().get_template(f"{language}.jinja").render(_context(recipe, language))


def node_sets(system: str, reuse: str, *, tcp: bool = False) -> tuple[dict[str, bool], str]:
    """Return the flags of Node that come nearest to options on a system, and what they set there."""
    options = set(reuse.split("+"))
    if tcp:  # libuv, src/unix/tcp.c: uv__tcp_bind() always sets SO_REUSEADDR; on Windows nothing does
        if "port" in options and system in _NODE_REUSE_PORT:
            return {"reusePort": True}, "addr+port"
        return {}, "none" if system in ("windows", "wine") else "addr"
    flags: dict[str, bool] = {}
    sets: list[str] = []
    alias = "port" if system in _NODE_SETS_PORT else "addr"
    if alias in options:
        flags["reuseAddr"] = True
        sets.append(alias)
    if "port" in options and system in _NODE_REUSE_PORT:
        flags["reusePort"] = True
        sets.append("port")
    if system == "freebsd" and "lb" in options:
        flags["reusePort"] = True
        sets.append("lb")
    return flags, "+".join(dict.fromkeys(sets)) or "none"


def options_of(reuse: str) -> tuple[str, ...]:
    """Return the names of the options, in the order in which they are set."""
    return tuple("SO_EXCLUSIVEADDRUSE" if one == "EXCLUSIVE" else one for one in CALLS[reuse])


def in_words(reuse: str) -> str:
    """Return options in words: "SO_REUSEADDR + SO_REUSEPORT"."""
    return " + ".join(options_of(reuse)) or "no option"


def _context(recipe: Recipe, language: str) -> dict[str, Any]:
    place = recipe.place
    chosen = {name: one for name, one in recipe.chosen.items() if name not in recipe.fails}
    # Systems that a language calls by one name can only have the options of one of them.
    named = {_NAMES[name]: name for name in reversed(chosen) if name in _NAMES}
    names = sorted(named.values(), key=lambda name: (name != "android", list(chosen).index(name)))
    own = [_system(name, recipe, language) for name in names]
    return {
        "tcp": place.transport == "tcp",
        "bind6": place.bind in addresses.IPV6_SOCKETS,
        "send6": place.dest in addresses.IPV6_SOCKETS or place.via == "if6",
        "v6only": int(place.bind == addresses.V6ONLY),
        "group": _LITERALS[place.dest] if place.via else "",
        "group_parts": _parts(_LITERALS[place.dest]) if place.via else "",
        "broadcast": place.kind == "broadcast",
        "target": _LITERALS.get(place.dest, ""),
        "bind": _LITERALS.get(place.bind, ""),
        "address": _LITERALS["lo4"] if place.via == "lo4" else "",
        "address_is": address_is(place),
        "argument": "INTERFACE" if place.via == "if6" else "ADDRESS",
        "title": title(recipe),
        "port": PORT,
        "systems": own,
        "width": max((len(one["own"]) for one in own if one["own"]), default=0) + 3,
        "numbers": {
            option: number
            for option, number in _NUMBERS.items()
            if any(option in options_of(one.reuse) for one in chosen.values())
        },
        "reuse_port": any("reusePort" in one["node"] for one in own),
        "evidence": [_line(name, recipe) for name in chosen],
    }


def _parts(group: str) -> str:
    address = ipaddress.ip_address(group)
    if address.version == 4:
        return ", ".join(map(str, address.packed))
    return ", ".join(f"{int(part, 16):#x}" for part in address.exploded.split(":"))


def address_is(place: Place) -> str:
    """Return what the programs of a place must be told, in words; nothing if nothing."""
    if place.via == "if6":
        return "the name of the interface; on Windows its number"
    if place.via == "if4":
        return "the address of the interface, or 0.0.0.0 to let the system choose"
    if "subnet-bcast" in (place.dest, place.bind):
        own = "to receive the address of the interface, to send " if place.bind == "if4" else ""
        return f"{own}the broadcast address of the subnet"
    return "the address of the interface" if {place.bind, place.dest} & {"if4", "if6"} else ""


def title(recipe: Recipe) -> str:
    """Return what the programs of a recipe do, in words."""
    place = recipe.place
    group = f"the group {_LITERALS[place.dest]}" if place.via else ""
    kind = {"multicast": group, "broadcast": "a broadcast address"}.get(place.kind)
    kind = kind or f"one address over {place.transport.upper()}"
    return f"Several programs on one machine take what is sent to {kind}, port {PORT}"


def _line(name: str, recipe: Recipe) -> str:
    return f"{words(name)}: {in_words(recipe.chosen[name].reuse)} ({_known(recipe.chosen[name])})"


def _known(choice: Choice) -> str:
    finding = choice.finding
    if not finding.holds:
        return "not known to do it" if finding.holds is None else "does not do it"
    claim = finding.evidence.claim if finding.evidence else None
    return f"{finding.kind} by {claim.id}" if claim else finding.kind


def _system(name: str, recipe: Recipe, language: str) -> Mapping[str, Any]:
    reuse = recipe.chosen[name].reuse
    own = dict(zip(("python", "node", "go", "rust", "c"), _NAMES[name], strict=True))
    flags, sets = node_sets(name, reuse, tcp=recipe.place.transport == "tcp")
    other = next((one for one in recipe.choices[name] if one.reuse == sets), None)
    return {
        "name": words(name),
        "own": own[language],
        "options": options_of(reuse),
        "reuse_port": _SO_REUSEPORT.get(name, 0x200),
        "node": flags,
        "node_sets": "" if sets == reuse else in_words(sets),
        "node_known": _known(other) if other else "not known to do it",
    }


@functools.cache
def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(
        loader=FileSystemLoader(_TEMPLATES),
        undefined=StrictUndefined,
        autoescape=False,  # noqa: S701 - programs, of words from the tables above
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
