"""The matrix for machines: CSV as RFC 4180 has it, and JSON, one line a row."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING, Any, final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from sockmatrix.rows import Row

_FORMULA = ("=", "+", "-", "@")


def to_csv(names: Sequence[str], rows: Iterable[Row]) -> str:
    r"""Return rows as CSV with a header: UTF-8, CRLF, quotes where needed; values that nest are JSON.

    A row is in parts, as `rows.rows` has them; a part that several rows share is written once.

    A spreadsheet takes a field that begins with =, +, - or @ for a formula, whatever its quotes say.
    No word, id or name that sockmatrix writes begins so, hence nothing is changed that was measured;
    a field that does (a system that calls itself "=cmd|...") gets its first character written as an
    escape, `\x3d`, as control characters are everywhere else. Numbers are left alone.
    """
    written = _Once(_fields)
    header = dict(zip(names, names, strict=True))
    return "".join(f"{','.join(map(written, row))}\r\n" for row in ((header,), *rows))


def to_json(**parts: Any) -> str:
    """Return an object as JSON; of a part that is a list or an iterator, each item has a line.

    An item may be a row in parts, as for `to_csv`.
    """
    lines = []
    for name, value in parts.items():
        text = _line(value) if isinstance(value, str | int | dict | None) else _list(value)
        lines.append(f"{_line(name)}: {text}")
    return "{\n" + ",\n".join(lines) + "\n}\n"


@final
class _Once:
    """Writes parts of rows, each of them once."""

    def __init__(self, write: Callable[[Mapping[str, Any]], str]) -> None:
        self._write = write
        self._known: dict[int, tuple[Mapping[str, Any], str]] = {}

    def __call__(self, part: Mapping[str, Any]) -> str:
        # The part is kept: while it lasts, no other one gets its id.
        known = self._known.get(id(part))
        if known is None:
            known = self._known[id(part)] = part, self._write(part)
        return known[1]


def _fields(part: Mapping[str, Any]) -> str:
    out = io.StringIO(newline="")
    # The last field, which is cut off, keeps an empty one from being all there is, and quoted.
    csv.writer(out, lineterminator="").writerow([*map(_field, part.values()), ""])
    return out.getvalue()[:-1]


def _members(part: Mapping[str, Any]) -> str:
    return _line(part)[1:-1]


def _field(value: object) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        return _line(value)
    return f"\\x{ord(value[0]):02x}{value[1:]}" if value.startswith(_FORMULA) else value


_line = json.JSONEncoder(separators=(",", ":")).encode


def _list(values: Iterable[object]) -> str:
    written = _Once(_members)
    lines = (
        f"{{{','.join(map(written, value))}}}" if isinstance(value, tuple) else _line(value)
        for value in values
    )
    return "[\n" + ",\n".join(lines) + "\n]"
