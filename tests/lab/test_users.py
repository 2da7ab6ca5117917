"""Root and an unprivileged user get the same outcomes, each in the private lab it can make."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from laboratory import differences, sample, words

from sockmatrix import content
from sockmatrix.target import NotStartedError
from sockmatrix.targets.conversation import CommandTarget

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from laboratory import Laboratory

NOBODY = 65534

_BECOME = """
import os, sys
os.setgroups([])
os.setgid(int(sys.argv[1]))
os.setuid(int(sys.argv[1]))
os.chdir("/")
os.execv(sys.argv[2], sys.argv[2:])
"""


def become(*command: str) -> list[str]:
    """Return the command that runs another one as nobody."""
    return [sys.executable, "-c", _BECOME, str(NOBODY), *command]


@dataclass(frozen=True)
class Nobody(CommandTarget):
    """A target: this machine, as the user nobody, with a Python and a probe that it may read."""

    python: str
    probes: Path

    def command(self, arguments: list[str]) -> list[str]:
        """Return the command that starts it."""
        return become(self.python, "-s", "-E", str(self.probes), *arguments)


@pytest.fixture
def nobody() -> Iterator[Nobody]:
    """Skip where root cannot become nobody, or where nobody can run no Python."""
    if os.geteuid():
        pytest.skip("only root can become another user")
    pythons = dict.fromkeys([sys.executable, "/usr/bin/python3", "/usr/local/bin/python3"])
    check = "import sys; sys.exit(sys.version_info < (3, 9))"
    usable = [
        python
        for python in pythons
        if subprocess.run(become(python, "-c", check), capture_output=True, check=False).returncode == 0
    ]
    if not usable:
        pytest.skip(f"nobody can run none of {', '.join(pythons)} (3.9 or newer)")
    with tempfile.TemporaryDirectory(prefix="probes-") as place:
        Path(place).chmod(0o755)
        copy = Path(place) / "probes"
        shutil.copytree(content.probes(), copy, ignore=shutil.ignore_patterns("__pycache__"))
        for path in (copy, *copy.iterdir()):
            path.chmod(0o755)
        yield Nobody(usable[0], copy)


def test_root_and_nobody_see_the_same(
    start: Callable[..., Laboratory], laboratory: Laboratory, nobody: Nobody
) -> None:
    """400 cells of all tables, but for those of several users: the same facets."""
    try:
        own = start(nobody)
    except NotStartedError as error:
        pytest.skip(f"nobody has no private lab: {error}")
    assert laboratory.hello["lab"]["how"] == "root"
    assert own.hello["lab"]["how"] == "user namespace"
    wanted = sample(400, "table!=users receivers=1,2,3")
    found, expected = own.measure(wanted), laboratory.measure(wanted)
    for lines in (found, expected):
        assert not words(lines.values())["inconclusive"]
    assert not differences(found, expected)
