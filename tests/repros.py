"""Programs for tests: of a cell, or of a script that no table has."""

from __future__ import annotations

import functools
import random
import textwrap
from dataclasses import replace
from typing import TYPE_CHECKING

from sockmatrix import table
from sockmatrix.repro import Program, resolve

if TYPE_CHECKING:
    from sockmatrix.cell import Cell
    from sockmatrix.table import Table

SEED = 7


@functools.cache
def tables() -> dict[str, Table]:
    """Return the tables of the matrix."""
    return table.load_all()


def cell(text: str) -> Cell:
    """Return the cell with an id."""
    return tables()[text.partition("/")[0]].cell(text)


def drawn(count: int) -> list[Cell]:
    """Return the first cells of so many cases, drawn at random but always the same."""
    cases = [case for one in tables().values() for case in one.cases]
    return [case.cells()[0] for case in random.Random(SEED).sample(cases, count)]


def resolved(which: Cell, recorded: tuple[str, str] | None = None) -> Program:
    """Return the program of a cell. Raises Inexpressible."""
    return resolve(tables()[which.table], which, recorded)


def program(script: str, lab: str = "plain") -> Program:
    """Return the program of a script. Raises Inexpressible, ScriptError."""
    known = cell("sentinel/case:303d0403b8c2-udp-after-disconnect")
    return resolved(replace(known, script=textwrap.dedent(script).strip(), lab=lab))
