"""A program in C (C11 and POSIX, beyond what is Linux's own in the cell).

The program forks a process for each of the cell; pipes keep their turns in order. Its turns are written
here, all else is in templates/program.c.jinja.
"""

from __future__ import annotations

import itertools
import json
import re
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
from sockmatrix.repro.template import render, roles_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sockmatrix.repro.program import Endpoint, Port, Program, Step, Value, Voice

_STEP = "    "
_WORD = re.compile(r"[A-Za-z_]\w*")

ERRNOS = (
    *("EACCES", "EADDRINUSE", "EADDRNOTAVAIL", "EAFNOSUPPORT", "EAGAIN", "EBADF", "ECONNABORTED"),
    *("ECONNREFUSED", "ECONNRESET", "EDESTADDRREQ", "EHOSTUNREACH", "EINPROGRESS", "EINVAL", "EISCONN"),
    *("EMSGSIZE", "ENETUNREACH", "ENOBUFS", "ENODEV", "ENOENT", "ENOPROTOOPT", "ENOTCONN", "EOPNOTSUPP"),
    *("EPERM", "EPIPE", "EPROTO", "ETIMEDOUT"),
)
"""Errors that are called by their names."""

_ERRNOS_OF_OPENING = (
    *(
        "EACCES",
        "EADDRINUSE",
        "EADDRNOTAVAIL",
        "EAFNOSUPPORT",
        "EINVAL",
        "ENETUNREACH",
        "ENOBUFS",
        "ENODEV",
    ),
    *("ENOPROTOOPT", "EPERM"),
)

_HEADERS = (
    # (header, what is used of it)
    ("arpa/inet.h", ""),
    ("errno.h", ""),
    ("fcntl.h", ""),
    ("grp.h", "setgroups"),
    ("linux/errqueue.h", "sock_extended_err"),
    ("linux/filter.h", "BPF_STMT"),
    ("net/if.h", "if_nametoindex if_indextoname"),
    ("netinet/in.h", ""),
    ("netinet/tcp.h", "TCP_NODELAY TCP_DEFER_ACCEPT TCP_FASTOPEN"),
    ("netinet/udp.h", "UDP_CORK"),
    ("poll.h", "poll"),
    ("sched.h", "setns"),
    ("signal.h", "kill"),
    ("stdarg.h", "va_list"),
    ("stdio.h", ""),
    ("stdlib.h", ""),
    ("string.h", ""),
    ("sys/ioctl.h", "ioctl"),
    ("sys/socket.h", ""),
    ("sys/time.h", "timeval"),
    ("sys/wait.h", ""),
    ("unistd.h", ""),
)


def emit(program: Program, file: str = "") -> str:
    """Return the text of the program, to be kept in `file`. Raises Inexpressible."""
    more = {
        "comment": _comment(program, file),
        "includes": ["HEADERS"],
        "numbers": [(one, number) for one, (number, _) in NUMBERS.items()] + list(FLAGS.items()),
        "errnos": _ERRNOS_OF_OPENING if is_plain(program) else ERRNOS,
    }
    text = shake.c(_plain(program, more) if is_plain(program) else _whole(program, more))
    words = set(_WORD.findall(text))
    used = [one for one, of in _HEADERS if not of or words.intersection(of.split())]
    return text.replace("#include <HEADERS>", "\n".join(f"#include <{one}>" for one in used))


def _plain(program: Program, more: dict[str, Any]) -> str:
    functions = list(opening(program))
    turns = [text for number, voice in enumerate(program.voices) for text in _preparation(number, voice)]
    turns += [_opens(function, turn) for function, _, turn in functions]
    roles = roles_of(program)
    return render(
        "plain.c.jinja",
        program,
        trim=True,
        turns=turns,
        opens={role: function for function, who, _ in functions for role in who},
        labels=[quoted(program.voices[number].label) for number in program.order],
        sends=[
            line
            for place, number in enumerate(program.order)
            for line in _sent(program, number, place, roles)
        ],
        **more,
    )


def _opens(function: str, turn: Turn) -> str:
    lines = []
    for step in turn.steps:
        if isinstance(step.call, Open):
            lines.append(f"int sock = socket({step.call.family}, {step.call.kind}, 0);")
            lines.append(f'TRY("{step.name}", sock);')
        else:
            called = _call(step)[0].replace("fd[me]", "sock")
            lines += fold(f'TRY("{step.name}", {called});', indent=4)
    body = "\n".join(_STEP + line for line in [*lines, "return sock;"])
    return f"static int {function}(void)\n{{\n{body}\n}}"


def _sent(program: Program, number: int, place: int, roles: Sequence[str]) -> list[str]:
    """Return the lines that send a voice, and read who heard it."""
    voice = program.voices[number]
    prepare = f"prepare_{number}" if voice.options else "NULL"
    receivers = ", ".join(str(roles.index(role)) for role in voice.receivers)
    return [
        f"sent = send_from_many({endpoint(voice.to)}, {_ports(program, voice)}, {prepare}, &error);",
        f"hear(text[{place}], labels[{place}], (const int[]){{ {receivers}, -1 }}, sent, error);",
    ]


def _whole(program: Program, more: dict[str, Any]) -> str:
    turns, table = _turns(program)
    roles = roles_of(program)
    process_of = [who.partition(".")[0] for who in roles]
    accepted = [step.call.name for step in program.steps if isinstance(step.call, Accept)]
    roles += tuple(dict.fromkeys(one for one in [*process_of, *accepted] if one not in roles))
    process_of = [who.partition(".")[0] for who in roles]
    sends = [step.call.length for step in program.steps if isinstance(step.call, Send)]
    return render(
        "program.c.jinja",
        program,
        trim=True,
        filters={"c_name": name, "quoted": quoted},
        roles=roles,
        processes=tuple(process_of),
        process_of=process_of,
        users=[program.users.get(one, 0) for one in process_of],
        hosts=[quoted(program.hosts[one]) if one in program.hosts else "NULL" for one in process_of],
        most=max([voice.ports for voice in program.voices if not voice.own] + [_times(program)]),
        turns=turns,
        table=table,
        many_receivers=len(roles) > 3,
        longest_from=max([*sends, 64]) + 64,
        **more,
    )


def _times(program: Program) -> int:
    times = [step.call.times for step in program.steps if isinstance(step.call, Speak)]
    return max(times, default=2)


def _comment(program: Program, file: str) -> str:
    lines = header.lines(program, f"cc -o repro {file or 'repro.c'} && ./repro")
    safe = (line.replace("*/", "* /") for line in lines)
    return "\n".join(["/*", *(f" * {line}".rstrip() for line in safe), " */"])


# --- turns ----------------------------------------------------------------------------------------


def _turns(program: Program) -> tuple[list[str], list[tuple[str, str]]]:
    """Return the functions of the turns, and the table of who takes which when."""
    texts: list[str] = []
    table: list[tuple[str, str]] = []
    number = itertools.count(1)
    for _, group in itertools.groupby(program.turns, _in_common):
        turns = list(group)
        first = turns[0]
        function = f"turn_{next(number)}"
        if isinstance(first, Turn):
            texts.append(_function(function, "me", _body(program, first)))
            table += [(name(turn.who), function) for turn in turns if isinstance(turn, Turn)]
            if first.speaks:
                function = f"turn_{next(number)}"
                texts.append(_function(function, "", [f"gather({voice});" for voice in first.speaks]))
                table.append(("MAIN", function))
            continue
        lines = []
        for turn in turns:
            if isinstance(turn, Speech):
                for voice in turn.voices:
                    preparation, line = _speak(program, voice)
                    texts += preparation
                    lines.append(line)
            elif isinstance(turn, End):
                lines.append(
                    f"{'kill_process' if turn.how == 'kill' else 'leave'}({name(turn.process)});"
                )
        texts.append(_function(function, "", lines))
        table.append(("MAIN", function))
    return texts, table


def _in_common(turn: Turn | End | Speech) -> object:
    """Return what turns one after another have in common that share a function."""
    if not isinstance(turn, Turn):
        return None
    return id(turn) if turn.speaks else turn.steps


def _function(function: str, me: str, lines: Sequence[str]) -> str:
    ignored = [] if me and any("me" in _WORD.findall(line) for line in lines) else [f"{_STEP}(void)me;"]
    folded = (part for line in lines for part in fold(line, indent=4))
    body = "\n".join([*ignored, *(_STEP + part for part in folded)])
    return f"static void {function}(int me)\n{{\n{body}\n}}"


def _body(program: Program, turn: Turn) -> list[str]:
    return [line for step in turn.steps for line in _step(program, step, turn)]


def _step(program: Program, step: Step, turn: Turn) -> list[str]:
    call = step.call
    if isinstance(call, Speak):
        return [f"speak(fd[me], {call.voice}, {endpoint(call.to)}, {call.times});"]
    lines = []
    if not isinstance(call, Open | Ask) and turn.steps[0] is step:
        lines = ["if (fd[me] < 0)", f"{_STEP}return;  /* refused in an earlier turn */"]
    called, tells = _call(step)
    if step.label is not None:
        label = f"{program.notes.index(step.label)} /* {step.label} */"
        lines.append(f"{'note_told' if tells else 'note'}({label}, {called});")
    elif tells:
        lines.append(f'TRY("{step.name}", {called} ? 0 : -1);')
    else:
        lines.append(f'TRY("{step.name}", {called});')
    return lines + _after(step)


def _after(step: Step) -> list[str]:
    """Return what makes a socket one that can hear."""
    call = step.call
    if isinstance(call, Listen):
        return ["hears[me] = is_listening(fd[me]);" if step.label is not None else "hears[me] = 1;"]
    if isinstance(call, Bind) and call.hears:
        return ["hears[me] = is_bound(fd[me]);" if step.label is not None else "hears[me] = 1;"]
    return []


def _call(step: Step) -> tuple[str, bool]:
    """Return an expression of C, and whether it is a text (NULL with errno set) and not a number."""
    call = step.call
    if isinstance(call, Open):
        return f"open_socket(me, {call.family}, {call.kind})", False
    if isinstance(call, SetOption):
        return _set("fd[me]", call.option.level, call.option.name, call.value), False
    if isinstance(call, GetOption):
        return f"told_{call.told}(fd[me], {call.option.level}, {call.option.name})", True
    if isinstance(call, Bind):
        return f"bind_to(fd[me], {endpoint(call.to)})", False
    if isinstance(call, Listen):
        return f"listen(fd[me], {call.backlog})", False
    if isinstance(call, Connect):
        return f"{'connect_stream' if call.stream else 'connect_to'}(fd[me], {endpoint(call.to)})", False
    if isinstance(call, Member):
        return _membership(call), False
    if isinstance(call, Send):
        return _send(call), False
    if isinstance(call, Receive):
        function = "receive_all" if call.every else "receive"
        return f"{function}(fd[me], {call.size}, {_flags(call.flags)})", True
    if isinstance(call, Accept):
        return f"accept_as(fd[me], {name(call.name)})", True
    if isinstance(call, Balance):
        return f"balance(fd[me], {call.index})", False
    if isinstance(call, Ask) and call.what == "flags":
        raise Inexpressible(step.text, "it takes rtnetlink(7), which a short program does not speak")
    if isinstance(call, Ask):
        of = "/proc/sys/" + call.of.replace(".", "/") if call.what == "sysctl" else call.of
        return f'{"read_sysctl" if call.what == "sysctl" else "route"}("{of}")', True
    assert isinstance(call, Plainly)
    if call.name not in _PLAIN:
        raise Inexpressible(step.text, "it is about Python itself")
    return _PLAIN[call.name]


_PLAIN = {
    "disconnect": ("disconnect(fd[me])", False),
    "unbalance": ("set(fd[me], SOL_SOCKET, SO_DETACH_REUSEPORT_BPF, 0)", False),
    "shutdown": ("shut_down(me)", False),
    "close": ("close_socket(me)", False),
    "reset": ("reset_socket(me)", False),
    "name": ("own_name(fd[me])", True),
    "peer": ("peer(fd[me])", True),
    "errors": ("read_errors(fd[me])", True),
    "pending": ("pending(fd[me])", True),
    "poll": ("poll_socket(fd[me])", True),
    "waits": ("waits()", True),
}


def _send(call: Send) -> str:
    said = quoted(call.mark)
    to = endpoint(call.to) if call.to else "NULL, 0, 0"
    if call.source:
        return f'send_from(fd[me], "{call.source}", {said}, {call.length}, {to.rpartition(", ")[0]})'
    return f"send_to(fd[me], {said}, {call.length}, {_flags(call.flags)}, {to})"


def _speak(program: Program, number: int) -> tuple[list[str], str]:
    voice = program.voices[number]
    ports = _ports(program, voice)
    if voice.connects:
        return [], f"call({number}, {endpoint(voice.to)}, {ports});"
    preparation = _preparation(number, voice)
    prepare = f"prepare_{number}" if preparation else "NULL"
    return preparation, f"speak_from_many({number}, {endpoint(voice.to)}, {ports}, {prepare});"


def _ports(program: Program, voice: Voice) -> str:
    most = max(one.ports for one in program.voices if not one.own)
    return "SOURCES" if voice.ports == most else str(voice.ports)


def _preparation(number: int, voice: Voice) -> list[str]:
    if not voice.options:
        return []
    calls = [_set("source", option.level, option.name, given) for option, given in voice.options]
    return [f"static int prepare_{number}(int source)\n{{\n    return {' | '.join(calls)};\n}}"]


# --- values ---------------------------------------------------------------------------------------


def name(role: str) -> str:
    """Return the name of a socket as an identifier."""
    return role.replace(".", "_")


def quoted(text: str) -> str:
    """Return a string of C."""
    return json.dumps(text)


def port(given: Port) -> str:
    """Return a port."""
    if not given.own:
        return str(given.number)
    return f"PORT + {given.number}" if given.number else "PORT"


def endpoint(given: Endpoint) -> str:
    """Return host, port and scope id, as arguments."""
    scope = _index(given.device) if given.device is not None else "0"
    return f'"{given.host}", {port(given.port)}, {scope}'


def _set(sock: str, level: str, option: str, value: Value) -> str:
    if isinstance(value, Inet):
        return f'set_address({sock}, {level}, {option}, "{value.host}")'
    if isinstance(value, Linger):
        return f"set_linger({sock}, {value.seconds})"
    if isinstance(value, Device):
        index = _index(value.name)
        if value.how == "name":
            return f'set_text({sock}, {level}, {option}, "{value.name}")'
        if value.how == "mreqn":
            return f'set_mreqn({sock}, {level}, {option}, "0.0.0.0", {index})'
        return f"set({sock}, {level}, {option}, {f'htonl({index})' if value.how == 'network' else index})"
    return f"set({sock}, {level}, {option}, {value})"


def _index(device: str) -> str:
    if device == NO_DEVICE:
        return str(NO_INDEX)
    return f'if_nametoindex("{device}")' if device else "0"


def _flags(names: Sequence[str]) -> str:
    return " | ".join(names) or "0"


def _membership(call: Member) -> str:
    option = call.option.name
    if call.form == "mreq":
        return f'set_mreq(fd[me], {option}, "{call.group}", "{call.interface}")'
    if call.form == "mreqn":
        return f'set_mreqn(fd[me], IPPROTO_IP, {option}, "{call.group}", {_index(call.device)})'
    if call.form == "source":
        return f'set_mreq_source(fd[me], {option}, "{call.group}", "{call.interface}", "{call.source}")'
    if call.form == "mreq6":
        return f'set_mreq6(fd[me], {option}, "{call.group}", {_index(call.device)})'
    if call.form == "group":
        return f'set_group(fd[me], {call.option.level}, {option}, "{call.group}", {_index(call.device)})'
    return f'set_group_source(fd[me], {option}, "{call.group}", {_index(call.device)}, "{call.source}")'
