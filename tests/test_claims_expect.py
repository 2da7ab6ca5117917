"""Terms about outcomes: what they say of every kind of outcome, and which texts are none."""

from __future__ import annotations

from typing import Any

import pytest

from sockmatrix.claims import expect
from sockmatrix.claims.expect import ExpectError
from sockmatrix.claims.shape import Shape, shape
from sockmatrix.outcome import Delivery, Outcome

PAIR = shape(
    [
        ["A", [["socket", "udp4"], ["set", "SO_REUSEADDR", 1], ["bind", "lo4"]]],
        [
            "B",
            [["socket", "udp4"], ["set", "SO_REUSEADDR", 1], ["bind", "lo4"], ["join", "group4", "if4"]],
        ],
        ["X", [["socket", "udp4"], ["note", "told", ["tell", "lo4", "P"]]]],
        ["S", [["send", "lo4", "lo4", {}], ["send", "if4", "if4", {}]]],
    ]
)
LISTENERS = shape(
    [
        ["A", [["socket", "tcp4"], ["bind", "lo4"], ["listen", 1]]],
        ["B", [["socket", "tcp4"], ["bind", "lo4"], ["listen", 1]]],
        ["S", [["connect", "lo4", "lo4"]]],
    ]
)


def outcome(opened: int = 2, **facets: Any) -> Outcome:
    """Return what three repetitions amount to."""
    return Outcome(n=3, open=opened, **facets)


def heard(word: str, *who: str, always: tuple[str, ...] = (), place: str = "") -> dict[str, Delivery]:
    """Return deliveries of both labels that `who` heard."""
    made: dict[str, Any] = {"word": word, "always": always, "place": place, "sent": 8}
    one = Delivery(heard=dict.fromkeys(who, 4), **made)
    return {"lo4": one, "if4": one}


ALL, NONE = outcome(delivery=heard("all")), outcome(delivery=heard("none"))
FIRST = outcome(delivery=heard("one", "A", place="first"))
LAST = outcome(delivery=heard("one", "B", place="last"))
VARIES = outcome(delivery=heard("one", "A", "B", place="varies"))
SPREAD = outcome(delivery=heard("spread", "A", "B"))
UNEVEN = outcome(delivery=heard("uneven", "A", "B", always=("B",)))
REFUSED = outcome(1, failed={"B": "bind EADDRINUSE"}, delivery=heard("all"))
EACCES = outcome(send={"lo4": "EACCES", "if4": "EACCES"})
DEAF = outcome(0, failed={"A": "bind EADDRNOTAVAIL", "B": "bind EADDRNOTAVAIL"})


def told(text: str, seen: Outcome, own: Shape = PAIR) -> bool | None:
    """Return whether a term holds."""
    return expect.parse(text).judge(own, seen).holds


@pytest.mark.parametrize(
    ("text", "holds", "fails"),
    [
        ("delivery=all", [ALL], [NONE, FIRST, LAST, SPREAD, UNEVEN, REFUSED, EACCES, DEAF]),
        ("delivery=none", [NONE, EACCES], [ALL, FIRST, SPREAD, UNEVEN, REFUSED]),
        ("delivery=not-all", [NONE, FIRST, SPREAD, UNEVEN, REFUSED, EACCES, DEAF], [ALL]),
        ("delivery=any", [ALL, FIRST, VARIES, SPREAD, UNEVEN, REFUSED], [NONE, EACCES, DEAF]),
        ("delivery=one", [FIRST, LAST, VARIES], [ALL, NONE, SPREAD, UNEVEN, REFUSED]),
        ("delivery=one:first", [FIRST], [LAST, VARIES, ALL]),
        ("delivery=one:last", [LAST], [FIRST, VARIES, REFUSED]),
        ("delivery=one:varies", [VARIES], [FIRST, LAST]),
        ("delivery=one:B", [LAST], [FIRST, VARIES, ALL]),
        ("delivery=only:A+B", [ALL], [FIRST, SPREAD, NONE]),
        ("delivery=only:A", [FIRST], [ALL, LAST, SPREAD]),
        ("delivery=hears:A", [ALL, FIRST, REFUSED], [LAST, SPREAD, UNEVEN, NONE, DEAF]),
        ("delivery=hears:B", [ALL, LAST, UNEVEN], [FIRST, REFUSED]),
        ("delivery=not:A", [LAST, NONE], [ALL, FIRST, SPREAD, UNEVEN]),
        ("delivery=spread", [SPREAD], [ALL, FIRST, UNEVEN]),
        ("delivery=spread:all", [SPREAD], [ALL]),
        ("delivery=spread:A+B", [SPREAD], [FIRST]),
        ("delivery=one:first|spread", [FIRST, SPREAD], [LAST]),
        ("send=ok", [ALL, NONE, SPREAD], [EACCES]),
        ("send=EACCES", [EACCES], [ALL]),
        ("send.if4=error", [EACCES], [ALL]),
        ("bind.B=ok", [ALL, NONE], [REFUSED, DEAF]),
        ("bind.B=EADDRINUSE", [REFUSED], [ALL, DEAF]),
        ("bind.B=error", [REFUSED, DEAF], [ALL]),
        ("bind.every=ok", [ALL], [REFUSED, DEAF]),
        ("bind.some=ok", [ALL, REFUSED], [DEAF]),
        ("bind.first=ok", [ALL, REFUSED], [DEAF]),
        ("bind.last=ok|EADDRINUSE", [ALL, REFUSED], [DEAF]),
        ("status.B=error", [REFUSED], [ALL]),
        ("exists=yes", [ALL, DEAF], [outcome(absent="SO_REUSEPORT")]),
        ("exists=no", [outcome(absent="SO_REUSEPORT")], [ALL]),
    ],
)
def test_what_terms_say(text: str, holds: list[Outcome], fails: list[Outcome]) -> None:
    """Each word of a claim, against one outcome of each kind."""
    assert [told(text, one) for one in holds] == [True] * len(holds)
    assert [told(text, one) for one in fails] == [False] * len(fails)


@pytest.mark.parametrize(
    ("text", "seen", "why"),
    [
        ("delivery=none", DEAF, "no socket is open"),
        ("delivery=not:A", DEAF, "no socket is open"),
        ("delivery=not:B", REFUSED, "B was refused"),
        ("delivery=only:A", REFUSED, "a socket was refused"),
        ("bind.B=ok", outcome(1, failed={"B": "set SO_REUSEADDR EINVAL"}), "B did not get so far: set"),
        ("join.B=ok", REFUSED, "B did not get so far: bind EADDRINUSE"),
        ("bind.A=ok", outcome(absent="SO_REUSEPORT"), "there is no SO_REUSEPORT here"),
        ("delivery.if4=all", outcome(unsent={"if4": "no link"}), "if4 was not sent: no link"),
        ("send.if4=ok", outcome(unsent={"if4": "no link"}), "if4 was not sent: no link"),
        ("note.told=ok", ALL, "nothing was noted under told"),
    ],
)
def test_what_cannot_be_told(text: str, seen: Outcome, why: str) -> None:
    """What was never tried says nothing about a claim, neither yes nor no; and why is said."""
    answer = expect.parse(text).judge(PAIR, seen)
    assert answer.holds is None
    assert answer.why.startswith(why)


def test_a_failed_join_leaves_the_socket_open() -> None:
    """It is not refused: it may hear, and its bind is fine."""
    seen = outcome(failed={"B": "join ENODEV"}, delivery=heard("one", "A", place="first"))
    assert told("bind.B=ok", seen)
    assert told("join.B=ENODEV", seen)
    assert told("delivery=only:A", seen)
    assert told("delivery=not:B", seen)


def test_notes() -> None:
    """A note is compared as it is, or with a glob."""
    seen = outcome(notes={"told": "heard=a from=lo4:P"})
    assert told("note.told=ok|heard=a from=lo4:P", seen)
    assert told("note.told~heard=*", seen)
    assert told("note.told=heard=a", seen) is False
    assert told("note.told~E*", seen) is False


def test_connections() -> None:
    """A refused connection reached nobody; a listener that may not listen is not open."""
    reached = outcome(delivery={"lo4": Delivery(word="all", sent=4)})
    nobody = outcome(delivery={"lo4": Delivery(word="none", sent=4)})
    assert told("connect.lo4=ok", reached, LISTENERS)
    assert told("connect=ECONNREFUSED", nobody, LISTENERS)
    assert told("connect=ok", nobody, LISTENERS) is False
    alone = outcome(1, failed={"B": "listen EADDRINUSE"}, delivery={"lo4": Delivery(word="all", sent=4)})
    assert told("bind.B=ok", alone, LISTENERS)
    assert told("listen.B=EADDRINUSE", alone, LISTENERS)
    assert told("delivery.lo4=all", alone, LISTENERS) is False
    assert told("delivery.lo4=hears:A", alone, LISTENERS)
    assert told("connect=EHOSTUNREACH", outcome(connect={"lo4": "EHOSTUNREACH"}), LISTENERS)


def test_all_terms_together() -> None:
    """One that does not hold decides; else one that cannot be told."""
    terms = [expect.parse(text) for text in ("delivery.lo4=hears:A", "bind.B=ok", "delivery.if4=not:B")]
    assert expect.judge(terms, PAIR, REFUSED)[0].holds is False
    assert expect.judge(terms, PAIR, REFUSED)[1] == "bind.B=ok"
    assert expect.judge(terms[::2], PAIR, REFUSED)[0] == (None, "B was refused")
    assert expect.judge(terms, PAIR, FIRST)[0].holds is True


def test_sockets_that_are_closed_when_it_is_sent() -> None:
    """What a label reached is about the sockets that are open then; the others are left out."""
    steps: list[list[Any]] = [
        ["A", [["socket", "udp4"], ["bind", "lo4"]]],
        ["S", [["send", "one", "lo4", {}]]],
        ["B", [["socket", "udp4"], ["bind", "lo4"]]],
        ["B.other", [["socket", "udp4"], ["bind", "lo4", "P+1"]]],
        ["A", [["close"]]],
        ["S", [["send", "two", "lo4", {}], ["send", "three", "lo4", {"port": "P+1"}]]],
        ["B", [["exit"]]],
        ["S", [["send", "four", "lo4", {}]]],
    ]
    own = shape(steps)
    assert own.receivers == ("A", "B", "B.other")
    assert {label: sorted(closed) for label, closed in own.closed.items()} == {
        "one": ["B", "B.other"],
        "two": ["A", "B.other"],
        "three": ["A", "B"],
        "four": ["A", "B", "B.other"],
    }
    seen = outcome(3, delivery={label: Delivery(word="all", sent=4) for label in own.sends})
    assert told("delivery.one=only:A", seen, own)
    assert told("delivery.two=only:B", seen, own)
    assert told("delivery.three=hears:B.other", seen, own)
    assert told("delivery.two=hears:A", seen, own) is False
    # A socket that is refused later was not meant to hear yet.
    refused = outcome(2, failed={"B": "bind EADDRINUSE"}, delivery=seen.delivery)
    assert told("delivery.one=all", refused, own)
    assert told("delivery.two=all", refused, own) is False


@pytest.mark.parametrize(
    ("text", "unfit"),
    [
        ("bind.C=ok", "no role C"),
        ("listen.A=ok", "no socket that tries to listen"),
        ("join.A=ok", "no socket that tries to join"),
        ("join.B=ok", ""),
        ("status.X=ok", ""),
        ("set.A=ok", ""),
        ("delivery.lo6=all", "no label lo6"),
        ("delivery.lo4=hears:C", "no receiver C"),
        ("delivery=only:A+X", "no receiver X"),
        ("connect=ok", "nothing sent"),
        ("note.tale=ok", "no note tale"),
        ("note.told=ok", ""),
        ("exists=no", ""),
    ],
)
def test_terms_about_nothing(text: str, unfit: str) -> None:
    """A term that speaks of what a cell does not have is found out."""
    assert expect.parse(text).unfit(PAIR) == unfit


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("bind.B", "is not a term such as"),
        ("bind=ok", "say of which socket"),
        ("bind.none=ok", "say of which socket"),
        ("bind.b=ok", "say of which socket"),
        ("bind.B=EADDRINUSE|", "an empty value"),
        ("bind.B=refused", '"refused" is not ok, error, or the name of an errno'),
        ("bind.B~E*", "only note.LABEL~GLOB takes a glob"),
        ("send=none", '"none" is not ok'),
        ("delivery=everybody", 'unknown word "everybody"; allowed: all, none'),
        ("delivery=hears:a", 'unknown word "hears:a"'),
        ("note=ok", "say which note"),
        ("exists.A=no", "write exists=no or exists=yes"),
        ("exists=perhaps", "write exists=no or exists=yes"),
        ("option.A=ok", 'unknown "option"; allowed: bind, listen'),
    ],
)
def test_texts_that_are_no_terms(text: str, problem: str) -> None:
    """They are refused in one line that quotes them."""
    with pytest.raises(ExpectError) as caught:
        expect.parse(text)
    assert problem in str(caught.value)
    assert "\n" not in str(caught.value)
