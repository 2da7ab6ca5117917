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


@pytest.fixture
def scripted(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Commands:
    """Run commands with a fake probe on a matrix with a script table."""
    return Commands.prepared(capsys, monkeypatch, tmp_path, scripted=True)


def test_list_a_script_table(scripted: Commands) -> None:
    """Its cases stand in the place of blocks."""
    assert scripted("list", "--table", "asking").out == (
        "asking: 8 cells\n  What is it told?\n        2  Near?\n        2  Far?\n"
        "        2  Through?\n        2  Alone?\n\n8 cells; --cells prints their ids\n"
    )
    done = scripted("list", "--cells", "--only", "case=far,near size=much", "--only", "lab=gateway")
    assert done.out.splitlines() == [
        "asking/case:near/size:much",
        "asking/case:far/size:much",
        "asking/case:through",
        "asking/case:through/size:much",
    ]


def test_list_a_cell(scripted: Commands) -> None:
    """What its values mean in words, where it takes place, and what is done, a turn a line."""
    done = scripted("list", "asking/case:far/size:much")
    assert done == Done(
        0,
        """\
asking/case:far/size:much
  case: Far?
  size: much
  lab: hosts-2

    A@h2: socket udp4; bind any4
    X: socket udp4; told = send h2 size=1000
    S: one = speak h2

""",
        "",
    )
    done = scripted("list", "listening/transport:tcp/A:any4.addr/B:lo4.none", "asking/case:near")
    assert done.out.startswith(
        """\
listening/transport:tcp/A:any4.addr/B:lo4.none
  transport: TCP
  listen: each listens as soon as it is bound
  A bound to: 0.0.0.0, options: SO_REUSEADDR
  B bound to: 127.0.0.1, options: no option
  lab: plain

    A: socket tcp4; set SO_REUSEADDR 1; bind any4; listen 128
    B: socket tcp4; bind lo4; listen 128
    S: lo4 = call lo4; if4 = call if4

asking/case:near
"""
    )


def test_list_a_cell_as_json(scripted: Commands) -> None:
    """The same for a machine, with the version and the steps of the protocol."""
    far, pair = json.loads(
        scripted("list", "--json", "asking/case:far", "hearing/dest:lo4/A:lo4.none/B:any4.addr").out
    )
    assert (far["id"], far["table"], far["lab"]) == ("asking/case:far", "asking", "hosts-2")
    assert far["axes"] == {"case": "far", "size": "some"}
    assert far["steps"][0] == ["A@h2", [["socket", "udp4"], ["bind", "any4"]]]
    assert far["version"] > 1000
    assert pair["version"] == 1
    assert pair["sockets"] == [{"bind": "lo4", "reuse": "none"}, {"bind": "any4", "reuse": "addr"}]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ["asking/case:fra"],
            'in "asking/case:fra": unknown case "fra" (did you mean "far"?); allowed: ',
        ),
        (["askin/case:far"], 'unknown table "askin" (did you mean "asking"?); allowed: asking, hearing'),
        (["hearing/dest:lo4"], '"hearing/dest:lo4" has no sockets'),
        (["asking"], "asking is a table, not a cell; write --table asking"),
        (["asking/case:far", "--table", "asking"], "ID goes without --table, --only and --cells"),
    ],
)
def test_list_what_is_no_cell(scripted: Commands, arguments: list[str], said: str) -> None:
    """One line says what is wrong with an id."""
    done = scripted("list", *arguments)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith(f"sockmatrix list: {said}")
    assert done.err.count("\n") == 1


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
    assert set(told["tools"]) == {"tox", "nft", "qemu-system-x86_64", "runsc"}


def test_doctor_without_a_probe(sockmatrix: Commands) -> None:
    """Where not even the probe starts, that is the answer."""
    done = sockmatrix("doctor", trouble="die", at=0)
    assert done == Done(2, "", "sockmatrix doctor: the probe did not start: out of luck\n")
