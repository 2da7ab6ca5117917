"""Columns of what documents say beside what was measured, and tables of many platforms side by side."""

from __future__ import annotations

import csv
import io
import json
import re
from typing import TYPE_CHECKING

import fakes
import knowing
import pytest
from commandline import Commands, write_run

from sockmatrix import grids
from sockmatrix.columns import Said, measured, text_of
from sockmatrix.commands.runs import read_runs
from sockmatrix.documented import documented
from sockmatrix.render import text
from sockmatrix.render.beside import ALIKE, compare
from sockmatrix.render.values import MISSING, Grid

if TYPE_CHECKING:
    from pathlib import Path

    from sockmatrix.documented import Documented

PAIR = "table=hearing receivers=2 dest=lo4 every.socket=lo4.addr"
TRIPLE = "table=hearing receivers=3 dest=lo4 every.socket=lo4.addr"
ID = "hearing/dest:lo4/A:lo4.addr/B:lo4.addr/C:lo4.addr"


@pytest.fixture
def sockmatrix(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Commands:
    """Run commands where there are runs of two platforms, and no documents yet."""
    commands = Commands.prepared(capsys, monkeypatch, tmp_path)
    write_run(tmp_path / "here" / "one", commands.selection)
    write_run(tmp_path / "here" / "two", commands.selection, release="6.13")
    return commands


@pytest.fixture
def say(sockmatrix: Commands, tmp_path: Path) -> None:
    """Write documents of three systems."""
    knowing.documents(
        tmp_path / "matrix" / "claims",
        f"MAN-1 macos,freebsd | {TRIPLE} | delivery=all",
        f"MAN-2 openbsd | {TRIPLE} | delivery=one:last",
    )


def read(sockmatrix: Commands, place: Path, *texts: str, runs: tuple[str, ...] = ("one",)) -> Documented:
    """Return what documents say beside runs."""
    book = knowing.documents(place / "claims", *texts)
    whole = sockmatrix.selection
    return documented(book.claims.values(), whole.plans, measured(read_runs(runs)), whole.ids)


def test_a_column_for_each_system_that_is_spoken_of(sockmatrix: Commands, tmp_path: Path) -> None:
    """Its cells are in quotes and name the claims; "any" and systems that were measured have none."""
    found = read(
        sockmatrix,
        tmp_path,
        f"MAN-1 macos,linux | {PAIR} | delivery=all",
        f"MAN-2 any,haiku | {TRIPLE} | delivery=none",
    )
    (column,) = found.columns
    assert (column.heading, len(column.cells)) == ("macOS (documented)", 1)
    ((name, said),) = column.cells.items()
    assert said == Said("all", ("MAN-1",))
    cell = next(cell for cell in sockmatrix.selection.cells if cell.id == name)
    assert text_of(cell, said) == '"all"'
    assert found.otherwise == {name}


def test_documents_add_up(sockmatrix: Commands, tmp_path: Path) -> None:
    """What another document adds stands beside; what is said already, or follows from it, does not."""
    found = read(
        sockmatrix,
        tmp_path,
        f"MAN-1 macos | {TRIPLE} | bind.every=ok",
        f"BLOG-1 macos | {TRIPLE} | delivery=not-all",
        f"BLOG-2 macos | {TRIPLE} | delivery=one:last",
    )
    assert found.columns[0].cells == {ID: Said("last", ("MAN-1", "BLOG-1", "BLOG-2"))}
    assert found.otherwise == frozenset()


def test_documents_that_contradict_each_other_say_so(sockmatrix: Commands, tmp_path: Path) -> None:
    """The one with more authority comes first, and both are named."""
    found = read(
        sockmatrix,
        tmp_path,
        f"BLOG-1 macos | {TRIPLE} | delivery=all",
        f"MAN-1 macos | {TRIPLE} | delivery=one:last",
    )
    said = found.columns[0].cells[ID]
    assert said == Said("last", ("MAN-1", "BLOG-1"), ("all",))
    assert isinstance(said, Said)
    assert (said.text, said.plain) == ('"last" against "all"', "last against all")


def test_documents_are_read_for_the_newest_release(sockmatrix: Commands, tmp_path: Path) -> None:
    """What was so in an older one than another document speaks of is not said."""
    found = read(
        sockmatrix,
        tmp_path,
        f"MAN-1 solaris | {TRIPLE} | delivery=all | >=11.0,<11.4",
        f"MAN-2 solaris | {TRIPLE} | delivery=one:last | ==11.4.*",
    )
    assert found.columns[0].cells == {ID: Said("last", ("MAN-2",))}


@pytest.mark.usefixtures("say")
def test_report_shows_them_beside_several_runs(sockmatrix: Commands) -> None:
    """Where a document says otherwise the row is shown, systems that are documented alike together."""
    done = sockmatrix("report", "one", "two", "--table", "hearing")
    assert (done.code, done.err) == (0, "")
    head = "linux 6.12.1\u20136.13 +macOS, FreeBSD \\(documented\\) +OpenBSD \\(documented\\)"
    assert re.search(f"^sent to .* {head}$", done.out, re.MULTILINE)
    assert re.search(r'^127.0.0.1 .* last +"all" +"last"$', done.out, re.MULTILINE)
    assert '\n"..."' in done.out
    assert "documented: what documents say" in done.out
    assert "documented" not in sockmatrix("report", "one", "two", "--table", "listening").out


@pytest.mark.usefixtures("say")
def test_the_switch(sockmatrix: Commands) -> None:
    """One run is shown by itself unless they are asked for; several with them unless they are not."""
    assert "documented" not in sockmatrix("report", "one").out
    one = sockmatrix("report", "one", "--documented", "--format", "markdown").out
    assert re.search(r'^\| 127.0.0.1 .*\| last +\| "all" +\| "last"', one, re.MULTILINE)
    for more in ((), ("--all",), ("--differ",), ("--cells",), ("--format", "json")):
        assert "documented" not in sockmatrix("report", "one", "two", *more, "--no-documented").out
    assert '"all"' in sockmatrix("report", "one", "two", "--only", ID).out
    assert '"all"' in sockmatrix("report", "one", "two", "--differ").out
    assert sockmatrix("report", "one", "--documented", "--pivot", "dest,A.reuse").code == 2


@pytest.mark.usefixtures("say")
def test_machines_get_the_claims(sockmatrix: Commands) -> None:
    """A row for each cell of which a document speaks, with the ids of the claims, and no other."""
    found = json.loads(sockmatrix("report", "one", "two", "--format", "json").out)
    kinds = [(one["platform"], one["kind"]) for one in found["columns"][2:]]
    assert kinds == [(name, "documented") for name in ("macOS", "FreeBSD", "OpenBSD")]
    said = [row for row in found["rows"] if row["kind"] == "documented"]
    assert [(row["cell"], row["word"], row["claims"], row["outcome"]) for row in said] == [
        (ID, word, [claim], None)
        for word, claim in (("all", "MAN-1"), ("all", "MAN-1"), ("last", "MAN-2"))
    ]
    out = sockmatrix("report", "one", "two", "--format", "csv").out
    lines = list(csv.DictReader(io.StringIO(out, newline="")))
    assert [row["claims"] for row in lines if row["kind"] == "documented"] == [
        '["MAN-1"]',
        '["MAN-1"]',
        '["MAN-2"]',
    ]
    assert {row["claims"] for row in lines if row["kind"] == "measured"} == {""}


def grid(*texts: str) -> Grid:
    """Return a table of a column."""
    return Grid(
        "t", "?", ("a", "b"), ("x",), tuple(((f"{at}", "b"), (one,)) for at, one in enumerate(texts))
    )


def test_platforms_that_are_alike_share_a_column() -> None:
    """Releases of one system do, neighbours as a range; what they skipped makes no row."""
    names = ("linux 5.10", "linux 6.1", "linux 6.19", "linux 7.2", "gvisor 1")
    tables = (("all", "last"), ("all", "last"), ("skipped", "last"), ("all", "last"), ("all", "none"))
    runs = [(name, [grid(*one)]) for name, one in zip(names, tables, strict=True)]
    (found,) = compare(runs)
    assert found.parted.columns == ("linux 5.10\u20137.2", "gvisor 1")
    assert [cells for _, cells in found.parted.rows] == [("last", "none")]
    assert found.note == "1 row is the same on every platform; 1 of them not measured on linux 6.19:"
    runs[3] = names[3], [grid("none", "last")]
    (found,) = compare(runs)
    assert found.parted.columns == ("linux 5.10\u20136.1", "linux 6.19", "linux 7.2", "gvisor 1")


def test_two_runs_of_one_release_are_no_range() -> None:
    """They are told apart by what differs between them."""
    names = ("linux 6.1 as root", "linux 6.1 as user", "gvisor 1")
    runs = [(name, [grid(word)]) for name, word in zip(names, ("all", "all", "none"), strict=True)]
    (found,) = compare(runs)
    assert found.parted.columns == ("linux 6.1 as root, as user", "gvisor 1")


def test_all_folds_nothing() -> None:
    """With --all every platform has its column, documented ones where anything is said."""
    runs = [(name, [grid("all", "last")]) for name in ("linux 1", "linux 2")]
    said = [("macOS (documented)", [grid('"all"')]), ("Windows (documented)", [])]
    (found,) = compare(runs, "all", said)
    assert found.parted.columns == ("linux 1", "linux 2", "macOS (documented)")
    assert found.parted.rows[-1][1] == ("last", "last", MISSING)


def test_what_is_skipped_everywhere_is_told_once() -> None:
    """It is the same on every platform; a platform that has nothing at all is not."""
    (found,) = compare([("a 1", [grid("skipped")]), ("b 1", [grid("skipped")])])
    assert (found.alike, found.parted.rows) == (1, ())
    (found,) = compare([("a 1", [grid("all", "all")]), ("b 1", [grid("all")])])
    assert (found.alike, len(found.parted.rows)) == (1, 1)


def test_what_was_measured_in_part_is_the_same_as_far_as_it_goes() -> None:
    """Where a mark says that platforms agree, the one that measured all of it has the word."""
    runs = [("linux 1", [grid("if4+lo4 all", "lo4 all")]), ("linux 2", [grid("lo4 all", "none")])]
    (found,) = compare(runs, marks=[grid(ALIKE)])
    assert [cells for _, cells in found.parted.rows] == [("lo4 all", "none")]
    assert found.same is not None
    assert found.same.rows[0][1] == ("if4+lo4 all",)
    assert found.note.endswith("; 1 of them not measured, or not wholly, on linux 2:")


def test_words_of_documents_have_a_legend() -> None:
    """What they say is explained as what was measured is, and that it was not."""
    shown = text.comparison(
        compare([("a 1", [grid("last")])], "all", [("b (documented)", [grid('"first" against "all"')])])
    )
    for word in ("all ", "first ", '"..." ', '"x" against "y" '):
        assert re.search(f"^{re.escape(word)} ", shown, re.MULTILINE)


def test_tables_of_several_are_laid_out_as_those_of_one(sockmatrix: Commands) -> None:
    """Each platform's tables are what they are alone."""
    cells = {cell.id: fakes.cell("x") for cell in sockmatrix.selection.cells}
    plans = sockmatrix.selection.plans
    assert grids.beside(plans, [cells, {}]) == [grids.summaries(plans, cells), []]
    assert len(grids.shown(plans)) == sum(
        len(row[1]) for one in grids.summaries(plans, cells) for row in one.rows
    )
