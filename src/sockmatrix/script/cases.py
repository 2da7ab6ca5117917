"""The cases of a script table: a question in words, what the roles do, and what of it varies.

    [[case]]
    name = "second-send"             the value of the axis `case`
    about = "..."                    what is asked, in plain words
    lab = "no-routes"                another lab than the table's
    vary.loop = ["unset", "off"]     every combination; other axes of the steps have their default
    unless = ["loop=off bound=lo4"]  patterns: combinations left out
    solo = true                      measured alone
    steps = '''                      {loop} is what the axis says it does: see compiler.py
    A: socket udp4; {loop}; bind lo4
    S: speak lo4
    '''

A cell has a value for each axis that the steps of its case speak of, and for no other.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, final

from sockmatrix.axis import CASE, case_axis, own_axes, unknown
from sockmatrix.cell import AxisUse, Cell, CellIdError, Form, make_cell, parse_id
from sockmatrix.labs import LABS
from sockmatrix.part import Part
from sockmatrix.pattern import DERIVED, DERIVED_PER_SOCKET, Pattern, read_patterns
from sockmatrix.script.compiler import fill, holes, version
from sockmatrix.script.errors import ScriptError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sockmatrix.axis import Axis, Vocabulary


@final
@dataclass(frozen=True, slots=True)
class Case:
    """One case. `axes` are those of its cells, `vary` has the values of each but the case itself."""

    name: str
    about: str
    table: str
    lab: str
    axes: Mapping[str, AxisUse] = field(repr=False)
    vary: Mapping[str, tuple[str, ...]]
    unless: tuple[Pattern, ...]
    steps: str
    solo: bool

    @property
    def form(self) -> Form:
        """What the ids of its cells depend on."""
        return _Form(self.table, self.axes, self.lab)

    @property
    def where(self) -> str:
        """The place of the case in its file, in words."""
        return f'case "{self.name}"'

    def cell(self, axes: Mapping[str, str]) -> Cell:
        """Return the cell with these values. Raises ScriptError."""
        return self._scripted(make_cell(self.form, axes, ()))

    def cells(self) -> list[Cell]:
        """Return all cells of the case. Raises ScriptError, which names the values."""
        found = []
        form = self.form
        for values in itertools.product(*self.vary.values()):
            cell = make_cell(form, {CASE: self.name} | dict(zip(self.vary, values, strict=True)), ())
            if not any(pattern.matches(cell) for pattern in self.unless):
                found.append(self._named(cell))
        return found

    def _named(self, bare: Cell) -> Cell:
        try:
            return self._scripted(bare)
        except ScriptError as error:
            values = [f"{name}={bare.axes[name]}" for name in self.vary if len(self.vary[name]) > 1]
            if not values:
                raise
            raise ScriptError(f"{error} (with {' '.join(values)})") from None

    def _scripted(self, bare: Cell) -> Cell:
        """Return a cell with what its roles do."""
        does = {name: use.axis.does[bare.axes[name]] for name, use in self.axes.items() if name != CASE}
        script = fill(self.steps, does)
        return Cell(
            bare.id, bare.table, bare.axes, (), version(script, self.lab), self.lab, script, self.solo
        )

    def parse_id(self, text: str) -> Cell:
        """Return the cell with this id, whether the case makes it or not. Raises CellIdError."""
        axes = parse_id(self.form, text).axes
        try:
            return self.cell(axes)
        except ScriptError as error:
            raise CellIdError(f'"{text}" has no script: {error}') from error


@final
@dataclass(frozen=True, slots=True)
class _Form:
    name: str
    axes: Mapping[str, AxisUse]
    lab: str
    version: int = 0
    socket_axes: Mapping[str, AxisUse] = field(default_factory=dict)


@final
class CaseLoader:
    """Loads the axes and the cases of a script table. Raises TableError throughout."""

    def __init__(self, root: Part, known: Vocabulary, lab: str) -> None:
        self.root = root
        self.lab = lab
        self.own = own_axes(root, known)
        for name in self.own:
            if name in DERIVED or name in DERIVED_PER_SOCKET:
                raise root.part("axis").error(name, "patterns have an axis of this name already")
        shared = {name: axis for name, axis in known.items() if axis.scripted}
        self.known: dict[str, Axis] = {
            **self.own,
            **{n: a for n, a in shared.items() if n not in self.own},
        }
        self.cases = case_axis(root)

    def load(
        self, *, bare: bool = False
    ) -> tuple[dict[str, AxisUse], tuple[Case, ...], dict[str, tuple[Cell, ...]]]:
        """Return the axes of the table, its cases, and the cells of each by its name (`bare`: none)."""
        parts = [
            Part(self.root.file, entries, f'case "{entries["name"]}"')
            for entries in self.root.tables("case")
        ]
        spoken = [self._spoken(part) for part in parts]
        everywhere = {name for names in spoken for name in names}
        for name in self.own:
            if name not in everywhere:
                raise self.root.part("axis").error(name, f"no case has {{{name}}} in its steps")
        uses = {CASE: AxisUse(self.cases)} | {
            name: AxisUse(axis, axis.default) for name, axis in self.known.items() if name in everywhere
        }
        patterned = {name: use.axis for name, use in uses.items()}
        cases = tuple(
            self._case(part, {n: use for n, use in uses.items() if n == CASE or n in names}, patterned)
            for part, names in zip(parts, spoken, strict=True)
        )
        made = () if bare else zip(cases, parts, strict=True)
        return uses, cases, {case.name: self._cells(case, part) for case, part in made}

    def _spoken(self, part: Part) -> set[str]:
        """Return the axes that the steps of a case speak of, directly or in what a value does."""
        part.expect(("name", "about", "lab", "vary", "unless", "solo", "steps"))
        vary = part.part("vary").entries
        found: set[str] = set()
        waiting = holes(part.text("steps"))
        while waiting:
            name = waiting.pop()
            if name in found:
                continue
            if name not in self.known:
                raise part.error("steps", unknown("axis", name, self.known))
            found.add(name)
            axis = self.known[name]
            values = vary.get(name, [axis.default])
            texts = [axis.does[value] for value in values if value in axis.does]
            waiting += [inner for text in texts for inner in holes(text)]
        return found

    def _case(self, part: Part, axes: dict[str, AxisUse], patterned: Mapping[str, Axis]) -> Case:
        lab = part.text("lab") if "lab" in part.entries else self.lab
        if lab not in LABS:
            raise part.error("lab", unknown("lab", lab, LABS))
        solo = part.entries.get("solo", False)
        if not isinstance(solo, bool):
            raise part.error("solo", "must be true or false")
        return Case(
            name=part.text("name"),
            about=part.text("about"),
            table=self.root.file.stem,
            lab=lab,
            axes=MappingProxyType(axes),
            vary=self._vary(part, axes),
            unless=read_patterns(part, "unless", patterned),
            steps=part.text("steps"),
            solo=solo,
        )

    def _vary(self, part: Part, axes: Mapping[str, AxisUse]) -> dict[str, tuple[str, ...]]:
        given = part.part("vary")
        for name in given.entries:
            if name not in self.known:
                raise given.error(name, unknown("axis", name, self.known))
            if name not in axes:
                raise given.error(name, f"the steps do not have {{{name}}}")
        found = {}
        for name, use in axes.items():
            if name in given.entries:
                found[name] = self._values(given, name, use.axis)
            elif name != CASE:
                if use.default is None:
                    raise given.error("", f"must say the values of {name}, which has no default")
                found[name] = (use.default,)
        return found

    def _values(self, given: Part, name: str, axis: Axis) -> tuple[str, ...]:
        values = given.texts(name)
        for value in values:
            if problem := axis.check(value):
                raise given.error(name, problem)
        return values

    def _cells(self, case: Case, part: Part) -> tuple[Cell, ...]:
        try:
            cells = case.cells()
        except ScriptError as error:
            raise part.error("steps", str(error)) from error
        if not cells:
            raise part.error("", "makes no cells: all are excluded")
        return tuple(cells)
