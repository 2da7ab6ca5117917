"""`sockmatrix list` and `sockmatrix doctor`: what they print, in text and in JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import fakes
import pytest
from commandline import Commands, Done

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def sockmatrix(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Commands:
    """Run commands with a fake probe."""
    return Commands.prepared(capsys, monkeypatch, tmp_path)


def test_list(sockmatrix: Commands) -> None:
    """Each table with its question, and how many cells each block has."""
    done = sockmatrix("list")
    assert done == Done(
        0,
        """\
hearing: 160 cells
  Who hears it?
       32  two receivers
      128  three receivers

listening: 16 cells
  Who accepts it?
       16  two listeners

176 cells; --cells prints their ids
""",
        "",
    )


def test_list_some(sockmatrix: Commands) -> None:
    """Of a selection only what is selected is counted."""
    assert sockmatrix("list", "--only", "receivers=2 dest=lo4").out == (
        "hearing: 16 of 160 cells\n  Who hears it?\n       16  two receivers\n\n"
        "16 cells; --cells prints their ids\n"
    )


def test_list_cells(sockmatrix: Commands) -> None:
    """--cells prints ids and nothing else."""
    ids = [cell.id for cell in sockmatrix.selection.cells]
    assert sockmatrix("list", "--cells").out.splitlines() == ids
    assert len(sockmatrix("list", "--cells", "--table", "listening").out.splitlines()) == 16


def test_list_json(sockmatrix: Commands) -> None:
    """The same for a machine: counts, or ids."""
    hearing, listening = json.loads(sockmatrix("list", "--json", "--only", "receivers=2").out)
    assert hearing == {
        "table": "hearing",
        "question": "Who hears it?",
        "scenario": "fan-out",
        "version": 1,
        "lab": "plain",
        "blocks": [{"about": "two receivers", "cells": 32}, {"about": "three receivers", "cells": 0}],
        "cells": 32,
    }
    (told,) = json.loads(sockmatrix("list", "--json", "--cells", "--table", "listening").out)
    assert len(told["cells"]) == listening["cells"] == 16


def test_doctor(sockmatrix: Commands) -> None:
    """What works, what does not and why, in printable lines."""
    done = sockmatrix("doctor")
    assert (done.code, done.err) == (0, "")
    lines = done.out.splitlines()
    assert lines[0] == "platform    linux 6.12.1, x86_64, root"
    assert lines[2] == "lab         private network namespace, by root: nothing leaves it"
    assert "ok          veth: made" in lines
    assert "no          IPv6: there is\\u202e none" in lines
    assert "ok          none (no option)" in lines
    assert "no          lb (SO_REUSEPORT_LB): there is no such option here; its cells are absent" in lines


def test_doctor_without_a_lab(sockmatrix: Commands) -> None:
    """On the host's loopback it says why, and what is skipped there."""
    lab = {**fakes.HELLO["lab"], "kind": "host", "reason": "user namespaces are restricted"}
    lines = sockmatrix("doctor", hello={"lab": lab}).out.splitlines()
    assert lines[2] == "lab         this machine's own loopback: user namespaces are restricted"
    assert lines[3].endswith("are skipped (--allow-lan sends them)")


def test_doctor_json(sockmatrix: Commands) -> None:
    """The same for a machine."""
    told = json.loads(sockmatrix("doctor", "--json").out)
    assert told["hello"]["platform"] == fakes.HELLO["platform"]
    assert [check[:2] for check in told["checks"]] == [["veth", True], ["IPv6", False]]
    assert set(told["tools"]) == {"tox", "nft"}


def test_doctor_without_a_probe(sockmatrix: Commands) -> None:
    """Where not even the probe starts, that is the answer."""
    done = sockmatrix("doctor", trouble="die", at=0)
    assert done == Done(2, "", "sockmatrix doctor: the probe did not start: out of luck\n")
