"""`sockmatrix history`: since when, and between which releases."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import fakes
import pytest
import smallruns
from commandline import Commands

from sockmatrix import changes, content

CELL = "hearing/dest:lo4/A:lo4.addr/B:lo4.addr"

KNOWN = """
[[change]]
id = "abcdef012345"
title = "All hear a datagram"
os = "linux"
versions = ">=6.2,<6.9"
links = ["https://example.org/abcdef012345"]
[[change.effect]]
cells = ["table=hearing dest=lo4"]
with = ["delivery=all"]
"""


@pytest.fixture
def sockmatrix(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Commands:
    """Run commands with a fake probe; six runs are in the directory `runs`."""
    changes._parsed.cache_clear()
    commands = Commands.prepared(capsys, monkeypatch, tmp_path, scripted=True)
    Path("runs").mkdir()
    add(commands, "a", "6.10")
    add(commands, "b", "5.10")
    add(commands, "c", "6.2", where="dest=lo4 every.reuse=addr")
    add(commands, "d", "6.8.2", where="dest=lo4 every.reuse=addr")
    add(commands, "e", "6.12-rc1", where="table=listening", then=fakes.REFUSES)
    add(commands, "f", "6.12", where="table=listening", then=fakes.REFUSES)
    return commands


def add(commands: Commands, name: str, release: str, **how: Any) -> None:
    """Write one more run."""
    smallruns.write(Path("runs") / f"{name}.jsonl", commands.selection, release=release, **how)


def test_a_cell(sockmatrix: Commands) -> None:
    """Its outcomes by release, as versions are ordered, and between which it changed."""
    done = sockmatrix("history", CELL, "runs")
    assert (done.code, done.err) == (0, "")
    assert "6 runs (5.10, 6.2, 6.8.2, 6.10, 6.12-rc1, 6.12)" in done.out
    assert re.findall(r"^    (\d.*)$", done.out, re.MULTILINE) == [
        "5.10: last",
        "6.2 ... 6.8.2: all",
        "6.10 ... 6.12: last",
    ]
    assert re.findall(r"changed between (.*)$", done.out, re.MULTILINE) == [
        "5.10 and 6.2",
        "6.8.2 and 6.10",
    ]
    never = sockmatrix("history", CELL.replace("lo4", "lobcast"), "runs")
    assert "    5.10 ... 6.12: last\n  the same in all 6 runs\n" in never.out
    page = sockmatrix("history", CELL, "runs", "--format", "markdown").out
    assert "| 6.2 … 6.8.2 | all |\n" in page


def test_a_table(sockmatrix: Commands) -> None:
    """The cells that ever changed, in groups that changed at the same time."""
    done = sockmatrix("history", "hearing", "runs")
    assert re.search(r"^    12  table=hearing dest=lo4 \S+$", done.out, re.MULTILINE)
    assert "        5.10: last; 6.2 ... 6.8.2: all; 6.10 ...: last\n" in done.out
    assert done.out.endswith("12 of 160 cells ever changed.\n")
    every = sockmatrix("history", "hearing", "runs", "--all").out
    assert every.count("6.2 ... 6.8.2: all") == 12
    listening = sockmatrix("history", "table=listening", *map(str, sorted(Path("runs").iterdir()))).out
    assert "changed between 6.10 and 6.12-rc1\n" in listening
    page = sockmatrix("history", "hearing", "runs", "--format", "markdown").out
    assert re.search(r"^\| 12 \| table=hearing dest=lo4 \S+ \| 5\.10: last; ", page, re.MULTILINE)


def test_known_changes(sockmatrix: Commands) -> None:
    """A change is named where it came, and where it went."""
    (content.matrix() / changes.FILE).write_text(KNOWN)
    text = " ".join(sockmatrix("history", CELL, "runs").out.split())
    assert "between 5.10 and 6.2: abcdef012345 has come: All hear a datagram" in text
    assert "between 6.8.2 and 6.10: abcdef012345 is gone: All hear a datagram" in text
    told = json.loads(sockmatrix("history", "hearing", "runs", "--json").out)
    assert told[0]["histories"][CELL]["explained"] == [["abcdef012345"], ["abcdef012345"]]


def test_json(sockmatrix: Commands) -> None:
    """The same for a program."""
    (told,) = json.loads(sockmatrix("history", CELL, "runs", "--json").out)
    assert (told["stack"], told["runs"][0], told["cells"], told["changed"]) == ("linux", "5.10", 1, 1)
    spans = told["histories"][CELL]["spans"]
    assert spans[1] == {"first": "6.2", "last": "6.8.2", "runs": 2, "outcome": "all"}
    (told,) = json.loads(sockmatrix("history", "listening", "runs", "--json").out)
    assert (
        sum(len(group["cells"]) for group in told["groups"]) == told["changed"] == len(told["histories"])
    )


def test_several_systems(sockmatrix: Commands) -> None:
    """Each is a series of its own."""
    add(sockmatrix, "g", "2024", stack="gvisor", by=fakes.FIRST)
    done = sockmatrix("history", CELL, "runs")
    assert re.findall(r"^(\w+) on ", done.out, re.MULTILINE) == ["gvisor", "linux"]
    assert "    2024: first\n  one run only\n" in done.out
    assert "with one run there is nothing to compare" in sockmatrix("history", "hearing", "runs").out


def test_what_tells_nothing(sockmatrix: Commands) -> None:
    """A run that could not tell, or in which the cell is not, changes nothing and is named."""
    add(sockmatrix, "g", "6.9", where="dest=lo4", then=fakes.HANGS)
    add(sockmatrix, "h", "6.9.1", only=[CELL.replace("lo4", "lobcast")])
    done = sockmatrix("history", CELL, "runs")
    assert "told nothing: 6.9 inconclusive" in done.out
    assert "    6.2 ... 6.8.2: all\n" in done.out
    add(sockmatrix, "i", "6.9.2", ended="interrupted")
    assert sockmatrix("history", CELL, "runs").code == 3


def test_nothing_is_there(sockmatrix: Commands) -> None:
    """Status 4 if no run has such a cell, 2 for what is no cell, table, pattern or run."""
    done = sockmatrix("history", "receivers=9", "runs")
    assert (done.code, done.out) == (4, "")
    assert done.err == "exit 4: nothing was measured; none of 6 runs has any of these cells\n"
    Path("empty").mkdir()
    (Path("runs") / "z.jsonl").write_text("moon")
    for wrong in (("moon=1", "runs/a.jsonl"), (CELL, "empty"), (CELL, "nowhere"), (CELL, "runs")):
        done = sockmatrix("history", *wrong)
        assert (done.code, done.out, done.err.count("\n")) == (2, "", 1), wrong
