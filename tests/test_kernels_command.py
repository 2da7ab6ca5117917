"""`sockmatrix kernels`, with a fake apt: what is fetched and kept, and what is said when that fails."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import fakeapt
import pytest
from commandline import Done

from sockmatrix import cli
from sockmatrix.target import NotStartedError
from sockmatrix.targets import debian, kernels
from sockmatrix.targets.kernel import KernelTarget

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Command = Callable[..., Done]


@pytest.fixture
def command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Command:
    """Run the command with a fake apt, whose facts are keywords."""
    monkeypatch.setattr("sockmatrix.cli.signal.signal", lambda *_: None)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))

    def run(*arguments: str, **facts: Any) -> Done:
        if not (tmp_path / "bin").exists():
            for name, value in fakeapt.install(tmp_path, **facts).items():
                monkeypatch.setenv(name, value)
        with pytest.raises(SystemExit) as caught:
            cli.main(("kernels", *arguments))
        out, err = capsys.readouterr()
        return Done(int(caught.value.code or 0), out, err)

    return run


def test_fetch_and_list(command: Command) -> None:
    """The newest of each minor version is fetched, once; what was not meant for guests is not offered."""
    done = command("fetch")
    assert (done.code, done.err) == (0, "")
    assert [line.split() for line in done.out.splitlines()] == [
        ["5.10.262-1", "2.0", "MB", "bridge,", "llc,", "stp,", "veth"],
        [
            "7.1.13-1~bpo13+1",
            "2.0",
            "MB",
            "no",
            "modules:",
            "its",
            "guest",
            "has",
            "no",
            "link",
            "device",
        ],
        ["7.2.13-1", "4.0", "MB", "bridge,", "llc,", "stp,", "veth"],
    ]
    assert "is there" in command("fetch", "7.2").out
    listed = command("list").out.splitlines()
    assert [line.split()[0] for line in listed] == ["7.2.13-1", "7.1.13-1~bpo13+1", "5.10.262-1"]
    rest = command("list", "--available").out.splitlines()[3:]
    assert [line.split() for line in rest] == [["5.10.261-1", "2.0", "MB", "to", "fetch"]]


def test_what_is_recorded(command: Command) -> None:
    """Package, version and hash as apt checked them, and the hash of the kernel itself."""
    command("fetch", "7.2.13")
    (kernel,) = kernels.cached(kernels.cache_directory())
    names = ("linux-binary-7.2.13+deb14-cloud-amd64", "linux-modules-7.2.13+deb14-cloud-amd64")
    assert kernel.facts["packages"] == ", ".join(f"{name} 7.2.13-1 sha256:{'ab' * 32}" for name in names)
    assert len(kernel.facts["vmlinuz_sha256"]) == 64
    assert kernel.vmlinuz.read_bytes() == fakeapt.BZIMAGE + b"7.2.13-1"
    assert [name for name, _ in kernel.modules()] == ["veth", "llc", "stp", "bridge"]
    told = json.loads(command("list", "--json").out)
    assert [one["version"] for one in told["kernels"]] == ["7.2.13-1"]


def test_a_package_that_is_gone(command: Command) -> None:
    """The next older one is taken, and it is said why."""
    done = command("fetch", "5.10", gone=["5.10.262"])
    assert done.code == 0
    assert done.out.startswith("5.10.261-1")
    assert done.err == (
        "sockmatrix kernels: 5.10.262-1: Failed to fetch"
        " linux-image-5.10.0-46-cloud-amd64 404  Not Found\n"
    )


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({"gone": ["7.2.13"]}, "7.2.13-1: Failed to fetch"),
        ({"full": True}, "7.2.13-1: Write error - write (28: No space left on device)"),
        ({"empty": ["7.2.13"]}, "7.2.13-1: there is no vmlinuz in linux-binary"),
    ],
)
def test_a_kernel_that_cannot_be_had(command: Command, facts: dict[str, Any], said: str) -> None:
    """One line, nothing measured, nothing half there; the others are fetched."""
    done = command("fetch", "7.2", "7.1", **facts)
    assert done.code == 4
    assert done.err.startswith(f"sockmatrix kernels: {said}")
    assert done.err.count("\n") == 1
    there = [] if "full" in facts else ["7.1.13-1~bpo13+1"]
    assert [one.version for one in kernels.cached(kernels.cache_directory())] == there
    assert sorted(path.name for path in kernels.cache_directory().iterdir()) == there


def test_no_network(command: Command) -> None:
    """No other package is tried, for it cannot be had either; what is there is there."""
    command("fetch", "7.1")
    fakeapt.change(unreachable=True)
    done = command("fetch", "7.1", "5.10", "7.2")
    assert (done.code, done.out) == (4, "7.1.13-1~bpo13+1      is there\n")
    assert done.err == (
        "sockmatrix kernels: 5.10.262-1: Failed to fetch x  Temporary failure resolving 'mirror'\n"
    )


def test_a_full_disk(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """No other package is tried, for there is no room for it either; nothing is left half there."""
    done = command("fetch", "5.10", full=True)
    assert (done.code, done.out) == (4, "")
    assert done.err == (
        "sockmatrix kernels: 5.10.262-1: Write error - write (28: No space left on device)\n"
    )
    free = shutil.disk_usage("/")._replace(free=1_999_999)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: free)
    cache = kernels.cache_directory()
    said = f"5.10.262-1: there is no room in {cache}: 2 MB are needed, and more to unpack them"
    assert command("fetch", "5.10").err == f"sockmatrix kernels: {said}\n"
    assert list(cache.iterdir()) == []


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({"archive": ""}, "apt has no lists of Debian's packages: is the mirror reachable?"),
        ({"targets": "Other\tOther\tmirror://x/\n"}, "apt here knows no mirror of Debian"),
        ({}, "there is no kernel 6.12 in Debian's lists; they have 7.2, 7.1, 5.10"),
    ],
)
def test_nothing_to_be_had(command: Command, facts: dict[str, Any], said: str) -> None:
    """It is said what is there, or what would help."""
    done = command("fetch", "6.12", **facts)
    assert done.code == 2
    assert f"sockmatrix kernels: {said}" in done.err


def test_one_that_is_not_there_loses_no_other(command: Command) -> None:
    """It is said, with status 2; the others are fetched. The newest of all has a name."""
    done = command("fetch", "6.12", "5.10", "newest")
    assert done.code == 2
    assert [line.split()[0] for line in done.out.splitlines()] == ["5.10.262-1", "7.2.13-1"]
    assert done.err.count("\n") == 1


def test_a_damaged_kernel(command: Command) -> None:
    """It is neither booted nor taken for one that is there: fetched anew, it is whole."""
    command("fetch", "5.10")
    kernel = kernels.find("newest", kernels.cache_directory())
    assert sorted(kernel.files) == [
        *(f"modules/{name}.ko" for name in ("bridge", "llc", "stp", "veth")),
        "vmlinuz",
    ]
    assert kernel.damage() == ""
    for path, said in (
        (kernel.vmlinuz, "vmlinuz has another SHA-256 than when it was fetched"),
        (kernel.module_directory / "stp.ko", "modules/stp.ko has another SHA-256 than when it was"),
    ):
        path.write_bytes(b"something else")
        with pytest.raises(NotStartedError) as caught:
            KernelTarget(kernel).modules()
        assert str(caught.value).startswith(f"the kernel 5.10.262-1 in {path.parents[0]}"[:40])
        assert f"is damaged: {said}" in str(caught.value)
        done = command("fetch", "5.10")
        assert done.err.startswith(f"sockmatrix kernels: 5.10.262-1: {said}")
        assert done.out.startswith("5.10.262-1 ")
        assert kernel.damage() == ""
    (kernel.module_directory / "llc.ko").unlink()
    assert kernel.damage() == "modules/llc.ko: No such file or directory"


def test_what_apt_complains_of(command: Command) -> None:
    """A suite that is gone is told, and the others serve."""
    done = command("fetch", "7.1", update="The repository has no Release file.")
    assert done.code == 0
    assert done.err == "sockmatrix kernels: The repository has no Release file.\n"


def test_there_is_no_apt(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is said what else there is."""
    command("list")
    monkeypatch.setenv("PATH", "/nowhere")
    done = command("fetch")
    assert done.code == 2
    assert "there is no apt-get here" in done.err
    assert "--on kernel=PATH/vmlinuz" in done.err


def test_an_empty_cache(command: Command) -> None:
    """It is said where it is, and how to fill it."""
    assert command("list").out.endswith("`sockmatrix kernels fetch 6.12` gets one.\n")


def test_no_room_in_the_cache(command: Command, tmp_path: Path) -> None:
    """A cache that cannot be written is one line."""
    command("list")
    (tmp_path / "file").write_text("")
    done = command("fetch", "7.1", "--cache", str(tmp_path / "file" / "cache"))
    assert done.code == 2
    assert done.err.startswith("sockmatrix kernels: cannot write ")


def test_the_sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The mirrors of this machine's apt, or the one that is named; signatures are apt's to check."""
    for name, value in fakeapt.install(tmp_path).items():
        monkeypatch.setenv(name, value)
    debian.Archive(tmp_path / "own")
    own = (tmp_path / "own" / "sources.list").read_text()
    assert "mirror://main/ trixie main" in own
    assert "mirror://security/ bookworm-security main" in own
    debian.Archive(tmp_path / "named", "mirror://named")
    named = (tmp_path / "named" / "sources.list").read_text()
    assert "mirror://main" not in named
    assert "mirror://named sid main" in named
    assert "trusted" not in own + named
    configuration = (tmp_path / "named" / "apt.conf").read_text()
    assert "AllowUnauthenticated" not in configuration
    assert str(tmp_path / "named" / "lists") in configuration
