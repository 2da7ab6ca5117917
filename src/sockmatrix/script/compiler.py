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
from dataclasses import dataclass
from typing import TYPE_CHECKING, final

import msgspec

from sockmatrix.cell import NOT_RECEIVERS
from sockmatrix.labs import HOSTS, PLAIN, USERS
from sockmatrix.part import unknown
from sockmatrix.script.errors import ScriptError
from sockmatrix.script.operations import ENDS, statement

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sockmatrix.scenarios.scenario import Operation, Steps

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
    found = []
    for number, line in enumerate(lines(text), 1):
        try:
            found.append(_filled(line, does) if "{" in line or "}" in line else line)
        except ScriptError as error:
            raise ScriptError(error.problem, number, line.strip()) from None
    return "\n".join(found)


@functools.lru_cache(maxsize=100)
def lines(text: str) -> tuple[str, ...]:
    """Return the lines of a script without their comments."""
    return tuple(line.partition("#")[0].rstrip() for line in text.split("\n"))


def holes(text: str) -> list[str]:
    """Return the names of the axes that a script speaks of, each once."""
    return list(dict.fromkeys(name for line in lines(text) for name in _HOLE.findall(line)))


def _filled(line: str, does: Mapping[str, str], depth: int = 0) -> str:
    def instead(hole: re.Match[str]) -> str:
        if hole[1] not in does:
            raise ScriptError(unknown("axis", hole[1], does))
        if depth == _DEEPEST:
            raise ScriptError(f"{{{hole[1]}}} speaks of itself")
        own = does[hole[1]]
        return _filled(own, does, depth + 1) if "{" in own or "}" in own else own

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
    turns = filter(None, map(_turn, text.split("\n")))
    return tuple(label for turn in turns for label in turn.labels if label)


def operations(turn: str) -> Iterator[tuple[str, bool, Operation]]:
    """Yield operations of a turn: the text, whether the staged sender does it, what the probe is told.

    Raises ScriptError.
    """
    actor, texts = _split(turn)
    staged = role_of(actor) == SENDER
    yield from ((text, staged, statement(text, staged=staged).operation) for text in texts)


@functools.lru_cache(maxsize=1000)
def _compiled(text: str, lab: str) -> bytes:
    """Return the steps as JSON."""
    checker = _Checker(lab)
    steps = []
    for number, line in enumerate(text.split("\n"), 1):
        try:
            turn = _turn(line)
            if turn:
                checker.check(turn)
                steps.append(turn.step)
        except ScriptError as error:
            raise ScriptError(error.problem, number, _code(line)) from None
    if not steps:
        raise ScriptError("there is nothing in it to do")
    return b"[%s]" % b",".join(steps)


@final
@dataclass(frozen=True, slots=True)
class _Turn:
    """A turn as it was read. `actor` is written without its place; `step` is what the probe is told.

    `needs`: the operation for which the actor must have had a socket before. `labels`: also "", of a
    delivery without one. After it the actor has a socket, or none, or what it had (None); `accepted` are
    further sockets that it has, and if it `ends` its role has none at all.
    """

    actor: str
    role: str
    place: str
    step: bytes
    labels: tuple[str, ...]
    needs: str
    has: bool | None
    accepted: tuple[str, ...]
    ends: bool


def _code(line: str) -> str:
    return line.partition("#")[0].strip()


def _split(line: str) -> tuple[str, list[str]]:
    """Return the actor of a line, and the texts of its operations, none in an empty one."""
    turn = _code(line)
    actor, colon, rest = turn.partition(":")
    if turn and not colon:
        raise ScriptError("a turn is written ACTOR: operation; operation")
    return actor.strip(), [own for one in rest.split(";") if (own := one.strip())]


# Twenty thousand scripts have few turns that are not in others too.
@functools.lru_cache(maxsize=10_000)
def _turn(line: str) -> _Turn | None:
    """Return the turn in a line, None where nothing is done. Raises ScriptError."""
    text, told = _split(line)
    if not told:
        return None
    role, own, place = _actor(text)
    actor = f"{role}.{own}" if own else role
    needs, has = "", None
    found, accepted = [], []
    for one in told:
        said = statement(one, staged=role == SENDER)
        found.append(said)
        name = said.verb.name
        if name in ENDS and len(told) > 1:
            raise ScriptError(f"{name} is alone in its turn")
        if role != SENDER and said.verb.needs and not has:
            if has is False:
                raise _without_socket(actor, name)
            needs = needs or name
        if name == "socket":
            has = True
        elif name in ("close", "reset"):
            has = False
        elif name == "accept":
            accepted.append(f"{role}.{said.operation[-1][-1] if said.label else said.operation[-1]}")
    return _Turn(
        actor,
        role,
        place,
        msgspec.json.encode([text, [one.operation for one in found]]),
        tuple(one.label or "" for one in found if one.label or one.verb.label == "delivery"),
        needs,
        has,
        tuple(accepted),
        found[0].verb.name in ENDS,
    )


def _actor(text: str) -> tuple[str, str, str]:
    """Return the role, the further socket and the place of an actor. Raises ScriptError."""
    parts = _ACTOR.fullmatch(text)
    if parts is None:
        raise ScriptError(f'"{text}" is not an actor; write ROLE, ROLE.socket, ROLE@place')
    role, own, place = parts[1], parts[2] or "", parts[3] or ""
    if place and place not in _PLACES:
        raise ScriptError(unknown("place", place, _PLACES))
    if role == SENDER and own:
        raise ScriptError("the staged sender has no sockets to name")
    return role, own, place


def _without_socket(actor: str, name: str) -> ScriptError:
    return ScriptError(f"{actor} has no socket at {name}; write: socket KIND")


class _Checker:
    """What holds between the turns of a script."""

    def __init__(self, lab: str) -> None:
        self.lab = lab
        self.places: dict[str, str] = {}
        self.last = ""  # of the receivers met
        self.open: set[str] = set()
        self.labels: set[str] = set()

    def check(self, turn: _Turn) -> None:
        """Check the next turn. Raises ScriptError."""
        if self.places.get(turn.role) != turn.place:
            self._role(turn.role, turn.place)
        if turn.needs and turn.actor not in self.open:
            raise _without_socket(turn.actor, turn.needs)
        for label in turn.labels:
            if label in self.labels:
                said = (
                    f'the label "{label}" is there twice' if label else "two deliveries without a label"
                )
                raise ScriptError(f"{said}; give each its own")
            self.labels.add(label)
        if turn.ends:
            self.open = {other for other in self.open if role_of(other) != turn.role}
        if turn.has:
            self.open.add(turn.actor)
        elif turn.has is False:
            self.open.discard(turn.actor)
        self.open.update(turn.accepted)

    def _role(self, role: str, place: str) -> None:
        """Check a role that was not met before in this place."""
        if place in HOSTS and self.lab not in HOSTS[place]:
            raise ScriptError(
                f"the lab {self.lab} has no host {place}; labs that do: {', '.join(sorted(HOSTS[place]))}"
            )
        if role in self.places:
            told = f"{role}@{self.places[role]}" if self.places[role] else role
            raise ScriptError(f"{role} stays where it is; it was {told} before")
        self.places[role] = place
        if is_receiver(role):
            if role < self.last:
                raise ScriptError(f"receivers begin in the order A, B, C; {role} is after {self.last}")
            self.last = role
