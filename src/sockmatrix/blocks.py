"""The blocks of a table: which values meet which, and the axes that they are values of.

See `table.py` for how they are written, and `plan.py` for the cells they make.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, final

from sockmatrix.cell import MOST_SOCKETS, AxisUse
from sockmatrix.part import Part, unknown
from sockmatrix.pattern import read_patterns

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sockmatrix.axis import Axis, Vocabulary
    from sockmatrix.pattern import Pattern
    from sockmatrix.scenarios import Scenario

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
class BlockLoader:
    """Loads the axes and the blocks of a table. Raises TableError throughout."""

    def __init__(self, root: Part, known: Vocabulary, scenario: Scenario) -> None:
        self.root = root
        self.known = known
        self.axes: dict[str, AxisUse] = {}
        self.socket_axes: dict[str, AxisUse] = {}
        self._load_axes(scenario)

    def blocks(self) -> tuple[Block, ...]:
        """Return the blocks in the order of the file."""
        return tuple(
            self._block(entries, number) for number, entries in enumerate(self.root.tables("block"), 1)
        )

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
                    check(of, other, self.axes[other].axis, value)
                    check(of, f"{other}.{value}", axis, instead)
                    exceptions.append((other, value, instead))
            default = of.entries.get("default", "")
        if not isinstance(default, str):
            raise part.error(name, 'must be its default, or "" if it has none')
        if default:
            check(part, name, axis, default)
        return AxisUse(axis, default or None, tuple(exceptions))

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
            read_patterns(part, "unless", axes_of(self.axes, self.socket_axes)),
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


def check(part: Part, key: str, axis: Axis, value: str) -> None:
    """Raise TableError unless an axis has this value."""
    if problem := axis.check(value):
        raise part.error(key, problem)


def axes_of(*uses: Mapping[str, AxisUse]) -> dict[str, Axis]:
    """Return the axes that a table uses, which its patterns may be about."""
    return {name: use.axis for some in uses for name, use in some.items()}
