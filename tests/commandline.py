"""Commands on the small matrix, in this process, with a fake probe."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import fakes
import pytest
import smallmatrix
from fakeprobe import FakeTarget

from sockmatrix import cli, collect, content
from sockmatrix.commands import doctor_command
from sockmatrix.runfile import Footer
from sockmatrix.runwriter import RunWriter
from sockmatrix.targets import names

if TYPE_CHECKING:
    from collections.abc import Callable

    from miniatures import Platform

    from sockmatrix.selection import Selection

ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class Done:
    """What a command returned and printed."""

    code: int
    out: str
    err: str


@dataclass
class Commands:
    """Runs commands in this process, with `target` in place of this machine."""

    capsys: pytest.CaptureFixture[str]
    monkeypatch: pytest.MonkeyPatch
    selection: Selection
    target: FakeTarget

    @classmethod
    def prepared(
        cls,
        capsys: pytest.CaptureFixture[str],
        monkeypatch: pytest.MonkeyPatch,
        place: Path,
        *,
        scripted: bool = False,
    ) -> Commands:
        """Return commands for a test, in an empty directory and a plain environment."""
        matrix = smallmatrix.write(place / "matrix", scripted=scripted)
        monkeypatch.setattr("sockmatrix.cli.signal.signal", lambda *_: None)
        monkeypatch.setattr(content, "matrix", lambda: matrix)
        for name in ("NO_COLOR", "FORCE_COLOR", "COLUMNS"):
            monkeypatch.delenv(name, raising=False)
        (place / "here").mkdir()
        monkeypatch.chdir(place / "here")
        selection = smallmatrix.selection(matrix)
        return cls(capsys, monkeypatch, selection, FakeTarget(log=str(place / "log")))

    def targets(self, target: FakeTarget) -> Callable[..., FakeTarget]:
        """Return what makes local targets."""
        return lambda *_: target

    def __call__(self, *arguments: str, **changes: Any) -> Done:
        """Run one; `changes` are those of the target for this time."""
        target = replace(self.target, **changes)
        for module in (names, doctor_command):
            self.monkeypatch.setattr(module, "LocalTarget", self.targets(target))
        with pytest.raises(SystemExit) as caught:
            cli.main(arguments)
        out, err = self.capsys.readouterr()
        assert "Traceback" not in err
        return Done(int(caught.value.code or 0), out, err)


def write_run(
    path: Path,
    selection: Selection,
    platform: Platform = fakes.LAST,
    ended: str = "complete",
    release: str = "6.12.1",
) -> Path:
    """Write a run file without any probe; an interrupted one lacks the last ten cells."""
    cells = selection.cells if ended == "complete" else selection.cells[:-10]
    hello = {**fakes.HELLO, "platform": {**fakes.HELLO["platform"], "release": release}}
    versions = {plan.table.name: plan.table.version for plan in selection.plans}
    head = fakes.header(hello, tables=versions, planned=len(selection.cells))
    lines = collect.lines(smallmatrix.block(selection, platform, cells))
    with RunWriter.create(path, head) as writer:
        writer.write(lines)
        writer.finish(Footer(ended="complete" if ended == "complete" else "interrupted"))
    return path


def cells_of(path: Path) -> list[str]:
    """Return the ids in a run file, as often as they occur."""
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    return [line["id"] for line in lines if line["kind"] == "cell"]


def environment(**changes: str) -> dict[str, str]:
    """Return a plain environment for a command."""
    kept = {key: value for key, value in os.environ.items() if not key.endswith("_COLOR")}
    kept.pop("COLUMNS", None)
    path = os.pathsep.join(filter(None, [str(ROOT / "src"), os.environ.get("PYTHONPATH")]))
    return {**kept, "PYTHONPATH": path, "TERM": "xterm", **changes}
