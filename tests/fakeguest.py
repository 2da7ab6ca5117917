"""A guest without a machine: the real agent on a descriptor, with fake probes; or one that misbehaves.

`python fakeguest.py TROUBLE DESCRIPTOR CONSOLE FACTS` is its program; `install` puts it in the place of
QEMU. The ways to misbehave are TROUBLES.
"""

from __future__ import annotations

import json
import os
import re
import stat
import sys
import time
from pathlib import Path

TROUBLES = {
    "": "none",
    "panic": "its kernel panics at once",
    "dies": "it ends without a word",
    "complains": "its program refuses the command line",
    "garbage": "it says what is no frame",
    "mute": "it never says anything",
    "falls silent": "it says nothing after the first word",
    "panic later": "its kernel panics half a second after it has come up",
}

_PANIC = "[    1.234]  Kernel panic - not syncing:  Attempted to kill init!\n"


def main(trouble: str, descriptor: int, console: str, facts: str) -> None:
    """Be a guest."""
    sys.path.insert(0, str(Path(__file__).parents[1] / "src" / "sockmatrix" / "targets"))
    import agent  # type: ignore[import-not-found,unused-ignore]
    import fakeprobe

    if trouble == "panic":
        Path(console).write_text(f"booting\n{_PANIC}")
        sys.exit(0)
    if trouble == "dies":
        os._exit(7)
    if trouble == "complains":
        sys.exit("qemu-system-x86_64: -accel: there is no such accelerator")
    if trouble == "garbage":
        os.write(descriptor, b"login: " * 20)
    if trouble == "falls silent":
        os.write(descriptor, agent.frame(agent.READY, 0, b'{"window": 2048, "failed": {}}'))
    if trouble in {"mute", "garbage", "falls silent"}:
        time.sleep(60)
    if trouble == "panic later":
        Path(console).write_text(_PANIC)
        import signal

        signal.signal(signal.SIGALRM, lambda *_: os._exit(0))
        signal.setitimer(signal.ITIMER_REAL, 0.5)
    target = fakeprobe.FakeTarget(**json.loads(facts))
    agent.Agent(descriptor, target.command([]), {"failed": {}, "window": 4096}).serve()


def install(directory: Path, trouble: str = "", facts: str = "{}") -> Path:
    """Write a `qemu-system-x86_64` that is such a guest, and notes its command lines beside itself."""
    assert trouble in TROUBLES
    program = directory / "qemu-system-x86_64"
    program.write_text(
        f"#!{sys.executable} -sS\n"
        "import json, re, sys\n"
        f"sys.path.insert(0, {str(Path(__file__).parent)!r})\n"
        "import fakeguest\n"
        f"fakeguest.as_qemu(sys.argv, {trouble!r}, {facts!r})\n"
    )
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return program


def as_qemu(arguments: list[str], trouble: str, facts: str) -> None:
    """Read a command line of QEMU, and be its guest."""
    with Path(f"{arguments[0]}.log").open("a", encoding="utf-8") as log:
        log.write(json.dumps(arguments[1:]) + "\n")
    line = " ".join(arguments)
    port = re.search(r"id=port,fd=(\d+)", line)
    console = re.search(r"-serial file:(\S+)", line)
    assert port is not None
    assert console is not None
    main(trouble, int(port[1]), console[1], facts)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4])
