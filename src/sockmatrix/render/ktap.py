r"""KTAP version 1: a test for each table, and nested in it one for each cell.

By the kernel's Documentation/dev-tools/ktap.rst: a version line, a plan, results, diagnostic lines;
what is nested is indented by two spaces. What changed is told in diagnostic lines before its result.
Parsers look for directives behind any `#`, and texts come from run files: a `#` in one is written
`\#`, as in TAP 14.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sockmatrix.render.escape import printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sockmatrix.cases import Case, Suite

VERSION = "KTAP version 1"

_DIRECTIVES = {"expected": "XFAIL", "skip": "SKIP", "error": "ERROR"}
_INDENT = "  "
_LONGEST = 8000  # characters of a text: as long as an id may be


def ktap(suites: Sequence[Suite], facts: Mapping[str, str]) -> str:
    """Return the whole. `facts` become diagnostic lines below the plan."""
    lines = [VERSION, f"1..{len(suites)}"]
    lines += [f"# {_text(name)}: {_text(value)}" for name, value in facts.items()]
    for number, suite in enumerate(suites, 1):
        lines += [_INDENT + line for line in _nested(suite)]
        counts = suite.counts
        if suite.passed:
            skipped = " # SKIP" if suite.cases and counts["skip"] == len(suite.cases) else ""
            lines.append(f"ok {number} {_text(suite.name)}{skipped}")
        else:
            told = ((counts["fail"], "changed"), (counts["error"], "cannot be told"))
            words = ", ".join(f"{count} {word}" for count, word in told if count)
            lines.append(f"# {_text(suite.name)}: of {len(suite.cases)} cells {words}")
            lines.append(f"not ok {number} {_text(suite.name)}")
    return "\n".join(lines) + "\n"


def _nested(suite: Suite) -> Iterator[str]:
    yield VERSION
    yield f"1..{len(suite.cases)}"
    for number, case in enumerate(suite.cases, 1):
        yield from _result(number, case)


def _result(number: int, case: Case) -> Iterator[str]:
    name, reason = _text(case.name), _text(case.reason)
    details = [_text(line) for line in case.details]
    if case.status == "fail":
        details.insert(0, reason)
    for line in details:
        yield f"# {name}: {line}"
    result = "ok" if case.status in ("pass", "expected", "skip") else "not ok"
    directive = _DIRECTIVES.get(case.status)
    yield f"{result} {number} {name}" + (f" # {directive} {reason}".rstrip() if directive else "")


def _text(text: str) -> str:
    return printable(text, _LONGEST).replace("#", "\\#")
