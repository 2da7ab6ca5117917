#!/usr/bin/env python3
"""Write the programs that the page cannot put together, beforehand: src/sockmatrix/page/programs.json.z.

ci/in-venv python ci/beforehand.py [--check]

Half a minute. With --check nothing is written, and the status is 1 if the file is not as it would be.
"""

from __future__ import annotations

import sys

from sockmatrix.page import beforehand
from sockmatrix.selection import select


def main() -> None:
    """Write them, or check."""
    packed = beforehand.pack(select().plans)
    if sys.argv[1:] != ["--check"]:
        beforehand.FILE.write_bytes(packed)
    elif not beforehand.FILE.exists() or not beforehand.same(beforehand.FILE.read_bytes(), packed):
        sys.exit("src/sockmatrix/page/programs.json.z is out of date: run ci/beforehand.py")


if __name__ == "__main__":
    main()
