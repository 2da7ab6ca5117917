"""Verdicts: which claims a run decides, how, and what is said of the others."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import fakes
import msgspec
import pytest
import smallmatrix

from sockmatrix import content
from sockmatrix.claims.claim import Claim, Side, Source
from sockmatrix.claims.cover import Coverage
from sockmatrix.claims.expect import parse as term
from sockmatrix.claims.findings import Finding, find, values
from sockmatrix.claims.verdict import Judge, Verdict
from sockmatrix.claims.versions import condition
from sockmatrix.collect import lines
from sockmatrix.pattern import parse
from sockmatrix.runfile import Run

if TYPE_CHECKING:
    from collections.abc import Callable

    from sockmatrix.plan import Plan
    from sockmatrix.runformat import CellLine
    from sockmatrix.selection import Selection

SOURCE = Source("UD", "A manual", "https://example.org", "man", 1)
PAIR = "table=hearing receivers=2 dest=lo4 every.bind=lo4 every.reuse=addr"
PAIRS = "table=hearing receivers=2 dest=lo4 every.reuse=addr"


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Selection:
    """Make a small matrix the installed one."""
    matrix = smallmatrix.write(tmp_path / "matrix")
    monkeypatch.setattr(content, "matrix", lambda: matrix)
    return smallmatrix.selection(matrix)


def claim(name: str = "UD-01", os: str = "linux", versions: str = "", **changes: Any) -> Claim:
    """Return a claim that the last of two hears, changed."""
    facts: dict[str, Any] = {
        "statement": "the last hears",
        "source": SOURCE,
        "section": "Description",
        "ref": "",
        "conditions": {"": condition(versions)},
        "stated": "",
        "testable": False,
        "cells": (PAIR,),
        "expect": ("delivery=one:last",),
        "note": "",
        "parts": (),
        "undecidable": "",
        "where": (Path("claims.toml"), name),
    }
    facts.update(changes)
    facts["cells"] = tuple(parse(text) for text in facts["cells"])
    facts["expect"] = tuple(term(text) for text in facts["expect"])
    return Claim(id=name, os=tuple(os.split()), **facts)


def run(
    small: Selection,
    platform: fakes.Platform = fakes.LAST,
    cells: dict[str, CellLine] | None = None,
    **facts: Any,
) -> Run:
    """Return what a platform would have measured."""
    hello = {**fakes.HELLO, "platform": {**fakes.HELLO["platform"], **facts}}
    measured = {line.id: line for line in lines(smallmatrix.block(small, platform))}
    return Run(Path("run"), fakes.header(hello), {**measured, **(cells or {})})


def judge(small: Selection, own: Claim, measured: Run, *others: Claim) -> Verdict:
    """Return the verdict of a run on a claim."""
    known = {one.id: one for one in (own, *others)}
    return Judge(measured, Coverage.of(small.plans), known).verdict(own)


def test_one_cell_that_contradicts_is_enough(small: Selection) -> None:
    """Without any that does, one that confirms is enough."""
    confirmed = judge(small, claim(cells=(PAIRS,)), run(small))
    assert (confirmed.word, confirmed.reason) == ("confirmed", "")
    assert (len(confirmed.tally.agree), confirmed.tally.covered) == (4, 4)
    other = next(one for one in small.cells if parse(PAIR).matches(one))
    (first,) = [one for one in run(small, fakes.FIRST).cells.values() if one.id == other.id]
    verdict = judge(small, claim(cells=(PAIRS,)), run(small, cells={other.id: first}))
    assert verdict.word == "contradicted"
    assert len(verdict.tally.agree) == 3
    assert verdict.tally.contradict == ((other.id, "first", "delivery=one:last"),)


def test_a_cell_is_counted_once(small: Selection) -> None:
    """Patterns that overlap cover the union."""
    verdict = judge(small, claim(cells=(PAIR, PAIRS)), run(small))
    assert verdict.tally.covered == 4


def test_cells_that_decide_nothing(small: Selection) -> None:
    """What is not there, unstable, of other steps, absent or skipped is neither yes nor no."""
    own = claim(cells=("table=hearing receivers=2 every.reuse=addr",))
    whole = run(small)
    covered = [one.id for one in small.cells if own.cells[0].matches(one)]
    changed = {name: whole.cells[name] for name in covered}
    changed[covered[0]] = msgspec.structs.replace(changed[covered[0]], v=9)
    changed[covered[1]] = msgspec.structs.replace(changed[covered[1]], delivery={}, skipped="no link")
    changed[covered[2]] = msgspec.structs.replace(changed[covered[2]], delivery={}, absent="SO_X")
    del changed[covered[3]]
    kept = {name: line for name, line in whole.cells.items() if name not in covered}
    verdict = judge(small, own, Run(Path("run"), whole.header, {**kept, **changed}))
    assert verdict.word == "confirmed"
    assert verdict.tally.open == {
        "measured with other steps than those of today": 1,
        "skipped: no link": 1,
        "there is no SO_X here": 1,
        "not in this run": 1,
    }
    nothing = judge(small, own, Run(Path("run"), whole.header, kept))
    assert (nothing.word, nothing.reason) == ("not measured", "not in this run")
    fickle = judge(small, own, run(small, fakes.HANGS))
    assert (fickle.word, fickle.reason) == ("not measured", "inconclusive: role A did not answer")


@pytest.mark.parametrize(
    ("os", "versions", "facts", "reason"),
    [
        ("linux", ">=6.2", {"release": "6.12.1"}, ""),
        ("linux", ">=6.13", {"release": "6.12.1"}, "about Linux >=6.13"),
        ("any", "", {"os": "haiku", "stack": "haiku"}, ""),
        ("freebsd openbsd", "", {}, "about FreeBSD, OpenBSD"),
        ("linux", "", {"stack": "gvisor"}, "about Linux"),
        ("gvisor", "", {"stack": "gvisor"}, ""),
        ("macos", ">=15.4", {"os": "macos", "stack": "darwin", "release": "15.5"}, ""),
        ("macos", ">=15.4", {"os": "macos", "stack": "darwin", "release": "14.7"}, "about macOS >=15.4"),
        ("windows", "<5.2", {"os": "windows", "stack": "winsock", "release": "10.0.26100.1"}, "about"),
        ("linux", ">=6.1.76", {"release": "6.1.0-18-amd64", "build": "#1"}, "does not tell"),
    ],
)
def test_claims_about_other_systems(
    small: Selection, os: str, versions: str, facts: dict[str, Any], reason: str
) -> None:
    """They are not decided; how the local cells compare is told as contrast, and is no verdict."""
    verdict = judge(small, claim(os=os, versions=versions), run(small, **facts))
    if not reason:
        assert (verdict.word, verdict.here) == ("confirmed", None)
        return
    assert verdict.word == "not measured"
    assert reason in verdict.reason
    assert verdict.here is not None
    assert (len(verdict.here.agree), verdict.tally.covered) == (1, 0)
    assert judge(small, claim(os=os, versions=versions), run(small, fakes.FIRST, **facts)).word == (
        "not measured"
    )


def test_linux_decides_what_is_testable_there(small: Selection) -> None:
    """Also a claim about a library or another system; its versions are not those of Linux."""
    own = claim(os="windows", versions=">=10", testable=True)
    assert judge(small, own, run(small)).word == "confirmed"
    assert judge(small, own, run(small, os="macos", stack="darwin")).word == "not measured"
    linux = claim(os="windows", testable=True, conditions={"linux": condition("<3.9")})
    assert judge(small, linux, run(small)).reason == "about Linux <3.9"


def test_versions_of_each_system(small: Selection) -> None:
    """A claim about several systems may have a condition for each."""
    own = claim(os="linux freebsd", conditions={"freebsd": condition(">=14")})
    assert judge(small, own, run(small)).word == "confirmed"
    assert judge(small, own, run(small, os="freebsd", stack="freebsd", release="14.1-RELEASE")).word == (
        "confirmed"
    )
    assert judge(small, own, run(small, os="freebsd", stack="freebsd", release="13.4")).reason == (
        "about FreeBSD >=14"
    )


def test_umbrella_claims(small: Selection) -> None:
    """Their verdicts follow from their parts, taken as if those spoke of the umbrella's systems."""
    last = claim("UD-02", os="freebsd")
    first = claim("UD-03", os="freebsd", expect=("delivery=one:first",))
    never = claim("UD-04", cells=(), expect=(), undecidable="no way")
    nothing: dict[str, Any] = {"cells": (), "expect": ()}
    good = judge(small, claim(parts=("UD-02", "UD-04"), **nothing), run(small), last, never)
    assert good.word == "confirmed"
    assert [part.word for part in good.parts] == ["confirmed", "not measured"]
    bad = judge(small, claim(parts=("UD-02", "UD-03"), **nothing), run(small), last, first)
    assert (bad.word, bad.count("contradicted"), bad.count("confirmed")) == ("contradicted", 1, 1)
    other = claim(os="openbsd", parts=("UD-02", "UD-03"), **nothing)
    away = judge(small, other, run(small), last, first)
    assert (away.word, away.reason) == ("not measured", "about OpenBSD")
    assert away.here is not None
    assert (len(away.here.agree), len(away.here.contradict)) == (1, 1)


def test_undecidable_claims(small: Selection) -> None:
    """Why is said, and nothing else."""
    own = claim(cells=(), expect=(), undecidable="it declines to say")
    verdict = judge(small, own, run(small))
    assert (verdict.word, verdict.reason, verdict.here) == ("not measured", "it declines to say", None)


def test_several_runs(small: Selection) -> None:
    """Together one that contradicts is enough; each keeps its own verdict."""
    own = claim()
    runs = {"one": run(small), "two": run(small, fakes.FIRST), "three": run(small, os="macos")}
    (finding,) = find(runs, Coverage.of(small.plans), {own.id: own}, [own])
    assert {name: verdict.word for name, verdict in finding.verdicts.items()} == {
        "one": "confirmed",
        "two": "contradicted",
        "three": "not measured",
    }
    assert finding.word == "contradicted"
    assert Finding(own, {"three": finding.verdicts["three"]}).word == "not measured"


def test_values_for_programs(small: Selection) -> None:
    """An entry for each claim, with its id and verdict, and for each run what it stands on."""
    own = claim(cells=(PAIRS,), expect=("delivery=one:first",), note="so")
    away = claim("UD-02", os="macos", cells=(PAIRS,))
    found = find({"here": run(small)}, Coverage.of(small.plans), {}, [own, away])
    first, second = values(found)
    assert (first["id"], first["verdict"], first["note"]) == ("UD-01", "contradicted", "so")
    assert "stated" not in first
    (here,) = first["runs"]
    assert (here["covered"], here["agrees"], here["contradicts"]) == (4, 0, 4)
    assert len(here["cells"]) == 3
    assert here["cells"][0]["contradicts"] == "delivery=one:first"
    assert (second["verdict"], second["runs"][0]["reason"]) == ("not measured", "about macOS")
    assert second["runs"][0]["here"]["agrees"] == 4
    assert "covered" not in second["runs"][0]
    assert len(values(found, cells=True)[0]["runs"][0]["cells"]) == 4


def test_the_coverage_is_what_the_patterns_match(small: Selection) -> None:
    """However the cells are found, they are those that the pattern matches, in the order of the table."""
    coverage = Coverage.of(small.plans)
    for text in (
        PAIR,
        "every.reuse=addr",
        "A.socket=lo4.addr",
        "receivers=2 A.socket=lo4.addr,any4.none B.socket=any4.*",
        "A.socket!=lo4.addr receivers=3",
        "dest=lobcast C.socket=lobcast.addr",
        "every.socket=any4.addr",
        "receivers=3 every.socket=lo4.none",
        "receivers=2 every.socket=lo4.none,any4.none",
        "every.socket=any4.a*",
        "every.socket=if4.none",
        "table=listening,hearing receivers=2 B.bind=any4",
        "table=nowhere",
        "hearing/dest:lo4/A:lo4.addr*",
    ):
        pattern = parse(text)
        assert [one.id for one in coverage.cells([pattern])] == [
            one.id for one in small.cells if pattern.matches(one)
        ], text


def test_tables_are_expanded_when_they_are_spoken_of(small: Selection) -> None:
    """A claim about one table does not take the time of all."""
    asked: list[str] = []
    plans = {one.table.name: one for one in small.plans}

    def load(name: str) -> Callable[[], Plan]:
        def loading() -> Plan:
            asked.append(name)
            return plans[name]

        return loading

    coverage = Coverage({name: load(name) for name in plans})
    assert coverage.cells([parse(PAIR)])
    assert coverage.cells([parse(PAIRS)])
    assert asked == ["hearing"]


def test_sides_of_a_disagreement(small: Selection) -> None:
    """Each side is judged by its own cells."""
    from sockmatrix.claims.claim import Disagreement

    cells = (parse(PAIR),)
    sides = (
        Side("the last", (), (term("delivery=one:last"),), cells),
        Side("the first", (), (term("delivery=one:first"),), cells),
    )
    own = Disagreement("who?", sides, "", (Path("d"), "who?"))
    found = Judge(run(small), Coverage.of(small.plans), {}).sides(own)
    assert [tally.word for tally in found] == ["confirmed", "contradicted"]
