"""Ids say all about a cell, and can be read back."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sockmatrix.axis import Axis
from sockmatrix.cell import (
    MOST_SOCKETS,
    AxisUse,
    Cell,
    CellIdError,
    Socket,
    make_cell,
    parse_id,
    receiver_names,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

ID = re.compile(r"[a-zA-Z0-9.:/+-]+")


@dataclass(frozen=True)
class Form:
    """The part of a table that ids depend on."""

    name: str
    axes: Mapping[str, AxisUse]
    socket_axes: Mapping[str, AxisUse]
    version: int = 7
    lab: str = "two-links"


def axis(name: str, *values: str, per_socket: bool = False) -> Axis:
    """Return an axis whose words do not matter."""
    return Axis(name, name, name, per_socket, {value: value for value in values})


BIND = AxisUse(axis("bind", "any4", "lo4", "lobcast", "group4", per_socket=True))
REUSE = AxisUse(axis("reuse", "none", "addr", "addr+port", per_socket=True))
JOIN = AxisUse(axis("join", "none", "if4", "lo4", per_socket=True), "none", (("dest", "group4", "if4"),))
LOOP = AxisUse(axis("loop", "on", "off", per_socket=True), "on")
DEST = AxisUse(axis("dest", "lo4", "lobcast", "group4"))
BROADCAST = AxisUse(axis("broadcast", "on", "off"), "on")

FORM = Form(
    "demo",
    {"dest": DEST, "broadcast": BROADCAST},
    {"bind": BIND, "reuse": REUSE, "join": JOIN, "loop": LOOP},
)


def socket(bind: str, reuse: str, join: str = "none", loop: str = "on") -> Socket:
    """Return a socket of `FORM`."""
    return Socket(bind, reuse, (("join", join), ("loop", loop)))


def cell(dest: str, *sockets: Socket, broadcast: str = "on") -> Cell:
    """Return a cell of `FORM`."""
    return make_cell(FORM, {"dest": dest, "broadcast": broadcast}, sockets)


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (
            cell("lobcast", socket("lobcast", "addr+port"), socket("any4", "addr")),
            "demo/dest:lobcast/A:lobcast.addr+port/B:any4.addr",
        ),
        (
            cell("lo4", socket("lo4", "none"), broadcast="off"),
            "demo/dest:lo4/broadcast:off/A:lo4.none",
        ),
        (
            cell("group4", socket("any4", "addr", "if4"), socket("group4", "addr", "lo4")),
            "demo/dest:group4/A:any4.addr/B:group4.addr.lo4",
        ),
        (cell("lo4", socket("lo4", "none", "none", "off")), "demo/dest:lo4/A:lo4.none.none.off"),
        (cell("lo4", socket("lo4", "none", "if4", "on")), "demo/dest:lo4/A:lo4.none.if4"),
        (
            cell("lo4", *[socket("any4", "addr")] * 3),
            "demo/dest:lo4/A:any4.addr/B:any4.addr/C:any4.addr",
        ),
        (cell("lo4", *[socket("any4", "addr")] * 12), "demo/dest:lo4/12x:any4.addr"),
        (
            cell("lo4", *[socket("any4", "addr")] * 3, socket("any4", "none")),
            "demo/dest:lo4/A:any4.addr/B:any4.addr/C:any4.addr/D:any4.none",
        ),
    ],
)
def test_ids_leave_out_defaults(made: Cell, expected: str) -> None:
    """An id names what differs from the defaults, in the table's order, and reads back."""
    assert made.id == expected
    again = parse_id(FORM, expected)
    assert (again, again.axes, again.sockets) == (made, made.axes, made.sockets)
    assert (again.version, again.lab, again.solo) == (7, "two-links", False)


forms = st.builds(
    lambda dest, defaults: Form(
        "demo",
        {
            "dest": AxisUse(DEST.axis, dest),
            "broadcast": AxisUse(BROADCAST.axis, defaults[0]),
        },
        {
            "bind": BIND,
            "reuse": REUSE,
            "join": AxisUse(JOIN.axis, defaults[1], defaults[2]),
            "loop": AxisUse(LOOP.axis, defaults[3]),
        },
    ),
    st.sampled_from([None, *DEST.axis.values]),
    st.tuples(
        st.sampled_from([None, "on", "off"]),
        st.sampled_from([None, "none", "if4"]),
        st.sampled_from([(), JOIN.exceptions, (("broadcast", "off", "lo4"),)]),
        st.sampled_from([None, "on", "off"]),
    ),
)
any_socket = st.builds(
    socket,
    *(st.sampled_from(list(use.axis.values)) for use in FORM.socket_axes.values()),
)
socket_lists = st.lists(any_socket, min_size=1, max_size=14) | st.builds(
    lambda one, count: [one] * count, any_socket, st.integers(1, 40)
)


@settings(deadline=None, max_examples=300)
@given(
    forms,
    st.sampled_from(list(DEST.axis.values)),
    st.sampled_from(["on", "off"]),
    socket_lists,
)
def test_every_id_reads_back(form: Form, dest: str, broadcast: str, sockets: list[Socket]) -> None:
    """Whatever the defaults are, an id is made of safe characters and parse_id is its inverse."""
    made = make_cell(form, {"dest": dest, "broadcast": broadcast}, sockets)
    assert ID.fullmatch(made.id)
    again = parse_id(form, made.id)
    assert (again.id, dict(again.axes), again.sockets) == (made.id, made.axes, tuple(sockets))


@settings(deadline=None, max_examples=300)
@given(st.text("demo/dest:lo4A.B12xany+", max_size=40) | st.text(max_size=30))
def test_any_text_is_an_id_or_a_clear_error(text: str) -> None:
    """No text raises anything but CellIdError, and what is accepted is canonical."""
    try:
        made = parse_id(FORM, text)
    except CellIdError:
        return
    assert made.id == text


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("other/dest:lo4/A:lo4.none", "is not a cell of the table demo"),
        ("demo/dset:lo4/A:lo4.none", 'unknown axis "dset" (did you mean "dest"?)'),
        ("demo/dest:lo5/A:lo4.none", 'dest: unknown value "lo5" (did you mean "lo4"?)'),
        ("demo/A:lo4.none", "does not say its dest"),
        ("demo/dest:lo4", "has no sockets"),
        ("demo/dest:lo4/B:lo4.none", "sockets are named A, B, C"),
        ("demo/dest:lo4/A:lo4.none/C:lo4.none", "sockets are named A, B, C"),
        ("demo/dest:lo4/A:lo4", 'socket "lo4": it does not say its reuse'),
        ("demo/dest:lo4/A:lo6.none", 'bind: unknown value "lo6"'),
        ("demo/dest:lo4/A:lo4.none.none.on.x", "a socket has only bind, reuse, join, loop"),
        ("demo/dest:lo4/A:lo4.none.none", 'write "demo/dest:lo4/A:lo4.none"'),
        ("demo/broadcast:off/dest:lo4/A:lo4.none", 'write "demo/dest:lo4/broadcast:off/A:'),
        ("demo/dest:lo4/broadcast:on/A:lo4.none", 'write "demo/dest:lo4/A:lo4.none"'),
        ("demo/dest:lo4/2x:lo4.none", 'write "demo/dest:lo4/A:lo4.none/B:lo4.none"'),
        ("demo/dest:lo4/9999x:lo4.none", f"at most {MOST_SOCKETS} sockets"),
    ],
)
def test_errors_say_what_is_wrong(text: str, problem: str) -> None:
    """A text that is no id is refused with the reason, or with the right way to write it."""
    with pytest.raises(CellIdError, match=re.escape(problem)):
        parse_id(FORM, text)


NO_SOCKETS = Form("demo", {"dest": DEST, "broadcast": BROADCAST}, {})


@pytest.mark.parametrize("text", ["demo/dest:lo4", "demo/dest:lo4/broadcast:off"])
def test_a_table_may_be_without_sockets(text: str) -> None:
    """Then the axes of the cell are the whole id."""
    made = parse_id(NO_SOCKETS, text)
    assert (made.id, made.sockets, made.receivers) == (text, (), ())
    assert make_cell(NO_SOCKETS, made.axes, ()) == made
    with pytest.raises(CellIdError, match="has sockets, which no cell of this table has"):
        parse_id(NO_SOCKETS, f"{text}/A:lo4.none")
    with pytest.raises(CellIdError, match="does not say its dest"):
        parse_id(NO_SOCKETS, "demo")


def test_receivers_are_never_named_like_other_roles() -> None:
    """J is a bystander, S the sender, X, Y, Z are talkers; past the alphabet names have two letters."""
    names = receiver_names(64)
    assert names[:3] == ("A", "B", "C")
    assert names[19:23] == ("V", "W", "AA", "AB")
    assert not {*"JSXYZ"} & {letter for name in receiver_names(MOST_SOCKETS) for letter in name}
    assert len(set(receiver_names(MOST_SOCKETS))) == MOST_SOCKETS
    with pytest.raises(ValueError, match="at most"):
        receiver_names(MOST_SOCKETS + 1)


def test_a_socket_knows_its_values() -> None:
    """Values are reached by the name of their axis; an axis the table lacks has none."""
    one = socket("lo4", "addr", "if4")
    assert [one.get(name) for name in ("bind", "reuse", "join", "loop")] == [
        "lo4",
        "addr",
        "if4",
        "on",
    ]
    assert one.get("user") == ""
    assert one.get("user", "root") == "root"


def test_cells_are_equal_by_their_id() -> None:
    """Cells are immutable, hashable, and the same where their ids are."""
    one, same = cell("lo4", socket("lo4", "none")), cell("lo4", socket("lo4", "none"))
    assert len({one, same}) == 1
    assert one.receivers == ("A",)
    with pytest.raises(AttributeError):
        one.id = "other"  # type: ignore[misc]
    with pytest.raises(TypeError):
        one.axes["dest"] = "lobcast"  # type: ignore[index]
