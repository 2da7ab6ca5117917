"""A target of guests: some machines in software, with this Python and probes in them."""

from __future__ import annotations

import shutil
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from sockmatrix.targets import initramfs
from sockmatrix.targets.conversation import Conversation, NotStartedError
from sockmatrix.targets.guest import Guest

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


class GuestTarget:
    """`machines` guests, which are booted when first needed, and anew when one has died.

    A base for those that know how a guest is started. A guest has one processor: two guests on two are
    quicker than one with two. Lanes are dealt to them.
    """

    name = "a guest"
    """What is started, for messages."""

    ports = 1
    """Descriptors that the command of a guest gets."""

    def __init__(self, machines: int) -> None:
        self.machines = machines
        self._guests: dict[int, Guest] = {}
        self._locks: dict[int, threading.Lock] = {}
        self._lock = threading.Lock()
        self._place: Path | None = None
        self._closed = False

    def modules(self) -> list[tuple[str, bytes]]:
        """Return the kernel modules that a guest loads, in order. Raises NotStartedError."""
        raise NotImplementedError

    def command(self, image: Path, console: Path) -> Callable[[Sequence[int]], list[str]]:
        """Return what gives the command of a guest for the descriptors that it may talk over.

        `image` is its first file system, `console` where its kernel's messages go, with what the command
        prints. Raises NotStartedError.
        """
        raise NotImplementedError

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

    def processors(self) -> int | None:
        """Return that they are this machine's, one for each guest."""
        return None

    def _boot(self, number: int) -> Guest:
        image = self._image()
        console = image.with_name(f"console-{number}")
        guest = Guest(self.name, self.command(image, console), console, ports=self.ports)
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
                data = initramfs.image(self.modules())
                place = Path(tempfile.mkdtemp(prefix="sockmatrix-"))
                try:
                    (place / "image").write_bytes(data)
                except OSError as error:
                    shutil.rmtree(place, ignore_errors=True)
                    raise NotStartedError(f"cannot write {place}: {error.strerror}") from error
                self._place = place
            return self._place / "image"

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
