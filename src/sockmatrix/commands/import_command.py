"""`sockmatrix import`: make a run file of what a probe wrote somewhere else."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from sockmatrix.cli import UsageError
from sockmatrix.commands.measuring import default_path
from sockmatrix.commands.options import examples
from sockmatrix.exitcode import ExitCode, verdict
from sockmatrix.recorder import Recorder
from sockmatrix.render.escape import printable
from sockmatrix.replay import Replay
from sockmatrix.runfile import RunFileError
from sockmatrix.selection import SelectionError, select
from sockmatrix.target import TargetError

if TYPE_CHECKING:
    import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this command."""
    parser.add_argument(
        "file",
        nargs="+",
        type=Path,
        metavar="FILE",
        help="what the probe wrote, on one machine, in one lab or several",
    )
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="the run file (.gz: gzip)")
    parser.epilog = examples(
        ("sockmatrix import observations.jsonl", "makes a run file, and names it"),
        ("sockmatrix import plain.jsonl hosts.jsonl -o mac.jsonl", "of one machine"),
    )


def main(arguments: argparse.Namespace) -> ExitCode:
    """Import."""
    try:
        replay = Replay(arguments.file)
        selection = select()
        known = tuple(cell for cell in selection.cells if cell.id in replay.seen)
        if len(known) < len(replay.seen):
            strange = next(key for key in replay.seen if key not in selection.ids)
            raise UsageError(f"{printable(strange)} is no cell of this version; make CELLS anew with it")
        named = {cell.table for cell in known}
        plans = tuple(plan for plan in selection.plans if plan.table.name in named)
        path = arguments.output or default_path(replay.hello)
        recorder = Recorder(
            replay.hello,
            replace(selection, plans=plans, cells=known),
            path,
            repeat=replay.repeat,
            seed=0,
            resume=False,
            labs=replay.labs,
            command="import",
        )
        with recorder:
            recorder.record(replay)
            recording = recorder.finish()
    except (TargetError, SelectionError) as error:
        raise UsageError(printable(str(error))) from error
    except RunFileError as error:
        raise UsageError(str(error)) from error
    except OSError as error:
        raise UsageError(f"{error.filename}: {error.strerror}") from error
    platform = printable(recording.header.platform.name)
    print(f"{len(recording.cells)} cells of {platform}\n\nrun file  {path}")
    print(verdict(recording.code))
    return recording.code
