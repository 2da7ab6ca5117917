"""The matrix as a pytest suite: with a fake probe, in this process and in workers of pytest-xdist."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import fakes
import pytest
import smallmatrix
from commandline import environment, write_run
from fakeprobe import FakeTarget

from sockmatrix.compare import compare
from sockmatrix.runfile import Run
from sockmatrix.suite import hooks
from sockmatrix.suite.batches import LARGEST, deal
from sockmatrix.suite.schedule import BatchScheduling

TESTS = Path(__file__).parent
PAIR = "hearing/dest:lo4/A:lo4.addr/B:lo4.addr"
SUITE = ("--pyargs", hooks.NAME)
ALLOW = f"""
[[exception]]
pattern = "{PAIR}*"
reason = "the last hears now"
expires = 2999-12-31
"""


@dataclass
class Pytest:
    """Runs pytest on the suite, in an empty directory beside `baselines`."""

    place: Path
    capsys: pytest.CaptureFixture[str]
    monkeypatch: pytest.MonkeyPatch
    code: int = 0

    def arguments(self, *arguments: str) -> list[str]:
        """Return a whole command line: nothing of this project's configuration, and plain assertions."""
        fixed = ("--rootdir", str(self.place), "-c", str(self.place / "pytest.ini"), "--assert=plain")
        return [*fixed, "-p", "fakesuite", "-s", "-q", *SUITE, *arguments]

    def __call__(self, *arguments: str, **changes: Any) -> str:
        """Run it here; return what it printed, and set `code`."""
        self.fake(**changes)
        self.code = int(pytest.main(self.arguments(*arguments)))
        return "".join(self.capsys.readouterr())

    def fake(self, **changes: Any) -> None:
        """Say what is measured."""
        target = replace(FakeTarget(), **changes)
        self.monkeypatch.setenv("SOCKMATRIX_FAKE", json.dumps([str(self.place), target.facts]))


@pytest.fixture
def suite(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Pytest:
    """Return a pytest whose baseline says that the last socket hears."""
    selection = smallmatrix.selection(tmp_path / "matrix")
    (tmp_path / "baselines").mkdir()
    write_run(tmp_path / "baselines" / "linux.jsonl", selection)
    (tmp_path / "pytest.ini").write_text("[pytest]\nfilterwarnings = ignore\n")
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setenv("COLUMNS", "200")
    return Pytest(tmp_path, capsys, monkeypatch)


def edit(path: Path, old: str, new: str, name: str) -> None:
    """Replace a text in the line of one cell."""
    lines = path.read_text().splitlines()
    changed = [line.replace(old, new) if f'"{name}"' in line else line for line in lines]
    assert changed != lines
    path.write_text("\n".join(changed) + "\n")


def test_green_and_a_run_file(suite: Pytest) -> None:
    """Every cell is a test with its id; the run file is the one that `run` writes."""
    said = suite("--sockmatrix-run", "now.jsonl", "--junit-xml", "out.xml")
    assert (suite.code, "176 passed" in said) == (0, True)
    now, then = Run.read("now.jsonl"), Run.read(suite.place / "baselines" / "linux.jsonl")
    assert now.complete
    assert compare(then, now).counts["same"] == len(now.cells) == smallmatrix.ALL
    assert now.header.tables == then.header.tables
    assert (now.header.planned, now.header.repeat) == (smallmatrix.ALL, 3)
    cases = ET.parse("out.xml").iter("testcase")  # noqa: S314 - our own
    assert {(case.get("classname"), case.get("name")) for case in cases} == {
        (hooks.NAME, name) for name in now.cells
    }


def test_red_when_the_baseline_says_something_else(suite: Pytest) -> None:
    """What was and is, in words, and how to go on; only that cell again with --lf, or by its id."""
    edit(suite.place / "baselines" / "linux.jsonl", '"last"', '"first"', PAIR)
    said = suite()
    assert (suite.code, "1 failed, 175 passed" in said) == (1, True)
    assert f"{PAIR}: changed" in said
    assert "changed: was first, is last\n" in said
    assert f"why: sockmatrix explain {PAIR}\n" in said
    assert f"FAILED {hooks.NAME}::{PAIR} - changed: was first, is last\n" in said.replace("../", "")
    assert "1 failed, 175 deselected" in suite("--lf")
    assert "1 failed" in suite("-k", f"{PAIR} and not C:")
    said = suite(f"{hooks.NAME}::{PAIR}")
    assert (suite.code, "1 failed in" in said) == (1, True)


def test_allowed_changes_are_expected_failures(suite: Pytest) -> None:
    """With the reason; and the same in JUnit XML."""
    edit(suite.place / "baselines" / "linux.jsonl", '"last"', '"first"', PAIR)
    Path("allow.toml").write_text(ALLOW)
    said = suite("--sockmatrix-allow", "allow.toml", "-rx", "--junit-xml", "out.xml")
    assert (suite.code, "175 passed, 1 xfailed" in said) == (0, True)
    assert "was first, is last; allowed until 2999-12-31: the last hears now" in said
    (skipped,) = ET.parse("out.xml").iter("skipped")  # noqa: S314 - our own
    assert skipped.get("type") == "pytest.xfail"


def test_what_cannot_be_compared_is_skipped_with_the_reason(suite: Pytest) -> None:
    """And a session in which nothing was compared is no success."""
    other = write_run(
        suite.place / "other.jsonl", smallmatrix.selection(suite.place / "matrix"), fakes.BSD
    )
    edit(other, f'"id":"{PAIR}"', f'"id":"{PAIR}/C:lo4"', PAIR)
    said = suite("-rs", "--sockmatrix-cell", PAIR, "--sockmatrix-baseline", str(other))
    assert "not in the baseline: last" in said
    assert (suite.code, said.endswith("1 skipped in " + said.rpartition(" in ")[2])) == (5, True)
    assert "sockmatrix: nothing was measured\n" in said


def test_cells_that_could_not_be_told(suite: Pytest) -> None:
    """They are skipped, and too many of them are no success."""
    said = suite("-rs", trouble="inconclusive")
    assert "inconclusive: the fence stayed silent" in said
    assert "sockmatrix: inconclusive\n" in said
    assert suite.code == 1


def test_a_probe_that_does_not_go_on(suite: Pytest) -> None:
    """The tests that wait for it fail with its last words; nobody waits for ever."""
    said = suite("--sockmatrix-table", "listening", "-rs", trouble="die", at=1)
    assert "out of luck" in said


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--sockmatrix-table", "hearin"), 'ERROR: unknown table "hearin" (did you mean "hearing"?)'),
        (("--collect-only", "--sockmatrix-cell", "hearing/x"), "ERROR: there is no cell hearing/x"),
        (("--sockmatrix-baseline", "no.jsonl"), "ERROR: no.jsonl: cannot be read: No such file"),
        (("--sockmatrix-run", "."), "ERROR: --sockmatrix-run: . exists"),
        (("--sockmatrix-allow", "no.toml"), "no.toml"),
        (("--sockmatrix-repeat", "0"), "ERROR: --sockmatrix-repeat: at least 1"),
    ],
)
def test_wrong_usage(suite: Pytest, arguments: tuple[str, ...], message: str) -> None:
    """One line, before anything is measured."""
    said = suite(*arguments)
    assert (suite.code, message in said) == (4, True)
    assert "Traceback" not in said


def test_workers(suite: Pytest) -> None:
    """With pytest-xdist, too: each cell once, red where it changed, and one run file of all."""
    edit(suite.place / "baselines" / "linux.jsonl", '"last"', '"first"', PAIR)
    suite.fake(log=str(suite.place / "log"))
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *suite.arguments("-n", "2", "--sockmatrix-run", "now.jsonl")],
        env={**environment(), "PYTHONPATH": f"{TESTS}:{TESTS.parent / 'src'}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, "1 failed, 175 passed" in done.stdout) == (1, True), done.stdout
    assert "changed: was first, is last\n" in done.stdout
    assert Run.read("now.jsonl").complete
    told = [json.loads(line) for line in (suite.place / "log").read_text().splitlines()]
    shares = [words[2][words[2].index("--share") + 1] for words in told if words[1] == "started"]
    assert sorted(shares) == ["0/1", "0/2", "1/2"]
    assert sum(words[2] for words in told if words[1] == "asked") == smallmatrix.ALL


def test_other_projects_pay_nothing(tmp_path: Path) -> None:
    """Where the suite is not named, its plugin loads nothing."""
    (tmp_path / "test_it.py").write_text(
        "import sys\n\ndef test_it():\n"
        "    assert not {'msgspec', 'jinja2', 'sockmatrix.suite.plugin'} & set(sys.modules)\n"
        "    assert 'sockmatrix.suite.hooks' in sys.modules\n"
    )
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:xdist"]
    command += ["-p", "no:hypothesispytest", "-p", "no:cacheprovider", str(tmp_path)]
    done = subprocess.run(
        command, cwd=tmp_path, env=environment(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["tests"], (False, ["tests"], [])),
        (["test-suite/"], (False, ["test-suite/"], [])),
        ([hooks.NAME], (True, [hooks.NAME], [])),
        ([f"{hooks.NAME}::{PAIR}", f"{hooks.NAME}::x"], (True, [hooks.NAME], [PAIR, "x"])),
        ([str(Path(hooks.__file__).parent)], (True, [str(Path(hooks.__file__).parent)], [])),
    ],
)
def test_whether_it_is_named(arguments: list[str], expected: object) -> None:
    """By its name or its place, with cells or without."""
    assert hooks.named(arguments) == expected


@pytest.mark.parametrize(("tests", "workers"), [(0, 2), (1, 2), (7, 2), (37, 8), (66_000, 4)])
def test_batches_are_all_tests_once(tests: int, workers: int) -> None:
    """In their order, and none is larger than a block."""
    batches = deal(tests, workers)
    assert [number for batch in batches for number in batch] == list(range(tests))
    assert all(0 < len(batch) <= LARGEST for batch in batches)


class Node:
    """A worker that notes what it is given."""

    def __init__(self) -> None:
        self.given: list[list[int]] = []
        self.shutting_down = False
        self.gateway = self
        self.id = "gw"

    def send_runtest_some(self, indices: list[int]) -> None:
        """Take a batch."""
        self.given.append(indices)

    def shutdown(self) -> None:
        """End after what was given."""
        self.shutting_down = True


@pytest.fixture
def scheduling(monkeypatch: pytest.MonkeyPatch) -> BatchScheduling:
    """Return a scheduler for two workers."""
    monkeypatch.setattr("sockmatrix.suite.schedule.parse_tx_spec_config", lambda _: ["popen"] * 2)
    return BatchScheduling(None)  # type: ignore[arg-type]


def test_whole_batches_are_handed_out(scheduling: BatchScheduling) -> None:
    """And the next before a worker has run out; one that dies leaves its batch to others."""
    nodes, names = [Node(), Node()], [f"t{number}" for number in range(40)]
    for node in nodes:
        scheduling.add_node(node)
        scheduling.add_node_collection(node, names)
    assert scheduling.collection_is_completed
    scheduling.schedule()
    assert [node.given for node in nodes] == [[list(range(5))], [list(range(5, 10))]]
    for number in range(3):
        scheduling.mark_test_complete(nodes[0], number)
    assert nodes[0].given[1:] == [list(range(10, 15))]
    assert scheduling.remove_node(nodes[1]) == "t5"
    done = {0, 1, 2, 5}
    while scheduling.has_pending:
        waiting = [number for batch in nodes[0].given for number in batch if number not in done]
        scheduling.mark_test_complete(nodes[0], waiting[0])
        done.add(waiting[0])
    assert done == set(range(40))
    assert nodes[0].shutting_down
    assert scheduling.tests_finished


def test_workers_that_disagree_get_nothing(scheduling: BatchScheduling) -> None:
    """Nobody runs a test of which others know nothing."""
    for number in range(2):
        node = Node()
        scheduling.add_node(node)
        scheduling.add_node_collection(node, [f"t{number}"])
    scheduling.schedule()
    assert not scheduling.has_pending
