"""Known changes: which releases have them, what they explain, and what is wrong with a file of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import fakes
import msgspec
import pytest
import smallmatrix

from sockmatrix import changes, content, lint
from sockmatrix.changes import Explainer, applies
from sockmatrix.claims import expect
from sockmatrix.claims.cover import Coverage
from sockmatrix.claims.shape import shape
from sockmatrix.collect import lines
from sockmatrix.part import TableError
from sockmatrix.runfile import CellLine, Platform, Run

if TYPE_CHECKING:
    from pathlib import Path

    from sockmatrix.cell import Cell
    from sockmatrix.selection import Selection

ONE = """
[[change]]
id = "abcdef012345"
title = "All hear"
os = "linux"
versions = ">=6.2,<6.2.8 | >=6.9"
links = ["https://example.org/abcdef012345"]
[[change.effect]]
cells = ["table=hearing dest=lo4 every.reuse=addr"]
with = ["delivery=all"]
without = ["delivery=one:last"]
"""


@pytest.fixture
def matrix(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the small matrix with one known change, installed."""
    place = smallmatrix.write(tmp_path / "matrix")
    (place / changes.FILE).write_text(ONE)
    monkeypatch.setattr(content, "matrix", lambda: place)
    changes._parsed.cache_clear()
    return place


@pytest.fixture
def small(matrix: Path) -> Selection:
    """Return the cells of the small matrix."""
    return smallmatrix.selection(matrix)


def platform(release: str, **changed: Any) -> Platform:
    """Return a platform of Linux, or another."""
    return msgspec.structs.replace(fakes.header().platform, release=release, **changed)


@pytest.mark.parametrize(
    ("before", "after", "answer"),
    [
        ("6.2.7", "6.2.8", "yes"),
        ("6.2.8", "6.2.7", "yes"),
        ("6.1.1", "6.2.8", "no"),
        ("6.2.1", "6.9", "no"),
        ("6.8.12", "6.9-rc1", "no"),
        ("6.8.12", "6.10", "yes"),
        ("6.8.12", "6.2.0-39-generic", "maybe"),
        ("6.1.1", "6.1.2", "no"),
        ("moon", "6.9", "maybe"),
        ("6.2.0-39-generic", "6.2.0-39-generic", "no"),
    ],
)
def test_applies(matrix: Path, before: str, after: str, answer: str) -> None:
    """It does if exactly one of both releases has it."""
    (change,) = changes.load(matrix / changes.FILE)
    assert applies(change, platform(before), platform(after)) == answer
    assert applies(change, platform(before), platform(after, stack="gvisor")) == "no"


def test_a_stack_of_its_own_has_what_the_system_it_imitates_has_not(matrix: Path) -> None:
    """It is told between the two of them, and of no others."""
    text = ONE.replace('os = "linux"', 'os = "gvisor"').replace('">=6.2,<6.2.8 | >=6.9"', '">=0"')
    (matrix / changes.FILE).write_text(text)
    (change,) = changes.load(matrix / changes.FILE)
    linux, gvisor = platform("6.9"), platform("20240729.0", stack="gvisor")
    assert applies(change, linux, gvisor) == applies(change, gvisor, linux) == "yes"
    assert applies(change, gvisor, platform("20250101.0", stack="gvisor")) == "no"
    assert applies(change, linux, platform("6.10")) == "no"
    assert applies(change, platform("15.0", os="freebsd", stack="freebsd"), gvisor) == "no"


def cell_of(small: Selection, name: str) -> Cell:
    """Return a cell by its id."""
    return next(cell for cell in small.cells if cell.id == name)


def line_of(small: Selection, cell: Cell, by: fakes.Platform) -> CellLine:
    """Return a cell as a platform has it."""
    return next(iter(lines(smallmatrix.block(small, by, [cell]))))


@pytest.mark.parametrize(
    ("releases", "was", "now", "expected"),
    [
        (("6.2.8", "6.9"), fakes.LAST, fakes.EVERYTHING, "yes"),
        (("6.9", "6.2.8"), fakes.EVERYTHING, fakes.LAST, "yes"),
        (("6.2.8", "6.9"), fakes.EVERYTHING, fakes.LAST, "no"),  # the wrong way round
        (("6.2.8", "6.9"), fakes.LAST, fakes.NOBODY, "no"),
        (("6.2.8", "6.9"), fakes.FIRST, fakes.EVERYTHING, "no"),
        (("6.2.8", "6.2.0-39-generic"), fakes.LAST, fakes.EVERYTHING, "maybe"),
        (("6.2.0-39-generic", "moon"), fakes.EVERYTHING, fakes.LAST, "maybe"),
        (("6.2.8", "6.2.9"), fakes.LAST, fakes.EVERYTHING, "no"),
    ],
)
def test_reasons(
    small: Selection,
    releases: tuple[str, str],
    was: fakes.Platform,
    now: fakes.Platform,
    expected: str,
) -> None:
    """A change is a reason only if both sides are as it says."""
    cell = cell_of(small, "hearing/dest:lo4/A:lo4.addr/B:lo4.addr")
    scenario = small.plans[0].table.scenario
    before, after = map(platform, releases)
    explainer = Explainer(changes.load(), before, after, lambda cell: shape(scenario.steps(cell)))
    found = explainer.reasons(cell, line_of(small, cell, was), line_of(small, cell, now))
    assert [reason.sure for reason in found] == {"yes": [True], "maybe": [False], "no": []}[expected]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("hearing/dest:lo4/A:lo4.addr/B:lo4.addr", 1),
        ("hearing/dest:lo4/A:lo4.none/B:any4.addr", 0),
        ("hearing/dest:lobcast/A:any4.addr/B:any4.addr", 0),
    ],
)
def test_a_change_explains_only_the_cells_that_it_touches(
    small: Selection, name: str, expected: int
) -> None:
    """Whatever else has changed in the same way."""
    cell = cell_of(small, name)
    scenario = small.plans[0].table.scenario
    before, after = platform("6.2.8"), platform("6.9")
    explainer = Explainer(changes.load(), before, after, lambda cell: shape(scenario.steps(cell)))
    was, now = (line_of(small, cell, by) for by in (fakes.LAST, fakes.EVERYTHING))
    assert len(explainer.reasons(cell, was, now)) == expected


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ('id = "abcdef012345"', 'id = "A?"', "is not a commit or a short name"),
        ("links = ", "note = ", "it has no source: give links"),
        ("https://example", "http://example", "does not begin with https://"),
        ('os = "linux"', 'os = "any"', "unknown system"),
        ('">=6.2,<6.2.8 | >=6.9"', '"6.2"', "is not a comparison"),
        ("table=hearing dest=lo4", "dest=lo4", "does not begin with table="),
        ("delivery=all", "delivery=most", 'unknown word "most"'),
        ("dest=lo4", "dest=moon", 'unknown value "moon"'),
        ("dest=lo4 every.reuse=addr", "receivers=9", "no cell matches"),
        ("delivery=all", "note.again=ok", "none of its cells has that (no note again)"),
        ("title", "titel", "unknown key"),
        ("[[change.effect]]", "[[change.effects]]", "unknown key"),
        ("[[change]]", "[change]", "needs at least one [[change]]"),
    ],
)
def test_lint(matrix: Path, old: str, new: str, problem: str) -> None:
    """Lint says what is wrong, and where."""
    assert not lint.check(matrix).problems
    (matrix / changes.FILE).write_text(ONE.replace(old, new, 1))
    changes._parsed.cache_clear()
    found = [str(one) for one in lint.check(matrix).problems]
    assert any(problem in one for one in found), found
    assert all("changes.toml: " in one for one in found)


def test_twice(matrix: Path) -> None:
    """An id is there once; without lint the first problem is raised."""
    (matrix / changes.FILE).write_text(ONE + ONE)
    with pytest.raises(TableError, match="abcdef012345, id: this id is there twice"):
        changes.load()
    problems: list[TableError] = []
    assert len(changes.load(problems=problems)) == len(problems) == 1


def test_none(tmp_path: Path) -> None:
    """A matrix need not have any."""
    assert changes.load(tmp_path / changes.FILE) == ()


def test_the_committed_run_is_as_the_changes_say() -> None:
    """The cells that are named after fixes are as releases like the measured one are said to be."""
    run = Run.read(content.runs() / "linux-6.18.44-x86_64.jsonl.gz")
    coverage = Coverage.installed()
    judged = 0
    for change in changes.load():
        had = change.had(run.header.platform)
        for effect in change.effects if change.os == "linux" else ():
            texts = [text for text in effect.cells if text.startswith("table=sentinel ")]
            for cell in coverage.cells([effect.pattern(text) for text in texts]):
                terms = effect.having if had else effect.lacking
                assert expect.judge(terms, coverage.shape(cell), run.cells[cell.id])[0].holds, cell.id
                judged += 1
    assert judged > 20
