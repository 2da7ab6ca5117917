"""What this probe is: its version and the hash of its sources, the same as a directory or as a zipapp."""

from __future__ import annotations

import hashlib
import os
import sys
import zipfile
from typing import Dict

VERSION = "1"


def of_probe() -> str:
    """Return the SHA-256 of the probe's sources, names and bytes, in the order of the names."""
    total = hashlib.sha256()
    for name, source in sorted(sources(sys.path[0] or os.curdir).items()):
        total.update(name.encode() + b"\0" + hashlib.sha256(source).digest())
    return total.hexdigest()


def sources(place: str) -> Dict[str, bytes]:
    """Return the Python files of a directory or of a zip archive, by name."""
    found = {}
    if os.path.isdir(place):
        for name in os.listdir(place):
            if name.endswith(".py"):
                with open(os.path.join(place, name), "rb") as file:
                    found[name] = file.read()
    else:
        with zipfile.ZipFile(place) as archive:
            for name in archive.namelist():
                if name.endswith(".py") and "/" not in name:
                    found[name] = archive.read(name)
    return found
