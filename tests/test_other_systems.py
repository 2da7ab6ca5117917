"""The engine where the names that Windows lacks are not there: all of it can be imported, and answers."""

from __future__ import annotations

import subprocess
import sys

import pytest
from commandline import ROOT, environment

SCRIPT = """
import importlib, os, pkgutil, select, signal, socket, sys
# What of Python itself has looked around before those names are gone.
import asyncio, execnet, jinja2, msgspec, multiprocessing, pytest, rich.console, subprocess, tempfile
import xdist.workermanage

for name in ("fcntl", "termios", "resource", "pwd", "grp", "pty", "tty"):
    sys.modules[name] = None
for module, names in (
    (os, "fork geteuid getuid getegid getgid setuid setsid killpg uname sysconf set_blocking O_CLOEXEC"
         " O_NOCTTY WNOHANG sched_getaffinity sched_setaffinity pipe2 statvfs"),
    (signal, "SIGKILL SIGHUP SIGCHLD SIGUSR1 alarm pthread_sigmask"),
    (select, "poll epoll POLLIN POLLOUT POLLHUP POLLERR"),
    (socket, "AF_UNIX AF_NETLINK AF_PACKET SO_REUSEPORT SO_BINDTODEVICE MSG_ERRQUEUE"),
):
    for name in names.split():
        if hasattr(module, name):
            delattr(module, name)
import sockmatrix
for module in pkgutil.walk_packages(sockmatrix.__path__, "sockmatrix."):
    if not module.name.endswith("__main__") and ".probes" not in module.name:
        importlib.import_module(module.name)
from sockmatrix.cli import main
for words in ("run --table sentinel --dry-run", "report RUN --table sentinel --cells"):
    try:
        main(words.replace("RUN", sys.argv[1]).split())
    except SystemExit as end:
        assert not end.code, words
"""


@pytest.mark.once
def test_the_engine_needs_nothing_that_windows_lacks() -> None:
    """Modules are imported without what is missing there, and commands on run files do without it."""
    run = min((ROOT / "reports" / "runs").glob("*.jsonl.gz"))
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(run)],
        env=environment(),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "37  cells" in done.stdout
    assert "sentinel/case:4cdeeee9252a-udp-specific-before-wildcard" in done.stdout
