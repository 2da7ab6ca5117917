"""What commands that measure share: how many labs at a time, where the run goes, and measuring."""

from __future__ import annotations

import os
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from sockmatrix.cli import UsageError
from sockmatrix.measure import Lanes, Requests
from sockmatrix.recorder import Recorder, Recording
from sockmatrix.render.escape import printable
from sockmatrix.runfile import RunFileError
from sockmatrix.runformat import Platform
from sockmatrix.target import ProbeOptions, TargetError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sockmatrix.selection import Selection
    from sockmatrix.target import Target

_FRESH_LANES = 4  # for each processor: a lane that measures afresh mostly waits


def lanes_here(*, fresh: bool, processors: int | None = None) -> int:
    """Return how many labs are at work side by side, if nothing else is said.

    `processors`: how many of this machine's there are for it, None for all.
    """
    if processors is None:
        usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
        processors = usable or 1
    return min(32, processors * (_FRESH_LANES if fresh else 1))


def run_name(hello: dict[str, Any]) -> str:
    """Return a name for a run, made of the platform: linux-6.12.118-x86_64."""
    platform = msgspec.convert(hello["platform"], Platform)
    words = (platform.stack, platform.version, platform.arch)
    return "-".join("".join(c if c.isalnum() or c in "._" else "-" for c in word) for word in words)


def default_path(hello: dict[str, Any]) -> Path:
    """Return a name for a run file, made of the platform and the time."""
    now = datetime.now(timezone.utc).strftime("%Y%m%dT%H%M%SZ")
    return Path("runs") / f"{run_name(hello)}-{now}.jsonl"


def measure(
    selection: Selection,
    target: Target,
    options: ProbeOptions,
    *,
    jobs: int,
    repeat: int,
    seed: int,
    output: Path | None,
    begin: Callable[[dict[str, Any], Mapping[str, str]], None],
) -> Recording:
    """Measure cells into a new run file: `output`, or `default_path`.

    `begin` is told the probe's hello and why layouts of the lab are missing, before anything is written;
    what it raises ends it. Raises UsageError.
    """
    requests = Requests({plan.table.name: plan.table.scenario for plan in selection.plans})
    try:
        with Lanes(requests, target, options, jobs, repeat=repeat, seed=seed) as lanes:
            hello = lanes.start(cell.lab for cell in selection.cells)
            begin(hello, lanes.missing)
            path = output or default_path(hello)
            try:
                recorder = Recorder(
                    hello, selection, path, repeat=repeat, seed=seed, resume=False, labs=lanes.labs
                )
                with recorder:
                    recorder.record(lanes)
                    return recorder.finish()
            except BrokenPipeError:
                raise
            except OSError as error:
                raise UsageError(f"cannot write {path}: {error.strerror or error}") from error
    except TargetError as error:
        raise UsageError(printable(str(error))) from error
    except RunFileError as error:
        raise UsageError(str(error)) from error
