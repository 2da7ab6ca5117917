"""From the steps of a cell to a program: addresses, values, who may hear, and what is not known."""

from __future__ import annotations

from dataclasses import replace

import pytest
from repros import cell, program, resolved

from sockmatrix.repro import Inexpressible
from sockmatrix.repro.program import (
    Bind,
    Connect,
    Device,
    End,
    Endpoint,
    Inet,
    Member,
    Option,
    Port,
    Send,
    SetOption,
    Speech,
    Turn,
    Voice,
)
from sockmatrix.repro.resolve import ports_to_meet


def test_a_plain_cell() -> None:
    """Two receivers, then the sender: what a fan-out is."""
    made = resolved(cell("loopback-broadcast/dest:lobcast/A:lobcast.addr/B:any4.addr"))
    assert [turn.who for turn in made.turns[:2] if isinstance(turn, Turn)] == ["A", "B"]
    assert [step.name for step in made.steps[:3]] == ["socket", "set SO_REUSEADDR", "bind"]
    assert made.steps[2].call == Bind(Endpoint("127.255.255.255", Port()), hears=True)
    assert made.turns[2] == Speech((0,))
    assert made.voices == (
        Voice(
            "",
            Endpoint("127.255.255.255", Port()),
            ("A", "B"),
            31,
            options=((Option("SOL_SOCKET", "SO_BROADCAST"), 1),),
        ),
    )
    assert made.network == ("ip link set lo up",)
    assert (made.link, made.named, made.receivers) == (False, False, ("A", "B"))


def test_who_may_hear_changes_as_sockets_come_and_go() -> None:
    """A voice has the receivers that are open when it speaks; a lone one takes few source ports."""
    made = program("""
        A: socket udp4; set SO_REUSEADDR 1; bind lo4
        B: socket udp4; set SO_REUSEADDR 1; bind lo4
        S: two = speak lo4
        A: kill
        S: one = speak lo4
    """)
    assert [(voice.label, voice.receivers, voice.ports) for voice in made.voices] == [
        ("two", ("A", "B"), 31),
        ("one", ("B",), 2),
    ]
    assert End("A", "kill") in made.turns


def test_a_port_beside_has_other_receivers() -> None:
    """Who is bound to P+1 does not hear what is sent to P."""
    made = program("""
        A: socket udp4; bind lo4
        B: socket udp4; bind lo4 P+1
        S: speak lo4 P+1
    """)
    assert made.voices[0].receivers == ("B",)
    assert made.voices[0].to == Endpoint("127.0.0.1", Port(1))


@pytest.mark.parametrize(
    ("set_", "value"),
    [
        ("IP_MULTICAST_IF if4", Inet("198.51.100.1")),
        ("IP_MULTICAST_IF index:if4", Device("lab0", "mreqn")),
        ("IP_MULTICAST_IF none", Inet("0.0.0.0")),
        ("SO_BINDTODEVICE if4", Device("lab0", "name")),
        ("SO_BINDTODEVICE none", Device("", "name")),
        ("IPV6_MULTICAST_IF if6", Device("lab0", "index")),
        ("IP_UNICAST_IF if4", Device("lab0", "network")),
        ("IP_TTL 7", 7),
    ],
)
def test_values_of_options(set_: str, value: object) -> None:
    """An option takes a number, an address, or an interface in one of several ways."""
    (step,) = program(f"X: socket udp4; set {set_}").calls(SetOption)
    assert isinstance(step.call, SetOption)
    assert step.call.value == value


@pytest.mark.parametrize(
    ("join", "member"),
    [
        ("group4 if4", ("IP_ADD_MEMBERSHIP", "mreq", "198.51.100.1", "")),
        ("group4 if4 by=any", ("IP_ADD_MEMBERSHIP", "mreq", "0.0.0.0", "")),
        ("group4 if4 by=index", ("IP_ADD_MEMBERSHIP", "mreqn", "", "lab0")),
        ("group4 if4 by=group-req", ("MCAST_JOIN_GROUP", "group", "", "lab0")),
        ("group4 bad", ("IP_ADD_MEMBERSHIP", "mreqn", "", "nosuchdevice")),
        ("group4 if4 source=lo4b", ("IP_ADD_SOURCE_MEMBERSHIP", "source", "198.51.100.1", "")),
        ("group6-link if6", ("IPV6_JOIN_GROUP", "mreq6", "", "lab0")),
        ("group6-link if6 source=if6", ("MCAST_JOIN_SOURCE_GROUP", "source6", "", "lab0")),
    ],
)
def test_memberships(join: str, member: tuple[str, str, str, str]) -> None:
    """Each way to name the interface has its structure."""
    (step,) = program(f"A: socket udp{'6' if '6' in join else '4'}; join {join}").calls(Member)
    call = step.call
    assert isinstance(call, Member)
    assert (call.option.name, call.form, call.interface, call.device) == member


def test_what_a_datagram_says() -> None:
    """As long as the probe's; a short one says no more than there is room for, port 0 is a port."""
    made = program("X: socket udp4; one = send lo4; two = send lo4 0 size=3; three = send lo4 size=100")
    calls = [step.call for step in made.calls(Send)]
    assert [(one.mark, one.length) for one in calls if isinstance(one, Send)] == [
        ("this message=one\n", 32),
        ("thi", 3),
        ("this message=three\n", 100),
    ]
    assert isinstance(calls[1], Send)
    assert calls[1].to == Endpoint("127.0.0.1", Port(0, own=False))


def test_zones_and_streams() -> None:
    """A link-local address goes with its interface; a TCP socket waits for its handshake."""
    made = program("X: socket tcp6; connect link6; connect lo6 P on=if6")
    ends = [(step.call.to.device, step.call.stream) for step in made.calls(Connect)]  # type: ignore[union-attr]
    assert ends == [("lab0", True), ("lab0", True)]


def test_hosts_and_users() -> None:
    """A process on another host has that host's namespace and addresses."""
    made = program("A@h2: socket udp4; bind if4\nS: speak h2", lab="hosts-2")
    assert made.hosts == {"A": "h2"}
    assert made.steps[1].call == Bind(Endpoint("198.51.100.2", Port()), hears=True)
    assert "ip netns add h2" in made.network
    assert program("A@u1: socket udp4; bind lo4").users == {"A": 40001}


@pytest.mark.parametrize("step", ["send if4b", "send h3", "set IP_MULTICAST_IF if4b"])
def test_what_a_lab_lacks_is_named(step: str) -> None:
    """There is one link in the plain lab, and no third host."""
    with pytest.raises(Inexpressible, match=step):
        program(f"X: socket udp4; {step}")


@pytest.mark.parametrize("lab", ["plain", "hosts-3", "two-links", "one-port-range", "odd-addresses"])
def test_a_network_is_made_of_documentation_addresses(lab: str) -> None:
    """RFC 5737 and 3849; the addresses that a lab has for being odd are its subject."""
    made = program("A: socket udp4; bind if4", lab=lab)
    assert made.link
    given = [line.split(" addr add ")[1].split("/")[0] for line in made.network if " addr add " in line]
    documented = ("198.51.100.", "203.0.113.")
    assert all(one.startswith(documented) for one in given if lab != "odd-addresses")
    assert any(one.startswith(documented) for one in given)
    assert not any(":" in line for line in made.network if "lladdr" not in line and "address" not in line)


def test_source_ports() -> None:
    """As many as the probe's (probes/stages.py)."""
    assert [ports_to_meet(count) for count in (1, 2, 3, 12, 64)] == [2, 31, 54, 267, 1580]


def test_the_recorded_outcome_is_carried_along() -> None:
    """It is no part of what the program does."""
    which = cell("fan-out/dest:if4/A:any4.addr/B:any4.addr")
    plain, told = resolved(which), resolved(which, ("linux 6.1", "last"))
    assert told.recorded == ("linux 6.1", "last")
    assert replace(told, recorded=None) == plain
