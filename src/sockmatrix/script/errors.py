"""What is wrong with a script."""

from __future__ import annotations


class ScriptError(ValueError):
    """A text is not a script; the message says what is wrong, and `line` where (from 1; 0: the whole)."""

    def __init__(self, problem: str, line: int = 0, text: str = "") -> None:
        place = f'line {line} ("{text}"): ' if line else ""
        super().__init__(place + problem)
        self.problem = problem
        self.line = line
        self.text = text
