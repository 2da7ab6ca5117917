"""The columns of the matrix across platforms: what is known of the cells of one platform each."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias, final

from sockmatrix.outcome import Outcome
from sockmatrix.wording import cell_headline

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sockmatrix.cell import Cell
    from sockmatrix.runfile import Run

Kind: TypeAlias = Literal["measured", "documented", "predicted"]

Known: TypeAlias = "Outcome | str"
"""What a column knows of a cell: the outcome that was measured, or words of a document."""

NOT_MEASURED = "not measured"
"""The word for a cell of which a column knows nothing."""


@final
@dataclass(frozen=True, slots=True)
class Column:
    """A platform: its name, what is known of its cells by id, and how that is known.

    `run`: where it was measured, None for what was not.
    """

    name: str
    cells: Mapping[str, Known] = field(repr=False)
    kind: Kind = "measured"
    run: Run | None = None

    @property
    def heading(self) -> str:
        """The name, and how it is known unless it was measured; to be made printable."""
        return self.name if self.kind == "measured" else f"{self.name} ({self.kind})"


def measured(runs: Mapping[str, Run]) -> tuple[Column, ...]:
    """Return the columns of runs, by the names of their platforms."""
    return tuple(Column(name, run.cells, run=run) for name, run in runs.items())


def text_of(cell: Cell, known: Known | None) -> str:
    """Return the text for a cell in a table: see `wording.headline`."""
    return known if isinstance(known, str) else cell_headline(cell, known)


def word_of(known: Known | None) -> str:
    """Return the one word for what is known of a cell; words of a document stand for themselves."""
    if known is None:
        return NOT_MEASURED
    return known if isinstance(known, str) else known.word


def present(cells: Iterable[Cell], columns: Sequence[Column]) -> list[Cell]:
    """Return the cells of which a column knows anything, in their order."""
    return [cell for cell in cells if any(cell.id in column.cells for column in columns)]


def parts(cell: Cell, columns: Sequence[Column]) -> bool:
    """Tell whether the columns do not all know the same of a cell, in every facet.

    What one knows and another does not is not the same; what no one knows, neither.
    """
    first, *others = (column.cells.get(cell.id) for column in columns)
    return any(not _agree(first, other) for other in others)


def _agree(one: Known | None, other: Known | None) -> bool:
    if isinstance(one, Outcome) and isinstance(other, Outcome):
        return one.agrees(other)
    return one is not None and one == other
