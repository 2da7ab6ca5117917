"""What is known, flat: one row for a cell and a column, for machines that read on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec

from sockmatrix.cell import receiver_names
from sockmatrix.columns import NOT_MEASURED, Said, text_of, word_of
from sockmatrix.outcome import Outcome
from sockmatrix.render.escape import printable
from sockmatrix.runformat import CellLine
from sockmatrix.script.compiler import labels

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sockmatrix.cell import Cell
    from sockmatrix.columns import Column, Known

NAMES = ("cell", "table", "version", "platform", "kind", "word", "headline", "outcome", "claims")
"""The names in a row, in their order."""

Row: TypeAlias = tuple[dict[str, Any], ...]
"""A row in parts: of the cell, the column, and what is known. Rows share them (`render/data.py`)."""

_encode = msgspec.json.Encoder(order="deterministic").encode

_LONGEST = 8000
"""Characters: no note and no reason in a run file is as long, so none is cut."""


def rows(cells: Sequence[Cell], columns: Sequence[Column]) -> Iterator[Row]:
    """Yield a row for each of some cells and columns, of documented ones only where a document speaks.

    `word` and `headline` as in tables; `outcome` are the facets as a run file has them, None where
    the cell was not measured; `claims` the ids of the claims that say so, None for what was measured.
    """
    knowing = [
        (
            column.kept,
            column.versions,
            column.kind == "documented",
            {"platform": printable(column.name), "kind": column.kind},
        )
        for column in columns
    ]
    told: dict[object, dict[str, Any]] = {}
    for cell in cells:
        owns: dict[int, dict[str, Any]] = {}
        order = labels(cell.script) if cell.script else None
        for known_cells, versions, documented, whose in knowing:
            known = known_cells.get(cell.id)
            if known is None and documented:
                continue
            version = versions.get(cell.id, cell.version)
            own = owns.get(version)
            if own is None:
                own = owns[version] = {"cell": cell.id, "table": cell.table, "version": version}
            # The columns keep what is known, so that no other thing gets its id.
            key = id(known), order
            if key not in told:
                told[key] = _told(cell, known)
            yield own, whose, told[key]


def _told(cell: Cell, known: Known | None) -> dict[str, Any]:
    said = known if isinstance(known, Said) else None
    return {
        "word": word_of(known),
        "headline": _headline(cell, known),
        "outcome": facets(known),
        "claims": said and list(said.claims),
    }


def _headline(cell: Cell, known: Known | None) -> str:
    if known is None:
        return NOT_MEASURED
    return known.plain if isinstance(known, Said) else text_of(cell, known)


def facets(known: Known | None) -> dict[str, Any] | None:
    """Return the facets of an outcome as a run file has them, made printable; None for words alone."""
    if not isinstance(known, Outcome):
        return None
    found: dict[str, Any] = msgspec.json.decode(facets_text(known))
    return found


def facets_text(outcome: Outcome) -> str:
    """Return the same as JSON."""
    text = _encode(outcome.outcome if isinstance(outcome, CellLine) else outcome).decode()
    if text.isprintable() and "\\u" not in text:  # nearly always
        return text
    return _encode(_printable(msgspec.json.decode(text))).decode()


def axes_of(cell: Cell) -> dict[str, str]:
    """Return the axes of a cell as patterns name them: dest, A.bind, A.reuse, ..."""
    found = dict(cell.axes)
    for name, socket in zip(receiver_names(len(cell.sockets)), cell.sockets, strict=True):
        found[f"{name}.bind"], found[f"{name}.reuse"] = socket.bind, socket.reuse
        found.update((f"{name}.{axis}", value) for axis, value in socket.further)
    return found


def facts(column: Column) -> dict[str, Any]:
    """Return what a column is: its name, how it is known, and who measured what, where and when."""
    about: dict[str, Any] = {"platform": printable(column.name), "kind": column.kind}
    if column.run is None:
        return about
    run, header = column.run, column.run.header
    system = {name: printable(str(value)) for name, value in msgspec.to_builtins(header.platform).items()}
    return {
        **about,
        "system": system,
        "lab": header.lab.kind,
        "tool": header.tool,
        "probe": header.probe.sha256,
        "started": header.started,
        "repeat": header.repeat,
        "measured": len(run.cells),
        "planned": header.planned,
        "complete": run.complete,
    }


def _printable(value: Any) -> Any:
    """Return a JSON value whose texts a terminal may see."""
    if isinstance(value, str):
        return printable(value, _LONGEST)
    if isinstance(value, dict):
        return {key: _printable(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_printable(one) for one in value]
    return value
