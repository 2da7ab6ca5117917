"""What a bisection found: for a terminal, and for a program."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias, final

from sockmatrix.bisection import Changed, Same, doubt
from sockmatrix.compare import Change, verdict
from sockmatrix.render.escape import printable
from sockmatrix.render.paragraph import paragraph
from sockmatrix.wording import headline

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sockmatrix.bisection import Found
    from sockmatrix.changes import Reason
    from sockmatrix.render.screen import Screen
    from sockmatrix.runformat import CellLine

    Order: TypeAlias = Sequence[str] | None

CELLS = 10
"""So many cells of a group are named, unless all are asked for."""

NAMED = 4
"""So many releases that tell nothing are named."""


@final
@dataclass(frozen=True, slots=True)
class Result:
    """What was found of a cell: its outcomes by release, and the known changes that explain it.

    `order`: labels of its script, as for `wording.headline`. `gone`: releases that could not be measured,
    and why. `end`: the newest release that was asked about. `straight`: they follow each other.
    """

    id: str
    found: Found
    told: Mapping[str, CellLine]
    gone: Mapping[str, str]
    reasons: tuple[Reason, ...] = ()
    order: Order = None
    end: str = ""
    straight: bool = True

    @property
    def word(self) -> str:
        """The verdict, for a program."""
        if isinstance(self.found, Changed):
            return "changed"
        return "same" if isinstance(self.found, Same) else "unknown"

    def headlines(self) -> tuple[str, str]:
        """Return what a cell that changed was and is."""
        assert isinstance(self.found, Changed)
        pair = self.told[self.found.last], self.told[self.found.first]
        return Change(self.id, "changed", *pair).headlines(self.order)

    @property
    def doubts(self) -> tuple[tuple[str, str], ...]:
        """Releases between the last and the first, or any, that tell nothing, and why."""
        names = self.found.between if isinstance(self.found, Changed) else tuple(self.told)
        why = [
            (name, doubt(self.told[name]) if name in self.told else self.gone.get(name, ""))
            for name in names
        ]
        return tuple((name, said) for name, said in why if said)

    @property
    def later(self) -> str:
        """What it is in the end, if that is neither what it was nor what it became."""
        found, last = self.found, self.told.get(self.end)
        if not isinstance(found, Changed) or last is None:
            return ""
        before, after = self.told[found.last], self.told[found.first]
        if verdict(after, last) != "changed":
            return ""
        shown = headline(last, self.order)
        return f"as before again: {shown}" if verdict(before, last) == "same" else shown


def text(results: Sequence[Result], screen: Screen, *, everything: bool = False) -> str:
    """Return where cells changed: those that did so at once together."""
    width = screen.width or 100
    groups: dict[tuple[str, ...], list[Result]] = {}
    for one in results:
        found = one.found
        ends = (found.last, found.first, *found.between) if isinstance(found, Changed) else ()
        groups.setdefault((one.word, *ends), []).append(one)
    lines: list[str] = []
    for word in ("changed", "same", "unknown"):
        for key, several in groups.items():
            if key[0] == word:
                lines += [*_group(several, screen, width, everything=everything), ""]
    return screen.show("\n".join(lines))


def _group(several: Sequence[Result], screen: Screen, width: int, *, everything: bool) -> Iterator[str]:
    one = several[0]
    if len(several) > 1:
        colon = "" if one.word == "changed" else ":"
        head = f"{len(several)} cells{colon} {_when(one)}"
        yield from paragraph(head, width, "", "  ", screen, "bold")
        shown = several if everything else several[:CELLS]
        for each in shown:
            said = " -> ".join(map(printable, each.headlines())) if each.word == "changed" else ""
            yield from paragraph(f"{printable(each.id)}  {said}".rstrip(), width, "  ", "      ")
            yield from _notes(each, width, "      ")
        if len(shown) < len(several):
            yield f"  and {len(several) - len(shown)} more, which --all names"
        return
    yield screen.paint(printable(one.id), "bold")
    yield from paragraph(_when(one), width, "  ", "    ")
    if isinstance(one.found, Changed):
        names = (one.found.last, one.found.first)
        wide = max(map(len, names)) + 2
        for name, what in zip(names, one.headlines(), strict=True):
            yield from paragraph(printable(what), width, f"    {name:<{wide}}", " " * (wide + 4))
    elif isinstance(one.found, Same):
        yield from paragraph(
            printable(headline(one.told[one.found.last], one.order)), width, "    ", "    "
        )
    yield from _notes(one, width, "    ")


def _when(one: Result) -> str:
    found = one.found
    if isinstance(found, Changed):
        last, first = found.last, found.first
        said = f"changed between {last} and {first}"
        if one.straight or found.between or _minor(last) == _minor(first):
            return said
        oldest = (
            f"{_minor(first)}{'' if first.startswith(f'{_minor(first)}-') else f', or before {first}'}"
        )
        return f"{said}, the oldest {_minor(first)} there is: it came between {_minor(last)} and {oldest}"
    if isinstance(found, Same):
        return f"the same on {found.first} and on {found.last}: if it changed between, it changed back"
    told = getattr(found, "told", ())
    return f"only {told[0]} tells what it is" if told else "no release tells what it is"


def _notes(one: Result, width: int, margin: str) -> Iterator[str]:
    for reason in one.reasons:
        yield from paragraph(printable(str(reason)), width, margin, margin + "  ")
    reasons: dict[str, list[str]] = {}
    for name, why in one.doubts:
        reasons.setdefault(why, []).append(name)
    for why, names in reasons.items():
        few = ", ".join(names) if len(names) <= NAMED else f"{len(names)} between them"
        verb = "tells" if len(names) == 1 else "tell"
        yield from paragraph(f"{few} {verb} nothing: {printable(why)}", width, margin, margin + "  ")
    if one.later:
        yield from paragraph(f"{one.end}: {printable(one.later)}", width, margin, margin + "  ")


def _minor(name: str) -> str:
    return ".".join(name.split(".")[:2]).partition("~")[0]


def value(one: Result) -> dict[str, Any]:
    """Return the same for a program."""
    found = one.found
    ends: dict[str, Any] = {}
    if isinstance(found, Changed):
        was, became = one.headlines()
        ends = {"last": {"release": found.last, "outcome": was}}
        ends["first"] = {"release": found.first, "outcome": became}
        ends["between"] = list(found.between)
        ends["reasons"] = [
            {"id": each.change.id, "title": each.change.title, "sure": each.sure, "came": each.came}
            for each in one.reasons
        ]
    elif isinstance(found, Same):
        ends = {"outcome": headline(one.told[found.last], one.order)}
        ends["releases"] = [found.first, found.last]
    measured = {name: headline(line, one.order) for name, line in one.told.items()}
    return {"id": one.id, "verdict": one.word, **ends, "measured": measured, "doubts": dict(one.doubts)}
