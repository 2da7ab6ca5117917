"""JUnit XML, as CI systems read it: a testsuite for each table, a testcase for each cell.

There is no standard; this is the common core of what Jenkins, GitLab and the actions of GitHub take
(github.com/testmoapp/junitxml lists who reads what): counts on `testsuites` and `testsuite`, then a
`failure`, `error` or `skipped` in a case. A change that was expected is `skipped` with its reason.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from sockmatrix.render.escape import printable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sockmatrix.cases import Case, Suite

_LONGEST = 8000  # characters of a text: as long as an id may be
_ELEMENTS = {"fail": "failure", "error": "error", "expected": "skipped", "skip": "skipped"}
_TYPES = {"fail": "changed", "error": "inconclusive"}


def junit(suites: Sequence[Suite], facts: Mapping[str, str], seconds: float | None = None) -> bytes:
    """Return the document, in UTF-8. `facts` become properties of each suite.

    Characters that XML 1.0 does not have (section 2.2) are written as escapes, like all that cannot
    be seen.
    """
    root = ET.Element("testsuites", {"name": "sockmatrix", **_counts(suites)})
    if seconds is not None:
        root.set("time", f"{seconds:.1f}")
    for suite in suites:
        part = ET.SubElement(root, "testsuite", {"name": _text(suite.name), **_counts([suite])})
        properties = ET.SubElement(part, "properties")
        for name, value in facts.items():
            ET.SubElement(properties, "property", name=_text(name), value=_text(value))
        for case in suite.cases:
            _case(part, suite, case)
    ET.indent(root)
    text = ET.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'.encode()


def _counts(suites: Sequence[Suite]) -> dict[str, str]:
    tests = sum(len(suite.cases) for suite in suites)
    failures, errors, expected, skipped = (
        sum(suite.counts[status] for suite in suites) for status in ("fail", "error", "expected", "skip")
    )
    return {
        "tests": str(tests),
        "failures": str(failures),
        "errors": str(errors),
        "skipped": str(expected + skipped),
    }


def _case(part: ET.Element, suite: Suite, case: Case) -> None:
    own = ET.SubElement(
        part, "testcase", name=_text(case.name), classname=f"sockmatrix.{_text(suite.name)}"
    )
    if case.status == "pass":
        return
    told = ET.SubElement(own, _ELEMENTS[case.status], message=_text(case.reason))
    if case.status in _TYPES:
        told.set("type", _TYPES[case.status])
    if case.details:
        told.text = "\n".join(_text(line) for line in case.details)


def _text(text: str) -> str:
    return printable(text, _LONGEST)
