"""`sockmatrix doctor`: what can be measured here, and why not the rest."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, Any

from sockmatrix.cli import UsageError
from sockmatrix.commands.options import examples
from sockmatrix.exitcode import ExitCode
from sockmatrix.render.escape import printable
from sockmatrix.target import LocalTarget, Probe, ProbeOptions, TargetError

if TYPE_CHECKING:
    import argparse

_TOOLS = {
    "tox": "runs this project's tests",
    "nft": "lets a test drop everything in a lab",
    "qemu-system-x86_64": "runs Linux kernels: sockmatrix run --on kernel=6.12",
    "runsc": "runs gVisor: sockmatrix run --on gvisor",
}


_NAMES = {"EXCLUSIVE": "SO_EXCLUSIVEADDRUSE, Solaris: SO_EXCLBIND"}

_PATIENCE = 60  # seconds


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this command."""
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.epilog = examples(("sockmatrix doctor", "checks the lab, the options and the tools"))


def main(arguments: argparse.Namespace) -> ExitCode:
    """Check, and print what was found."""
    target = LocalTarget()
    try:
        probe = Probe(target, ProbeOptions(), (0, 1))
        hello = probe.hello
        probe.stop()
    except TargetError as error:
        raise UsageError(str(error)) from error
    checks = _checks(target)
    if arguments.json:
        tools = {name: shutil.which(name) for name in _TOOLS}
        print(json.dumps({"hello": hello, "checks": checks, "tools": tools}, indent=1))
    else:
        _print(hello, checks)
    return ExitCode.EXPECTED


def _checks(target: LocalTarget) -> list[list[Any]]:
    """Return (what, whether it works, detail) as the probe found it."""
    try:
        done = subprocess.run(
            target.command(["--doctor"]),
            capture_output=True,
            text=True,
            check=False,
            timeout=_PATIENCE,
        )
    except subprocess.TimeoutExpired:
        return [["probe", False, f"no answer in {_PATIENCE} s"]]
    if done.returncode:
        words = done.stderr.strip().splitlines() or ["no answer"]
        return [["probe", False, words[-1]]]
    checks: list[list[Any]] = json.loads(done.stdout)
    return checks


def _print(hello: dict[str, Any], checks: list[list[Any]]) -> None:
    platform, lab = hello["platform"], hello["lab"]
    print(
        f"platform    {printable(platform['stack'])} {printable(platform['release'])}, "
        f"{platform['arch']}, {platform['privileges']}"
    )
    print(f"python      {platform['python']} ({sys.executable})")
    if lab["kind"] == "private":
        print(f"lab         private network namespace, by {lab['how']}: nothing leaves it")
    else:
        print(f"lab         this machine's own loopback: {printable(lab.get('reason') or '')}")
        if not lab.get("allow_lan"):
            print(
                "            broadcast and multicast on a real interface are skipped"
                " (--allow-lan sends them)"
            )
    print()
    for what, works, detail in checks:
        print(f"{'ok' if works else 'no':<12}{printable(what)}: {printable(str(detail))}")
    print()
    for value, (options, missing) in hello["reuse"].items():
        names = " + ".join(_NAMES.get(option, option) for option in options) or "no option"
        state = "ok" if missing is None else "no"
        reason = "" if missing is None else ": there is no such option here; its cells are absent"
        print(f"{state:<12}{value} ({names}){reason}")
    print()
    for name, use in _TOOLS.items():
        found = shutil.which(name)
        print(
            f"{'ok' if found else '-':<12}{name} {use}" + ("" if found else " (optional, not installed)")
        )
