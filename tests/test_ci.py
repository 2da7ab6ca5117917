"""The scripts behind the workflows, with a fake probe; and the YAML: thin, pinned, and allowed little."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import compare
import fakes
import gather
import guest
import issues
import observe
import plan
import pytest
import smallmatrix
from commandline import ROOT, environment, write_run
from fakeprobe import FakeTarget

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

yaml = pytest.importorskip("yaml", reason="PyYAML is not installed: the workflows are not read")

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
ACTION = ROOT / "ci" / "action.yml"
DEPENDABOT = ROOT / ".github" / "dependabot.yml"
SHELL = sorted(
    file
    for place in (ROOT / ".ci", ROOT / "ci")
    for file in place.rglob("*")
    if file.is_file() and file.read_bytes().startswith((b"#!/bin/sh\n", b"#!/usr/bin/env bash\n"))
)
PAIR = "hearing/dest:lo4/A:lo4.addr/B:lo4.addr"


@dataclass
class Job:
    """A job of GitHub as far as scripts see it: where they put outputs and the summary."""

    place: Path
    matrix: Path

    @property
    def outputs(self) -> dict[str, str]:
        """The outputs of all steps so far."""
        file = self.place / "output"
        lines = file.read_text().splitlines() if file.exists() else []
        return dict(line.split("=", 1) for line in lines)

    @property
    def summary(self) -> str:
        """The summary."""
        return (self.place / "summary").read_text()

    def run_file(self, path: str, platform: fakes.Platform = fakes.LAST, **facts: Any) -> Path:
        """Write a run of the small matrix."""
        file = self.place / path
        file.parent.mkdir(parents=True, exist_ok=True)
        return write_run(file, smallmatrix.selection(self.matrix), platform, **facts)


@pytest.fixture
def job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Job:
    """Return a job in an empty directory, whose sockmatrix has a fake probe and the small matrix."""
    matrix = smallmatrix.write(tmp_path / "matrix")
    command = FakeTarget(matrix=str(matrix)).sockmatrix()
    monkeypatch.setenv("SOCKMATRIX_COMMAND", shlex.join(command))
    monkeypatch.setenv("GITHUB_OUTPUT", str(tmp_path / "output"))
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary"))
    monkeypatch.chdir(tmp_path)
    return Job(tmp_path, matrix)


# --- the scripts -----------------------------------------------------------------------------------


def test_plan(job: Job) -> None:
    """All platforms, or those that are named; a list that would be empty is no list."""
    assert plan.main([]) == 0
    everything = {key: json.loads(value)["include"] for key, value in job.outputs.items()}
    assert {one["system"] for one in everything["guests"]} == set(plan.SYSTEMS)
    assert {one["runner"].partition("-")[0] for one in everything["runners"]} == {
        *("ubuntu", "macos", "windows")
    }
    assert plan.main(["--only", "ubuntu-*, macos-15"]) == 0
    assert job.outputs["guests"] == ""
    names = [one["name"] for one in json.loads(job.outputs["runners"])["include"]]
    assert names[0].startswith("ubuntu-")
    assert names[-1] == "macos-15"
    assert all(name.startswith("ubuntu-") for name in names[:-1])
    assert plan.main(["--only", "plan9"]) == 2


@pytest.mark.parametrize(
    ("platforms", "message"),
    [
        ([{"name": "a", "runner": "x"}, {"name": "a", "runner": "y"}], "a is there twice"),
        ([{"name": "a"}], "a: a runner, or one of"),
        ([{"name": "a", "system": "plan9"}], "a: a runner, or one of"),
    ],
)
def test_platforms_that_are_not_right(platforms: list[dict[str, str]], message: str) -> None:
    """They are found before any job is started."""
    with pytest.raises(ValueError, match=message):
        plan.choose(platforms, "*")


UBUNTU = {"/proc/sys/kernel/apparmor_restrict_unprivileged_userns": "1"}
DEBIAN = {"/proc/sys/kernel/unprivileged_userns_clone": "0"}


@pytest.mark.parametrize(
    ("system", "user", "settings", "expected"),
    [
        ("linux", 1001, UBUNTU, True),
        ("linux", 1001, DEBIAN, True),
        ("linux", 1001, {"/proc/sys/user/max_user_namespaces": "0"}, True),
        ("linux", 1001, {"/proc/sys/user/max_user_namespaces": "15000"}, False),
        ("linux", 0, UBUNTU, False),
        ("darwin", 501, {}, False),
        ("win32", None, {}, False),
    ],
)
def test_when_only_root_has_a_network_of_its_own(
    system: str, user: int | None, settings: dict[str, str], expected: bool
) -> None:
    """On Ubuntu 24.04 an ordinary user may not."""
    assert observe.needs_sudo(system, user, lambda file: settings.get(file, "")) is expected


def test_observe(job: Job) -> None:
    """It writes the run, and takes the options of `run`."""
    assert observe.main(["--output", "runs/here.jsonl.gz", "--table", "listening"]) == 0
    assert job.outputs == {"run": "runs/here.jsonl.gz", "measured": "true"}
    assert Path("runs/here.jsonl.gz").exists()


def test_observe_that_measures_nothing(job: Job, capfd: pytest.CaptureFixture[str]) -> None:
    """That is an error, and the only one."""
    assert observe.main(["--output", "runs/here.jsonl", "--table", "nothing"]) == 1
    assert job.outputs["measured"] == "false"
    assert "::error title=sockmatrix::" in capfd.readouterr().out


def test_observe_with_sudo(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where it has to, and may."""
    sudo = job.place / "bin" / "sudo"
    sudo.parent.mkdir()
    sudo.write_text(f'#!/bin/sh\nprintf "%s\\n" "$*" >>{job.place}/asked\nshift\nexec "$@"\n')
    sudo.chmod(0o755)
    monkeypatch.setenv("PATH", str(sudo.parent), prepend=":")
    monkeypatch.setattr(observe, "needs_sudo", lambda *_: True)
    assert observe.main(["--output", "here.jsonl", "--table", "listening"]) == 0
    asked = (job.place / "asked").read_text().splitlines()
    assert asked[0] == "-n true"
    assert asked[1].startswith(f"-n {sys.executable} ")
    assert asked[2] == "-n chmod a+r here.jsonl"


def test_compare(job: Job, capfd: pytest.CaptureFixture[str]) -> None:
    """As expected; changed, which fails only if it is to."""
    now, then = job.run_file("now.jsonl"), job.run_file("then.jsonl", fakes.FIRST)
    assert compare.main([str(now), "--baseline", str(now), "--fail-on-change"]) == 0
    assert job.outputs == {"exit": "0", "verdict": "exit 0: measured and as expected"}
    told = [str(now), "--baseline", str(then)]
    assert compare.main(told) == 0
    assert job.outputs["exit"] == "1"
    assert "::warning title=sockmatrix::exit 1: behaviour changed" in capfd.readouterr().out
    assert "### Changed: 176 cells" in job.summary
    assert compare.main([*told, "--fail-on-change"]) == 1
    assert compare.main([*told, "--table", "nothing"]) == 2


@pytest.mark.parametrize(
    ("status", "told", "failing"), [(0, 0, 0), (1, 0, 1), (2, 2, 2), (3, 0, 0), (4, 0, 4), (130, 0, 130)]
)
def test_which_comparisons_fail(status: int, told: int, failing: int) -> None:
    """Wrong usage always; a change, or nothing to compare, if asked for; what cannot be told never."""
    assert compare.end(status, fail=False) == told
    assert compare.end(status, fail=True) == failing


def test_the_first_run_of_a_platform(job: Job) -> None:
    """It has no baseline, which is said, and no fault."""
    here = job.run_file("here.jsonl", release="6.12.1")
    assert compare.main([str(here), "--baselines", str(job.place / "matrix"), "--fail-on-change"]) == 0
    assert "## No baseline for here.jsonl" in job.summary


def test_gather(job: Job) -> None:
    """Runs of a platform are one; the page and the tables are made; changes are in groups."""
    job.run_file("artifacts/a/linux.jsonl", fakes.FIRST)
    job.run_file("artifacts/b/linux.jsonl", fakes.FIRST)
    job.run_file("artifacts/c/other.jsonl", release="6.12.2")
    job.run_file("baselines/linux.jsonl")
    words = ["artifacts", "--site", "site", "--changes", "changes.json", "--baselines", "baselines"]
    assert gather.main(words) == 0
    assert sorted(path.name for path in Path("site").rglob("*") if path.is_file()) == [
        *("index.html", "linux.jsonl.gz", "linux.md", "other.jsonl.gz", "other.md")
    ]
    changes = json.loads(Path("changes.json").read_text())
    assert {(one["name"], one["platform"]) for one in changes} == {("linux", "linux 6.12.1")}
    assert sum(one["cells"] for one in changes) == smallmatrix.ALL
    assert job.outputs == {"platforms": "2", "changed": str(len(changes))}
    assert "- linux: exit 1: behaviour changed" in job.summary
    assert "- other: exit 0: measured and as expected" in job.summary
    shutil.rmtree("artifacts")
    Path("artifacts").mkdir()
    assert gather.main(words) == 4


CHANGE = {
    "name": "ubuntu-24.04",
    "platform": "linux 6.12.1",
    "pattern": "table=hearing",
    "cells": 2,
    "changes": [{"before": "first", "now": "last `@everyone` <b>", "cells": 2}],
    "baseline": "linux 6.11, a.jsonl",
}


def test_issues(job: Job, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """One for each group, unless it is open; nothing in it calls anybody."""
    other = {**CHANGE, "pattern": "dest=lo4"}
    (job.place / "changes.json").write_text(json.dumps([CHANGE, other, other]))
    assert issues.main(["changes.json", "--dry-run"]) == 0
    assert "would open: ubuntu-24.04: table=hearing\n" in capsys.readouterr().out
    asked: list[tuple[str, ...]] = []

    def gh(*words: str) -> str:
        asked.append(words)
        return json.dumps([{"title": "ubuntu-24.04: table=hearing"}]) if words[1] == "list" else ""

    monkeypatch.setattr(issues, "gh", gh)
    assert issues.main(["changes.json"]) == 0
    created = [words for words in asked if words[:2] == ("issue", "create")]
    assert [words[3] for words in created] == ["ubuntu-24.04: dest=lo4"]
    assert not set("@<`") & set(created[0][-1].split("If that is right")[0].replace("sockmatrix", ""))


def test_a_guest_measures_with_python_alone(job: Job) -> None:
    """Before: three files. After: a run file of what the probe wrote."""
    assert guest.main(["prepare", "guest", "--table", "listening"]) == 0
    assert sorted(path.name for path in Path("guest").iterdir()) == [
        *("cells.jsonl", "measure.sh", "probe.pyz")
    ]
    assert subprocess.run(["/bin/sh", "-n", "guest/measure.sh"], check=False).returncode == 0
    Path("guest/observations.jsonl").write_text("")
    assert guest.main(["collect", "guest", "runs/a.jsonl"]) == 1


def test_rehearsal(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    """The steps of the action and of the workflow, in their order: artifact, tables, summary."""
    python = job.place / "here" / "temp" / "sockmatrix" / "bin" / "python"
    python.parent.mkdir(parents=True)
    installed = '[ "$2" != pip ] || exit 0'
    python.write_text(f'#!/bin/sh\n{installed}\nexec {shlex.quote(sys.executable)} "$@"\n')
    python.chmod(0o755)
    for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY"):
        monkeypatch.delenv(name)
    done = subprocess.run(
        [sys.executable, str(ROOT / "ci" / "rehearse.py"), "here", "--table", "hearing"],
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    steps = re.findall("  (?:step|skip)  (.*)", done.stdout)
    own = [step["name"] for step in yaml.safe_load(ACTION.read_text())["runs"]["steps"]]
    assert steps[3 : 3 + 1 + len(own)] == ["./ci", *own]
    here = job.place / "here"
    assert (here / "artifacts" / "sockmatrix-here" / "here.jsonl.gz").exists()
    assert "## " in (here / "summary.md").read_text()
    assert (here / "artifacts" / "report" / "site" / "index.html").exists()
    assert (here / "artifacts" / "report" / "site" / "here.md").exists()


# --- the YAML --------------------------------------------------------------------------------------


def load(file: Path) -> dict[Any, Any]:
    """Read a file."""
    found: dict[Any, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))
    return found


def jobs() -> list[tuple[str, str, dict[str, Any]]]:
    """Return all jobs, with the names of their workflows."""
    return [(file.name, name, one) for file in WORKFLOWS for name, one in load(file)["jobs"].items()]


def steps() -> list[dict[str, Any]]:
    """Return all steps."""
    found = [step for _, _, one in jobs() for step in one["steps"]]
    return [*found, *load(ACTION)["runs"]["steps"]]


def test_actions_are_pinned() -> None:
    """By the commit, with the version beside it."""
    lines = [line for file in (*WORKFLOWS, ACTION) for line in file.read_text().splitlines()]
    uses = [line.split("uses:")[1].strip() for line in lines if "uses:" in line]
    for one in uses:
        pinned = re.fullmatch(r"(?:vm)?actions/[a-z-]+@[0-9a-f]{40} # v[0-9]+\.[0-9]+\.[0-9]+", one)
        assert one == "./ci" or pinned, one


def test_permissions_are_minimal() -> None:
    """Only the job that opens issues may write any, and only the one that deploys the page does."""
    allowed = {("report", "issues"), ("pages", "pages"), ("pages", "id-token")}
    for file in WORKFLOWS:
        whole = load(file)
        assert set(whole["permissions"].values() if whole["permissions"] else ()) <= {"read"}
        for name, one in whole["jobs"].items():
            for what, how in one.get("permissions", {}).items():
                assert how == "read" or (name, what) in allowed
    checkouts = [step for step in steps() if step.get("uses", "").startswith("actions/checkout@")]
    assert all(step["with"]["persist-credentials"] is False for step in checkouts)


def test_expressions_never_stand_in_a_script() -> None:
    """What others may choose goes through the environment; a script is one line."""
    for step in steps():
        assert "${{" not in step.get("run", "")
        assert len(step.get("run", "").splitlines()) <= 1


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.stem)
def test_a_workflow_has_one_gate(file: Path) -> None:
    """A job that always runs, needs all others, and is named like the workflow."""
    whole = load(file)
    gate = whole["jobs"][whole["name"]]
    assert set(gate["needs"]) == set(whole["jobs"]) - {whole["name"]}
    assert gate["if"] == "${{ always() }}"
    assert whole["concurrency"]["group"]
    assert all("timeout-minutes" in one for one in whole["jobs"].values())


def test_a_change_fails_no_platform() -> None:
    """Nor does one platform end the others; and hosted runners may measure broadcast."""
    matrix = load(ROOT / ".github" / "workflows" / "matrix.yml")["jobs"]
    assert matrix["observe"]["strategy"]["fail-fast"] is False
    assert matrix["observe-guests"]["strategy"]["fail-fast"] is False
    (own,) = [step for step in matrix["observe"]["steps"] if step.get("uses") == "./ci"]
    assert own["with"]["fail-on-change"] == "false"
    assert own["with"]["allow-lan"] == "true"
    assert load(ACTION)["inputs"]["allow-lan"]["default"] == "false"
    assert "--fail-on-change" not in json.dumps(matrix["observe-guests"])


def test_every_environment_of_tox_is_run() -> None:
    """Those that `tox` runs where nothing is named, on Linux."""
    jobs_ = load(ROOT / ".github" / "workflows" / "tests.yml")["jobs"]
    run = {*jobs_["tox"]["strategy"]["matrix"]["env"], "probe39"}
    listed = re.search(r"env_list = (.*)", (ROOT / "tox.ini").read_text())
    assert listed is not None
    expanded = re.sub(
        r"py31\{(.*?)\}", lambda m: ", ".join(f"py31{n}" for n in m[1].split(",")), listed[1]
    )
    assert run == {name.strip() for name in expanded.split(",")}
    assert "tox run -e probe39" in jobs_["probe"]["steps"][-1]["run"]


def test_every_system_has_a_step_that_starts_it() -> None:
    """The systems of ci/platforms.toml, and no others."""
    matrix = load(ROOT / ".github" / "workflows" / "matrix.yml")["jobs"]
    conditions = [step.get("if", "") for step in matrix["observe-guests"]["steps"]]
    started = {found[1] for text in conditions if (found := re.search(r"system == '(\w+)'", text))}
    platforms = tomllib.loads((ROOT / "ci" / "platforms.toml").read_text())["platform"]
    assert started == {one["system"] for one in platforms if "system" in one} == set(plan.SYSTEMS)


def test_inputs_that_are_used_exist() -> None:
    """Of the action, in the workflow and in its own steps."""
    known = set(load(ACTION)["inputs"])
    assert set(re.findall(r"inputs\.([\w-]+)", ACTION.read_text())) == known
    used = [step["with"] for step in steps() if step.get("uses") == "./ci"]
    assert all(set(one) <= known for one in used)


@pytest.mark.parametrize(
    ("program", "words"),
    [
        ("actionlint", []),
        *(
            ("check-jsonschema", ["--builtin-schema", f"vendor.github-{kind}", str(file)])
            for kind, file in (*(("workflows", one) for one in WORKFLOWS), ("actions", ACTION))
        ),
        ("check-jsonschema", ["--builtin-schema", "vendor.dependabot", str(DEPENDABOT)]),
        ("shellcheck", [str(file) for file in SHELL]),
    ],
)
def test_what_others_say_of_it(program: str, words: list[str]) -> None:
    """Linters of workflows, of actions and of shell, where they are installed."""
    beside = Path(sys.executable).parent / program
    found = str(beside) if beside.exists() else shutil.which(program)
    if found is None:
        pytest.skip(f"there is no {program}: it is in the dependency group lint")
    done = subprocess.run([found, *words], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
