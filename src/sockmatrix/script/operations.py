"""The operations of scripts: what each takes, and the form in which the probe is told of it.

One table is the language: `OPERATIONS` for the processes of a cell, `STAGED` for the staged sender.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, final

from sockmatrix.part import unknown
from sockmatrix.script import symbols
from sockmatrix.script.arguments import (
    ADDRESS,
    INTERFACE,
    OPTION,
    OWN_PORT,
    SIZE,
    SOCKET,
    SYSCTL,
    number,
    one_of,
    read_flags,
    read_port,
    read_value,
)
from sockmatrix.script.errors import ScriptError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sockmatrix.scenarios.scenario import Operation
    from sockmatrix.script.arguments import Reader

BACKLOG = 128
TIMES = 8

LABEL = re.compile(r"[a-z0-9][a-z0-9.+-]{0,39}")

_LABELLED = re.compile(r"(\S+?)\s*=\s*(\S.*)")


@final
@dataclass(frozen=True, slots=True)
class Verb:
    """An operation: its arguments, the optional ones, those by name, and whether it has a label.

    `needs` says that its actor must have a socket. `makes` turns the arguments into what the probe is
    told, where that is not name, arguments, options.
    """

    name: str
    required: tuple[tuple[str, Reader], ...] = ()
    optional: tuple[tuple[str, Reader], ...] = ()
    options: Mapping[str, Reader] = field(default_factory=dict)
    switches: tuple[str, ...] = ()
    label: Literal["may", "must", "never", "delivery"] = "may"
    needs: bool = True
    makes: Callable[[str, list[Any], dict[str, Any]], Operation] | None = None

    @property
    def form(self) -> str:
        """How it is written."""
        words = [self.name, *(name for name, _ in self.required)]
        words += [f"[{name}]" for name, _ in self.optional]
        words += [f"[{name}=...]" for name in self.options]
        words += [f"[{name}]" for name in self.switches]
        return " ".join(words)


# --- arguments ------------------------------------------------------------------------------------

_TO = (("SYMBOL", ADDRESS),)
_PORT = (("PORT", read_port),)
_SET = (("OPTION", OPTION), ("VALUE", read_value))
_MEMBER = (("GROUP", ADDRESS), ("IFACE", INTERFACE))
_JOIN: dict[str, Reader] = {
    # group-req: MCAST_JOIN_GROUP, which names the interface by its index (RFC 3678, 5.1.1)
    "by": one_of("way to name an interface", ("address", "index", "any", "group-req")),
    "source": ADDRESS,
}
_BLOCK: dict[str, Reader] = {"source": ADDRESS}
_SCOPE: dict[str, Reader] = {"on": INTERFACE}  # the sin6_scope_id (RFC 3493, 3.3)


# --- forms of their own ---------------------------------------------------------------------------


def _own_port(name: str, arguments: list[Any], options: dict[str, Any]) -> Operation:
    """Leave out the port that is the default, unless options follow it."""
    if options:
        return [name, arguments[0], arguments[1] if len(arguments) > 1 else OWN_PORT, options]
    return [name, *(one for one in arguments if one != OWN_PORT)]


def _listen(name: str, arguments: list[Any], _options: dict[str, Any]) -> Operation:
    return [name, arguments[0] if arguments else BACKLOG]


def _tell(_name: str, arguments: list[Any], options: dict[str, Any]) -> Operation:
    destination = arguments[0] if arguments else None
    port = (arguments[1] if len(arguments) > 1 else OWN_PORT) if arguments else None
    return ["tell", destination, port, *([options] if options else [])]


def _member(name: str, arguments: list[Any], options: dict[str, Any]) -> Operation:
    if "source" in options and options.get("by") == "group-req":
        raise ScriptError("by=group-req has no source")
    return _plainly(name, arguments, options)


def _source_needed(name: str, arguments: list[Any], options: dict[str, Any]) -> Operation:
    if "source" not in options:
        raise ScriptError(f"{name} lacks source=SYMBOL")
    return [name, *arguments, options]


def _speak(name: str, arguments: list[Any], options: dict[str, Any]) -> Operation:
    port = arguments[1] if len(arguments) > 1 else OWN_PORT
    return [name, "", arguments[0], port, options.get("times", TIMES)]


def _staged_send(_name: str, arguments: list[Any], options: dict[str, Any]) -> Operation:
    destination, port = arguments[0], arguments[1] if len(arguments) > 1 else OWN_PORT
    if destination in symbols.GROUPS and "via" not in options:
        raise ScriptError(f"to the group {destination} it needs via=IFACE, or via=none to leave it unset")
    if options.get("via") == "none":
        del options["via"]
    if port != OWN_PORT:
        options["port"] = port
    return ["send", "", destination, options]


def _staged_call(_name: str, arguments: list[Any], _options: dict[str, Any]) -> Operation:
    port = arguments[1] if len(arguments) > 1 else OWN_PORT
    return ["connect", "", arguments[0], *([{"port": port}] if port != OWN_PORT else [])]


_ALL = (
    Verb("socket", (("KIND", one_of("kind of socket", symbols.SOCKETS)),), needs=False),
    Verb("set", _SET),
    Verb("get", (("OPTION", OPTION),), label="must"),
    Verb("bind", _TO, _PORT, _SCOPE, makes=_own_port),
    Verb("listen", (), (("N", number("backlog", 0, 65535)),), makes=_listen),
    Verb("connect", _TO, _PORT, _SCOPE, makes=_own_port),
    Verb("disconnect"),
    Verb("join", _MEMBER, (), _JOIN, makes=_member),
    Verb("leave", _MEMBER, (), _JOIN, makes=_member),
    Verb("block", _MEMBER, (), _BLOCK, makes=_source_needed),
    Verb("unblock", _MEMBER, (), _BLOCK, makes=_source_needed),
    Verb(
        "send",
        (),
        (*_TO, *_PORT),
        {"size": SIZE, "flags": read_flags, "source": ADDRESS, **_SCOPE},
        makes=_tell,
    ),
    Verb("speak", _TO, _PORT, {"times": number("times", 1, 1000)}, label="delivery", makes=_speak),
    Verb(
        "receive", (), (("all", one_of("way to receive", ("all",))),), {"size": SIZE, "flags": read_flags}
    ),
    Verb("errors", label="must"),
    Verb("pending", label="must"),
    Verb("poll", label="must"),
    Verb("accept", (("NAME", SOCKET),)),
    Verb("name", label="must"),
    Verb("peer", label="must"),
    Verb("balance", (("K", number("index", 0, 0xFFFFFFFF)),)),
    Verb("unbalance"),
    Verb("shutdown"),
    Verb("close"),
    Verb("reset"),
    Verb("exit", label="never", needs=False),
    Verb("kill", label="never", needs=False),
    Verb("flags", (("IFACE", INTERFACE),), label="must", needs=False),
    Verb("route", _TO, label="must", needs=False),
    Verb("waits", label="must", needs=False),
    Verb("sysctl", (("NAME", SYSCTL),), label="must", needs=False),
    Verb("asyncio-reuse-address", label="must", needs=False),
)

OPERATIONS = {one.name: one for one in _ALL}

STAGED = {
    one.name: one
    for one in (
        Verb(
            "speak",
            _TO,
            _PORT,
            {"via": INTERFACE, "loop": number("loop", 0, 1), "ttl": number("ttl", 0, 255)},
            ("broadcast",),
            label="delivery",
            makes=_staged_send,
        ),
        Verb("call", _TO, _PORT, label="delivery", makes=_staged_call),
    )
}

ENDS = ("exit", "kill")
"""These end a process; they are alone in their turn."""


@final
@dataclass(frozen=True, slots=True)
class Statement:
    """One operation of a script as it was read: `label` is None where it has none."""

    label: str | None
    verb: Verb
    operation: Operation


@functools.lru_cache(maxsize=20_000)
def statement(text: str, *, staged: bool) -> Statement:
    """Return the operation that `text` says; not to be changed. Raises ScriptError."""
    label = None
    if parts := _LABELLED.fullmatch(text):
        label, text = parts[1], parts[2]
        if not LABEL.fullmatch(label):
            raise ScriptError(
                f'label "{label}" is not up to 40 lower-case letters, digits, ., + and -,'
                " the first a letter or digit"
            )
    name, *words = text.split()
    known = STAGED if staged else OPERATIONS
    if name not in known:
        what = "operation of the staged sender" if staged else "operation"
        raise ScriptError(unknown(what, name, known))
    verb = known[name]
    if verb.label == "must" and label is None:
        raise ScriptError(f"{name} needs a label, or its answer is lost: LABEL = {text}")
    if verb.label == "never" and label is not None:
        raise ScriptError(f"{name} has no label")
    arguments, options = _arguments(verb, words)
    operation = (verb.makes or _plainly)(name, arguments, options)
    if verb.label == "delivery":
        operation[1] = label or ""
    elif label is not None:
        operation = ["note", label, operation]
    return Statement(label, verb, operation)


def _plainly(name: str, arguments: list[Any], options: dict[str, Any]) -> Operation:
    return [name, *arguments, *([options] if options else [])]


def _arguments(verb: Verb, words: list[str]) -> tuple[list[Any], dict[str, Any]]:
    plain: list[str] = []
    options: dict[str, Any] = {}
    for word in words:
        key, equals, value = word.partition("=")
        if not equals and word not in verb.switches:
            plain.append(word)
            continue
        if key in options:
            raise ScriptError(f'"{key}" is said twice')
        if not equals:
            options[key] = 1
        elif key in verb.options:
            options[key] = verb.options[key](value)
        else:
            raise ScriptError(f"{unknown('option', key, verb.options)}; write: {verb.form}")
    every = (*verb.required, *verb.optional)
    if not len(verb.required) <= len(plain) <= len(every):
        raise ScriptError(
            f'"{" ".join((verb.name, *plain))}" has {len(plain)} arguments; write: {verb.form}'
        )
    return [read(word) for (_, read), word in zip(every, plain, strict=False)], options
