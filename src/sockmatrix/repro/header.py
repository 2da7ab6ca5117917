"""What stands at the beginning of every program: the question, the steps, the recorded outcome."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from sockmatrix.render.escape import printable

if TYPE_CHECKING:
    from sockmatrix.repro.program import Program

WIDTH = 98

_WAITING = "    "


def lines(program: Program, command: str, *, more: str = "") -> list[str]:
    """Return the lines, without the marks of a comment.

    `command` runs the program; it takes `more` than every program does.
    """
    found = [program.cell, "", *wrapped(program.question), ""]
    found += [part for line in program.script for part in wrapped(line, _WAITING)]
    found.append("")
    if program.recorded:
        platform, headline = program.recorded
        found += textwrap.wrap(
            f"Recorded by sockmatrix on {printable(platform)}: {printable(headline)}", WIDTH
        )
    found += textwrap.wrap(f"Run it with: {command}. {_needs(program, more)}", WIDTH)
    return found


def wrapped(text: str, indent: str = "") -> list[str]:
    """Return lines of a text; names with hyphens stay whole, what is indented goes on further in."""
    return textwrap.wrap(
        text,
        WIDTH,
        initial_indent=indent,
        subsequent_indent=indent * 2,
        break_on_hyphens=False,
        break_long_words=False,
    )


def _needs(program: Program, more: str) -> str:
    if not program.link and not program.users and not more:
        return (
            "It sends to the loopback addresses of this machine only; on Linux in a network namespace"
            " of its own."
        )
    who = "as root, because its processes are different users'" if program.users else "as any user"
    tools = f"{more}, unshare(1) and ip(8)" if more else "unshare(1) and ip(8)"
    return (
        f"It takes Linux, {who}, with {tools}: it makes a network namespace of its own, and nothing"
        " leaves that."
    )
