"""An axis: one thing that varies, its values, and what they are called in words.

`matrix/axes.toml` documents every axis and every value; nothing else may appear in a table or a
pattern.
"""

from __future__ import annotations

import difflib
import functools
import re
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias, final

from sockmatrix import content

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

FILE = "axes.toml"

NAME = re.compile(r"[a-z][a-z0-9-]*")
_VALUE = re.compile(r"[a-z0-9][a-z0-9+-]*")


class TableError(ValueError):
    """A file of `matrix/` is not usable; the message names the file, the place, what is allowed."""

    def __init__(self, file: Path, where: str, problem: str) -> None:
        super().__init__(": ".join(part for part in (str(file), where, problem) if part))
        self.file = file
        self.where = where
        self.problem = problem


@final
@dataclass(frozen=True, slots=True)
class Axis:
    """One thing that varies.

    `title` is a heading of a few words, `about` a sentence, `values` maps each value to words. A
    value of an axis that is `per_socket` belongs to one socket, any other to the cell.
    """

    name: str
    title: str
    about: str
    per_socket: bool
    values: Mapping[str, str]

    def check(self, value: str) -> str | None:
        """Return what is wrong with `value`, or None when the axis has it."""
        return None if value in self.values else unknown("value", value, self.values)


Vocabulary: TypeAlias = "Mapping[str, Axis]"


@functools.cache
def vocabulary() -> Vocabulary:
    """Return the documented axes of this installation. Raises TableError, content.ContentError."""
    return load_axes(content.matrix() / FILE)


def load_axes(file: Path) -> dict[str, Axis]:
    """Read the axes in the order they are documented. Raises TableError."""
    root = Part.read(file)
    root.expect(("addresses", "cell", "socket"))
    addresses = root.part("addresses").words()
    axes = {}
    for scope in ("cell", "socket"):
        scoped = root.part(scope)
        for name in scoped.entries:
            if name in axes:
                raise scoped.error(name, "this axis is documented twice")
            if not NAME.fullmatch(name):
                raise scoped.error(name, "a name has lower-case letters, digits and - only")
            axes[name] = _axis(scoped.part(name), name, addresses, per_socket=scope == "socket")
    return axes


def _axis(part: Part, name: str, addresses: Mapping[str, str], *, per_socket: bool) -> Axis:
    part.expect(("title", "about", "addresses", "values"))
    values = {}
    if "addresses" in part.entries:
        for symbol in part.texts("addresses"):
            if symbol not in addresses:
                raise part.error("addresses", unknown("address", symbol, addresses))
            values[symbol] = addresses[symbol]
    values.update(part.part("values").words())
    if not values:
        raise part.error("", "it has neither values nor addresses")
    for value in values:
        if not _VALUE.fullmatch(value):
            raise part.error(value, "a value has lower-case letters, digits, + and - only")
    return Axis(name, part.text("title"), part.text("about"), per_socket, values)


def unknown(kind: str, value: str, allowed: Iterable[str]) -> str:
    """Say that `value` is not allowed, what is, and which of it was perhaps meant."""
    choices = list(allowed)
    close = difflib.get_close_matches(value, choices, n=1)
    hint = f' (did you mean "{close[0]}"?)' if close else ""
    return f'unknown {kind} "{value}"{hint}; allowed: {", ".join(choices) or "none"}'


@final
@dataclass(frozen=True, slots=True)
class Part:
    """A part of a TOML file, and where in the file it stands, so that every error can say so.

    `block` names the element of a list it belongs to, `keys` lead to it from there.
    """

    file: Path
    entries: Mapping[str, Any]
    block: str = ""
    keys: tuple[str, ...] = ()

    @staticmethod
    def read(file: Path) -> Part:
        """Read a whole file. Raises TableError."""
        try:
            return Part(file, tomllib.loads(file.read_text(encoding="utf-8")))
        except OSError as error:
            raise TableError(file, "", f"cannot be read: {error.strerror}") from error
        except ValueError as error:
            raise TableError(file, "", f"is not TOML: {error}") from error

    def error(self, key: str, problem: str) -> TableError:
        """Return an error about `key` of this part, or about the part itself."""
        keys = ".".join((*self.keys, key) if key else self.keys)
        return TableError(self.file, ", ".join(one for one in (self.block, keys) if one), problem)

    def expect(self, allowed: Iterable[str]) -> None:
        """Refuse any other key. Raises TableError."""
        choices = tuple(allowed)
        for key in self.entries:
            if key not in choices:
                raise self.error("", unknown("key", key, choices))

    def part(self, key: str) -> Part:
        """Return the table at `key`; an absent one is empty. Raises TableError."""
        value = self.entries.get(key, {})
        if not isinstance(value, dict):
            raise self.error(key, "must be a table")
        return Part(self.file, value, self.block, (*self.keys, key))

    def text(self, key: str) -> str:
        """Return the text at `key`, which must not be empty. Raises TableError."""
        value = self.entries.get(key)
        if value is None:
            raise self.error("", f'lacks the key "{key}"')
        if not isinstance(value, str) or not value.strip():
            raise self.error(key, "must be a text that is not empty")
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        """Return the list of texts at `key`, different and at least one. Raises TableError."""
        value = self.entries[key]
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            raise self.error(key, "must be a list of texts")
        if not value:
            raise self.error(key, "must not be an empty list")
        for one in value:
            if value.count(one) > 1:
                raise self.error(key, f'holds "{one}" twice')
        return tuple(value)

    def words(self) -> dict[str, str]:
        """Return all entries, each of which must be a text. Raises TableError."""
        return {key: self.text(key) for key in self.entries}
