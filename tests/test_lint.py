"""`sockmatrix lint`: every kind of problem is found, said in one line, and is status 1."""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING

import pytest
import smallclaims
import smallmatrix
from commandline import Commands

from sockmatrix import content, lint

if TYPE_CHECKING:
    from pathlib import Path

TODAY = dt.date(2026, 6, 1)


@pytest.fixture
def matrix(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a small matrix in which nothing is wrong."""
    place = smallmatrix.write(tmp_path / "matrix")
    monkeypatch.setattr(content, "matrix", lambda: place)
    smallclaims.write(place)
    return place


def problems(matrix: Path) -> list[str]:
    """Return what is wrong, without the directory."""
    return [str(one).removeprefix(f"{matrix}/") for one in lint.check(matrix, TODAY).problems]


def change(file: Path, old: str, new: str) -> None:
    """Replace a text that is there."""
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


def test_nothing_wrong(matrix: Path) -> None:
    """It says what it looked at."""
    report = lint.check(matrix, TODAY)
    assert report.problems == ()
    assert (report.tables, report.cells, report.claims, report.disagreements) == (2, 176, 5, 1)


@pytest.mark.parametrize(
    ("file", "old", "new", "problem"),
    [
        (
            "claims/all.toml",
            '"table=hearing receivers=2 dest=lo4"',
            '"table=hearing receivers=4"',
            'claims/all.toml: KO-02: cells: no cell matches "table=hearing receivers=4"',
        ),
        (
            "claims/all.toml",
            '"table=hearing receivers=2 dest=lo4"',
            '"table=hearing receivers=2", "table=listen"',
            'claims/all.toml: KO-02: cells: no cell matches "table=listen"',
        ),
        (
            "claims/all.toml",
            'section = "Middle"\n',
            "",
            'claims/all.toml: KO-01: lacks the key "section"',
        ),
        (
            "claims/all.toml",
            'source = "KO"\nsection = "End"',
            'source = "KX"\nsection = "End"',
            'claims/all.toml: KO-02, source: unknown source "KX"',
        ),
        (
            "claims/all.toml",
            '["delivery=one:first"]',
            '["delivery.lo4=one:first"]',
            "claims/all.toml: KO-02: expect: delivery.lo4=one:first: none of its cells has that (no",
        ),
        (
            "claims/all.toml",
            '["delivery=one:first"]',
            '["bind.C=ok"]',
            "claims/all.toml: KO-02: expect: bind.C=ok: none of its cells has that (no role C)",
        ),
        (
            "claims/disagreements.toml",
            "receivers=2 dest=lo4",
            "receivers=9",
            'claims/disagreements.toml: "Which one hears?": cells: no cell matches "table=hearing',
        ),
        (
            "claims/disagreements.toml",
            "delivery=one:first",
            "note.a=b",
            'claims/disagreements.toml: "Which one hears?": expect: note.a=b: none of its cells',
        ),
        (
            "hearing.toml",
            '"receivers=3 sockets=alike"',
            '"receivers=3 sockets=alike", "receivers=7"',
            'hearing.toml: summary.where: no cell matches "receivers=7"',
        ),
        (
            "hearing.toml",
            "receivers = 2",
            "receivers = 0",
            'hearing.toml: block 1 ("two receivers"), rec',
        ),
        ("listening.toml", "[summary]", "[sum", "listening.toml: is not TOML"),
    ],
)
def test_what_is_found(matrix: Path, file: str, old: str, new: str, problem: str) -> None:
    """Each problem is there, and says where it is."""
    change(matrix / file, old, new)
    found = problems(matrix)
    assert any(one.startswith(problem) for one in found), found


def test_testable_claims_have_cells(matrix: Path) -> None:
    """A claim that Linux decides and that has no cell is wrong twice."""
    change(
        matrix / "claims" / "all.toml",
        '"table=hearing receivers=2 dest=lo4 every.reuse=addr"]\nexpect = ["delivery=one:last"]\nnote',
        '"receivers=8"]\nexpect = ["delivery=one:last"]\nnote',
    )
    assert problems(matrix) == [
        'claims/all.toml: KO-01: cells: no cell matches "receivers=8"',
        "claims/all.toml: KO-01: it is testable, but there is no cell that could decide it",
    ]


def test_ids_that_are_there_twice(matrix: Path) -> None:
    """Of claims."""
    file = matrix / "claims" / "more.toml"
    file.write_text((matrix / "claims" / "all.toml").read_text().split("[[claim]]")[0])
    first = smallclaims.CLAIMS.split("\n[[claim]]")[1]
    file.write_text("[[claim]]" + first)
    assert problems(matrix) == ["claims/more.toml: KO-01: this id is in all.toml already"]


EXCEPTION = """
[[exception]]
pattern = "table=hearing receivers=3"
reason = "a kernel that is mended"
expires = 2026-06-01
"""


def test_exceptions(matrix: Path) -> None:
    """One lasts through its last day; each must say why, and name cells."""
    file = matrix / "allow-6.1.toml"
    for text, problem in (
        (EXCEPTION, ""),
        (EXCEPTION.replace("06-01", "05-31"), "exception 1, expires: it has expired on 2026-05-31"),
        (
            EXCEPTION.replace("=3", "=5"),
            'exception 1, pattern: no cell matches "table=hearing receivers=5"',
        ),
        (
            EXCEPTION.replace("receivers=3", "receiver=3"),
            'exception 1, pattern: in "receiver=3": unknown',
        ),
        (EXCEPTION.replace("2026-06-01", '"soon"'), "exception 1, expires: must be a date such as"),
        (
            EXCEPTION.replace('reason = "a kernel that is mended"', ""),
            'exception 1: lacks the key "reason"',
        ),
        (EXCEPTION.replace("exception", "except"), 'unknown key "except"'),
    ):
        file.write_text(text)
        found = problems(matrix)
        if problem:
            assert len(found) == 1
            assert found[0].startswith(f"allow-6.1.toml: {problem}")
        else:
            assert found == []
    file.write_text(EXCEPTION * 2)
    assert lint.check(matrix, TODAY).exceptions == 2


@pytest.fixture
def sockmatrix(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Commands:
    """Run commands on a small matrix with claims."""
    commands = Commands.prepared(capsys, monkeypatch, tmp_path)
    smallclaims.write(content.matrix())
    return commands


def test_the_command(sockmatrix: Commands) -> None:
    """Status 0 and a line that says so, or 1 and a line for each problem."""
    done = sockmatrix("lint")
    assert (done.code, done.err) == (0, "")
    assert done.out == (
        "2 tables with 176 cells, 5 claims, 1 disagreements, 0 known changes, 0 exceptions:"
        " nothing wrong\n"
    )
    change(content.matrix() / "claims" / "all.toml", "receivers=2 dest=lo4", "receivers=4")
    done = sockmatrix("lint")
    assert done.code == 1
    *lines, last = done.out.splitlines()
    assert len(lines) == 4
    assert all(line.startswith(f"{content.matrix()}/claims/all.toml: ") for line in lines)
    assert last.endswith(": 4 problems")
    value = json.loads(sockmatrix("lint", "--json").out)
    assert (value["claims"], len(value["problems"])) == (5, 4)
    assert value["problems"][0]["where"] == "KO-01"


def test_a_directory_of_ones_own(sockmatrix: Commands, tmp_path: Path) -> None:
    """Another directory can be checked, with or without claims."""
    smallmatrix.write(tmp_path / "own")
    done = sockmatrix("lint", str(tmp_path / "own"))
    assert (done.code, done.out.split(":")[-1]) == (0, " nothing wrong\n")
    assert sockmatrix("lint", str(tmp_path / "none")).code == 1
