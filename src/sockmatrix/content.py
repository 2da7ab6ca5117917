"""Where the content lies, tables, probe and runs: in the package (a wheel) or beside it (a checkout)."""

from __future__ import annotations

import functools
from pathlib import Path


class ContentError(Exception):
    """Neither the package nor a checkout holds the content; the message says which places."""


def matrix() -> Path:
    """Return the directory of the tables. Raises ContentError."""
    return _find("matrix")


def probes() -> Path:
    """Return the directory of the probe, to be run as `python DIRECTORY`. Raises ContentError."""
    return _find("probes")


def runs() -> Path:
    """Return the directory of the committed runs. Raises ContentError."""
    return _find("reports/runs")


def _find(name: str) -> Path:
    return _look(name, __file__)


@functools.cache
def _look(name: str, file: str) -> Path:
    """Return where `name` lies beside our file; looked for once, for patterns ask a thousand times."""
    package = Path(file).resolve().parent
    places = (package / name, package.parents[1] / name)
    for place in places:
        if place.is_dir():
            return place
    tried = " nor ".join(str(place) for place in places)
    raise ContentError(f"the directory {name}/ is missing: neither {tried} exists; reinstall sockmatrix")
