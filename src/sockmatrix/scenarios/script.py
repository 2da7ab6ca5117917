"""Script: what the roles do is written out in the table, case by case."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sockmatrix.scenarios.scenario import Scenario, Steps
from sockmatrix.script import compile_steps

if TYPE_CHECKING:
    from sockmatrix.cell import Cell


def _steps(cell: Cell) -> Steps:
    return compile_steps(cell.script, cell.lab)


SCRIPT = Scenario(
    name="script",
    version=1,
    words="The processes do, turn by turn, what the case says, and note what they are asked to.",
    axes={},
    socket_axes={},
    build=_steps,
)
