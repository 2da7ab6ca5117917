"""`sockmatrix bisect`: the kernel release in which cells changed, by measuring few of many."""

from __future__ import annotations

import json
import math
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from sockmatrix import bisection, changes
from sockmatrix.bisection import Changed, Evidence, Unknown, Want, search
from sockmatrix.catalogue import Catalogue
from sockmatrix.cli import UsageError
from sockmatrix.commands.bisecting import Laboratory, evidence
from sockmatrix.commands.options import add_selection, examples, positive
from sockmatrix.exitcode import ExitCode, verdict
from sockmatrix.part import TableError
from sockmatrix.render import bisect as render
from sockmatrix.render.escape import printable
from sockmatrix.render.screen import Screen
from sockmatrix.runfile import RunFileError
from sockmatrix.selection import Selection, SelectionError, look_up, select
from sockmatrix.targets import kernels
from sockmatrix.targets.releases import ReleaseError, fitting, lines

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping, Sequence

    from sockmatrix.bisection import Found, History
    from sockmatrix.targets.releases import Release

REPEAT = 3

_MEGABYTE = 1_000_000
_ABOUT = """

Releases are those of Debian's packages; what is needed is fetched. Of each line (5.10, 6.1, ...) the
newest is looked at first, then the releases of the line in which the outcome is another one: point
releases of two lines do not follow each other. What is measured is kept in a directory, one run file a
release; what is there, from this command or `run --on kernel=...`, is not measured again.

exit status:
  0 the same at both ends   1 it changed: between which releases is told
  3 too few releases tell anything   4 nothing was measured   130 interrupted; the same command goes on"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this command."""
    parser.description = f"{parser.description}{_ABOUT}"
    parser.add_argument(
        "--cell", action="append", default=[], metavar="CELL", help="this cell, by its id (repeatable)"
    )
    add_selection(parser)
    parser.add_argument(
        "--good", metavar="VERSION", help="one end, such as 6.1 or 6.12.74 (default: the oldest line)"
    )
    parser.add_argument("--bad", metavar="VERSION", help="the other end (default: the newest release)")
    parser.add_argument(
        "--series",
        metavar="VERSIONS",
        help="releases that follow each other: a line such as 6.12, or several, or single ones, with"
        " commas between them (default: all lines, as a tree)",
    )
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        default=Path("bisect"),
        metavar="DIR",
        help="where run files are, and are written (default: bisect)",
    )
    parser.add_argument(
        "--repeat", type=positive, default=REPEAT, metavar="N", help="repetitions (default: 3)"
    )
    parser.add_argument("--mirror", metavar="URL", help="as for `kernels`")
    parser.add_argument("--offline", action="store_true", help="only the kernels that are there")
    parser.add_argument("--all", action="store_true", help="name every cell")
    parser.add_argument("--json", action="store_true", help="print JSON instead of text")
    parser.add_argument("--dry-run", action="store_true", help="say what would be measured first")
    parser.epilog = examples(
        ("sockmatrix bisect --cell fan-out/dest:if4/A:any4.addr/B:if4.none", "over all lines"),
        ("sockmatrix bisect --table sentinel --series 6.12", "several cells, within one line"),
        ("sockmatrix bisect --table sentinel --good 5.10 --bad 6.12", "between two lines"),
        ("sockmatrix bisect --table sentinel --dry-run", "what would be measured first"),
    )


def main(arguments: argparse.Namespace) -> ExitCode:
    """Search, measure, tell."""
    selection = _selection(arguments)
    catalogue = Catalogue()
    try:
        known = Evidence({cell.id: cell.version for cell in selection.cells})
        evidence(arguments.output, known)
    except RunFileError as error:
        raise UsageError(str(error)) from error
    laboratory = Laboratory(
        selection,
        known,
        arguments.output,
        repeat=arguments.repeat,
        quiet=arguments.json,
        archive=None if arguments.offline else (kernels.cache_directory(), arguments.mirror),
    )
    try:
        order = _history(arguments, laboratory.releases)
    except ReleaseError as error:
        raise UsageError(printable(str(error))) from error
    if arguments.dry_run:
        return _dry_run(arguments, order, laboratory)
    interrupted = False
    try:
        found = _search(order, laboratory)
    except KeyboardInterrupt:
        interrupted = True
        laboratory.stop()
        found = {name: search(order, told, laboratory.gone) for name, told in known.told.items()}
    try:
        results = _results(order, laboratory, catalogue, found)
    except TableError as error:
        raise UsageError(printable(str(error), 1000)) from error
    return _tell(arguments, laboratory, results, interrupted=interrupted)


def _selection(arguments: argparse.Namespace) -> Selection:
    """Return the cells that are asked for. Raises UsageError."""
    if not (arguments.cell or arguments.only or arguments.table):
        raise UsageError("say which cells: --cell CELL, --only PATTERN or --table NAME")
    try:
        named = {look_up(name)[1].id for name in arguments.cell}
        tables = list(dict.fromkeys(name.partition("/")[0] for name in named))
        found = [select(tables)] if named else []
        cells = {cell.id: cell for one in found for cell in one.cells if cell.id in named}
        if len(cells) < len(named):
            raise SelectionError(f"{min(named - cells.keys())} is no cell that is measured")
        if arguments.only or arguments.table:
            found.append(select(arguments.table, arguments.only))
            cells.update((cell.id, cell) for cell in found[-1].cells)
    except SelectionError as error:
        raise UsageError(printable(str(error))) from error
    plans = {plan.table.name: plan for one in found for plan in one.plans}
    return Selection(tuple(plans.values()), tuple(cells.values()))


def _history(arguments: argparse.Namespace, known: Sequence[Release]) -> History:
    """Return the releases that are asked about. Raises ReleaseError, UsageError."""
    ends = [text for text in (arguments.good, arguments.bad) if text]
    if arguments.series:
        path = [
            release for text in arguments.series.split(",") for release in fitting(known, text.strip())
        ]
        path = list({release.name: release for release in path}.values())
        places = sorted(path.index(fitting(path, text)[-1]) for text in ends)
        if len(places) == 2:
            path = path[places[0] : places[1] + 1]
        elif places:
            path = path[places[0] :] if arguments.good else path[: places[0] + 1]
        order = bisection.History(tuple(path), straight=True)
    elif known:
        by_line = list(lines(known).values())
        new = fitting(known, arguments.bad) if arguments.bad else by_line[-1]
        oldest = by_line[0] if new[-1].minor != by_line[0][0].minor else by_line[0][:1]
        old = fitting(known, arguments.good) if arguments.good else oldest
        order = bisection.history(known, old, new)
    else:
        raise ReleaseError("there is no kernel in the cache, and none to be had")
    if len(order.releases) < 2:
        only = ", ".join(release.name for release in order.releases)
        raise ReleaseError(f"a bisection needs two releases; there is only {only}")
    return order


def _search(order: History, laboratory: Laboratory) -> dict[str, Found]:
    """Measure until it is known of every cell where it changed, or cannot be."""
    while True:
        found = {
            name: search(order, told, laboratory.gone) for name, told in laboratory.evidence.told.items()
        }
        wanted = Counter(one.release for one in found.values() if isinstance(one, Want))
        if not wanted:
            return found
        (release, _), *_ = wanted.most_common(1)
        left = max(one.left for one in found.values() if isinstance(one, Want))
        laboratory.measure(release, f"{left} more in question" if left else "the last")


def _results(
    order: History, laboratory: Laboratory, catalogue: Catalogue, found: Mapping[str, Found]
) -> list[render.Result]:
    """Return what was found of each cell, and why it changed if that is known. Raises TableError."""
    known = changes.load()
    platforms = laboratory.evidence.platforms
    results = []
    for cell in laboratory.selection.cells:
        one, told = found[cell.id], laboratory.evidence.told[cell.id]
        reasons: tuple[changes.Reason, ...] = ()
        if isinstance(one, Changed):
            before, after = platforms[one.last], platforms[one.first]
            explainer = changes.Explainer(known, before, after, catalogue.shape)
            reasons = explainer.reasons(cell, told[one.last], told[one.first])
        labels = catalogue.order(cell, *told.values())
        end, straight = order.releases[-1].name, order.straight
        results.append(render.Result(cell.id, one, told, laboratory.gone, reasons, labels, end, straight))
    return results


def _tell(
    arguments: argparse.Namespace,
    laboratory: Laboratory,
    results: Sequence[render.Result],
    *,
    interrupted: bool,
) -> ExitCode:
    words = Counter(one.word for one in results)
    if interrupted:
        code = ExitCode.INTERRUPTED
    elif not any(laboratory.evidence.told.values()):
        code = ExitCode.NOTHING
    elif words["changed"]:
        code = ExitCode.CHANGED
    else:
        code = ExitCode.INCONCLUSIVE if words["unknown"] else ExitCode.EXPECTED
    several = len(results) > 1 and (code is not ExitCode.NOTHING)
    counts = [f"{words[word]} {word}" for word in ("changed", "same", "unknown") if words[word]]
    said = verdict(code, f"of {len(results)} cells {', '.join(counts)}" if several else "")
    if arguments.json:
        facts = {
            "cells": [render.value(one) for one in results],
            "directory": str(arguments.output),
            "measured": laboratory.measured,
            "skipped": laboratory.skipped,
        }
        print(json.dumps({**facts, "exit": code.value, "verdict": said}, indent=1))
        return code
    shown = [one for one in results if not (interrupted and isinstance(one.found, Unknown))]
    if shown:
        print(render.text(shown, Screen.of(sys.stdout), everything=arguments.all))
    print(laboratory.sentence())
    if len(results) == 1 and laboratory.evidence.told[results[0].id]:
        print(f"next      sockmatrix history {results[0].id} {arguments.output}")
    print(said)
    return code


def _dry_run(arguments: argparse.Namespace, order: History, laboratory: Laboratory) -> ExitCode:
    """Say what would be measured first, and how much that might be in the end."""
    names = [release.name for release in order.releases]
    found = [search(order, told, ()) for told in laboratory.evidence.told.values()]
    first = [one.release for one in found if isinstance(one, Want)]
    tips = order.tips(())
    longest = max(map(len, lines(order.releases).values()))
    most = 2 + math.ceil(math.log2(max(2, len(tips)))) + math.ceil(math.log2(max(2, longest)))
    there = {release.name for release in order.releases if release.kernel is not None}
    if arguments.json:
        facts = {"releases": names, "first": first[:1], "at_hand": sorted(there), "most": most}
        print(json.dumps({**facts, "straight": order.straight}))
        return ExitCode.EXPECTED
    how = (
        "in a row" if order.straight else f"in {len(tips)} lines, of which the newest are compared first"
    )
    print(f"{len(names)} releases {how}: {names[0]} ... {names[-1]}")
    print(f"{len(there & {*names})} of them are there; the others are fetched when they are needed")
    if first:
        release = next(one for one in order.releases if one.name == first[0])
        size = f"{release.size / _MEGABYTE:.0f} MB to fetch" if release.size else "it is there"
        print(f"first     {first[0]} ({size})")
        print(f"at most   some {most} releases for one cell; nothing was measured")
    else:
        print(f"nothing is to be measured: {arguments.output} has it all")
    return ExitCode.EXPECTED
