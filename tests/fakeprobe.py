"""A probe without sockets: it speaks the protocol and answers as one of the `miniatures` would.

As a program it is started by a `FakeTarget`, with a JSON object of `FakeTarget.facts` and the
arguments of a probe. It may misbehave, in the ways of `TROUBLES`, at the block of its life that
`at` says (0 is the hello); with a file `once`, only until that file exists: then its replacement is
a good one. Standard library only, so that it starts in no time.

`python fakeprobe.py sockmatrix FACTS ARGUMENT...` is the command `sockmatrix` with such a probe.
"""

from __future__ import annotations

import dataclasses
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    import subprocess

    from sockmatrix.target import Probe
    from sockmatrix.targets.conversation import ProcessConversation
    from sockmatrix.targets.kernels import Kernel

if __name__ == "__main__":  # isolated: not even the directory of the program is on the path
    sys.path.insert(0, os.path.dirname(__file__))  # noqa: PTH120 - no need of pathlib yet

import miniatures

PLATFORMS = {
    "everything": miniatures.EVERYTHING,
    "last": miniatures.LAST,
    "refuses": miniatures.REFUSES,
    "bsd": miniatures.BSD,
    "hangs": miniatures.HANGS,
    "fickle": miniatures.FICKLE,
}

TROUBLES = {
    "die": "says half of what it saw and ends, with a reason on stderr",
    "die silently": "the same, without a reason",
    "hang": "says half of what it saw, then nothing for as long as it is let live",
    "garbage": "says what is not JSON",
    "binary": "says what is not even text",
    "list": "says JSON that is no object",
    "wrong observation": "says an observation that is none",
    "nameless": "says an observation without an id",
    "forget": "leaves out the first cell",
    "twice": "says everything twice",
    "stranger": "speaks of a cell that nobody asked for",
    "chatty": "writes more to stderr than a pipe holds",
    "inconclusive": "could not prove silence, in the first cell",
    "silent fence": "counts a fence that nobody heard",
    "protocol": "speaks the protocol of another version",
    "stateless": "does not say what platform it is on",
}

FATAL = ("die", "die silently", "hang", "garbage", "binary", "list", "nameless")


@dataclasses.dataclass(frozen=True)
class FakeTarget:
    """Starts this program in place of a probe."""

    platform: str = "last"
    trouble: str = ""
    at: int = 1
    once: str = ""
    log: str = ""
    matrix: str = ""
    lacks: str = ""
    hello: dict[str, Any] = dataclasses.field(default_factory=dict)
    python: str = sys.executable

    @property
    def facts(self) -> str:
        """How the program is to behave, in JSON.

        `log` is a file to which it appends its doings, `matrix` the directory of the tables, `lacks`
        a layout that it cannot make.
        """
        assert self.platform in PLATFORMS
        assert not self.trouble or self.trouble in TROUBLES
        return json.dumps(dataclasses.asdict(self))

    def command(self, arguments: list[str]) -> list[str]:
        """Return the command that starts the program."""
        return [self.python, "-S", "-E", "-s", "-I", __file__, self.facts, *arguments]

    def start(self, arguments: list[str], lane: int) -> ProcessConversation:
        """Start the program, as a target starts a probe."""
        from sockmatrix.targets.conversation import ProcessConversation

        return ProcessConversation(self.command(arguments))

    def share(self, lane: int, lanes: int) -> tuple[int, int]:
        """Return the share as it is."""
        return lane, lanes

    def processors(self) -> int | None:
        """Return that they are this machine's."""
        return None

    def describe(self, hello: dict[str, Any]) -> dict[str, Any]:
        """Return the hello as it is."""
        return hello

    def close(self) -> None:
        """Do nothing."""

    def sockmatrix(self, *arguments: str) -> list[str]:
        """Return the command line of `sockmatrix` with this probe in place of the real one."""
        return [sys.executable, __file__, "sockmatrix", self.facts, *arguments]


def process_of(probe: Probe) -> subprocess.Popen[bytes]:
    """Return the process of a probe that a command started."""
    from sockmatrix.targets.conversation import ProcessConversation

    assert isinstance(probe.conversation, ProcessConversation)
    return probe.conversation.child


class Program:
    """The program: hello, then an answer to each block of cells."""

    def __init__(self, facts: dict[str, Any], arguments: list[str]) -> None:
        self.facts = facts
        self.platform = PLATFORMS[facts["platform"]]
        self.operations: list[list[Any]] = []
        self.known: dict[str, list[list[Any]]] = {}
        self.layout = arguments[arguments.index("--layout") + 1] if "--layout" in arguments else ""
        self.log("started", arguments)

    def log(self, *what: object) -> None:
        """Append a line to the log; one write, for others append to it too."""
        if self.facts["log"]:
            with Path(self.facts["log"]).open("a", encoding="utf-8") as file:
                file.write(json.dumps([os.getpid(), *what]) + "\n")

    def trouble(self, block: int) -> str:
        """Return what goes wrong in this block, empty for nothing."""
        if block != self.facts["at"]:
            return ""
        if self.facts["once"]:
            try:
                os.close(os.open(self.facts["once"], os.O_CREAT | os.O_EXCL))
            except FileExistsError:
                return ""
        return str(self.facts["trouble"])

    def serve(self) -> None:
        """Answer until there is nothing more to answer."""
        trouble = self.trouble(0)
        if self.layout and self.layout == self.facts["lacks"]:
            sys.exit(f"probes: there is no {self.layout} here")
        hello = {**miniatures.HELLO, **self.facts["hello"]}
        if self.layout:
            hello["lab"] = {**hello["lab"], "layout": self.layout}
        if trouble == "protocol":
            hello["protocol"] = 99
        elif trouble == "stateless":
            del hello["platform"]
        elif trouble:
            misbehave(trouble)
        say(hello)
        cells: list[dict[str, Any]] = []
        block = 0
        for line in sys.stdin:
            request = json.loads(line)
            if request["kind"] == "operations":
                self.operations.append(request["operations"])
            elif request["kind"] == "cell":
                cells.append(request)
            else:
                block += 1
                self.answer(cells, request, self.trouble(block))
                cells = []

    def answer(self, cells: list[dict[str, Any]], request: dict[str, Any], trouble: str) -> None:
        """Say what was seen of `cells`."""
        self.log("asked", len(cells), request, cells[0]["id"])
        answers = [self.seen(cell, request["repeat"]) for cell in cells]
        if trouble == "forget":
            del answers[0]
        elif trouble == "twice":
            answers += answers
        elif trouble == "wrong observation":
            answers[0]["seen"] = [[1, {"roles": {"A": "perhaps"}}]]
        elif trouble == "inconclusive":
            answers[0]["seen"] = [[request["repeat"], {"inconclusive": "the fence stayed silent"}]]
        elif trouble == "stranger":
            answers.append({**answers[0], "id": "nobody/asked:for/A:any4.addr"})
        elif trouble == "chatty":
            sys.stderr.write("a line of complaint\n" * 20_000)
        elif trouble in FATAL:
            say(*answers[: len(answers) // 2])
            misbehave(trouble)
        counts = {"cells": len(cells), "batches": 1, "voided": 0, "lost_roles": 0, "seconds": 0.1}
        fences = {"fences": 1, "silent_fences": int(trouble == "silent fence"), "taken_ports": 0}
        say(*answers, {"kind": "measured", **counts, **fences})

    def seen(self, cell: dict[str, Any], repeat: int) -> dict[str, Any]:
        """Return the line for a cell."""
        key = json.dumps(cell["steps"])
        if key not in self.known:
            steps = [(role, self.operations[number]) for role, number in cell["steps"]]
            self.known[key] = self.platform.seen(steps, repeat)
        return {"kind": "observation", "id": cell["id"], "seen": self.known[key]}


def say(*lines: object) -> None:
    """Write lines of JSON and see them off."""
    sys.stdout.write("".join(json.dumps(line) + "\n" for line in lines))
    sys.stdout.flush()


def misbehave(trouble: str) -> NoReturn:
    """Do what cannot be recovered from."""
    if trouble == "hang":
        sys.stdin.read()  # until whoever started us is gone
    elif trouble == "garbage":
        sys.stdout.write("Segmentation fault\n")
    elif trouble == "binary":
        sys.stdout.buffer.write(b'{"kind": "observation", "id": "\xff\xfe", "seen": []}\n')
    elif trouble == "list":
        say([1, 2, 3])
    elif trouble == "nameless":
        say({"kind": "observation", "seen": []})
    elif trouble == "die":
        sys.stderr.write("Traceback (most recent call last):\nprobes: out of luck\n")
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(3 if trouble.startswith("die") else 0)


def _sockmatrix(facts: dict[str, Any], arguments: list[str]) -> NoReturn:
    sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))
    from sockmatrix import cli, content, target
    from sockmatrix.targets import kernel, names

    fake = FakeTarget(**facts)
    if fake.matrix:
        setattr(content, "matrix", lambda: Path(fake.matrix))  # noqa: B010 - mypy minds
    for module in (target, names):
        setattr(module, "LocalTarget", lambda *_: fake)  # noqa: B010 - mypy minds

    def guest(own: Kernel, _: int) -> FakeTarget:
        own.check()
        release = {**miniatures.HELLO["platform"], "release": own.version.partition("-")[0]}
        return dataclasses.replace(fake, hello={**fake.hello, "platform": release})

    setattr(kernel, "KernelTarget", guest)  # noqa: B010 - mypy minds
    cli.main(arguments)


if __name__ == "__main__":
    if sys.argv[1] == "sockmatrix":
        _sockmatrix(json.loads(sys.argv[2]), sys.argv[3:])
    elif "--doctor" in sys.argv:
        say([["veth", True, "made"], ["IPv6", False, "there is\u202e none"]])
    else:
        Program(json.loads(sys.argv[1]), sys.argv[2:]).serve()
