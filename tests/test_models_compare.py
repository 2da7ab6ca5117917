"""Comparing a prediction with an outcome: every facet can be predicted wrongly, and is then named."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from sockmatrix.delivery import Delivery
from sockmatrix.models import Prediction, compare
from sockmatrix.outcome import Outcome, Variant

ONE = Delivery(word="one", heard={"A": 1}, place="first")
SPREAD = Delivery(word="spread", heard={"A": 1, "B": 1}, by="source port")
UNEVEN = Delivery(word="uneven", heard={"A": 1, "B": 1}, always=("A",))

SEEN: dict[str, Any] = {
    "open": 2,
    "failed": {"C": "bind EADDRINUSE"},
    "send": {"x": "EACCES"},
    "connect": {"c": "ECONNREFUSED"},
    "delivery": {"": ONE, "s": SPREAD, "u": UNEVEN},
    "notes": {"n": "ok"},
    "unsent": {"v": "no such address here"},
}


def outcome(**changes: Any) -> Outcome:
    """Return an outcome that has something of everything."""
    return Outcome(n=3, **{**SEEN, **changes})


def delivered(label: str, **changes: Any) -> dict[str, Any]:
    """Return the change of one delivery."""
    changed = msgspec.structs.replace(SEEN["delivery"][label], **changes)
    return {"delivery": {**SEEN["delivery"], label: changed}}


def test_amounts_do_not_count() -> None:
    """Nor how often it was measured, nor whose datagrams came along."""
    assert compare(Prediction(**SEEN), outcome()) == []
    many = outcome(foreign=3, missed=1, **delivered("s", heard={"A": 40, "B": 8}, sent=48))
    assert compare(Prediction(**SEEN), many) == []
    other = {"unsent": {"v": "said in other words"}}
    assert compare(Prediction(**{**SEEN, **other}), outcome()) == []


WRONG = [
    ({"open": 1}, "open"),
    ({"failed": {}}, "C"),
    ({"failed": {"C": "bind EACCES"}}, "C"),
    ({"failed": {"C": "listen EADDRINUSE"}}, "C"),
    ({"failed": {"C": "bind EADDRINUSE", "A": "join ENODEV"}}, "A"),
    ({"send": {}}, "send x"),
    ({"send": {"x": "EPERM"}}, "send x"),
    ({"connect": {}}, "connect c"),
    ({"connect": {"c": "ETIMEDOUT"}}, "connect c"),
    ({"notes": {}}, "note n"),
    ({"notes": {"n": "EINVAL"}}, "note n"),
    ({"notes": {"n": "ok", "m": "ok"}}, "note m"),
    ({"absent": "SO_REUSEPORT_LB"}, "absent"),
    ({"skipped": "no root"}, "skipped"),
    ({"delivery": {}}, "delivery s"),
    (delivered("", word="all", heard={}, place=""), "delivery "),
    (delivered("", heard={"B": 1}), "delivery "),
    (delivered("", place="last"), "delivery "),
    (delivered("", closed=("B",)), "delivery "),
    (delivered("", copies=("A",)), "delivery "),
    (delivered("", control="silent"), "delivery "),
    (delivered("s", by="datagram"), "delivery s"),
    (delivered("s", heard={"A": 1, "C": 1}), "delivery s"),
    (delivered("s", word="some", by=""), "delivery s"),
    (delivered("u", always=()), "delivery u"),
    (delivered("u", unheard=True), "delivery u"),
]


@pytest.mark.parametrize(("change", "named"), WRONG)
def test_every_facet_counts(change: dict[str, Any], named: str) -> None:
    """Whichever of the two is otherwise: it is named, with what was said and what was seen."""
    for problems in (
        compare(Prediction(**{**SEEN, **change}), outcome()),
        compare(Prediction(**SEEN), outcome(**change)) if "skipped" not in change else [named],
    ):
        assert problems
        assert any(text.startswith(named) for text in problems)
    assert all("predicted" in text for text in compare(Prediction(**{**SEEN, **change}), outcome()))


def test_what_told_nothing_contradicts_nothing() -> None:
    """An inconclusive outcome, and one that the lab could not measure."""
    assert compare(Prediction(**SEEN), Outcome(missed=3, inconclusive="it hangs")) == []
    assert compare(Prediction(**SEEN), Outcome(n=3, skipped="no root")) == []
    assert compare(Prediction(skipped="no root"), Outcome(n=3, skipped="in other words")) == []


def test_a_send_that_was_left_out_contradicts_nothing() -> None:
    """A guest without a link has no such destination; what else was sent still counts."""
    seen = outcome(unsent={"s": "no link device", "x": "no link device", "n": "no link device"})
    less = msgspec.structs.replace(
        seen, send={}, notes={}, delivery={label: SEEN["delivery"][label] for label in ("", "u")}
    )
    assert compare(Prediction(**SEEN), less) == []
    wrong = msgspec.structs.replace(less, delivery={"": ONE})
    assert compare(Prediction(**SEEN), wrong) == [
        "delivery u: predicted uneven A+B always=A, measured nothing"
    ]


WORLD = Prediction(open=2, delivery={"": ONE}, notes={"n": "A"})
OTHER = Prediction(open=2, delivery={"": Delivery(word="one", heard={"B": 1}, place="last")})
WORLDS = Prediction(open=2, delivery=WORLD.delivery, notes=WORLD.notes, others=(OTHER,))


def varies(*who: str) -> Outcome:
    """Return an outcome whose repetitions had different winners."""
    told = Delivery(word="one", heard=dict.fromkeys(who, 1), place="varies")
    return Outcome(n=3, open=2, delivery={"": told}, notes={"n": "A"})


def test_where_a_hash_decides_any_world_will_do() -> None:
    """Each whole: what belongs to one world does not go with what belongs to another."""
    assert compare(WORLDS, Outcome(n=1, open=2, delivery={"": ONE}, notes={"n": "A"})) == []
    assert compare(WORLDS, Outcome(n=1, open=2, delivery=OTHER.delivery)) == []
    mixed = compare(WORLDS, Outcome(n=1, open=2, delivery=OTHER.delivery, notes={"n": "A"}))
    assert len(mixed) == 1


def test_winners_that_vary_are_among_the_possible() -> None:
    """`one:varies`."""
    assert compare(WORLDS, varies("A", "B")) == []
    assert compare(WORLDS, varies("A", "C"))
    assert compare(WORLD, varies("A", "B"))


def test_unstable_cells_are_compared_way_by_way() -> None:
    """Each way must be possible."""
    ways = (
        Variant(n=2, open=2, delivery={"": ONE}, notes={"n": "A"}),
        Variant(n=1, open=2, delivery=OTHER.delivery),
    )
    assert compare(WORLDS, Outcome(n=3, variants=ways)) == []
    problems = compare(WORLD, Outcome(n=3, variants=ways))
    assert problems
    assert all(text.startswith("unstable: ") for text in problems)
