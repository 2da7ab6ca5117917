"""Hostile run files: every command that reads one refuses it in a line, or shows it and obeys nothing.

The files are in `data/hostile/`, made by the program there; what is too large is made here.
"""

from __future__ import annotations

import gzip
import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import smallclaims
from commandline import ROOT, Commands, write_run
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sockmatrix import cli, content, runfile, runtext
from sockmatrix.runfile import Run, RunFileError
from sockmatrix.selection import Selection

if TYPE_CHECKING:
    from types import ModuleType

    from commandline import Done

HOSTILE = Path(__file__).parent / "data" / "hostile"


def _maker() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_hostile", HOSTILE / "make.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


MAKE = _maker()

CELL = "hearing/dest:lo4/A:lo4.addr/B:lo4.addr"

READERS: dict[str, list[str]] = {
    "report": [
        "BAD",
        "GOOD BAD --cells --only table=hearing",
        "BAD GOOD --differ --format markdown",
        "GOOD BAD --format html -o out",
        "BAD --format csv",
        "BAD --format json",
        "BAD GOOD --pivot dest,platform",
    ],
    "diff": ["BAD GOOD", "GOOD BAD --all --format markdown", "BAD GOOD --json"],
    "merge": ["BAD -o out", "BAD OTHER -o out.gz"],
    "export": ["GOOD BAD --jsonl out"],
    "claims": ["BAD", "BAD --all --json"],
    "predict": ["BAD", "BAD --json"],
    "check": [
        "--baseline GOOD --run BAD --all --junit out --markdown page",
        "--baseline BAD --run GOOD --tap -",
    ],
    "explain": [f"{CELL} BAD", f"{CELL} GOOD BAD --json"],
    "rules": ["BAD --table hearing"],
    "history": ["hearing DIRECTORY"],
    "recipe": ["--runs BAD", "--runs BAD --json"],
    "repro": [f"{CELL} --run BAD -o out", f"{CELL} --as c --run BAD"],
    "coexist": ["--runs BAD --theirs addr@any --mine addr@any"],
}
"""How each command reads run files: BAD is the one in question, beside a GOOD one; `out` is written."""

OF_REAL_TABLES = {"recipe", "coexist"}
"""Commands that speak of certain tables."""

OTHERS = {"run", "list", "lint", "doctor", "kernels", "probe", "import", "bisect"}
"""Commands that read none, but for `run`, which goes on with one, and `bisect`, which reads its own."""


@pytest.fixture
def sockmatrix(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Commands:
    """Run commands where there is a good run."""
    commands = Commands.prepared(capsys, monkeypatch, tmp_path)
    smallclaims.write(content.matrix())
    Path("good").write_bytes(MAKE.WHOLE)
    tcp = commands.selection.plans[1]
    write_run(Path("other"), Selection((tcp,), tcp.cells))
    return commands


def test_every_command_is_here() -> None:
    """A new command says in this module how it reads run files, or that it does not."""
    assert set(cli.COMMANDS) <= {*READERS, *OTHERS}


@pytest.mark.parametrize("kind", ["damaged", "cut", "wild"])
def test_the_corpus_is_what_its_program_makes(kind: str) -> None:
    """The files can be read about, and made again."""
    made = MAKE.FILES[kind]()
    assert {path.name: path.read_bytes() for path in (HOSTILE / kind).iterdir()} == made


def attempts(sockmatrix: Commands, command: str, kind: str) -> list[tuple[str, Done, dict[str, str]]]:
    """Run a command on the files of a kind; return what it said and wrote each time.

    A wild one is read in every way that the command has, any other in one. Some commands need tables
    that only the real matrix has, which takes long: they get one that can be read.
    """
    found = []
    lines = READERS[command]
    files = sorted((HOSTILE / kind).iterdir())
    if command in OF_REAL_TABLES and kind != "damaged":
        sockmatrix.monkeypatch.setattr(content, "matrix", lambda: ROOT / "matrix")
        files, lines = files[:1], lines[:1]
    for place, file in enumerate(files):
        directory = Path("runs")
        directory.mkdir(exist_ok=True)
        (directory / "bad.jsonl").write_bytes(file.read_bytes())
        words = {"BAD": "runs/bad.jsonl", "GOOD": "good", "OTHER": "other", "DIRECTORY": "runs"}
        for line in lines if kind == "wild" else lines[place % len(lines) :][:1]:
            done = sockmatrix(command, *(words.get(word, word) for word in line.split()))
            said = f"sockmatrix {command} {line} ({kind}/{file.name}): {done}"
            written = {}
            for path in sorted(Path().iterdir()):
                if path.name not in ("good", "other", "runs"):
                    data = path.read_bytes()
                    written[path.name] = (
                        gzip.decompress(data) if path.suffix == ".gz" else data
                    ).decode()
                    path.unlink()
            found.append((said, done, written))
    return found


def harmless(text: str) -> bool:
    """Tell whether a text does nothing to a terminal, a page or a reader's eyes."""
    return all(line.isprintable() for line in text.replace("\r\n", "\n").split("\n"))


@pytest.mark.parametrize("command", [name for name in READERS if name in cli.COMMANDS])
def test_damage(sockmatrix: Commands, command: str) -> None:
    """A damaged file is one clear line and status 2; nothing is printed or written beside."""
    for said, done, written in attempts(sockmatrix, command, "damaged"):
        assert (done.code, done.out, written) == (2, "", {}), said
        assert done.err.startswith(f"sockmatrix {command}: runs/bad.jsonl:"), said
        assert done.err.count("\n") == 1, said
        assert harmless(done.err), said
        assert len(done.err) < 800, said


@pytest.mark.parametrize("command", [name for name in READERS if name in cli.COMMANDS])
def test_cut(sockmatrix: Commands, command: str) -> None:
    """A file that lacks its end is read as far as it goes, and said to be incomplete."""
    for said, done, written in attempts(sockmatrix, command, "cut"):
        assert done.code == 3, said
        assert "the rest is unmeasured" in done.err, said
        assert harmless(done.out + done.err + "".join(written.values())), said
        assert not [name for name in written if name.endswith(".partial")], said


@pytest.mark.parametrize("command", [name for name in READERS if name in cli.COMMANDS])
def test_wild(sockmatrix: Commands, command: str) -> None:
    """What a run says is shown as it is: no control or bidirectional characters, no markup."""
    for said, done, written in attempts(sockmatrix, command, "wild"):
        assert done.code in (0, 1, 2, 3, 4), said
        assert harmless(done.out + done.err), said
        if command == "merge":  # this is data, and stays what it was
            continue
        assert harmless("".join(written.values())), said
        if "html" in said.partition("(")[0]:
            assert "<script>" not in written["out"], said
            assert "<img" not in written["out"], said


def test_going_on_with_damage(sockmatrix: Commands) -> None:
    """`run --resume` goes on with no damaged file, and leaves it as it is."""
    for file in sorted((HOSTILE / "damaged").iterdir())[::8]:
        Path("bad").write_bytes(file.read_bytes())
        done = sockmatrix("run", "-o", "bad", "--resume")
        assert (done.code, done.out) == (2, ""), file.name
        assert done.err.count("\n") == 1, done.err
        assert harmless(done.err), done.err
        assert Path("bad").read_bytes() == file.read_bytes()
        assert sorted(path.name for path in Path().iterdir()) == ["bad", "good", "other"]


def said(text: str) -> str:
    """Return a message, which is one harmless line that is not too long."""
    assert text.isprintable()
    assert len(text) < 1000
    return text


def told(path: Path) -> str:
    """Return what is wrong with a file, nothing if it can be read; anything but a line is an error."""
    try:
        run = Run.read(path)
    except RunFileError as error:
        return said(str(error))
    return "" if all(name == line.id for name, line in run.cells.items()) else "a cell under another id"


def test_bombs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What unfolds without end is given up at a bound: of a line, of cells, of the whole."""
    path = tmp_path / "bomb"
    path.write_bytes(gzip.compress(MAKE.text(MAKE.HEADER) + bytes(1 << 20)))
    assert "a line of more than 65536 bytes" in told(path)
    path.write_bytes(gzip.compress(MAKE.text(MAKE.HEADER) + b"\n" * (1 << 21)))
    assert told(path) == ""
    monkeypatch.setattr(runtext, "MAX_BYTES", 1 << 20)
    assert "more than 1 MiB" in told(path)
    path.write_bytes(MAKE.text(MAKE.HEADER) + b" \n" * (1 << 20))
    assert "more than 1 MiB" in told(path)
    monkeypatch.setattr(runfile, "MAX_CELLS", 3)
    path.write_bytes(MAKE.WHOLE)
    assert "more than 3 cells" in told(path)


def test_a_file_that_goes_on_in_itself(tmp_path: Path) -> None:
    """Thousands of gzip members, thousands of footers: each is read once."""
    path = tmp_path / "members"
    path.write_bytes(MAKE.packed(MAKE.text(MAKE.HEADER)) + 3000 * MAKE.packed(MAKE.text(MAKE.FOOTER)))
    assert told(path) == ""


STEADY = settings(
    deadline=None,
    max_examples=150,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
"""A loaded machine is no reason to fail."""

SOURCES = st.sampled_from([MAKE.WHOLE, MAKE.PACKED, *MAKE.wild().values()])

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.just(10**400),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@STEADY
@given(SOURCES, st.data())
def test_flipped_bytes(tmp_path: Path, whole: bytes, data: st.DataObject) -> None:
    """Whatever becomes of its bytes, a file is read, or refused in one line."""
    mutable = bytearray(whole)
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(mutable) - 1))
        how = data.draw(st.sampled_from(["flip", "cut", "insert", "drop"]))
        if how == "flip":
            mutable[place] = data.draw(st.integers(0, 255))
        elif how == "cut":
            del mutable[place + 1 :]
        elif how == "insert":
            mutable[place:place] = data.draw(st.binary(max_size=20))
        else:
            del mutable[place : place + data.draw(st.integers(1, 9))]
        if not mutable:
            break
    path = tmp_path / "bytes"
    path.write_bytes(mutable)
    told(path)


def _swap(value: object, data: st.DataObject) -> object:
    """Return a JSON value in which something, somewhere, is of another type or beside what was."""
    if isinstance(value, dict) and value and data.draw(st.booleans()):
        key = data.draw(st.sampled_from(sorted(value)))
        return {**value, key: _swap(value[key], data)}
    if isinstance(value, dict) and data.draw(st.booleans()):
        return {**value, data.draw(st.text(max_size=8)): data.draw(VALUES)}
    if isinstance(value, list) and value and data.draw(st.booleans()):
        place = data.draw(st.integers(0, len(value) - 1))
        return [*value[:place], _swap(value[place], data), *value[place + 1 :]]
    return data.draw(VALUES)


@STEADY
@given(st.data())
def test_swapped_types(tmp_path: Path, data: st.DataObject) -> None:
    """Whatever stands in a line in place of what belongs there, the file is read, or refused."""
    lines: list[object] = [MAKE.HEADER, *MAKE.CELLS, MAKE.FOOTER]
    lines[3] = {**MAKE.CELLS[2], "variants": [{"n": 1, "open": 1, "failed": {"B": "bind EADDRINUSE"}}]}
    place = data.draw(st.integers(0, len(lines) - 1))
    lines[place] = _swap(lines[place], data)
    path = tmp_path / "types"
    path.write_bytes(MAKE.text(*lines))
    if not told(path):
        run = Run.read(path)
        assert all(line.word and line.facets() for line in run.cells.values())
