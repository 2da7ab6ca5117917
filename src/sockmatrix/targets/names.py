"""What a user writes for a target, and the target it means."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, final

from sockmatrix.targets import kernels
from sockmatrix.targets.conversation import NotStartedError
from sockmatrix.targets.local import LocalTarget

if TYPE_CHECKING:
    from collections.abc import Callable

    from sockmatrix.targets.conversation import Target

FORMS = {
    "local": "this machine, with this Python",
    "python=PATH-OR-NAME": "this machine, with another Python",
    "kernel=VERSION": "a Linux kernel in a virtual machine: 6.12, newest; Debian's, fetched if need be",
    "kernel=FILE[//modules=DIR]": "the same with a vmlinuz of your own",
    "uml[=LINUX.UML]": "user-mode Linux",
    "gvisor[=RUNSC]": "gVisor's network stack, by runsc",
    "wine=PYTHON.EXE": "a Windows Python in Wine: whether the probe runs, not what Windows does",
    "ssh=USER@HOST[//python=PATH]": "another machine; nothing is installed there",
}
"""How targets are written, and what each is."""


class TargetNameError(ValueError):
    """No target is written so; the message says how one is."""


@final
@dataclass(frozen=True, slots=True)
class Named:
    """A target as it was written. `make` gets how many machines of its own it may run side by side.

    `make` raises NotStartedError. `elsewhere`: whether others do the work.
    """

    text: str
    make: Callable[[int], Target]
    elsewhere: bool = False


def parse(text: str) -> Named:
    """Return what `text` means. Raises TargetNameError."""
    kind, equals, rest = text.partition("=")
    if kind == "local" and not equals:
        return Named(text, lambda _: LocalTarget())
    if kind == "gvisor" and (rest or not equals):
        return Named(text, lambda _: _gvisor(rest))
    if kind == "wine" and (rest or not equals):
        return Named(text, lambda _: _wine(rest))
    if kind == "uml" and (rest or not equals):
        return Named(text, lambda machines: _uml(rest, machines))
    if rest and kind == "python":
        return Named(text, lambda _: LocalTarget(rest))
    if rest and kind == "kernel":
        return Named(text, lambda machines: _kernel(rest, machines))
    if rest and kind == "ssh":
        return Named(text, lambda _: _remote(text), elsewhere=True)
    raise TargetNameError(f"{text!r} is no target; targets are {', '.join(FORMS)}")


def _kernel(text: str, machines: int) -> Target:
    from sockmatrix.targets import fetching
    from sockmatrix.targets.kernel import KernelTarget

    file, _, modules = text.partition("//modules=")
    if kernels.is_version(file):
        if modules:
            raise NotStartedError("a fetched kernel has its modules; //modules= goes with a file")
        kernel = fetching.kernel(file, kernels.cache_directory())
    elif not Path(file).exists():
        raise NotStartedError(f"{file} is neither a version, such as 6.12, nor a file that there is")
    else:
        kernel = kernels.from_file(Path(file), Path(modules) if modules else None)
    return KernelTarget(kernel, machines)


def _uml(text: str, machines: int) -> Target:
    from sockmatrix.targets.uml import UmlTarget

    program, _, modules = text.partition("//modules=")
    return UmlTarget(program or "linux.uml", machines, Path(modules) if modules else None)


def _gvisor(program: str) -> Target:
    from sockmatrix.targets.gvisor import GVisorTarget

    return GVisorTarget(program or "runsc")


def _wine(python: str) -> Target:
    from sockmatrix.targets.wine import WineTarget

    return WineTarget(python)


def _remote(text: str) -> Target:
    from sockmatrix.targets.remote import RemoteTarget

    return RemoteTarget(text)
