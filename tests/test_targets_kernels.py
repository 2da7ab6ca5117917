"""Kernels: what versions mean, what a cache holds, which modules are loaded, and in which order."""

from __future__ import annotations

import gzip
import importlib
import json
import lzma
import sys
from typing import TYPE_CHECKING

import fakeapt
import pytest

from sockmatrix.targets import kernels
from sockmatrix.targets.conversation import NotStartedError

if TYPE_CHECKING:
    from pathlib import Path

ORDER = [
    "5.10.262-1",
    "6.1.192-3",
    "6.12.90-1",
    "6.12.117-1",
    "7.2.13-1",
    "7.3~rc7-1~exp1",
    "7.3.4-1~bpo13+1",
]


def put(cache: Path, version: str, label: str | None = None) -> None:
    """Write a kernel into a cache."""
    directory = cache / version
    directory.mkdir(parents=True)
    (directory / "vmlinuz").write_bytes(fakeapt.BZIMAGE)
    text = json.dumps({"version": version, "facts": {"release": "x"}}) if label is None else label
    (directory / kernels.LABEL).write_text(text)


def test_versions_in_order() -> None:
    """By number, and a release candidate comes before its release."""
    mixed = [*ORDER[3:], *ORDER[:3]]
    assert sorted(mixed, key=kernels.version_key) == ORDER


@pytest.mark.parametrize(
    ("version", "wanted", "same"),
    [
        ("6.12.117-1", "6.12", True),
        ("6.12.117-1", "6.12.117", True),
        ("6.12.117-1", "6.12.11", False),
        ("6.12.117-1", "6.1", False),
        ("7.3~rc7-1", "7.3", True),
        ("6.12.117-1", "6.12.117-1", True),
    ],
)
def test_what_is_asked_for(version: str, wanted: str, *, same: bool) -> None:
    """A beginning of the version, up to the end of a number."""
    assert kernels.matches(version, wanted) is same


def test_the_newest_of_a_cache(tmp_path: Path) -> None:
    """Of several that fit the newest is taken; what is not whole is not there."""
    for version in ORDER:
        put(tmp_path, version)
    put(tmp_path, "6.12.118-1", label="{")
    put(tmp_path, "6.12.119-1", label='{"version": "6.12.119-1", "facts": 7}')
    assert [kernel.version for kernel in kernels.cached(tmp_path)] == ORDER[::-1]
    assert kernels.find("6.12", tmp_path).version == "6.12.117-1"
    assert kernels.find("6.12.90", tmp_path).vmlinuz == tmp_path / "6.12.90-1" / "vmlinuz"


def test_a_kernel_that_is_not_there(tmp_path: Path) -> None:
    """It is said which are."""
    put(tmp_path, "6.1.192-3")
    with pytest.raises(NotStartedError) as caught:
        kernels.find("6.12", tmp_path)
    assert str(caught.value) == (f"there is no kernel 6.12 in {tmp_path}, which has some of 6.1")


def test_where_the_cache_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """In $XDG_CACHE_HOME, if that is an absolute path, else in ~/.cache."""
    monkeypatch.setenv("XDG_CACHE_HOME", "/x")
    assert str(kernels.cache_directory()) == "/x/sockmatrix/kernels"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    monkeypatch.setenv("HOME", "/h")
    assert str(kernels.cache_directory()) == "/h/.cache/sockmatrix/kernels"


def test_a_file_of_ones_own(tmp_path: Path) -> None:
    """Its version is read from it, its modules lie beside it; what is no kernel is refused."""
    image = tmp_path / "vmlinuz-own"
    image.write_bytes(fakeapt.BZIMAGE + b"\x006.9.0-own (me@home) #1 SMP\0")
    kernel = kernels.from_file(image)
    assert kernel.version == "6.9.0-own"
    assert kernel.module_directory == tmp_path / "modules"
    assert kernel.modules() == []
    image.write_bytes(b"\x7fELF")
    with pytest.raises(NotStartedError, match="is no x86 kernel image"):
        kernels.from_file(image)
    with pytest.raises(NotStartedError, match=r"cannot read .*: No such file"):
        kernels.from_file(tmp_path / "none")


def test_modules_come_after_what_they_need(tmp_path: Path) -> None:
    """Whatever they are compressed with; a circle does no harm, and what nobody wants is left out."""
    for name, image in fakeapt.MODULES.items():
        (tmp_path / f"{name}.ko").write_bytes(image)
    for name, suffix, pack in (("stp", "xz", lzma.compress), ("llc", "gz", gzip.compress)):
        plain = tmp_path / f"{name}.ko"
        (tmp_path / f"{name}.ko.{suffix}").write_bytes(pack(plain.read_bytes()))
        plain.unlink()
    (tmp_path / "a-b.ko").write_bytes(b"\0depends=c\0")
    (tmp_path / "c.ko").write_bytes(b"\0depends=a-b,missing\0")
    index = kernels.index(tmp_path.glob("*"))
    found = kernels.closure(index, ("bridge", "veth", "a_b", "nothing"))
    assert [name for name, _ in found] == ["llc", "stp", "bridge", "veth", "c", "a_b"]
    assert dict(found)["stp"] == fakeapt.MODULES["stp"]


def test_modules_compressed_with_zstd(tmp_path: Path) -> None:
    """They are read where this Python can, and else it is said what unpacks them."""
    file = tmp_path / "veth.ko.zst"
    file.write_bytes(b"(\xb5/\xfd no archive")
    with pytest.raises(NotStartedError, match=r"^cannot read .*veth\.ko\.zst: ") as caught:
        kernels.load(tmp_path)
    if sys.version_info < (3, 14):
        assert "`zstd -d --rm *.zst` unpacks it" in str(caught.value)
        return
    zstd = importlib.import_module("compression.zstd")
    file.write_bytes(zstd.compress(fakeapt.MODULES["veth"]))
    assert kernels.load(tmp_path) == [("veth", fakeapt.MODULES["veth"])]


def test_a_module_that_cannot_be_read(tmp_path: Path) -> None:
    """It is one line."""
    (tmp_path / "modules").mkdir()
    (tmp_path / "modules" / "veth.ko.xz").write_bytes(b"no archive")
    kernel = kernels.Kernel("1", tmp_path / "vmlinuz", tmp_path / "modules", {})
    with pytest.raises(NotStartedError, match=r"^cannot read .*veth.ko.xz: "):
        kernel.modules()
