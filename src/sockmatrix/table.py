"""A table: one TOML file of `matrix/` that asks a question of many cells.

    question = "..."                 in plain words
    scenario = "fan-out"             the shape of the experiment
    lab = "plain"                    the network it takes place in (this is the default)

    [axes]                           axes of the cell, in the order of the id: name = default,
    dest = ""                        the value that ids leave out; "" when they always name it
    [sockets]                        further axes of each socket (bind and reuse are always there);
    join = {default = "none", dest.group4 = "if4"}     a default may depend on an axis of the cell

    [summary]                        what the ten-second table shows
    where = ["sockets=alike"]        patterns: cells that match one of them are shown
    rows = ["dest", "bind"]          axes that make a row; of one socket: "A.bind"
    columns = "reuse"                axis that makes the columns
    show = ["none", "addr / port"]   the columns in order; sockets that differ: " / "

    [[block]]                        the cells are the union of the blocks; see plan.py
    about = "..."                    in plain words
    receivers = [2, 3]
    axes.dest = ["lo4", "lobcast"]   every combination
    each.bind = ["dest", "any4"]     every socket its own; "dest" is the cell's destination
    same.join = ["if4"]              all sockets alike
    odd.reuse = ["none", "addr"]     all alike, or one different in any place
    unless = ["every.reuse=none"]    patterns: cells left out

The axes and their values are those of `axes.toml`, nothing else. A table of the scenario `script` has
cases in place of blocks, and may have axes of its own: see script/cases.py. Its summary may be left
out, or any part of it: then all its cells are shown, a row each.
"""

from __future__ import annotations

import json
import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, final

from sockmatrix import content
from sockmatrix.axis import CASE, FILE, NAME, SCRIPT, Axis, load_axes, table_files
from sockmatrix.blocks import DESTINATION, Block, BlockLoader, Spread, axes_of, check
from sockmatrix.cell import AxisUse, Cell, CellIdError, parse_id
from sockmatrix.labs import LABS, PLAIN
from sockmatrix.part import Part, TableError, unknown
from sockmatrix.pattern import Pattern, read_patterns
from sockmatrix.scenarios import SCENARIOS, Scenario
from sockmatrix.script.cases import Case, CaseLoader

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from pathlib import Path

    from sockmatrix.axis import Vocabulary

__all__ = [
    "DESTINATION",
    "Block",
    "Case",
    "Spread",
    "Summary",
    "Table",
    "TableError",
    "load",
    "load_all",
]


@final
@dataclass(frozen=True, slots=True)
class Summary:
    """What the ten-second table shows: see the head of this module.

    Without `where` it shows all cells, without `columns` one column, the outcome.
    """

    where: tuple[Pattern, ...]
    rows: tuple[str, ...]
    columns: str = ""
    show: tuple[str, ...] = ()


@final
@dataclass(frozen=True, slots=True)
class Table:
    """A question and the cells that answer it. `socket_axes` begins with bind and reuse.

    It has either `blocks`, or `cases`, with `cells` of each case by its name. `version` is that of
    what its ids mean: of tables of different versions, each cell must be looked at.
    """

    name: str
    question: str
    scenario: Scenario
    lab: str
    axes: Mapping[str, AxisUse]
    socket_axes: Mapping[str, AxisUse]
    blocks: tuple[Block, ...]
    summary: Summary
    file: Path = field(repr=False)
    version: int
    cases: tuple[Case, ...] = ()
    cells: Mapping[str, tuple[Cell, ...]] = field(default_factory=dict, repr=False)

    @property
    def parts(self) -> Sequence[Block | Case]:
        """Its blocks, or its cases."""
        return self.cases or self.blocks

    def cell(self, text: str) -> Cell:
        """Return the cell with this id, made by a block or case or not. Raises cell.CellIdError."""
        if not self.cases:
            return parse_id(self, text)
        _, _, rest = text.partition("/")
        key, _, name = rest.partition("/")[0].partition(":")
        if key != CASE:
            raise CellIdError(f'"{text}" does not say its case')
        for case in self.cases:
            if case.name == name:
                return case.parse_id(text)
        raise CellIdError(f'in "{text}": {unknown("case", name, [case.name for case in self.cases])}')

    def version_of(self, cell: Cell) -> int:
        """Return the version of one of its cells; cells of different versions cannot be compared."""
        return cell.version


def load_all(directory: Path | None = None, names: Collection[str] = ()) -> dict[str, Table]:
    """Load all tables of a directory, or some, by name. Raises TableError.

    The directory may hold shared axes of its own. `names`: only these; others need not be sound.
    """
    place = content.matrix() if directory is None else directory
    axes = load_axes(place / FILE if (place / FILE).exists() else content.matrix() / FILE)
    files = {file.stem: file for file in table_files(place)}
    if not files:
        raise TableError(place, "", "there is no table here")
    for name in names:
        if name not in files:
            raise TableError(place, "", unknown("table", name, files))
    return {name: load(file, axes) for name, file in files.items() if not names or name in names}


def load(file: Path, axes: Vocabulary | None = None, *, bare: bool = False) -> Table:
    """Load the table in `file`, written with the documented `axes`. Raises TableError.

    `bare`: without the cells of its cases, which takes no time; its `version` is 0 then, if it has any.
    """
    root = Part.read(file)
    scripted = root.entries.get("scenario") == SCRIPT
    own = ("axis", "case") if scripted else ("axes", "sockets", "block")
    root.expect(("question", "scenario", "lab", "summary", *own))
    question = root.text("question")
    if not NAME.fullmatch(file.stem):
        raise root.error("", "a table's file has lower-case letters, digits and - in its name")
    scenario = root.text("scenario")
    if scenario not in SCENARIOS:
        raise root.error("scenario", unknown("scenario", scenario, SCENARIOS))
    lab = root.text("lab") if "lab" in root.entries else PLAIN
    if lab not in LABS:
        raise root.error("lab", unknown("lab", lab, LABS))
    known = load_axes(content.matrix() / FILE) if axes is None else axes
    begun = _Begun(root, known, question, SCENARIOS[scenario], lab)
    return _with_cases(begun, bare=bare) if scripted else _with_blocks(begun)


class _Begun(NamedTuple):
    root: Part
    known: Vocabulary
    question: str
    scenario: Scenario
    lab: str


def _with_blocks(begun: _Begun) -> Table:
    root, known, question, scenario, lab = begun
    loader = BlockLoader(root, known, scenario)
    summary = _summary(root.part("summary"), loader.axes, loader.socket_axes)
    return Table(
        name=root.file.stem,
        question=question,
        scenario=scenario,
        lab=lab,
        axes=loader.axes,
        socket_axes=loader.socket_axes,
        blocks=loader.blocks(),
        summary=summary,
        file=root.file,
        version=scenario.version,
    )


def _with_cases(begun: _Begun, *, bare: bool) -> Table:
    root, known, question, scenario, lab = begun
    axes, cases, cells = CaseLoader(root, known, lab).load(bare=bare)
    versions = [[cell.id, cell.version] for own in cells.values() for cell in own]
    return Table(
        name=root.file.stem,
        question=question,
        scenario=scenario,
        lab=lab,
        axes=axes,
        socket_axes={},
        blocks=(),
        summary=_case_summary(root.part("summary"), axes),
        file=root.file,
        version=0 if bare else zlib.crc32(json.dumps(versions).encode()),
        cases=cases,
        cells=cells,
    )


_SUMMARY = ("where", "rows", "columns", "show")


def _summary(part: Part, axes: Mapping[str, AxisUse], socket_axes: Mapping[str, AxisUse]) -> Summary:
    part.expect(_SUMMARY)
    for key in ("where", "rows", "show"):
        if key not in part.entries:
            raise part.error("", f'lacks the key "{key}"')
    rows, columns, show = part.texts("rows"), part.text("columns"), part.texts("show")
    known = {**axes, **socket_axes}
    for key, names in (("rows", rows), ("columns", (columns,))):
        for name in names:
            who, _, own = name.rpartition(".")
            if own not in known or (who and (own in axes or not who.isupper())):
                raise part.error(key, unknown("axis", name, known))
    _check_columns(part, known[columns.rpartition(".")[2]].axis, show)
    return Summary(read_patterns(part, "where", axes_of(known)), rows, columns, show)


def _case_summary(part: Part, axes: Mapping[str, AxisUse]) -> Summary:
    """Read the summary of a script table, any part of which may be left out."""
    part.expect(_SUMMARY)
    columns = part.text("columns") if "columns" in part.entries else ""
    rows = part.texts("rows") if "rows" in part.entries else tuple(axes)
    for key, names in (("rows", rows), ("columns", (columns,) if columns else ())):
        for name in names:
            if name not in axes:
                raise part.error(key, unknown("axis", name, axes))
    show: tuple[str, ...] = tuple(axes[columns].axis.values) if columns else ()
    if "show" in part.entries:
        if not columns:
            raise part.error("show", "needs columns, the axis of which these are values")
        show = part.texts("show")
        _check_columns(part, axes[columns].axis, show)
    where = read_patterns(part, "where", axes_of(axes))
    return Summary(where, tuple(name for name in rows if name != columns), columns, show)


def _check_columns(part: Part, axis: Axis, show: tuple[str, ...]) -> None:
    for values in show:
        for value in values.split(" / "):
            check(part, "show", axis, value)
