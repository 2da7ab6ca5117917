"""`sockmatrix report`: one run, several, few cells, and files that are not what they should be."""

from __future__ import annotations

import errno
import os
import re
import threading
from pathlib import Path

import fakes
import pytest
import smallmatrix
from commandline import Commands, Done, write_run

from sockmatrix.selection import Selection
from sockmatrix.wording import NOT_MEASURED


@pytest.fixture
def sockmatrix(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Commands:
    """Run commands with a fake probe."""
    return Commands.prepared(capsys, monkeypatch, tmp_path)


@pytest.mark.parametrize("name", ["one.jsonl", "one.jsonl.gz"])
def test_report(sockmatrix: Commands, name: str) -> None:
    """The tables of one run are those that `run` has printed."""
    write_run(Path(name), sockmatrix.selection)
    done = sockmatrix("report", name)
    assert (done.code, done.err) == (0, "")
    shown = sockmatrix("run", "-o", "same.jsonl").out
    assert shown.startswith(done.out)


def test_report_of_several(sockmatrix: Commands) -> None:
    """Several runs stand side by side; what is the same everywhere is only counted."""
    write_run(Path("one"), sockmatrix.selection)
    write_run(Path("two"), sockmatrix.selection, fakes.REFUSES, release="5.10")
    done = sockmatrix("report", "one", "two")
    assert (done.code, done.err) == (0, "")
    assert re.search(r"^sent to +bound to +linux 5\.10 +linux 6\.12\.1$", done.out, re.MULTILINE)
    assert "B refused" in done.out
    same = sockmatrix("report", "one", "one")
    assert "8 rows are the same on every platform:" in same.out
    assert "All 176 cells, not only those in these tables, are the same on every platform." in same.out
    assert "linux 6.12.1 #2" in sockmatrix("report", "one", "one", "--all").out


def test_report_of_parts(sockmatrix: Commands) -> None:
    """Of runs that measured different cells, only those are shown that one of them has."""
    whole = sockmatrix.selection
    shown = "hearing/dest:lo4/A:any4.{0}/B:any4.{0}/C:any4.{0}"
    for name in ("none", "addr"):
        cells = tuple(cell for cell in whole.cells if cell.id == shown.format(name))
        write_run(Path(name), Selection(whole.plans, cells))
    done = sockmatrix("report", "none", "addr", "--all")
    rows = [line.split()[-2:] for line in done.out.splitlines() if line.startswith("127.")]
    assert rows == [["last", NOT_MEASURED], [NOT_MEASURED, "last"]]


def test_report_markdown(sockmatrix: Commands) -> None:
    """A page about one run says what was measured; both kinds have tables in Markdown."""
    write_run(Path("one"), sockmatrix.selection)
    write_run(Path("two"), sockmatrix.selection, fakes.BSD, release="5.10")
    page = sockmatrix("report", "one", "--format", "markdown").out
    assert page.startswith("# linux 6.12.1\n\n")
    assert "3 repetitions of each of 176 cells" in page
    assert "## hearing\n\nWho hears it?\n\n| sent to" in page
    page = sockmatrix("report", "one", "two", "--format", "markdown").out
    assert page.startswith("## hearing\n")
    assert re.search(r"^\|.*linux 5\.10 *\| linux 6\.12\.1 *\|$", page, re.MULTILINE)


def test_report_of_few_cells(sockmatrix: Commands) -> None:
    """Few cells are listed one by one, many in a summary, unless a list is asked for."""
    write_run(Path("one"), sockmatrix.selection)
    write_run(Path("two"), sockmatrix.selection, fakes.FIRST)
    only = ("--only", "dest=lo4 receivers=2")
    few = sockmatrix("report", "one", "two", *only)
    assert few.code == 0
    assert len(few.out.splitlines()) == 2 + 16
    assert re.search(r"^hearing/dest:lo4/A:lo4.none/B:lo4.none +last +first$", few.out, re.MULTILINE)
    assert sockmatrix("report", "one", *only, "--format", "markdown").out.count("\n") == 2 + 16
    many = sockmatrix("report", "one", "--only", "dest=lo4")
    assert "Who hears it?" in many.out
    assert "127.255.255.255" not in many.out
    cells = sockmatrix("report", "one", "--only", "dest=lo4", "--cells")
    assert len(cells.out.splitlines()) == 2 + 80


def test_few_cells_of_many_platforms(sockmatrix: Commands) -> None:
    """Platforms that agree in all of them share a column."""
    for release in ("5.10", "6.1", "6.12"):
        write_run(Path(release), sockmatrix.selection, release=release)
    write_run(Path("7.0"), sockmatrix.selection, fakes.FIRST, release="7.0")
    only = ("--only", "dest=lo4 receivers=2")
    head, *_ = sockmatrix("report", "5.10", "6.1", "6.12", "7.0", *only).out.splitlines()
    assert re.split(r"  +", head) == ["cell", "linux 5.10\u20136.12", "linux 7.0"]


def test_report_of_what_is_not_there(sockmatrix: Commands) -> None:
    """A run that has none of the cells is named; if none has any, nothing was measured: status 4."""
    whole = sockmatrix.selection
    write_run(Path("udp"), Selection(whole.plans, whole.cells[: smallmatrix.UDP]))
    write_run(Path("all"), sockmatrix.selection)
    done = sockmatrix("report", "udp", "--table", "listening")
    assert done.code == 4
    assert done.err == "udp: has none of these cells\nexit 4: nothing was measured\n"
    done = sockmatrix("report", "all", "udp", "--table", "listening")
    assert (done.code, done.err) == (0, "udp: has none of these cells\n")


@pytest.mark.parametrize("cut", [1, 60, 4000])
def test_report_of_a_truncated_run(sockmatrix: Commands, cut: int) -> None:
    """It is read as far as it goes; that it is cut short is said, and is status 3."""
    path = write_run(Path("one"), sockmatrix.selection)
    path.write_bytes(path.read_bytes()[:-cut])
    done = sockmatrix("report", "one")
    if cut == 1:  # only the last end of line is missing
        assert (done.code, done.err) == (0, "")
        return
    assert done.code == 3
    assert re.fullmatch(
        r"one: cut short, \d+ of 176 cells; the rest is unmeasured\nexit 3: inconclusive\n", done.err
    )
    assert "Who hears it?" in done.out


def test_report_of_an_interrupted_run(sockmatrix: Commands) -> None:
    """A run that was interrupted in good order lacks cells all the same."""
    write_run(Path("one"), sockmatrix.selection, ended="interrupted")
    done = sockmatrix("report", "one")
    assert done.code == 3
    assert done.err.startswith("one: interrupted, 166 of 176 cells; the rest is unmeasured\n")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"\x89PNG\r\n\x1a\n\0\0\0", "bad:1: not the header of a run"),
        (b"", "bad: empty"),
        (b"hello\nworld\n", "bad:1: not the header of a run"),
        (b'{"kind":"cell"}\n', "bad:1: begins with 'cell', not with a header"),
        (b'{"kind":"header","schema":99}\n', "bad:1: schema 99; this sockmatrix knows 1; update"),
        (b"\x1f\x8bnot gzip at all", "bad:1: damaged gzip"),
        (None, "bad: cannot be read: No such file or directory"),
    ],
)
def test_report_of_garbage(sockmatrix: Commands, text: bytes | None, said: str) -> None:
    """A file that is no run is named, in one line, with what is wrong; nothing else is printed."""
    write_run(Path("good"), sockmatrix.selection)
    if text is not None:
        Path("bad").write_bytes(text)
    done = sockmatrix("report", "good", "bad", "-o", "page")
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith(f"sockmatrix report: {said}")
    assert done.err.count("\n") == 1
    assert not Path("page").exists()


def test_report_to_a_file(sockmatrix: Commands) -> None:
    """-o writes what would have been printed, in place of what was there, and prints nothing."""
    write_run(Path("one"), sockmatrix.selection)
    printed = sockmatrix("report", "one").out
    Path("page").write_text("old")
    done = sockmatrix("report", "one", "-o", "page")
    assert done == Done(0, "", "")
    assert Path("page").read_text(encoding="utf-8") == printed
    assert sorted(path.name for path in Path().iterdir()) == ["one", "page"]


def test_report_is_written_whole_or_not_at_all(
    sockmatrix: Commands, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When writing fails, the old file is untouched and nothing lies about."""
    write_run(Path("one"), sockmatrix.selection)
    Path("page").write_text("old")
    write_bytes = Path.write_bytes

    def full(path: Path, data: bytes) -> int:
        write_bytes(path, data[:100])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(Path, "write_bytes", full)
        done = sockmatrix("report", "one", "-o", "page")
    assert done == Done(2, "", "sockmatrix report: cannot write page: No space left on device\n")
    assert Path("page").read_text() == "old"
    assert sorted(path.name for path in Path().iterdir()) == ["one", "page"]


@pytest.mark.parametrize("output", [".", "missing/page", "one/page"])
def test_report_cannot_be_written(sockmatrix: Commands, output: str) -> None:
    """A place where there can be no file is an error, in one line."""
    write_run(Path("one"), sockmatrix.selection)
    done = sockmatrix("report", "one", "-o", output)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith(f"sockmatrix report: cannot write {output}: ")
    assert done.err.count("\n") == 1


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes here")
def test_report_to_a_pipe(sockmatrix: Commands) -> None:
    """What is no regular file (/dev/stdout, /dev/null) is written to, not replaced by a file."""
    write_run(Path("one"), sockmatrix.selection)
    printed = sockmatrix("report", "one").out
    os.mkfifo("pipe")
    got: list[str] = []
    reader = threading.Thread(target=lambda: got.append(Path("pipe").read_text(encoding="utf-8")))
    reader.start()
    done = sockmatrix("report", "one", "-o", "pipe")
    reader.join()
    assert done == Done(0, "", "")
    assert got == [printed]
    assert Path("pipe").is_fifo()
