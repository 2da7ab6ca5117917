"""The pattern language over cells, for `--only`, tables, and whatever else speaks of many cells.

A pattern is a list of terms separated by spaces; a cell matches when all of them hold:

    dest=lo4,lobcast        the axis of the cell has one of these values
    A.bind=any4             socket A has; also B, C, ..., `first`, `last`
    every.reuse=addr,port   each socket has one of these; `some`: at least one; `none`: no socket
    fan-out/*/A:any4.addr*  a term without `=` is a glob over the id
    fan-out/dest:group4     and one for the beginning of an id stands for all ids that begin so

Beside the axes of `matrix/axes.toml` there are derived ones (`DERIVED`, `DERIVED_PER_SOCKET`). A
cell of a table that does not vary an axis has no value of it: a term about the axis does not hold
for it, except with `none`.
"""

from __future__ import annotations

import fnmatch
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias, final

from sockmatrix.axis import unknown, vocabulary
from sockmatrix.cell import MOST_SOCKETS, receiver_names
from sockmatrix.scenarios import addresses

if TYPE_CHECKING:
    from collections.abc import Callable

    from sockmatrix.axis import Vocabulary
    from sockmatrix.cell import Cell, Socket

QUANTIFIERS = ("every", "some", "none", "first", "last")

_TERM = re.compile(r"(?:(?P<who>[A-Za-z]+)\.)?(?P<axis>[^=.]*)=(?P<values>.*)", re.DOTALL)

_RECEIVERS = {name: place for place, name in enumerate(receiver_names(MOST_SOCKETS))}

Test: TypeAlias = "Callable[[Cell], bool]"


class PatternError(ValueError):
    """A text is not a pattern; the message says what is wrong and what is allowed."""


@final
@dataclass(frozen=True, slots=True)
class Pattern:
    """A set of cells. Two patterns are equal when their texts are."""

    text: str
    tests: tuple[Test, ...]

    def matches(self, cell: Cell) -> bool:
        """Tell whether the cell belongs to the set."""
        return all(test(cell) for test in self.tests)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Pattern) and self.text == other.text

    def __hash__(self) -> int:
        return hash(self.text)

    def __str__(self) -> str:
        return self.text


def _alike(cell: Cell) -> str:
    return "alike" if all(socket == cell.sockets[0] for socket in cell.sockets) else "mixed"


def _bind_is(cell: Cell, socket: Socket) -> str:
    if socket.bind == cell.axes.get("dest"):
        return "destination"
    return "wildcard" if socket.bind in addresses.WILDCARDS else "other"


DERIVED: dict[str, tuple[tuple[str, ...] | None, Callable[[Cell], str]]] = {
    "table": (None, lambda cell: cell.table),
    "receivers": (None, lambda cell: str(len(cell.sockets))),
    "sockets": (("alike", "mixed"), _alike),
    "dest-class": (
        addresses.CLASSES,
        lambda cell: addresses.class_of(cell.axes["dest"]) if "dest" in cell.axes else "",
    ),
}
"""Axes that follow from a cell: their values (None: too many to list), and how to get the one."""

DERIVED_PER_SOCKET: dict[str, tuple[tuple[str, ...], Callable[[Cell, Socket], str]]] = {
    "bind-is": (("destination", "wildcard", "other"), _bind_is),
}
"""The same, for one socket of a cell."""


def parse(text: str, axes: Vocabulary | None = None) -> Pattern:
    """Return the pattern `text` says, about `axes` (all documented ones). Raises PatternError."""
    words = text.split()
    if not words:
        raise PatternError("an empty pattern; say what it is to match, or * for everything")
    known = vocabulary() if axes is None else axes
    return Pattern(" ".join(words), tuple(_term(word, known) for word in words))


def _term(word: str, known: Vocabulary) -> Test:
    if "=" not in word:
        return _glob(word)
    parts = _TERM.fullmatch(word)
    if parts is None:
        raise PatternError(f'"{word}" is not axis=value,value or SOCKET.axis=value,value')
    who, name = parts["who"], parts["axis"]
    values = parts["values"].split(",")
    if "" in values:
        raise PatternError(f'"{word}" has an empty value; write axis=value,value without spaces')
    per_socket = name in DERIVED_PER_SOCKET or (name in known and known[name].per_socket)
    if not per_socket and name not in known and name not in DERIVED:
        every = [*known, *DERIVED, *DERIVED_PER_SOCKET]
        raise PatternError(f'in "{word}": {unknown("axis", name, every)}')
    _check_values(word, name, values, known)
    if per_socket:
        return _socket_term(word, who, name, frozenset(values))
    if who is not None:
        raise PatternError(f'in "{word}": {name} belongs to the cell, not to a socket; write {name}=')
    return _cell_term(name, frozenset(values))


def _check_values(word: str, name: str, values: list[str], known: Vocabulary) -> None:
    if name in known:
        allowed: tuple[str, ...] | None = tuple(known[name].values)
    elif name in DERIVED:
        allowed = DERIVED[name][0]
    else:
        allowed = DERIVED_PER_SOCKET[name][0]
    for value in values:
        if allowed is not None and value not in allowed:
            raise PatternError(f'in "{word}": {unknown("value", value, allowed)}')
        if name == "receivers" and not re.fullmatch("[1-9][0-9]*", value):
            raise PatternError(f'in "{word}": "{value}" is not a number of receivers')


def _cell_term(name: str, values: frozenset[str]) -> Test:
    if name in DERIVED:
        derive = DERIVED[name][1]
        return lambda cell: derive(cell) in values
    return lambda cell: cell.axes.get(name) in values


def _socket_term(word: str, who: str | None, name: str, values: frozenset[str]) -> Test:
    def has(cell: Cell, socket: Socket) -> bool:
        return value(cell, socket) in values

    value = DERIVED_PER_SOCKET[name][1] if name in DERIVED_PER_SOCKET else _plain(name)
    if who == "every":
        return lambda cell: all(has(cell, socket) for socket in cell.sockets)
    if who == "some":
        return lambda cell: any(has(cell, socket) for socket in cell.sockets)
    if who == "none":
        return lambda cell: not any(has(cell, socket) for socket in cell.sockets)
    if who == "first":
        return lambda cell: has(cell, cell.sockets[0])
    if who == "last":
        return lambda cell: has(cell, cell.sockets[-1])
    if who in _RECEIVERS:
        place = _RECEIVERS[who]
        return lambda cell: place < len(cell.sockets) and has(cell, cell.sockets[place])
    wanted = f"{', '.join(f'{one}.{name}' for one in QUANTIFIERS)} or a socket: A.{name}, B.{name}, ..."
    if who is None:
        raise PatternError(f'in "{word}": {name} belongs to a socket; say of which: {wanted}')
    raise PatternError(f'in "{word}": "{who}" is not a socket; write {wanted}')


def _plain(name: str) -> Callable[[Cell, Socket], str]:
    return lambda _, socket: socket.get(name)


def _glob(word: str) -> Test:
    whole = re.compile(f"{fnmatch.translate(word)}|{fnmatch.translate(word.rstrip('/') + '/*')}")
    return lambda cell: whole.match(cell.id) is not None
