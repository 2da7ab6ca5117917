"""Run files: what is written is read, what is cut short says so, what is damaged is refused."""

from __future__ import annotations

import gzip
import json
import os
from typing import TYPE_CHECKING, Any

import fakes
import msgspec
import pytest
from fakes import CELLS, HELLO, cell, header
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sockmatrix import runfile
from sockmatrix.classify import classify
from sockmatrix.observation import decode_seen
from sockmatrix.outcome import Outcome
from sockmatrix.render.escape import printable
from sockmatrix.runfile import CellLine, Footer, Run, RunFileError, count_words
from sockmatrix.runwriter import RunWriter

if TYPE_CHECKING:
    from pathlib import Path

STEADY = settings(
    deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
"""A loaded machine is no reason to fail."""

FOOTER = Footer(counts=count_words(CELLS), ended="complete", seconds=1.5, batches=3)


def written(path: Path) -> Path:
    """Write a complete run to `path`."""
    with RunWriter.create(path, header()) as writer:
        writer.write(CELLS[:5])
        writer.write(CELLS[5:])
        writer.finish(FOOTER)
    return path


def lines_of(*lines: object) -> bytes:
    """Return lines as a file: structs and values are encoded, bytes taken as they are."""
    texts = [line if isinstance(line, bytes) else msgspec.json.encode(line) for line in lines]
    return b"".join(text + b"\n" for text in texts)


def told(path: Path) -> str:
    """Return the run in a file as text, or what is wrong with it; anything else is an error."""
    try:
        return repr(Run.read(path))
    except RunFileError as error:
        return str(error)


@pytest.mark.parametrize("name", ["run.jsonl", "run.jsonl.gz"])
def test_round_trip(tmp_path: Path, name: str) -> None:
    """What was written is read, plain or compressed, in the order written."""
    run = Run.read(written(tmp_path / name))
    assert run.header == header()
    assert list(run.cells.values()) == CELLS
    assert run.footer == FOOTER
    assert run.complete
    assert not run.truncated
    assert (tmp_path / name).read_bytes().startswith(b"\x1f\x8b") == name.endswith(".gz")


def test_header_from_hello() -> None:
    """The header holds what the probe said, and which reuse values exist."""
    assert header().reuse == ("none",)
    assert header().platform.name == "linux 6.12.1"
    with pytest.raises(ValueError, match="platform"):
        header({**HELLO, "platform": {}})


def test_gzip_is_known_by_its_first_bytes(tmp_path: Path) -> None:
    """The name of a file says nothing about its compression when it is read."""
    path = written(tmp_path / "run.jsonl.gz").rename(tmp_path / "renamed")
    assert len(Run.read(path).cells) == len(CELLS)


def test_a_cell_line_is_an_outcome() -> None:
    """A line carries its outcome as its own fields."""
    line = cell("lo4")
    assert isinstance(line, Outcome)
    assert line.outcome == classify(decode_seen(fakes.LAST.seen(fakes.steps(*["any4.addr"] * 3))))
    assert line.facets() == line.outcome.facets()


def test_lines_are_short() -> None:
    """A cell takes about 200 bytes in the mean, its id included."""
    name = "loopback-broadcast/dest:lobcast/A:lobcast.addr+port/B:any4.addr/C:lo4.addr"
    lines = [msgspec.json.encode(CellLine.of(name, 1, line.outcome)) for line in CELLS]
    assert sum(map(len, lines)) / len(lines) < 230


def test_file_cut_at_every_byte(tmp_path: Path) -> None:
    """However a file is cut, its whole lines are read and it says that it was cut."""
    whole = written(tmp_path / "run.jsonl").read_bytes()
    path = tmp_path / "cut.jsonl"
    start = whole.index(b"\n")
    for size in range(start, len(whole) - 1, 7):
        path.write_bytes(whole[:size])
        run = Run.read(path)
        end = whole[:size].count(b"\n") - 1
        assert run.truncated or size >= len(whole) - 1
        assert end <= len(run.cells) <= end + 1
        assert list(run.cells) == [line.id for line in CELLS[: len(run.cells)]]


def test_gzip_cut_at_every_byte(tmp_path: Path) -> None:
    """A compressed file is read as far as it can be unpacked."""
    whole = written(tmp_path / "run.jsonl.gz").read_bytes()
    path = tmp_path / "cut.jsonl.gz"
    read = []
    for size in range(2, len(whole), 5):
        path.write_bytes(whole[:size])
        try:
            run = Run.read(path)
        except runfile.NotARunFile:
            read.append(-1)
        else:
            assert run.truncated
            read.append(len(run.cells))
    assert read == sorted(read)
    assert read[0] == -1
    assert read[-1] >= len(CELLS) - 1


def test_last_line_without_its_end(tmp_path: Path) -> None:
    """A last line that is whole but for its line end is read; an editor may have taken it."""
    path = written(tmp_path / "run.jsonl")
    path.write_bytes(path.read_bytes().rstrip(b"\n"))
    run = Run.read(path)
    assert run.complete
    assert not run.truncated


def test_without_a_footer(tmp_path: Path) -> None:
    """A file that ends with a cell is not finished, and says so."""
    path = tmp_path / "run.jsonl"
    path.write_bytes(lines_of(header(), *CELLS))
    run = Run.read(path)
    assert run.truncated
    assert not run.complete
    assert run.footer is None


def test_blank_lines_and_carriage_returns(tmp_path: Path) -> None:
    """Line ends of other systems and blank lines do no harm."""
    path = written(tmp_path / "run.jsonl")
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n\r\n"))
    assert Run.read(path).complete


HEADER = msgspec.json.encode(header())
ID = "fan-out/A:any4.addr"


@pytest.mark.parametrize(
    ("content", "kind", "line", "says"),
    [
        (b"", runfile.NotARunFile, 0, "empty"),
        (b"\n\n", runfile.NotARunFile, 0, "empty"),
        (b"hello\n", runfile.NotARunFile, 1, "not the header"),
        (b"\x00" * 100, runfile.NotARunFile, 1, "not the header"),
        (b"[" * 60_000, runfile.NotARunFile, 1, "not the header"),
        (b'{"kind":"cell"}\n', runfile.NotARunFile, 1, "begins with 'cell'"),
        (b'{"kind":"header","sch', runfile.NotARunFile, 1, "not the header"),
        (b'{"kind":"header","schema":2}\n', runfile.UnknownSchema, 1, "schema 2"),
        (b'{"kind":"header","schema":1}\n', runfile.WrongType, 1, "missing required field"),
        (lines_of(HEADER, HEADER), runfile.WrongType, 2, "second header"),
        (lines_of(HEADER, b'{"kind":"b\\u001b[m"}'), runfile.WrongType, 2, "b\\x1b[m"),
        (lines_of(HEADER, b"{", b"{}"), runfile.NotJson, 2, "not JSON"),
        (lines_of(HEADER, {"kind": "cell", "id": ID}), runfile.WrongType, 2, "`v`"),
        (lines_of(HEADER, {"kind": "cell", "id": ID, "v": "1"}), runfile.WrongType, 2, "$.v"),
        (lines_of(HEADER, {"kind": "cell", "id": ID, "v": -1}), runfile.WrongType, 2, "$.v"),
        (
            lines_of(HEADER, {"kind": "cell", "id": ID, "v": 1, "delivery": {"": {"word": "x"}}}),
            runfile.WrongType,
            2,
            "word",
        ),
        (lines_of(HEADER, {"kind": "cell", "id": "a\u202eb", "v": 1}), runfile.BadId, 2, "A-Z"),
        (lines_of(HEADER, {"kind": "cell", "id": "a\x1b[m", "v": 1}), runfile.BadId, 2, "A-Z"),
        (lines_of(HEADER, {"kind": "cell", "id": "a\n", "v": 1}), runfile.BadId, 2, "A-Z"),
        (lines_of(HEADER, {"kind": "cell", "id": "<b>", "v": 1}), runfile.BadId, 2, "A-Z"),
        (lines_of(HEADER, cell("1"), cell("1")), runfile.DuplicateCell, 3, "occurs twice"),
        (lines_of(HEADER, b'{"kind":"cell","id":"\xff","v":1}'), runfile.NotUtf8, 2, "UTF-8"),
        (
            lines_of(HEADER, b'{"kind":"cell","id":"a","v":1,"new":"\xff"}'),
            runfile.NotUtf8,
            2,
            "UTF-8",
        ),
        (
            lines_of(HEADER, b'{"kind":"cell","x":' + b"[" * 50_000 + b"]" * 10_000 + b"}"),
            runfile.WrongType,
            2,
            "deep",
        ),
        (lines_of(HEADER, b" " * 70_000), runfile.TooLarge, 2, "bytes"),
        (HEADER + b"\n" + b"x" * 1_000_000, runfile.TooLarge, 2, "bytes"),
        (gzip.compress(HEADER)[:-8] + b"x" * 20, runfile.DamagedGzip, 1, "gzip"),
        (gzip.compress(HEADER) + b"more", runfile.DamagedGzip, 1, "gzip"),
    ],
)
def test_damage_has_a_name(
    tmp_path: Path, content: bytes, kind: type[RunFileError], line: int, says: str
) -> None:
    """Each way a file can be wrong is an exception of its own, with one printable line."""
    path = tmp_path / "run.jsonl"
    path.write_bytes(content)
    with pytest.raises(kind) as caught:
        Run.read(path)
    message = str(caught.value)
    assert type(caught.value) is kind
    assert message.isprintable()
    assert message.startswith(f"{path}:{line}: " if line else f"{path}: ")
    assert says in message
    assert "; " in message


def test_a_gzip_bomb_is_not_unfolded(tmp_path: Path) -> None:
    """A line that unpacks to megabytes is refused long before it is unpacked."""
    path = tmp_path / "bomb.gz"
    path.write_bytes(gzip.compress(HEADER + b"\n" + b" " * 50_000_000))
    with pytest.raises(runfile.TooLarge):
        Run.read(path)


def test_unreadable(tmp_path: Path) -> None:
    """A file that cannot be opened is named, with the system's reason."""
    with pytest.raises(runfile.Unreadable, match="No such file"):
        Run.read(tmp_path / "missing")
    with pytest.raises(runfile.Unreadable):
        Run.read(tmp_path)


def test_too_many_cells(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file with more cells than any run can have is refused, not read to the end."""
    monkeypatch.setattr(runfile, "MAX_CELLS", 3)
    with pytest.raises(runfile.TooLarge, match="more than 3 cells"):
        Run.read(written(tmp_path / "run.jsonl"))


def test_another_version_of_a_cell_holds(tmp_path: Path) -> None:
    """A cell measured again after its scenario or script changed takes the place of the old one."""
    path = tmp_path / "run.jsonl"
    path.write_bytes(lines_of(header(), cell("1"), cell("1", fakes.FIRST, 2), FOOTER))
    assert [line.v for line in Run.read(path).cells.values()] == [2]
    path.write_bytes(lines_of(header(), cell("1", fakes.FIRST, 2), cell("1"), FOOTER))
    assert [line.v for line in Run.read(path).cells.values()] == [1]  # the checksum of a script


def test_unknown_fields_are_ignored(tmp_path: Path) -> None:
    """Fields that a later version adds within the same schema do no harm."""
    path = tmp_path / "run.jsonl"
    extended = {**json.loads(HEADER), "later": {"x": [1, 2]}}
    path.write_bytes(lines_of(extended, FOOTER))
    assert Run.read(path).header == header()


@pytest.mark.parametrize("name", ["run.jsonl", "run.jsonl.gz"])
def test_resume_appends(tmp_path: Path, name: str) -> None:
    """A resumed run knows what is there, and its footer takes the place of the earlier one."""
    path = tmp_path / name
    with RunWriter.create(path, header()) as writer:
        writer.write(CELLS[:4])
        writer.finish(Footer(ended="interrupted"))
    with RunWriter.resume(path, header(started="2026-08-02", seed=8)) as writer:
        assert writer.done == {line.id for line in CELLS[:4]}
        writer.write(CELLS[4:])
        assert Run.read(path).footer is None
        writer.finish(FOOTER)
    run = Run.read(path)
    assert list(run.cells.values()) == CELLS
    assert run.footer == FOOTER


@pytest.mark.parametrize("name", ["run.jsonl", "run.jsonl.gz"])
@pytest.mark.parametrize("cut", [1, 30, 150])
def test_resume_mends_the_end(tmp_path: Path, name: str, cut: int) -> None:
    """A half line or half gzip member at the end is dropped before anything is appended."""
    path = tmp_path / name
    with RunWriter.create(path, header()) as writer:
        for line in CELLS[:6]:
            writer.write([line])
    os.truncate(path, path.stat().st_size - cut)
    with RunWriter.resume(path, header()) as writer:
        done = writer.done
        writer.write(line for line in CELLS if line.id not in done)
        writer.finish(FOOTER)
    run = Run.read(path)
    assert 3 <= len(done) <= 6
    assert list(run.cells.values()) == CELLS
    assert run.complete
    assert list(tmp_path.iterdir()) == [path]


def test_resume_of_nothing_begins(tmp_path: Path) -> None:
    """Resuming a file that is not there begins it."""
    with RunWriter.resume(tmp_path / "run.jsonl", header()) as writer:
        assert not writer.done
    assert Run.read(tmp_path / "run.jsonl").header == header()


@pytest.mark.parametrize(
    ("changed", "what"),
    [
        ({"platform": {**HELLO["platform"], "release": "6.13"}}, "another platform"),
        ({"platform": {**HELLO["platform"], "privileges": "user"}}, "another platform"),
        ({"probe": {"version": "1", "sha256": "cd" * 32}}, "another probe"),
        ({"lab": {**HELLO["lab"], "kind": "host"}}, "another lab"),
    ],
)
def test_resume_elsewhere_is_refused(tmp_path: Path, changed: dict[str, Any], what: str) -> None:
    """What was measured elsewhere is not continued here, and the file is left as it was."""
    path = written(tmp_path / "run.jsonl")
    before = path.read_bytes()
    with pytest.raises(runfile.CannotResume, match=what):
        RunWriter.resume(path, header({**HELLO, **changed}))
    with pytest.raises(runfile.CannotResume, match="other tables"):
        RunWriter.resume(path, header(tables={"fan-out": 2}))
    with pytest.raises(runfile.CannotResume, match="a different use of --fresh"):
        RunWriter.resume(path, header(fresh=True))
    with pytest.raises(runfile.CannotResume, match="another --settle"):
        RunWriter.resume(path, header(settle=0.5))
    assert path.read_bytes() == before


def test_resume_minds_every_lab(tmp_path: Path) -> None:
    """A lab that both runs have must be the same; one that only one of them has may be anything."""
    path = tmp_path / "run.jsonl"
    lab = HELLO["lab"]
    first = header(labs={"gateway": lab, "two-links": lab})
    RunWriter.create(path, first).close()
    assert Run.read(path).header == first
    assert set(Run.read(path).header.labs) == {"gateway", "two-links"}
    for same in ({"gateway": lab}, {"hosts-2": {**lab, "kind": "other"}}, {}):
        RunWriter.resume(path, header(labs=same)).close()
    with pytest.raises(runfile.CannotResume, match="measured in another lab gateway"):
        RunWriter.resume(path, header(labs={"gateway": {**lab, "sysctls": {"net.ipv4.ip_forward": "1"}}}))


def test_labs_are_told_by_what_differs() -> None:
    """A header has the sysctls of the plain lab once; of another one those that are not the same."""
    sysctls = {**HELLO["lab"]["sysctls"], "net.ipv4.ip_local_port_range": "61000 61001"}
    told = header(labs={"one-port-range": {**HELLO["lab"], "sysctls": sysctls}})
    assert told.lab.sysctls == HELLO["lab"]["sysctls"]
    assert told.labs["one-port-range"].sysctls == {"net.ipv4.ip_local_port_range": "61000 61001"}
    assert told.labs["one-port-range"].kind == "private"


def test_a_block_is_written_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the disk is full in the midst of a block, nothing of the block stays."""
    path = tmp_path / "run.jsonl"
    write = os.write
    with RunWriter.create(path, header()) as writer:
        writer.write(CELLS[:2])

        def full(file: int, data: bytes) -> int:
            if len(data) < 100:
                raise OSError(28, "No space left on device")
            return write(file, data[:90])

        monkeypatch.setattr(os, "write", full)
        with pytest.raises(OSError, match="No space"):
            writer.write(CELLS[2:])
        monkeypatch.setattr(os, "write", write)
    run = Run.read(path)
    assert list(run.cells.values()) == CELLS[:2]
    assert not run.ragged


def test_create_replaces_only_files(tmp_path: Path) -> None:
    """A new run takes the place of an old file, but never of a directory or a device."""
    path = tmp_path / "run.jsonl"
    path.write_text("old")
    RunWriter.create(path, header()).close()
    assert Run.read(path).header == header()
    with pytest.raises(runfile.NotAFile):
        RunWriter.create(tmp_path, header())


def test_an_empty_block_writes_nothing(tmp_path: Path) -> None:
    """A block without cells leaves the file as it is."""
    path = tmp_path / "run.jsonl.gz"
    with RunWriter.create(path, header()) as writer:
        before = path.read_bytes()
        writer.write([])
    assert path.read_bytes() == before


def test_printable() -> None:
    """What could drive a terminal or deceive a reader is shown as an escape."""
    assert printable("plain \u00e9 \u2013") == "plain \u00e9 \u2013"
    assert printable("a\x1b]0;x\x07\r\n\u202e\u200b\u00a0") == (
        "a\\x1b]0;x\\x07\\r\\n\\u202e\\u200b\\xa0"
    )
    assert printable("\ud800") == "\\ud800"
    assert printable("x" * 50, limit=10) == "x" * 9 + "\u2026"


@STEADY
@given(st.binary(max_size=300), st.booleans(), st.booleans())
def test_no_content_does_anything_else(
    tmp_path: Path, content: bytes, headed: bool, packed: bool
) -> None:
    """Whatever stands in a file, reading it gives a run or one printable line."""
    content = HEADER + b"\n" + content if headed else content
    path = tmp_path / "run.jsonl"
    path.write_bytes(gzip.compress(content) if packed else content)
    assert told(path).isprintable()


@STEADY
@given(st.data())
def test_damaged_bytes_do_nothing_else(tmp_path: Path, data: st.DataObject) -> None:
    """A real file with some bytes changed gives a run or one printable line, too."""
    whole = bytearray(lines_of(header(), *CELLS[:3], FOOTER))
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(whole) - 1))
        whole[place] = data.draw(st.integers(0, 255))
    path = tmp_path / "run.jsonl"
    path.write_bytes(whole)
    assert told(path).isprintable()
