"""Which cells are plain: what most are, and what is written in a shorter way than turns take."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from sockmatrix.repro.program import Bind, Member, Open, SetOption, Speech, Turn

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sockmatrix.repro.program import Program

MOST = 3
"""Receivers of a plain program."""

_FEW_PORTS = 1000


def is_plain(program: Program) -> bool:
    """Tell whether each process opens one UDP socket and keeps it, and the main process then sends."""
    *opening, last = program.turns
    if not isinstance(last, Speech):
        opening.append(last)
    turns = [turn for turn in opening if isinstance(turn, Turn)]
    low, high = program.local_range
    return (
        len(turns) == len(opening) == len({turn.process for turn in turns})
        and 0 < len(turns) <= MOST
        and all(isinstance(turn.steps[0].call, Open) for turn in turns)
        and all(
            step.label is None and isinstance(step.call, Open | SetOption | Bind | Member)
            for step in program.steps
        )
        and all(step.call.kind == "SOCK_DGRAM" for step in program.steps if isinstance(step.call, Open))
        and not program.hosts
        and high - low > _FEW_PORTS
    )


def opening(program: Program) -> Iterator[tuple[str, list[str], Turn]]:
    """Yield what a function opens: its name, the processes that call it, and the turn of one of them."""
    turns = [turn for turn in program.turns if isinstance(turn, Turn)]
    for _, group in itertools.groupby(turns, key=lambda turn: turn.steps):
        alike = list(group)
        who = [turn.who for turn in alike]
        yield f"open_{'_'.join(who).lower()}", who, alike[0]
