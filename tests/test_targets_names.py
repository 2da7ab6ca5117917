"""What is written for a target, and what it becomes; local ones, and gVisor with a fake runsc."""

from __future__ import annotations

import os
import re
import sys
import tempfile
import time
from typing import TYPE_CHECKING, Any

import pytest

from sockmatrix import content
from sockmatrix.target import Probe, ProbeOptions
from sockmatrix.targets.conversation import NotStartedError
from sockmatrix.targets.gvisor import GVisorTarget
from sockmatrix.targets.kernel import KernelTarget
from sockmatrix.targets.local import LocalTarget
from sockmatrix.targets.names import TargetNameError, parse
from sockmatrix.targets.remote import RemoteTarget

if TYPE_CHECKING:
    from pathlib import Path

RUNSC = """#!{python} -sS
import os, sys
if "--version" in sys.argv:
    print("runsc version {version}\\nspec: 1.2.0")
    sys.exit({code})
assert sys.argv[1] == "--rootless" and "--network=none" in sys.argv, sys.argv
assert os.environ["TMPDIR"] != "/tmp"
open(os.environ["TMPDIR"] + "/runsc-do", "w").close()
for platform in {lacks}:
    if "--platform=" + platform in sys.argv:
        sys.exit("unknown platform: " + platform)
if {lives} and "canary" not in sys.argv[-1] and os.fork() == 0:
    os.setsid()
    root = "--root=" + os.environ["TMPDIR"] + "/runsc-do1"
    os.execv(sys.executable, [sys.executable, "-S", "-c", "import time; time.sleep(60)", root])
command = sys.argv[sys.argv.index("do") + 1:]
os.execv(command[0], command)
"""


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("local", LocalTarget),
        ("python=python3.9", LocalTarget),
        ("ssh=somebody@somewhere//python=python3.11", RemoteTarget),
    ],
)
def test_targets(text: str, kind: type) -> None:
    """Each has its way to be written; only ssh goes elsewhere."""
    named = parse(text)
    assert isinstance(named.make(2), kind)
    assert named.elsewhere is text.startswith("ssh")


@pytest.mark.parametrize(
    "text",
    ["", "here", "local=x", "python", "python=", "kernel", "kernel=", "gvisor=", "ssh", "ssh=", "Local"],
)
def test_what_is_no_target(text: str) -> None:
    """It is said how they are written."""
    with pytest.raises(TargetNameError, match=r"is no target; targets are local, python=PATH-OR-NAME, k"):
        parse(text)


def test_another_python() -> None:
    """The interpreter that is named runs the probe."""
    target = parse("python=/opt/python").make(1)
    assert isinstance(target, LocalTarget)
    assert target.command(["--share", "0/1"]) == [
        *("/opt/python", "-s", "-S", "-E", str(content.probes()), "--share", "0/1")
    ]


def test_a_kernel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A version is of the cache, or fetched; anything else is a file; modules may be elsewhere."""
    import fakeapt

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    for name, value in fakeapt.install(tmp_path).items():
        monkeypatch.setenv(name, value)
    with pytest.raises(
        NotStartedError, match=r"there is no kernel 6\.12 in .*it cannot be fetched now: "
    ):
        parse("kernel=6.12").make(1)
    assert isinstance(parse("kernel=7.2").make(1), KernelTarget)
    image = tmp_path / "vmlinuz"
    image.write_bytes(fakeapt.BZIMAGE)
    target = parse(f"kernel={image}//modules=/m").make(2)
    assert isinstance(target, KernelTarget)
    assert (str(target.kernel.module_directory), target.machines) == ("/m", 2)
    assert target.name == "the guest of Linux vmlinuz"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("kernel=/nowhere/vmlinuz", "/nowhere/vmlinuz is neither a version, such as 6.12, nor a file"),
        ("kernel=6", "6 is neither a version, such as 6.12, nor a file that there is"),
        ("kernel=6.12//modules=/m", "a fetched kernel has its modules; //modules= goes with a file"),
        ("python=/nowhere/python", "No such file or directory; the probe needs a Python, 3.9 or newer"),
    ],
)
def test_what_is_not_there(text: str, said: str) -> None:
    """It is said what is wanted."""
    with pytest.raises(NotStartedError, match=re.escape(said)):
        parse(text).make(1).start([], 0)


@pytest.mark.skipif(os.name == "nt", reason="the program is a script")
def test_a_program_that_is_no_python(tmp_path: Path) -> None:
    """What ends without a word is none, nor is what does not know the language."""
    program = tmp_path / "python"
    for text, said in (
        ("exit 0", "the probe did not start: exit status 0 (it needs Python 3.9 or newer)"),
        ("echo '  no such version ' >&2; exit 127", "the probe did not start: no such version"),
    ):
        program.write_text(f"#!/bin/sh\n{text}\n")
        program.chmod(0o755)
        with pytest.raises(NotStartedError) as caught:
            Probe(parse(f"python={program}").make(1), ProbeOptions(), (0, 1))
        assert str(caught.value) == said


def runsc(
    place: Path,
    version: str = "release-20240729.0",
    code: int = 0,
    lacks: Any = (),
    *,
    lives: bool = False,
) -> Path:
    """Write a fake runsc, which runs programs without a sandbox, and one beside them if that `lives`."""
    program = place / "runsc"
    text = RUNSC.format(python=sys.executable, version=version, code=code, lacks=list(lacks), lives=lives)
    program.write_text(text)
    program.chmod(0o755)
    return program


@pytest.mark.parametrize(("lacks", "platform"), [((), "ptrace"), (("ptrace",), "systrap")])
def test_gvisor(tmp_path: Path, lacks: tuple[str, ...], platform: str) -> None:
    """The first of its platforms that works is used; what it leaves behind is removed."""
    target = parse(f"gvisor={runsc(tmp_path, lacks=lacks)}").make(1)
    assert isinstance(target, GVisorTarget)
    conversation = target.start(["--help"], 0)
    assert conversation.line().startswith(b"usage: probes ")
    conversation.stop()
    hello = target.describe({"platform": {"stack": "gvisor", "release": "4.4.0"}})
    assert hello == {
        "platform": {"stack": "gvisor", "release": "20240729.0"},
        "target": {"kind": "gvisor", "platform": platform, "uname": "4.4.0"},
    }
    assert target.share(3, 4) == (0, 1)
    target.close()
    assert not any(tmp_path.glob("runsc-do"))


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="gVisor is for Linux")
def test_a_sandbox_ends_with_all_its_processes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They outlive what started them, and hold its pipes: nothing waits for that, and nothing stays."""
    from sockmatrix.targets import gvisor

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    target = GVisorTarget(str(runsc(tmp_path, lives=True)))
    conversation = target.start(["--share", "0/1"], 0)
    mark = b"=" + bytes(tmp_path) + b"/"
    other = target.start(["--share", "0/1"], 1)
    while len(gvisor._processes(mark)) < 2:
        time.sleep(0.01)
    conversation.stop()
    assert len(gvisor._processes(mark)) == 1
    target.close()
    assert not gvisor._processes(mark)
    other.stop()
    assert not any(tmp_path.glob("sockmatrix-*"))
    with pytest.raises(NotStartedError, match="stopped"):
        target.start([], 0)


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({"code": 1}, "does not name a version"),
        ({"lacks": ("systrap", "ptrace")}, r"runs nothing here .*: unknown platform: systrap"),
    ],
)
def test_gvisor_that_does_not_run(tmp_path: Path, facts: dict[str, Any], said: str) -> None:
    """The reason is one line."""

    def start() -> None:
        target = GVisorTarget(str(runsc(tmp_path, **facts)))
        try:
            target.start([], 0)
        finally:
            target.close()

    with pytest.raises(NotStartedError, match=said):
        start()


def test_there_is_no_gvisor(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is said how to get one."""
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(NotStartedError, match="there is no runsc here: Debian's package runsc"):
        parse("gvisor").make(1)


UML = """#!{python} -sS
import sys
if "--version" in sys.argv:
    print("{version}")
    sys.exit(0)
print("userspace - ptrace set fp regs failed, errno = 14\\nKernel panic - not syncing: init", flush=True)
import os
os.abort()
"""


def uml(place: Path, version: str = "6.1.176") -> Path:
    """Write a fake linux.uml, on a processor that it does not know."""
    program = place / "linux.uml"
    program.write_text(UML.format(python=sys.executable, version=version))
    program.chmod(0o755)
    return program


def test_user_mode_linux(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its command line, and the reason why it does not come up."""
    from sockmatrix.targets import initramfs
    from sockmatrix.targets.uml import UmlTarget

    monkeypatch.setattr(initramfs, "image", lambda _: b"an image")
    target = parse(f"uml={uml(tmp_path)}//modules={tmp_path}").make(1)
    assert isinstance(target, UmlTarget)
    words = target.command(tmp_path / "image", tmp_path / "console-0")([5])
    assert words[1:4] == ["mem=1024M", f"initrd={tmp_path}/image", "rdinit=/init"]
    assert "ssl0=fd:5,fd:5" in words
    with pytest.raises(NotStartedError) as caught:
        target.start([], 0)
    assert str(caught.value) == (
        "the guest of user-mode Linux 6.1.176 did not start:"
        " userspace - ptrace set fp regs failed, errno = 14 (it knows the registers of older processors"
        " only: 7.2 was seen to run where 6.1 and 6.12 do not)"
    )
    assert len(target.describe({})["target"]["sha256"]) == 64
    target.close()


def test_no_user_mode_linux(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is said what is missing."""
    with pytest.raises(NotStartedError, match="--version does not name a version"):
        parse(f"uml={uml(tmp_path, 'hello')}").make(1)
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(NotStartedError, match=r"there is no linux\.uml here: Debian's package"):
        parse("uml").make(1)
