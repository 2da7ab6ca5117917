"""The filter: requests in, observations out, one JSON value a line."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

import digest
import fake_roles
import filter as probe_filter
import lab
import platforms
import pytest
from fake_roles import FakeLab, World, make_conductor
from resolver import Absent
from trials import Seen, VoiceSeen

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator

    import conductor
    from trials import Cell

RECEIVER = [["socket", "udp4"], ["bind", "any4"]]
SENDER = [["send", "", "lo4", {}]]
OPERATIONS = [{"kind": "operations", "operations": operations} for operations in (RECEIVER, SENDER)]
STEPS = [["A", 0], ["B", 0], ["S", 1]]
CELL = {"kind": "cell", "id": "one", "steps": STEPS}
MEASURE = {"kind": "measure", "repeat": 3, "seed": 7}
BOTH_HEARD = {
    "roles": {"A": "ok", "B": "ok"},
    "sends": {"": {"sent": "ff", "heard": {"A": "ff", "B": "ff"}}},
}


@pytest.fixture(autouse=True)
def plain_facts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the system out of it."""
    monkeypatch.setattr(platforms, "fingerprint", lambda: {"stack": "fake"})
    monkeypatch.setattr(digest, "of_probe", lambda: "0" * 64)


@pytest.fixture
def leader(monkeypatch: pytest.MonkeyPatch) -> conductor.Conductor:
    """Return a conductor of fake roles among which everybody hears."""
    return make_conductor(monkeypatch, World())


def serve(leader: conductor.Conductor, *requests: dict[str, Any]) -> list[dict[str, Any]]:
    """Return what the filter answers."""
    out = io.StringIO()
    lines = [json.dumps(request) + "\n" for request in requests]
    probe_filter.serve(lines, out, FakeLab(), leader)
    text = out.getvalue()
    assert text.endswith("\n")
    return [json.loads(line) for line in text.splitlines()]


def test_it_says_hello_before_it_is_asked(leader: conductor.Conductor) -> None:
    """What it is, where it runs, which options exist here."""
    [hello] = serve(leader)
    assert hello["kind"] == "hello"
    assert hello["protocol"] == 2
    assert hello["probe"] == {"version": digest.VERSION, "sha256": "0" * 64}
    assert hello["platform"] == {"stack": "fake"}
    assert hello["lab"] == {"kind": "private", "how": "fake"}
    assert set(hello["reuse"]) == {"none", "addr", "port", "addr+port", "lb", "addr+lb", "exclusive"}
    assert hello["limits"] == leader.limits._asdict()


def test_a_cell_is_measured_so_many_times(leader: conductor.Conductor) -> None:
    """Equal repetitions are told once, with their number; then the counts of the request."""
    _, observation, measured = serve(leader, *OPERATIONS, CELL, MEASURE)
    assert observation == {"kind": "observation", "id": "one", "seen": [[3, BOTH_HEARD]]}
    assert measured.pop("seconds") >= 0
    assert measured == {
        "kind": "measured",
        "cells": 1,
        "batches": 3,
        "voided": 0,
        "lost_roles": 0,
        "taken_ports": 0,
        "fences": 3,
        "silent_fences": 0,
    }


def test_what_waits_at_the_end_is_measured_three_times(leader: conductor.Conductor) -> None:
    """`python probes < cells` needs no request to measure."""
    _, observation, measured = serve(leader, *OPERATIONS, CELL)
    assert observation["seen"] == [[3, BOTH_HEARD]]
    assert measured["cells"] == 1


def test_several_requests_are_answered_one_after_another(leader: conductor.Conductor) -> None:
    """Operations stay known; the counts are each request's own."""
    answers = serve(
        leader, *OPERATIONS, CELL, MEASURE, {**CELL, "id": "two"}, {"kind": "measure", "repeat": 1}
    )
    assert [answer.get("id") for answer in answers] == [None, "one", None, "two", None]
    assert [answer["seen"][0][0] for answer in answers if "seen" in answer] == [3, 1]
    assert [answer["batches"] for answer in answers if "batches" in answer] == [3, 1]


def test_a_request_without_cells_is_answered(leader: conductor.Conductor) -> None:
    """Nothing asked is nothing measured, and no error."""
    _, measured = serve(leader, MEASURE)
    assert (measured["cells"], measured["batches"]) == (0, 0)


def test_repetitions_that_differ_are_told_apart(
    monkeypatch: pytest.MonkeyPatch, leader: conductor.Conductor
) -> None:
    """Each with its count, inconclusive ones among them."""
    trial = Seen(0, voices=(VoiceSeen(0xFF, heard=(("A", 0xFF),)),))
    other = Seen(2, voices=(VoiceSeen(0xFF, silent=True),))
    script: Iterator[Any] = iter([trial, other, trial, "role A died"])

    def measure(cells: list[Cell], _: random.Random, results: conductor.Results, *, again: bool) -> None:
        results(cells[0], next(script))

    monkeypatch.setattr(leader, "measure", measure)
    answers = serve(leader, *OPERATIONS, CELL, {"kind": "measure", "repeat": 4})
    roles = {"A": "ok", "B": "ok"}
    assert answers[1]["seen"] == [
        [2, {"roles": roles, "sends": {"": {"sent": "ff", "heard": {"A": "ff"}}}}],
        [1, {"roles": roles, "sends": {"": {"sent": "ff", "control": "silent"}}, "foreign": 2}],
        [1, {"inconclusive": "role A died"}],
    ]


def test_what_cannot_be_measured_is_told_at_once(
    monkeypatch: pytest.MonkeyPatch, leader: conductor.Conductor
) -> None:
    """Absent and skipped are answers, the same in every repetition; other cells are measured."""
    plain = leader.cell

    def cell(identifier: str, steps: Any, *, solo: bool) -> Cell:
        if identifier == "absent":
            raise Absent("SO_REUSEPORT_LB")
        if identifier == "skipped":
            raise lab.Unavailable("would leave this machine")
        return plain(identifier, steps, solo=solo)

    monkeypatch.setattr(leader, "cell", cell)
    cells = [{**CELL, "id": name} for name in ("absent", "one", "skipped")]
    answers = {answer.get("id"): answer for answer in serve(leader, *OPERATIONS, *cells, MEASURE)}
    assert answers["absent"]["seen"] == [[3, {"absent": "SO_REUSEPORT_LB"}]]
    assert answers["skipped"]["seen"] == [[3, {"skipped": "would leave this machine"}]]
    assert answers["one"]["seen"] == [[3, BOTH_HEARD]]


def test_a_destination_that_is_missing_is_told_by_label(monkeypatch: pytest.MonkeyPatch) -> None:
    """The rest of the cell is measured."""
    leader = make_conductor(monkeypatch, World())
    monkeypatch.setattr(leader.compiler, "lab", FakeLab(link=False))
    sends = [["send", "lo4", "lo4", {}], ["send", "if4", "if4", {}]]
    answers = serve(leader, OPERATIONS[0], {"kind": "operations", "operations": sends}, CELL, MEASURE)
    [[count, observation]] = answers[1]["seen"]
    assert count == 3
    assert set(observation["sends"]) == {"lo4"}
    assert observation["unsent"] == {"if4": "no link device"}


def test_a_cell_can_ask_to_be_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """`solo` is passed on."""
    leader = make_conductor(monkeypatch, World())
    cells = [{**CELL, "id": str(number), "solo": True} for number in range(4)]
    *_, measured = serve(leader, *OPERATIONS, *cells, {"kind": "measure", "repeat": 1})
    assert measured["batches"] == 4


def test_the_same_seed_makes_the_same_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """And another seed others; what is seen is the same."""
    orders = []
    cells = [{**CELL, "id": str(number), "steps": [["A", number], ["S", 20]]} for number in range(20)]
    operations = [OPERATIONS[0]] * 20 + [OPERATIONS[1]]
    for seed in (1, 1, 2):
        world = World()
        leader = make_conductor(monkeypatch, world)
        serve(leader, *operations, *cells, {"kind": "measure", "repeat": 2, "seed": seed})
        orders.append([[entry[3] for entry in entries] for entries, _ in world.asked("A", "do")])
    assert orders[0] == orders[1] != orders[2]
    assert orders[0][0] != orders[0][1]


def test_troubles_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lost roles, voided batches and silent fences of this request."""
    world = World()
    losses = iter(["role A died"])
    world.befalls = lambda who, what, _: next(losses, "") if (who, what) == ("A", "drain") else ""
    fences = iter([True, False])
    world.fence = lambda: next(fences, True)
    leader = make_conductor(monkeypatch, world)
    *_, first = serve(leader, *OPERATIONS, CELL, MEASURE)
    assert (first["lost_roles"], first["voided"], first["silent_fences"]) == (1, 1, 1)
    *_, second = serve(leader, CELL, MEASURE)
    assert (second["lost_roles"], second["voided"], second["silent_fences"]) == (0, 0, 0)


@pytest.mark.parametrize(
    "line",
    [
        "",
        "\n",
        "no JSON",
        "[]",
        "7",
        "null",
        '{"kind": "cells"}',
        '{"id": "one"}',
        '{"kind": "cell", "id": "one"}',
        '{"kind": "cell", "steps": []}',
        '{"kind": "operations"}',
    ],
)
def test_a_line_that_is_no_request_is_named(leader: conductor.Conductor, line: str) -> None:
    """By its number, and without a traceback."""
    out = io.StringIO()
    with pytest.raises(probe_filter.BadRequest, match=r"^line 2 is not a request"):
        probe_filter.serve([json.dumps(OPERATIONS[0]), line], out, FakeLab(), leader)


def test_nothing_is_written_but_lines_of_json(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever an id holds."""
    leader = make_conductor(monkeypatch, World(fake_roles.nobody))
    answers = serve(leader, *OPERATIONS, {**CELL, "id": 'a"b\\c\nd\u2028'}, MEASURE)
    assert answers[1]["id"] == 'a"b\\c\nd\u2028'
