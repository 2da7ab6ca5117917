"""Pages of the small matrix: of three releases and another system, and of a run that is hostile."""

from __future__ import annotations

import functools
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import fakes
import msgspec
import pytest
import smallclaims
import smallmatrix
import smallruns

from sockmatrix import content, narrative
from sockmatrix.axis import addresses_in_words
from sockmatrix.columns import measured
from sockmatrix.commands.runs import read_runs
from sockmatrix.outcome import Outcome
from sockmatrix.page import beforehand
from sockmatrix.page.build import begin, build
from sockmatrix.page.programs import written
from sockmatrix.render import html
from sockmatrix.runformat import CellLine

if TYPE_CHECKING:
    from sockmatrix.cell import Cell
    from sockmatrix.plan import Plan
    from sockmatrix.selection import Selection

CELL = "hearing/dest:lo4/A:any4.addr/B:any4.addr"
"""All platforms but one have the last hear it."""

CLAIM = """
[[claim]]
id = "UD-10"
statement = "Of three, too"
source = "UD"
section = "4"
os = ["macos", "freebsd"]
cells = ["table=hearing receivers=3 sockets=alike every.reuse=addr"]
expect = ["delivery=one:last"]
"""
"""Of cells that tables show."""

HOSTILE = (
    "</script><script>document.title='owned'</script><img src=x onerror=alert(1)>\"'&\u202e\u2066{{7*7}}"
)


def write(place: Path) -> dict[str, Path]:
    """Write the pages, and return where they are by name."""
    with pytest.MonkeyPatch.context() as patch:
        matrix = smallmatrix.write(place / "matrix")
        (smallclaims.write(matrix) / "more.toml").write_text(CLAIM, encoding="utf-8")
        patch.setattr(content, "matrix", lambda: matrix)
        whole = smallmatrix.selection(matrix)
        runs = {
            "one": [_run(place, whole, "6.12.1")],
            "three": [
                _run(place, whole, "5.10"),
                _run(place, whole, "6.12.1", where="table=hearing dest=lobcast every.reuse=addr"),
                _run(place, whole, "6.18", where="table=hearing dest=lobcast"),
                smallruns.write(place / "gvisor", whole, fakes.FIRST, release="4.4", stack="gvisor"),
            ],
            "hostile": [_run(place, whole, "6.12.1"), _hostile(place, whole)],
        }
        found = {name: _page(place / f"{name}.html", own, whole) for name, own in runs.items()}
        plain = _page(place / "plain.html", runs["three"], whole, spoken=False)
        return {**found, "plain": plain, "scripted": _scripted(place)}


def _scripted(place: Path) -> Path:
    """Write a page with two scripts, which call an axis of one name, and its value, otherwise."""
    with pytest.MonkeyPatch.context() as patch:
        matrix = smallmatrix.write(place / "scripted", scripted=True)
        telling = smallmatrix.script().replace('title = "size"', 'title = "amount"')
        telling = telling.replace('values.much = "much"', 'values.much = "plenty"')
        (matrix / "telling.toml").write_text(telling, encoding="utf-8")
        patch.setattr(content, "matrix", lambda: matrix)
        whole = smallmatrix.selection(matrix)
        patch.setattr(beforehand, "FILE", place / "programs")
        beforehand.FILE.write_bytes(beforehand.pack(whole.plans))
        run = smallruns.write(place / "run", whole)
        return _page(place / "scripted.html", [run], whole, spoken=False)


def _run(place: Path, whole: Selection, release: str, where: str = "") -> Path:
    return smallruns.write(place / f"linux-{release}", whole, where=where, release=release)


def _page(path: Path, runs: list[Path], whole: Selection, *, spoken: bool = True) -> Path:
    columns = measured(read_runs(runs))
    title = " ".join(column.name for column in columns)
    found = build(columns, begin(whole), rules=spoken, spoken=spoken)
    path.write_text(html.whole(title, found), encoding="utf-8")
    return path


def _hostile(place: Path, whole: Selection) -> Path:
    """Write a run that says the same in every field that may hold any text."""
    path = smallruns.write(place / "plain", whole, release="7.0")
    head, *lines, foot = path.read_text(encoding="utf-8").splitlines()
    header = msgspec.json.decode(head)
    for name in (
        "release",
        "build",
        "python",
        "implementation",
        "virtualisation",
        "distribution",
        "runner",
    ):
        header["platform"][name] = HOSTILE
    header["lab"] |= {"how": HOSTILE, "reason": HOSTILE}
    header["target"] = {"kind": HOSTILE}
    told = [
        Outcome(n=3, absent=HOSTILE),
        Outcome(n=3, skipped=HOSTILE),
        Outcome(missed=3, inconclusive=HOSTILE),
        Outcome(n=3, unsent={"a": HOSTILE}, open=2),
    ]
    ids = [msgspec.json.decode(line) for line in lines]
    changed = [
        msgspec.json.encode(CellLine.of(one["id"], one["v"], told[at % len(told)])).decode()
        for at, one in enumerate(ids)
    ]
    hostile = place / "hostile"
    hostile.write_text(
        "\n".join([msgspec.json.encode(header).decode(), *changed, foot, ""]), encoding="utf-8"
    )
    return hostile


def told(name: str) -> list[str]:
    """Return in words what the processes of a cell of the script do, turn by turn."""
    plan, cell = found(name)
    said = narrative.tell(plan.table.scenario.steps(cell), addresses_in_words())
    return [f"{who} {does}" for who, does in said]


def program(name: str) -> str:
    """Return the program that repeats a cell of the small matrix, or of its script."""
    return written(*found(name))


@functools.cache
def found(name: str) -> tuple[Plan, Cell]:
    """Return a cell of the small matrix, or of its script, and the plan it is of."""
    with tempfile.TemporaryDirectory() as place:
        whole = smallmatrix.selection(smallmatrix.write(Path(place) / "matrix", scripted=True))
        return next((plan, cell) for plan in whole.plans for cell in plan.cells if cell.id == name)


@functools.cache
def cells() -> tuple[Cell, ...]:
    """Return all cells of the small matrix."""
    with tempfile.TemporaryDirectory() as place:
        return smallmatrix.selection(smallmatrix.write(Path(place) / "matrix")).cells
