"""From the text of a script to the steps of the probe protocol, checked.

    ROLE[.socket][@place]: operation; label = operation; ...        # one turn a line

Roles: A, B, C, ... receive, and first appear in this order, which is their bind order; X, Y, Z talk and
are no receivers; J is the bystander; S is the staged sender. `.socket` is a further socket of a role's
process. `@h2`, `@h3` is the host and `@u1`, `@u2` the user that the process has; a role keeps it.
"""

from __future__ import annotations

import functools
import re
import zlib
from typing import TYPE_CHECKING

import msgspec

from sockmatrix.cell import NOT_RECEIVERS
from sockmatrix.labs import HOSTS, PLAIN, USERS
from sockmatrix.part import unknown
from sockmatrix.script.errors import ScriptError
from sockmatrix.script.operations import ENDS, Statement, statement

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sockmatrix.scenarios.scenario import Steps

SENDER = "S"

_PLACES = (*HOSTS, *USERS)
_ACTOR = re.compile(r"([A-Z])(?:\.([a-z][a-z0-9]*))?(?:@([a-z0-9]+))?")
_HOLE = re.compile(r"\{([^{}]*)\}")
_DEEPEST = 8


def is_receiver(role: str) -> bool:
    """Tell whether the sockets of a role are among those that may hear."""
    return role not in NOT_RECEIVERS


def role_of(actor: str) -> str:
    """Return the role of an actor: A for A.b@h2."""
    return actor.partition("@")[0].partition(".")[0]


def fill(text: str, does: Mapping[str, str]) -> str:
    """Return a script with its comments gone and each {axis} replaced. Raises ScriptError."""
    lines = []
    for number, line in enumerate(text.split("\n"), 1):
        own = line.partition("#")[0].rstrip()
        try:
            lines.append(_filled(own, does))
        except ScriptError as error:
            raise ScriptError(error.problem, number, own.strip()) from None
    return "\n".join(lines)


def holes(text: str) -> list[str]:
    """Return the names of the axes that a script speaks of, each once."""
    lines = (line.partition("#")[0] for line in text.split("\n"))
    return list(dict.fromkeys(name for line in lines for name in _HOLE.findall(line)))


def _filled(line: str, does: Mapping[str, str], depth: int = 0) -> str:
    def instead(hole: re.Match[str]) -> str:
        if hole[1] not in does:
            raise ScriptError(unknown("axis", hole[1], does))
        if depth == _DEEPEST:
            raise ScriptError(f"{{{hole[1]}}} speaks of itself")
        return _filled(does[hole[1]], does, depth + 1)

    if "{" not in line and "}" not in line:
        return line
    filled = _HOLE.sub(instead, line)
    if not depth and ("{" in filled or "}" in filled):
        raise ScriptError("{ and } belong around the name of an axis")
    return filled


def compile_steps(text: str, lab: str = PLAIN) -> Steps:
    """Return the steps that a script without holes says; new lists each time. Raises ScriptError."""
    steps: Steps = msgspec.json.decode(_compiled(text, lab))
    return steps


def version(text: str, lab: str = PLAIN) -> int:
    """Return a number that changes when the steps do, or the lab. Raises ScriptError."""
    return zlib.crc32(_compiled(text, lab), zlib.crc32(lab.encode()))


def labels(text: str) -> tuple[str, ...]:
    """Return the labels of a script without holes, in its order. Raises ScriptError."""
    turns = (line.partition("#")[0].strip() for line in text.split("\n"))
    return tuple(label for turn in turns if turn for label in _labels(turn))


@functools.lru_cache(maxsize=10_000)
def _labels(turn: str) -> tuple[str, ...]:
    actor, texts = _split(turn)
    staged = role_of(actor) == SENDER
    return tuple(label for one in texts if (label := statement(one, staged=staged).label))


@functools.lru_cache(maxsize=1000)
def _compiled(text: str, lab: str) -> bytes:
    """Return the steps as JSON."""
    checker = _Checker(lab)
    steps = []
    for number, line in enumerate(text.split("\n"), 1):
        turn = line.partition("#")[0].strip()
        if not turn:
            continue
        try:
            actor, texts = _split(turn)
            if texts:
                role = checker.actor(actor)
                statements, step = _said(actor, texts, role == SENDER)
                checker.turn(actor.partition("@")[0], role, statements)
                steps.append(step)
        except ScriptError as error:
            raise ScriptError(error.problem, number, turn) from None
    if not steps:
        raise ScriptError("there is nothing in it to do")
    return b"[%s]" % b",".join(steps)


# Twenty thousand scripts have few turns that are not in others too.
@functools.lru_cache(maxsize=10_000)
def _split(turn: str) -> tuple[str, tuple[str, ...]]:
    """Return the actor of a turn, and its statements as text."""
    actor, colon, rest = turn.partition(":")
    if not colon:
        raise ScriptError("a turn is written ACTOR: operation; operation")
    return actor.strip(), tuple(own for one in rest.split(";") if (own := one.strip()))


@functools.lru_cache(maxsize=10_000)
def _said(actor: str, texts: tuple[str, ...], staged: bool) -> tuple[tuple[Statement, ...], bytes]:
    """Return the statements of a turn, and the turn as JSON."""
    statements = tuple(statement(one, staged=staged) for one in texts)
    return statements, msgspec.json.encode([actor, [one.operation for one in statements]])


class _Checker:
    """What holds between the turns of a script. Its methods raise ScriptError."""

    def __init__(self, lab: str) -> None:
        self.lab = lab
        self.places: dict[str, str] = {}
        self.met: list[str] = []
        self.open: set[str] = set()
        self.labels: set[str] = set()

    def actor(self, text: str) -> str:
        """Check an actor, and return its role."""
        parts = _ACTOR.fullmatch(text)
        if parts is None:
            raise ScriptError(f'"{text}" is not an actor; write ROLE, ROLE.socket, ROLE@place')
        role, own, place = parts[1], parts[2], parts[3] or ""
        if place and place not in _PLACES:
            raise ScriptError(unknown("place", place, _PLACES))
        if place in HOSTS and self.lab not in HOSTS[place]:
            raise ScriptError(
                f"the lab {self.lab} has no host {place}; labs that do: {', '.join(sorted(HOSTS[place]))}"
            )
        if role == SENDER and own:
            raise ScriptError("the staged sender has no sockets to name")
        if self.places.setdefault(role, place) != place:
            told = f"{role}@{self.places[role]}" if self.places[role] else role
            raise ScriptError(f"{role} stays where it is; it was {told} before")
        if is_receiver(role) and role not in self.met:
            if self.met and role < self.met[-1]:
                raise ScriptError(f"receivers begin in the order A, B, C; {role} is after {self.met[-1]}")
            self.met.append(role)
        return role

    def turn(self, actor: str, role: str, statements: tuple[Statement, ...]) -> None:
        """Check a turn of an actor, written without its place."""
        for one in statements:
            name = one.verb.name
            if name in ENDS:
                if len(statements) > 1:
                    raise ScriptError(f"{name} is alone in its turn")
                self.open = {other for other in self.open if role_of(other) != role}
            if role != SENDER and one.verb.needs and actor not in self.open:
                raise ScriptError(f"{actor} has no socket at {name}; write: socket KIND")
            if one.label is not None or one.verb.label == "delivery":
                self._label(one.label or "")
            if name == "socket":
                self.open.add(actor)
            elif name in ("close", "reset"):
                self.open.discard(actor)
            elif name == "accept":
                self.open.add(f"{role}.{one.operation[-1][-1] if one.label else one.operation[-1]}")

    def _label(self, label: str) -> None:
        if label in self.labels:
            said = f'the label "{label}" is there twice' if label else "two deliveries without a label"
            raise ScriptError(f"{said}; give each its own")
        self.labels.add(label)
