"""The conductor and cells of many turns: in which order they are led, and what of them proves nothing."""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING, Any

import fake_roles
import pytest
from fake_roles import FakeLab, Results, World, make_conductor, script

if TYPE_CHECKING:
    import conductor
    from trials import Cell, Seen

RECEIVER: list[Any] = [["socket", "udp4"], ["bind", "lo4"]]
TRIED: list[Any] = [["socket", "udp4"], ["note", "tried", ["bind", "lo4"]]]
CALLER: list[Any] = [["socket", "tcp4"], ["connect", "lo4"]]


def say(label: str = "", to: str = "lo4", **profile: Any) -> tuple[str, list[list[Any]]]:
    """Return a turn of the sender."""
    return "S", [["send", label, to, profile]]


def measure(leader: conductor.Conductor, *cells: Cell) -> Results:
    """Measure every cell once."""
    results = Results()
    leader.measure(list(cells), random.Random(1), results)
    return results


def requests(world: World, *kinds: str) -> list[tuple[str, str]]:
    """Return who was asked what, in order."""
    return [(who, what) for who, (what, *_) in world.requests if what in kinds]


# Turns


def test_the_sender_and_the_roles_take_their_turns_as_they_stand(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody opens before what comes earlier was sent and heard."""
    world = World()
    leader = make_conductor(monkeypatch, world)
    cell = script(leader, "one", ("A", RECEIVER), say("alone"), ("B", RECEIVER), say("both"))
    [[seen]] = measure(leader, cell).values()
    assert requests(world, "do", "send") == [("A", "do"), ("S", "send"), ("B", "do"), ("S", "send")]
    assert seen["sends"] == {
        "alone": {"sent": "f", "heard": {"A": "f"}, "closed": ["B"]},
        "both": {"sent": "ff", "heard": {"A": "ff", "B": "ff"}},
    }


def test_what_a_role_says_itself_is_counted_at_all_receivers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Under its label, and the voices of the staged sender keep theirs."""
    world = World()
    leader = make_conductor(monkeypatch, world)
    talk = [["socket", "udp4"], ["speak", "own", "lo4", "P", 4]]
    cell = script(leader, "one", ("A", RECEIVER), say("staged"), ("X", talk), ("A.b", RECEIVER))
    [[seen]] = measure(leader, cell).values()
    assert seen["sends"] == {
        "staged": {"sent": "f", "heard": {"A": "f"}, "closed": ["A.b"]},
        "own": {"sent": "f", "heard": {"A": "f"}, "own": True, "closed": ["A.b"]},
    }
    assert world.asked("A", "drain")[-1:] == [("b",)]


def test_what_a_role_cannot_say_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the errno, with what left before."""
    world = World()
    world.send_errors = {"127.0.0.1": "EACCES"}
    leader = make_conductor(monkeypatch, world)
    talk = [["socket", "udp4"], ["speak", "own", "lo4", "P", 4]]
    [[seen]] = measure(leader, script(leader, "one", ("A", RECEIVER), ("X", talk))).values()
    assert seen["sends"] == {"own": {"sent": "0", "error": "EACCES", "own": True}}


def test_the_grace_is_waited_before_what_a_role_said_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a fence that has arrived does not prove that all before it has."""
    world = World()
    waits: list[int] = []
    monkeypatch.setattr(time, "sleep", lambda _: waits.append(len(requests(world, "drain"))))
    leader = make_conductor(monkeypatch, world, grace=0.5)
    talk = [["socket", "udp4"], ["speak", "own", "lo4", "P", 4]]
    measure(leader, script(leader, "one", ("A", RECEIVER), ("X", talk)))
    assert waits == [0]
    assert len(requests(world, "drain")) == 2


def test_notes_of_all_turns_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """By their labels, in the order in which they were taken."""
    world = World()
    world.notes = lambda actor, act: f"{actor} {act}"
    leader = make_conductor(monkeypatch, world)
    turns: list[Any] = [
        ("B", [["socket", "udp4"], ["note", "second", ["poll"]]]),
        ("A", [["note", "third", ["name"]]]),
    ]
    cell = script(leader, "one", ("A", [*RECEIVER, ["note", "first", ["get", "SO_ERROR"]]]), *turns)
    [[seen]] = measure(leader, cell).values()
    assert list(seen["notes"].items()) == [("first", "A get"), ("second", "B poll"), ("third", "A name")]


# The fence of a role


def test_a_silent_fence_of_a_role_voids_the_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    """What it sent may not have arrived; the batch is measured again."""
    world = World()
    fences = iter([False])
    world.fence = lambda: next(fences, True)
    leader = make_conductor(monkeypatch, world)
    talk = [["socket", "udp4"], ["speak", "own", "lo4", "P", 4]]
    [[seen]] = measure(leader, script(leader, "one", ("A", RECEIVER), ("X", talk))).values()
    assert seen["sends"]["own"]["heard"] == {"A": "f"}
    assert leader.counts["silent fences"] == leader.counts["voided"] == 1
    assert leader.counts["fences"] == 2


def test_a_role_whose_fence_is_always_silent_proves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Never none."""
    world = World()
    world.fence = lambda: False
    leader = make_conductor(monkeypatch, world)
    talk = [["socket", "udp4"], ["note", "sent", ["tell", "lo4", "P", {}]]]
    [[seen]] = measure(leader, script(leader, "one", ("A", RECEIVER), ("X", talk))).values()
    assert "fence" in seen["inconclusive"]


def test_acts_that_send_nothing_have_no_fence(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing would be counted."""
    leader = make_conductor(monkeypatch, World())
    measure(leader, script(leader, "one", ("A", [*RECEIVER, ["note", "ready", ["poll"]]])))
    assert leader.counts["fences"] == 0


# Ends


def test_processes_that_end_are_started_when_they_are_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    """By themselves they are asked to; SIGKILL asks nobody."""
    world = World()
    leader = make_conductor(monkeypatch, world)
    for end, asked in (("kill", 0), ("exit", 1)):
        world.requests.clear()
        turns = (("A", RECEIVER), ("A", [[end]]), say("gone"), ("A", RECEIVER), say("back"))
        [[seen]] = measure(leader, script(leader, end, ("B", RECEIVER), *turns)).values()
        assert seen["sends"]["gone"] == {"sent": "f", "heard": {"B": "f"}, "closed": ["A"]}
        assert seen["sends"]["back"]["heard"] == {"A": "ff", "B": "ff"}
        assert len(world.asked("A", "exit")) == asked
        assert leader.counts["lost roles"] == 0


def test_batches_never_mix_different_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process ends for a whole batch: its cells must agree on how."""
    world = World()
    leader = make_conductor(monkeypatch, world)
    ways = ("close", "kill", "exit")
    cells = [
        script(leader, f"{way}/{number}", ("B", RECEIVER), ("A", RECEIVER), say(), ("A", [[way]]))
        for way in ways
        for number in range(5)
    ]
    results = measure(leader, *cells)
    assert leader.counts["batches"] == 3
    assert {key: len(found) for key, found in results.items()} == dict.fromkeys(results, 1)
    assert {tuple(seen["closed"]) for [seen] in results.values()} == {("A",)}
    assert world.started["A"] == 3 if cells[-1] else 0


def test_the_batch_before_is_settled_before_a_process_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its answer to `close` would end with it."""
    leader = make_conductor(monkeypatch, World())
    plain = [script(leader, f"plain/{n}", ("A", RECEIVER), say()) for n in range(3)]
    first = script(leader, "kill", ("A", [["kill"]]), ("A", RECEIVER))
    for seed in range(8):  # in either order
        results = Results()
        leader.measure([*plain, first], random.Random(seed), results)
        assert all("inconclusive" not in seen for [seen] in results.values())
        assert len(results) == 4
    assert leader.counts["lost roles"] == leader.counts["voided"] == 0


# Alone


@pytest.mark.parametrize("solo", [False, True])
def test_a_cell_that_is_alone_waits_until_the_batch_before_is_settled(
    monkeypatch: pytest.MonkeyPatch, solo: bool
) -> None:
    """Others may open while the last one closes, which saves time."""
    world = World()
    leader = make_conductor(monkeypatch, world)
    opened: dict[str, int] = {}

    def settled(cell: Cell, _: Seen | str) -> None:
        opened[cell.id] = len(world.asked("A", "do"))

    ordinary = script(leader, "ordinary", ("A", RECEIVER), say())
    other = script(leader, "other", ("A", RECEIVER), ("B", RECEIVER), say(), solo=solo)
    leader.measure([ordinary, other], random.Random(1), settled)
    # Those that are alone come last; of two ordinary ones either may come first.
    assert sorted(opened.values()) == ([1, 2] if solo else [2, 2])
    assert not solo or opened["ordinary"] == 1


# Controls


@pytest.mark.parametrize(
    "turns",
    [
        [("A@h2", RECEIVER), ("B", RECEIVER), say(to="lobcast", broadcast=1)],
        [("A", RECEIVER), ("B", RECEIVER), say(to="lobcast", broadcast=1), ("A", [["kill"]])],
        [say("early", to="lobcast", broadcast=1), ("A", RECEIVER), say(to="lobcast", broadcast=1)],
    ],
    ids=["elsewhere", "ends", "the sender begins"],
)
@pytest.mark.parametrize("hears", [fake_roles.the_lone, fake_roles.nobody])
def test_controls_live_apart_where_the_first_role_is_no_home(
    monkeypatch: pytest.MonkeyPatch, turns: list[Any], hears: fake_roles.Hears
) -> None:
    """They are on the first host, and stay until the batch is closed."""
    world = World(hears)
    leader = make_conductor(monkeypatch, world, place=FakeLab(hosts=("h2",)))
    [[seen]] = measure(leader, script(leader, "one", *turns)).values()
    assert world.started["J0"] == 1
    assert (seen["sends"][""].get("control") == "silent") == (hears is fake_roles.nobody)
    [(entries, _)] = world.asked("J0", "do")
    own = [entry[0] for role in ("A", "A@h2") for found, _ in world.asked(role, "do") for entry in found]
    assert len(entries) == len(set(own)) == 1
    assert entries[0][0] not in own


def test_controls_are_opened_by_the_first_role_where_that_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    """No process more than the cells need."""
    world = World()
    leader = make_conductor(monkeypatch, world)
    measure(leader, script(leader, "one", ("A", RECEIVER), say(), ("B", RECEIVER), say("again")))
    assert set(world.started) == {"A", "B", "S"}
    assert len(world.asked("A", "do")[0][0]) == 2


# Ports


@pytest.mark.parametrize(("kind", "spent"), [("private", True), ("host", False)])
def test_ports_that_may_stay_in_time_wait_are_not_met_again(
    monkeypatch: pytest.MonkeyPatch, kind: str, spent: bool
) -> None:
    """In a private lab they come from a range of their own; a host's are its own to give."""
    world = World()
    shared: dict[str, Any] = {"share": (0, 1)} if kind == "host" else {}
    leader = make_conductor(monkeypatch, world, **shared)
    measure(leader, script(leader, "one", ("A", RECEIVER), ("X", CALLER)))
    measure(leader, script(leader, "two", ("A", RECEIVER), ("X", CALLER)))
    ports = [entries[0][1] for entries, _ in world.asked("A", "do")]
    assert (ports == [2000, 2001]) == spent
    assert spent or min(ports) >= 10000


def test_a_cell_with_several_ports_keeps_them_to_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """The next one of the batch begins behind them."""
    world = World()
    leader = make_conductor(monkeypatch, world)
    turn = [["socket", "udp4"], ["bind", "lo4", "P+2"]]
    measure(leader, *(script(leader, str(number), ("A", turn)) for number in range(4)))
    [(entries, _)] = world.asked("A", "do")
    ports = [port for _, port, *_ in entries]
    assert ports == [ports[0] + 3 * number for number in range(4)]


# Who is open


@pytest.mark.parametrize("errno", ["ok", "EADDRINUSE"])
def test_a_bind_that_was_only_tried_may_leave_nobody(monkeypatch: pytest.MonkeyPatch, errno: str) -> None:
    """Then the receiver is not open when somebody speaks, though the steps have bound it."""
    world = World()
    world.notes = lambda actor, act: errno if actor == "B" and act == "bind" else "ok"
    leader = make_conductor(monkeypatch, world)
    [[seen]] = measure(leader, script(leader, "one", ("A", RECEIVER), ("B", TRIED), say())).values()
    assert seen["roles"] == {"A": "ok", "B": "ok"}
    assert seen["notes"] == {"tried": errno}
    refused = errno != "ok"
    assert seen["sends"][""].get("closed") == (["B"] if refused else None)
    assert seen.get("closed") == (["B"] if refused else None)
    assert seen["sends"][""]["sent"] == ("f" if refused else "ff")  # a lone receiver takes fewer


def test_who_was_not_open_may_be_so_later(monkeypatch: pytest.MonkeyPatch) -> None:
    """A turn that opens it without any act says so by telling nothing."""
    world = World()
    world.notes = lambda *_: "EADDRINUSE"
    leader = make_conductor(monkeypatch, world)
    turns = (("B", TRIED), say("before"), ("B", RECEIVER), say("after"))
    [[seen]] = measure(leader, script(leader, "one", ("A", RECEIVER), *turns)).values()
    assert seen["sends"]["before"]["closed"] == ["B"]
    assert seen["sends"]["after"] == {"sent": "ff", "heard": {"A": "ff", "B": "ff"}}
    assert "closed" not in seen
