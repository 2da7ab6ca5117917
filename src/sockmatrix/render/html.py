"""The matrix as one HTML page: no script, nothing loaded from elsewhere, readable without colours.

All text is made printable and then escaped by the template engine, whatever run file it is from.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, final

from sockmatrix import __version__
from sockmatrix.render.escape import printable
from sockmatrix.render.legend import legend, style

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sockmatrix.columns import Column
    from sockmatrix.render.beside import Comparison
    from sockmatrix.render.values import Grid

_HERE = Path(__file__).parent
_TEMPLATE = "page.html.jinja"
_STYLE = "page.css"

_SYSTEM = ("platform", "build", "machine", "measured", "as", "network", "repetitions", "cells")


@final
@dataclass(frozen=True, slots=True)
class Section:
    """A question with its tables, each with a caption, and a note below them."""

    title: str
    question: str
    tables: tuple[tuple[str, Grid], ...]
    note: str = ""


def section(grid: Grid, caption: str) -> Section:
    """Return a section of a single table."""
    return Section(grid.title, grid.question, ((caption, grid),) if grid.rows else (), "")


def compared(comparison: Comparison, *, everything: bool = False) -> Section:
    """Return the section of a question that was asked on several platforms."""
    parted, same = comparison.parted, comparison.same
    tables = [("on each platform" if everything else "where platforms part", parted)] * bool(parted.rows)
    if same:
        tables.append((comparison.note.rstrip(":"), same))
    note = "" if same else comparison.note
    return Section(parted.title, parted.question, tuple(tables), note)


def page(title: str, columns: Sequence[Column], sections: Sequence[Section], *notes: str) -> str:
    """Return a page about some platforms."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    sheet = "\n" + (_HERE / _STYLE).read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(sheet.encode()).digest()).decode()
    templates = Environment(loader=FileSystemLoader(_HERE), autoescape=True, undefined=StrictUndefined)
    return templates.get_template(_TEMPLATE).render(
        title=printable(title),
        style=sheet,
        style_hash=f"sha256-{digest}",
        system_headers=_SYSTEM,
        systems=[_system(column) for column in columns],
        words=[(word, meaning, style(word)) for word, meaning in legend(_grids(sections))],
        sections=[_section(one) for one in sections],
        notes=[printable(note, 10_000) for note in notes if note],
        version=__version__,
    )


def _grids(sections: Sequence[Section]) -> list[Grid]:
    return [grid for one in sections for _, grid in one.tables]


def _section(own: Section) -> dict[str, object]:
    return {
        "title": printable(own.title),
        "question": printable(own.question),
        "tables": [
            {
                "caption": printable(caption),
                "headers": [printable(name) for name in (*grid.row_headers, *grid.columns)],
                "rows": [_row(*row) for row in grid.rows],
            }
            for caption, grid in own.tables
        ],
        "note": printable(own.note),
    }


def _row(labels: Sequence[str], cells: Sequence[str]) -> tuple[list[str], list[tuple[str, str]]]:
    return [printable(text) for text in labels], [(printable(text), style(text)) for text in cells]


def _system(column: Column) -> list[str]:
    """Return what is known of a platform, a text for each of `_SYSTEM`."""
    if column.run is None:
        return [printable(column.heading), *[""] * (len(_SYSTEM) - 1)]
    run, header = column.run, column.run.header
    platform = header.platform
    machine = [platform.arch, *filter(None, [platform.virtualisation, platform.runner])]
    private = header.lab.kind == "private"
    cells = f"{len(run.cells)} of {header.planned}" + ("" if run.complete else ": incomplete")
    texts = [
        column.heading,
        platform.build or platform.release,
        ", ".join(machine),
        header.started,
        platform.privileges,
        "a private one" if private else "the host's own",
        str(header.repeat),
        cells,
    ]
    return [printable(text) for text in texts]
