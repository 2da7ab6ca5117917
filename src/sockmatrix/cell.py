"""A cell: one value for each axis of a table, and an id that says so.

An id is `table/axis:value/.../A:bind.reuse/B:bind.reuse`: the axes of the cell in the table's
order, one that has its default left out, then the sockets A, B, C, ... in bind order. A socket is
`bind.reuse`, followed by its further axes, left out from the end while they have their defaults.
More than three sockets that are all alike are `12x:bind.reuse`. The cells of a script table have no
sockets: `table/case:name/axis:value/...`. Only letters, digits and `.:/+-`
occur, so an id is also a path, a glob and a word for `pytest -k`.
"""

from __future__ import annotations

import functools
import re
import string
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Protocol, final

from sockmatrix.axis import Axis, unknown
from sockmatrix.labs import PLAIN

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

NOT_RECEIVERS = "JSXYZ"
"""Roles with a meaning of their own: the bystander that only joins, the sender, the talkers."""

LISTED_SOCKETS = 3
"""Up to so many sockets are listed one by one even when they are all alike."""

MOST_SOCKETS = 21 + 21 * 21

_RECEIVER = re.compile("[A-Z]{1,2}")
_CROWD = re.compile("([1-9][0-9]{0,3})x")


class CellIdError(ValueError):
    """A text is not the id of a cell; the message says why."""


@final
@dataclass(frozen=True, slots=True)
class Socket:
    """What one receiver binds and sets; `further` are its other axes, in the table's order."""

    bind: str
    reuse: str
    further: tuple[tuple[str, str], ...] = ()

    def get(self, axis: str, default: str = "") -> str:
        """Return the value of a per-socket axis, `default` if this table does not vary it."""
        if axis == "bind":
            return self.bind
        if axis == "reuse":
            return self.reuse
        for name, value in self.further:
            if name == axis:
                return value
        return default


@final
@dataclass(frozen=True, slots=True)
class Cell:
    """A cell. Its id tells it from all others; `axes` holds a value for each axis of the table.

    `version` is that of what its id means: cells of different versions cannot be compared. `lab` is
    the network it takes place in. A cell of a script table has no sockets, a value only for the axes
    that its case speaks of, and `script`: what the roles do. `solo`: it must be measured alone.
    """

    id: str
    table: str = field(compare=False, repr=False)
    axes: Mapping[str, str] = field(compare=False, repr=False)
    sockets: tuple[Socket, ...] = field(compare=False, repr=False)
    version: int = field(default=0, compare=False, repr=False)
    lab: str = field(default=PLAIN, compare=False, repr=False)
    script: str = field(default="", compare=False, repr=False)
    solo: bool = field(default=False, compare=False, repr=False)

    @property
    def receivers(self) -> tuple[str, ...]:
        """Names of the receivers, in bind order."""
        return receiver_names(len(self.sockets))


class Described(Protocol):
    """As much of a cell as patterns look at."""

    @property
    def id(self) -> str:
        """The canonical id."""

    @property
    def table(self) -> str:
        """Name of its table."""

    @property
    def axes(self) -> Mapping[str, str]:
        """A value for each axis."""

    @property
    def sockets(self) -> tuple[Socket, ...]:
        """Its sockets in bind order, none in a script table."""

    @property
    def lab(self) -> str:
        """The lab it takes place in."""


@final
@dataclass(frozen=True, slots=True)
class AxisUse:
    """An axis in one table, and the value that ids leave out (None: ids always name the value).

    `exceptions` are (axis of the cell, its value, default): the first that applies replaces
    `default`.
    """

    axis: Axis
    default: str | None = None
    exceptions: tuple[tuple[str, str, str], ...] = ()

    def default_in(self, axes: Mapping[str, str]) -> str | None:
        """Return the default in a cell with these values."""
        for name, value, default in self.exceptions:
            if axes.get(name) == value:
                return default
        return self.default


class Form(Protocol):
    """What an id depends on; a table has it.

    `socket_axes` begins with bind and reuse; it is empty where cells have no sockets.
    """

    @property
    def name(self) -> str:
        """Name of the table."""

    @property
    def version(self) -> int:
        """Version of what its ids mean."""

    @property
    def lab(self) -> str:
        """The lab of its cells."""

    @property
    def axes(self) -> Mapping[str, AxisUse]:
        """Axes of the cell, in the order of the id."""

    @property
    def socket_axes(self) -> Mapping[str, AxisUse]:
        """Axes of each socket, in the order of the id."""


@functools.cache
def receiver_names(count: int) -> tuple[str, ...]:
    """Return the names of `count` receivers in bind order.

    >>> receiver_names(12)[-3:]
    ('K', 'L', 'M')
    """
    if not 0 <= count <= MOST_SOCKETS:
        raise ValueError(f"a cell has at most {MOST_SOCKETS} sockets, not {count}")
    letters = [letter for letter in string.ascii_uppercase if letter not in NOT_RECEIVERS]
    pairs = (first + second for first in letters for second in letters)
    return tuple([*letters, *pairs][:count])


def make_cell(form: Form, axes: Mapping[str, str], sockets: Sequence[Socket]) -> Cell:
    """Return the cell with these values; `axes` names every axis of the table."""
    text = axes_text(form, axes)
    if sockets:
        text += f"/{sockets_text([socket_text(form, axes, socket) for socket in sockets])}"
    own = MappingProxyType(dict(axes))
    return Cell(text, form.name, own, tuple(sockets), form.version, form.lab)


def axes_text(form: Form, axes: Mapping[str, str]) -> str:
    """Return the beginning of an id: the table, and the axes that do not have their default."""
    parts = [form.name]
    for name, use in form.axes.items():
        if axes[name] != use.default_in(axes):
            parts.append(f"{name}:{axes[name]}")
    return "/".join(parts)


def socket_text(form: Form, axes: Mapping[str, str], socket: Socket) -> str:
    """Return a socket as ids write it."""
    values = [socket.bind, socket.reuse, *(value for _, value in socket.further)]
    for use in reversed(list(form.socket_axes.values())[2:]):
        if values[-1] != use.default_in(axes):
            break
        values.pop()
    return ".".join(values)


def sockets_text(texts: Sequence[str]) -> str:
    """Return the end of an id, made of the texts of the sockets."""
    count = len(texts)
    if count > LISTED_SOCKETS and texts.count(texts[0]) == count:
        return f"{count}x:{texts[0]}"
    return "/".join(map(":".join, zip(receiver_names(count), texts, strict=True)))


def parse_id(form: Form, text: str) -> Cell:
    """Return the cell with the id `text` in the table `form`. Raises CellIdError."""
    name, *parts = text.split("/")
    if name != form.name:
        raise CellIdError(f'"{text}" is not a cell of the table {form.name}')
    given: dict[str, str] = {}
    sockets: list[tuple[str, str]] = []
    for part in parts:
        key, _, value = part.partition(":")
        if _RECEIVER.fullmatch(key) or _CROWD.fullmatch(key):
            sockets.append((key, value))
        elif key not in form.axes:
            raise CellIdError(f'in "{text}": {unknown("axis", key, form.axes)}')
        elif problem := form.axes[key].axis.check(value):
            raise CellIdError(f'in "{text}", {key}: {problem}')
        else:
            given[key] = value
    axes = {}
    for key, use in form.axes.items():
        chosen = given.get(key, use.default_in(given))
        if chosen is None:
            raise CellIdError(f'"{text}" does not say its {key}')
        axes[key] = chosen
    cell = make_cell(form, axes, _sockets(form, text, axes, sockets))
    if cell.id != text:
        raise CellIdError(f'"{text}" is not how this id is written; write "{cell.id}"')
    return cell


def _sockets(
    form: Form, text: str, axes: Mapping[str, str], parts: list[tuple[str, str]]
) -> list[Socket]:
    if not form.socket_axes:
        if parts:
            raise CellIdError(f'"{text}" has sockets, which no cell of this table has')
        return []
    if not parts:
        raise CellIdError(f'"{text}" has no sockets')
    crowd = _CROWD.fullmatch(parts[0][0])
    if crowd and len(parts) == 1:
        count = int(crowd[1])
        if count > MOST_SOCKETS:
            raise CellIdError(f'in "{text}": a cell has at most {MOST_SOCKETS} sockets')
        return [_socket(form, text, axes, parts[0][1])] * count
    if tuple(key for key, _ in parts) != receiver_names(len(parts)):
        raise CellIdError(f'in "{text}": sockets are named A, B, C, ... in bind order')
    return [_socket(form, text, axes, part) for _, part in parts]


def _socket(form: Form, text: str, axes: Mapping[str, str], part: str) -> Socket:
    values = part.split(".")
    if len(values) > len(form.socket_axes):
        raise CellIdError(f'in "{text}": a socket has only {", ".join(form.socket_axes)}')
    chosen = []
    for number, (name, use) in enumerate(form.socket_axes.items()):
        value = values[number] if number < len(values) else use.default_in(axes)
        if value is None:
            raise CellIdError(f'in "{text}", socket "{part}": it does not say its {name}')
        if problem := use.axis.check(value):
            raise CellIdError(f'in "{text}", socket "{part}", {name}: {problem}')
        chosen.append((name, value))
    return Socket(chosen[0][1], chosen[1][1], tuple(chosen[2:]))
