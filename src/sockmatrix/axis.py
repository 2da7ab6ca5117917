"""An axis: one thing that varies, its values, and what they are called in words.

`matrix/axes.toml` documents the axes that tables share; a script table may have axes of its own
(`[axis.NAME]`). Nothing else may appear in a table or a pattern.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeAlias, final

from sockmatrix import content
from sockmatrix.part import Part, TableError, unknown

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path

__all__ = [
    "Axis",
    "Part",
    "TableError",
    "Vocabulary",
    "case_axis",
    "load_axes",
    "own_axes",
    "table_files",
    "unknown",
    "vocabulary",
    "vocabulary_of",
]

FILE = "axes.toml"

OTHERS = (FILE, "changes.toml", "allow*.toml")
"""Files beside the tables that hold none: axes, known changes (`changes.py`), exceptions (`allow.py`)."""

SCRIPT = "script"
"""The scenario whose tables have cases and axes of their own."""

NAME = re.compile(r"[a-z][a-z0-9-]*")
CASE_NAME = re.compile(r"[a-z0-9][a-z0-9-]*")
_VALUE = re.compile(r"[a-z0-9][a-z0-9+-]*")


@final
@dataclass(frozen=True, slots=True)
class Axis:
    """One thing that varies.

    `title` is a heading of a few words, `about` a sentence, `values` maps each value to words. A
    value of an axis that is `per_socket` belongs to one socket, any other to the cell. An axis of
    scripts has `does`: what stands in a script for each value; and perhaps a `default`.
    """

    name: str
    title: str
    about: str
    per_socket: bool
    values: Mapping[str, str]
    does: Mapping[str, str] = field(default_factory=dict)
    default: str | None = None

    @property
    def scripted(self) -> bool:
        """Whether scripts speak of it."""
        return bool(self.does)

    def check(self, value: str) -> str | None:
        """Return what is wrong with `value`, or None when the axis has it."""
        return None if value in self.values else unknown("value", value, self.values)


Vocabulary: TypeAlias = "Mapping[str, Axis]"

CASE = "case"
"""The axis that every script table has; its values are the names of the cases."""


def vocabulary(tables: Collection[str] = ()) -> Vocabulary:
    """Return all axes of this installation, those of its script tables (or of some) included.

    Tables may have axes of one name: then the values of all are known. Raises TableError,
    content.ContentError.
    """
    return vocabulary_of(content.matrix(), frozenset(tables))


@functools.cache
def vocabulary_of(directory: Path, tables: frozenset[str] = frozenset()) -> Vocabulary:
    """Return all axes of a directory of tables, or those that some of them have. Raises TableError."""
    known = load_axes(directory / FILE)
    found = dict(known)
    for file in table_files(directory):
        if tables and file.stem not in tables:
            continue
        part = Part.read(file)
        if part.entries.get("scenario") == SCRIPT:
            for axis in (case_axis(part), *own_axes(part, known).values()):
                before = found.get(axis.name, axis)
                found[axis.name] = replace(before, values={**axis.values, **before.values})
    return found


def table_files(directory: Path) -> list[Path]:
    """Return the files of a directory that hold tables, sorted by name."""
    files = sorted(directory.glob("*.toml"))
    return [file for file in files if not any(file.match(other) for other in OTHERS)]


def addresses_in_words() -> Mapping[str, str]:
    """Return the words of every address symbol of this installation. Raises TableError."""
    return Part.read(content.matrix() / FILE).part("addresses").words()


def load_axes(file: Path) -> dict[str, Axis]:
    """Read the shared axes in the order they are documented. Raises TableError."""
    root = Part.read(file)
    root.expect(("addresses", "cell", "socket", "script"))
    addresses = root.part("addresses").words()
    axes: dict[str, Axis] = {}
    for scope in ("cell", "socket", "script"):
        scoped = root.part(scope)
        for name in scoped.entries:
            if name in axes:
                raise scoped.error(name, "this axis is documented twice")
            axes[name] = _axis(scoped, name, addresses, scope)
    return axes


def own_axes(root: Part, known: Vocabulary) -> dict[str, Axis]:
    """Return the axes of a script table's own, in the order of its file. Raises TableError.

    One that has the name of a shared axis may have only values of that.
    """
    scoped = root.part("axis")
    axes = {}
    for name in scoped.entries:
        axis = axes[name] = _axis(scoped, name, {}, "script")
        if name == CASE:
            raise scoped.error(name, "this axis is there already: the cases")
        if name not in known:
            continue
        if known[name].per_socket:
            raise scoped.error(name, f"is an axis of single sockets in {FILE}; give it another name")
        for value in axis.values:
            if problem := known[name].check(value):
                raise scoped.error(name, f"is an axis of {FILE} with other values: {problem}")
    return axes


def case_axis(root: Part) -> Axis:
    """Return the axis whose values are the names of the cases of a script table. Raises TableError."""
    values = {}
    for number, entries in enumerate(root.tables("case"), 1):
        part = Part(root.file, entries, f"case {number}")
        name, about = part.text("name"), part.text("about")
        if not CASE_NAME.fullmatch(name):
            raise part.error("name", f'"{name}": a name has lower-case letters, digits and - only')
        if name in values:
            raise part.error("name", f'there is a case "{name}" already')
        values[name] = about
    return Axis(CASE, "case", "What is asked.", per_socket=False, values=values)


def _axis(scoped: Part, name: str, addresses: Mapping[str, str], scope: str) -> Axis:
    if not NAME.fullmatch(name):
        raise scoped.error(name, "a name has lower-case letters, digits and - only")
    part = scoped.part(name)
    scripted = ("does", "default") if scope == "script" else ()
    part.expect(("title", "about", *(("addresses",) if addresses else ()), "values", *scripted))
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
    axis = Axis(name, part.text("title"), part.text("about"), scope == "socket", values)
    if scope != "script":
        return axis
    return replace(axis, does=_does(part, axis), default=_default(part, axis))


def _does(part: Part, axis: Axis) -> dict[str, str]:
    """Return what stands in a script for each value: the value itself if nothing is said."""
    if "does" not in part.entries:
        return {value: value for value in axis.values}
    said = part.part("does")
    for value in said.entries:
        if problem := axis.check(value):
            raise said.error(value, problem)
        if not isinstance(said.entries[value], str):
            raise said.error(value, "must be a text, which may be empty")
    for value in axis.values:
        if value not in said.entries:
            raise said.error("", f'does not say what "{value}" does')
    return dict(said.entries)


def _default(part: Part, axis: Axis) -> str | None:
    if "default" not in part.entries:
        return None
    default = part.text("default")
    if problem := axis.check(default):
        raise part.error("default", problem)
    return default
