"""A platform's fingerprint, decided from the values that each system gives."""

from __future__ import annotations

import os
import sys

import platforms
import pytest

GVISOR = "#1 SMP Sun Jan 10 15:06:54 PST 2016"


@pytest.mark.parametrize(
    ("platform", "expected"),
    [
        ("linux", "linux"),
        ("android", "linux"),
        ("darwin", "macos"),
        ("ios", "ios"),
        ("win32", "windows"),
        ("cygwin", "cygwin"),
        ("freebsd14", "freebsd"),
        ("openbsd7", "openbsd"),
        ("netbsd10", "netbsd"),
        ("dragonfly6", "dragonfly"),
        ("sunos5", "solaris"),
        ("gnu0", "hurd"),
        ("aix", "aix"),
        ("haiku1", "haiku"),
    ],
)
def test_system(platform: str, expected: str) -> None:
    """Each `sys.platform` has one name, without a version."""
    assert platforms.system(platform) == expected


@pytest.mark.parametrize(
    ("machine", "bits", "expected"),
    [
        ("x86_64", 64, "x86_64"),
        ("AMD64", 64, "x86_64"),
        ("amd64", 64, "x86_64"),
        ("aarch64", 64, "arm64"),
        ("arm64", 64, "arm64"),
        ("ARM64", 64, "arm64"),
        ("i686", 32, "x86"),
        ("i86pc", 64, "x86_64"),
        ("i86pc", 32, "x86"),
        ("sun4v", 64, "sparc64"),
        ("riscv64", 64, "riscv64"),
        ("s390x", 64, "s390x"),
        ("", 64, "unknown"),
    ],
)
def test_architecture(machine: str, bits: int, expected: str) -> None:
    """Each architecture has one name on every system."""
    assert platforms.architecture(machine, bits) == expected


@pytest.mark.parametrize(
    ("build", "expected"),
    [
        ("#1 SMP PREEMPT_DYNAMIC Debian 6.1.90-1 (2024-05-03)", None),
        ("#1 SMP PREEMPT_DYNAMIC @0", None),
        ("#52~22.04.1-Ubuntu SMP Mon Apr 8", None),
        ("GENERIC.MP#1", None),
        (
            "Darwin Kernel Version 24.5.0: Apr 22 2025; root:xnu-11417.121.6~2/RELEASE_ARM64_T8103",
            None,
        ),
        ("FreeBSD 14.1-RELEASE releng/14.1-n267679-10e31f0946d8 GENERIC", None),
        (
            "FreeBSD 11.4-RELEASE #0 r362094: 2020     joe@builder.example.org:/usr/obj/GENERIC ",
            "FreeBSD 11.4-RELEASE #0 r362094: 2020",
        ),
        (
            "NetBSD 10.0 (GENERIC) #0: Thu Mar 28 mkrepro@mkrepro.NetBSD.org:/usr/src/sys",
            "NetBSD 10.0 (GENERIC) #0: Thu Mar 28",
        ),
        ("#2 built in /home/joe/linux today", "#2 built in today"),
    ],
)
def test_builders_are_scrubbed(build: str, expected: str | None) -> None:
    """User, host and home directory of whoever built the kernel are cut out, all else is kept."""
    assert platforms.scrub(build) == (build if expected is None else expected)


@pytest.mark.parametrize(
    ("release", "version", "log", "expected"),
    [
        ("4.4.0", GVISOR, "", True),
        ("4.19.0-gvisor", GVISOR, "", True),
        (
            "6.1.0",
            "#1 SMP",
            "[    0.000000] Starting gVisor...\n[    0.4] Digging up root...",
            True,
        ),
        ("4.4.0", "#1 SMP Mon Feb 1 2016", "[    0.000000] Linux version 4.4.0", False),
        ("6.18.44", "#1 SMP PREEMPT_DYNAMIC", "", False),
    ],
)
def test_gvisor(release: str, version: str, log: str, *, expected: bool) -> None:
    """A gVisor kernel is told from Linux by its release, its build date or its kernel log."""
    assert platforms.is_gvisor(release, version, log) is expected
    assert platforms.stack("linux", release, version, log) == ("gvisor" if expected else "linux")


@pytest.mark.parametrize(
    ("name", "release", "expected"),
    [
        ("linux", "4.4.0-19041-Microsoft", "wsl1"),
        ("linux", "5.15.167.4-microsoft-standard-WSL2", "linux"),
        ("linux", "4.19.84-microsoft-standard", "linux"),
        ("macos", "24.5.0", "darwin"),
        ("windows", "10.0.26100", "winsock"),
        ("freebsd", "14.1-RELEASE", "freebsd"),
        ("openbsd", "7.6", "openbsd"),
        ("solaris", "5.11", "solaris"),
    ],
)
def test_stack(name: str, release: str, expected: str) -> None:
    """The stack is that of whoever handles the sockets."""
    assert platforms.stack(name, release, "") == expected


def test_wine_is_not_windows() -> None:
    """Wine has a stack of its own."""
    assert platforms.stack("windows", "10.0.19043", "", wine=True) == "wine"


@pytest.mark.parametrize(
    ("platform", "facts", "present", "expected"),
    [
        (("linux", "gvisor", "4.4.0"), {}, ["/.dockerenv"], "sandbox"),
        (("linux", "linux", "5.15-microsoft-standard-WSL2"), {}, [], "wsl"),
        (("linux", "wsl1", "4.4.0-19041-Microsoft"), {}, [], "wsl"),
        (("linux", "linux", "6.1"), {}, ["/.dockerenv"], "container"),
        (("linux", "linux", "6.1"), {"/proc/1/cgroup": "0::/kubepods/x"}, [], "container"),
        (("linux", "linux", "6.1"), {"/proc/cpuinfo": "model name : User Mode Linux"}, [], "uml"),
        (("linux", "linux", "6.1"), {"/proc/cpuinfo": "flags\t: fpu hypervisor"}, [], "vm"),
        (("linux", "linux", "6.1"), {"/proc/cpuinfo": "flags\t: fpu vme"}, [], "none"),
        (("linux", "linux", "6.1"), {"/proc/cpuinfo": "Features : fp"}, [], "unknown"),
        (("macos", "darwin", "24.5.0"), {"kern.hv_vmm_present": "1\n"}, [], "vm"),
        (("macos", "darwin", "24.5.0"), {"kern.hv_vmm_present": "0\n"}, [], "none"),
        (("freebsd", "freebsd", "14.1"), {"security.jail.jailed": "1\n"}, [], "jail"),
        (("freebsd", "freebsd", "14.1"), {"kern.vm_guest": "kvm\n"}, [], "vm"),
        (("freebsd", "freebsd", "14.1"), {"kern.vm_guest": "none\n"}, [], "none"),
        (("windows", "winsock", "10.0.26100"), {}, [], "unknown"),
    ],
)
def test_virtualisation(
    platform: tuple[str, str, str], facts: dict[str, str], present: list[str], expected: str
) -> None:
    """The innermost layer is named, and silence is unknown, never none."""
    assert platforms.virtualisation(*platform, facts, present) == expected


def test_distribution() -> None:
    """os-release gives name and version, quoted or not; a rolling release has no version."""
    text = '# comment\nPRETTY_NAME="Debian"\nID=debian\nVERSION_ID="12"\n'
    assert platforms.distribution(text) == "debian 12"
    assert platforms.distribution("ID='arch'\n") == "arch"
    assert platforms.distribution("NAME=x") is None
    assert platforms.distribution("") is None


def test_macos_version() -> None:
    """sw_vers gives the product version and the build number."""
    text = "ProductName:\t\tmacOS\nProductVersion:\t\t15.5\nBuildVersion:\t\t24F74\n"
    assert platforms.macos_version(text) == ("15.5", "24F74")
    extra = "ProductVersion: 13.3.1\nProductVersionExtra: (a)\nBuildVersion: 22E772610a\n"
    assert platforms.macos_version(extra) == ("13.3.1", "22E772610a (a)")
    assert platforms.macos_version("") == (None, None)


def test_windows_version() -> None:
    """The revision belongs to the release: it changes with every monthly update."""
    server = platforms.windows_version((10, 0, 26100), 4061, "24H2", 3)
    assert server == ("10.0.26100.4061", "10.0.26100.4061 24H2 server")
    client = platforms.windows_version((10, 0, 19045), None, None, 1)
    assert client == ("10.0.19045", "10.0.19045 client")


@pytest.mark.parametrize(
    ("name", "version", "expected"),
    [
        ("solaris", "11.4.42.111.0", "solaris"),
        ("solaris", "Generic_150400-65", "solaris"),
        ("solaris", "omnios-r151050-2a6d3e0b9e", "illumos"),
        ("solaris", "illumos-4b2d5a1", "illumos"),
        ("linux", "#1 SMP", "linux"),
    ],
)
def test_flavour(name: str, version: str, expected: str) -> None:
    """An illumos kernel is told from Solaris by its kernel's version."""
    assert platforms.flavour(name, version) == expected


def test_runner() -> None:
    """The image of a hosted runner is taken from the environment, and nothing odd in it."""
    image = {"ImageOS": "ubuntu24", "ImageVersion": "20250105.1.0"}
    assert platforms.runner(image) == "ubuntu24/20250105.1.0"
    assert platforms.runner({"ImageOS": "win25"}) == "win25"
    assert platforms.runner({"ImageOS": "a b\n/home/joe"}) is None
    assert platforms.runner({}) is None


@pytest.mark.parametrize(
    ("euid", "uid_map", "expected"),
    [
        (0, "", True),
        (0, "         0          0 4294967295\n", True),
        (0, "         0       1000          1\n", False),
        (1000, "         0          0 4294967295\n", False),
    ],
)
def test_privileged(euid: int, uid_map: str, *, expected: bool) -> None:
    """Root of a user namespace is not the superuser."""
    assert platforms.privileged(euid, uid_map) is expected


@pytest.mark.parametrize(
    ("name", "stack", "release", "arch", "expected"),
    [
        ("linux", "linux", "6.18.44", "x86_64", "linux-6.18.44-x86_64"),
        ("linux", "gvisor", "4.4.0", "x86_64", "gvisor-4.4.0-x86_64"),
        ("macos", "darwin", "15.5", "arm64", "macos-15.5-arm64"),
        ("windows", "winsock", "10.0.26100.4061", "x86_64", "windows-10.0.26100.4061-x86_64"),
        ("windows", "wine", "10.0.19043", "x86_64", "wine-10.0.19043-x86_64"),
        ("freebsd", "freebsd", "14.1-RELEASE-p3", "arm64", "freebsd-14.1-RELEASE-p3-arm64"),
        ("netbsd", "netbsd", "10.0", "x86_64", "netbsd-10.0-x86_64"),
        ("openbsd", "openbsd", "7.6", "x86_64", "openbsd-7.6-x86_64"),
        ("illumos", "illumos", "5.11", "x86_64", "illumos-5.11-x86_64"),
        ("linux", "linux", "6.1 a/b:c*~", "x86", "linux-6.1-a-b-c-x86"),
    ],
)
def test_slug(name: str, stack: str, release: str, arch: str, expected: str) -> None:
    """A slug is a file name on every system and says whose behaviour it is."""
    platform = {"os": name, "stack": stack, "release": release, "arch": arch}
    assert platforms.slug(platform) == expected


def test_fingerprint_of_this_system(monkeypatch: pytest.MonkeyPatch) -> None:
    """The real values give all keys, each a string, and neither host nor user name."""
    monkeypatch.setenv("ImageOS", "ubuntu24")
    monkeypatch.setenv("ImageVersion", "1.2")
    found = platforms.fingerprint()
    always = ["os", "release", "build", "stack", "arch", "python", "implementation"]
    always += ["virtualisation", "privileges"]
    assert set(always) <= set(found) <= {*always, "distribution", "runner"}
    assert all(isinstance(value, str) for value in found.values())
    assert found["runner"] == "ubuntu24/1.2"
    assert found["python"] == sys.version.split()[0]
    assert platforms.slug(found)
    if hasattr(os, "uname"):
        node = os.uname().nodename
        # A host may be named by a word that is ours as well, such as "vm" or "linux".
        free = [value for key, value in found.items() if key not in ("virtualisation", "os", "stack")]
        assert node not in " ".join(free).split()


def test_missing_files_and_commands() -> None:
    """What cannot be read or run is an empty text."""
    assert platforms.file_text("/nonexistent/file") == ""
    assert platforms.command_output("/nonexistent/command") == ""
