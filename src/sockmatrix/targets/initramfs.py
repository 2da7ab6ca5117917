"""The first file system of a guest: this Python without what nobody needs there, an agent, a probe."""

from __future__ import annotations

import functools
import io
import platform
import py_compile
import re
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from sockmatrix import content
from sockmatrix.targets.conversation import NotStartedError
from sockmatrix.targets.cpio import Archive

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

HOME = "/python"
PYTHON = f"{HOME}/bin/python3"
AGENT = "/agent.py"

_LEFT_OUT = frozenset(
    (
        *(
            "__pycache__",
            "_pyrepl",
            "compression",
            "curses",
            "dbm",
            "dist-packages",
            "distutils",
            "email",
        ),
        *("ensurepip", "html", "http", "idlelib", "lib-dynload", "lib2to3", "msilib", "multiprocessing"),
        *("pydoc_data", "site-packages", "sqlite3", "test", "tests", "tkinter", "tomllib", "turtledemo"),
        *("unittest", "venv", "wsgiref", "xml", "xmlrpc"),
    )
)
_ENCODINGS = re.compile(r"(__init__|aliases|ascii|latin_1|utf_8|idna|cp437)\.py")
_EXTENSIONS = re.compile(
    r"(_(?!bz2|codecs|curses|crypt|dbm|decimal|elementtree|gdbm|lsprof|lzma|multi|ssl|sqlite|test"
    r"|tkinter|uuid|xx|zoneinfo)\w+|array|binascii|fcntl|grp|math|mmap|resource|select|termios|unicodedata"
    r"|zlib)\."
)
_INIT = f"#!{PYTHON} -sSE\nimport runpy\nrunpy.run_path({AGENT!r}, run_name='__main__')\n"


@functools.lru_cache(maxsize=1)
def base() -> bytes:
    """Return the archive that all guests share. Raises NotStartedError."""
    own = (sys.platform, platform.machine(), sys.implementation.name)
    if own != ("linux", "x86_64", "cpython"):
        raise NotStartedError(
            f"a guest gets this Python, which has to be CPython for Linux on x86_64, not {' '.join(own)}"
        )
    out = io.BytesIO()
    archive = Archive(out)
    binary = Path(sys._base_executable).resolve()  # type: ignore[attr-defined]  # not a venv's
    objects = [binary]
    archive.add(PYTHON, binary.read_bytes(), executable=True)
    library = Path(sysconfig.get_path("stdlib"))
    home = f"{HOME}/lib/{library.name}"
    dynamic = Path(sysconfig.get_config_var("DESTSHARED") or "")
    if not dynamic.is_absolute() or not dynamic.is_dir():  # a Python that was moved
        dynamic = library / "lib-dynload"
    archive.directory(f"{home}/lib-dynload")
    for path in sorted(dynamic.glob("*.so")):
        if _EXTENSIONS.match(path.name):
            objects.append(path)
            archive.add(f"{home}/lib-dynload/{path.name}", path.read_bytes())
    for name, code in _compiled(library):
        archive.add(f"{home}/{name}", code)
    for shared in sorted(_shared_libraries(objects)):
        archive.add(shared, Path(shared).read_bytes(), executable=True)
    for name in ("/proc", "/sys", "/dev", "/tmp", "/modules"):  # noqa: S108 - of the guest
        archive.directory(name)
    archive.add("/etc/passwd", b"root:x:0:0:root:/:/bin/false\n")
    archive.close()
    return out.getvalue()


def _compiled(library: Path) -> Iterator[tuple[str, bytes]]:
    """Yield the modules of the standard library, compiled: a guest under emulation reads them slowly."""
    with tempfile.TemporaryDirectory(prefix="sockmatrix-") as place:
        target = str(Path(place) / "module.pyc")
        for path in sorted(library.rglob("*.py")):
            relative = path.relative_to(library)
            if _LEFT_OUT.intersection(relative.parts):
                continue
            if relative.parts[0] == "encodings" and not _ENCODINGS.fullmatch(path.name):
                continue
            mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
            try:
                py_compile.compile(str(path), target, doraise=True, invalidation_mode=mode)
            except (py_compile.PyCompileError, OSError):
                continue
            yield f"{relative.with_suffix('.pyc').as_posix()}", Path(target).read_bytes()


def _shared_libraries(objects: Sequence[Path]) -> set[str]:
    """Return the libraries that programs need, as the loader finds them here. Raises NotStartedError."""
    try:
        done = subprocess.run(
            ["ldd", *map(str, objects)],  # noqa: S607 - of PATH, where libc put it
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError as error:
        raise NotStartedError(f"cannot start ldd: {error.strerror}") from error
    return set(re.findall(r"(?:=>|^)\s*(/\S+) \(0x", done.stdout, re.MULTILINE))


@functools.lru_cache(maxsize=1)
def programs() -> bytes:
    """Return the archive with the agent and the probe, the latter also compiled."""
    out = io.BytesIO()
    archive = Archive(out)
    archive.add("/init", _INIT.encode(), executable=True)
    archive.add(AGENT, Path(__file__).with_name("agent.py").read_bytes())
    with tempfile.TemporaryDirectory(prefix="sockmatrix-") as place:
        target = Path(place) / "module.pyc"
        for path in sorted(content.probes().glob("*.py")):
            archive.add(f"/probes/{path.name}", path.read_bytes())
            mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
            py_compile.compile(
                str(path), str(target), dfile=path.name, doraise=True, invalidation_mode=mode
            )
            name = f"{path.stem}.{sys.implementation.cache_tag}.pyc"
            archive.add(f"/probes/__pycache__/{name}", target.read_bytes())
    archive.close()
    return out.getvalue()


def modules(images: Sequence[tuple[str, bytes]]) -> bytes:
    """Return the archive of kernel modules, given in the order in which they are loaded."""
    out = io.BytesIO()
    archive = Archive(out)
    for index, (name, image) in enumerate(images):
        archive.add(f"/modules/{index:02}-{name}.ko", image)
    archive.close()
    return out.getvalue()


def image(images: Sequence[tuple[str, bytes]]) -> bytes:
    """Return the whole file system of a guest that loads these kernel modules. Raises NotStartedError."""
    return base() + modules(images) + programs()
