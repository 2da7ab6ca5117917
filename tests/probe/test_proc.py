"""Small files in which a system tells about itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import proc

if TYPE_CHECKING:
    from pathlib import Path


def test_a_file_that_does_not_exist_reads_as_nothing() -> None:
    """Not an error: macOS and Windows have none of them."""
    assert proc.text("/proc/net/no such file") == ""


def test_a_file_reads_as_what_it_says(tmp_path: Path) -> None:
    """The whole text, its last line end included."""
    (tmp_path / "hostname").write_text("one\ntwo\n", encoding="ascii")
    assert proc.text(str(tmp_path / "hostname")) == "one\ntwo\n"
