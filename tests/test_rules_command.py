"""`sockmatrix rules`: lists of rules, for a person and for a program."""

from __future__ import annotations

import json
from pathlib import Path

import fakes
import pytest
from commandline import Commands, write_run


@pytest.fixture
def sockmatrix(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Commands:
    """Run commands on the small matrix."""
    return Commands.prepared(capsys, monkeypatch, tmp_path)


def test_a_list_for_a_person(sockmatrix: Commands) -> None:
    """Numbered, with counts, and in words below."""
    write_run(Path("run.jsonl"), sockmatrix.selection)
    done = sockmatrix("rules", "run.jsonl", "--table", "hearing")
    assert (done.code, done.err) == (0, "")
    lines = done.out.splitlines()
    assert lines[:4] == [
        "linux 6.12.1",
        "",
        "hearing",
        "Who hears it?",
    ]
    assert lines[4].startswith("3 rules for 160 cells")
    assert "  1. place-open=last -> everything (160)" in lines
    assert "       place among the open sockets: the last" in lines
    assert "  2. otherwise -> nothing (288)" in lines


def test_it_fits(sockmatrix: Commands, monkeypatch: pytest.MonkeyPatch) -> None:
    """No line is wider than the terminal."""
    write_run(Path("run.jsonl"), sockmatrix.selection, fakes.BSD)
    monkeypatch.setenv("COLUMNS", "60")
    assert max(map(len, sockmatrix("rules", "run.jsonl").out.splitlines())) <= 60


def test_markdown_and_json(sockmatrix: Commands) -> None:
    """The same for a page, and for a program."""
    write_run(Path("run.jsonl"), sockmatrix.selection)
    page = sockmatrix("rules", "run.jsonl", "--format", "markdown").out
    assert "# What holds on linux 6.12.1" in page
    assert "`place-open=last`" in page
    tables = json.loads(sockmatrix("rules", "run.jsonl", "--json").out)
    assert [one["table"] for one in tables] == ["hearing", "listening"]
    [hear] = [facet for facet in tables[0]["facets"] if facet["facet"] == "hear"]
    assert hear["rules"][0]["terms"] == [{"axis": "place-open", "values": ["last"]}]
    assert hear["rules"][1] == {
        "terms": [],
        "words": "otherwise",
        "pattern": None,
        "answer": "nothing",
        "count": 288,
    }


def test_a_part_and_a_run_that_was_interrupted(sockmatrix: Commands) -> None:
    """What was left out is counted; an incomplete run is told."""
    write_run(Path("run.jsonl"), sockmatrix.selection, ended="interrupted")
    done = sockmatrix("rules", "run.jsonl", "--only", "table=listening")
    assert done.code == 3
    assert "Left out: 10 not measured." in done.out
    assert "interrupted" in done.err


def test_nothing_measured(sockmatrix: Commands) -> None:
    """That is no list of no rules."""
    write_run(Path("run.jsonl"), sockmatrix.selection, fakes.HANGS)
    done = sockmatrix("rules", "run.jsonl")
    assert (done.code, done.out) == (4, "")
    assert "exit 4: nothing was measured" in done.err


def test_what_is_not_there(sockmatrix: Commands) -> None:
    """One line."""
    write_run(Path("run.jsonl"), sockmatrix.selection)
    assert sockmatrix("rules", "run.jsonl", "--table", "hering").code == 2
    done = sockmatrix("rules", "none.jsonl")
    assert (done.code, done.out) == (2, "")
    assert done.err.count("\n") == 1
