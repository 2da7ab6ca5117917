"""What the terms of a document say of a question that is itself a term (`expect.py`).

Yes, if whatever the document allows is what is asked for; no, if nothing of it is; otherwise the
document does not tell. A document about deliveries says that sockets may bind only where its word takes
that for granted (`all`, `hears:B`), and one about a bind takes for granted that the sockets before it are
bound. Whatever is not said stays open: that two sockets may share a port is never read as "both hear".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sockmatrix.claims import hearing
from sockmatrix.claims.expect import CALLS, NO, YES, Answer, every_answer
from sockmatrix.pattern import QUANTIFIERS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sockmatrix.claims.expect import Term
    from sockmatrix.claims.shape import Shape

_OPEN = Answer(None, "it does not say")

_BASES = frozenset({"all", "none", "one", "spread", "some", "uneven"})
"""The words of a delivery that exclude each other; the last for whatever is none of the others."""


def entails(said: Sequence[Term], asked: Term, shape: Shape) -> Answer:
    """Return what a document that says these terms of a cell of this shape says of `asked`."""
    absent = next((term for term in said if term.kind == "exists" and term.values == ("no",)), None)
    if asked.kind == "exists":
        return _OPEN if absent is None else Answer(asked.values == ("no",))
    if absent is not None:
        return Answer(None, "it does not exist there")
    if asked.kind in CALLS:
        return every_answer([_called(said, role, asked, shape) for role in roles(asked.key, shape)])
    if asked.kind == "delivery":
        labels = [asked.key] if asked.key else shape.labels
        return every_answer([_delivered(said, label, asked, shape) for label in labels])
    if asked.kind in ("send", "connect"):
        return _related([term for term in said if _about(term, asked)], asked.values)
    notes = [term for term in said if term.kind == "note" and term.key == asked.key and not term.glob]
    return _related(notes, asked.values)


def roles(key: str, shape: Shape) -> tuple[str, ...]:
    """Return the roles that the key of a term about calls names."""
    places = {"every": slice(None), "some": slice(None), "first": slice(1), "last": slice(-1, None)}
    return shape.receivers[places[key]] if key in QUANTIFIERS else (key,)


def opened(said: Iterable[Term], role: str, shape: Shape) -> str:
    """Return how the bind of a role ends: ok, an errno, error, several with `|`, or nothing is said."""
    found = _binds(said, role, shape)
    return "|".join(found) if found else ""


def heard(said: Iterable[Term], label: str) -> tuple[str, ...]:
    """Return the words that a document has for a label, any one of them; none if it says nothing."""
    for term in said:
        if term.kind == "delivery" and term.key in ("", label):
            return term.values
        if term.kind in ("send", "connect") and term.key in ("", label) and "ok" not in term.values:
            return ("none",)
    return ()


def _about(term: Term, asked: Term) -> bool:
    return term.kind == asked.kind and term.key in ("", asked.key)


def _related(terms: Iterable[Term], wanted: Sequence[str]) -> Answer:
    for term in terms:
        answer = _compare(term.values, wanted)
        if answer.holds is not None:
            return answer
    return _OPEN


def _compare(said: Sequence[str], wanted: Sequence[str]) -> Answer:
    """Compare what may be with what is asked for; `error` stands for any errno."""

    def among(value: str) -> bool:
        return value in wanted or ("error" in wanted and value != "ok")

    if all(map(among, said)):
        return YES
    possible = any(among(value) or (value == "error" and set(wanted) - {"ok"}) for value in said)
    return _OPEN if possible else NO


def _called(said: Sequence[Term], role: str, asked: Term, shape: Shape) -> Answer:
    own = [t for t in said if t.kind == asked.kind and t.key != "some" and role in roles(t.key, shape)]
    answer = _related(own, asked.values)
    if answer.holds is not None or asked.kind not in ("bind", "status"):
        return answer
    binds = _binds(said, role, shape)
    if not binds or (asked.kind == "status" and "ok" in binds):
        return _OPEN
    return _compare(binds, asked.values)


def _binds(said: Iterable[Term], role: str, shape: Shape) -> tuple[str, ...]:
    """Return how the bind of a role may end, by what is said of it, or of what comes after it."""
    assumed = False
    for term in said:
        if term.kind in ("bind", "status") and term.key != "some":
            named = roles(term.key, shape)
            if role in named and (term.kind == "bind" or term.values == ("ok",)):
                return term.values
            assumed |= any(
                role in shape.receivers[: shape.receivers.index(one)]
                for one in named
                if one in shape.receivers
            )
        elif term.kind == "delivery":
            assumed |= all(_takes_for_granted(value, role) for value in term.values)
    return ("ok",) if assumed else ()


def _takes_for_granted(value: str, role: str) -> bool:
    word = value.partition(":")[0]
    return value == "all" or (word in ("hears", "only", "spread") and role in hearing.named(value))


def _delivered(said: Sequence[Term], label: str, asked: Term, shape: Shape) -> Answer:
    words = heard(said, label)
    refused = [role for role in shape.receivers if opened(said, role, shape) not in ("", "ok")]
    for role in refused:
        if "ok" not in opened(said, role, shape).split("|") and asked.values == ("all",):
            return NO
    if not words:
        return _OPEN
    return _judge(words, asked.values, shape)


def _judge(said: Sequence[str], wanted: Sequence[str], shape: Shape) -> Answer:
    by_name = [hears(value, wanted[0], shape) for value in said] if _names_one(wanted) else []
    if by_name:
        return Answer(by_name[0]) if len(set(by_name)) == 1 else _OPEN
    if set(said) <= set(wanted):
        return YES
    may = frozenset[str]().union(*(_bases(value, shape) for value in said))
    asked = frozenset[str]().union(*(_bases(value, shape) for value in wanted))
    if not may & asked:
        return NO
    plain = all(value in _BASES or value in ("any", "not-all") for value in wanted)
    return YES if plain and may <= asked else _OPEN


def _names_one(wanted: Sequence[str]) -> bool:
    return len(wanted) == 1 and wanted[0].partition(":")[0] in ("hears", "not")


def hears(value: str, asked: str, shape: Shape) -> bool | None:
    """Tell whether a word of a document says hears:A or not:A; None if it leaves that open."""
    word, _, role = asked.partition(":")
    own, _, rest = value.partition(":")
    full: bool | None = None
    if value in ("all", "none"):
        full = value == "all"
    elif own == "only" or (own == "one" and rest[:1].isupper()):
        full = role in hearing.named(value)
    elif own == "one" and rest in ("first", "last"):
        full = shape.receivers[0 if rest == "first" else -1] == role
    elif own in ("hears", "not") and rest == role:
        full = own == "hears"
    if full is None:
        return None
    return full is (word == "hears")


def _bases(value: str, shape: Shape) -> frozenset[str]:
    """Return which words of `_BASES` a document's word may amount to."""
    word = value.partition(":")[0]
    if word in _BASES:
        return frozenset({word})
    if word == "only":
        count = len(hearing.named(value))
        if count == len(shape.receivers):
            return frozenset({"all"})
        return frozenset({"one" if count == 1 else "some"})
    return _BASES - {"not": {"all"}, "not-all": {"all"}}.get(word, {"none"})
