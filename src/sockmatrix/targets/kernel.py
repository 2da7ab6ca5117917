"""A Linux kernel in virtual machines: some guests, with this Python and probes in them."""

from __future__ import annotations

import functools
import shutil
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

from sockmatrix.targets import initramfs, qemu
from sockmatrix.targets.conversation import Conversation, NotStartedError
from sockmatrix.targets.guest import Guest

if TYPE_CHECKING:
    from sockmatrix.targets.kernels import Kernel


@final
class KernelTarget:
    """A kernel; `machines` guests are booted when first needed, and anew when one has died.

    A guest has one processor: two guests on two are quicker than one with two. Lanes are dealt to them.
    """

    def __init__(self, kernel: Kernel, machines: int = 1, *, accelerator: str | None = None) -> None:
        """Prepare; nothing is started. `accelerator` is found out where it is None."""
        self.kernel = kernel
        self.machines = machines
        self.accelerator = accelerator
        self._guests: dict[int, Guest] = {}
        self._locks: dict[int, threading.Lock] = {}
        self._lock = threading.Lock()
        self._place: Path | None = None
        self._closed = False

    @property
    def name(self) -> str:
        """What is measured, for messages."""
        return f"the guest of Linux {self.kernel.version}"

    def start(self, arguments: list[str], lane: int) -> Conversation:
        """Start a probe in the guest of that lane. Raises NotStartedError."""
        number = lane % self.machines
        with self._lock:
            own = self._locks.setdefault(number, threading.Lock())
        with own:  # guests boot side by side, but each once
            guest = self._guests.get(number)
            if guest is None or not guest.alive:
                guest = self._boot(number)
        return guest.open(arguments)

    def share(self, lane: int, lanes: int) -> tuple[int, int]:
        """Return which probe of how many in its guest the one of that lane is."""
        number = lane % self.machines
        return lane // self.machines, len(range(number, lanes, self.machines))

    def _boot(self, number: int) -> Guest:
        program = qemu.find()
        image = self._image()
        with self._lock:
            accelerator = self.accelerator = self.accelerator or qemu.accelerator(
                program, self.kernel.vmlinuz
            )
        console = image.with_name(f"console-{number}")
        words = functools.partial(
            qemu.command, program, accelerator, qemu.Boot(self.kernel.vmlinuz, image, console)
        )
        guest = Guest(self.name, words, console, ports=qemu.PORTS)
        with self._lock:
            if not self._closed:
                self._guests[number] = guest
        if self._guests.get(number) is not guest:
            guest.stop()
        guest.wait()
        return guest

    def _image(self) -> Path:
        """Return the first file system of the guests, made once."""
        with self._lock:
            if self._closed:
                raise NotStartedError("stopped")
            if self._place is None:
                data = initramfs.image(self.kernel.modules())
                place = Path(tempfile.mkdtemp(prefix="sockmatrix-"))
                try:
                    (place / "image").write_bytes(data)
                except OSError as error:
                    shutil.rmtree(place, ignore_errors=True)
                    raise NotStartedError(f"cannot write {place}: {error.strerror}") from error
                self._place = place
            return self._place / "image"

    def describe(self, hello: dict[str, Any]) -> dict[str, Any]:
        """Return a probe's hello with what it cannot know: the package, and what runs the guest."""
        facts = {"kind": "kernel", "accelerator": self.accelerator or "", **self.kernel.facts}
        return {**hello, "target": facts}

    def close(self) -> None:
        """End all guests."""
        with self._lock:
            self._closed = True
            guests = list(self._guests.values())
            place = self._place
        for guest in guests:
            guest.stop()
        if place is not None:
            shutil.rmtree(place, ignore_errors=True)
