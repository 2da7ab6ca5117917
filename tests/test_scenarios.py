"""Scenarios: exactly which steps a cell becomes."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sockmatrix import table
from sockmatrix.scenarios import SCENARIOS, addresses
from sockmatrix.script import compile_steps
from sockmatrix.script.writer import write


@pytest.fixture(scope="module")
def tables() -> dict[str, table.Table]:
    """Load the tables of this installation."""
    return table.load_all()


def steps(tables: dict[str, table.Table], text: str) -> list[Any]:
    """Return the steps of the cell with this id."""
    own = tables[text.partition("/")[0]]
    return own.scenario.steps(own.cell(text))


def test_fan_out_to_loopback_broadcast(tables: dict[str, table.Table]) -> None:
    """Each receiver sets its options in a fixed order and binds; the sender sends once."""
    assert steps(
        tables, "loopback-broadcast/dest:lobcast/A:lobcast.addr+port/B:any4.addr+lb/C:lo4.exclusive"
    ) == [
        [
            "A",
            [
                ["socket", "udp4"],
                ["set", "SO_REUSEADDR", 1],
                ["set", "SO_REUSEPORT", 1],
                ["bind", "lobcast"],
            ],
        ],
        [
            "B",
            [
                ["socket", "udp4"],
                ["set", "SO_REUSEADDR", 1],
                ["set", "SO_REUSEPORT_LB", 1],
                ["bind", "any4"],
            ],
        ],
        ["C", [["socket", "udp4"], ["set", "EXCLUSIVE", 1], ["bind", "lo4"]]],
        ["S", [["send", "", "lobcast", {"broadcast": 1}]]],
    ]


def test_fan_out_without_so_broadcast(tables: dict[str, table.Table]) -> None:
    """The sender leaves the option alone where the cell says so."""
    assert steps(tables, "loopback-broadcast/dest:lobcast/broadcast:off/A:lobcast.none")[-1] == [
        "S",
        [["send", "", "lobcast", {}]],
    ]


def test_fan_out_to_a_group(tables: dict[str, table.Table]) -> None:
    """A receiver joins after its bind, a bystander without a port; the sender chooses the way."""
    assert steps(tables, "fan-out/dest:group4/via:lo4/bystander:if4/A:group4.none/B:any4.addr.none") == [
        ["A", [["socket", "udp4"], ["bind", "group4"], ["join", "group4", "if4"]]],
        ["B", [["socket", "udp4"], ["set", "SO_REUSEADDR", 1], ["bind", "any4"]]],
        ["J", [["socket", "udp4"], ["join", "group4", "if4"]]],
        ["S", [["send", "", "group4", {"broadcast": 1, "via": "lo4"}]]],
    ]


def test_fan_out_to_twelve(tables: dict[str, table.Table]) -> None:
    """Receivers are named past the bystander, which is no receiver."""
    made = steps(tables, "fan-out/dest:limited/12x:any4.addr")
    assert [role for role, _ in made] == [*"ABCDEFGHIKLM", "S"]


def test_bind_conflicts_udp(tables: dict[str, table.Table]) -> None:
    """Every address that a socket covers is sent to under its own symbol; a group is joined."""
    assert steps(tables, "bind-conflicts/transport:udp/A:any4.none/B:group4.port") == [
        ["A", [["socket", "udp4"], ["bind", "any4"]]],
        [
            "B",
            [
                ["socket", "udp4"],
                ["set", "SO_REUSEPORT", 1],
                ["bind", "group4"],
                ["join", "group4", "if4"],
            ],
        ],
        [
            "S",
            [
                ["send", "lo4", "lo4", {}],
                ["send", "if4", "if4", {}],
                ["send", "group4", "group4", {"via": "if4"}],
            ],
        ],
    ]
    via_loopback = steps(tables, "bind-conflicts/transport:udp/via:lo4/A:group4.none")
    assert via_loopback[0][1][-1] == ["join", "group4", "lo4"]
    assert via_loopback[-1] == ["S", [["send", "group4", "group4", {"via": "lo4"}]]]
    broadcast = steps(tables, "bind-conflicts/transport:udp/A:lobcast.none")
    assert broadcast[-1] == ["S", [["send", "lobcast", "lobcast", {"broadcast": 1}]]]


def test_bind_conflicts_tcp_listens_after_or_at_once(tables: dict[str, table.Table]) -> None:
    """All bind before the first listens, or each listens as soon as it is bound."""
    first = [["socket", "tcp4"], ["set", "SO_REUSEADDR", 1], ["bind", "lo4"]]
    second = [["socket", "tcp4"], ["bind", "lo4"]]
    listen, sends = ["listen", 128], ["S", [["connect", "lo4", "lo4"]]]
    assert steps(tables, "bind-conflicts/transport:tcp/A:lo4.addr/B:lo4.none") == [
        ["A", first],
        ["B", second],
        ["A", [listen]],
        ["B", [listen]],
        sends,
    ]
    assert steps(tables, "bind-conflicts/transport:tcp/listen:at-once/A:lo4.addr/B:lo4.none") == [
        ["A", [*first, listen]],
        ["B", [*second, listen]],
        sends,
    ]


def test_nobody_connects_to_a_group_or_a_broadcast_address(
    tables: dict[str, table.Table],
) -> None:
    """TCP sockets may try to bind there; there is nothing to connect to."""
    made = steps(tables, "bind-conflicts/transport:tcp/A:group4.none/B:lobcast.none")
    assert [role for role, _ in made] == ["A", "B", "A", "B"]
    assert "join" not in json.dumps(made)
    mixed = steps(tables, "bind-conflicts/transport:tcp/A:group4.none/B:any4.none")
    assert mixed[-1] == ["S", [["connect", "lo4", "lo4"], ["connect", "if4", "if4"]]]


@pytest.mark.parametrize(
    ("bind", "socket", "v6only"),
    [
        ("any4", "udp4", None),
        ("any6", "udp6", 0),
        ("any6only", "udp6", 1),
        ("lo6", "udp6", 0),
        ("if6", "udp6", 0),
        ("mapped-any", "udp6", 0),
        ("mapped-lo", "udp6", 0),
    ],
)
def test_ipv6_sockets_always_say_v6only(
    tables: dict[str, table.Table], bind: str, socket: str, v6only: int | None
) -> None:
    """IPV6_V6ONLY is set one way or the other, before all else; IPv4 sockets do not have it."""
    operations = steps(tables, f"bind-conflicts/transport:udp/A:{bind}.addr")[0][1]
    said = [] if v6only is None else [["set", "IPV6_V6ONLY", v6only]]
    assert operations == [
        ["socket", socket],
        *said,
        ["set", "SO_REUSEADDR", 1],
        ["bind", bind],
    ]


def test_bind_conflicts_of_users(tables: dict[str, table.Table]) -> None:
    """A socket of another user is in a process of that user's, in all its turns."""
    made = steps(tables, "users/transport:udp/A:any4.addr.same/B:lo4.none.u1")
    assert [actor for actor, _ in made] == ["A", "B@u1", "S"]
    made = steps(tables, "users/transport:tcp/listen:after/A:lo4.port.u1/B:lo4.port.u2")
    assert [actor for actor, _ in made] == ["A@u1", "B@u2", "A@u1", "B@u2", "S"]
    own = tables["users"]
    cell = own.cell("users/transport:tcp/A:lo4.port.u1/B:lo4.port.u2")
    assert own.scenario.receivers(cell) == ("A", "B")
    with_user = steps(tables, "users/transport:tcp/A:lo4.port.same/B:lo4.none.same")
    assert with_user == steps(tables, "bind-conflicts/transport:tcp/listen:at-once/A:lo4.port/B:lo4.none")


def test_steps_are_a_script_of_their_own(tables: dict[str, table.Table]) -> None:
    """What people are shown of a cell compiles to the steps of the cell."""
    for text in (
        "loopback-broadcast/dest:lobcast/A:lobcast.addr+port/B:any4.addr+lb/C:lo4.exclusive",
        "fan-out/dest:group4/via:lo4/bystander:if4/A:group4.none/B:any4.addr.none",
        "bind-conflicts/transport:udp/A:any6only.none/B:mapped-lo.port",
        "bind-conflicts/transport:tcp/A:any6.addr/B:lo4.none",
        "users/transport:udp/A:any4.addr.same/B:group4.none.u1",
    ):
        made = steps(tables, text)
        assert compile_steps("\n".join(write(made))) == made


@pytest.mark.parametrize(
    ("binds", "expected"),
    [
        (["lo4", "lo4"], ["lo4"]),
        (["if4", "lo4"], ["lo4", "if4"]),
        (["any4"], ["lo4", "if4"]),
        (["mapped-any"], ["lo4", "if4"]),
        (["mapped-lo"], ["lo4"]),
        (["any6only"], ["lo6", "if6"]),
        (["any6"], ["lo4", "if4", "lo6", "if6"]),
        (["if6", "any4"], ["lo4", "if4", "if6"]),
        (["lobcast", "group4", "lo6"], ["lo6", "lobcast", "group4"]),
    ],
)
def test_destinations_cover_the_binds(binds: list[str], expected: list[str]) -> None:
    """What is bound is probed, and for a wildcard the addresses it covers, in one order."""
    assert addresses.destinations(binds) == expected


def test_needs_are_the_options_used(tables: dict[str, table.Table]) -> None:
    """Where one of them does not exist, the cell is absent."""
    wanted = {
        "loopback-broadcast/dest:lo4/broadcast:off/A:lo4.none": set(),
        "loopback-broadcast/dest:lo4/A:lo4.lb/B:lo4.exclusive": {
            "SO_REUSEPORT_LB",
            "EXCLUSIVE",
            "SO_BROADCAST",
        },
        "fan-out/dest:group4/broadcast:off/A:any4.addr+port": {
            "SO_REUSEADDR",
            "SO_REUSEPORT",
            "IP_ADD_MEMBERSHIP",
            "IP_MULTICAST_IF",
        },
        "bind-conflicts/transport:tcp/A:any6.none": {"IPV6_V6ONLY"},
    }
    for text, options in wanted.items():
        own = tables[text.partition("/")[0]]
        cell = own.cell(text)
        assert own.scenario.needs(cell) == options
        assert own.scenario.receivers(cell) == cell.receivers


def test_steps_may_be_changed_by_their_reader(tables: dict[str, table.Table]) -> None:
    """Each call makes new lists: a reader that edits them spoils nobody else's."""
    text = "bind-conflicts/transport:tcp/A:lo4.none/B:lo4.none"
    made = steps(tables, text)
    made[0][1].clear()
    made[2][1][0][1] = 0
    assert steps(tables, text)[0][1]
    assert steps(tables, text)[3][1] == [["listen", 128]]


def test_every_scenario_is_described() -> None:
    """A scenario has a version, a sentence, and is registered under its own name."""
    for name, scenario in SCENARIOS.items():
        assert scenario.name == name
        assert scenario.version >= 1
        assert scenario.words.endswith(".")
