"""`sockmatrix recipe`: configurations that deliver to all, or to one, on several systems, with code."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sockmatrix.cli import UsageError
from sockmatrix.commands.knowledge import add_knowledge, knowledge, systems_named
from sockmatrix.commands.options import examples, positive
from sockmatrix.commands.runs import write_output
from sockmatrix.exitcode import ExitCode, verdict, worst
from sockmatrix.part import unknown
from sockmatrix.recipes.failures import failures
from sockmatrix.recipes.place import DESTINATIONS, SCOPES, TABLES, places
from sockmatrix.recipes.program import LANGUAGES, options_of, systems, write
from sockmatrix.recipes.search import Search, Wanted
from sockmatrix.recipes.words import place_words, told
from sockmatrix.render import recipes as render
from sockmatrix.render.screen import Screen

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from sockmatrix.answers import Finding
    from sockmatrix.recipes.failures import Failure
    from sockmatrix.recipes.search import Recipe

DEFAULT = "linux,macos,windows"
SHOWN, FAILURES = 3, 6
"""So many recipes, and so many configurations that fail, are shown unless all are asked for."""

MOST_RECEIVERS = 64

_ABOUT = """

evidence, the best first:
  measured     a run has the cell
  documented   a document names the system and says so; of two that disagree the one with more authority
               answers, and the other is named
  predicted    nobody measured it; the reference model of Linux says so
  not known    nothing says so: that is never "no"

exit status:
  0 a recipe is known to do it on every system   1 it is known that none does on one of them
  2 wrong usage or unreadable input   3 known on some of the systems only   4 nothing is known"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this command."""
    parser.description = f"{parser.description}{_ABOUT}"
    parser.add_argument(
        "--deliver", choices=("all", "one"), default="all", help="who is to hear it (default: all)"
    )
    add_knowledge(parser, f"default: {DEFAULT}")
    parser.add_argument(
        "--receivers",
        type=positive,
        default=2,
        metavar="N",
        help="so many programs (default: 2, of which most documents speak)",
    )
    parser.add_argument(
        "--dest",
        action="append",
        default=[],
        metavar="WHERE",
        help=f"only what is sent there: {', '.join(SCOPES)}, or {', '.join(DESTINATIONS)}; repeatable",
    )
    parser.add_argument(
        "--same-user",
        choices=("yes", "no"),
        default="yes",
        help="whether all programs run as one user (default: yes)",
    )
    parser.add_argument("--transport", choices=("udp", "tcp"), default="udp", help="(default: udp)")
    parser.add_argument("--family", type=int, choices=(4, 6), default=4, help="IPv4 or IPv6")
    parser.add_argument(
        "--code",
        choices=(*LANGUAGES, "all", "none"),
        default="none",
        help="print a program of the first recipe in this language, or in each",
    )
    parser.add_argument(
        "-o", "--output", metavar="FILE", type=Path, help="write that program to FILE, in one language"
    )
    parser.add_argument("--all", action="store_true", help="every recipe, and everything that fails")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.epilog = examples(
        ("sockmatrix recipe", "how does every program hear it, on Linux, macOS and Windows?"),
        ("sockmatrix recipe --on linux --same-user no --receivers 3", "of several users, on Linux"),
        ("sockmatrix recipe --deliver one --dest unicast", "one of several programs gets it"),
        ("sockmatrix recipe --dest multicast --code python -o recipe.py", "a program"),
    )


def main(arguments: argparse.Namespace) -> ExitCode:
    """Look for recipes, and print them."""
    if arguments.receivers > MOST_RECEIVERS:
        raise UsageError(f"--receivers: at most {MOST_RECEIVERS}")
    if arguments.output and arguments.code in ("all", "none"):
        raise UsageError("-o writes the program in one language; name it with --code")
    named = systems_named(arguments.on or DEFAULT)
    wanted = Wanted(
        arguments.deliver, tuple(named), arguments.receivers, same_user=arguments.same_user == "yes"
    )
    where = list(places(arguments.transport, arguments.family, _destinations(arguments.dest)))
    if not where:
        family = f"{arguments.transport.upper()} over IPv{arguments.family}"
        raise UsageError(f"the matrix has no {' '.join(arguments.dest)} of {family}")
    known, tables, code = knowledge(arguments.runs, named, TABLES)
    recipes = Search(known, tables, wanted).recipes(where)
    shown, failed = _shown(recipes, everything=arguments.all), failures(recipes)
    if arguments.json:
        print(json.dumps(_value(wanted, recipes, failed, arguments), indent=1))
    else:
        few = failed if arguments.all else failed[:FAILURES]
        sys.stdout.write(render.text(wanted, shown, few, len(failed) - len(few), Screen.of(sys.stdout)))
    _write_programs(recipes[0], arguments)
    return _end(recipes[0], code)


def _destinations(given: Sequence[str]) -> tuple[str, ...]:
    names = [name for text in given for name in text.split(",") if name]
    for name in names:
        if name not in (*SCOPES, *DESTINATIONS):
            raise UsageError(unknown("destination", name, (*SCOPES, *DESTINATIONS)))
    return tuple(names)


def _shown(recipes: Sequence[Recipe], *, everything: bool) -> list[Recipe]:
    """Return what is as good as the first in what is known, or else the first that comes nearest."""
    known = [one for one in recipes if not one.fails and not one.unknown]
    partly = [one for one in recipes if not one.fails and one.does]
    if everything:
        return partly or list(recipes[:1])
    return known[:SHOWN] or partly[:SHOWN] or list(recipes[:1])


def _write_programs(recipe: Recipe, arguments: argparse.Namespace) -> None:
    if arguments.code == "none" or arguments.json:
        return
    if not systems(recipe):
        print("no program: it fails on every system, or no language has a name for it", file=sys.stderr)
        return
    if arguments.output:
        write_output(write(recipe, arguments.code), arguments.output)
        print(f"1 in {LANGUAGES[arguments.code][0]}: {arguments.output}", file=sys.stderr)
        return
    for language in LANGUAGES if arguments.code == "all" else (arguments.code,):
        print(f"\n--- 1 in {LANGUAGES[language][0]}: {LANGUAGES[language][1]} ---\n")
        sys.stdout.write(write(recipe, language))


def _end(best: Recipe, code: ExitCode) -> ExitCode:
    """Say in words what the first recipe amounts to, and return it as a status."""
    if best.fails:
        print("exit 1: no configuration does it on all of them", file=sys.stderr)
        return ExitCode.CHANGED
    if not best.does:
        code = worst(code, ExitCode.NOTHING)
    elif best.unknown:
        code = worst(code, ExitCode.INCONCLUSIVE)
    if code is not ExitCode.EXPECTED:
        print(
            verdict(code, f"not known on {', '.join(best.unknown)}" * bool(best.unknown)), file=sys.stderr
        )
    return code


def _value(
    wanted: Wanted, recipes: Sequence[Recipe], failed: Sequence[Failure], arguments: argparse.Namespace
) -> dict[str, Any]:
    programs = LANGUAGES if arguments.code == "all" else (arguments.code,)
    possible = bool(systems(recipes[0]))
    return {
        "deliver": wanted.deliver,
        "on": list(wanted.systems),
        "receivers": wanted.receivers,
        "same user": wanted.same_user,
        "recipes": [_recipe_value(one) for one in recipes],
        "fails": [
            {"what": one.what, "on": {name: _finding(own) for name, own in one.where.items()}}
            for one in failed
        ],
        "code": {name: write(recipes[0], name) for name in programs if name != "none" and possible},
    }


def _recipe_value(recipe: Recipe) -> dict[str, Any]:
    place = recipe.place
    return {
        "transport": place.transport,
        "destination": place.dest,
        "bind": place.bind,
        "join": place.via,
        "words": place_words(place),
        "does": not recipe.fails and not recipe.unknown,
        "systems": {
            name: {
                "options": list(options_of(choice.reuse)),
                **_finding(choice.finding),
                "alternatives": [list(options_of(one.reuse)) for one in recipe.alternatives(name)],
            }
            for name, choice in recipe.chosen.items()
        },
    }


def _finding(finding: Finding) -> dict[str, Any]:
    evidence = finding.evidence
    claim = evidence.claim if evidence and finding.holds is not None else None
    return {
        "does": finding.holds,
        "evidence": finding.kind,
        **({"shows": told(finding)} if finding.holds is not None else {"why": finding.why}),
        **({"by": evidence.source} if evidence and finding.holds is not None else {}),
        **({"versions": evidence.versions} if evidence and evidence.versions else {}),
        **({"claim": claim.id, "authority": claim.source.authority, "url": claim.url} if claim else {}),
        **(
            {"against": [one.claim.id for one in finding.against if one.claim]} if finding.against else {}
        ),
    }
