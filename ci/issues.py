"""Open an issue for each group of cells that changed, unless there is one; `--dry-run` prints them.

    python ci/issues.py changes.json [--dry-run]

Works through `gh`, with GH_TOKEN and GH_REPO. What a run file says is other people's text: it is quoted
as code, and the title is made of the name in ci/platforms.toml and the pattern only.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

LABEL = "behaviour-change"
_LONGEST = 200  # characters of a title


def main(words: list[str] | None = None) -> int:
    """Open what is not open."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("changes", type=Path)
    parser.add_argument("--dry-run", action="store_true")
    arguments = parser.parse_args(words)
    changes = json.loads(arguments.changes.read_text(encoding="utf-8"))
    there = set() if arguments.dry_run or not changes else titles()
    for change in changes:
        name = title(change)
        if name in there:
            print(f"is open: {name}")
            continue
        there.add(name)
        print(f"{'would open' if arguments.dry_run else 'opens'}: {name}")
        if not arguments.dry_run:
            gh("issue", "create", "--title", name, "--label", LABEL, "--body", body(change))
    return 0


def titles() -> set[str]:
    """Return the titles of the open issues of this kind; their label is made if need be."""
    gh("label", "create", LABEL, "--force", "--description", "A system behaves otherwise than before")
    told = gh("issue", "list", "--label", LABEL, "--state", "open", "--limit", "1000", "--json", "title")
    return {one["title"] for one in json.loads(told)}


def title(change: dict[str, Any]) -> str:
    """Return the title of the issue about a group: the same next week, on a newer build."""
    return plain(f"{change['name']}: {change['pattern']}", _LONGEST)


def body(change: dict[str, Any]) -> str:
    """Return the text of the issue."""
    rows = [
        f"    {one['cells']:>6}  {plain(one['before'], 300)} -> {plain(one['now'], 300)}"
        for one in change["changes"]
    ]
    pattern = plain(change["pattern"], 1000)
    return "\n".join(
        [
            f"{change['cells']} cells behave otherwise than in the baseline:",
            "",
            f"    {plain(change['platform'], 300)}",
            f"    {plain(change['baseline'], 300)} (the baseline)",
            "",
            f"    sockmatrix check --only '{pattern}'",
            "",
            *rows,
            "",
            "If that is right, commit the new run as the baseline; a known change of the system",
            "belongs in `matrix/changes.toml`, an exception for a time in a file for `--allow`.",
        ]
    )


def plain(text: str, most: int) -> str:
    """Return a text without what a page or a terminal would take for more."""
    kept = "".join(char if " " <= char <= "~" and char not in "`@<>" else "?" for char in text)
    return kept if len(kept) <= most else kept[: most - 3] + "..."


def gh(*words: str) -> str:
    """Run `gh`; a failure ends the step."""
    done = subprocess.run(["gh", *words], capture_output=True, text=True, encoding="utf-8", check=False)
    if done.returncode:
        sys.stderr.write(done.stderr)
        sys.exit(done.returncode)
    return done.stdout


if __name__ == "__main__":
    sys.exit(main())
