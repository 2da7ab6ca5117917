"""`sockmatrix bisect` with a cache of kernels that nobody boots: which are measured, and what is told."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import fakeapt
import pytest
from commandline import Commands, Done

from sockmatrix import changes, content
from sockmatrix.commands import bisecting
from sockmatrix.runfile import Run
from sockmatrix.target import NotStartedError
from sockmatrix.targets import kernels, qemu

if TYPE_CHECKING:
    from fakeprobe import FakeTarget

    from sockmatrix.targets.kernels import Kernel

CELL = "hearing/dest:lo4/A:lo4.addr/B:lo4.addr"
OTHER = "listening/transport:tcp/A:lo4.none/B:lo4.none"
FULL = "Write error - write (28: No space left on device)"
LINE = [f"6.12.{number}-1" for number in (43, 57, 69, 74, 85, 90, 100, 118)]

KNOWN = """
[[change]]
id = "abcdef012345"
title = "All hear a datagram"
os = "linux"
versions = ">=6.12.80"
links = ["https://example.org/abcdef012345"]
[[change.effect]]
cells = ["table=hearing dest=lo4"]
with = ["delivery=all"]
"""


@dataclass
class Bench:
    """The command, and what kernels do: `new` those with the new outcome, `broken` those that fail."""

    commands: Commands
    new: tuple[str, ...] = ()
    broken: tuple[str, ...] = ()
    changes: dict[str, dict[str, Any]] = field(default_factory=dict)
    booted: list[str] = field(default_factory=list)

    def target(self, kernel: Kernel, _: int = 1) -> FakeTarget:
        """Return the guest of a kernel."""
        version = kernel.version
        self.booted.append(version)
        if version in self.broken:
            raise NotStartedError(f"the guest of Linux {version} did not start: Kernel panic")
        platform = {
            **self.commands.target.hello.get("platform", {}),
            "release": version.partition("-")[0],
        }
        facts = {
            "os": "linux",
            "build": "#1 SMP",
            "stack": "linux",
            "arch": "x86_64",
            "privileges": "root",
        }
        told = {"kind": "kernel", "version": version}
        fake = replace(
            self.commands.target,
            platform="everything" if version in self.new else "last",
            hello={"platform": {**facts, **platform}, "target": told},
        )
        return replace(fake, **self.changes.get(version, {}))

    def put(self, *versions: str) -> None:
        """Put kernels into the cache."""
        for version in versions:
            directory = kernels.cache_directory() / version
            (directory / "modules").mkdir(parents=True)
            (directory / "vmlinuz").write_bytes(fakeapt.BZIMAGE)
            (directory / kernels.LABEL).write_text(json.dumps({"version": version, "facts": {}}))

    def __call__(self, *arguments: str) -> Done:
        """Run the command, without any network."""
        self.booted.clear()
        return self.commands("bisect", *arguments, "--offline")


@pytest.fixture
def bench(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Bench:
    """Prepare a cache with a line of kernels; since 6.12.85 all hear a datagram."""
    changes._parsed.cache_clear()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    made = Bench(Commands.prepared(capsys, monkeypatch, tmp_path))
    monkeypatch.setattr(bisecting, "KernelTarget", made.target)
    monkeypatch.setattr(qemu, "find", lambda: "qemu")
    made.put(*LINE)
    made.new = tuple(LINE[4:])
    return made


def test_a_line(bench: Bench) -> None:
    """Few are measured; the last release as before and the first that is not are told, and why."""
    (content.matrix() / changes.FILE).write_text(KNOWN)
    done = bench("--cell", CELL)
    assert done.code == 1
    assert bench.booted == ["6.12.43-1", "6.12.118-1", "6.12.74-1", "6.12.90-1", "6.12.85-1"]
    out = done.out.splitlines()
    assert out[:5] == [
        CELL,
        "  changed between 6.12.74-1 and 6.12.85-1",
        "    6.12.74-1  last",
        "    6.12.85-1  all",
        "    abcdef012345 has come: All hear a datagram",
    ]
    assert out[-3:] == [
        "5 releases measured. The runs are in bisect.",
        f"next      sockmatrix history {CELL} bisect",
        "exit 1: behaviour changed",
    ]
    said = done.err.splitlines()
    assert said[0] == "6.12.43-1: measuring (7 more in question)"
    assert said[1].startswith("6.12.43-1: last (")
    assert said[-2] == "6.12.85-1: measuring (the last)"
    names = sorted(path.name for path in Path("bisect").iterdir())
    assert names == sorted(f"{version}.jsonl" for version in bench.booted)
    assert Run.read("bisect/6.12.74-1.jsonl").complete


def test_what_is_there_is_not_measured_again(bench: Bench) -> None:
    """A second time nothing is; another cell is measured beside it, and nothing is overwritten."""
    bench("--cell", CELL)
    done = bench("--cell", CELL)
    assert (done.code, done.err, bench.booted) == (1, "", [])
    assert "0 releases measured; 5 were there before." in done.out
    assert bench("--cell", OTHER, "--good", "6.12.43", "--bad", "6.12.118").code == 1
    assert len(bench.booted) == 5
    assert Path("bisect/6.12.43-1-2.jsonl").exists()


def test_several_cells(bench: Bench) -> None:
    """Each has a change of its own, or none; what one of them needs is measured for all."""
    bench.changes = {
        version: {"platform": "refuses" if place < 2 else "bsd"} for place, version in enumerate(LINE)
    }
    done = bench("--only", "dest=lo4 receivers=2 A.bind=lo4 every.reuse=addr", "--cell", OTHER)
    assert done.code == 1
    assert done.out.splitlines() == [
        "hearing/dest:lo4/A:lo4.addr/B:any4.addr",
        "  changed between 6.12.57-1 and 6.12.69-1",
        "    6.12.57-1  B refused",
        "    6.12.69-1  first",
        "",
        "2 cells: the same on 6.12.43-1 and on 6.12.118-1: if it changed between, it changed back",
        f"  {OTHER}",
        f"  {CELL}",
        "",
        "5 releases measured. The runs are in bisect.",
        "exit 1: behaviour changed; of 3 cells 1 changed, 2 same",
    ]


def test_json(bench: Bench) -> None:
    """One value on stdout, nothing else; each release that was measured is there."""
    done = bench("--cell", CELL, "--json")
    assert (done.code, done.err) == (1, "")
    told = json.loads(done.out)
    (one,) = told["cells"]
    assert one["last"] == {"release": "6.12.74-1", "outcome": "last"}
    assert one["first"] == {"release": "6.12.85-1", "outcome": "all"}
    assert one["measured"] == {name: "all" if name in bench.new else "last" for name in bench.booted}
    assert (told["skipped"], told["exit"], told["verdict"]) == ({}, 1, "exit 1: behaviour changed")


def test_over_lines(bench: Bench) -> None:
    """Lines are compared by their newest; a change that came with a line is said to have come so."""
    bench.put("5.10.218-1", "5.10.262-1", "6.1.180-1", "6.1.192-3")
    bench.new = tuple(LINE)
    done = bench("--cell", CELL)
    tips = ["5.10.262-1", "6.12.118-1", "6.1.192-3"]
    assert bench.booted == [*tips, "6.12.74-1", "6.12.57-1", "6.12.43-1"]
    said = (
        "changed between 6.1.192-3 and 6.12.43-1, the oldest 6.12 there is: it came between 6.1 and 6.12,"
    )
    assert f"{said}\n    or before 6.12.43-1\n" in done.out
    same = bench("--cell", CELL, "--series", "6.12")
    assert same.code == 0
    assert "the same on 6.12.43-1 and on 6.12.118-1: if it changed between, it changed back" in same.out
    assert bench("--cell", CELL, "--series", "5.10,6.1.192").code == 0


def test_releases_that_cannot_be_measured(bench: Bench) -> None:
    """They are skipped and named, others are asked; what lies between is no more than is known."""
    bench.broken = ("6.12.43-1", "6.12.85-1")
    bench.changes = {"6.12.74-1": {"trouble": "die", "at": 1}}
    done = bench("--cell", CELL)
    assert done.code == 1
    assert "changed between 6.12.69-1 and 6.12.90-1" in done.out
    assert "6.12.74-1 tells nothing: the probe died: out of luck" in done.out
    assert "6.12.85-1 tells nothing: the guest of Linux 6.12.85-1 did not start: Kernel panic" in done.out
    assert "skipped: 6.12.43-1, 6.12.85-1." in done.out
    assert "sockmatrix bisect: 6.12.43-1 is skipped: the guest of Linux 6.12.43-1 did" in done.err
    bench.broken, bench.changes = (), {}
    done = bench("--cell", CELL)
    assert "changed between 6.12.74-1 and 6.12.85-1" in done.out
    assert bench.booted == ["6.12.43-1", "6.12.74-1", "6.12.85-1"]


def test_nothing_boots(bench: Bench) -> None:
    """After three in a row no other is tried; nothing measured is not nothing changed."""
    bench.broken = tuple(LINE)
    done = bench("--cell", CELL)
    assert (done.code, len(bench.booted)) == (4, 3)
    assert done.out.splitlines()[-1] == "exit 4: nothing was measured"
    assert "no release tells what it is" in done.out


def test_ctrl_c(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is known until then is told, and the next time goes on from there."""
    boot = bench.target

    def stop(kernel: Kernel, machines: int = 1) -> FakeTarget:
        if kernel.version == "6.12.90-1":
            raise KeyboardInterrupt
        return boot(kernel, machines)

    monkeypatch.setattr(bisecting, "KernelTarget", stop)
    done = bench("--cell", CELL)
    assert done.code == 130
    assert "changed between 6.12.74-1 and 6.12.118-1" in done.out
    assert "6.12.85-1, 6.12.90-1, 6.12.100-1 tell nothing: not measured yet" in done.out
    monkeypatch.setattr(bisecting, "KernelTarget", boot)
    assert bench("--cell", CELL).code == 1
    assert bench.booted == ["6.12.90-1", "6.12.85-1"]


def test_dry_run(bench: Bench) -> None:
    """It is said what would be measured first; nothing is, and nothing is written."""
    bench.put("5.10.262-1", "6.1.192-3")
    done = bench("--cell", CELL, "--dry-run")
    assert (done.code, bench.booted) == (0, [])
    assert done.out.splitlines() == [
        "10 releases in 3 lines, of which the newest are compared first: 5.10.262-1 ... 6.12.118-1",
        "10 of them are there; the others are fetched when they are needed",
        "first     5.10.262-1 (it is there)",
        "at most   some 7 releases for one cell; nothing was measured",
    ]
    told = json.loads(bench("--cell", CELL, "--series", "6.12", "--dry-run", "--json").out)
    assert (told["first"], told["straight"], told["releases"]) == (["6.12.43-1"], True, LINE)
    assert not Path("bisect").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "say which cells: --cell CELL, --only PATTERN or --table NAME"),
        (("--cell", "hearing/dest:mars"), "hearing/dest:mars"),
        (("--cell", CELL, "--good", "4.19"), "there is no kernel 4.19: there are releases of 6.12"),
        (
            ("--cell", CELL, "--series", "6.12.9"),
            "there is no kernel 6.12.9: of 6.12 there are 6.12.43-1",
        ),
        (
            ("--cell", CELL, "--series", "6.12.43"),
            "a bisection needs two releases; there is only 6.12.43-1",
        ),
        (("--cell", CELL, "-o", "file"), "cannot write file: File exists"),
    ],
)
def test_what_cannot_be_done(bench: Bench, arguments: tuple[str, ...], said: str) -> None:
    """One line, and status 2."""
    Path("file").write_text("")
    done = bench(*arguments)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("sockmatrix bisect: ")
    assert said in done.err
    assert done.err.count("\n") == 1


def test_no_qemu(bench: Bench, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nothing can be measured: it is said before anything is tried. What was measured needs none."""
    assert bench("--cell", CELL).code == 1

    def nowhere() -> str:
        raise NotStartedError("there is no qemu here")

    monkeypatch.setattr(qemu, "find", nowhere)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "empty"))
    done = bench("--cell", CELL)
    assert (done.code, done.err) == (1, "")
    assert "changed between 6.12.74-1 and 6.12.85-1" in done.out
    bench.put("6.12.43-1", "6.12.118-1")
    done = bench("--cell", OTHER)
    assert (done.code, done.out, done.err) == (2, "", "sockmatrix bisect: there is no qemu here\n")


def test_no_room_to_fetch(bench: Bench, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nothing else is fetched; what is there is measured."""
    archive = "\n".join(
        fakeapt.package("image", version, version) for version in ("6.12.1-1", "6.12.44-1")
    )
    for name, value in fakeapt.install(tmp_path, archive=archive, full=True).items():
        monkeypatch.setenv(name, value)
    done = bench.commands("bisect", "--cell", CELL)
    assert done.code == 1
    assert "changed between 6.12.74-1 and 6.12.85-1" in done.out
    assert done.err.splitlines()[:4] == [
        "getting the lists of packages",
        "6.12.1-1: fetching 2 MB",
        f"sockmatrix bisect: 6.12.1-1 is skipped: 6.12.1-1: {FULL}",
        "sockmatrix bisect: no other one is fetched",
    ]


def test_fetched_as_needed(bench: Bench, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What is not there is fetched; one that is gone is skipped, or had from its other package."""
    archive = "\n".join(
        fakeapt.package("image", version, version)
        for version in ("6.1.1-1", "6.1.2-1", "6.1.3-1", "6.1.3-1~bpo11+1", "6.1.4-1")
    )
    gone = ["6.1.2-1", "6.1.3-1-cloud"]
    for name, value in fakeapt.install(tmp_path, archive=archive, gone=gone).items():
        monkeypatch.setenv(name, value)
    bench.new = ("6.1.4-1",)
    done = bench.commands("bisect", "--cell", CELL, "--series", "6.1")
    assert done.code == 1
    assert bench.booted == ["6.1.1-1", "6.1.4-1", "6.1.3-1~bpo11+1"]
    assert "changed between 6.1.3-1 and 6.1.4-1" in done.out
    assert "6.1.1-1: fetching 2 MB" in done.err
    assert "6.1.2-1 is skipped: 6.1.2-1: Failed to fetch" in done.err
