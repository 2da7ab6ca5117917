"""The case of a cell as pytest's reports."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

# Part of no public interface, but what pytest itself and pytest-xdist make of a failure: only this has a
# message for the short summary and for JUnit XML.
from _pytest._code.code import ReprExceptionInfo, ReprFileLocation, ReprTracebackNative

from sockmatrix.render.escape import printable
from sockmatrix.suite.hooks import NAME

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Literal

    from sockmatrix.cases import Case
    from sockmatrix.suite.cells import CellItem

_LONGEST = 8000  # characters of a text


def report(
    item: CellItem, case: Case, seconds: float, stop: float, more: Mapping[str, Any]
) -> pytest.TestReport:
    """Return what pytest is told of a cell; `more` travels with it to whoever writes the run file."""
    outcome: Literal["passed", "failed", "skipped"] = "passed"
    longrepr: Any = None
    extra: dict[str, Any] = {"sockmatrix": dict(more)} if more else {}
    place = ""
    if case.status in ("fail", "error"):
        outcome, place = "failed", case.name
        longrepr = _failure(case)
    elif case.status == "expected":
        outcome = "skipped"
        extra["wasxfail"] = _text(case.reason)
        longrepr = _text(case.reason)
    elif case.status == "skip":
        outcome = "skipped"
        longrepr = (NAME, None, f"Skipped: {_text(case.reason)}")
    # The third part is the heading of a failure; pytest reads dots at the end of an id as it likes.
    location = (NAME, None, f"{place}: {_WORDS[case.status]}" if place else "")
    keywords: dict[str, Literal[1]] = {item.name: 1}
    return pytest.TestReport(
        item.nodeid,
        location,
        keywords,
        outcome,
        longrepr,
        "call",
        duration=seconds,
        start=stop - seconds,
        stop=stop,
        **extra,
    )


def teardown(call: pytest.TestReport) -> pytest.TestReport:
    """Return the report that nothing was left behind, for plugins that wait for it."""
    return pytest.TestReport(
        call.nodeid,
        call.location,
        call.keywords,
        "passed",
        None,
        "teardown",
        start=call.stop,
        stop=call.stop,
    )


_WORDS = {"fail": "changed", "error": "cannot be told"}


def _failure(case: Case) -> ReprExceptionInfo:
    message = f"{_WORDS[case.status]}: {_text(case.reason)}"
    lines = [message, *(_text(line) for line in case.details)]
    if case.details:
        lines.append(f"why: sockmatrix explain {_text(case.name)}")
    return ReprExceptionInfo(
        reprtraceback=ReprTracebackNative([f"{line}\n" for line in lines]),
        reprcrash=ReprFileLocation(path=NAME, lineno=0, message=message),
    )


def _text(text: str) -> str:
    return printable(text, _LONGEST)
