"""`sockmatrix check`: what it compares, what it lets pass, what it says, and its exit status."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree as ET

import fakes
import pytest
from commandline import Commands, Done, write_run
from test_ktap import parse

from sockmatrix import content
from sockmatrix.render import check as render
from sockmatrix.runfile import Run
from sockmatrix.selection import Selection

PAIR = "hearing/dest:lo4/A:lo4.addr/B:lo4.addr"
ONE = ("--only", PAIR)
NOW = ("--run", "now.jsonl", "--baseline", "then.jsonl")

ALLOW = """
[[exception]]
pattern = "table=hearing"
reason = "the # <last> hears now"
expires = 2999-12-31
"""


@pytest.fixture
def sockmatrix(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Commands:
    """Run commands with a fake probe; the committed runs are in `baselines`, beside."""
    commands = Commands.prepared(capsys, monkeypatch, tmp_path)
    (tmp_path / "baselines").mkdir()
    monkeypatch.setattr(content, "runs", lambda: tmp_path / "baselines")
    return commands


def edit(path: Path, old: str, new: str, name: str = "") -> None:
    """Replace a text in the lines of a run file, or in those of one cell."""
    lines = path.read_text().splitlines()
    changed = [line.replace(old, new) if f'"{name}' in line else line for line in lines]
    assert changed != lines
    path.write_text("\n".join(changed) + "\n")


def two(
    sockmatrix: Commands, then: fakes.Platform = fakes.LAST, now: fakes.Platform = fakes.LAST
) -> None:
    """Write two runs."""
    write_run(Path("then.jsonl"), sockmatrix.selection, then)
    write_run(Path("now.jsonl"), sockmatrix.selection, now)


def last_line(done: Done) -> str:
    """Return the last line on stdout."""
    return done.out.splitlines()[-1]


def test_measures_and_compares(sockmatrix: Commands, tmp_path: Path) -> None:
    """It finds its baseline, says which and why, measures, and keeps the run."""
    baselines = tmp_path / "baselines"
    write_run(baselines / "a.jsonl", sockmatrix.selection, release="6.11")
    write_run(baselines / "b.jsonl.gz", sockmatrix.selection, release="6.13")
    done = sockmatrix("check", "-o", "now.jsonl", "--jobs", "2")
    assert (done.code, done.err) == (0, "Measuring 176 cells on linux 6.12.1 in the private lab.\n")
    assert done.out.splitlines() == [
        f"baseline  linux 6.11, {baselines / 'a.jsonl'}",
        "chosen    the newest that is not newer than linux 6.12.1",
        "run       linux 6.12.1, now.jsonl",
        "",
        "176 of 176 cells as in the baseline.",
        "exit 0: measured and as expected",
    ]
    assert Run.read("now.jsonl").complete


def test_changed(sockmatrix: Commands) -> None:
    """What changed is told first, in groups, and is status 1."""
    two(sockmatrix)
    edit(Path("then.jsonl"), '"last"', '"first"', PAIR)
    done = sockmatrix("check", *NOW)
    assert done.code == 1
    assert done.out.splitlines()[2:] == [
        "",
        "Changed: 5 cells",
        "",
        "     5  table=hearing A.bind=lo4 A.reuse=addr B.bind=lo4 B.reuse=addr",
        "        first -> last",
        "",
        "171 of 176 cells as in the baseline.",
        f"next      sockmatrix explain {PAIR} then.jsonl now.jsonl",
        "exit 1: behaviour changed; 5 cells, which nothing allows or explains",
    ]
    named = sockmatrix("check", *NOW, "--all").out.splitlines()
    assert sorted(line.strip() for line in named if line.strip().startswith("hearing/")) == sorted(
        cell.id for cell in sockmatrix.selection.cells if cell.id.startswith(PAIR)
    )


def test_one_cell(sockmatrix: Commands) -> None:
    """A cell alone is named; measured now, too."""
    write_run(Path("then.jsonl"), sockmatrix.selection, fakes.FIRST)
    done = sockmatrix("check", "--only", f"{PAIR}/C:lo4.addr", "--baseline", "then.jsonl")
    assert done.code == 1
    assert done.out.splitlines()[3:7] == [
        "Changed: 1 cell",
        "",
        f"     1  {PAIR}/C:lo4.addr",
        "        first -> last",
    ]
    assert last_line(done) == "exit 1: behaviour changed; 1 cell, which nothing allows or explains"


def test_allowed(sockmatrix: Commands) -> None:
    """An exception lets changes pass, which are listed with its reason; not once it has expired."""
    two(sockmatrix, fakes.FIRST)
    Path("allow.toml").write_text(ALLOW)
    done = sockmatrix("check", *NOW, "--allow", "allow.toml", "--table", "hearing")
    assert done.code == 0
    said = "allowed until 2999-12-31: the # <last> hears now (allow.toml, exception 1)\n"
    told = f"  {said}   160  table=hearing\n        first -> last\n"
    assert f"\nChanged, which is allowed: 160 cells\n\n{told}" in done.out
    assert last_line(done) == ("exit 0: measured and as expected; 160 cells changed, as allowed or known")
    done = sockmatrix("check", *NOW, "--allow", "allow.toml")
    assert (done.code, "\nChanged: 16 cells\n" in done.out) == (1, True)
    Path("allow.toml").write_text(ALLOW.replace("2999", "2001"))
    done = sockmatrix("check", *NOW, "--allow", "allow.toml", "--table", "hearing")
    assert done.code == 1
    assert f"\n  was {said.replace('2999', '2001')}" in done.out
    assert "allow.toml, exception 1 has expired on 2001-12-31: the # <last> hears now\n" in done.out


def test_exceptions_that_do_nothing(sockmatrix: Commands) -> None:
    """One is noted if nothing that it speaks of differs; not if it speaks of other cells only."""
    two(sockmatrix)
    other = ALLOW.replace("hearing", "listening")
    Path("allow.toml").write_text(ALLOW + other + ALLOW.replace("2999", "2001"))
    done = sockmatrix("check", *NOW, "--allow", "allow.toml", "--table", "hearing")
    assert done.code == 0
    assert "allow.toml, exception 1 is not needed: nothing that it matches differs\n" in done.out
    assert "exception 2" not in done.out
    assert "allow.toml, exception 3 has expired on 2001-12-31" in done.out


def test_expected_outcomes(sockmatrix: Commands) -> None:
    """An exception may say what is expected; another change is none."""
    two(sockmatrix, fakes.EVERYTHING)
    for expected, code in (("one:last", 0), ("one:first", 1)):
        Path("allow.toml").write_text(f'{ALLOW}expect = ["delivery={expected}"]\n')
        assert sockmatrix("check", *NOW, *ONE, "--allow", "allow.toml").code == code


CHANGES = """
[[change]]
id = "abcdef123456"
title = "The last hears"
os = "linux"
versions = ">=6.12"
links = ["https://example.org/abcdef123456"]
[[change.effect]]
cells = ["table=hearing dest=lo4"]
without = ["delivery=one:first"]
"""


def test_known_changes(sockmatrix: Commands) -> None:
    """A known change explains what it touches, if the releases match; then it is listed, not counted."""
    (content.matrix() / "changes.toml").write_text(CHANGES)
    write_run(Path("now.jsonl"), sockmatrix.selection)
    for release, code in (("6.11", 0), ("6.12", 1), ("odd", 1)):
        Path("then.jsonl").unlink(missing_ok=True)
        write_run(Path("then.jsonl"), sockmatrix.selection, fakes.FIRST, release=release)
        done = sockmatrix("check", *NOW, "--only", "table=hearing dest=lo4")
        assert done.code == code
        title = "Changed" if code else "Changed, which is known"
        assert f"\n{title}: 80 cells\n" in done.out
        known = "abcdef123456: The last hears (>=6.12)\n"
        may = {"6.11": "\n  ", "odd": "perhaps, the releases do not tell: "}
        assert (f"{may[release]}{known}" in done.out) if release in may else known not in done.out


def test_not_compared(sockmatrix: Commands) -> None:
    """Cells of only one run, of another version, and those that tell nothing are counted apart."""
    cells = sockmatrix.selection.cells
    plans = sockmatrix.selection.plans
    write_run(Path("then.jsonl"), Selection(plans, cells[:100]))
    write_run(Path("now.jsonl"), Selection(plans, cells[10:]))
    edit(Path("now.jsonl"), '"v":', '"v":9', cells[20].id + '"')
    edit(Path("now.jsonl"), '"n":3', '"n":3,"skipped":"would leave\\u001b"', cells[21].id + '"')
    edit(Path("now.jsonl"), '"n":3', '"n":3,"absent":"SO_X"', cells[22].id + '"')
    done = sockmatrix("check", *NOW)
    assert done.code == 1
    assert f"1 cell\n\n     1  {cells[22].id}\n        last -> absent\n" in done.out
    assert (
        "87 of 88 cells as in the baseline; not compared: 76 not in the baseline, 10 not in this run,"
        " 1 redefined, 1 skipped.\n"
    ) in done.out


def test_no_longer_stable(sockmatrix: Commands) -> None:
    """A cell whose repetitions differ now cannot be told: status 3, unless that is allowed."""
    two(sockmatrix, fakes.LAST, fakes.EVERYTHING)
    Path("now.jsonl").unlink()
    Path("then.jsonl").rename("now.jsonl")
    write_run(Path("then.jsonl"), sockmatrix.selection)
    name = f"{PAIR}/C:lo4.addr"
    line = next(text for text in Path("now.jsonl").read_text().splitlines() if f'"{name}"' in text)
    told = json.loads(line)
    ways = [{"n": 2, "open": 3, "delivery": told["delivery"]}, {"n": 1, "failed": {"B": "bind EPERM"}}]
    unstable = {"kind": "cell", "id": name, "v": told["v"], "n": 3, "variants": ways}
    edit(Path("now.jsonl"), line, json.dumps(unstable), name)
    done = sockmatrix("check", *NOW)
    assert done.code == 3
    title = "No longer the same in every repetition: 1 cell"
    assert f"\n{title}\n\n     1  {name}\n        last -> unstable\n" in done.out
    assert last_line(done) == ("exit 3: inconclusive; 1 cell no longer the same in every repetition")
    Path("allow.toml").write_text(ALLOW)
    assert sockmatrix("check", *NOW, "--allow", "allow.toml").code == 0
    back = sockmatrix("check", "--run", "then.jsonl", "--baseline", "now.jsonl")
    assert (back.code, "not compared: 1 unstable." in back.out) == (0, True)


def test_inconclusive_and_nothing(sockmatrix: Commands) -> None:
    """Cells that tell nothing are status 3; if there are no others, 4."""
    write_run(Path("then.jsonl"), sockmatrix.selection)
    done = sockmatrix("check", "--baseline", "then.jsonl", "--jobs", "1", trouble="inconclusive")
    assert done.code == 3
    assert last_line(done) == "exit 3: inconclusive; 1 cell could not be told"
    done = sockmatrix("check", "--baseline", "then.jsonl", "-o", "x.jsonl", platform="hangs")
    assert done.code == 4
    nothing = "exit 4: nothing was measured; no cell was measured here and in the baseline"
    assert last_line(done) == nothing
    write_run(Path("other.jsonl"), Selection(sockmatrix.selection.plans, sockmatrix.selection.cells[:9]))
    done = sockmatrix("check", "--baseline", "other.jsonl", "--run", "then.jsonl", "--table", "listening")
    assert (done.code, last_line(done)) == (4, nothing)


def test_incomplete(sockmatrix: Commands) -> None:
    """A run cut short is status 3, and a change in it still 1."""
    write_run(Path("then.jsonl"), sockmatrix.selection)
    write_run(Path("now.jsonl"), sockmatrix.selection, ended="interrupted")
    done = sockmatrix("check", *NOW)
    assert (done.code, done.err) == (
        3,
        "now.jsonl: interrupted, 166 of 176 cells; the rest is unmeasured\n",
    )
    assert last_line(done) == "exit 3: inconclusive; not everything was measured"
    edit(Path("then.jsonl"), '"last"', '"first"', PAIR)
    assert sockmatrix("check", *NOW).code == 1


def test_a_run_of_some_tables(sockmatrix: Commands) -> None:
    """Of a run that is there, the tables that it measured matter."""
    plans = sockmatrix.selection.plans[1:]
    write_run(Path("then.jsonl"), sockmatrix.selection)
    write_run(Path("now.jsonl"), Selection(plans, plans[0].cells))
    done = sockmatrix("check", *NOW)
    assert (done.code, "\n16 of 16 cells as in the baseline.\n" in done.out) == (0, True)


def test_another_kind(sockmatrix: Commands) -> None:
    """A baseline that was named may be of another kind, which is said."""
    two(sockmatrix)
    edit(Path("then.jsonl"), '"x86_64"', '"arm\\u001b"'.replace("\\u001b", "64"))
    for words in (NOW, NOW[2:]):
        done = sockmatrix("check", *words, *ONE)
        assert done.code == 0
        assert "The baseline was measured elsewhere: here arch x86_64 instead of arm64\n" in done.err


def test_all_forms(sockmatrix: Commands) -> None:
    """JUnit, KTAP, Markdown and JSON tell the same, each in its way; hostile texts included."""
    two(sockmatrix, fakes.EVERYTHING, fakes.REFUSES)
    evil = "</td>\\u001b[31m # SKIP\\n| `x` <img>"
    edit(Path("now.jsonl"), '"n":3', f'"n":3,"skipped":"{evil}"', f"{PAIR}/C:lo4.none")
    Path("allow.toml").write_text(ALLOW)
    words = ("--allow", "allow.toml", "--junit", "o.xml", "--markdown", "o.md", "--tap", "o.tap")
    done = sockmatrix("check", *NOW, *words, "--json")
    assert done.code == 1
    told = json.loads(done.out)
    counts = told["counts"]
    changed = counts["changed"]
    assert (counts["unmeasured"], counts["changed"] + counts["same"]) == (1, 175)
    assert told["exit"] == 1
    assert told["verdict"].startswith("exit 1: behaviour changed; 16 cells")
    fates = [one["fate"] for one in told["differences"]]
    assert (fates.count("unexpected"), fates.count("allowed")) == (16, changed - 16)
    assert {one["allowed"]["reason"] for one in told["differences"] if one["allowed"]} == {
        "the # <last> hears now"
    }
    root = ET.fromstring(Path("o.xml").read_bytes())  # noqa: S314 - it is our own
    assert (root.get("tests"), root.get("failures"), root.get("skipped")) == (
        "176",
        "16",
        str(changed - 15),
    )
    assert [suite.get("name") for suite in root] == ["hearing", "listening"]
    hearing, listening = parse(Path("o.tap").read_text())
    assert (hearing.ok, listening.ok) == (True, False)
    assert [sum(not test.ok for test in table.tests) for table in (hearing, listening)] == [0, 16]
    page = Path("o.md").read_text()
    assert page.startswith("## sockmatrix check: exit 1: behaviour changed; 16 cells")
    assert page.index("### Changed: 16 cells") < page.index("### Changed, which is allowed")
    assert "the # &lt;last&gt; hears now" in page
    for text in (Path("o.xml").read_text(), Path("o.tap").read_text(), page):
        assert "\x1b" not in text
        assert "<img>" not in text or text.startswith("KTAP")


def test_tap_on_stdout(sockmatrix: Commands) -> None:
    """`--tap -` prints nothing but KTAP."""
    two(sockmatrix)
    done = sockmatrix("check", *NOW, "--tap", "-")
    assert (done.code, done.err) == (0, "")
    assert [table.name for table in parse(done.out)] == ["hearing", "listening"]
    assert "# verdict: exit 0: measured and as expected\n" in done.out


def test_green_only_if_it_is(sockmatrix: Commands) -> None:
    """A status that no cell shows is a case of its own: whoever reads JUnit alone is not misled."""
    write_run(Path("then.jsonl"), sockmatrix.selection)
    write_run(Path("now.jsonl"), sockmatrix.selection, ended="interrupted")
    assert sockmatrix("check", *NOW, "--junit", "o.xml").code == 3
    root = ET.fromstring(Path("o.xml").read_bytes())  # noqa: S314 - it is our own
    assert root.get("errors") == "1"
    (error,) = root.iter("error")
    assert error.get("message") == "exit 3: inconclusive; not everything was measured"


def test_a_page_that_is_too_long_is_cut(sockmatrix: Commands) -> None:
    """It is cut at the end of a line, below the limit, and says how much is left out."""
    two(sockmatrix, fakes.FIRST)
    sockmatrix("check", *NOW, "--markdown", "o.md")
    whole = Path("o.md").read_text()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(render, "LIMIT", 4000)
        sockmatrix("check", *NOW, "--markdown", "o.md")
    page = Path("o.md").read_text()
    assert len(page.encode()) <= 4000 < len(whole.encode())
    *kept, blank, note = page.splitlines()
    assert kept == whole.splitlines()[: len(kept)]
    assert blank == ""
    left = len(whole.splitlines()) - len(kept)
    assert note == f"{left} more lines are left out here; the run file has it all."


def test_no_baseline(sockmatrix: Commands, tmp_path: Path) -> None:
    """None that fits is one clear line and status 2; nothing is measured or written."""
    place = tmp_path / "baselines"
    done = sockmatrix("check", "-o", "now.jsonl")
    assert (done.code, done.out) == (2, "")
    assert done.err == (
        f"sockmatrix check: {place}: no run to compare linux 6.12.1 (linux on x86_64, private lab, root)"
        " with: there is no run at all; name one with --baseline FILE\n"
    )
    write_run(place / "a.jsonl", sockmatrix.selection)
    edit(place / "a.jsonl", '"private"', '"host"', "")
    done = sockmatrix("check", "-o", "now.jsonl")
    assert "there is linux 6.12.1 (linux on x86_64, host lab, root); name one" in done.err
    write_run(Path("now.jsonl"), sockmatrix.selection)
    done = sockmatrix("check", "--run", "now.jsonl", "--baselines", ".")
    assert (done.code, "there is no run at all" in done.err) == (2, True)


WRONG: tuple[tuple[tuple[str, ...], str], ...] = (
    (("--baseline", "nowhere.jsonl"), "nowhere.jsonl: cannot be read: No such file or directory"),
    (("--baselines", "nowhere"), "nowhere: No such file or directory"),
    (("--baselines", ".", "--baseline", "then.jsonl"), "--baselines is where --baseline auto looks"),
    (("--run", "nowhere.jsonl"), "nowhere.jsonl: cannot be read"),
    (("--run", "then.jsonl", "-o", "x"), "--run measures nothing"),
    (("--json", "--tap", "-"), "--json and --tap - both print to stdout"),
    (("-o", "then.jsonl"), "then.jsonl exists; name another file, or compare it with --run"),
    (("--allow", "nowhere.toml"), "nowhere.toml: cannot be read"),
    (("--allow", "then.jsonl"), "then.jsonl: is not TOML"),
    (("--on", "moon"), "--on: 'moon' is no target; targets are local"),
    (("--table", "none"), 'unknown table "none"'),
    ((*NOW, "--junit", "nowhere/x"), "cannot write nowhere/x: there is no directory nowhere"),
    ((*NOW, "--tap", "."), "cannot write .: Is a directory"),
    (("--baseline", "then.jsonl", "-o", "then.jsonl/x"), "cannot write then.jsonl/x"),
)


def test_wrong_usage(sockmatrix: Commands) -> None:
    """One clear line, status 2, and nothing is left behind."""
    two(sockmatrix)
    before = sorted(Path().rglob("*"))
    for words, error in WRONG:
        done = sockmatrix("check", *words)
        assert done.code == 2
        assert done.err.splitlines()[-1].startswith(f"sockmatrix check: {error}")
        assert sorted(Path().rglob("*")) == before
