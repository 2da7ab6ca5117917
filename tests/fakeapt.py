"""Fake apt-get, apt-cache and dpkg-deb: programs on PATH that serve an archive of a few kernels.

`python fakeapt.py TOOL ARGUMENT...` is one of them; FAKE_APT names a JSON file that says what there is.
"""

from __future__ import annotations

import io
import json
import lzma
import os
import sys
import zipfile
from pathlib import Path
from typing import Any

BZIMAGE = b"\0" * 510 + b"\x55\xaa" + b"\0\0" + b"HdrS" + b"\0" * 100

MODULES = {
    "veth": b"ELF\0depends=\0",
    "bridge": b"ELF\0depends=stp,llc\0",
    "stp": b"ELF\0depends=llc\0",
    "llc": b"ELF\0depends=\0license=GPL\0",
    "sound": b"ELF\0depends=\0",
}


def package(kind: str, release: str, version: str, size: int = 2_000_000) -> str:
    """Return the stanza of a package."""
    return (
        f"Package: linux-{kind}-{release}-cloud-amd64\nSource: linux\nVersion: {version}\n"
        f"Architecture: amd64\nSize: {size}\nSHA256: {'ab' * 32}\nDescription: a kernel\n"
    )


OLD = package("image", "5.10.0-46", "5.10.262-1") + "\n" + package("image", "5.10.0-45", "5.10.261-1")
NEW = (
    package("binary", "7.2.13+deb14", "7.2.13-1") + "\n" + package("modules", "7.2.13+deb14", "7.2.13-1")
)
BARE = package("binary", "7.1.13+deb13", "7.1.13-1~bpo13+1")
NOT_MEANT = (
    package("image", "6.1.0-1", "6.1.1-1", size=2000)
    + "\n"
    + package("headers", "6.1.0-1", "6.1.1-1")
    + "\nPackage: vim\nVersion: 9\nSize: 3000000\n"
)
ARCHIVE = f"{OLD}\n{NEW}\n{BARE}\n{NOT_MEANT}"


def install(place: Path, **facts: Any) -> dict[str, str]:
    """Write the programs, and return the environment in which they are found.

    `facts`: `archive` (its text), `targets` (of apt's indextargets), `gone` (packages that cannot be
    downloaded), `empty` (packages without a kernel in them), `update` (what `apt-get update` complains
    of), `full` (no room for what is downloaded), `unreachable` (no mirror answers).
    """
    programs = place / "bin"
    programs.mkdir()
    for tool in ("apt-get", "apt-cache", "dpkg-deb"):
        program = programs / tool
        program.write_text(
            f"#!{sys.executable} -sS\nimport sys\nsys.path.insert(0, {str(Path(__file__).parent)!r})\n"
            f"import fakeapt\nfakeapt.main({tool!r}, sys.argv[1:])\n"
        )
        program.chmod(0o755)
    told = {
        "archive": ARCHIVE,
        "targets": "Debian\tDebian-Security\tmirror://security/\nDebian\tDebian\tmirror://main/\n",
        "gone": [],
        "empty": [],
        "update": "",
        "full": False,
        "unreachable": False,
        **facts,
    }
    (place / "archive.json").write_text(json.dumps(told))
    return {"PATH": f"{programs}:/usr/bin:/bin", "FAKE_APT": str(place / "archive.json")}


def change(**facts: Any) -> None:
    """Change what there is, for the programs that are installed."""
    file = Path(os.environ["FAKE_APT"])
    file.write_text(json.dumps({**json.loads(file.read_text()), **facts}))


def main(tool: str, arguments: list[str]) -> None:
    """Be one of the programs."""
    facts = json.loads(Path(os.environ["FAKE_APT"]).read_text())
    if tool == "dpkg-deb":
        unpack(*arguments[1:])
    elif tool == "apt-cache":
        print(facts["archive"])
    elif "indextargets" in arguments:
        print(facts["targets"], end="")
    elif "update" in arguments:
        sys.exit(f"E: {facts['update']}" if facts["update"] else 0)
    else:
        download(facts, arguments[arguments.index("download") + 1 :])


def download(facts: dict[str, Any], wanted: list[str]) -> None:
    """Write packages into the directory we are in."""
    for one in wanted:
        name, _, version = one.partition("=")
        if any(gone in one for gone in facts["gone"]):
            sys.exit(f"E: Failed to fetch {name} 404  Not Found")
        if facts["unreachable"]:
            sys.exit("E: Failed to fetch x  Temporary failure resolving 'mirror'")
        if facts["full"]:
            sys.exit("E: Write error - write (28: No space left on device)")
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as archive:
            release = name.split("-", 2)[2]
            if any(empty in one for empty in facts["empty"]):
                archive.writestr("usr/share/doc/nothing", "")
            elif "-modules-" not in name:
                place = "boot/vmlinuz-X" if "-image-" in name else f"usr/lib/modules/{release}/vmlinuz"
                archive.writestr(place, BZIMAGE + version.encode())
            if "-binary-" not in name:
                for module, image in MODULES.items():
                    path = f"usr/lib/modules/{release}/kernel/net/{module}.ko.xz"
                    archive.writestr(path, lzma.compress(image))
        Path(f"{name}.deb").write_bytes(out.getvalue())


def unpack(package_: str, tree: str) -> None:
    """Unpack a package."""
    with zipfile.ZipFile(package_) as archive:
        archive.extractall(tree)
