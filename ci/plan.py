"""Say which platforms are to be measured: outputs `runners` and `guests`, JSON for `strategy.matrix`.

`python ci/plan.py [--only 'ubuntu-*'] [--file ci/platforms.toml]` reads them from that file.
"""

from __future__ import annotations

import argparse
import fnmatch
import json
import sys
from pathlib import Path
from typing import Any

import common

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

SYSTEMS = ("freebsd", "openbsd", "netbsd", "illumos")
"""Those for which matrix.yml has a step that starts a virtual machine."""


def main(words: list[str] | None = None) -> int:
    """Read, choose, tell."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--only", default="*", help="names of platforms, globs with commas between them")
    parser.add_argument("--file", type=Path, default=common.ROOT / "ci" / "platforms.toml")
    arguments = parser.parse_args(words)
    chosen = choose(tomllib.loads(arguments.file.read_text(encoding="utf-8"))["platform"], arguments.only)
    if not chosen:
        common.note("error", f"no platform is called {arguments.only}")
        return 2
    runners = [one for one in chosen if "runner" in one]
    guests = [one for one in chosen if "system" in one]
    # An empty matrix is an error to GitHub: the jobs ask for these lists before they begin.
    common.output(
        runners=json.dumps({"include": runners}) if runners else "",
        guests=json.dumps({"include": guests}) if guests else "",
    )
    return 0


def choose(platforms: list[dict[str, Any]], only: str) -> list[dict[str, Any]]:
    """Return the platforms that one of the globs names. Raises ValueError for one that is not right."""
    names = [one["name"] for one in platforms]
    for one in platforms:
        if names.count(one["name"]) > 1:
            raise ValueError(f"{one['name']} is there twice")
        if ("runner" in one) == ("system" in one) or one.get("system", SYSTEMS[0]) not in SYSTEMS:
            raise ValueError(f"{one['name']}: a runner, or one of {', '.join(SYSTEMS)}")
    globs = [text.strip() for text in only.split(",") if text.strip()] or ["*"]
    return [one for one in platforms if any(fnmatch.fnmatch(one["name"], glob) for glob in globs)]


if __name__ == "__main__":
    sys.exit(main())
