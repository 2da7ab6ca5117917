"""What the probe is: one hash over its sources, the same for a directory and for a zipapp."""

from __future__ import annotations

import sys
import zipapp
from pathlib import Path

import digest
import pytest

PROBES = Path(digest.__file__).parent


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """Pack the probe as the zipapp module does, caches and all."""
    target = tmp_path / "probes.pyz"
    zipapp.create_archive(PROBES, target, interpreter="/usr/bin/env python3")
    return target


def of(monkeypatch: pytest.MonkeyPatch, place: Path) -> str:
    """Return the hash of a probe that is started from `place`."""
    monkeypatch.setattr(sys, "path", [str(place), *sys.path])
    return digest.of_probe()


def test_a_directory_and_a_zipapp_are_the_same_probe(
    monkeypatch: pytest.MonkeyPatch, archive: Path
) -> None:
    """However it travelled."""
    assert of(monkeypatch, PROBES) == of(monkeypatch, archive)
    assert len(of(monkeypatch, PROBES)) == 64


def test_the_sources_are_all_modules_and_nothing_else(archive: Path) -> None:
    """No caches, no other files."""
    names = {path.name for path in PROBES.glob("*.py")}
    assert set(digest.sources(str(PROBES))) == set(digest.sources(str(archive))) == names
    assert "__main__.py" in names


def test_a_hash_changes_with_every_byte_and_every_name(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """And not with the order in which a file system lists the names, nor with other files."""
    hashes = set()
    for name, text in (("a.py", "1"), ("a.py", "2"), ("b.py", "1")):
        place = tmp_path / f"{name}-{text}"
        place.mkdir()
        (place / name).write_text(text)
        (place / "c.py").write_text("")
        before = of(monkeypatch, place)
        (place / "notes.txt").write_text("not the probe")
        (place / "__pycache__").mkdir()
        assert of(monkeypatch, place) == before
        hashes.add(before)
    assert len(hashes) == 3
