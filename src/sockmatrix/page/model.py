"""What the reference model of Linux predicts of the cells that tables show and that nobody measured."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sockmatrix.claims import systems
from sockmatrix.models import Unpredicted
from sockmatrix.models.linux import VERSION, predict
from sockmatrix.predict import STACK, user_of, version_of
from sockmatrix.render.escape import printable
from sockmatrix.wording import cell_headline

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from sockmatrix.models.versions import Version
    from sockmatrix.page.known import KnownColumns
    from sockmatrix.plan import Plan

MODEL = -1
"""The number of a column of its own, where there is no run of Linux."""

NAME = f"Linux {'.'.join(map(str, VERSION))}"
"""The name of that column."""


def predicted(
    plans: Sequence[Plan], ids: Collection[str], known: KnownColumns, places: Mapping[str, int]
) -> dict[int, dict[str, str]]:
    """Return headlines by id for each column of Linux, by its number, that was not measured there.

    `ids` are the cells that are asked for, `places` the numbers of all cells by id.
    """
    kernels = _kernels(known) or {MODEL: (VERSION, "root")}
    asked = [(plan.table.scenario, cell) for plan in plans for cell in plan.cells if cell.id in ids]
    found: dict[int, dict[str, str]] = {}
    for at, (version, user) in kernels.items():
        for scenario, cell in asked:
            if at != MODEL and known.numbers[at][places[cell.id]] not in known.silent:
                continue
            try:
                said = predict(cell, scenario.steps(cell), lab=cell.lab, version=version, user=user)
            except Unpredicted:
                continue
            if not said.skipped:
                found.setdefault(at, {})[cell.id] = printable(cell_headline(cell, said), 2000)
    return found


def _kernels(known: KnownColumns) -> dict[int, tuple[Version, str]]:
    found: dict[int, tuple[Version, str]] = {}
    for at, column in enumerate(known.columns):
        if column.run and systems.system(column.run.header.platform) == STACK:
            try:
                version = version_of(column.run.header.platform.version)
            except ValueError:  # a run file may call its release anything
                continue
            found[at] = version, user_of(column.run)
    return found
