"""`sockmatrix explain CELL [RUN...]`: one cell, what came of it where, and why."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from sockmatrix import content, plan
from sockmatrix.claims.book import load
from sockmatrix.cli import UsageError
from sockmatrix.commands.options import examples
from sockmatrix.commands.runs import read_runs, tell_incomplete, write_output
from sockmatrix.exitcode import ExitCode, verdict
from sockmatrix.explain import explain
from sockmatrix.part import TableError
from sockmatrix.render import explanation as render
from sockmatrix.render.screen import Screen
from sockmatrix.selection import SelectionError, look_up

if TYPE_CHECKING:
    import argparse

    from sockmatrix.explain import Explanation


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this command."""
    parser.add_argument(
        "cell", metavar="CELL", help="the id of a cell; `sockmatrix list --cells` has them"
    )
    parser.add_argument(
        "runs", nargs="*", metavar="RUN", help="run files (default: those that come with sockmatrix)"
    )
    parser.add_argument(
        "--all", action="store_true", help="every claim, and each rule of the kernel in words"
    )
    parser.add_argument("--format", choices=("text", "markdown"), default="text")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("-o", "--output", metavar="FILE", type=Path, help="write to FILE")
    parser.epilog = examples(
        (
            "sockmatrix explain fan-out/dest:if4/A:any4.addr/B:any4.addr",
            "who of two hears unicast, and why",
        ),
        ("sockmatrix explain 'peers/case:pktinfo/to:lobcast' RUN --all", "with all that is said of it"),
    )


def main(arguments: argparse.Namespace) -> ExitCode:
    """Explain a cell."""
    try:
        table, cell = look_up(arguments.cell)
        paths = arguments.runs or sorted(content.runs().glob("*.jsonl*"))
        runs = read_runs(paths)
        found = explain(table, cell, plan.expand(table), runs, load().claims.values())
    except (SelectionError, TableError) as error:
        raise UsageError(str(error)) from error
    if arguments.json:
        shown = json.dumps(_value(found), indent=1) + "\n"
    elif arguments.format == "markdown":
        shown = render.markdown(found)
    else:
        screen = Screen() if arguments.output else Screen.of(sys.stdout)
        shown = render.text(found, screen, everything=arguments.all)
    write_output(shown, arguments.output)
    code = tell_incomplete(runs.values()) if arguments.runs else ExitCode.EXPECTED
    if not any(one.ways for one in found.measured):
        code = ExitCode.NOTHING
    if code is not ExitCode.EXPECTED:
        print(verdict(code), file=sys.stderr)
    return code


def _value(found: Explanation) -> dict[str, Any]:
    """Return an explanation as a JSON value."""
    return {
        "id": found.cell.id,
        "question": found.question,
        "axes": dict(found.axes),
        "lab": found.cell.lab,
        "turns": [{"actor": actor, "does": sentence} for actor, sentence in found.turns],
        "measured": [
            {
                "runs": one.runs,
                "outcome": one.headline,
                "sentence": one.sentence,
                "ways": [
                    {"often": often, "receivers": [row._asdict() for row in rows]}
                    for often, rows in one.ways
                ],
            }
            for one in found.measured
        ],
        "rules": [msgspec.to_builtins(rule) for rule in found.rules],
        "predicted": [msgspec.to_builtins(one) for one in found.predicted],
        "claims": [
            {
                "id": one.claim.id,
                "statement": one.claim.statement,
                "source": one.claim.source.title,
                "section": one.claim.section,
                "url": one.claim.url,
                "authority": one.claim.source.authority,
                "verdicts": {
                    name: {"verdict": said.word, **({"reason": said.reason} if said.reason else {})}
                    for name, said in one.verdicts.items()
                },
            }
            for one in found.claims
        ],
    }
