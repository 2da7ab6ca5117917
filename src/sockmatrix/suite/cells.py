"""Cells as tests: collected from the matrix, not from files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn, final

import pytest

from sockmatrix.labs import PLAIN
from sockmatrix.suite.hooks import NAME

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sockmatrix.cell import Cell
    from sockmatrix.selection import Selection


@final
class CellItem(pytest.Item):
    """A cell; it is measured with its batch, so that its protocol is the suite's."""

    def __init__(self, *, cell: Cell, **about: Any) -> None:
        super().__init__(**about)
        self.cell = cell

    def runtest(self) -> NoReturn:
        """Say that something else runs tests here."""
        raise RuntimeError(f"a plugin keeps {NAME} from running its tests")

    def reportinfo(self) -> tuple[str, None, str]:
        """Return the place of the test, for reports: none in a file."""
        return NAME, None, ""

    @property
    def location(self) -> tuple[str, None, str]:
        """The same; pytest would look for the file."""
        return NAME, None, ""


@final
class SuiteCollector(pytest.Directory):
    """All cells that were asked for, in an order in which those of one lab are together."""

    def __init__(self, *, selection: Selection, **about: Any) -> None:
        super().__init__(nodeid=NAME, **about)  # type: ignore[arg-type]
        self._selection = selection

    def collect(self) -> Iterator[CellItem]:
        """Yield the tests."""
        cells = sorted(self._selection.cells, key=lambda cell: (cell.lab != PLAIN, cell.lab))
        for cell in cells:
            yield CellItem.from_parent(self, name=cell.id, nodeid=f"{NAME}::{cell.id}", cell=cell)
