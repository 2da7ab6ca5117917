"""What a page shows, as one value: tables, answers, releases, and the data for its script."""

from __future__ import annotations

import base64
import zlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, final

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
from sockmatrix.page import (
    answers,
    beforehand,
    causes,
    compact,
    documents,
    learned,
    programs,
    scripts,
    timeline,
)
from sockmatrix.page.known import known
from sockmatrix.page.model import MODEL, NAME, predicted
from sockmatrix.page.speaking import Speaking, spoken_of
from sockmatrix.page.tables import Beside, Tables
from sockmatrix.render.escape import printable
from sockmatrix.render.legend import style
from sockmatrix.scenarios import addresses

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sockmatrix.cell import Cell
    from sockmatrix.claims.claim import Claim
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


@final
@dataclass(frozen=True, slots=True)
class Begun:
    """A page that was begun with the tables of a selection, whoever measured them.

    `places` are those of the `cells`, by id; `claims` those of the `book` that speak of cells; `aside` is
    what is worked out of all: data, packed, and the places of the cells that each claim speaks of.
    """

    selection: Selection
    cells: Sequence[Cell]
    places: Mapping[str, int]
    book: Book
    claims: Sequence[Claim]
    aside: Aside[tuple[dict[str, str], list[list[int]]]]


def begin(selection: Selection) -> Begun:
    """Begin a page, before runs are read. Raises TableError."""
    book = _book()
    claims = documents.order(book.claims.values())
    plans = selection.plans
    cells = [cell for plan in plans for cell in plan.cells]
    places = {cell.id: place for place, cell in enumerate(cells)}

    def work() -> tuple[dict[str, str], list[list[int]]]:
        compacted = [compact.Compact(plan) for plan in plans]
        data: dict[str, Any] = {
            "cells": [one.values() for one in compacted],
            "programs": programs.values(compacted),
            "scripts": scripts.values(plans),
            "documents": documents.values(claims),
        }
        if kept := beforehand.values(plans):
            data["beforehand"] = kept
        return _packed(data), spoken_of(claims, Coverage.of(plans), places)

    return Begun(selection, cells, places, book, claims, Aside(work))


def build(columns: Sequence[Column], begun: Begun, *, rules: bool = False, spoken: bool = True) -> Page:
    """Return the page about some columns that were measured.

    `rules`: with the rules that follow from the newest run, which takes many seconds; `spoken`: with
    columns of what documents say. Raises TableError.
    """
    plans, book, cells, places = begun.selection.plans, begun.book, begun.cells, begun.places
    columns = timeline.in_order(columns)
    told = known(cells, columns)
    data, spoken_places = begun.aside.result()
    speaking = Speaking(begun.claims, spoken_places, cells, places)
    work = Aside(partial(_judged, begun, told, speaking, rules=rules))
    asked = [(plan, tuple(labelled(plan))) for plan in plans]
    shown = {cell.id for _, own in asked for one in own for _, row in one.rows for cell in row.values()}
    said = documented(book.claims.values(), plans, columns, shown) if spoken else Documented()
    model = predicted(plans, shown, told, places)
    beside = _beside(said.columns, model)
    tables = Tables(told, beside, said.otherwise, model, places)
    questions = [one for plan, own in asked for one in tables.questions(plan.table.name, own)]
    runs = [column.run for column in columns if column.run]
    by_name = {plan.table.name: plan.table for plan in plans}
    found = tuple(answers.answers(runs, book.claims.values(), by_name, speaking.speaks))
    judged = work.result()
    core = _core(told, plans, beside, judged.series) | {"predicted": _numbered(model, places)}
    return Page(
        tuple(columns),
        beside,
        bool(model),
        len(cells),
        len(told.differing),
        {plan.table.name: printable(plan.table.question, 2000) for plan in plans},
        tuple(questions),
        found,
        judged.series,
        judged.causes,
        data | _packed({"core": core}) | judged.data,
    )


class _Judged(NamedTuple):
    """What follows from what was measured, for a page; `data` is packed."""

    data: dict[str, str]
    series: tuple[timeline.Series, ...]
    causes: tuple[Mapping[str, Any], ...]


def _judged(begun: Begun, told: KnownColumns, speaking: Speaking, *, rules: bool) -> _Judged:
    plans = begun.selection.plans
    coverage = Coverage.of(plans)
    runs = [column.run for column in told.columns if column.run]
    why = causes.values(changes.load(), plans, coverage, told, begun.places) if len(runs) > 1 else []
    data = {
        "causes": causes.packed(why),
        "evidence": told.evidence(),
        "verdicts": speaking.values(told, coverage),
    }
    if rules and runs:
        name, run = timeline.newest(told.columns)
        data["rules"] = learned.values(printable(name), run, plans)
    return _Judged(_packed(data), timeline.series(runs, begun.cells, told, why), tuple(why))


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
    return base64.b64encode(zlib.compress(msgspec.json.encode(value), 8)).decode()


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
    axes = compact.vocabulary(plan.table for plan in plans)
    return {
        "platforms": [_platform(column) for column in told.columns],
        "beside": [[one.key, one.name, one.kind] for one in beside],
        "columns": told.packed(),
        "agreeing": told.packed_agreeing(),
        "outcomes": [[one.headline, one.word, one.look, int(one.silent)] for one in told.outcomes],
        "questions": {plan.table.name: plan.table.question for plan in plans},
        "axes": axes,
        "own_words": compact.own_words((plan.table for plan in plans), axes),
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
