"""Labs of the probe in processes of their own, for tests: a script enters one and reports a value.

Entering a lab moves a process for good, so no test enters one itself.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import lab
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

PROBES = Path(lab.__file__).parent
NOBODY = 65534

linux = pytest.mark.skipif(sys.platform != "linux", reason="network namespaces exist on Linux only")

_PRELUDE = """
import json, os, socket, struct, sys
import checkup, groups, lab, layouts, namespaces, netlink

def report(value):
    print(json.dumps(value))
    sys.exit(0)

def enter(layout="plain"):
    try:
        return lab.enter("private", layout=layout, allow_lan=False)
    except lab.LabError as error:
        report({"skipped": str(error)})
"""


def start(script: str, *, probes: Path = PROBES, user: int | None = None) -> subprocess.Popen[str]:
    """Start a script beside the probes, as this user with this Python, or as another."""
    path = os.pathsep.join(filter(None, [str(probes), os.environ.get("PYTHONPATH", "")]))
    return subprocess.Popen(
        [sys.executable if user is None else "/usr/bin/python3", "-c", _PRELUDE + script],
        env={"PYTHONPATH": path, "PATH": os.defpath, "PYTHONDONTWRITEBYTECODE": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        user=user,
        group=user,
        extra_groups=None if user is None else (),
        cwd="/",
    )


def finish(process: subprocess.Popen[str]) -> Any:
    """Wait for a script's report; a lab that this machine does not grant skips the test."""
    out, error = process.communicate(timeout=60)
    assert process.returncode == 0, error
    value = json.loads(out)
    if isinstance(value, dict) and "skipped" in value:
        pytest.skip(value["skipped"])
    return value


@contextlib.contextmanager
def readable_probes() -> Iterator[Path]:
    """Copy the probes to where nobody may read them; skip where root cannot become nobody."""
    if sys.platform != "linux":
        pytest.skip("network namespaces exist on Linux only")
    if os.geteuid() != 0:
        pytest.skip("only root can become nobody")
    # Not below pytest's own directory: nobody may not enter that.
    directory = Path(tempfile.mkdtemp(prefix="sockmatrix-lab-"))
    try:
        directory.chmod(0o755)
        for module in PROBES.glob("*.py"):
            shutil.copyfile(module, directory / module.name)
        yield directory
    finally:
        shutil.rmtree(directory)


def finish_as_nobody(script: str) -> Any:
    """Run a script as the user nobody and return its report."""
    with readable_probes() as directory:
        try:
            process = start(script, probes=directory, user=NOBODY)
        except OSError as error:
            pytest.skip(f"nobody cannot run /usr/bin/python3: {error}")
        return finish(process)
