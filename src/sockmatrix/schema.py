"""The JSON Schema of a line of a run file, generated from the types that read and write it.

`python -m sockmatrix.schema` writes `run.schema.json` beside this module.
"""

from __future__ import annotations

import inspect
import json
from pathlib import Path
from typing import Any

import msgspec

from sockmatrix.runformat import SCHEMA, Line

FILE = Path(__file__).with_name("run.schema.json")


def schema() -> dict[str, Any]:
    """Return the schema; it describes each line of a file, not the file."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"A line of a sockmatrix run file, schema {SCHEMA}",
        **_clean(msgspec.json.schema(Line)),
    }


def _clean(value: Any) -> Any:
    """Return `value` with the indentation of docstrings gone, as Python 3.13 has it already."""
    if isinstance(value, dict):
        return {
            key: inspect.cleandoc(one) if key == "description" and isinstance(one, str) else _clean(one)
            for key, one in value.items()
        }
    return [_clean(one) for one in value] if isinstance(value, list) else value


def text() -> str:
    """Return the schema as the text of `FILE`."""
    return json.dumps(schema(), indent=2, sort_keys=False) + "\n"


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")
