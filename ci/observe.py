"""Measure this machine into a run file; outputs `run` and `measured`.

    python ci/observe.py --output runs/ubuntu-24.04.jsonl.gz [--allow-lan] [sockmatrix run's options]

What behaves otherwise than before is no business of this step: it fails only if nothing was measured. On
Linux, where an ordinary user may have no network namespace, it measures with sudo if that asks nothing.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import common

if TYPE_CHECKING:
    from collections.abc import Callable

RESTRICTIONS = {
    "/proc/sys/kernel/apparmor_restrict_unprivileged_userns": "1",
    "/proc/sys/kernel/unprivileged_userns_clone": "0",
    "/proc/sys/user/max_user_namespaces": "0",
}
"""Settings that keep an ordinary user from network namespaces: Ubuntu 24.04, older Debian, any."""


def main(words: list[str] | None = None) -> int:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--output", type=Path, required=True)
    arguments, options = parser.parse_known_args(words)
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    command = [*common.sockmatrix(), "run", "-o", str(arguments.output), *options]
    user = os.geteuid() if hasattr(os, "geteuid") else None
    if needs_sudo(sys.platform, user, setting) and may_sudo():
        common.note("notice", "User namespaces are restricted here: measured with sudo.")
        command = ["sudo", "-n", *command]
    status = subprocess.run(command, check=False).returncode
    if command[0] == "sudo":
        subprocess.run(["sudo", "-n", "chmod", "a+r", str(arguments.output)], check=False)
    measured = arguments.output.exists() and status in (0, 3)
    common.output(run=arguments.output.as_posix(), measured=str(measured).lower())
    if status == 3:
        common.note("warning", "Some cells could not be told; the run file says which, and why.")
    elif not measured:
        common.note("error", f"sockmatrix run ended with {status}: nothing that can be compared.")
    return 0 if measured else 1


def needs_sudo(platform: str, user: int | None, read: Callable[[str], str]) -> bool:
    """Tell whether only root can have a private network here. `read` returns a setting, or nothing."""
    if platform != "linux" or user == 0:
        return False
    return any(read(file) == value for file, value in RESTRICTIONS.items())


def setting(file: str) -> str:
    """Return the value of a setting of the kernel, empty where there is none."""
    try:
        return Path(file).read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return ""


def may_sudo() -> bool:
    """Tell whether sudo asks for no password."""
    if shutil.which("sudo") is None:
        return False
    return subprocess.run(["sudo", "-n", "true"], capture_output=True, check=False).returncode == 0


if __name__ == "__main__":
    sys.exit(main())
