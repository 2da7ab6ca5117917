"""Work beside one's own: the same result, whoever did it."""

from __future__ import annotations

import signal
import subprocess
import sys
import textwrap

import pytest

from sockmatrix.aside import Aside, useful


@pytest.mark.parametrize(
    ("platform", "threads", "processors", "forks"),
    [
        ("linux", 1, 2, True),
        ("linux", 1, 1, False),
        ("linux", 2, 8, False),
        ("darwin", 1, 8, False),
        ("win32", 1, 8, False),
    ],
)
def test_where_it_forks(platform: str, threads: int, processors: int, *, forks: bool) -> None:
    """Where that is safe, and of use."""
    assert useful(platform, threads, processors) is forks


def test_the_result() -> None:
    """It is what the work returns, and what the work raises."""
    assert Aside(lambda: 6 * 7).result() == 42
    with pytest.raises(ZeroDivisionError):
        Aside(lambda: 1 // 0).result()


def forked(program: str) -> str:
    """Return what a process of one thread prints that forks whatever it does aside."""
    text = "import os, sockmatrix.aside as aside\nfrom sockmatrix.aside import Aside\n"
    text += "aside.useful = lambda *_: True\nours = os.getpid()\n" + textwrap.dedent(program)
    done = subprocess.run(
        [sys.executable, "-c", text], capture_output=True, text=True, check=False, timeout=60
    )
    return done.stdout + done.stderr


needs_fork = pytest.mark.skipif(sys.platform != "linux", reason="work is forked on Linux only")


@needs_fork
def test_another_process_does_it() -> None:
    """On what there was when it began."""
    program = """
    said = ["then"]
    one = Aside(lambda: (os.getpid() != ours, said[0]))
    said[0] = "now"
    print(one.result())
    """
    assert forked(program) == "(True, 'then')\n"


@needs_fork
@pytest.mark.parametrize(
    "work",
    [
        "os.getpid() == ours or os._exit(3)",
        f"os.getpid() == ours or os.kill(os.getpid(), {signal.SIGTERM:d})",
        "os.getpid() == ours or 1 // 0",
        "os.getpid() == ours or (lambda: 'cannot be pickled')",
    ],
)
def test_a_process_that_is_lost(work: str) -> None:
    """What it did not say is done here, without a word."""
    assert forked(f"print(Aside(lambda: {work}).result())") == "True\n"


@needs_fork
def test_what_fails_fails_here() -> None:
    """An exception has its place in the program that asked."""
    program = """
    def work():
        raise ValueError("no such thing")
    try:
        Aside(work).result()
    except ValueError as error:
        print(error)
    """
    assert forked(program) == "no such thing\n"


@needs_fork
def test_nobody_waits_for_what_is_not_asked_for() -> None:
    """A program that ends ends the work."""
    program = """
    import time
    Aside(lambda: time.sleep(600))
    print("done", flush=True)
    """
    assert forked(program) == "done\n"


@needs_fork
def test_ctrl_c_is_not_for_it() -> None:
    """The one that waits decides what an interrupt means."""
    program = f"""
    one = Aside(lambda: (os.kill(os.getpid(), {signal.SIGINT:d}), os.getpid() != ours))
    print(one.result())
    """
    assert forked(program) == "(None, True)\n"
