"""Tables: what a file may say, what its blocks expand to, and how its mistakes are reported."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from sockmatrix import plan, table
from sockmatrix.axis import load_axes, vocabulary
from sockmatrix.table import Spread, TableError

if TYPE_CHECKING:
    from pathlib import Path

HEAD = """
question = "Who hears it?"
scenario = "fan-out"
[axes]
dest = ""
broadcast = "on"
[sockets]
join = {default = "none", dest.group4 = "if4"}
[summary]
where = ["sockets=alike"]
rows = ["dest", "bind"]
columns = "reuse"
show = ["none", "addr"]
"""

BLOCK = """
[[block]]
about = "first"
receivers = 2
axes.dest = ["lo4"]
each.bind = ["lo4"]
each.reuse = ["none", "addr"]
"""


def load(tmp_path: Path, text: str, name: str = "demo.toml") -> table.Table:
    """Load a table with this text."""
    file = tmp_path / name
    file.write_text(text, encoding="utf-8")
    return table.load(file)


def sockets(tmp_path: Path, block: str, head: str = HEAD) -> list[str]:
    """Return the ends of the ids that a block makes, after the table's name."""
    text = f'{head}\n[[block]]\nabout = "it"\n{block}'
    return [cell.id.partition("/")[2] for cell in plan.expand(load(tmp_path, text)).cells]


def test_a_table_knows_what_it_asks(tmp_path: Path) -> None:
    """Everything the file says is there, with the documented axes and the scenario."""
    made = load(tmp_path, HEAD + BLOCK)
    assert (made.name, made.question, made.lab) == ("demo", "Who hears it?", "plain")
    assert (made.scenario.name, made.version) == ("fan-out", made.scenario.version)
    assert [use.default for use in made.axes.values()] == [None, "on"]
    assert list(made.socket_axes) == ["bind", "reuse", "join"]
    assert made.socket_axes["join"].default_in({"dest": "group4"}) == "if4"
    assert made.socket_axes["join"].default_in({"dest": "lo4"}) == "none"
    assert made.cell("demo/dest:lo4/A:lo4.none").id == "demo/dest:lo4/A:lo4.none"


# --- blocks become cells -------------------------------------------------------------------------


def test_each_socket_has_its_own_value(tmp_path: Path) -> None:
    """`each` is the product over the sockets, and over the axes it is given for."""
    block = 'receivers = 2\naxes.dest = ["lo4"]\neach.bind = ["lo4"]\neach.reuse = ["none", "addr"]'
    assert sockets(tmp_path, block) == [
        "dest:lo4/A:lo4.none/B:lo4.none",
        "dest:lo4/A:lo4.none/B:lo4.addr",
        "dest:lo4/A:lo4.addr/B:lo4.none",
        "dest:lo4/A:lo4.addr/B:lo4.addr",
    ]
    block = block.replace("receivers = 2", "receivers = 3").replace('["lo4"]', '["lo4", "any4"]', 2)
    made = sockets(tmp_path, block.replace('dest = ["lo4", "any4"]', 'dest = ["lo4", "lo4b"]'))
    assert len(made) == len(set(made)) == 2 * 4**3


def test_same_is_uniform(tmp_path: Path) -> None:
    """`same` gives all sockets one value, and each of its values in turn."""
    block = """
receivers = [1, 3]
axes.dest = ["lo4"]
same.bind = ["lo4", "any4"]
same.reuse = ["addr"]
"""
    assert sockets(tmp_path, block) == [
        "dest:lo4/A:lo4.addr",
        "dest:lo4/A:any4.addr",
        "dest:lo4/A:lo4.addr/B:lo4.addr/C:lo4.addr",
        "dest:lo4/A:any4.addr/B:any4.addr/C:any4.addr",
    ]


def test_odd_is_uniform_or_one_different(tmp_path: Path) -> None:
    """`odd` has the uniform combinations, and those with one other value in any place."""
    block = """
receivers = 3
axes.dest = ["lo4"]
same.bind = ["lo4"]
odd.reuse = ["none", "addr", "port"]
"""
    made = sockets(tmp_path, block)
    values = [tuple(re.findall(r"lo4\.(\w+)", one)) for one in made]
    assert len(values) == len(set(values)) == 3 + 3 * 3 * 2
    for three in values:
        assert max(three.count(one) for one in three) >= 2
    assert ("none", "addr", "port") not in values
    assert {("none", "none", "addr"), ("none", "addr", "none"), ("addr", "none", "none")} < set(values)


def test_ways_to_deal_values() -> None:
    """Two sockets with `odd` are the full product; one socket has every value once."""
    values = ("a", "b", "c")
    assert set(plan.deal(Spread("odd", values), 2)) == set(plan.deal(Spread("each", values), 2))
    for how in ("each", "same", "odd"):
        assert plan.deal(Spread(how, values), 1) == [("a",), ("b",), ("c",)]
    assert len(plan.deal(Spread("odd", values), 12)) == 3 + 3 * 2 * 12


def test_dest_is_the_destination_of_the_cell(tmp_path: Path) -> None:
    """A bind to "dest" follows the cell, and is not made twice where it is listed by name too."""
    block = """
receivers = 1
axes.dest = ["lo4", "lobcast"]
each.bind = ["dest", "lo4", "any4"]
each.reuse = ["none"]
"""
    assert sockets(tmp_path, block) == [
        "dest:lo4/A:lo4.none",
        "dest:lo4/A:any4.none",
        "dest:lobcast/A:lobcast.none",
        "dest:lobcast/A:lo4.none",
        "dest:lobcast/A:any4.none",
    ]


def test_an_axis_left_out_has_its_default(tmp_path: Path) -> None:
    """A default may depend on the destination; ids leave it out either way."""
    block = """
receivers = 1
axes.dest = ["lo4", "group4"]
same.bind = ["any4"]
same.reuse = ["none"]
"""
    made = plan.expand(load(tmp_path, f'{HEAD}\n[[block]]\nabout = "it"\n{block}')).cells
    assert [(cell.id, cell.sockets[0].get("join"), cell.axes["broadcast"]) for cell in made] == [
        ("demo/dest:lo4/A:any4.none", "none", "on"),
        ("demo/dest:group4/A:any4.none", "if4", "on"),
    ]


def test_unless_leaves_cells_out(tmp_path: Path) -> None:
    """A cell that matches one of the patterns is not made."""
    block = """
receivers = 2
axes.dest = ["lo4"]
same.bind = ["lo4"]
each.reuse = ["none", "addr", "lb"]
unless = ["none.reuse=lb", "A.reuse=lb B.reuse=lb"]
"""
    made = sockets(tmp_path, block)
    assert len(made) == 4
    assert all(one.count("lb") == 1 for one in made)


def test_a_table_is_the_union_of_its_blocks(tmp_path: Path) -> None:
    """A cell of two blocks is one cell, counted for the first; the order is that of the file."""
    more = BLOCK.replace("first", "second").replace('"none", "addr"', '"addr", "port"')
    made = plan.expand(load(tmp_path, HEAD + BLOCK + more))
    assert made.counts == (4, 3)
    assert len(made.cells) == len({cell.id for cell in made.cells}) == 7
    assert made.cells[:4] == plan.expand(load(tmp_path, HEAD + BLOCK)).cells


# --- the summary ---------------------------------------------------------------------------------


def test_the_summary_is_in_words(tmp_path: Path) -> None:
    """Rows and columns are labelled in the words of axes.toml; each place holds one cell."""
    shown = plan.summary(plan.expand(load(tmp_path, HEAD + BLOCK)))
    assert shown.headings == ("sent to", "bound to")
    assert shown.columns == ("no option", "SO_REUSEADDR")
    (row,) = shown.rows
    assert row.labels == ("127.0.0.1", "127.0.0.1")
    assert {label: cell.id for label, cell in row.cells.items()} == {
        "no option": "demo/dest:lo4/A:lo4.none/B:lo4.none",
        "SO_REUSEADDR": "demo/dest:lo4/A:lo4.addr/B:lo4.addr",
    }


def test_the_summary_speaks_of_single_sockets(tmp_path: Path) -> None:
    """A row may be of one socket, a column of unlike ones; equal first labels stay together."""
    head = HEAD.replace('["sockets=alike"]', '["receivers=2"]')
    head = head.replace('["dest", "bind"]', '["dest", "A.bind", "B.bind"]')
    head = head.replace('["none", "addr"]', '["none / addr", "addr"]')
    two = BLOCK.replace('bind = ["lo4"]', 'bind = ["lo4", "any4"]')
    more = two.replace("first", "second").replace('dest = ["lo4"]', 'dest = ["lo4b", "lo4"]')
    more = more.replace('"any4"', '"any4", "lo4b"')
    shown = plan.summary(plan.expand(load(tmp_path, head + two + more)))
    assert shown.headings == ("sent to", "A bound to", "B bound to")
    assert shown.columns == ("no option / SO_REUSEADDR", "SO_REUSEADDR")
    assert shown.rows[1].labels == ("127.0.0.1", "127.0.0.1", "0.0.0.0")
    assert [cell.id for cell in shown.rows[1].cells.values()] == [
        "demo/dest:lo4/A:lo4.none/B:any4.addr",
        "demo/dest:lo4/A:lo4.addr/B:any4.addr",
    ]
    assert [row.labels[0] for row in shown.rows] == ["127.0.0.1"] * 9 + ["127.0.0.2"] * 9


def test_a_summary_place_holds_one_cell(tmp_path: Path) -> None:
    """Two cells for one place, or none for all, is a mistake of the table."""
    crowded = load(tmp_path, HEAD + BLOCK.replace("receivers = 2", "receivers = [1, 2]"))
    with pytest.raises(TableError, match=r"summary: demo/\S+ and demo/\S+ share a place; narrow"):
        plan.summary(plan.expand(crowded))
    empty = load(tmp_path, HEAD.replace("alike", "mixed") + BLOCK)
    with pytest.raises(TableError, match=r"summary\.where: matches no cell"):
        plan.summary(plan.expand(empty))


# --- mistakes ------------------------------------------------------------------------------------

FIRST = 'block 1 ("first")'

MISTAKES = [
    # (what is replaced, by what, the place, the problem)
    ('question = "Who hears it?"', "", "", 'lacks the key "question"'),
    ('"Who hears it?"', "7", "question", "must be a text that is not empty"),
    ('"Who hears it?"', '" "', "question", "must be a text that is not empty"),
    ('question = "Who', 'qestion = "Who', "", 'unknown key "qestion" (did you mean "question"?)'),
    ('"fan-out"', '"fanout"', "scenario", 'unknown scenario "fanout" (did you mean "fan-out"?)'),
    ('"fan-out"', '"fan-out"\nlab = 1', "lab", "must be a text"),
    ('"fan-out"', '"fan-out"\nlab = "plane"', "lab", 'unknown lab "plane" (did you mean "plain"?)'),
    ("[axes]", "[axis.x]\n[axes]", "", 'unknown key "axis" (did you mean "axes"?)'),
    ('dest = ""', 'dest = ""\noptions = "none"', "axes.options", "unknown axis of the scenario"),
    ('dest = ""', "", "axes", "the scenario fan-out needs the axis dest"),
    (
        'dest = ""',
        'dest = ""\nvai = "if4"',
        "axes.vai",
        '"vai" (did you mean "via"?); allowed: dest',
    ),
    ('dest = ""', 'dest = ""\nlisten = "after"', "axes.listen", "unknown axis of the scenario"),
    ('dest = ""', 'dest = "any4"', "axes.dest", 'unknown value "any4"'),
    ('dest = ""', "dest = 1", "axes.dest", 'must be its default, or "" if it has none'),
    ('dest = ""', 'dest = {default = "lo4"}', "axes.dest", "must be its default"),
    ("[axes]", "axes = 1\n[other]", "", 'unknown key "other"'),
    ('"none", dest.group4', '"nobody", dest.group4', "sockets.join", 'unknown value "nobody"'),
    ("dest.group4", "dest.group5", "sockets.join.dest", "group5"),
    ('group4 = "if4"', 'group4 = "if5"', "sockets.join.dest.group4", 'unknown value "if5"'),
    ("dest.group4", "dset.group4", "sockets.join", 'unknown key "dset"'),
    ("[sockets]", '[sockets]\nuser = "root"', "sockets.user", "unknown axis of the scenario"),
    ("[sockets]", '[sockets]\nreuse = "none"', "sockets.reuse", "unknown axis of the scenario"),
    ('where = ["sockets=alike"]', "", "summary", 'lacks the key "where"'),
    ('["sockets=alike"]', "[]", "summary.where", "must not be an empty list"),
    ('["sockets=alike"]', '["socks=alike"]', "summary.where", 'unknown axis "socks"'),
    ('rows = ["dest", "bind"]', 'rows = ["dest", "blind"]', "summary.rows", 'mean "bind"?'),
    ('rows = ["dest", "bind"]', 'rows = ["A.dest"]', "summary.rows", 'unknown axis "A.dest"'),
    ('rows = ["dest", "bind"]', 'rows = ["every.bind"]', "summary.rows", 'axis "every.bind"'),
    ('columns = "reuse"', 'columns = "resue"', "summary.columns", 'mean "reuse"?'),
    ('show = ["none", "addr"]', 'show = ["none / adr"]', "summary.show", 'mean "addr"?'),
    ('show = ["none", "addr"]', 'shows = ["none"]', "summary", 'unknown key "shows"'),
    ("[[block]]", "[block]", "block", "a table needs at least one [[block]]"),
    (BLOCK, "", "block", "a table needs at least one [[block]]"),
    ('about = "first"', "", "block 1", 'lacks the key "about"'),
    ('about = "first"', 'about = "first"\nunles = []', FIRST, 'mean "unless"?); allowed: about'),
    ("receivers = 2", "", f"{FIRST}, receivers", "must be numbers from 1 to"),
    ("receivers = 2", "receivers = 0", f"{FIRST}, receivers", "must be numbers from 1 to"),
    ("receivers = 2", "receivers = true", f"{FIRST}, receivers", "must be numbers from 1 to"),
    ("receivers = 2", 'receivers = ["2"]', f"{FIRST}, receivers", "must be numbers from 1 to"),
    ("receivers = 2", "receivers = []", f"{FIRST}, receivers", "different numbers, at least one"),
    ("receivers = 2", "receivers = [2, 2]", f"{FIRST}, receivers", "different numbers"),
    ('axes.dest = ["lo4"]', "", f"{FIRST}, axes", "must say the values of dest, which has no"),
    ('axes.dest = ["lo4"]', "axes = 1", f"{FIRST}, axes", "must be a table"),
    ('axes.dest = ["lo4"]', "axes.dest = []", f"{FIRST}, axes.dest", "must not be an empty list"),
    ('axes.dest = ["lo4"]', 'axes.dest = "lo4"', f"{FIRST}, axes.dest", "must be a list of texts"),
    ('axes.dest = ["lo4"]', "axes.dest = [4]", f"{FIRST}, axes.dest", "must be a list of texts"),
    ('dest = ["lo4"]', 'dest = ["lo4", "lo4"]', f"{FIRST}, axes.dest", 'holds "lo4" twice'),
    (
        'dest = ["lo4"]',
        'dest = ["lobcst"]',
        f"{FIRST}, axes.dest",
        'mean "lobcast"?); allowed: lo4,',
    ),
    ('dest = ["lo4"]', 'dest = ["dest"]', f"{FIRST}, axes.dest", 'unknown value "dest"'),
    ("axes.dest =", "axes.dset =", f"{FIRST}, axes.dset", 'unknown axis of the cell "dset" (did'),
    ("axes.dest =", "axes.via =", f"{FIRST}, axes.via", "allowed: dest, broadcast"),
    ("each.bind", "each.blind", f"{FIRST}, each.blind", 'unknown axis of a socket "blind" (did'),
    ("each.bind", "each.dest", f"{FIRST}, each.dest", "allowed: bind, reuse, join"),
    ('each.bind = ["lo4"]', "", FIRST, "each.bind, same.bind or odd.bind"),
    ("each.reuse", "same.bind", f"{FIRST}, same.bind", "the block says each.bind already"),
    (
        'bind = ["lo4"]',
        'bind = ["lo4", "dst"]',
        f"{FIRST}, each.bind",
        'mean "dest"?); allowed: dest,',
    ),
    ('each.bind = ["lo4"]', "each.bind.lo4 = 1", f"{FIRST}, each.bind", "must be a list of texts"),
    ("[[block]]", "[[block]]\nunless = 3", "block 1", "must be a list of texts"),
    (
        "[[block]]",
        '[[block]]\nunless = ["via=lo4"]',
        "block 1",
        'unknown axis "via"; allowed: dest',
    ),
    ("[[block]]", '[[block]]\nunless = ["bind=lo4"]', "block 1", "bind belongs to a socket"),
    ("[[block]]", "[[block]", "", "is not TOML"),
]


@pytest.mark.parametrize(("old", "new", "where", "problem"), MISTAKES)
def test_mistakes_are_located(tmp_path: Path, old: str, new: str, where: str, problem: str) -> None:
    """An error names the file, the block and the key, and says what is allowed there."""
    good = HEAD + BLOCK
    assert old in good
    with pytest.raises(TableError) as caught:
        load(tmp_path, good.replace(old, new))
    assert str(caught.value).startswith(str(tmp_path / "demo.toml") + ": ")
    assert caught.value.where.startswith(where)
    assert problem in caught.value.problem


def test_blocks_that_make_nothing_are_mistakes(tmp_path: Path) -> None:
    """A block whose cells are all excluded, or all made before it, is refused."""
    with pytest.raises(TableError, match=r'block 1 \("first"\): makes no cells: all are excluded'):
        plan.expand(load(tmp_path, HEAD + BLOCK + 'unless = ["dest=lo4"]'))
    with pytest.raises(TableError, match=r'block 2 \("again"\): adds no cells: earlier blocks'):
        plan.expand(load(tmp_path, HEAD + BLOCK + BLOCK.replace("first", "again")))


def test_dest_needs_a_destination(tmp_path: Path) -> None:
    """A table without destinations cannot bind to "dest"."""
    text = HEAD.replace('"fan-out"', '"bind-conflicts"').replace('dest = ""', 'transport = ""')
    text = text.replace('broadcast = "on"', "").replace('["dest", "bind"]', '["bind"]')
    text = re.sub(r"\[sockets\]\njoin.*", "", text)
    block = BLOCK.replace('axes.dest = ["lo4"]', 'axes.transport = ["udp"]')
    load(tmp_path, text + block)
    with pytest.raises(TableError, match=r'each\.bind: unknown value "dest"'):
        load(tmp_path, text + block.replace('bind = ["lo4"]', 'bind = ["dest"]'))


def test_a_block_is_named_whatever_it_says(tmp_path: Path) -> None:
    """A sentence with commas, dots and quotes stays whole in an error."""
    about = "a, b. [c]"
    text = HEAD + BLOCK.replace("first", about).replace('each.bind = ["lo4"]', 'each.bind = ["x"]')
    with pytest.raises(TableError) as caught:
        load(tmp_path, text)
    assert caught.value.where == f'block 1 ("{about}"), each.bind'


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    """A missing file, one that is not UTF-8, one with a bad name: each says so."""
    with pytest.raises(TableError, match=r"gone\.toml: cannot be read: No such file"):
        table.load(tmp_path / "gone.toml")
    (tmp_path / "latin.toml").write_bytes(b'question = "\xe9"')
    with pytest.raises(TableError, match=r"latin\.toml: is not TOML"):
        table.load(tmp_path / "latin.toml")
    (tmp_path / "deep.toml").write_text("a = " + "[" * 5000, encoding="utf-8")
    with pytest.raises(TableError, match=r"deep\.toml: is nested too deeply"):
        table.load(tmp_path / "deep.toml")
    with pytest.raises(TableError, match="lower-case letters, digits and -"):
        load(tmp_path, HEAD + BLOCK, "Fan_Out.toml")


def test_a_directory_of_tables(tmp_path: Path) -> None:
    """All tables of a directory are loaded by name; axes.toml is not a table, nor is a claim."""
    with pytest.raises(TableError, match="there is no table here"):
        table.load_all(tmp_path)
    load(tmp_path, HEAD + BLOCK, "one.toml")
    load(tmp_path, HEAD + BLOCK, "another.toml")
    (tmp_path / "claims").mkdir()
    (tmp_path / "claims" / "x.toml").write_text("")
    assert list(table.load_all(tmp_path)) == ["another", "one"]
    (tmp_path / "axes.toml").write_text(AXES)
    with pytest.raises(TableError, match=r'another\.toml: axes\.broadcast: unknown axis "broadcast"'):
        table.load_all(tmp_path)


# --- axes ----------------------------------------------------------------------------------------

AXES = """
[addresses]
lo4 = "127.0.0.1"
any4 = "any"
[cell.dest]
title = "sent to"
about = "Where it goes."
addresses = ["lo4"]
[socket.bind]
title = "bound to"
about = "Where it is."
addresses = ["any4", "lo4"]
values.auto = "chosen by the kernel"
[socket.reuse]
title = "options"
about = "What it sets."
values.none = "no option"
"""

SCRIPTED = """
[script.loop]
title = "loop"
about = "Whether it hears itself."
default = "unset"
values.unset = "left alone"
values.off = "off"
does.unset = ""
does.off = "set IP_MULTICAST_LOOP 0"
[script.family]
title = "family"
about = "Which."
values.4 = "IPv4"
"""


def test_axes_have_words(tmp_path: Path) -> None:
    """Each axis has a heading, a sentence, a scope, and a line for each value."""
    file = tmp_path / "axes.toml"
    file.write_text(AXES)
    axes = load_axes(file)
    assert list(axes) == ["dest", "bind", "reuse"]
    assert [axis.per_socket for axis in axes.values()] == [False, True, True]
    assert axes["bind"].title == "bound to"
    assert axes["bind"].values == {
        "any4": "any",
        "lo4": "127.0.0.1",
        "auto": "chosen by the kernel",
    }
    assert axes["bind"].check("lo4") is None
    assert axes["bind"].check("lo6") == (
        'unknown value "lo6" (did you mean "lo4"?); allowed: any4, lo4, auto'
    )


@pytest.mark.parametrize(
    ("old", "new", "where", "problem"),
    [
        ("[cell.dest]", "[cells.dest]", "", 'unknown key "cells" (did you mean "cell"?)'),
        ("[socket.bind]", "[socket.dest]", "socket.dest", "documented twice"),
        ("[socket.bind]", "[socket.Bind]", "socket.Bind", "lower-case letters"),
        ('title = "sent to"', "", "cell.dest", 'lacks the key "title"'),
        ('about = "Where it goes."', "", "cell.dest", 'lacks the key "about"'),
        ('addresses = ["lo4"]', "", "cell.dest", "it has neither values nor addresses"),
        ('addresses = ["lo4"]', 'addresses = ["lo5"]', "cell.dest.addresses", 'address "lo5"'),
        ("values.auto", "values.Auto_", "socket.bind.Auto_", "lower-case letters, digits, + and -"),
        ('values.none = "no option"', "values.none = 1", "socket.reuse.values.none", "must be a"),
        ("[socket.reuse]", "[socket.reuse]\nwords = 1", "socket.reuse", 'unknown key "words"'),
        ('lo4 = "127.0.0.1"', 'lo4 = ""', "addresses.lo4", "must be a text"),
    ],
)
def test_mistakes_in_axes_are_located(
    tmp_path: Path, old: str, new: str, where: str, problem: str
) -> None:
    """An error in axes.toml names the axis and the key."""
    assert old in AXES
    file = tmp_path / "axes.toml"
    file.write_text(AXES.replace(old, new, 1))
    with pytest.raises(TableError) as caught:
        load_axes(file)
    assert (caught.value.file, caught.value.where) == (file, where)
    assert problem in caught.value.problem


def test_axes_of_scripts(tmp_path: Path) -> None:
    """They say what stands in a script for each value: the value itself, if nothing is said."""
    file = tmp_path / "axes.toml"
    file.write_text(AXES + SCRIPTED)
    axes = load_axes(file)
    assert list(axes) == ["dest", "bind", "reuse", "loop", "family"]
    assert [axis.scripted for axis in axes.values()] == [False, False, False, True, True]
    assert axes["loop"].does == {"unset": "", "off": "set IP_MULTICAST_LOOP 0"}
    assert axes["family"].does == {"4": "4"}
    assert [axes[name].default for name in ("loop", "family", "dest")] == ["unset", None, None]


@pytest.mark.parametrize(
    ("old", "new", "where", "problem"),
    [
        ("[script.family]", "[script.dest]", "script.dest", "documented twice"),
        ('default = "unset"', 'default = "on"', "script.loop.default", 'unknown value "on"'),
        ('does.off = "set IP_MULTICAST_LOOP 0"', "", "script.loop.does", 'does not say what "off" does'),
        ("[cell.dest]", '[cell.dest]\ndefault = "lo4"', "cell.dest", 'unknown key "default"'),
        ("[socket.bind]", '[socket.bind]\ndoes.lo4 = ""', "socket.bind", 'unknown key "does"'),
    ],
)
def test_mistakes_in_axes_of_scripts(
    tmp_path: Path, old: str, new: str, where: str, problem: str
) -> None:
    """They are located like all others; other axes do nothing."""
    file = tmp_path / "axes.toml"
    assert old in AXES + SCRIPTED
    file.write_text((AXES + SCRIPTED).replace(old, new, 1))
    with pytest.raises(TableError) as caught:
        load_axes(file)
    assert caught.value.where == where
    assert problem in caught.value.problem


def test_the_documented_axes_are_read_once() -> None:
    """Patterns and tables share one vocabulary."""
    assert vocabulary() is vocabulary()
