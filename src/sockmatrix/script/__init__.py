"""Scripts: what the processes of a cell do, turn by turn, written by hand in `matrix/`."""

from __future__ import annotations

from sockmatrix.script.compiler import compile_steps, fill, holes
from sockmatrix.script.errors import ScriptError

__all__ = ["ScriptError", "compile_steps", "fill", "holes"]
