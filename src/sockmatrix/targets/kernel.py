"""A Linux kernel in virtual machines: one guest for each lane, with this Python and the probe in it."""

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
    """A kernel; guests are booted when a lane first needs one, and anew when one has died."""

    def __init__(self, kernel: Kernel, *, accelerator: str | None = None) -> None:
        """Prepare; nothing is started. `accelerator` is found out where it is None."""
        self.kernel = kernel
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
        with self._lock:
            own = self._locks.setdefault(lane, threading.Lock())
        with own:  # lanes boot side by side, but each once
            guest = self._guests.get(lane)
            if guest is None or not guest.alive:
                guest = self._boot(lane)
        return guest.open(arguments)

    def _boot(self, lane: int) -> Guest:
        program = qemu.find()
        image = self._image()
        with self._lock:
            accelerator = self.accelerator = self.accelerator or qemu.accelerator(
                program, self.kernel.vmlinuz
            )
        console = image.with_name(f"console-{lane}")
        words = functools.partial(
            qemu.command, program, accelerator, qemu.Boot(self.kernel.vmlinuz, image, console)
        )
        guest = Guest(self.name, words, console, ports=qemu.PORTS)
        with self._lock:
            if not self._closed:
                self._guests[lane] = guest
                return guest
        guest.stop()
        raise NotStartedError("stopped")

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
