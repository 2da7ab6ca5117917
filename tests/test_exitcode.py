"""Exit codes: which one wins, and the line that says it in words."""

from __future__ import annotations

import itertools

from sockmatrix.exitcode import PRECEDENCE, ExitCode, verdict, worst


def test_precedence() -> None:
    """Ctrl-C first, then 2, 4, 1, 3, 0, in whatever order they come."""
    assert [code.value for code in PRECEDENCE] == [130, 2, 4, 1, 3, 0]
    for first, second in itertools.combinations(PRECEDENCE, 2):
        assert worst(first, second) is worst(second, first) is first


def test_nothing_to_tell() -> None:
    """Without anything to tell a command did what was expected."""
    assert worst() is ExitCode.EXPECTED


def test_the_last_line_says_which() -> None:
    """The verdict has number, meaning and the command's own words; each code has a meaning."""
    assert verdict(ExitCode.INCONCLUSIVE, "80 of 900 cells") == ("exit 3: inconclusive; 80 of 900 cells")
    assert all(verdict(code).startswith(f"exit {code.value}: ") for code in ExitCode)
