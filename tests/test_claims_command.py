"""`sockmatrix claims`: what it prints, what it selects, and its exit statuses."""

from __future__ import annotations

import json
from pathlib import Path

import fakes
import pytest
import smallclaims
from commandline import Commands, write_run

from sockmatrix import content
from sockmatrix.selection import Selection


@pytest.fixture
def sockmatrix(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Commands:
    """Run commands on a small matrix with a few claims; `run` is there: the last hears."""
    commands = Commands.prepared(capsys, monkeypatch, tmp_path)
    smallclaims.write(content.matrix())
    write_run(Path("run"), commands.selection)
    return commands


def test_overview(sockmatrix: Commands) -> None:
    """A line for each source with a verdict, the contradicted claims in full, and the sum."""
    done = sockmatrix("claims", "run")
    assert (done.code, done.err) == (0, "")
    lines = done.out.splitlines()
    assert [line.split()[0] for line in lines[2:4]] == ["KO", "UD"]
    assert lines[2].split()[-2:] == ["1", "1"]
    assert "Contradicted:" in lines
    assert any(line.startswith("KO-02  The first of several hears") for line in lines)
    assert not any(line.startswith("KO-01") for line in lines)
    assert "  contradicted: 16 of 16 cells" in lines
    assert any(line.endswith("last  (expected delivery=one:first)") for line in lines)
    assert "    and 13 more: --cells names them" in lines
    assert lines[-1] == "5 claims: 1 confirmed, 2 contradicted, 2 not measured."


def test_one_source(sockmatrix: Commands) -> None:
    """Every statement of a source, whatever its verdict, with where it stands and how it was read."""
    done = sockmatrix("claims", "run", "--source", "KO")
    assert done.out.startswith(
        "KO-01  The last of several hears\n  A page | with a bar, Middle\n  confirmed: 4 cells\n"
        "  Read as: of two\n\nKO-02  "
    )
    assert done.out.endswith("2 claims: 1 confirmed, 1 contradicted, 0 not measured.\n")
    assert sockmatrix("claims", "run", "--source", "KO,UD").out.count("\n  Read as") == 1


def test_claims_about_other_systems(sockmatrix: Commands) -> None:
    """They are not measured; with --contrast it is told how the local cells compare."""
    done = sockmatrix("claims", "run", "--claim", "UD-0[13]")
    assert "  not measured: about macOS, FreeBSD\n" in done.out
    assert "  not measured: on what is not said\n" in done.out
    assert done.code == 4
    assert done.err == "exit 4: nothing was measured; no claim was decided\n"
    contrast = sockmatrix("claims", "run", "--claim", "UD-01", "--contrast").out
    assert "  not measured: about macOS, FreeBSD; here: agrees 4 of 4\n" in contrast
    assert "hearing/dest" in sockmatrix("claims", "run", "--claim", "UD-01", "--contrast", "--cells").out


def test_umbrella(sockmatrix: Commands) -> None:
    """It says how its parts fared."""
    done = sockmatrix("claims", "run", "--claim", "UD-02")
    assert "  contradicted: of 2 statements: 1 contradicted, 1 confirmed\n" in done.out


def test_cells(sockmatrix: Commands) -> None:
    """--cells names every cell that decides, also those that agree."""
    done = sockmatrix("claims", "run", "--claim", "KO-01", "--cells")
    assert [line.split()[-1] for line in done.out.splitlines() if "hearing/" in line] == ["last"] * 4


def test_one_verdict(sockmatrix: Commands) -> None:
    """Claims can be chosen by verdict, which never turns the others into exit 4."""
    done = sockmatrix("claims", "run", "--verdict", "not measured")
    assert done.code == 0
    assert [line[:5] for line in done.out.splitlines() if line[:2] == "UD"] == ["UD-01", "UD-03"]
    assert "KO-" not in done.out


def test_several_runs(sockmatrix: Commands) -> None:
    """Side by side each run has its own line; of two on one platform the names get numbers."""
    write_run(Path("other"), sockmatrix.selection, fakes.FIRST, release="5.10")
    done = sockmatrix("claims", "run", "other", "--claim", "KO-01")
    assert "  linux 6.12.1: confirmed: 4 cells\n" in done.out
    assert "  linux 5.10: contradicted: 4 of 4 cells\n" in done.out
    same = sockmatrix("claims", "run", "run", "--claim", "KO-01")
    assert "  linux 6.12.1 #2: confirmed: 4 cells\n" in same.out


def test_json(sockmatrix: Commands) -> None:
    """A list with one entry for each claim id, umbrella claims included."""
    found = json.loads(sockmatrix("claims", "run", "--json").out)
    assert {entry["id"]: entry["verdict"] for entry in found} == {
        "KO-01": "confirmed",
        "KO-02": "contradicted",
        "UD-01": "not measured",
        "UD-02": "contradicted",
        "UD-03": "not measured",
    }
    assert found[2]["runs"][0]["here"]["agrees"] == 4
    assert found[3]["runs"][0]["parts"] == {"KO-01": "confirmed", "KO-02": "contradicted"}


@pytest.mark.parametrize("how", [["--by-source"], ["--format", "markdown"]])
def test_markdown(sockmatrix: Commands, how: list[str]) -> None:
    """A section for each source: title, address, and a table of its statements."""
    page = sockmatrix("claims", "run", *how).out
    assert page.startswith(
        "## A page \\| with a bar\n\n<https://example.org/page> (article; authority 3: article, answer"
        " or issue)\n\n2 claims: 1 confirmed, 1 contradicted, 0 not measured.\n\n| claim"
    )
    rows = [line for line in page.splitlines() if line.startswith("| KO-02")]
    assert len(rows) == 1
    assert "([End](<https://example.org/page#end>))" in rows[0]
    assert "**contradicted**" in rows[0]
    assert "16 of 16 cells: `hearing/dest:lo4/" in rows[0]
    assert "\nprinted only (man; authority 1" in page


def test_disagreements(sockmatrix: Commands) -> None:
    """Each with its sides, who takes them, which holds here, and the cells that say so."""
    done = sockmatrix("claims", "run", "--disagreements")
    assert done.code == 0
    assert done.out.startswith(
        "Which one hears?\n  1. the last (KO-01)\n  2. the first (KO-02)\n"
        "  linux 6.12.1: 1 holds, 4 cells\n    hearing/dest:lo4/"
    )
    page = sockmatrix("claims", "run", "--disagreements", "--format", "markdown").out
    assert page.startswith(
        "## Which one hears?\n\n1. the last (KO-01)\n2. the first (KO-02)\n\n- linux 6"
    )
    (value,) = json.loads(sockmatrix("claims", "run", "--disagreements", "--json").out)
    assert value["runs"][0]["holds"] == [0]
    write_run(Path("nobody"), sockmatrix.selection, fakes.NOBODY)
    assert "neither holds throughout, 4 cells\n" in sockmatrix("claims", "nobody", "--disagreements").out


@pytest.mark.parametrize(
    ("required", "code", "said"),
    [
        ("KO-01", 0, ""),
        ("KO-02", 1, "exit 1: behaviour changed; contradicted: KO-02\n"),
        ("KO-01,KO-02,UD-01", 1, "exit 1: behaviour changed; contradicted: KO-02; not measured: UD-01\n"),
        ("KO-01,UD-01", 3, "exit 3: inconclusive; not measured: UD-01\n"),
        ("all", 1, "exit 1: behaviour changed; contradicted: KO-02, UD-02\n"),
    ],
)
def test_required_claims(sockmatrix: Commands, required: str, code: int, said: str) -> None:
    """A claim that was asked for fails when it is contradicted, and is inconclusive unmeasured."""
    done = sockmatrix("claims", "run", "--require", required)
    assert (done.code, done.err) == (code, said)


def test_requiring_all_that_was_selected(sockmatrix: Commands) -> None:
    """`all` means what was selected, as far as it could be decided."""
    assert sockmatrix("claims", "run", "--claim", "KO-01", "--require", "all").code == 0
    assert sockmatrix("claims", "run", "--claim", "UD-01", "--require", "all").code == 4


def test_nothing_decided(sockmatrix: Commands) -> None:
    """A run without any of the cells decides nothing: status 4, and never "all is well"."""
    whole = sockmatrix.selection
    write_run(Path("tcp"), Selection(whole.plans, whole.cells[160:]))
    done = sockmatrix("claims", "tcp")
    assert (done.code, done.err) == (4, "exit 4: nothing was measured; no claim was decided\n")
    assert "2 more sources: nothing that was measured" in done.out
    assert sockmatrix("claims", "tcp", "--require", "KO-01").code == 4
    assert sockmatrix("claims", "tcp", "--disagreements").code == 4


def test_an_interrupted_run(sockmatrix: Commands) -> None:
    """What it has counts; that it is not whole is said."""
    write_run(Path("half"), sockmatrix.selection, ended="interrupted")
    done = sockmatrix("claims", "half", "--claim", "KO-01")
    assert done.code == 3
    assert done.err == (
        "half: interrupted, 166 of 176 cells; the rest is unmeasured\nexit 3: inconclusive\n"
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--source", "K"], 'unknown source "K"'),
        (["--claim", "KO-11"], 'unknown claim "KO-11" (did you mean "KO-01"?); `--json` names all'),
        (["--require", "KO"], 'unknown claim "KO"'),
        (["--verdict", "true"], "invalid choice: 'true'"),
    ],
)
def test_wrong_usage(sockmatrix: Commands, arguments: list[str], said: str) -> None:
    """Names that there are not, in one line."""
    done = sockmatrix("claims", "run", *arguments)
    assert done.code == 2
    assert said in done.err
    assert done.out == ""


def test_claims_that_cannot_be_read(sockmatrix: Commands) -> None:
    """A bad file of claims is one line that names it."""
    file = content.matrix() / "claims" / "all.toml"
    file.write_text(file.read_text().replace("one:last", "one:least"))
    done = sockmatrix("claims", "run")
    assert done.code == 2
    assert done.err.startswith(f"sockmatrix claims: {file}: KO-01, expect: ")
    assert sockmatrix("claims", "nowhere").code == 2


def test_colours(sockmatrix: Commands, monkeypatch: pytest.MonkeyPatch) -> None:
    """Colour repeats what the words say, where it is wanted; NO_COLOR is heeded."""
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    assert "\x1b[1;31mcontradicted\x1b[0m: 16 of 16" in sockmatrix("claims", "run").out
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[" not in sockmatrix("claims", "run").out.replace("\x1b[1m", "").replace("\x1b[0m", "")
    monkeypatch.delenv("FORCE_COLOR")
    assert "\x1b" not in sockmatrix("claims", "run").out


def test_text_from_a_run_cannot_drive_a_terminal(sockmatrix: Commands) -> None:
    """Reasons come from other people's files; Markdown shows them as they are."""
    lines = [json.loads(line) for line in Path("run").read_text().splitlines()]
    for line in lines:
        if line["kind"] == "cell":
            line.pop("delivery", None)
            line["skipped"] = "\x1b[31m|<b>"
    Path("evil").write_text("".join(json.dumps(line) + "\n" for line in lines))
    done = sockmatrix("claims", "evil", "--claim", "KO-01")
    assert "not measured: skipped: \\x1b[31m|<b>" in done.out
    page = sockmatrix("claims", "evil", "--claim", "KO-01", "--by-source").out
    assert "skipped: \\\\x1b\\[31m\\|&lt;b&gt;" in page
