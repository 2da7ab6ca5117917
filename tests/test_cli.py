"""The command line itself: help, usage errors, pipes, and what it does not import."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from commandline import environment

from sockmatrix import __version__, cli, content
from sockmatrix.exitcode import ExitCode

if TYPE_CHECKING:
    import argparse

ENVIRONMENT = environment(COLUMNS="100", NO_COLOR="1")


@pytest.fixture(autouse=True)
def _plain(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the signals of the test process as they are; help has no colours."""
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    monkeypatch.setattr("sockmatrix.cli.signal.signal", lambda *_: None)


def run(*arguments: str) -> int:
    """Return the exit status of a command line."""
    with pytest.raises(SystemExit) as caught:
        cli.main(arguments)
    return int(caught.value.code or 0)


def process(*arguments: str, code: str = "") -> subprocess.CompletedProcess[str]:
    """Run `sockmatrix`, or a program, in a process of its own."""
    program = ["-c", code] if code else ["-m", "sockmatrix"]
    return subprocess.run(
        [sys.executable, *program, *arguments],
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
    )


def test_help(capsys: pytest.CaptureFixture[str]) -> None:
    """It names all commands, gives examples, and says what each exit status means."""
    assert run("--help") == 0
    said = capsys.readouterr().out
    for name, about in cli.COMMANDS.items():
        assert name in said
        assert about.split(",")[0] in " ".join(said.split())
    assert "examples:\n  sockmatrix run  " in said
    assert "exit status:" in said
    for code in ExitCode:
        assert f"{code.value} " in said.partition("exit status:")[2]


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_help_of_a_command(capsys: pytest.CaptureFixture[str], name: str) -> None:
    """Each command says what it does and gives examples, which its own parser accepts."""
    assert run(name, "--help") == 0
    said = capsys.readouterr().out
    assert said.startswith(f"usage: sockmatrix {name} ")
    assert cli.COMMANDS[name].split(",")[0][1:] in " ".join(said.split())
    examples = said.partition("examples:\n")[2].splitlines()
    assert examples
    assert all(line.startswith((f"  sockmatrix {name}", "      ")) for line in examples)
    assert all(len(line) < 80 for line in examples)


@pytest.mark.parametrize("name", ["", *cli.COMMANDS])
def test_examples_are_right(capsys: pytest.CaptureFixture[str], name: str) -> None:
    """Every example of the help is a command line that is understood."""
    import shlex

    run(*filter(None, [name]), "--help")
    examples = capsys.readouterr().out.partition("examples:\n")[2].partition("\n\n")[0].splitlines()
    for line in (line for line in examples if not line.startswith("   ")):
        words = shlex.split(line.strip().partition("   ")[0].partition("  ")[0])
        assert words[0] == "sockmatrix"
        namespace: argparse.Namespace = cli._parser(words).parse_args(words[1:])
        assert namespace.command in cli.COMMANDS


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    """`--version` is one line."""
    assert run("--version") == 0
    assert capsys.readouterr().out == f"sockmatrix {__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "sockmatrix: name a command"),
        (["rn"], 'sockmatrix: unknown command "rn" (did you mean "run"?); allowed: run, check, '),
        (["run", "--jobs", "0"], "argument --jobs: '0' is not a number of at least 1"),
        (["run", "--jobs", "-1"], "argument --jobs: '-1' is not a number of at least 1"),
        (["run", "--repeat", "many"], "argument --repeat: 'many' is not a number of at least 1"),
        (["run", "--seed", "9" * 20], f"argument --seed: '{'9' * 20}' is not a whole number below 2^63"),
        (["run", "--settle", "nan"], "argument --settle: 'nan' is not a number of seconds from 0 to 60"),
        (["run", "--settle", "1h"], "argument --settle: '1h' is not a number of seconds from 0 to 60"),
        (["run", "--lab", "moon"], "argument --lab: invalid choice: 'moon' (choose from"),
        (["run", "--nonsense"], "unrecognized arguments: --nonsense"),
        (["report"], "the following arguments are required: RUN"),
    ],
)
def test_wrong_usage(capsys: pytest.CaptureFixture[str], arguments: list[str], said: str) -> None:
    """What is not understood is status 2; the last line says what, and nothing is on stdout."""
    assert run(*arguments) == 2
    captured = capsys.readouterr()
    assert not captured.out
    assert said in captured.err.splitlines()[-1]


def test_an_unknown_command_in_a_process() -> None:
    """The status reaches the shell, without a traceback."""
    done = process("measure")
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


NEEDED_LATER = (
    "asyncio",
    "msgspec",
    "rich",
    "socket",
    "subprocess",
    "tabulate",
    "tomllib",
    "sockmatrix.commands",
    "sockmatrix.measure",
    "sockmatrix.outcome",
    "sockmatrix.runfile",
    "sockmatrix.table",
    "sockmatrix.target",
)


@pytest.mark.parametrize("arguments", [["--help"], ["--version"]])
def test_nothing_is_imported_that_is_not_needed(arguments: list[str]) -> None:
    """Help and version come at once: no command, no dependency is imported for them."""
    done = process(
        *arguments,
        code="import sys\nfrom sockmatrix import cli\ntry:\n    cli.main()\n"
        "finally:\n    print(*sys.modules, sep='\\n', file=sys.stderr)",
    )
    imported = set(done.stderr.splitlines())
    assert "sockmatrix.cli" in imported
    assert not imported.intersection(NEEDED_LATER)


def test_a_command_imports_only_itself() -> None:
    """To list tables, nothing is needed that measures or renders."""
    done = process(
        "list",
        "--help",
        code="import sys\nfrom sockmatrix import cli\ntry:\n    cli.main()\n"
        "finally:\n    print(*sys.modules, sep='\\n', file=sys.stderr)",
    )
    imported = set(done.stderr.splitlines())
    assert "sockmatrix.commands.list_command" in imported
    assert not imported.intersection(
        {"rich", "tabulate", "sockmatrix.measure", "sockmatrix.commands.run_command"}
    )


def _command(monkeypatch: pytest.MonkeyPatch, problem: BaseException) -> None:
    """Have `sockmatrix list` end with `problem`."""
    from sockmatrix.commands import list_command

    def fail(_: argparse.Namespace) -> ExitCode:
        raise problem

    monkeypatch.setattr(list_command, "main", fail)


@pytest.mark.parametrize(
    ("problem", "code", "said"),
    [
        (cli.UsageError("what to do instead"), 2, "sockmatrix list: what to do instead\n"),
        (content.ContentError("matrix/ is missing"), 2, "sockmatrix list: matrix/ is missing\n"),
        (KeyboardInterrupt(), 130, ""),
    ],
)
def test_how_a_command_can_end(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    problem: BaseException,
    code: int,
    said: str,
) -> None:
    """What a user can do something about is one line on stderr, not a traceback."""
    _command(monkeypatch, problem)
    assert run("list") == code
    assert capsys.readouterr() == ("", said)


def test_a_mistake_of_ours_is_a_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    """A bug is not dressed up as wrong usage."""
    _command(monkeypatch, ZeroDivisionError())
    with pytest.raises(ZeroDivisionError):
        cli.main(["list"])


def test_ctrl_c_while_a_command_is_imported(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """An impatient user does not get a traceback either."""

    def interrupted(_: str) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("sockmatrix.cli.importlib.import_module", interrupted)
    assert run("list") == 130
    assert capsys.readouterr() == ("", "")


def test_a_reader_that_leaves() -> None:
    """`sockmatrix list --cells | head -1` prints one line and is silent otherwise."""
    with subprocess.Popen(
        [sys.executable, "-m", "sockmatrix", "list", "--cells"],
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as child:
        assert child.stdout is not None
        assert child.stderr is not None
        assert "/" in child.stdout.readline()
        child.stdout.close()
        assert child.stderr.read() == ""
    assert child.returncode == 0


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
def test_nowhere_to_print() -> None:
    """Output that cannot be written is an error, in one line."""
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "sockmatrix", "list"],
            env=ENVIRONMENT,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 2
    assert done.stderr == f"sockmatrix list: output: {os.strerror(errno.ENOSPC)}\n"


def test_a_stream_of_another_encoding() -> None:
    """Where the dash cannot be shown, something else is; never a traceback."""
    environment = {**ENVIRONMENT, "PYTHONIOENCODING": "ascii"}
    done = subprocess.run(
        [sys.executable, "-m", "sockmatrix", "list"], env=environment, capture_output=True, check=False
    )
    assert done.returncode == 0
    assert done.stdout.isascii()
