"""Programs for tests: of a cell, or of a script that no table has."""

from __future__ import annotations

import functools
import textwrap
from dataclasses import replace
from typing import TYPE_CHECKING

from laboratory import cells

from sockmatrix import table
from sockmatrix.repro import Program, resolve

if TYPE_CHECKING:
    from sockmatrix.cell import Cell
    from sockmatrix.table import Table


@functools.cache
def tables() -> dict[str, Table]:
    """Return the tables of the matrix."""
    return table.load_all()


def resolved(cell: Cell, recorded: tuple[str, str] | None = None) -> Program:
    """Return the program of a cell. Raises Inexpressible."""
    return resolve(tables()[cell.table], cell, recorded)


def program(script: str, lab: str = "plain") -> Program:
    """Return the program of a script. Raises Inexpressible, ScriptError."""
    (known,) = cells("sentinel/case:303d0403b8c2-udp-after-disconnect")
    return resolved(replace(known, script=textwrap.dedent(script).strip(), lab=lab))
