"""Kernels that can be booted: those in the cache, and one whose file is named."""

from __future__ import annotations

import errno
import gzip
import hashlib
import json
import lzma
import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from sockmatrix.targets.conversation import NotStartedError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

WANTED = ("virtio_pci", "virtio_console", "veth", "dummy", "bridge")
"""Modules that a guest loads where there are any: its port, and what the links of a lab are made of."""

NEWEST = "newest"
"""Stands for the newest version that there is."""

LABEL = "kernel.json"
"""The file in a directory of the cache that says what is in it; written last, so that it is whole."""

_VERSION = re.compile(r"\d+\.\d+[\w.+~-]*")
_NUMBERS = re.compile(r"\d+")
_MODULE = re.compile(r"(.+)\.ko(\.xz|\.gz|\.zst)?")
_DEPENDS = re.compile(rb"\0depends=([^\0]*)\0")
_BUILT = re.compile(rb"\0?(\d+\.\d+[\w.+~-]*) \([^\0]{1,200}\) #\d")


@dataclass(frozen=True, slots=True)
class Kernel:
    """A kernel: its version in words, its file, the directory of its modules, and where it is from."""

    version: str
    vmlinuz: Path
    module_directory: Path
    facts: Mapping[str, str]
    files: Mapping[str, str] = field(default_factory=dict)
    """SHA-256 of the files of a cached one, by their names in its directory."""

    def modules(self) -> list[tuple[str, bytes]]:
        """Return the modules that a guest loads, in order. Raises NotStartedError."""
        return load(self.module_directory)

    def damage(self) -> str:
        """Return what of a cached kernel is no longer as it was fetched, empty if all is."""
        for name, expected in self.files.items():
            try:
                found = hashlib.sha256((self.vmlinuz.parent / name).read_bytes()).hexdigest()
            except OSError as error:
                return f"{name}: {error.strerror}"
            if found != expected:
                return f"{name} has another SHA-256 than when it was fetched"
        return ""

    def check(self) -> None:
        """Raise NotStartedError for one that is damaged."""
        damage = self.damage()
        if damage:
            raise NotStartedError(
                f"the kernel {self.version} in {self.vmlinuz.parent} is damaged: {damage};"
                f" `sockmatrix kernels fetch {self.version}` gets it anew"
            )


def load(directory: Path) -> list[tuple[str, bytes]]:
    """Return the modules in a directory that a guest loads, in order. Raises NotStartedError."""
    try:
        return closure(index(directory.rglob("*.ko*")), WANTED)
    except OSError as error:
        raise NotStartedError(f"cannot read {error.filename}: {error.strerror}") from error


def cache_directory() -> Path:
    """Return where fetched kernels are kept: in $XDG_CACHE_HOME, or ~/.cache."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    root = Path(base) if base.startswith("/") else Path.home() / ".cache"
    return root / "sockmatrix" / "kernels"


def cached(directory: Path) -> list[Kernel]:
    """Return the kernels of a cache, the newest first; what is not whole is left out."""
    found = []
    for label in directory.glob(f"*/{LABEL}"):
        try:
            told = json.loads(label.read_bytes())
            facts = {str(key): str(value) for key, value in told["facts"].items()}
            version = str(told["version"])
            files = {str(key): str(value) for key, value in told.get("files", {}).items()}
        except (OSError, ValueError, LookupError, TypeError, AttributeError):
            continue
        if "vmlinuz_sha256" in facts:
            files.setdefault("vmlinuz", facts["vmlinuz_sha256"])
        found.append(Kernel(version, label.parent / "vmlinuz", label.parent / "modules", facts, files))
    return sorted(found, key=lambda kernel: version_key(kernel.version), reverse=True)


def version_key(version: str) -> tuple[int, ...]:
    """Return what versions are ordered by: 7.3~rc7 comes before 7.3, and 6.12.117-1 before 6.12.117-2."""
    upstream, _, revision = version.partition("-")
    text = upstream.replace("~rc", ".-1.")
    numbers = tuple(int(one) for one in re.findall(r"-?\d+", text))
    return (*numbers[:4], *(0,) * (4 - len(numbers)), *map(int, _NUMBERS.findall(revision)[:2]))


def matches(version: str, wanted: str) -> bool:
    """Tell whether a version is what somebody asked for: 6.12 is any 6.12.x, 6.12.90 that one.

    `newest` may be any, for the newest that matches is taken.

    >>> matches("6.12.117-1", "6.12"), matches("6.12.117-1", "6.1")
    (True, False)
    """
    return wanted in (version, NEWEST) or (version.startswith(wanted) and version[len(wanted)] in ".-~+")


def find(wanted: str, directory: Path) -> Kernel:
    """Return the newest cached kernel of that version. Raises NotStartedError."""
    kernels = cached(directory)
    for kernel in kernels:
        if matches(kernel.version, wanted):
            return kernel
    series = dict.fromkeys(".".join(kernel.version.split(".")[:2]) for kernel in kernels)
    have = f", which has some of {', '.join(series)}" if series else ""
    raise NotStartedError(f"there is no kernel {wanted} in {directory}{have}")


def from_file(vmlinuz: Path, modules: Path | None = None) -> Kernel:
    """Return the kernel in a file; its modules are in `modules` beside it. Raises NotStartedError."""
    try:
        data = vmlinuz.read_bytes()
    except OSError as error:
        raise NotStartedError(f"cannot read {vmlinuz}: {error.strerror}") from error
    built = _BUILT.search(data, 0, 1 << 16)
    if data[510:512] != b"\x55\xaa" or data[514:518] != b"HdrS":
        raise NotStartedError(f"{vmlinuz} is no x86 kernel image (vmlinuz, bzImage)")
    version = built[1].decode("ascii", "replace") if built else vmlinuz.name
    facts = {"vmlinuz_sha256": hashlib.sha256(data).hexdigest()}
    return Kernel(version, vmlinuz, modules or vmlinuz.with_name("modules"), facts)


def is_version(text: str) -> bool:
    """Tell a version, or `newest`, from the name of a file."""
    return text == NEWEST or _VERSION.fullmatch(text) is not None


def index(paths: Iterable[Path]) -> dict[str, Path]:
    """Return module files by the module's name, which has underscores."""
    found = {}
    for path in paths:
        name = _MODULE.fullmatch(path.name)
        if name is not None:
            found[name[1].replace("-", "_")] = path
    return found


def read_module(path: Path) -> bytes:
    """Return the image of a module, decompressed. Raises OSError."""
    data = path.read_bytes()
    try:
        if path.suffix == ".xz":
            return lzma.decompress(data)
        if path.suffix == ".zst":
            return _zstd(data)
        return gzip.decompress(data) if path.suffix == ".gz" else data
    except (lzma.LZMAError, EOFError, ValueError) as error:
        raise OSError(errno.EINVAL, str(error), str(path)) from error


def _zstd(data: bytes) -> bytes:
    """Return what zstd has compressed. Raises ValueError."""
    try:
        from compression import zstd  # type: ignore[import-not-found,unused-ignore]
    except ImportError:
        raise ValueError(
            "it is compressed with zstd, which Python reads since 3.14; `zstd -d --rm *.zst` unpacks it"
        ) from None
    try:
        plain: bytes = zstd.decompress(data)
    except zstd.ZstdError as error:
        raise ValueError(str(error)) from error
    return plain


def depends(image: bytes) -> list[str]:
    """Return the names of the modules that one needs, as modinfo(8) tells."""
    found = _DEPENDS.search(image)
    return found[1].decode("ascii", "replace").replace("-", "_").split(",") if found and found[1] else []


def closure(modules: Mapping[str, Path], wanted: Iterable[str]) -> list[tuple[str, bytes]]:
    """Return the wanted ones that there are, and what they need, each after what it needs.

    Raises OSError.
    """
    images: dict[str, bytes] = {}

    def add(name: str, above: tuple[str, ...]) -> None:
        if name in images or name in above or name not in modules:
            return
        image = read_module(modules[name])
        for needed in depends(image):
            add(needed, (*above, name))
        images[name] = image

    for name in wanted:
        add(name, ())
    return list(images.items())
