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

The axes and their values are those of `axes.toml`, nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, final

from sockmatrix import content
from sockmatrix.axis import FILE, NAME, Axis, Part, TableError, load_axes, unknown, vocabulary
from sockmatrix.cell import MOST_SOCKETS, AxisUse, Cell, parse_id
from sockmatrix.pattern import Pattern, PatternError, parse
from sockmatrix.scenarios import SCENARIOS, Scenario

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from sockmatrix.axis import Vocabulary

__all__ = ["Block", "Spread", "Summary", "Table", "TableError", "load", "load_all"]

DESTINATION = "dest"
"""In a block's bind values: the destination of the cell."""

How: TypeAlias = Literal["each", "same", "odd"]
_HOWS: tuple[How, ...] = ("each", "same", "odd")
_OWN = ("bind", "reuse")


@final
@dataclass(frozen=True, slots=True)
class Spread:
    """How the values of a per-socket axis are dealt to the sockets of a cell."""

    how: How
    values: tuple[str, ...]


@final
@dataclass(frozen=True, slots=True)
class Block:
    """A set of cells; `axes` has the values of every axis of the cell, defaults filled in."""

    number: int
    about: str
    receivers: tuple[int, ...]
    axes: Mapping[str, tuple[str, ...]]
    sockets: Mapping[str, Spread]
    unless: tuple[Pattern, ...]

    @property
    def where(self) -> str:
        """The place of the block in its file, in words."""
        return f'block {self.number} ("{self.about}")'


@final
@dataclass(frozen=True, slots=True)
class Summary:
    """What the ten-second table shows: see the head of this module."""

    where: tuple[Pattern, ...]
    rows: tuple[str, ...]
    columns: str
    show: tuple[str, ...]


@final
@dataclass(frozen=True, slots=True)
class Table:
    """A question and the cells that answer it. `socket_axes` begins with bind and reuse."""

    name: str
    question: str
    scenario: Scenario
    lab: str
    axes: Mapping[str, AxisUse]
    socket_axes: Mapping[str, AxisUse]
    blocks: tuple[Block, ...]
    summary: Summary
    file: Path = field(repr=False)

    @property
    def version(self) -> int:
        """Version of what its ids mean; cells of different versions cannot be compared."""
        return self.scenario.version

    def cell(self, text: str) -> Cell:
        """Return the cell with this id, made by a block or not. Raises cell.CellIdError."""
        return parse_id(self, text)


def load_all(directory: Path | None = None) -> dict[str, Table]:
    """Load all tables of a directory, by name; it may hold axes of its own. Raises TableError."""
    place = content.matrix() if directory is None else directory
    own = place / FILE
    axes = load_axes(own) if directory is not None and own.exists() else vocabulary()
    files = sorted(file for file in place.glob("*.toml") if file.name != FILE)
    if not files:
        raise TableError(place, "", "there is no table here")
    return {file.stem: load(file, axes) for file in files}


def load(file: Path, axes: Vocabulary | None = None) -> Table:
    """Load the table in `file`, written with the documented `axes`. Raises TableError."""
    return _Loader(Part.read(file), vocabulary() if axes is None else axes).table()


class _Loader:
    """Loads one table."""

    def __init__(self, root: Part, known: Vocabulary) -> None:
        self.root = root
        self.known = known
        self.axes: dict[str, AxisUse] = {}
        self.socket_axes: dict[str, AxisUse] = {}

    def table(self) -> Table:
        root = self.root
        root.expect(("question", "scenario", "lab", "axes", "sockets", "summary", "block"))
        question = root.text("question")
        if not NAME.fullmatch(root.file.stem):
            raise root.error("", "a table's file has lower-case letters, digits and - in its name")
        name = root.text("scenario")
        if name not in SCENARIOS:
            raise root.error("scenario", unknown("scenario", name, SCENARIOS))
        scenario = SCENARIOS[name]
        lab = root.text("lab") if "lab" in root.entries else "plain"
        self._load_axes(scenario)
        summary = self._summary(root.part("summary"))
        blocks = root.entries.get("block")
        if not isinstance(blocks, list) or not all(isinstance(one, dict) for one in blocks):
            raise root.error("block", "a table needs at least one [[block]]")
        return Table(
            name=root.file.stem,
            question=question,
            scenario=scenario,
            lab=lab,
            axes=self.axes,
            socket_axes=self.socket_axes,
            blocks=tuple(self._block(entries, 1 + at) for at, entries in enumerate(blocks)),
            summary=summary,
            file=root.file,
        )

    # --- axes ------------------------------------------------------------------------------------

    def _load_axes(self, scenario: Scenario) -> None:
        for key in ("axes", "sockets"):
            part = self.root.part(key)
            understood = scenario.axes if key == "axes" else scenario.socket_axes
            found = self.axes if key == "axes" else self.socket_axes
            if key == "sockets":
                found.update((name, AxisUse(self._axis(part, name))) for name in _OWN)
            for name, default in part.entries.items():
                if name not in understood:
                    kind = f"axis of the scenario {scenario.name}"
                    raise part.error(name, unknown(kind, name, understood))
                found[name] = self._use(part, name, default, per_socket=key == "sockets")
            for name, value in understood.items():
                if value is None and name not in found:
                    raise part.error("", f"the scenario {scenario.name} needs the axis {name}")

    def _axis(self, part: Part, name: str) -> Axis:
        if name not in self.known:
            raise part.error(name, unknown("axis", name, self.known))
        return self.known[name]

    def _use(self, part: Part, name: str, default: Any, *, per_socket: bool) -> AxisUse:
        axis = self._axis(part, name)
        if axis.per_socket != per_socket:
            scope = "a socket" if axis.per_socket else "the cell"
            raise part.error(name, f"this is an axis of {scope}")
        exceptions = []
        if isinstance(default, dict) and per_socket:
            of = part.part(name)
            of.expect(("default", *self.axes))
            for other in self.axes:
                for value, instead in of.part(other).words().items():
                    self._check(of, other, self.axes[other].axis, value)
                    self._check(of, f"{other}.{value}", axis, instead)
                    exceptions.append((other, value, instead))
            default = of.entries.get("default", "")
        if not isinstance(default, str):
            raise part.error(name, 'must be its default, or "" if it has none')
        if default:
            self._check(part, name, axis, default)
        return AxisUse(axis, default or None, tuple(exceptions))

    def _check(self, part: Part, key: str, axis: Axis, value: str) -> None:
        if problem := axis.check(value):
            raise part.error(key, problem)

    # --- blocks ----------------------------------------------------------------------------------

    def _block(self, entries: Mapping[str, Any], number: int) -> Block:
        about = Part(self.root.file, entries, f"block {number}").text("about")
        part = Part(self.root.file, entries, f'block {number} ("{about}")')
        part.expect(("about", "receivers", "axes", *_HOWS, "unless"))
        return Block(
            number,
            about,
            self._receivers(part),
            self._cell_axes(part),
            self._spreads(part),
            self._patterns(part, "unless"),
        )

    def _receivers(self, part: Part) -> tuple[int, ...]:
        value = part.entries.get("receivers")
        counts = value if isinstance(value, list) else [value]
        for count in counts:
            if type(count) is not int or not 1 <= count <= MOST_SOCKETS:
                raise part.error("receivers", f"must be numbers from 1 to {MOST_SOCKETS}")
        if not counts or len(set(counts)) < len(counts):
            raise part.error("receivers", "must be different numbers, at least one")
        return tuple(counts)

    def _cell_axes(self, part: Part) -> dict[str, tuple[str, ...]]:
        given = part.part("axes")
        for name in given.entries:
            if name not in self.axes:
                raise given.error(name, unknown("axis of the cell", name, self.axes))
        found = {}
        for name, use in self.axes.items():
            if name in given.entries:
                found[name] = self._values(given, name, use.axis, ())
            elif use.default is not None:
                found[name] = (use.default,)
            else:
                raise given.error("", f"must say the values of {name}, which has no default")
        return found

    def _spreads(self, part: Part) -> dict[str, Spread]:
        found: dict[str, Spread] = {}
        for how in _HOWS:
            given = part.part(how)
            for name in given.entries:
                if name not in self.socket_axes:
                    raise given.error(name, unknown("axis of a socket", name, self.socket_axes))
                if name in found:
                    raise given.error(name, f"the block says {found[name].how}.{name} already")
                extra = (DESTINATION,) if name == "bind" and DESTINATION in self.axes else ()
                axis = self.socket_axes[name].axis
                found[name] = Spread(how, self._values(given, name, axis, extra))
        for name, use in self.socket_axes.items():
            if name not in found and use.default is None:
                raise part.error(
                    "", f"must say the values of {name}: each.{name}, same.{name} or odd.{name}"
                )
        return found

    def _values(self, part: Part, name: str, axis: Axis, extra: tuple[str, ...]) -> tuple[str, ...]:
        values = part.texts(name)
        allowed = (*extra, *axis.values)
        for value in values:
            if value not in allowed:
                raise part.error(name, unknown("value", value, allowed))
        return values

    def _patterns(self, part: Part, key: str) -> tuple[Pattern, ...]:
        if key not in part.entries:
            return ()
        used = {name: use.axis for name, use in (*self.axes.items(), *self.socket_axes.items())}
        try:
            return tuple(parse(text, used) for text in part.texts(key))
        except PatternError as error:
            raise part.error(key, str(error)) from error

    # --- summary ---------------------------------------------------------------------------------

    def _summary(self, part: Part) -> Summary:
        part.expect(("where", "rows", "columns", "show"))
        for key in ("where", "rows", "show"):
            if key not in part.entries:
                raise part.error("", f'lacks the key "{key}"')
        rows, columns, show = part.texts("rows"), part.text("columns"), part.texts("show")
        known = (*self.axes, *self.socket_axes)
        for key, names in (("rows", rows), ("columns", (columns,))):
            for name in names:
                who, _, own = name.rpartition(".")
                if own not in known or (who and (own in self.axes or not who.isupper())):
                    raise part.error(key, unknown("axis", name, known))
        use = self.axes.get(columns) or self.socket_axes[columns.rpartition(".")[2]]
        for values in show:
            for value in values.split(" / "):
                self._check(part, "show", use.axis, value)
        return Summary(self._patterns(part, "where"), rows, columns, show)
