"""What the place where text is shown can do: its width, colours, characters."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, TextIO, final

if TYPE_CHECKING:
    from rich.color import ColorSystem

_PLAIN = str.maketrans({"\u2013": "-", "\u00b7": ";", "\u2026": "~"})


@final
@dataclass(frozen=True, slots=True)
class Screen:
    """`width` in columns, None for no limit; `colors` None for none; `ascii`: nothing but ASCII."""

    width: int | None = None
    colors: ColorSystem | None = None
    ascii: bool = False

    @classmethod
    def of(cls, stream: TextIO) -> Screen:
        """Return what `stream` can do. A pipe or a file has no width, unless COLUMNS gives one.

        NO_COLOR (no-color.org), FORCE_COLOR and TERM=dumb are heeded, by way of rich.
        """
        ascii_only = not _can_show(stream, "\u2013\u00b7\u2026")
        if not stream.isatty() and not os.environ.get("FORCE_COLOR"):
            columns = os.environ.get("COLUMNS", "")
            return cls(int(columns) if columns.isdecimal() else None, None, ascii_only)
        from rich.color import ColorSystem
        from rich.console import Console

        console = Console(file=stream)
        system = None if console.no_color else console.color_system
        colors = ColorSystem[_SYSTEMS[system]] if system else None
        return cls(console.width, colors, ascii_only)

    def paint(self, text: str, style: str) -> str:
        """Return `text` in a style of rich, if there are colours."""
        if self.colors is None or not style:
            return text
        from rich.style import Style

        return Style.parse(style).render(text, color_system=self.colors)

    def show(self, text: str) -> str:
        """Return `text` in characters that the screen has."""
        if not self.ascii:
            return text
        return text.translate(_PLAIN).encode("ascii", "backslashreplace").decode("ascii")


_SYSTEMS = {
    "standard": "STANDARD",
    "256": "EIGHT_BIT",
    "truecolor": "TRUECOLOR",
    "windows": "WINDOWS",
}


def _can_show(stream: TextIO, text: str) -> bool:
    try:
        text.encode(stream.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True
