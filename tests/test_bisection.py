"""Bisection over releases that are no line: what is asked, in which order, and what is known then."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import fakes
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from sockmatrix import bisection
from sockmatrix.bisection import Changed, Evidence, History, Same, Unknown, Want, narrow, search
from sockmatrix.targets.debian import Offer
from sockmatrix.targets.kernels import Kernel
from sockmatrix.targets.releases import Release, ReleaseError, fitting, name_of, releases

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from sockmatrix.runformat import CellLine

OLD, NEW, OTHER = (fakes.cell("x", by) for by in (fakes.LAST, fakes.EVERYTHING, fakes.REFUSES))
SILENT, FICKLE = fakes.cell("x", fakes.HANGS), replace(OLD, variants=(OLD.outcome, NEW.outcome))

NAMES = (
    *("5.10.218-1", "5.10.262-1", "6.1.170-3", "6.1.180-1", "6.1.192-3", "6.12.43-1", "6.12.57-1"),
    *("6.12.90-1", "6.12.118-1", "7.1.3-1", "7.1.13-1", "7.2.13-1"),
)
KNOWN = [Release(name) for name in NAMES]


def ask(
    order: History, outcomes: Mapping[str, CellLine], gone: dict[str, str] | None = None
) -> tuple[bisection.Found, list[str]]:
    """Answer what a search asks until it is over; of a release without an outcome nothing can be had."""
    gone = {} if gone is None else gone
    told: dict[str, CellLine] = {}
    asked: list[str] = []
    while isinstance(found := search(order, told, gone), Want):
        assert found.release not in asked
        asked.append(found.release)
        if found.release in outcomes:
            told[found.release] = outcomes[found.release]
        else:
            gone[found.release] = "lost"
    return found, asked


def over(start: str, end: str) -> History:
    """Return the history between the newest of two versions."""
    return bisection.history(KNOWN, fitting(KNOWN, start), fitting(KNOWN, end))


def since(*first: str) -> dict[str, CellLine]:
    """Return outcomes: new in each line from one of these on, and in every line without any."""
    firsts = {Release(name).minor: NAMES.index(name) for name in first}
    return {
        name: NEW if place >= firsts.get(Release(name).minor, 0) else OLD
        for place, name in enumerate(NAMES)
    }


def test_lines_first() -> None:
    """The newest of the lines, then the releases of the line that has another outcome."""
    outcomes = {**since("6.12.90-1"), **dict.fromkeys(NAMES[:5], OLD)}
    found, asked = ask(over("5.10", "7.2"), outcomes)
    assert found == Changed("6.12.57-1", "6.12.90-1")
    assert asked == ["5.10.262-1", "7.2.13-1", "6.12.118-1", "6.1.192-3", "6.12.57-1", "6.12.90-1"]


def test_a_mend_in_every_line() -> None:
    """In the newest of all lines it is mended: that is no change; within a line there is one."""
    outcomes = since("5.10.262-1", "6.1.180-1", "6.12.57-1")
    assert ask(over("5.10", "7.2"), outcomes)[0] == Same("5.10.262-1", "7.2.13-1")
    assert ask(over("6.1.170", "6.1"), outcomes)[0] == Changed("6.1.170-3", "6.1.180-1")
    assert ask(over("6.12.43", "6.12"), outcomes)[0] == Changed("6.12.43-1", "6.12.57-1")


def test_between_two_lines() -> None:
    """If the oldest of a line has the new outcome, nothing newer of the line before it is asked."""
    outcomes = dict.fromkeys(NAMES, NEW) | dict.fromkeys(NAMES[:5], OLD)
    found, asked = ask(over("6.1.170", "6.12"), outcomes)
    assert found == Changed("6.1.170-3", "6.12.43-1")
    assert not {"6.1.180-1", "6.1.192-3"} & {*asked}


def test_the_newest_cannot_be_had() -> None:
    """Then it is the next of its line; a release between that tells nothing is named."""
    outcomes = {**since("6.12.90-1"), **dict.fromkeys(NAMES[:5], OLD)}
    for name in ("6.12.118-1", "7.2.13-1", "5.10.262-1"):
        del outcomes[name]
    outcomes["6.12.57-1"] = FICKLE
    found, asked = ask(over("5.10", "7.2"), outcomes)
    assert found == Changed("6.12.43-1", "6.12.90-1", ("6.12.57-1",))
    assert asked[:2] == ["5.10.262-1", "5.10.218-1"]


def test_a_line_that_tells_nothing() -> None:
    """If the newest of a line cannot tell, the others of it are not asked."""
    outcomes = dict.fromkeys(NAMES, OLD) | {"7.1.13-1": SILENT, "7.2.13-1": NEW}
    found, asked = ask(over("6.12", "7.2"), outcomes)
    assert found == Changed("6.12.118-1", "7.2.13-1", ("7.1.13-1",))
    assert "7.1.3-1" not in asked


def test_nothing_to_be_told() -> None:
    """One release alone is no bisection; what tells nothing is no evidence."""
    assert ask(over("5.10", "7.2"), {})[0] == Unknown()
    silent = dict.fromkeys(NAMES, SILENT)
    assert ask(over("6.1.170", "6.1"), silent)[0] == Unknown()
    assert ask(over("6.1.170", "6.1"), {**silent, "6.1.180-1": OLD})[0] == Unknown(("6.1.180-1",))


def test_the_first_of_several_changes() -> None:
    """What was measured anyhow is used: the first release that differs from the oldest counts."""
    path = ["a", "b", "c", "d", "e"]
    assert narrow(path, {"a": OLD, "b": OTHER, "e": NEW}, ()) == Changed("a", "b")
    assert narrow(path, {"a": OLD, "d": OTHER, "e": NEW}, ()) == Want("b", 1)


@given(st.integers(2, 70), st.data())
def test_few_of_many(size: int, data: st.DataObject) -> None:
    """Of one line with one change it is found, in as few measurements as a bisection takes."""
    names = [f"6.12.{number}-1" for number in range(size)]
    change = data.draw(st.integers(1, size - 1))
    order = History(tuple(Release(name) for name in names), straight=True)
    found, asked = ask(order, {name: NEW if at >= change else OLD for at, name in enumerate(names)})
    assert found == Changed(names[change - 1], names[change])
    assert len(asked) <= 2 + math.ceil(math.log2(size))


@given(
    st.lists(st.sampled_from([OLD, NEW, OTHER, SILENT, FICKLE, None]), min_size=12, max_size=12),
    st.sampled_from([("5.10", "7.2"), ("6.1.170", "7.1"), ("6.12.43", "6.12"), ("7.2", "5.10.218")]),
)
def test_whatever_releases_say(outcomes: list[CellLine | None], ends: tuple[str, str]) -> None:
    """It ends; what is told was measured so, and nothing between two releases is left that could tell."""
    known = {name: one for name, one in zip(NAMES, outcomes, strict=True) if one is not None}
    order = over(*ends)
    found, asked = ask(order, known)
    assert {*asked} <= {release.name for release in order.releases}
    if isinstance(found, Changed):
        assert known[found.last].facets() != known[found.first].facets()
        assert NAMES.index(found.last) < NAMES.index(found.first)
        assert all(known.get(name) in (None, SILENT, FICKLE) for name in found.between)
    elif isinstance(found, Same):
        assert known[found.first].facets() == known[found.last].facets()
    else:
        assert isinstance(found, Unknown)


# --- releases --------------------------------------------------------------------------------------


def offer(version: str, size: int = 7) -> Offer:
    """Return a kernel that is to be had."""
    return Offer(version, "x", ({"Size": str(size), "Package": "p", "Version": version},))


def test_releases(tmp_path: Path) -> None:
    """Rebuilds for another suite are one release, with what is there and what can be had."""
    there = [
        Kernel("6.12.95-1~bpo12+1", tmp_path, tmp_path, {}),
        Kernel("5.10.1-1", tmp_path, tmp_path, {}),
    ]
    offers = [offer(name) for name in ("7.3~rc7-1~exp1", "6.12.95-1~bpo12+1", "6.12.95-1", "6.12.95-2")]
    found = releases(there, offers)
    assert [one.name for one in found] == ["5.10.1-1", "6.12.95-1", "6.12.95-2", "7.3~rc7-1"]
    assert [one.minor for one in found] == ["5.10", "6.12", "6.12", "7.3"]
    assert [one.size for one in found] == [0, 0, 7, 7]
    assert found[1].kernel is there[0]
    assert [one.version for one in found[1].offers] == ["6.12.95-1", "6.12.95-1~bpo12+1"]
    assert [one.name for one in fitting(found, "6.12")] == ["6.12.95-1", "6.12.95-2"]
    assert [one.name for one in fitting(found, "6.12.95-1~bpo12+1")] == ["6.12.95-1"]
    assert name_of("6.12.95+deb13-1") == "6.12.95+deb13-1"


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        (
            "6.12.9",
            "there is no kernel 6.12.9: of 6.12 there are 6.12.43-1, 6.12.57-1, 6.12.90-1, 6.12.118",
        ),
        ("6.11", "there is no kernel 6.11: there are releases of 5.10, 6.1, 6.12, 7.1, 7.2"),
        ("latest", "there is no kernel latest: there are releases of 5.10, 6.1"),
    ],
)
def test_a_release_that_is_not_there(wanted: str, said: str) -> None:
    """It is said which are."""
    with pytest.raises(ReleaseError) as caught:
        fitting(KNOWN, wanted)
    assert str(caught.value).startswith(said)


# --- evidence --------------------------------------------------------------------------------------


def test_evidence() -> None:
    """Runs of kernels count, by the package they say; other cells, meanings and systems do not."""
    kept = Evidence({OLD.id: 1})
    kernel = {**fakes.HELLO, "target": {"kind": "kernel", "version": "6.12.95-1~bpo12+1"}}
    assert kept.add(fakes.header(kernel), {OLD.id: FICKLE}) == "6.12.95-1"
    assert kept.add(fakes.header(kernel), {OLD.id: OLD}) == "6.12.95-1"
    assert kept.add(fakes.header(kernel), {OLD.id: NEW}) == "6.12.95-1"
    assert kept.told == {OLD.id: {"6.12.95-1": OLD}}
    older = {
        "kind": "kernel",
        "packages": "linux-image-x 6.1.192-3 sha256:ab, linux-modules-x 6.1.192-3 sha256:",
    }
    assert kept.add(fakes.header({**fakes.HELLO, "target": older}), {}) == "6.1.192-3"
    assert kept.lacking("6.1.192-3") == [OLD.id]
    assert kept.lacking("6.12.95-1") == []
    assert not kept.add(fakes.header({**fakes.HELLO, "target": {"kind": "gvisor"}}), {OLD.id: OLD})
    assert not kept.add(fakes.header(), {OLD.id: OLD})
    assert Evidence({OLD.id: 2}).add(fakes.header(kernel), {OLD.id: OLD}) == "6.12.95-1"
