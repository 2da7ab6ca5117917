"""Two tables, 160 UDP and 16 TCP cells: enough to measure with a fake probe in no time."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from sockmatrix import plan, table
from sockmatrix.measure import Block
from sockmatrix.selection import Selection

if TYPE_CHECKING:
    from collections.abc import Sequence

    from miniatures import Platform

    from sockmatrix.cell import Cell

UDP, TCP, ALL = 160, 16, 176
"""Cells of each table, and of both."""

VERSIONS = {"hearing": 3, "listening": 5}
"""Versions of their scenarios, for whom none were better."""

_TABLES = {
    "hearing": """
question = "Who hears it?"
scenario = "fan-out"

[axes]
dest = ""

[summary]
where = ["receivers=3 sockets=alike"]
rows = ["dest", "bind"]
columns = "reuse"
show = ["none", "addr"]

[[block]]
about = "two receivers"
receivers = 2
axes.dest = ["lo4", "lobcast"]
each.bind = ["dest", "any4"]
each.reuse = ["none", "addr"]

[[block]]
about = "three receivers"
receivers = 3
axes.dest = ["lo4", "lobcast"]
each.bind = ["dest", "any4"]
each.reuse = ["none", "addr"]
""",
    "listening": """
question = "Who accepts it?"
scenario = "bind-conflicts"

[axes]
transport = ""
listen = "at-once"

[summary]
where = ["sockets=alike"]
rows = ["bind"]
columns = "reuse"
show = ["none", "addr"]

[[block]]
about = "two listeners"
receivers = 2
axes.transport = ["tcp"]
each.bind = ["lo4", "any4"]
each.reuse = ["none", "addr"]
""",
}


def write(directory: Path) -> Path:
    """Write the tables, and the documented axes, to a directory that does not exist yet."""
    directory.mkdir()
    shutil.copy(Path(__file__).parents[1] / "matrix" / "axes.toml", directory)
    for name, text in _TABLES.items():
        (directory / f"{name}.toml").write_text(text)
    return directory


def selection(directory: Path) -> Selection:
    """Return all cells of the tables, which are in `directory` or are written there."""
    tables = table.load_all(directory if directory.exists() else write(directory))
    plans = tuple(plan.expand(one) for one in tables.values())
    return Selection(plans, tuple(cell for one in plans for cell in one.cells))


def block(whole: Selection, platform: Platform, cells: Sequence[Cell] = ()) -> Block:
    """Return cells (all) as a platform would have them measured, in another order than asked for."""
    scenarios = {plan.table.name: plan.table.scenario for plan in whole.plans}
    cells = cells or whole.cells
    seen = {}
    for cell in reversed(cells):
        steps = [(role, operations) for role, operations in scenarios[cell.table].steps(cell)]
        seen[cell.id] = msgspec.json.encode(platform.seen(steps))
    return Block(cells, seen=seen, counts={"batches": 1, "fences": 1, "silent_fences": 0, "seconds": 0.5})
