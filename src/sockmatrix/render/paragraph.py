"""A paragraph for a terminal: as wide as there is room, long patterns and ids broken too."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sockmatrix.render.screen import Screen


def paragraph(  # noqa: PLR0917 - how a paragraph looks
    said: str, width: int, first: str, rest: str, screen: Screen | None = None, style: str = ""
) -> Iterator[str]:
    """Yield a paragraph in lines of `width`, broken at blanks, and in long words after commas."""
    line, empty = first, True
    for word in said.split():
        pieces = [word]
        if len(rest) + len(word) > width:
            pieces = [piece + "," for piece in word.split(",")]
            pieces[-1] = pieces[-1][:-1]
        for number, piece in enumerate(pieces):
            gap = "" if empty or number else " "
            if not empty and len(line) + len(gap) + len(piece) > width:
                yield screen.paint(line, style) if screen else line
                line, gap = rest, ""
            line += gap + piece
            empty = False
    yield screen.paint(line, style) if screen else line
