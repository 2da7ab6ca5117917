"""JUnit XML: what is in it, that it adds up, and that no text breaks it."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from hypothesis import given, settings
from hypothesis import strategies as st

from sockmatrix.cases import Case, Suite
from sockmatrix.render.junit import junit

SUITES = (
    Suite(
        "hearing",
        (
            Case("hearing/a:b"),
            Case("hearing/a:c", "fail", 'was "all" & is <last>', ("one", "two\x00\ufffe")),
            Case("hearing/a:d", "expected", "allowed until 2026-12-31: mended"),
            Case("hearing/a:e", "skip", "new"),
            Case("hearing/a:f", "error", "no fence arrived"),
        ),
    ),
    Suite("fine", (Case("fine/a:b"),)),
)


def read(document: bytes) -> ET.Element:
    """Return the root of a document."""
    return ET.fromstring(document)  # noqa: S314 - it is our own


def test_document() -> None:
    """A testsuite for each table, a testcase for each cell, what happened in it, and the sums."""
    text = junit(SUITES, {"baseline": "linux 6.1"}, 12.34).decode()
    assert text.splitlines() == [
        '<?xml version="1.0" encoding="UTF-8"?>',
        '<testsuites name="sockmatrix" tests="6" failures="1" errors="1" skipped="2" time="12.3">',
        '  <testsuite name="hearing" tests="5" failures="1" errors="1" skipped="2">',
        "    <properties>",
        '      <property name="baseline" value="linux 6.1" />',
        "    </properties>",
        '    <testcase name="hearing/a:b" classname="sockmatrix.hearing" />',
        '    <testcase name="hearing/a:c" classname="sockmatrix.hearing">',
        '      <failure message="was &quot;all&quot; &amp; is &lt;last&gt;" type="changed">one',
        r"two\x00\ufffe</failure>",
        "    </testcase>",
        '    <testcase name="hearing/a:d" classname="sockmatrix.hearing">',
        '      <skipped message="allowed until 2026-12-31: mended" />',
        "    </testcase>",
        '    <testcase name="hearing/a:e" classname="sockmatrix.hearing">',
        '      <skipped message="new" />',
        "    </testcase>",
        '    <testcase name="hearing/a:f" classname="sockmatrix.hearing">',
        '      <error message="no fence arrived" type="inconclusive" />',
        "    </testcase>",
        "  </testsuite>",
        '  <testsuite name="fine" tests="1" failures="0" errors="0" skipped="0">',
        "    <properties>",
        '      <property name="baseline" value="linux 6.1" />',
        "    </properties>",
        '    <testcase name="fine/a:b" classname="sockmatrix.fine" />',
        "  </testsuite>",
        "</testsuites>",
    ]


CASES = st.builds(
    Case,
    name=st.text(max_size=20),
    status=st.sampled_from(["pass", "fail", "error", "expected", "skip"]),
    reason=st.text(max_size=20),
    details=st.lists(st.text(max_size=20), max_size=2).map(tuple),
)


@settings(deadline=None, max_examples=25)
@given(st.lists(st.builds(Suite, st.text(), st.lists(CASES, max_size=4).map(tuple))), st.text())
def test_any_texts(suites: list[Suite], fact: str) -> None:
    """Whatever the texts are, it is XML 1.0, has a case for each, and the sums are right."""
    root = read(junit(suites, {"fact": fact}))
    assert len(root.findall("testsuite/testcase")) == int(root.get("tests", ""))
    for name, count in (("failure", "failures"), ("error", "errors"), ("skipped", "skipped")):
        assert len(root.findall(f"testsuite/testcase/{name}")) == int(root.get(count, ""))
        for part in root.findall("testsuite"):
            assert len(part.findall(f"testcase/{name}")) == int(part.get(count, ""))
    assert all((element.get("message") or "").isprintable() for element in root.iter())


def test_nothing() -> None:
    """No table at all is a document too."""
    root = read(junit([], {}))
    assert (root.tag, root.get("tests"), list(root)) == ("testsuites", "0", [])
