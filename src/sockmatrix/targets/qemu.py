"""The command line of QEMU, and whether KVM truly works."""

from __future__ import annotations

import contextlib
import functools
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from sockmatrix.targets.conversation import NotStartedError
from sockmatrix.targets.kernels import cache_directory

if TYPE_CHECKING:
    from collections.abc import Sequence

PROGRAM = "qemu-system-x86_64"
HOW_TO_GET = "apt-get install --no-install-recommends qemu-system-x86, or your system's package of QEMU"

MEMORY = 2048
"""Megabytes of a guest; QEMU takes what is used. The kernel's hash tables grow with it, and with those
the batches that the probe may measure at once."""

_CANARY_PATIENCE = 10.0  # seconds; a kernel without a root file system gives up within one or two
_CANARY_SAYS = b"panic - not syncing"
_APPEND = (
    "console=ttyS0 quiet loglevel=4 panic=-1 net.ifnames=0 rdinit=/init"
    # What defends a machine and costs time, most of all an emulated one's: nobody attacks this one.
    # With the same addresses in all processes, what was translated for one serves all.
    " norandmaps nokaslr mitigations=off audit=0 apparmor=0 security=none init_on_alloc=0"
    " hardened_usercopy=off randomize_kstack_offset=off nowatchdog tsc=reliable no_timer_check"
)
_PROCESSORS = {
    "kvm": "host",
    # Others lack RDRAND, which Python waits for. What is left out costs more than it gives.
    "tcg": "max,-smap,-smep,-la57,-pku,-umip,-avx,-avx2,-erms",
}


def find() -> str:
    """Return the path of QEMU. Raises NotStartedError."""
    found = shutil.which(PROGRAM)
    if found is None:
        raise NotStartedError(f"there is no {PROGRAM} here: {HOW_TO_GET}")
    return found


class Boot(NamedTuple):
    """Files of a guest: its kernel, its first file system, and where its kernel's messages go."""

    kernel: Path
    image: Path
    console: Path


PORTS = 2
"""Ports of a guest: virtio, and serial for a kernel that lacks it, which is slow but sure."""


def command(
    qemu: str,
    accelerator: str,
    boot: Boot,
    descriptors: Sequence[int],
) -> list[str]:
    """Return the command line of a guest that talks over one of PORTS `descriptors`."""
    virtio, serial = descriptors
    return [
        *_machine(qemu, accelerator, MEMORY),
        *("-kernel", str(boot.kernel), "-initrd", str(boot.image), "-append", _APPEND),
        *("-serial", f"file:{boot.console}"),
        *("-chardev", f"socket,id=slow,fd={serial}", "-serial", "chardev:slow"),
        *("-chardev", f"socket,id=port,fd={virtio}"),
        *("-device", "virtio-serial-pci", "-device", "virtserialport,chardev=port,nr=1"),
    ]


def _machine(qemu: str, accelerator: str, memory: int) -> list[str]:
    processor = _PROCESSORS[accelerator]
    return [
        *(qemu, "-accel", accelerator, "-cpu", processor, "-M", "pc", "-m", str(memory), "-smp", "1"),
        *("-nodefaults", "-no-user-config", "-display", "none", "-no-reboot"),
    ]


@functools.cache
def accelerator(qemu: str, kernel: Path) -> str:
    """Return "kvm" where this kernel boots with it, else "tcg".

    That /dev/kvm opens and answers proves nothing: on some nested hosts no stock kernel boots on it. That
    one did not is remembered until the machine is booted anew, for it takes long to find out.
    """
    if not (sys.platform.startswith("linux") and os.access("/dev/kvm", os.R_OK | os.W_OK)):
        return "tcg"
    note, boot = cache_directory().with_name("no-kvm"), _boot()
    if boot and _read(note).strip() == boot:
        return "tcg"
    if _boots(qemu, kernel):
        return "kvm"
    with contextlib.suppress(OSError):  # then it is found out again
        note.parent.mkdir(parents=True, exist_ok=True)
        note.write_bytes(boot)
    return "tcg"


def _boots(qemu: str, kernel: Path) -> bool:
    """Tell whether a kernel comes under KVM as far as it can without a file system."""
    with tempfile.TemporaryDirectory(prefix="sockmatrix-") as place:
        console = Path(place) / "console"
        words = [
            *_machine(qemu, "kvm", 256),
            *("-kernel", str(kernel), "-append", "console=ttyS0 panic=-1"),
            *("-serial", f"file:{console}"),
        ]
        try:
            subprocess.run(
                words,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=_CANARY_PATIENCE,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired):
            return False
        return _CANARY_SAYS in _read(console)


def _boot() -> bytes:
    """Return the name of this boot of the machine (random(4)), empty where it has none."""
    return _read(Path("/proc/sys/kernel/random/boot_id")).strip()


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""
