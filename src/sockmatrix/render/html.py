"""The matrix as one HTML page that loads nothing from elsewhere, and is readable without colours.

All text is made printable and then escaped by the template engine, whatever run file it is from. A page
with data has a script too (`page/*.js`): the files as they are, one after the other. Without data, and
without the script, the tables are the same.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import re
from collections import Counter
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, final

from sockmatrix import __version__
from sockmatrix.page.tables import Part, Shown
from sockmatrix.render.escape import printable
from sockmatrix.render.legend import legend, style
from sockmatrix.render.values import MISSING, Grid

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from markupsafe import Markup

    from sockmatrix.columns import Column
    from sockmatrix.page.build import Page
    from sockmatrix.page.timeline import Series
    from sockmatrix.render.beside import Comparison

_HERE = Path(__file__).parent / "page"

SCRIPTS = (
    *("unpack", "matrix", "pattern", "address", "element", "filter", "tables", "cell", "evidence"),
    *("documents", "rule", "program", "script", "compare", "heat", "toolbar", "main"),
)
"""The files of the script, each after those that it uses."""

_SYSTEM = ("platform", "build", "machine", "measured", "as", "network", "repetitions", "cells")

_LOOKS = {"green": "g", "cyan": "c", "blue": "b", "red": "r", "magenta": "m", "yellow": "y", "dim": "d"}
_KINDS = {"documented": "doc", "predicted": "pre", "none": "no", "differs": "see"}

_WIDEST = 160  # of the bars of a timeline


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


@dataclass(frozen=True, slots=True)
class _Sub:
    question: str
    parts: Sequence[Mapping[str, Any]]


@dataclass(slots=True)
class _Section:
    """A section as the template takes it."""

    id: str
    title: str
    question: str
    table: str = ""
    note: str = ""
    subs: list[_Sub] = field(default_factory=list)


def page(title: str, columns: Sequence[Column], sections: Sequence[Section], *notes: str) -> str:
    """Return a page of tables about some platforms, without a script."""
    shown = [_plain(at, one) for at, one in enumerate(sections, 1)]
    texts = (
        text for one in sections for _, grid in one.tables for _, cells in grid.rows for text in cells
    )
    return _render(title, columns, shown, texts, heading=title, notes=notes)


def whole(title: str, found: Page) -> str:
    """Return the page of the matrix, with its data and its script."""
    shown = _asked(found)
    texts = (
        cell.text
        for question in found.questions
        for part in question.parts
        for _, cells in part.rows
        for cell in cells
        if cell.kind in ("measured", "none", "predicted")
    )
    parts = Counter[str]()
    for question in found.questions:
        parts[question.table] += sum(len(part.rows) for part in question.parts if part.keys[0])
    return _render(
        title,
        found.columns,
        shown,
        texts,
        heading="Who hears it?",
        predicted=found.predicted,
        facts=_facts(found),
        answers=found.answers,
        series=[_series(one, found.columns, found.causes) for one in found.series],
        index=[
            {
                "id": one.id,
                "table": one.table,
                "short": _short(one.question),
                "parts": parts[one.table],
            }
            for one in shown
        ],
        data=found.data,
    )


def _facts(found: Page) -> list[tuple[str, str]]:
    many = len(found.columns)
    facts = [
        (f"{found.cells:,}", "cells"),
        (str(many), "platform measured" if many == 1 else "platforms measured"),
    ]
    kinds = Counter(one.kind for one in found.beside)
    facts += [(str(count), f"more as {kind}") for kind, count in kinds.items()]
    if many > 1:
        facts.append((f"{found.differing:,}", "cells in which platforms part"))
    return facts


_EXPORT = re.compile(r"(?m)^export (?:async )?(?:function\*?|const|class) (\w+)")


def script() -> str:
    """Return the script: its files as one module, each in a scope of its own."""
    return "\n".join(
        ["", *(_scope((_HERE / f"{name}.js").read_text(encoding="utf-8")) for name in SCRIPTS)]
    )


def _scope(text: str) -> str:
    names = ", ".join(_EXPORT.findall(text))
    body = re.sub(r"(?m)^import .*\n|^export ", "", text)
    return f"const {{ {names} }} = (() => {{\n{body}return {{ {names} }};\n}})();\n"


def _render(  # noqa: PLR0917 - what a page is made of
    title: str,
    columns: Sequence[Column],
    sections: Sequence[_Section],
    texts: Iterable[str],
    heading: str,
    notes: Sequence[str] = (),
    data: Mapping[str, str] | None = None,
    **more: Any,
) -> str:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    sheet = "\n" + (_HERE / "page.css").read_text(encoding="utf-8")
    code = script() if data else ""
    policy = ["default-src 'none'", f"style-src '{_hash(sheet)}'"]
    policy += [f"script-src '{_hash(code)}'"] * bool(data)
    values = Grid("", "", (), ("",), tuple(((), (text,)) for text in dict.fromkeys(texts)))
    templates = Environment(
        loader=FileSystemLoader(_HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=False
    )
    templates.filters["breakable"] = functools.partial(_breakable, _NAMES)
    templates.filters["narrow"] = functools.partial(_breakable, _PARTS)
    shown = templates.get_template("page.html.jinja").render(
        {
            "facts": (),
            "answers": (),
            "series": (),
            "index": (),
            "predicted": False,
            **more,
            "title": printable(title),
            "heading": printable(heading),
            "policy": "; ".join([*policy, "base-uri 'none'", "form-action 'none'"]),
            "style": sheet,
            "system_headers": _SYSTEM,
            "systems": [_system(column) for column in columns],
            "words": [(word, meaning, _LOOKS.get(style(word), "")) for word, meaning in legend([values])],
            "sections": sections,
            "notes": [printable(note, 10_000) for note in notes if note],
            "data": data or {},
            "script": code,
            "version": __version__,
        }
    )
    return shown.lstrip()


_NAMES = re.compile(r"(?<=[\w.]{3})(?:[_~-](?=\w)|\.(?=\d{3}|[a-z]))")
_PARTS = re.compile(r"[._~-](?=\w)")
"""Where a long word may be broken: a release, the name of an option; on a phone wherever it can be."""


def _breakable(places: re.Pattern[str], text: str) -> Markup:
    """Return a label that may be broken in some places."""
    from markupsafe import Markup, escape

    def broken(word: re.Match[str]) -> str:
        return places.sub(r"\g<0><wbr>", word[0])

    return Markup(re.sub(r"[\w.~-]{12,}", broken, str(escape(text))))  # noqa: S704 - it is escaped


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _plain(number: int, own: Section) -> _Section:
    """Return a section of a page without data."""
    parts = []
    for caption, grid in own.tables:
        rows = tuple(
            (
                tuple(map(printable, labels)),
                tuple(Shown(printable(text), style(text), _kind(text)) for text in cells),
            )
            for labels, cells in grid.rows
        )
        headings, columns = map(printable, grid.row_headers), tuple(map(printable, grid.columns))
        parts.append(Part(printable(caption), tuple(headings), columns, ("",) * len(columns), rows))
    shown = _Section(str(number), printable(own.title), printable(own.question or own.title))
    shown.note = printable(own.note)
    shown.subs.append(_Sub("", [_part(part, f"{number}-{at}") for at, part in enumerate(parts, 1)]))
    return shown


def _kind(text: str) -> str:
    return "none" if text == MISSING else "measured"


def _asked(found: Page) -> list[_Section]:
    """Return a section for each table of the matrix; the cases of a script table are within it."""
    kinds = {one.key: one.kind for one in found.beside}
    shown: dict[str, _Section] = {}
    for question in found.questions:
        own = shown.get(question.table)
        if own is None:
            own = _Section(question.table, question.table, question.question, question.table)
            shown[question.table] = own
        first = not own.subs
        parts: list[Mapping[str, Any]] = []
        for part in question.parts:
            identity = f"{question.table}-{len(own.subs) + 1}-{len(parts) + 1}"
            parts.append(_part(part, identity, kinds))
        if first and question.title != question.table:
            own.question = found.asked[question.table]
        own.subs.append(_Sub("" if question.title == question.table else question.question, parts))
    return list(shown.values())


def _part(part: Part, identity: str, kinds: Mapping[str, str] = MappingProxyType({})) -> dict[str, Any]:
    """Return a table as the template takes it; `kinds`: how columns are known that nobody measured."""
    return {
        "id": f"p-{identity}",
        "caption": part.caption,
        "headings": part.headings,
        "columns": [
            (name, key, kinds.get(key.partition(" ")[0], ""))
            for name, key in zip(part.columns, part.keys, strict=True)
        ],
        "rows": [(labels, [_cell(one) for one in cells]) for labels, cells in part.rows],
    }


def _cell(shown: Shown) -> dict[str, str]:
    classes = [_LOOKS.get(shown.look, ""), _KINDS.get(shown.kind, ""), "odd" * shown.odd]
    return {
        "text": shown.text,
        "classes": " ".join(filter(None, classes)),
        "cells": _ranges(shown.cells),
    }


def _ranges(numbers: Sequence[int]) -> str:
    """Return numbers of cells as the script reads them: "3 7-9"."""
    if not numbers:
        return ""
    ordered = sorted(numbers)
    breaks = [at for at, (one, other) in enumerate(pairwise(ordered), 1) if other != one + 1]
    runs = [ordered[start:end] for start, end in pairwise([0, *breaks, len(ordered)])]
    return " ".join(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs)


def _short(question: str) -> str:
    """Return the beginning of a question, up to its first colon if there is one."""
    text = question.partition(": ")[0] if len(question) > 90 else question
    return text if len(text) <= 90 else text[:89].rsplit(" ", 1)[0] + " …"


def _series(
    series: Series, columns: Sequence[Column], causes: Iterable[Mapping[str, Any]]
) -> dict[str, Any]:
    known = {cause["id"]: cause for cause in causes}
    most = max([1, *(step.changed for step in series.steps)])
    return {
        "kind": series.kind,
        "steps": [
            {
                "before": step.before,
                "after": step.after,
                "names": [printable(columns[at].name) for at in (step.before, step.after)],
                "changed": f"{step.changed:,}",
                "compared": f"{step.compared:,}",
                "width": max(int(step.changed > 0), round(_WIDEST * step.changed / most)),
                "tables": ", ".join(f"{name} {count:,}" for name, count in step.tables[:3])
                + (" …" if len(step.tables) > 3 else ""),
                "causes": [
                    {
                        "id": name,
                        "title": printable(known[name]["title"]),
                        "link": next(iter(known[name]["links"]), ""),
                        "count": f"{count:,}",
                    }
                    for name, count in step.causes
                ],
            }
            for step in series.steps
        ],
    }


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
