"""The shipped claims: all that was collected is there, cited, and about cells that exist."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sockmatrix.axis import table_files
from sockmatrix.claims import systems
from sockmatrix.claims.book import load
from sockmatrix.claims.cover import Coverage
from sockmatrix.claims.findings import disputes, find
from sockmatrix.content import matrix
from sockmatrix.runfile import Run

if TYPE_CHECKING:
    from sockmatrix.claims.claim import Book

IDS = (Path(__file__).parent / "data" / "claim-ids.txt").read_text().split()
REPORTS = Path(__file__).parents[1] / "reports"
FIVE = ("KO", "SC", "UD", "LJ", "ME", "MEQ")
TESTABLE = 316
DISAGREEMENTS = 37


@pytest.fixture(scope="module")
def book() -> Book:
    """Read the shipped claims."""
    return load()


@pytest.fixture(scope="module")
def coverage() -> Coverage:
    """Return the cells of the shipped tables."""
    return Coverage.installed()


def test_every_collected_claim_is_there(book: Book) -> None:
    """All 773 of the collection keep their ids; others were added."""
    assert len(IDS) == len(set(IDS)) == 773
    assert [name for name in IDS if name not in book.claims] == []
    assert {one.id.split("-")[0] for one in book.claims.values()} >= {
        "PS",
        "MS1",
        "MS2",
        "MS3",
        "WTX",
        "FBM",
    }


def test_what_linux_decides(book: Book, coverage: Coverage) -> None:
    """316 of them are testable there, and each has cells, its own or those of its parts."""
    testable = [book.claims[name] for name in IDS if book.claims[name].testable]
    assert len(testable) == TESTABLE
    for claim in (one for one in book.claims.values() if one.testable):
        patterns = [*claim.cells, *(p for part in claim.parts for p in book.claims[part].cells)]
        assert coverage.cells(patterns), claim.id


def test_every_table_has_claims(book: Book, coverage: Coverage) -> None:
    """Of each table a document says something that one of its cells decides."""
    said = {cell.table for claim in book.claims.values() for cell in coverage.cells(claim.cells)}
    assert said == {file.stem for file in table_files(matrix())}


def test_citations(book: Book) -> None:
    """Each has a source with an address, or the name of a printed one, and a place in it."""
    for claim in book.claims.values():
        assert claim.section.strip(), claim.id
        assert claim.url.startswith(("https://", "http://")) or "manual" in claim.url, claim.id
        assert not claim.statement.endswith("."), claim.id
    assert {claim.source.key for claim in book.claims.values()} <= set(book.sources)
    assert set(FIVE) <= {claim.source.key for claim in book.claims.values()}


def test_the_recorded_tables(book: Book) -> None:
    """Microsoft's four tables are there in full: 36 pairs each, and Wine's twenty rows."""
    for table in ("MS0", "MS1", "MS2", "MS3"):
        pairs = [name for name in book.claims if name.startswith(f"{table}-") and name != "MS0-OTHER"]
        assert len(pairs) == 36
    assert sum(name.startswith("WTX-") for name in book.claims) == 20
    assert sum(name.startswith("FBM-") for name in book.claims) == 32
    second = book.claims["MS2-DefW-DefS"]
    assert [term.text for term in second.expect] == ["bind.B=ok"]
    assert second.conditions[""].text == ">=5.2"
    assert "A.socket=any4.none B.socket=lo4.none,if4.none" in str(second.cells[0])


def test_errors_have_their_names_without_wsa(book: Book) -> None:
    """As outcomes have them, on every system."""
    for claim in book.claims.values():
        assert not any("WSA" in term.text for term in claim.expect), claim.id


def test_systems_are_named_once(book: Book) -> None:
    """`any` stands alone."""
    for claim in book.claims.values():
        assert systems.ANY not in claim.os or len(claim.os) == 1, claim.id


def test_every_disagreement_is_decided_by_cells(book: Book, coverage: Coverage) -> None:
    """All that the collection names have sides that name claims, and cells for each side."""
    assert len(book.disagreements) == DISAGREEMENTS
    for one in book.disagreements:
        assert sum(bool(side.claims) for side in one.sides) >= 1, one.topic
        for side in one.sides:
            assert coverage.cells(side.cells), one.topic
            assert side.expect, one.topic


@pytest.fixture(scope="module")
def linux() -> Run:
    """Read the newest committed run of Linux, if it has all tables that there are today."""
    runs = [Run.read(file) for file in sorted((REPORTS / "runs").glob("linux-*.jsonl.gz"))]
    tables = {file.stem for file in table_files(matrix())}
    whole = [run for run in runs if tables <= set(run.header.tables)]
    if not whole:
        pytest.skip("no committed run has all the tables of today")
    return whole[-1]


def test_the_committed_run_decides_what_linux_can(book: Book, coverage: Coverage, linux: Run) -> None:
    """Every testable claim of the collection has a verdict, and every disagreement a side that holds."""
    found = find({"linux": linux}, coverage, book.claims, [book.claims[name] for name in IDS])
    assert [one.claim.id for one in found if one.claim.testable and one.word == "not measured"] == []
    decided = disputes({"linux": linux}, coverage, book.claims, book.disagreements)
    assert [
        one.disagreement.topic for one in decided if not any(t.decided for t in one.tallies["linux"])
    ] == []
