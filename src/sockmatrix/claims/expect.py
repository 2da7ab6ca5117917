"""What a claim expects of a cell: terms over the facets of its outcome.

    bind.B=EADDRINUSE          how a call of a role ended: ok, an errno, or `error` for any. Also listen,
                               join, set, and `status` for whatever call; the role may be `first`, `last`,
                               `every`, `some`
    send=EACCES                how sending ended: for every label of the cell, or send.LABEL; also connect
    delivery.lo4=one:last      who heard what was sent under a label, or under every label (`DELIVERIES`)
    note.again=ECONNREFUSED    what was noted under a label; `note.again~E*` compares with a glob
    exists=no                  an option or address of the cell does not exist on the system

`|` separates values of which one is enough. A term holds, does not hold, or cannot be told: a bind
that was never tried, because an option was refused before it, says nothing about binds.
"""

from __future__ import annotations

import fnmatch
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias, final

from sockmatrix.claims import hearing
from sockmatrix.pattern import QUANTIFIERS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sockmatrix.claims.shape import Shape
    from sockmatrix.outcome import Variant
    from sockmatrix.part import Part

Kind: TypeAlias = Literal[
    "bind", "listen", "join", "set", "status", "send", "connect", "delivery", "note", "exists"
]
CALLS: tuple[Kind, ...] = ("bind", "listen", "join", "set", "status")
SPEECH: tuple[Kind, ...] = ("send", "connect")

WHO = tuple(one for one in QUANTIFIERS if one != "none")

_TERM = re.compile(
    r"(?P<kind>[a-z]+)(?:\.(?P<key>[A-Za-z0-9][A-Za-z0-9.+-]*))?(?P<how>[=~])(?P<values>.+)", re.DOTALL
)
_ROLE = re.compile(rf"[A-Z]{{1,2}}(?:\.[a-z][a-z0-9]*)?|{'|'.join(WHO)}")
_STATUS = re.compile("ok|error|E[A-Z0-9]+")


class ExpectError(ValueError):
    """A text is not a term about outcomes; the message says what is wrong and what is allowed."""


class Answer(NamedTuple):
    """Whether a term holds in a cell; None, and why, if that cannot be told."""

    holds: bool | None
    why: str = ""


YES, NO = Answer(holds=True), Answer(holds=False)


@final
@dataclass(frozen=True, slots=True)
class Term:
    """One thing a claim expects. `key` is a role or a label; empty means every label."""

    text: str
    kind: Kind
    key: str
    glob: bool
    values: tuple[str, ...]

    def unfit(self, shape: Shape) -> str:
        """Return what the term speaks of that a cell of this shape does not have, or nothing."""
        if self.kind in CALLS:
            known = self.key in WHO or self.key in shape.receivers or self.key in shape.calls
            if known and self.kind != "status" and not _tries(shape, self._roles(shape), self.kind):
                return f"no socket that tries to {self.kind}"
            return "" if known else f"no role {self.key}"
        if self.kind == "note":
            return "" if self.key in shape.notes else f"no note {self.key}"
        if self.kind == "exists":
            return ""
        labels = shape.connects if self.kind == "connect" else shape.labels
        if not labels:
            return "nothing sent"
        if self.key and self.key not in labels:
            return f"no label {self.key}"
        if self.kind != "delivery":
            return ""
        named = [who for value in self.values for who in hearing.named(value)]
        return next((f"no receiver {who}" for who in named if who not in shape.receivers), "")

    def judge(self, shape: Shape, outcome: Variant) -> Answer:
        """Tell whether the term holds for an outcome that was measured and is stable."""
        if self.kind == "exists":
            return Answer((self.values == ("no",)) is bool(outcome.absent))
        if outcome.absent:
            return Answer(None, f"there is no {outcome.absent} here")
        if self.kind in CALLS:
            answers = [self._called(role, shape, outcome) for role in self._roles(shape)]
            if self.key == "some":
                return _any(answers, "no such socket")
            return every_answer(answers, "no such socket")
        if self.kind == "note":
            return self._noted(outcome)
        labels = shape.connects if self.kind == "connect" else shape.labels
        wanted = [self.key] if self.key else labels
        about = self._heard if self.kind == "delivery" else self._sent
        return every_answer([about(label, shape, outcome) for label in wanted], "nothing is sent")

    def _roles(self, shape: Shape) -> tuple[str, ...]:
        if self.key in ("every", "some"):
            return shape.receivers
        if self.key in ("first", "last"):
            return shape.receivers[:1] if self.key == "first" else shape.receivers[-1:]
        return (self.key,)

    def _called(self, role: str, shape: Shape, outcome: Variant) -> Answer:
        failure = outcome.failed.get(role, "")
        call, _, errno = failure.rpartition(" ")
        own = call.partition(" ")[0]
        if failure and self.kind not in ("status", own) and shape.before(role, call, self.kind):
            return Answer(None, f"{role} did not get so far: {failure}")
        ended = errno if self.kind in ("status", own) and failure else "ok"
        return Answer(any(value in (ended, "error" if ended != "ok" else "") for value in self.values))

    def _sent(self, label: str, shape: Shape, outcome: Variant) -> Answer:
        if label in outcome.unsent:
            return Answer(None, f"{label} was not sent: {outcome.unsent[label]}")
        ended = outcome.send.get(label) or outcome.connect.get(label) or "ok"
        delivery = outcome.delivery.get(label)
        if label in shape.connects and ended == "ok" and (delivery is None or delivery.word == "none"):
            ended = "ECONNREFUSED"
        return Answer(any(value in (ended, "error" if ended != "ok" else "") for value in self.values))

    def _heard(self, label: str, shape: Shape, outcome: Variant) -> Answer:
        heard = hearing.heard(label, shape, outcome)
        if isinstance(heard, str):
            return Answer(None, heard)
        return _any([Answer(*hearing.judge(value, heard)) for value in self.values])

    def _noted(self, outcome: Variant) -> Answer:
        text = _notes(outcome).get(self.key)
        if text is None:
            return Answer(None, f"nothing was noted under {self.key}")
        if self.glob:
            return Answer(any(fnmatch.fnmatchcase(text, value) for value in self.values))
        return Answer(text in self.values)


def parse(text: str) -> Term:
    """Return the term that `text` says. Raises ExpectError."""
    parts = _TERM.fullmatch(text.strip())
    if parts is None:
        raise ExpectError(f'"{text}" is not a term such as bind.B=ok or delivery.lo4=all')
    kind, key, glob = parts["kind"], parts["key"] or "", parts["how"] == "~"
    values = tuple(value.strip() for value in parts["values"].split("|"))
    if kind not in Kind.__args__:  # type: ignore[attr-defined]
        allowed = ", ".join(Kind.__args__)  # type: ignore[attr-defined]
        raise ExpectError(f'in "{text}": unknown "{kind}"; allowed: {allowed}')
    if glob and kind != "note":
        raise ExpectError(f'in "{text}": only note.LABEL~GLOB takes a glob')
    if "" in values:
        raise ExpectError(f'in "{text}": an empty value')
    if kind in CALLS and not _ROLE.fullmatch(key):
        raise ExpectError(f'in "{text}": say of which socket: {kind}.A, {kind}.B, ..., {", ".join(WHO)}')
    if kind == "note" and not key:
        raise ExpectError(f'in "{text}": say which note: note.LABEL')
    if kind == "exists" and (key or values not in (("yes",), ("no",))):
        raise ExpectError(f'in "{text}": write exists=no or exists=yes')
    for value in values:
        if kind in (*CALLS, *SPEECH) and not _STATUS.fullmatch(value):
            raise ExpectError(f'in "{text}": "{value}" is not ok, error, or the name of an errno')
        if kind == "delivery" and not hearing.WORD.fullmatch(value):
            raise ExpectError(f'in "{text}": unknown word "{value}"; allowed: {hearing.ALLOWED}')
    return Term(text.strip(), kind, key, glob, values)  # type: ignore[arg-type]


def read_terms(part: Part, key: str) -> tuple[Term, ...]:
    """Return the terms that a file has at `key`, none if it has none. Raises part.TableError."""
    if key not in part.entries:
        return ()
    try:
        return tuple(parse(text) for text in part.texts(key))
    except ExpectError as error:
        raise part.error(key, str(error)) from error


def _tries(shape: Shape, roles: Iterable[str], call: str) -> bool:
    return any(one.partition(" ")[0] == call for role in roles for one in shape.calls.get(role, ()))


def _notes(outcome: Variant) -> dict[str, str]:
    return getattr(outcome, "notes", {})


def every_answer(answers: Iterable[Answer], nothing: str = "") -> Answer:
    """Return the conjunction; of nothing, that it cannot be told."""
    told = list(answers)
    return next(
        (one for wanted in (False, None) for one in told if one.holds is wanted),
        YES if told else Answer(None, nothing),
    )


def _any(answers: Iterable[Answer], nothing: str = "") -> Answer:
    told = list(answers)
    return next(
        (one for wanted in (True, None) for one in told if one.holds is wanted),
        NO if told else Answer(None, nothing),
    )


def judge(terms: Iterable[Term], shape: Shape, outcome: Variant) -> tuple[Answer, str]:
    """Tell whether all terms hold, and the text of the term that says no, or that tells nothing."""
    answers = [(term.judge(shape, outcome), term.text) for term in terms]
    for wanted in (False, None):
        for answer, text in answers:
            if answer.holds is wanted:
                return answer, text
    return YES, ""
