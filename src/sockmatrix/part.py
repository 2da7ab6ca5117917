"""The parts of a TOML file of `matrix/`, and where in the file they stand, so that errors can say so."""

from __future__ import annotations

import difflib
import functools
import itertools
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

_NAMED = 400  # characters of the choices that an error lists: it is still one line


class TableError(ValueError):
    """A file of `matrix/` is not usable; the message names the file, the place, what is allowed."""

    def __init__(self, file: Path, where: str, problem: str) -> None:
        super().__init__(": ".join(part for part in (str(file), where, problem) if part))
        self.file = file
        self.where = where
        self.problem = problem


def unknown(kind: str, value: str, allowed: Iterable[str]) -> str:
    """Say that `value` is not allowed, what is, and which of it was perhaps meant."""
    choices = list(allowed)
    close = difflib.get_close_matches(value, choices, n=1)
    hint = f' (did you mean "{close[0]}"?)' if close else ""
    lengths = itertools.accumulate(len(choice) + 2 for choice in choices)
    few = sum(length <= _NAMED for length in lengths) or 1
    named = ", ".join(choices[:few]) or "none"
    more = f", ... ({len(choices)} in all)" if len(choices) > few else ""
    return f'unknown {kind} "{value}"{hint}; allowed: {named}{more}'


@functools.lru_cache(maxsize=200)
def _toml(file: Path, _changed: int, _size: int) -> Mapping[str, Any]:
    # The vocabulary and the tables are read from the same files.
    return tomllib.loads(file.read_text(encoding="utf-8"))


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
            status = file.stat()
            return Part(file, _toml(file, status.st_mtime_ns, status.st_size))
        except OSError as error:
            raise TableError(file, "", f"cannot be read: {error.strerror}") from error
        except ValueError as error:
            raise TableError(file, "", f"is not TOML: {error}") from error
        except RecursionError as error:
            raise TableError(file, "", "is nested too deeply") from error

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

    def tables(self, key: str) -> list[Mapping[str, Any]]:
        """Return the list of tables at `key`, at least one. Raises TableError."""
        value = self.entries.get(key)
        if not isinstance(value, list) or not all(isinstance(one, dict) for one in value) or not value:
            raise self.error(key, f"a table needs at least one [[{key}]]")
        return value

    def words(self) -> dict[str, str]:
        """Return all entries, each of which must be a text. Raises TableError."""
        return {key: self.text(key) for key in self.entries}
