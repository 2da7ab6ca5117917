"""What the scripts behind the workflows share: a job's outputs, summary and notes, if there is a job."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def output(**values: str) -> None:
    """Set outputs of the step: appended to GITHUB_OUTPUT, or printed where there is none."""
    text = "".join(f"{name}={value}\n" for name, value in values.items())
    if any("\n" in value for value in values.values()):
        raise ValueError("an output of a step is one line")
    append("GITHUB_OUTPUT", text)


def summary(text: str) -> None:
    """Add to the summary of the job, or print it."""
    append("GITHUB_STEP_SUMMARY", text if text.endswith("\n") else text + "\n")


def append(variable: str, text: str) -> None:
    """Append to the file that an environment variable names, or print."""
    file = os.environ.get(variable)
    if not file:
        sys.stdout.write(text)
        return
    with Path(file).open("a", encoding="utf-8") as opened:
        opened.write(text)


def note(kind: str, text: str) -> None:
    """Annotate the job: `kind` is notice, warning or error."""
    line = text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    print(f"::{kind} title=sockmatrix::{line}", flush=True)


def sockmatrix() -> list[str]:
    """Return the beginning of a command line of sockmatrix: SOCKMATRIX_COMMAND, else with this Python."""
    return shlex.split(os.environ.get("SOCKMATRIX_COMMAND", "")) or [sys.executable, "-m", "sockmatrix"]
