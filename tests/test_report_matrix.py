"""`sockmatrix report` of several platforms: what differs, what is the same, and tables of any axes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import fakes
import pytest
import smallmatrix
from commandline import Commands, write_run

from sockmatrix.axis import vocabulary
from sockmatrix.columns import Column, Said, parts, present
from sockmatrix.pivot import PivotError, parse, pivot
from sockmatrix.render.beside import PARTED, compare
from sockmatrix.render.values import MISSING, Grid

if TYPE_CHECKING:
    from pathlib import Path

    from sockmatrix.selection import Selection


@pytest.fixture(scope="module")
def selection(tmp_path_factory: pytest.TempPathFactory) -> Selection:
    """Return the cells of the small matrix."""
    return smallmatrix.selection(tmp_path_factory.mktemp("small") / "matrix")


@pytest.fixture
def sockmatrix(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Commands:
    """Run commands where there are runs of two platforms."""
    commands = Commands.prepared(capsys, monkeypatch, tmp_path)
    write_run(tmp_path / "here" / "one", commands.selection)
    write_run(tmp_path / "here" / "two", commands.selection, fakes.BSD, release="5.10")
    return commands


def grid(**rows: tuple[str, ...]) -> Grid:
    """Return a table with the columns x and y."""
    return Grid("t", "?", ("a",), ("x", "y"), tuple(((label,), cells) for label, cells in rows.items()))


ONE = grid(p=("all", "all"), q=("all", "none"), r=("last", "last"))
TWO = grid(p=("all", "all"), q=("all", "last"), r=("first", "first"))


def test_what_is_the_same_is_shown_once() -> None:
    """Rows that part have a column for each platform; the others are a table as of one platform."""
    (found,) = compare([("one", [ONE]), ("two", [TWO])])
    assert found.parted.columns == ("one", "two")
    assert found.parted.rows == ((("q", "y"), ("none", "last")), (("r", "any"), ("last", "first")))
    assert found.same is not None
    assert found.same.columns == ("x", "y")
    assert found.same.rows == ((("p",), ("all", "all")), (("q",), ("all", PARTED)))
    assert found.alike == 3


def test_no_row_is_lost() -> None:
    """Between them the two tables hold every row and column of every platform."""
    (everything,) = compare([("one", [ONE]), ("two", [TWO])], "all")
    assert len(everything.parted.rows) == 6
    assert everything.same is None
    (found,) = compare([("one", [ONE]), ("two", [TWO])], "differing")
    assert (found.same, found.alike) == (None, 3)


def test_unmeasured_is_never_the_same() -> None:
    """What one platform did not measure is a row of its own, and not in the table of what is the same."""
    (found,) = compare([("one", [ONE]), ("two", [grid(p=("all", MISSING))])])
    assert (("p", "y"), ("all", MISSING)) in found.parted.rows
    assert found.alike == 1
    assert found.same is not None
    assert found.same.rows == ((("p",), ("all", PARTED)),)


def test_a_lone_column_is_no_label() -> None:
    """Where a table has one column, its name does not stand in every row."""
    own = Grid("t", "?", ("a",), ("outcome",), ((("p",), ("all",)), (("q",), ("none",))))
    other = Grid("t", "?", ("a",), ("outcome",), ((("p",), ("last",)), (("q",), ("none",))))
    (found,) = compare([("one", [own]), ("two", [other])])
    assert (found.parted.row_headers, found.parted.rows) == (("a",), ((("p",), ("all", "last")),))


def test_parts(selection: Selection) -> None:
    """Cells part where facets differ, or one is not measured; words of a document are like facets."""
    block = {cell.id: fakes.cell("x") for cell in selection.cells}
    other = {cell.id: fakes.cell("x", fakes.FIRST) for cell in selection.cells[:1]}
    first, second = selection.cells[:2]
    one, two = Column("one", block), Column("two", other)
    assert parts(first, [one, two])
    assert parts(second, [one, two])
    assert not parts(first, [one, one])
    said = Said("all", ("KO-01",))
    assert not parts(first, [Column("", {first.id: said}), Column("", {first.id: said})])
    skipped = Column("", {first.id: fakes.cell("x", fakes.HANGS)})
    assert not parts(first, [one, skipped, one])
    assert parts(first, [skipped, one, two])
    assert parts(second, [two, two])
    assert present(selection.cells, [two]) == [first]


def test_differ(sockmatrix: Commands) -> None:
    """--differ leaves out what is the same, and names the tables in which all is."""
    done = sockmatrix("report", "one", "two", "--differ")
    assert (done.code, done.err) == (0, "")
    assert PARTED not in done.out
    assert re.search(r"Of all 176 cells, .* \d+ are not the same on every platform", done.out)
    same = sockmatrix("report", "one", "one", "--differ").out
    assert same.startswith("The same on every platform, in each row: hearing, listening.\n")
    default = sockmatrix("report", "one", "one").out
    assert re.search(r"rows? (is|are) the same on every platform:\n\n", default)


def test_differ_lists_cells(sockmatrix: Commands) -> None:
    """With --cells every cell in which they part has a line, and no other."""
    lines = sockmatrix("report", "one", "two", "--differ", "--cells").out.splitlines()[2:]
    texts = [re.split(r" {2,}", line) for line in lines]
    assert texts
    assert all(len(row) == 3 and row[1] != row[2] for row in texts)
    count = re.search(r"(\d+) are not the same", sockmatrix("report", "one", "two").out)
    assert count is not None
    assert int(count[1]) == len(lines)


def test_differ_needs_two(sockmatrix: Commands) -> None:
    """One run does not differ from anything; all and only what differs cannot be had together."""
    done = sockmatrix("report", "one", "--differ")
    assert (done.code, done.out) == (2, "")
    assert done.err == ("sockmatrix report: --differ compares platforms; give the runs of at least two\n")
    assert sockmatrix("report", "one", "two", "--differ", "--all").code == 2


def test_pivot(sockmatrix: Commands) -> None:
    """The last axis is across; outcomes that agree are one word, others are counted."""
    done = sockmatrix("report", "one", "--pivot", "dest,receivers")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("linux 6.12.1\n160 cells; 16 more lack one of these axes\n")
    assert re.search(r"^sent to \(across: receivers\) +2 or 3$", done.out, re.MULTILINE)
    assert "last  only the socket bound last heard" in done.out
    done = sockmatrix("report", "two", "--pivot", "table,A.reuse,B.reuse", "--only", "receivers=2")
    assert re.search(r"^hearing .*refused \d+", done.out, re.MULTILINE)


def test_pivot_across_platforms(sockmatrix: Commands) -> None:
    """The platforms can be an axis; else each has a table."""
    one = sockmatrix("report", "one", "two", "--pivot", "dest,platform").out
    assert re.search(r"^sent to \(across: platform\) +linux 5.10 +linux 6.12.1$", one, re.MULTILINE)
    page = sockmatrix("report", "one", "two", "--pivot", "dest,every.reuse", "--format", "markdown")
    assert page.code == 2
    page = sockmatrix("report", "one", "two", "--pivot", "dest,first.reuse", "--format", "markdown")
    assert page.out.count("\n## linux") + page.out.startswith("## linux") == 2


def test_a_pivot_counts_every_cell(selection: Selection) -> None:
    """Each place has all cells with its values, measured or not, the most frequent outcome first."""
    cells = [cell for cell in selection.cells if cell.table == "hearing"]
    platforms = (fakes.LAST, fakes.LAST, fakes.FIRST, None)
    dealt = {cell.id: platforms[place % 4] for place, cell in enumerate(cells)}
    block = {name: fakes.cell("x", platform) for name, platform in dealt.items() if platform}
    (found,) = pivot(cells, [Column("one", block)], parse("dest,receivers", vocabulary()))
    for (sent_to,), texts in found.rows:
        for receivers, text in zip(found.columns, texts, strict=True):
            dest = {"127.0.0.1": "lo4", "127.255.255.255": "lobcast"}[sent_to]
            own = [cell for cell in cells if cell.axes["dest"] == dest]
            quarter = sum(str(len(cell.sockets)) == receivers for cell in own) // 4
            assert text == f"last {2 * quarter} / first {quarter} / {MISSING} {quarter}"


def test_many_outcomes_are_counted_by_word(selection: Selection) -> None:
    """Of more outcomes than can be told apart at a glance, the words are counted: one, refused."""
    cells = selection.cells[:12]
    block = {
        cell.id: fakes.cell("x", platform)
        for cell, platform in zip(cells, fakes.PLATFORMS[:12], strict=True)
    }
    (found,) = pivot(cells, [Column("one", block)], parse("table,lab", vocabulary()))
    ((_, (text,)),) = found.rows
    counts = [part.rpartition(" ") for part in text.split(" / ")]
    assert sum(int(count) for _, _, count in counts) == 12
    assert {"one", "all", "refused", "spread"} <= {word for word, _, _ in counts}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("dest", "is not ROWS,COLUMNS: at least two axes"),
        ("dest,", "is not ROWS,COLUMNS"),
        ("dest,dest", "names an axis twice"),
        ("dest,reus", 'unknown axis "reus"'),
        ("A.dest,reuse", "dest belongs to the cell, not to a socket; write dest"),
        ("dest,every.reuse", '"every" in every.reuse is not a socket; write first, last, A, B'),
        ("A.platform,dest", 'unknown axis "platform"'),
    ],
)
def test_what_is_no_axis(text: str, said: str) -> None:
    """A wrong axis is named, with what there is."""
    with pytest.raises(PivotError, match=re.escape(said)):
        parse(text, vocabulary())


def test_wrong_pivots(sockmatrix: Commands) -> None:
    """A pivot without cells, or of a format that has no tables, is one line."""
    for arguments, said in (
        (("--pivot", "dest,via"), "--pivot: no selected cell has all of dest,via"),
        (("--pivot", "dest,reus"), '--pivot: unknown axis "reus"'),
        (
            ("--pivot", "dest,bind", "--format", "csv"),
            "--pivot makes a table to read; csv has every cell",
        ),
    ):
        done = sockmatrix("report", "one", *arguments)
        assert (done.code, done.out) == (2, "")
        assert done.err.startswith(f"sockmatrix report: {said}")
        assert done.err.count("\n") == 1
