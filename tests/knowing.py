"""What is known, made of fakes: runs of miniature platforms on any system, documents of a line."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import TYPE_CHECKING

import fakes

from sockmatrix import content, table
from sockmatrix.claims import book as claims
from sockmatrix.classify import classify
from sockmatrix.evidence import Knowledge
from sockmatrix.observation import decode_seen
from sockmatrix.runfile import Run
from sockmatrix.runformat import CellLine, Footer
from sockmatrix.runwriter import write_run

if TYPE_CHECKING:
    from collections.abc import Iterable

    from miniatures import Platform

    from sockmatrix.cell import Cell
    from sockmatrix.claims.claim import Book
    from sockmatrix.runformat import Header

TABLES = table.load_all(names=("fan-out", "loopback-broadcast", "bind-conflicts", "users", "multicast6"))

SOURCES = """
[MAN]
title = "a manual"
url = "https://example.org/manual"
kind = "man"
authority = 1
[BLOG]
title = "an article"
url = "https://example.org/article"
kind = "article"
authority = 3
"""


@functools.cache
def committed() -> Knowledge:
    """Return what the committed runs of one kernel and all documents know."""
    runs = [Run.read(path) for path in sorted(content.runs().glob("linux-6.18.44*.gz"))]
    return knowledge(runs, claims.load())


def cell(text: str) -> Cell:
    """Return the cell with an id."""
    return TABLES[text.partition("/")[0]].cell(text)


def line(one: Cell, platform: Platform) -> CellLine:
    """Return what a platform makes of a cell."""
    steps = TABLES[one.table].scenario.steps(one)
    seen = decode_seen(platform.seen([(role, operations) for role, operations in steps]))
    return CellLine.of(one.id, one.version, classify(seen, connects=one.axes.get("transport") == "tcp"))


def header(system: str, release: str, planned: int) -> Header:
    """Return the header of a run on a system."""
    stack = {"linux": "linux"}.get(system, system)
    platform = {**fakes.HELLO["platform"], "os": system, "release": release, "stack": stack}
    return fakes.header({**fakes.HELLO, "platform": platform}, planned=planned)


def run(cells: Iterable[Cell], platform: Platform, system: str = "linux", release: str = "6.12.1") -> Run:
    """Return the run of a platform that calls itself a system."""
    lines = {one.id: line(one, platform) for one in cells}
    return Run(Path("fake"), header(system, release, len(lines)), lines, Footer(ended="complete"))


def write(path: Path, one: Run) -> Path:
    """Write a run to a file."""
    write_run(path, [one.header, *one.cells.values(), Footer(ended="complete")])
    return path


def documents(place: Path, *texts: str) -> Book:
    """Return documents, each "MAN-1 system,system | pattern | expectation; expectation | versions"."""
    place.mkdir(exist_ok=True)
    (place / "sources.toml").write_text(SOURCES)
    parts = []
    for text in texts:
        head, pattern, expect, *versions = (part.strip() for part in text.split(" | "))
        name, systems = head.split()
        entry = {
            "id": name,
            "statement": f"what {name} says",
            "source": name.partition("-")[0],
            "section": "1",
            "os": systems.split(","),
            "cells": [pattern],
            "expect": [term.strip() for term in expect.split(";")],
            **({"versions": versions[0]} if versions else {}),
        }
        lines = [f"{key} = {json.dumps(value)}" for key, value in entry.items()]
        parts.append("\n".join(["[[claim]]", *lines]))
    if parts:
        (place / "all.toml").write_text("\n".join(parts))
    return claims.load(place)


def knowledge(runs: Iterable[Run] = (), book: Book | None = None) -> Knowledge:
    """Return what some runs and documents know."""
    scenarios = {name: one.scenario for name, one in TABLES.items()}
    return Knowledge(runs, book.claims.values() if book else (), scenarios)
