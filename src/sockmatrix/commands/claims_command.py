"""`sockmatrix claims RUN...`: which statements of published documents hold, and which do not."""

from __future__ import annotations

import fnmatch
import json
import sys
from typing import TYPE_CHECKING

from sockmatrix.claims.book import load
from sockmatrix.claims.cover import Coverage
from sockmatrix.claims.findings import dispute_values, disputes, find, values
from sockmatrix.claims.verdict import WORDS
from sockmatrix.cli import UsageError
from sockmatrix.commands.options import examples
from sockmatrix.commands.runs import read_runs, tell_incomplete
from sockmatrix.exitcode import ExitCode, verdict, worst
from sockmatrix.part import TableError, unknown
from sockmatrix.render import claims as render
from sockmatrix.render.screen import Screen

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Sequence

    from sockmatrix.claims.claim import Book, Claim
    from sockmatrix.claims.findings import Finding
    from sockmatrix.runfile import Run

ALL = "all"

_VERDICTS = """

verdicts:
  contradicted   at least one cell that the claim speaks of says otherwise: 3 of 48 cells
  confirmed      at least one bears it out, and none says otherwise
  not measured   it is about another system or version, or no cell of the run decides it

exit status:
  0 fine   1 a required claim is contradicted   3 a required one is not measured
  4 no claim was decided"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this command."""
    parser.description = f"{parser.description}{_VERDICTS}"
    parser.add_argument("runs", nargs="+", metavar="RUN", help="a run file, plain or gzip")
    parser.add_argument(
        "--source",
        action="append",
        default=[],
        metavar="KEY",
        help="claims of this source: KO, UD, ...",
    )
    parser.add_argument(
        "--claim",
        action="append",
        default=[],
        metavar="ID",
        help="only this one; or a glob",
    )
    parser.add_argument(
        "--verdict", action="append", default=[], choices=WORDS, help="only claims with this verdict"
    )
    parser.add_argument(
        "--all", action="store_true", help="every claim in full, not only the contradicted ones"
    )
    parser.add_argument(
        "--contrast", action="store_true", help="how claims about other systems compare with this one"
    )
    parser.add_argument("--cells", action="store_true", help="name every cell that decides, not a few")
    parser.add_argument(
        "--disagreements",
        action="store_true",
        help="what documents disagree about, and who is right",
    )
    parser.add_argument(
        "--require",
        action="append",
        default=[],
        metavar="ID",
        help="status 1 if it does not hold; or `all`",
    )
    parser.add_argument("--format", choices=("text", "markdown"), default="text")
    parser.add_argument("--by-source", action="store_true", help="a Markdown section for each source")
    parser.add_argument(
        "--json", action="store_true", help="print JSON: a list, one entry for each claim"
    )
    parser.epilog = examples(
        ("sockmatrix claims RUN", "how many claims of each source hold, and those that do not"),
        ("sockmatrix claims RUN --source KO,UD", "every statement of two documents"),
        ("sockmatrix claims RUN --claim ME-33 --cells", "one claim, with every cell that decides it"),
        ("sockmatrix claims linux.jsonl freebsd.jsonl --claim 'ME-T*'", "two systems side by side"),
        ("sockmatrix claims RUN --source MSR --contrast", "what holds here of what Windows' manual says"),
        ("sockmatrix claims RUN --require KO-01,KU-01", "for CI: fail when one of these does not hold"),
    )


def main(arguments: argparse.Namespace) -> ExitCode:
    """Judge, print, and say what it amounts to."""
    runs = read_runs(arguments.runs)
    try:
        book = load()
        chosen = _chosen(book, arguments)
        required = _required(book, arguments.require, chosen)
        coverage = Coverage.installed()
        if arguments.disagreements:
            return _disagreements(runs, coverage, book, arguments)
        findings = find(runs, coverage, book.claims, chosen)
        demanded = find(runs, coverage, book.claims, required)
    except TableError as error:
        raise UsageError(str(error)) from error
    shown = [one for one in findings if not arguments.verdict or one.word in arguments.verdict]
    if arguments.json:
        print(json.dumps(values(shown, cells=arguments.cells), indent=1))
    elif arguments.by_source or arguments.format == "markdown":
        print(render.markdown(shown, contrast=arguments.contrast))
    else:
        _print(shown, arguments, whole=shown is findings or len(shown) == len(book.claims))
    return _end(runs, findings, demanded, named=arguments.require)


def _words(given: Iterable[str]) -> list[str]:
    return [word for text in given for word in text.split(",") if word]


def _chosen(book: Book, arguments: argparse.Namespace) -> list[Claim]:
    sources, names = _words(arguments.source), _words(arguments.claim)
    for key in sources:
        if key not in book.sources:
            raise UsageError(unknown("source", key, book.sources))
    for name in names:
        if not fnmatch.filter(book.claims, name):
            raise UsageError(_unknown_claim(name, book))
    return [
        claim
        for claim in book.claims.values()
        if (not sources or claim.source.key in sources)
        and (not names or any(fnmatch.fnmatchcase(claim.id, name) for name in names))
    ]


def _required(book: Book, given: Sequence[str], chosen: list[Claim]) -> list[Claim]:
    names = _words(given)
    if ALL in names:
        return chosen
    for name in names:
        if name not in book.claims:
            raise UsageError(_unknown_claim(name, book))
    return [book.claims[name] for name in names]


def _unknown_claim(name: str, book: Book) -> str:
    return unknown("claim", name, book.claims).partition("; allowed")[0] + "; `--json` names all"


def _print(shown: Sequence[Finding], arguments: argparse.Namespace, *, whole: bool) -> None:
    screen = Screen.of(sys.stdout)
    detail = {"contrast": arguments.contrast, "cells": arguments.cells}
    selected = arguments.source or arguments.claim or arguments.verdict or arguments.all
    if selected or not whole:
        sys.stdout.write(render.listing(shown, screen, **detail))
    else:
        print(render.overview(shown, screen))
        contradicted = [one for one in shown if one.word == "contradicted"]
        if contradicted:
            print("Contradicted:\n")
            sys.stdout.write(render.listing(contradicted, screen, **detail))
    print(render.total(shown))


def _disagreements(
    runs: dict[str, Run], coverage: Coverage, book: Book, arguments: argparse.Namespace
) -> ExitCode:
    found = disputes(runs, coverage, book.claims, book.disagreements)
    if arguments.json:
        print(json.dumps(dispute_values(found), indent=1))
    elif arguments.format == "markdown":
        print(render.markdown_disputes(found))
    else:
        sys.stdout.write(render.disputes(found, Screen.of(sys.stdout)))
    decided = any(tally.decided for one in found for sides in one.tallies.values() for tally in sides)
    code = ExitCode.EXPECTED if decided else ExitCode.NOTHING
    if code is not ExitCode.EXPECTED:
        print(verdict(code), file=sys.stderr)
    return code


def _end(
    runs: dict[str, Run],
    findings: Sequence[Finding],
    required: Sequence[Finding],
    *,
    named: Sequence[str],
) -> ExitCode:
    """Return the status, and say it in words unless all is well.

    `--require all` asks for those that were decided; a claim asked for by its id must be confirmed.
    """
    codes, details = [tell_incomplete(runs.values())], []
    if not any(finding.word != "not measured" for finding in (*findings, *required)):
        codes.append(ExitCode.NOTHING)
        details.append("no claim was decided")
    broken = [finding.claim.id for finding in required if finding.word == "contradicted"]
    if broken:
        codes.append(ExitCode.CHANGED)
        details.append(f"contradicted: {_few(broken)}")
    unmeasured = [finding.claim.id for finding in required if finding.word == "not measured"]
    if unmeasured and ALL not in _words(named):
        codes.append(ExitCode.INCONCLUSIVE)
        details.append(f"not measured: {_few(unmeasured)}")
    code = worst(*codes)
    if code is not ExitCode.EXPECTED:
        print(verdict(code, "; ".join(details)), file=sys.stderr)
    return code


def _few(names: Sequence[str]) -> str:
    return ", ".join(names[:10]) + (f" and {len(names) - 10} more" if len(names) > 10 else "")
