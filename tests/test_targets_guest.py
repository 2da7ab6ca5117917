"""Guests: conversations with several probes over one port, and what is said when there is no answer."""

from __future__ import annotations

import json
import os
import threading
from typing import TYPE_CHECKING, Any

import fakeguest
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sockmatrix.target import NotStartedError, Observed, Probe, ProbeOptions, TargetError
from sockmatrix.targets import agent, guest, initramfs, kernel, qemu
from sockmatrix.targets.kernels import Kernel

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CELL = [
    msgspec.json.encode({"kind": "operations", "operations": [["socket", "udp4"], ["bind", "lo4"]]}),
    msgspec.json.encode({"kind": "operations", "operations": [["send", "", "lo4", {}]]}),
]


class Machines:
    """Kernel targets whose QEMU is a fake, ended with the test."""

    def __init__(self, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.place = place
        self._monkeypatch = monkeypatch
        self.targets: list[kernel.KernelTarget] = []

    def __call__(self, behaviour: str = "", machines: int = 1, **facts: Any) -> kernel.KernelTarget:
        """Return a target."""
        program = fakeguest.install(self.place, behaviour, json.dumps(facts))
        self._monkeypatch.setattr(qemu, "find", lambda: str(program))
        vmlinuz = self.place / "vmlinuz"
        vmlinuz.write_bytes(b"")
        own = Kernel("6.12.1-1", vmlinuz, self.place / "modules", {"vmlinuz_sha256": "ab"})
        target = kernel.KernelTarget(own, machines, accelerator="tcg")
        self.targets.append(target)
        return target

    @property
    def booted(self) -> list[list[str]]:
        """The command lines of QEMU until now."""
        log = self.place / "qemu-system-x86_64.log"
        return [json.loads(line) for line in log.read_text().splitlines()]


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Machines]:
    """Make targets."""
    monkeypatch.setattr(initramfs, "image", lambda _: b"an image")
    machines = Machines(tmp_path, monkeypatch)
    yield machines
    for target in machines.targets:
        target.close()


def start(target: kernel.KernelTarget, lane: int = 0, lanes: int = 1) -> Probe:
    """Start a probe."""
    return Probe(target, ProbeOptions(), (lane, lanes))


def answers(probe: Probe, count: int = 2) -> list[Observed | dict[str, Any]]:
    """Return all that a probe says of some cells."""
    cells = [
        msgspec.json.encode({"kind": "cell", "id": f"c{number}", "steps": [["A", 0], ["S", 1]]})
        for number in range(count)
    ]
    return list(probe.measure([*CELL, *cells], repeat=2, seed=1))


def test_probes_share_a_guest(machine: Machines) -> None:
    """Each has a conversation of its own; one that is stopped leaves the others alone."""
    target = machine()
    one, two = start(target), start(target)
    assert len(answers(one)) == len(answers(two)) == 3
    one.stop()
    one.stop()
    assert len(answers(two)) == 3
    assert len(machine.booted) == 1


def test_what_is_larger_than_the_window(machine: Machines) -> None:
    """A port of few bytes takes much more, both ways."""
    assert len(answers(start(machine()), 2000)) == 2001


def test_lanes_are_dealt_to_guests(machine: Machines) -> None:
    """Two machines have two guests, and a probe knows which it is of how many in its own."""
    target = machine(machines=2)
    probes = [start(target, lane, 3) for lane in range(3)]
    assert [target.share(lane, 3) for lane in range(3)] == [(0, 2), (0, 1), (1, 2)]
    assert len(machine.booted) == 2
    for probe in probes:
        assert len(answers(probe)) == 3


def test_the_hello_says_where_it_was(machine: Machines) -> None:
    """What only the target knows goes into the run: what ran it, and the kernel's hash."""
    assert start(machine()).hello["target"] == {
        "kind": "kernel",
        "accelerator": "tcg",
        "version": "6.12.1-1",
        "vmlinuz_sha256": "ab",
    }


def test_the_command_line(machine: Machines) -> None:
    """One processor, no network card, a console in a file, and two ways out."""
    start(machine())
    (line,) = machine.booted
    words = " ".join(line)
    for part in ("-accel tcg", "-smp 1", "-nodefaults", "-no-reboot", "panic=-1", "virtserialport"):
        assert part in words
    assert "netdev" not in words


@pytest.mark.parametrize(
    ("trouble", "said"),
    [
        ("panic", "the guest of Linux 6.12.1-1 did not start: [ 1.234] Kernel panic - not syncing: Att"),
        ("dies", "the guest of Linux 6.12.1-1 did not start: exit status 7"),
        ("complains", "the guest of Linux 6.12.1-1 did not start: qemu-system-x86_64: -accel: there is"),
        ("garbage", "the guest of Linux 6.12.1-1 did not start: it said something that is not its"),
        ("mute", "the guest of Linux 6.12.1-1 did not start: it said nothing for "),
    ],
)
def test_a_guest_that_does_not_come_up(
    machine: Machines, monkeypatch: pytest.MonkeyPatch, trouble: str, said: str
) -> None:
    """The reason is one line: its kernel's, its program's, or that there was none."""
    if trouble == "mute":
        monkeypatch.setattr(guest, "BOOT_PATIENCE", 0.2)
    with pytest.raises(NotStartedError) as caught:
        start(machine(trouble))
    assert str(caught.value).startswith(said)
    assert "\n" not in str(caught.value)


def test_a_guest_that_falls_silent(machine: Machines, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is ended, and said so."""
    monkeypatch.setattr(guest, "PATIENCE", 0.2)
    with pytest.raises(NotStartedError, match="it said nothing for"):
        start(machine("falls silent"))


def test_a_guest_that_is_killed(machine: Machines) -> None:
    """Its probes are told; the next one gets a new guest."""
    target = machine()
    probe, beside = start(target), start(target)
    os.kill(target._guests[0]._process.pid, 9)
    for one in (probe, beside):
        with pytest.raises(TargetError, match=r"killed by signal 9$"):
            answers(one)
    assert len(answers(start(target))) == 3
    assert len(machine.booted) == 2


def test_a_kernel_that_panics_on_the_way(machine: Machines) -> None:
    """What it said last is the reason."""
    target = machine("panic later", trouble="hang")
    with pytest.raises(TargetError, match=r"^the probe (died|did not start): .*Kernel panic - not"):
        answers(start(target))


@pytest.mark.parametrize(("trouble", "said"), [("die", "out of luck"), ("die silently", "exit status 3")])
def test_a_probe_that_dies_in_a_guest(machine: Machines, trouble: str, said: str) -> None:
    """Its last words come out of the guest, which goes on."""
    target = machine(trouble=trouble)
    with pytest.raises(TargetError, match=f"^the probe died: {said}$"):
        answers(start(target))
    start(target)
    assert len(machine.booted) == 1


def test_close_ends_a_guest_that_comes_up(machine: Machines) -> None:
    """Whoever waits for it is told; nothing stays, and nothing is started after that."""
    target = machine("mute")
    failures: list[BaseException] = []

    def wait() -> None:
        try:
            start(target)
        except NotStartedError as error:
            failures.append(error)

    waiting = threading.Thread(target=wait)
    waiting.start()
    while not target._guests:
        pass
    target.close()
    waiting.join(10)
    assert len(failures) == 1
    assert target._guests[0]._process.returncode is not None
    assert target._place is not None
    assert not target._place.exists()
    with pytest.raises(NotStartedError, match="stopped"):
        start(target)


def test_there_is_no_qemu(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is said what would help."""
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(NotStartedError, match="there is no qemu-system-x86_64 here: apt-get install"):
        qemu.find()


def test_no_room_for_the_image(machine: Machines, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk is one line."""
    target = machine()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pathlib.Path.write_bytes", full)
    with pytest.raises(NotStartedError, match=r"^cannot write .*: No space left on device$"):
        start(target)


@pytest.mark.parametrize(
    ("program", "found"),
    [
        ("open(sys.argv[-1][5:], 'w').write('Kernel panic - not syncing: VFS')", "kvm"),
        ("open(sys.argv[-1][5:], 'w').write('KVM internal error. Suberror: 1')", "tcg"),
        ("import time; time.sleep(60)", "tcg"),
        ("sys.exit(1)", "tcg"),
    ],
)
def test_kvm_is_used_where_a_kernel_boots(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str, found: str
) -> None:
    """Not where the device merely opens."""
    import sys

    script = tmp_path / "qemu"
    script.write_text(f"#!{sys.executable} -sS\nimport sys\n{program}\n")
    script.chmod(0o755)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(qemu, "_CANARY_PATIENCE", 1.0)
    monkeypatch.setattr("os.access", lambda *_: True)
    assert qemu.accelerator(str(script), tmp_path / program[:4]) == found


def test_that_kvm_failed_is_remembered_until_the_next_boot(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A machine in software that hangs on it takes ten seconds to find out."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr("os.access", lambda *_: True)
    tried = []
    monkeypatch.setattr(qemu, "_boots", lambda *words: tried.append(words))
    monkeypatch.setattr(qemu, "_boot", lambda: b"first")
    assert [qemu.accelerator("/no/qemu", tmp_path / name) for name in "ab"] == ["tcg", "tcg"]
    assert len(tried) == 1
    monkeypatch.setattr(qemu, "_boot", lambda: b"second")
    assert qemu.accelerator("/no/qemu", tmp_path / "c") == "tcg"
    assert len(tried) == 2


def test_no_kvm_device(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the device nothing is tried."""
    monkeypatch.setattr("os.access", lambda *_: False)
    assert qemu.accelerator("/no/qemu", tmp_path) == "tcg"


@given(st.lists(st.tuples(st.integers(1, 7), st.integers(0, 65535), st.binary(max_size=50))), st.data())
def test_frames_come_back(frames: list[tuple[int, int, bytes]], data: st.DataObject) -> None:
    """However they are cut on the way."""
    rest = b"".join(agent.frame(*one) for one in frames)
    reader = agent.Frames()
    found: list[tuple[int, int, bytes]] = []
    while rest:
        size = data.draw(st.integers(1, len(rest)))
        found += reader.feed(rest[:size])
        rest = rest[size:]
    assert found == frames


@given(st.binary(max_size=200))
def test_garbage_is_no_frame(data: bytes) -> None:
    """It is refused, or more is waited for; nothing else happens."""
    try:
        for kind, _, payload in agent.Frames().feed(data):
            assert agent.OPEN <= kind <= agent.TICK
            assert len(payload) <= agent.MOST
    except agent.FrameError:
        pass
