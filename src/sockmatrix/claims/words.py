"""What a claim expects of a cell, as briefly as a table says it."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sockmatrix.claims.expect import Term

_HEARD = {
    "one:first": "first",
    "one:last": "last",
    "not-all": "not all",
    "any": "somebody",
    "spread:all": "spread",
}

_NAMED = {"hears": "{} hears", "not": "not {}", "only": "{}", "one": "{}", "spread": "spread {}"}

_WHO = {"every": "", "some": "one"}


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
