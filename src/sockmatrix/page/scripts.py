"""What the processes of a script table do: its scripts with their gaps, and each operation in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sockmatrix import narrative
from sockmatrix.axis import CASE, addresses_in_words
from sockmatrix.script.compiler import lines, operations
from sockmatrix.script.writer import operation_text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sockmatrix.plan import Plan


def values(plans: Iterable[Plan]) -> dict[str, Any]:
    """Return the scripts of tables as a JSON value.

    `tables`: by name, the scripts of its `cases`, and what each value of an axis `does` in them. `words`:
    of each operation by its text, `sends`: of those of the staged sender; `places`: where a process is.
    `forms`: how `write` writes an operation, where that is not its text; "S " before those of the sender.
    """
    scripted = [plan for plan in plans if plan.table.cases]
    teller = narrative.Teller(addresses_in_words())
    words: dict[str, str] = {}
    sends: dict[str, str] = {}
    forms: dict[str, str] = {}
    for line in {line for plan in scripted for cell in plan.cells for line in cell.script.split("\n")}:
        for text, staged, operation in operations(line):
            if staged:
                sends[text] = teller.said(operation)
            else:
                words[text] = teller.done(operation)
            form = operation_text(operation, staged=staged)
            if form != text:
                forms[f"S {text}" if staged else text] = form
    return {
        "tables": {
            plan.table.name: {
                "cases": {case.name: "\n".join(lines(case.steps)).strip() for case in plan.table.cases},
                "does": {name: use.axis.does for name, use in plan.table.axes.items() if name != CASE},
            }
            for plan in scripted
        },
        "words": dict(sorted(words.items())),
        "sends": dict(sorted(sends.items())),
        "forms": dict(sorted(forms.items())),
        "places": narrative.PLACES,
    }
