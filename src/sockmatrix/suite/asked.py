"""What the options of the suite ask for: which cells, measured how, held against which baseline."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from sockmatrix import baselines, content
from sockmatrix.baselines import AUTO, Kind
from sockmatrix.runfile import header, read_header
from sockmatrix.selection import Selection, SelectionError, select
from sockmatrix.target import Probe, ProbeOptions
from sockmatrix.targets import names

if TYPE_CHECKING:
    from sockmatrix.runformat import Header


def check(options: Any) -> None:
    """Raise UsageError for numbers and files that cannot be right."""
    if options.sockmatrix_repeat < 1:
        raise pytest.UsageError("--sockmatrix-repeat: at least 1")
    if options.sockmatrix_run and Path(options.sockmatrix_run).exists():
        raise pytest.UsageError(f"--sockmatrix-run: {options.sockmatrix_run} exists")


def few(options: Any) -> bool:
    """Tell whether options choose cells: then they may be wrong, which is found out at once."""
    return bool(options.sockmatrix_table or options.sockmatrix_only or options.sockmatrix_cell)


def cells(options: Any) -> Selection:
    """Return the cells that options ask for: of those that match, those with an id. Raises UsageError."""
    try:
        return _cells(options)
    except SelectionError as error:
        raise pytest.UsageError(str(error)) from error


def _cells(options: Any) -> Selection:
    tables, ids = options.sockmatrix_table, options.sockmatrix_cell
    if not ids:
        return select(tables, options.sockmatrix_only)
    found = select(tables or [cell.partition("/")[0] for cell in ids], options.sockmatrix_only)
    if unknown := set(ids) - found.ids:
        raise SelectionError(f"there is no cell {min(unknown)}")
    return Selection(found.plans, tuple(cell for cell in found.cells if cell.id in ids))


def probe_options(options: Any) -> ProbeOptions:
    """Return what a probe is started with."""
    return ProbeOptions(options.sockmatrix_lab, options.sockmatrix_allow_lan)


def hello(options: Any) -> dict[str, Any]:
    """Return what a probe says of this machine. Raises TargetError."""
    target = names.parse("local").make(1)
    probe = Probe(target, probe_options(options), (0, 1))
    try:
        return probe.hello
    finally:
        probe.stop()
        target.close()


def header_of(told: dict[str, Any]) -> Header:
    """Return the header of a run here, as far as baselines are told apart by it."""
    return header(dict(told), tool="0", tables={}, planned=0, repeat=1, seed=0, started="1970-01-01")


def baseline(options: Any, here: Header) -> tuple[Path, str]:
    """Return the baseline, and why it was chosen or what it differs in.

    Raises NoBaselineError, RunFileError.
    """
    name = options.sockmatrix_baseline
    if name == AUTO:
        chosen = baselines.choose(baselines.headers(content.runs()), here)
        return chosen.path, chosen.why
    differs = Kind.of(read_header(Path(name))).differs(Kind.of(here))
    return Path(name).resolve(), f"measured elsewhere: here {differs}" if differs else ""
