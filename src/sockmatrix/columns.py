"""The columns of the matrix across platforms: what is known of the cells of one platform each."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias, final

from sockmatrix.outcome import Outcome
from sockmatrix.runlines import Cells, Like
from sockmatrix.wording import cell_headline

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sockmatrix.cell import Cell
    from sockmatrix.runfile import Run
    from sockmatrix.runlines import Kept

Kind: TypeAlias = Literal["measured", "documented", "predicted"]


@final
@dataclass(frozen=True, slots=True)
class Said:
    """What documents say of a cell, in words; the claims by id; words of those that say otherwise."""

    words: str
    claims: tuple[str, ...] = ()
    against: tuple[str, ...] = ()

    @property
    def plain(self) -> str:
        """The words, and those of documents that contradict them."""
        return " against ".join((self.words, *self.against))

    @property
    def text(self) -> str:
        """The same for a table: in quotes, so that nobody takes it for what was measured."""
        return " against ".join(f'"{words}"' for words in (self.words, *self.against))


Known: TypeAlias = "Outcome | Said"
"""What a column knows of a cell: the outcome that was measured, or what documents say."""

NOT_MEASURED = "not measured"
"""The word for a cell of which a column knows nothing."""


SILENT = frozenset({"skipped", "inconclusive"})
"""Words of what was not measured, for a reason that the run file gives."""

_NOTHING = -1


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
    return known.text if isinstance(known, Said) else cell_headline(cell, known)


def word_of(known: Known | None) -> str:
    """Return the one word for what is known of a cell; words of documents stand for themselves."""
    if known is None:
        return NOT_MEASURED
    return known.plain if isinstance(known, Said) else known.word


def present(cells: Iterable[Cell], columns: Sequence[Column]) -> list[Cell]:
    """Return the cells of which a column knows anything, in their order."""
    return [cell for cell in cells if any(cell.id in column.cells for column in columns)]


def parts(cell: Cell, columns: Sequence[Column]) -> bool:
    """Tell whether the columns part in a cell: see `parted`."""
    return bool(parted((cell,), columns))


def parted(cells: Iterable[Cell], columns: Sequence[Column]) -> list[Cell]:
    """Return those of some cells of which the columns do not all know the same, in every facet.

    What one knows and another does not is not the same; what no one knows, neither. But what was not
    measured for a reason, `SILENT`, parts from nothing.
    """
    lines = [column.cells.kept if isinstance(column.cells, Cells) else column.cells for column in columns]
    number = _Numbers()
    return [cell for cell in cells if number.part([line.get(cell.id) for line in lines])]


class _Numbers:
    """Numbers for what is known, the same for what agrees.

    Cells of which run files say the same share a line (`runlines.py`): it is looked at once.
    """

    def __init__(self) -> None:
        self._by_line: dict[int, int] = {}
        self._by_facets: dict[object, int] = {}

    def part(self, known: Sequence[Known | Kept | None]) -> bool:
        """Tell whether they are not all the same."""
        distinct = {id(one): one for one in known}
        if len(distinct) == 1 and known[0] is not None:  # as nearly always
            return False
        told = {self._number(one) for one in distinct.values() if one is not None} - {_NOTHING}
        return len(told) > 1 or any(one is None for one in known)

    def _number(self, one: Known | Kept) -> int:
        line = one.line if isinstance(one, Like) else one
        number = self._by_line.get(id(line))
        if number is None:
            facets = line.facets() if isinstance(line, Outcome) else line
            silent = isinstance(line, Outcome) and line.word in SILENT
            number = _NOTHING if silent else self._by_facets.setdefault(facets, len(self._by_facets))
            self._by_line[id(line)] = number
        return number
