"""`sockmatrix predict`: a run held against the reference model, and what is left unexplained."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import fakes
import pytest
from commandline import Commands, write_run

from sockmatrix.predict import version_of


@pytest.fixture
def sockmatrix(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Commands:
    """Run commands on the small matrix."""
    return Commands.prepared(capsys, monkeypatch, tmp_path)


def predicted(sockmatrix: Commands, *arguments: str) -> list[dict[str, Any]]:
    """Return what the command says as JSON."""
    done = sockmatrix("predict", *arguments, "--json")
    assert (done.code, done.err) == (0, "")
    found: list[dict[str, Any]] = json.loads(done.out)
    return found


def test_a_platform_that_always_gives_to_the_last_is_not_linux(sockmatrix: Commands) -> None:
    """What is unexplained is named by cell and facet, and the rest is counted."""
    write_run(Path("run.jsonl"), sockmatrix.selection, fakes.LAST)
    tables = predicted(sockmatrix, "run.jsonl")
    assert {one["table"] for one in tables} == {plan.table.name for plan in sockmatrix.selection.plans}
    for one in tables:
        assert one["cells"] == one["predicted"] + len(one["unexplained"]) + one["told nothing"]
    wrong = {key: said for one in tables for key, said in one["unexplained"].items()}
    assert wrong
    assert all("predicted" in text and "measured" in text for texts in wrong.values() for text in texts)
    done = sockmatrix("predict", "run.jsonl", "--all")
    assert all(key in done.out for key in wrong)
    assert f"{len(wrong)} unexplained." in done.out


def test_a_part_can_be_asked_for(sockmatrix: Commands) -> None:
    """As everywhere."""
    write_run(Path("run.jsonl"), sockmatrix.selection)
    name = sockmatrix.selection.plans[0].table.name
    [one] = predicted(sockmatrix, "run.jsonl", "--table", name)
    assert one["table"] == name


def test_markdown(sockmatrix: Commands) -> None:
    """For a page."""
    write_run(Path("run.jsonl"), sockmatrix.selection)
    done = sockmatrix("predict", "run.jsonl", "--format", "markdown")
    assert "| table " in done.out
    assert "|----" in done.out


def test_another_system_has_no_model(sockmatrix: Commands, monkeypatch: pytest.MonkeyPatch) -> None:
    """One line says so."""
    hello = {**fakes.HELLO, "platform": {**fakes.HELLO["platform"], "stack": "darwin"}}
    monkeypatch.setattr(fakes, "HELLO", hello)
    write_run(Path("run.jsonl"), sockmatrix.selection)
    done = sockmatrix("predict", "run.jsonl")
    assert (done.code, done.out) == (2, "")
    assert done.err == ("sockmatrix predict: there is a model of linux only; run.jsonl is of darwin\n")


def test_a_release_that_is_no_version(sockmatrix: Commands) -> None:
    """It cannot be predicted without one."""
    write_run(Path("run.jsonl"), sockmatrix.selection, release="next")
    done = sockmatrix("predict", "run.jsonl")
    assert (done.code, done.out) == (2, "")
    assert '"next" does not begin with a kernel version' in done.err


def test_a_run_without_these_cells(sockmatrix: Commands) -> None:
    """Nothing to predict is not everything predicted."""
    write_run(Path("run.jsonl"), sockmatrix.selection, ended="interrupted")
    missing = sockmatrix.selection.cells[-1].id
    assert sockmatrix("predict", "run.jsonl", "--only", missing).code == 4


@pytest.mark.parametrize(
    ("release", "version"),
    [("6.18.44-generic", (6, 18, 44)), ("7.0", (7, 0, 0)), ("5.10.0-28-amd64", (5, 10, 0))],
)
def test_the_version_of_a_release(release: str, version: tuple[int, int, int]) -> None:
    """Its first two or three numbers."""
    assert version_of(release) == version


def test_no_version() -> None:
    """Then nothing follows from it."""
    with pytest.raises(ValueError, match="kernel version"):
        version_of("rolling")
