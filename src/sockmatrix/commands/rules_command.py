"""`sockmatrix rules RUN --table T`: what was measured, as a short exact list of rules."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

from sockmatrix.commands.options import add_selection, examples, selected
from sockmatrix.commands.runs import read_runs, tell_incomplete
from sockmatrix.exitcode import ExitCode, verdict, worst
from sockmatrix.render import rules as render
from sockmatrix.render.escape import markdown as escaped
from sockmatrix.render.escape import printable
from sockmatrix.render.screen import Screen
from sockmatrix.rules.decision import learn

if TYPE_CHECKING:
    import argparse

_ABOUT = """

The rules are made from the run and from nothing else. Together they decide every measured cell as it was
measured: whether each socket may bind, beside those that were bound before it; and what each open socket
hears. In a list the first rule that holds decides. Terms are written as for --only; some are about what
else was open, which no pattern can say."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this command."""
    parser.description = f"{parser.description}{_ABOUT}"
    parser.add_argument("run", metavar="RUN", help="a run file, plain or gzip")
    add_selection(parser)
    parser.add_argument("--format", choices=("text", "markdown"), default="text")
    parser.add_argument(
        "--json", action="store_true", help="print JSON: a list, one entry for each table"
    )
    parser.epilog = examples(
        ("sockmatrix rules RUN --table bind-conflicts", "who may bind, and who then hears"),
        ("sockmatrix rules RUN --table fan-out --only dest=group4", "the rules of multicast alone"),
    )


def main(arguments: argparse.Namespace) -> ExitCode:
    """Make the rules of each table, and print them."""
    [(platform, run)] = read_runs([arguments.run]).items()
    selection = selected(arguments)
    wanted = selection.ids
    found = []
    for plan in selection.plans:
        rules = learn((cell for cell in plan.cells if cell.id in wanted), run.cells)
        if rules.cells:
            found.append((plan.table, rules))
    if arguments.json:
        values = [render.value(table.name, platform, rules) for table, rules in found]
        print(json.dumps(values, indent=1, ensure_ascii=False))
    elif arguments.format == "markdown":
        parts = [render.markdown(table.name, table.question, rules) for table, rules in found]
        sys.stdout.write("\n".join([f"# What holds on {escaped(platform)}\n", *parts] if parts else []))
    elif found:
        screen = Screen.of(sys.stdout)
        parts = [render.text(table.name, table.question, rules, screen) for table, rules in found]
        sys.stdout.write("\n".join([screen.show(f"{printable(platform)}\n"), *parts]))
    code = tell_incomplete([run])
    if not found:
        code = worst(code, ExitCode.NOTHING)
        print(verdict(code, "none of these cells has an outcome in the run"), file=sys.stderr)
    return code
