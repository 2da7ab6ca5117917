"""Install sockmatrix from this checkout into a virtual environment; output `python`: its interpreter.

`python ci/install.py DIRECTORY` makes it if need be.
"""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from pathlib import Path

import common


def main(words: list[str] | None = None) -> int:
    """Install, unless it is there."""
    (name,) = sys.argv[1:] if words is None else words
    place = Path(name).resolve()
    python = place / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if not python.exists():
        venv.create(place, with_pip=True)
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    done = subprocess.run([*pip, str(common.ROOT)], check=False)
    common.output(python=python.as_posix())
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
