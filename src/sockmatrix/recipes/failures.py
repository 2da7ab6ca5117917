"""Why the configurations that come nearest to a recipe do not do it, and where."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, final

from sockmatrix.recipes.search import REUSE
from sockmatrix.recipes.words import options_words, place_words

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sockmatrix.answers import Finding
    from sockmatrix.recipes.search import Choice, Recipe

_EVERYWHERE = tuple(one for one in REUSE if one != "lb")


@final
@dataclass(frozen=True, slots=True)
class Failure:
    """A configuration in words, and by system what shows that it does not do it there."""

    what: str
    where: Mapping[str, Finding]


def failures(recipes: Sequence[Recipe]) -> list[Failure]:
    """Return what fails somewhere: other options at the best place, then other places with their best."""
    if not recipes:
        return []
    best = recipes[0]
    found = [
        Failure(f"{options_words(reuse)} on every system, else as in 1", where)
        for reuse in _EVERYWHERE
        if (where := _fails(best.uniform(reuse)))
    ]
    others = [
        Failure(place_words(recipe.place), where)
        for recipe in recipes[1:]
        if (where := _fails(recipe.chosen))
    ]
    return sorted(found, key=_count) + sorted(others, key=_count)


def _fails(choices: Mapping[str, Choice]) -> dict[str, Finding]:
    return {name: one.finding for name, one in choices.items() if one.finding.holds is False}


def _count(failure: Failure) -> int:
    return len(failure.where)
