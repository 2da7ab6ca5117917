"""Templates of programs, and what they are told of a cell."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sockmatrix.delivery import bind_order
from sockmatrix.repro.program import (
    MARK,
    PORT,
    SOURCE_PORT,
    Accept,
    Listen,
    Open,
    Plainly,
    SetOption,
    Turn,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from jinja2 import Environment

    from sockmatrix.repro.program import Program

AT_ONCE = 60
"""Source ports that send before the receivers are read: a receive buffer holds some 250 datagrams."""


_ANCILLARY = {"IP_PKTINFO", "IPV6_RECVPKTINFO", "IP_RECVTTL", "IPV6_RECVHOPLIMIT"}


def render(
    name: str,
    program: Program,
    *,
    trim: bool = False,
    filters: Mapping[str, Callable[[str], str]] | None = None,
    **more: Any,
) -> str:
    """Return a template of the directory `templates`, filled in.

    `trim`: a line that holds nothing but a tag of the template leaves nothing behind.
    """
    environment = _environment(trim=trim)
    environment.filters.update(filters or {})
    return environment.get_template(name).render(p=program, **{**_context(program), **more})


@functools.cache
def _environment(*, trim: bool) -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(  # noqa: S701 - programs, no pages
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        trim_blocks=trim,
    )


def _context(program: Program) -> dict[str, Any]:
    opened = {step.call.kind for step in program.steps if isinstance(step.call, Open)}
    ports = {voice.ports for voice in program.voices if not voice.own}
    options = {step.call.option.name for step in program.steps if isinstance(step.call, SetOption)}
    voices = program.voices
    return {
        "port": PORT,
        "source_port": SOURCE_PORT,
        "mark": MARK,
        "at_once": AT_ONCE,
        "sources": max(ports, default=0),
        "varied_ports": len(ports) > 1,
        "options": options,
        "asks_for_more": bool(options & _ANCILLARY),
        "datagrams": "SOCK_DGRAM" in opened,
        "streams": "SOCK_STREAM" in opened,
        "listens": any(isinstance(step.call, Listen) for step in program.steps),
        "connects": any(voice.connects for voice in voices),
        "datagram_voices": any(not voice.connects for voice in voices),
        "own_voices": any(voice.own for voice in voices),
        "many_voices": len(voices) > 1,
        "shuts_down": any(step.call == Plainly("shutdown") for step in program.steps),
        "again": _again(program),
        "roles": roles_of(program),
        "ipv6_link": program.link and any(":" in command for command in program.network),
    }


def _again(program: Program) -> bool:
    """Tell whether a socket has several turns, so that what became of it in one counts in another."""
    turns = [turn for turn in program.turns if isinstance(turn, Turn)]
    late = any(
        step.name.startswith("set ") and any(before.name == "bind" for before in turn.steps[:place])
        for turn in turns
        for place, step in enumerate(turn.steps)
    )
    accepts = any(isinstance(step.call, Accept) for step in program.steps)
    return accepts or late or len({turn.who for turn in turns}) < len(turns)


def roles_of(program: Program) -> tuple[str, ...]:
    """Return every socket by its name, in bind order."""
    return tuple(sorted({turn.who for turn in program.turns if isinstance(turn, Turn)}, key=bind_order))
