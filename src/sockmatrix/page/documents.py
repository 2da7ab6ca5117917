"""What documents say, for a page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sockmatrix.claims import systems
from sockmatrix.claims.words import words
from sockmatrix.documented import authority, holds
from sockmatrix.evidence import newest_releases

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sockmatrix.claims.claim import Claim
    from sockmatrix.claims.versions import Version


def order(claims: Iterable[Claim]) -> list[Claim]:
    """Return those that speak of cells: the highest authority first, then the most special."""
    return sorted((claim for claim in claims if claim.cells and claim.expect), key=authority)


def values(claims: Sequence[Claim]) -> dict[str, Any]:
    """Return claims as a JSON value, with the sources they are of."""
    releases = newest_releases(claims)
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
                **({"past": past} if (past := _past(claim, releases)) else {}),
                "words": words(claim.expect),
            }
            for claim in claims
        ],
    }


def _past(claim: Claim, releases: Mapping[str, Version]) -> list[str]:
    """Return the systems whose newest release a claim does not speak of."""
    return [name for name in claim.os if not holds(claim, name, releases)]


def _versions(claim: Claim) -> str:
    return "; ".join(
        f"{systems.words(name) + ' ' if name else ''}{one.text}"
        for name, one in claim.conditions.items()
        if one.text
    )
