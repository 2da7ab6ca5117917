"""The folded tables of a page, each of whose cells knows which cells of the matrix it stands for.

Where platforms part they stand side by side; what is the same on all is shown once, options across.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, final

from msgspec.structs import replace

from sockmatrix.page.known import NOTHING
from sockmatrix.render.escape import printable
from sockmatrix.render.legend import style
from sockmatrix.render.values import MISSING, Grid, fold_places
from sockmatrix.wording import headline

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

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
    """For each column the numbers of the platforms it is of, or the keys of documented systems."""
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
class Beside:
    """A column of what nobody measured: key and name of a system, how it is known, texts by id."""

    key: str
    name: str
    kind: Kind
    texts: Mapping[str, str]


@final
class Tables:
    """Makes the tables of plans, from what measured columns know and documents say."""

    def __init__(
        self,
        known: KnownColumns,
        beside: Sequence[Beside],
        otherwise: Collection[str],
        predicted: Mapping[int, Mapping[str, str]],
        places: Mapping[str, int],
    ) -> None:
        """`otherwise`: the ids of cells of which a document says something else than was measured.

        `predicted`: texts by id of what was not measured, by the number of the column.
        """
        self._known = known
        self._silent = known.silent
        self._beside = beside
        self._otherwise = otherwise
        self._predicted = predicted
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
        """Tell whether platforms part: two that measured, or one and a document, or the model."""
        if self._places[cell.id] in self._known.differing or cell.id in self._otherwise:
            return True
        told = set(self._numbers(cell)) - self._silent
        texts = [self._known.outcomes[one].headline for one in self._fullest(told)]
        said = [
            one.texts[cell.id]
            for one in self._beside
            if cell.id in one.texts and (one.kind == "predicted" or not told)
        ]
        return len({*texts, *said}) > 1

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
        spoken = self._spoken([cell for _, cell in rows])
        groups = self._groups([cell for _, cell in rows])
        headings = (*own.headings, "")
        if len(own.columns) == 1:
            headings, rows = own.headings, [(labels[:-1], cell) for labels, cell in rows]
        shown = [
            (
                labels,
                (
                    *(self._on(group[0], cell) for group in groups),
                    *(self._said(some[0], cell) for some in spoken),
                ),
            )
            for labels, cell in rows
        ]
        return _folded(
            "Where platforms part",
            headings,
            (*map(self._name, groups), *(", ".join(one.name for one in some) for some in spoken)),
            (
                *(" ".join(map(str, group)) for group in groups),
                *(" ".join(one.key for one in some) for some in spoken),
            ),
            [
                (labels, self._marked(row, groups, cell))
                for (labels, row), (_, cell) in zip(shown, rows, strict=True)
            ],
        )

    def _marked(
        self, row: tuple[Shown, ...], groups: Sequence[Sequence[int]], cell: Cell
    ) -> tuple[Shown, ...]:
        """Return a row in which what fewer of the platforms have than another thing is marked.

        A headline says of refused sockets no more than that; what else differs is then told with it.
        """
        place = self._places[cell.id]
        own = [self._known.numbers[group[0]][place] for group in groups]
        row = tuple(self._told_apart(at, row, own) for at, _ in enumerate(row))
        measured = [at for at, _ in enumerate(groups) if row[at].kind == "measured"]
        alike = {
            at: sum(self._known.agrees(own[at], own[other]) for other in measured) for at in measured
        }
        most = max(alike.values(), default=0)
        return tuple(one._replace(odd=at in alike and alike[at] < most) for at, one in enumerate(row))

    def _told_apart(self, at: int, row: Sequence[Shown], own: Sequence[int]) -> Shown:
        """Return a cell of a row, with more than its headline where another one has the same."""
        one = row[at]
        if at >= len(own) or one.kind != "measured" or not self._known.samples[own[at]].failed:
            return one
        others = (own[other] for other, _ in enumerate(own) if row[other].text == one.text)
        if all(self._known.agrees(own[at], other) for other in others):
            return one
        more = headline(replace(self._known.samples[own[at]], failed={}))
        return one._replace(text=printable(f"{one.text} \u00b7 {more}", 2000))

    def _fullest(self, told: Collection[int]) -> list[int]:
        """Return of outcomes that agree the one that left out least, and was repeated most."""
        samples = self._known.samples
        return sorted(told, key=lambda one: (len(samples[one].left_out), -samples[one].n))[:1]

    def _groups(self, cells: Sequence[Cell]) -> list[list[int]]:
        """Return the platforms, neighbours of one system that are alike in all of some cells together."""
        groups: list[list[int]] = []
        before: list[Shown] = []
        for at in range(len(self._known.columns)):
            shown = [self._on(at, cell) for cell in cells]
            if groups and self._alike(groups[-1][0], at, cells, before, shown):
                groups[-1].append(at)
            else:
                groups.append([at])
                before = shown
        return groups

    def _alike(
        self, one: int, other: int, cells: Sequence[Cell], before: Sequence[Shown], shown: Sequence[Shown]
    ) -> bool:
        """Tell whether two platforms are of one system and show the same, of outcomes that agree."""
        names = [_system(self._known.columns[at].name) for at in (one, other)]
        numbers = [self._known.numbers[at] for at in (one, other)]
        places = [self._places[cell.id] for cell in cells]
        return (
            names[0] == names[1]
            and list(before) == list(shown)
            and all(self._known.agrees(numbers[0][place], numbers[1][place]) for place in places)
        )

    def _spoken(self, cells: Sequence[Cell]) -> list[list[Beside]]:
        """Return what speaks of any of some cells that nobody measured; what says the same together."""
        groups: dict[tuple[object, ...], list[Beside]] = {}
        for one in self._beside:
            texts = tuple(one.texts.get(cell.id) for cell in cells)
            if any(texts):
                groups.setdefault((one.kind, texts), []).append(one)
        return list(groups.values())

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
                    shown.append(self._anywhere(cell))
            if any(one.kind in ("measured", "predicted") for one in shown):
                rows.append((labels, tuple(shown)))
        if not rows:
            return None
        caption = self._caption()
        return _folded(caption, own.headings, own.columns, ("",) * len(own.columns), rows, across=True)

    def _caption(self) -> str:
        if len(self._known.columns) > 1:
            return "The same on every platform that was measured"
        own = printable(self._known.columns[0].name) if self._known.columns else "no platform"
        return f"On {own}; no document says otherwise" if self._beside else f"On {own}"

    def _anywhere(self, cell: Cell) -> Shown:
        """Return what is known of a cell in which nothing parts."""
        numbers = self._numbers(cell)
        for told in self._fullest(set(numbers) - self._silent):
            return self._on(numbers.index(told), cell)
        models = [at for at, texts in self._predicted.items() if cell.id in texts]
        if models:
            return self._as_predicted(models[-1], cell)
        return self._on(next((at for at, one in enumerate(numbers) if one != NOTHING), 0), cell)

    def _on(self, at: int, cell: Cell) -> Shown:
        """Return what a column has of a cell: as measured, else as predicted."""
        places = (self._places[cell.id],)
        number = self._known.numbers[at][places[0]] if self._known.numbers else NOTHING
        if number in self._silent and cell.id in self._predicted.get(at, ()):
            return self._as_predicted(at, cell)
        if number == NOTHING:
            return Shown(MISSING, "", "none", places)
        told = self._known.outcomes[number]
        return Shown(told.headline, told.look, "none" if told.silent else "measured", places)

    def _as_predicted(self, at: int, cell: Cell) -> Shown:
        text = self._predicted[at][cell.id]
        return Shown(text, style(text), "predicted", (self._places[cell.id],))

    def _said(self, one: Beside, cell: Cell) -> Shown:
        places = (self._places[cell.id],)
        if cell.id not in one.texts:
            return Shown(MISSING, "", "none", places)
        words = one.texts[cell.id]
        vague = words.startswith("not ") or " or " in words or " against " in words
        return Shown(words, "" if vague else style(words), one.kind, places)


def _system(name: str) -> str:
    return name.partition(" ")[0]


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
    caption, headings, rows = _common(caption, headings, rows)
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
        printable(caption, 2000),
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


def _common(
    caption: str,
    headings: tuple[str, ...],
    rows: Sequence[tuple[tuple[str, ...], tuple[Shown, ...]]],
) -> tuple[str, tuple[str, ...], Sequence[tuple[tuple[str, ...], tuple[Shown, ...]]]]:
    """Return a part whose caption says what all rows have in common; a label is left to each."""
    kept = [at for at, _ in enumerate(headings) if len({labels[at] for labels, _ in rows}) > 1]
    if len(rows) < 2 or not kept or len(kept) == len(headings):
        return caption, headings, rows
    first = rows[0][0]
    said = [
        f"{name}: {first[at]}" if name else first[at]
        for at, name in enumerate(headings)
        if at not in kept and first[at]
    ]
    return (
        "; ".join([caption, *said]),
        tuple(headings[at] for at in kept),
        [(tuple(labels[at] for at in kept), cells) for labels, cells in rows],
    )


def _together(some: Sequence[Shown]) -> Shown:
    first = some[0]
    return first._replace(cells=tuple(dict.fromkeys(place for one in some for place in one.cells)))
