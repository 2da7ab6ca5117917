"""Read ids of cells by the thousand: what parse_id of `cell.py` says, ten times as fast.

Ids of a table have few beginnings (the axes) and few ends (the sockets) in many combinations: each is
looked at once.
"""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import TYPE_CHECKING, final

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

_SOCKETS = re.compile(r"/(?=[A-Z]{1,2}:|[1-9][0-9]*x:)")
_CROWD = re.compile(r"([1-9][0-9]{0,3})x:([^/]*)")

_Defaults = tuple[str | None, ...]


@final
class IdReader:
    """Reads ids of one table, or of one case of a script table; then without what the roles do."""

    def __init__(self, form: Form) -> None:
        self._form = form
        self._axes: dict[str, tuple[Mapping[str, str], _Defaults] | None] = {}
        self._ends: dict[tuple[_Defaults, str], tuple[Socket, ...] | None] = {}
        self._known: dict[tuple[_Defaults, str], Socket | None] = {}

    def read(self, text: str) -> Cell | None:
        """Return the cell with this id, None if it is none of this form or not how it is written."""
        form = self._form
        at = _SOCKETS.search(text)
        start, end = (text, "") if at is None else (text[: at.start()], text[at.end() :])
        if start not in self._axes:
            self._axes[start] = self._read_axes(start)
        found = self._axes[start]
        if found is None or bool(end) is not bool(form.socket_axes):
            return None
        axes, defaults = found
        key = defaults, end
        if key not in self._ends:
            self._ends[key] = self._read_sockets(axes, defaults, end) if end else ()
        sockets = self._ends[key]
        if sockets is None:
            return None
        return Cell(text, form.name, axes, sockets, form.version, form.lab)

    def _read_axes(self, text: str) -> tuple[Mapping[str, str], _Defaults] | None:
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
        return MappingProxyType(axes), defaults

    def _read_sockets(
        self, axes: Mapping[str, str], defaults: _Defaults, text: str
    ) -> tuple[Socket, ...] | None:
        crowd = _CROWD.fullmatch(text)
        if crowd:
            count, texts = int(crowd[1]), [crowd[2]]
            if not LISTED_SOCKETS < count <= MOST_SOCKETS:
                return None
        else:
            parts = [part.partition(":") for part in text.split("/")]
            texts = [own for _, _, own in parts]
            count = len(parts)
            alike = count > LISTED_SOCKETS and texts.count(texts[0]) == count
            if alike or count > MOST_SOCKETS:
                return None
            if tuple(name for name, _, _ in parts) != receiver_names(count):
                return None
        sockets = []
        for own in texts:
            if (defaults, own) not in self._known:
                self._known[defaults, own] = self._socket(axes, defaults, own)
            socket = self._known[defaults, own]
            if socket is None:
                return None
            sockets.append(socket)
        return tuple(sockets) * (count if crowd else 1)

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
