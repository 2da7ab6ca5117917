"""The locator finds matrix/ and probes/ in a wheel and in a checkout."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sockmatrix import content

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Pretend that the package lies at ROOT/src/sockmatrix."""
    package = tmp_path / "src" / "sockmatrix"
    package.mkdir(parents=True)
    monkeypatch.setattr(content, "__file__", str(package / "content.py"))
    return package


def test_this_installation_has_both() -> None:
    """The tables and the probe of the running installation are found."""
    assert (content.matrix() / "axes.toml").is_file()
    assert content.probes().is_dir()
    assert list(content.runs().glob("*.jsonl.gz"))


def test_the_package_comes_first(package: Path, tmp_path: Path) -> None:
    """A wheel carries the content inside the package, whatever lies around it."""
    (tmp_path / "matrix").mkdir()
    (package / "matrix").mkdir()
    assert content.matrix() == package / "matrix"


def test_a_checkout_has_it_beside_the_package(package: Path, tmp_path: Path) -> None:
    """In a checkout, and so in an editable install, the content lies at the top."""
    (tmp_path / "probes").mkdir()
    assert content.probes() == tmp_path / "probes"


def test_neither_is_a_clear_error(package: Path, tmp_path: Path) -> None:
    """What is missing and where it was sought are said; a file of that name does not count."""
    (tmp_path / "matrix").write_text("")
    with pytest.raises(content.ContentError) as caught:
        content.matrix()
    assert "the directory matrix/ is missing" in str(caught.value)
    assert str(package / "matrix") in str(caught.value)
    assert str(tmp_path / "matrix") in str(caught.value)
