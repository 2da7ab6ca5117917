"""Lists of rules for a terminal, for Markdown, and as plain values for JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tabulate import tabulate

from sockmatrix.render.escape import markdown as escaped
from sockmatrix.render.escape import printable
from sockmatrix.render.paragraph import paragraph
from sockmatrix.rules.units import BIND, HEAR, WHOLE
from sockmatrix.rules.words import NEAREST, OTHERWISE, QUESTIONS, condition

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sockmatrix.render.screen import Screen
    from sockmatrix.rules.decision import Rule, Rules

_ALWAYS_TOLD = (BIND, HEAR, WHOLE)
"""Facets that are shown even if the answer is always the same."""

_WIDEST = 100
_WORDY = 2


def text(table: str, question: str, rules: Rules, screen: Screen) -> str:
    """Return the rules of a table, each with its condition in words below it."""
    width = min(screen.width or _WIDEST, _WIDEST)
    lines = [screen.paint(table, "bold")]
    lines += paragraph(question, width, "", "")
    lines += paragraph(size(rules), width, "", "")
    for facet, own in _told(rules):
        lines += ["", *paragraph(_heading(facet, own), width, "", "")]
        lines += paragraph(NEAREST, width, "", "") if facet == HEAR else []
        for number, rule in enumerate(own, 1):
            lines += _rule(number, rule, len(str(len(own))), width, screen)
    return screen.show("\n".join(lines)) + "\n"


def markdown(table: str, question: str, rules: Rules) -> str:
    """Return the rules of a table as a section with a Markdown table for each facet."""
    parts = [f"## {escaped(table)}", escaped(question), escaped(size(rules))]
    for facet, own in _told(rules):
        rows = [
            [
                str(number),
                escaped(condition(rule.terms)),
                f"**{escaped(rule.answer)}**",
                f"{rule.count:,}",
                f"`{terms}`" if (terms := _terms(rule)) != OTHERWISE else "",
            ]
            for number, rule in enumerate(own, 1)
        ]
        head = ["", "if", "then", f"{QUESTIONS[facet][1]}s", "terms"]
        parts += [f"**{escaped(_heading(facet, own))}**", *([NEAREST] if facet == HEAR else [])]
        parts += [tabulate(rows, head, tablefmt="github", disable_numparse=True)]
    return "\n\n".join(parts) + "\n"


def value(table: str, platform: str, rules: Rules) -> dict[str, Any]:
    """Return the rules of a table for JSON; every facet, in order."""
    return {
        "table": table,
        "platform": platform,
        "cells": rules.cells,
        "left out": dict(rules.left_out),
        "facets": [
            {
                "facet": facet,
                "question": QUESTIONS[facet][0],
                "rules": [
                    {
                        "terms": [
                            {
                                "axis": f"{term.who}.{term.axis}" if term.who else term.axis,
                                "values": list(term.values),
                                **({"not": True} if term.negated else {}),
                            }
                            for term in rule.terms
                        ],
                        "words": condition(rule.terms),
                        "pattern": rule.pattern or None,
                        "answer": rule.answer,
                        "count": rule.count,
                    }
                    for rule in own
                ],
            }
            for facet, own in rules.facets.items()
        ],
    }


def size(rules: Rules) -> str:
    """Return how many rules there are of how many cells, and what was left out."""
    shown = _number(sum(len(own) for _, own in _told(rules)), "rule")
    text = f"{shown} for {_number(rules.cells, 'cell')}; in each list the first that holds decides"
    left = ", ".join(f"{count:,} {word}" for word, count in rules.left_out.items())
    return f"{text}. Left out: {left}." if left else f"{text}."


def _told(rules: Rules) -> Iterator[tuple[str, tuple[Rule, ...]]]:
    for facet, own in rules.facets.items():
        if facet in _ALWAYS_TOLD or len(own) > 1:
            yield facet, own


def _heading(facet: str, own: tuple[Rule, ...]) -> str:
    question, of = QUESTIONS[facet]
    return f"{question} ({_number(sum(rule.count for rule in own), of)})"


def _rule(number: int, rule: Rule, digits: int, width: int, screen: Screen) -> Iterator[str]:
    start = f"  {number:>{digits}}. "
    indent = " " * len(start)
    yield from paragraph(
        f"{_terms(rule)} -> {printable(rule.answer)} ({rule.count:,})", width, start, indent
    )
    indent += "  "
    words = list(paragraph(condition(rule.terms), width, indent, indent, screen, "dim"))
    # A long condition of a script's table says in many words what its cases and values are called.
    if rule.terms and (rule.facet != WHOLE or len(words) <= _WORDY):
        yield from words


def _terms(rule: Rule) -> str:
    return " ".join(term.text for term in rule.terms) or OTHERWISE


def _number(count: int, what: str) -> str:
    return f"{count:,} {what}" + "s" * (count != 1)
