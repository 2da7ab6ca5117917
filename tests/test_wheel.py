"""What is shipped: the sdist, the wheel that is built from it, and what the wheel installs."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path, PurePosixPath

import pytest

from sockmatrix import __version__

ROOT = Path(__file__).parents[1]

pytestmark = pytest.mark.skipif(
    not all(importlib.util.find_spec(name) for name in ("build", "hatchling")),
    reason="without the packages build and hatchling nothing can be built offline",
)


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the sdist, and the wheel from the sdist, without network; return where they are."""
    place = tmp_path_factory.mktemp("dist")
    done = subprocess.run(
        [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(place), str(ROOT)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return place


@pytest.fixture(scope="module")
def wheel(dist: Path) -> dict[str, bytes]:
    """Return the files of the wheel."""
    (path,) = dist.glob("*.whl")
    assert path.name == f"sockmatrix-{__version__}-py3-none-any.whl"
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def checkout(directory: str, pattern: str) -> dict[str, bytes]:
    """Return the files below a directory of this checkout."""
    place = ROOT / directory
    return {path.relative_to(place).as_posix(): path.read_bytes() for path in place.rglob(pattern)}


def below(files: dict[str, bytes], directory: str) -> dict[str, bytes]:
    """Return the files of a directory, by their names in it."""
    start = directory + "/"
    return {name.removeprefix(start): text for name, text in files.items() if name.startswith(start)}


def test_nothing_but_the_package(wheel: dict[str, bytes]) -> None:
    """Only `sockmatrix` lands in site-packages, and what describes it."""
    tops = {name.partition("/")[0] for name in wheel}
    assert tops == {"sockmatrix", f"sockmatrix-{__version__}.dist-info"}


def test_the_engine_is_whole(wheel: dict[str, bytes]) -> None:
    """Every module of the checkout is in the wheel as it is; beside them there is only content."""
    source = ROOT / "src" / "sockmatrix"
    files = [path for path in source.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    expected = {path.relative_to(source).as_posix(): path.read_bytes() for path in files}
    shipped = below(wheel, "sockmatrix")
    content = ("matrix/", "probes/", "reports/")
    engine = {name: text for name, text in shipped.items() if not name.startswith(content)}
    assert engine == expected
    assert {"py.typed", "run.schema.json"} <= set(engine)
    kinds = {".py", ".json", ".z", ".typed", ".jinja", ".css", ".js"}
    assert {PurePosixPath(name).suffix for name in engine} == kinds


def test_the_content_is_whole(wheel: dict[str, bytes]) -> None:
    """Tables, probe and runs are in the package, byte for byte, and nothing else with them."""
    for directory, pattern in (("probes", "*.py"), ("matrix", "*.toml"), ("reports/runs", "*.gz")):
        shipped, expected = below(wheel, f"sockmatrix/{directory}"), checkout(directory, pattern)
        assert sorted(shipped) == sorted(expected)
        assert [name for name, text in expected.items() if shipped[name] != text] == []


@pytest.mark.parametrize("part", ["__pycache__", "tests", "benchmarks", "ci", ".pyc"])
def test_what_a_user_does_not_need(wheel: dict[str, bytes], part: str) -> None:
    """No caches, no tests."""
    assert not [name for name in wheel if part in (*name.split("/"), PurePosixPath(name).suffix)]


def test_the_sdist_is_enough(dist: Path) -> None:
    """It has what the wheel is built from and what the tests need, and no caches or run files."""
    (path,) = dist.glob("*.tar.gz")
    with tarfile.open(path) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    for name in ("pyproject.toml", "tox.ini", "LICENSE", "README.md", "CHANGELOG.md"):
        assert name in names
    for directory in ("src", "probes", "matrix", "tests", "ci", "benchmarks"):
        assert any(name.startswith(f"{directory}/") for name in names)
    assert not [name for name in names if "__pycache__" in name or name.startswith(("runs/", ".git/"))]


def test_the_description(wheel: dict[str, bytes]) -> None:
    """The wheel has a command, a licence and the README."""
    about = f"sockmatrix-{__version__}.dist-info"
    assert b"sockmatrix = sockmatrix.cli:main" in wheel[f"{about}/entry_points.txt"]
    assert wheel[f"{about}/licenses/LICENSE"] == (ROOT / "LICENSE").read_bytes()
    metadata = wheel[f"{about}/METADATA"].decode()
    assert "License-Expression: MIT\n" in metadata
    assert (ROOT / "README.md").read_text(encoding="utf-8") in metadata


def test_installed(dist: Path, tmp_path: Path) -> None:
    """Installed anywhere, the package finds the tables and the probe that it carries."""
    pytest.importorskip("pip", reason="without pip nothing can be installed")
    (path,) = dist.glob("*.whl")
    target = tmp_path / "site"
    quiet = ["--quiet", "--disable-pip-version-check", "--no-index"]
    pip = [sys.executable, "-m", "pip", "install", *quiet, "--no-deps", "--target", str(target)]
    subprocess.run([*pip, str(path)], check=True)
    tops = {one.name for one in target.iterdir()}
    assert tops - {"bin", "Scripts"} == {"sockmatrix", f"sockmatrix-{__version__}.dist-info"}
    program = (
        f"import sys; sys.path.insert(0, {str(target)!r})\n"
        "import json, sockmatrix\n"
        "from sockmatrix import content, table\n"
        "print(json.dumps([sockmatrix.__file__, str(content.matrix()), str(content.probes()),"
        " sorted(table.load_all())]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    package, matrix, probes, tables = json.loads(done.stdout)
    home = target.resolve() / "sockmatrix"
    assert Path(package).parent.resolve() == home
    assert (Path(matrix), Path(probes)) == (home / "matrix", home / "probes")
    files = {path.stem for path in (ROOT / "matrix").glob("*.toml")}
    assert tables == sorted(files - {"axes", "changes"})
    subprocess.run([sys.executable, "-s", "-E", probes, "--help"], capture_output=True, check=True)
