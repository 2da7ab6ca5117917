"""Script tables: axes of their own, cases, their cells, and how their mistakes are reported."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sockmatrix import plan, table
from sockmatrix.axis import load_axes, vocabulary_of
from sockmatrix.cell import CellIdError
from sockmatrix.grids import summaries
from sockmatrix.outcome import Outcome
from sockmatrix.pattern import PatternError, parse
from sockmatrix.runfile import CellLine
from sockmatrix.table import TableError

AXES = Path(__file__).parents[1] / "matrix" / "axes.toml"

HEAD = """
question = "What does it do?"
scenario = "script"
lab = "two-links"
"""

OWN = """
[axis.loop]
title = "IP_MULTICAST_LOOP"
about = "Whether the sender hears itself."
default = "unset"
[axis.loop.values]
unset = "left alone"
off = "switched off"
[axis.loop.does]
unset = ""
off = "set IP_MULTICAST_LOOP 0"
[axis.bound]
title = "bound to"
about = "Where the receiver is."
[axis.bound.values]
lo4 = "the loopback address"
any4 = "the wildcard"
[axis.ends]
title = "ends by"
about = "What becomes of it."
default = "close"
[axis.ends.values]
close = "closing"
again = "closing, and coming back"
[axis.ends.does]
close = "A: close"
again = '''
A: close
A: socket udp4; {options}; bind {bound}'''
"""

SECOND = """
[[case]]
name = "second-send"
about = "Is the second send told of the first?"
vary.loop = ["off", "unset"]
vary.bound = ["lo4", "any4"]
unless = ["loop=off bound=lo4"]
steps = '''
A: socket udp4; {options}; bind {bound}   # {nothing}
X: socket udp4; {loop}
X: first = send lo4; second = send lo4
'''
"""

LONE = """
[[case]]
name = "lone"
about = "What is a lone one told?"
lab = "plain"
solo = true
steps = "A: socket udp4; told = bind lo4"
"""

ENDING = """
[[case]]
name = "ending"
about = "What becomes of it?"
vary.bound = ["any4"]
vary.ends = ["close", "again"]
vary.options = ["addr", "port"]
steps = '''
A: socket udp4; {options}; bind {bound}
{ends}
S: speak lo4
'''
"""

GOOD = HEAD + OWN + SECOND + LONE + ENDING


def load(tmp_path: Path, text: str = GOOD, name: str = "demo.toml") -> table.Table:
    """Load a table with this text."""
    file = tmp_path / name
    file.write_text(text, encoding="utf-8")
    return table.load(file, load_axes(AXES))


def ids(own: table.Table) -> list[str]:
    """Return the ids of all cells, after the name of the table."""
    return [cell.id.partition("/")[2] for cell in plan.expand(own).cells]


def test_cells_are_cases_and_what_they_vary(tmp_path: Path) -> None:
    """An id names the case, then the axes in the order of the file, where they have no default."""
    own = load(tmp_path)
    assert ids(own) == [
        "case:second-send/loop:off/bound:any4",
        "case:second-send/bound:lo4",
        "case:second-send/bound:any4",
        "case:lone",
        "case:ending/bound:any4/options:addr",
        "case:ending/bound:any4/options:port",
        "case:ending/bound:any4/ends:again/options:addr",
        "case:ending/bound:any4/ends:again/options:port",
    ]
    expanded = plan.expand(own)
    assert expanded.counts == (3, 1, 4)
    assert [part.about for part in own.parts] == [case.about for case in own.cases]
    assert list(own.axes) == ["case", "loop", "bound", "ends", "options"]
    assert own.socket_axes == {}
    assert {cell.sockets for cell in expanded.cells} == {()}
    assert {cell.table for cell in expanded.cells} == {"demo"}


def test_a_cell_has_the_axes_that_its_steps_speak_of(tmp_path: Path) -> None:
    """Also those in what another axis does, and no others: a pattern means what it says."""
    cells = plan.expand(load(tmp_path)).cells
    assert [set(cell.axes) for cell in cells] == [
        *[{"case", "loop", "bound", "options"}] * 3,
        {"case"},
        *[{"case", "bound", "ends", "options"}] * 4,
    ]
    assert cells[1].axes["loop"] == "unset"
    unset = parse("loop=unset", {name: use.axis for name, use in load(tmp_path).axes.items()})
    assert [unset.matches(cell) for cell in cells] == [False, True, True, *[False] * 5]


def test_labs_and_solo(tmp_path: Path) -> None:
    """A case is in the lab of its table unless it names another one; it may have to be alone."""
    cells = plan.expand(load(tmp_path)).cells
    assert [cell.lab for cell in cells] == ["two-links"] * 3 + ["plain"] + ["two-links"] * 4
    assert [cell.solo for cell in cells] == [False] * 3 + [True] + [False] * 4


def test_steps_are_those_of_the_case(tmp_path: Path) -> None:
    """Each axis is replaced by what its value does, which may be whole turns."""
    own = load(tmp_path)
    cells = {cell.id: cell for cell in plan.expand(own).cells}
    steps = own.scenario.steps(cells["demo/case:second-send/loop:off/bound:any4"])
    assert steps == [
        ["A", [["socket", "udp4"], ["bind", "any4"]]],
        ["X", [["socket", "udp4"], ["set", "IP_MULTICAST_LOOP", 0]]],
        ["X", [["note", "first", ["tell", "lo4", "P"]], ["note", "second", ["tell", "lo4", "P"]]]],
    ]
    again = cells["demo/case:ending/bound:any4/ends:again/options:port"]
    assert own.scenario.steps(again)[1:3] == [
        ["A", [["close"]]],
        ["A", [["socket", "udp4"], ["set", "SO_REUSEPORT", 1], ["bind", "any4"]]],
    ]
    assert own.scenario.receivers(again) == ("A",)
    assert own.scenario.needs(again) == {"SO_REUSEPORT"}


def test_every_id_reads_back(tmp_path: Path) -> None:
    """The id alone gives the whole cell again, also one that no case makes."""
    own = load(tmp_path)
    for cell in plan.expand(own).cells:
        again = own.cell(cell.id)
        assert again == cell
        for name in ("axes", "version", "lab", "script", "solo", "sockets", "table"):
            assert getattr(again, name) == getattr(cell, name)
    other = own.cell("demo/case:second-send/loop:off/bound:lo4/options:addr+port")
    assert other.axes["options"] == "addr+port"
    assert own.scenario.steps(other)[0][1][2] == ["set", "SO_REUSEPORT", 1]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("demo", '"demo" does not say its case'),
        ("demo/bound:lo4", '"demo/bound:lo4" does not say its case'),
        (
            "demo/case:lon",
            'unknown case "lon" (did you mean "lone"?); allowed: second-send, lone, ending',
        ),
        ("demo/case:second-send", "does not say its bound"),
        ("demo/case:second-send/bound:lo5", 'bound: unknown value "lo5"'),
        ("demo/case:second-send/loop:unset/bound:lo4", 'write "demo/case:second-send/bound:lo4"'),
        ("demo/case:second-send/bound:lo4/loop:off", 'write "demo/case:second-send/loop:off/bound:lo4"'),
        ("demo/case:lone/bound:lo4", 'unknown axis "bound"; allowed: case'),
        ("demo/case:lone/A:lo4.none", "has sockets, which no cell of this table has"),
        ("other/case:lone", "is not a cell of the table demo"),
    ],
)
def test_texts_that_are_no_ids(tmp_path: Path, text: str, problem: str) -> None:
    """They are refused with the reason, or with the right way to write them."""
    with pytest.raises(CellIdError) as caught:
        load(tmp_path).cell(text)
    assert problem in str(caught.value)


def test_versions_follow_the_steps(tmp_path: Path) -> None:
    """A changed script is another version of its cells, and of its table; words are not."""
    before = load(tmp_path)
    worded = load(
        tmp_path,
        GOOD.replace("What is a lone one told?", "Is a lone one told?").replace("# {no", "# no {"),
    )
    assert [cell.version for cell in plan.expand(before).cells] == [
        cell.version for cell in plan.expand(worded).cells
    ]
    assert before.version == worded.version
    after = load(tmp_path, GOOD.replace("told = bind lo4", "told = bind lo4b"))
    assert changed(before, after) == {"demo/case:lone"}
    assert before.version != after.version
    moved = load(tmp_path, GOOD.replace('lab = "plain"', 'lab = "gateway"'))
    assert changed(before, moved) == {"demo/case:lone"}
    all_moved = load(tmp_path, GOOD.replace('lab = "two-links"', 'lab = "gateway"'))
    assert changed(before, all_moved) == {cell.id for cell in plan.expand(before).cells} - {
        "demo/case:lone"
    }
    more = load(tmp_path, GOOD.replace('vary.options = ["addr", "port"]', 'vary.options = ["addr"]'))
    assert changed(before, more) == set()
    assert before.version != more.version


def changed(before: table.Table, after: table.Table) -> set[str]:
    """Return the ids of cells that both have, in different versions."""
    old = {cell.id: before.version_of(cell) for cell in plan.expand(before).cells}
    return {
        cell.id for cell in plan.expand(after).cells if old.get(cell.id, cell.version) != cell.version
    }


# --- patterns and the vocabulary -----------------------------------------------------------------


def directory(tmp_path: Path) -> Path:
    """Return a directory with two script tables and the shared axes."""
    shutil.copy(AXES, tmp_path)
    load(tmp_path)
    other = GOOD.replace('off = "switched', 'never = "never"\nleft = "x"\noff = "switched')
    other = other.replace('off = "set', 'never = ""\nleft = ""\noff = "set').replace(
        "second-send", "twice"
    )
    load(tmp_path, other, "other.toml")
    return tmp_path


def test_patterns_know_the_axes_of_all_tables(tmp_path: Path) -> None:
    """Their values together, and the names of all cases; a table's own patterns know its own only."""
    known = vocabulary_of(directory(tmp_path))
    assert set(known["loop"].values) == {"never", "left", "unset", "off"}
    assert {"second-send", "twice", "lone"} <= set(known["case"].values)
    assert known["dest"].values == load_axes(AXES)["dest"].values
    tables = table.load_all(tmp_path)
    cells = [cell for own in tables.values() for cell in plan.expand(own).cells]

    def matching(text: str) -> list[str]:
        return [cell.id for cell in cells if parse(text, known).matches(cell)]

    assert matching("case=second-send loop=off") == ["demo/case:second-send/loop:off/bound:any4"]
    assert matching("loop=never") == []
    assert len(matching("table=other ends=again")) == 2
    assert len(matching("loop!=off lab=two-links")) == 12
    with pytest.raises(PatternError, match='unknown value "third-send"'):
        parse("case=third-send", known)
    own = vocabulary_of(tmp_path, frozenset({"demo"}))
    assert set(own["loop"].values) == {"unset", "off"}
    assert "twice" not in own["case"].values


def test_a_broken_table_does_not_harm_the_others(tmp_path: Path) -> None:
    """Who names tables reads only these."""
    place = directory(tmp_path)
    (place / "broken.toml").write_text("question = ")
    assert list(table.load_all(place, ["demo"])) == ["demo"]
    assert vocabulary_of(place, frozenset({"other"}))["loop"]
    with pytest.raises(TableError, match=r"broken\.toml: is not TOML"):
        table.load_all(place)
    with pytest.raises(TableError, match='unknown table "dmo"'):
        table.load_all(place, ["dmo"])


# --- the summary ---------------------------------------------------------------------------------


def test_all_cells_are_shown_unless_told_otherwise(tmp_path: Path) -> None:
    """A row each: the case in words, and the axes that differ; one column, the outcome."""
    shown = plan.summary(plan.expand(load(tmp_path)))
    assert shown.headings == ("case", "IP_MULTICAST_LOOP", "bound to", "ends by", "options")
    assert shown.columns == ("outcome",)
    assert [row.labels for row in shown.rows][2:5] == [
        ("Is the second send told of the first?", "left alone", "the wildcard", "", "no option"),
        ("What is a lone one told?", "", "", "", ""),
        ("What becomes of it?", "", "the wildcard", "closing", "SO_REUSEADDR"),
    ]
    assert [cell.id for row in shown.rows for cell in row.cells.values()] == [
        cell.id for cell in plan.expand(load(tmp_path)).cells
    ]


def test_a_summary_may_choose(tmp_path: Path) -> None:
    """Patterns choose the rows, an axis may make columns, of which some are shown, in an order."""
    some = load(tmp_path, GOOD + '[summary]\nwhere = ["bound=any4 loop=unset"]')
    (row,) = plan.summary(plan.expand(some)).rows
    assert row.cells["outcome"].id == "demo/case:second-send/bound:any4"
    columns = load(tmp_path, GOOD + '[summary]\ncolumns = "options"\nshow = ["port", "addr"]')
    shown = plan.summary(plan.expand(columns))
    assert shown.headings == ("case", "ends by (across: options)")
    assert shown.columns == ("SO_REUSEPORT", "SO_REUSEADDR")
    assert [tuple(row.cells) for row in shown.rows] == [shown.columns] * 2
    every = load(
        tmp_path, GOOD + '[summary]\ncolumns = "ends"\nwhere = ["case=ending"]\nrows = ["options"]'
    )
    shown = plan.summary(plan.expand(every))
    assert shown.headings == ("options (across: ends by)",)
    assert shown.columns == ("closing", "closing, and coming back")
    assert [row.labels for row in shown.rows] == [("SO_REUSEADDR",), ("SO_REUSEPORT",)]


def test_rows_are_grouped_by_case(tmp_path: Path) -> None:
    """A table for each case of several cells, with the axes that differ in it; one for the others."""
    expanded = plan.expand(load(tmp_path))
    lines = {cell.id: CellLine.of(cell.id, 1, Outcome(n=1, open=1)) for cell in expanded.cells}
    lone, second, ending = summaries([expanded], lines)
    assert (lone.title, lone.question, lone.row_headers) == ("demo", "What does it do?", ("case",))
    assert lone.rows == ((("What is a lone one told?",), ("opened",)),)
    assert (second.title, second.question) == (
        "demo/second-send",
        "Is the second send told of the first?",
    )
    assert second.row_headers == ("IP_MULTICAST_LOOP", "bound to")
    assert second.rows[0][0] == ("switched off", "the wildcard")
    assert ending.row_headers == ("ends by", "options")
    del lines["demo/case:lone"], lines["demo/case:second-send/bound:lo4"]
    second, ending = summaries([expanded], lines)
    assert [cells for _, cells in second.rows] == [("opened",), ("opened",)]
    assert [
        grid.title
        for grid in summaries([expanded], lines, frozenset({"demo/case:ending/bound:any4/options:port"}))
    ] == ["demo/ending"]
    assert summaries([expanded], {}) == []


def test_a_case_of_which_one_cell_is_shown_says_which(tmp_path: Path) -> None:
    """In the table of single cells the values that the other cells of the case do not have are named."""
    where = '[summary]\nwhere = ["case=lone", "case=ending options=port ends=again"]\n'
    expanded = plan.expand(load(tmp_path, GOOD + where))
    lines = {cell.id: CellLine.of(cell.id, 1, Outcome(n=1, open=1)) for cell in expanded.cells}
    (grid,) = summaries([expanded], lines)
    assert grid.row_headers == ("case", "with")
    assert [labels for labels, _ in grid.rows] == [
        ("What is a lone one told?", ""),
        ("What becomes of it?", "closing, and coming back; SO_REUSEPORT"),
    ]


def test_outcomes_of_a_script_are_told_in_its_order(tmp_path: Path) -> None:
    """Labels stand in a table as the steps follow one another, not by name."""
    expanded = plan.expand(load(tmp_path))
    (cell,) = (cell for cell in expanded.cells if cell.id.endswith("second-send/bound:lo4"))
    told = Outcome(n=1, open=1, notes={"second": "ECONNREFUSED", "first": "ok"})
    (grid,) = summaries([expanded], {cell.id: CellLine.of(cell.id, 1, told)})
    assert [cells for _, cells in grid.rows] == [("first ok \u00b7 second ECONNREFUSED",)]


# --- mistakes ------------------------------------------------------------------------------------

MISTAKES = [
    # (what is replaced, by what, the place, the problem)
    ('scenario = "script"', 'scenario = "script"\n[axes]\n[other]', "", 'unknown key "axes"'),
    (
        'lab = "two-links"',
        'lab = "two-lnks"',
        "lab",
        'unknown lab "two-lnks" (did you mean "two-links"?)',
    ),
    ('title = "bound to"', "", "axis.bound", 'lacks the key "title"'),
    ("[axis.bound]", "[axis.Bound]", "axis.Bound", "lower-case letters"),
    ("axis.bound", "axis.case", "axis.case", "this axis is there already: the cases"),
    ("axis.bound", "axis.lab", "axis.lab", "patterns have an axis of this name already"),
    ("axis.bound", "axis.socket", "axis.socket", "patterns have an axis of this name already"),
    ("axis.bound", "axis.bind", "axis.bind", "is an axis of single sockets in axes.toml"),
    (
        "axis.bound",
        "axis.via",
        "axis.via",
        'an axis of axes.toml with other values: unknown value "any4"',
    ),
    ("axis.bound", "axis.options", "axis.options", 'with other values: unknown value "lo4"'),
    ('any4 = "the wildcard"', 'Any = "x"', "axis.bound.Any", "a value has lower-case letters"),
    ('default = "close"', 'default = "cloze"', "axis.ends.default", 'unknown value "cloze" (did you'),
    ('close = "A: close"', "", "axis.ends.does", 'does not say what "close" does'),
    ('close = "A: close"', "close = 1", "axis.ends.does.close", "must be a text, which may be empty"),
    ('close = "A: close"', 'close = ""\nclos = ""', "axis.ends.does.clos", 'unknown value "clos" (did'),
    (
        "[axis.bound]",
        '[axis.idle]\ntitle = "i"\nabout = "i"\nvalues.x = "x"\n[axis.bound]',
        "axis.idle",
        "no case has {idle}",
    ),
    (SECOND + LONE + ENDING, "", "case", "a table needs at least one [[case]]"),
    ('name = "lone"', "", "case 2", 'lacks the key "name"'),
    (
        'name = "lone"',
        'name = "Lone"',
        "case 2, name",
        '"Lone": a name has lower-case letters, digits and -',
    ),
    ('name = "lone"', 'name = "ending"', "case 3, name", 'there is a case "ending" already'),
    ('about = "What is a lone one told?"', "", "case 2", 'lacks the key "about"'),
    ("solo = true", "solo = 1", 'case "lone", solo', "must be true or false"),
    ("solo = true", "alone = true", 'case "lone"', 'unknown key "alone"'),
    ('lab = "plain"', 'lab = "plane"', 'case "lone", lab', 'unknown lab "plane" (did you mean "plain"?)'),
    (
        'vary.bound = ["any4"]',
        "",
        'case "ending", vary',
        "must say the values of bound, which has no default",
    ),
    ('vary.bound = ["any4"]', 'vary.bond = ["any4"]', 'case "ending", vary.bond', 'mean "bound"?'),
    (
        'vary.bound = ["any4"]',
        'vary.loop = ["off"]',
        'case "ending", vary.loop',
        "the steps do not have {loop}",
    ),
    (
        'vary.bound = ["any4"]',
        "vary.bound = []",
        'case "ending", vary.bound',
        "must not be an empty list",
    ),
    ('vary.bound = ["any4"]', 'vary.bound = ["x"]', 'case "ending", vary.bound', 'unknown value "x"'),
    (
        'vary.bound = ["any4"]',
        'vary.bound = "any4"',
        'case "ending", vary.bound',
        "must be a list of texts",
    ),
    ('vary.bound = ["any4"]', 'vary.case = ["x"]', 'case "ending", vary.case', 'unknown axis "case"'),
    (
        '"loop=off bound=lo4"',
        '"lop=off"',
        'case "second-send", unless',
        'unknown axis "lop" (did you mean "loop"?)',
    ),
    ('"loop=off bound=lo4"', '"dest=lo4"', 'case "second-send", unless', 'unknown axis "dest"'),
    ('"loop=off bound=lo4"', '"*"', 'case "second-send"', "makes no cells: all are excluded"),
    ('steps = "A: socket udp4; told = bind lo4"', "", 'case "lone"', 'lacks the key "steps"'),
    (
        "told = bind lo4",
        "told = bind lo5",
        'case "lone", steps',
        'line 1 ("A: socket udp4; told = bind lo5"): unknown address',
    ),
    (
        "A: socket udp4; told",
        "A@h2: socket udp4; told",
        'case "lone", steps',
        "the lab plain has no host h2",
    ),
    ("{ends}", "{end}", 'case "ending", steps', 'unknown axis "end" (did you mean "ends"?)'),
    ("second = send lo4", "second = snd lo4", 'case "second-send", steps', "(with loop=off bound=any4)"),
    ("again = '''", "again = '''{again}", 'case "ending", steps', 'unknown axis "again"'),
    ("again = '''", "again = '''{ends}", 'case "ending", steps', "{ends} speaks of itself"),
]


@pytest.mark.parametrize(("old", "new", "where", "problem"), MISTAKES)
def test_mistakes_are_located(tmp_path: Path, old: str, new: str, where: str, problem: str) -> None:
    """An error names the file, the case or axis, and says what is allowed there."""
    assert old in GOOD
    with pytest.raises(TableError) as caught:
        load(tmp_path, GOOD.replace(old, new))
    assert str(caught.value).startswith(str(tmp_path / "demo.toml") + ": ")
    assert caught.value.where == where
    assert problem in caught.value.problem


@pytest.mark.parametrize(
    ("text", "where", "problem"),
    [
        ("colums = 1", "summary", 'unknown key "colums" (did you mean "columns"?)'),
        ('columns = "dest"', "summary.columns", 'unknown axis "dest"'),
        (
            'columns = "options"\nshow = ["adr"]',
            "summary.show",
            'unknown value "adr" (did you mean "addr"?)',
        ),
        ('show = ["addr"]', "summary.show", "needs columns"),
        ('rows = ["A.bind"]', "summary.rows", 'unknown axis "A.bind"'),
        ('where = ["dest=lo4"]', "summary.where", 'unknown axis "dest"'),
    ],
)
def test_mistakes_in_the_summary(tmp_path: Path, text: str, where: str, problem: str) -> None:
    """The summary speaks of the table's own axes only."""
    with pytest.raises(TableError) as caught:
        load(tmp_path, f"{GOOD}\n[summary]\n{text}")
    assert caught.value.where == where
    assert problem in caught.value.problem


def test_a_summary_that_shows_nothing(tmp_path: Path) -> None:
    """Two cells for one place, or none for all, is a mistake."""
    crowded = load(tmp_path, GOOD + '[summary]\nrows = ["case"]')
    with pytest.raises(TableError, match=r"summary: demo/\S+ and demo/\S+ share a place"):
        plan.summary(plan.expand(crowded))
    empty = load(tmp_path, GOOD + '[summary]\nwhere = ["bound=lo4 loop=off"]')
    with pytest.raises(TableError, match=r"summary\.where: matches no cell"):
        plan.summary(plan.expand(empty))


LINES = st.sampled_from(
    [
        *[
            "A: socket udp4; {loop}; bind {bound}",
            "{ends}",
            "{options}",
            "A: {options}",
            "X: close",
            "{x}",
            "}",
        ],
        *[
            "B: socket tcp4",
            "S: speak lo4",
            "S: call lo4",
            "A: note = send lo4",
            "J: socket udp4",
            "A: kill",
        ],
    ]
)


@settings(deadline=None, max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(LINES, min_size=1, max_size=4),
    st.lists(st.sampled_from(["loop", "bound", "ends", "options", "case", "x"]), unique=True, max_size=3),
    st.sampled_from(["", 'unless = ["loop=off"]\n', 'lab = "hosts-2"\n', "solo = true\n"]),
)
def test_any_case_loads_or_is_a_clear_error(
    tmp_path: Path, lines: list[str], vary: list[str], more: str
) -> None:
    """Nothing but TableError is raised; what loads has unique ids that read back."""
    values = {"loop": ["off", "unset"], "bound": ["lo4"], "ends": ["close", "again"], "options": ["addr"]}
    varied = "".join(f"vary.{name} = {values.get(name, ['x'])}\n" for name in vary)
    steps = "\n".join(lines)
    case = f"[[case]]\nname = 'any'\nabout = 'any'\n{varied}{more}steps = '''\n{steps}'''\n"
    try:
        own = load(tmp_path, HEAD + OWN + SECOND + ENDING + case)
    except TableError as error:
        if not error.where.startswith('case "any"'):
            raise
        return
    cells = plan.expand(own).cells
    assert len({cell.id for cell in cells}) == len(cells)
    for cell in cells:
        assert own.cell(cell.id).version == cell.version
