"""What is known of a cell on a system: measured, documented, predicted, unknown; never guessed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import fakes
import knowing
import pytest

from sockmatrix.answers import answer, together
from sockmatrix.claims import expect
from sockmatrix.claims.entail import entails
from sockmatrix.claims.shape import shape

if TYPE_CHECKING:
    from pathlib import Path

    from miniatures import Platform

PAIR = knowing.cell("fan-out/dest:if4/A:any4.addr/B:any4.addr")
GROUP = knowing.cell("fan-out/dest:group4/A:any4.addr/B:any4.addr")
ALL = expect.parse("delivery=all")
ONE = expect.parse("delivery=one|spread")
BOUND = expect.parse("bind.every=ok")


def test_nothing_is_known_of_a_system_that_nobody_speaks_of() -> None:
    """One piece of evidence says so, and answers nothing."""
    (only,) = knowing.knowledge().known(PAIR, "haiku")
    assert (only.kind, only.words, only.source) == ("unknown", "not known", "")
    assert only.tells(ALL).holds is None
    assert (only.opened("A"), only.heard("")) == ("", ())
    assert answer([only], ALL).holds is None


def test_the_newest_release_that_was_measured_comes_first() -> None:
    """And what was measured is not predicted."""
    runs = [
        knowing.run([PAIR], fakes.LAST, release="6.9.1"),
        knowing.run([PAIR], fakes.EVERYTHING, release="6.12.1"),
        knowing.run([PAIR], fakes.FIRST, release="6.10.0"),
    ]
    found = knowing.knowledge(runs).known(PAIR, "linux")
    assert [one.kind for one in found] == ["measured"] * 3
    assert [one.words for one in found] == ["all", "first", "last"]
    assert [one.about for one in found] == ["linux 6.12.1", "linux 6.10.0", "linux 6.9.1"]


@pytest.mark.parametrize(
    ("platform", "bound", "all_hear", "one_hears", "heard"),
    [
        (fakes.EVERYTHING, True, True, False, ("all",)),
        (fakes.LAST, True, False, True, ("only:B",)),
        (fakes.FIRST, True, False, True, ("only:A",)),
        (fakes.SPREADS, True, False, True, ("spread",)),
        (fakes.NOBODY, True, False, False, ("none",)),
        (fakes.REFUSES, False, False, False, ("all",)),
        (fakes.BSD, False, False, False, ("all",)),
        (fakes.HANGS, None, None, None, None),
    ],
    ids=lambda value: getattr(value, "name", None),
)
def test_what_a_measurement_answers(
    platform: Platform,
    bound: bool | None,
    all_hear: bool | None,
    one_hears: bool | None,
    heard: tuple[str, ...] | None,
) -> None:
    """As the platform does; one that told nothing is no evidence."""
    found = knowing.knowledge([knowing.run([PAIR], platform, "macos", "15.5")]).known(PAIR, "macos")
    assert [answer(found, term).holds for term in (BOUND, ALL, ONE)] == [bound, all_hear, one_hears]
    assert found[0].kind == ("unknown" if bound is None else "measured")
    if heard is not None:
        assert found[0].heard("") == heard
        assert found[0].opened("B") == ("ok" if bound else "EADDRINUSE")


def test_another_version_of_the_steps_is_no_evidence() -> None:
    """What the id meant then is not what it means now."""
    old = knowing.run([PAIR], fakes.LAST, "macos", "15.5")
    lines = {PAIR.id: type(old.cells[PAIR.id]).of(PAIR.id, 0, old.cells[PAIR.id])}
    run = type(old)(old.path, old.header, lines, old.footer)
    assert [one.kind for one in knowing.knowledge([run]).known(PAIR, "macos")] == ["unknown"]


def test_linux_is_predicted_where_nobody_measured() -> None:
    """By the reference model, and it says so."""
    (only,) = knowing.knowledge().known(PAIR, "linux")
    assert (only.kind, only.source) == ("predicted", "the model of Linux 6.18.44")
    assert only.heard("") == ("only:B",)
    assert only.tells(ONE).holds is True
    (crowd,) = knowing.knowledge().known(knowing.cell("fan-out/dest:group4/5x:any4.addr"), "linux")
    assert (crowd.kind, crowd.heard("")) == ("predicted", ("all",))


def test_documents_by_authority_and_what_they_do_not_say(tmp_path: Path) -> None:
    """A document that says nothing of delivery gives nothing about delivery."""
    book = knowing.documents(
        tmp_path / "c",
        "BLOG-1 macos | table=fan-out dest=if4 | delivery=all",
        "MAN-1 macos,freebsd | table=fan-out dest=if4 | bind.B=ok",
        "MAN-2 macos | table=fan-out dest=if4 | delivery=one:last",
        "MAN-3 freebsd | table=fan-out dest=if4 | delivery=none",
        "MAN-4 macos | table=fan-out dest=limited | delivery=none",
    )
    found = knowing.knowledge(book=book).known(PAIR, "macos")
    assert [one.claim.id for one in found if one.claim] == ["MAN-2", "MAN-1", "BLOG-1"]
    assert [one.kind for one in found] == ["documented"] * 3
    assert [one.tells(ALL).holds for one in found] == [False, None, True]
    assert [one.opened("B") for one in found] == ["", "ok", "ok"]
    finding = answer(found, ALL)
    assert (finding.holds, finding.kind) == (False, "documented")
    assert [one.claim.id for one in finding.against if one.claim] == ["BLOG-1"]
    assert answer(found, BOUND).holds is True


def test_what_was_measured_is_contradicted_by_no_document(tmp_path: Path) -> None:
    """The document is still named, after the measurement."""
    book = knowing.documents(tmp_path / "c", "MAN-1 macos | table=fan-out | delivery=none")
    runs = [knowing.run([PAIR], fakes.EVERYTHING, "macos", "15.5")]
    found = knowing.knowledge(runs, book).known(PAIR, "macos")
    assert [one.kind for one in found] == ["measured", "documented"]
    assert answer(found, ALL) == answer(found[:1], ALL)
    assert answer(found, ALL).against == ()


def test_a_document_about_every_system_that_is_wrong_on_one_counts_no_more(tmp_path: Path) -> None:
    """It is named last, with the platform where it does not hold."""
    book = knowing.documents(tmp_path / "c", "MAN-1 any | table=fan-out | delivery=one")
    runs = [knowing.run([GROUP], fakes.EVERYTHING)]
    (found,) = knowing.knowledge(runs, book).known(GROUP, "windows")
    assert found.refuted == "linux 6.12.1"
    assert found.tells(ALL).holds is None
    (other,) = knowing.knowledge(runs, book).known(PAIR, "windows")
    assert (other.refuted, other.tells(ALL).holds) == ("", False)


def test_versions_of_documents(tmp_path: Path) -> None:
    """They are read for the release that is meant, or the newest that any of them speaks of."""
    book = knowing.documents(
        tmp_path / "c",
        "MAN-1 windows | table=fan-out | delivery=none | <5.2",
        "MAN-2 windows | table=fan-out | delivery=all | >=5.2",
    )
    known = knowing.knowledge(book=book)
    assert [one.versions for one in known.known(PAIR, "windows")] == [">=5.2"]
    scenarios = {name: one.scenario for name, one in knowing.TABLES.items()}
    from sockmatrix.claims.versions import release
    from sockmatrix.evidence import Knowledge

    old = release("5.1")
    assert old is not None
    then = Knowledge((), book.claims.values(), scenarios, {"windows": old})
    assert [one.versions for one in then.known(PAIR, "windows")] == ["<5.2"]


def test_together_the_weakest_link_counts() -> None:
    """One that does not hold decides, then one that is not known, then the weakest evidence."""
    runs = [knowing.run([PAIR], fakes.EVERYTHING)]
    known = knowing.knowledge(runs)
    yes = answer(known.known(PAIR, "linux"), ALL)
    predicted = answer(known.known(GROUP, "linux"), ALL)
    no = answer(known.known(PAIR, "linux"), ONE)
    open_ = answer(known.known(PAIR, "haiku"), ALL)
    assert together([yes, predicted]).kind == "predicted"
    assert together([yes, open_, no]) == no
    assert together([open_, yes]) == open_
    assert together([]).holds is None


SHAPE = shape(knowing.TABLES["fan-out"].scenario.steps(PAIR))


@pytest.mark.parametrize(
    ("said", "asked", "holds"),
    [
        ("delivery=all", "bind.every=ok", True),
        ("delivery=one:last", "bind.every=ok", None),
        ("bind.B=ok", "bind.every=ok", True),
        ("bind.B=ok", "delivery=all", None),
        ("bind.B=EADDRINUSE", "bind.every=ok", False),
        ("bind.B=EADDRINUSE", "bind.A=ok", True),
        ("bind.B=EADDRINUSE", "bind.B=error", True),
        ("bind.B=EADDRINUSE", "bind.B=EACCES", False),
        ("bind.B=error", "bind.B=EACCES", None),
        ("bind.B=error", "delivery=all", False),
        ("bind.B=ok|error", "bind.B=ok", None),
        ("status.every=ok", "bind.B=ok", True),
        ("delivery=one|spread", "delivery=one|spread", True),
        ("delivery=one:first|one:last", "delivery=one|spread", True),
        ("delivery=one", "delivery=one:last", None),
        ("delivery=not-all", "delivery=all", False),
        ("delivery=not-all", "delivery=none", None),
        ("delivery=any", "delivery=none", False),
        ("delivery=only:A", "delivery=all", False),
        ("delivery=only:A+B", "delivery=all", True),
        ("delivery=hears:B", "delivery=all", None),
        ("delivery=not:B", "delivery=all", False),
        ("delivery=all", "delivery=hears:B", True),
        ("delivery=only:A", "delivery=hears:B", False),
        ("delivery=one:last", "delivery=hears:B", True),
        ("delivery=one", "delivery=hears:B", None),
        ("send=EACCES", "delivery=all", False),
        ("send=EACCES", "send=error", True),
        ("send=ok", "delivery=all", None),
        ("exists=no", "exists=yes", False),
        ("exists=no", "delivery=all", None),
        ("delivery=all", "exists=yes", None),
    ],
)
def test_what_a_document_entails(said: str, asked: str, holds: bool | None) -> None:
    """Yes, no, or that it does not say; a bind is never read as "hears"."""
    answered = entails([expect.parse(said)], expect.parse(asked), SHAPE)
    assert answered.holds is holds
