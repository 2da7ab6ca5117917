"""Recording a run: what was measured is in the file, whatever ends it, and resuming completes it."""

from __future__ import annotations

import errno
import json
import os
import stat
from typing import TYPE_CHECKING, Any

import miniatures
import pytest
import smallmatrix
from fakeprobe import FakeTarget

from sockmatrix.exitcode import ExitCode
from sockmatrix.measure import Block, Lanes, Requests
from sockmatrix.recorder import Recorder, Recording
from sockmatrix.runfile import CannotResume, NotAFile, Run
from sockmatrix.target import ProbeOptions, TargetError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from miniatures import Platform

    from sockmatrix.cell import Cell
    from sockmatrix.selection import Selection

MANY = 40
"""Cells of a block of scripted lanes."""


@pytest.fixture
def selection(tmp_path: Path) -> Selection:
    """Return the cells of the small matrix."""
    return smallmatrix.selection(tmp_path / "matrix")


class Scripted(Lanes):
    """Lanes without a probe: a platform answers, until `then` is raised after `after` blocks."""

    def __init__(
        self,
        selection: Selection,
        platform: Platform = miniatures.LAST,
        then: BaseException | None = None,
        after: int = 2,
    ) -> None:
        self.selection = selection
        self.platform = platform
        self.then = then
        self.after = after
        self.stopped = False

    def run(self, cells: Sequence[Cell]) -> Iterator[Block]:
        """Yield blocks of cells, the last ones first, for they come in any order."""
        for number, start in enumerate(reversed(range(0, len(cells), MANY))):
            if self.then is not None and number == self.after:
                raise self.then
            yield self.change(
                smallmatrix.block(self.selection, self.platform, cells[start : start + MANY])
            )

    def change(self, block: Block) -> Block:
        """Have something to say about a block."""
        return block

    def stop(self) -> None:
        """Note that it was called."""
        self.stopped = True


def recorder(selection: Selection, path: Path, *, resume: bool = False, **facts: Any) -> Recorder:
    """Return a recorder for a run on a platform; `facts` are those of the platform."""
    hello = {**miniatures.HELLO, "platform": {**miniatures.HELLO["platform"], **facts}}
    return Recorder(hello, selection, path, repeat=3, seed=5, resume=resume)


def record(selection: Selection, path: Path, lanes: Lanes, *, resume: bool = False) -> Recording:
    """Record a whole run."""
    with recorder(selection, path, resume=resume) as recording:
        recording.record(lanes)
        return recording.finish()


def kinds(path: Path) -> list[str]:
    """Return the kinds of the lines of a run file."""
    return [json.loads(line)["kind"] for line in path.read_text().splitlines()]


@pytest.mark.parametrize("name", ["run.jsonl", "run.jsonl.gz"])
def test_a_run(selection: Selection, tmp_path: Path, name: str) -> None:
    """With real lanes and a fake probe: the file has every cell once, and says that it is complete."""
    requests = Requests({plan.table.name: plan.table.scenario for plan in selection.plans})
    lanes = Lanes(requests, FakeTarget(), ProbeOptions(), 2, repeat=3, seed=5)
    with lanes:
        recording = record(selection, tmp_path / name, lanes)
    run = Run.read(tmp_path / name)
    assert set(run.cells) == selection.ids
    assert run.complete
    assert run.footer == recording.footer
    assert run.header.planned == smallmatrix.ALL
    assert run.header.tables == {"hearing": 1, "listening": 1}
    assert (run.header.repeat, run.header.seed) == (3, 5)
    assert recording.cells == run.cells
    assert recording.footer.counts == recording.counts == {"one": smallmatrix.ALL}
    assert recording.footer.batches == 8
    assert recording.code is ExitCode.EXPECTED
    assert recording.sentence().startswith("176 of 176 cells in ")


def test_lines_are_written_block_by_block(selection: Selection, tmp_path: Path) -> None:
    """Whoever watches the file sees each block as soon as it was measured."""
    path = tmp_path / "run.jsonl"
    seen = []

    class Watched(Scripted):
        def change(self, block: Block) -> Block:
            seen.append(len(kinds(path)))
            return block

    record(selection, path, Watched(selection))
    assert seen == [1, 17, 57, 97, 137]
    assert kinds(path) == ["header", *["cell"] * smallmatrix.ALL, "footer"]


def test_ctrl_c_keeps_what_was_measured(selection: Selection, tmp_path: Path) -> None:
    """The probes are stopped, the file is closed with a footer, and the status is that of Ctrl-C."""
    path = tmp_path / "run.jsonl"
    lanes = Scripted(selection, then=KeyboardInterrupt())
    recording = record(selection, path, lanes)
    assert lanes.stopped
    assert recording.code is ExitCode.INTERRUPTED
    assert recording.ended == "interrupted"
    assert recording.sentence().startswith("56 of 176 cells in ")
    run = Run.read(path)
    assert len(run.cells) == 56
    assert run.footer is not None
    assert run.footer.ended == "interrupted"
    assert not run.complete
    assert not run.truncated


def test_resuming_completes_it(selection: Selection, tmp_path: Path) -> None:
    """What is there is not measured again, and in the end all is there once."""
    path = tmp_path / "run.jsonl"
    record(selection, path, Scripted(selection, then=KeyboardInterrupt()))
    before = path.read_bytes()
    recording = record(selection, path, Scripted(selection), resume=True)
    assert path.read_bytes().startswith(before)
    assert kinds(path).count("cell") == smallmatrix.ALL
    run = Run.read(path)
    assert set(run.cells) == selection.ids
    assert run.complete
    assert recording.code is ExitCode.EXPECTED
    assert recording.before == 56
    assert recording.footer.counts == {"one": smallmatrix.ALL}
    assert recording.sentence().endswith(" (56 were there before).")


def test_nothing_left_to_resume(selection: Selection, tmp_path: Path) -> None:
    """A complete run is resumed without any measurement."""
    path = tmp_path / "run.jsonl"
    record(selection, path, Scripted(selection))
    nobody = Scripted(selection, then=AssertionError("measured"), after=0)
    recording = record(selection, path, nobody, resume=True)
    assert recording.code is ExitCode.EXPECTED
    assert len(recording.cells) == recording.before == smallmatrix.ALL
    assert Run.read(path).complete


def test_resuming_speaks_of_what_was_asked_for(selection: Selection, tmp_path: Path) -> None:
    """Of a file with more cells than were asked for now, only those asked for are told of."""
    path = tmp_path / "run.jsonl"
    record(selection, path, Scripted(selection))
    few = type(selection)(selection.plans, selection.cells[:5])
    recording = record(few, path, Scripted(few), resume=True)
    assert set(recording.cells) == few.ids
    assert recording.counts == {"one": 5}
    assert recording.footer.counts == {"one": smallmatrix.ALL}
    assert recording.sentence().startswith("5 of 5 cells")


def test_resuming_what_is_not_there_begins_it(selection: Selection, tmp_path: Path) -> None:
    """A script may always say --resume."""
    record(selection, tmp_path / "run.jsonl", Scripted(selection), resume=True)
    assert Run.read(tmp_path / "run.jsonl").complete


def test_the_probe_is_lost(
    selection: Selection, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """When no probe is left, what was measured is kept, one printable line says why; status 3."""
    path = tmp_path / "run.jsonl"
    lanes = Scripted(selection, then=TargetError("the probe did not start: \x1b[31mno\u202e luck"))
    recording = record(selection, path, lanes)
    assert recording.ended == "lost"
    assert recording.code is ExitCode.INCONCLUSIVE
    assert lanes.stopped
    said = capsys.readouterr().err
    assert said == "sockmatrix run: the probe did not start: \\x1b[31mno\\u202e luck\n"
    assert len(Run.read(path).cells) == 56


def test_the_probe_says_no_observation(
    selection: Selection, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """An observation that is none ends the run with what was measured until then."""

    class Wrong(Scripted):
        def change(self, block: Block) -> Block:
            if len(block.cells) == MANY:
                block.seen[block.cells[0].id] = b'[[1, {"roles": {"A": "perhaps"}}]]'
            return block

    recording = record(selection, tmp_path / "run.jsonl", Wrong(selection))
    assert recording.ended == "lost"
    assert len(Run.read(tmp_path / "run.jsonl").cells) == len(recording.cells) == 16
    assert capsys.readouterr().err.startswith("sockmatrix run: not an observation: ")


def test_a_lost_run_without_cells_measured_nothing(selection: Selection, tmp_path: Path) -> None:
    """Nothing at all is status 4, also when the probe was lost."""
    lanes = Scripted(selection, then=TargetError("no luck"), after=0)
    recording = record(selection, tmp_path / "run.jsonl", lanes)
    assert recording.code is ExitCode.NOTHING
    lanes = Scripted(selection, then=KeyboardInterrupt(), after=0)
    recording = record(selection, tmp_path / "other.jsonl", lanes)
    assert recording.code is ExitCode.INTERRUPTED


def test_what_exists_is_not_overwritten(selection: Selection, tmp_path: Path) -> None:
    """A file that is there is left as it is, whatever it is; the message says what to do."""
    path = tmp_path / "run.jsonl"
    path.write_text("precious")
    with pytest.raises(CannotResume) as caught:
        recorder(selection, path)
    assert str(caught.value) == (f"{path}: exists; add --resume to go on with it, or name another file")
    assert path.read_text() == "precious"
    with pytest.raises(NotAFile):
        recorder(selection, tmp_path)


@pytest.mark.parametrize("facts", [{"release": "6.12.2"}, {"arch": "aarch64"}, {"privileges": "user"}])
def test_another_platform_is_not_resumed(
    selection: Selection, tmp_path: Path, facts: dict[str, Any]
) -> None:
    """A run is of one platform: on another one it is refused, and left as it is."""
    path = tmp_path / "run.jsonl"
    record(selection, path, Scripted(selection, then=KeyboardInterrupt()))
    before = path.read_bytes()
    with pytest.raises(CannotResume, match="measured with another platform; write to another file"):
        recorder(selection, path, resume=True, **facts)
    assert path.read_bytes() == before


def test_directories_are_made(selection: Selection, tmp_path: Path) -> None:
    """A directory that is missing is made; where that is impossible it is the system's error."""
    record(selection, tmp_path / "a" / "b" / "run.jsonl", Scripted(selection))
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file"):
        recorder(selection, tmp_path / "file" / "run.jsonl")


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write to any directory"
)
def test_a_directory_that_is_not_ours(selection: Selection, tmp_path: Path) -> None:
    """Without permission to write it is the system's error."""
    (tmp_path / "theirs").mkdir(mode=0o500)
    with pytest.raises(PermissionError):
        recorder(selection, tmp_path / "theirs" / "run.jsonl")


@pytest.mark.parametrize("taken", [0, 1, 1000])
def test_the_disk_is_full(
    selection: Selection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, taken: int
) -> None:
    """A block that does not fit whole is not in the file at all; with room again it is resumed."""
    path = tmp_path / "run.jsonl"
    write = os.write

    def full(file: int, data: bytes) -> int:
        status = os.fstat(file)
        if not stat.S_ISREG(status.st_mode) or status.st_size < 9000:
            return write(file, data)
        if taken and status.st_size == before[0]:
            return write(file, bytes(data[:taken]))
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    before: list[int] = []

    class Sized(Scripted):
        def change(self, block: Block) -> Block:
            before[:] = [path.stat().st_size]
            return block

    with monkeypatch.context() as patched:
        patched.setattr(os, "write", full)
        with pytest.raises(OSError, match="No space left"):
            record(selection, path, Sized(selection))
    assert path.stat().st_size == before[0]
    run = Run.read(path)
    assert run.truncated
    assert not run.ragged
    assert 0 < len(run.cells) < smallmatrix.ALL
    record(selection, path, Scripted(selection), resume=True)
    assert set(Run.read(path).cells) == selection.ids
    assert Run.read(path).complete


class Some(Scripted):
    """Lanes in which the first cells are replaced by an observation."""

    observation: dict[str, Any]
    count: int

    def change(self, block: Block) -> Block:
        """Replace them, counted over all blocks."""
        for cell in block.cells:
            if self.count:
                self.count -= 1
                block.seen[cell.id] = json.dumps([[3, self.observation]]).encode()
        return block


@pytest.mark.parametrize(
    ("word", "count", "code"),
    [
        ("inconclusive", 1, ExitCode.INCONCLUSIVE),
        ("inconclusive", 176, ExitCode.NOTHING),
        ("skipped", 175, ExitCode.EXPECTED),
        ("skipped", 176, ExitCode.NOTHING),
        ("absent", 175, ExitCode.EXPECTED),
        ("absent", 176, ExitCode.NOTHING),
    ],
)
def test_what_tells_nothing(
    selection: Selection, tmp_path: Path, word: str, count: int, code: ExitCode
) -> None:
    """More than one inconclusive cell in a thousand is status 3; skipped and absent never count."""
    lanes = Some(selection)
    lanes.observation, lanes.count = {word: "for a reason"}, count
    recording = record(selection, tmp_path / "run.jsonl", lanes)
    assert recording.code is code
    assert f"({count} {word})" in recording.sentence()
    reasons = [] if word == "absent" else [(f"{word}: for a reason", count)]
    assert recording.reasons == reasons


def test_few_inconclusive_cells_are_tolerated(
    selection: Selection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One in a thousand is no reason to measure all again."""
    monkeypatch.setattr("sockmatrix.recorder.TOLERATED", 1 / 176)
    lanes = Some(selection)
    lanes.observation, lanes.count = {"inconclusive": "a role died"}, 1
    assert record(selection, tmp_path / "run.jsonl", lanes).code is ExitCode.EXPECTED


def test_a_silent_fence(selection: Selection, tmp_path: Path) -> None:
    """When a fence was not heard, silence was not proved: status 3, and it is said."""

    class Silent(Scripted):
        def change(self, block: Block) -> Block:
            block.counts.update(silent_fences=1, voided=2, lost_roles=1)
            return block

    recording = record(selection, tmp_path / "run.jsonl", Silent(selection))
    assert recording.code is ExitCode.INCONCLUSIVE
    assert recording.footer.silent_fences == 5
    assert "15 batches measured again, 5 times nothing sent here arrived" in recording.sentence()


def test_facts(selection: Selection, tmp_path: Path) -> None:
    """For a machine: what was measured, where it is, and which cells need a look."""
    recording = record(selection, tmp_path / "run.jsonl", Scripted(selection, miniatures.ALL_BUT_ONE))
    facts = json.loads(json.dumps(recording.facts()))
    assert facts["run"] == str(tmp_path / "run.jsonl")
    assert facts["platform"] == "linux 6.12.1"
    assert facts["planned"] == sum(facts["counts"].values()) == smallmatrix.ALL
    assert facts["ended"] == "complete"
    assert facts["unstable"] == facts["different"] == []


def checked(selection: Selection, path: Path, lanes: Lanes, size: int = 50) -> Recording:
    """Record a run on a platform where the last hears, and check it with `lanes`."""
    with recorder(selection, path) as recording:
        recording.record(Scripted(selection))
        recording.cross_check(lanes, size)
        return recording.finish()


def test_cross_check(selection: Selection, tmp_path: Path) -> None:
    """A sample measured again is compared: the same is said, and different is status 3, with ids."""
    same = checked(selection, tmp_path / "same.jsonl", Scripted(selection))
    assert same.code is ExitCode.EXPECTED
    assert "cross-check: 50 of 50 the same with fresh processes" in same.sentence()
    other = checked(selection, tmp_path / "other.jsonl", Scripted(selection, miniatures.FIRST), 1000)
    assert other.code is ExitCode.INCONCLUSIVE
    assert set(other.facts()["different"]) == selection.ids
    assert Run.read(tmp_path / "other.jsonl").footer == other.footer


def test_cross_check_of_nothing(selection: Selection, tmp_path: Path) -> None:
    """Cells that tell nothing are not measured again."""
    lanes = Some(selection)
    lanes.observation, lanes.count = {"skipped": "would leave this machine"}, 176
    with recorder(selection, tmp_path / "run.jsonl") as recording:
        recording.record(lanes)
        recording.cross_check(Scripted(selection, then=AssertionError("measured"), after=0), 50)
        check = recording.finish().footer.cross_check
    assert check is not None
    assert check.cells == 0


@pytest.mark.parametrize(
    ("problem", "ended", "code"),
    [
        (KeyboardInterrupt(), "interrupted", ExitCode.INTERRUPTED),
        (TargetError("no luck"), "lost", ExitCode.INCONCLUSIVE),
    ],
)
def test_cross_check_cut_short(
    selection: Selection, tmp_path: Path, problem: BaseException, ended: str, code: ExitCode
) -> None:
    """The run is kept all the same, closed with a footer, and says how much was checked."""
    path = tmp_path / "run.jsonl"
    lanes = Scripted(selection, then=problem, after=1)
    recording = checked(selection, path, lanes)
    assert lanes.stopped
    assert recording.ended == ended
    assert recording.code is code
    run = Run.read(path)
    assert set(run.cells) == selection.ids
    assert run.footer is not None
    assert run.footer.cross_check is not None
    assert run.footer.cross_check.cells == 10
