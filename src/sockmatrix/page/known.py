"""What the platforms of a page know of its cells: each distinct outcome once, columns as numbers."""

from __future__ import annotations

import itertools
import operator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final

import msgspec

from sockmatrix import rows
from sockmatrix.outcome import Outcome
from sockmatrix.page.compact import Numbered
from sockmatrix.render.escape import printable
from sockmatrix.render.legend import style
from sockmatrix.runformat import CellLine
from sockmatrix.runlines import Cells, Like
from sockmatrix.script.compiler import labels
from sockmatrix.wording import headline, sentence

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sockmatrix.cell import Cell
    from sockmatrix.columns import Column

NOTHING = -1
"""The number of what a platform has nothing of."""

_SILENT = frozenset({"skipped", "inconclusive"})
"""Words of what was not measured, whatever the reason: they are compared with nothing."""

_LONGEST = 2000


@final
@dataclass(frozen=True, slots=True)
class Told:
    """A distinct outcome in words: as in a table, its one word, its colour, a sentence, its facets."""

    headline: str
    word: str
    look: str
    sentence: str
    facets: dict[str, Any]

    @property
    def silent(self) -> bool:
        """Whether it says nothing of the platform."""
        return self.word in _SILENT


@final
@dataclass(frozen=True, slots=True)
class KnownColumns:
    """Columns by number. `numbers` has a list for each column, with a number for each cell."""

    columns: tuple[Column, ...]
    numbers: tuple[list[int], ...]
    outcomes: tuple[Told, ...]
    samples: tuple[Outcome, ...]
    """An outcome as it was read, for each number."""
    silent: frozenset[int]
    """The numbers of outcomes that say nothing, that of nothing included."""
    differing: frozenset[int]
    """The cells in which platforms that measured them do not agree."""

    def packed(self) -> list[list[int]]:
        """Return each column as what it has other than the nearest before it.

        That is: the number of that column (-1 for none), then for each cell that differs the distance
        from the one before, and its number.
        """
        found = []
        for at, own in enumerate(self.numbers):
            nearest, distance = NOTHING, len(own) + 1
            for earlier in range(at):
                apart = sum(map(operator.ne, own, self.numbers[earlier]))
                if apart < distance:
                    nearest, distance = earlier, apart
            found.append([nearest, *_unlike(own, None if nearest < 0 else self.numbers[nearest])])
        return found


def _unlike(own: Sequence[int], base: Sequence[int] | None) -> Iterable[int]:
    last = 0
    for place, number in enumerate(own):
        if number != (NOTHING if base is None else base[place]):
            yield place - last
            yield number
            last = place


def known(cells: Sequence[Cell], columns: Sequence[Column]) -> KnownColumns:
    """Return what measured columns know of some cells, by number.

    An outcome that agrees with that of an earlier column has its number. What was measured under another
    meaning of the id is not known.
    """
    numbered = _Outcomes()
    ids = [cell.id for cell in cells]
    first: list[tuple[int, int] | None] = [None] * len(cells)
    more: dict[int, dict[int, int]] = {}
    numbers: list[list[int]] = []
    last: Sequence[object] = [None] * len(cells)
    own = [NOTHING] * len(cells)
    for column in columns:
        own = own.copy()
        get = (column.cells.kept if isinstance(column.cells, Cells) else column.cells).get
        lines: list[object] = list(map(get, ids))
        # Nearly always they are the same as on the platform before.
        other = map(operator.is_not, lines, last)
        for place in itertools.compress(range(len(cells)), other):
            own[place] = NOTHING
            line, cell = lines[place], cells[place]
            if isinstance(line, Like):
                version, line = line
            elif isinstance(line, CellLine):
                version = line.v
            else:
                continue
            if version != cell.version:
                continue
            facets = numbered.facets(line)
            seen = first[place]
            if seen is None:
                own[place] = number = numbered(cell, line)
                first[place] = facets, number
            elif seen[0] == facets:
                own[place] = seen[1]
            else:
                others = more.setdefault(place, {})
                if facets not in others:
                    others[facets] = numbered(cell, line)
                own[place] = others[facets]
        numbers.append(own)
        last = lines
    told, samples = numbered.told()
    silent = frozenset([NOTHING, *(at for at, one in enumerate(told) if one.silent)])
    differing = frozenset(
        place
        for place in more  # where all agree with the first there is nothing to look at
        if len({own[place] for own in numbers} - silent) > 1
    )
    return KnownColumns(tuple(columns), tuple(numbers), told, samples, silent, differing)


_encode = msgspec.json.Encoder(order="deterministic").encode
_fields = Outcome.__struct_fields__
_values = operator.attrgetter(*_fields)


def _plain(line: Outcome) -> Outcome:
    return Outcome(**dict(zip(_fields, _values(line), strict=True)))


class _Outcomes:
    """Distinct outcomes; those of a script also by the order of its labels.

    Cells of which the same is said share a line (see runlines.py): each is looked at once.
    """

    def __init__(self) -> None:
        self._facets, self._by_facets = dict[int, int](), Numbered()
        self._seen = dict[tuple[int, tuple[str, ...] | None], int]()
        self._numbers = Numbered()
        self._known: dict[int, tuple[Outcome, tuple[str, ...] | None]] = {}
        self._orders: dict[str, tuple[str, ...]] = {}

    def facets(self, line: Outcome) -> int:
        """Return a number that outcomes that agree have in common."""
        key = id(line)
        number = self._facets.get(key)
        if number is None:
            number = self._facets[key] = self._by_facets(line.facets())
        return number

    def __call__(self, cell: Cell, line: Outcome) -> int:
        """Return the number of an outcome."""
        order = self._order(cell, line) if cell.script else None
        key = id(line), order
        if key in self._seen:
            return self._seen[key]
        number: int = self._numbers((_encode(_plain(line)), order))
        self._seen[key] = number
        if number not in self._known:
            self._known[number] = _plain(line), order
        return number

    def _order(self, cell: Cell, line: Outcome) -> tuple[str, ...]:
        told = {*line.delivery, *line.send, *line.connect, *line.notes}
        if len(told) < 2:
            return tuple(told)
        if cell.script not in self._orders:
            self._orders[cell.script] = tuple(labels(cell.script))
        return tuple(label for label in self._orders[cell.script] if label in told)

    def told(self) -> tuple[tuple[Told, ...], tuple[Outcome, ...]]:
        """Return the outcomes in words, and as they are, by number."""
        found, samples = [], []
        for line, order in self._known.values():
            text = printable(headline(line, order), _LONGEST)
            words = printable(sentence(line), 2 * _LONGEST)
            found.append(Told(text, line.word, style(text), words, rows.facets(line) or {}))
            samples.append(line)
        return tuple(found), tuple(samples)
