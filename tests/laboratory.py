"""A laboratory for tests: probes at work in a private lab, driven as `sockmatrix run` drives them.

`Laboratory` measures cells by id or by pattern; `enter` and `role_pids` find a way into what it runs.
"""

from __future__ import annotations

import collections
import functools
import os
import random
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fakeprobe import process_of

from sockmatrix import collect, content, table
from sockmatrix.measure import Lanes, Requests
from sockmatrix.selection import select
from sockmatrix.target import LocalTarget, ProbeOptions

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from typing_extensions import Self

    from sockmatrix.cell import Cell
    from sockmatrix.runfile import CellLine
    from sockmatrix.target import Target

SEED = 7
REPEAT = 3

_TABLES = table.load_all()


def cells(*ids: str) -> list[Cell]:
    """Return the cells of the matrix with these ids. Raises CellIdError."""
    return [_TABLES[text.partition("/")[0]].cell(text) for text in ids]


@functools.lru_cache
def matching(*patterns: str) -> list[Cell]:
    """Return the cells of the matrix that one of the patterns matches, all without any."""
    return list(select(patterns=patterns).cells)


def sample(count: int, *patterns: str) -> list[Cell]:
    """Return so many of them, or all if they are fewer, at random but always the same."""
    known = matching(*patterns)
    return random.Random(SEED).sample(known, min(count, len(known)))


class Laboratory:
    """Probes in private labs. `counts` are those of all that was measured: voided, lost_roles, ..."""

    def __init__(self, target: Target | None = None, *, lanes: int = 1, **options: Any) -> None:
        """Start the first probe. Raises TargetError where there is no private lab."""
        tables = _TABLES.values()
        self.counts: collections.Counter[str] = collections.Counter()
        self._lanes = Lanes(
            Requests({one.name: one.scenario for one in tables}),
            target or LocalTarget(),
            ProbeOptions(lab="private", **options),
            lanes,
            repeat=REPEAT,
            seed=SEED,
        )
        self.hello = self._lanes.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        """Process id of the first probe."""
        return process_of(self._lanes._probes[0]).pid

    def measure(self, wanted: Sequence[Cell], *, repeat: int = REPEAT) -> dict[str, CellLine]:
        """Measure cells and return what they amount to, by id."""
        self._lanes.repeat = repeat
        found: dict[str, CellLine] = {}
        for block in self._lanes.run(wanted):
            self.counts.update({name: int(count) for name, count in block.counts.items()})
            found.update({line.id: line for line in collect.lines(block)})
        assert set(found) == {cell.id for cell in wanted}
        return found

    def outcomes(self, *ids: str) -> dict[str, CellLine]:
        """Measure the cells with these ids."""
        return self.measure(cells(*ids))

    def stop(self) -> None:
        """End the probes, and wait for the roles to follow them."""
        pids = [process_of(probe).pid for probe in self._lanes._probes.values()]
        roles = [role for pid in pids for role in role_pids(pid).values()]
        self._lanes.stop()
        wait_for_end(roles)


def differences(
    found: Mapping[str, CellLine], expected: Mapping[str, CellLine]
) -> dict[str, tuple[object, object]]:
    """Return the cells that tell something else than expected; what tells nothing does not differ."""
    return {
        key: (line.outcome, expected[key].outcome)
        for key, line in found.items()
        if line.word != "inconclusive" and not line.agrees(expected[key])
    }


def words(found: Iterable[CellLine]) -> collections.Counter[str]:
    """Return how many cells have which word."""
    return collections.Counter(line.word for line in found)


# Processes


def role_pids(probe: int) -> dict[str, int]:
    """Return the processes of a probe's roles, by name: those that its nursery has forked (Linux)."""
    parents, names = {}, {}
    for place in Path("/proc").glob("[0-9]*"):
        try:
            name, _, rest = (place / "stat").read_text().partition("(")[2].rpartition(")")
        except OSError:  # gone in the meantime
            continue
        parents[int(place.name)] = int(rest.split()[1])
        names[int(place.name)] = name
    return {
        names[pid].removeprefix("role "): pid
        for pid, parent in parents.items()
        if names[pid].startswith("role ") and parents.get(parent) == probe
    }


def wait_for_end(pids: Iterable[int], patience: float = 30.0) -> None:
    """Wait until none of the processes is left. Raises TimeoutError."""
    deadline = time.monotonic() + patience
    left = list(pids)
    while left:
        left = [pid for pid in left if is_alive(pid)]
        if left and time.monotonic() > deadline:
            raise TimeoutError(f"still there: {left}")
        time.sleep(0.005)


def is_alive(pid: int) -> bool:
    """Tell whether there is such a process, other than a zombie."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return text.rpartition(")")[2].split()[0] not in "ZX"


_ENTER = """
import os, sys
sys.path.insert(0, sys.argv[1])
import namespaces

kinds = {"user": namespaces.CLONE_NEWUSER, "net": namespaces.CLONE_NEWNET}
theirs = {kind: f"/proc/{sys.argv[2]}/ns/{kind}" for kind in kinds}
entered = {
    kind: os.open(path, os.O_RDONLY)
    for kind, path in theirs.items()
    if os.readlink(path) != os.readlink(f"/proc/self/ns/{kind}")
}
for kind, descriptor in entered.items():  # the user namespace first: it gives the right to the other
    namespaces.setns(descriptor, kinds[kind])
os.execvp(sys.argv[3], sys.argv[3:])
"""


def enter(pid: int, command: Sequence[str], **options: Any) -> subprocess.Popen[str]:
    """Start a command in the namespaces of a probe, with the rights that the probe has there."""
    start = [sys.executable, "-c", _ENTER, str(content.probes()), str(pid)]
    return subprocess.Popen([*start, *command], text=True, **options)


def run_inside(pid: int, command: Sequence[str]) -> tuple[int, str]:
    """Run a command in the namespaces of a probe; return its exit status and what it printed."""
    with enter(pid, command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as child:
        said, _ = child.communicate()
    return child.returncode, said.strip()


def leaves_no_child(pid: int) -> bool:
    """Tell whether a probe has no process left that calls it its parent."""
    return not role_pids(pid) and not os.path.exists(f"/proc/{pid}")  # noqa: PTH110 - a process
