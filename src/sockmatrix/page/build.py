"""What a page shows, as one value: tables, answers, releases, and the data for its script."""

from __future__ import annotations

import base64
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final

import msgspec

from sockmatrix import changes, content
from sockmatrix.axis import addresses_in_words
from sockmatrix.claims import claim, systems
from sockmatrix.claims.cover import Coverage
from sockmatrix.grids import labelled
from sockmatrix.page import answers, causes, compact, documents, learned, programs, timeline
from sockmatrix.page.known import known
from sockmatrix.page.tables import Documented, Tables
from sockmatrix.plan import Plan
from sockmatrix.render.escape import printable
from sockmatrix.scenarios import addresses

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sockmatrix.columns import Column
    from sockmatrix.grids import Labelled
    from sockmatrix.page.known import KnownColumns
    from sockmatrix.page.tables import Question
    from sockmatrix.runfile import Run
    from sockmatrix.selection import Selection


@final
@dataclass(frozen=True, slots=True)
class Page:
    """A page about platforms. `data`: what its script reads, by name, deflated and in base64.

    `asked`: the question of each table.
    """

    columns: tuple[Column, ...]
    documented: tuple[Documented, ...]
    cells: int
    differing: int
    asked: Mapping[str, str]
    questions: tuple[Question, ...]
    answers: tuple[answers.Answer, ...]
    series: tuple[timeline.Series, ...]
    causes: tuple[Mapping[str, Any], ...]
    data: Mapping[str, str]


def build(columns: Sequence[Column], selection: Selection, *, rules: bool = False) -> Page:
    """Return the page about some columns that were measured, and the tables of a selection.

    `rules`: with the rules that follow from the newest run, which takes many seconds. Raises TableError.
    """
    plans = selection.plans
    columns = timeline.in_order(columns)
    cells = [cell for plan in plans for cell in plan.cells]
    places = {cell.id: place for place, cell in enumerate(cells)}
    runs = [column.run for column in columns if column.run]
    told = known(cells, columns)
    book = _book()
    claims = documents.order(book.claims.values())
    asked = [(plan, tuple(labelled(plan))) for plan in plans]
    spoken = _documented(asked, claims, runs)
    coverage = Coverage.of(plans)
    platforms = [run.header.platform for run in runs]
    why = causes.values(changes.load(), platforms, coverage, told, places) if len(runs) > 1 else []
    steps = timeline.series(runs, cells, told, why)
    tables = Tables(told, spoken, places)
    by_name = {plan.table.name: plan.table for plan in plans}
    data: dict[str, Any] = {
        "cells": compact.tables(plans),
        "core": _core(told, plans, spoken, steps),
        "evidence": {
            "facets": [one.facets for one in told.outcomes],
            "sentences": [one.sentence for one in told.outcomes],
        },
        "documents": documents.values(claims),
        "causes": why,
        "programs": programs.values(plans),
    }
    if rules and columns:
        newest = timeline.newest(columns)
        data["rules"] = learned.values(printable(newest[0]), newest[1], plans)
    return Page(
        tuple(columns),
        spoken,
        len(cells),
        len(told.differing),
        {plan.table.name: printable(plan.table.question, 2000) for plan in plans},
        tuple(one for plan, own in asked for one in tables.questions(plan.table.name, own)),
        tuple(answers.answers(runs, book.claims.values(), by_name)),
        steps,
        tuple(why),
        {name: pack(value) for name, value in data.items()},
    )


def _book() -> claim.Book:
    """Return the claims; a matrix may have none."""
    if (content.matrix() / claim.DIRECTORY).is_dir():
        return claim.load()
    return claim.Book({}, {}, ())


def pack(value: Any) -> str:
    """Return a JSON value deflated, in base64."""
    return base64.b64encode(zlib.compress(msgspec.json.encode(value), 9)).decode()


def _documented(
    asked: Sequence[tuple[Plan, Sequence[Labelled]]],
    claims: Sequence[claim.Claim],
    runs: Sequence[Run],
) -> tuple[Documented, ...]:
    """Return the columns of systems that there is no run of and that documents speak of."""
    measured = {systems.system(run.header.platform) for run in runs}
    wanted = [name for name in documents.SHOWN if name not in measured]
    shown = [
        Plan(plan.table, tuple(cell for own in some for _, row in own.rows for cell in row.values()), ())
        for plan, some in asked
    ]
    found = documents.documented(claims, shown, wanted)
    return tuple(Documented(name, systems.words(name), told) for name, told in found.items())


def _core(
    told: KnownColumns,
    plans: Sequence[Plan],
    spoken: Sequence[Documented],
    series: Sequence[timeline.Series],
) -> dict[str, Any]:
    words = addresses_in_words()
    return {
        "platforms": [_platform(column) for column in told.columns],
        "documented": [[one.key, one.name] for one in spoken],
        "columns": told.packed(),
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
