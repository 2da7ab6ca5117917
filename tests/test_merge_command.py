"""`sockmatrix merge`: parts and repetitions of one platform become one run."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import fakes
import msgspec
import pytest
import smallmatrix
from commandline import Commands, write_run

from sockmatrix.merging import MergeError, merge
from sockmatrix.outcome import Outcome
from sockmatrix.runfile import Run
from sockmatrix.runformat import CrossCheck
from sockmatrix.selection import Selection

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def sockmatrix(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Commands:
    """Run commands where the small matrix was measured in two parts."""
    commands = Commands.prepared(capsys, monkeypatch, tmp_path)
    udp, tcp = commands.selection.plans
    write_run(Path("udp"), Selection((udp,), udp.cells))
    write_run(Path("tcp"), Selection((tcp,), tcp.cells))
    return commands


@pytest.mark.parametrize("name", ["both.jsonl", "both.jsonl.gz"])
def test_parts(sockmatrix: Commands, name: str) -> None:
    """Runs of different tables become the run that measured both, which every command reads."""
    done = sockmatrix("merge", "udp", "tcp", "-o", name)
    assert (done.code, done.err) == (0, "")
    assert (
        done.out == f"{name}: 176 cells of linux 6.12.1, 0 of them measured more than once, 0 unstable\n"
    )
    run = Run.read(name)
    assert run.complete
    assert run.compressed == name.endswith(".gz")
    assert (run.header.planned, run.header.repeat) == (smallmatrix.ALL, 3)
    assert run.header.tables == smallmatrix.VERSIONS
    assert run.cells == {**Run.read("udp").cells, **Run.read("tcp").cells}
    assert run.footer is not None
    assert sum(run.footer.counts.values()) == smallmatrix.ALL
    write_run(Path("whole"), sockmatrix.selection)
    assert sockmatrix("report", name).out == sockmatrix("report", "whole").out


def test_repetitions(sockmatrix: Commands) -> None:
    """A cell that both have is all its repetitions; where they differ it is unstable."""
    write_run(Path("again"), sockmatrix.selection, fakes.REFUSES)
    done = sockmatrix("merge", "udp", "again", "-o", "both")
    assert done.out.startswith("both: 176 cells of linux 6.12.1, 160 of them measured more than once, ")
    run = Run.read("both")
    assert run.header.repeat == 3
    assert run.header.planned == smallmatrix.ALL
    names = list(Run.read("udp").cells)
    assert {run.cells[name].n for name in names} == {6}
    assert {run.cells[name].word for name in names} == {"unstable"}
    assert run.footer is not None
    assert run.footer.counts["unstable"] == smallmatrix.UDP


def test_the_same_again_is_steady(sockmatrix: Commands) -> None:
    """What turned out the same in all repetitions is as it was, with more of them."""
    one = Run.read("udp")
    assert one.footer is not None
    two = replace(one, footer=msgspec.structs.replace(one.footer, seconds=9.0))
    found = merge([one, two])
    assert found.header.repeat == 6
    assert found.footer.seconds == one.footer.seconds + 9
    for line in found.cells:
        assert line.n == 2 * one.cells[line.id].n
        assert line.agrees(one.cells[line.id])


def test_incomplete_parts(sockmatrix: Commands) -> None:
    """What a part lacks is not known to be anywhere: the whole is incomplete, and status 3."""
    write_run(Path("part"), sockmatrix.selection, ended="interrupted", release="6.12.1")
    tcp = sockmatrix.selection.plans[1]
    write_run(Path("again"), Selection((tcp,), tcp.cells), fakes.FIRST)
    done = sockmatrix("merge", "part", "again", "-o", "both")
    assert done.code == 3
    assert done.err == (
        "part: interrupted, 166 of 176 cells; the rest is unmeasured\n"
        "exit 3: inconclusive; 10 cells are in none of them, so far as can be told\n"
    )
    run = Run.read("both")
    assert (len(run.cells), run.header.planned, run.complete) == (176, 186, False)
    assert run.footer is not None
    assert run.footer.ended == "interrupted"


def test_a_whole_run_makes_up_for_a_part_of_it(sockmatrix: Commands) -> None:
    """Where a complete run has all that was planned, nothing is missing."""
    write_run(Path("part"), sockmatrix.selection, ended="interrupted")
    write_run(Path("whole"), sockmatrix.selection)
    done = sockmatrix("merge", "part", "whole", "-o", "both")
    assert (done.code, Run.read("both").complete) == (0, True)
    assert done.err == "part: interrupted, 166 of 176 cells; the rest is unmeasured\n"


def test_a_run_cut_short(sockmatrix: Commands) -> None:
    """It is merged as far as it goes, and its end is not called complete."""
    path = Path("udp")
    path.write_bytes(path.read_bytes()[:-3000])
    done = sockmatrix("merge", "udp", "tcp", "-o", "both")
    assert done.code == 3
    assert done.err.startswith("udp: cut short, ")
    run = Run.read("both")
    assert not run.complete
    assert not run.truncated


def changed(run: Run, **changes: Any) -> Run:
    """Return a run with another header."""
    return replace(run, path=Path("other"), header=msgspec.structs.replace(run.header, **changes))


def _elsewhere(run: Run) -> Run:
    return changed(run, platform=msgspec.structs.replace(run.header.platform, release="6.13\u202e"))


def _probe(run: Run) -> Run:
    return changed(run, probe=msgspec.structs.replace(run.header.probe, sha256="0" * 64))


def _lab(run: Run) -> Run:
    return changed(run, lab=msgspec.structs.replace(run.header.lab, sysctls={}))


def _table(run: Run) -> Run:
    return changed(run, tables={"hearing": 99})


def _cells(run: Run) -> Run:
    lines = {name: msgspec.structs.replace(line, v=99) for name, line in run.cells.items()}
    return replace(run, path=Path("other"), cells=lines)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            _elsewhere,
            "other: was measured on another platform than udp: release is '6.13\\u202e', not '6.12.1'; `",
        ),
        (_probe, "other: was measured with another probe than udp; `sockmatrix diff` compares them"),
        (_lab, "other: was measured in another lab than udp"),
        (_table, "other: has the table hearing in another version than a run before it"),
        (_cells, "other: has another version of hearing/"),
        (
            lambda run: replace(run, path=Path("other")),
            "other: is the same run as udp; give each of them once",
        ),
    ],
)
def test_what_cannot_be_one_run(sockmatrix: Commands, change: Callable[[Run], Run], said: str) -> None:
    """Runs of different systems, probes or labs are refused, in one line that says what to do."""
    run = Run.read("udp")
    with pytest.raises(MergeError) as caught:
        merge([run, change(run)])
    assert str(caught.value).startswith(said)
    assert str(caught.value).isprintable()


def test_nothing_is_written_that_cannot_be_read(sockmatrix: Commands) -> None:
    """What is wrong is one line and status 2; the file is as it was, and nothing lies about."""
    write_run(Path("bsd"), sockmatrix.selection, fakes.BSD, release="14.2")
    Path("both").write_text("old")
    before = sorted(Path().iterdir())
    for arguments, said in (
        (("udp", "bsd", "-o", "both"), "bsd: was measured on another platform than udp"),
        (("udp", "missing", "-o", "both"), "missing: cannot be read: No such file or directory"),
        (("udp", "tcp", "-o", "."), ""),
        (("udp", "tcp", "-o", "nowhere/both"), "cannot write nowhere/both: No such file or directory"),
    ):
        done = sockmatrix("merge", *arguments)
        assert (done.code, done.out) == (2, "")
        assert done.err.startswith(f"sockmatrix merge: {said}")
        assert done.err.count("\n") == 1
    assert Path("both").read_text() == "old"
    assert sorted(Path().iterdir()) == before


def test_silence_is_not_hearing(sockmatrix: Commands) -> None:
    """A repetition that told nothing is counted as missed, and does not make a cell unstable."""
    run = Run.read("udp")
    name = next(iter(run.cells))
    line = run.cells[name]
    silent = type(line).of(name, line.v, Outcome(missed=3, inconclusive="the fence stayed silent"))
    (found,) = [one for one in merge([run, replace(run, cells={name: silent})]).cells if one.id == name]
    assert (found.n, found.missed, found.word) == (3, 3, line.word)


def test_cross_checks_are_added(sockmatrix: Commands) -> None:
    """Samples that were measured with fresh processes are one sample."""
    run = Run.read("udp")
    assert run.footer is not None
    name = next(iter(run.cells))
    checks = [CrossCheck(cells=5, same=5), CrossCheck(cells=7, same=6, different=(name,))]
    runs = [replace(run, footer=msgspec.structs.replace(run.footer, cross_check=one)) for one in checks]
    assert merge(runs).footer.cross_check == CrossCheck(cells=12, same=11, different=(name,))
