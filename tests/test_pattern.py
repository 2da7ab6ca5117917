"""The pattern language: which cells a pattern means, and what is said of one that means none."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sockmatrix.cell import Cell, Socket
from sockmatrix.pattern import QUANTIFIERS, PatternError, parse


def cell(text: str, **axes: str) -> Cell:
    """Return a cell with the sockets of an id, all of whose further values are joins."""
    parts = text.split("/")
    sockets = []
    for part in parts:
        name, _, values = part.partition(":")
        if name.isupper():
            bind, reuse, *join = values.split(".")
            sockets.append(Socket(bind, reuse, (("join", join[0]),) if join else ()))
        elif _:
            axes[name] = values
    return Cell(text, parts[0], axes, tuple(sockets))


MIXED = cell("fan-out/dest:group4/A:any4.addr.if4/B:group4.port.none/C:any4.addr.if4")
SCRIPTED = Cell("demo/case:one/dest:lo4", "demo", {"case": "one", "dest": "lo4"}, (), lab="two-links")
CROWD = Cell("fan-out/dest:if4/12x:any4.addr", "fan-out", {"dest": "if4"}, (Socket("any4", "addr"),) * 12)
ALIKE = cell("loopback-broadcast/dest:lobcast/A:lobcast.addr/B:lobcast.addr", broadcast="on")
BINDS = cell("bind-conflicts/transport:udp/A:any6.none/B:mapped-lo.none")


@pytest.mark.parametrize(
    ("text", "matching"),
    [
        ("dest=group4", [MIXED]),
        ("dest=group4,lobcast", [MIXED, ALIKE]),
        ("broadcast=on", [ALIKE]),
        ("dest=group4 broadcast=on", []),
        ("  dest=lobcast   broadcast=on ", [ALIKE]),
        ("A.bind=any4", [MIXED]),
        ("A.bind=any4,any6", [MIXED, BINDS]),
        ("C.bind=any4", [MIXED]),
        ("C.reuse=none", []),
        ("AB.reuse=none", []),
        ("first.reuse=addr last.reuse=addr", [MIXED, ALIKE]),
        ("last.bind=mapped-lo", [BINDS]),
        ("every.reuse=addr", [ALIKE]),
        ("every.reuse=addr,port", [MIXED, ALIKE]),
        ("some.reuse=port", [MIXED]),
        ("some.bind=any4 some.bind=group4", [MIXED]),
        ("none.reuse=port,none", [ALIKE]),
        ("none.join=none", [ALIKE, BINDS]),
        ("some.join=none,if4", [MIXED]),
        ("every.join=none,if4", [MIXED]),
        ("table=fan-out", [MIXED]),
        ("receivers=2", [ALIKE, BINDS]),
        ("receivers=2,3", [MIXED, ALIKE, BINDS]),
        ("sockets=alike", [ALIKE]),
        ("sockets=mixed", [MIXED, BINDS]),
        ("dest-class=broadcast", [ALIKE]),
        ("dest-class=multicast,unicast", [MIXED]),
        ("every.bind-is=destination", [ALIKE]),
        ("some.bind-is=wildcard", [MIXED, BINDS]),
        ("B.bind-is=other", [BINDS]),
        ("*", [MIXED, ALIKE, BINDS]),
        ("fan-out", [MIXED]),
        ("fan-out/", [MIXED]),
        ("fan", []),
        ("loopback-broadcast/dest:lobcast", [ALIKE]),
        ("loopback-broadcast/dest:lob", []),
        ("loopback-broadcast/dest:lob*", [ALIKE]),
        ("*/A:any?.*", [MIXED, BINDS]),
        ("*addr", [ALIKE]),
        (BINDS.id, [BINDS]),
        (BINDS.id.upper(), []),
        ("*/B:* some.reuse=port", [MIXED]),
        ("dest!=lobcast", [MIXED, BINDS]),
        ("dest!=lobcast,group4", [BINDS]),
        ("receivers!=2", [MIXED]),
        ("some.reuse!=port", [ALIKE, BINDS]),
        ("every.reuse!=addr", [MIXED, BINDS]),
        ("none.reuse!=port", [MIXED]),
        ("C.bind!=lo4", [MIXED, ALIKE, BINDS]),
        ("lab=plain", [MIXED, ALIKE, BINDS]),
        ("lab!=plain", []),
        ("some.socket=any4.addr*", [MIXED]),
        ("some.socket=any4.addr", []),
        ("A.socket=any4.addr.if4", [MIXED]),
        ("every.socket=*.addr", [ALIKE]),
        ("every.socket=*.none,lobcast.*", [ALIKE, BINDS]),
        ("none.socket=*.none", [ALIKE]),
        ("last.socket!=mapped-lo.none", [MIXED, ALIKE]),
    ],
)
def test_what_a_pattern_matches(text: str, matching: list[Cell]) -> None:
    """Terms hold together; quantifiers speak of sockets; globs of ids, or their beginnings."""
    pattern = parse(text)
    assert [one for one in (MIXED, ALIKE, BINDS) if pattern.matches(one)] == matching


@pytest.mark.parametrize(
    ("text", "matches"),
    [
        *[("demo/case:one", True), ("lab=two-links", True), ("dest=lo4", True), ("dest!=lo4", False)],
        *[("receivers=0", True), ("receivers!=0", False), ("dest-class=unicast", True)],
        *[("sockets=alike", False), ("sockets=mixed", False), ("via!=if4", True), ("via=if4", False)],
        *[(f"{who}.bind{sign}any4", False) for who in (*QUANTIFIERS, "A", "WW") for sign in ("=", "!=")],
        *[("every.bind-is=other", False), ("none.socket=*", False), ("some.socket=*", False)],
    ],
)
def test_a_cell_without_sockets(text: str, matches: bool) -> None:
    """No term about sockets holds for it, not even one that denies; nothing breaks."""
    assert parse(text).matches(SCRIPTED) is matches


def test_sockets_of_a_crowd() -> None:
    """Where an id says a socket once, each of them is it."""
    assert parse("every.socket=any4.addr last.socket=any4.* A.bind=any4").matches(CROWD)
    assert not parse("some.socket=any4.port").matches(CROWD)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "an empty pattern"),
        ("   ", "an empty pattern"),
        ("dset=lo4", 'in "dset=lo4": unknown axis "dset" (did you mean "dest"?); allowed: dest, '),
        ("dset=lo4", "table, lab, receivers, sockets, shared, dest-class, bind-is, socket"),
        ("=lo4", 'unknown axis ""'),
        ("dest=lobcst", 'unknown value "lobcst" (did you mean "lobcast"?); allowed: lo4, lo4b, '),
        ("dest=", "has an empty value"),
        ("dest=lo4,", "has an empty value"),
        ("dest==lo4", 'unknown value "=lo4"'),
        ("a.b.c=lo4", "is not axis=value,value or SOCKET.axis=value,value"),
        ("every.dest=lo4", "dest belongs to the cell, not to a socket; write dest="),
        ("A.receivers=2", "receivers belongs to the cell"),
        ("bind=any4", "bind belongs to a socket; say of which: every.bind, some.bind, none.bind"),
        ("all.bind=any4", '"all" is not a socket; write every.bind'),
        ("J.bind=any4", '"J" is not a socket'),
        ("S.bind=any4", '"S" is not a socket'),
        ("some.bind=dest", 'unknown value "dest"'),
        ("some.bind-is=any", "allowed: destination, wildcard, other"),
        ("sockets=same", "allowed: alike, mixed"),
        ("receivers=two", '"two" is not a number of receivers'),
        ("receivers=01", '"01" is not a number of receivers'),
        ("lab=plane", 'unknown value "plane" (did you mean "plain"?); allowed: plain, no-routes, '),
        ("dest!=lo5", 'in "dest!=lo5": unknown value "lo5"'),
        ("every.dest!=lo4", "dest belongs to the cell, not to a socket"),
        ("bind!=lo4", "bind belongs to a socket; say of which"),
        ("dest!lo4=x", "is not axis=value,value"),
        ("socket=any4.addr", "socket belongs to a socket; say of which: every.socket"),
    ],
)
def test_errors_name_what_is_allowed(text: str, problem: str) -> None:
    """A pattern that can mean nothing is refused with what was probably meant."""
    with pytest.raises(PatternError, match=re.escape(problem)):
        parse(text)


def test_patterns_are_values() -> None:
    """Patterns are equal when they say the same, whatever the spaces."""
    assert parse("dest=lo4  receivers=2") == parse(" dest=lo4 receivers=2")
    assert len({parse("fan-out"), parse("fan-out"), parse("*")}) == 2
    assert str(parse(" dest=lo4   receivers=2 ")) == "dest=lo4 receivers=2"
    assert parse("*") != "*"


@settings(deadline=None, max_examples=300)
@given(
    st.text(max_size=20)
    | st.from_regex(r"(A|every|x)?\.?(dest|bind|reuse|socket|nope)!?=(lo4|any4|[a-z]*),?", fullmatch=True)
    | st.text("*?[]!/A:.fan-out", max_size=20)
)
def test_any_text_is_a_pattern_or_a_clear_error(text: str) -> None:
    """No text raises anything but PatternError, and every pattern can be asked about every cell."""
    try:
        pattern = parse(text)
    except PatternError:
        return
    for one in (MIXED, ALIKE, BINDS, SCRIPTED, CROWD):
        assert pattern.matches(one) in (True, False)
