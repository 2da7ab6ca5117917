"""Kernels from Debian's packages, by apt with a root of its own; apt checks the signatures.

The system's apt is only asked where its mirrors are. No privileges are needed.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import shutil
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sockmatrix.targets import kernels, tools
from sockmatrix.targets.kernels import Kernel, version_key

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

SUITES = (
    *("bullseye", "bookworm", "bookworm-backports", "trixie", "trixie-backports", "forky", "sid"),
    "experimental",
)
SECURITY_SUITES = ("bullseye-security", "bookworm-security", "trixie-security")
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"

_TOOLS = ("apt-get", "apt-cache", "dpkg-deb")
_PACKAGE = re.compile(r"linux-(image|binary|binary-unsigned|modules)-(\d\S*-cloud-amd64)(-unsigned)?")
_DAY = 86_400  # seconds
_HOPELESS = (
    *("No space left on device", "Temporary failure resolving", "Could not resolve", "Could not connect"),
    *("Cannot initiate the connection", "Connection timed out", "Network is unreachable"),
)
"""What apt says of every package alike; one that is gone (404) is no reason not to try another."""
_REAL = 1_000_000  # bytes: what is smaller only depends on the rest
_FIELD = re.compile(r"^([A-Z][\w-]*): (.*)$", re.MULTILINE)
_NAME = re.compile(r"[\w.+~-]{1,100}", re.ASCII)
_CONFIGURATION = """\
Dir::State::lists "{root}/lists";
Dir::State::status "{root}/status";
Dir::Cache "{root}/cache";
Dir::Etc::sourcelist "{root}/sources.list";
Dir::Etc::sourceparts "/dev/null";
Dir::Etc::preferences "/dev/null";
Dir::Etc::preferencesparts "/dev/null";
APT::Architecture "amd64";
APT::Architectures {{ "amd64"; }};
APT::Sandbox::User "";
Acquire::Languages "none";
Acquire::Retries "3";
Acquire::Check-Valid-Until "false";
Acquire::IndexTargets::deb::DEP-11::DefaultEnabled "false";
Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled "false";
"""
# (Check-Valid-Until: what a suite said when it was last changed still holds for an old kernel.)


class FetchError(Exception):
    """A kernel cannot be had; the message says why, and what would help."""


class HopelessError(FetchError):
    """A kernel cannot be had, nor can another one: the disk is full, or the mirror cannot be reached."""


@dataclass(frozen=True, slots=True)
class Offer:
    """A kernel that is to be had: its version, its release, and the packages it is in, by field."""

    version: str
    release: str
    packages: tuple[Mapping[str, str], ...]

    @property
    def size(self) -> int:
        """Bytes to be downloaded."""
        return sum(int(package["Size"]) for package in self.packages)

    @property
    def minor(self) -> str:
        """The version's first two numbers."""
        return ".".join(str(number) for number in version_key(self.version)[:2])


class Archive:
    """Debian's archive, as a private root of apt sees it; `root` is the directory for it."""

    def __init__(self, root: Path, mirror: str | None = None) -> None:
        """Write apt's configuration. Raises FetchError, OSError."""
        missing = [tool for tool in _TOOLS if shutil.which(tool) is None]
        if missing:
            raise FetchError(
                f"there is no {missing[0]} here: kernels are fetched from Debian's packages;"
                " `--on kernel=PATH/vmlinuz` takes one that you have"
            )
        self._root = root
        for directory in ("lists/partial", "cache/archives/partial"):
            (root / directory).mkdir(parents=True, exist_ok=True)
        (root / "status").touch()
        sources = list(_sources(mirror))
        (root / "sources.list").write_text("".join(f"{line}\n" for line in sources), encoding="utf-8")
        self._configuration = root / "apt.conf"
        self._configuration.write_text(_CONFIGURATION.format(root=root.absolute()), encoding="utf-8")
        self._stamp = root / "updated"
        self._sources = "\n".join(sources)

    @classmethod
    def beside(cls, cache: Path, mirror: str | None = None) -> Archive:
        """Return the one whose root belongs to a cache, which is made. Raises FetchError, OSError."""
        cache.mkdir(parents=True, exist_ok=True)
        own = cache == kernels.cache_directory()
        return cls(cache.parent / "apt" if own else cache / ".apt", mirror)

    def update(self) -> str:
        """Get the lists of packages anew; return what apt complained of, in a line. Raises OSError."""
        self._stamp.unlink(missing_ok=True)
        done = self._run("apt-get", "-qq", "update")
        if done.returncode or done.stderr.strip():
            return _complaint(done)
        self._stamp.write_text(self._sources, encoding="utf-8")
        return ""

    @property
    def stale(self) -> bool:
        """Whether the lists were not got within a day, from where they are to be had now."""
        try:
            fresh = time.time() - self._stamp.stat().st_mtime < _DAY
            return not fresh or self._stamp.read_text(encoding="utf-8") != self._sources
        except OSError:
            return True

    def offers(self) -> list[Offer]:
        """Return the kernels in the lists, the newest first. Raises FetchError."""
        done = self._run("apt-cache", "dumpavail")
        if done.returncode:
            raise FetchError(f"apt-cache: {_complaint(done)}")
        return offers(done.stdout)

    def fetch(self, offer: Offer, cache: Path) -> Kernel:
        """Download a kernel into the cache, whole or not at all. Raises FetchError, OSError."""
        target = cache / offer.version
        if shutil.disk_usage(cache).free < offer.size:
            needed = f"{offer.size / 1_000_000:.0f} MB are needed, and more to unpack them"
            raise HopelessError(f"{offer.version}: there is no room in {cache}: {needed}")
        try:
            self._fetch(offer, cache, target)
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
            raise HopelessError(
                f"{offer.version}: there is no room in {cache}: {error.strerror}"
            ) from error
        return next(one for one in kernels.cached(cache) if one.version == offer.version)

    def fetch_first(self, offers: Iterable[Offer], cache: Path, tell: Callable[[Offer], None]) -> Kernel:
        """Download the first of some kernels that can be had: lists may name packages that are gone.

        `tell` is told of each that is tried. Raises FetchError, OSError.
        """
        problem = FetchError("there is no package of it")
        for offer in offers:
            tell(offer)
            try:
                return self.fetch(offer, cache)
            except HopelessError:
                raise
            except FetchError as error:
                problem = error
        raise problem

    def _fetch(self, offer: Offer, cache: Path, target: Path) -> None:
        with tempfile.TemporaryDirectory(prefix=".new-", dir=cache) as place:
            packages, tree, new = (Path(place) / name for name in ("packages", "tree", "kernel"))
            for directory in (packages, tree, new / "modules"):
                directory.mkdir(parents=True)
            names = [f"{package['Package']}={package['Version']}" for package in offer.packages]
            done = self._run("apt-get", "-qq", "download", *names, cwd=packages)
            if done.returncode:
                raise _failed(offer, done)
            for package in sorted(packages.glob("*.deb")):
                done = _execute(["dpkg-deb", "-x", str(package), str(tree)])
                if done.returncode:
                    raise _failed(offer, done)
                package.unlink()
            _keep(tree, new, offer)
            if target.exists():
                shutil.rmtree(target)
            new.replace(target)

    def _run(
        self, tool: str, *arguments: str, cwd: Path | None = None
    ) -> subprocess.CompletedProcess[str]:
        return _execute([tool, "-c", str(self._configuration.absolute()), *arguments], cwd)


def _execute(command: list[str], cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "LC_ALL": "C.UTF-8"}
    try:
        return tools.run(command, patience=None, environment=environment, directory=cwd)
    except OSError as error:
        raise FetchError(f"cannot start {command[0]}: {error.strerror}") from error


def _complaint(done: subprocess.CompletedProcess[str]) -> str:
    """Return what a tool complained of first, errors before warnings."""
    lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
    errors = [line.removeprefix("E: ") for line in lines if line.startswith("E: ")]
    warnings = [line.removeprefix("W: ") for line in lines]
    return (errors or warnings or [f"exit status {done.returncode}"])[0][:300]


def _failed(offer: Offer, done: subprocess.CompletedProcess[str]) -> FetchError:
    """Return why a tool failed with a package."""
    if "Wrote only" in done.stderr:  # tar's words for a disk that is full
        return HopelessError(f"{offer.version}: there is no room to unpack it: {_complaint(done)}")
    kind = HopelessError if any(sign in done.stderr for sign in _HOPELESS) else FetchError
    return kind(f"{offer.version}: {_complaint(done)}")


def _sources(mirror: str | None) -> Iterator[str]:
    """Yield the lines of a sources.list. Raises FetchError."""
    security = ""
    if mirror is None:
        mirror, security = own_mirrors()
    signed = f"[signed-by={KEYRING}] " if Path(KEYRING).exists() else ""
    for suite in SUITES:
        yield f"deb {signed}{mirror} {suite} main"
    for suite in SECURITY_SUITES if security else ():
        yield f"deb {signed}{security} {suite} main"


def own_mirrors() -> tuple[str, str]:
    """Return where this machine's apt gets Debian from, and its security suites ("" for nowhere).

    Raises FetchError.
    """
    done = _execute(["apt-get", "indextargets", "--format", "$(ORIGIN)\t$(LABEL)\t$(REPO_URI)"])
    main = security = ""
    for line in done.stdout.splitlines():
        origin, label, uri = (*line.split("\t"), "", "")[:3]
        if origin == "Debian" and label == "Debian-Security":
            security = security or uri
        elif origin == "Debian":
            main = main or uri
    if not main:
        raise FetchError(
            "apt here knows no mirror of Debian: run `apt-get update`, or name one with --mirror"
        )
    return main, security


def offers(text: str) -> list[Offer]:
    """Return the kernels that a list of packages (deb822) has, the newest first.

    Up to 6.18 a package has all; after that the modules are in a package of their own, and may be gone.
    """
    images: dict[str, list[tuple[bool, dict[str, str]]]] = {}
    modules: dict[tuple[str, str], dict[str, str]] = {}
    for stanza in text.split("\n\n"):
        if not stanza.startswith("Package: linux-"):
            continue
        fields = dict(_FIELD.findall(stanza))
        found = _PACKAGE.fullmatch(fields["Package"])
        if found is None or not _NAME.fullmatch(fields.get("Version", "")):
            continue
        if not fields.get("Size", "").isdecimal() or int(fields["Size"]) < _REAL:
            continue
        kind, release, suffix = found.groups()
        if kind == "modules":
            modules[release, fields["Version"]] = fields
        else:
            images.setdefault(release, []).append((bool(suffix) or "unsigned" in kind, fields))
    best: dict[str, Offer] = {}
    for release, several in images.items():
        for _, fields in sorted(several, key=lambda one: one[0]):  # signed before unsigned
            version = fields["Version"]
            beside = modules.get((release, version))
            offer = Offer(version, release, (fields, *([beside] if beside else ())))
            if version not in best or len(offer.packages) > len(best[version].packages):
                best[version] = offer
    return sorted(best.values(), key=lambda offer: version_key(offer.version), reverse=True)


def _keep(tree: Path, new: Path, offer: Offer) -> None:
    """Copy what a guest needs out of unpacked packages, and say what it is. Raises FetchError."""
    images = [*tree.glob("boot/vmlinuz-*"), *tree.glob("usr/lib/modules/*/vmlinuz*")]
    if not images:
        raise FetchError(f"{offer.version}: there is no vmlinuz in {offer.packages[0]['Package']}")
    data = images[0].read_bytes()
    (new / "vmlinuz").write_bytes(data)
    index = kernels.index([*tree.glob("lib/modules/**/*.ko*"), *tree.glob("usr/lib/modules/**/*.ko*")])
    files = {"vmlinuz": hashlib.sha256(data).hexdigest()}
    for name, image in kernels.closure(index, kernels.WANTED):
        (new / "modules" / f"{name}.ko").write_bytes(image)
        files[f"modules/{name}.ko"] = hashlib.sha256(image).hexdigest()
    facts = {
        "packages": ", ".join(
            f"{package['Package']} {package['Version']} sha256:{package.get('SHA256', '')}"
            for package in offer.packages
        ),
        "release": offer.release,
        "vmlinuz_sha256": files["vmlinuz"],
    }
    label = {"version": offer.version, "facts": facts, "files": files}
    (new / kernels.LABEL).write_text(json.dumps(label, indent=1) + "\n", encoding="utf-8")


def minors(known: Sequence[Offer]) -> list[str]:
    """Return the minor versions that there are, the oldest first."""
    return list(dict.fromkeys(offer.minor for offer in known))[::-1]


def choose(known: Sequence[Offer], version: str) -> list[Offer]:
    """Return the kernels that are the version asked for, the newest first. Raises FetchError."""
    fitting = [offer for offer in known if kernels.matches(offer.version, version)]
    if not fitting:
        have = ", ".join(minors(known)[::-1]) or "none at all"
        raise FetchError(f"there is no kernel {version} in Debian's lists; they have {have}")
    return fitting
