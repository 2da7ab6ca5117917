"""The conductor among fake roles: how batches are made, and that it believes only what is proved."""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING, Any

import fake_roles
import lab
import limits
import pytest
import stages
from fake_roles import Results, World, make_cell, make_conductor

if TYPE_CHECKING:
    import conductor
    from trials import Cell

SMALL = limits.Limits(slots=256, descriptors=4096, queued=20_000)


def measure(leader: conductor.Conductor, cells: list[Cell], seed: int = 1) -> Results:
    """Measure every cell once."""
    results = Results()
    leader.measure(cells, random.Random(seed), results)
    return results


def pairs(leader: conductor.Conductor, count: int, to: str = "lo4") -> list[Cell]:
    """Return so many cells of two receivers."""
    return [make_cell(leader, f"{to}/{number}", "any4", "any4", to=to) for number in range(count)]


def once_each(results: Results, cells: list[Cell]) -> bool:
    """Tell whether each cell has one result, no more and no less."""
    return {key: len(found) for key, found in results.items()} == {cell.id: 1 for cell in cells}


def heard(observation: dict[str, Any], label: str = "") -> dict[str, int]:
    """Return who heard how many."""
    found = observation.get("sends", {}).get(label, {}).get("heard", {})
    return {
        role: bin(int(bits, 16)).count("1")  # noqa: FURB161 - int.bit_count is new in Python 3.10
        for role, bits in found.items()
    }


def is_inconclusive(observation: dict[str, Any]) -> bool:
    """Tell whether an observation says nothing, and why."""
    return set(observation) == {"inconclusive"}


# One cell


def test_a_cell_is_observed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who opened, what was sent, who heard which of it."""
    leader = make_conductor(monkeypatch, World())
    cell = make_cell(leader, "one", "any4", "any4")
    assert measure(leader, [cell]) == {
        "one": [
            {
                "roles": {"A": "ok", "B": "ok"},
                "sends": {"": {"sent": "ff", "heard": {"A": "ff", "B": "ff"}}},
            }
        ]
    }


def test_a_refused_bind_is_an_outcome(monkeypatch: pytest.MonkeyPatch) -> None:
    """Unless it is the first one's; who opened is spoken to all the same."""
    world = World()
    world.refuses = lambda role, *_: "bind EADDRINUSE" if role == "B" else None
    leader = make_conductor(monkeypatch, world)
    [[seen]] = measure(leader, [make_cell(leader, "one", "any4", "any4")]).values()
    assert seen["roles"] == {"A": "ok", "B": "bind EADDRINUSE"}
    assert heard(seen) == {"A": 2 * stages.FEW_PORTS}


def test_nobody_open_is_spoken_to_by_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """There is nothing to learn from sending then."""
    world = World()
    world.refuses = lambda role, *_: "bind EADDRNOTAVAIL" if role in "AB" else None
    leader = make_conductor(monkeypatch, world)
    [[seen]] = measure(leader, [make_cell(leader, "one", "lonet", "lonet")]).values()
    assert seen == {"roles": {"A": "bind EADDRNOTAVAIL", "B": "bind EADDRNOTAVAIL"}}


def test_a_send_error_is_an_outcome_and_no_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    """The errno is told, and nothing is said of a control that could not be sent to either."""
    world = World()
    world.send_errors = {"127.255.255.255": "EACCES"}
    leader = make_conductor(monkeypatch, world)
    [[seen]] = measure(leader, [make_cell(leader, "one", "any4", "any4", to="lobcast")]).values()
    assert seen["sends"] == {"": {"sent": "0", "error": "EACCES"}}


def test_sockets_are_opened_one_role_after_another(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bind order is part of the result: B is asked only when A has answered, and S comes last."""
    world = World()
    leader = make_conductor(monkeypatch, world)
    measure(leader, [make_cell(leader, "one", "any4", "lo4", "if4")])
    order = [role for role, (name, *_) in world.requests if name in ("do", "send")]
    assert order[:4] == ["A", "B", "C", "S"]


def test_tcp_sockets_are_connected_to(monkeypatch: pytest.MonkeyPatch) -> None:
    """Accepted by whom, refused, and neither of them: which proves nothing."""
    world = World(fake_roles.last)
    leader = make_conductor(monkeypatch, world)
    open_cell = make_cell(leader, "open", "any4", "any4", kind="tcp4")
    [[seen]] = measure(leader, [open_cell]).values()
    assert heard(seen) == {"B": stages.SINGLE_CONNECTIONS}
    assert world.asked("A", "hang up")
    world.refuses = lambda role, *_: "listen EADDRINUSE" if role == "B" else None
    world.hears = fake_roles.nobody
    [[seen]] = measure(leader, [open_cell]).values()
    assert seen["roles"] == {"A": "ok", "B": "listen EADDRINUSE"}
    assert seen["sends"][""] == {"sent": "0", "refused": "1", "connects": True}
    world.send_errors = {"127.0.0.1": "ETIMEDOUT"}
    [[seen]] = measure(leader, [open_cell]).values()
    assert seen == {"inconclusive": "a connection was neither made nor refused"}


# How much is sent


@pytest.mark.parametrize(
    ("hears", "receivers", "expected"),
    [
        (fake_roles.everybody, 2, 4),
        (fake_roles.the_lone, 2, 4),
        (fake_roles.everybody, 1, 2),
        (fake_roles.last, 2, stages.SINGLE_PORTS),
        (fake_roles.by_source_port, 2, stages.SINGLE_PORTS),
        (fake_roles.by_datagram, 2, stages.SINGLE_PORTS),
    ],
)
def test_more_source_ports_only_where_they_can_tell(
    monkeypatch: pytest.MonkeyPatch, hears: fake_roles.Hears, receivers: int, expected: int
) -> None:
    """Four are enough for `all` and `none`; `one` and `spread` take more."""
    leader = make_conductor(monkeypatch, World(hears))
    [[seen]] = measure(leader, [make_cell(leader, "one", *["any4"] * receivers)]).values()
    assert ports_of(seen) == expected


def ports_of(seen: dict[str, Any]) -> int:
    """Return how many source ports sent."""
    return (int(seen["sends"][""]["sent"], 16).bit_length() + 1) // 2


def test_a_repetition_confirms_what_is_sure(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same single hearer takes two source ports; another one, or a spread, all of them again."""
    world = World(fake_roles.last)
    leader = make_conductor(monkeypatch, world)
    cells = [make_cell(leader, "one", "any4", "any4")]
    expected = [
        (fake_roles.last, False, stages.SINGLE_PORTS),
        (fake_roles.last, True, stages.FEW_PORTS),
        (fake_roles.first, True, stages.SINGLE_PORTS),
        (fake_roles.first, True, stages.FEW_PORTS),
        (fake_roles.by_source_port, True, stages.SINGLE_PORTS),
        (fake_roles.first, True, stages.SINGLE_PORTS),
        (fake_roles.first, False, stages.SINGLE_PORTS),
    ]
    for hears, again, ports in expected:
        world.hears = hears
        results = Results()
        leader.measure(cells, random.Random(1), results, again=again)
        [[seen]] = results.values()
        assert ports_of(seen) == ports


def test_a_fixed_number_of_source_ports_is_kept_to(monkeypatch: pytest.MonkeyPatch) -> None:
    """No more and no less, whoever hears."""
    leader = make_conductor(monkeypatch, World(fake_roles.last), ports=40)
    [[seen]] = measure(leader, [make_cell(leader, "one", "any4", "any4")]).values()
    assert seen["sends"][""]["sent"] == "f" * 20


@pytest.mark.parametrize("window", [16, 30])
def test_no_socket_is_sent_more_than_a_window(monkeypatch: pytest.MonkeyPatch, window: int) -> None:
    """A default receive buffer drops silently when it is full; what is sent adds up all the same."""
    world = World()
    leader = make_conductor(monkeypatch, world, window=window, ports=100)
    cells = pairs(leader, 5)
    results = measure(leader, cells)
    assert max(max(counts.values()) for counts in world.windows()) == window
    assert [heard(seen) for [seen] in results.values()] == [{"A": 200, "B": 200}] * 5


def test_all_sockets_together_are_not_sent_more_than_the_system_holds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Every datagram may wait in every receiver's buffer: udp_mem counts them all."""
    world = World()
    leader = make_conductor(monkeypatch, world, within=SMALL._replace(queued=300), ports=20)
    results = measure(leader, pairs(leader, 10))
    copies = [
        sum(count * (1 if trial == 11 else 2) for trial, count in counts.items())  # 11: the control
        for counts in world.windows()
    ]
    assert 200 < max(copies) <= 300
    assert all(heard(seen) == {"A": 40, "B": 40} for [seen] in results.values())


def test_a_cell_with_more_sockets_than_datagrams_may_wait_is_measured(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One datagram at a time, rather than none for ever."""
    world = World()
    leader = make_conductor(monkeypatch, world, within=SMALL._replace(queued=10))
    [[seen]] = measure(leader, [make_cell(leader, "crowd", *["any4"] * 12)]).values()
    assert set(heard(seen).values()) == {8}


# Batches


def batches(world: World, role: str = "A") -> list[list[tuple[int, int, str, int]]]:
    """Return what a role was told to open, batch by batch."""
    return [entries for entries, _ in world.asked(role, "do")]


def test_a_batch_has_fewer_cells_than_slots(monkeypatch: pytest.MonkeyPatch) -> None:
    """Controls among them; their ports are consecutive, so that no two share a slot."""
    world = World()
    leader = make_conductor(monkeypatch, world, within=SMALL)
    cells = [cell for to in ("lo4", "lobcast", "if4", "group4") for cell in pairs(leader, 250, to)]
    results = measure(leader, cells)
    assert once_each(results, cells)
    for entries in batches(world):
        ports = [port for _, port, *_ in entries]
        assert ports == list(range(ports[0], ports[0] + len(ports)))
        assert len({port % 256 for port in ports}) == len(ports) < 256


def test_cells_of_different_shapes_are_never_in_one_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    """All cells of a batch share the order of their roles; TCP and UDP are kept apart."""
    world = World()
    leader = make_conductor(monkeypatch, world)
    cells = [
        *pairs(leader, 30),
        *[make_cell(leader, f"three/{n}", "any4", "any4", "any4") for n in range(30)],
        *[make_cell(leader, f"tcp/{n}", "any4", "any4", kind="tcp4") for n in range(30)],
    ]
    results = measure(leader, cells)
    assert once_each(results, cells)
    assert leader.counts["batches"] == 3
    # One control in each batch of datagrams: it is opened by A alone.
    assert sorted(len(entries) for entries in batches(world)) == [30, 31, 31]
    assert sorted(len(entries) for entries in batches(world, "B")) == [30, 30, 30]


@pytest.mark.parametrize("why", ["many sockets", "asked for"])
def test_a_cell_that_must_be_alone_is(monkeypatch: pytest.MonkeyPatch, why: str) -> None:
    """In a batch of its own, on a port whose slot no source port shares."""
    world = World()
    leader = make_conductor(monkeypatch, world, within=SMALL._replace(slots=4096))
    many = limits.MANY_SOCKETS if why == "many sockets" else 2
    cells = [make_cell(leader, str(n), *["any4"] * many, solo=why == "asked for") for n in range(5)]
    results = measure(leader, cells + pairs(leader, 50))
    assert len(results) == 55
    sources = {port % 4096 for _, _, _, ports in world.asked("S", "prepare") for port in ports if port}
    alone = [entries for entries in batches(world) if len(entries) == 2]
    assert len(alone) == 5
    assert sources
    assert all(entries[0][1] % 4096 not in sources for entries in alone[1:])


@pytest.mark.parametrize(("slots", "starts"), [(60, 4), (4096, 1)])
def test_a_sender_whose_ports_are_in_every_slot_is_started_anew(
    monkeypatch: pytest.MonkeyPatch, slots: int, starts: int
) -> None:
    """Beside it no cell would be alone: one more socket in a slot may change who may bind."""
    world = World(fake_roles.last)
    leader = make_conductor(monkeypatch, world, within=SMALL._replace(slots=slots))
    measure(leader, [make_cell(leader, str(number), "any4", "any4", solo=True) for number in range(4)])
    assert world.started["S"] == starts


def test_each_trial_has_a_port_and_a_group_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Membership is per host: a shared group would leak one cell's joins into another's."""
    world = World()
    leader = make_conductor(monkeypatch, world)
    measure(leader, pairs(leader, 150, "group4"))
    [entries] = batches(world)
    assert len(entries) == len({port for _, port, *_ in entries}) == 151
    assert len({group for _, _, group, *_ in entries}) == 151


def test_repetitions_have_other_batches_and_ports(monkeypatch: pytest.MonkeyPatch) -> None:
    """An influence of one cell on another then shows as instability."""
    world = World()
    leader = make_conductor(monkeypatch, world)
    cells = [
        make_cell(leader, str(n), bind, "any4") for n, bind in enumerate(["any4", "lo4", "if4"] * 40)
    ]
    for seed in range(2):
        measure(leader, cells, seed)
    first, second = batches(world)
    assert not {port for _, port, *_ in first} & {port for _, port, *_ in second}
    assert [program for *_, program, _ in first] != [program for *_, program, _ in second]


def test_conductors_side_by_side_share_neither_ports_nor_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two probes in one lab have each their part of it, the sender's ports included."""
    seen: list[tuple[set[int], set[str]]] = []
    for index in range(2):
        world = World()
        leader = make_conductor(monkeypatch, world, share=(index, 2))
        leader.allotment.next_port = leader.allotment.cell_ports - 300
        leader.allotment.last_trial = leader.allotment.slots - 300
        for _ in range(4):
            measure(leader, pairs(leader, 190, "group4"))
        entries = [entry for batch in batches(world) for entry in batch]
        sources = {port for _, _, _, ports in world.asked("S", "prepare") for port in ports if port}
        seen.append(({port for _, port, *_ in entries} | sources, {group for _, _, group, *_ in entries}))
    assert not seen[0][0] & seen[1][0]
    assert not seen[0][1] & seen[1][1]
    place = fake_roles.FakeLab()
    assert all(
        place.first_port <= port < place.first_port + place.port_count
        for ports, _ in seen
        for port in ports
    )


def test_programs_are_sent_once_to_each_role(monkeypatch: pytest.MonkeyPatch) -> None:
    """And again to a role that was replaced."""
    world = World()
    leader = make_conductor(monkeypatch, world)
    cells = pairs(leader, 3)
    for _ in range(3):
        measure(leader, cells)
    assert [bool(programs) for _, programs in world.asked("A", "do")] == [True, False, False]
    leader.stop()
    measure(leader, cells)
    assert world.asked("A", "do")[-1][1]


def test_no_cells_take_no_roles(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing asked, nothing done."""
    world = World()
    assert measure(make_conductor(monkeypatch, world), []) == {}
    assert not world.started


# Taken ports


@pytest.mark.parametrize("errno", ["EADDRINUSE", "EACCES"])
def test_a_taken_port_is_measured_again_elsewhere(monkeypatch: pytest.MonkeyPatch, errno: str) -> None:
    """The first socket has nobody to conflict with: somebody else holds the port."""
    world = World()
    taken: set[int] = set()

    def refuse(role: str, port: int, _: list[Any]) -> str | None:
        if role == "A" and len(taken) < 25 and port % 5 == 0:
            taken.add(port)
        return f"bind {errno}" if port in taken else None

    world.refuses = refuse
    leader = make_conductor(monkeypatch, world)
    cells = pairs(leader, 150)
    results = measure(leader, cells)
    assert taken
    assert once_each(results, cells)
    assert {tuple(seen["roles"].items()) for [seen] in results.values()} == {(("A", "ok"), ("B", "ok"))}
    assert 0 < leader.counts["taken ports"] <= len(taken)
    assert leader.counts["voided"] == leader.counts["lost roles"] == 0


def test_ports_that_are_always_taken_are_no_outcome(monkeypatch: pytest.MonkeyPatch) -> None:
    """The reason is told, and the cells beside are not harmed."""
    world = World()
    bad = "127.0.0.0"
    world.refuses = lambda role, _, program: (
        "bind EADDRINUSE" if role == "A" and any(bad in op for op in program) else None
    )
    leader = make_conductor(monkeypatch, world)
    cells = [*pairs(leader, 20), *[make_cell(leader, f"bad/{n}", "lonet", "any4") for n in range(3)]]
    results = measure(leader, cells)
    assert once_each(results, cells)
    for key, [seen] in results.items():
        assert (seen == {"inconclusive": "port in use"}) == key.startswith("bad/")


def test_without_a_control_nothing_is_concluded(monkeypatch: pytest.MonkeyPatch) -> None:
    """A control whose port is taken proves no silence, nor is it silent: all is measured again."""
    world = World(fake_roles.the_lone)
    world.refuses = lambda role, port, _: "bind EADDRINUSE" if port in controls else None
    leader = make_conductor(monkeypatch, world)
    leader.allotment.next_port = 0
    controls = {leader.allotment.first_port + 10}
    cells = pairs(leader, 10)
    results = measure(leader, cells)
    assert once_each(results, cells)
    assert all(seen["sends"][""].get("control") is None for [seen] in results.values())
    assert leader.counts["voided"] == 1


# Roles that are lost


@pytest.mark.parametrize("how", ["role A died", "role A did not answer in 30 s"])
@pytest.mark.parametrize("request_name", ["do", "drain", "close"])
@pytest.mark.parametrize("role", ["A", "B"])
def test_a_lost_role_is_replaced_and_its_cells_measured_again(
    monkeypatch: pytest.MonkeyPatch, role: str, request_name: str, how: str
) -> None:
    """At whatever request it was lost, every cell has its one and right result in the end."""
    world = World()
    losses = iter([how])
    world.befalls = lambda who, what, _: next(losses, "") if (who, what) == (role, request_name) else ""
    leader = make_conductor(monkeypatch, world)
    cells = pairs(leader, 450)
    results = measure(leader, cells)
    assert once_each(results, cells)
    assert all(heard(seen) == {"A": 8, "B": 8} for [seen] in results.values())
    assert leader.counts["lost roles"] == 1
    assert world.started[role] == 2


@pytest.mark.parametrize("at", range(1, 9))
def test_a_sender_that_dies_at_any_request_is_replaced(monkeypatch: pytest.MonkeyPatch, at: int) -> None:
    """Its pools of source ports are made again with it."""
    world = World(fake_roles.by_source_port)
    count = iter(range(1, 1000))
    world.befalls = lambda who, *_: "role S died" if who == "S" and next(count) == at else ""
    leader = make_conductor(monkeypatch, world)
    cells = [*pairs(leader, 50), *pairs(leader, 50, "lobcast")]
    results = measure(leader, cells)
    assert once_each(results, cells)
    assert all(set(heard(seen)) == {"A", "B"} for [seen] in results.values())
    assert leader.counts["lost roles"] == (world.started["S"] == 2)


def test_a_role_that_always_dies_makes_no_outcome(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every cell is inconclusive, says why, and it ends."""
    world = World()
    world.befalls = lambda who, what, _: "role B died" if (who, what) == ("B", "drain") else ""
    leader = make_conductor(monkeypatch, world)
    cells = pairs(leader, 40)
    results = measure(leader, cells)
    assert once_each(results, cells)
    assert all(seen == {"inconclusive": "role B died"} for [seen] in results.values())


def test_one_bad_cell_is_isolated(monkeypatch: pytest.MonkeyPatch) -> None:
    """A cell that kills its role costs the others nothing but time."""
    world = World()
    world.befalls = lambda who, _, program: (
        "role B died" if who == "B" and any("127.0.0.0" in op for op in program) else ""
    )
    leader = make_conductor(monkeypatch, world)
    good, bad = pairs(leader, 399), make_cell(leader, "bad", "any4", "lonet")
    results = measure(leader, [*good[:200], bad, *good[200:]])
    assert once_each(results, [*good, bad])
    assert results.pop("bad") == [{"inconclusive": "role B died"}]
    assert all(heard(seen) == {"A": 8, "B": 8} for [seen] in results.values())
    assert leader.counts["lost roles"] < 20


def test_nothing_of_a_voided_batch_is_counted_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    """Roles that die all the time, at random: one result for each cell, right or inconclusive."""
    chance = random.Random(7)
    world = World()
    world.befalls = lambda who, *_: f"role {who} died" if chance.random() < 0.05 else ""
    leader = make_conductor(monkeypatch, world, within=SMALL._replace(slots=30))
    cells = [*pairs(leader, 300), *[make_cell(leader, f"solo/{n}", "any4", solo=True) for n in range(20)]]
    results = measure(leader, cells)
    assert once_each(results, cells)
    for key, [seen] in results.items():
        right = {"A": 4} if key.startswith("solo/") else {"A": 8, "B": 8}
        assert is_inconclusive(seen) or heard(seen) == right


def test_stopping_leaves_no_role(monkeypatch: pytest.MonkeyPatch) -> None:
    """All are stopped, and started again when they are needed."""
    world = World()
    leader = make_conductor(monkeypatch, world)
    cells = pairs(leader, 3)
    measure(leader, cells)
    assert len(world.alive) == 3
    leader.stop()
    assert world.alive == []
    assert once_each(measure(leader, cells), cells)


# Silence


def test_a_silent_fence_makes_every_cell_inconclusive(monkeypatch: pytest.MonkeyPatch) -> None:
    """Never none; and after two silences the rest is not tried again and again."""
    world = World(fake_roles.nobody)
    world.fence = lambda: False
    leader = make_conductor(monkeypatch, world)
    cells = [*pairs(leader, 450), *[make_cell(leader, f"solo/{n}", "any4", solo=True) for n in range(5)]]
    results = measure(leader, cells)
    assert once_each(results, cells)
    assert all(is_inconclusive(seen) and "fence" in seen["inconclusive"] for [seen] in results.values())
    assert leader.counts["silent fences"] <= 2 + 3 + 5


def test_no_connection_is_waited_for_where_nothing_arrives(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each would take a second; after two silences the fence is asked for first, and alone."""
    world = World()
    world.fence = lambda: False
    leader = make_conductor(monkeypatch, world)
    cells = [make_cell(leader, str(n), "any4", kind="tcp4") for n in range(800)]
    results = measure(leader, cells)
    assert once_each(results, cells)
    assert all("fence" in seen["inconclusive"] for [seen] in results.values())
    assert len(world.asked("S", "connect")) == 2
    assert all(entries == [] for entries, _, _ in world.asked("S", "send"))


def test_a_fence_that_is_silent_once_costs_nothing_but_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """The batch is measured again."""
    world = World()
    fences = iter([True, False])
    world.fence = lambda: next(fences, True)
    leader = make_conductor(monkeypatch, world)
    cells = pairs(leader, 450)
    results = measure(leader, cells)
    assert once_each(results, cells)
    assert not any(is_inconclusive(seen) for [seen] in results.values())
    assert leader.counts["silent fences"] == leader.counts["voided"] == 1


def test_a_lab_that_recovers_is_measured_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """Silence for a while costs the cells of that while, not those that come after."""
    world = World()
    fences = iter([False] * 3)
    world.fence = lambda: next(fences, True)
    leader = make_conductor(monkeypatch, world)
    cells = pairs(leader, 600)
    results = measure(leader, cells)
    assert once_each(results, cells)
    lost = sum(is_inconclusive(seen) for [seen] in results.values())
    assert lost == 400
    assert leader._silences == 0


def test_a_lone_receiver_that_hears_makes_the_silence_of_others_plain(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Control heard: none. Control silent: none, with the note that nobody hears this here."""
    for hears, note in ((fake_roles.the_lone, {}), (fake_roles.nobody, {"control": "silent"})):
        leader = make_conductor(monkeypatch, World(hears))
        [[seen]] = measure(leader, [make_cell(leader, "one", "any4", "any4", to="lobcast")]).values()
        assert seen["sends"] == {"": {"sent": "ff", **note}}


def test_controls_are_by_kind_of_destination(monkeypatch: pytest.MonkeyPatch) -> None:
    """A silent broadcast says nothing of a silent unicast in the same batch."""
    world = World(lambda host, opened, _: opened if host == "127.0.0.1" and len(opened) == 1 else [])
    leader = make_conductor(monkeypatch, world)
    results = measure(leader, [*pairs(leader, 3), *pairs(leader, 3, "lobcast")])
    assert leader.counts["batches"] == 1
    for key, [seen] in results.items():
        assert (seen["sends"][""].get("control") == "silent") == key.startswith("lobcast")


def test_a_control_is_no_cell(monkeypatch: pytest.MonkeyPatch) -> None:
    """It has no result of its own."""
    leader = make_conductor(monkeypatch, World())
    assert set(measure(leader, pairs(leader, 2))) == {"lo4/0", "lo4/1"}


# What else voids a batch


@pytest.mark.parametrize(("grace", "doubled"), [(0.0, 0.005), (0.001, 0.005), (0.004, 0.008)])
def test_a_late_datagram_voids_the_batch_and_doubles_the_grace(
    monkeypatch: pytest.MonkeyPatch, grace: float, doubled: float
) -> None:
    """What arrives after its batch was settled was silence a moment ago."""
    world = World()
    world.late = [0, 3]
    leader = make_conductor(monkeypatch, world, grace=grace)
    cells = pairs(leader, 450)
    results = measure(leader, cells)
    assert once_each(results, cells)
    assert all(heard(seen) == {"A": 8, "B": 8} for [seen] in results.values())
    assert leader.counts["voided"] == 1
    assert leader.grace == doubled


def test_the_grace_is_waited_after_every_window(monkeypatch: pytest.MonkeyPatch) -> None:
    """And it never grows beyond two seconds."""
    waits: list[float] = []
    monkeypatch.setattr(time, "sleep", waits.append)
    world = World()
    world.late = [1] * 40
    leader = make_conductor(monkeypatch, world, grace=0.5)
    results = measure(leader, pairs(leader, 1))
    assert all(is_inconclusive(seen) for [seen] in results.values())
    assert waits == [0.5, 1.0, 2.0]
    assert leader.grace == 2.0


def test_lost_datagrams_void_the_batch_and_halve_the_window(monkeypatch: pytest.MonkeyPatch) -> None:
    """A buffer or backlog was full: what was not heard may have been lost there."""
    world = World()
    counts = iter([0, 5])
    world.lost_datagrams = lambda: next(counts, 5)
    leader = make_conductor(monkeypatch, world, window=100)
    cells = pairs(leader, 450)
    results = measure(leader, cells)
    assert once_each(results, cells)
    assert leader.counts["voided"] == 1
    assert leader.window == 50


def test_datagrams_that_are_always_lost_prove_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The window shrinks to 16 and no further; the cells end inconclusive with the reason."""
    world = World()
    counter = iter(range(10_000))
    world.lost_datagrams = lambda: next(counter)
    leader = make_conductor(monkeypatch, world)
    cells = pairs(leader, 10)
    results = measure(leader, cells)
    assert once_each(results, cells)
    assert all("dropped" in seen["inconclusive"] for [seen] in results.values())
    assert leader.window == 16


# Fresh processes


def test_fresh_means_new_processes_for_every_cell(monkeypatch: pytest.MonkeyPatch) -> None:
    """The cross-check of the pooled roles shares nothing between cells."""
    world = World()
    leader = make_conductor(monkeypatch, world, fresh=True)
    cells = pairs(leader, 7)
    results = measure(leader, cells)
    assert once_each(results, cells)
    assert world.started == {"A": 7, "B": 7, "S": 7}
    assert leader.counts["batches"] == 7


@pytest.mark.parametrize("trouble", ["late", "lost at close", "taken and late"])
def test_fresh_cells_in_trouble_are_measured_again_once(
    monkeypatch: pytest.MonkeyPatch, trouble: str
) -> None:
    """A batch that fails as it is settled is one batch, not two."""
    world = World()
    if trouble != "lost at close":
        world.late = [1]
    else:
        losses = iter(["role A died"])
        world.befalls = lambda who, what, _: next(losses, "") if (who, what) == ("A", "close") else ""
    if trouble == "taken and late":
        refusals = iter(["bind EADDRINUSE"])
        world.refuses = lambda role, *_: next(refusals, None) if role == "A" else None
    leader = make_conductor(monkeypatch, world, fresh=trouble != "taken and late")
    cells = pairs(leader, 4)
    assert once_each(measure(leader, cells), cells)


@pytest.mark.parametrize("count", [1, 7, 8, 32])
def test_many_conductors_find_room_in_one_host(monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    """Each has ports for two batches, and for the sender, and no two have the same."""
    ports: set[int] = set()
    for index in range(count):
        world = World()
        leader = make_conductor(monkeypatch, world, share=(index, count))
        measure(leader, pairs(leader, 50))
        own = {port for batch in batches(world) for _, port, *_ in batch}
        assert not own & ports
        ports |= own


def test_too_many_conductors_in_one_host_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """There is one clear line, and no batch without ports."""
    with pytest.raises(lab.LabError, match="too few ports each"):
        make_conductor(monkeypatch, World(), share=(0, 200))


def test_a_connection_to_nobody_of_ours_proves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody else's listener took it: never `none`."""
    leader = make_conductor(monkeypatch, World(hears=lambda *_: ["Z"]))
    seen = measure(leader, [make_cell(leader, "one", "any4", "lo4", kind="tcp4")])
    assert seen == {"one": [{"inconclusive": "a connection was made, but not to one of our sockets"}]}
