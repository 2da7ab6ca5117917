"""Targets: how a probe is started, what it may say, and what is said when it does not."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from fakeprobe import FakeTarget, process_of
from miniatures import HELLO

from sockmatrix import content
from sockmatrix.commands.measuring import command_line
from sockmatrix.target import LocalTarget, NotStartedError, Observed, Probe, ProbeOptions, TargetError
from sockmatrix.targets.conversation import apart

if TYPE_CHECKING:
    from collections.abc import Iterator

LINES = [
    msgspec.json.encode({"kind": "operations", "operations": [["socket", "udp4"], ["bind", "lo4"]]}),
    msgspec.json.encode({"kind": "operations", "operations": [["send", "", "lo4", {}]]}),
    *(
        msgspec.json.encode({"kind": "cell", "id": name, "steps": [["A", 0], ["B", 0], ["S", 1]]})
        for name in ("one", "two")
    ),
]


class Started:
    """Starts probes, and ends them when the test does."""

    def __init__(self) -> None:
        self.probes: list[Probe] = []

    def __call__(self, target: FakeTarget | None = None) -> Probe:
        """Start a probe."""
        probe = Probe(target or FakeTarget(), ProbeOptions(), (0, 1))
        self.probes.append(probe)
        return probe


@pytest.fixture
def start() -> Iterator[Started]:
    """Start fake probes."""
    started = Started()
    yield started
    for probe in started.probes:
        probe.stop()


def answers(probe: Probe) -> list[Observed | dict[str, Any]]:
    """Return all that a probe says of two cells."""
    return list(probe.measure(LINES, repeat=2, seed=1))


def test_a_conversation(start: Started) -> None:
    """A probe says hello, then one observation for each cell, then what it took; and again."""
    probe = start()
    assert probe.hello == HELLO
    for _ in range(2):
        one, two, last = answers(probe)
        assert isinstance(one, Observed)
        assert isinstance(two, Observed)
        assert isinstance(last, dict)
        assert (one.id, two.id) == ("one", "two")
        assert msgspec.json.decode(one.seen)[0][0] == 2
        assert last["kind"] == "measured"


@pytest.mark.parametrize(
    ("trouble", "said"),
    [
        ("die", "the probe did not start: out of luck"),
        ("die silently", "the probe did not start: exit status 3"),
        ("garbage", "the probe said something that is not its protocol: "),
        ("binary", "the probe said something that is not its protocol: "),
        ("list", "the probe said something that is not its protocol: "),
        ("protocol", "the probe speaks protocol 99, not 2"),
        ("stateless", "the probe does not say what it is: Object missing required field `platform`"),
    ],
)
def test_it_does_not_start(trouble: str, said: str) -> None:
    """Whatever comes in place of a hello is an error that says what, in one line."""
    with pytest.raises(NotStartedError) as caught:
        Probe(FakeTarget(trouble=trouble, at=0), ProbeOptions(), (0, 1))
    assert str(caught.value).startswith(said)
    assert "\n" not in str(caught.value)


def test_there_is_no_such_python() -> None:
    """An interpreter that cannot be started is named."""
    with pytest.raises(NotStartedError, match=r"^cannot start no/such/python: No such file"):
        Probe(LocalTarget("no/such/python"), ProbeOptions(), (0, 1))


@pytest.mark.parametrize(
    ("trouble", "said"),
    [
        ("die", "the probe died: out of luck"),
        ("die silently", "the probe died: exit status 3"),
        ("garbage", "the probe said something that is not its protocol: JSON is malformed"),
        ("binary", "the probe said something that is not its protocol: "),
        ("list", "the probe said something that is not its protocol: Expected `object`"),
        ("nameless", "the probe said something that is not its protocol: an observation without"),
    ],
)
def test_it_fails_half_way(start: Started, trouble: str, said: str) -> None:
    """What it said before holds; then there is one line that says what went wrong."""
    probe = start(FakeTarget(trouble=trouble))
    heard = probe.measure(LINES, repeat=2, seed=1)
    assert isinstance(next(heard), Observed)
    with pytest.raises(TargetError) as caught:
        list(heard)
    assert str(caught.value).startswith(said)


def test_it_was_killed(start: Started) -> None:
    """A probe that somebody killed is reported with the signal."""
    probe = start(FakeTarget(trouble="hang"))
    heard = probe.measure(LINES, repeat=2, seed=1)
    next(heard)
    os.kill(process_of(probe).pid, 9)
    with pytest.raises(TargetError, match=r"the probe died: (killed by signal 9|exit status)"):
        list(heard)
    with pytest.raises(TargetError, match="the probe died"):  # and so it stays
        answers(probe)


def test_complaints_do_not_block(start: Started) -> None:
    """A probe may write more to stderr than a pipe holds; nobody reads it before it dies."""
    assert len(answers(start(FakeTarget(trouble="chatty")))) == 3


def test_stop_ends_it(start: Started) -> None:
    """`stop` ends a probe that hangs, leaves no process, and may be called again."""
    probe = start(FakeTarget(trouble="hang"))
    next(probe.measure(LINES, repeat=2, seed=1))
    probe.stop()
    probe.stop()
    assert process_of(probe).returncode is not None


def test_an_interrupt_while_it_starts_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C before the hello leaves no process behind."""
    begun = []

    def interrupt(probe: Probe) -> None:
        begun.append(probe)
        raise KeyboardInterrupt

    monkeypatch.setattr(Probe, "_hello", interrupt)
    with pytest.raises(KeyboardInterrupt):
        Probe(FakeTarget(trouble="hang", at=0), ProbeOptions(), (0, 1))
    assert process_of(begun[0]).returncode is not None


def test_the_command_line() -> None:
    """The probe is a directory that a Python runs, without what the user has installed or set."""
    command = LocalTarget().command(["--lab", "host"])
    assert command == [sys.executable, "-s", "-S", "-E", str(content.probes()), "--lab", "host"]


def test_options_are_only_those_given() -> None:
    """What is not asked for is the probe's to decide."""
    assert ProbeOptions().arguments((0, 2)) == ["--lab", "auto", "--share", "0/2"]
    assert ProbeOptions(layout="plain").arguments((0, 1)) == ["--lab", "auto", "--share", "0/1"]
    everything = ProbeOptions("host", True, True, 0.5, 40, 64, "two-links")
    assert everything.arguments((1, 2)) == [
        *["--lab", "host", "--share", "1/2", "--layout", "two-links", "--allow-lan", "--fresh"],
        *["--grace", "0.5", "--source-ports", "40", "--window", "64"],
    ]


@pytest.mark.parametrize(
    ("platform", "expected"),
    [
        ("linux", {"start_new_session": True}),
        ("darwin", {"start_new_session": True}),
        ("win32", {"creationflags": 0x200}),
    ],
)
def test_a_probe_does_not_hear_ctrl_c(platform: str, expected: dict[str, Any]) -> None:
    """By a session of its own, or what Windows has instead."""
    assert apart(platform) == expected


@pytest.mark.parametrize(
    ("platform", "expected"),
    [("linux", "sockmatrix run -o 'my runs/a.jsonl'"), ("win32", 'sockmatrix run -o "my runs/a.jsonl"')],
)
def test_a_command_is_said_as_one_would_type_it(platform: str, expected: str) -> None:
    """On Windows as cmd.exe takes it."""
    assert command_line("sockmatrix", "run", "-o", "my runs/a.jsonl", platform=platform) == expected
