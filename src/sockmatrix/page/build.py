"""What a page shows, as one value: tables, answers, releases, and the data for its script."""

from __future__ import annotations

import base64
import zlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final

import msgspec

from sockmatrix import changes, content
from sockmatrix.aside import Aside
from sockmatrix.axis import addresses_in_words
from sockmatrix.claims import systems
from sockmatrix.claims.book import DIRECTORY, load
from sockmatrix.claims.claim import Book
from sockmatrix.claims.cover import Coverage
from sockmatrix.columns import Said
from sockmatrix.documented import Documented, documented
from sockmatrix.grids import labelled
from sockmatrix.page import answers, causes, compact, documents, learned, programs, timeline
from sockmatrix.page.known import known
from sockmatrix.page.model import MODEL, NAME, predicted
from sockmatrix.page.speaking import Speaking
from sockmatrix.page.tables import Beside, Tables
from sockmatrix.render.escape import printable
from sockmatrix.render.legend import style
from sockmatrix.scenarios import addresses

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sockmatrix.columns import Column
    from sockmatrix.page.known import KnownColumns
    from sockmatrix.page.tables import Question
    from sockmatrix.plan import Plan
    from sockmatrix.selection import Selection


@final
@dataclass(frozen=True, slots=True)
class Page:
    """A page about platforms. `data`: what its script reads, by name, deflated and in base64.

    `asked`: the question of each table; `beside`: what nobody measured; `predicted`: whether tables show
    what the model says.
    """

    columns: tuple[Column, ...]
    beside: tuple[Beside, ...]
    predicted: bool
    cells: int
    differing: int
    asked: Mapping[str, str]
    questions: tuple[Question, ...]
    answers: tuple[answers.Answer, ...]
    series: tuple[timeline.Series, ...]
    causes: tuple[Mapping[str, Any], ...]
    data: Mapping[str, str]


def begin(selection: Selection) -> Aside[dict[str, str]]:
    """Begin to pack what a page says of the tables of a selection, whoever measured them."""

    def cells_and_programs() -> dict[str, str]:
        compacted = [compact.Compact(plan) for plan in selection.plans]
        return _packed(
            {"cells": [one.values() for one in compacted], "programs": programs.values(compacted)}
        )

    return Aside(cells_and_programs)


def build(
    columns: Sequence[Column],
    selection: Selection,
    begun: Aside[dict[str, str]] | None = None,
    *,
    rules: bool = False,
    spoken: bool = True,
) -> Page:
    """Return the page about some columns that were measured, and the tables of a selection.

    `begun`: that selection's; `rules`: with the rules that follow from the newest run, which takes many
    seconds; `spoken`: with columns of what documents say. Raises TableError.
    """
    begun = begun or begin(selection)
    plans = selection.plans
    columns = timeline.in_order(columns)
    cells = [cell for plan in plans for cell in plan.cells]
    places = {cell.id: place for place, cell in enumerate(cells)}
    runs = [column.run for column in columns if column.run]
    told = known(cells, columns)
    by_name = {plan.table.name: plan.table for plan in plans}

    def evidence() -> tuple[dict[str, str], tuple[answers.Answer, ...]]:
        book = _book()
        claims = documents.order(book.claims.values())
        speaking = Speaking(claims, Coverage.of(plans), places)
        data = {
            "evidence": told.evidence(),
            "documents": documents.values(claims),
            "verdicts": speaking.values(told),
        }
        if rules and columns:
            newest = timeline.newest(columns)
            data["rules"] = learned.values(printable(newest[0]), newest[1], plans)
        found = answers.answers(runs, book.claims.values(), by_name, speaking.speaks)
        return _packed(data), tuple(found)

    beside_it = Aside(evidence)
    asked = [(plan, tuple(labelled(plan))) for plan in plans]
    shown = {cell.id for _, own in asked for one in own for _, row in one.rows for cell in row.values()}
    said = documented(_book().claims.values(), plans, columns, shown) if spoken else Documented()
    model = predicted(plans, shown, told, places)
    beside = _beside(said.columns, model)
    why = causes.values(changes.load(), plans, Coverage.of(plans), told, places) if len(runs) > 1 else []
    steps = timeline.series(runs, cells, told, why)
    tables = Tables(told, beside, said.otherwise, model, places)
    questions = [one for plan, own in asked for one in tables.questions(plan.table.name, own)]
    core = _core(told, plans, beside, steps) | {"predicted": _numbered(model, places)}
    data = _packed({"core": core, "causes": causes.packed(why)})
    more, found = beside_it.result()
    return Page(
        tuple(columns),
        beside,
        bool(model),
        len(cells),
        len(told.differing),
        {plan.table.name: printable(plan.table.question, 2000) for plan in plans},
        tuple(questions),
        found,
        steps,
        tuple(why),
        begun.result() | data | more,
    )


def _book() -> Book:
    """Return the claims; a matrix may have none."""
    if (content.matrix() / DIRECTORY).is_dir():
        return load()
    return Book({}, {}, ())


def _packed(data: Mapping[str, Any]) -> dict[str, str]:
    with ThreadPoolExecutor() as pool:  # what deflates lets others run
        return dict(zip(data, pool.map(pack, data.values()), strict=True))


def pack(value: Any) -> str:
    """Return a JSON value deflated, in base64."""
    return base64.b64encode(zlib.compress(msgspec.json.encode(value), 7)).decode()


def _beside(columns: Sequence[Column], model: Mapping[int, Mapping[str, str]]) -> tuple[Beside, ...]:
    """Return the columns of what nobody measured: of Linux as the model has it, and of documents."""
    keys = {systems.words(key): key for key in systems.SYSTEMS}
    found = [Beside("model", NAME, "predicted", model[MODEL])] if MODEL in model else []
    for column in columns:
        texts = {name: one.plain for name, one in column.cells.items() if isinstance(one, Said)}
        found.append(Beside(keys[column.name], column.name, "documented", texts))
    return tuple(found)


def _numbered(model: Mapping[int, Mapping[str, str]], places: Mapping[str, int]) -> list[list[Any]]:
    """Return what is predicted as [number of the column, of the cell, text, colour]."""
    return [
        [at, places[name], text, style(text)] for at, own in model.items() for name, text in own.items()
    ]


def _core(
    told: KnownColumns,
    plans: Sequence[Plan],
    beside: Sequence[Beside],
    series: Sequence[timeline.Series],
) -> dict[str, Any]:
    words = addresses_in_words()
    return {
        "platforms": [_platform(column) for column in told.columns],
        "beside": [[one.key, one.name, one.kind] for one in beside],
        "columns": told.packed(),
        "agreeing": told.packed_agreeing(),
        "outcomes": [[one.headline, one.word, one.look, int(one.silent)] for one in told.outcomes],
        "questions": {plan.table.name: plan.table.question for plan in plans},
        "axes": compact.vocabulary(plan.table for plan in plans),
        "classes": {symbol: addresses.class_of(symbol) for symbol in words},
        "wildcards": sorted(addresses.WILDCARDS),
        "series": [[one.kind, list(one.columns)] for one in series],
        "systems": systems.SYSTEMS,
    }


def _platform(column: Column) -> dict[str, Any]:
    if column.run is None:
        return {"name": printable(column.heading), "system": "", "release": ""}
    platform = column.run.header.platform
    return {
        "name": printable(column.heading),
        "system": systems.system(platform),
        "release": printable(platform.version),
        "repeat": column.run.header.repeat,
    }
