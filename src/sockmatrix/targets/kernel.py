"""A Linux kernel in virtual machines of QEMU."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, final

from sockmatrix.targets import qemu
from sockmatrix.targets.guests import GuestTarget

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from sockmatrix.targets.kernels import Kernel


@final
class KernelTarget(GuestTarget):
    """A kernel, booted by QEMU: by KVM where that truly works, else by emulation."""

    ports = qemu.PORTS

    def __init__(self, kernel: Kernel, machines: int = 1, *, accelerator: str | None = None) -> None:
        """Prepare; nothing is started. `accelerator` is found out where it is None."""
        super().__init__(machines)
        self.name = f"the guest of Linux {kernel.version}"
        self.kernel = kernel
        self.accelerator = accelerator

    def modules(self) -> list[tuple[str, bytes]]:
        """Return the kernel's own. Raises NotStartedError, also without QEMU or for a damaged kernel."""
        qemu.find()  # before the work of making an image
        self.kernel.check()
        return self.kernel.modules()

    def command(self, image: Path, console: Path) -> Callable[[Sequence[int]], list[str]]:
        """Return QEMU's. Raises NotStartedError."""
        program = qemu.find()
        with self._lock:
            if self.accelerator is None:
                self.accelerator = qemu.accelerator(program, self.kernel.vmlinuz)
        boot = qemu.Boot(self.kernel.vmlinuz, image, console)
        return functools.partial(qemu.command, program, self.accelerator, boot)

    def describe(self, hello: dict[str, Any]) -> dict[str, Any]:
        """Return a probe's hello with what it cannot know: the package, and what runs the guest."""
        known = {"version": self.kernel.version, **self.kernel.facts}
        facts = {"kind": "kernel", "accelerator": self.accelerator or "", **known}
        return {**hello, "target": facts}
