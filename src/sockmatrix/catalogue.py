"""Cells by their ids, for commands on run files: only the tables are read that ids are of.

Nothing is expanded or compiled before it is asked for: a table of 3,000 cells takes milliseconds.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, final

from sockmatrix import content, table
from sockmatrix.axis import CASE, FILE, load_axes, table_files, unknown, vocabulary
from sockmatrix.claims.shape import shape
from sockmatrix.idreader import IdReader, Seen
from sockmatrix.part import TableError
from sockmatrix.pattern import parse
from sockmatrix.script.compiler import labels

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from pathlib import Path

    from sockmatrix.axis import Vocabulary
    from sockmatrix.cell import Cell
    from sockmatrix.claims.shape import Shape
    from sockmatrix.outcome import Variant
    from sockmatrix.table import Table

_CASE = f"{CASE}:"


@final
class Catalogue:
    """The tables of this installation, or of a directory. Methods raise TableError."""

    def __init__(self, directory: Path | None = None) -> None:
        place = content.matrix() if directory is None else directory
        self._axes: Vocabulary = load_axes(place / FILE)
        self._files = {file.stem: file for file in table_files(place)}
        self._tables: dict[str, Table] = {}
        self._readers: dict[str, Mapping[str, IdReader]] = {}
        self._orders: dict[tuple[str, str, frozenset[str]], tuple[str, ...]] = {}
        self._shapes = functools.lru_cache(maxsize=10_000)(self._shape)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the tables."""
        return tuple(self._files)

    def table(self, name: str) -> Table:
        """Return a table without the cells of its cases."""
        if name not in self._tables:
            if name not in self._files:
                raise TableError(content.matrix(), "", unknown("table", name, self._files))
            self._tables[name] = table.load(self._files[name], self._axes, bare=True)
        return self._tables[name]

    def cell(self, text: str) -> Cell | None:
        """Return the cell with an id, without what its roles do; None if no table has such a cell."""
        reader = self._reader(*text.split("/", 2)[:2])
        return None if reader is None else reader.read(text)

    def universe(self, ids: Iterable[str], tables: Collection[str]) -> dict[str, list[Seen]]:
        """Return those of some ids that are cells of some tables, by table."""
        found: dict[str, list[Seen]] = {name: [] for name in tables}
        for text in ids:
            name, _, rest = text.partition("/")
            if name not in found:
                continue
            reader = self._reader(name, rest)
            cell = None if reader is None else reader.look(text)
            if cell is not None:
                found[name].append(cell)
        return found

    def cells(self, ids: Iterable[str]) -> dict[str, Cell]:
        """Return the cells with these ids, by id; those that no table has are left out."""
        found = ((name, self.cell(name)) for name in ids)
        return {name: cell for name, cell in found if cell is not None}

    def select(
        self, ids: Iterable[str], tables: Sequence[str] = (), patterns: Sequence[str] = ()
    ) -> frozenset[str]:
        """Return those of some ids that are of one of the tables and match one of the patterns.

        No tables or no patterns: any. Raises PatternError too.
        """
        for name in tables:
            self.table(name)
        chosen = [name for name in ids if not tables or name.partition("/")[0] in tables]
        if not patterns:
            return frozenset(chosen)
        known = vocabulary(tables)
        wanted = [parse(text, known) for text in patterns]
        return frozenset(
            name
            for name, cell in self.cells(chosen).items()
            if any(pattern.matches(cell) for pattern in wanted)
        )

    def shape(self, cell: Cell) -> Shape:
        """Return the shape of a cell."""
        return self._shapes(cell.table, cell.id)

    def order(self, cell: Cell, *outcomes: Variant | None) -> tuple[str, ...] | None:
        """Return the labels of a cell's script in its order, None if it has none: see wording.headline.

        `outcomes` are those whose labels matter; where there are not two, no order is needed.
        """
        if CASE not in cell.axes:
            return None
        told = frozenset(
            label
            for one in outcomes
            if one is not None
            for part in (one.delivery, one.send, one.connect, one.notes)
            for label in part
        )
        if len(told) < 2:
            return ()
        # The cells of a case do the same in the same order, with other values.
        key = cell.table, cell.axes[CASE], told
        if key not in self._orders:
            whole = self.table(cell.table).cell(cell.id)
            self._orders[key] = labels(whole.script)
        return self._orders[key]

    def _reader(self, name: str, rest: str = "") -> IdReader | None:
        """Return what reads an id of a table, the `rest` of which follows the table's name."""
        readers = self._readers.get(name)
        if readers is None:
            readers = self._readers[name] = self._read(name) if name in self._files else {}
        plain = readers.get("")
        if plain is not None or not rest.startswith(_CASE):
            return plain
        return readers.get(rest.partition("/")[0].removeprefix(_CASE))

    def _read(self, name: str) -> dict[str, IdReader]:
        own = self.table(name)
        return {case.name: IdReader(case.form) for case in own.cases} or {"": IdReader(own)}

    def _shape(self, name: str, text: str) -> Shape:
        own = self.table(name)
        return shape(own.scenario.steps(own.cell(text)))
