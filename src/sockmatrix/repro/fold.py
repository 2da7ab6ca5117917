"""Long lines of a program: a call that does not fit gets an argument a line."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

WIDTH = 100

_STEP = "    "


def fold(line: str, *, indent: int, trailing: str = "") -> list[str]:
    """Return a statement as lines: itself, or where it ends beyond WIDTH one for each argument.

    `indent`: so many columns it is moved to the right; `trailing` follows the last argument.

    >>> fold("f(one, (two, 3), 4)", indent=90, trailing=",")
    ['f(', '    one,', '    (two, 3),', '    4,', ')']
    """
    if indent + len(line) <= WIDTH or "(" not in line:
        return [line]
    start = line.index("(") + 1
    end = line.rindex(")")
    *most, last = _arguments(line[start:end])
    inner = [*(f"{one}," for one in most), last + trailing]
    folded = [
        f"{_STEP}{part}" for one in inner for part in fold(one, indent=indent + 4, trailing=trailing)
    ]
    return [line[:start], *folded, line[end:]]


def _arguments(text: str) -> Iterator[str]:
    """Yield the arguments of a call, which may be calls and strings themselves."""
    depth = start = 0
    quoted = False
    for place, letter in enumerate(text):
        quoted ^= letter == '"' and text[place - 1 : place] != "\\"
        if not quoted:
            depth += (letter in "([{") - (letter in ")]}")
            if letter == "," and not depth:
                yield text[start:place].strip()
                start = place + 1
    yield text[start:].strip()
