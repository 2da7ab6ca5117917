"""The folded tables of a page, each of whose cells knows which cells of the matrix it stands for.

Where platforms part they stand side by side; what is the same on all is shown once, options across.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, final

from sockmatrix.page.known import NOTHING
from sockmatrix.render.escape import printable
from sockmatrix.render.legend import style
from sockmatrix.render.values import MISSING, Grid, fold_places

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from sockmatrix.cell import Cell
    from sockmatrix.columns import Kind
    from sockmatrix.grids import Labelled
    from sockmatrix.page.known import KnownColumns

DIFFERS = "differs"


class Shown(NamedTuple):
    """A cell of a table: its text and colour, how it is known, the cells of the matrix it stands for.

    `odd`: most platforms in its row are otherwise.
    """

    text: str
    look: str = ""
    kind: Kind | str = "measured"
    cells: tuple[int, ...] = ()
    odd: bool = False


@final
@dataclass(frozen=True, slots=True)
class Part:
    """A table: a caption, headings of labels, columns with their keys, rows of labels and cells."""

    caption: str
    headings: tuple[str, ...]
    columns: tuple[str, ...]
    keys: tuple[str, ...]
    """For each column the numbers of the platforms it is of, or the key of a documented system."""
    rows: tuple[tuple[tuple[str, ...], tuple[Shown, ...]], ...]


@final
@dataclass(frozen=True, slots=True)
class Question:
    """One question with its tables, differences first; `alike`: rows that are the same everywhere."""

    table: str
    title: str
    question: str
    parts: tuple[Part, ...]


@final
@dataclass(frozen=True, slots=True)
class Documented:
    """A column of what documents say: the system's key and name, and words by cell id."""

    key: str
    name: str
    words: Mapping[str, tuple[str, str]]


@final
class Tables:
    """Makes the tables of plans, from what measured columns know and documents say."""

    def __init__(
        self, known: KnownColumns, documented: Sequence[Documented], places: Mapping[str, int]
    ) -> None:
        self._known = known
        self._silent = known.silent
        self._documented = documented
        self._places = places

    def questions(self, table: str, asked: Iterable[Labelled]) -> Iterator[Question]:
        """Yield the questions of a table, those with nothing to show left out."""
        for own in asked:
            parts = tuple(part for part in (self._parted(own), self._same(own)) if part and part.rows)
            if parts:
                yield Question(table, printable(own.title), printable(own.question, 2000), parts)

    def _numbers(self, cell: Cell) -> list[int]:
        place = self._places[cell.id]
        return [own[place] for own in self._known.numbers]

    def _parts(self, cell: Cell) -> bool:
        """Tell whether platforms part: two that measured, or a document and those that did."""
        told = set(self._numbers(cell)) - self._silent
        said = [one.words[cell.id][0] for one in self._documented if cell.id in one.words]
        if len(told) > 1:
            return True
        text = self._known.outcomes[next(iter(told))].headline if told else ""
        return any(not _says(words, text) for words in said)

    def _parted(self, own: Labelled) -> Part | None:
        """Return the rows in which platforms part, platforms across."""
        rows = [
            ((*labels, column), cell)
            for labels, cells in own.rows
            for column, cell in cells.items()
            if self._parts(cell)
        ]
        if not rows:
            return None
        spoken = [one for one in self._documented if any(cell.id in one.words for _, cell in rows)]
        groups = self._groups([cell for _, cell in rows])
        headings = (*own.headings, "")
        if len(own.columns) == 1:
            headings, rows = own.headings, [(labels[:-1], cell) for labels, cell in rows]
        shown = [
            (
                labels,
                (
                    *(
                        self._measured(self._known.numbers[group[0]][self._places[cell.id]], (cell,))
                        for group in groups
                    ),
                    *(self._said(one, cell) for one in spoken),
                ),
            )
            for labels, cell in rows
        ]
        return _folded(
            "Where platforms part",
            headings,
            (*map(self._name, groups), *(one.name for one in spoken)),
            (*(" ".join(map(str, group)) for group in groups), *(one.key for one in spoken)),
            [(labels, _marked(row, len(groups))) for labels, row in shown],
        )

    def _groups(self, cells: Sequence[Cell]) -> list[list[int]]:
        """Return the platforms, neighbours of one system that are alike in all of some cells together."""
        places = [self._places[cell.id] for cell in cells]
        groups: list[list[int]] = []
        before: tuple[str, list[int]] | None = None
        for at, own in enumerate(self._known.numbers):
            look = _system(self._known.columns[at].name), [own[place] for place in places]
            if look == before:
                groups[-1].append(at)
            else:
                groups.append([at])
            before = look
        return groups

    def _name(self, group: Sequence[int]) -> str:
        first, last = (self._known.columns[at].name for at in (group[0], group[-1]))
        if len(group) == 1:
            return first
        return f"{first} \u2013 {last.removeprefix(_system(last)).strip()}"

    def _same(self, own: Labelled) -> Part | None:
        """Return what is the same on all platforms, options across."""
        rows = []
        for labels, cells in own.rows:
            shown = []
            for column in own.columns:
                cell = cells.get(column)
                if cell is None:
                    shown.append(Shown(MISSING, "", "none"))
                elif self._parts(cell):
                    shown.append(Shown(DIFFERS, "", "differs", (self._places[cell.id],)))
                else:
                    told = [one for one in self._numbers(cell) if one not in self._silent]
                    some = told or [one for one in self._numbers(cell) if one != NOTHING]
                    shown.append(self._measured(some[0] if some else NOTHING, (cell,)))
            if any(one.kind == "measured" for one in shown):
                rows.append((labels, tuple(shown)))
        if not rows:
            return None
        caption = self._caption()
        return _folded(caption, own.headings, own.columns, ("",) * len(own.columns), rows, across=True)

    def _caption(self) -> str:
        if len(self._known.columns) > 1:
            return "The same on every platform that was measured"
        own = printable(self._known.columns[0].name) if self._known.columns else "no platform"
        return f"On {own}; no document says otherwise" if self._documented else f"On {own}"

    def _measured(self, number: int, cells: Sequence[Cell]) -> Shown:
        places = tuple(self._places[cell.id] for cell in cells)
        if number == NOTHING:
            return Shown(MISSING, "", "none", places)
        told = self._known.outcomes[number]
        return Shown(told.headline, told.look, "none" if told.silent else "measured", places)

    def _said(self, one: Documented, cell: Cell) -> Shown:
        places = (self._places[cell.id],)
        if cell.id not in one.words:
            return Shown(MISSING, "", "none", places)
        words, _ = one.words[cell.id]
        vague = words.startswith("not ") or " or " in words
        return Shown(words, "" if vague else style(words), "documented", places)


def _system(name: str) -> str:
    return name.partition(" ")[0]


def _says(words: str, text: str) -> bool:
    """Tell whether the words of a document are no contradiction to what was measured."""
    if not text or words in ("may bind", "somebody"):
        return "refused" not in text
    if words in ("last refused", "some refused", "every refused", "one refused"):
        return "refused" in text
    return any(one == text or (one == "one" and text in ("first", "last")) for one in words.split(" or "))


def _folded(
    caption: str,
    headings: tuple[str, ...],
    columns: tuple[str, ...],
    keys: tuple[str, ...],
    rows: Sequence[tuple[tuple[str, ...], tuple[Shown, ...]]],
    *,
    across: bool = False,
) -> Part:
    """Return a part with rows that are alike as one, and columns too if they are options."""
    look = [(labels, tuple(f"{one.kind}\0{one.text}" for one in cells)) for labels, cells in rows]
    grid = Grid("", "", headings, columns, tuple(look))
    folded = [
        (labels, [_together([rows[place][1][at] for place in places]) for at, _ in enumerate(columns)])
        for (labels, _), places in fold_places(grid)
    ]
    groups: list[list[int]] = []
    for at, _ in enumerate(columns):
        alike = (
            across
            and groups
            and all(
                (cells[groups[-1][0]].text, cells[groups[-1][0]].kind) == (cells[at].text, cells[at].kind)
                for _, cells in folded
            )
        )
        if alike:
            groups[-1].append(at)
        else:
            groups.append([at])
    return Part(
        caption,
        tuple(map(printable, headings)),
        tuple(printable(" or ".join(columns[at] for at in group)) for group in groups),
        tuple(keys[group[0]] for group in groups),
        tuple(
            (
                tuple(printable(label) for label in labels),
                tuple(_together([cells[at] for at in group]) for group in groups),
            )
            for labels, cells in folded
        ),
    )


def _marked(row: tuple[Shown, ...], platforms: int) -> tuple[Shown, ...]:
    """Return a row in which what fewer of the platforms have than another thing is marked."""
    counts = Counter(one.text for one in row[:platforms] if one.kind == "measured")
    most = max(counts.values(), default=0)
    return tuple(
        one._replace(odd=at < platforms and 0 < counts[one.text] < most and one.kind == "measured")
        for at, one in enumerate(row)
    )


def _together(some: Sequence[Shown]) -> Shown:
    first = some[0]
    return first._replace(cells=tuple(dict.fromkeys(place for one in some for place in one.cells)))
