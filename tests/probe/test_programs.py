"""Programs: what steps in symbols become on each system, and why some of them cannot be performed."""

from __future__ import annotations

import socket
from typing import Any

import lab
import pytest
from fake_roles import FakeLab
from opcodes import ACT, BIND, JOIN, LISTEN, SET, SOCKET
from programs import Compiler, Part
from resolver import Absent
from voices import Pool

UDP4 = (int(socket.AF_INET), int(socket.SOCK_DGRAM))
BSD = {
    "SOL_SOCKET": 0xFFFF,
    "SO_REUSEADDR": 4,
    "SO_REUSEPORT": 0x200,
    "SO_BROADCAST": 0x20,
    "IPPROTO_IP": 0,
    "IPPROTO_IPV6": 41,
    "IP_MULTICAST_IF": 9,
    "IP_MULTICAST_TTL": 10,
    "IP_MULTICAST_LOOP": 11,
    "IP_ADD_MEMBERSHIP": 12,
    "IPV6_V6ONLY": 27,
}
WINDOWS = {name: number for name, number in BSD.items() if name != "SO_REUSEPORT"}
LINUX = {**BSD, "SOL_SOCKET": 1, "SO_REUSEADDR": 2, "SO_REUSEPORT": 15, "SO_BROADCAST": 6}
CONSTANTS = {
    "linux": LINUX,
    "win32": WINDOWS,
    "darwin": BSD,
    "freebsd14": BSD,
    "openbsd7": BSD,
    "sunos5": WINDOWS,
}


def make(platform: str = "linux", lab_facts: dict[str, Any] | None = None) -> Compiler:
    """Return a compiler for a system, in a lab of plain facts."""
    return Compiler(FakeLab(**lab_facts or {}), platform, CONSTANTS[platform])


def part(compiler: Compiler, *operations: list[Any]) -> Part:
    """Compile the operations of one role."""
    staged = operations[0][0] in ("send", "connect")
    return compiler.part(compiler.add(list(operations)), staged=staged)


def program(compiler: Compiler, *operations: list[Any]) -> list[tuple[Any, ...]]:
    """Compile a receiver, and return what the role will be told."""
    number = part(compiler, *operations).program
    assert number is not None
    return compiler.programs[number]


# Receivers


def test_a_receiver_becomes_numbers_and_addresses() -> None:
    """In the order of its steps; a datagram socket that is bound may hear."""
    compiler = make()
    found = part(compiler, ["socket", "udp4"], ["set", "SO_REUSEADDR", 1], ["bind", "lobcast"])
    assert (found.binds, found.listens, found.voices) == (True, False, [])
    assert compiler.programs[found.program or 0] == [
        (SOCKET, *UDP4),
        (SET, 1, 2, 1, "SO_REUSEADDR"),
        (BIND, "127.255.255.255", True),
    ]


def test_a_tcp_socket_hears_once_it_listens() -> None:
    """Its bind says nothing about hearing."""
    found = program(make(), ["socket", "tcp6"], ["bind", "lo6"], ["listen", 128])
    assert found == [
        (SOCKET, int(socket.AF_INET6), int(socket.SOCK_STREAM)),
        (BIND, "::1", False),
        (LISTEN, 128),
    ]


def test_a_later_round_of_a_receiver_stands_alone() -> None:
    """TCP: all bind first, then each listens."""
    found = part(make(), ["listen", 128])
    assert (found.binds, found.listens) == (False, True)


def test_the_group_is_the_trial_s_own() -> None:
    """It is known when the trial begins; the program leaves a gap for it."""
    found = program(make(), ["socket", "udp4"], ["bind", "group4"], ["join", "group4", "if4"])
    assert found[1:] == [(BIND, None, True), (JOIN, 0, 12, socket.inet_aton("198.51.100.1"))]


def test_a_bystander_binds_nothing() -> None:
    """It is no receiver."""
    found = part(make(), ["socket", "udp4"], ["join", "group4", "lo4"])
    assert not found.binds


@pytest.mark.parametrize(
    ("platform", "side"),
    [("linux", "sender"), ("darwin", "sender"), ("freebsd14", "sender"), ("win32", "receiver")],
)
def test_the_side_that_loops_multicast_back(platform: str, side: str) -> None:
    """The sender's IP_MULTICAST_LOOP decides everywhere but on Windows, where it is the receiver's."""
    compiler = make(platform)
    receiver = program(compiler, ["socket", "udp4"], ["bind", "any4"], ["join", "group4", "lo4"])
    voice = part(compiler, ["send", "", "group4", {"via": "lo4"}]).voices[0]
    assert voice.pool is not None
    loop = (0, 11, 1)
    assert (any(op[:1] == (SET,) and op[1:4] == loop for op in receiver)) == (side == "receiver")
    assert (loop in voice.pool.options) == (side == "sender")


def test_one_byte_where_an_int_is_refused() -> None:
    """OpenBSD takes an unsigned char for these two."""
    voice = part(make("openbsd7"), ["send", "", "group4", {"via": "lo4"}]).voices[0]
    assert voice.pool is not None
    assert {(0, 11, b"\1"), (0, 10, b"\1")} <= set(voice.pool.options)


@pytest.mark.parametrize(
    ("platform", "option", "expected"),
    [
        ("linux", "SO_REUSEPORT", (1, 15, 1)),
        ("linux", "SO_REUSEPORT_LB", None),
        ("linux", "EXCLUSIVE", None),
        ("darwin", "SO_REUSEPORT", (0xFFFF, 0x200, 1)),
        ("win32", "SO_REUSEPORT", None),
        ("win32", "EXCLUSIVE", (0xFFFF, -5, 1)),
        ("linux", "SO_REUSE_MULTICASTPORT", None),
        ("darwin", "SO_REUSE_UNICASTPORT", None),
        ("win32", "SO_REUSE_UNICASTPORT", (0xFFFF, 0x3007, 1)),
        ("win32", "SO_REUSE_MULTICASTPORT", (0xFFFF, 0x3008, 1)),
        ("freebsd14", "SO_REUSEPORT_LB", (0xFFFF, 0x10000, 1)),
        ("sunos5", "EXCLUSIVE", (0xFFFF, 0x1015, 1)),
    ],
)
def test_options_of_each_system(platform: str, option: str, expected: tuple[int, ...] | None) -> None:
    """One that a system does not have makes the cell absent, by the option's name."""
    compiler = make(platform)
    steps: list[list[Any]] = [["socket", "udp4"], ["set", option, 1], ["bind", "any4"]]
    if expected is None:
        with pytest.raises(Absent, match=f"^{option}$"):
            part(compiler, *steps)
    else:
        assert program(compiler, *steps)[1] == (SET, *expected, option)


def test_what_is_absent_stays_absent() -> None:
    """Asked again, the answer is the same, and nothing is compiled twice."""
    compiler = make("win32")
    number = compiler.add([["socket", "udp4"], ["set", "SO_REUSEPORT", 1]])
    for _ in range(2):
        with pytest.raises(Absent, match="SO_REUSEPORT"):
            compiler.part(number)
    good = compiler.add([["socket", "udp4"], ["bind", "any4"]])
    assert compiler.part(good) is compiler.part(good)


# What the lab lacks


@pytest.mark.parametrize(
    ("facts", "step", "reason"),
    [
        ({"link": False}, ["bind", "if4"], lab.NO_LINK),
        ({"link": False}, ["bind", "subnet-bcast"], lab.NO_LINK),
        ({"ipv6": False}, ["bind", "any6"], lab.NO_IPV6),
        ({"may_leave": False}, ["join", "group4", "if4"], lab.LEAVES),
        ({"link": False}, ["join", "group4", "if4"], lab.NO_LINK),
        ({"may_leave": False}, ["send", "", "limited", {}], lab.LEAVES),
        ({"may_leave": False}, ["send", "", "group4", {"via": "if4"}], lab.LEAVES),
        ({"ipv6": False}, ["send", "", "lo6", {}], lab.NO_IPV6),
        ({"link": False}, ["connect", "", "if6"], lab.NO_LINK),
    ],
)
def test_what_the_lab_lacks_or_forbids_is_unavailable(
    facts: dict[str, Any], step: list[Any], reason: str
) -> None:
    """With the reason, and before anything is opened or sent."""
    with pytest.raises(lab.Unavailable, match=f"^{reason}$"):
        part(make(lab_facts=facts), step)


def test_what_stays_is_allowed() -> None:
    """The same labs, within their loopback."""
    compiler = make(lab_facts={"link": False, "ipv6": False, "may_leave": False})
    part(compiler, ["socket", "udp4"], ["bind", "any4"], ["join", "group4", "lo4"])
    part(compiler, ["send", "", "lobcast", {"broadcast": 1}])


def test_a_missing_destination_costs_only_its_own_send() -> None:
    """The others of the cell are sent all the same; the reason is kept by label."""
    found = part(
        make(lab_facts={"link": False}),
        ["send", "lo4", "lo4", {}],
        ["send", "if4", "if4", {}],
    )
    assert [voice.label for voice in found.voices] == ["lo4"]
    assert found.unsent == (("if4", lab.NO_LINK),)


# The sender


def test_a_voice_says_where_and_from_which_sockets() -> None:
    """Voices of the same profile share a pool of source ports."""
    compiler = make()
    plain, other, broadcast = part(
        compiler,
        ["send", "a", "lo4", {}],
        ["send", "b", "if4", {}],
        ["send", "c", "lobcast", {"broadcast": 1}],
    ).voices
    assert (plain.host, other.host) == ("127.0.0.1", "198.51.100.1")
    assert plain.pool == other.pool == Pool(UDP4[0], ())
    assert broadcast.pool == Pool(UDP4[0], ((1, 6, 1),))
    assert broadcast.kind == ("lobcast", None)
    assert not plain.connects


def test_multicast_leaves_by_the_interface_of_the_cell() -> None:
    """IP_MULTICAST_IF and the lab's TTL; the group is the trial's."""
    voice = part(make(), ["send", "", "group4", {"via": "if4"}]).voices[0]
    assert voice.host is None
    assert voice.kind == ("group4", "if4")
    assert voice.pool is not None
    assert {(0, 9, socket.inet_aton("198.51.100.1")), (0, 10, 1)} <= set(voice.pool.options)


def test_a_connection_has_no_pool() -> None:
    """Each is a socket of its own."""
    voice = part(make(), ["connect", "x", "lo6"]).voices[0]
    assert voice.connects
    assert (voice.family, voice.host) == (int(socket.AF_INET6), "::1")


# Controls


@pytest.mark.parametrize(
    ("destination", "profile", "kind", "bind"),
    [
        ("lobcast", {}, socket.AF_INET, "0.0.0.0"),
        ("lo6", {}, socket.AF_INET6, "::"),
        ("mapped-lo", {}, socket.AF_INET6, "::"),
        ("group4", {"via": "if4"}, socket.AF_INET, "0.0.0.0"),
    ],
)
def test_a_control_is_the_most_willing_receiver(
    destination: str, profile: dict[str, Any], kind: int, bind: str
) -> None:
    """Bound to any, a member of the group, and spoken to with permission to broadcast."""
    compiler = make()
    [voice] = part(compiler, ["send", "x", destination, profile]).voices
    number, own = compiler.control(voice)
    found = compiler.programs[number]
    assert found[0][:2] == (SOCKET, int(kind))
    assert (BIND, bind, True) in found
    assert any(op[0] == JOIN for op in found) == (destination == "group4")
    assert own.kind == voice.kind
    assert own.host == voice.host
    assert own.label == ""
    assert own.pool is not None
    assert ((1, 6, 1) in own.pool.options) == (kind == socket.AF_INET)


# Acts, labels, ports


def note(label: str, *operation: Any) -> list[Any]:
    """Return a labelled operation."""
    return ["note", label, list(operation)]


def test_a_labelled_operation_is_an_act() -> None:
    """Whatever it is: its result is told, and the rest goes on."""
    found = program(make(), note("made", "socket", "udp4"), note("tried", "bind", "lo4"))
    assert found == [
        (ACT, "made", "socket", "socket", UDP4),
        (ACT, "tried", "bind", "bind", ("127.0.0.1", "P", 0)),
    ]


@pytest.mark.parametrize(
    "bind",
    [
        ["bind", "lo4", "P+1"],
        ["bind", "lo4", 0],
        ["bind", "group4b"],
        ["bind", "link6"],
        ["bind", "lo6", {"on": "if6"}],
    ],
)
def test_what_is_not_the_usual_bind_is_an_act(bind: list[Any]) -> None:
    """Another port or group, a zone or a scope."""
    found = program(make(), ["socket", "udp4"], bind)
    assert [op[0] for op in found] == [SOCKET, ACT]
    assert program(make(), ["socket", "udp4"], ["bind", "lo4"])[1][0] == BIND


def test_a_bind_in_a_later_turn_is_an_act() -> None:
    """Only the role knows what kind of socket there is."""
    assert [op[0] for op in program(make(), ["bind", "lo4"])] == [ACT]
    assert [op[0] for op in program(make(), ["listen", 5])] == [LISTEN]


@pytest.mark.parametrize(
    "join",
    [
        ["join", "group4b", "if4"],
        ["join", "group4", "if4", {"by": "index"}],
        ["join", "group4", "bad"],
        ["join", "group4", "none", {"by": "any"}],
    ],
)
def test_what_is_not_the_usual_membership_is_an_act(join: list[Any]) -> None:
    """The usual one is the trial's own group, on an interface by its address."""
    found = program(make(), ["socket", "udp4"], join)
    assert [op[0] for op in found] == [SOCKET, ACT]


def test_a_scope_may_stand_where_a_port_is_left_out() -> None:
    """It is the cell's own port then."""
    found = program(make(), ["socket", "udp6"], ["connect", "lo6", {"on": "if6"}])
    assert found[1] == (ACT, None, "connect", "connect", ("::1", "P", 2))


def test_an_absent_option_with_a_label_is_a_note() -> None:
    """Without one the cell is absent, in a later turn as well."""
    compiler = make("win32")
    steps = [["socket", "udp4"], note("reuse", "set", "SO_REUSEPORT", 1), ["bind", "lo4"]]
    assert program(compiler, *steps)[1] == (ACT, "reuse", "set", "absent", ())
    with pytest.raises(Absent, match=r"^SO_REUSEPORT$"):
        part(compiler, ["set", "SO_REUSEPORT", 1])


@pytest.mark.parametrize(
    "operations",
    [
        [["socket", "udp4"], ["fly"]],
        [["socket", "udp4"], ["bind", "no-such-address"]],
        [["socket", "udp4"], ["bind"]],
        [["socket", "udp4"], ["listen", 1, 2, 3]],
        [["socket"]],
        [],
        [["socket", "udp4"], ["bind", "lo4", "P+x"]],
        [["send", "label"]],
    ],
)
def test_what_is_not_understood_costs_the_cells_that_ask_for_it(operations: list[list[Any]]) -> None:
    """They are skipped with a reason: a newer engine may know more."""
    compiler = make()
    number = compiler.add(operations)
    for _ in range(2):
        with pytest.raises(lab.Unavailable, match=r"^this probe does not understand it"):
            compiler.part(number, staged=bool(operations) and operations[0][0] == "send")


def test_ports_of_a_cell_are_counted() -> None:
    """The highest that is named anywhere, in a label's operation too."""
    steps = [["socket", "udp4"], ["bind", "lo4", "P+1"], note("x", "connect", "lo4", "P+3")]
    assert part(make(), *steps).ports == 4
    assert part(make(), ["socket", "udp4"], ["bind", "lo4"]).ports == 1
    assert part(make(), ["socket", "udp4"], ["bind", "lo4", 80]).ports == 1
    assert part(make(), ["send", "", "lo4", {"port": "P+2"}]).ports == 3


@pytest.mark.parametrize(
    ("operations", "expected"),
    [
        ([["socket", "udp4"], ["bind", "lo4"]], {"stream": False, "bound": 0}),
        ([["socket", "tcp4"], ["bind", "lo4", "P+2"]], {"stream": True, "bound": 2}),
        ([["socket", "tcp4"], ["bind", "lo4", "0"]], {"stream": True, "bound": None}),
        ([["socket", "udp6"], ["bind", "lo6", {"on": "if6"}]], {"stream": False, "bound": 0}),
        ([["socket", "tcp4"], ["connect", "lo4"]], {"stream": True, "connects": True}),
        ([["socket", "udp4"], ["connect", "lo4"]], {"stream": False, "connects": False}),
        ([["note", "x", ["accept", "b"]]], {"stream": None, "connects": True}),
        ([["note", "x", ["close"]]], {"closes": True}),
        ([["reset"]], {"closes": True}),
        ([["kill"]], {"closes": True, "ends": "kill", "program": None}),
        ([["exit"]], {"closes": True, "ends": "exit", "program": None}),
    ],
)
def test_a_part_says_what_becomes_of_its_socket(
    operations: list[list[Any]], expected: dict[str, Any]
) -> None:
    """As far as its own steps tell."""
    found = part(make(), *operations)
    assert {name: getattr(found, name) for name in expected} == expected


def test_what_a_role_says_itself_is_a_voice_and_an_act() -> None:
    """Numbered within its turn."""
    compiler = make()
    talk: list[Any] = [["socket", "udp4"], ["speak", "a", "lo4"], ["speak", "b", "group4b", "P+1", 3]]
    found = part(compiler, *talk)
    assert compiler.programs[found.program or 0][1:] == [
        (ACT, None, "send", "speak", ("127.0.0.1", "P", 0, 8)),
        (ACT, None, "send", "speak", (("group4b",), "P+1", 1, 3)),
    ]
    assert [(voice.label, voice.own, voice.port) for voice in found.voices] == [
        ("a", True, 0),
        ("b", True, 1),
    ]
    with pytest.raises(lab.Unavailable, match=lab.LEAVES):
        part(make(lab_facts={"may_leave": False}), ["socket", "udp4"], ["speak", "a", "limited"])


def test_only_acts_need_to_know_the_lab() -> None:
    """A role is told when its first program with one comes."""
    compiler = make()
    plain = part(compiler, ["socket", "udp4"], ["bind", "lo4"]).program
    acting = part(compiler, ["socket", "udp4"], note("x", "poll")).program
    assert plain is not None
    assert acting is not None
    assert (compiler.acts(plain), compiler.acts(acting)) == (False, True)


def test_each_host_has_programs_of_its_own() -> None:
    """What is called `if4` is the host's."""
    compiler = Compiler(FakeLab(hosts=("h2",)), "linux", LINUX)
    number = compiler.add([["socket", "udp4"], ["bind", "if4"]])
    binds = [
        compiler.programs[compiler.part(number, host=host).program or 0][1] for host in ("h1", "h2", "h1")
    ]
    assert [address for _, address, _ in binds] == ["198.51.100.1", "198.51.100.2", "198.51.100.1"]
