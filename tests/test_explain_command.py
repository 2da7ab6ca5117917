"""`sockmatrix explain`: the experiment, what came of it, which rules and documents speak of it."""

from __future__ import annotations

import json
from pathlib import Path

import fakes
import pytest
import smallclaims
from commandline import Commands, write_run

from sockmatrix import content
from sockmatrix.selection import Selection

CELL = "hearing/dest:lo4/A:any4.addr/B:any4.addr"


@pytest.fixture
def sockmatrix(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Commands:
    """Run commands on a small matrix with a few claims; `last` is there: the last hears."""
    commands = Commands.prepared(capsys, monkeypatch, tmp_path)
    smallclaims.write(content.matrix())
    write_run(Path("last"), commands.selection)
    return commands


def sections(out: str) -> dict[str, str]:
    """Return the text of each section by its title, white space folded."""
    titles = ("The experiment", "What happened", "The rule", "What documents say")
    rest, found = out, {}
    for title in reversed(titles):
        rest, _, found[title] = rest.partition(f"\n{title}\n")
    return {title: " ".join(text.split()) for title, text in found.items()}


def test_a_cell(sockmatrix: Commands) -> None:
    """Everything of one cell, in order."""
    done = sockmatrix("explain", CELL, "last")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith(f"{CELL}\nWho hears it?\n")
    found = sections(done.out)
    assert (
        "A opens an IPv4 UDP socket, sets SO_REUSEADDR, binds it to 0.0.0.0." in found["The experiment"]
    )
    assert "linux 6.12.1: last B alone heard everything, the last bound." in found["What happened"]
    assert "3 of 3 repetitions A heard 0 of 126 B heard 126 of 126" in found["What happened"]
    assert "What does an open socket hear of what is sent? (linux 6.12.1)" in found["The rule"]
    assert "predicted last; as measured" in found["The rule"]
    assert "udp_lib_lport_inuse" in found["The rule"]
    said = found["What documents say"]
    places = [
        said.index(text)
        for text in ("KO-02", "contradicted", "KO-01", "confirmed", "UD-01", "about macOS")
    ]
    assert places == sorted(places), "what is contradicted comes first, what is about others last"
    assert "UD-03" not in said


def test_several_platforms(sockmatrix: Commands) -> None:
    """Runs with one outcome stand together; a model that says otherwise is named."""
    write_run(Path("also"), sockmatrix.selection, release="6.1.9")
    write_run(Path("refuses"), sockmatrix.selection, fakes.REFUSES, release="5.10.1")
    found = sections(sockmatrix("explain", CELL, "last", "also", "refuses").out)
    assert "linux 6.12.1, linux 6.1.9: last" in found["What happened"]
    assert "linux 5.10.1: B refused" in found["What happened"]
    assert "B refused: bind EADDRINUSE" in found["What happened"]
    assert (
        "unexplained: linux 5.10.1: B: predicted nothing, measured bind EADDRINUSE" in found["The rule"]
    )


def test_each_way_of_an_unstable_cell(sockmatrix: Commands) -> None:
    """The evidence of every way that it turned out, and no rule."""
    moody = fakes.Platform(
        "all hear, in the second repetition only the last",
        lambda message, sockets: [one.role for one in sockets[-1 if message.repetition == 1 else 0 :]],
    )
    write_run(Path("moody"), sockmatrix.selection, moody)
    found = sections(sockmatrix("explain", CELL, "moody").out)
    assert "linux 6.12.1: unstable" in found["What happened"]
    assert "2 of 3 repetitions A heard 84 of 84 B heard 84 of 84" in found["What happened"]
    assert "1 of 3 repetitions A heard 0 of 42 B heard 42 of 42" in found["What happened"]
    assert "What does an open socket hear" not in found["The rule"]


def test_what_was_not_measured(sockmatrix: Commands) -> None:
    """A cell that no run has is only predicted, and the status says so."""
    some = Selection(sockmatrix.selection.plans, sockmatrix.selection.cells[:1])
    write_run(Path("some"), some)
    done = sockmatrix("explain", CELL, "some")
    assert done.code == 4
    assert "exit 4: nothing was measured" in done.err
    assert "Not in this run." in sections(done.out)["What happened"]
    assert "predicted last" in done.out


def test_other_forms(sockmatrix: Commands) -> None:
    """Markdown escapes what documents say; JSON has all of it; a file is written whole."""
    page = sockmatrix("explain", CELL, "last", "--format", "markdown").out
    assert page.startswith(f"# `{CELL}`\n")
    assert "A page \\| with a bar" in page
    value = json.loads(sockmatrix("explain", CELL, "last", "--json").out)
    assert value["measured"][0]["outcome"] == "last"
    assert [claim["id"] for claim in value["claims"]] == ["KO-02", "KO-01", "UD-01"]
    assert value["predicted"][0]["rules"][0]["functions"]
    assert sockmatrix("explain", CELL, "last", "-o", "page").out == ""
    assert Path("page").read_text().startswith(CELL)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("nothing",), 'unknown table "nothing"'),
        (("hearing/dest:lo9/A:any4.addr",), 'unknown value "lo9"'),
        ((CELL, "missing"), "missing: cannot be read"),
    ],
)
def test_wrong_usage(sockmatrix: Commands, arguments: tuple[str, ...], said: str) -> None:
    """One clear line."""
    done = sockmatrix("explain", *arguments)
    assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)
    assert said in done.err
