"""The shipped JSON Schema: current, and true of real lines."""

from __future__ import annotations

import json
from typing import Any

import fakes
import jsonschema
import msgspec
import pytest

from sockmatrix import schema
from sockmatrix.runfile import CellLine, CrossCheck, Footer

VALIDATOR = jsonschema.Draft202012Validator(schema.schema())


def as_json(line: object) -> Any:
    """Return a line as any other program would read it."""
    return json.loads(msgspec.json.encode(line))


def test_shipped_file_is_current() -> None:
    """`python -m sockmatrix.schema` has been run since the types changed."""
    assert schema.FILE.read_text(encoding="utf-8") == schema.text()


def test_schema_is_a_schema() -> None:
    """It is valid under its own dialect."""
    jsonschema.Draft202012Validator.check_schema(schema.schema())


@pytest.mark.parametrize("line", fakes.CELLS, ids=[p.name for p in fakes.PLATFORMS])
def test_cells_validate(line: CellLine) -> None:
    """The line of every kind of outcome validates."""
    VALIDATOR.validate(as_json(line))


def test_header_and_footer_validate() -> None:
    """Header and footer validate, the result of a cross-check too."""
    VALIDATOR.validate(as_json(fakes.header()))
    check = CrossCheck(cells=300, same=299, different=("fan-out/A:any4.addr",))
    VALIDATOR.validate(as_json(Footer(ended="complete", seconds=2.5, cross_check=check)))


@pytest.mark.parametrize(
    "line",
    [
        {"kind": "other"},
        {"kind": "cell", "id": "a b", "v": 1},
        {"kind": "cell", "id": "a\n", "v": 1},
        {"kind": "cell", "id": "a"},
        {"kind": "cell", "id": "a", "v": 1, "failed": {"A": "because"}},
        {"kind": "cell", "id": "a", "v": 1, "delivery": {"": {"word": "most"}}},
        {"kind": "footer", "ended": "well"},
    ],
)
def test_wrong_lines_do_not_validate(line: dict[str, Any]) -> None:
    """What the reader refuses, the schema refuses."""
    assert not VALIDATOR.is_valid(line)
