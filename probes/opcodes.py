"""The operations of a program: plain numbers, because a role performs thousands of them in one loop."""

from __future__ import annotations

from typing import Any, Tuple

SOCKET, SET, BIND, LISTEN, JOIN, ACT = range(6)
"""The first five are what nearly every cell does; ACT is any other (acts.py), or one labelled."""

CALLS = ("socket", "set", "bind", "listen", "join")
"""What a failure calls them, but for ACT, which says it itself."""

BEFORE_BOUND = ("socket", "set", "bind")
"""Calls whose failure leaves no socket that could hear."""


def call(operation: Tuple[Any, ...]) -> str:
    """Return the call as a failure names it, with the option of a `set`."""
    if operation[0] == SET:
        return "set " + str(operation[4])
    return str(operation[2]) if operation[0] == ACT else CALLS[operation[0]]
