"""Programs for a bug report: what the processes of one cell do, as a program that stands alone.

    steps of a cell -> resolve.resolve -> program.Program -> python.emit, c.emit, socat.emit -> text

`Inexpressible` says which step a language cannot express.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sockmatrix.repro import c, python, socat
from sockmatrix.repro.program import Inexpressible, Program
from sockmatrix.repro.resolve import resolve

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["LANGUAGES", "Inexpressible", "Program", "resolve"]

LANGUAGES: dict[str, Callable[[Program, str], str]] = {
    "python": python.emit,
    "c": c.emit,
    "socat": socat.emit,
}
"""What each language is called, and what writes a program in it, to be kept in a file of that name.

They raise Inexpressible.
"""
