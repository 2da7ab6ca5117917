"""The pages of docs/, and what they lead to: current, and the recipes are programs that work."""

from __future__ import annotations

import re
import shlex
import subprocess
from typing import TYPE_CHECKING

import pytest
import smallmatrix
from commandline import ROOT, environment
from fakeprobe import FakeTarget
from test_ktap import parse

import docs
from sockmatrix import cli

if TYPE_CHECKING:
    from pathlib import Path

PAGES = sorted((ROOT / "docs").glob("*.md"))
EACH = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
COMMAND = re.compile(r"^(?:    |\$ )+(sockmatrix .*?)(?:   .*)?$", re.MULTILINE)


@EACH
def test_what_is_made_is_current(page: Path) -> None:
    """`python ci/docs.py` would write nothing."""
    assert docs.rendered(page) == page.read_text(encoding="utf-8"), "run: ci/in-venv python ci/docs.py"


def test_every_part_is_on_a_page() -> None:
    """And every command in the part about them."""
    text = "".join(page.read_text(encoding="utf-8") for page in PAGES)
    assert set(re.findall(r"<!-- made: ([a-z-]+) -->", text)) == set(docs.PARTS)
    assert all(f"\n## sockmatrix {name}\n" in text for name in cli.COMMANDS)


@EACH
def test_links_lead_somewhere(page: Path) -> None:
    """To files of the repository; the first page leads to all."""
    text = page.read_text(encoding="utf-8")
    for link in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", text):
        if not link.startswith("https://"):
            assert (page.parent / link).exists(), link
    if page.stem == "README":
        assert {one.name for one in PAGES if one != page} <= set(re.findall(r"\((\S+\.md)\)", text))


@EACH
def test_commands_are_right(page: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Every command line that stands by itself is one that is understood."""
    found = COMMAND.findall(page.read_text(encoding="utf-8"))
    for line in found:
        words = shlex.split(line.split(" | ")[0].strip())
        assert cli._parser(words).parse_args(words[1:]).command in cli.COMMANDS, line
    assert capsys.readouterr().err == ""


# --- after an upgrade of the kernel ------------------------------------------------------------------


def sentinel(place: Path, release: str, platform: str = "last") -> subprocess.CompletedProcess[str]:
    """Run what the unit runs, on a fake kernel; `sentinel` is a table of the small matrix there."""
    matrix = place / "matrix"
    if not matrix.exists():
        smallmatrix.write(matrix)
        (matrix / "listening.toml").rename(matrix / "sentinel.toml")
    facts = {"platform": {**_platform(), "release": release}}
    fake = FakeTarget(platform, matrix=str(matrix), hello=facts)
    command = place / "sockmatrix"
    command.write_text(f'#!/bin/sh\nexec {shlex.join(fake.sockmatrix())} "$@"\n')
    command.chmod(0o755)
    return subprocess.run(
        [str(ROOT / "ci" / "systemd" / "sentinel"), release],
        env=environment(STATE_DIRECTORY=str(place / "state"), SOCKMATRIX=str(command)),
        capture_output=True,
        text=True,
        check=False,
    )


def _platform() -> dict[str, object]:
    from fakes import HELLO

    found: dict[str, object] = HELLO["platform"]
    return found


def test_the_sentinel_of_a_kernel(tmp_path: Path) -> None:
    """The first kernel is the baseline of the next one; what changed is told once."""
    (tmp_path / "state").mkdir()
    assert sentinel(tmp_path, "6.12.1").returncode == 0
    same = sentinel(tmp_path, "6.12.9")
    assert (same.returncode, "the newest that is not newer than linux 6.12.9" in same.stdout) == (0, True)
    changed = sentinel(tmp_path, "6.13.0", "refuses")
    assert (changed.returncode, "baseline  linux 6.12.9," in changed.stdout) == (1, True)
    assert sentinel(tmp_path, "6.13.1", "refuses").returncode == 0
    names = sorted(path.name for path in (tmp_path / "state").iterdir())
    assert names == [f"{release}.jsonl" for release in ("6.12.1", "6.12.9", "6.13.0", "6.13.1")]


def test_the_unit() -> None:
    """It runs that program, once for a release, and keeps its state where the program looks."""
    text = (ROOT / "ci" / "systemd" / "sockmatrix-sentinel.service").read_text(encoding="utf-8")
    facts = dict(re.findall(r"^(\w+)=(.*)$", text, re.MULTILINE))
    assert facts["ExecStart"] == "/usr/local/lib/sockmatrix/sentinel %v"
    assert facts["ExecCondition"] == """/bin/sh -c '! test -e "$STATE_DIRECTORY/%v.jsonl"'"""
    assert facts["StateDirectory"] == "sockmatrix"
    assert facts["SuccessExitStatus"] == "3"


# --- a tree of selftests -----------------------------------------------------------------------------


def selftest(place: Path, **changes: str) -> subprocess.CompletedProcess[str]:
    """Run the test program of a tree of selftests."""
    program = ROOT / "ci" / "kselftest" / "sockmatrix.sh"
    given = environment(SOCKMATRIX_TABLE="listening", **changes)
    return subprocess.run([program], env=given, cwd=place, capture_output=True, text=True, check=False)


def test_a_selftest_without_sockmatrix(tmp_path: Path) -> None:
    """It is skipped, as kselftest knows it."""
    done = selftest(tmp_path, SOCKMATRIX="no-sockmatrix-here")
    assert (done.returncode, done.stdout) == (
        4,
        "KTAP version 1\n1..0 # SKIP sockmatrix is not installed\n",
    )


def test_a_selftest(tmp_path: Path) -> None:
    """Its output is KTAP by the kernel's rules; its status that of the comparison."""
    matrix = smallmatrix.write(tmp_path / "matrix")
    command = tmp_path / "sockmatrix"
    base = tmp_path / "base.jsonl"
    for platform, expected in (("last", 0), ("refuses", 1)):
        fake = FakeTarget(platform, matrix=str(matrix)).sockmatrix()
        command.write_text(f'#!/bin/sh\nexec {shlex.join(fake)} "$@"\n')
        command.chmod(0o755)
        if not base.exists():
            subprocess.run(
                [command, "run", "--table", "listening", "-o", base], capture_output=True, check=True
            )
        done = selftest(tmp_path, SOCKMATRIX=str(command), SOCKMATRIX_BASELINE=str(base))
        assert done.returncode == expected, done.stderr
        assert parse(done.stdout)
