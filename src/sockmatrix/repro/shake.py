"""A template defines everything that some cell needs; what a program does not use of it is left out."""

from __future__ import annotations

import ast
import functools
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


@dataclass(frozen=True, slots=True)
class Unit:
    """A piece of a program: its text, the names it defines (none: it always stays), those it uses."""

    text: str
    defines: frozenset[str]
    uses: frozenset[str]


def needed(units: Sequence[Unit]) -> list[Unit]:
    """Return the units that those without a name need, and these, in order."""
    kept = [unit for unit in units if not unit.defines]
    used = {name for unit in kept for name in unit.uses}
    waiting = [unit for unit in units if unit.defines]
    while found := [unit for unit in waiting if unit.defines & used]:
        waiting = [unit for unit in waiting if not unit.defines & used]
        kept += found
        used |= {name for unit in found for name in unit.uses}
    stay = set(map(id, kept))
    return [unit for unit in units if id(unit) in stay]


# --- Python ---------------------------------------------------------------------------------------


def python(text: str) -> str:
    """Return a program in Python without the definitions and imports that it does not use."""
    kept = needed(list(_units(text)))
    found = ""
    for before, unit in zip([None, *kept], kept, strict=False):
        found += ("" if before is None else _between(before, unit)) + unit.text
    return found + "\n"


def _units(text: str) -> Iterator[Unit]:
    """Yield the statements of a program. Most of its paragraphs are those of other programs too."""
    pending = ""
    for paragraph in text.split("\n\n"):
        begins = not paragraph.lstrip("\n").startswith(" ")
        if pending and begins and (units := _statements(pending)) is not None:
            yield from units
            pending = paragraph
        else:
            pending += ("\n\n" if pending else "") + paragraph
    yield from _statements(pending) or ()


@functools.lru_cache(maxsize=1000)
def _statements(text: str) -> tuple[Unit, ...] | None:
    """Return whole paragraphs as units, None for those that end within a statement."""
    lines = text.split("\n")
    try:
        body = ast.parse(text).body
    except SyntaxError:
        return None
    found = []
    for node in body:
        first = min([node.lineno, *(one.lineno for one in getattr(node, "decorator_list", []))])
        while first > 1 and lines[first - 2].startswith("#"):
            first -= 1
        found.append(_unit("\n".join(lines[first - 1 : node.end_lineno])))
    return tuple(found)


@functools.lru_cache(maxsize=1000)
def _unit(text: str) -> Unit:
    """Return a statement as a unit; most of a template is the same in every program."""
    (node,) = ast.parse(text).body
    return Unit(text, frozenset(_defined(node)), frozenset(_used(node)))


def _defined(node: ast.stmt) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.Assign):
        yield from (one.id for one in node.targets if isinstance(one, ast.Name))
    elif isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.decorator_list:
        yield node.name


def _used(node: ast.stmt) -> Iterator[str]:
    """Yield the global names that a statement uses."""
    every = list(ast.walk(node))
    own = {one.arg for one in every if isinstance(one, ast.arg)}
    names = [one for one in every if isinstance(one, ast.Name)]
    if isinstance(node, ast.FunctionDef):
        own |= {one.id for one in names if isinstance(one.ctx, ast.Store)}
    yield from (one.id for one in names if isinstance(one.ctx, ast.Load) and one.id not in own)


def _between(before: Unit, unit: Unit) -> str:
    kinds = [_kind(one.text) for one in (before, unit)]
    if "function" in kinds or kinds == ["function", "other"]:
        return "\n\n\n"
    return "\n" if kinds[0] == kinds[1] else "\n\n"


def _kind(text: str) -> str:
    if text.startswith(("def ", "class ", "@", "if ")):
        return "function"
    if text.startswith(('"""', "#!")):
        return "comment"
    if text.startswith("#"):
        return "section"
    return "import" if text.startswith("import ") else "other"


# --- C --------------------------------------------------------------------------------------------

_SILENT = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\])*"', re.DOTALL)
_WORD = re.compile(r"[A-Za-z_]\w*")
_DEFINES = re.compile(
    r"#define (?P<macro>\w+)|struct (?P<tag>\w+) \{|#ifndef (?P<option>\w+)"
    r"|static const struct \w+ \{[^}]*\} (?P<table>\w+)"
    r"|static (?:const )?(?:struct \w+|\w+) [*]*(?:const )?[*]*(?P<name>\w+)[\[(;= ]"
)
_ALWAYS = ("_GNU_SOURCE",)


def c(text: str) -> str:
    """Return a program in C without the functions, variables and macros that it does not use.

    Blocks are parted by an empty line; one that begins with anything else than a static definition or a
    macro always stays.
    """
    units = []
    for block in re.split(r"\n\n+", text.strip("\n")):
        code = _SILENT.sub(" ", block)
        found = _DEFINES.match(code.lstrip())
        name: str | None = next(filter(None, found.groups())) if found else None
        words = {word for word in _WORD.findall(code) if word != name}
        stays = name in _ALWAYS
        units.append(
            Unit(block, frozenset() if name is None or stays else frozenset({name}), frozenset(words))
        )
    return "\n\n".join(unit.text for unit in needed(units)) + "\n"
