"""The probe's files: a bare Python 3.9 of any system can run them. Read, not executed."""

from __future__ import annotations

import ast
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import digest
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

PROBES = Path(digest.__file__).parent
FILES = sorted(PROBES.glob("*.py"))
NAMES = {path.stem for path in FILES}

LINUX_ONLY = {"lab", "namespaces", "netlink", "nursery"}
"""Modules that may use what only Linux has, where they have made sure of it."""

EACH = pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)

STANDARD = getattr(sys, "stdlib_module_names", None)  # Python 3.10

NEWER = {"tomllib"}  # in the standard library, but not yet of 3.9


def tree(file: Path) -> ast.Module:
    """Parse a file with the grammar of the oldest Python."""
    return ast.parse(file.read_text(encoding="utf-8"), str(file), feature_version=(3, 9))


def imports(node: ast.AST) -> Iterator[str]:
    """Yield the names of all top-level modules that are imported anywhere."""
    for one in ast.walk(node):
        if isinstance(one, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in one.names)
        elif isinstance(one, ast.ImportFrom):
            assert not one.level, "modules are imported as top-level names"
            yield (one.module or "").partition(".")[0]


def attributes(node: ast.AST) -> set[str]:
    """Return all `module.name` that occur."""
    return {
        f"{one.value.id}.{one.attr}"
        for one in ast.walk(node)
        if isinstance(one, ast.Attribute) and isinstance(one.value, ast.Name)
    }


def at_import(node: ast.Module) -> Iterator[ast.AST]:
    """Yield what is executed when a module is imported: all but the bodies of functions."""
    waiting: list[ast.AST] = list(node.body)
    while waiting:
        one = waiting.pop()
        yield one
        if isinstance(one, (ast.FunctionDef, ast.AsyncFunctionDef)):
            defaults = [*one.args.defaults, *filter(None, one.args.kw_defaults)]
            waiting.extend([*one.decorator_list, *defaults])
        elif not isinstance(one, ast.Lambda):
            waiting.extend(ast.iter_child_nodes(one))


@EACH
def test_it_parses_with_the_grammar_of_the_oldest_python(file: Path) -> None:
    """No `match`, no parenthesised `with`, no `except*`."""
    tree(file)


@EACH
def test_annotations_are_never_evaluated(file: Path) -> None:
    """`X | None` in an annotation is an error in 3.9 without this import."""
    names = [
        alias.name
        for one in tree(file).body
        if isinstance(one, ast.ImportFrom) and one.module == "__future__"
        for alias in one.names
    ]
    assert names == ["annotations"]


@EACH
@pytest.mark.skipif(STANDARD is None, reason="this Python does not list its standard library")
def test_it_imports_the_standard_library_only(file: Path) -> None:
    """And the modules beside it: the directory is all that is copied to a machine."""
    assert STANDARD is not None
    assert set(imports(tree(file))) <= (set(STANDARD) - NEWER) | NAMES


@EACH
def test_no_module_hides_one_of_the_standard_library(file: Path) -> None:
    """The directory comes first on the path of every role."""
    if STANDARD is not None:
        assert file.stem == "__main__" or file.stem not in STANDARD


@EACH
def test_it_does_only_what_every_system_can(file: Path) -> None:
    """No fork outside Linux's own modules, no waiting on pipes by select, no Unix sockets."""
    found = attributes(tree(file))
    refused = {
        "os.forkpty",
        "pty.fork",
        "socket.AF_UNIX",
        "socket.socketpair",
        "select.poll",
        "select.select",
    }
    if file.stem not in LINUX_ONLY:
        refused |= {"os.fork", "os.unshare", "os.setns", "socket.AF_NETLINK"}
    shunned = {"select", "selectors", "asyncio", "multiprocessing", "pty"}
    if file.stem == "nursery":
        refused -= {"socket.AF_UNIX", "socket.socketpair"}
    # Only where a script asks for them, and never at import (see below).
    if file.stem == "datagrams":
        refused -= {"select.poll"}
        shunned -= {"select"}
    if file.stem == "facts":
        shunned -= {"asyncio"}
    assert not found & refused
    assert not set(imports(tree(file))) & shunned


@EACH
def test_nothing_is_asked_at_import_that_a_system_may_lack(file: Path) -> None:
    """Windows has no os.geteuid; a call in a function can be guarded, one at import cannot."""
    refused = {
        "os.geteuid", "os.getuid", "os.getgid", "os.getegid", "os.uname", "os.sched_getaffinity",
        "os.sched_setaffinity", "os.fork", "socket.SO_REUSEPORT", "socket.AF_NETLINK", "signal.SIGKILL",
    }  # fmt: skip
    found: set[str] = set()
    for one in at_import(tree(file)):
        if isinstance(one, ast.Attribute) and isinstance(one.value, ast.Name):
            found.add(f"{one.value.id}.{one.attr}")
    assert not found & refused
    imported = {
        name
        for one in at_import(tree(file))
        if isinstance(one, (ast.Import, ast.ImportFrom))
        for name in imports(one)
    }
    assert not imported & {
        "resource",
        "fcntl",
        "pwd",
        "grp",
        "termios",
        "winreg",
        "msvcrt",
        "ctypes",
        "select",
        "asyncio",
    }


@EACH
def test_a_module_says_what_it_is(file: Path) -> None:
    """In its first line, and every public name below it as well."""
    module = tree(file)
    assert ast.get_docstring(module)
    for one in module.body:
        if isinstance(one, (ast.FunctionDef, ast.ClassDef)) and not one.name.startswith("_"):
            assert ast.get_docstring(one), one.name


def test_the_map_in_front_shows_every_module() -> None:
    """Each in one place, and none that is gone."""
    shown: list[str] = []
    for line in (PROBES / "__main__.py").read_text(encoding="utf-8").splitlines():
        if line.startswith("#   "):
            shown += line[len("#   ") :].split("  ")[-1].split()
    assert sorted(shown) == sorted(NAMES - {"__main__"})


def test_there_are_no_packages_beside_the_modules() -> None:
    """Flat files only: they work as a directory and as a zip archive alike."""
    assert [path.name for path in PROBES.iterdir() if path.is_dir() and path.name != "__pycache__"] == []
