"""Other machines: by popen gateways of execnet, and by a real sshd on loopback where there is one."""

from __future__ import annotations

import getpass
import io
import os
import shutil
import socket
import subprocess
import time
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sockmatrix.target import NotStartedError, Observed, Probe, ProbeOptions, TargetError
from sockmatrix.targets import zipapp
from sockmatrix.targets.remote import RemoteTarget

if TYPE_CHECKING:
    from collections.abc import Iterator

TESTS = Path(__file__).parent
SSHD = shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")

LINES = [
    b'{"kind": "operations", "operations": [["socket", "udp4"], ["bind", "lo4"]]}',
    b'{"kind": "operations", "operations": [["send", "", "lo4", {}]]}',
    b'{"kind": "cell", "id": "one", "steps": [["A", 0], ["S", 1]]}',
    b'{"kind": "cell", "id": "two", "steps": [["A", 0], ["S", 1]]}',
]


def fake_probe(monkeypatch: pytest.MonkeyPatch, trouble: str = "") -> None:
    """Send a fake probe in place of the real one."""
    main = (
        "import os, sys\nsys.path.insert(0, os.path.dirname(__file__))\nimport dataclasses, fakeprobe\n"
        f"facts = dataclasses.asdict(fakeprobe.FakeTarget(trouble={trouble!r}))\n"
        "fakeprobe.Program(facts, sys.argv[1:]).serve()\n"
    )
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("__main__.py", main)
        for name in ("fakeprobe.py", "miniatures.py"):
            archive.write(TESTS / name, name)
    monkeypatch.setattr(zipapp, "build", out.getvalue)


@pytest.fixture
def target(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[RemoteTarget]:
    """Return a machine that is a process of this one; nothing is left behind in the end."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    target = RemoteTarget("popen")
    yield target
    target.close()
    deadline = time.monotonic() + 10
    while any(tmp_path.glob("sockmatrix-*")) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not any(tmp_path.glob("sockmatrix-*"))


def test_a_conversation(target: RemoteTarget, monkeypatch: pytest.MonkeyPatch) -> None:
    """Several probes there, over one connection; where it is stays unsaid."""
    fake_probe(monkeypatch)
    probes = [Probe(target, ProbeOptions(), (lane, 2)) for lane in range(2)]
    for probe in probes:
        one, two, last = probe.measure(LINES, repeat=2, seed=1)
        assert isinstance(one, Observed)
        assert isinstance(two, Observed)
        assert isinstance(last, dict)
        assert probe.hello["target"] == {"kind": "popen"}
    for probe in probes:
        probe.stop()
        probe.stop()


@pytest.mark.parametrize(("trouble", "said"), [("die", "out of luck"), ("die silently", "exit status 3")])
def test_a_probe_that_dies_there(
    target: RemoteTarget, monkeypatch: pytest.MonkeyPatch, trouble: str, said: str
) -> None:
    """Its last words come back."""
    fake_probe(monkeypatch, trouble)
    probe = Probe(target, ProbeOptions(), (0, 1))
    with pytest.raises(TargetError, match=f"^the probe died: {said}$"):
        list(probe.measure(LINES, repeat=2, seed=1))
    probe.stop()


def test_a_machine_that_is_gone(target: RemoteTarget, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was going on there ends, and nothing more is started."""
    fake_probe(monkeypatch)
    probe = Probe(target, ProbeOptions(), (0, 1))
    target.close()
    with pytest.raises(TargetError, match="the probe died: "):
        list(probe.measure(LINES, repeat=2, seed=1))
    with pytest.raises(NotStartedError, match="stopped"):
        Probe(target, ProbeOptions(), (0, 1))


def test_what_cannot_be_reached() -> None:
    """It is said what has to be there."""
    with pytest.raises(
        NotStartedError, match=r"^cannot reach popen//python=/nowhere: .*without a question"
    ):
        RemoteTarget("popen//python=/nowhere").start([], 0)


def test_the_processors_are_those_of_the_other_machine(
    target: RemoteTarget, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lanes are as many as there are processors where the probes run; what cannot be told is said."""
    from sockmatrix.targets import remote

    monkeypatch.setattr(remote, "_COUNT", "channel.send(64)")
    assert target.processors() == 64
    monkeypatch.setattr(remote, "_COUNT", "raise ValueError('no processors')")
    with pytest.raises(NotStartedError, match=r"^cannot reach popen.*no processors"):
        target.processors()


def test_python_by_its_usual_name() -> None:
    """There is hardly a `python` any more; who needs it can say so."""
    assert RemoteTarget("ssh=a@b")._specification == "ssh=a@b//python=python3"
    assert RemoteTarget("ssh=a@b//python=py")._specification == "ssh=a@b//python=py"


@pytest.fixture(scope="module")
def ssh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Start a server of ssh on loopback with keys of its own; return how execnet gets there."""
    if SSHD is None or shutil.which("ssh-keygen") is None:
        pytest.skip("there is no sshd: Debian's package openssh-server")
    place = tmp_path_factory.mktemp("ssh")
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)  # it will not start as root without
    for name in ("host", "own"):
        command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(place / name)]
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL, capture_output=True)
    shutil.copy(place / "own.pub", place / "authorized")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    (place / "sshd_config").write_text(
        f"ListenAddress 127.0.0.1:{port}\nHostKey {place}/host\nAuthorizedKeysFile {place}/authorized\n"
        f"PidFile none\nUsePAM no\nStrictModes no\nPasswordAuthentication no\nPermitRootLogin yes\n"
    )
    (place / "ssh_config").write_text(
        f"Host lane\n HostName 127.0.0.1\n Port {port}\n User {getpass.getuser()}\n BatchMode yes\n"
        f" IdentityFile {place}/own\n IdentitiesOnly yes\n StrictHostKeyChecking no\n"
        f" UserKnownHostsFile /dev/null\n LogLevel ERROR\n"
    )
    with (place / "log").open("wb") as log:
        server = subprocess.Popen([SSHD, "-D", "-e", "-f", str(place / "sshd_config")], stderr=log)
        try:
            for _ in range(500):
                with socket.socket() as trial:
                    if trial.connect_ex(("127.0.0.1", port)) == 0:
                        break
                if server.poll() is not None:
                    pytest.skip(f"sshd does not start here: {(place / 'log').read_text()[-200:]}")
                time.sleep(0.01)
            yield f"ssh=lane//ssh_config={place}/ssh_config"
        finally:
            server.terminate()
            server.wait()


def test_by_ssh(ssh: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same over a real connection."""
    import sys

    fake_probe(monkeypatch)
    target = RemoteTarget(f"{ssh}//python={sys.executable}")
    try:
        probe = Probe(target, ProbeOptions(), (0, 1))
        assert len(list(probe.measure(LINES, repeat=2, seed=1))) == 3
        assert probe.hello["target"] == {"kind": "ssh"}
        assert target.processors() == len(os.sched_getaffinity(0))
        probe.stop()
    finally:
        target.close()


def test_no_python_by_ssh(ssh: str) -> None:
    """A machine without it is a clear line."""
    target = RemoteTarget(f"{ssh}//python=/no/python")
    with pytest.raises(NotStartedError, match=r"^cannot reach .*Python 3\.9 or newer must be there"):
        target.start([], 0)
