"""Scripts: from text to steps, what holds between the turns, and back to text."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sockmatrix.script import ScriptError, compile_steps, fill, holes
from sockmatrix.script.compiler import is_receiver, labels, role_of, version
from sockmatrix.script.operations import OPERATIONS
from sockmatrix.script.writer import write

SCRIPT = """
# all of it
A: socket udp4; set SO_REUSEADDR 1 ;; bind lo4 ;   # and a comment: with ; and :

A.b: socket udp4; bind lo4 P+1
B@h2:  first = socket udp4
X: socket tcp4; c = connect if4
A: listen; accept c
A.c: r = receive all
S@h3: one = speak group4 via=if4 ; call lo4
   A:
A: kill
A: socket udp4
"""

STEPS: list[Any] = [
    ["A", [["socket", "udp4"], ["set", "SO_REUSEADDR", 1], ["bind", "lo4"]]],
    ["A.b", [["socket", "udp4"], ["bind", "lo4", "P+1"]]],
    ["B@h2", [["note", "first", ["socket", "udp4"]]]],
    ["X", [["socket", "tcp4"], ["note", "c", ["connect", "if4"]]]],
    ["A", [["listen", 128], ["accept", "c"]]],
    ["A.c", [["note", "r", ["receive", "all"]]]],
    ["S@h3", [["send", "one", "group4", {"via": "if4"}], ["connect", "", "lo4"]]],
    ["A", [["kill"]]],
    ["A", [["socket", "udp4"]]],
]


def test_turns_become_steps() -> None:
    """A line is a turn, in order; comments, empty turns and empty operations are left out."""
    assert compile_steps(SCRIPT, "hosts-3") == STEPS


def test_labels_are_those_of_the_script_in_its_order() -> None:
    """Of notes and of deliveries, whoever it is that acts; what has no label is not among them."""
    assert labels(SCRIPT) == ("first", "c", "r", "one")
    assert labels("A: socket udp4  # x = send lo4\nS: speak lo4") == ()


def test_steps_may_be_changed_by_their_reader() -> None:
    """Each call makes new lists."""
    compile_steps("A: socket udp4")[0][1].append("spoilt")
    assert compile_steps("A: socket udp4") == [["A", [["socket", "udp4"]]]]


def test_steps_are_written_as_they_are_read() -> None:
    """What a person reads of a cell is a script that does the same."""
    lines = write(compile_steps(SCRIPT, "hosts-3"))
    assert lines[0] == "A: socket udp4; set SO_REUSEADDR 1; bind lo4"
    assert lines[6] == "S@h3: one = speak group4 via=if4; call lo4"
    assert compile_steps("\n".join(lines), "hosts-3") == STEPS


@pytest.mark.parametrize(
    ("text", "line", "problem"),
    [
        ("", 0, "there is nothing in it to do"),
        ("# nothing\nA: ;\n", 0, "there is nothing in it to do"),
        ("A: socket udp4\nbind lo4", 2, "a turn is written ACTOR: operation; operation"),
        ("A; socket udp4", 1, "a turn is written ACTOR: operation; operation"),
        ("AB: socket udp4", 1, '"AB" is not an actor; write ROLE, ROLE.socket, ROLE@place'),
        ("a: socket udp4", 1, '"a" is not an actor'),
        ("A.B: socket udp4", 1, '"A.B" is not an actor'),
        ("A@h2.b: socket udp4", 1, '"A@h2.b" is not an actor'),
        ("A@h4: socket udp4", 1, 'unknown place "h4"; allowed: h2, h3, u1, u2'),
        (
            "A@h2: socket udp4",
            1,
            "the lab plain has no host h2; labs that do: gateway, hosts-2, hosts-3, odd-addresses",
        ),
        ("S.a: speak lo4", 1, "the staged sender has no sockets to name"),
        ("A: socket udp4\n\nA@u1: bind lo4", 3, "A stays where it is; it was A before"),
        ("A@u1: socket udp4\nA.b@u2: socket udp4", 2, "A stays where it is; it was A@u1 before"),
        ("B: socket udp4\nA: socket udp4", 2, "receivers begin in the order A, B, C; A is after B"),
        ("A: bind lo4", 1, "A has no socket at bind; write: socket KIND"),
        ("A: socket udp4\nA.b: bind lo4", 2, "A.b has no socket at bind"),
        ("A: socket udp4; close; bind lo4", 1, "A has no socket at bind"),
        ("A: socket udp4; r = reset\nA: bind lo4", 2, "A has no socket at bind"),
        ("A: socket udp4\nA.b: socket udp4\nA: exit\nA.b: bind lo4", 4, "A.b has no socket at bind"),
        ("X: speak lo4", 1, "X has no socket at speak"),
        ("A: socket udp4; exit", 1, "exit is alone in its turn"),
        ("S: kill", 1, 'unknown operation of the staged sender "kill"'),
        (
            "A: socket udp4; x = bind lo4\nA: x = close",
            2,
            'the label "x" is there twice; give each its own',
        ),
        ("S: speak lo4; call lo4", 1, "two deliveries without a label; give each its own"),
        ("S: speak lo4\nX: socket udp4; speak lo4", 2, "two deliveries without a label"),
        ("A: socket udp5", 1, 'unknown kind of socket "udp5"'),
    ],
)
def test_mistakes_name_the_line(text: str, line: int, problem: str) -> None:
    """An error says which turn, and what is wrong with it."""
    with pytest.raises(ScriptError, match=re.escape(problem)) as caught:
        compile_steps(text)
    assert caught.value.line == line
    if line:
        assert str(caught.value).startswith(f'line {line} ("{text.splitlines()[line - 1]}"): ')


def test_hosts_need_their_lab() -> None:
    """There is a second host where the lab has one; users are everywhere."""
    assert compile_steps("A@h2: socket udp4", "hosts-2")
    assert compile_steps("A@h3: socket udp4", "gateway")
    assert compile_steps("A@u2: socket udp4", "two-links")
    with pytest.raises(ScriptError, match="the lab hosts-2 has no host h3"):
        compile_steps("A@h3: socket udp4", "hosts-2")


def test_facts_of_the_host_need_no_socket() -> None:
    """What is asked of the host, or of the process, may be asked before there is a socket."""
    asked = ["flags if", "route lo4", "waits", "sysctl net.ipv4.ip_forward", "asyncio-reuse-address"]
    steps = compile_steps("A: " + "; ".join(f"{number} = {one}" for number, one in enumerate(asked)))
    assert len(steps[0][1]) == 5
    assert compile_steps("A: exit\nA: kill")


def test_the_version_is_that_of_the_steps() -> None:
    """Comments and blanks do not count; an operation, an actor or the lab does."""
    one = version("A: socket udp4; bind lo4")
    assert version("\n A :  socket   udp4;; bind lo4 P # here") == one
    changed = ["A: socket udp4; bind lo4b", "A.a: socket udp4; bind lo4", "A: socket udp4\nA: bind lo4"]
    assert len({one, *map(version, changed), version("A: socket udp4; bind lo4", "two-links")}) == 5
    assert one == 1695242276


def test_roles() -> None:
    """The first letter is the role; some roles are no receivers."""
    assert [role_of(actor) for actor in ("A", "A.b", "B@h2", "C.x1@u1")] == ["A", "A", "B", "C"]
    assert "".join(filter(is_receiver, "ABCJSWXYZ")) == "ABCW"


# --- axes in a script ----------------------------------------------------------------------------


def test_axes_are_filled_in() -> None:
    """{axis} becomes what its value does, which may speak of axes itself, and be whole turns."""
    does = {
        "who": "A",
        "opens": "socket udp{family}; {options}",
        "family": "4",
        "options": "",
        "end": "A: close\nA: exit",
    }
    text = "{who}: {opens}; bind lo{family} # {nobody} {\n{end}"
    assert fill(text, does) == "A: socket udp4; ; bind lo4\nA: close\nA: exit"
    assert holes(text) == ["who", "opens", "family", "end"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("A: {optoins}", 'line 1 ("A: {optoins}"): unknown axis "optoins" (did you mean "options"?)'),
        ("\nA: {}", 'line 2 ("A: {}"): unknown axis ""; allowed: options, round'),
        ("A: {options", 'line 1 ("A: {options"): { and } belong around the name of an axis'),
        ("A: options}", "{ and } belong around the name of an axis"),
        ("A: {{options}}", "{ and } belong around"),
        ("A: {round}", "{round} speaks of itself"),
    ],
)
def test_what_cannot_be_filled_in(text: str, problem: str) -> None:
    """An axis that there is not, braces that are none, an axis that speaks of itself."""
    with pytest.raises(ScriptError, match=re.escape(problem)):
        fill(text, {"options": "x", "round": "{round}"})


# --- whatever is written -------------------------------------------------------------------------

ACTORS = st.sampled_from(["A", "A.b", "B", "B@h2", "C@u1", "J", "X", "S", "a", "S.x", "A@h9", ""])
OPERATION = st.sampled_from(
    [
        *OPERATIONS,
        *(
            "socket udp4",
            "bind lo4",
            "x = bind any4 0",
            "speak lo4",
            "y = speak group4 via=if4",
            "listen 5",
        ),
        *(
            "call lo4",
            "z = receive all",
            "send size=3 flags=MSG_DONTWAIT",
            "accept c",
            "set IP_TTL 3",
            "{",
            "=",
        ),
    ]
)
LINE = st.builds(lambda actor, own: f"{actor}: {'; '.join(own)}", ACTORS, st.lists(OPERATION, max_size=4))


@settings(deadline=None, max_examples=500)
@given(st.lists(LINE | st.text("AB:;#= {}\n", max_size=8), max_size=5).map("\n".join))
def test_any_text_is_a_script_or_a_clear_error(text: str) -> None:
    """Nothing but ScriptError is raised; what compiles can be written, and compiles to the same again."""
    try:
        steps = compile_steps(fill(text, {}), "hosts-2")
    except ScriptError:
        return
    assert compile_steps("\n".join(write(steps)), "hosts-2") == steps
