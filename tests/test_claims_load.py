"""Reading claims: what they hold, and one clear line for whatever is wrong with a file of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sockmatrix.claims.book import load, natural
from sockmatrix.part import TableError

if TYPE_CHECKING:
    from pathlib import Path

    from sockmatrix.claims.claim import Book

SOURCES = """
[KO]
title = "A page"
url = "https://example.org/page"
kind = "article"
authority = 3
[UD]
title = "A manual"
url = "https://example.org/manual"
kind = "man"
authority = 1
"""
CLAIM = """
[[claim]]
id = "UD-02"
statement = "All hear"
source = "UD"
section = "Description"
os = ["linux", "freebsd"]
versions = { linux = ">=3.9" }
testable = true
cells = ["table=fan-out dest=if4"]
expect = ["delivery=all"]
"""
OTHER = """
[[claim]]
id = "KO-10"
statement = "It depends"
source = "KO"
section = "End"
ref = "https://example.org/page#end"
os = ["any"]
stated = "long ago"
undecidable = "on what, it does not say"
note = "read twice"
[[claim]]
id = "KO-2"
statement = "All of it"
source = "KO"
section = "Middle"
os = ["linux"]
versions = "<3.9 | >=4"
parts = ["UD-02", "KO-10"]
"""
DISAGREEMENT = """
[[disagreement]]
topic = "Who hears?"
cells = ["table=fan-out dest=if4"]
note = "on Linux"
[[disagreement.side]]
says = "everybody"
claims = ["UD-02"]
expect = ["delivery=all"]
[[disagreement.side]]
says = "nobody"
cells = ["table=fan-out dest=limited"]
expect = ["delivery=none"]
"""


def book(place: Path, claims: str = CLAIM, disagreements: str = "", sources: str = SOURCES) -> Book:
    """Write files of claims and read them."""
    (place / "sources.toml").write_text(sources)
    (place / "one.toml").write_text(claims)
    if disagreements:
        (place / "disagreements.toml").write_text(disagreements)
    return load(place)


def test_what_is_read(tmp_path: Path) -> None:
    """Claims come in the order of their sources and, of one source, of the numbers in their ids."""
    own = book(tmp_path, OTHER + CLAIM, DISAGREEMENT)
    assert list(own.claims) == ["KO-2", "KO-10", "UD-02"]
    whole, open_, claim = own.claims.values()
    assert (claim.source.title, claim.source.authority, claim.url) == (
        "A manual",
        1,
        "https://example.org/manual",
    )
    assert claim.testable
    assert [str(one) for one in claim.cells] == ["table=fan-out dest=if4"]
    assert [term.text for term in claim.expect] == ["delivery=all"]
    assert {name: one.text for name, one in claim.conditions.items()} == {"linux": ">=3.9"}
    assert (open_.undecidable, open_.url, open_.stated, open_.note) == (
        "on what, it does not say",
        "https://example.org/page#end",
        "long ago",
        "read twice",
    )
    assert whole.parts == ("UD-02", "KO-10")
    (disagreement,) = own.disagreements
    assert [side.says for side in disagreement.sides] == ["everybody", "nobody"]
    assert [[str(one) for one in side.cells] for side in disagreement.sides] == [
        ["table=fan-out dest=if4"],
        ["table=fan-out dest=limited"],
    ]


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (("statement", "sense"), 'UD-02: unknown key "sense"'),
        (('"All hear"', '""'), "UD-02, statement: must be a text that is not empty"),
        (('"UD-02"', '"2"'), 'claim 1, id: "2" is not an id such as KO-01'),
        (('source = "UD"', 'source = "UX"'), 'UD-02, source: unknown source "UX"'),
        (('section = "Description"', ""), 'UD-02: lacks the key "section"'),
        (('os = ["linux", "freebsd"]', ""), 'UD-02: lacks the key "os"'),
        (('"freebsd"', '"freebs"'), 'UD-02, os: unknown system "freebs" (did you mean "freebsd"?)'),
        (("linux = ", "macos = "), 'UD-02, versions.macos: "os" does not name macos'),
        (('">=3.9"', '"3.9"'), 'UD-02, versions: "3.9" in "3.9" is not a comparison such as'),
        (('{ linux = ">=3.9" }', "3.9"), "UD-02, versions: must be a text such as"),
        (("testable = true", 'testable = "yes"'), "UD-02, testable: must be true or false"),
        (("dest=if4", "dest=everywhere"), 'UD-02, cells: in "dest=everywhere": unknown value'),
        (
            ('"delivery=all"', '"delivery=everybody"'),
            'UD-02, expect: in "delivery=everybody": unknown word',
        ),
        (('expect = ["delivery=all"]', ""), 'UD-02: "cells" and "expect" belong together'),
        (("cells =", 'parts = ["KO-10"]\ncells ='), 'UD-02: must have one of "cells", "parts" and'),
        (
            ('cells = ["table=fan-out dest=if4"]\nexpect = ["delivery=all"]', 'undecidable = "so"'),
            "UD-02, undecidable: it is testable, so there must be cells that decide it",
        ),
        (("[[claim]]", "[claim]"), "claim: a file of claims needs at least one [[claim]]"),
        (("[[claim]]", "[[claims]]"), 'unknown key "claims"'),
        (("[[claim]]", "[[claim"), "is not TOML"),
    ],
)
def test_a_bad_claim_is_one_line(tmp_path: Path, change: tuple[str, str], problem: str) -> None:
    """It names the file, the claim, the key, and what is allowed."""
    text = CLAIM.replace(*change)
    assert text != CLAIM
    with pytest.raises(TableError) as caught:
        book(tmp_path, text)
    said = str(caught.value)
    assert said.startswith(f"{tmp_path / 'one.toml'}: {problem}")
    assert "\n" not in said


@pytest.mark.parametrize(
    ("claims", "problem"),
    [
        (CLAIM + CLAIM, "UD-02: this id is in one.toml already"),
        (OTHER, 'KO-2: parts: unknown claim "UD-02"'),
        (OTHER + CLAIM + OTHER[OTHER.index('id = "KO-2"') - 10 :].replace("KO-2", "KO-3"), ""),
        (
            OTHER + CLAIM + '[[claim]]\nid="UD-03"\nstatement="s"\nsource="UD"\nsection="s"\nos=["any"]\n'
            'parts=["KO-2"]\n',
            "UD-03: parts: KO-2 has parts itself",
        ),
    ],
)
def test_claims_that_name_others(tmp_path: Path, claims: str, problem: str) -> None:
    """An id is there once; parts exist, and are no umbrellas themselves."""
    if not problem:
        assert "KO-3" in book(tmp_path, claims).claims
        return
    with pytest.raises(TableError, match=problem.replace("(", r"\(")):
        book(tmp_path, claims)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (("authority = 3", "authority = 4"), "KO.authority: must be 1, 2 or 3"),
        (("authority = 3", "authority = true"), "KO.authority: must be 1, 2 or 3"),
        (("[KO]", "[ko]"), "ko: the key of a source has upper-case letters"),
        (('url = "https://example.org/page"', ""), 'KO: lacks the key "url"'),
        (("kind", "sort"), 'KO: unknown key "sort"'),
    ],
)
def test_a_bad_source_is_one_line(tmp_path: Path, change: tuple[str, str], problem: str) -> None:
    """So is what is wrong with a source."""
    with pytest.raises(TableError) as caught:
        book(tmp_path, sources=SOURCES.replace(*change, 1))
    assert str(caught.value).startswith(f"{tmp_path / 'sources.toml'}: {problem}")


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (('["UD-02"]', '["UD-20"]'), 'side 1, claims: unknown claim "UD-20" (did you mean "UD-02"?)'),
        (('cells = ["table=fan-out dest=if4"]', ""), "side 1: no cell decides it"),
        (('expect = ["delivery=all"]', ""), "side 1: no cell decides it"),
        (('says = "nobody"', ""), 'side 2: lacks the key "says"'),
        (("dest=limited", "dest=unlimited"), 'side 2, cells: in "dest=unlimited": unknown value'),
    ],
)
def test_a_bad_disagreement_is_one_line(tmp_path: Path, change: tuple[str, str], problem: str) -> None:
    """And with a disagreement, which is named by its topic."""
    with pytest.raises(TableError) as caught:
        book(tmp_path, disagreements=DISAGREEMENT.replace(*change))
    assert str(caught.value).startswith(f'{tmp_path / "disagreements.toml"}: "Who hears?", {problem}')


def test_one_side_is_no_disagreement(tmp_path: Path) -> None:
    """It takes two."""
    alone = DISAGREEMENT[: DISAGREEMENT.rindex("[[disagreement.side]]")]
    with pytest.raises(TableError, match="a disagreement has two or more"):
        book(tmp_path, disagreements=alone)


def test_every_problem_can_be_collected(tmp_path: Path) -> None:
    """Whoever looks for problems gets them all, and the claims that are sound."""
    (tmp_path / "sources.toml").write_text(SOURCES)
    bad = CLAIM.replace("UD-02", "UD-03").replace("delivery=all", "delivery=")
    (tmp_path / "one.toml").write_text(bad + CLAIM + CLAIM)
    (tmp_path / "two.toml").write_text("[[claim]]\n")
    problems: list[TableError] = []
    assert list(load(tmp_path, problems).claims) == ["UD-02"]
    assert [problem.where for problem in problems] == ["UD-03, expect", "UD-02", "claim 1"]


def test_ids_are_sorted_as_people_do() -> None:
    """Numbers count as numbers."""
    names = ["KO-10", "KO-2", "PS-A5", "PS-A10", "ME-T1b", "ME-T1a"]
    assert sorted(names, key=natural) == ["KO-2", "KO-10", "ME-T1a", "ME-T1b", "PS-A5", "PS-A10"]
