"""What the words in the cells mean; a legend lists only those that occur."""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sockmatrix.render.values import Grid

_SOCKET = r"[A-Z]{1,2}(\.[a-z][a-z0-9]*)?"
_SOCKETS = rf"{_SOCKET}(\u2013{_SOCKET})?"
_SEVERAL = rf"{_SOCKETS}(\+{_SOCKETS})*"

_MEANINGS = (
    ("all", "all", "every open socket heard everything", "green"),
    ("first", "first", "only the socket bound first heard", "cyan"),
    ("last", "last", "only the socket bound last heard", "cyan"),
    ("B", _SOCKET, "only this socket heard (A was bound first, then B, ...)", "cyan"),
    ("varies", "varies", "only one socket heard, another one in each repetition", "cyan"),
    ("A+C", _SEVERAL, "only these sockets heard, each of them", "cyan"),
    (
        "spread",
        f"spread( {_SEVERAL})?",
        "each source port or connection reached one socket, but not all the same",
        "blue",
    ),
    (
        "spread by datagram",
        f"spread( {_SEVERAL})? by datagram",
        "each datagram reached one socket, also those of one source port different ones",
        "blue",
    ),
    ("none", "none", "nobody heard anything", "red"),
    ("duplicated", "duplicated", "a socket heard the same datagram twice", "magenta"),
    ("uneven", "uneven", "not every datagram went the same way", "magenta"),
    (
        "B refused",
        ".+ refused.*",
        "B may not bind: EADDRINUSE, if nothing else is said in brackets",
        "yellow",
    ),
    ("EACCES", "E[A-Z0-9]+", "sending, or the step that is named, was refused with this error", "yellow"),
    ("connect E...", "connect E[A-Z0-9]+", "connecting failed with this error", "yellow"),
    ("opened", "opened", "all sockets opened; nothing was to be sent", "green"),
    ("mixed", "mixed", "the destinations of the cell did not end alike", ""),
    ("absent", "absent", "this platform has no such option or address", "dim"),
    ("skipped", "skipped", "not measured here, for a reason the run file gives", "dim"),
    ("inconclusive", "inconclusive", "measured, but silence could not be proved", "magenta"),
    ("unstable", "unstable", "the repetitions differ", "magenta"),
    ("refused", "refused", "a socket was refused, whichever and however", "yellow"),
    ("send-refused", "send-refused", "sending or connecting was refused", "yellow"),
    ("one", "one", "only one socket heard, whichever", "cyan"),
    ("one:varies", "one:varies", "only one socket heard, another one in each repetition", "cyan"),
    ("some", "some", "two sockets or more heard, but not all", "cyan"),
    ("told", "told", "nothing was to be heard; the steps say what happened", ""),
    (
        "differs",
        "differs",
        "not the same on every platform, or documented otherwise: see the table above",
        "",
    ),
    ("may bind", "may bind", "the socket may bind; who hears it then is not said", ""),
    ("not all", "not all", "not every socket hears, maybe none", ""),
    ("somebody", "somebody", "at least one socket hears", ""),
    ("\u2013", "\u2013", "not measured", "dim"),
)

_SAID = re.compile('"([^"]*)"')
_DOCUMENTED = (
    '"..."',
    "documented: what documents say of that system, not measured; --format csv and json name the claims",
)
_AGAINST = ('"x" against "y"', "documents contradict each other")

_LABELS = (
    "lo4 ...",
    "of what was sent to 127.0.0.1 (lo4), ::1 (lo6), the interface (if4, if6), a group (group4)",
)
_LABELLED = re.compile("((lo[46]|if[46]|group4)[+ ])+")

_COUNT = re.compile(" [0-9]+$")
"""What a pivot puts behind each of several outcomes: how many cells turned out so."""

_STEPS = ("label ...", "of the step with this label; `sockmatrix list ID` shows the steps of a cell")
_STEP = re.compile(r"[a-z0-9][a-z0-9.+-]*")

_PATTERNS = tuple((re.compile(pattern), index) for index, (_, pattern, _, _) in enumerate(_MEANINGS))


def legend(grids: Iterable[Grid]) -> list[tuple[str, str]]:
    """Return (word, meaning) of the words that occur in the cells of `grids`, in a fixed order."""
    every = {cell for grid in grids for _, cells in grid.rows for cell in cells}
    said = {cell for cell in every if cell.startswith('"')}
    cells = {part for cell in said for part in _SAID.findall(cell)} | (every - said)
    found = {index for cell in cells for index in _indexes(cell)}
    words = [_MEANINGS[index][::2] for index in sorted(found)]
    parts = [part for cell in cells for part in _parts(cell)]
    addressed = [part for part in parts if _LABELLED.match(part)]
    labelled = any(_has_label(part) for part in parts if not _LABELLED.match(part))
    words += [_DOCUMENTED] * bool(said) + [_AGAINST] * any('" against "' in cell for cell in said)
    return words + [_LABELS] * bool(addressed) + [_STEPS] * labelled


def style(cell: str) -> str:
    """Return the name of a terminal style for a cell, empty for none; it only repeats the word."""
    styles = {_MEANINGS[index][3] for index in _indexes(cell)}
    return styles.pop() if len(styles) == 1 else ""


def _has_label(part: str) -> bool:
    """Tell whether a part of a cell begins with the label of a step."""
    if any(pattern.fullmatch(part) for pattern, _ in _PATTERNS):
        return False
    label, blank, _ = part.partition(" ")
    return bool(blank and _STEP.fullmatch(label))


def _parts(cell: str) -> list[str]:
    return [_COUNT.sub("", part) for part in re.split(" \u00b7 | / ", cell)]


def _indexes(cell: str) -> list[int]:
    """Return which meanings a cell has; a part may have a label before it, as in "lo4 all"."""
    return [index for part in _parts(cell) if (index := _index(part)) is not None]


@functools.lru_cache(maxsize=4096)  # there are thousands of cells, of few parts
def _index(part: str) -> int | None:
    for text in (part, part.partition(" ")[2]):
        for pattern, index in _PATTERNS:
            if pattern.fullmatch(text):
                return index
    return None
