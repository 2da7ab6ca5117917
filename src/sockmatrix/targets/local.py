"""The machine we run on, with this Python or another one."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any, final

from sockmatrix import content
from sockmatrix.targets.conversation import CommandTarget, Conversation, NotStartedError

ISOLATED = ("-s", "-S", "-E")
"""What Python is told so that nothing a user has installed or set is seen, and it starts at once."""


@final
@dataclass(frozen=True, slots=True)
class LocalTarget(CommandTarget):
    """The machine we run on; `python` is a path, or a name that is looked for on PATH."""

    python: str = sys.executable

    def start(self, arguments: list[str], lane: int) -> Conversation:
        """Start it. Raises NotStartedError."""
        try:
            return CommandTarget.start(self, arguments, lane)
        except NotStartedError as error:
            raise NotStartedError(f"{error}; the probe needs a Python, 3.9 or newer") from error

    def command(self, arguments: list[str]) -> list[str]:
        """Return the command that starts the probe."""
        return [self.python, *ISOLATED, str(content.probes()), *arguments]

    def describe(self, hello: dict[str, Any]) -> dict[str, Any]:
        """Return a probe's hello; what is not of this Python says so."""
        return hello if self.python == sys.executable else {**hello, "target": {"kind": "python"}}
