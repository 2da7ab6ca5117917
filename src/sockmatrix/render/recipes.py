"""Recipes as text: what does it on every system, on what evidence, and what does not."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from sockmatrix.claims.systems import words
from sockmatrix.recipes.program import in_words
from sockmatrix.recipes.words import place_words, reason, source
from sockmatrix.render.escape import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from sockmatrix.answers import Finding
    from sockmatrix.evidence import Evidence
    from sockmatrix.recipes.failures import Failure
    from sockmatrix.recipes.search import Recipe, Wanted
    from sockmatrix.render.screen import Screen

_WIDEST = 100
_LONGEST = 2000


def text(
    wanted: Wanted, shown: Sequence[Recipe], found: Sequence[Failure], left: int, screen: Screen
) -> str:
    """Return the recipes that are shown, what fails, how many failures are `left` out, the sources."""
    parts = [_paragraph(answer(wanted, shown), screen)]
    parts += [_recipe(number, recipe, screen) for number, recipe in enumerate(shown, 1)]
    if found:
        lines = [screen.paint("What does not do it, and where:", "bold")]
        lines += [_failure(one, screen) for one in found]
        lines += [f"  and {left} more: --all"] * bool(left)
        parts.append("\n".join(lines))
    parts += [sources(_evidence(shown, found), screen)]
    return screen.show("\n\n".join(filter(None, parts))) + "\n"


def answer(wanted: Wanted, recipes: Sequence[Recipe]) -> str:
    """Return the answer in one or two sentences."""
    who = {
        "all": f"each of {wanted.receivers} programs hears it",
        "one": f"one of {wanted.receivers} programs hears it",
    }[wanted.deliver]
    users = "" if wanted.same_user else " of different users"
    who = who.replace(" programs", f" programs{users}")
    if not recipes:
        return "There is no such configuration in the matrix."
    best = recipes[0]
    if best.fails:
        where = _and([words(name) for name in best.fails])
        return (
            f"No configuration is known by which {who} on {_and(list(map(words, wanted.systems)))}."
            f" What comes nearest fails on {where}:"
        )
    if best.unknown:
        known = f"it does it on {_and(list(map(words, best.does)))}, " if best.does else ""
        where = _and([words(name) for name in best.unknown])
        return (
            f"No configuration is known on every system by which {who}. Of the nearest {known}"
            f"on {where} it is not known:"
        )
    many = "these configurations do" if len(recipes) > 1 else "this configuration does"
    return f"So that {who} on {_and(list(map(words, wanted.systems)))}, {many} it:"


def _recipe(number: int, recipe: Recipe, screen: Screen) -> str:
    lines = [screen.paint(f"{number}. {place_words(recipe.place)}", "bold")]
    width = max(len(words(name)) for name in recipe.chosen)
    for name, choice in recipe.chosen.items():
        lines.append(f"   {words(name):<{width}}  {in_words(choice.reuse)}")
        lines += [_wrapped(line, screen, 5 + width) for line in _grounds(recipe, name)]
    return "\n".join(lines)


def _grounds(recipe: Recipe, name: str) -> Iterator[str]:
    choice = recipe.chosen[name]
    finding = choice.finding
    if finding.holds is not None:
        yield reason(finding)
    else:
        yield "not known"
        if choice.bind.holds:
            yield f"but {reason(choice.bind)}"
    if choice.users is not None and choice.users != finding:
        yield f"of different users: {reason(choice.users)}"
    for other in finding.against:
        yield f"against it: {other.words} ({other.source})"
    also = [
        in_words(one.reuse)
        + (
            f" ({source(one.finding.evidence)})"
            if one.finding.evidence and one.finding.kind != "measured"
            else ""
        )
        for one in recipe.alternatives(name)
    ]
    if also:
        yield f"as well: {'; '.join(also)}"


def _failure(failure: Failure, screen: Screen) -> str:
    lines = [_wrapped(failure.what, screen, 2)]
    for name, finding in failure.where.items():
        lines.append(_wrapped(f"{words(name)}: {reason(finding)}", screen, 6))
    return "\n".join(lines)


def sources(evidence: Iterable[Evidence], screen: Screen) -> str:
    """Return the list of the documents behind some evidence, each once."""
    claims = {one.claim.id: one.claim for one in evidence if one.claim}
    if not claims:
        return ""
    lines = [screen.paint("Documents:", "bold")]
    for name, claim in sorted(claims.items()):
        lines.append(_wrapped(f"{name}  {claim.statement}", screen, 2, 4))
        lines.append(f"    {printable(claim.url)}")
    return "\n".join(lines)


def _evidence(recipes: Iterable[Recipe], failures: Iterable[Failure]) -> Iterator[Evidence]:
    findings: list[Finding] = []
    for recipe in recipes:
        for choice in recipe.chosen.values():
            findings += [choice.finding, *([choice.bind] if choice.finding.holds is None else [])]
            findings += [choice.users] if choice.users else []
    for failure in failures:
        findings += failure.where.values()
    for finding in findings:
        if finding.evidence is not None and finding.holds is not None:
            yield finding.evidence
        yield from finding.against


def _wrapped(line: str, screen: Screen, indent: int, further: int | None = None) -> str:
    return textwrap.fill(
        printable(line, _LONGEST),
        min(screen.width or _WIDEST, _WIDEST),
        initial_indent=" " * indent,
        subsequent_indent=" " * (indent + 2 if further is None else further),
        break_long_words=False,
        break_on_hyphens=False,
    )


def _paragraph(line: str, screen: Screen) -> str:
    return _wrapped(line, screen, 0, 0)


def _and(names: Sequence[str]) -> str:
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else last
