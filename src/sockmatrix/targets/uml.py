"""User-mode Linux: a kernel that is a program. There are few, but programs in it run unemulated."""

from __future__ import annotations

import hashlib
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

from sockmatrix.targets import kernels, tools
from sockmatrix.targets.conversation import Conversation, NotStartedError
from sockmatrix.targets.guests import GuestTarget

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

HOW_TO_GET = "Debian's package user-mode-linux, or `uml=PATH/linux.uml`"

MEMORY = 1024
"""Megabytes of a guest; what is used of them lies in a file of TMPDIR, or of /dev/shm."""

_REGISTERS = "ptrace set fp regs failed"
_NEWER = "it knows the registers of older processors only: 7.2 was seen to run where 6.1 and 6.12 do not"
_VERSION = re.compile(r"\d+\.\d+[\w.+~-]*", re.ASCII)
_PATIENCE = 20.0  # seconds


@final
class UmlTarget(GuestTarget):
    """A `linux.uml`; its modules are in `modules`, or where Debian's package has them."""

    def __init__(self, program: str, machines: int = 1, modules: Path | None = None) -> None:
        """Ask it for its version. Raises NotStartedError."""
        super().__init__(machines)
        found = shutil.which(program)
        if found is None:
            raise NotStartedError(f"there is no {program} here: {HOW_TO_GET}")
        self._program = Path(found)
        self.version = self._ask_version()
        self.name = f"the guest of user-mode Linux {self.version}"
        self._modules = modules or self._program.resolve().parents[1] / "lib" / "uml" / "modules"

    def _ask_version(self) -> str:
        done = tools.ask_version(str(self._program), patience=_PATIENCE)
        version = _VERSION.match(done.stdout.strip())
        if version is None:
            words = tools.last_words(done)
            raise NotStartedError(f"{self._program} --version does not name a version: {words}")
        return version[0]

    def modules(self) -> list[tuple[str, bytes]]:
        """Return those that make links. Raises NotStartedError."""
        return kernels.load(self._modules)

    def start(self, arguments: list[str], lane: int) -> Conversation:
        """Start a probe in the guest of that lane. Raises NotStartedError."""
        try:
            return super().start(arguments, lane)
        except NotStartedError as error:
            if _REGISTERS not in str(error):
                raise
            raise NotStartedError(f"{error} ({_NEWER})") from error

    def command(self, image: Path, console: Path) -> Callable[[Sequence[int]], list[str]]:
        """Return the kernel's command line: it is a program like any other."""

        def words(descriptors: Sequence[int]) -> list[str]:
            (port,) = descriptors
            return [
                *(str(self._program), f"mem={MEMORY}M", f"initrd={image}", "rdinit=/init", "quiet"),
                *("panic=-1", "norandmaps", "con=null", "con0=null,fd:1", f"ssl0=fd:{port},fd:{port}"),
                *("SOCKMATRIX_PORT=/dev/ttyS0", f"uml_dir={image.parent}/", f"umid={console.name}"),
            ]

        return words

    def describe(self, hello: dict[str, Any]) -> dict[str, Any]:
        """Return a probe's hello with the program's hash."""
        digest = hashlib.sha256(self._program.read_bytes()).hexdigest()
        return {**hello, "target": {"kind": "uml", "sha256": digest}}
