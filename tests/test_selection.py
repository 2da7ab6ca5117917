"""Which cells a command is about, and what is said when there are none."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import smallmatrix

from sockmatrix import content
from sockmatrix.selection import SelectionError, look_up, select

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def matrix(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Have the small matrix in place of the real one."""
    place = smallmatrix.write(tmp_path / "matrix")
    monkeypatch.setattr(content, "matrix", lambda: place)
    return place


def test_everything() -> None:
    """Nothing named is everything, in the order of the tables."""
    everything = select()
    assert [plan.table.name for plan in everything.plans] == ["hearing", "listening"]
    assert len(everything.cells) == len(everything.ids) == smallmatrix.ALL
    assert everything.whole


def test_tables() -> None:
    """Tables are taken as named, each once, and all of their cells."""
    one = select(["listening"])
    assert len(one.cells) == smallmatrix.TCP
    assert one.whole
    assert len(select(["listening", "hearing"]).cells) == smallmatrix.ALL
    twice = select(["listening", "listening"])
    assert len(twice.cells) == smallmatrix.TCP
    assert len(twice.plans) == 1


def test_patterns() -> None:
    """Several patterns select what any of them matches; a plan stays whole, its cells do not."""
    some = select([], ["dest=lobcast every.reuse=addr", "receivers=2 dest=lobcast"])
    assert len(some.cells) == 8 + 4 + 16 - 4
    assert [len(plan.cells) for plan in some.plans] == [smallmatrix.UDP]
    assert not some.whole
    by_id = select([], ["hearing/dest:lo4/A:lo4.none/*"])
    assert {cell.id[:29] for cell in by_id.cells} == {"hearing/dest:lo4/A:lo4.none/B"}


def test_plans_without_cells_are_left_out() -> None:
    """A table of which nothing is selected is not spoken of."""
    assert [plan.table.name for plan in select([], ["transport=tcp"]).plans] == ["listening"]


def test_a_sample() -> None:
    """A sample depends on nothing but the seed, keeps the order, and is everything if it is large."""
    everything = [cell.id for cell in select().cells]
    one = [cell.id for cell in select(sample=20, seed=4).cells]
    assert len(set(one)) == 20
    assert one == sorted(one, key=everything.index)
    assert one == [cell.id for cell in select(sample=20, seed=4).cells]
    assert one != [cell.id for cell in select(sample=20, seed=5).cells]
    assert len(select(sample=1000).cells) == smallmatrix.ALL


@pytest.mark.parametrize(
    ("tables", "patterns", "said"),
    [
        (["hering"], [], 'unknown table "hering" (did you mean "hearing"?); allowed: hearing, listening'),
        ([], ["dist=lo4"], 'in "dist=lo4": unknown axis "dist" (did you mean "dest"?); allowed: dest, '),
        ([], ["dest=lo5"], 'in "dest=lo5": unknown value "lo5" (did you mean "lo6"?); allowed: lo4, '),
        ([], ["reuse=addr"], 'in "reuse=addr": reuse belongs to a socket; say of which: every.reuse, '),
        ([], [""], "an empty pattern; say what it is to match, or * for everything"),
        (
            ["listening"],
            ["dest=lo4", "x*"],
            "no cell matches dest=lo4 or x*; `sockmatrix list` shows what there is",
        ),
    ],
)
def test_what_is_not_there(tables: list[str], patterns: list[str], said: str) -> None:
    """One line says what was not understood, what is allowed, and what was perhaps meant."""
    with pytest.raises(SelectionError) as caught:
        select(tables, patterns)
    assert str(caught.value).startswith(said)
    assert "\n" not in str(caught.value)


def test_a_broken_table_harms_nobody_else(matrix: Path) -> None:
    """Who names tables needs no others; patterns are then about these."""
    (matrix / "broken.toml").write_text("question = ")
    assert len(select(["listening"]).cells) == smallmatrix.TCP
    assert len(select(["listening"], ["every.reuse=addr"]).cells) == 4


def test_looking_up_a_cell() -> None:
    """An id leads to its cell and to its table."""
    table, cell = look_up("listening/transport:tcp/A:lo4.addr/B:any4.none")
    assert (table.name, cell.axes["listen"]) == ("listening", "at-once")
    with pytest.raises(SelectionError, match='unknown table "nobody"; allowed: hearing, listening'):
        look_up("nobody/transport:tcp")
    with pytest.raises(SelectionError, match='transport: unknown value "sctp"'):
        look_up("listening/transport:sctp/A:lo4.addr")


def test_a_broken_table(matrix: Path) -> None:
    """A table that cannot be read is named, with the place."""
    (matrix / "broken.toml").write_text("question = ")
    with pytest.raises(SelectionError, match=r"broken\.toml: is not TOML: "):
        select()
