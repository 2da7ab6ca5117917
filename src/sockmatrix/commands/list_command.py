"""`sockmatrix list`: the tables, their questions, their blocks, their cells, and what a cell does."""

from __future__ import annotations

import itertools
import json
from typing import TYPE_CHECKING

from sockmatrix.cli import UsageError
from sockmatrix.commands.options import add_selection, examples, selected
from sockmatrix.exitcode import ExitCode
from sockmatrix.script.writer import write
from sockmatrix.selection import SelectionError, look_up

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Mapping

    from sockmatrix.cell import AxisUse, Cell
    from sockmatrix.plan import Plan
    from sockmatrix.selection import Selection
    from sockmatrix.table import Table


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this command."""
    parser.add_argument(
        "ids", nargs="*", metavar="ID", help="say what is done in this cell, step by step"
    )
    add_selection(parser)
    parser.add_argument("--cells", action="store_true", help="print the ids of the cells")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.epilog = examples(
        ("sockmatrix list", "the tables and how many cells each block has"),
        ("sockmatrix list --cells --only 'dest=lobcast every.bind=any4'", "ids of some cells"),
        ("sockmatrix list fan-out/dest:if4/A:any4.addr/B:if4.none", "what is done in a cell"),
    )


def main(arguments: argparse.Namespace) -> ExitCode:
    """Print what was asked for."""
    if arguments.ids:
        return _cells(arguments)
    selection = selected(arguments)
    if arguments.json:
        print(json.dumps(_value(selection, cells=arguments.cells), indent=1))
    elif arguments.cells:
        for cell in selection.cells:
            print(cell.id)
    else:
        _print(selection)
    return ExitCode.EXPECTED


def _cells(arguments: argparse.Namespace) -> ExitCode:
    """Print single cells."""
    if arguments.table or arguments.only or arguments.cells:
        raise UsageError("ID goes without --table, --only and --cells")
    try:
        found = [look_up(text) for text in arguments.ids]
    except SelectionError as error:
        raise UsageError(str(error)) from error
    if arguments.json:
        print(json.dumps([_cell_value(table, cell) for table, cell in found], indent=1))
        return ExitCode.EXPECTED
    for table, cell in found:
        print(cell.id)
        for line in _words(table, cell):
            print(f"  {line}")
        print(f"  lab: {cell.lab}\n")
        for line in write(table.scenario.steps(cell)):
            print(f"    {line}")
        print()
    return ExitCode.EXPECTED


def _words(table: Table, cell: Cell) -> Iterator[str]:
    """Yield the values of a cell in words."""
    for name, value in cell.axes.items():
        yield _word(table.axes[name], value)
    for who, socket in zip(cell.receivers, cell.sockets, strict=True):
        values = {name: socket.get(name) for name in table.socket_axes}
        yield f"{who} " + ", ".join(
            _word(table.socket_axes[name], value) for name, value in values.items()
        )


def _word(use: AxisUse, value: str) -> str:
    return f"{use.axis.title}: {use.axis.values[value]}"


def _cell_value(table: Table, cell: Cell) -> Mapping[str, object]:
    return {
        "id": cell.id,
        "table": table.name,
        "version": cell.version,
        "lab": cell.lab,
        "axes": dict(cell.axes),
        "sockets": [{name: one.get(name) for name in table.socket_axes} for one in cell.sockets],
        "steps": table.scenario.steps(cell),
    }


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
                for block, count in zip(plan.table.parts, _counts(plan, ids), strict=True)
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
        for block, count in zip(plan.table.parts, counts, strict=True):
            if count:
                print(f"  {count:>7}  {block.about}")
        print()
    print(f"{len(selection.cells)} cells; --cells prints their ids")
