"""`sockmatrix coexist`: may I bind beside a program with these flags, and who then hears what."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

from sockmatrix.claims.systems import words
from sockmatrix.cli import UsageError
from sockmatrix.coexist import ORDERS, TABLES, Asked, Neighbours
from sockmatrix.commands.knowledge import add_knowledge, knowledge, systems_named
from sockmatrix.commands.options import examples
from sockmatrix.exitcode import ExitCode, verdict, worst
from sockmatrix.part import TableError
from sockmatrix.programs import ProgramError, program
from sockmatrix.render import coexist as render
from sockmatrix.render.screen import Screen

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from sockmatrix.coexist import Answer, Answers, Order

MOST = 3
"""So many programs may be there already."""

_ABOUT = """

A program is FLAGS@ADDRESS. FLAGS: none, addr, port, addr+port, lb, addr+lb or exclusive (SO_REUSEADDR,
SO_REUSEPORT, SO_REUSEPORT_LB, SO_EXCLUSIVEADDRUSE). ADDRESS: any (this is the default), lo, if (the
interface's), group, broadcast, or a symbol of the tables such as any6only. Or it is the name of a
program that a table knows: avahi, mdnsresponder, chromium, miniupnpd, ...

exit status:
  0 it is known who may bind   2 wrong usage or unreadable input   3 it is known in part
  4 nothing is known"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this command."""
    parser.description = f"{parser.description}{_ABOUT}"
    parser.add_argument(
        "--theirs",
        action="append",
        required=True,
        metavar="PROGRAM",
        help=f"what is there already, in bind order (repeatable, up to {MOST})",
    )
    parser.add_argument("--mine", required=True, metavar="PROGRAM", help="what is to bind beside it")
    parser.add_argument("--transport", choices=("udp", "tcp"), default="udp", help="(default: udp)")
    parser.add_argument(
        "--family", type=int, choices=(4, 6), default=4, help="what any, lo and if stand for"
    )
    parser.add_argument(
        "--user", choices=("same", "other"), default="same", help="whose mine is (default: same)"
    )
    add_knowledge(parser, "default: those that there are runs of")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.epilog = examples(
        ("sockmatrix coexist --theirs addr@any --mine addr+port@group", "two sets of flags"),
        ("sockmatrix coexist --theirs avahi --mine port --user other", "beside a daemon, by its name"),
        ("sockmatrix coexist --theirs none --mine addr@lo --on macos", "what documents say of macOS"),
        ("sockmatrix coexist --theirs addr --mine addr --transport tcp", "two TCP listeners"),
    )


def main(arguments: argparse.Namespace) -> ExitCode:
    """Look it up, and print the answer before the table."""
    if len(arguments.theirs) > MOST:
        raise UsageError(f"--theirs: at most {MOST} programs")
    try:
        theirs = tuple(program(text, arguments.family) for text in arguments.theirs)
        mine = program(arguments.mine, arguments.family)
    except (ProgramError, TableError) as error:
        raise UsageError(str(error)) from error
    asked = Asked(theirs, mine, arguments.transport, same_user=arguments.user == "same")
    if asked.transport == "tcp" and any("group" in one.bind for one in (*theirs, mine)):
        raise UsageError("nothing connects to a group by TCP")
    named = systems_named(arguments.on)
    known, tables, code = knowledge(arguments.runs, named, TABLES)
    neighbours = Neighbours(known, tables, asked)
    found = [neighbours.answers(name) for name in named or known.measured]
    if arguments.json:
        print(json.dumps(_value(asked, found), indent=1, ensure_ascii=False))
    else:
        sys.stdout.write(render.text(asked, found, Screen.of(sys.stdout)))
    return _end(found, code)


def _end(found: Sequence[Answers], code: ExitCode) -> ExitCode:
    told = [one.may(order) for one in found for order in ORDERS]
    if all(one is None for one in told):
        code = worst(code, ExitCode.NOTHING)
    elif None in told:
        code = worst(code, ExitCode.INCONCLUSIVE)
    if code is not ExitCode.EXPECTED:
        missing = [words(one.system) for one in found if None in map(one.may, ORDERS)]
        print(verdict(code, f"not known on {', '.join(missing)}" * bool(missing)), file=sys.stderr)
    return code


def _value(asked: Asked, found: Sequence[Answers]) -> dict[str, Any]:
    return {
        "theirs": [{"bind": one.bind, "options": one.reuse} for one in asked.theirs],
        "mine": {"bind": asked.mine.bind, "options": asked.mine.reuse},
        "transport": asked.transport,
        "same user": asked.same_user,
        "systems": {
            one.system: {
                "summary": render.summary(one),
                **{order: _order(asked, one, order) for order in ORDERS},
            }
            for one in found
        },
    }


def _order(asked: Asked, answers: Answers, order: Order) -> dict[str, Any]:
    bind = answers.bind[order]
    names = asked.names(order)
    return {
        "may bind": answers.may(order),
        "binds": dict(zip(names, bind.words, strict=False)),
        **_evidence(bind),
        "heard": {
            row.what: {"by": list(heard.words), **_evidence(heard)}
            for row in answers.rows
            if (heard := row.heard[order]) is not None
        },
    }


def _evidence(answer: Answer) -> dict[str, Any]:
    source = answer.evidence.source if answer.evidence else ""
    return {"evidence": answer.kind, **({"source": source} if source else {})}
