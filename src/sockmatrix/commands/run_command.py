"""`sockmatrix run`: measure this machine, or others, write run files and print who hears it."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sockmatrix import grids
from sockmatrix.cli import UsageError
from sockmatrix.commands.importing import take_in
from sockmatrix.commands.measuring import command_line, lanes_here
from sockmatrix.commands.options import add_selection, examples, positive, seconds, selected, whole
from sockmatrix.commands.sessions import Order, Session, Stopped, side_by_side
from sockmatrix.exitcode import ExitCode, verdict, worst
from sockmatrix.render import text
from sockmatrix.render.escape import printable
from sockmatrix.render.screen import Screen
from sockmatrix.runfile import count_words
from sockmatrix.target import ProbeOptions
from sockmatrix.targets.names import FORMS, TargetNameError, parse

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping

    from sockmatrix.recorder import Recorder, Recording
    from sockmatrix.selection import Selection
    from sockmatrix.targets.names import Named

REPEAT = 3
FEW = 60
"""So many selected cells, or fewer, are listed one by one."""

REASONS = 5
"""So many reasons why cells told nothing are named."""


_MEASURING = ("on", "resume", "sample", "fresh", "settle", "cross_check", "dry_run", "allow_lan", "jobs")


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
    parser.add_argument(
        "--on",
        action="append",
        default=[],
        metavar="TARGET",
        help="where to measure (repeatable: side by side): " + "; ".join(FORMS) + " (default: local)",
    )
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        metavar="FILE",
        help="the run file (.gz: gzip), or a directory for several",
    )
    parser.add_argument(
        "--observations",
        action="append",
        default=[],
        type=Path,
        metavar="FILE",
        help="measure nothing: take what a probe wrote elsewhere, a file for each lab (repeatable)",
    )
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
    parser.add_argument("--seed", type=whole, default=None, help="seed of the shuffles")
    parser.add_argument("--json", action="store_true", help="print JSON instead of tables")
    parser.add_argument("--dry-run", action="store_true", help="say what would be measured")
    parser.epilog = examples(
        ("sockmatrix run", "all tables, three repetitions"),
        ("sockmatrix run --table fan-out -o out.jsonl", "one table, to a file of that name"),
        ("sockmatrix run --resume -o out.jsonl", "go on after Ctrl-C"),
        ("sockmatrix run --only 'loopback-broadcast/dest:lobcast/*'", "some cells, by their ids"),
        ("sockmatrix run --on kernel=6.12 --on kernel=5.10 -o runs", "kernels in virtual machines"),
        ("sockmatrix run --sample 300 --fresh --settle 1", "slow and careful, on a sample"),
        ("sockmatrix run --observations FILE -o mac.jsonl", "what a probe wrote elsewhere"),
    )


def main(arguments: argparse.Namespace) -> ExitCode:
    """Measure."""
    seed = int.from_bytes(os.urandom(4), "little") if arguments.seed is None else arguments.seed
    selection = selected(arguments, sample=arguments.sample, seed=seed)
    if arguments.observations:
        return _observations(arguments, selection, seed)
    if arguments.resume and not arguments.output:
        raise UsageError("--resume needs -o FILE, the run to go on with")
    if arguments.resume and not arguments.output.exists():
        raise UsageError(f"there is no {arguments.output} to go on with; leave out --resume to begin it")
    if arguments.dry_run:
        return _dry_run(arguments, selection)
    targets = _targets(arguments)
    to_directory = len(targets) > 1 or (arguments.output is not None and arguments.output.is_dir())
    if to_directory and arguments.output is None:
        arguments.output = Path("runs")
    if len(targets) > 1 and arguments.output.is_file():
        raise UsageError(f"{arguments.output} is a file; several targets need a directory, -o DIR")
    options = ProbeOptions(
        lab=arguments.lab,
        allow_lan=arguments.allow_lan,
        fresh=arguments.fresh,
        grace=arguments.settle,
    )
    order = Order(
        selection,
        options,
        repeat=arguments.repeat,
        seed=seed,
        output=None if to_directory else arguments.output,
        directory=arguments.output if to_directory else None,
        resume=arguments.resume,
        cross_check=arguments.cross_check or 0,
        jobs=arguments.jobs or 0,
    )
    if len(targets) > 1:
        return _several(arguments, order, targets)

    def begin(hello: dict[str, Any], recorder: Recorder, missing: Mapping[str, str]) -> None:
        _announce(arguments, hello, recorder, missing)

    recording = Session(order, targets[0], lanes_here(fresh=False)).measure(begin)
    return _tell(arguments, selection, recording, seed)


def _observations(arguments: argparse.Namespace, selection: Selection, seed: int) -> ExitCode:
    """Take in what was measured somewhere else."""
    for option in _MEASURING:
        if getattr(arguments, option):
            name = option.replace("_", "-")
            raise UsageError(f"--{name} is about measuring, and --observations measures nothing")
    wanted = selection if arguments.table or arguments.only else None
    recording, taken = take_in(arguments.observations, arguments.output, "run", wanted)
    return _tell(arguments, taken, recording, seed)


def _targets(arguments: argparse.Namespace) -> list[Named]:
    """Return the targets that --on names, each once; this machine if it names none."""
    try:
        return [parse(text) for text in dict.fromkeys(arguments.on or ["local"])]
    except TargetNameError as error:
        raise UsageError(f"--on: {error}") from error


def _several(arguments: argparse.Namespace, order: Order, targets: list[Named]) -> ExitCode:
    """Measure on several targets, and tell of each as it ends."""
    codes: list[ExitCode] = []
    facts: list[dict[str, Any]] = []
    width = min(24, max(len(named.text) for named in targets)) + 2
    failed: list[str] = []

    def done(named: Named, result: Recording | BaseException) -> None:
        if isinstance(result, Stopped):
            return
        if not isinstance(result, BaseException):
            codes.append(result.code)
            facts.append({"on": named.text, **result.facts()})
            if not arguments.json:
                platform = printable(result.header.platform.name)
                wide = len(named.text) > width - 2
                print(named.text + ":" if wide else f"{named.text:<{width}}", end="\n" * wide)
                print(f"{' ' * width * wide}{platform}: {result.sentence()}")
                print(f"{'':<{width}}{result.path}", flush=True)
        elif isinstance(result, UsageError):
            codes.append(ExitCode.NOTHING)
            failed.append(named.text)
            facts.append({"on": named.text, "error": str(result)})
            print(f"sockmatrix run: {named.text}: {result}", file=sys.stderr, flush=True)
        else:
            raise result

    interrupted = side_by_side(order, targets, done)
    code = ExitCode.INTERRUPTED if interrupted else worst(*codes)
    said = verdict(code, f"not on {', '.join(failed)}" if failed and code is ExitCode.NOTHING else "")
    if arguments.json:
        print(json.dumps({"runs": facts, "exit": code.value, "verdict": said}))
        return code
    if len(failed) < len(targets):
        directory = command_line(str(order.directory))
        print(f"\nnext      sockmatrix report {directory}/*.jsonl   what differs")
    print(said)
    return code


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
    if recording.ended != "complete" and not arguments.observations:
        print(f"next      {_go_on(arguments, path, seed)}   measures the rest")
    else:
        name = command_line(str(path))
        print(f"next      sockmatrix report {name} --format markdown   for a page")
        print(f"          sockmatrix report {name} OTHER-RUN   beside another system")
    print(verdict(code))
    return code


def _go_on(arguments: argparse.Namespace, path: Path, seed: int) -> str:
    """Return the command line that measures what is still missing, in the same way."""
    words = ["sockmatrix", "run", "--resume", "-o", str(path)]
    words += [word for target in arguments.on for word in ("--on", target)]
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
    return command_line(*words)
