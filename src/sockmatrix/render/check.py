"""A run held against its baseline, for a terminal, for the summary of a CI job, and for a program."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

from sockmatrix.exitcode import ExitCode
from sockmatrix.render.escape import markdown as escaped
from sockmatrix.render.escape import printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sockmatrix.checking import Checked, Difference, Fate, Group
    from sockmatrix.compare import Verdict
    from sockmatrix.grouping import Part
    from sockmatrix.render.screen import Screen

LIMIT = 900 * 1024
"""Bytes of a job summary at most: GitHub drops one of more than 1 MiB, and some just below it."""

_TITLES: Mapping[Fate, tuple[str, str]] = {
    "unexpected": ("Changed", "bold red"),
    "unstable": ("No longer the same in every repetition", "bold yellow"),
    "allowed": ("Changed, which is allowed", "yellow"),
    "explained": ("Changed, which is known", "yellow"),
}
_UNCOMPARED: Mapping[Verdict, str] = {
    "new": "not in the baseline",
    "gone": "not in this run",
    "redefined": "redefined",
    "unmeasured": "skipped",
    "inconclusive": "inconclusive",
    "unstable": "unstable",
}
_NARROWEST = 40
_PARTS = 5  # patterns of a group that are shown


def text(checked: Checked, groups: Sequence[Group], screen: Screen, *, everything: bool = False) -> str:
    """Return the differences in groups, each with one of its cells (or all, `everything`), and counts."""
    lines: list[str] = []
    for fate, (title, style) in _TITLES.items():
        own = [group for group in groups if group.fate == fate]
        if own:
            lines += [screen.paint(f"{title}: {_cells(checked.of(fate))}", style), ""]
            for group in own:
                lines += [*_group(group, screen, everything=everything), ""]
    lines += _facts(checked)
    return screen.show("\n".join(lines)) + "\n"


def _group(group: Group, screen: Screen, *, everything: bool) -> Iterator[str]:
    """Yield what was and is and why, then which cells: patterns with counts, or one alone."""
    before, after = map(printable, group.texts)
    width = max(_NARROWEST, screen.width or 100)
    count = f"{len(group.ids):>6}  "
    pad = " " * len(count)
    yield from _wrapped(f"{before} -> {after}", width, count, pad)
    for why in group.why:
        yield from _wrapped(printable(why), width, pad, pad)
    shown = group.parts if everything else group.parts[:_PARTS]
    for part in shown:
        number = f"{len(part.ids):>6}  " if len(group.parts) > 1 else ""
        yield f"{pad}{number}{_told(part)}"
        if everything and len(part.ids) > 1:
            yield from (f"{pad}{' ' * len(number)}  {name}" for name in part.ids)
    if not everything:
        left = sum(len(part.ids) for part in group.parts[_PARTS:])
        if left:
            yield f"{pad}and {_number(left, 'cell')} more; --all names them"
        if len(group.ids) > 1 and all(len(part.ids) > 1 for part in shown):
            yield f"{pad}for instance {group.ids[0]}"


def _told(part: Part) -> str:
    return part.pattern if part.exact else f"some of {part.pattern}"


def _wrapped(said: str, width: int, first: str, rest: str) -> list[str]:
    return textwrap.wrap(
        said,
        width,
        initial_indent=first,
        subsequent_indent=rest,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _facts(checked: Checked) -> list[str]:
    """Return how many cells were compared, and what became of the exceptions."""
    counts = checked.comparison.counts
    compared = f"{counts['same']} of {_number(checked.comparison.decided, 'cell')} as in the baseline"
    others = [f"{counts[word]} {name}" for word, name in _UNCOMPARED.items() if counts[word]]
    return [
        compared + ("; not compared: " + ", ".join(others) if others else "") + ".",
        *(
            f"{printable(one.place)} has expired on {one.expires}: {printable(one.reason)}"
            for one in checked.expired
        ),
        *(
            f"{printable(one.place)} is not needed: nothing that it matches differs"
            for one in checked.unused
        ),
    ]


def detail(checked: Checked, code: ExitCode) -> str:
    """Return what the last line says beside the meaning of the exit status."""
    unexpected, unstable = checked.of("unexpected"), checked.of("unstable")
    expected = (*checked.of("allowed"), *checked.of("explained"))
    if code is ExitCode.CHANGED:
        return f"{_cells(unexpected)}, which nothing allows or explains"
    if code is ExitCode.NOTHING:
        return "no cell was measured here and in the baseline"
    if code is ExitCode.INCONCLUSIVE and unstable:
        return f"{_cells(unstable)} no longer the same in every repetition"
    if code is ExitCode.INCONCLUSIVE:
        count = checked.comparison.counts["inconclusive"]
        return f"{_number(count, 'cell')} could not be told" if count else "not everything was measured"
    return f"{_cells(expected)} changed, as allowed or known" if expected else ""


def markdown(
    checked: Checked,
    groups: Sequence[Group],
    heads: Mapping[str, str],
    verdict: str,
    *,
    limit: int,
) -> str:
    """Return a page for the summary of a CI job: changes first, cut at a line below `limit` bytes.

    `heads`: what was compared, by names; `verdict` is the sentence about the exit status.
    """
    lines = [f"## sockmatrix check: {escaped(verdict)}", ""]
    for fate, (title, _) in _TITLES.items():
        own = [group for group in groups if group.fate == fate]
        if own:
            lines += [f"### {title}: {_cells(checked.of(fate))}", "", *_table(own), ""]
    lines += [f"- {escaped(name)}: {escaped(value)}" for name, value in heads.items()]
    lines += [f"- {escaped(line)}" for line in _facts(checked)]
    several = [group for group in groups if len(group.ids) > 1]
    if several:
        lines += ["", "### Every cell", ""]
        for group in several:
            change = f"{escaped(group.texts[0])} -> {escaped(group.texts[1])}"
            lines += [f"- `{name}`: {change}" for name in group.ids]
    return _cut(lines, limit)


def _table(groups: Sequence[Group]) -> Iterator[str]:
    """Yield the rows; not padded, for there may be thousands."""
    why = any(group.why for group in groups)
    headers = ["cells", "before", "now", "which", *(["why"] if why else [])]
    yield _row(headers)
    yield _row(["---"] * len(headers))
    for group in groups:
        before, after = map(escaped, group.texts)
        said = [escaped("; ".join(group.why))] if why else []
        for part in group.parts:
            yield _row([str(len(part.ids)), before, after, f"`{_told(part)}`", *said])


def _row(texts: Sequence[str]) -> str:
    return f"| {' | '.join(texts)} |"


def _cut(lines: Sequence[str], limit: int) -> str:
    room = limit - 200
    kept: list[str] = []
    for place, line in enumerate(lines):
        room -= len(line.encode()) + 1
        if room < 0:
            kept += ["", f"{len(lines) - place} more lines are left out here; the run file has it all."]
            break
        kept.append(line)
    return "\n".join(kept) + "\n"


def values(checked: Checked, groups: Sequence[Group]) -> dict[str, Any]:
    """Return the same for a program: counts, groups, every cell that differs, and exceptions."""
    return {
        "counts": checked.comparison.counts,
        "groups": [
            {
                "fate": group.fate,
                "before": group.texts[0],
                "now": group.texts[1],
                "cells": len(group.ids),
                "patterns": [
                    {"pattern": part.pattern, "exact": part.exact, "cells": len(part.ids)}
                    for part in group.parts
                ],
            }
            for group in groups
        ],
        "differences": [_value(one) for one in checked.differences],
        "exceptions": {
            "expired": [one.place for one in checked.expired],
            "unused": [one.place for one in checked.unused],
        },
    }


def _value(one: Difference) -> dict[str, Any]:
    allowed = one.allowed
    return {
        "id": one.cell.id,
        "fate": one.fate,
        "before": one.texts[0],
        "now": one.texts[1],
        "allowed": allowed
        and {
            "reason": allowed.reason,
            "expires": allowed.expires.isoformat(),
            "expired": one.expired,
            "place": allowed.place,
        },
        "explained": [
            {"id": reason.change.id, "title": reason.change.title, "sure": reason.sure}
            for reason in one.reasons
        ],
    }


def _cells(some: Sequence[Difference]) -> str:
    return _number(len(some), "cell")


def _number(count: int, word: str) -> str:
    return f"{count} {word}" if count == 1 else f"{count} {word}s"
