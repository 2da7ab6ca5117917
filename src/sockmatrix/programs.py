"""Programs as a user names them: flags and address, or the name of a program that a preset knows."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sockmatrix import content, table
from sockmatrix.axis import FILE, load_axes, unknown
from sockmatrix.coexist import Program
from sockmatrix.scenarios import addresses
from sockmatrix.scenarios.scenario import REUSE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

PRESETS = ("mdns", "ssdp", "dds", "lighting", "osc", "bacnet", "telemetry")
"""The tables whose axes `theirs` and `mine` are programs."""

_ALIASES = {
    "any": ("any4", "any6"),
    "lo": ("lo4", "lo6"),
    "if": ("if4", "if6"),
    "group": ("group4", ""),
    "broadcast": ("subnet-bcast", ""),
}

_OPTIONS = {"SO_REUSEADDR": "addr", "SO_REUSEPORT": "port"}

_OPERATION = re.compile(r"(?:[a-z0-9-]+ = )?(?P<verb>set|bind|socket) (?P<what>\S+)(?: (?P<value>\S+))?")


class ProgramError(ValueError):
    """A text names no program; the message says what does."""


def program(text: str, family: int = 4) -> Program:
    """Return the program of "addr+port@group" or "avahi". Raises ProgramError, part.TableError."""
    flags, at, where = text.partition("@")
    reuse = _flags(flags)
    if reuse is None:
        return _preset(text)
    bind = _bind(where if at else "any", family)
    return Program("", bind, reuse, reuse)


def _flags(text: str) -> str | None:
    parts = set(filter(None, text.split("+"))) or {"none"}
    return next((known for known in REUSE if set(known.split("+")) == parts), None)


def _bind(where: str, family: int) -> str:
    symbol = where
    if where in _ALIASES:
        symbol = _ALIASES[where][family == 6]
        if not symbol:
            raise ProgramError(f'"{where}" is of IPv4; the tables have no IPv{family} socket bound to it')
    known = load_axes(content.matrix() / FILE)["bind"].values
    if symbol not in known:
        raise ProgramError(unknown("address", where, (*_ALIASES, *known)))
    return symbol


def _preset(text: str) -> Program:
    wanted, _, name = text.rpartition("/")
    known: list[str] = []
    for preset, theirs, mine in _presets():
        if name in theirs and wanted in ("", preset):
            first = _derived(theirs[name])
            second = _derived(mine.get(name, theirs[name]), at_last_bind=True)
            return Program(name, first[0], first[1], second[1])
        known += theirs
    flags = ", ".join(REUSE)
    raise ProgramError(
        f'"{text}" is no program: write FLAGS@ADDRESS, flags being one of {flags}, or one of '
        + ", ".join(sorted(dict.fromkeys(known)))
    )


def _presets() -> Iterator[tuple[str, Mapping[str, str], Mapping[str, str]]]:
    there = [one for one in PRESETS if (content.matrix() / f"{one}.toml").exists()]
    for name, one in table.load_all(names=there).items() if there else ():
        axes = {axis: use.axis.does for axis, use in one.axes.items()}
        for axis, does in axes.items():
            if axis.startswith("theirs"):
                yield name, does, axes.get(axis.replace("theirs", "mine"), {})


def _derived(steps: str, *, at_last_bind: bool = False) -> tuple[str, str]:
    """Return what the first socket of a program binds, and its options: all, or those before it binds.

    Of a program that binds again after a refusal, the last bind counts.
    """
    bind, options, before, v6only = "any4", set[str](), set[str](), False
    own = re.split(r"\n(?=\S*[A-Z.a-z{}-]+: socket)", steps.strip())[0]
    for part in re.split(r"[;:\n] *", own):
        operation = _OPERATION.fullmatch(part.strip())
        if operation is None:
            continue
        what = operation["what"]
        if operation["verb"] == "bind":
            bind, before = what, set(options)
        elif what == "IPV6_V6ONLY":
            v6only = operation["value"] == "1"
        elif what in _OPTIONS and operation["value"] == "1":
            options.add(_OPTIONS[what])
    chosen = before if at_last_bind else options
    if bind == "any6" and v6only:
        bind = addresses.V6ONLY
    return bind, next(one for one in REUSE if set(one.split("+")) == (chosen or {"none"}))
