"""Ids are read fast as they are read with care: the same cells, and none where there is an error."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest
import smallmatrix

from sockmatrix import content, plan, table
from sockmatrix.catalogue import Catalogue
from sockmatrix.cell import CellIdError
from sockmatrix.part import TableError

if TYPE_CHECKING:
    from pathlib import Path

    from sockmatrix.cell import Cell
    from sockmatrix.table import Table

TABLES = ("crowd", "fan-out", "users", "sentinel", "port-zero", "mdns")


def carefully(own: Table, text: str) -> Cell | None:
    """Return the cell that the table itself says an id is of, None if it refuses it."""
    try:
        return own.cell(text)
    except CellIdError:
        return None


def same(one: Cell | None, other: Cell | None) -> bool:
    """Tell whether two cells are the same in all that an id says."""
    if one is None or other is None:
        return one is other
    return (one.id, one.table, one.axes, one.sockets, one.lab) == (
        other.id,
        other.table,
        other.axes,
        other.sockets,
        other.lab,
    )


@pytest.mark.parametrize("name", TABLES)
def test_cells(name: str) -> None:
    """Every cell of a table is read as it was made."""
    catalogue = Catalogue()
    cells = plan.expand(table.load_all(names=[name])[name]).cells
    for cell in cells[:: max(1, len(cells) // 500)]:
        assert same(catalogue.cell(cell.id), cell), cell.id


@pytest.mark.parametrize("name", TABLES)
def test_other_texts(name: str) -> None:
    """What is changed in an id at random is read, or refused, as with care."""
    catalogue = Catalogue()
    own = table.load_all(names=[name])[name]
    cells = plan.expand(own).cells
    chance = random.Random(1)
    words = ["", "/", ":", ".", "A", "B", "none", "addr", "4x:", "receivers:2", "/A:any4.addr", "\n", "é"]
    refused = 0
    for cell in chance.sample(cells, min(60, len(cells))):
        parts = cell.id.split("/")
        for _ in range(2):
            start, end = sorted(chance.choices(range(len(cell.id) + 1), k=2))
            texts = [
                cell.id[:start] + chance.choice(words) + cell.id[end:],
                cell.id[:start] + chance.choice(words) + cell.id[start:],
                "/".join(chance.sample(parts, len(parts))),
                "/".join([*parts, chance.choice(parts)]),
            ]
            for text in texts:
                if text.partition("/")[0] != name:
                    continue
                expected = carefully(own, text)
                refused += expected is None
                assert same(catalogue.cell(text), expected), text
    assert refused > 10


def test_tables_are_read_when_they_are_needed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A broken table does no harm to cells of others; cells of no table are None."""
    place = smallmatrix.write(tmp_path / "matrix", scripted=True)
    monkeypatch.setattr(content, "matrix", lambda: place)
    (place / "hearing.toml").write_text("broken")
    catalogue = Catalogue()
    assert catalogue.names == ("asking", "hearing", "listening")
    assert catalogue.cell("listening/transport:tcp/A:lo4.none/B:lo4.none") is not None
    assert catalogue.cell("moon/transport:tcp/A:lo4.none/B:lo4.none") is None
    with pytest.raises(TableError, match="hearing"):
        catalogue.cell("hearing/dest:lo4/A:lo4.none/B:lo4.none")


def test_labels_have_the_order_of_the_script() -> None:
    """The order that a headline needs is that of the whole cell's script."""
    catalogue = Catalogue()
    for cell in plan.expand(table.load_all(names=["sentinel"])["sentinel"]).cells:
        assert catalogue.order(cell) == ()
        assert catalogue.shape(cell).labels is not None
    assert catalogue.order(plan.expand(table.load_all(names=["crowd"])["crowd"]).cells[0]) is None
