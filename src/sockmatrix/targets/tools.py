"""Programs that targets are started with: asked for their version, and tried once."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

from sockmatrix.targets.conversation import NotStartedError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

PATIENCE = 30.0
"""Seconds for a program that only says something."""


def run(
    command: Sequence[str],
    *,
    patience: float | None = PATIENCE,
    environment: Mapping[str, str] | None = None,
    directory: Path | None = None,
    stdin: int = subprocess.DEVNULL,
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end and return what it printed; `patience` None: however long it takes.

    Raises OSError, subprocess.TimeoutExpired.
    """
    return subprocess.run(
        command,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
        timeout=patience,
        stdin=stdin,
        env=environment,
        cwd=directory,
    )


def ask_version(program: str, *, patience: float = PATIENCE) -> subprocess.CompletedProcess[str]:
    """Return what a program says of its version. Raises NotStartedError."""
    try:
        return run([program, "--version"], patience=patience)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NotStartedError(f"cannot start {program}: {error}") from error


def last_words(done: subprocess.CompletedProcess[str]) -> str:
    """Return the last line that a program complained with."""
    return (done.stderr.strip().splitlines() or ["no word"])[-1]
