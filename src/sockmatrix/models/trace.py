"""Which rules of the kernel a prediction stands on: those that the model asked on its way.

A rule of the model is a function that names in the first paragraph of its docstring, in brackets, the
kernel's function that it restates. While a prediction is traced, each call of one is noted; the rules
themselves know nothing of it.
"""

from __future__ import annotations

import functools
import inspect
import re
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar, final

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType, FrameType

_MODELS = "sockmatrix.models."
_RULES = _MODELS + "linux_"
_NAMED = re.compile(r"\(([a-z_][a-z0-9_]*_[a-z0-9_]+(?:, [a-z0-9_]+)*)\)")

Result = TypeVar("Result")


@final
@dataclass(frozen=True, slots=True)
class Rule:
    """A rule that was asked: the kernel's functions, and what they are asked for in words."""

    functions: tuple[str, ...]
    about: str


def traced(function: Callable[[], Result]) -> tuple[Result, tuple[Rule, ...]]:
    """Call `function`; return its result and the rules that it asked, each once, in order."""
    found: dict[Rule, None] = {}

    def note(frame: FrameType, event: str, _argument: Any) -> None:
        if event == "call" and str(frame.f_globals.get("__name__", "")).startswith(_RULES):
            rule = _rule(frame.f_code, frame.f_globals["__name__"])
            if rule is not None:
                found.setdefault(rule)

    _forget()
    before = sys.getprofile()
    sys.setprofile(note)
    try:
        return function(), tuple(found)
    finally:
        sys.setprofile(before)


def _forget() -> None:
    """Let what remembers its answers (routes, what a lone receiver hears) be asked anew."""
    for name, module in tuple(sys.modules.items()):
        if name.startswith(_MODELS) and module is not sys.modules[__name__]:
            for value in vars(module).values():
                if hasattr(value, "cache_clear"):
                    value.cache_clear()


@functools.cache
def _rule(code: CodeType, module: str) -> Rule | None:
    function = getattr(sys.modules[module], code.co_name, None)
    about = inspect.getdoc(function) if callable(function) else None
    if about is None:
        return None
    first = " ".join(about.split("\n\n")[0].split())
    named = _NAMED.search(first)
    if named is None:
        return None
    words = first[: named.start()].rstrip().removeprefix("Return ").removesuffix(".")
    return Rule(tuple(named[1].split(", ")), words)
