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
from sockmatrix.script.compiler import labels
from sockmatrix.wording import headline, sentence

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from sockmatrix.cell import Cell
    from sockmatrix.columns import Column, Known

NOTHING = -1
"""The number of what a platform has nothing of."""

_SILENT = frozenset({"skipped", "inconclusive"})
"""Words of what was not measured, whatever the reason: they are compared with nothing."""

_LONGEST = 2000

_SAMPLED = 16
"""One cell in so many tells which columns are near to each other."""


@final
@dataclass(frozen=True, slots=True)
class Told:
    """A distinct outcome in words: as in a table, its one word, its colour."""

    headline: str
    word: str
    look: str

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
    agreeing: frozenset[tuple[int, int]]
    """Numbers of outcomes that agree and are not the same, the lower first: see `agrees`."""
    differing: frozenset[int]
    """The cells in which platforms that measured them do not agree."""

    def agrees(self, one: int, other: int) -> bool:
        """Tell whether two outcomes agree, as `diff` has it; with what says nothing anything does.

        That is no equality: what one run left out agrees with what others that differ have there.
        """
        if one == other or one in self.silent or other in self.silent:
            return True
        return ((one, other) if one < other else (other, one)) in self.agreeing

    def undecided(self, number: int) -> bool:
        """Tell whether nothing follows from an outcome for a comparison."""
        return number in self.silent or bool(self.samples[number].variants)

    def evidence(self) -> dict[str, Any]:
        """Return the facets of each outcome, and a sentence that says them."""
        return {
            "facets": [msgspec.Raw(rows.facets_text(one).encode()) for one in self.samples],
            "sentences": [printable(sentence(one), 2 * _LONGEST) for one in self.samples],
        }

    def packed_agreeing(self) -> list[list[int]]:
        """Return `agreeing` as lists: a number, then those above it that agree with it."""
        found: dict[int, list[int]] = {}
        for one, other in sorted(self.agreeing):
            found.setdefault(one, [one]).append(other)
        return list(found.values())

    def packed(self) -> list[list[int]]:
        """Return each column as what it has other than one before that is near to it.

        That is: the number of that column (-1 for none), then for each cell that differs the distance
        from the one before, and its number.
        """
        samples = [own[::_SAMPLED] for own in self.numbers]
        found = []
        for at, own in enumerate(self.numbers):
            apart = [sum(map(operator.ne, samples[at], earlier)) for earlier in samples[:at]]
            near = apart.index(min(apart)) if apart else NOTHING
            found.append([near, *_unlike(own, None if near < 0 else self.numbers[near])])
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

    An outcome with the facets of an earlier column has its number. What was measured under another
    meaning of the id is not known.
    """
    numbered = _Outcomes()
    ids = [cell.id for cell in cells]
    versions = {cell.id: cell.version for cell in cells}
    first = [NOTHING] * len(cells)  # the facets that were seen first, and the number they have
    base = [NOTHING] * len(cells)
    more: dict[int, dict[int, int]] = {}
    numbers: list[list[int]] = []
    facets, own = [NOTHING] * len(cells), [NOTHING] * len(cells)
    for column in columns:
        lines = list(map(column.kept.get, ids))
        before, facets = facets, numbered.facets_of(lines)
        if column.versions != versions:  # it is those of an older matrix, or a part
            for place in _unlike_places(map(column.versions.get, ids), versions.values()):
                facets[place] = NOTHING
        own = own.copy()
        # Nearly always they are those of the column before.
        for place in _unlike_places(facets, before):
            seen = facets[place]
            if seen == NOTHING:
                own[place] = NOTHING
            elif seen == first[place]:
                own[place] = base[place]
            elif first[place] == NOTHING:
                first[place] = seen
                base[place] = own[place] = numbered(cells[place], lines[place])
            else:
                others = more.setdefault(place, {})
                if seen not in others:
                    others[seen] = numbered(cells[place], lines[place])
                own[place] = others[seen]
        numbers.append(own)
    told, samples = numbered.told()
    silent = frozenset([NOTHING, *(at for at, one in enumerate(told) if one.silent)])
    pairs = dict[tuple[int, int], bool]()
    differing = []
    for place in more:  # where all are as the first there is nothing to look at
        some = sorted({own[place] for own in numbers} - silent)
        parts = False
        for pair in itertools.combinations(some, 2):
            if pair not in pairs:
                pairs[pair] = _alike(samples[pair[0]], samples[pair[1]])
            parts |= not pairs[pair]
        if parts:
            differing.append(place)
    return KnownColumns(
        tuple(columns),
        tuple(numbers),
        told,
        samples,
        silent,
        frozenset(pair for pair, agree in pairs.items() if agree),
        frozenset(differing),
    )


def _unlike_places(some: Iterable[object], others: Iterable[object]) -> Iterator[int]:
    """Yield the places in which they are not equal."""
    return itertools.compress(itertools.count(), map(operator.ne, some, others))


def _alike(one: Outcome, other: Outcome) -> bool:
    """Tell whether outcomes with other facets agree all the same: see compare.verdict."""
    if one.absent and other.absent:  # the reasons are words
        return True
    some = one.left_out or other.left_out or (1 in (one.n, other.n) and (one.varies or other.varies))
    return bool(some) and one.agrees(other)


_encode = msgspec.json.Encoder(order="deterministic").encode
_fields = Outcome.__struct_fields__
_values = operator.attrgetter(*_fields)


def _plain(line: Outcome) -> Outcome:
    return Outcome(**dict(zip(_fields, _values(line), strict=True)))


class _Outcomes:
    """Distinct outcomes; those of a script also by the order of its labels.

    Cells of which the same is said share a line (see runlines.py): each is looked at once, by its `id()`.
    """

    def __init__(self) -> None:
        self._facets: dict[int, int] = {}
        self._by_facets = Numbered()
        self._seen = dict[tuple[int, tuple[str, ...] | None], int]()
        self._numbers = Numbered()
        self._known: dict[int, tuple[Outcome, tuple[str, ...] | None]] = {}
        self._orders: dict[str, tuple[str, ...]] = {}

    def facets_of(self, lines: Sequence[Known | None]) -> list[int]:
        """Return a number for each, the same for the same facets; NOTHING for what is no outcome."""
        keys = list(map(id, lines))
        for key, line in dict(zip(keys, lines, strict=True)).items():
            if key not in self._facets:
                seen = self._by_facets(line.facets()) if isinstance(line, Outcome) else NOTHING
                self._facets[key] = seen
        return list(map(self._facets.__getitem__, keys))

    def __call__(self, cell: Cell, line: Known | None) -> int:
        """Return the number of an outcome."""
        assert isinstance(line, Outcome)
        order = self._order(cell, line) if cell.script else None
        seen = id(line), order
        if seen in self._seen:
            return self._seen[seen]
        number: int = self._numbers((_encode(_plain(line)), order))
        self._seen[seen] = number
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
            found.append(Told(text, line.word, style(text)))
            samples.append(line)
        return tuple(found), tuple(samples)
