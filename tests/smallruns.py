"""Run files of the small matrix as platforms of `miniatures` would have them, each made once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import fakes
import smallmatrix

from sockmatrix import collect, pattern
from sockmatrix.runfile import Footer
from sockmatrix.runwriter import RunWriter

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from pathlib import Path

    from sockmatrix.runfile import CellLine
    from sockmatrix.selection import Selection

_LINES: dict[tuple[str, int], Mapping[str, CellLine]] = {}


def lines(whole: Selection, by: fakes.Platform) -> Mapping[str, CellLine]:
    """Return all cells of the small matrix as a platform has them, by id."""
    key = by.name, len(whole.cells)
    if key not in _LINES:
        _LINES[key] = {line.id: line for line in collect.lines(smallmatrix.block(whole, by))}
    return _LINES[key]


def write(
    path: Path,
    whole: Selection,
    by: fakes.Platform = fakes.LAST,
    *,
    where: str = "",
    then: fakes.Platform = fakes.EVERYTHING,
    release: str = "6.12.1",
    stack: str = "linux",
    only: Collection[str] | None = None,
    more: Iterable[CellLine] = (),
    ended: str = "complete",
) -> Path:
    """Write a run: of `only` some cells, those that the pattern `where` matches as on another platform.

    An interrupted one lacks the last ten cells.
    """
    wanted = pattern.parse(where) if where else None
    cells = [cell for cell in whole.cells if only is None or cell.id in only]
    kept = cells if ended == "complete" else cells[:-10]
    found = [lines(whole, then if wanted and wanted.matches(cell) else by)[cell.id] for cell in kept]
    hello = {
        **fakes.HELLO,
        "platform": {**fakes.HELLO["platform"], "release": release, "stack": stack},
    }
    versions = {plan.table.name: plan.table.version for plan in whole.plans}
    more = list(more)
    head = fakes.header(hello, tables=versions, planned=len(cells) + len(more))
    with RunWriter.create(path, head) as writer:
        writer.write([*found, *more])
        writer.finish(Footer(ended="complete" if ended == "complete" else "interrupted"))
    return path
