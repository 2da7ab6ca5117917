"""Steps as the text of a script: what a person reads of any cell, and `compile_steps` reads again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sockmatrix.script.arguments import OWN_PORT
from sockmatrix.script.compiler import SENDER, role_of
from sockmatrix.script.operations import TIMES
from sockmatrix.script.symbols import GROUPS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sockmatrix.scenarios.scenario import Operation, Steps


def write(steps: Steps) -> list[str]:
    """Return steps as the lines of a script, a turn each.

    >>> write([["A@h2", [["socket", "udp4"], ["bind", "any4", 0]]], ["S", [["connect", "x", "lo4"]]]])
    ['A@h2: socket udp4; bind any4 0', 'S: x = call lo4']
    """
    return [f"{actor}: {'; '.join(_texts(actor, operations))}" for actor, operations in steps]


def _texts(actor: str, operations: Iterable[Operation]) -> list[str]:
    staged = role_of(actor) == SENDER
    return [operation_text(one, staged=staged) for one in operations]


def operation_text(operation: Operation, *, staged: bool) -> str:
    """Return one operation, of the staged sender or of another process."""
    name, *arguments = operation
    if name == "note":
        return f"{arguments[0]} = {operation_text(arguments[1], staged=False)}"
    label = ""
    if staged:
        label, destination, *further = arguments
        options = {**(further[0] if further else {})}
        if name == "send" and destination in GROUPS:
            options.setdefault("via", "none")
        name = {"send": "speak", "connect": "call"}[name]
        arguments = [destination, options.pop("port", OWN_PORT), options]
    elif name == "speak":
        label, *arguments = arguments
        times = arguments.pop()
        arguments += [{"times": times}] if times != TIMES else []
    elif name == "tell":
        name = "send"
    text = " ".join([name, *_words(arguments)])
    return f"{label} = {text}" if label else text


def _words(arguments: Iterable[Any]) -> list[str]:
    words = []
    for argument in arguments:
        if isinstance(argument, dict):
            words += [_option(key, value) for key, value in argument.items()]
        elif argument is not None and argument != OWN_PORT:
            words.append(str(argument))
    return words


def _option(key: str, value: Any) -> str:
    if key == "broadcast":
        return key
    return f"{key}={','.join(value) if isinstance(value, list) else value}"
