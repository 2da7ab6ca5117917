"""A kernel that is asked for by its version is fetched when it is not there: with a fake apt."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import fakeapt
import pytest

from sockmatrix.targets import fetching
from sockmatrix.targets.conversation import NotStartedError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sockmatrix.targets.kernels import Kernel

    Fetch = Callable[..., Kernel]


@pytest.fixture
def fetch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Fetch:
    """Return what fetches a kernel into a cache of its own; the fake apt's facts are keywords."""

    def run(wanted: str, **facts: Any) -> Kernel:
        if not (tmp_path / "bin").exists():
            for name, value in fakeapt.install(tmp_path, **facts).items():
                monkeypatch.setenv(name, value)
        return fetching.kernel(wanted, tmp_path / "cache")

    return run


def test_what_is_asked_for_first_is_fetched_and_then_kept(
    fetch: Fetch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is said, for it takes a while; the second time there is nothing to say."""
    assert fetch("7.2").version == "7.2.13-1"
    said = "sockmatrix: fetching Linux 7.2.13-1 from Debian's packages, 4 MB\n"
    assert capsys.readouterr().err == said
    fakeapt.change(unreachable=True)
    assert fetch("7.2").version == "7.2.13-1"
    assert capsys.readouterr().err == ""


def test_a_package_that_is_gone_leaves_the_one_before(fetch: Fetch) -> None:
    """Lists may name more than the archive still has."""
    assert fetch("5.10", gone=["5.10.0-46"]).version == "5.10.261-1"


@pytest.mark.parametrize(
    ("wanted", "facts", "said"),
    [
        ("4.19", {}, "there is no kernel 4.19 in Debian's lists; they have 7.2, 7.1, 5.10"),
        ("7.1", {"gone": ["7.1.13"]}, "404"),
        ("5.10", {"unreachable": True}, "Temporary failure resolving"),
        ("5.10", {"full": True}, "No space left on device"),
        ("5.10", {"archive": "", "update": "no route to the mirror"}, "no route to the mirror"),
    ],
)
def test_what_cannot_be_had_says_why(fetch: Fetch, wanted: str, facts: dict[str, Any], said: str) -> None:
    """In a line that begins with what is missing."""
    with pytest.raises(NotStartedError) as caught:
        fetch(wanted, **facts)
    text = str(caught.value)
    assert text.startswith(f"there is no kernel {wanted} in ")
    assert "; it cannot be fetched now: " in text
    assert said in text
    assert "\n" not in text


def test_without_apt(fetch: Fetch, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A machine that is not Debian's takes a kernel of its own."""
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    with pytest.raises(NotStartedError, match=r"there is no apt-get here: .*--on kernel=PATH/vmlinuz"):
        fetch("6.12")


def test_a_cache_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where it is says the message."""
    for name, value in fakeapt.install(tmp_path).items():
        monkeypatch.setenv(name, value)
    (tmp_path / "file").write_text("")
    with pytest.raises(NotStartedError, match=r"cannot write .*file.*: Not a directory"):
        fetching.kernel("6.12", tmp_path / "file" / "cache")
