"""Options that several commands share."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from sockmatrix.cli import UsageError
from sockmatrix.selection import Selection, SelectionError, select

if TYPE_CHECKING:
    from collections.abc import Sequence


def add_selection(parser: argparse.ArgumentParser) -> None:
    """Add --table and --only."""
    parser.add_argument(
        "--table",
        action="append",
        default=[],
        metavar="NAME",
        help="only this table (repeatable); `sockmatrix list` names them",
    )
    parser.add_argument(
        "--only",
        action="append",
        default=[],
        metavar="PATTERN",
        help="only cells that match (repeatable): a glob over ids, or terms such as"
        " 'dest=lobcast every.reuse=addr,port first.bind=any4'",
    )


def selected(arguments: argparse.Namespace, *, sample: int | None = None, seed: int = 0) -> Selection:
    """Return the cells that --table and --only name. Raises UsageError."""
    try:
        return select(arguments.table, arguments.only, sample=sample, seed=seed)
    except SelectionError as error:
        raise UsageError(str(error)) from error


def positive(text: str) -> int:
    """Return a number of at least 1. Raises argparse.ArgumentTypeError."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of at least 1")
    return int(text)


def whole(text: str) -> int:
    """Return a whole number that a run file can hold. Raises argparse.ArgumentTypeError."""
    from sockmatrix.delivery import MOST

    try:
        value = int(text)
    except ValueError:
        value = MOST + 1
    if abs(value) > MOST:
        raise argparse.ArgumentTypeError(f"{text[:40]!r} is not a whole number below 2^63")
    return value


def seconds(text: str) -> float:
    """Return a number of seconds from 0 to 60. Raises argparse.ArgumentTypeError."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 60:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds from 0 to 60")
    return value


def examples(*lines: Sequence[str]) -> str:
    """Return the epilog of a command's help: (command line, what it does) each."""
    width = max(len(command) for command, _ in lines) + 2
    if 2 + width + max(len(about) for _, about in lines) < 80:
        texts = [f"  {command:<{width}}{about}" for command, about in lines]
    else:
        texts = [f"  {command}\n      {about}" for command, about in lines]
    return "\n".join(["examples:", *texts])
