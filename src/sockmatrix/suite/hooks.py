"""What pytest loads in every run where sockmatrix is installed: options, and whether the suite is named.

It imports nothing else of this package before the suite is asked for.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pytest

NAME = "sockmatrix.suite"
"""How the suite is named on pytest's command line, behind --pyargs, and how ids of tests begin."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options of the suite."""
    group = parser.getgroup("sockmatrix", f"who hears it? (pytest --pyargs {NAME})")
    group.addoption(
        "--sockmatrix-baseline",
        default="auto",
        metavar="FILE",
        help="the run to compare with; auto (the default): the committed one that fits this system",
    )
    group.addoption(
        "--sockmatrix-table", action="append", default=[], metavar="NAME", help="only this table"
    )
    group.addoption(
        "--sockmatrix-only", action="append", default=[], metavar="PATTERN", help="only cells that match"
    )
    group.addoption(
        "--sockmatrix-cell",
        action="append",
        default=[],
        metavar="ID",
        help=f"only this cell; {NAME}::ID, as pytest prints it, means the same",
    )
    group.addoption(
        "--sockmatrix-allow",
        action="append",
        default=[],
        metavar="FILE",
        help="changes that are expected, why and until when",
    )
    group.addoption("--sockmatrix-run", metavar="FILE", help="write a run file too (.gz: gzip)")
    group.addoption(
        "--sockmatrix-repeat", type=int, default=3, metavar="N", help="repetitions (default: 3)"
    )
    group.addoption("--sockmatrix-lab", choices=("auto", "private", "host"), default="auto")
    group.addoption(
        "--sockmatrix-allow-lan",
        action="store_true",
        help="in the host lab: also broadcast and multicast on a real interface",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Load the rest if the suite is named; a cell named as pytest prints it is one to select."""
    found, arguments, cells = named(config.args)
    if found:
        from sockmatrix.suite.plugin import Suite

        config.args = arguments
        config.option.sockmatrix_cell = [*config.option.sockmatrix_cell, *cells]
        config.pluginmanager.register(Suite(config), "sockmatrix-suite")


def named(arguments: Sequence[str]) -> tuple[bool, list[str], list[str]]:
    """Return whether arguments of pytest name the suite, them without its cells, and those cells."""
    found, kept, cells = False, [], []
    for text in arguments:
        place, _, cell = text.partition("::")
        if not _is_suite(place):
            kept.append(text)
            continue
        found = True
        if place not in kept:
            kept.append(place)
        if cell:
            cells.append(cell)
    return found, kept, cells


def _is_suite(text: str) -> bool:
    if text == NAME:
        return True
    return text.rstrip("/\\").endswith("suite") and Path(text).resolve() == Path(__file__).parent
