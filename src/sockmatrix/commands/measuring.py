"""What commands that measure share: how many labs at a time, where the run goes, how to go on."""

from __future__ import annotations

import shlex
import subprocess
import sys
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import msgspec

from sockmatrix import aside
from sockmatrix.runformat import Platform

_FRESH_LANES = 4  # for each processor: a lane that measures afresh mostly waits


def lanes_here(*, fresh: bool, processors: int | None = None) -> int:
    """Return how many labs are at work side by side, if nothing else is said.

    `processors`: how many of this machine's there are for it, None for all.
    """
    if processors is None:
        processors = aside.processors()
    return min(32, processors * (_FRESH_LANES if fresh else 1))


def command_line(*words: str, platform: str = sys.platform) -> str:
    """Return words as one would type them, in cmd.exe on Windows (`platform` as sys.platform)."""
    return subprocess.list2cmdline(words) if platform == "win32" else shlex.join(words)


def run_name(hello: dict[str, Any]) -> str:
    """Return a name for a run, made of the platform: linux-6.12.118-x86_64."""
    platform = msgspec.convert(hello["platform"], Platform)
    words = (platform.stack, platform.version, platform.arch)
    return "-".join("".join(c if c.isalnum() or c in "._" else "-" for c in word) for word in words)


def default_path(hello: dict[str, Any]) -> Path:
    """Return a name for a run file, made of the platform and the time."""
    now = datetime.now(timezone.utc).strftime("%Y%m%dT%H%M%SZ")
    return Path("runs") / f"{run_name(hello)}-{now}.jsonl"
