"""Small files in which a system tells about itself, under /proc on Linux."""

from __future__ import annotations


def text(path: str) -> str:
    """Return what a file says, nothing where there is no such file or it may not be read."""
    try:
        with open(path, encoding="ascii") as file:
            return file.read()
    except OSError:
        return ""
