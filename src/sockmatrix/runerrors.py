"""What can be wrong with a run file: an exception for each, with one line that says what to do."""

from __future__ import annotations

from sockmatrix.render.escape import printable


class RunFileError(Exception):
    """A run file cannot be used. The message is one printable line: where, what, and what to do."""

    advice = ""

    def __init__(self, path: object, line: int, what: str, advice: str = "") -> None:
        """`line` counts from 1; 0 means the file as a whole."""
        where = f"{path}:{line}" if line else str(path)
        advice = advice or self.advice
        super().__init__(printable(f"{where}: {what}", 600) + (f"; {advice}" if advice else ""))


class Unreadable(RunFileError):
    """The operating system does not let it be read."""


class NotARunFile(RunFileError):
    """It does not begin with a header."""

    advice = "give a file that `sockmatrix run -o` has written"


class UnknownSchema(RunFileError):
    """It was written by a newer sockmatrix."""

    advice = "update sockmatrix"


class NotJson(RunFileError):
    """A line in its midst is not JSON."""

    advice = "the file is damaged; take it from its source again"


class DamagedGzip(NotJson):
    """Its compression is damaged, not merely cut short."""


class NotUtf8(NotJson):
    """A line is not UTF-8."""


class WrongType(RunFileError):
    """A line is JSON, but not of the right shape."""

    advice = "sockmatrix did not write this; see run.schema.json for the format"


class BadId(WrongType):
    """A cell's id has characters that ids do not have."""


class DuplicateCell(RunFileError):
    """The same cell occurs twice."""

    advice = "were two runs joined? `sockmatrix merge` makes one of two"


class TooLarge(RunFileError):
    """A line, the number of cells, or the whole, is beyond anything a run can have."""

    advice = "sockmatrix did not write this"


class NotAFile(RunFileError):
    """It is a directory, a pipe or a device: nothing that could be replaced or resumed."""

    advice = "give the name of a file"


class CannotResume(RunFileError):
    """It was measured elsewhere or otherwise, so it must not be continued here."""

    advice = "write to another file"
