"""Read ids of cells by the thousand: what parse_id of `cell.py` says, ten times as fast.

Ids of a table have few beginnings (the axes) and few ends (the sockets) in many combinations: each is
looked at once.
"""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple, final

from sockmatrix.cell import (
    LISTED_SOCKETS,
    MOST_SOCKETS,
    Cell,
    Socket,
    axes_text,
    receiver_names,
    socket_text,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sockmatrix.cell import Form

_CROWDED = re.compile(r"/[1-9][0-9]*x:")
_CROWD = re.compile(r"([1-9][0-9]{0,3})x:([^/]*)")

_Defaults = tuple[str | None, ...]

_Ends = dict[str, tuple[Socket, ...] | None]


class Seen(NamedTuple):
    """What an id says of a cell: as much of one as patterns look at, and quick to make."""

    id: str
    table: str
    axes: Mapping[str, str]
    sockets: tuple[Socket, ...]
    lab: str


@final
class IdReader:
    """Reads ids of one table, or of one case of a script table; then without what the roles do."""

    def __init__(self, form: Form) -> None:
        self._form = form
        self._axes: dict[str, tuple[Mapping[str, str], _Defaults, _Ends] | None] = {}
        self._ends: dict[_Defaults, _Ends] = {}
        self._parts: dict[_Defaults, dict[str, tuple[str, Socket | None]]] = {}

    def read(self, text: str) -> Cell | None:
        """Return the cell with this id, None if it is none of this form or not how it is written."""
        found = self.look(text)
        form = self._form
        return None if found is None else Cell(text, *found[1:4], form.version, form.lab)

    def look(self, text: str) -> Seen | None:
        """Return what can be seen of the cell with this id, None if it is none: see `read`."""
        at = text.find("/A:")
        if at < 0 and (crowd := _CROWDED.search(text)):
            at = crowd.start()
        start, end = (text, "") if at < 0 else (text[:at], text[at + 1 :])
        try:
            found = self._axes[start]
        except KeyError:
            found = self._axes[start] = self._read_axes(start)
        if found is None:
            return None
        axes, defaults, ends = found
        try:
            sockets = ends[end]
        except KeyError:
            sockets = ends[end] = self._read_sockets(axes, defaults, end)
        form = self._form
        return None if sockets is None else Seen(text, form.name, axes, sockets, form.lab)

    def _read_axes(self, text: str) -> tuple[Mapping[str, str], _Defaults, _Ends] | None:
        form = self._form
        name, *parts = text.split("/")
        given = dict[str, str]()
        for part in parts:
            key, _, value = part.partition(":")
            if key not in form.axes or value not in form.axes[key].axis.values:
                return None
            given[key] = value
        axes = dict[str, str]()
        for key, use in form.axes.items():
            chosen = given.get(key, use.default_in(given))
            if chosen is None:
                return None
            axes[key] = chosen
        if name != form.name or axes_text(form, axes) != text:
            return None
        defaults = tuple(use.default_in(axes) for use in form.socket_axes.values())
        return MappingProxyType(axes), defaults, self._ends.setdefault(defaults, {})

    def _read_sockets(
        self, axes: Mapping[str, str], defaults: _Defaults, text: str
    ) -> tuple[Socket, ...] | None:
        if not text or not self._form.socket_axes:
            return None if text or self._form.socket_axes else ()
        if text[0].isdecimal():
            return self._read_crowd(axes, defaults, text)
        parts = text.split("/")
        count = len(parts)
        if count > MOST_SOCKETS:
            return None
        known = self._parts.setdefault(defaults, {})
        sockets = []
        for name, part in zip(receiver_names(count), parts, strict=True):
            found = known.get(part)
            if found is None:
                own, colon, value = part.partition(":")
                found = known[part] = (own, self._socket(axes, defaults, value) if colon else None)
            if found[0] != name or found[1] is None:
                return None
            sockets.append(found[1])
        if count > LISTED_SOCKETS and sockets.count(sockets[0]) == count:
            return None
        return tuple(sockets)

    def _read_crowd(
        self, axes: Mapping[str, str], defaults: _Defaults, text: str
    ) -> tuple[Socket, ...] | None:
        crowd = _CROWD.fullmatch(text)
        if crowd is None or not LISTED_SOCKETS < int(crowd[1]) <= MOST_SOCKETS:
            return None
        socket = self._socket(axes, defaults, crowd[2])
        return None if socket is None else (socket,) * int(crowd[1])

    def _socket(self, axes: Mapping[str, str], defaults: _Defaults, text: str) -> Socket | None:
        form = self._form
        values: list[str | None] = list(text.split("."))
        values += defaults[len(values) :]
        chosen = []
        for (name, use), value in zip(form.socket_axes.items(), values, strict=False):
            if value is None or value not in use.axis.values:
                return None
            chosen.append((name, value))
        if len(values) != len(chosen):
            return None
        socket = Socket(chosen[0][1], chosen[1][1], tuple(chosen[2:]))
        return socket if socket_text(form, axes, socket) == text else None
