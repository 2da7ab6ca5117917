"""Two tables, 160 UDP and 16 TCP cells: enough to measure with a fake probe in no time; and a script."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from sockmatrix import plan, table
from sockmatrix.measure import Block
from sockmatrix.scenarios.bind_conflicts import BIND_CONFLICTS
from sockmatrix.scenarios.fan_out import FAN_OUT
from sockmatrix.selection import Selection

if TYPE_CHECKING:
    from collections.abc import Sequence

    from miniatures import Platform

    from sockmatrix.cell import Cell

UDP, TCP, ALL = 160, 16, 176
"""Cells of each table, and of both."""

VERSIONS = {"hearing": FAN_OUT.version, "listening": BIND_CONFLICTS.version}
"""Versions of their scenarios."""

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

SCRIPTED = 8
"""Cells of a third table, a script: two each in three labs, and two that are alone."""

_SCRIPT = """
question = "What is it told?"
scenario = "script"

[axis.size]
title = "size"
about = "How much is sent."
default = "some"
values.some = "some"
values.much = "much"
does.some = ""
does.much = "size=1000"
"""
_STEPS = {
    "near": "A: socket udp4; bind lo4\nX: socket udp4; told = send lo4 {size}\nS: speak lo4",
    "far": "A@h2: socket udp4; bind any4\nX: socket udp4; told = send h2 {size}\nS: one = speak h2",
    "through": "A@h3: socket udp4; bind any4\nX: socket udp4; told = send h3 {size}\nS: one = speak h3",
    "alone": "A: socket udp4; told = bind lo4\nX: socket udp4; sent = send lo4 {size}",
}
_LABS = {"far": 'lab = "hosts-2"', "through": 'lab = "gateway"', "alone": "solo = true"}


def write(directory: Path, *, scripted: bool = False) -> Path:
    """Write the tables, and the shared axes, to a directory that does not exist yet."""
    directory.mkdir()
    shutil.copy(Path(__file__).parents[1] / "matrix" / "axes.toml", directory)
    for name, text in _TABLES.items():
        (directory / f"{name}.toml").write_text(text)
    if scripted:
        (directory / "asking.toml").write_text(script())
    return directory


def script() -> str:
    """Return the text of the script table."""
    cases = (
        f'[[case]]\nname = "{name}"\nabout = "{name.capitalize()}?"\nvary.size = ["some", "much"]\n'
        f"{_LABS.get(name, '')}\nsteps = '''\n{steps}'''\n"
        for name, steps in _STEPS.items()
    )
    return _SCRIPT + "\n".join(cases)


def selection(directory: Path, *, scripted: bool = False) -> Selection:
    """Return all cells of the tables, which are in `directory` or are written there."""
    place = directory if directory.exists() else write(directory, scripted=scripted)
    tables = table.load_all(place)
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
