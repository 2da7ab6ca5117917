"""The command line: one short file for each command, imported only when it is the one."""

from __future__ import annotations

import argparse
import importlib
import io
import os
import signal
import sys
from typing import TYPE_CHECKING, NoReturn

from sockmatrix import __version__
from sockmatrix.content import ContentError
from sockmatrix.exitcode import ExitCode

if TYPE_CHECKING:
    from collections.abc import Sequence

COMMANDS = {
    "run": "measure this machine or others, write a run file and print who hears it",
    "check": "measure, compare with a baseline, and say what changed",
    "doctor": "say what can be measured here, and why not the rest",
    "bisect": "find the kernel release in which cells changed, measuring few of many",
    "kernels": "fetch Linux kernels to measure in virtual machines, or list them",
    "probe": "write the probe as one file, to measure where this is not installed",
    "import": "make a run file of what a probe wrote somewhere else",
    "report": "print the tables of one run, or of several side by side",
    "diff": "say what changed between two runs, and which known changes explain it",
    "history": "say since which release cells are as they are, and when they changed",
    "explain": "say all that is known of one cell: what was done, what happened where, and why",
    "rules": "say by which few rules all that was measured follows",
    "recipe": "say how all programs, or one, hear it on several systems, with code",
    "coexist": "say who may bind beside a program, and who then hears it",
    "repro": "write a program for a bug report that shows what one cell shows",
    "claims": "say which statements of published documents hold, and which do not",
    "predict": "hold a run against the reference model of Linux, and list the unexplained",
    "merge": "make one run of several of a platform, measured in parts or again",
    "export": "write the cells of many runs as one table for DuckDB, Arrow or pandas",
    "list": "show the tables, their questions and their cells",
    "lint": "look for what is wrong in the tables and claims",
}

_EPILOG = """\
examples:
  sockmatrix run                                    everything, a minute or less
  sockmatrix run --table loopback-broadcast         one question
  sockmatrix run --only 'dest=lobcast every.reuse=addr'
  sockmatrix report *.jsonl                         several systems side by side
  sockmatrix claims RUN                             what documents say, and what is true here
  sockmatrix check --table sentinel                 has an upgrade changed anything?

exit status:
  0 measured and as expected   1 behaviour changed   2 wrong usage or unreadable input
  3 inconclusive   4 nothing measured   130 interrupted (what was measured is kept)
"""


class UsageError(Exception):
    """What the user asked for cannot be done; the message says what to do instead."""


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run a command and exit with its status."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a Windows code page lacks the dash
    words = list(sys.argv[1:] if arguments is None else arguments)
    if hasattr(signal, "SIGTERM"):
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C: keep what there is
    name = ""
    try:
        _check(words)
        namespace = _parser(words).parse_args(words)
        name = f" {namespace.command}"
        command = importlib.import_module(f"sockmatrix.commands.{namespace.command}_command")
        code = command.main(namespace)
        sys.stdout.flush()
    except KeyboardInterrupt:
        code = ExitCode.INTERRUPTED
    except BrokenPipeError:
        _discard_output()  # the reader has left, and has what it wanted
        code = ExitCode.EXPECTED
    except (UsageError, ContentError) as error:
        print(f"sockmatrix{name}: {error}", file=sys.stderr)
        code = ExitCode.USAGE
    except OSError as error:
        _discard_output()
        print(f"sockmatrix{name}: {error.filename or 'output'}: {error.strerror}", file=sys.stderr)
        code = ExitCode.USAGE
    sys.exit(code.value)


def _check(words: Sequence[str]) -> None:
    """Say more than argparse does of no command, and of one that there is not. Raises UsageError."""
    if not words:
        _parser(words).print_help(sys.stderr)
        raise UsageError("name a command")
    if not words[0].startswith("-") and words[0] not in COMMANDS:
        from sockmatrix.part import unknown

        raise UsageError(unknown("command", words[0], COMMANDS))


def _discard_output() -> None:
    """Keep what is still in the buffer from failing again at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _parser(words: Sequence[str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="sockmatrix",
        description="Who hears it? When several sockets share a port, which of them does a datagram or"
        " a connection reach?",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"sockmatrix {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, about in COMMANDS.items():
        sub = commands.add_parser(
            name,
            help=about,
            description=about[0].upper() + about[1:] + ".",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        if name in words:  # the others are only named
            importlib.import_module(f"sockmatrix.commands.{name}_command").add_arguments(sub)
    return parser
