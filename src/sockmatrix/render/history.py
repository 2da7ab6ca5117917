"""What became of cells from release to release: for a terminal, for a page, and for a program."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from sockmatrix.render.escape import markdown as escaped
from sockmatrix.render.escape import printable
from sockmatrix.render.paragraph import paragraph

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sockmatrix.history import Group, History, Series
    from sockmatrix.render.screen import Screen

GROUPS = 25
"""So many groups of a series are shown, unless all are asked for."""

TIMELINES = 3
"""So many timelines of a group."""

_DOTS = "..."


def timeline(one: History) -> str:
    """Return the spans of a cell in a line: `5.10.1 ... 6.1.170: B refused; 6.12.43 ...: opened`."""
    said = []
    for number, span in enumerate(one.spans):
        last = number == len(one.spans) - 1
        if last and number:
            when = f"{span.first} {_DOTS}"
        else:
            when = span.first if span.runs == 1 else f"{span.first} {_DOTS} {span.last}"
        said.append(f"{printable(when)}: {printable(span.text)}")
    return "; ".join(said) or "not measured"


def text(found: Sequence[Series], screen: Screen, *, alone: str = "", everything: bool = False) -> str:
    """Return the histories of each series; `alone`: of one cell only."""
    width = screen.width or 100
    lines: list[str] = []
    for one in found:
        lines += [*paragraph(_head(one), width, "", "  ", screen, "bold")]
        if alone:
            lines += _cell(one.histories[alone], width) if alone in one.histories else ["  not measured"]
        else:
            lines += _table(one, screen, width, everything=everything)
        lines.append("")
    return screen.show("\n".join(lines[:-1])) + "\n"


def _head(one: Series) -> str:
    runs = "1 run" if len(one.names) == 1 else f"{len(one.names)} runs"
    names = list(dict.fromkeys(map(printable, one.names)))
    shown = ", ".join(names) if len(names) <= 12 else f"{names[0]} {_DOTS} {names[-1]}"
    return f"{printable(str(one.kind))}: {runs} ({shown})"


def _cell(one: History, width: int) -> Iterator[str]:
    if not one.spans:
        yield "  no run says anything of it"
    for number, span in enumerate(one.spans):
        when = span.first if span.first == span.last else f"{span.first} {_DOTS} {span.last}"
        if number:
            before, after = one.breaks[number - 1]
            said = f"changed between {printable(before)} and {printable(after)}"
            yield from paragraph(said + _why(one, number - 1), width, "  ", "    ")
        yield from paragraph(printable(span.text), width, f"    {printable(when)}: ", " " * 8)
    if len(one.spans) == 1:
        yield f"  the same in all {one.spans[0].runs} runs" if one.spans[0].runs > 1 else "  one run only"
    doubts = [f"{printable(name)} {why}" for name, why in one.doubts]
    if doubts:
        yield from paragraph(f"told nothing: {', '.join(doubts)}", width, "  ", "    ")


def _why(one: History | Group, place: int) -> str:
    reasons = one.reasons[place] if place < len(one.reasons) else ()
    return f": {'; '.join(map(str, reasons))}" if reasons else ""


def _table(one: Series, screen: Screen, width: int, *, everything: bool) -> Iterator[str]:
    shown = one.groups if everything else one.groups[:GROUPS]
    pad = " " * 8
    for group in shown:
        count = f"{len(group.histories):>6}  "
        yield from paragraph(group.pattern, width, count, pad, screen, "bold")
        for place, (before, after) in enumerate(group.breaks):
            said = f"changed between {printable(before)} and {printable(after)}{_why(group, place)}"
            yield from paragraph(said, width, pad, pad + "  ")
        if everything:
            for own in group.histories:
                yield from paragraph(
                    f"{printable(own.id, 10_000)}: {timeline(own)}", width, pad, pad + "  "
                )
            continue
        for said, cells in _timelines(group):
            number = f"{cells:>6}  " if cells < len(group.histories) else ""
            yield from paragraph(said, width, pad + number, pad + " " * len(number) + "  ")
    if len(shown) < len(one.groups):
        left = sum(len(group.histories) for group in one.groups[len(shown) :])
        yield f"{pad}{len(one.groups) - len(shown)} more groups, {left} cells; --all shows them"
    if len(one.names) == 1:
        yield f"{len(one.histories)} cells; with one run there is nothing to compare."
    else:
        yield f"{one.changed} of {len(one.histories)} cells ever changed."


def _timelines(group: Group) -> Iterator[tuple[str, int]]:
    counts = Counter(map(timeline, group.histories)).most_common()
    yield from counts[:TIMELINES]
    left = counts[TIMELINES:]
    if left:
        yield f"in {len(left)} other ways", sum(count for _, count in left)


def markdown(found: Sequence[Series], *, alone: str = "", everything: bool = False) -> str:
    """Return the same as a page."""
    lines: list[str] = []
    for one in found:
        lines += [f"## {escaped(_head(one))}", ""]
        if alone:
            own = one.histories.get(alone)
            lines += ["| releases | outcome |", "| --- | --- |"]
            lines += [
                f"| {escaped(span.first if span.first == span.last else f'{span.first} … {span.last}')}"
                f" | {escaped(span.text)} |"
                for span in (own.spans if own else ())
            ]
        else:
            lines += ["| cells | which | when | why |", "| --- | --- | --- | --- |"]
            shown = one.groups if everything else one.groups[:GROUPS]
            for group in shown:
                when = "<br>".join(
                    escaped(said) + (f" ({count})" if count < len(group.histories) else "")
                    for said, count in _timelines(group)
                )
                why = "; ".join(filter(None, (_why(group, at)[2:] for at in range(len(group.breaks)))))
                lines.append(
                    f"| {len(group.histories)} | {escaped(group.pattern)} | {when} | {escaped(why)} |"
                )
            lines += ["", f"{one.changed} of {len(one.histories)} cells ever changed."]
        lines.append("")
    return "\n".join(lines[:-1]) + "\n"


def values(found: Sequence[Series], *, alone: str = "") -> list[dict[str, Any]]:
    """Return the same for a program: of one cell all, else the cells that changed."""
    return [
        {
            **one.kind._asdict(),
            "runs": list(one.names),
            "cells": len(one.histories),
            "changed": one.changed,
            "groups": [
                {"pattern": group.pattern, "cells": [own.id for own in group.histories]}
                for group in one.groups
            ],
            "histories": {
                name: _value(own)
                for name, own in one.histories.items()
                if name == alone or len(own.spans) > 1
            },
        }
        for one in found
    ]


def _value(one: History) -> dict[str, Any]:
    return {
        "spans": [
            {"first": span.first, "last": span.last, "runs": span.runs, "outcome": span.text}
            for span in one.spans
        ],
        "told nothing": dict(one.doubts),
        "explained": [[reason.change.id for reason in reasons] for reasons in one.reasons],
    }
