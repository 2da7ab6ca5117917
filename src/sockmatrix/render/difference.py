"""What changed between two runs: for a terminal, for a page, and for a program."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final

from sockmatrix.difference import COUNTED, tally
from sockmatrix.exitcode import ExitCode
from sockmatrix.grouping import total
from sockmatrix.render.escape import markdown as escaped
from sockmatrix.render.escape import printable
from sockmatrix.render.paragraph import paragraph

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sockmatrix.changes import Reason
    from sockmatrix.compare import Change, Verdict
    from sockmatrix.difference import Difference, Section
    from sockmatrix.grouping import Group
    from sockmatrix.render.screen import Screen
    from sockmatrix.runfile import Run

GROUPS = 25
"""So many groups of a section are shown, unless all are asked for."""

TRANSITIONS = 3
"""So many ways in which the cells of a group changed."""

_STRANGE = "cells that no table of this installation has"
_UNKNOWN = "Not explained by a known change"

_TOLD: Mapping[Verdict, str] = {
    "new": "only in the second run",
    "gone": "only in the first run",
    "redefined": "their ids mean something else in the other run",
    "unmeasured": "skipped in one of the runs",
    "inconclusive": "one of the runs could not tell",
    "unstable": "the repetitions of one of the runs differ",
}

_BEFORE, _AFTER = "before", "after"


@final
@dataclass(frozen=True, slots=True)
class Sides:
    """The names of the two runs, and the circumstances in which they differ: what, before, after."""

    before: str
    after: str
    circumstances: tuple[tuple[str, str, str], ...]

    @classmethod
    def of(cls, names: Sequence[str], runs: Sequence[Run]) -> Sides:
        """Return the sides of two runs with these names."""
        facts = [_facts(run) for run in runs]
        differing = ((what, facts[0][what], facts[1][what]) for what in facts[0])
        return cls(names[0], names[1], tuple(one for one in differing if one[1] != one[2]))


def _facts(run: Run) -> dict[str, str]:
    header = run.header
    platform = header.platform
    return {
        "architecture": platform.arch,
        "privileges": platform.privileges,
        "lab": header.lab.kind,
        "Python": platform.python,
        "probe": f"{header.probe.version} ({header.probe.sha256[:8]})",
    }


def text(found: Difference, sides: Sides, screen: Screen, *, everything: bool = False) -> str:
    """Return the groups, each on a line with what its cells were and are; then the counts.

    `everything`: every cell, and all groups.
    """
    width = screen.width or 100
    lines = [f"before: {printable(sides.before)}", f"after:  {printable(sides.after)}"]
    lines += [
        f"other {what}: {printable(old)} -> {printable(new)}" for what, old, new in sides.circumstances
    ]
    for section in found.sections:
        lines += ["", *_section(section, screen, width, everything=everything)]
    lines += ["", *_counts(found, width, everything=everything)]
    return screen.show("\n".join(lines)) + "\n"


def _section(section: Section, screen: Screen, width: int, *, everything: bool) -> Iterator[str]:
    for reason in section.reasons:
        yield from paragraph(_known(reason), width, "", "    ", screen, "yellow")
        yield from (f"    {link}" for link in reason.change.links[:1])
    if not section.reasons:
        yield screen.paint(f"{_UNKNOWN}: {_cells(section.count)}", "bold red")
    shown = section.groups if everything else section.groups[:GROUPS]
    for group in shown:
        yield from _group(group, screen, width, everything=everything)
    left = section.groups[len(shown) :]
    if left:
        count = total(left)
        yield f"        {len(left)} more groups, {_cells(count)}; --all shows them"


def _group(group: Group, screen: Screen, width: int, *, everything: bool) -> Iterator[str]:
    pad = " " * 8
    count = f"{len(group.cells):>6}  "
    yield from paragraph(group.pattern or _STRANGE, width, count, pad, screen, "bold")
    if everything and len(group.cells) > 1:
        for cell in group.cells:
            yield f"{pad}{printable(cell.id, 10_000)}"
            yield f"{pad}  {printable(cell.before)} -> {printable(cell.after)}"
        return
    for said, cells in _transitions(group):
        number = f"{cells:>6}  " if len(group.transitions) > 1 else ""
        yield from paragraph(said, width, pad + number, pad + " " * len(number))


def _transitions(group: Group) -> Iterator[tuple[str, int]]:
    """Yield what the cells were and are, with how many each; the rarer ones as one."""
    found = group.transitions
    for (before, after), count in found[:TRANSITIONS]:
        yield f"{printable(before)} -> {printable(after)}", count
    left = found[TRANSITIONS:]
    if left:
        ways = "other way" if len(left) == 1 else "other ways"
        yield f"in {len(left)} {ways}", sum(count for _, count in left)


def _known(reason: Reason) -> str:
    return f"{reason} ({reason.change.os} {reason.change.versions.text})"


def _counts(found: Difference, width: int, *, everything: bool) -> Iterator[str]:
    counts = found.comparison.counts
    changed = f"{counts['changed']} of {_cells(found.comparison.decided)} changed"
    groups = sum(len(section.groups) for section in found.sections)
    yield changed + (f", in {groups} {'group' if groups == 1 else 'groups'}" if groups else "") + "."
    if part := found.comparison.partly:
        told = f"{part} of them compared in part: a run left out some of what was to be sent."
        yield from paragraph(told, width, "", "    ")
    for word in COUNTED:
        changes = found.comparison.others.get(word, ())
        if changes:
            lacking = {"new": found.comparison.before, "gone": found.comparison.after}.get(word)
            cut = lacking is not None and not lacking.complete
            yield from paragraph(_counted(word, changes, cut=cut), width, "", "    ")
            if everything:
                yield from (f"    {printable(one.id, 10_000)}" for one in changes)


def _counted(word: Verdict, changes: Sequence[Change], *, cut: bool) -> str:
    tables = [f"{printable(table)} {count}" for table, count in tally(changes).items()]
    more = f" and {len(tables) - 6} more tables" if len(tables) > 6 else ""
    told = _TOLD[word] + (", the other is not complete" if cut else "")
    return f"{len(changes)} {word}, {told}: {', '.join(tables[:6])}{more}."


def detail(found: Difference, code: ExitCode) -> str:
    """Return what the last line says beside the meaning of the exit status."""
    comparison = found.comparison
    if code is ExitCode.NOTHING:
        return "no cell was measured in both runs"
    if code is ExitCode.CHANGED:
        known = sum(section.count for section in found.sections if section.reasons)
        told = f", {known} of them as known changes say" if known else ""
        return f"{len(comparison.changed)} of {_cells(comparison.decided)}{told}"
    if code is ExitCode.INCONCLUSIVE:
        return f"nothing changed that can be told; {_cells(comparison.doubtful)} in doubt"
    return f"nothing changed in {_cells(comparison.decided)}"


def markdown(found: Difference, sides: Sides, *, everything: bool = False) -> str:
    """Return the same as a page."""
    lines = [f"# {escaped(sides.before)} → {escaped(sides.after)}", ""]
    lines += [
        f"- other {what}: {escaped(old)} → {escaped(new)}" for what, old, new in sides.circumstances
    ]
    lines += [""] * bool(sides.circumstances)
    for section in found.sections:
        heading = "; ".join(escaped(_known(one)) for one in section.reasons)
        lines += [f"## {heading or _UNKNOWN}", ""]
        links = [link for one in section.reasons for link in one.change.links]
        lines += [*(f"- <{link}>" for link in links), *[""] * bool(links)]
        lines += ["| cells | which | before → after |", "| --- | --- | --- |"]
        shown = section.groups if everything else section.groups[:GROUPS]
        lines += [
            f"| {len(one.cells)} | {escaped(one.pattern or _STRANGE)} | {_ways(one)} |" for one in shown
        ]
        left = section.groups[len(shown) :]
        if left:
            lines.append(f"| {sum(len(one.cells) for one in left)} | in {len(left)} more groups | |")
        lines.append("")
    lines += [f"- {escaped(line)}" for line in _counts(found, 10_000, everything=everything)]
    if everything:
        lines += ["", "## Every cell", "", "| cell | before | after |", "| --- | --- | --- |"]
        lines += [
            f"| {escaped(one.id)} | {escaped(one.before)} | {escaped(one.after)} |"
            for section in found.sections
            for group in section.groups
            for one in group.cells
        ]
    return "\n".join(lines) + "\n"


def _ways(group: Group) -> str:
    found = list(_transitions(group))
    return "<br>".join(
        escaped(said.replace(" -> ", " → ")) + (f" ({count})" if len(found) > 1 else "")
        for said, count in found
    )


def values(found: Difference, sides: Sides, code: ExitCode) -> dict[str, Any]:
    """Return the same for a program, with every cell."""
    comparison = found.comparison
    return {
        "before": _side(sides.before, comparison.before),
        "after": _side(sides.after, comparison.after),
        "circumstances": {what: [old, new] for what, old, new in sides.circumstances},
        "status": code.value,
        "counts": comparison.counts,
        "partly": comparison.partly,
        "sections": [
            {
                "explained": [
                    {
                        "id": reason.change.id,
                        "title": reason.change.title,
                        "versions": reason.change.versions.text,
                        "links": list(reason.change.links),
                        "sure": reason.sure,
                        "came": reason.came,
                    }
                    for reason in section.reasons
                ],
                "groups": [_group_value(group) for group in section.groups],
            }
            for section in found.sections
        ],
        **{word: [one.id for one in comparison.others.get(word, ())] for word in COUNTED},
    }


def _side(name: str, run: Run) -> dict[str, str]:
    platform = run.header.platform
    return {
        "name": name,
        "stack": platform.stack,
        "release": platform.release,
        "build": platform.build,
        "file": str(run.path),
    }


def _group_value(group: Group) -> dict[str, Any]:
    return {
        "pattern": group.pattern,
        "transitions": [
            {"before": before, "after": after, "cells": count}
            for (before, after), count in group.transitions
        ],
        "cells": [one.id for one in group.cells],
    }


def _cells(count: int) -> str:
    return f"{count} {'cell' if count == 1 else 'cells'}"
