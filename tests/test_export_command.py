"""`sockmatrix export`: the cells of many runs as one table."""

from __future__ import annotations

import gzip
import json
import sys
from pathlib import Path
from typing import Any

import fakes
import pytest
import smallmatrix
from commandline import Commands, write_run

from sockmatrix import fleet
from sockmatrix.runfile import Run


@pytest.fixture
def sockmatrix(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Commands:
    """Run commands where there are runs of two platforms."""
    commands = Commands.prepared(capsys, monkeypatch, tmp_path)
    write_run(Path("one.jsonl"), commands.selection)
    write_run(Path("two.jsonl.gz"), commands.selection, fakes.REFUSES, release="5.10")
    return commands


def lines(path: str) -> list[dict[str, Any]]:
    """Return the rows of a table in JSON Lines."""
    data = Path(path).read_bytes()
    text = gzip.decompress(data) if path.endswith(".gz") else data
    return [json.loads(line) for line in text.splitlines()]


@pytest.mark.parametrize("name", ["cells.jsonl", "cells.jsonl.gz"])
def test_json_lines(sockmatrix: Commands, name: str) -> None:
    """There is a row for each cell of each run, with what was measured where, and the outcome."""
    done = sockmatrix("export", "one.jsonl", "two.jsonl.gz", "--jsonl", name)
    assert (done.code, done.err) == (0, "")
    assert done.out == f"{name}: {2 * smallmatrix.ALL} cells of 2 runs\n"
    found = lines(name)
    assert len(found) == 2 * smallmatrix.ALL
    assert all(sorted(row) == sorted(fleet.SCHEMA) for row in found)
    assert {(row["run"], row["file"], row["platform"]) for row in found} == {
        (1, "one.jsonl", "linux 6.12.1"),
        (2, "two.jsonl.gz", "linux 5.10"),
    }
    (row,) = [
        row
        for row in found
        if row["cell"] == "hearing/dest:lo4/A:any4.addr/B:lo4.none" and row["run"] == 2
    ]
    assert row["axes"]["dest"] == "lo4"
    assert (row["axes"]["A.bind"], row["axes"]["B.reuse"]) == ("any4", "none")
    assert (row["word"], row["headline"], row["n"], row["table"]) == (
        "refused",
        "B refused",
        3,
        "hearing",
    )
    assert json.loads(row["outcome"])["failed"] == {"B": "bind EADDRINUSE"}


def test_cells_that_are_unknown_here(sockmatrix: Commands) -> None:
    """A cell of another version of the tables is exported too, with what its id says."""
    path = Path("one.jsonl")
    path.write_text(path.read_text().replace('"hearing/dest:lo4/A:any4', '"other/dest:lo4/A:any9'))
    assert sockmatrix("export", "one.jsonl", "--jsonl", "cells").code == 0
    row = next(row for row in lines("cells") if row["table"] == "other")
    assert row["axes"]["dest"] == "lo4"
    assert row["axes"]["A"].startswith("any9")


def test_parquet(sockmatrix: Commands) -> None:
    """The examples of the help run on the table, whose columns have their types."""
    duckdb = pytest.importorskip("duckdb", reason="DuckDB (sockmatrix[parquet]) is not installed")
    done = sockmatrix("export", "one.jsonl", "two.jsonl.gz", "--parquet", "cells.parquet")
    assert (done.code, done.err) == (0, "")
    assert sorted(path.name for path in Path().iterdir()) == [
        "cells.parquet",
        "one.jsonl",
        "two.jsonl.gz",
    ]
    described = duckdb.sql("DESCRIBE SELECT * FROM 'cells.parquet'").fetchall()
    assert {row[0]: row[1] for row in described} == fleet.SCHEMA
    sockmatrix("export", "one.jsonl", "two.jsonl.gz", "--jsonl", "cells.jsonl")
    relation = duckdb.sql("SELECT run, cell, axes, word, outcome FROM 'cells.parquet' ORDER BY ALL")
    flat = [
        (row["run"], row["cell"], row["axes"], row["word"], row["outcome"])
        for row in lines("cells.jsonl")
    ]
    assert sorted(relation.fetchall(), key=lambda row: row[:2]) == sorted(flat, key=lambda row: row[:2])
    about = sockmatrix("export", "--help").out
    queries = [part.partition(";")[0] for part in about.split("  SELECT ")[1:]]
    assert len(queries) == 2
    counts, cells = (duckdb.sql("SELECT " + query).fetchall() for query in queries)
    assert len(cells) > 100
    assert counts == []


def test_parquet_without_duckdb(sockmatrix: Commands, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is missing is named in one line, with how to install it and what goes without."""
    monkeypatch.setitem(sys.modules, "duckdb", None)
    done = sockmatrix("export", "one.jsonl", "--parquet", "cells.parquet")
    assert (done.code, done.out) == (2, "")
    assert done.err == (
        "sockmatrix export: Parquet is written by DuckDB, which is not installed:"
        " pip install 'sockmatrix[parquet]'; or write --jsonl, which DuckDB reads too\n"
    )


def test_numbers_that_no_column_holds(sockmatrix: Commands) -> None:
    """A number beyond all reason in a run file is one line, and no file."""
    pytest.importorskip("duckdb", reason="DuckDB (sockmatrix[parquet]) is not installed")
    path = Path("one.jsonl")
    path.write_text(path.read_text().replace('"n":3', f'"n":{2**63}'))
    done = sockmatrix("export", "one.jsonl", "--parquet", "cells.parquet")
    assert (done.code, done.out) == (2, "")
    assert done.err.count("\n") == 1
    assert not list(Path().glob("cells*"))


@pytest.mark.parametrize("form", ["--jsonl", "--parquet"])
def test_whole_or_not_at_all(sockmatrix: Commands, form: str) -> None:
    """When a run among many is damaged the old table stays, and nothing lies about."""
    if form == "--parquet":
        pytest.importorskip("duckdb", reason="DuckDB (sockmatrix[parquet]) is not installed")
    Path("cells").write_text("old")
    Path("bad").write_text("{}\n")
    before = sorted(Path().iterdir())
    done = sockmatrix("export", "one.jsonl", "bad", form, "cells")
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("sockmatrix export: bad:1: not the header of a run")
    done = sockmatrix("export", "one.jsonl", form, "missing/cells")
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("sockmatrix export: ")
    assert done.err.count("\n") == 1
    assert sockmatrix("export", "one.jsonl", form, ".").code == 2
    assert Path("cells").read_text() == "old"
    assert sorted(Path().iterdir()) == before


def test_incomplete_runs(sockmatrix: Commands) -> None:
    """A run that was cut short is exported as far as it goes, and status 3 says so."""
    path = Path("one.jsonl")
    path.write_bytes(path.read_bytes()[:-2000])
    done = sockmatrix("export", "one.jsonl", "two.jsonl.gz", "--jsonl", "cells")
    assert done.code == 3
    assert done.err.startswith("one.jsonl: cut short, ")
    assert {row["complete"] for row in lines("cells") if row["run"] == 1} == {False}
    assert len(lines("cells")) == smallmatrix.ALL + len(Run.read(path).cells)


def test_nothing_to_export(sockmatrix: Commands) -> None:
    """A run without cells is an empty table, and status 4."""
    path = Path("one.jsonl")
    path.write_text(path.read_text().partition("\n")[0] + "\n")
    done = sockmatrix("export", "one.jsonl", "--jsonl", "cells")
    assert done.code == 4
    assert lines("cells") == []
