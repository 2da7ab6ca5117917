"""Write the parts of docs/ that come from what the command itself says; `--check` only tells what is old.

`ci/in-venv python ci/docs.py` renders the help of every command and of the pytest suite, the exit codes
and the lines of a run file, from the parsers, the enumeration and the schema that the program uses. Pages
are written by hand around these parts, which stand between `<!-- made: NAME -->` and `<!-- end -->`.
"""

from __future__ import annotations

import argparse
import importlib
import re
import sys
import textwrap
from typing import TYPE_CHECKING, Any

import common

from sockmatrix import cli, schema
from sockmatrix.claims import systems
from sockmatrix.exitcode import PRECEDENCE, ExitCode
from sockmatrix.suite import hooks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

DOCS = common.ROOT / "docs"
_PART = re.compile(r"(<!-- made: ([a-z-]+) -->\n).*?(<!-- end -->)", re.DOTALL)


def main(words: list[str] | None = None) -> int:
    """Write the pages, or name those that would change."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--check", action="store_true")
    arguments = parser.parse_args(words)
    old = [page for page in sorted(DOCS.glob("*.md")) if rendered(page) != page.read_text("utf-8")]
    for page in old:
        print(f"{'is old' if arguments.check else 'written'}: {page.relative_to(common.ROOT)}")
        if not arguments.check:
            page.write_text(rendered(page), encoding="utf-8")
    return 1 if old and arguments.check else 0


def rendered(page: Path) -> str:
    """Return a page with its parts made anew. Raises KeyError for a part that nothing makes."""
    text = page.read_text(encoding="utf-8")
    return _PART.sub(lambda found: f"{found[1]}\n{PARTS[found[2]]().strip()}\n\n{found[3]}", text)


def commands() -> str:
    """Return the help of every command: not as argparse prints it, which each Python does otherwise."""
    return "\n".join(line for name in cli.COMMANDS for line in _command(name))


def _command(name: str) -> Iterator[str]:
    about = cli.COMMANDS[name]
    parser = argparse.ArgumentParser(prog=f"sockmatrix {name}")
    importlib.import_module(f"sockmatrix.commands.{name}_command").add_arguments(parser)
    yield f"## sockmatrix {name}\n\n{about[0].upper()}{about[1:]}.\n"
    formatter = argparse.HelpFormatter(parser.prog)
    for action in parser._actions:
        if action.help != argparse.SUPPRESS and not isinstance(action, argparse._HelpAction):
            yield _option(formatter, action)
    epilog = (parser.epilog or "").partition("examples:\n")[2]
    yield f"\n```\n{textwrap.dedent(epilog).rstrip()}\n```\n"


def _option(formatter: argparse.HelpFormatter, action: argparse.Action) -> str:
    shown = action.metavar if isinstance(action.metavar, str) else ""
    if not shown and action.choices is not None:
        shown = "{" + ",".join(map(str, action.choices)) + "}"
    if not shown and action.nargs != 0:
        shown = action.dest.upper()
    names = [f"`{f'{name} {shown}'.strip()}`" for name in action.option_strings] or [f"`{shown}`"]
    told = formatter._expand_help(action) if action.help else ""
    return f"- {', '.join(names)}{': ' if told else ''}{_escaped(told)}"


def suite_options() -> str:
    """Return the options of the pytest suite."""
    kept: list[str] = []

    class Group:
        """Takes options as a group of pytest's parser does."""

        def addoption(self, name: str, **about: Any) -> None:
            """Take one."""
            choices = "{" + ",".join(about["choices"]) + "}" if "choices" in about else ""
            shown = about.get("metavar") or choices
            told = about.get("help", "as for `sockmatrix run --lab`")
            more = " (repeatable)" if about.get("action") == "append" else ""
            kept.append(f"- `{f'{name} {shown}'.strip()}`: {_escaped(told)}{more}")

    class Parser:
        """Takes groups."""

        def getgroup(self, *_: str) -> Group:
            """Return one."""
            return Group()

    hooks.pytest_addoption(Parser())  # type: ignore[arg-type]
    return "\n".join(kept)


def exit_codes() -> str:
    """Return the table of exit codes, the one that wins first in the end."""
    rows = ["| status | says |", "| --- | --- |"]
    rows += [f"| {code.value} | {code.meaning} |" for code in ExitCode]
    order = ", ".join(str(code.value) for code in PRECEDENCE)
    return "\n".join([*rows, "", f"Where several apply, the first of these is told: {order}."])


def run_file() -> str:
    """Return the lines of a run file, from their schema."""
    parts = []
    for name, one in schema.schema()["$defs"].items():
        parts.append(f"### {name}\n\n{_escaped(one.get('description', ''))}\n")
        if "properties" in one:
            needed = set(one.get("required", ()))
            parts += ["| field | type | |", "| --- | --- | --- |"]
            for field, type_ in one["properties"].items():
                must = "" if field in needed else "may be left out"
                parts.append(f"| `{field}` | {_type(type_)} | {must} |")
            parts.append("")
    return "\n".join(parts)


def _type(one: dict[str, Any]) -> str:
    if "$ref" in one:
        return f"[{one['$ref'].rpartition('/')[2]}](#{one['$ref'].rpartition('/')[2].lower()})"
    if "anyOf" in one:
        return " or ".join(dict.fromkeys(_type(part) for part in one["anyOf"]))
    if "enum" in one or "const" in one:
        return " or ".join(f"`{value}`" for value in one.get("enum", [one.get("const")]))
    if one.get("type") == "array":
        inner = one.get("items") or {}
        return f"list of {_type(inner)}" if isinstance(inner, dict) and inner else "list"
    if one.get("type") == "object":
        inner = one.get("additionalProperties")
        return f"object: {_type(inner)} by name" if isinstance(inner, dict) else "object"
    return str(one.get("type", "any"))


def known_systems() -> str:
    """Return the operating systems that claims may name."""
    return ", ".join(f"`{name}`" for name in systems.SYSTEMS)


def _escaped(text: str) -> str:
    """Return a text in which Markdown has nothing to read but code."""
    pieces = text.split("`")
    return "`".join(
        re.sub(r"([*<>|\[\]])", r"\\\1", piece) if place % 2 == 0 else piece
        for place, piece in enumerate(pieces)
    )


PARTS: dict[str, Callable[[], str]] = {
    "commands": commands,
    "exit-codes": exit_codes,
    "run-file": run_file,
    "systems": known_systems,
    "suite-options": suite_options,
}
"""What makes each part."""


if __name__ == "__main__":
    sys.exit(main())
