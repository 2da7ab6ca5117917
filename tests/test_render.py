"""Tables for people: folding, widths, legends, and text that stays text."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING

import fakes
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rich.color import ColorSystem

from sockmatrix.outcome import headline
from sockmatrix.render import markdown, text
from sockmatrix.render.beside import compare
from sockmatrix.render.legend import legend, style
from sockmatrix.render.screen import Screen
from sockmatrix.render.values import MISSING, Grid, fold, fold_columns, side_by_side

if TYPE_CHECKING:
    from collections.abc import Sequence

STEADY = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""A loaded machine is no reason to fail."""

GRID = Grid(
    "loopback-broadcast",
    "Which of the sockets that share a port hear a datagram sent to an address of 127/8?",
    ("bind", "to"),
    ("none", "addr", "port"),
    (
        (("any4", "lo4"), ("B refused", "last", "spread")),
        (("any4", "lo4b"), ("B refused", "last", "spread")),
        (("any4", "lobcast"), ("B refused", "all", "all")),
        (("lo4", "lo4"), ("B refused", "last", "B refused (EACCES)")),
        (("lo4", "lobcast"), ("B refused", "none", "lo4 last \u00b7 if4 none")),
    ),
)
OTHER = Grid(
    GRID.title,
    GRID.question,
    GRID.row_headers,
    GRID.columns,
    tuple(
        (labels, tuple("first" if cell == "last" else cell for cell in cells))
        for labels, cells in GRID.rows[:-1]
    ),
)


def grid(*rows: tuple[Sequence[str], str], title: str = "t", headers: Sequence[str] = ("a", "b")) -> Grid:
    """Return a grid of one column; a row is its labels as letters, and its cell."""
    return Grid(title, "?", tuple(headers), ("x",), tuple((tuple(r), (c,)) for r, c in rows))


def test_summary_is_read_in_ten_seconds() -> None:
    """A summary has title, question, a folded table, and a legend of the words that occur."""
    assert text.summary([GRID]) == (
        """\
loopback-broadcast
Which of the sockets that share a port hear a datagram sent to an address of 127/8?

bind  to                 none       addr  port
----  -----------------  ---------  ----  -------------------
any4  any of: lo4, lo4b  B refused  last  spread
any4  lobcast            B refused  all   all
lo4   lo4                B refused  last  B refused (EACCES)
lo4   lobcast            B refused  none  lo4 last \u00b7 if4 none

all        every open socket heard everything
last       only the socket bound last heard
spread     each source port or connection reached one socket, but not all the same
none       nobody heard anything
B refused  B may not bind: EADDRINUSE, if nothing else is said in brackets
lo4 ...    of what was sent to 127.0.0.1 (lo4), ::1 (lo6), the interface (if4, if6), a group
           (group4)
"""
    )


def test_markdown_summary() -> None:
    """Markdown has the same table, aligned in its source too."""
    assert markdown.summary([GRID], level=3).splitlines()[:8] == [
        "### loopback-broadcast",
        "",
        GRID.question,
        "",
        "| bind   | to                | none      | addr   | port                |",
        "|--------|-------------------|-----------|--------|---------------------|",
        "| any4   | any of: lo4, lo4b | B refused | last   | spread              |",
        "| any4   | lobcast           | B refused | all    | all                 |",
    ]


def test_rows_can_stay_apart() -> None:
    """Without folding every row is shown."""
    assert len(text.summary([GRID], folded=False).splitlines()) == 1 + len(
        text.summary([GRID]).splitlines()
    )


def test_fold_of_a_whole_label() -> None:
    """A label that makes no difference is "any"."""
    folded = fold(grid(("pq", "all"), ("pr", "all"), ("sq", "none"), ("sr", "none")))
    assert folded.rows == ((("p", "any"), ("all",)), (("s", "any"), ("none",)))
    assert fold(grid(("pq", "all"), ("pr", "all"), ("sq", "all"), ("sr", "all"))).rows == (
        (("any", "any"), ("all",)),
    )


def test_fold_names_what_it_stands_for() -> None:
    """Of several values it says which, or which not if that is shorter."""
    rows = [(("x" + one), "all") for one in "abcd"]
    some = fold(grid(*rows[:2], ("xc", "none"), ("xd", "some")))
    assert some.rows[0][0] == ("x", "any of: a, b")
    most = fold(grid(*rows[:3], ("xd", "none")))
    assert most.rows[0][0] == ("x", "any but d")


def test_fold_never_says_too_much() -> None:
    """Rows that differ in two labels are not folded, nor those that are not neighbours."""
    apart = grid(("ab", "all"), ("cd", "all"))
    assert fold(apart) == apart
    between = grid(("ab", "all"), ("ac", "none"), ("ad", "all"))
    assert fold(between) == between


@STEADY
@given(
    st.lists(
        st.tuples(st.tuples(*[st.sampled_from("abc")] * 2), st.sampled_from(["all", "none"])),
        unique_by=lambda row: row[0],
    )
)
def test_fold_stands_for_exactly_its_rows(rows: list[tuple[tuple[str, str], str]]) -> None:
    """What the folded rows stand for is what was folded, row by row."""
    found = Grid("t", "?", ("p", "q"), ("x",), tuple((labels, (cell,)) for labels, cell in rows))
    values = [{labels[place] for labels, _ in rows} for place in range(2)]

    def meant(label: str, place: int) -> set[str]:
        if label == "any":
            return values[place]
        if label.startswith("any but "):
            return values[place] - {label[8:]}
        return set(label.removeprefix("any of: ").split(", "))

    unfolded = [
        ((p, q), cells[0])
        for labels, cells in fold(found).rows
        for p in meant(labels[0], 0)
        for q in meant(labels[1], 1)
    ]
    assert sorted(unfolded) == sorted(rows)


def test_a_row_must_fit() -> None:
    """A grid with a row of the wrong length is refused."""
    with pytest.raises(ValueError, match="does not fit"):
        Grid("t", "?", ("a",), ("x",), ((("p",), ()),))


def test_side_by_side() -> None:
    """Runs stand side by side; what one does not have is missing, not none."""
    [beside] = side_by_side([("linux 6.12", [GRID]), ("freebsd 14", [OTHER])])
    assert beside.columns == ("linux 6.12", "freebsd 14")
    assert beside.rows[1] == (("any4", "lo4", "addr"), ("last", "first"))
    assert beside.rows[-1] == (
        ("lo4", "lobcast", "port"),
        ("lo4 last \u00b7 if4 none", MISSING),
    )
    assert len(beside.rows) == 15


def test_runs_of_one_name_are_numbered() -> None:
    """Two runs of one platform stay two columns."""
    [beside] = side_by_side([("linux", [GRID]), ("other", [GRID]), ("linux", [OTHER])])
    assert beside.columns == ("linux #1", "other", "linux #2")


def test_tables_of_one_run_only() -> None:
    """A table that only one run has is shown, with nothing in the other column."""
    alone = grid(("ab", "all"), title="only here")
    grids = side_by_side([("one", [GRID]), ("two", [GRID, alone])])
    assert [one.title for one in grids] == [GRID.title, "only here"]
    assert grids[1].rows[0][1] == (MISSING, "all")


def test_equal_rows_are_counted() -> None:
    """Rows that are the same everywhere are shown once, or counted, or shown for each platform."""
    runs = [("linux", [GRID]), ("freebsd", [OTHER])]
    for render in (text.comparison, markdown.comparison):
        assert "9 rows are the same on every platform:" in render(compare(runs))
        assert "9 rows are the same on every platform." in render(compare(runs, "differing"))
        assert "the same on every" not in render(compare(runs, "all"))
    assert text.comparison(compare(runs, "all")).count("any4 ") == 9
    assert markdown.comparison(compare(runs, "all")).count("| any4 ") == 9


def test_all_rows_equal() -> None:
    """Two equal runs give the count and the table of one, or its name alone; never an empty one."""
    runs = [("a", [GRID]), ("b", [GRID])]
    shown = text.comparison(compare(runs))
    start, _, table = shown.partition("127/8?\n15 rows are the same on every platform:\n\n")
    assert start
    assert text.summary([GRID]).endswith(table)
    shown = text.comparison(compare(runs, "differing"), quiet=True)
    assert shown == "The same on every platform, in each row: loopback-broadcast.\n"


def test_unmeasured_is_not_the_same() -> None:
    """Two platforms that were not measured are not known to agree."""
    nothing = Grid("t", "?", ("a",), ("x",), ((("p",), (MISSING,)), (("q",), ("all",))))
    other = Grid("t", "?", ("a",), ("x",), ((("p",), ("all",)), (("q",), ("all",))))
    (found,) = compare([("one", [nothing]), ("two", [other])])
    assert (len(found.parted.rows), found.alike) == (1, 1)


@pytest.mark.parametrize("width", [20, 30, 40, 50, 60, 70, 80, 120])
def test_no_line_is_wider_than_the_screen(width: int) -> None:
    """Narrow screens wrap labels, then split tables; no cell is lost or shortened."""
    shown = text.summary([GRID], Screen(width))
    # The widest cell beside the narrowest labels takes 33.
    assert max(map(len, shown.splitlines()[1:])) <= max(width, 33)
    for cell in ("B refused", "last", "spread", "B refused (EACCES)", "lo4 last \u00b7 if4 none"):
        assert cell in shown


def test_wide_labels_are_shortened_last() -> None:
    """A label that leaves no room for a column is cut, and the cell beside it is not."""
    wide = Grid("t", "?", ("bind",), ("addr",), ((("x" * 50,), ("B refused (EACCES)",)),))
    shown = text.summary([wide], Screen(40)).splitlines()
    assert "x" * 19 + "\u2026  B refused (EACCES)" in shown


def test_many_platforms_are_dealt_to_several_tables() -> None:
    """Twelve columns on 80 characters become tables one below the other, labels repeated."""
    runs = [(f"linux 6.{index}", [GRID if index % 2 else OTHER]) for index in range(12)]
    shown = text.comparison(compare(runs), Screen(80))
    assert max(map(len, shown.splitlines()[1:])) <= 80
    assert all(f"6.{index}" in shown for index in range(12))
    assert shown.count("----") > 4


def test_a_listing_is_left_as_it_is() -> None:
    """Ids of single cells are never folded, wrapped or cut: they are for copying."""
    ids = [f"fan-out/dest:lo4/A:any4.addr/{index}" for index in range(3)]
    cells = Grid("", "", ("cell",), ("outcome",), tuple(((one,), ("all",)) for one in ids))
    shown = text.listing(cells, Screen(20))
    assert all(f"{one}  all\n" in shown for one in ids)
    assert all(f"| {one} |" in markdown.listing(cells) for one in ids)


def test_empty_tables() -> None:
    """A table without rows says so."""
    assert "(no rows)" in text.summary([grid()])
    assert "(no rows)" in markdown.summary([grid()])


def test_legend_has_only_what_occurs() -> None:
    """Words that do not occur are not explained, and a part with a label is understood."""
    words = [word for word, _ in legend([grid(("ab", "lo4 last \u00b7 if4 EPERM"), ("ac", "all"))])]
    assert words == ["all", "last", "EACCES", "lo4 ..."]


def test_counts_are_no_words() -> None:
    """How many cells of a pivot turned out so is not looked up, nor taken for the label of a step."""
    assert [word for word, _ in legend([grid(("ab", "all 12 / B refused 3 / none 1"))])] == [
        "all",
        "none",
        "B refused",
    ]


@pytest.mark.parametrize("platform", fakes.PLATFORMS, ids=lambda platform: platform.name)
def test_every_headline_is_in_the_legend(platform: fakes.Platform) -> None:
    """Whatever an outcome is called in a table, the legend explains it."""
    shown = headline(fakes.cell("x", platform))
    assert len(legend([grid(("ab", shown))])) == 1


@pytest.mark.parametrize(
    ("cell", "word"),
    [
        ("B", "B"),
        ("A+C", "A+C"),
        ("A\u2013D", "A+C"),
        ("A\u2013D+F", "A+C"),
        ("A.broadcast", "B"),
        ("A.broadcast+B", "A+C"),
        ("spread A+C", "spread"),
        ("spread A.b+C", "spread"),
        ("spread A\u2013D by datagram", "spread by datagram"),
        ("B refused (listen), C refused", "B refused"),
        ("connect ECONNRESET", "connect E..."),
        ("absent", "absent"),
        ("skipped", "skipped"),
        ("unstable", "unstable"),
        ("opened", "opened"),
        (MISSING, MISSING),
    ],
)
def test_legend_of_other_headlines(cell: str, word: str) -> None:
    """The rarer headlines have their meaning, and only theirs."""
    assert [found for found, _ in legend([grid(("ab", cell))])] == [word]


@pytest.mark.parametrize(
    ("cell", "labelled"),
    [
        ("before all \u00b7 after none", True),
        ("sent ok", True),
        ("first+second EADDRINUSE", True),
        ("lo4 all \u00b7 if4 none", False),
        ("connect ECONNRESET", False),
        ("spread A+B by datagram", False),
        ("A+B refused (listen EINVAL)", False),
        ("all", False),
    ],
)
def test_labels_of_steps_are_explained(cell: str, *, labelled: bool) -> None:
    """Where a word before an outcome is the label of a step, the legend says where to look it up."""
    assert ("label ..." in [word for word, _ in legend([grid(("ab", cell))])]) is labelled


LONG = "before+name any4:0 \u00b7 got heard=sent size=32 from=mapped-lo:ephemeral \u00b7 peer ENOTCONN"


def test_a_long_cell_is_broken_between_its_parts() -> None:
    """What a script noted does not push the labels away: it is broken where a part ends."""
    (_, *lines) = text.summary([grid((("127.0.0.1",), LONG), headers=("to",))], Screen(64)).splitlines()
    (first,) = (line for line in lines if "before+name" in line)
    assert first == "127.0.0.1  before+name any4:0 \u00b7"
    assert lines[lines.index(first) + 1].strip().startswith("got heard=sent size=32")
    assert max(map(len, lines)) <= 64


def test_a_long_part_is_broken_at_blanks() -> None:
    """Only a part wider than there is room for is broken itself, and never a word of it."""
    shown = text.summary([grid((("127.0.0.1",), LONG), headers=("to",))], Screen(56))
    assert "from=mapped-lo:ephemeral" in shown
    assert " ".join(LONG.split()) in " ".join(shown.replace("127.0.0.1", "").split())
    assert max(map(len, shown.splitlines()[1:])) <= 56


def test_colour_repeats_the_words() -> None:
    """With colours the text is the same once they are taken away, and the widths too."""
    coloured = text.summary([GRID], Screen(70, ColorSystem.STANDARD))
    assert "\x1b[32mall\x1b[0m" in coloured
    plain = re.sub(r"\x1b\[[0-9;]*m", "", coloured)
    trimmed = [line.rstrip() for line in plain.splitlines()]
    assert trimmed == text.summary([GRID], Screen(70)).splitlines()
    assert style("lo4 last \u00b7 if4 none") == ""


class Terminal(io.StringIO):
    """A stream that says that it is a terminal."""

    encoding = "utf-8"

    def isatty(self) -> bool:
        """Claim to be a terminal."""
        return True


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Give a terminal of 72 columns with colours."""
    for name in ("NO_COLOR", "FORCE_COLOR", "COLORTERM", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "72")
    monkeypatch.setenv("LINES", "24")
    return monkeypatch


def test_screen_of_a_terminal(environment: pytest.MonkeyPatch) -> None:
    """A terminal has a width and colours, unless NO_COLOR or TERM=dumb says otherwise."""
    screen = Screen.of(Terminal())
    assert (screen.width, screen.colors is not None, screen.ascii) == (72, True, False)
    environment.setenv("NO_COLOR", "1")
    assert Screen.of(Terminal()).colors is None
    environment.delenv("NO_COLOR")
    environment.setenv("TERM", "dumb")
    assert Screen.of(Terminal()).colors is None


def test_screen_of_a_pipe(environment: pytest.MonkeyPatch) -> None:
    """A pipe has no colours, and a width only if COLUMNS gives one."""
    stream = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    assert Screen.of(stream) == Screen(72)
    environment.delenv("COLUMNS")
    assert Screen.of(stream) == Screen()


def test_screen_without_unicode(environment: pytest.MonkeyPatch) -> None:
    """Where only ASCII can be written, dashes and dots have stand-ins."""
    environment.delenv("COLUMNS")
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    shown = text.summary([GRID], Screen.of(stream))
    assert shown.isascii()
    assert "lo4 last ; if4 none" in shown


HOSTILE = "a\x1b[31m\u202eb|c<script>&`*_[x](y)\n# d"


def test_hostile_text_stays_text() -> None:
    """Escapes, markup and line ends from a run file are shown, never obeyed."""
    wild = Grid(HOSTILE, HOSTILE, (HOSTILE,), (HOSTILE,), (((HOSTILE,), (HOSTILE,)),))
    for shown in (text.summary([wild]), text.listing(wild), text.summary([wild], Screen(20))):
        assert all(line.isprintable() for line in shown.splitlines())
    source = markdown.summary([wild])
    assert "<script" not in source
    assert not re.search(r"(?<!\\)[`*_\[\]]", source.replace("**", ""))
    table = [line for line in source.splitlines() if line.startswith("|")]
    assert all(len(re.findall(r"(?<!\\)\|", line)) == 3 for line in table)


@STEADY
@given(
    st.lists(st.lists(st.text(max_size=30), min_size=4, max_size=4), max_size=5),
    st.integers(min_value=1, max_value=100),
)
def test_any_text_at_any_width(rows: list[list[str]], width: int) -> None:
    """No text and no width breaks the rendering."""
    wild = Grid("t", "?", ("a", "b"), ("x", "y"), tuple((tuple(r[:2]), tuple(r[2:])) for r in rows))
    for shown in (text.summary([wild], Screen(width)), markdown.summary([wild])):
        assert all(line.isprintable() for line in shown.split("\n"))


def test_columns_that_agree_are_one() -> None:
    """Neighbouring columns with the same cells fold; others, and those further off, do not."""
    table = Grid("t", "q", ("x",), ("a", "b", "c", "d"), ((("1",), ("all", "all", "one", "all")),))
    assert fold_columns(table).columns == ("a or b", "c", "d")
    assert fold_columns(table).rows == ((("1",), ("all", "one", "all")),)


def test_labels_that_would_be_too_long_are_not_folded() -> None:
    """Sentences do not become one label, unless that is "any"; short values do."""
    cases = tuple((("x" * 60 + str(place),), "all" if place < 2 else "none") for place in range(4))
    table = grid(*cases, headers=("case",))
    assert len(fold(table).rows) == 4
    assert fold(grid(*cases[:2], headers=("case",))).rows == ((("any",), ("all",)),)
