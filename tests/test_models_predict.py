"""The reference model as a whole: against a real run, on scripts, and what it does not know."""

from __future__ import annotations

from pathlib import Path

import pytest
from modelled import heard, notes, play

from sockmatrix import plan, table
from sockmatrix.models import Prediction, Unpredicted, compare
from sockmatrix.models.acts import KNOWN
from sockmatrix.models.layouts import layout
from sockmatrix.models.linux import predict
from sockmatrix.runfile import Run
from sockmatrix.script import compile_steps
from sockmatrix.script.operations import OPERATIONS

RUN = Path(__file__).parents[1] / "reports" / "runs" / "linux-6.18.44-x86_64.jsonl.gz"

SOME = 29
"""One in so many cells of the run is predicted here; `sockmatrix predict` does all of them."""


def test_a_sample_of_a_real_run() -> None:
    """Every facet of every outcome, on the kernel that the run is of."""
    run = Run.read(RUN)
    tables = table.load_all(names=run.header.tables)
    wrong: dict[str, list[str]] = {}
    done = 0
    for key, outcome in list(run.cells.items())[::SOME]:
        of = tables[key.partition("/")[0]]
        cell = of.cell(key)
        if of.version_of(cell) != outcome.v:
            continue  # redefined since
        done += 1
        problems = compare(predict(cell, of.scenario.steps(cell), lab=cell.lab), outcome)
        if problems:
            wrong[key] = problems
    assert not wrong
    assert done > 1000


VERSIONS = [(5, 4, 0), (5, 10, 46), (6, 1, 176), (6, 12, 101), (7, 2, 7)]


def test_every_script_of_the_matrix_can_be_predicted() -> None:
    """Whatever the tables ask, on whatever kernel: there is an answer, and it is always the same."""
    for of in table.load_all().values():
        if not of.cases:
            continue
        cells = plan.expand(of).cells
        for cell in cells[:: max(1, len(cells) // 20)]:
            steps = of.scenario.steps(cell)
            for version in VERSIONS:
                said = predict(cell, steps, lab=cell.lab, version=version)
                assert said == predict(None, steps, lab=cell.lab, version=version)
            assert steps == of.scenario.steps(cell), "the steps are left as they were"


def test_operations() -> None:
    """All that scripts can say is known; deliveries and ends are no acts."""
    assert set(OPERATIONS) - KNOWN <= {"speak", "call", "exit", "kill", "send", "bind"}


UNKNOWN = [
    ([["A", [["fly", "lo4"]]]], "fly"),
    ([["A", [["socket", "udp4"], ["set", "SO_FLY", 1]]]], "SO_FLY"),
    ([["A", [["socket", "udp4"], ["note", "x", ["get", "SO_FLY"]]]]], "SO_FLY"),
]


@pytest.mark.parametrize(("steps", "named"), UNKNOWN)
def test_what_is_not_known_is_named(steps: list[list[object]], named: str) -> None:
    """With the cell, if there is one."""
    with pytest.raises(Unpredicted, match=named):
        predict(None, steps)
    [of] = [one for one in table.load_all(names=["sentinel"]).values() if one.name == "sentinel"]
    cell = plan.expand(of).cells[0]
    with pytest.raises(Unpredicted, match=f"^{cell.id}: .*{named}"):
        predict(cell, steps)


def test_a_lab_that_is_not_known_is_named() -> None:
    """As everything else."""
    with pytest.raises(Unpredicted, match="moon"):
        predict(None, [["A", [["socket", "udp4"]]]], lab="moon")


def test_options_of_other_systems() -> None:
    """The cell is absent, unless the option is only asked for."""
    assert play("A: socket udp4; set SO_REUSEPORT_LB 1") == Prediction(absent="SO_REUSEPORT_LB")
    assert notes("A: socket udp4; it = set SO_REUSEPORT_LB 1") == {"it": "absent"}


def test_what_a_lab_lacks_is_skipped() -> None:
    """A symbol that stands for nothing there."""
    steps = [["A", [["socket", "udp4"], ["bind", "h3"]]]]
    assert "h3" in predict(None, steps, lab="hosts-2").skipped


def test_a_role_that_was_refused_does_nothing_more() -> None:
    """Its later turns are left out; a label makes a refusal a note instead."""
    script = "A: socket udp4; bind lo4\nB: socket udp4; bind lo4\nB: it = name\nA: own = name"
    said = play(script)
    assert (said.failed, said.notes, said.open) == ({"B": "bind EADDRINUSE"}, {"own": "lo4:P"}, 1)
    told = play("A: socket udp4; bind lo4\nB: socket udp4; it = bind lo4; name = name")
    assert (told.failed, told.notes) == ({}, {"it": "EADDRINUSE", "name": "any4:0"})


def test_processes_end() -> None:
    """Exit and kill close all sockets of a role; it may begin anew."""
    script = "A: socket udp4; bind lo4\nA.b: socket udp4; bind lo4 P+1\nA: ENDS\n"
    script += "B: socket udp4; bind lo4\nB.b: socket udp4; bind lo4 P+1\nS: speak lo4"
    for ends in ("exit", "kill"):
        said = play(script.replace("ENDS", ends))
        assert not said.failed
        assert said.delivery[""].closed == ("A", "A.b", "B.b")


def test_worlds() -> None:
    """One datagram to a SO_REUSEPORT group: either hears it, and notes go with deliveries."""
    line = "socket udp4; set SO_REUSEPORT 1; bind lo4\n"
    said = play(f"A: {line}B: {line}X: socket udp4; sent = send lo4\nA: a = receive\nB: b = receive")
    worlds = [said, *said.others]
    assert {(one.notes["a"] == "nothing", one.notes["b"] == "nothing") for one in worlds} == {
        (True, False),
        (False, True),
    }
    assert all(not one.others for one in said.others)


def test_worlds_are_limited() -> None:
    """Many independent choices are not all played."""
    line = "socket udp4; set SO_REUSEPORT 1; bind lo4\n"
    talkers = "".join(f"X.x{n}: socket udp4; s{n} = send lo4\n" for n in range(12))
    assert len(play(f"A: {line}B: {line}{talkers}A: a = receive all").others) < 64


@pytest.mark.parametrize("name", ["plain", "no-routes", "two-links", "hosts-2", "hosts-3", "gateway"])
def test_labs(name: str) -> None:
    """Every lab has a host that measures, and loopback works there."""
    assert "h1" in layout(name).hosts
    assert play("A: socket udp4; bind lo4\nS: speak lo4", name).delivery[""].word == "all"


def test_hosts() -> None:
    """A broadcast is heard by all hosts on the link, a unicast by the one it is for."""
    script = "A: socket udp4; bind any4\nB@h2: socket udp4; bind any4\nC@h3: socket udp4; bind any4\n"
    assert play(script + "S: speak subnet-bcast broadcast", "hosts-3").delivery[""].word == "all"
    assert heard(script + "S: speak h2", "hosts-3") == {"": ("B",)}


def test_what_nobody_hears_is_silent_where_a_lone_receiver_is_as_well() -> None:
    """The probe asks one (`control`)."""
    script = "A: socket udp4; bind lo4\nS: speak subnet-net broadcast"
    assert play(script).delivery[""].control == "silent"
    assert play(script.replace("subnet-net", "subnet-bcast")).delivery[""].control == ""


def test_scripts_are_what_predict_reads() -> None:
    """An explanation may ask about a cell that no table has."""
    steps = compile_steps("A: socket udp4; bind lo4")
    assert predict(None, steps) == Prediction(open=1)
