"""Which cells a claim speaks of, and the shape of each: looked up for hundreds of claims at once."""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING, final

from sockmatrix import content, plan, table
from sockmatrix.axis import table_files
from sockmatrix.cell import LISTED_SOCKETS, sockets_text
from sockmatrix.claims.shape import Shapes
from sockmatrix.pattern import Pattern, parse

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from sockmatrix.cell import Cell
    from sockmatrix.claims.shape import Shape
    from sockmatrix.plan import Plan

_TABLE = "table="
_FIRST = (_TABLE, "case=", "receivers=", "transport=", "dest=")
"""Terms that leave few cells, and that many patterns share, are looked up first."""

_SOCKET = re.compile(r"(?P<who>[A-Z]|every)\.socket=(?P<values>[a-z0-9.+,-]+)")
"""The most frequent term of claims. An id has it word for word, which is quick to find."""


@final
class Coverage:
    """The cells of all tables, each table expanded when a pattern first speaks of it.

    Patterns that begin alike share the work of finding their cells. Methods raise TableError.
    """

    def __init__(self, plans: Mapping[str, Callable[[], Plan]]) -> None:
        """`plans` return the plan of a table, by its name."""
        self._load = plans
        self._plan = functools.cache(lambda name: plans[name]())
        self._narrow = functools.lru_cache(maxsize=8192)(self._narrowed)
        self._shapes = Shapes(lambda name: self._plan(name).table.scenario)

    @classmethod
    def of(cls, plans: Iterable[Plan]) -> Coverage:
        """Return the coverage of tables that are expanded already."""
        known = {one.table.name: one for one in plans}
        return cls({name: functools.partial(known.__getitem__, name) for name in known})

    @classmethod
    def installed(cls) -> Coverage:
        """Return the coverage of the tables of this installation."""
        files = table_files(content.matrix())
        return cls({file.stem: functools.partial(_expand, file) for file in files})

    def cells(self, patterns: Iterable[Pattern]) -> tuple[Cell, ...]:
        """Return the cells that any of the patterns matches, each once."""
        found: dict[str, Cell] = {}
        for pattern in patterns:
            words = sorted(pattern.text.split(), key=_rank)
            found.update((cell.id, cell) for cell in self._narrow(tuple(words)))
        return tuple(found.values())

    def may_match(self, pattern: Pattern) -> bool:
        """Tell whether a pattern speaks of any of these tables, or does not say of which."""
        named = [word for word in pattern.text.split() if word.startswith(_TABLE)]
        return not named or any(one in self._load for one in named[0].removeprefix(_TABLE).split(","))

    def shape(self, cell: Cell) -> Shape:
        """Return the shape of a cell."""
        return self._shapes(cell)

    def _narrowed(self, words: tuple[str, ...]) -> tuple[Cell, ...]:
        if not words:
            return tuple(cell for name in self._load for cell in self._plan(name).cells)
        if words[0].startswith(_TABLE) and len(words) == 1:
            names = words[0].removeprefix(_TABLE).split(",")
            return tuple(cell for name in self._load if name in names for cell in self._plan(name).cells)
        cells = self._narrow(words[:-1])
        return _with_socket(words[-1], cells) or _that_match(words[-1], cells)


def _that_match(word: str, cells: tuple[Cell, ...]) -> tuple[Cell, ...]:
    (test,) = parse(word).tests
    return tuple(filter(test, cells))


def _with_socket(word: str, cells: tuple[Cell, ...]) -> tuple[Cell, ...]:
    """Return the cells that a plain term about `socket` matches, found in their ids; none if unsure."""
    term = _SOCKET.fullmatch(word)
    if term is None:
        return ()
    values = term["values"].split(",")
    if term["who"] != "every":
        if not all(0 < len(cell.sockets) <= LISTED_SOCKETS for cell in cells):
            return ()
        parts = [f"/{term['who']}:{value}/" for value in values]
        return tuple(cell for cell in cells if any(part in f"{cell.id}/" for part in parts))
    if len(values) > 1 or not all(cell.sockets for cell in cells):
        return ()
    ends = {count: "/" + sockets_text(values * count) for count in {len(cell.sockets) for cell in cells}}
    return tuple(cell for cell in cells if cell.id.endswith(ends[len(cell.sockets)]))


def _rank(word: str) -> int:
    return next((at for at, start in enumerate(_FIRST) if word.startswith(start)), len(_FIRST))


def _expand(file: Path) -> Plan:
    return plan.expand(table.load(file))
