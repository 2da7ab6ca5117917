"""From what probes say to the lines of a run."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import miniatures
import pytest
import smallmatrix

from sockmatrix import collect
from sockmatrix.observation import ObservationError

if TYPE_CHECKING:
    from pathlib import Path

    from sockmatrix.selection import Selection


@pytest.fixture
def selection(tmp_path: Path) -> Selection:
    """Return the cells of the small matrix."""
    return smallmatrix.selection(tmp_path / "matrix")


def test_a_line_for_each_cell_in_order(selection: Selection) -> None:
    """Lines come in the order of the cells, each with the version of its table's scenario."""
    lines = list(collect.lines(smallmatrix.block(selection, miniatures.EVERYTHING)))
    assert [line.id for line in lines] == [cell.id for cell in selection.cells]
    assert {(line.id.partition("/")[0], line.v) for line in lines} == set(smallmatrix.VERSIONS.items())
    assert {line.word for line in lines} == {"all"}


def test_a_connection_is_no_datagram(selection: Selection) -> None:
    """TCP reads the same observations by its own rules: refused connections are nobody's."""
    lines = list(collect.lines(smallmatrix.block(selection, miniatures.NOBODY)))
    assert {line.word for line in lines} == {"none"}
    lines = list(collect.lines(smallmatrix.block(selection, miniatures.SPREADS)))
    ways = [{delivery.by for delivery in line.delivery.values()} for line in lines]
    assert ways == [{"source port"}] * smallmatrix.UDP + [{"connection"}] * smallmatrix.TCP


@pytest.mark.parametrize("platform", miniatures.PLATFORMS, ids=lambda platform: platform.name)
def test_every_platform(selection: Selection, platform: miniatures.Platform) -> None:
    """Whatever a platform does, there is an outcome for each of its cells."""
    lines = list(collect.lines(smallmatrix.block(selection, platform)))
    assert len(lines) == smallmatrix.ALL


def test_what_was_not_seen_is_left_out(selection: Selection) -> None:
    """A cell of which the probe said nothing is unmeasured, not silent; a stranger is ignored."""
    block = smallmatrix.block(selection, miniatures.LAST)
    missing = selection.cells[7].id
    block.seen["nobody/asked:for/A:any4.addr"] = block.seen.pop(missing)
    lines = list(collect.lines(block))
    assert {cell.id for cell in selection.cells} - {line.id for line in lines} == {missing}
    assert len(lines) == smallmatrix.ALL - 1


@pytest.mark.parametrize(
    "seen",
    [
        {},
        [[0, {}]],
        [[1, {"roles": {"A": "perhaps"}}]],
        [[1, {"sends": {"": {"sent": -1}}}]],
        [["1", {}]],
        "last",
    ],
)
def test_what_is_no_observation_is_an_error(selection: Selection, seen: object) -> None:
    """A probe that says something else is not believed."""
    block = smallmatrix.block(selection, miniatures.LAST)
    block.seen[selection.cells[0].id] = json.dumps(seen).encode()
    with pytest.raises(ObservationError):
        list(collect.lines(block))
