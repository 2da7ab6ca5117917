"""Rules from runs: short lists that decide every measured fact as it was measured."""

from __future__ import annotations

import functools
import random
from pathlib import Path
from typing import TYPE_CHECKING

import fakes
import pytest
import smallmatrix
from hypothesis import given, settings
from hypothesis import strategies as st

from sockmatrix import collect
from sockmatrix.rules import relations
from sockmatrix.rules.decision import Rules, learn, rule_for
from sockmatrix.rules.units import BIND, EXIST, HEAR, WHOLE
from sockmatrix.rules.words import AXES, condition
from sockmatrix.runfile import Run
from sockmatrix.selection import select
from sockmatrix.wording import cell_headline

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sockmatrix.cell import Cell
    from sockmatrix.outcome import Outcome
    from sockmatrix.plan import Plan
    from sockmatrix.selection import Selection

COMMITTED = sorted((Path(__file__).parents[1] / "reports" / "runs").glob("linux-*.jsonl.gz"))


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Selection:
    """Return the small matrix, script included."""
    return smallmatrix.selection(tmp_path_factory.mktemp("rules") / "matrix", scripted=True)


def plan_of(small: Selection, table: str) -> Plan:
    """Return one table of it."""
    return next(plan for plan in small.plans if plan.table.name == table)


def measured(small: Selection, platform: fakes.Platform) -> dict[str, Outcome]:
    """Return the outcomes of all cells on a platform."""
    return {line.id: line for line in collect.lines(smallmatrix.block(small, platform))}


def check(cells: Sequence[Cell], outcomes: Mapping[str, Outcome], rules: Rules) -> None:
    """Assert that every fact is decided as it was measured, and that the facts make the headline."""
    headlines: dict[object, str] = {}
    for cell in cells:
        if cell.id not in outcomes:
            continue
        applied = rule_for(cell, outcomes[cell.id], rules)
        assert all(one.rule.answer == one.unit.answer for one in applied), cell.id
        if applied:
            said = tuple((one.unit.facet, one.unit.subject, one.rule.answer) for one in applied)
            headline = cell_headline(cell, outcomes[cell.id])
            assert headlines.setdefault(said, headline) == headline
    for own in rules.facets.values():
        assert all(rule.count for rule in own)


@pytest.mark.parametrize("platform", fakes.PLATFORMS, ids=lambda platform: platform.name)
def test_exact_on_every_fake_platform(small: Selection, platform: fakes.Platform) -> None:
    """Whatever a platform does, nothing is decided wrongly and nothing is left undecided."""
    outcomes = measured(small, platform)
    for plan in small.plans:
        rules = learn(plan.cells, outcomes)
        check(plan.cells, outcomes, rules)
        assert rules.cells + sum(rules.left_out.values()) == len(plan.cells)


def lists(small: Selection, platform: fakes.Platform) -> dict[str, list[tuple[str, str]]]:
    """Return the rules of the table of datagrams, (terms, answer) by facet."""
    rules = learn(plan_of(small, "hearing").cells, measured(small, platform))
    return {
        facet: [(" ".join(term.text for term in rule.terms), rule.answer) for rule in own]
        for facet, own in rules.facets.items()
    }


def test_a_simple_platform_has_simple_rules(small: Selection) -> None:
    """What a fake does is what its rules say."""
    assert lists(small, fakes.EVERYTHING)[HEAR] == [("", "everything")]
    assert lists(small, fakes.NOBODY)[HEAR] == [("", "nothing")]
    assert lists(small, fakes.LAST)[HEAR] == [("place-open=last", "everything"), ("", "nothing")]
    assert lists(small, fakes.FIRST)[HEAR] == [("place-open=first", "everything"), ("", "nothing")]
    assert lists(small, fakes.ALL_BUT_ONE)[HEAR] == [("place-open=last", "nothing"), ("", "everything")]
    assert lists(small, fakes.REFUSES)[BIND] == [
        ("subject=B", "refused at bind EADDRINUSE"),
        ("", "allowed"),
    ]


def test_a_platform_with_a_mind_of_its_own(small: Selection) -> None:
    """A BSD-like one takes a few rules, and they are about what decides."""
    found = lists(small, fakes.BSD)
    assert len(found[BIND]) <= 4
    assert len(found[HEAR]) <= 5
    axes = {
        text.partition("=")[0].rstrip("!")
        for rules in found.values()
        for terms, _ in rules
        for text in terms.split()
    }
    assert axes & {"overlap", "shared-with-each", "shared-with-latest", "reuse"}
    assert axes & {"nearest", "place-nearest", "rivals", "bound"}


def test_nothing_is_said_of_what_told_nothing(small: Selection) -> None:
    """Cells without an outcome, or with none that tells a fact, are counted and left out."""
    plan = plan_of(small, "hearing")
    outcomes = measured(small, fakes.HANGS)
    rules = learn(plan.cells, outcomes)
    assert (rules.facets, rules.cells, rules.left_out) == ({}, 0, {"inconclusive": len(plan.cells)})
    assert learn(plan.cells, {}).left_out == {"not measured": len(plan.cells)}
    assert rule_for(plan.cells[0], outcomes[plan.cells[0].id], rules) == ()


def test_exact_whatever_was_measured(small: Selection) -> None:
    """A platform that does something else in every cell still has exact rules, if long ones."""
    known = [measured(small, platform) for platform in fakes.PLATFORMS]

    @settings(deadline=None, max_examples=10)
    @given(st.integers(0, 1 << 32))
    def holds(seed: int) -> None:
        choose = random.Random(seed)
        some = choose.sample(known, 3)
        for plan in small.plans:
            cells = choose.sample(plan.cells, min(40, len(plan.cells)))
            outcomes = {cell.id: choose.choice(some)[cell.id] for cell in cells}
            check(cells, outcomes, learn(cells, outcomes))

    holds()


@pytest.mark.parametrize(
    ("tables", "only", "most"),
    [
        ("loopback-broadcast", "receivers=2", {BIND: 4, HEAR: 12}),
        ("fan-out", "receivers=1,2 bystander=none dest=if4,limited", {BIND: 4, HEAR: 12}),
        ("crowd", "receivers=1,2,3,11", {BIND: 3, HEAR: 10}),
        ("users", "receivers=2 transport=udp", {BIND: 8, HEAR: 20}),
        ("crowd-wildcard", "*", {WHOLE: 10}),
    ],
)
def test_exact_and_short_on_linux(tables: str, only: str, most: dict[str, int]) -> None:
    """On parts of the committed run; `sockmatrix rules` has been held against the whole of it."""
    selection = select([tables], [only])
    outcomes = _committed()
    rules = learn(selection.cells, outcomes)
    check(selection.cells, outcomes, rules)
    assert rules.cells > 40
    for facet, count in most.items():
        assert len(rules.facets[facet]) <= count


@functools.cache
def _committed() -> Mapping[str, Outcome]:
    return Run.read(COMMITTED[-1]).cells


def test_rules_about_cells_are_patterns() -> None:
    """What can be said of cells alone can be given to --only."""
    selection = select(["crowd-wildcard", "users"])
    for plan in selection.plans:
        rules = learn(plan.cells, _committed())
        for facet, own in rules.facets.items():
            for rule in own[:-1]:
                assert bool(rule.pattern) is (facet in (EXIST, WHOLE))
                assert condition(rule.terms)


@pytest.mark.parametrize(
    ("one", "other", "overlapping"),
    [
        *[("lo4", "lo4", True), ("lo4", "lobcast", False), ("any4", "lobcast", True)],
        *[
            ("any4", "group4", True),
            ("any6", "lo4", True),
            ("any6", "any4", True),
            ("any6only", "any4", False),
        ],
        *[("any6only", "lo6", True), ("any6only", "lo4", False), ("mapped-lo", "lo4", True)],
        *[("mapped-any", "any4", True), ("mapped-any", "lo6", False), ("any4", "h2-6", False)],
        *[("lo6", "if6", False), ("any4", "if6", False), ("any6", "group6-link", True)],
    ],
)
def test_which_addresses_overlap(one: str, other: str, overlapping: bool) -> None:
    """The same from both sides."""
    assert relations.overlap(one, other) is relations.overlap(other, one) is overlapping


def test_every_axis_of_a_rule_has_words(small: Selection) -> None:
    """Titles for all axes that no table has, words for all of their values."""
    for platform in (fakes.BSD, fakes.SPREADS, fakes.REFUSES):
        for plan in (plan_of(small, "hearing"), plan_of(small, "listening")):
            for rules in learn(plan.cells, measured(small, platform)).facets.values():
                for rule in rules:
                    for term in rule.terms:
                        words = AXES.get(term.axis, ("", {}))[1]
                        assert (
                            not words
                            or term.axis.startswith(("shared", "subject"))
                            or set(term.values) <= set(words)
                        )
