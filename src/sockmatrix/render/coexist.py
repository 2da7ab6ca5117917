"""Programs beside each other as text: the answer in a sentence, then who binds and who hears."""

from __future__ import annotations

import itertools
import textwrap
from typing import TYPE_CHECKING

from sockmatrix.claims.systems import words
from sockmatrix.coexist import MINE, ORDERS, SHARED
from sockmatrix.recipes.program import in_words
from sockmatrix.recipes.words import BOUND
from sockmatrix.render import text as tables
from sockmatrix.render.escape import printable
from sockmatrix.render.recipes import sources
from sockmatrix.render.values import MISSING, Grid

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sockmatrix.coexist import Answer, Answers, Asked, Program, Row
    from sockmatrix.evidence import Evidence
    from sockmatrix.render.screen import Screen

_WIDEST = 100
_COLUMNS = ("they are there first", "you are there first")


def text(asked: Asked, found: Sequence[Answers], screen: Screen) -> str:
    """Return the answer for each system: a sentence, and a table; then the documents."""
    parts = [_fill(f"{_asked(asked)}. May you bind beside it?", screen)]
    for one in found:
        answer = f"{words(one.system)}: {summary(one)}"
        parts.append(screen.paint(_fill(answer, screen), "bold"))
        if any(bind.words for bind in one.bind.values()):
            parts.append(tables.listing(_grid(asked, one), screen).rstrip())
        parts.append("\n".join(_fill(line, screen) for line in _measured(one)))
    if not asked.same_user and any(_known(row) for one in found for row in one.rows):
        parts.append(_fill(_USERS, screen))
    parts.append(sources(_evidence(found), screen))
    return screen.show("\n\n".join(filter(None, parts))) + "\n"


_USERS = (
    "Who may bind was looked up for two users; who hears broadcast and multicast, for programs of one."
)


def _asked(asked: Asked) -> str:
    theirs = "; ".join(_program(one) for one in asked.theirs)
    user = "" if asked.same_user else ", as another user"
    return f"They: {theirs}. You: {_program(asked.mine)}{user}"


def _program(one: Program) -> str:
    return f"{one.name + ', ' if one.name else ''}{BOUND[one.bind]} with {in_words(one.reuse)}"


def _grid(asked: Asked, answers: Answers) -> Grid:
    bind = (("may all bind?",), tuple(_bind(asked, answers, place) for place in range(2)))
    heard = [
        ((row.what,), tuple(_told(row.heard[order]) for order in ORDERS))
        for row in filter(_known, answers.rows)
    ]
    return Grid("", "", (words(answers.system),), _COLUMNS, (bind, *heard))


def _bind(asked: Asked, answers: Answers, place: int) -> str:
    order = ORDERS[place]
    answer = answers.bind[order]
    refused = [
        f"{_subject(name, 'are', 'is')} refused{f' ({word})' * (word != 'EADDRINUSE')}"
        for name, word in zip(asked.names(order), answer.words, strict=False)
        if word not in ("", "ok")
    ]
    if not answer.words:
        return "not known"
    return _marked(", ".join(refused) or "yes", answer)


def _told(answer: Answer | None) -> str:
    if answer is None:
        return MISSING
    return _marked(" or ".join(answer.words), answer) if answer.words else "not known"


def _marked(said: str, answer: Answer) -> str:
    """Return what is said, with its kind unless it was measured."""
    if answer.kind == "measured":
        return said
    claim = answer.evidence.claim if answer.evidence else None
    return f"{said} ({answer.kind}{f' {claim.id}' if claim else ''})"


def _measured(answers: Answers) -> Iterator[str]:
    """Yield where what was measured or predicted is from."""
    known = list(_evidence([answers]))
    for kind, how in (("measured", "Measured on"), ("predicted", "Predicted by")):
        names = dict.fromkeys(printable(one.source) for one in known if one.kind == kind)
        if names:
            yield f"{how} {', '.join(names)}."


def _evidence(found: Sequence[Answers]) -> Iterator[Evidence]:
    for one in found:
        told = [*one.bind.values(), *(heard for row in one.rows for heard in row.heard.values())]
        for answer in told:
            if answer is not None and answer.evidence is not None:
                yield answer.evidence


def _fill(line: str, screen: Screen) -> str:
    return textwrap.fill(line, min(screen.width or _WIDEST, _WIDEST), break_on_hyphens=False)


def _known(row: Row) -> bool:
    return any(answer is not None and answer.words for answer in row.heard.values())


def summary(answers: Answers) -> str:
    """Return what is known on a system in a few sentences: may I bind, and who hears what."""
    may = [answers.may(order) for order in ORDERS]
    if True not in may:
        if False not in may:
            return "not known."
        return "no, whoever comes first." if None not in may else "no if one comes first; else not known."
    if may == [True, True]:
        parts = ["yes, whoever comes first"]
    else:
        own = "they are" if may[0] else "you are"
        other = "not known" if None in may else "no"
        parts = [f"yes if {own} there first; the other way round {other}"]
    groups: dict[str, list[str]] = {}
    for kind, own_rows in itertools.groupby(answers.rows, key=lambda row: row.kind):
        rows = list(own_rows)
        phrases = {_phrase(row) for row in rows}
        for row in rows:
            groups.setdefault(_phrase(row), []).append(kind if len(phrases) == 1 else row.what)
    unknown = groups.pop("", [])
    for phrase, whats in groups.items():
        start, _, end = phrase.partition("...")
        parts.append(f"{start}{_and(whats)}{end}")
    if unknown:
        parts.append(f"who hears {_and(unknown)} is not known")
    return ". ".join([parts[0], *(part[0].upper() + part[1:] for part in parts[1:])]) + "."


def _phrase(row: Row) -> str:
    """Return who hears a row, in words that hold in every order that is possible; "" if not known."""
    found = [answer.words for answer in row.heard.values() if answer is not None]
    if not found or not all(found):
        return ""
    words = [" or ".join(own) for own in found]
    if words == [MINE, "they"]:
        return "whoever binds last hears ..."
    if words == ["they", MINE]:
        return "whoever binds first hears ..."
    if len(set(words)) > 1:
        return f"{words[0]} (if they are first) or {words[1]} (if you are) hear ..."
    who = words[0]
    if who == SHARED:
        return "of ... each goes to one of them"
    if who == f"they + {MINE}":
        return "both hear ..."
    if who in ("they", MINE):
        return f"{who} alone hear ..."
    return f"{_and(who.split(' + '))} {'hear' if ' + ' in who else 'hears'} ..."


def _subject(name: str, many: str, one: str) -> str:
    return f"{name} {many if name in (MINE, 'they') else one}"


def _and(names: Sequence[str]) -> str:
    *most, last = dict.fromkeys(names)
    return f"{', '.join(most)} and {last}" if most else last
