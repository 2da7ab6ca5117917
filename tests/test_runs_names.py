"""Names of runs that are read together."""

from __future__ import annotations

from typing import TYPE_CHECKING

import fakes

from sockmatrix.commands.runs import read_runs
from sockmatrix.runformat import Footer
from sockmatrix.runwriter import RunWriter

if TYPE_CHECKING:
    from pathlib import Path


def _run(path: Path, **changes: str) -> Path:
    hello = {**fakes.HELLO, "platform": {**fakes.HELLO["platform"], **changes}}
    with RunWriter.create(path, fakes.header(hello, planned=0)) as writer:
        writer.finish(Footer(ended="complete"))
    return path


def test_what_tells_runs_of_one_release_apart(tmp_path: Path) -> None:
    """Only where there are several, and only what differs; runs that are alike get numbers."""
    paths = [
        _run(tmp_path / "a"),
        _run(tmp_path / "b", privileges="user"),
        _run(tmp_path / "c", privileges="user"),
        _run(tmp_path / "d", release="5.10"),
    ]
    assert list(read_runs(paths)) == [
        "linux 6.12.1 as root",
        "linux 6.12.1 as user #1",
        "linux 6.12.1 as user #2",
        "linux 5.10",
    ]
    assert list(read_runs(paths[:1])) == ["linux 6.12.1"]


def test_another_architecture_comes_first(tmp_path: Path) -> None:
    """It tells them apart by itself."""
    paths = [_run(tmp_path / "a"), _run(tmp_path / "b", arch="aarch64", privileges="user")]
    assert list(read_runs(paths)) == ["linux 6.12.1 x86_64", "linux 6.12.1 aarch64"]
