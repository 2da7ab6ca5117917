"""The cells of many runs as one flat table, written run by run: thousands never are in memory at once.

As Parquet it is written by DuckDB (the extra `sockmatrix[parquet]`), by way of a database in a
temporary directory; as JSON Lines without anything.
"""

from __future__ import annotations

import contextlib
import functools
import gzip
import io
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec

from sockmatrix.files import replacing
from sockmatrix.render.escape import printable
from sockmatrix.rows import axes_of, facets_text
from sockmatrix.wording import cell_headline, headline

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from sockmatrix.cell import Cell
    from sockmatrix.runfile import Run

Add: TypeAlias = "Callable[[Iterable[Mapping[str, Any]]], None]"

SCHEMA = {
    "run": "INTEGER",
    "file": "VARCHAR",
    "platform": "VARCHAR",
    "os": "VARCHAR",
    "stack": "VARCHAR",
    "release": "VARCHAR",
    "build": "VARCHAR",
    "arch": "VARCHAR",
    "distribution": "VARCHAR",
    "virtualisation": "VARCHAR",
    "runner": "VARCHAR",
    "privileges": "VARCHAR",
    "lab": "VARCHAR",
    "probe": "VARCHAR",
    "started": "DATE",
    "complete": "BOOLEAN",
    "cell": "VARCHAR",
    "table": "VARCHAR",
    "version": "BIGINT",
    "axes": "MAP(VARCHAR, VARCHAR)",
    "word": "VARCHAR",
    "headline": "VARCHAR",
    "n": "BIGINT",
    "missed": "BIGINT",
    "outcome": "VARCHAR",
}
"""The columns, with their types in DuckDB. `run` numbers the files from 1; `outcome` is JSON."""

_PLATFORM = (
    "os",
    "stack",
    "release",
    "build",
    "arch",
    "distribution",
    "virtualisation",
    "runner",
    "privileges",
)

_axes = functools.cache(axes_of)

_encode = msgspec.json.Encoder(order="deterministic").encode


class ExportError(Exception):
    """The table cannot be written; the message, a printable line, says why and what to do."""


def rows(number: int, run: Run, cells: Mapping[str, Cell]) -> Iterator[dict[str, Any]]:
    """Yield a row for each cell of a run; `cells` are those whose axes are known here, by id."""
    header, platform = run.header, run.header.platform
    facts = {
        "run": number,
        "file": printable(run.path.name),
        "platform": printable(platform.name),
        **{name: printable(getattr(platform, name)) for name in _PLATFORM},
        "lab": header.lab.kind,
        "probe": header.probe.sha256,
        "started": header.started,
        "complete": run.complete,
    }
    for name, line in run.cells.items():
        cell = cells.get(name)
        yield {
            **facts,
            "cell": name,
            "table": name.partition("/")[0],
            "version": line.v,
            "axes": _axes(cell) if cell else _parts(name),
            "word": line.word,
            "headline": cell_headline(cell, line) if cell else headline(line),
            "n": line.n,
            "missed": line.missed,
            "outcome": facets_text(line),
        }


def _parts(name: str) -> dict[str, str]:
    """Return what the id of an unknown cell says of its axes; its sockets stay as they are written."""
    parts = (part.partition(":") for part in name.split("/")[1:])
    return {key: value for key, _, value in parts}


@contextlib.contextmanager
def json_lines(path: Path) -> Iterator[Add]:
    """Give what adds rows to a table in JSON Lines, compressed if its name ends in .gz.

    The file is there, whole, in the end, or not at all. Raises OSError.
    """
    with replacing(path) as place, place.open("wb") as raw:
        if path.suffix == ".gz":
            with (
                gzip.GzipFile("", "wb", 6, raw, mtime=0) as packed,
                io.BufferedWriter(packed, _AT_ONCE) as file,
            ):
                yield lambda some: file.writelines(map(_line, some))
        else:
            yield lambda some: raw.writelines(map(_line, some))


@contextlib.contextmanager
def parquet(path: Path) -> Iterator[Add]:
    """Give what adds rows to a table in Parquet, compressed with Zstandard.

    The file is there, whole, in the end, or not at all. Raises OSError, ExportError.
    """
    try:
        import duckdb
    except ImportError:
        raise ExportError(
            "Parquet is written by DuckDB, which is not installed: pip install 'sockmatrix[parquet]';"
            " or write --jsonl, which DuckDB reads too"
        ) from None
    with replacing(path) as place, tempfile.TemporaryDirectory(prefix="sockmatrix-") as scratch:
        rows_file = Path(scratch) / "rows.jsonl"
        columns = ", ".join(f"{_quoted(name)}: {_quoted(kind)}" for name, kind in SCHEMA.items())
        load = (
            f"INSERT INTO cells SELECT * FROM read_json({_quoted(str(rows_file))},"  # noqa: S608 - ours
            f" format = 'newline_delimited', columns = {{{columns}}})"
        )
        names = ", ".join(f'"{name}" {kind}' for name, kind in SCHEMA.items())
        with duckdb.connect(str(Path(scratch) / "cells.duckdb"), config=_CONFIG) as database:
            database.execute(f"CREATE TABLE cells ({names})")

            def add(some: Iterable[Mapping[str, Any]]) -> None:
                with rows_file.open("wb") as file:
                    file.writelines(map(_line, some))
                database.execute(load)

            try:
                yield add
                database.execute(
                    f"COPY cells TO {_quoted(str(place))} (FORMAT parquet, COMPRESSION zstd)"
                )
            except duckdb.Error as error:
                raise ExportError(f"DuckDB cannot write this: {printable(str(error), 200)}") from error


_AT_ONCE = 1 << 18
"""Bytes that are compressed in one go."""

_CONFIG: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": "false",  # nothing is fetched from anywhere
    "autoload_known_extensions": "false",
    "memory_limit": "1GB",
}


def _line(row: Mapping[str, Any]) -> bytes:
    return _encode(row) + b"\n"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
