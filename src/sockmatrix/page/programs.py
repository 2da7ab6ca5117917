"""The programs that repeat cells (`repro`), in pieces: 40,000 of them are few texts with gaps.

In a fan-out each process opens one socket and the main process then sends, once; in bind conflicts it
sends, or connects, to every address that a socket covers. What a socket opens depends on the socket
alone, the rest on the axes of the cell, how many receivers there are, and what they cover. Every piece
is cut out of a program that `repro` wrote; the script of the page puts them together.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final

from sockmatrix.cell import receiver_names
from sockmatrix.page.compact import Numbered
from sockmatrix.repro import LANGUAGES, Inexpressible, resolve
from sockmatrix.scenarios import addresses
from sockmatrix.scenarios.bind_conflicts import BIND_CONFLICTS
from sockmatrix.scenarios.fan_out import FAN_OUT

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sockmatrix.cell import Cell, Socket
    from sockmatrix.page.compact import Compact
    from sockmatrix.plan import Plan

_MOST = 3  # sockets of a plain program
_RARE = frozenset({"lb", "exclusive"})  # options whose programs first ask whether there are any
_OPENED = ("transport", "listen", "via")  # axes on which depends what a socket does
_SCENARIOS = (FAN_OUT.name, BIND_CONFLICTS.name)
_STEP = re.compile(r"(?m)^    ([A-Z]): (.*(?:\n        .*)*)\n")
_OPENS = re.compile(r"(?s)def (open_\w+)\(\):\n(.*?)\n\n\n")
_OPEN = re.compile(r"(?m)^OPEN = \{(.*)\}")
_CALLED = re.compile(r'"([A-Z])": (open_\w+)')
_NAMES = re.compile(r"(?m)^    opened = \[name for name in (\[.*?\]) ")
_SENDS = re.compile(r"(?s)\n    return \[\n(.*?)\n    \]\n")
_TURNS = re.compile(r'(?s)@turn\(("[^)]*)\)\ndef turn_\d+\(me\):\n(.*?)\n\n\n')
_LATER = re.compile(r"(?m)^def turn_(\d+)\(")
_LATEST = 4
_OPENING = "    sock = sockets[me] = attempt("
_QUOTED = re.compile(r'"([A-Z])"')


def values(tables: Iterable[Compact]) -> dict[str, Any]:
    """Return the pieces of tables that have such programs, by table.

    `wholes`: each texts, and numbers of gaps: 0 the id, 1 the steps, 2 the functions, then 3 which
    process calls which, 4 the names of the receivers, 5 what is sent; or, where functions are turns, 3
    and so on the numbers of later turns. `sockets`: [step, body, numbers of what it needs] by its number
    and the values of `_OPENED`; `sends`: [number of the whole, [name, step, body] of further steps,
    what is sent, whether functions are turns] by "B N C,C": the number of the beginning, how many
    receivers there are, and what they need.
    """
    return {one.plan.table.name: found for one in tables if (found := _pieces(one))}


def covered(table: Compact) -> list[bool]:
    """Tell of each cell of a table whether its program can be put together."""
    pieces = _pieces(table)
    if pieces is None:
        return [False] * len(table.plan.cells)
    found = []
    for cell, begin, end in zip(table.plan.cells, table.begin, table.end, strict=True):
        own = [pieces["sockets"].get(f"{number} {_opened(cell)}") for number in table.ends[end]]
        there = len(own) <= _MOST and all(own)
        found.append(there and f"{begin} {_rest(one[2] for one in own)}" in pieces["sends"])
    return found


def _pieces(table: Compact) -> dict[str, Any] | None:
    plan, ends = table.plan, table.ends
    if plan.table.scenario.name not in _SCENARIOS or "user" in plan.table.socket_axes:
        return None
    needs: dict[int, tuple[int, ...]] = {}
    known: dict[str, list[Any]] = {}
    sends: dict[str, list[Any] | None] = {}
    wholes, things = Numbered(), Numbered()
    opens: dict[int, str] = {}
    ready: dict[tuple[int, str], tuple[list[str], str]] = {}
    for cell, begin, end in zip(plan.cells, table.begin, table.end, strict=True):
        if len(ends[end]) > _MOST:
            continue
        opened = opens.get(begin)
        if opened is None:
            opened = opens[begin] = _opened(cell)
        if (end, opened) not in ready:  # tens of thousands of cells have the same few sockets
            for one, socket in zip(ends[end], cell.sockets, strict=True):
                if one not in needs:
                    needs[one] = tuple(map(things, _needs(plan, socket)))
            own = [f"{number} {opened}" for number in ends[end]]
            ready[end, opened] = own, _rest(needs[one] for one in ends[end])
        own, rest = ready[end, opened]
        key = f"{begin} {rest}"
        if key in sends and (not sends[key] or all(one in known for one in own)):
            continue
        text = written(plan, cell)
        cut = _Cut.of(text)
        steps = _STEP.findall(text)
        names = receiver_names(len(own))
        first, others = steps[: len(own)], steps[len(own) :]
        if (
            cut is None
            or cut.turns != (cell.axes.get("transport") == "tcp")
            or [name for name, _ in first] != [*names]
        ):
            sends[key] = None  # one of another kind: more processes than a short one has, for example
            continue
        for number, (name, step), one in zip(own, first, ends[end], strict=True):
            known[number] = [step, cut.bodies[name], needs[one]]
        more = [[name, step, "" if name in names else cut.bodies.get(name, "")] for name, step in others]
        sends[key] = [wholes(cut.gaps(text, cell)), more, cut.sent, int(cut.turns)]
    if not known:
        return None
    found = {key: own for key, own in sends.items() if own}
    return {
        "most": _MOST,
        "wholes": [list(one) for one in wholes.values],
        "sockets": known,
        "sends": found,
    }


def _opened(cell: Cell) -> str:
    return " ".join(cell.axes.get(name, "") for name in _OPENED)


def _rest(needs: Iterable[Iterable[int]]) -> str:
    """Return what the rest of a program is found by: how many sockets there are, and what they need."""
    own = list(needs)
    every = sorted({thing for things in own for thing in things})
    return f"{len(own)} {','.join(map(str, every))}"


def _needs(plan: Plan, socket: Socket) -> Iterator[str]:
    """Yield what the rest of a program depends on because of a socket."""
    if plan.table.scenario.name == BIND_CONFLICTS.name:
        yield from addresses.destinations([socket.bind])  # each is sent to
    if socket.bind in addresses.IPV6_SOCKETS:
        yield "an IPv6 network"
    yield from sorted(_RARE.intersection(socket.reuse.split("+")))


def written(plan: Plan, cell: Cell) -> str:
    """Return the program of a cell, "" if it cannot be expressed."""
    try:
        return LANGUAGES["python"](resolve(plan.table, cell, None), "")
    except Inexpressible:
        return ""


@final
@dataclass(frozen=True, slots=True)
class _Cut:
    """A program in pieces: the function of each process, and where the gaps are, in order."""

    bodies: dict[str, str]
    spans: tuple[tuple[int, int], ...]
    sent: str
    turns: bool

    @classmethod
    def of(cls, text: str) -> _Cut | None:
        """Return a program in pieces, None for one that is not made so."""
        opens, open_ = list(_OPENS.finditer(text)), _OPEN.search(text)
        if open_:
            bodies, sent = dict(_OPENS.findall(text)), _SENDS.findall(text)[0]
            named = {name: bodies[own] for name, own in _CALLED.findall(open_[0])}
            spans = [one.span(1) for part in (_OPEN, _NAMES, _SENDS) for one in part.finditer(text)]
            return cls(named, ((opens[0].start(), opens[-1].end()), *spans), sent, turns=False)
        turns = [one for one in _TURNS.finditer(text) if one[2].startswith(_OPENING)]
        if not turns:
            return None
        named = {name: one[2] for one in turns for name in _QUOTED.findall(one[1])}
        start, end = turns[0].start(), turns[-1].end()
        later = [one.span(1) for one in _LATER.finditer(text, end)]
        if len(later) > _LATEST or text.count("@turn(", start, end) > len(turns):
            return None
        return cls(named, ((start, end), *later), "", turns=True)

    def gaps(self, text: str, cell: Cell) -> tuple[str | int, ...]:
        """Return the program with numbers for what differs."""
        steps = list(_STEP.finditer(text))
        at = text.index(cell.id)
        spans = ((at, at + len(cell.id)), (steps[0].start(), steps[-1].end()), *self.spans)
        parts: list[str | int] = []
        last = 0
        for (start, end), number in sorted((span, number) for number, span in enumerate(spans)):
            parts += [text[last:start], number]
            last = end
        return (*parts, text[last:])
