"""Which run is the baseline: of the same kind, the newest release that is not newer, and why."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import TYPE_CHECKING, Any

import fakes
import msgspec
import pytest

from sockmatrix import baselines
from sockmatrix.baselines import Kind, NoBaselineError, choose, headers
from sockmatrix.runfile import NotARunFile, UnknownSchema

if TYPE_CHECKING:
    from sockmatrix.runformat import Header


def run(release: str, *, lab: str = "private", started: str = "2026-08-01", **changes: Any) -> Header:
    """Return the header of a run on a release."""
    hello = {
        **fakes.HELLO,
        "platform": {**fakes.HELLO["platform"], "release": release, **changes},
        "lab": {**fakes.HELLO["lab"], "kind": lab},
    }
    return fakes.header(hello, started=started)


def pick(here: Header, *others: Header) -> tuple[str, str]:
    """Return the release that is chosen, and why."""
    found = choose({Path(f"{n}.jsonl"): one for n, one in enumerate(others)}, here)
    return found.header.platform.release, found.why


@pytest.mark.parametrize(
    ("here", "others", "chosen", "why"),
    [
        ("6.12.1", ["6.12.1", "6.12"], "6.12.1", "the same release, linux 6.12.1"),
        ("6.10", ["6.9.5", "6.1", "6.11"], "6.9.5", "the newest that is not newer than linux 6.10"),
        ("5.4", ["6.9.5", "5.10", "5.15"], "5.10", "the oldest there is; all are newer than linux 5.4"),
        ("6.3", ["6.3-rc2", "6.3-rc10"], "6.3-rc10", "the newest that is not newer than linux 6.3"),
        ("6.3-rc3", ["6.3", "6.3-rc2"], "6.3-rc2", "the newest that is not newer than linux 6.3-rc3"),
        (
            "6.18.44-a",
            ["6.18.44-b", "6.18.9"],
            "6.18.44-b",
            "another build of the release, linux 6.18.44-a",
        ),
        ("6.8.0-45-generic", ["6.8.0-44-generic", "6.8.0-9-generic", "6.9.1"], "6.8.0-44-generic", None),
        ("odd", ["6.1", "odd"], "odd", "the same release, linux odd"),
    ],
)
def test_release(here: str, others: list[str], chosen: str, why: str | None) -> None:
    """Releases are compared as versions."""
    found = pick(run(here), *map(run, others))
    assert found[0] == chosen
    assert why in (found[1], None)


def test_the_latest_of_one_release() -> None:
    """Of several runs on the same release the one that was made last is taken."""
    dates = ["2026-02-01", "2026-03-01", "2026-01-01"]
    others = {Path(date): run("6.1", started=date) for date in dates}
    assert choose(others, run("6.1")).path == Path("2026-03-01")
    assert choose(others, run("6.2")).path == Path("2026-03-01")
    assert choose(others, run("6.0")).path == Path("2026-03-01")


@pytest.mark.parametrize(
    "other",
    [
        run("6.12.1", stack="gvisor"),
        run("6.12.1", arch="aarch64"),
        run("6.12.1", privileges="user"),
        run("6.12.1", lab="host"),
    ],
)
def test_other_kinds_do_not_fit(other: Header) -> None:
    """Another stack, architecture, user or lab is never compared with by itself; it is named."""
    here = run("6.12.1")
    assert pick(here, other, run("5.10"))[0] == "5.10"
    with pytest.raises(NoBaselineError) as caught:
        pick(here, other)
    text = str(caught.value)
    assert text.startswith(
        "no run to compare linux 6.12.1 (linux on x86_64, private lab, root) with: there is "
    )
    assert str(Kind.of(other)) in text
    assert Kind.of(here).differs(Kind.of(other))
    assert not Kind.of(here).differs(Kind.of(run("5.10")))


def test_nothing_fits() -> None:
    """What there is is named, not all of it, and made printable."""
    with pytest.raises(NoBaselineError, match="there is no run at all"):
        pick(run("6.1"))
    with pytest.raises(NoBaselineError, match=r"linux odd .* with: there is linux 6\.1 "):
        pick(run("odd"), run("6.1"))
    with pytest.raises(NoBaselineError, match=r"; .* and 4 more$"):
        pick(run("6.1"), *(run(f"6.{n}", lab="host") for n in range(9)))
    with pytest.raises(NoBaselineError) as caught:
        pick(run("6.1\x1b[31m\n"), run("6.1\u202e", lab="host"))
    assert str(caught.value).isprintable()


def test_headers(tmp_path: Path) -> None:
    """Only the first lines of the run files of a directory are read, plain or gzip."""
    line = msgspec.json.encode(run("6.1")) + b"\n"
    (tmp_path / "a.jsonl").write_bytes(line + b"broken")
    (tmp_path / "b.jsonl.gz").write_bytes(gzip.compress(line * 2))
    (tmp_path / "README.md").write_text("no run")
    assert headers(tmp_path) == {tmp_path / "a.jsonl": run("6.1"), tmp_path / "b.jsonl.gz": run("6.1")}
    for text, error in ((b"", NotARunFile), (b'{"kind":"header","schema":9}', UnknownSchema)):
        (tmp_path / "c.jsonl").write_bytes(text)
        with pytest.raises(error):
            headers(tmp_path)
    with pytest.raises(OSError, match="nowhere"):
        headers(tmp_path / "nowhere")


def test_suffixes() -> None:
    """The committed runs end like that."""
    committed = Path(__file__).parents[1] / "reports" / "runs"
    assert all(file.name.endswith(baselines.SUFFIXES) for file in committed.iterdir())
