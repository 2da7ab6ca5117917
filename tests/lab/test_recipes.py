"""Programs that recipes are made into, at work in a private lab: what is promised is what happens."""

from __future__ import annotations

import selectors
import subprocess
import sys
from typing import TYPE_CHECKING

import knowing
import pytest
from laboratory import enter, run_inside

from sockmatrix.recipes import program
from sockmatrix.recipes.place import GROUP6, Deliver, Place
from sockmatrix.recipes.search import Recipe, Search, Wanted

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from laboratory import Laboratory

RECEIVERS = 3

PLACES: dict[str, tuple[Deliver, Place, str]] = {
    "all-multicast": ("all", Place("udp", "group4", "any4", "if4"), "0.0.0.0"),
    "all-loopback-multicast": ("all", Place("udp", "group4", "group4", "lo4"), ""),
    "all-broadcast": ("all", Place("udp", "lobcast", "any4"), ""),
    "all-multicast6": ("all", Place("udp", "group6-site", "any6", "if6"), "INTERFACE"),
    "one-unicast": ("one", Place("udp", "lo4", "lo4"), ""),
    "one-unicast6": ("one", Place("udp", "lo6", "any6only"), ""),
    "one-connection": ("one", Place("tcp", "lo4", "any4"), ""),
}


def recipe(deliver: Deliver, place: Place) -> Recipe:
    """Return the recipe of a place on Linux."""
    # Of an IPv6 group the matrix has two receivers.
    wanted = Wanted(deliver, ("linux",), 2 if place.dest == GROUP6 else RECEIVERS)
    (found,) = Search(knowing.knowledge(), knowing.TABLES, wanted).recipes([place])
    assert found.does == ("linux",)
    return found


def heard(receivers: Sequence[subprocess.Popen[str]], count: int) -> list[str]:
    """Return the next line of the first `count` receivers that have one."""
    texts: list[str] = []
    with selectors.DefaultSelector() as waiting:
        for receiver in receivers:
            assert receiver.stdout is not None
            waiting.register(receiver.stdout, selectors.EVENT_READ, receiver.stdout)
        while len(texts) < count:
            ready = waiting.select(timeout=60)
            assert ready, f"only {texts}"
            for key, _ in ready:
                texts.append(key.data.readline())
                waiting.unregister(key.fileobj)
    return texts


def interface(laboratory: Laboratory) -> str:
    """Return the name of the interface of the lab that is not the loopback one."""
    asked = "import socket; print(*(name for _, name in socket.if_nameindex() if name != 'lo'))"
    code, told = run_inside(laboratory.pid, [sys.executable, "-c", asked])
    assert code == 0
    return told.split()[0]


@pytest.mark.parametrize("name", PLACES)
def test_the_program_delivers_as_promised(laboratory: Laboratory, tmp_path: Path, name: str) -> None:
    """Several receivers, one sender: each text reaches all of them, or exactly one."""
    deliver, place, address = PLACES[name]
    path = tmp_path / "recipe.py"
    path.write_text(program.write(recipe(deliver, place), "python"))
    start = [sys.executable, str(path)]
    if address == "INTERFACE":
        address = interface(laboratory)
    given = [address] if address else []
    receivers = [
        enter(laboratory.pid, [*start, "receive", *given], stdout=subprocess.PIPE)
        for _ in range(RECEIVERS)
    ]
    try:
        for receiver in receivers:
            assert receiver.stdout is not None
            assert receiver.stdout.readline() == "receiving\n"
        assert run_inside(laboratory.pid, [*start, "send", *given, "the", "text"]) == (0, "")
        texts = heard(receivers, RECEIVERS if deliver == "all" else 1)
    finally:
        for receiver in receivers:
            receiver.terminate()
        texts_after = [receiver.communicate()[0] for receiver in receivers]
    assert all(text.endswith(" the text\n") for text in texts)
    assert not any(texts_after)
