"""What a command's exit status says, and the last line of its output that says it in words."""

from __future__ import annotations

import enum

TOLERATED = 0.001
"""Share of inconclusive cells above which what was measured is inconclusive."""


class ExitCode(enum.IntEnum):
    """Small and distinct statuses; never a count."""

    EXPECTED = 0
    """Measured, and as expected."""
    CHANGED = 1
    """Behaviour changed, or a claim that was required does not hold."""
    USAGE = 2
    """Wrong usage, or input that cannot be read."""
    INCONCLUSIVE = 3
    """Measured, but too much of it tells nothing."""
    NOTHING = 4
    """Nothing was measured; that is never "nothing changed"."""
    INTERRUPTED = 130
    """Ctrl-C; what was measured until then is kept."""

    @property
    def meaning(self) -> str:
        """The status in words."""
        return _MEANINGS[self]


_MEANINGS = {
    ExitCode.EXPECTED: "measured and as expected",
    ExitCode.CHANGED: "behaviour changed",
    ExitCode.USAGE: "wrong usage or unreadable input",
    ExitCode.INCONCLUSIVE: "inconclusive",
    ExitCode.NOTHING: "nothing was measured",
    ExitCode.INTERRUPTED: "interrupted",
}

PRECEDENCE = (
    ExitCode.INTERRUPTED,
    ExitCode.USAGE,
    ExitCode.NOTHING,
    ExitCode.CHANGED,
    ExitCode.INCONCLUSIVE,
    ExitCode.EXPECTED,
)
"""The statuses, the one that wins first."""


def worst(*codes: ExitCode) -> ExitCode:
    """Return the status of a command that has several to tell; EXPECTED for none."""
    return min(codes, key=PRECEDENCE.index, default=ExitCode.EXPECTED)


def verdict(code: ExitCode, detail: str = "") -> str:
    """Return the last line of a command's output, such as "exit 3: inconclusive; 80 of 900 cells".

    `detail` says more in words of the command's own.
    """
    return f"exit {code.value}: {code.meaning}" + (f"; {detail}" if detail else "")
