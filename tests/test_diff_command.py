"""`sockmatrix diff`: what changed, why, and what it amounts to."""

from __future__ import annotations

import json
import re
from pathlib import Path

import fakes
import pytest
import smallruns
from commandline import Commands

from sockmatrix import changes, content, pattern
from sockmatrix.runfile import CellLine, Run

KNOWN = """
[[change]]
id = "abcdef012345"
title = "All hear a datagram"
os = "linux"
versions = ">=6.13"
links = ["https://example.org/abcdef012345"]
[[change.effect]]
cells = ["table=hearing dest=lo4"]
with = ["delivery=all"]
"""


@pytest.fixture
def sockmatrix(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Commands:
    """Run commands with a fake probe."""
    changes._parsed.cache_clear()
    return Commands.prepared(capsys, monkeypatch, tmp_path, scripted=True)


def test_nothing_changed(sockmatrix: Commands) -> None:
    """Status 0, and the last line says so."""
    smallruns.write(Path("one"), sockmatrix.selection)
    smallruns.write(Path("two"), sockmatrix.selection, release="6.13")
    done = sockmatrix("diff", "one", "two")
    count = len(sockmatrix.selection.cells)
    assert done.code == 0
    assert done.out == f"before: linux 6.12.1\nafter:  linux 6.13\n\n0 of {count} cells changed.\n"
    assert done.err == f"exit 0: measured and as expected; nothing changed in {count} cells\n"


@pytest.mark.parametrize(
    ("where", "then"),
    [
        ("dest=lo4 every.reuse=addr", fakes.EVERYTHING),
        ("A.bind=any4", fakes.REFUSES),
        ("table=hearing receivers=3", fakes.BSD),
    ],
)
def test_groups_are_exact(sockmatrix: Commands, where: str, then: fakes.Platform) -> None:
    """Their patterns match all that changed and nothing else, each cell is in one of them."""
    one = Run.read(smallruns.write(Path("one"), sockmatrix.selection))
    two = Run.read(
        smallruns.write(Path("two"), sockmatrix.selection, where=where, then=then, release="6.13")
    )
    expected = {name for name, line in one.cells.items() if not line.agrees(two.cells[name])}
    done = sockmatrix("diff", "one", "two", "--json")
    assert done.code == 1
    told = json.loads(done.out)
    assert told["status"] == 1
    assert told["counts"]["changed"] == len(expected)
    groups = [group for section in told["sections"] for group in section["groups"]]
    found = [name for group in groups for name in group["cells"]]
    assert sorted(found) == sorted(expected)
    for group in groups:
        if len(group["cells"]) == 1:
            assert group["pattern"] == group["cells"][0]
            continue
        matching = pattern.parse(group["pattern"])
        ids = {cell.id for cell in sockmatrix.selection.cells if matching.matches(cell)}
        assert set(group["cells"]) <= ids <= expected, group["pattern"]
        assert sum(one["cells"] for one in group["transitions"]) == len(group["cells"])


def test_text(sockmatrix: Commands) -> None:
    """A group has a count, a pattern, and what its cells were and are."""
    smallruns.write(Path("one"), sockmatrix.selection)
    smallruns.write(
        Path("two"),
        sockmatrix.selection,
        where="dest=lo4 every.reuse=addr",
        then=fakes.EVERYTHING,
        release="6.13",
    )
    done = sockmatrix("diff", "one", "two")
    assert "Not explained by a known change: 12 cells\n" in done.out
    assert re.search(
        r"^    12  table=hearing dest=lo4 \S+\n        last -> all\n", done.out, re.MULTILINE
    )
    assert done.err == "exit 1: behaviour changed; 12 of 184 cells\n"
    every = sockmatrix("diff", "one", "two", "--all").out
    assert every.count("last -> all") == 12
    assert "hearing/dest:lo4/A:any4.addr/B:lo4.addr\n" in every
    page = sockmatrix("diff", "one", "two", "--format", "markdown", "--all").out
    assert page.startswith("# linux 6.12.1 → linux 6.13\n")
    assert re.search(r"^\| 12 \| table=hearing dest=lo4 \S+ \| last → all \|$", page, re.MULTILINE)
    assert page.count("| last | all |") == 12


def test_known_changes(sockmatrix: Commands) -> None:
    """A known change is named beside what it explains, with a link; what it does not is told apart."""
    (content.matrix() / changes.FILE).write_text(KNOWN)
    smallruns.write(Path("one"), sockmatrix.selection)
    smallruns.write(
        Path("two"),
        sockmatrix.selection,
        where="receivers=2 every.reuse=addr",
        then=fakes.EVERYTHING,
        release="6.13",
    )
    done = sockmatrix("diff", "one", "two")
    known, _, rest = done.out.partition("Not explained by a known change: 8 cells")
    assert (
        "abcdef012345 has come: All hear a datagram (linux >=6.13)\n    https://example.org/abcdef"
        in known
    )
    assert re.search(r"^     4  table=hearing receivers=2 dest=lo4 \S+$", known, re.MULTILINE)
    assert "lobcast" in rest
    assert done.err == "exit 1: behaviour changed; 12 of 184 cells, 4 of them as known changes say\n"
    smallruns.write(
        Path("two"), sockmatrix.selection, where="dest=lo4", then=fakes.EVERYTHING, release="6.12.2"
    )
    assert "abcdef" not in sockmatrix("diff", "one", "two").out
    smallruns.write(
        Path("two"), sockmatrix.selection, where="dest=lo4", then=fakes.EVERYTHING, release="moon"
    )
    assert "perhaps, for the releases do not tell: abcdef012345" in sockmatrix("diff", "one", "two").out


def test_new_and_gone(sockmatrix: Commands) -> None:
    """Cells that one run has alone are counted, never changed; with none in common it is status 4."""
    whole = sockmatrix.selection
    ids = [cell.id for cell in whole.cells]
    smallruns.write(Path("one"), whole, only=ids[:100])
    smallruns.write(Path("two"), whole, only=ids[50:])
    done = sockmatrix("diff", "one", "two")
    assert done.code == 0
    assert "50 gone, only in the first run: " in done.out
    assert "84 new, only in the second run: " in done.out
    assert sockmatrix("diff", "one", "two", "--all").out.count("\n    ") == 134
    smallruns.write(Path("two"), whole, only=ids[100:])
    done = sockmatrix("diff", "one", "two")
    assert (done.code, done.err) == (
        4,
        "exit 4: nothing was measured; no cell was measured in both runs\n",
    )


def test_what_cannot_be_told(sockmatrix: Commands) -> None:
    """Incomplete runs, and cells that tell nothing, are status 3, unless something changed."""
    smallruns.write(Path("one"), sockmatrix.selection)
    smallruns.write(Path("cut"), sockmatrix.selection, ended="interrupted")
    done = sockmatrix("diff", "one", "cut")
    assert done.code == 3
    assert done.err.splitlines()[0] == "cut: interrupted, 174 of 184 cells; the rest is unmeasured"
    assert "10 gone, only in the first run, the other is not complete: " in done.out
    smallruns.write(Path("two"), sockmatrix.selection, where="dest=lo4 receivers=2", then=fakes.HANGS)
    done = sockmatrix("diff", "one", "two")
    assert done.code == 3
    assert "16 inconclusive, one of the runs could not tell: hearing 16.\n" in done.out
    assert done.err.endswith("nothing changed that can be told; 16 cells in doubt\n")
    smallruns.write(
        Path("cut"), sockmatrix.selection, where="dest=lo4", then=fakes.BSD, ended="interrupted"
    )
    assert sockmatrix("diff", "one", "cut").code == 1


def test_some_cells(sockmatrix: Commands) -> None:
    """--table and --only leave the others out."""
    smallruns.write(Path("one"), sockmatrix.selection)
    smallruns.write(Path("two"), sockmatrix.selection, fakes.EVERYTHING)
    only = sockmatrix("diff", "one", "two", "--only", "dest=lo4 receivers=2", "--json")
    assert sum(json.loads(only.out)["counts"].values()) == 16
    table = sockmatrix("diff", "one", "two", "--table", "listening", "--json")
    assert sum(json.loads(table.out)["counts"].values()) == 16
    for wrong in (("--table", "moon"), ("--only", "moon=1")):
        done = sockmatrix("diff", "one", "two", *wrong)
        assert (done.code, done.out) == (2, "")
        assert "unknown" in done.err
    assert sockmatrix("diff", "one", "two", "--only", "receivers=9").code == 4


def test_cells_that_are_not_here(sockmatrix: Commands) -> None:
    """Cells of tables that this installation lacks are compared all the same."""
    lines = [CellLine.of(f"elsewhere/dest:{place}", 1, fakes.cell("0").outcome) for place in "ab"]
    smallruns.write(Path("one"), sockmatrix.selection, more=lines)
    other = fakes.cell("0", fakes.EVERYTHING).outcome
    lines[0] = CellLine.of(lines[0].id, 1, other)
    smallruns.write(Path("two"), sockmatrix.selection, more=lines)
    done = sockmatrix("diff", "one", "two")
    assert done.code == 1
    assert "     1  elsewhere/dest:a\n        last -> all\n" in done.out
    lines[1] = CellLine.of(lines[1].id, 1, other)
    smallruns.write(Path("two"), sockmatrix.selection, more=lines)
    done = sockmatrix("diff", "one", "two")
    assert "     2  cells that no table of this installation has\n        last -> all\n" in done.out
    assert "elsewhere/dest:b\n" in sockmatrix("diff", "one", "two", "--all").out


def test_two_systems(sockmatrix: Commands) -> None:
    """Different systems are compared the same way, and what else differs is told."""
    smallruns.write(Path("one"), sockmatrix.selection)
    smallruns.write(Path("two"), sockmatrix.selection, fakes.EVERYTHING, stack="gvisor")
    text = Path("two").read_text()
    Path("two").write_text(re.sub('"privileges":"[a-z]+"', '"privileges":"other"', text, count=1))
    done = sockmatrix("diff", "one", "two", "-o", "page.md", "--format", "markdown")
    assert (done.code, done.out) == (1, "")
    page = Path("page.md").read_text()
    assert page.startswith("# linux 6.12.1 → gvisor 6.12.1\n")
    assert re.search(r"^- other privileges: [a-z]+ → other$", page, re.MULTILINE)


def test_unreadable(sockmatrix: Commands) -> None:
    """One clear line, status 2, nothing written."""
    smallruns.write(Path("one"), sockmatrix.selection)
    Path("two").write_text("moon")
    done = sockmatrix("diff", "one", "two", "-o", "out")
    assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)
    assert not Path("out").exists()
