"""`sockmatrix run`: measure this machine, write a run file and print who hears it."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sockmatrix import grids
from sockmatrix.cli import UsageError
from sockmatrix.commands.measuring import default_path, lanes_here
from sockmatrix.commands.options import add_selection, examples, positive, seconds, selected
from sockmatrix.exitcode import ExitCode, verdict
from sockmatrix.measure import Lanes, Requests
from sockmatrix.recorder import Recorder, Recording
from sockmatrix.render import text
from sockmatrix.render.escape import printable
from sockmatrix.render.screen import Screen
from sockmatrix.runfile import RunFileError, count_words
from sockmatrix.target import LocalTarget, ProbeOptions, TargetError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping

    from sockmatrix.scenarios import Scenario
    from sockmatrix.selection import Selection

REPEAT = 3
FEW = 60
"""So many selected cells, or fewer, are listed one by one."""

REASONS = 5
"""So many reasons why cells told nothing are named."""

_CROSS_CHECK_GRACE = 1.0  # seconds of silence before a cell of the sample counts as silent


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this command."""
    add_selection(parser)
    parser.add_argument(
        "--sample", type=positive, metavar="N", help="only N of the cells, chosen with --seed"
    )
    parser.add_argument(
        "--repeat", type=positive, default=REPEAT, metavar="N", help="repetitions (default: 3)"
    )
    parser.add_argument(
        "--jobs", type=positive, metavar="N", help="labs at work side by side (default: processors)"
    )
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="the run file (.gz: gzip)")
    parser.add_argument(
        "--resume", action="store_true", help="measure what the run file does not have yet"
    )
    parser.add_argument(
        "--fresh",
        action="store_true",
        help="new processes for every cell: slow; the cross-check of pooled roles",
    )
    parser.add_argument(
        "--settle",
        type=seconds,
        metavar="SECONDS",
        help="wait so long before silence counts (default: what this system needs)",
    )
    parser.add_argument(
        "--cross-check",
        type=positive,
        metavar="N",
        help="then measure N random cells again with --fresh --settle 1 and compare",
    )
    parser.add_argument(
        "--lab",
        choices=("auto", "private", "host"),
        default="auto",
        help="a private network namespace, or this machine's own loopback (default: auto)",
    )
    parser.add_argument(
        "--allow-lan",
        action="store_true",
        help="in the host lab: also broadcast and multicast on a real interface",
    )
    parser.add_argument("--seed", type=int, default=None, help="seed of the shuffles")
    parser.add_argument("--json", action="store_true", help="print JSON instead of tables")
    parser.add_argument("--dry-run", action="store_true", help="say what would be measured")
    parser.epilog = examples(
        ("sockmatrix run", "all tables, three repetitions"),
        ("sockmatrix run --table fan-out -o out.jsonl", "one table, to a file of that name"),
        ("sockmatrix run --resume -o out.jsonl", "go on after Ctrl-C"),
        ("sockmatrix run --only 'loopback-broadcast/dest:lobcast/*'", "some cells, by their ids"),
        ("sockmatrix run --sample 300 --fresh --settle 1", "slow and careful, on a sample"),
    )


def main(arguments: argparse.Namespace) -> ExitCode:
    """Measure."""
    seed = int.from_bytes(os.urandom(4), "little") if arguments.seed is None else arguments.seed
    selection = selected(arguments, sample=arguments.sample, seed=seed)
    if arguments.resume and not arguments.output:
        raise UsageError("--resume needs -o FILE, the run to go on with")
    if arguments.resume and not arguments.output.exists():
        raise UsageError(f"there is no {arguments.output} to go on with; leave out --resume to begin it")
    if arguments.dry_run:
        return _dry_run(arguments, selection)
    options = ProbeOptions(
        lab=arguments.lab,
        allow_lan=arguments.allow_lan,
        fresh=arguments.fresh,
        grace=arguments.settle,
    )
    try:
        return _run(arguments, selection, options, seed)
    except TargetError as error:
        raise UsageError(printable(str(error))) from error
    except RunFileError as error:
        raise UsageError(str(error)) from error


def _run(
    arguments: argparse.Namespace, selection: Selection, options: ProbeOptions, seed: int
) -> ExitCode:
    scenarios = {plan.table.name: plan.table.scenario for plan in selection.plans}
    lanes = Lanes(
        Requests(scenarios),
        LocalTarget(),
        options,
        arguments.jobs or lanes_here(fresh=arguments.fresh),
        repeat=arguments.repeat,
        seed=seed,
    )
    with lanes:
        hello = lanes.start(cell.lab for cell in selection.cells)
        path = arguments.output or default_path(hello)
        try:
            recorder = Recorder(
                hello,
                selection,
                path,
                repeat=arguments.repeat,
                seed=seed,
                resume=arguments.resume,
                labs=lanes.labs,
            )
            with recorder:
                _announce(arguments, hello, recorder, lanes.missing)
                ended = recorder.record(lanes)
                if arguments.cross_check and ended == "complete":
                    lanes.stop()
                    recorder.cross_check(
                        _careful_lanes(arguments, scenarios, seed), arguments.cross_check
                    )
                recording = recorder.finish()
        except BrokenPipeError:
            raise
        except OSError as error:
            place = f"{error.filename}: " if error.filename not in (None, str(path)) else ""
            raise UsageError(f"cannot write {path}: {place}{error.strerror or error}") from error
    return _tell(arguments, selection, recording, seed)


def _careful_lanes(arguments: argparse.Namespace, scenarios: Mapping[str, Scenario], seed: int) -> Lanes:
    options = ProbeOptions(arguments.lab, arguments.allow_lan, fresh=True, grace=_CROSS_CHECK_GRACE)
    count = arguments.jobs or lanes_here(fresh=True)
    return Lanes(Requests(scenarios), LocalTarget(), options, count, repeat=1, seed=seed)


def _times(repeat: int) -> str:
    return "once" if repeat == 1 else f"{repeat} times"


def _dry_run(arguments: argparse.Namespace, selection: Selection) -> ExitCode:
    counts = {plan.table.name: 0 for plan in selection.plans}
    for cell in selection.cells:
        counts[cell.table] += 1
    if arguments.json:
        jobs = arguments.jobs or lanes_here(fresh=arguments.fresh)
        print(json.dumps({"cells": counts, "repeat": arguments.repeat, "jobs": jobs}))
        return ExitCode.EXPECTED
    for name, count in counts.items():
        print(f"{count:>7}  {name}")
    print(f"{len(selection.cells):>7}  cells, {_times(arguments.repeat)} each; nothing was measured")
    return ExitCode.EXPECTED


def _announce(
    arguments: argparse.Namespace,
    hello: dict[str, Any],
    recorder: Recorder,
    missing: Mapping[str, str],
) -> None:
    if arguments.json:
        return
    platform, lab = hello["platform"], hello["lab"]
    where = (
        "in a private network namespace" if lab["kind"] == "private" else "on this machine's own loopback"
    )
    todo, planned = len(recorder.todo), len(recorder.selection.cells)
    cells = f"{todo} cells" if todo == planned else f"the remaining {todo} of {planned} cells"
    print(
        f"Measuring {cells} on {printable(platform['stack'])} {printable(platform['release'])}"
        f" {where}, {_times(arguments.repeat)} each.",
        file=sys.stderr,
    )
    if lab["kind"] != "private" and lab.get("reason"):
        print(f"No private lab: {printable(lab['reason'])}", file=sys.stderr)
    for layout, reason in sorted(missing.items()):
        print(f"No lab {layout}, its cells are skipped: {printable(reason)}", file=sys.stderr)


def _tell(
    arguments: argparse.Namespace, selection: Selection, recording: Recording, seed: int
) -> ExitCode:
    code = recording.code
    if arguments.json:
        print(json.dumps({**recording.facts(), "exit": code.value, "verdict": verdict(code)}))
        return code
    screen = Screen.of(sys.stdout)
    if len(selection.cells) <= FEW:
        name = recording.header.platform.name
        print(text.listing(grids.listing(selection.cells, [(name, recording.cells)]), screen))
    else:
        wanted = None if selection.whole else selection.ids
        tables = grids.summaries(selection.plans, recording.cells, wanted)
        if tables:
            print(text.summary(tables, screen))
        if not selection.whole:  # of some cells a summary shows the fewest
            for word, count in count_words(recording.cells.values()).items():
                print(f"{count:>7}  {word}")
            print()
    path = recording.path
    print(recording.sentence())
    for reason, count in recording.reasons[:REASONS]:
        print(f"{count:>7}  {reason}")
    print(f"\nrun file  {path}")
    if recording.ended != "complete":
        print(f"next      {_go_on(arguments, path, seed)}   measures the rest")
    else:
        name = _command_line(str(path))
        print(f"next      sockmatrix report {name} --format markdown   for a page")
        print(f"          sockmatrix report {name} OTHER-RUN   beside another system")
    print(verdict(code))
    return code


def _go_on(arguments: argparse.Namespace, path: Path, seed: int) -> str:
    """Return the command line that measures what is still missing, in the same way."""
    words = ["sockmatrix", "run", "--resume", "-o", str(path)]
    words += [word for name in arguments.table for word in ("--table", name)]
    words += [word for text in arguments.only for word in ("--only", text)]
    if arguments.sample:
        words += ["--sample", str(arguments.sample), "--seed", str(seed)]
    for option, value, default in (
        ("--repeat", arguments.repeat, REPEAT),
        ("--jobs", arguments.jobs, None),
        ("--settle", arguments.settle, None),
        ("--cross-check", arguments.cross_check, None),
        ("--lab", arguments.lab, "auto"),
    ):
        if value != default:
            words += [option, str(value)]
    words += ["--allow-lan"] * arguments.allow_lan + ["--fresh"] * arguments.fresh
    return _command_line(*words)


def _command_line(*words: str) -> str:
    return subprocess.list2cmdline(words) if os.name == "nt" else shlex.join(words)
