"""Files of exceptions: what one says, what is wrong with one, what it allows and until when."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import fakes
import pytest
import smallmatrix

from sockmatrix import allow, content, selection
from sockmatrix.claims.shape import shape
from sockmatrix.classify import classify
from sockmatrix.observation import decode_seen
from sockmatrix.part import TableError

if TYPE_CHECKING:
    from pathlib import Path

    from miniatures import Platform

    from sockmatrix.cell import Cell
    from sockmatrix.claims.shape import Shape
    from sockmatrix.outcome import Outcome

TODAY = dt.date(2026, 6, 1)

TWO = """
[[exception]]
pattern = "table=hearing receivers=3"
reason = "a kernel that is mended"
expires = 2026-06-01

[[exception]]
pattern = "table=hearing"
reason = "all hear it there"
expires = 2026-05-31
expect = ["delivery=all", "status.every=ok"]
"""


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a file of two exceptions about the small matrix."""
    place = smallmatrix.write(tmp_path / "matrix")
    monkeypatch.setattr(content, "matrix", lambda: place)
    (tmp_path / "allow.toml").write_text(TWO)
    return tmp_path / "allow.toml"


def look_up(name: str, platform: Platform) -> tuple[Cell, Shape, Outcome]:
    """Return a cell, its shape, and what a platform makes of it."""
    table, cell = selection.look_up(name)
    steps = table.scenario.steps(cell)
    seen = decode_seen(platform.seen([(role, operations) for role, operations in steps]))
    return cell, shape(steps), classify(seen)


def test_load(file: Path) -> None:
    """Entries come in their order and know where they stand."""
    one, two = allow.load(file)
    assert (one.pattern.text, one.reason) == ("table=hearing receivers=3", "a kernel that is mended")
    assert [term.text for term in two.expect] == ["delivery=all", "status.every=ok"]
    assert two.place == "allow.toml, exception 2"
    assert not one.expired(TODAY)
    assert two.expired(TODAY)


TWO_SOCKETS = "hearing/dest:lo4/A:lo4.addr/B:lo4.addr"
THREE_SOCKETS = f"{TWO_SOCKETS}/C:lo4.addr"


@pytest.mark.parametrize(
    ("name", "platform", "expected"),
    [
        (THREE_SOCKETS, fakes.FIRST, 1),
        (THREE_SOCKETS, fakes.EVERYTHING, 1),
        (TWO_SOCKETS, fakes.EVERYTHING, 2),
        (TWO_SOCKETS, fakes.FIRST, None),
        (TWO_SOCKETS, fakes.HANGS, None),
        (TWO_SOCKETS, fakes.REFUSES, None),
    ],
)
def test_first(file: Path, name: str, platform: Platform, expected: int | None) -> None:
    """The first that matches, in what is expected too; one that has not expired goes before."""
    found = allow.first(allow.load(file), *look_up(name, platform), TODAY)
    assert (found.part.block if found else None) == (f"exception {expected}" if expected else None)


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("2026-05-31", "2026-05-31T10:00:00", "exception 2, expires: must be a date such as"),
        ("receivers=3", "receivers=x", 'exception 1, pattern: in "receivers=x": "x" is not a number'),
        ('"delivery=all"', '"delivery=loud"', 'exception 2, expect: in "delivery=loud": unknown word'),
        ('["delivery=all", "status.every=ok"]', "3", "exception 2, expect: must be a list of texts"),
        ('"a kernel that is mended"', '" "', "exception 1, reason: must be a text that is not empty"),
        ("[[exception]]", "[exception]", "is not TOML"),
        ("expires = 2026-06-01", "until = 2026-06-01", 'exception 1: unknown key "until"'),
    ],
)
def test_problems(file: Path, old: str, new: str, problem: str) -> None:
    """Each is one line that names the file and the entry; collected, it leaves the others."""
    assert old in TWO
    file.write_text(TWO.replace(old, new))
    with pytest.raises(TableError) as caught:
        allow.load(file)
    assert str(caught.value).startswith(f"{file}: {problem}")
    assert "\n" not in str(caught.value)
    problems: list[TableError] = []
    assert len(allow.load(file, problems)) == (0 if "TOML" in problem else 1)
    assert list(map(str, problems)) == [str(caught.value)]


def test_no_file(tmp_path: Path) -> None:
    """A file that is not there is said so."""
    with pytest.raises(TableError, match="cannot be read"):
        allow.load(tmp_path / "allow.toml")
