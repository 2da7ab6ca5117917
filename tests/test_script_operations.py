"""The operations of scripts: what each may say, what the probe is told, and what is wrong with others."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sockmatrix.script.errors import ScriptError
from sockmatrix.script.operations import OPERATIONS, STAGED, statement

OWN = [
    ("socket udp4", ["socket", "udp4"]),
    ("socket unix-dgram", ["socket", "unix-dgram"]),
    ("set SO_REUSEADDR 1", ["set", "SO_REUSEADDR", 1]),
    ("set IP_TTL -1", ["set", "IP_TTL", -1]),
    ("set IP_MULTICAST_IF if4b", ["set", "IP_MULTICAST_IF", "if4b"]),
    ("set IP_MULTICAST_IF any4", ["set", "IP_MULTICAST_IF", "any4"]),
    ("set IP_UNICAST_IF index:if4", ["set", "IP_UNICAST_IF", "index:if4"]),
    ("set SO_BINDTODEVICE none", ["set", "SO_BINDTODEVICE", "none"]),
    ("it = get SO_ERROR", ["note", "it", ["get", "SO_ERROR"]]),
    ("bind lo4", ["bind", "lo4"]),
    ("bind lo4 P", ["bind", "lo4"]),
    ("bind lo4 P+3", ["bind", "lo4", "P+3"]),
    ("bind any6 0", ["bind", "any6", 0]),
    ("b = bind lo4-17 5353", ["note", "b", ["bind", "lo4-17", 5353]]),
    ("bind group6-link on=if6", ["bind", "group6-link", "P", {"on": "if6"}]),
    ("listen", ["listen", 128]),
    ("listen 0", ["listen", 0]),
    ("connect lo4", ["connect", "lo4"]),
    ("connect h2 P+1", ["connect", "h2", "P+1"]),
    ("disconnect", ["disconnect"]),
    ("join group4 if4", ["join", "group4", "if4"]),
    (
        "join group4-30 if4 by=index source=h2",
        ["join", "group4-30", "if4", {"by": "index", "source": "h2"}],
    ),
    ("l = leave group6-site if6 by=any", ["note", "l", ["leave", "group6-site", "if6", {"by": "any"}]]),
    ("join group4 if4 by=group-req", ["join", "group4", "if4", {"by": "group-req"}]),
    ("block ssm4 if4 source=h3", ["block", "ssm4", "if4", {"source": "h3"}]),
    ("unblock ssm4 if4 source=h3", ["unblock", "ssm4", "if4", {"source": "h3"}]),
    ("send", ["tell", None, None]),
    ("send size=0", ["tell", None, None, {"size": 0}]),
    ("send lo4", ["tell", "lo4", "P"]),
    (
        "first = send lo4 P+1 size=10 flags=MSG_DONTWAIT,MSG_MORE source=lo4b",
        [
            "note",
            "first",
            ["tell", "lo4", "P+1", {"size": 10, "flags": ["MSG_DONTWAIT", "MSG_MORE"], "source": "lo4b"}],
        ],
    ),
    ("speak lo4", ["speak", "", "lo4", "P", 8]),
    ("x.1+2-3 = speak lo4 53 times=20", ["speak", "x.1+2-3", "lo4", 53, 20]),
    ("receive", ["receive"]),
    ("r = receive all", ["note", "r", ["receive", "all"]]),
    (
        "r = receive size=10 flags=MSG_PEEK",
        ["note", "r", ["receive", {"size": 10, "flags": ["MSG_PEEK"]}]],
    ),
    ("e = errors", ["note", "e", ["errors"]]),
    ("n = pending", ["note", "n", ["pending"]]),
    ("p = poll", ["note", "p", ["poll"]]),
    ("accept c1", ["accept", "c1"]),
    ("n = name", ["note", "n", ["name"]]),
    ("n = peer", ["note", "n", ["peer"]]),
    ("balance 4294967295", ["balance", 4294967295]),
    ("unbalance", ["unbalance"]),
    ("shutdown", ["shutdown"]),
    ("close", ["close"]),
    ("c = reset", ["note", "c", ["reset"]]),
    ("exit", ["exit"]),
    ("kill", ["kill"]),
    ("f = flags lo", ["note", "f", ["flags", "lo"]]),
    ("r = route limited", ["note", "r", ["route", "limited"]]),
    ("w = waits", ["note", "w", ["waits"]]),
    (
        "s = sysctl net.ipv4.conf.all.rp_filter",
        ["note", "s", ["sysctl", "net.ipv4.conf.all.rp_filter"]],
    ),
    ("x = asyncio-reuse-address", ["note", "x", ["asyncio-reuse-address"]]),
]

STAGED_ONES = [
    ("speak lo4", ["send", "", "lo4", {}]),
    ("a = speak limited P+1 broadcast", ["send", "a", "limited", {"broadcast": 1, "port": "P+1"}]),
    (
        "speak group4 via=if4 loop=0 ttl=255",
        ["send", "", "group4", {"via": "if4", "loop": 0, "ttl": 255}],
    ),
    ("speak group6-link via=none", ["send", "", "group6-link", {}]),
    ("call lo4", ["connect", "", "lo4"]),
    ("b = call lo6 P", ["connect", "b", "lo6"]),
    ("b = call lo6 P+2", ["connect", "b", "lo6", {"port": "P+2"}]),
]


@pytest.mark.parametrize(("text", "told"), OWN)
def test_what_a_process_is_told(text: str, told: list[object]) -> None:
    """Each operation has one form in the protocol; a label makes a note of it."""
    assert statement(text, staged=False).operation == told
    assert statement(
        text.replace(" ", "   ").replace("=", " = ", 1) if "= " in text else text, staged=False
    )


@pytest.mark.parametrize(("text", "told"), STAGED_ONES)
def test_what_the_staged_sender_is_told(text: str, told: list[object]) -> None:
    """The sender sends datagrams, or makes connections, from ports of its own."""
    assert statement(text, staged=True).operation == told


def test_every_operation_is_tested() -> None:
    """The lists above have every operation of the language."""
    assert {text.rpartition(" = ")[2].split()[0] for text, _ in OWN} == set(OPERATIONS)
    assert {text.rpartition(" = ")[2].split()[0] for text, _ in STAGED_ONES} == set(STAGED)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("sokcet udp4", 'unknown operation "sokcet" (did you mean "socket"?); allowed: socket, set, get'),
        ("call lo4", 'unknown operation "call"'),
        ("socket", '"socket" has 0 arguments; write: socket KIND'),
        ("socket udp4 udp6", '"socket udp4 udp6" has 2 arguments; write: socket KIND'),
        ("socket udp5", 'unknown kind of socket "udp5" (did you mean "udp6"?)'),
        ("set SO_REUSEADR 1", 'unknown option "SO_REUSEADR" (did you mean "SO_REUSEADDR"?)'),
        ("set SO_REUSEADDR on", 'value "on" is not a number; unknown symbol "on"'),
        ("set SO_REUSEADDR", "write: set OPTION VALUE"),
        ("get SO_ERROR", "get needs a label, or its answer is lost: LABEL = get SO_ERROR"),
        ("bind 127.0.0.1", 'unknown address "127.0.0.1"; allowed: any4, lo4, lo4b, '),
        ("bind lo4-31", 'unknown address "lo4-31"'),
        ("bind lo4 P+4", 'port "P+4" is none of P, P+1, P+2, P+3, nor a number from 0 to 65535'),
        ("bind lo4 65536", 'port "65536" is none'),
        ("bind lo4 -1", 'port "-1" is none'),
        ("bind lo4 ²", 'port "²" is none'),
        ("bind lo4 on=if7", 'unknown interface "if7"'),
        ("listen many", 'backlog "many" is not a number from 0 to 65535'),
        ("join group4", "write: join GROUP IFACE [by=...] [source=...]"),
        ("join group4 eth0", 'unknown interface "eth0"; allowed: lo4, '),
        (
            "join group4 if4 by=name",
            'unknown way to name an interface "name"; allowed: address, index, any',
        ),
        ("join group4 if4 by=group-req source=h2", "by=group-req has no source"),
        ("join group4 if4 via=if4", 'unknown option "via"; allowed: by, source'),
        ("join group4 if4 by=any by=any", '"by" is said twice'),
        ("block group4 if4", "block lacks source=SYMBOL"),
        ("send lo4 flags=PEEK", 'unknown flag "PEEK"'),
        ("send lo4 flags=", 'unknown flag ""'),
        ("send lo4 size=-1", 'size "-1" is not a number from 0 to 100000'),
        ("speak lo4 times=0", 'times "0" is not a number from 1 to 1000'),
        ("speak lo4 broadcast", 'port "broadcast" is none'),
        ("receive some", 'unknown way to receive "some"; allowed: all'),
        ("accept C", '"C" is not a name for a socket'),
        ("x = exit", "exit has no label"),
        ("X = close", 'label "X" is not up to 40 lower-case letters'),
        (f"{'x' * 41} = close", "is not up to 40"),
        ("-x = close", 'label "-x" is not'),
        ("s = sysctl ../../etc/passwd", '"../../etc/passwd" is not the name of a sysctl'),
        ("s = sysctl net", '"net" is not the name of a sysctl'),
        ("size=4", 'unknown operation "4"'),
    ],
)
def test_mistakes(text: str, problem: str) -> None:
    """Everything else is refused, with what is allowed in its place."""
    with pytest.raises(ScriptError, match=re.escape(problem)):
        statement(text, staged=False)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("bind lo4", 'unknown operation of the staged sender "bind"; allowed: speak, call'),
        ("speak group4", "to the group group4 it needs via=IFACE, or via=none to leave it unset"),
        ("speak mapped-group4 broadcast", "to the group mapped-group4 it needs via"),
        ("speak lo4 loop=2", 'loop "2" is not a number from 0 to 1'),
        ("speak lo4 ttl=256", 'ttl "256" is not a number from 0 to 255'),
        ("speak lo4 broadcast broadcast", '"broadcast" is said twice'),
        ("call lo4 broadcast", 'port "broadcast" is none'),
        ("call", "write: call SYMBOL [PORT]"),
    ],
)
def test_mistakes_of_the_staged_sender(text: str, problem: str) -> None:
    """The sender has options of its own, and no others."""
    with pytest.raises(ScriptError, match=re.escape(problem)):
        statement(text, staged=True)


WORDS = st.sampled_from(
    [*OPERATIONS, *STAGED, "=", "P", "P+1", "lo4", "group4", "if4", "x", "all", "0", "by=any", "via="]
)


@settings(deadline=None, max_examples=400)
@given(
    st.text(min_size=1, max_size=20) | st.lists(WORDS, min_size=1, max_size=5).map(" ".join),
    st.booleans(),
)
def test_any_text_is_an_operation_or_a_clear_error(text: str, staged: bool) -> None:
    """No text raises anything but ScriptError."""
    text = text.strip()
    if not text:
        return
    try:
        told = statement(text, staged=staged)
    except ScriptError:
        return
    assert told.operation[0]
