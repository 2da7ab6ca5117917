"""A probe at work on a target, and the protocol it speaks.

A probe is a filter over JSON Lines, so a target is only a way to start one: see `targets/`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from sockmatrix.labs import PLAIN
from sockmatrix.runformat import Hello
from sockmatrix.targets.conversation import NotStartedError, Target, TargetError
from sockmatrix.targets.local import LocalTarget

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = [
    "PROTOCOL",
    "LocalTarget",
    "NotStartedError",
    "Observed",
    "Probe",
    "ProbeOptions",
    "Target",
    "TargetError",
]

PROTOCOL = 2


@dataclass(frozen=True, slots=True)
class ProbeOptions:
    """How a probe measures: see `python probes --help`. `grace` in seconds, None for the lab's own.

    `lab` is private, of the host, or the best there is; `layout` is what a private one consists of.
    """

    lab: str = "auto"
    allow_lan: bool = False
    fresh: bool = False
    grace: float | None = None
    source_ports: int | None = None
    window: int | None = None
    layout: str = PLAIN

    def arguments(self, share: tuple[int, int]) -> list[str]:
        """Return the probe's command line; `share` is its index among the probes of one lab."""
        arguments = ["--lab", self.lab, "--share", f"{share[0]}/{share[1]}"]
        if self.layout != PLAIN:
            arguments += ["--layout", self.layout]
        if self.allow_lan:
            arguments.append("--allow-lan")
        if self.fresh:
            arguments.append("--fresh")
        for option, value in (
            ("--grace", self.grace),
            ("--source-ports", self.source_ports),
            ("--window", self.window),
        ):
            if value is not None:
                arguments += [option, str(value)]
        return arguments


class Observed(msgspec.Struct, frozen=True, tag_field="kind", tag="observation"):
    """All repetitions of one cell; `seen` is still JSON, for many cells have the same."""

    id: str
    seen: msgspec.Raw


_observed = msgspec.json.Decoder(Observed).decode


class Probe:
    """A running probe. Its `hello` says what it is and where it runs."""

    def __init__(self, target: Target, options: ProbeOptions, share: tuple[int, int]) -> None:
        """Start the probe and wait for its hello; `share` is its lane among how many.

        Raises NotStartedError.
        """
        arguments = options.arguments(target.share(*share))
        self.conversation = target.start(arguments, share[0])
        try:
            self.hello = target.describe(self._hello())
        except BaseException:
            self.stop()
            raise

    def measure(
        self, lines: Iterable[bytes], *, repeat: int, seed: int
    ) -> Iterator[Observed | dict[str, Any]]:
        """Send encoded cells, then yield what was observed of each; the last answer is `measured`.

        Raises TargetError when the probe dies on the way.
        """
        request = msgspec.json.encode({"kind": "measure", "repeat": repeat, "seed": seed})
        try:
            self.conversation.send(b"\n".join([*lines, request, b""]))
        except OSError as error:
            raise TargetError(f"the probe died: {self.conversation.last_words()}") from error
        while True:
            line = self.conversation.line()
            if not line:
                raise TargetError(f"the probe died: {self.conversation.last_words()}")
            answer: Observed | dict[str, Any]
            try:
                answer = _observed(line)
            except ValueError:  # another kind of line, or none at all
                answer = _decode(line)
                if answer.get("kind") == "observation":
                    raise TargetError(f"{_GIBBERISH}: an observation without id or seen") from None
            yield answer
            if isinstance(answer, dict) and answer.get("kind") == "measured":
                return

    def _hello(self) -> dict[str, Any]:
        line = self.conversation.line()
        if not line:
            words = self.conversation.last_words()
            hint = f" ({_NEEDS})" if words.startswith(_NO_PYTHON) else ""
            raise NotStartedError(f"the probe did not start: {words}{hint}")
        try:
            hello = _decode(line)
            protocol = hello.get("protocol")
            if hello.get("kind") != "hello" or protocol != PROTOCOL:
                raise NotStartedError(f"the probe speaks protocol {protocol!r}, not {PROTOCOL}")
            msgspec.convert(hello, Hello)
        except NotStartedError:
            raise
        except TargetError as error:
            raise NotStartedError(str(error)) from error
        except ValueError as error:
            raise NotStartedError(f"the probe does not say what it is: {error}") from error
        return hello

    def stop(self) -> None:
        """End the probe; safe to call twice."""
        self.conversation.stop()


_NEEDS = "it needs Python 3.9 or newer"
_NO_PYTHON = ("SyntaxError", "exit status")
"""How the last words of a program begin that is no such Python: those of a probe say more."""
_GIBBERISH = "the probe said something that is not its protocol"


def _decode(line: bytes) -> dict[str, Any]:
    try:
        answer: dict[str, Any] = msgspec.json.decode(line, type=dict[str, Any])
    except ValueError as error:
        raise TargetError(f"{_GIBBERISH}: {error}") from error
    return answer
