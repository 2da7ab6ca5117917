"""`sockmatrix run` as a user meets it: what it prints, writes and returns."""

from __future__ import annotations

import errno
import json
import os
import re
import stat
from concurrent import futures
from dataclasses import replace
from pathlib import Path
from typing import Any

import fakes
import pytest
import smallmatrix
from commandline import Commands, cells_of, write_run
from fakeprobe import FakeTarget

from sockmatrix import content
from sockmatrix.commands import sessions
from sockmatrix.runfile import Run
from sockmatrix.target import NotStartedError


@pytest.fixture
def sockmatrix(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Commands:
    """Run commands with a fake probe."""
    return Commands.prepared(capsys, monkeypatch, tmp_path)


def test_run(sockmatrix: Commands) -> None:
    """Tables, how much was measured, where the run file is, what to do next, and the verdict last."""
    done = sockmatrix("run", "-o", "out.jsonl", "--jobs", "2")
    assert done.code == 0
    assert Run.read("out.jsonl").complete
    assert set(Run.read("out.jsonl").cells) == sockmatrix.selection.ids
    assert done.err == (
        "Measuring 176 cells on linux 6.12.1 in a private network namespace, 3 times each.\n"
    )
    out = done.out.splitlines()
    assert out[:2] == ["hearing", "Who hears it?"]
    assert "listening" in out
    assert re.fullmatch(r"176 of 176 cells in [0-9.]+ s\.", out[-6])
    assert out[-4:] == [
        "run file  out.jsonl",
        "next      sockmatrix report out.jsonl --format markdown   for a page",
        "          sockmatrix report out.jsonl OTHER-RUN   beside another system",
        "exit 0: measured and as expected",
    ]
    assert "\x1b" not in done.out


def test_run_of_few_cells_lists_them(sockmatrix: Commands) -> None:
    """What a summary could not show is listed, cell by cell."""
    done = sockmatrix("run", "-o", "out.jsonl", "--only", "hearing/dest:lo4/A:lo4.none/B:any4.addr")
    assert done.code == 0
    lines = done.out.splitlines()
    assert lines[0].split() == ["cell", "linux", "6.12.1"]
    assert lines[2].split() == ["hearing/dest:lo4/A:lo4.none/B:any4.addr", "last"]
    assert lines[3].split()[0] == "hearing/dest:lo4/A:lo4.none/B:any4.addr/C:lo4.none"
    assert len(lines) == 2 + 1 + 4 + 7


def test_run_has_a_name_for_its_file(sockmatrix: Commands) -> None:
    """Without -o the file is in runs/, named after the platform and the time, and is named in the end."""
    done = sockmatrix("run", "--table", "listening")
    assert done.code == 0
    (path,) = Path("runs").iterdir()
    assert re.fullmatch(r"linux-6\.12\.1-x86-64-\d{8}T\d{6}Z\.jsonl|linux-6\.12\.1-x86_64-.*", path.name)
    assert f"run file  {path}\n" in done.out


def test_a_release_does_not_lead_out_of_the_directory(sockmatrix: Commands) -> None:
    """What a platform calls itself cannot choose another place for the file."""
    platform = {**fakes.HELLO["platform"], "release": "../../etc/x y"}
    assert sockmatrix("run", "--table", "listening", hello={"platform": platform}).code == 0
    assert [path.parent for path in Path().rglob("*.jsonl")] == [Path("runs")]


def test_run_json(sockmatrix: Commands) -> None:
    """One JSON value on stdout, nothing else anywhere."""
    done = sockmatrix("run", "-o", "out.jsonl", "--json")
    assert (done.code, done.err) == (0, "")
    told = json.loads(done.out)
    assert told["run"] == "out.jsonl"
    assert told["counts"] == {"one": smallmatrix.ALL}
    assert told["exit"] == 0
    assert told["verdict"] == "exit 0: measured and as expected"


def test_dry_run_does_nothing(sockmatrix: Commands) -> None:
    """It says what would be measured; no probe is started, no file is written."""
    done = sockmatrix("run", "--dry-run", "--repeat", "7", "-o", "out.jsonl")
    assert (done.code, done.err) == (0, "")
    assert done.out.splitlines() == [
        "    160  hearing",
        "     16  listening",
        "    176  cells, 7 times each; nothing was measured",
    ]
    told = json.loads(sockmatrix("run", "--dry-run", "--json", "--jobs", "3").out)
    assert told == {"cells": {"hearing": 160, "listening": 16}, "repeat": 3, "jobs": 3}
    assert list(Path().iterdir()) == []
    assert not Path(sockmatrix.target.log).exists()


def test_run_tells_the_probe(sockmatrix: Commands) -> None:
    """What was asked for reaches the probe, and stands in the run."""
    how = ("--fresh", "--settle", "0.5", "--lab", "host")
    sockmatrix("run", "--table", "listening", *how, "-o", "how.jsonl")
    assert (Run.read("how.jsonl").header.fresh, Run.read("how.jsonl").header.settle) == (True, 0.5)
    notes = [json.loads(line) for line in Path(sockmatrix.target.log).read_text().splitlines()]
    started = next(note[2] for note in notes if note[1] == "started")
    assert started[:2] == ["--lab", "host"]
    assert "--fresh" in started
    assert started[-2:] == ["--grace", "0.5"]
    sockmatrix("run", "-o", "seeded.jsonl", "--seed", "11", "--repeat", "2", "--allow-lan")
    notes = [json.loads(line) for line in Path(sockmatrix.target.log).read_text().splitlines()]
    assert notes[-1][3] == {"kind": "measure", "repeat": 2, "seed": 11}
    assert "--allow-lan" in [note[2] for note in notes if note[1] == "started"][-1]


def test_as_many_lanes_as_there_are_processors_there(
    sockmatrix: Commands, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those of the target count, not those of this machine, unless --jobs says how many."""
    monkeypatch.setattr(FakeTarget, "processors", lambda _: 3)
    for options, lanes in (((), 3), (("--jobs", "1"), 1)):
        Path(sockmatrix.target.log).unlink(missing_ok=True)
        sockmatrix("run", "-o", f"{lanes}.jsonl", *options)
        notes = [json.loads(line) for line in Path(sockmatrix.target.log).read_text().splitlines()]
        started = next(note[2] for note in notes if note[1] == "started")
        assert started[started.index("--share") + 1] == f"0/{lanes}"


def test_a_sample_has_a_seed(sockmatrix: Commands) -> None:
    """The same seed is the same sample."""
    for name in ("one", "two"):
        assert sockmatrix("run", "--sample", "20", "--seed", "3", "-o", name).code == 0
    one = cells_of(Path("one"))
    assert len(one) == 20
    assert sorted(one) == sorted(cells_of(Path("two")))


def test_cross_check(sockmatrix: Commands) -> None:
    """After the run a sample is measured again, with a fresh probe, one repetition, and compared."""
    done = sockmatrix("run", "-o", "out.jsonl", "--cross-check", "9", "--jobs", "1")
    assert done.code == 0
    assert "(cross-check: 9 of 9 the same with fresh processes)." in done.out
    notes = [json.loads(line) for line in Path(sockmatrix.target.log).read_text().splitlines()]
    started = [note[2] for note in notes if note[1] == "started"]
    assert started[-1][-3:] == ["--fresh", "--grace", "1.0"]
    assert [note[3]["repeat"] for note in notes if note[1] == "asked"] == [3, 3, 3, 3, 1, 1, 1]


@pytest.mark.parametrize(
    ("changes", "code", "said"),
    [
        ({"trouble": "silent fence"}, 3, "exit 3: inconclusive"),
        ({"trouble": "inconclusive"}, 3, "exit 3: inconclusive"),
        ({"platform": "hangs"}, 4, "exit 4: nothing was measured"),
        ({"trouble": "die"}, 4, "exit 4: nothing was measured"),
        ({"platform": "refuses"}, 0, "exit 0: measured and as expected"),
        ({"platform": "fickle"}, 0, "exit 0: measured and as expected"),
    ],
)
def test_the_verdict_is_last(sockmatrix: Commands, changes: dict[str, Any], code: int, said: str) -> None:
    """The exit status says how it went, and so does the last line."""
    done = sockmatrix("run", "-o", "out.jsonl", "--jobs", "1", **changes)
    assert (done.code, done.out.splitlines()[-1]) == (code, said)
    assert (
        json.loads(sockmatrix("run", "-o", "j", "--jobs", "1", "--json", **changes).out)["exit"] == code
    )


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"trouble": "die", "at": 0}, "the probe did not start: out of luck"),
        ({"trouble": "protocol", "at": 0}, "the probe speaks protocol 99, not 2"),
        ({"trouble": "garbage", "at": 0}, "the probe said something that is not its protocol: JSON is"),
        ({"trouble": "stateless", "at": 0}, "the probe does not say what it is: Object missing"),
        ({"python": "no/such/python"}, "cannot start no/such/python: No such file or directory"),
    ],
)
def test_no_probe_no_run(sockmatrix: Commands, changes: dict[str, Any], said: str) -> None:
    """Where no probe can be started there is one line, status 2, and no file."""
    done = sockmatrix("run", **changes)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith(f"sockmatrix run: {said}")
    assert done.err.count("\n") == 1
    assert list(Path().rglob("*.jsonl")) == []


@pytest.fixture
def scripted(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Commands:
    """Run commands with a fake probe on a matrix with a script table."""
    return Commands.prepared(capsys, monkeypatch, tmp_path, scripted=True)


def test_run_a_script_table(scripted: Commands) -> None:
    """Its cells are measured lab by lab, and shown by case; the header has the facts of the labs."""
    done = scripted("run", "-o", "out.jsonl")
    assert done.code == 0
    run = Run.read("out.jsonl")
    assert run.complete
    assert set(run.cells) == scripted.selection.ids
    assert len(run.cells) == smallmatrix.ALL + smallmatrix.SCRIPTED
    assert run.header.lab.layout == "plain"
    assert {name: lab.layout for name, lab in run.header.labs.items()} == {
        "gateway": "gateway",
        "hosts-2": "hosts-2",
    }
    versions = {plan.table.name: plan.table.version for plan in scripted.selection.plans}
    assert run.header.tables == versions
    assert {cell.id: cell.version for cell in scripted.selection.cells} == {
        key: line.v for key, line in run.cells.items()
    }
    near = "asking/near\nNear?\n\nsize  outcome\n----  -------------\nany   all \u00b7 told ok\n"
    assert near in done.out
    assert run.cells["asking/case:alone"].notes == {"told": "ok", "sent": "ok"}
    told = scripted("report", "out.jsonl", "--only", "case=near size=much")
    assert told.out.splitlines()[2].split()[0] == "asking/case:near/size:much"
    assert "| any " in scripted("report", "out.jsonl", "--table", "asking", "--format", "markdown").out


def test_dry_run_of_a_script_table(scripted: Commands) -> None:
    """It is counted like any other."""
    done = scripted("run", "--dry-run", "--table", "asking", "--json")
    assert json.loads(done.out)["cells"] == {"asking": 8}


def test_a_lab_that_cannot_be_had(scripted: Commands) -> None:
    """That is said before anything is measured; its cells are skipped, and the run is not lost."""
    done = scripted("run", "-o", "out.jsonl", "--table", "asking", lacks="gateway")
    assert done.code == 0
    assert done.err.splitlines()[1] == (
        "No lab gateway, its cells are skipped: the probe did not start: there is no gateway here"
    )
    run = Run.read("out.jsonl")
    assert run.complete
    assert set(run.header.labs) == {"hosts-2"}
    skipped = {key for key, line in run.cells.items() if line.skipped}
    assert skipped == {"asking/case:through", "asking/case:through/size:much"}
    assert run.cells["asking/case:through"].skipped.endswith("there is no gateway here")
    assert "(2 skipped).\n      2  skipped: " in done.out
    assert "there is no gateway here\n\nrun file" in done.out


def test_resume_a_script_table(scripted: Commands) -> None:
    """What is missing is measured, in its lab; a table whose script has changed is another one."""
    write_run(Path("out.jsonl"), scripted.selection, ended="interrupted")
    before = Run.read("out.jsonl")
    assert scripted("run", "--resume", "-o", "out.jsonl").code == 0
    run = Run.read("out.jsonl")
    assert set(run.cells) == scripted.selection.ids
    assert run.cells.items() >= before.cells.items()
    table = content.matrix() / "asking.toml"
    table.write_text(table.read_text().replace("told = bind lo4", "told = bind lo4b"))
    done = scripted("run", "--resume", "-o", "out.jsonl")
    assert done.code == 2
    assert done.err.endswith("measured with other tables; write to another file\n")


def test_cross_check_of_a_script_table(scripted: Commands) -> None:
    """The sample is measured again in the labs of its cells."""
    done = scripted("run", "-o", "out.jsonl", "--table", "asking", "--cross-check", "8", "--jobs", "1")
    assert done.code == 0
    assert "(cross-check: 8 of 8 the same with fresh processes)." in done.out
    notes = [json.loads(line) for line in Path(scripted.target.log).read_text().splitlines()]
    started = [note[2] for note in notes if note[1] == "started" and "--fresh" in note[2]]
    assert [own[own.index("--layout") + 1] for own in started if "--layout" in own] == [
        "gateway",
        "hosts-2",
    ]


def test_a_lost_probe_is_said(sockmatrix: Commands, monkeypatch: pytest.MonkeyPatch) -> None:
    """The reason is on stderr; what was measured is kept; the way to go on is told."""
    monkeypatch.setattr("sockmatrix.measure._TRIES", 1)
    command = FakeTarget.command

    def once_only(target: FakeTarget, arguments: list[str]) -> list[str]:
        started = Path(target.log).exists()
        return command(replace(target, at=0) if started else target, arguments)

    monkeypatch.setattr(FakeTarget, "command", once_only)
    done = sockmatrix("run", "-o", "out.jsonl", "--jobs", "1", trouble="die", at=3)
    assert done.code == 3
    assert done.err.endswith("sockmatrix run: the probe did not start: out of luck\n")
    assert "next      sockmatrix run --resume -o out.jsonl --jobs 1   measures the rest" in done.out
    assert len(cells_of(Path("out.jsonl"))) == 132


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        ("dist=lo4", 'in "dist=lo4": unknown axis "dist" (did you mean "dest"?); allowed: dest, '),
        ("dest=lo5", 'in "dest=lo5": unknown value "lo5" (did you mean "lo6"?); allowed: lo4, '),
        ("hering/*", "no cell matches hering/*; `sockmatrix list` shows what there is"),
    ],
)
@pytest.mark.parametrize("command", [["run"], ["run", "--dry-run"], ["list"]])
def test_only_what_is_there(sockmatrix: Commands, command: list[str], pattern: str, said: str) -> None:
    """What --only does not know is one line that names what is allowed; nothing is started."""
    done = sockmatrix(*command, "--only", pattern)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith(f"sockmatrix {command[0]}: {said}")
    assert done.err.count("\n") == 1
    assert not Path(sockmatrix.target.log).exists()


def test_a_table_named_twice_is_measured_once(sockmatrix: Commands) -> None:
    """A run file that could not be read again is not written."""
    assert sockmatrix("run", "--table", "listening", "--table", "listening", "-o", "out.jsonl").code == 0
    assert len(Run.read("out.jsonl").cells) == smallmatrix.TCP


def test_an_existing_file_is_not_overwritten(sockmatrix: Commands) -> None:
    """One line says what to do instead; the file is as it was."""
    Path("out.jsonl").write_text("precious")
    done = sockmatrix("run", "-o", "out.jsonl")
    assert (done.code, done.out) == (2, "")
    assert done.err == (
        "sockmatrix run: out.jsonl: exists; add --resume to go on with it, or name another file\n"
    )
    assert Path("out.jsonl").read_text() == "precious"
    done = sockmatrix("run", "-o", "out.jsonl", "--resume")
    assert done.code == 2
    assert "out.jsonl:1: not the header of a run" in done.err
    assert Path("out.jsonl").read_text() == "precious"


def test_resume_needs_a_file(sockmatrix: Commands) -> None:
    """Which run to go on with must be said."""
    done = sockmatrix("run", "--resume")
    assert (done.code, done.err) == (
        2,
        "sockmatrix run: --resume needs -o FILE, the run to go on with\n",
    )


def test_another_platform_is_not_resumed(sockmatrix: Commands) -> None:
    """One line says why; the file is as it was."""
    path = Path("out.jsonl")
    write_run(path, sockmatrix.selection, ended="interrupted", release="5.10")
    before = path.read_bytes()
    done = sockmatrix("run", "--resume", "-o", "out.jsonl")
    assert (done.code, done.out) == (2, "")
    assert done.err.endswith("measured with another platform; write to another file\n")
    assert done.err.count("\n") == 1
    assert path.read_bytes() == before


def test_resume(sockmatrix: Commands) -> None:
    """Only what is missing is measured, and that is said before and after."""
    write_run(Path("out.jsonl"), sockmatrix.selection, ended="interrupted")
    done = sockmatrix("run", "--resume", "-o", "out.jsonl")
    assert done.code == 0
    assert done.err.startswith("Measuring the remaining 10 of 176 cells on linux")
    assert "(166 were there before)." in done.out
    assert sorted(cells_of(Path("out.jsonl"))) == sorted(sockmatrix.selection.ids)
    assert sockmatrix("run", "--resume", "-o", "out.jsonl").code == 0


@pytest.mark.parametrize(
    ("output", "said"),
    [
        ("file/run.jsonl", "cannot write file/run.jsonl: file: File exists"),
    ],
)
def test_a_place_where_nothing_can_be_written(sockmatrix: Commands, output: str, said: str) -> None:
    """It is said before anything is measured."""
    Path("file").write_text("")
    done = sockmatrix("run", "-o", output)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("sockmatrix run: ")
    assert done.err.endswith(f"{said}\n")
    assert done.err.count("\n") == 1


def test_the_disk_is_full(sockmatrix: Commands, monkeypatch: pytest.MonkeyPatch) -> None:
    """One line says so; what was written before can be read and resumed."""
    write = os.write

    def full(file: int, data: bytes) -> int:
        status = os.fstat(file)
        if stat.S_ISREG(status.st_mode) and status.st_size > 5000:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write(file, data)

    with monkeypatch.context() as patched:
        patched.setattr(os, "write", full)
        done = sockmatrix("run", "-o", "out.jsonl", "--jobs", "1")
    assert (done.code, done.out) == (2, "")
    assert done.err.endswith("sockmatrix run: cannot write out.jsonl: No space left on device\n")
    run = Run.read("out.jsonl")
    assert 0 < len(run.cells) < smallmatrix.ALL
    assert sockmatrix("run", "--resume", "-o", "out.jsonl").code == 0


@pytest.fixture
def places(monkeypatch: pytest.MonkeyPatch, sockmatrix: Commands) -> dict[str, FakeTarget]:
    """Return what `--on python=NAME` means in a test, by NAME."""
    found: dict[str, FakeTarget] = {}

    def make(name: str = "") -> FakeTarget:
        if name not in found:
            raise NotStartedError(f"there is no {name} here: buy one")
        return found[name]

    monkeypatch.setattr(Commands, "targets", lambda *_: make)
    for name, release in (("one", "6.1.1"), ("two", "6.12.1")):
        platform = {**fakes.HELLO["platform"], "release": release}
        found[name] = replace(sockmatrix.target, hello={"platform": platform})
    return found


def on(*names: str) -> list[str]:
    """Return the options that name targets."""
    return [word for name in names for word in ("--on", f"python={name}")]


def test_several_targets(sockmatrix: Commands, places: dict[str, FakeTarget]) -> None:
    """Each has its run file, named after what was measured, and a line that says how it went."""
    done = sockmatrix("run", *on("one", "two"), "-o", "out")
    assert (done.code, done.err) == (0, "")
    names = ["linux-6.1.1-x86_64-python3.11.7.jsonl", "linux-6.12.1-x86_64-python3.11.7.jsonl"]
    assert sorted(path.name for path in Path("out").iterdir()) == names
    for name in names:
        assert set(Run.read(Path("out") / name).cells) == sockmatrix.selection.ids
    line = r"python=one  linux 6\.1\.1: 176 of 176 cells in [0-9.]+ s\."
    assert any(re.fullmatch(line, said) for said in done.out.splitlines())
    assert done.out.endswith(
        "\nnext      sockmatrix report out/*.jsonl   what differs\nexit 0: measured and as expected\n"
    )


def test_one_that_cannot_run_loses_nothing_of_the_others(
    sockmatrix: Commands, places: dict[str, FakeTarget]
) -> None:
    """It says why; the others are measured; the status is that something was not."""
    places["dead"] = replace(sockmatrix.target, trouble="die", at=0)
    done = sockmatrix("run", *on("none", "dead", "two"), "-o", "out")
    assert done.code == 4
    assert sorted(done.err.splitlines()) == [
        "sockmatrix run: python=dead: the probe did not start: out of luck",
        "sockmatrix run: python=none: there is no none here: buy one",
    ]
    assert [path.name for path in Path("out").iterdir()] == ["linux-6.12.1-x86_64-python3.11.7.jsonl"]
    assert done.out.splitlines()[-1].startswith("exit 4: nothing was measured; not on python=")


def test_one_that_is_lost_on_the_way(sockmatrix: Commands, places: dict[str, FakeTarget]) -> None:
    """What it had measured is kept; the others are whole."""
    places["one"] = replace(places["one"], trouble="wrong observation", at=2)
    done = sockmatrix("run", *on("one", "two"), "-o", "out", "--jobs", "1")
    assert done.code == 3
    assert done.err.startswith("sockmatrix run: python=one: ")
    one = Run.read("out/linux-6.1.1-x86_64-python3.11.7.jsonl")
    assert one.footer is not None
    assert one.footer.ended == "lost"
    assert 0 < len(one.cells) < 176
    assert Run.read("out/linux-6.12.1-x86_64-python3.11.7.jsonl").complete
    places["one"] = replace(places["one"], trouble="")
    again = sockmatrix("run", *on("one", "two"), "-o", "out", "--resume")
    assert again.code == 0
    assert len(Run.read("out/linux-6.1.1-x86_64-python3.11.7.jsonl").cells) == 176


def test_machines_of_one_kind(sockmatrix: Commands, places: dict[str, FakeTarget]) -> None:
    """Two of the same platform do not write into one file."""
    places["two"] = places["one"]
    done = sockmatrix("run", *on("one", "two"), "-o", "out", "--table", "listening", "--json")
    assert done.code == 0
    told = json.loads(done.out)
    assert {run["on"] for run in told["runs"]} == {"python=one", "python=two"}
    assert sorted(path.name for path in Path("out").iterdir()) == [
        "linux-6.1.1-x86_64-python3.11.7-2.jsonl",
        "linux-6.1.1-x86_64-python3.11.7.jsonl",
    ]


def test_ctrl_c_ends_all_targets(
    sockmatrix: Commands, places: dict[str, FakeTarget], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was measured is kept on each; nothing hangs, and nothing is begun any more."""
    for name in ("one", "two"):
        places[name] = replace(places[name], trouble="hang", at=2)
    places["late"] = sockmatrix.target
    waiting = futures.wait

    def interrupted(work: Any, timeout: float | None = None) -> Any:
        if timeout is not None and all(len(cells_of(path)) > 20 for path in runs()) and len(runs()) == 2:
            raise KeyboardInterrupt
        return waiting(work, 0.05 if timeout is not None else None)

    def runs() -> list[Path]:
        return list(Path("out").glob("*")) if Path("out").exists() else []

    monkeypatch.setattr(sessions, "wait", interrupted)
    monkeypatch.setattr(sessions, "lanes_here", lambda **_: 2)
    done = sockmatrix("run", *on("one", "two", "late"), "-o", "out", "--jobs", "1")
    assert done.code == 130
    assert len(runs()) == 2
    for path in runs():
        run = Run.read(path)
        assert run.footer is not None
        assert run.footer.ended == "interrupted"
        assert 0 < len(run.cells) < 176


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--on", "mars"], "--on: 'mars' is no target; targets are local, python=PATH-OR-NAME, kernel="),
        ([*on("one", "two"), "-o", "file"], "file is a file; several targets need a directory, -o DIR"),
        (on("none"), "there is no none here: buy one"),
    ],
)
def test_targets_that_are_none(
    sockmatrix: Commands, places: dict[str, FakeTarget], arguments: list[str], said: str
) -> None:
    """It is said before anything is measured."""
    Path("file").write_text("")
    done = sockmatrix("run", *arguments)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith(f"sockmatrix run: {said}")


def test_a_directory_for_one(sockmatrix: Commands) -> None:
    """A directory that is there gets a file named after what was measured."""
    Path("out").mkdir()
    assert sockmatrix("run", "-o", "out", "--table", "listening").code == 0
    assert [path.name for path in Path("out").iterdir()] == ["linux-6.12.1-x86_64.jsonl"]
