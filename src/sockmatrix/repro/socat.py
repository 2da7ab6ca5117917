"""A shell script around socat(1): receivers that open one socket and keep it, then what is sent.

socat opens, binds and joins (or listens) in one go, and never tells what it saw beyond the data. What a
cell does later to a socket, asks it, or sends from it, a script cannot express; it is named.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sockmatrix.repro import header
from sockmatrix.repro.program import (
    PORT,
    SOURCE_PORT,
    Bind,
    Device,
    End,
    Inet,
    Inexpressible,
    Listen,
    Member,
    Open,
    SetOption,
    Speech,
    Turn,
)
from sockmatrix.repro.template import render

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sockmatrix.repro.program import Endpoint, Program, Step, Value, Voice

MOST = 3
"""Receivers of a script; with more, a program of another language is shorter, and much faster."""

_BEFORE_BIND = {
    "SO_REUSEADDR": "reuseaddr",
    "SO_REUSEPORT": "reuseport",
    "SO_BROADCAST": "broadcast",
    "SO_BINDTODEVICE": "so-bindtodevice",
    "IPV6_V6ONLY": "ipv6only",
    "IP_FREEBIND": "ip-freebind",
    "IP_TRANSPARENT": "ip-transparent",
}
"""Options that socat sets before it binds, and what it calls them."""

_OF_SENDERS = {
    "SO_BROADCAST": "broadcast",
    "IP_MULTICAST_IF": "ip-multicast-if",
    "IP_MULTICAST_TTL": "ip-multicast-ttl",
    "IP_MULTICAST_LOOP": "ip-multicast-loop",
}


def emit(program: Program, file: str = "") -> str:
    """Return the text of the script, to be kept in `file`. Raises Inexpressible, which names the step."""
    if program.lacking:
        raise Inexpressible(program.lacking, "socat has no such option")
    receivers = [(turn.who, _address(turn)) for turn in _turns(program)]
    if len(receivers) > MOST:
        raise Inexpressible(receivers[MOST][0], f"it is one receiver too many, a script has up to {MOST}")
    return render(
        "program.sh.jinja",
        program,
        trim=True,
        comment="\n".join(
            f"# {line}".rstrip()
            for line in header.lines(program, f"sh {file or 'repro.sh'}", more="socat(1)")
        ),
        receivers=receivers,
        sends=[_send(voice) for voice in program.voices],
        own_port=PORT,
        first_source=SOURCE_PORT,
        sends_in_order=[_send(program.voices[number]) for number in program.order],
    )


def _turns(program: Program) -> Iterator[Turn]:
    """Yield the turns of the receivers, each of which has one, before anything is said."""
    met: set[str] = set()
    spoken = False
    for turn in program.turns:
        if isinstance(turn, End):
            raise Inexpressible(
                turn.how, "it ends a process in the course of the cell, and socat runs to the end"
            )
        if isinstance(turn, Speech):
            spoken = True
            continue
        if turn.place:
            raise Inexpressible(f"@{turn.place}", "a script does not become another host or user")
        if spoken or turn.who in met:
            step = turn.steps[0].text
            raise Inexpressible(step, "it comes later in the cell, and socat does all at the beginning")
        met.add(turn.who)
        yield turn


def _address(turn: Turn) -> str:
    """Return the address of socat that does what a turn does."""
    if not isinstance(turn.steps[0].call, Open) or turn.steps[0].call.family == "AF_UNIX":
        raise Inexpressible(turn.steps[0].text, "it is no socket of IP at the beginning of a turn")
    opened = turn.steps[0].call
    bound: Endpoint | None = None
    listens = False
    options: dict[str, str] = {"reuseaddr": "reuseaddr=0"} if opened.kind == "SOCK_STREAM" else {}
    for step in turn.steps[1:]:
        call = step.call
        if step.label is not None:
            raise Inexpressible(step.text, "its result is told, and socat tells none")
        if isinstance(call, Bind) and bound is None:
            bound = call.to
        elif isinstance(call, Listen) and bound is not None:
            listens = True
            options["backlog"] = f"backlog={call.backlog}"
        elif isinstance(call, SetOption) and bound is None and call.option.name in _BEFORE_BIND:
            word = _BEFORE_BIND[call.option.name]
            options[word] = f"{word}={_value(step, call.value)}"
        elif isinstance(call, Member) and not listens:
            options[f"{call.option.name} {call.group} {call.interface}{call.device}"] = _membership(
                step, call
            )
        else:
            raise Inexpressible(step.text, "socat does nothing of the kind at this point")
    if bound is None:
        raise Inexpressible(
            turn.steps[-1].text, "the socket is not bound after it, and socat binds every receiver"
        )
    if opened.kind == "SOCK_STREAM" and not listens:
        raise Inexpressible(
            turn.steps[-1].text,
            "the socket is bound without listening after it, and socat listens at once",
        )
    version = "6" if opened.family == "AF_INET6" else "4"
    kind = f"TCP{version}-LISTEN" if listens else f"UDP{version}-RECV"
    parts = [
        f"{kind}:{_port(bound)}",
        f"bind={_host(bound)}",
        *options.values(),
        *(["fork"] if listens else []),
    ]
    return ",".join(parts)


def _send(voice: Voice) -> dict[str, object]:
    if voice.own:
        raise Inexpressible(
            f"speak {voice.label}".strip(),
            "it is sent from a socket of a cell's process, and socat shares none",
        )
    options = []
    for option, given in voice.options:
        if option.name not in _OF_SENDERS:
            raise Inexpressible(
                f"speak {voice.label}".strip(), f"it takes {option.name}, which socat does not know"
            )
        word = _OF_SENDERS[option.name]
        options.append(f",{word}={given.host}" if isinstance(given, Inet) else f",{word}={given}")
    version = "6" if voice.to.version6 else "4"
    kind = f"TCP{version}" if voice.connects else f"UDP{version}-SENDTO"
    return {
        "address": f"{kind}:{_host(voice.to)}:{_port(voice.to)}{''.join(options)}",
        "voice": voice,
    }


def _host(to: Endpoint) -> str:
    zone = f"%{to.device}" if to.device else ""
    return f"[{to.host}{zone}]" if to.version6 else to.host


def _port(to: Endpoint) -> int:
    return to.port.number + (PORT if to.port.own else 0)


def _value(step: Step, given: Value) -> str:
    if isinstance(given, int):
        return str(given)
    if isinstance(given, Device) and given.how == "name":
        return given.name
    raise Inexpressible(step.text, "socat cannot set such a value")


def _membership(step: Step, call: Member) -> str:
    if call.call == "join" and call.form == "mreq":
        return f"ip-add-membership={call.group}:{call.interface}"
    if call.call == "join" and call.form == "mreq6" and call.device:
        return f"ipv6-join-group=[{call.group}]:{call.device}"
    raise Inexpressible(step.text, "socat cannot ask for such a membership")
