"""Programs as text: they compile, hold nothing that they do not use, and say what they cannot express."""

from __future__ import annotations

import ast
import contextlib
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from repros import cell, drawn, program, resolved

from sockmatrix.repro import LANGUAGES, Inexpressible, shake
from sockmatrix.repro.fold import fold
from sockmatrix.repro.plain import is_plain
from sockmatrix.script.operations import OPERATIONS

if TYPE_CHECKING:
    from collections.abc import Iterator

GOLDEN = Path(__file__).parent / "data" / "repro"

CELL = "bind-conflicts/transport:udp/A:any4.addr/B:lo4.addr"

SCRIPTS = {
    # Each operation in a script that is as short as can be.
    "socket": "A: socket udp4",
    "set": "A: socket udp4; set SO_REUSEADDR 1",
    "get": "A: socket udp4; l = get SO_REUSEADDR",
    "bind": "A: socket udp4; bind lo4",
    "listen": "A: socket tcp4; bind lo4; listen",
    "connect": "A: socket udp4; connect lo4",
    "disconnect": "A: socket udp4; connect lo4; disconnect",
    "join": "A: socket udp4; bind any4; join group4 if4",
    "leave": "A: socket udp4; join group4 if4; leave group4 if4",
    "block": "A: socket udp4; join group4 if4; block group4 if4 source=h2",
    "unblock": "A: socket udp4; join group4 if4; unblock group4 if4 source=h2",
    "send": "A: socket udp4; l = send lo4",
    "speak": "A: socket udp4; bind lo4; speak lo4",
    "receive": "A: socket udp4; bind lo4; l = receive",
    "errors": "A: socket udp4; l = errors",
    "pending": "A: socket udp4; l = pending",
    "poll": "A: socket udp4; l = poll",
    "accept": "A: socket tcp4; bind lo4; listen; accept c",
    "name": "A: socket udp4; l = name",
    "peer": "A: socket udp4; l = peer",
    "balance": "A: socket udp4; set SO_REUSEPORT 1; bind lo4; balance 0",
    "unbalance": "A: socket udp4; set SO_REUSEPORT 1; bind lo4; unbalance",
    "shutdown": "A: socket udp4; l = shutdown",
    "close": "A: socket udp4; close",
    "reset": "A: socket tcp4; reset",
    "exit": "A: socket udp4; bind lo4\nA: exit",
    "kill": "A: socket udp4; bind lo4\nA: kill",
    "flags": "A: l = flags lo",
    "route": "A: l = route lo4",
    "waits": "A: l = waits",
    "sysctl": "A: l = sysctl net.ipv4.ip_forward",
    "asyncio-reuse-address": "A: l = asyncio-reuse-address",
}

NOT_IN = {
    "python": {"flags"},
    "c": {"flags", "asyncio-reuse-address"},
    "socat": {*SCRIPTS} - {"bind", "listen", "join"},
}
"""What each language cannot express; socat binds every socket, so that one that is not is too little."""

COMPILER = shutil.which("gcc") or shutil.which("cc")


def test_every_operation_is_tried_here() -> None:
    """One that is added needs a line here, and a place in each language."""
    assert set(SCRIPTS) == set(OPERATIONS)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("operation", SCRIPTS)
def test_an_operation_is_expressed_or_named(operation: str, language: str) -> None:
    """A text, or one line that says which step cannot be written, and why."""
    made = program(SCRIPTS[operation])
    if operation not in NOT_IN[language]:
        assert LANGUAGES[language](made, "")
        return
    with pytest.raises(Inexpressible) as caught:
        LANGUAGES[language](made, "")
    step, _, why = str(caught.value).partition(": ")
    assert step.strip('"').split(" = ")[-1] in SCRIPTS[operation]
    assert "\n" not in str(caught.value)
    assert why


@pytest.mark.parametrize(("language", "suffix"), [("python", "py"), ("c", "c"), ("socat", "sh")])
def test_one_cell_as_it_is_written(language: str, suffix: str) -> None:
    """The whole text: whoever changes a template reads here what a bug report gets."""
    text = LANGUAGES[language](resolved(cell(CELL), ("linux 6.18.1", "lo4 last · if4 first")), "")
    golden = GOLDEN / f"shared-port.{suffix}.txt"
    assert text == golden.read_text(), f"if that is meant: write it to {golden}"


def texts(language: str, count: int) -> Iterator[tuple[str, str]]:
    """Yield the ids and the programs of cells of all kinds."""
    for which in [cell(CELL), cell("crowd/dest:lo4/12x:lo4.addr"), *drawn(count)]:
        with contextlib.suppress(Inexpressible):
            yield which.id, LANGUAGES[language](resolved(which), "")


def test_python_compiles_and_uses_what_it_defines() -> None:
    """No import and no function is left over; lines end within 100 columns, but for texts."""
    for cell_id, text in texts("python", 30):
        compile(text, cell_id, "exec", dont_inherit=True)
        used = {node.id for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Name)}
        for node in ast.parse(text).body:
            if isinstance(node, ast.Import):
                assert {alias.name for alias in node.names} <= used, cell_id
            elif isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.decorator_list:
                assert node.name in used, cell_id
        assert shake.python(text) == text
        body = text.split('"""\n', 2)[2]
        code = [line for line in body.split("\n") if line.startswith("    ") and '": "' not in line]
        assert max(map(len, code)) <= 100, cell_id


@pytest.mark.skipif(COMPILER is None, reason="no C compiler")
def test_c_compiles_without_a_warning(tmp_path: Path) -> None:
    """-Wall -Wextra -Werror, which names what is not used, too."""
    sources = []
    for number, (cell_id, text) in enumerate(texts("c", 10)):
        sources.append(tmp_path / f"{number}.c")
        sources[-1].write_text(f"/* {cell_id} */\n{text}")
    assert COMPILER is not None
    command = [COMPILER, "-fsyntax-only", "-Wall", "-Wextra", "-Werror", *map(str, sources)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert not done.returncode, done.stderr


SHELL = shutil.which("sh")


@pytest.mark.skipif(SHELL is None, reason="no shell")
def test_a_script_is_one_for_the_shell(tmp_path: Path) -> None:
    """`sh -n` reads it."""
    script = tmp_path / "repro.sh"
    script.write_text(LANGUAGES["socat"](resolved(cell(CELL)), ""))
    assert SHELL is not None
    subprocess.run([SHELL, "-n", str(script)], check=True)


def test_only_simple_cells_are_written_in_the_short_way() -> None:
    """Each process opens one UDP socket, then the main process sends: anything else takes turns."""
    opening = "A: socket udp4; bind lo4"
    assert is_plain(program(f"{opening}\nS: speak lo4"))
    assert is_plain(program(opening))
    for longer in (
        "A: socket tcp4; bind lo4; listen\nS: call lo4",
        f"{opening}\nS: one = speak lo4\nA: close",
        f"{opening}\nS: one = speak lo4\nS: two = speak lo4",
        f"{opening}; speak lo4",
        f"{opening}; l = name",
        f"{opening}\nA.b: socket udp4; bind lo4 P+1\nS: speak lo4",
    ):
        assert not is_plain(program(longer)), longer


def test_a_header_cannot_end_its_comment() -> None:
    """What a run says of its platform stays within the comment, and on its line."""
    made = resolved(cell(CELL), ('x"""*/\n#', "all\x1b[31m"))
    compile(LANGUAGES["python"](made, ""), "hostile", "exec")
    text = LANGUAGES["c"](made, "")
    assert text.index("*/") == text.index("\n */") + 2
    assert all(line.startswith("#") for line in LANGUAGES["socat"](made, "").split("\n\n")[0].split("\n"))


NAME = st.sampled_from(["a", "b(c, d)", '"x, y"', "[1, 2]", "e"])


@given(st.lists(NAME, min_size=1, max_size=40))
@settings(max_examples=50)
def test_a_folded_call_is_the_same_call(arguments: list[str]) -> None:
    """As Python reads it."""
    line = f"f({', '.join(arguments)})"
    folded = fold(line, indent=0, trailing=",")
    assert ast.dump(ast.parse("\n".join(folded))) == ast.dump(ast.parse(line))
    assert len(folded) == 1 or len(line) > 100
