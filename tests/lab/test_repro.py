"""Programs for bug reports show what the probe sees of the same cell, measured here and now."""

from __future__ import annotations

import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from laboratory import sample
from repros import resolved

from sockmatrix.repro import LANGUAGES, Inexpressible
from sockmatrix.wording import cell_headline

if TYPE_CHECKING:
    from pathlib import Path

    from laboratory import Laboratory

    from sockmatrix.cell import Cell

CELLS = {"python": 30, "c": 50}
"""Drawn at random from all tables; those that tell nothing on this system are left out.

A program in Python starts an interpreter for each process.
"""

AT_ONCE = 8
"""Programs that run side by side: most of their time they wait."""

SILENT = ("absent", "skipped", "inconclusive", "unstable")

TOOLS = ("unshare", "ip")
COMPILER = shutil.which("gcc") or shutil.which("cc")

pytestmark = pytest.mark.skipif(
    not all(map(shutil.which, TOOLS)), reason=f"the programs need {' and '.join(TOOLS)}"
)


def outcome(cell: Cell, language: str, place: Path) -> str:
    """Return the last line of what a cell's program prints, without its beginning."""
    suffix = {"python": "py", "c": "c", "socat": "sh"}[language]
    file = place / f"repro.{suffix}"
    file.write_text(LANGUAGES[language](resolved(cell), ""))
    command = {"python": [sys.executable], "c": [], "socat": ["/bin/sh"]}[language] + [str(file)]
    if language == "c":
        command = [str(place / "repro")]
        built = [str(COMPILER), "-Wall", "-Wextra", "-Werror", "-o", *command, str(file)]
        subprocess.run(built, check=True, timeout=60)
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    said, _, last = done.stdout.strip().rpartition("outcome: ")
    return last if done.returncode == 0 else f"{said}{last}{done.stderr} ({done.returncode})"


def check(laboratory: Laboratory, language: str, place: Path, wanted: list[Cell]) -> int:
    """Assert that the programs of these cells end with what was measured; return how many there were."""
    found = laboratory.measure(wanted)
    told = [cell for cell in wanted if found[cell.id].word not in SILENT]

    def run(numbered: tuple[int, Cell]) -> tuple[str, str, str] | None:
        number, cell = numbered
        own = place / str(number)
        own.mkdir()
        try:
            seen = outcome(cell, language, own)
        except Inexpressible:
            return None
        return cell.id, seen, cell_headline(cell, found[cell.id])

    with ThreadPoolExecutor(AT_ONCE) as pool:
        ran = [one for one in pool.map(run, enumerate(told)) if one is not None]
    # A socket that is another in each repetition may be any.
    different = [one for one in ran if one[1] != one[2] and one[2] != "varies"]
    assert not different
    return len(ran)


def test_programs_in_python(laboratory: Laboratory, tmp_path: Path) -> None:
    """They print the headline of the cell, whatever table it is from."""
    assert check(laboratory, "python", tmp_path, sample(CELLS["python"])) > CELLS["python"] / 2


@pytest.mark.skipif(COMPILER is None, reason="no C compiler")
def test_programs_in_c(laboratory: Laboratory, tmp_path: Path) -> None:
    """The same in C, without a warning."""
    assert check(laboratory, "c", tmp_path, sample(CELLS["c"])) > CELLS["c"] / 2


@pytest.mark.skipif(shutil.which("socat") is None, reason="no socat")
def test_scripts_around_socat(laboratory: Laboratory, tmp_path: Path) -> None:
    """A few, for each datagram takes a process."""
    wanted = sample(8, "table=loopback-broadcast,fan-out receivers=2")
    assert check(laboratory, "socat", tmp_path, wanted) > 0
