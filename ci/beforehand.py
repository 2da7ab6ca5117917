#!/usr/bin/env python3
"""Write the programs that the page cannot put together, beforehand: src/sockmatrix/page/programs.json.z.

ci/in-venv ci/beforehand.py      half a minute
"""

from __future__ import annotations

from sockmatrix.page import beforehand
from sockmatrix.selection import select

if __name__ == "__main__":
    beforehand.FILE.write_bytes(beforehand.pack(select().plans))
