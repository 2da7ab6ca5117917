"""What matrix.yml does in a virtual machine, here in a network of its own: Python and three files."""

from __future__ import annotations

from typing import TYPE_CHECKING

import guest
from laboratory import run_inside

from sockmatrix.runfile import Run

if TYPE_CHECKING:
    from pathlib import Path

    import pytest
    from laboratory import Laboratory


def test_a_guest_is_measured(
    laboratory: Laboratory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Prepared, measured by the shell script in the host's own lab, collected as a whole run."""
    monkeypatch.setenv("GITHUB_OUTPUT", str(tmp_path / "output"))
    place, path = tmp_path / "guest", tmp_path / "run.jsonl.gz"
    assert guest.main(["prepare", str(place), "--table", "osc"]) == 0
    code, said = run_inside(laboratory.pid, ["sh", str(place / "measure.sh")])
    assert code == 0, said
    assert guest.main(["collect", str(place), str(path)]) == 0
    run = Run.read(path)
    assert run.complete
    assert run.cells
    assert "measured=true" in (tmp_path / "output").read_text()
