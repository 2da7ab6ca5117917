"""`sockmatrix check`: measure this machine and hold it against a baseline."""

from __future__ import annotations

import json
import os
import shlex
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

from sockmatrix import allow, baselines, changes, checking, content
from sockmatrix.baselines import AUTO, Baseline, Kind, NoBaselineError
from sockmatrix.cases import Case, Suite, suites
from sockmatrix.cli import UsageError
from sockmatrix.commands.measuring import lanes_here
from sockmatrix.commands.options import add_selection, examples, positive, seconds, selected, whole
from sockmatrix.commands.runs import read_runs, tell_incomplete
from sockmatrix.commands.sessions import Order, Session
from sockmatrix.exitcode import ExitCode, verdict, worst
from sockmatrix.files import write_whole
from sockmatrix.part import TableError
from sockmatrix.render import check as render
from sockmatrix.render.escape import printable
from sockmatrix.render.junit import junit
from sockmatrix.render.ktap import ktap
from sockmatrix.render.screen import Screen
from sockmatrix.runfile import Run, RunFileError, header
from sockmatrix.selection import Selection
from sockmatrix.target import ProbeOptions
from sockmatrix.targets.names import FORMS, TargetNameError, parse

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping, Sequence

    from sockmatrix.checking import Checked
    from sockmatrix.recorder import Recording
    from sockmatrix.runformat import Header

REPEAT = 3

_STDOUT = "-"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this command."""
    add_selection(parser)
    parser.add_argument(
        "--baseline",
        default=AUTO,
        metavar="FILE",
        help="the run to compare with; auto (the default): the one among the baselines that was"
        " measured like this one, on the newest release that is not newer",
    )
    parser.add_argument(
        "--baselines", type=Path, metavar="DIR", help="run files for auto (default: the committed runs)"
    )
    parser.add_argument(
        "--allow",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="changes that are expected, why and until when (repeatable)",
    )
    parser.add_argument(
        "--on",
        default="local",
        metavar="TARGET",
        help=f"where to measure: {'; '.join(FORMS)} (default: local)",
    )
    parser.add_argument("--run", type=Path, metavar="FILE", help="compare this run; measure nothing")
    parser.add_argument(
        "--repeat", type=positive, default=REPEAT, metavar="N", help="repetitions (default: 3)"
    )
    parser.add_argument(
        "--jobs", type=positive, metavar="N", help="labs at work side by side (default: processors)"
    )
    parser.add_argument(
        "--settle",
        type=seconds,
        metavar="SECONDS",
        help="wait so long before silence counts (default: what this system needs)",
    )
    parser.add_argument("--lab", choices=("auto", "private", "host"), default="auto")
    parser.add_argument("--allow-lan", action="store_true", help="as for `run`")
    parser.add_argument("--seed", type=whole, default=None, help="seed of the shuffles")
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="the run file (.gz: gzip)")
    parser.add_argument("--junit", type=Path, metavar="FILE", help="write JUnit XML")
    parser.add_argument("--tap", metavar="FILE", help="write KTAP; - prints it, and no text")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write a page for a job summary")
    parser.add_argument("--json", action="store_true", help="print JSON instead of text")
    parser.add_argument("--all", action="store_true", help="name every cell that differs")
    parser.epilog = examples(
        ("sockmatrix check --table sentinel", "after a kernel upgrade: a few seconds"),
        ("sockmatrix check --baseline before.jsonl", "everything, against a run of yours"),
        ("sockmatrix check --run now.jsonl --allow allow.toml", "a run that is already there"),
        ("sockmatrix check --on kernel=6.12 --baseline before.jsonl", "a kernel in a virtual machine"),
        ("sockmatrix check --junit out.xml --markdown summary.md", "for CI"),
    )


@final
@dataclass(frozen=True, slots=True)
class _Compared:
    """Two runs, why this baseline if it was found, the cells, and what measuring amounts to by itself."""

    baseline: Run
    why: str
    run: Run
    selection: Selection
    code: ExitCode


def main(arguments: argparse.Namespace) -> ExitCode:
    """Measure, compare, tell."""
    if arguments.json and arguments.tap == _STDOUT:
        raise UsageError("--json and --tap - both print to stdout; give one of them a file")
    if arguments.run and arguments.output:
        raise UsageError("--run measures nothing, so that there is nothing to write with -o")
    if arguments.baselines and arguments.baseline != AUTO:
        raise UsageError("--baselines is where --baseline auto looks; give one of them")
    if arguments.output and arguments.output.is_file():
        raise UsageError(f"{arguments.output} exists; name another file, or compare it with --run")
    for path in (arguments.junit, arguments.markdown, Path(arguments.tap or _STDOUT)):
        if path and not path.resolve().parent.is_dir():  # not after minutes of measuring
            raise UsageError(f"cannot write {path}: there is no directory {path.parent}")
    selection = selected(arguments)
    try:
        exceptions = [one for file in arguments.allow for one in allow.load(file)]
        known = changes.load()
        compared = _read(arguments, selection) if arguments.run else _measure(arguments, selection)
        checked = checking.check(
            compared.baseline, compared.run, compared.selection, exceptions=exceptions, known=known
        )
    except TableError as error:
        raise UsageError(printable(str(error), 1000)) from error
    except RunFileError as error:
        raise UsageError(str(error)) from error
    incomplete = tell_incomplete((compared.baseline, compared.run))
    code = worst(checked.code, compared.code, incomplete)
    return _tell(arguments, compared, checked, code)


def _read(arguments: argparse.Namespace, selection: Selection) -> _Compared:
    """Return a run that is there, and its baseline; of its tables only, if none was named."""
    (run,) = read_runs([arguments.run]).values()
    if not arguments.table and not arguments.only:
        plans = tuple(plan for plan in selection.plans if plan.table.name in run.header.tables)
        selection = Selection(plans, tuple(cell for plan in plans for cell in plan.cells))
    baseline, why = _baseline(arguments, run.header)
    return _Compared(baseline, why, run, selection, ExitCode.EXPECTED)


def _measure(arguments: argparse.Namespace, selection: Selection) -> _Compared:
    found: list[tuple[Run, str]] = []
    if arguments.baseline != AUTO:
        found.append(_named(arguments.baseline))

    def greet(hello: dict[str, Any], missing: Mapping[str, str]) -> None:
        here = header(dict(hello), tool="0", tables={}, planned=0, repeat=1, seed=0, started="1970-01-01")
        if found:
            _tell_kind(found[0][0].header, here)
        else:
            found.append(_baseline(arguments, here))
        platform = printable(here.platform.name)
        _note(f"Measuring {len(selection.cells)} cells on {platform} in the {here.lab.kind} lab.")
        for layout, reason in sorted(missing.items()):
            _note(f"No lab {layout}, its cells are skipped: {printable(reason)}")

    order = Order(
        selection,
        ProbeOptions(arguments.lab, arguments.allow_lan, grace=arguments.settle),
        repeat=arguments.repeat,
        seed=int.from_bytes(os.urandom(4), "little") if arguments.seed is None else arguments.seed,
        output=arguments.output,
        jobs=arguments.jobs or 0,
    )
    try:
        named = parse(arguments.on)
    except TargetNameError as error:
        raise UsageError(f"--on: {error}") from error
    recording = Session(order, named, lanes_here(fresh=False)).measure(greet=greet)
    ((baseline, why),) = found
    return _Compared(baseline, why, _run(recording), selection, recording.code)


def _run(recording: Recording) -> Run:
    return Run(recording.path, recording.header, recording.cells, recording.footer)


def _named(file: str) -> tuple[Run, str]:
    (run,) = read_runs([file]).values()
    return run, ""


def _baseline(arguments: argparse.Namespace, here: Header) -> tuple[Run, str]:
    if arguments.baseline != AUTO:
        run, why = _named(arguments.baseline)
        _tell_kind(run.header, here)
        return run, why
    place = arguments.baselines or content.runs()
    try:
        found = baselines.headers(place)
    except OSError as error:
        raise UsageError(f"{place}: {error.strerror}") from error
    own = arguments.run and arguments.run.resolve()
    candidates = {path: one for path, one in found.items() if path.resolve() != own}
    try:
        chosen: Baseline = baselines.choose(candidates, here)
    except NoBaselineError as error:
        raise UsageError(f"{place}: {error}; name one with --baseline FILE") from error
    (run,) = read_runs([chosen.path]).values()
    return run, chosen.why


def _tell_kind(baseline: Header, here: Header) -> None:
    differs = Kind.of(baseline).differs(Kind.of(here))
    if differs:
        _note(f"The baseline was measured elsewhere: here {printable(differs)}")


def _tell(
    arguments: argparse.Namespace, compared: _Compared, checked: Checked, code: ExitCode
) -> ExitCode:
    sections = checking.sections(checked)
    last = verdict(code, render.detail(checked, code))
    heads = {
        "baseline": f"{compared.baseline.header.platform.name}, {compared.baseline.path}",
        **({"chosen": compared.why} if compared.why else {}),
        "run": f"{compared.run.header.platform.name}, {compared.run.path}",
    }
    cases = _cases(checked, code, last)
    seconds_taken = compared.run.footer.seconds if compared.run.footer else None
    facts = {**heads, "verdict": last}
    if arguments.junit:
        _write(arguments.junit, junit(cases, facts, seconds_taken))
    if arguments.markdown:
        page = render.markdown(checked, sections, heads, last, limit=render.LIMIT)
        _write(arguments.markdown, page)
    if arguments.tap and arguments.tap != _STDOUT:
        _write(Path(arguments.tap), ktap(cases, facts))
    if arguments.json:
        told = {**heads, **render.values(checked, sections), "exit": code.value, "verdict": last}
        print(json.dumps(told, indent=1))
    elif arguments.tap == _STDOUT:
        sys.stdout.write(ktap(cases, facts))
    else:
        for name, value in heads.items():
            print(f"{name:<10}{printable(value)}")
        print()
        screen = Screen.of(sys.stdout)
        sys.stdout.write(render.text(checked, sections, screen, everything=arguments.all))
        for one in (*checked.of("unexpected"), *checked.of("unstable"))[:1]:
            runs = (str(compared.baseline.path), str(compared.run.path))
            command = shlex.join(("sockmatrix", "explain", one.cell.id, *runs))
            print(f"next      {printable(command, 10_000)}")
        print(last)
    return code


def _cases(checked: Checked, code: ExitCode, last: str) -> Sequence[Suite]:
    """Return the cells as test cases; if they hide that nothing is green, a case more says so."""
    found = suites(checked)
    if code is ExitCode.EXPECTED or not all(suite.passed for suite in found):
        return found
    return (*found, Suite("exit", (Case("exit/status", "error", last),)))


def _write(path: Path, content: str | bytes) -> None:
    try:
        write_whole(path, content)
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}") from error


def _note(text: str) -> None:
    print(text, file=sys.stderr)
