"""The pattern language over cells, for `--only`, tables, and whatever else speaks of many cells.

A pattern is a list of terms separated by spaces; a cell matches when all of them hold:

    dest=lo4,lobcast        the axis of the cell has one of these values
    A.bind=any4             socket A has; also B, C, ..., `first`, `last`
    every.reuse=addr,port   each socket has one of these; `some`: at least one; `none`: no socket
    dest!=lo4, A.bind!=any4 the cells for which the term with `=` does not hold
    fan-out/*/A:any4.addr*  a term without `=` is a glob over the id
    fan-out/dest:group4     and one for the beginning of an id stands for all ids that begin so

Beside the axes of `matrix/axes.toml` and of script tables there are derived ones:

    table, lab              the name of the table; the lab of the cell
    receivers               how many sockets it has
    sockets                 alike, or mixed
    shared                  the reuse options that all sockets have: addr, port, addr+port, ..., none
    dest-class              of the destination: unicast, broadcast, multicast, wildcard
    every.bind-is           (and of A, ...) the address bound is the destination, a wildcard, other
    some.socket             a socket as ids write it

Values of `socket` are globs: some.socket=any4.addr*.
A cell of a table that does not vary an axis has no value of it: a term about the axis does not hold for
it, except with `none` or `!=`. A term about sockets never holds for a cell that has none.
"""

from __future__ import annotations

import fnmatch
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias, final

from sockmatrix.axis import unknown, vocabulary
from sockmatrix.cell import MOST_SOCKETS, receiver_names
from sockmatrix.labs import LABS
from sockmatrix.scenarios import addresses

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sockmatrix.axis import Vocabulary
    from sockmatrix.cell import Described
    from sockmatrix.part import Part

NO_OPTION = "none"

QUANTIFIERS = ("every", "some", "none", "first", "last")

_TERM = re.compile(r"(?:(?P<who>[A-Za-z]+)\.)?(?P<axis>[^=.!]*)(?P<sign>!?=)(?P<values>.*)", re.DOTALL)

_RECEIVERS = {name: place for place, name in enumerate(receiver_names(MOST_SOCKETS))}

Test: TypeAlias = "Callable[[Described], bool]"


class PatternError(ValueError):
    """A text is not a pattern; the message says what is wrong and what is allowed."""


@final
@dataclass(frozen=True, slots=True)
class Pattern:
    """A set of cells. Two patterns are equal when their texts are."""

    text: str
    tests: tuple[Test, ...]

    def matches(self, cell: Described) -> bool:
        """Tell whether the cell belongs to the set."""
        return all(test(cell) for test in self.tests)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Pattern) and self.text == other.text

    def __hash__(self) -> int:
        return hash(self.text)

    def __str__(self) -> str:
        return self.text


def _alike(cell: Described) -> str:
    if not cell.sockets:
        return ""
    return "alike" if all(socket == cell.sockets[0] for socket in cell.sockets) else "mixed"


def _shared(cell: Described) -> str:
    """Return the reuse options that every socket sets, as the axis `reuse` writes them."""
    if not cell.sockets:
        return ""
    first, *others = (socket.reuse.split("+") for socket in cell.sockets)
    return "+".join(option for option in first if all(option in one for one in others)) or NO_OPTION


def _bind_is(cell: Described) -> list[str]:
    dest = cell.axes.get("dest")
    return [
        "destination"
        if socket.bind == dest
        else ("wildcard" if socket.bind in addresses.WILDCARDS else "other")
        for socket in cell.sockets
    ]


def _sockets(cell: Described) -> list[str]:
    """Return each socket as the id writes it."""
    parts = (part.partition(":") for part in cell.id.split("/"))
    texts = [text for key, _, text in parts if key in _RECEIVERS or key.endswith("x")]
    return texts if len(texts) == len(cell.sockets) else texts[:1] * len(cell.sockets)


DERIVED: dict[str, tuple[tuple[str, ...] | None, Callable[[Described], str]]] = {
    "table": (None, lambda cell: cell.table),
    "lab": (tuple(LABS), lambda cell: cell.lab),
    "receivers": (None, lambda cell: str(len(cell.sockets))),
    "sockets": (("alike", "mixed"), _alike),
    "shared": ((NO_OPTION, "addr", "port", "addr+port", "lb", "addr+lb", "exclusive"), _shared),
    "dest-class": (
        addresses.CLASSES,
        lambda cell: addresses.class_of(cell.axes["dest"]) if "dest" in cell.axes else "",
    ),
}
"""Axes that follow from a cell: their values (None: too many to list), and how to get the one."""

DERIVED_PER_SOCKET: dict[str, tuple[tuple[str, ...] | None, Callable[[Described], list[str]]]] = {
    "bind-is": (("destination", "wildcard", "other"), _bind_is),
    "socket": (None, _sockets),
}
"""The same, for each socket of a cell."""

GLOBBED = "socket"
"""The axis whose values are globs."""


def parse(text: str, axes: Vocabulary | None = None) -> Pattern:
    """Return the pattern `text` says, about `axes` (all documented ones). Raises PatternError."""
    words = text.split()
    if not words:
        raise PatternError("an empty pattern; say what it is to match, or * for everything")
    known = vocabulary() if axes is None else axes
    return Pattern(" ".join(words), tuple(_term(word, known) for word in words))


def read_patterns(part: Part, key: str, axes: Vocabulary) -> tuple[Pattern, ...]:
    """Return the patterns that a file has at `key`, none if it has none. Raises part.TableError."""
    if key not in part.entries:
        return ()
    try:
        return tuple(parse(text, axes) for text in part.texts(key))
    except PatternError as error:
        raise part.error(key, str(error)) from error


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
        plain = (one.name for one in known.values() if not one.scripted)
        every = dict.fromkeys((*plain, *DERIVED, *DERIVED_PER_SOCKET, *known))
        raise PatternError(f'in "{word}": {unknown("axis", name, every)}')
    _check_values(word, name, values, known)
    if not per_socket and who is not None:
        raise PatternError(f'in "{word}": {name} belongs to the cell, not to a socket; write {name}=')
    negated = parts["sign"] == "!="
    if not per_socket:
        return _cell_term(name, frozenset(values), negated=negated)
    return _socket_term(word, who, name, frozenset(values), negated=negated)


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
        if name == "receivers" and not re.fullmatch("0|[1-9][0-9]*", value):
            raise PatternError(f'in "{word}": "{value}" is not a number of receivers')


def _cell_term(name: str, values: frozenset[str], *, negated: bool) -> Test:
    if name in DERIVED:
        derive = DERIVED[name][1]
        return lambda cell: (derive(cell) in values) is not negated
    return lambda cell: (cell.axes.get(name) in values) is not negated


def _socket_term(word: str, who: str | None, name: str, values: frozenset[str], *, negated: bool) -> Test:
    read = DERIVED_PER_SOCKET[name][1] if name in DERIVED_PER_SOCKET else _plain(name)
    holds = _quantified(who)
    if holds is None:
        wanted = (
            f"{', '.join(f'{one}.{name}' for one in QUANTIFIERS)} or a socket: A.{name}, B.{name}, ..."
        )
        if who is None:
            raise PatternError(f'in "{word}": {name} belongs to a socket; say of which: {wanted}')
        raise PatternError(f'in "{word}": "{who}" is not a socket; write {wanted}')
    globs = re.compile("|".join(map(fnmatch.translate, sorted(values))))
    has: Callable[[str], object] = globs.match if name == GLOBBED else values.__contains__
    return lambda cell: (
        bool(cell.sockets) and holds([bool(has(value)) for value in read(cell)]) is not negated
    )


def _quantified(who: str | None) -> Callable[[Sequence[bool]], bool] | None:
    """Return what tells from the sockets that have a value whether the term holds."""
    if who == "every":
        return all
    if who == "some":
        return any
    if who == "none":
        return lambda found: not any(found)
    if who == "first":
        return lambda found: found[0]
    if who == "last":
        return lambda found: found[-1]
    if who in _RECEIVERS:
        place = _RECEIVERS[who]
        return lambda found: place < len(found) and found[place]
    return None


def _plain(name: str) -> Callable[[Described], list[str]]:
    if name == "bind":
        return lambda cell: [socket.bind for socket in cell.sockets]
    if name == "reuse":
        return lambda cell: [socket.reuse for socket in cell.sockets]
    return lambda cell: [socket.get(name) for socket in cell.sockets]


def _glob(word: str) -> Test:
    whole = re.compile(f"{fnmatch.translate(word)}|{fnmatch.translate(word.rstrip('/') + '/*')}")
    return lambda cell: whole.match(cell.id) is not None
