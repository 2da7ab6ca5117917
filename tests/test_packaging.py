"""Facts that stand in several files and must agree; and what no file of the repository may name."""

from __future__ import annotations

import ast
import gzip
import importlib
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import sockmatrix

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def pyproject() -> dict[str, Any]:
    """Return pyproject.toml."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def project(pyproject: dict[str, Any]) -> dict[str, Any]:
    """Return its [project]."""
    found: dict[str, Any] = pyproject["project"]
    return found


def test_one_version(project: dict[str, Any]) -> None:
    """The package knows the version that it is shipped as."""
    assert sockmatrix.__version__ == project["version"]


def test_pythons(pyproject: dict[str, Any], project: dict[str, Any]) -> None:
    """The Pythons that are promised are those that tox tests, from the oldest allowed on."""
    start = "Programming Language :: Python :: "
    promised = [one.removeprefix(start) for one in project["classifiers"] if one.startswith(start)]
    tox = (ROOT / "tox.ini").read_text(encoding="utf-8")
    listed = re.search(r"py3(\d?)\{([0-9,]+)\}", tox)
    assert listed is not None
    assert promised == [f"3.{listed[1]}{minor}" for minor in listed[2].split(",")]
    assert project["requires-python"] == f">={promised[0]}"
    assert pyproject["tool"]["ruff"]["target-version"] == "py" + promised[0].replace(".", "")


def test_the_console_script(project: dict[str, Any]) -> None:
    """The command is a function that exists."""
    assert list(project["scripts"]) == ["sockmatrix"]
    module, _, name = project["scripts"]["sockmatrix"].partition(":")
    assert callable(getattr(importlib.import_module(module), name))


def test_files_that_are_named(project: dict[str, Any]) -> None:
    """The licence and the README are there, and the licence is the one that is named."""
    assert project["license-files"] == ["LICENSE"]
    assert project["license"] in (ROOT / "LICENSE").read_text(encoding="utf-8").splitlines()[0]
    assert (ROOT / project["readme"]).read_text(encoding="utf-8").startswith("# ")


def _imports(tree: ast.AST) -> Iterator[str]:
    """Yield the first names of what is imported when the code runs, not only for types."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            continue
        if isinstance(node, ast.Import):
            yield from (one.name.partition(".")[0] for one in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield (node.module or "").partition(".")[0]
        else:
            yield from _imports(node)


def test_dependencies_are_what_is_imported(project: dict[str, Any]) -> None:
    """Every package that the engine imports is a dependency, and every dependency is imported."""
    names = {
        name
        for path in (ROOT / "src").rglob("*.py")
        for name in _imports(ast.parse(path.read_text(encoding="utf-8")))
    }
    third_party = {
        {"_pytest": "pytest", "xdist": "pytest-xdist"}.get(name, name)
        for name in names - set(sys.stdlib_module_names) - {"sockmatrix", "tomllib", "compression"}
    }
    extras = project["optional-dependencies"].values()
    texts = [*project["dependencies"], *(text for extra in extras for text in extra)]
    declared = {match[0] for match in map(re.compile(r"[\w-]+").match, texts) if match}
    assert third_party == declared


# In parts, here and below, so that this file names none of them.
ALLOWED = {
    ("tests/probe/test_platforms.py", "/" + "home/joe"): "what a build string must not give away",
}

_HOSTS = "|".join(
    re.escape(".".join(parts))
    for parts in (
        ("pypi", "org"),
        ("pythonhosted", "org"),
        ("npmjs", "org"),
        ("npmjs", "com"),
        ("crates", "io"),
        ("golang", "org"),
        ("anaconda", "org"),
        ("rubygems", "org"),
    )
)
_NAMED = re.compile(rf"(?:{_HOSTS})|(?<![\w.~$}})-])/(?:root|work|home|Users)/\w*")


def tracked() -> list[str]:
    """Return the names of the files of the repository."""
    git = shutil.which("git")
    if git is None or not (ROOT / ".git").exists():
        pytest.skip("this is not a git checkout")
    listed = subprocess.run(
        [git, "-C", str(ROOT), "-c", f"safe.directory={ROOT}", "ls-files", "-z"],
        capture_output=True,
        check=True,
    )
    return [name for name in listed.stdout.decode().split("\0") if name and (ROOT / name).is_file()]


def test_no_registry_and_no_machine_is_named() -> None:
    """No file names the host of a package registry, or a place that only one machine has."""
    found = {}
    for name in tracked():
        text = (ROOT / name).read_bytes()
        text = gzip.decompress(text) if name.endswith(".gz") else text
        for named in _NAMED.findall(text.decode("utf-8", "replace")):
            found[name, named] = "not allowed"
    assert found.keys() <= ALLOWED.keys()


@pytest.mark.parametrize("name", ["root", "work", "home", "Users"])
def test_the_search_finds(name: str) -> None:
    """What is searched for is found where it occurs."""
    for text in ("/{}/x", "see /{}/x/y", '"/{}/x"', "(/{}/x)", "file:///{}/x"):
        assert _NAMED.search(text.format(name))
    assert _NAMED.search("https://files.pythonhosted" + ".org/x")


@pytest.mark.parametrize("text", ["src/work/x", "$HOME/root/", "the root/home", "framework/", "./home/x"])
def test_the_search_spares(text: str) -> None:
    """A directory of the repository may have such a name."""
    assert not _NAMED.search(text)


def test_no_caches_are_tracked() -> None:
    """Nothing that a tool or a run has left behind is in the repository."""
    left = ("__pycache__", ".venv", ".tox", "dist", ".pytest_cache", ".mypy_cache", ".ruff_cache")
    assert not [name for name in tracked() if set(name.split("/")) & set(left)]
    assert not [name for name in tracked() if name.endswith((".partial", ".pyc", ".orig", ".rej"))]


def test_the_readme_shows_what_there_is() -> None:
    """Its links lead somewhere, and no place for an output is empty."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    links = re.findall(r"\]\((?!http)([^)#]+)\)", text)
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []
    outputs = re.findall(r"<!-- output[^\n]*: [^\n]* -->\n```\n(.*?)```", text, re.DOTALL)
    assert len(outputs) == text.count("<!-- output")
    assert all(output.strip() for output in outputs)
