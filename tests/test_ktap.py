"""KTAP: what is written follows the kernel's document, whatever the texts are."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sockmatrix.cases import Case, Status, Suite
from sockmatrix.render.ktap import ktap

if TYPE_CHECKING:
    from collections.abc import Iterator

DIRECTIVES = ("SKIP", "TODO", "XFAIL", "TIMEOUT", "ERROR")

RESULT = re.compile("(ok|not ok) ([1-9][0-9]*)( [^#]*?)?(?: # (?:([A-Z]+)(?: (.*))?)?)?")
"""`<result> <number> [<description>][ # [<directive>] [<diagnostic data>]]`; no data alone."""


@dataclass
class Test:
    """A result line, with the tests nested in it and the diagnostic lines before it."""

    __test__ = False

    ok: bool
    name: str
    directive: str = ""
    data: str = ""
    tests: list[Test] = field(default_factory=list)
    told: list[str] = field(default_factory=list)


class Lines:
    """The lines of a document, one at a time."""

    def __init__(self, text: str) -> None:
        assert text.endswith("\n")
        self.lines = text.removesuffix("\n").split("\n")

    def next_at(self, depth: int) -> str | None:
        """Return the next line if it belongs to this depth of nesting."""
        indent = "  " * depth
        if not self.lines or not self.lines[0].startswith(indent):
            return None
        return self.lines[0][len(indent) :]

    def take(self, depth: int) -> str:
        """Return the next line, which must belong to this depth of nesting."""
        line = self.next_at(depth)
        assert line is not None
        self.lines.pop(0)
        return line


def parse(text: str) -> list[Test]:
    """Read a document as strictly as the specification lets one; no unknown lines."""
    assert text.isascii() or all(line.isprintable() for line in text.split("\n"))
    lines = Lines(text)
    tests = list(_tests(lines, 0))
    assert lines.lines == []
    return tests


def _tests(lines: Lines, depth: int) -> Iterator[Test]:
    assert lines.take(depth) == "KTAP version 1"
    plan = re.fullmatch(r"1\.\.([0-9]+)", lines.take(depth))
    assert plan is not None
    for number in range(1, int(plan[1]) + 1):
        told: list[str] = []
        nested: list[Test] = []
        while (line := lines.next_at(depth)) is not None and not line.startswith(("ok ", "not ok ")):
            if line.startswith("#"):
                assert line.startswith("# ")
                told.append(lines.take(depth)[2:])
            else:
                assert not nested
                nested = list(_tests(lines, depth + 1))
        result = RESULT.fullmatch(lines.take(depth))
        assert result is not None
        assert int(result[2]) == number
        directive = result[4] or ""
        assert not directive or directive in DIRECTIVES
        test = Test(
            result[1] == "ok", (result[3] or "").strip(), directive, result[5] or "", nested, told
        )
        if nested:
            assert test.ok == all(one.ok for one in nested)
        yield test


def test_the_parser_knows_the_example() -> None:
    """It reads an example with several levels as the specification has it."""
    text = (
        "KTAP version 1\n1..2\n  KTAP version 1\n  1..2\n    KTAP version 1\n    1..2\n"
        "    not ok 1 test_1\n    ok 2 test_2\n  not ok 1 test_3\n  ok 2 test_4 # SKIP\n"
        "not ok 1 example_test_1\nok 2 example_test_2\n"
    )
    one, two = parse(text)
    assert (one.ok, two.ok) == (False, True)
    assert [(test.name, test.directive) for test in one.tests] == [("test_3", ""), ("test_4", "SKIP")]
    assert [test.name for test in one.tests[0].tests] == ["test_1", "test_2"]


SUITES = (
    Suite(
        "hearing",
        (
            Case("hearing/dest:lo4/A:lo4.none"),
            Case("hearing/dest:lo4/A:lo4.addr", "fail", "was all, is last", ("A heard\x1b nothing",)),
            Case("hearing/dest:lo4/A:lo4.port", "expected", "mended by #12"),
            Case("hearing/dest:lo6/A:lo6.none", "skip", "new"),
            Case("hearing/dest:lo6/A:lo6.addr", "error", "no fence\narrived"),
        ),
    ),
    Suite("quiet", (Case("quiet/a:b", "skip", "absent"), Case("quiet/a:c", "skip"))),
    Suite("fine", (Case("fine/a:b"), Case("fine/a:c", "expected", "allowed"))),
)


def test_document() -> None:
    """Changes are told before their result; a table fails with any of its cells."""
    assert ktap(SUITES, {"baseline": "linux 6.1\n"}).splitlines() == [
        "KTAP version 1",
        "1..3",
        r"# baseline: linux 6.1\n",
        "  KTAP version 1",
        "  1..5",
        "  ok 1 hearing/dest:lo4/A:lo4.none",
        "  # hearing/dest:lo4/A:lo4.addr: was all, is last",
        r"  # hearing/dest:lo4/A:lo4.addr: A heard\x1b nothing",
        "  not ok 2 hearing/dest:lo4/A:lo4.addr",
        r"  ok 3 hearing/dest:lo4/A:lo4.port # XFAIL mended by \#12",
        "  ok 4 hearing/dest:lo6/A:lo6.none # SKIP new",
        r"  not ok 5 hearing/dest:lo6/A:lo6.addr # ERROR no fence\narrived",
        "# hearing: of 5 cells 1 changed, 1 cannot be told",
        "not ok 1 hearing",
        "  KTAP version 1",
        "  1..2",
        "  ok 1 quiet/a:b # SKIP absent",
        "  ok 2 quiet/a:c # SKIP",
        "ok 2 quiet # SKIP",
        "  KTAP version 1",
        "  1..2",
        "  ok 1 fine/a:b",
        "  ok 2 fine/a:c # XFAIL allowed",
        "ok 3 fine",
    ]
    hearing, quiet, _ = parse(ktap(SUITES, {"baseline": "linux 6.1"}))
    assert hearing.told == ["baseline: linux 6.1", "hearing: of 5 cells 1 changed, 1 cannot be told"]
    assert hearing.tests[1].told[0] == "hearing/dest:lo4/A:lo4.addr: was all, is last"
    assert quiet.directive == "SKIP"


@pytest.mark.parametrize("text", ["x # SKIP y", "x\nok 7 y", "# SKIP", "x\r\n1..9", "\u2028not ok 1 z"])
@pytest.mark.parametrize("status", ["fail", "error", "expected"])
def test_no_text_changes_a_result(text: str, status: Status) -> None:
    """What a run file or an exception says is never taken for a directive or a line of its own."""
    (suite,) = parse(ktap([Suite("a", (Case("a/b", status, text, (text, text)),))], {"b": text}))
    (test,) = suite.tests
    assert suite.ok is test.ok is (status == "expected")
    assert test.directive == {"fail": "", "error": "ERROR", "expected": "XFAIL"}[status]
    # kunit.py takes any such line for one of a skipped test.
    for line in ktap([Suite("a", (Case("a/b", status, text),))], {"b": text}).splitlines():
        assert not re.match(r"^\s*(ok|not ok) ([0-9]+) ?(- )?(.*) # SKIP ?(.*)$", line)


CASES = st.builds(
    Case,
    name=st.text("ab1.:/+-", min_size=1, max_size=20),
    status=st.sampled_from(["pass", "fail", "error", "expected", "skip"]),
    reason=st.text(max_size=20),
    details=st.tuples(st.text(max_size=20)),
)


@settings(deadline=None, max_examples=25)
@given(st.lists(st.builds(Suite, st.just("table"), st.lists(CASES, min_size=1, max_size=4).map(tuple))))
def test_any_texts(suites: list[Suite]) -> None:
    """Whatever the texts are, a strict reader finds each case with its status."""
    tests = parse(ktap(suites, {}))
    assert [one.ok for one in tests] == [suite.passed for suite in suites]
    for test, suite in zip(tests, suites, strict=True):
        assert [one.name for one in test.tests] == [case.name for case in suite.cases]
        for one, case in zip(test.tests, suite.cases, strict=True):
            assert one.ok is (case.status not in ("fail", "error"))


def test_nothing() -> None:
    """No table at all is a plan of none."""
    assert parse(ktap([], {})) == []
