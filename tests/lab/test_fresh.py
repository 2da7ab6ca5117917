"""The same outcomes however a probe is started: fresh processes, a long wait, a zipapp, several lanes."""

from __future__ import annotations

import sys
import zipapp
from dataclasses import dataclass
from typing import TYPE_CHECKING

from laboratory import cells, differences, sample, words

from sockmatrix import content
from sockmatrix.targets.conversation import CommandTarget

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from laboratory import Laboratory

    Start = Callable[..., Laboratory]

KINDS = cells(
    "loopback-broadcast/dest:lobcast/A:lobcast.addr/B:any4.addr",
    "loopback-broadcast/dest:lo4/A:lo4.addr/B:lo4.addr/C:lo4.addr",
    "loopback-broadcast/dest:lobcast/broadcast:off/A:any4.addr/B:any4.addr",
    "fan-out/dest:if4/A:any4.port/B:any4.port/C:any4.port",
    "fan-out/dest:group4/A:any4.addr/B:any4.addr.none",
    "bind-conflicts/transport:tcp/listen:at-once/A:any4.port/B:any4.port",
)
"""A broadcast, a winner, a refused send, a spread, a group, TCP."""


@dataclass(frozen=True)
class Archive(CommandTarget):
    """A target: this machine, with the probe packed as one file."""

    place: Path

    def command(self, arguments: list[str]) -> list[str]:
        """Return the command that starts it."""
        return [sys.executable, "-s", "-E", str(self.place), *arguments]


def test_fresh_processes_and_a_long_wait_change_nothing(start: Start, laboratory: Laboratory) -> None:
    """The cross-check of the pooled roles: new processes for every cell, 0.2 s of silence."""
    wanted = list({cell.id: cell for cell in [*KINDS, *sample(6, "receivers=1,2,3")]}.values())
    own = start(fresh=True, grace=0.2, lanes=4)
    found = own.measure(wanted, repeat=1)
    assert not words(found.values())["inconclusive"]
    assert not differences(found, laboratory.measure(wanted))
    assert own.counts["batches"] >= len(wanted) - words(found.values())["absent"]


def test_a_zipapp_measures_the_same(start: Start, laboratory: Laboratory, tmp_path: Path) -> None:
    """One file, copied to a machine by hand: the same probe by its hash, and the same outcomes."""
    archive = tmp_path / "probes.pyz"
    zipapp.create_archive(content.probes(), archive)
    own = start(Archive(archive))
    assert own.hello["probe"] == laboratory.hello["probe"]
    wanted = [*KINDS, *sample(100, "receivers=1,2,3")]
    found = own.measure(wanted)
    assert not words(found.values())["inconclusive"]
    assert not differences(found, laboratory.measure(wanted))


def test_labs_side_by_side_do_not_disturb_each_other(start: Start, laboratory: Laboratory) -> None:
    """Three lanes, each with a network of its own."""
    wanted = sample(300, "receivers=1,2,3")
    found = start(lanes=3).measure(wanted)
    assert not words(found.values())["inconclusive"]
    assert not differences(found, laboratory.measure(wanted))
