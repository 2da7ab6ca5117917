"""The matrix for machines: CSV as RFC 4180 has it, and JSON, one line a row."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_FORMULA = ("=", "+", "-", "@")


def to_csv(names: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> str:
    r"""Return rows as CSV with a header: UTF-8, CRLF, quotes where needed; values that nest are JSON.

    A spreadsheet takes a field that begins with =, +, - or @ for a formula, whatever its quotes say.
    No word, id or name that sockmatrix writes begins so, hence nothing is changed that was measured;
    a field that does (a system that calls itself "=cmd|...") gets its first character written as an
    escape, `\x3d`, as control characters are everywhere else. Numbers are left alone.
    """
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(names)
    for row in rows:
        writer.writerow([_field(row[name]) for name in names])
    return out.getvalue()


def to_json(**parts: Any) -> str:
    """Return an object as JSON; of a part that is a list or an iterator, each item has a line."""
    lines = []
    for name, value in parts.items():
        text = _line(value) if isinstance(value, str | int | dict | None) else _list(value)
        lines.append(f"{_line(name)}: {text}")
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _field(value: object) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        return _line(value)
    return f"\\x{ord(value[0]):02x}{value[1:]}" if value.startswith(_FORMULA) else value


def _line(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))


def _list(values: Iterable[object]) -> str:
    return "[\n" + ",\n".join(map(_line, values)) + "\n]"
