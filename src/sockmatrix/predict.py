"""Hold the reference model against a run: how many cells it predicts, and which it does not.

What is predicted wrongly is the list of the unexplained. Where a run of a recent Linux disagrees with a
model that is made from its source, one of the two holds a surprise.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, final

from sockmatrix.models import Unpredicted, compare
from sockmatrix.models.linux import predict
from sockmatrix.progress import progress

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sockmatrix.cell import Cell
    from sockmatrix.runfile import Run
    from sockmatrix.scenarios import Scenario

STACK = "linux"
"""The network stack that there is a model of."""

_SILENT = ("skipped", "inconclusive")
_RELEASE = re.compile(r"(\d+)\.(\d+)(?:\.(\d+))?")


@final
@dataclass(frozen=True, slots=True)
class Unexplained:
    """A cell that turned out otherwise than the model says, facet by facet in words."""

    cell: Cell
    problems: tuple[str, ...]


@final
@dataclass(frozen=True, slots=True)
class Agreement:
    """How a table of a run agrees with the model. `silent` cells told nothing that could."""

    table: str
    cells: int
    silent: int
    unexplained: tuple[Unexplained, ...]

    @property
    def predicted(self) -> int:
        """How many cells are as the model says, in every facet."""
        return self.cells - self.silent - len(self.unexplained)


def version_of(release: str) -> tuple[int, int, int]:
    """Return the version in a kernel release. Raises ValueError.

    >>> version_of("6.18.44-generic")
    (6, 18, 44)
    """
    found = _RELEASE.match(release)
    if found is None:
        raise ValueError(f'"{release}" does not begin with a kernel version')
    return int(found[1]), int(found[2]), int(found[3] or 0)


def user_of(run: Run) -> str:
    """Return who measured, as the model knows it."""
    if run.header.platform.privileges == "root":
        return "root"
    return "owner" if run.header.lab.kind == "private" else "user"


def agreements(run: Run, cells: Iterable[Cell], scenarios: Mapping[str, Scenario]) -> list[Agreement]:
    """Return for each table how the measured ones of `cells` agree with the model. Raises ValueError.

    `scenarios` by the name of the table.
    """
    version = version_of(run.header.platform.version)
    user = user_of(run)
    measured = [cell for cell in cells if cell.id in run.cells]
    wrong: dict[str, list[Unexplained]] = {}
    counts: dict[str, int] = {}
    silent: dict[str, int] = {}
    with progress("predicting", len(measured)) as advance:
        for cell in measured:
            advance(1)
            counts[cell.table] = counts.get(cell.table, 0) + 1
            outcome = run.cells[cell.id]
            if outcome.word in _SILENT:
                silent[cell.table] = silent.get(cell.table, 0) + 1
                continue
            try:
                steps = scenarios[cell.table].steps(cell)
                said = predict(cell, steps, lab=cell.lab, version=version, user=user)
                problems = compare(said, outcome)
            except Unpredicted as unknown:
                problems = [f"not predicted: {unknown}"]
            if problems:
                wrong.setdefault(cell.table, []).append(Unexplained(cell, tuple(problems)))
    return [
        Agreement(table, count, silent.get(table, 0), tuple(wrong.get(table, ())))
        for table, count in counts.items()
    ]
