"""The rules that follow from a run, for a page: in words, and for each cell those that decide it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sockmatrix.page.compact import Numbered
from sockmatrix.rules.decision import learn, rule_for
from sockmatrix.rules.units import ALLOWED, THERE
from sockmatrix.rules.words import QUESTIONS, condition

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sockmatrix.plan import Plan
    from sockmatrix.runfile import Run


def values(name: str, run: Run, plans: Iterable[Plan]) -> dict[str, Any]:
    """Return the rules of a run as a JSON value; for all tables it takes seconds.

    `rules`: [question, number, of how many, condition, answer, how many facts it decides]. `sets`: for
    cells, each [rule, the sockets or messages it is about]. `cells`: the number of the set of each, in
    the order of the plans, -1 for none.
    """
    rules, sets = Numbered(), Numbered()
    numbers: list[int] = []
    for plan in plans:
        learned = learn(plan.cells, run.cells)
        for cell in plan.cells:
            line = run.cells.get(cell.id)
            if line is None or line.v != cell.version:
                numbers.append(-1)
                continue
            about: dict[int, list[str]] = {}
            for applied in rule_for(cell, line, learned):
                every, rule = learned.facets[applied.rule.facet], applied.rule
                if rule.answer == THERE or (rule.answer == ALLOWED and len(every) == 1):
                    continue
                told = (
                    QUESTIONS[rule.facet][0],
                    applied.number,
                    len(every),
                    condition(rule.terms),
                    rule.answer,
                    rule.count,
                )
                about.setdefault(rules(told), []).extend(filter(None, [applied.unit.subject]))
            key = tuple((rule, *subjects) for rule, subjects in about.items())
            numbers.append(sets(key) if key else -1)
    return {
        "run": name,
        "rules": [list(one) for one in rules.values],
        "sets": [[list(one) for one in some] for some in sets.values],
        "cells": numbers,
    }
