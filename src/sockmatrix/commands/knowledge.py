"""What commands that ask what is known share: --on, --runs, and the knowledge that they name."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sockmatrix import content, table
from sockmatrix.claims import systems
from sockmatrix.claims.book import load
from sockmatrix.claims.versions import release
from sockmatrix.cli import UsageError
from sockmatrix.commands.runs import read_runs, tell_incomplete
from sockmatrix.evidence import Knowledge
from sockmatrix.exitcode import ExitCode
from sockmatrix.part import TableError, unknown

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping, Sequence

    from sockmatrix.claims.versions import Version
    from sockmatrix.table import Table

_ALIASES = {"mac": "macos", "osx": "macos", "darwin": "macos", "win": "windows", "win32": "windows"}


def add_knowledge(parser: argparse.ArgumentParser, default: str) -> None:
    """Add --on, of which `default` says in words what is meant without it, and --runs."""
    parser.add_argument(
        "--on",
        metavar="SYSTEM,...",
        help=f"systems, such as linux,macos,windows; one may have a release: macos=15.5 ({default})",
    )
    parser.add_argument(
        "--runs",
        nargs="+",
        default=[],
        metavar="RUN",
        help="run files, or directories of them (default: those that come with sockmatrix)",
    )


def systems_named(text: str | None) -> dict[str, Version | None]:
    """Return the systems that --on names, with the release of each if it has one. Raises UsageError."""
    found: dict[str, Version | None] = {}
    for word in filter(None, (text or "").split(",")):
        name, equals, version = word.strip().lower().partition("=")
        name = _ALIASES.get(name, name)
        known = [one for one in systems.SYSTEMS if one != systems.ANY]
        if name not in known:
            raise UsageError(unknown("system", name, known))
        found[name] = release(version) if equals else None
        if equals and found[name] is None:
            raise UsageError(f'"{version}" is not a release such as 15.5')
    return found


def knowledge(
    runs: Sequence[str], named: Mapping[str, Version | None], tables: Sequence[str]
) -> tuple[Knowledge, dict[str, Table], ExitCode]:
    """Return what is known, some tables by name, and what the runs lack. Raises UsageError."""
    read = list(read_runs(_files(runs)).values())
    code = tell_incomplete(read) if runs else ExitCode.EXPECTED
    try:
        loaded = table.load_all(names=tables)
        claims = load().claims.values()
    except TableError as error:
        raise UsageError(str(error)) from error
    scenarios = {name: one.scenario for name, one in loaded.items()}
    releases = {name: version for name, version in named.items() if version is not None}
    return Knowledge(read, claims, scenarios, releases), loaded, code


def _files(given: Sequence[str]) -> list[Path]:
    """Return the run files that are named, those of directories by their endings."""
    found: list[Path] = []
    for text in given or [str(content.runs())]:
        place = Path(text)
        own = sorted(place.glob("*.jsonl*")) if place.is_dir() else [place]
        if not own and given:
            raise UsageError(f"{text} has no run files (*.jsonl, *.jsonl.gz)")
        found += own
    return found
