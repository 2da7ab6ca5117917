"""Covers: a few patterns that say exactly which cells; and the features they are made of."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sockmatrix.axis import vocabulary
from sockmatrix.cell import Cell, Socket
from sockmatrix.pattern import DERIVED, parse
from sockmatrix.rules.cover import cover
from sockmatrix.rules.features import Features, Term, terms
from sockmatrix.selection import select

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sockmatrix.rules.cover import Group

SMALL = ("bacnet", "hosts", "crowd", "tcp-listeners")
CELLS = select(SMALL).cells
CONFLICTS = select(["bind-conflicts"]).cells


def check(universe: Sequence[Cell], wanted: set[str], groups: tuple[Group, ...]) -> None:
    """Assert that groups are an exact cover, in the sense of first match."""
    seen: set[str] = set()
    for group in groups:
        pattern = parse(group.pattern)
        matched = {cell.id for cell in universe if pattern.matches(cell)}
        assert matched <= wanted, group.pattern
        assert {cell.id for cell in group.cells} == matched - seen
        assert group.cells
        seen |= matched
    assert seen == wanted


@pytest.mark.parametrize("others", [False, True])
def test_one_reason_is_one_line(others: bool) -> None:
    """Changed cells that share three values, whatever their options, are one group of that name."""
    universe = [*CONFLICTS, *CELLS] if others else CONFLICTS
    text = "receivers=2 transport=tcp A.bind=any6 B.bind=lo4"
    pattern = parse(text)
    wanted = {cell.id for cell in CONFLICTS if pattern.matches(cell)}
    [group] = cover(universe, wanted)
    assert group.pattern == f"table=bind-conflicts {text}" if others else text
    assert {cell.id for cell in group.cells} == wanted


def test_nothing_and_everything() -> None:
    """The ends of the scale."""
    assert cover(CELLS, ()) == ()
    one = select(["hosts"]).cells
    assert [group.pattern for group in cover(one, {cell.id for cell in one})] == ["*"]
    [group] = cover(CELLS, {cell.id for cell in CELLS})
    assert group.pattern == "table=bacnet,crowd,hosts,tcp-listeners"
    with pytest.raises(ValueError, match="1 of the wanted"):
        cover(CELLS, {"hosts/no-such"})


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 1 << 32), st.integers(1, 60), st.integers(1, 300))
def test_every_cover_is_exact(seed: int, count: int, size: int) -> None:
    """Whatever is wanted, and however little sense it makes."""
    choose = random.Random(seed)
    universe = choose.sample(CELLS, size)
    wanted = {cell.id for cell in universe[:count]}
    check(universe, wanted, cover(universe, wanted))


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 1 << 32))
def test_terms_mean_what_their_patterns_mean(seed: int) -> None:
    """Every term has the bitmap of the cells that its pattern matches, sets and denials included."""
    choose = random.Random(seed)
    cells = choose.sample(CONFLICTS, 20) + choose.sample(CELLS, 20)
    features = Features.of_cells(cells)
    for term in choose.sample(list(features.terms()), 60):
        more = choose.choice([value for value in features.values(term) if value])
        values = tuple(dict.fromkeys((*term.values, more)))
        for one in (
            term,
            Term(term.who, term.axis, values),
            Term(term.who, term.axis, values, negated=True),
        ):
            pattern = parse(one.text)
            found = sum(pattern.matches(cell) << index for index, cell in enumerate(cells))
            assert features.bits(one) == found, one.text


def test_terms_of_a_cell() -> None:
    """Its own axes, derived ones, those of its sockets, and what is true of all of them or of none."""
    [cell] = [
        one for one in CONFLICTS if one.id == "bind-conflicts/transport:udp/A:any4.addr/B:lo4.addr+port"
    ]
    found = terms(cell)
    assert all(parse(text).matches(cell) for text in found)
    expected = (
        "transport=udp receivers=2 shared=addr A.bind=any4 B.reuse=addr+port some.bind=lo4 none.reuse=lb"
    )
    assert set(expected.split()) <= set(found)


def test_every_option_can_be_shared() -> None:
    """The derived axis has all the options that sockets may set."""
    assert set(vocabulary()["reuse"].values) <= set(DERIVED["shared"][0] or ())
    for value in vocabulary()["reuse"].values:
        alike = [Socket("lo4", value), Socket("any4", value)]
        cell = Cell("t/2x", "t", {}, tuple(alike))
        assert parse(f"shared={value}").matches(cell)
    mixed = Cell("t/A:B", "t", {}, (Socket("lo4", "addr+port"), Socket("lo4", "port")))
    assert parse("shared=port").matches(mixed)
    assert not parse("shared=addr,none").matches(mixed)
    assert not parse("shared=none").matches(Cell("t/case:one", "t", {"case": "one"}, ()))
