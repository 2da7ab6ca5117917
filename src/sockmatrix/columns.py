"""The columns of the matrix across platforms: what is known of the cells of one platform each."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias, final

from sockmatrix.outcome import Outcome
from sockmatrix.runformat import CellLine
from sockmatrix.runlines import Cells
from sockmatrix.wording import cell_headline

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Mapping, Sequence

    from sockmatrix.cell import Cell
    from sockmatrix.runfile import Run

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


@final
@dataclass(frozen=True, slots=True)
class Mark:
    """Something that is noted of a cell, for whoever makes the table: nothing is known by it."""

    text: str


Known: TypeAlias = "Outcome | Said | Mark"
"""What a column knows of a cell: the outcome that was measured, or what documents say; or a mark."""

NOT_MEASURED = "not measured"
"""The word for a cell of which a column knows nothing."""


SILENT = frozenset({"skipped", "inconclusive"})
"""Words of what was not measured, for a reason that the run file gives."""


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

    @property
    def kept(self) -> Mapping[str, Known]:
        """What is known of its cells but for ids and versions: the same thing of many (`Cells.kept`)."""
        return self.cells.kept if isinstance(self.cells, Cells) else self.cells

    @property
    def versions(self) -> Mapping[str, int]:
        """The version of each cell that was measured."""
        if isinstance(self.cells, Cells):
            return self.cells.versions
        return {name: one.v for name, one in self.cells.items() if isinstance(one, CellLine)}


def measured(runs: Mapping[str, Run]) -> tuple[Column, ...]:
    """Return the columns of runs, by the names of their platforms."""
    return tuple(Column(name, run.cells, run=run) for name, run in runs.items())


def text_of(cell: Cell, known: Known | None) -> str:
    """Return the text for a cell in a table: see `wording.headline`."""
    return known.text if isinstance(known, Said | Mark) else cell_headline(cell, known)


def word_of(known: Known | None) -> str:
    """Return the one word for what is known of a cell; words of documents stand for themselves."""
    if known is None:
        return NOT_MEASURED
    if isinstance(known, Mark):
        return known.text
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
    measured for a reason, `SILENT`, parts from nothing, nor does a part of it (`Outcome.agrees`).
    """
    lines = [column.kept for column in columns]
    pairs = _Pairs()
    return [cell for cell in cells if pairs.part([line.get(cell.id) for line in lines])]


class _Pairs:
    """Tells whether several things that are known of a cell agree with each other.

    Cells of which run files say the same share a line (`runlines.py`), and lines that differ in amounts
    alone are numbered alike: few of the many pairs are looked at.
    """

    def __init__(self) -> None:
        self._numbers: dict[int, int] = {}
        self._alike: dict[Hashable, int] = {}
        self._samples: list[Known] = []
        self._known: dict[tuple[int, int], bool] = {}

    def part(self, known: Sequence[Known | None]) -> bool:
        """Tell whether not all of them agree. They must outlive this object."""
        distinct = {id(one): one for one in known}
        if len(distinct) == 1:  # as nearly always
            return known[0] is None
        if any(one is None for one in known):
            return True
        numbers = sorted({self._number(key, one) for key, one in distinct.items() if one is not None})
        return not all(itertools.starmap(self._agree, itertools.combinations(numbers, 2)))

    def _number(self, key: int, known: Known) -> int:
        number = self._numbers.get(key)
        if number is None:
            number = self._numbers[key] = self._alike.setdefault(_of(known), len(self._samples))
            if number == len(self._samples):
                self._samples.append(known)
        return number

    def _agree(self, one: int, other: int) -> bool:
        key = one, other
        if key not in self._known:
            self._known[key] = _agree(self._samples[one], self._samples[other])
        return self._known[key]


def _of(known: Known) -> Hashable:
    """Return all that `_agree` looks at."""
    if isinstance(known, Outcome):
        return known.word, known.facets(), known.left_out, known.n == 1, known.varies
    return known


def _agree(one: Known | None, other: Known | None) -> bool:
    if isinstance(one, Outcome) and isinstance(other, Outcome):
        return one.word in SILENT or other.word in SILENT or one.agrees(other)
    return one == other
