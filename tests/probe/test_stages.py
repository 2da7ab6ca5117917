"""How many datagrams it takes: the numbers, every branch, and that it always ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import stages
from hypothesis import given
from hypothesis import strategies as st

if TYPE_CHECKING:
    from collections.abc import Callable

SINGLE = stages.SINGLE_PORTS


def ports(bits: int) -> set[int]:
    """Return the source ports of some sequence numbers."""
    return {number >> 1 for number in range(bits.bit_length()) if bits >> number & 1}


def both(count: int) -> int:
    """Return both sequence numbers of so many source ports."""
    return int("11" * count, 2)


def firsts(count: int) -> int:
    """Return the first sequence number of so many source ports."""
    return int("01" * count, 2)


@pytest.mark.parametrize(
    ("doubt", "expected"),
    [
        (1e-6, {1: 1, 2: 21, 3: 37, 12: 188, 64: 1142}),
        (1e-9, {1: 1, 2: 31, 3: 54, 12: 267, 64: 1580}),
    ],
)
def test_source_ports_to_meet_every_socket(
    monkeypatch: pytest.MonkeyPatch, doubt: float, expected: dict[int, int]
) -> None:
    """The known numbers for a doubt of one in a million, and of one in a billion."""
    monkeypatch.setattr(stages, "DOUBT", doubt)
    assert {sockets: stages.ports_to_meet(sockets) for sockets in expected} == expected


@pytest.mark.parametrize("sockets", [2, 3, 12, 64])
def test_no_port_more_than_the_doubt_asks_for(sockets: int) -> None:
    """The smallest number of ports with N * (1 - 1/N) ** ports <= doubt (coupon collector)."""
    ports = stages.ports_to_meet(sockets)
    missed = [sockets * (1 - 1 / sockets) ** count for count in (ports, ports - 1)]
    assert missed[0] <= stages.DOUBT < missed[1]


def test_a_single_winner_is_as_sure_as_a_spread_over_two() -> None:
    """Two sockets that share evenly are the hardest to tell from one that gets all."""
    assert stages.ports_to_meet(2) == SINGLE


def test_more_ports_are_never_needed_than_there_are_sequence_numbers_for() -> None:
    """64 sockets are the most a spread is followed to the end for."""
    assert stages.ports_to_meet(64) <= stages.MOST_PORTS


@pytest.mark.parametrize(
    ("opened", "connections", "fixed", "expected"),
    [
        (1, False, None, both(2)),
        (2, False, None, both(4)),
        (12, False, None, both(4)),
        (1, True, None, firsts(1)),
        (3, True, None, firsts(4)),
        (1, False, 40, both(40)),
        (3, True, 40, firsts(40)),
    ],
)
def test_the_first_stage(opened: int, connections: bool, fixed: int | None, expected: int) -> None:
    """Few source ports, fewer for a lone socket; datagrams in pairs, connections once a port."""
    assert stages.first(opened, connections=connections, ports=fixed) == expected


@pytest.mark.parametrize(
    ("why", "opened", "heard"),
    [
        ("a lone socket has nobody to share with", 1, [both(4)]),
        ("nobody heard", 3, []),
        ("nobody heard, in so many words", 3, [0, 0]),
        ("all heard all", 2, [both(4), both(4)]),
        ("some heard the same", 3, [both(4), both(4)]),
        ("two overlap in one datagram", 3, [0b0011, 0b1110]),
    ],
)
def test_what_the_first_datagrams_settle(why: str, opened: int, heard: list[int]) -> None:
    """Nothing more is sent where it could not change the answer."""
    assert stages.more(opened, both(4), heard, connections=False) == 0, why


@pytest.mark.parametrize("connections", [False, True])
def test_a_single_hearer_must_win_at_many_source_ports(connections: bool) -> None:
    """One socket that heard all of few may still share with others: the rest, one datagram a port."""
    sent = stages.first(3, connections=connections)
    more = stages.more(3, sent, [sent], connections=connections)
    assert more & sent == 0
    enough = stages.SINGLE_CONNECTIONS if connections else SINGLE
    assert ports(more | sent) == set(range(enough))
    assert more == firsts(enough) & ~sent
    assert stages.more(3, sent | more, [sent | more], connections=connections) == 0


@pytest.mark.parametrize("connections", [False, True])
def test_a_single_hearer_that_is_known_is_only_confirmed(connections: bool) -> None:
    """Two source ports; a known spread of connections likewise, not one of datagrams."""
    sent = stages.first(3, connections=connections, confirms=True)
    assert ports(sent) == {0, 1}
    assert stages.more(3, sent, [sent], connections=connections, confirms=True) == 0
    split = [sent & 1, sent & ~1]
    unknown = stages.more(3, sent, split, connections=connections)
    assert unknown
    known = stages.more(3, sent, split, connections=connections, confirms=True)
    assert known == (0 if connections else unknown)


def test_a_closed_spread_is_asked_for_pairs() -> None:
    """All sockets heard: only pairs of a source port can say what the spread goes by."""
    sent = both(4)
    more = stages.more(2, sent, [0b00001111, 0b11110000], connections=False)
    assert sent | more == both(SINGLE)
    assert stages.more(2, both(SINGLE), [0b11, both(SINGLE) & ~0b11], connections=False) == 0


def test_a_closed_spread_of_connections_is_settled() -> None:
    """A source port connects once, so there are no pairs to ask for."""
    assert stages.more(2, firsts(4), [0b00000101, 0b01010000], connections=True) == 0


@pytest.mark.parametrize(("connections", "make"), [(False, both), (True, firsts)])
def test_an_open_spread_doubles_up_to_the_bound(connections: bool, make: Callable[[int], int]) -> None:
    """Two of twelve heard: twice as many ports each time, and at last as many as meet all twelve."""
    sent = make(4)
    steps = [4]
    while True:
        halves = [sent & 0b11, sent & ~0b11]
        more = stages.more(12, sent, halves, connections=connections)
        if not more:
            break
        sent |= more
        steps.append(len(ports(sent)))
    assert sent == make(stages.ports_to_meet(12))
    for before, now in zip(steps, steps[1:]):  # noqa: B905, RUF007 - new in Python 3.10
        assert now <= max(2 * before, SINGLE)
    assert len(steps) < 9


def test_a_spread_over_more_sockets_than_can_be_told_still_ends() -> None:
    """There are no more sequence numbers than for MOST_PORTS."""
    sent = both(stages.MOST_PORTS)
    assert stages.more(500, sent, [0b11, sent & ~0b11], connections=False) == 0
    before = both(stages.MOST_PORTS - 100)
    more = stages.more(500, before, [0b11, before & ~0b11], connections=False)
    assert (before & more, before | more) == (0, sent)


@st.composite
def behaviours(draw: st.DrawFn) -> tuple[int, list[int]]:
    """Draw a number of open sockets, and who hears which sequence number (as far as 300)."""
    opened = draw(st.integers(1, 14))
    everybody = (1 << opened) - 1
    picks = st.integers(0, everybody) | st.integers(0, opened - 1).map(lambda one: 1 << one)
    pool = draw(st.lists(picks, min_size=1, max_size=4))
    return opened, draw(st.lists(st.sampled_from(pool), min_size=1, max_size=300))


@given(behaviours(), st.booleans())
def test_it_ends_and_never_sends_a_datagram_twice(
    behaviour: tuple[int, list[int]], connections: bool
) -> None:
    """However a kernel delivers, few rounds suffice and no sequence number is sent again."""
    opened, picks = behaviour
    wanted = stages.first(opened, connections=connections)
    sent = 0
    rounds = 0
    while wanted:
        assert wanted & sent == 0
        assert not connections or wanted & ~firsts(stages.MOST_PORTS) == 0
        sent |= wanted
        rounds += 1
        heard = [
            sum(
                1 << n
                for n in range(sent.bit_length())
                if sent >> n & 1 and picks[n % len(picks)] >> s & 1
            )
            for s in range(opened)
        ]
        wanted = stages.more(opened, sent, heard, connections=connections)
    assert rounds <= 12
    assert len(ports(sent)) <= max(SINGLE, stages.ports_to_meet(opened))


@given(st.integers(2, 12), st.integers(0, 11), st.booleans())
def test_a_single_winner_has_won_often_enough(opened: int, winner: int, connections: bool) -> None:
    """Where one socket hears everything, it did so from many source ports."""
    sent, wanted = 0, stages.first(opened, connections=connections)
    while wanted:
        sent |= wanted
        heard = [sent if socket == winner % opened else 0 for socket in range(opened)]
        wanted = stages.more(opened, sent, heard, connections=connections)
    assert len(ports(sent)) == (stages.SINGLE_CONNECTIONS if connections else SINGLE)
