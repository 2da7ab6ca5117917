"""Trials: who is open, whose port was taken, and the raw observation that a trial ends in."""

from __future__ import annotations

import pytest
import trials
from hypothesis import given
from hypothesis import strategies as st
from trials import Cell, Trial, Turn, bitmap, observation, sequence_numbers
from voices import Pool, Voice

LOBCAST = ("lobcast", None)
VOICES = [
    Voice("lo4", "127.0.0.1", Pool(2, ()), 2, ("lo4", None)),
    Voice("lobcast", "127.255.255.255", Pool(2, ()), 2, LOBCAST),
]


def make(receivers: str = "AB", *, listens: bool = False) -> Trial:
    """Return a trial with two voices and some receivers."""
    cell = Cell(
        "cell",
        tuple(Turn(role, 0) for role in receivers),
        VOICES,
        tuple(receivers),
        tuple(receivers),
        tuple(voice.label for voice in VOICES),
        (),
        listens,
        solo=False,
    )
    return Trial(cell, 7, 10007, "239.192.0.7")


@pytest.mark.parametrize(
    ("failures", "listens", "expected"),
    [
        ({}, False, 2),
        ({"B": "bind EADDRINUSE"}, False, 1),
        ({"B": "socket EMFILE"}, False, 1),
        ({"B": "set SO_REUSEPORT ENOPROTOOPT"}, False, 1),
        ({"B": "join ENODEV"}, False, 2),
        ({"A": "bind EADDRNOTAVAIL", "B": "bind EADDRNOTAVAIL"}, False, 0),
        ({"B": "listen EADDRINUSE"}, True, 1),
        ({"J": "join ENODEV"}, False, 2),
    ],
)
def test_who_can_hear(failures: dict[str, str], listens: bool, expected: int) -> None:
    """What fails after bind leaves a socket that hears; a TCP socket must listen as well."""
    trial = make(listens=listens)
    trial.failures = failures
    assert trial.open_roles() == expected


@pytest.mark.parametrize(
    ("failure", "expected"),
    [
        ("bind EADDRINUSE", True),
        ("bind EACCES", True),
        ("bind EADDRNOTAVAIL", False),
        ("listen EADDRINUSE", False),
        ("set SO_REUSEPORT EACCES", False),
    ],
)
def test_a_port_is_taken_when_the_first_socket_is_refused_it(failure: str, expected: bool) -> None:
    """Only in the first turn: it has nobody of its own cell to conflict with."""
    trial = make()
    assert not trial.port_was_taken()
    trial.fail("B", failure)
    assert not trial.port_was_taken()
    trial.fail("A", failure, first=True)
    assert trial.port_was_taken() == expected


def test_a_cell_without_receivers_has_no_taken_port() -> None:
    """A sender alone takes none."""
    assert not make("").port_was_taken()


def planned(*closed: tuple[str, ...], at_last: tuple[str, ...] = ()) -> Trial:
    """Return a trial of which the steps say who is closed when each of the two voices speaks."""
    cell = make().cell._replace(closed=closed, closed_at_last=at_last)
    return Trial(cell, 7, 10007, "239.192.0.7")


def test_who_is_closed_by_the_steps_is_not_counted_as_open() -> None:
    """For each voice its own."""
    trial = planned(("B",), ())
    assert trial.open_roles(0) == 2  # before it speaks
    for index in range(2):
        trial.begin(index)
    assert [trial.voicings[index].closed for index in range(2)] == [("B",), ()]
    assert [trial.open_roles(index) for index in range(2)] == [1, 2]


def test_who_turned_out_to_be_shut_is_closed_as_well() -> None:
    """A bind that was only tried has no failure; whoever failed, or receives nothing, is no news."""
    trial = planned(("B",), ())
    trial.shut = {"A": True, "B": True, "X": True}
    trial.failures = {}
    trial.begin(0)
    trial.begin(1)
    assert [voicing.closed for voicing in trial.voicings] == [("B", "A"), ("A", "B")]
    trial.fail("A", "bind EADDRINUSE")
    trial.begin(1)
    assert [*trial.voicings[1].closed] == ["B"]
    trial.shut["B"] = False
    trial.begin(1)
    assert [*trial.voicings[1].closed] == []


def test_who_is_refused_and_who_is_closed_cannot_hear() -> None:
    """Both are left out of those that are open."""
    trial = planned(("B",), ("A",))
    trial.fail("A", "bind EADDRINUSE")
    trial.begin(0)
    assert trial.open_roles(0) == 0


def test_an_observation_says_who_was_closed_and_who_spoke() -> None:
    """When each voice spoke, and in the end."""
    trial = planned(("B",), ("A", "B"), at_last=("B",))
    own = trial.cell.voices[1]._replace(own=True, pool=None)
    trial.cell = trial.cell._replace(voices=[trial.cell.voices[0]._replace(pool=None), own])
    for index in range(2):
        trial.begin(index)
        trial.voicings[index].sent = 1
    trial.shut = {"A": True}
    trial.notes = {"tried": "EADDRINUSE"}
    seen = observation(trial.cell.labels, trial.cell.shape, trial.seen([]))
    assert seen["sends"] == {
        "lo4": {"sent": "1", "closed": ["B"], "connects": True},
        "lobcast": {"sent": "1", "closed": ["A", "B"], "own": True},
    }
    assert seen["closed"] == ["B", "A"]
    assert seen["notes"] == {"tried": "EADDRINUSE"}


def test_what_is_heard_in_several_drains_adds_up() -> None:
    """And what is heard again, in the same drain or a later one, is told."""
    trial = make()
    trial.hear("A", 0, 0b0011)
    trial.hear("A", 0, 0b1100)
    trial.hear("B", 0, 0b0011, again=0b0001)
    trial.hear("B", 0, 0b0110)
    assert trial.voicings[0].heard == {"A": 0b1111, "B": 0b0111}
    assert trial.voicings[0].again == {"B": 0b0011}
    assert trial.voicings[1].heard == {}


def test_only_a_timed_out_connection_is_undecided() -> None:
    """Any other errno says something."""
    trial = make()
    assert not trial.timed_out()
    trial.voicings[1].error = "ENETUNREACH"
    assert not trial.timed_out()
    trial.voicings[1].error = "ETIMEDOUT"
    assert trial.timed_out()


def test_an_observation_says_all_that_was_seen() -> None:
    """In the form of the probe protocol, with hex bitmaps, by the labels of the cell."""
    trial = make()
    trial.failures = {"B": "join ENODEV"}
    trial.foreign = 3
    first, second = trial.voicings
    first.sent = 0xFF
    trial.hear("B", 0, 0xFF)
    trial.hear("A", 0, 0x0F, again=0x01)
    second.sent, second.refused, second.error = 0b1, 0b100, "ENETUNREACH"
    assert observation(trial.cell.labels, trial.cell.shape, trial.seen([])) == {
        "roles": {"A": "ok", "B": "join ENODEV"},
        "sends": {
            "lo4": {"sent": "ff", "heard": {"A": "f", "B": "ff"}, "again": {"A": "1"}},
            "lobcast": {"sent": "1", "refused": "4", "error": "ENETUNREACH"},
        },
        "foreign": 3,
    }


def test_an_observation_leaves_out_what_is_empty() -> None:
    """Nothing sent: no record of a send, and no key without a value."""
    trial = make()
    assert observation(trial.cell.labels, trial.cell.shape, trial.seen([])) == {
        "roles": {"A": "ok", "B": "ok"}
    }
    trial.voicings[0].sent = 1
    assert observation(trial.cell.labels, trial.cell.shape, trial.seen([]))["sends"] == {
        "lo4": {"sent": "1"}
    }


def test_a_silent_control_is_noted_for_what_was_silent() -> None:
    """By the kind of destination, and never where somebody heard."""
    trial = make()
    for voicing in trial.voicings:
        voicing.sent = 1
    sends = observation(trial.cell.labels, trial.cell.shape, trial.seen([LOBCAST]))["sends"]
    assert sends == {"lo4": {"sent": "1"}, "lobcast": {"sent": "1", "control": "silent"}}
    trial.hear("A", 1, 1)
    sends = observation(trial.cell.labels, trial.cell.shape, trial.seen([LOBCAST]))["sends"]
    assert sends["lobcast"] == {"sent": "1", "heard": {"A": "1"}}


def test_equal_repetitions_are_equal_and_hashable() -> None:
    """Whatever the order in which roles were heard; ports and trial numbers do not count."""
    one, other = make(), Trial(make().cell, 8, 10008, "239.192.0.8")
    for trial, order in ((one, "AB"), (other, "BA")):
        for role in order:
            trial.hear(role, 0, 1)
    assert len({one.seen([]), other.seen([])}) == 1


@given(st.sets(st.integers(0, 3199), max_size=300).map(lambda numbers: tuple(sorted(numbers))))
def test_bitmaps_and_sequence_numbers_are_the_same_thing(numbers: tuple[int, ...]) -> None:
    """One way and back."""
    assert sequence_numbers(bitmap(numbers)) == numbers
    assert bitmap(()) == 0
    assert trials.bitmap((0, 3)) == 0b1001
