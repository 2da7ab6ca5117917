"""The arguments of operations: how each kind is read, and what is wrong with others."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

from sockmatrix.part import unknown
from sockmatrix.script import symbols
from sockmatrix.script.errors import ScriptError

if TYPE_CHECKING:
    from collections.abc import Iterable

Reader: TypeAlias = Callable[[str], Any]
"""Reads an argument: returns what the probe is told, or raises ScriptError."""

OWN_PORT = "P"

_NUMBER = re.compile("-?[0-9]{1,10}")
_PORT_NUMBER = re.compile("[0-9]{1,5}")
_PORTS = (OWN_PORT, "P+1", "P+2", "P+3")


def one_of(what: str, allowed: Iterable[str]) -> Reader:
    """Return the kind of a word that is one of some."""
    known = tuple(allowed)

    def read(text: str) -> str:
        if text not in known:
            raise ScriptError(unknown(what, text, known))
        return text

    return read


def number(what: str, least: int, most: int) -> Reader:
    """Return the kind of a whole number within limits."""

    def read(text: str) -> int:
        if not _NUMBER.fullmatch(text) or not least <= int(text) <= most:
            raise ScriptError(f'{what} "{text}" is not a number from {least} to {most}')
        return int(text)

    return read


def read_port(text: str) -> str | int:
    """Read a port: the own one of the cell, one beside it, or a number."""
    if text in _PORTS:
        return text
    if not _PORT_NUMBER.fullmatch(text) or int(text) > 65535:
        raise ScriptError(f'port "{text}" is none of {", ".join(_PORTS)}, nor a number from 0 to 65535')
    return int(text)


def read_value(text: str) -> str | int:
    """Read the value of an option: a number, or a symbol."""
    if _NUMBER.fullmatch(text):
        return int(text)
    if text.removeprefix("index:") in symbols.INTERFACES:
        return text
    if text not in symbols.ADDRESSES:
        every = dict.fromkeys((*symbols.INTERFACES, *symbols.ADDRESSES))
        raise ScriptError(f'value "{text}" is not a number; {unknown("symbol", text, every)}')
    return text


def read_flags(text: str) -> list[str]:
    """Read flags with commas between them."""
    return [FLAG(one) for one in text.split(",")]


def matching(what: str, pattern: re.Pattern[str]) -> Reader:
    """Return the kind of a word that looks like this."""

    def read(text: str) -> str:
        if not pattern.fullmatch(text):
            raise ScriptError(f'"{text}" is not {what}')
        return text

    return read


ADDRESS = one_of("address", symbols.ADDRESSES)
INTERFACE = one_of("interface", symbols.INTERFACES)
OPTION = one_of("option", symbols.OPTIONS)
FLAG = one_of("flag", symbols.FLAGS)
SIZE = number("size", 0, 100_000)
SOCKET = matching("a name for a socket", re.compile("[a-z][a-z0-9]*"))
SYSCTL = matching("the name of a sysctl", re.compile(r"[a-z0-9_]+(\.[a-zA-Z0-9_-]+)+"))
