"""A program in Python 3.9 or newer, of the standard library alone.

The program starts itself once for each process of the cell; pipes keep their turns in order. Its turns
are written here, all else is in templates/program.py.jinja, or in plain.py.jinja where that is enough.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

from sockmatrix.repro import header, shake
from sockmatrix.repro.fold import fold
from sockmatrix.repro.options import FLAGS, NUMBERS
from sockmatrix.repro.plain import is_plain, opening
from sockmatrix.repro.program import (
    NO_DEVICE,
    NO_INDEX,
    Accept,
    Ask,
    Balance,
    Bind,
    Connect,
    Device,
    End,
    GetOption,
    Inet,
    Inexpressible,
    Linger,
    Listen,
    Member,
    Open,
    Plainly,
    Receive,
    Send,
    SetOption,
    Speak,
    Speech,
    Turn,
)
from sockmatrix.repro.template import render

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sockmatrix.repro.program import Endpoint, Option, Port, Program, Step, Value, Voice

_STEP = "    "


def emit(program: Program, file: str = "") -> str:
    """Return the text of the program, to be kept in `file`. Raises Inexpressible."""
    lines = header.lines(program, f"python3 {file or 'repro.py'}")
    more: dict[str, Any] = {
        "documented": "\n".join(lines).replace("\\", "\\\\").replace('"""', "'''"),
        "numbers": NUMBERS,
    }
    if is_plain(program):
        sends = [line for number in program.order for line in _sent(program.voices[number])]
        text = render("plain.py.jinja", program, opens=list(_opens(program)), sends=sends, **more)
    else:
        text = render("program.py.jinja", program, turns=list(_turns(program)), flags=FLAGS, **more)
    return shake.python(text)


def _opens(program: Program) -> Iterator[tuple[str, list[str], list[str]]]:
    """Yield functions that open a socket: name, processes that call it, lines."""
    for function, who, turn in opening(program):
        lines = []
        for step in turn.steps:
            made = "sock = " if isinstance(step.call, Open) else ""
            called = ", ".join(_call(step))
            lines += fold(f'{made}attempt("{step.name}", {called})', indent=4, trailing=",")
        yield function, who, lines


def _sent(voice: Voice) -> list[str]:
    """Return the lines of one entry of the table of what is sent."""
    options = [f"({', '.join([*_option(option), value(given)])})" for option, given in voice.options]
    entry = f'("{voice.label}", {voice.ports}, {endpoint(voice.to)}, [{", ".join(options)}])'
    *most, last = fold(entry, indent=9, trailing=",")
    return [*most, f"{last},"]


# --- turns ----------------------------------------------------------------------------------------


def _turns(program: Program) -> Iterator[str]:
    number = itertools.count(1)
    for _, group in itertools.groupby(program.turns, _in_common):
        turns = list(group)
        first = turns[0]
        if isinstance(first, Turn):
            who = [repr(turn.who).replace("'", '"') for turn in turns if isinstance(turn, Turn)]
            yield _function(", ".join(who), next(number), "me", _body(first))
            if first.speaks:
                yield _function(
                    "MAIN", next(number), "_", [f"gather({', '.join(map(str, first.speaks))})"]
                )
            continue
        lines = []
        for turn in turns:
            if isinstance(turn, Speech):
                lines += [_speak(program, voice) for voice in turn.voices]
            elif isinstance(turn, End):
                lines.append(f'{"kill" if turn.how == "kill" else "leave"}("{turn.process}")')
        yield _function("MAIN", next(number), "_", lines)


def _in_common(turn: Turn | End | Speech) -> object:
    """Return what turns one after another have in common that share a function."""
    if not isinstance(turn, Turn):
        return None
    return id(turn) if turn.speaks else turn.steps


def _function(who: str, number: int, me: str, lines: Sequence[str]) -> str:
    body = "\n".join(_STEP + part for line in lines for part in fold(line, indent=4, trailing=","))
    return f"@turn({who})\ndef turn_{number}({me}):\n{body}"


def _body(turn: Turn) -> list[str]:
    opens = isinstance(turn.steps[0].call, Open)
    lines = [] if opens or all(_of_host(step) for step in turn.steps) else ["sock = sockets[me]"]
    for step in turn.steps:
        lines += _step(step)
    return lines


def _of_host(step: Step) -> bool:
    """Tell whether a step asks the host, and needs no socket."""
    named = isinstance(step.call, Plainly) and step.call.name in ("waits", "asyncio-reuse-address")
    return named or isinstance(step.call, Ask)


def _step(step: Step) -> list[str]:
    call = step.call
    if isinstance(call, Speak):
        return [f"speak(sock, {call.voice}, {endpoint(call.to)}, times={call.times})"]
    called = ", ".join(_call(step))
    if isinstance(call, Open):
        made = f'sock = sockets[me] = attempt("socket", {called})'
        if step.label is None:
            return [made, "sock.setblocking(False)"]
        return [f'note("{step.label}", opened, me, {called.partition(", ")[2]})', "sock = sockets[me]"]
    if step.label is None:
        return [f'attempt("{step.name}", {called})', *_after(step)]
    return [f'note("{step.label}", {called})', *_after(step)]


def _after(step: Step) -> list[str]:
    """Return what makes a socket one that can hear, or one that cannot."""
    call = step.call
    hears, tried = "hears[me] = sock", step.label is not None
    if isinstance(call, Listen):
        listens = "if sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):"
        return [listens, _STEP + hears] if tried else [hears]
    if isinstance(call, Bind) and call.hears:
        return ["if sock.getsockname()[1]:", _STEP + hears] if tried else [hears]
    if isinstance(call, Plainly) and call.name in ("close", "reset"):
        return ["hears.pop(me, None)", "del sockets[me]"]
    return []


def _call(step: Step) -> list[str]:
    """Return a function of Python, and its arguments."""
    call = step.call
    if isinstance(call, Open):
        return ["socket.socket", f"socket.{call.family}", f"socket.{call.kind}"]
    if isinstance(call, SetOption):
        return ["sock.setsockopt", *_option(call.option), value(call.value)]
    if isinstance(call, GetOption):
        return [f"told_{call.told}", "sock", *_option(call.option)]
    if isinstance(call, Bind):
        return ["sock.bind", endpoint(call.to)]
    if isinstance(call, Listen):
        return ["sock.listen", str(call.backlog)]
    if isinstance(call, Connect):
        return (
            ["connect", "sock", endpoint(call.to)] if call.stream else ["sock.connect", endpoint(call.to)]
        )
    if isinstance(call, Member):
        return ["sock.setsockopt", *_option(call.option), _membership(call)]
    if isinstance(call, Send):
        return _send(call)
    if isinstance(call, Receive):
        function = "receive_all" if call.every else "receive"
        return [function, "sock", str(call.size), *([_flags(call.flags)] if call.flags else [])]
    if isinstance(call, Accept):
        return ["accept", "sock", f'"{call.name}"']
    if isinstance(call, Balance):
        return ["balance", "sock", str(call.index)]
    if isinstance(call, Ask) and call.what == "flags":
        raise Inexpressible(step.text, "it takes rtnetlink(7), which a short program does not speak")
    if isinstance(call, Ask):
        return [call.what, f'"{call.of}"']
    assert isinstance(call, Plainly)
    return _PLAIN.get(call.name) or [call.name, "sock"]


_PLAIN = {
    "asyncio-reuse-address": ["asyncio_reuse_address"],
    "unbalance": ["sock.setsockopt", "socket.SOL_SOCKET", "SO_DETACH_REUSEPORT_BPF", "0"],
    "shutdown": ["shut_down", "me"],
    "close": ["sock.close"],
    "name": ["own_name", "sock"],
    "waits": ["waits"],
}


def _send(call: Send) -> list[str]:
    data = repr(call.mark.encode()).replace("'", '"')
    if call.length > len(call.mark):
        data = f'{data}.ljust({call.length}, b"\\0")'
    flags = _flags(call.flags)
    if call.source:
        packed = f'struct.pack("=I4s4s", 0, socket.inet_aton("{call.source}"), bytes(4))'
        ancillary = f"[(socket.IPPROTO_IP, IP_PKTINFO, {packed})]"
        return ["sock.sendmsg", f"[{data}]", ancillary, flags, *([endpoint(call.to)] if call.to else [])]
    if call.to is None:
        return ["sock.send", data, *([flags] if call.flags else [])]
    return ["sock.sendto", data, *([flags] if call.flags else []), endpoint(call.to)]


def _speak(program: Program, number: int) -> str:
    voice = program.voices[number]
    options = [f"({', '.join([*_option(option), value(given)])})" for option, given in voice.options]
    ports = [f"ports={voice.ports}"] if voice.ports != most_ports(program) else []
    arguments = ", ".join([str(number), endpoint(voice.to), *options, *ports])
    return f"{'call' if voice.connects else 'speak_from_many'}({arguments})"


def most_ports(program: Program) -> int:
    """Return the number of source ports of the voices of the main process; the most."""
    return max((voice.ports for voice in program.voices if not voice.own), default=0)


# --- values ---------------------------------------------------------------------------------------


def port(given: Port) -> str:
    """Return a port."""
    if not given.own:
        return str(given.number)
    return f"PORT + {given.number}" if given.number else "PORT"


def endpoint(given: Endpoint) -> str:
    """Return a socket address."""
    index = _index(given.device) if given.device is not None else "0"
    return f'("{given.host}", {port(given.port)}{"" if index == "0" else f", 0, {index}"})'


def value(given: Value) -> str:
    """Return the value of an option."""
    if isinstance(given, Inet):
        return f'socket.inet_aton("{given.host}")'
    if isinstance(given, Linger):
        return f'struct.pack("@ii", 1, {given.seconds})'
    if isinstance(given, Device):
        if given.how == "name":
            return f'b"{given.name}"'
        index = _index(given.name)
        packed = {"mreqn": f'struct.pack("@8xi", {index})', "network": f'struct.pack("!I", {index})'}
        return packed.get(given.how, index)
    return str(given)


def _index(device: str) -> str:
    if device == NO_DEVICE:
        return str(NO_INDEX)
    return f'socket.if_nametoindex("{device}")' if device else "0"


def _option(option: Option) -> list[str]:
    return [f"socket.{option.level}", option.name if option.name in NUMBERS else f"socket.{option.name}"]


def _flags(names: Sequence[str]) -> str:
    return " | ".join(name if name in FLAGS else f"socket.{name}" for name in names) or "0"


def _membership(call: Member) -> str:
    if call.form == "mreq":
        return f'socket.inet_aton("{call.group}") + socket.inet_aton("{call.interface}")'
    if call.form == "mreqn":
        return f'socket.inet_aton("{call.group}") + struct.pack("@4xi", {_index(call.device)})'
    if call.form == "source":
        return " + ".join(
            f'socket.inet_aton("{one}")' for one in (call.group, call.interface, call.source)
        )
    if call.form == "mreq6":
        index = f'struct.pack("@I", {_index(call.device)})'
        return f'socket.inet_pton(socket.AF_INET6, "{call.group}") + {index}'
    if call.form == "group":
        return f'group_req({_index(call.device)}, "{call.group}")'
    return f'group_source_req({_index(call.device)}, "{call.group}", "{call.source}")'
