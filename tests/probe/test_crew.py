"""The crew: where its processes go, what they are told of the lab, how they end."""

from __future__ import annotations

from typing import Any

import crew
import nursery
import pytest
from crew import Crew, Silent, Void
from fake_roles import FakeLab, World
from process import RoleLost
from programs import Compiler
from trials import Cell, Trial, Turn
from voices import Pool

AF_INET = 2


def make(monkeypatch: pytest.MonkeyPatch, world: World, place: FakeLab | None = None) -> Crew:
    """Return a crew of fake roles."""
    monkeypatch.setattr(crew, "RoleProcess", world.role)
    monkeypatch.setattr(nursery, "supported", lambda _: False)
    return Crew(Compiler(place or FakeLab(), "linux"), range(31999, 31989, -1), {**COUNTS}, None)


COUNTS = {"fences": 0, "silent fences": 0}
PLAIN = [["socket", "udp4"], ["bind", "lo4"]]
ACTING = [["socket", "udp4"], ["note", "ready", ["poll"]]]


def trial(one: Crew, actor: str, operations: list[Any], number: int = 1) -> Trial:
    """Return a trial of a single turn."""
    program = one._compiler.part(one._compiler.add(operations)).program
    cell = Cell("one", (Turn(actor, program),), [], (), (actor,), (), (), listens=False, solo=False)
    return Trial(cell, number, 12000, "239.192.0.1")


# Places


@pytest.mark.parametrize(
    ("actor", "expected"),
    [
        ("A", {"descriptors": [51, 52]}),
        ("A@h2", {"descriptors": [51, 52], "host": 52}),
        ("A@u1", {"descriptors": [51, 52], "user": 40001}),
        ("A.b@u2", {"descriptors": [51, 52], "user": 40002}),
    ],
)
def test_a_process_goes_to_its_host_and_user(
    monkeypatch: pytest.MonkeyPatch, actor: str, expected: dict[str, Any]
) -> None:
    """With the descriptors of all hosts, for its fences."""
    world = World()
    make(monkeypatch, world, FakeLab(hosts=("h2",))).post(actor, "drain")
    assert list(world.places.values()) == [expected]


def test_a_lab_of_one_host_has_no_places(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is inherited."""
    world = World()
    make(monkeypatch, world).post("A", "drain")
    assert world.places == {"A": {}}


def test_the_sockets_of_a_process_are_one_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each place has its own; what a socket is asked ends with its name."""
    world = World()
    one = make(monkeypatch, world)
    for actor in ("A", "A.b", "A@u1"):
        one.ask(actor, "drain")
    assert world.started == {"A": 1, "A@u1": 1}
    assert world.requests == [("A", ("drain",)), ("A", ("drain", "b")), ("A@u1", ("drain",))]


# What processes are told


def test_only_acts_need_to_know_the_lab_and_only_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before the first of them, and again when the process was started anew."""
    world = World()
    one = make(monkeypatch, world)
    one.post_round("A", 0, [trial(one, "A", PLAIN)])
    assert world.asked("A", "here") == []
    acting = trial(one, "A", ACTING)
    for _ in range(2):
        one.post_round("A", 0, [acting])
    [(surroundings, fences)] = world.asked("A", "here")
    assert surroundings == (FakeLab().names(), {1: "lo", 2: "if"}, (32768, 60999), "linux")
    assert fences == [(AF_INET, "127.0.0.1", None, 0)]
    order = [what for _, (what, *_) in world.requests]
    assert order == ["do", "here", "do", "do"]
    one.end("A", "kill")
    one.post_round("A", 0, [acting])
    assert len(world.asked("A", "here")) == 2
    one.stop()
    one.post_round("A.b", 0, [trial(one, "A.b", ACTING)])
    assert len(world.asked("A", "here")) == 3


def test_programs_are_told_again_to_a_process_that_was_started_anew(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It knows none."""
    world = World()
    one = make(monkeypatch, world)
    plain = trial(one, "A", PLAIN)
    for end in ("", "exit", "kill"):
        if end:
            one.end("A", end)
        one.post_round("A", 0, [plain])
        one.post_round("A", 0, [plain])
    assert [bool(programs) for _, programs in world.asked("A", "do")] == [True, False] * 3


def test_only_those_who_have_this_turn_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """A trial whose cell is over, or whose turn is another's, is left out."""
    world = World()
    one = make(monkeypatch, world)
    one.post_round("A", 0, [trial(one, "A", PLAIN, 1), trial(one, "B", PLAIN, 2)])
    one.post_round("A", 1, [trial(one, "A", PLAIN, 3)])
    assert [[entry[0] for entry in entries] for entries, _ in world.asked("A", "do")] == [[1], []]


# Fences


@pytest.mark.parametrize(("local_range", "explicit"), [((32768, 60999), False), ((40000, 40001), True)])
def test_fences_take_no_port_of_a_narrow_range(
    monkeypatch: pytest.MonkeyPatch, local_range: tuple[int, int], explicit: bool
) -> None:
    """The few that the system gives out belong to the cells; every fence has one of its own then."""
    world = World()
    one = make(monkeypatch, world, FakeLab(hosts=("h2",), local_range=local_range))
    for actor in ("A", "B", "X@h2"):
        one.tell_surroundings(actor)
    one.send("send", [], doubtful=False)
    told = [fences for actor in ("A", "B", "X@h2") for _, fences in world.asked(actor, "here")]
    told += [fences for _, fences, _ in world.asked("S", "send")]
    ports = [fence[3] for fences in told for fence in fences]
    assert len(ports) == 8
    if explicit:
        assert len(set(ports)) == 8
        assert set(ports) <= set(crew.FENCE_PORTS)
    else:
        assert set(ports) == {0}


def test_a_fence_goes_to_the_other_hosts(monkeypatch: pytest.MonkeyPatch) -> None:
    """From each to all others, in their namespaces."""
    world = World()
    one = make(monkeypatch, world, FakeLab(hosts=("h2",)))
    one.tell_surroundings("A@h2")
    [(_, fences)] = world.asked("A@h2", "here")
    assert fences == [(AF_INET, "127.0.0.1", None, 0), (AF_INET, "198.51.100.1", 51, 0)]
    one.send("send", [], doubtful=False)
    [(_, fences, _)] = world.asked("S", "send")
    assert fences == [(AF_INET, "127.0.0.1", None, 0), (AF_INET, "198.51.100.2", 52, 0)]


def test_a_fence_in_doubt_is_not_waited_for_as_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """A quarter of a second in place of two."""
    world = World()
    one = make(monkeypatch, world)
    one.send("send", [], doubtful=False)
    one.send("send", [], doubtful=True)
    assert [patience for *_, patience in world.asked("S", "send")] == [2.0, 0.25]
    world.fence = lambda: False
    with pytest.raises(Silent):
        one.send("send", [], doubtful=True)
    assert one._counts == {"fences": 3, "silent fences": 1}


# Ends


@pytest.mark.parametrize("how", ["exit", "kill"])
def test_a_process_ends_with_all_its_sockets(monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    """By itself it is waited for; what was never started needs no end."""
    world = World()
    one = make(monkeypatch, world)
    one.post("A", "drain")
    one.post("B", "drain")
    one.end("A.b", how)
    assert [role.name for role in world.alive] == ["B"]
    assert len(world.asked("A", "exit")) == (how == "exit")
    one.end("C", how)
    assert world.started == {"A": 1, "B": 1}


def test_a_process_that_does_not_end_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    """The batch proves nothing then."""
    world = World()
    one = make(monkeypatch, world)
    one.post("A", "drain")
    world.befalls = lambda _, what, __: "role A died" if what == "exit" else ""
    monkeypatch.setattr(world.alive[0], "wait", _never)
    with pytest.raises(RoleLost, match="did not end"):
        one.end("A", "exit")


def _never(patience: float) -> None:
    raise RoleLost(f"role A did not end in {patience:g} s")


# The sender's sockets


def test_a_pool_grows_by_ports_that_no_other_pool_has(monkeypatch: pytest.MonkeyPatch) -> None:
    """What it has is not asked for again, until all are stopped."""
    world = World()
    one = make(monkeypatch, world)
    first, second = Pool(AF_INET, ()), Pool(AF_INET, ((1, 6, 1),))
    assert [one.pool(first, 2), one.pool(second, 1), one.pool(first, 3), one.pool(first, 1)] == [
        0,
        1,
        0,
        0,
    ]
    asked = [(number, ports) for number, _, _, ports in world.asked("S", "prepare")]
    assert asked == [(0, [31999, 31998]), (1, [31997]), (0, [0, 0, 31996])]
    assert one.sender_ports == [31999, 31998, 31997, 31996]
    one.stop()
    one.pool(first, 1)
    assert world.asked("S", "prepare")[-1] == (0, AF_INET, [], [31999])


def test_a_pool_that_cannot_be_made_voids_the_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the reason."""
    world = World()
    one = make(monkeypatch, world)
    one.post("S", "drop")
    one.take("S")
    monkeypatch.setattr(world.alive[0], "_prepare", lambda *_: ["EMFILE"])
    with pytest.raises(Void, match="EMFILE"):
        one.pool(Pool(AF_INET, ()), 1)
