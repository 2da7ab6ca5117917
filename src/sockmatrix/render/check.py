"""A run held against its baseline, for a terminal, for the summary of a CI job, and for a program."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

from sockmatrix.exitcode import ExitCode
from sockmatrix.grouping import total
from sockmatrix.render.escape import markdown as escaped
from sockmatrix.render.escape import printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sockmatrix.checking import Checked, Difference, Fate, Section
    from sockmatrix.compare import Verdict
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
_GROUPS = 25  # of a section, that are shown
_TRANSITIONS = 3  # of a group, that are shown


def text(
    checked: Checked, sections: Sequence[Section], screen: Screen, *, everything: bool = False
) -> str:
    """Return the differences in groups, `everything` or the largest, and counts."""
    lines: list[str] = []
    for fate, (title, style) in _TITLES.items():
        own = [section for section in sections if section.fate == fate]
        if own:
            lines += [screen.paint(f"{title}: {_cells(checked.of(fate))}", style), ""]
            for section in own:
                lines += [*_section(section, screen, everything=everything), ""]
    lines += _facts(checked)
    return screen.show("\n".join(lines)) + "\n"


def _section(section: Section, screen: Screen, *, everything: bool) -> Iterator[str]:
    """Yield why it is so, then which cells, and what they were and are."""
    width = max(_NARROWEST, screen.width or 100)
    for why in section.why:
        yield from _wrapped(printable(why), width, "  ", "  ")
    shown = section.groups if everything else section.groups[:_GROUPS]
    for group in shown:
        count = f"{len(group.cells):>6}  "
        pad = " " * len(count)
        yield count + screen.paint(group.pattern, "bold")
        if everything and len(group.cells) > 1:
            for cell in group.cells:
                yield f"{pad}{cell.id}"
                yield from _wrapped(_change(cell.before, cell.after), width, f"{pad}  ", f"{pad}  ")
            continue
        several = len(group.transitions) > 1
        for (before, after), number in group.transitions[:_TRANSITIONS]:
            first = f"{pad}{number:>6}  " if several else pad
            yield from _wrapped(_change(before, after), width, first, " " * len(first))
        left = sum(number for _, number in group.transitions[_TRANSITIONS:])
        if left:
            yield f"{pad}{left:>6}  in other ways; --all shows them"
    rest = section.groups[len(shown) :]
    if rest:
        left = total(rest)
        yield f"{left:>6}  more in {_number(len(rest), 'group')}; --all shows them"


def _change(before: str, after: str) -> str:
    return f"{printable(before)} -> {printable(after)}"


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
    sections: Sequence[Section],
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
        own = [section for section in sections if section.fate == fate]
        if own:
            lines += [f"### {title}: {_cells(checked.of(fate))}", "", *_table(own), ""]
    lines += [f"- {escaped(name)}: {escaped(value)}" for name, value in heads.items()]
    lines += [f"- {escaped(line)}" for line in _facts(checked)]
    several = [group for section in sections for group in section.groups if len(group.cells) > 1]
    if several:
        lines += ["", "### Every cell", ""]
        lines += [
            f"- `{cell.id}`: {escaped(cell.before)} -> {escaped(cell.after)}"
            for group in several
            for cell in group.cells
        ]
    return _cut(lines, limit)


def _table(sections: Sequence[Section]) -> Iterator[str]:
    """Yield the rows; not padded, for there may be thousands."""
    why = any(section.why for section in sections)
    headers = ["cells", "which", "before", "now", *(["why"] if why else [])]
    yield _row(headers)
    yield _row(["---"] * len(headers))
    for section in sections:
        said = [escaped("; ".join(section.why))] if why else []
        for group in section.groups:
            for (before, after), count in group.transitions:
                yield _row([str(count), f"`{group.pattern}`", escaped(before), escaped(after), *said])


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


def values(checked: Checked, sections: Sequence[Section]) -> dict[str, Any]:
    """Return the same for a program: counts, groups, every cell that differs, and exceptions."""
    return {
        "counts": checked.comparison.counts,
        "groups": [
            {
                "fate": section.fate,
                "why": list(section.why),
                "pattern": group.pattern,
                "cells": len(group.cells),
                "changes": [
                    {"before": before, "now": after, "cells": count}
                    for (before, after), count in group.transitions
                ],
            }
            for section in sections
            for group in section.groups
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
