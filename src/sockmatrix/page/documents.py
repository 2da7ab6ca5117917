"""What documents say, for a page: claims with their patterns, and columns of systems nobody measured."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from sockmatrix.claims import systems
from sockmatrix.claims.cover import Coverage

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from sockmatrix.claims.claim import Claim
    from sockmatrix.claims.expect import Term
    from sockmatrix.plan import Plan

SHOWN = ("macos", "windows", "freebsd")
"""Systems that get a column of what documents say where there is no run of them."""

_HEARD = {
    "one:first": "first",
    "one:last": "last",
    "not-all": "not all",
    "any": "somebody",
    "spread:all": "spread",
}

_NAMED = {"hears": "{} hears", "not": "not {}", "only": "{}", "one": "{}", "spread": "spread {}"}

_WHO = {"every": "", "some": "one"}


def order(claims: Iterable[Claim]) -> list[Claim]:
    """Return those that speak of cells: the highest authority first, then the most special."""
    return sorted(
        (claim for claim in claims if claim.cells and claim.expect),
        key=lambda one: (one.source.authority, systems.ANY in one.os, len(one.os), len(one.cells)),
    )


def values(claims: Sequence[Claim]) -> dict[str, Any]:
    """Return claims as a JSON value, with the sources they are of."""
    sources = {claim.source.key: claim.source for claim in claims}
    return {
        "sources": {
            key: {"title": one.title, "url": one.url, "kind": one.kind, "authority": one.authority}
            for key, one in sources.items()
        },
        "claims": [
            {
                "id": claim.id,
                "says": claim.statement,
                "source": claim.source.key,
                "section": claim.section,
                **({"url": claim.ref} if claim.ref else {}),
                "os": list(claim.os),
                **({"versions": versions} if (versions := _versions(claim)) else {}),
                "cells": [pattern.text for pattern in claim.cells],
                "words": words(claim.expect),
            }
            for claim in claims
        ],
    }


def _versions(claim: Claim) -> str:
    return "; ".join(
        f"{systems.words(name) + ' ' if name else ''}{one.text}"
        for name, one in claim.conditions.items()
        if one.text
    )


@functools.cache
def words(expect: tuple[Term, ...]) -> str:
    """Return what a claim expects of a cell, as briefly as a table says it."""
    found = [said for term in expect if (said := _said(term))]
    if len(found) > 1:  # that sockets are open goes without saying where it is told who hears
        found = [said for said in found if said != "may bind"] or found[:1]
    return " · ".join(dict.fromkeys(found))


def _said(term: Term) -> str:
    if term.kind == "exists":
        return "absent" if term.values == ("no",) else ""
    if term.kind in ("send", "connect"):
        ended = [value for value in term.values if value != "ok"]
        return " or ".join(ended).replace("error", f"{term.kind} refused")
    if term.kind == "delivery":
        told = " or ".join(map(_heard, term.values))
        return f"{term.key} {told}" if term.key else told
    if term.kind == "note":
        return f"{term.key} {' or '.join(term.values)}"
    who = _WHO.get(term.key, term.key)
    if "ok" in term.values:
        return "may bind" if term.kind == "bind" else ""
    errno = " or ".join(value for value in term.values if value not in ("error", "EADDRINUSE"))
    how = " ".join(filter(None, ("" if term.kind in ("bind", "status") else term.kind, errno)))
    return f"{who or 'every'} refused" + (f" ({how})" if how else "")


def _heard(value: str) -> str:
    word, _, rest = value.partition(":")
    if value in _HEARD or not rest:
        return _HEARD.get(value, value)
    return _NAMED[word].format(rest)


def documented(
    claims: Sequence[Claim], plans: Sequence[Plan], names: Iterable[str]
) -> dict[str, dict[str, tuple[str, str]]]:
    """Return what documents say of the cells of plans on some systems: words and the claim, by id.

    The first claim that names the system answers; `claims` are in their order.
    """
    near = Coverage.of(plans)
    tables = {plan.table.name for plan in plans}
    found: dict[str, dict[str, tuple[str, str]]] = {name: {} for name in names}
    for claim in claims:
        own = [name for name in found if name in claim.os]
        said = words(claim.expect)
        if not own or not said:
            continue
        patterns = [one for one in claim.cells if _may_match(one.text, tables)]
        for cell in near.cells(patterns) if patterns else ():
            for name in own:
                found[name].setdefault(cell.id, (said, claim.id))
    return {name: told for name, told in found.items() if told}


def _may_match(text: str, tables: Collection[str]) -> bool:
    named = [word for word in text.split() if word.startswith("table=")]
    return not named or any(one in tables for one in named[0].removeprefix("table=").split(","))
