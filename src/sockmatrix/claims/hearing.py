"""Who heard what was sent under one label, and the words in which claims say so.

    all none one spread some   as in a table; `all`, `none`: every socket of the cell, and no socket
    any not-all                somebody heard something; fewer than all heard everything
    one:first one:last         one alone: the first, the last bound of the open ones (one:varies too)
    hears:A not:A              A heard everything; A heard nothing, whoever else did
    only:A+C one:A             exactly these heard everything, the others nothing
    spread:all spread:A+B      each reached one socket, and every open one, or exactly these, got some

What could not be sent was heard by nobody. Of a socket that was refused nothing is heard, and that
is no answer to whether it *would* have heard: then `all` does not hold, and `not:` cannot be told.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias, final

if TYPE_CHECKING:
    from sockmatrix.claims.shape import Shape
    from sockmatrix.outcome import Variant

_ONE = r"[A-Z]{1,2}(?:\.[a-z][a-z0-9]*)?"
_SEVERAL = rf"{_ONE}(?:\+{_ONE})*"

WORD = re.compile(
    rf"all|none|any|one|spread|some|not-all|one:(?:first|last|varies|{_ONE})|spread:all"
    rf"|(?:hears|not):{_ONE}|(?:only|spread):{_SEVERAL}"
)

ALLOWED = (
    "all, none, any, one, spread, some, not-all, one:first, one:last, one:varies, one:A, hears:A,"
    " not:A, only:A+B, spread:all, spread:A+B"
)

Told: TypeAlias = "tuple[bool | None, str]"

_BEFORE_OPEN = ("socket", "set", "bind", "listen")


@final
@dataclass(frozen=True, slots=True)
class Heard:
    """Who heard. `word` and `place` as in a delivery; empty word: nothing could be sent.

    `full` heard everything, `part` something; `open` could hear, `refused` were to. Sockets that were
    closed, or not yet open, are in none of them.
    """

    word: str
    place: str
    full: frozenset[str]
    part: frozenset[str]
    open: frozenset[str]
    refused: frozenset[str]


def named(value: str) -> tuple[str, ...]:
    """Return the sockets that a word names.

    >>> named("only:A+C")
    ('A', 'C')
    """
    text = value.partition(":")[2]
    return tuple(text.split("+")) if text[:1].isupper() else ()


def heard(label: str, shape: Shape, outcome: Variant) -> Heard | str:
    """Return who heard what was sent under `label`, or why that cannot be told."""
    if label in outcome.unsent:
        return f"{label} was not sent: {outcome.unsent[label]}"
    delivery = outcome.delivery.get(label)
    closed = shape.closed.get(label, frozenset()).union(getattr(delivery, "closed", ()))
    meant = frozenset(shape.receivers) - closed
    refused = frozenset(
        role for role in meant if outcome.failed.get(role, "join").partition(" ")[0] in _BEFORE_OPEN
    )
    opened = meant - refused
    if delivery is None:
        if not opened or label in outcome.send or label in outcome.connect:
            return Heard("", "", frozenset(), frozenset(), opened, refused)
        return f"{label or 'it'} was not sent"
    if delivery.word == "all":
        full = part = opened
    else:
        part = frozenset(delivery.heard)
        whole = delivery.word in ("one", "some") and delivery.place != "varies"
        full = part if whole else frozenset(delivery.always)
    return Heard(delivery.word, delivery.place, full, part, opened, refused)


def judge(value: str, who: Heard) -> Told:
    """Tell whether a word describes who heard; None, and why, if that cannot be told."""
    word, _, rest = value.partition(":")
    if word in ("none", "not", "only") and not who.open:
        return None, "no socket is open"
    if word == "all":
        return who.word == "all" and not who.refused, ""
    if word == "not-all":
        return not (who.word == "all" and not who.refused), ""
    if word == "none":
        return not who.part, ""
    if word == "any":
        return bool(who.part), ""
    if word == "hears":
        return rest in who.full, ""
    if word == "not":
        return (None, f"{rest} was refused") if rest in who.refused else (rest not in who.part, "")
    if word == "only" or (word == "one" and rest[:1].isupper()):
        wanted = frozenset(rest.split("+"))
        same = who.full == who.part == wanted
        return (None, "a socket was refused") if same and who.refused else (same, "")
    if word == "one":
        return who.word == "one" and rest in ("", who.place), ""
    if word == "spread" and rest:
        wanted = who.open if rest == "all" else frozenset(rest.split("+"))
        return who.word == "spread" and who.part == wanted, ""
    return who.word == word, ""
