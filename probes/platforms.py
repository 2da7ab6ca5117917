"""What is measured: operating system, release, kernel build, network stack, architecture, Python.

Every decision is a function over plain values, so that it can be tested with the values of any
system on any system; `fingerprint` at the bottom feeds them the real ones. No host or user name is
ever taken: `uname -n` is not read, and a builder (`user@host:/path`) is cut out of a kernel's build
string.
"""

from __future__ import annotations

import os
import re
import struct
import sys
from typing import Any, Collection, Dict, List, Mapping, Optional, Tuple

_SYSTEMS = (
    ("linux", "linux"),
    ("android", "linux"),
    ("darwin", "macos"),
    ("ios", "ios"),
    ("win", "windows"),
    ("sunos", "solaris"),
    ("gnu", "hurd"),
)
# The stack a system has of its own; any other is an emulation and takes the system's place.
_STACKS = {"macos": "darwin", "ios": "darwin", "windows": "winsock"}
_ARCHITECTURES = {
    "amd64": "x86_64",
    "x64": "x86_64",
    "aarch64": "arm64",
    "arm64e": "arm64",
    "evbarm64": "arm64",
    "x86": "x86",
    "i386": "x86",
    "i486": "x86",
    "i586": "x86",
    "i686": "x86",
    "armv6l": "arm",
    "armv7l": "arm",
    "armv8l": "arm",
    "powerpc64": "ppc64",
    "powerpc64le": "ppc64le",
    "sun4u": "sparc64",
    "sun4v": "sparc64",
}
_SYSCTL = {"macos": "/usr/sbin/sysctl"}
_WINDOWS_KEY = r"SOFTWARE\Microsoft\Windows NT\CurrentVersion"
# google/gvisor: first line of the kernel log (pkg/sentry/kernel/syslog.go), and the `uname -v` of
# all its releases (pkg/sentry/syscalls/linux/linux64.go)
_GVISOR_BOOT = "Starting gVisor"
_GVISOR_BUILD = "#1 SMP Sun Jan 10 15:06:54 PST 2016"
_BUILDER = re.compile(r"\S+@\S+|\S*/(?:home|Users)/\S*")
_PLAIN = re.compile(r"[\w.+-]{1,64}")


def system(platform: str) -> str:
    """Return the operating system that `sys.platform` means: linux, macos, windows, freebsd, ...

    illumos and Solaris are both `sunos5` and both "solaris" here; only their kernels tell them
    apart.
    """
    for prefix, name in _SYSTEMS:
        if platform.startswith(prefix):
            return name
    return platform.rstrip("0123456789.") or "unknown"


def architecture(machine: str, bits: int = 64) -> str:
    """Return the architecture under one name on every system: x86_64, arm64, riscv64, s390x, ...

    `bits` is the width of a pointer; Solaris says `i86pc` for both widths.
    """
    machine = machine.lower()
    if machine == "i86pc":
        return "x86_64" if bits == 64 else "x86"
    return _ARCHITECTURES.get(machine, machine) or "unknown"


def scrub(build: str) -> str:
    """Return a kernel's build string on one line, without builder, host or home directory.

    The BSDs put `user@host:/path` of whoever built the kernel into `uname -v`.
    """
    return " ".join(_BUILDER.sub("", build).split())


def is_gvisor(release: str, version: str, kernel_log: str = "") -> bool:
    """Tell gVisor's network stack from a Linux kernel's.

    It reports itself as Linux 4.4.0, built in 2016 (newer ones as 4.19.0-gvisor); its kernel log
    tells.
    """
    return (
        "gvisor" in release.lower()
        or _GVISOR_BOOT in kernel_log
        or (release == "4.4.0" and version.strip() == _GVISOR_BUILD)
    )


def is_wsl(release: str) -> bool:
    """Tell the Windows Subsystem for Linux, either version, by its kernel's release."""
    return "microsoft" in release.lower()


def stack(name: str, release: str, version: str, kernel_log: str = "", *, wine: bool = False) -> str:
    """Return the network stack that is seen: linux, gvisor, wsl1, darwin, winsock, wine, ...

    `name` is the operating system as `system` gives it. WSL 1 passes sockets on to Windows; WSL 2
    is a Linux kernel.
    """
    if name == "linux":
        if is_gvisor(release, version, kernel_log):
            return "gvisor"
        if is_wsl(release) and "WSL2" not in release and release.startswith("4.4.0-"):
            return "wsl1"
    if name == "windows" and wine:
        return "wine"
    return _STACKS.get(name, name)


def virtualisation(
    name: str,
    stack_name: str,
    release: str,
    facts: Mapping[str, str],
    present: Collection[str] = (),
) -> str:
    """Return what stands between the system and the hardware, as far as files tell.

    One of sandbox, wsl, uml, container, jail, vm, none, unknown; the innermost where there are
    several. `facts` maps a file or sysctl name to its text, `present` holds the marker files that
    exist.
    """
    if stack_name == "gvisor":
        return "sandbox"
    if name == "linux":
        if is_wsl(release):
            return "wsl"
        processors = facts.get("/proc/cpuinfo", "")
        if "User Mode Linux" in processors:
            return "uml"
        groups = facts.get("/proc/1/cgroup", "")
        if present or re.search(r"docker|kubepods|containerd|libpod|/lxc", groups):
            return "container"
        flags = re.search(r"^flags\s*:(.*)$", processors, re.MULTILINE)
        if flags is not None:
            return "vm" if "hypervisor" in flags.group(1).split() else "none"
    if facts.get("security.jail.jailed", "").strip() == "1":
        return "jail"
    guest = facts.get("kern.vm_guest", facts.get("kern.hv_vmm_present", "")).strip()
    if not guest:
        return "unknown"
    return "none" if guest in {"none", "0"} else "vm"


def distribution(text: str) -> Optional[str]:
    """Return "debian 12" from the text of an os-release(5) file, None if it says nothing."""
    values = {}
    for line in text.splitlines():
        key, equals, value = line.strip().partition("=")
        if equals and not key.startswith("#"):
            values[key] = value.strip("\"'")
    return " ".join(filter(None, (values.get("ID"), values.get("VERSION_ID")))) or None


def macos_version(text: str) -> Tuple[Optional[str], Optional[str]]:
    """Return (product version, build number) from the output of sw_vers(1)."""
    values = dict(re.findall(r"^(\w+):\s*(\S.*?)\s*$", text, re.MULTILINE))
    extra = values.get("ProductVersionExtra")  # a Rapid Security Response, such as (a)
    number = values.get("BuildVersion")
    return values.get("ProductVersion"), f"{number} {extra}" if number and extra else number


def windows_version(
    version: Tuple[int, ...], revision: Optional[int], display: Optional[str], product_type: int
) -> Tuple[str, str]:
    """Return (release, build): "10.0.26100.4061" and "10.0.26100.4061 24H2 server".

    `revision` (UBR) and `display` come from the registry, `product_type` from OSVERSIONINFOEX
    (1 is a workstation, 2 and 3 are servers).
    """
    release = ".".join(str(part) for part in version[:3])
    if revision is not None:
        release += f".{revision}"
    kind = "client" if product_type == 1 else "server"
    return release, " ".join(filter(None, (release, display, kind)))


def flavour(name: str, version: str) -> str:
    """Return "illumos" for the illumos kernels, whose `sys.platform` is that of Solaris.

    Solaris 11.4 has `uname -v` 11.4.x; illumos distributions have names of their own there.
    """
    if name == "solaris" and not re.match(r"1[01]\.|Generic", version):
        return "illumos"
    return name


def runner(environment: Mapping[str, str]) -> Optional[str]:
    """Return "ubuntu24/20250105.1.0", the image of a GitHub-hosted runner, None elsewhere."""
    parts = [environment.get(name, "") for name in ("ImageOS", "ImageVersion")]
    return "/".join(part for part in parts if _PLAIN.fullmatch(part)) or None


def privileged(euid: int, uid_map: str = "") -> bool:
    """Return whether a process is the superuser, and not merely root of a user namespace.

    `uid_map` is the text of /proc/self/uid_map (user_namespaces(7)), "" where there is none.
    """
    if euid != 0:
        return False
    first = uid_map.split()
    return not first or first[:2] == ["0", "0"]


def slug(platform: Mapping[str, Any]) -> str:
    """Return a file name for a fingerprint: "linux-6.18.44-x86_64", "gvisor-4.4.0-x86_64"."""
    name, own = str(platform["os"]), str(platform["stack"])
    if own != _STACKS.get(name, name):
        name = own
    text = "-".join((name, str(platform["release"]), str(platform["arch"])))
    return re.sub(r"[^\w.+]+", "-", text, flags=re.ASCII).strip("-.")


def fingerprint() -> Dict[str, Any]:
    """Return the platform this process runs on, for the header of a run. Never raises OSError.

    Keys: os, release, build, stack, arch, python, implementation, virtualisation, privileges, and,
    where known, distribution and runner.
    """
    name = system(sys.platform)
    wine = False
    if sys.platform == "win32":
        release, build, machine, wine = _windows()
        version = build
    else:
        uname = os.uname()
        release, version, machine = uname.release, uname.version, uname.machine
        build = scrub(version)
    log = _kernel_log() if name == "linux" else ""
    own = stack(name, release, version, log, wine=wine)
    kernel = release
    if name in {"macos", "ios"}:
        product, number = macos_version(command_output("/usr/bin/sw_vers"))
        release = product or release
        build = " ".join(filter(None, (number, build)))
    found: Dict[str, Any] = {
        "os": flavour(name, version),
        "release": release,
        "build": build,
        "stack": flavour(own, version),
        "arch": architecture(machine, struct.calcsize("P") * 8),
        "python": sys.version.split()[0],
        "implementation": sys.implementation.name,
        "virtualisation": virtualisation(name, own, kernel, _facts(name), _markers()),
        "privileges": "root" if _is_root() else "user",
        "distribution": distribution(file_text("/etc/os-release")) if name != "windows" else None,
        "runner": runner(os.environ),
    }
    return {key: value for key, value in found.items() if value is not None}


def sysctl(*names: str) -> str:
    """Return what the sysctl command prints for `names`, "" where it cannot."""
    return command_output(_SYSCTL.get(system(sys.platform), "/sbin/sysctl"), *names)


def _facts(name: str) -> Dict[str, str]:
    if name == "linux":
        return {path: file_text(path) for path in ("/proc/cpuinfo", "/proc/1/cgroup")}
    wanted: List[str] = []
    if name == "macos":
        wanted = ["kern.hv_vmm_present"]
    if name == "freebsd":
        wanted = ["security.jail.jailed", "kern.vm_guest"]
    return {key: sysctl("-n", key) for key in wanted}


def _markers() -> List[str]:
    return [
        path
        for path in ("/.dockerenv", "/run/.containerenv", "/run/systemd/container")
        if os.path.exists(path)
    ]


def file_text(path: str) -> str:
    """Return the first megabyte of a file, "" where it cannot be read."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read(1 << 20)
    except OSError:
        return ""


def command_output(*command: str) -> str:
    """Return the standard output of `command`, "" where it cannot be run."""
    import subprocess

    try:
        done = subprocess.run(command, capture_output=True, timeout=10, check=False)
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.decode("utf-8", "replace")


def _kernel_log() -> str:
    """Return the beginning of the kernel log (klogctl(3)), "" where it may not be read."""
    try:
        import ctypes

        klogctl = ctypes.CDLL(None).klogctl
        buffer = ctypes.create_string_buffer(1 << 16)
        length = klogctl(3, buffer, len(buffer))  # SYSLOG_ACTION_READ_ALL
    except (ImportError, OSError, AttributeError):
        return ""
    return buffer.raw[: max(length, 0)].decode("utf-8", "replace")


def _is_root() -> bool:
    if sys.platform != "win32":
        return privileged(os.geteuid(), file_text("/proc/self/uid_map"))
    try:
        import ctypes

        return bool(ctypes.windll.shell32.IsUserAnAdmin())
    except (ImportError, OSError, AttributeError):
        return False


def _windows() -> Tuple[str, str, str, bool]:
    """Return (release, build, machine, whether this is Wine)."""
    if sys.platform != "win32":
        raise NotImplementedError
    import winreg

    asked = sys.getwindowsversion()
    values: Dict[str, Any] = {}
    for name in ("UBR", "DisplayVersion"):
        try:
            with winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, _WINDOWS_KEY) as key:
                values[name] = winreg.QueryValueEx(key, name)[0]
        except OSError:
            continue
    release, build = windows_version(
        asked.platform_version, values.get("UBR"), values.get("DisplayVersion"), asked.product_type
    )
    machine = os.environ.get("PROCESSOR_ARCHITEW6432", os.environ.get("PROCESSOR_ARCHITECTURE", ""))
    try:
        import ctypes

        wine = hasattr(ctypes.WinDLL("ntdll"), "wine_get_version")
    except (ImportError, OSError):
        wine = False
    return release, build, machine, wine
