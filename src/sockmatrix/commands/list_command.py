"""`sockmatrix list`: the tables, their questions, their blocks, their cells."""

from __future__ import annotations

import itertools
import json
from typing import TYPE_CHECKING

from sockmatrix.commands.options import add_selection, examples, selected
from sockmatrix.exitcode import ExitCode

if TYPE_CHECKING:
    import argparse

    from sockmatrix.plan import Plan
    from sockmatrix.selection import Selection


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this command."""
    add_selection(parser)
    parser.add_argument("--cells", action="store_true", help="print the ids of the cells")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.epilog = examples(
        ("sockmatrix list", "the tables and how many cells each block has"),
        ("sockmatrix list --cells --only 'dest=lobcast every.bind=any4'", "ids of some cells"),
    )


def main(arguments: argparse.Namespace) -> ExitCode:
    """Print what was asked for."""
    selection = selected(arguments)
    if arguments.json:
        print(json.dumps(_value(selection, cells=arguments.cells), indent=1))
    elif arguments.cells:
        for cell in selection.cells:
            print(cell.id)
    else:
        _print(selection)
    return ExitCode.EXPECTED


def _counts(plan: Plan, ids: frozenset[str]) -> list[int]:
    """Return how many cells with these ids each block of a table adds."""
    cells = iter(plan.cells)
    return [sum(cell.id in ids for cell in itertools.islice(cells, count)) for count in plan.counts]


def _value(selection: Selection, *, cells: bool) -> object:
    ids = selection.ids
    return [
        {
            "table": plan.table.name,
            "question": plan.table.question,
            "scenario": plan.table.scenario.name,
            "version": plan.table.version,
            "lab": plan.table.lab,
            "blocks": [
                {"about": block.about, "cells": count}
                for block, count in zip(plan.table.blocks, _counts(plan, ids), strict=True)
            ],
            "cells": [cell.id for cell in plan.cells if cell.id in ids]
            if cells
            else sum(cell.id in ids for cell in plan.cells),
        }
        for plan in selection.plans
    ]


def _print(selection: Selection) -> None:
    ids = selection.ids
    for plan in selection.plans:
        counts = _counts(plan, ids)
        whole = sum(counts) == len(plan.cells)
        cells = f"{sum(counts)} cells" if whole else f"{sum(counts)} of {len(plan.cells)} cells"
        print(f"{plan.table.name}: {cells}\n  {plan.table.question}")
        for block, count in zip(plan.table.blocks, counts, strict=True):
            if count:
                print(f"  {count:>7}  {block.about}")
        print()
    print(f"{len(selection.cells)} cells; --cells prints their ids")
