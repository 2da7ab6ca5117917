"""A block of measured cells held against the baseline, as `sockmatrix check` does it with a whole run."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, final

from sockmatrix import allow, changes, checking
from sockmatrix.cases import Case, suites
from sockmatrix.runfile import Run
from sockmatrix.selection import Selection

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sockmatrix.allow import Allowed
    from sockmatrix.cell import Cell
    from sockmatrix.changes import KnownChange
    from sockmatrix.plan import Plan
    from sockmatrix.runformat import CellLine, Header


@final
@dataclass(frozen=True, slots=True)
class Judge:
    """The baseline, the tables, exceptions and known changes; `header` is that of this run."""

    baseline: Run
    plans: tuple[Plan, ...]
    header: Header
    exceptions: tuple[Allowed, ...] = ()
    known: tuple[KnownChange, ...] = field(default=(), repr=False)

    @classmethod
    def load(
        cls, baseline: Path, plans: tuple[Plan, ...], header: Header, exceptions: Sequence[str]
    ) -> Judge:
        """Read what is needed. Raises RunFileError, TableError."""
        allowed = tuple(one for file in exceptions for one in allow.load(Path(file)))
        return cls(Run.read(baseline), plans, header, allowed, tuple(changes.load()))

    def __call__(self, cells: Sequence[Cell], lines: Mapping[str, CellLine]) -> dict[str, Case]:
        """Return the case of each cell that was measured."""
        before = {name: found for name in lines if (found := self.baseline.cells.get(name)) is not None}
        own = {cell.table for cell in cells}
        checked = checking.check(
            Run(self.baseline.path, self.baseline.header, before, self.baseline.footer),
            Run(Path("now"), self.header, lines),
            Selection(tuple(plan for plan in self.plans if plan.table.name in own), tuple(cells)),
            exceptions=self.exceptions,
            known=self.known,
        )
        return {case.name: case for suite in suites(checked, doubtful=False) for case in suite.cases}
