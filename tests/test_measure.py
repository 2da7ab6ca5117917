"""Lanes: every cell comes back once, whatever happens to the probes; and all ends when it is to."""

from __future__ import annotations

import collections
import dataclasses
import itertools
import json
import threading
from typing import TYPE_CHECKING, Any

import miniatures
import msgspec
import pytest
import smallmatrix
from fakeprobe import FakeTarget, process_of

from sockmatrix import measure
from sockmatrix.classify import classify
from sockmatrix.measure import Block, Lanes, Requests
from sockmatrix.observation import decode_seen
from sockmatrix.target import NotStartedError, Probe, ProbeOptions

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from sockmatrix.cell import Cell
    from sockmatrix.selection import Selection


@pytest.fixture(scope="module")
def selection(tmp_path_factory: pytest.TempPathFactory) -> Selection:
    """Return the cells of the small matrix."""
    return smallmatrix.selection(tmp_path_factory.mktemp("tables") / "matrix")


@pytest.fixture
def begun(monkeypatch: pytest.MonkeyPatch) -> list[Probe]:
    """Return the probes that the test starts, as it starts them."""
    probes: list[Probe] = []
    hello = Probe._hello

    def noted(probe: Probe) -> dict[str, Any]:
        probes.append(probe)
        return hello(probe)

    monkeypatch.setattr(Probe, "_hello", noted)
    return probes


def lanes_of(
    selection: Selection, target: FakeTarget | None = None, count: int = 2, *, fresh: bool = False
) -> Lanes:
    """Return lanes for the cells of a selection."""
    requests = Requests({plan.table.name: plan.table.scenario for plan in selection.plans})
    options = ProbeOptions(fresh=fresh)
    return Lanes(requests, target or FakeTarget(), options, count, repeat=3, seed=5)


def measured(
    selection: Selection, target: FakeTarget | None = None, count: int = 2
) -> tuple[list[Block], collections.Counter[str]]:
    """Measure all cells; return the blocks and how often each cell came back."""
    with lanes_of(selection, target, count) as lanes:
        lanes.start()
        blocks = list(lanes.run(selection.cells))
    assert all(list(block.seen) or not block.cells for block in blocks)
    return blocks, collections.Counter(cell.id for block in blocks for cell in block.cells)


def reasons(blocks: Sequence[Block]) -> dict[str, int]:
    """Return why cells are inconclusive, and how many are."""
    texts = [json.loads(block.seen[cell.id]) for block in blocks for cell in block.cells]
    observed = [seen[0][1] for seen in texts]
    return collections.Counter(one["inconclusive"] for one in observed if "inconclusive" in one)


def log(path: Path) -> list[list[Any]]:
    """Return what the fake probes noted of their doings."""
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_every_cell_comes_back_once(selection: Selection, count: int) -> None:
    """Whatever the number of lanes: all cells, none twice, each with what it is."""
    blocks, found = measured(selection, count=count)
    assert found == {cell.id: 1 for cell in selection.cells}
    for block in blocks:
        assert set(block.seen) == {cell.id for cell in block.cells}
        assert block.counts["cells"] == len(block.cells)
    scenarios = {plan.table.name: plan.table.scenario for plan in selection.plans}
    for cell, seen in ((cell, block.seen[cell.id]) for block in blocks for cell in block.cells):
        steps = [(role, operations) for role, operations in scenarios[cell.table].steps(cell)]
        assert json.loads(seen) == json.loads(msgspec.json.encode(miniatures.LAST.seen(steps)))


def test_few_cells_need_few_lanes(selection: Selection, begun: list[Probe]) -> None:
    """No probe is started that would have nothing to do; no cells need none at all."""
    with lanes_of(selection, count=8) as lanes:
        assert len(list(lanes.run(selection.cells[:3]))) == 3
        assert list(lanes.run([])) == []
    assert len(begun) == 1


def test_lanes_know_their_share(selection: Selection, tmp_path: Path) -> None:
    """Each probe is told which one it is of how many, and all the same repetitions and seed."""
    target = FakeTarget(log=str(tmp_path / "log"))
    measured(selection, target)
    notes = log(tmp_path / "log")
    shares = {tuple(note[2]) for note in notes if note[1] == "started"}
    assert ("--lab", "auto", "--share", "0/2") in shares
    assert shares <= {("--lab", "auto", "--share", f"{index}/2") for index in (0, 1)}
    requests = [note[3] for note in notes if note[1] == "asked"]
    assert all(request == {"kind": "measure", "repeat": 3, "seed": 5} for request in requests)


@pytest.mark.parametrize(
    ("count", "lanes", "largest"), [(176, 1, 44), (176, 2, 22), (3, 2, 1), (176, -1, 20)]
)
def test_blocks(selection: Selection, tmp_path: Path, count: int, lanes: int, largest: int) -> None:
    """A lane gets a few blocks of about the same size; a slow one (-1) small ones: Ctrl-C loses one."""
    target = FakeTarget(log=str(tmp_path / "log"))
    with lanes_of(selection, target, abs(lanes), fresh=lanes < 0) as running:
        list(running.run(selection.cells[:count]))
    sizes = [note[2] for note in log(tmp_path / "log") if note[1] == "asked"]
    assert sum(sizes) == count
    assert max(sizes) == largest


def test_a_block_has_a_limit(selection: Selection, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many cells there are, a block has no more than fit into full batches."""
    monkeypatch.setattr(measure, "BLOCK", 10)
    with lanes_of(selection, count=1) as lanes:
        assert [len(block.cells) for block in lanes.run(selection.cells)] == [10] * 17 + [6]


def test_equal_operations_are_sent_once(selection: Selection) -> None:
    """Many cells share few lists of operations, which are numbered as they first occur."""
    requests = Requests({plan.table.name: plan.table.scenario for plan in selection.plans})
    lines = [json.loads(line) for line in requests.lines(selection.cells)]
    operations = [json.loads(line)["operations"] for line in requests.operations]
    assert len(operations) < 30
    assert len({json.dumps(one) for one in operations}) == len(operations)
    scenarios = {plan.table.name: plan.table.scenario for plan in selection.plans}
    for cell, line in zip(selection.cells, lines, strict=True):
        steps = [[role, operations[number]] for role, number in line["steps"]]
        assert line["id"] == cell.id
        assert steps == json.loads(msgspec.json.encode(scenarios[cell.table].steps(cell)))


@pytest.mark.parametrize(
    ("trouble", "at"),
    [
        *[("die", 1), ("die", 2), ("die", 4)],
        *[(trouble, 2) for trouble in ("garbage", "binary", "list", "forget", "nameless")],
    ],
)
def test_a_bad_probe_is_replaced(
    selection: Selection, tmp_path: Path, begun: list[Probe], trouble: str, at: int
) -> None:
    """Its block is measured again from the start by another one, and nothing is lost or doubled."""
    target = FakeTarget(trouble=trouble, at=at, once=str(tmp_path / "once"), log=str(tmp_path / "log"))
    blocks, found = measured(selection, target, count=1)
    assert found == {cell.id: 1 for cell in selection.cells}
    assert not reasons(blocks)
    assert len(begun) == 2
    asked = [(note[2], note[4]) for note in log(tmp_path / "log") if note[1] == "asked"]
    assert sorted(collections.Counter(asked).values()) == [1, 1, 1, 2]


@pytest.mark.parametrize(
    ("trouble", "reason"),
    [
        ("die", "the probe died: out of luck"),
        ("die silently", "the probe died: exit status 3"),
        ("garbage", "the probe said something that is not its protocol: JSON is malformed"),
        ("forget", "the probe left out 1 cells, such as "),
    ],
)
def test_twice_is_inconclusive(
    selection: Selection, tmp_path: Path, begun: list[Probe], trouble: str, reason: str
) -> None:
    """A block on which two probes failed ends inconclusive, with the reason: never as silence."""
    blocks, found = measured(selection, FakeTarget(trouble=trouble), count=1)
    assert found == {cell.id: 1 for cell in selection.cells}
    why = reasons(blocks)
    assert sum(why.values()) == len(selection.cells)
    assert all(text.startswith(reason) for text in why)
    assert len(begun) == 8  # two for each of the four blocks
    seen = decode_seen(json.loads(next(iter(blocks[0].seen.values()))))
    assert classify(seen).word == "inconclusive"


def test_a_probe_may_say_too_much(selection: Selection) -> None:
    """What it says twice counts once; of cells that nobody asked for nothing is kept."""
    for trouble in ("twice", "stranger"):
        blocks, found = measured(selection, FakeTarget(trouble=trouble))
        assert found == {cell.id: 1 for cell in selection.cells}
        assert not reasons(blocks)


def test_one_lane_dies_and_the_others_do_not_mind(selection: Selection, tmp_path: Path) -> None:
    """With several lanes as well: one failure costs a block's time, not its result."""
    blocks, found = measured(selection, FakeTarget(trouble="die", once=str(tmp_path / "once")), count=3)
    assert found == {cell.id: 1 for cell in selection.cells}
    assert not reasons(blocks)


def test_nothing_can_be_started(selection: Selection) -> None:
    """Without any probe there is no measurement, and the reason is said at once."""
    target = FakeTarget(trouble="die", at=0)
    with lanes_of(selection, target) as lanes, pytest.raises(NotStartedError, match="out of luck"):
        lanes.start()
    with lanes_of(selection, target, 3) as lanes, pytest.raises(NotStartedError, match="out of luck"):
        list(lanes.run(selection.cells))


def test_a_lane_that_cannot_start_leaves_its_block_to_the_others(
    selection: Selection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where there is room for one probe only, one measures everything."""
    command = FakeTarget.command

    def first_only(target: FakeTarget, arguments: list[str]) -> list[str]:
        broken = dataclasses.replace(target, trouble="die", at=0)
        return command(target if "0/3" in arguments else broken, arguments)

    monkeypatch.setattr(FakeTarget, "command", first_only)
    blocks, found = measured(selection, count=3)
    assert found == {cell.id: 1 for cell in selection.cells}
    assert not reasons(blocks)


def test_the_last_probe_is_lost(selection: Selection, monkeypatch: pytest.MonkeyPatch) -> None:
    """When a probe that died cannot be replaced, what was measured until then has come back."""
    command = FakeTarget.command
    starts = itertools.count()

    def first_only(target: FakeTarget, arguments: list[str]) -> list[str]:
        at = 3 if next(starts) == 0 else 0
        return command(dataclasses.replace(target, trouble="die", at=at), arguments)

    monkeypatch.setattr(FakeTarget, "command", first_only)
    got: list[Block] = []
    with (
        lanes_of(selection, count=1) as lanes,
        pytest.raises(NotStartedError, match=r"^the probe did not start: out of luck$"),
    ):
        got.extend(lanes.run(selection.cells))
    assert [len(block.cells) for block in got] == [44, 44]


# --- labs ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def scripted(tmp_path_factory: pytest.TempPathFactory) -> Selection:
    """Return the cells of the small matrix, of which some are in other labs."""
    place = tmp_path_factory.mktemp("tables") / "matrix"
    return smallmatrix.selection(place, scripted=True)


def started(path: Path) -> list[str]:
    """Return the layouts for which probes were started, in this order; empty for the plain one."""
    arguments = [note[2] for note in log(path) if note[1] == "started"]
    return [own[own.index("--layout") + 1] if "--layout" in own else "" for own in arguments]


@pytest.mark.parametrize("count", [1, 2, 3])
def test_a_batch_never_mixes_labs(scripted: Selection, tmp_path: Path, count: int) -> None:
    """Cells of a lab are measured by probes that were started for it, the plain ones first."""
    target = FakeTarget(log=str(tmp_path / "log"))
    blocks, found = measured(scripted, target, count)
    assert found == {cell.id: 1 for cell in scripted.cells}
    labs = [{cell.lab for cell in block.cells} for block in blocks]
    assert all(len(own) == 1 for own in labs)
    order = [own.pop() for own in labs]
    assert list(dict.fromkeys(order)) == ["plain", "gateway", "hosts-2"]
    notes = log(tmp_path / "log")
    probes = {note[0]: note[2][-1] for note in notes if note[1] == "started" and "--layout" in note[2]}
    by_id = {cell.id: cell.lab for cell in scripted.cells}
    for note in notes:
        if note[1] == "asked":
            assert by_id[note[4]] == probes.get(note[0], "plain")


def test_the_steps_of_another_lab_are_not_mixed_up(scripted: Selection) -> None:
    """Operations are numbered anew for each lab: what comes back is of the cell's own steps."""
    blocks, _ = measured(scripted, count=2)
    scenarios = {plan.table.name: plan.table.scenario for plan in scripted.plans}
    for cell, seen in ((cell, block.seen[cell.id]) for block in blocks for cell in block.cells):
        steps = [(role, operations) for role, operations in scenarios[cell.table].steps(cell)]
        assert json.loads(seen) == json.loads(msgspec.json.encode(miniatures.LAST.seen(steps)))


def test_probes_of_a_finished_lab_are_ended(scripted: Selection, begun: list[Probe]) -> None:
    """There are never more probes than lanes at work, beside the first one of each lab to come."""
    with lanes_of(scripted, count=2) as lanes:
        assert lanes.start(cell.lab for cell in scripted.cells) == miniatures.HELLO
        assert len(begun) == 3
        for block in lanes.run(scripted.cells):
            alive = sum(process_of(probe).returncode is None for probe in begun)
            to_come = {"plain": 2, "gateway": 1, "hosts-2": 0}[block.cells[0].lab]
            assert alive <= 2 + to_come
    _all_ended(begun)


def test_labs_say_what_they_are(scripted: Selection, tmp_path: Path) -> None:
    """The facts of each are known before anything is measured; its probe is not started again."""
    target = FakeTarget(log=str(tmp_path / "log"))
    with lanes_of(scripted, target, 1) as lanes:
        lanes.start(cell.lab for cell in scripted.cells)
        assert {name: facts["layout"] for name, facts in lanes.labs.items()} == {
            "gateway": "gateway",
            "hosts-2": "hosts-2",
        }
        assert lanes.missing == {}
        list(lanes.run(scripted.cells))
    assert sorted(started(tmp_path / "log")) == ["", "gateway", "hosts-2"]


@pytest.mark.parametrize("prepared", [True, False])
def test_a_lab_that_cannot_be_had_is_skipped(scripted: Selection, prepared: bool) -> None:
    """Its cells come back with the reason, and the others are measured."""
    with lanes_of(scripted, FakeTarget(lacks="gateway")) as lanes:
        lanes.start((cell.lab for cell in scripted.cells) if prepared else ())
        blocks = list(lanes.run(scripted.cells))
        assert lanes.missing == {"gateway": "the probe did not start: there is no gateway here"}
    seen = {cell.id: json.loads(block.seen[cell.id]) for block in blocks for cell in block.cells}
    assert set(seen) == {cell.id for cell in scripted.cells}
    skipped = {key: own for key, own in seen.items() if "skipped" in own[0][1]}
    assert set(skipped) == {cell.id for cell in scripted.cells if cell.lab == "gateway"}
    assert (
        list(skipped.values())
        == [[[3, {"skipped": "the probe did not start: there is no gateway here"}]]] * 2
    )


def test_no_plain_lab_no_run(scripted: Selection) -> None:
    """Without the plain one there is no run: it is what the header tells of."""
    with lanes_of(scripted, FakeTarget(trouble="die", at=0)) as lanes, pytest.raises(NotStartedError):
        lanes.start(cell.lab for cell in scripted.cells)


def test_a_probe_that_dies_in_another_lab_is_replaced(
    scripted: Selection, tmp_path: Path, begun: list[Probe]
) -> None:
    """By one for the same lab; and its block is measured again."""
    target = FakeTarget(trouble="die", once=str(tmp_path / "once"), log=str(tmp_path / "log"))
    cells = [cell for cell in scripted.cells if cell.lab == "hosts-2"]
    with lanes_of(scripted, target, 1) as lanes:
        blocks = list(lanes.run(cells))
    assert not reasons(blocks)
    assert started(tmp_path / "log") == ["hosts-2", "hosts-2"]
    _all_ended(begun)


def test_stop_ends_the_labs_to_come(scripted: Selection, begun: list[Probe]) -> None:
    """Also the probes that had nothing to do yet."""
    with lanes_of(scripted) as lanes:
        lanes.start(cell.lab for cell in scripted.cells)
        next(lanes.run(scripted.cells))
    assert len(begun) >= 3
    _all_ended(begun)


def test_lanes_go_back_to_a_lab(scripted: Selection, tmp_path: Path) -> None:
    """Cells may be measured again in any order of labs; each time by probes of their lab."""
    target = FakeTarget(log=str(tmp_path / "log"))
    with lanes_of(scripted, target, 1) as lanes:
        for lab in ("hosts-2", "plain", "hosts-2"):
            cells = [cell for cell in scripted.cells if cell.lab == lab]
            assert sum(len(block.cells) for block in lanes.run(cells)) == len(cells)
    assert started(tmp_path / "log") == ["hosts-2", "", "hosts-2"]


def test_cells_that_are_alone_say_so(scripted: Selection) -> None:
    """The probe is told which cells it must not put into a batch with others."""
    requests = Requests({plan.table.name: plan.table.scenario for plan in scripted.plans})
    lines = {line["id"]: line for line in map(json.loads, requests.lines(scripted.cells))}
    alone = {key for key, line in lines.items() if "solo" in line}
    assert alone == {"asking/case:alone", "asking/case:alone/size:much"}
    assert all(lines[key]["solo"] is True for key in alone)
    assert [actor for actor, _ in lines["asking/case:far"]["steps"]] == ["A@h2", "X", "S"]


def test_a_mistake_of_ours_is_not_swallowed(
    selection: Selection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An error in a lane that is not about the probe reaches whoever measures."""

    def broken(_requests: Requests, _cells: Sequence[Cell]) -> list[bytes]:
        raise ZeroDivisionError

    monkeypatch.setattr(Requests, "lines", broken)
    with lanes_of(selection) as lanes, pytest.raises(ZeroDivisionError):
        list(lanes.run(selection.cells))


@pytest.mark.parametrize("count", [1, 2])
def test_stop_ends_everything(selection: Selection, begun: list[Probe], count: int) -> None:
    """Probes that hang are ended, and whoever waits for them is let go, without their cells."""
    lanes = lanes_of(selection, FakeTarget(trouble="hang", at=2), count)
    got: list[Block] = []
    running = lanes.run(selection.cells)
    got.append(next(running))
    waiter = threading.Thread(target=lambda: got.extend(running))
    waiter.start()
    lanes.stop()
    lanes.stop()
    waiter.join()
    assert 1 <= len(got) <= count
    assert list(lanes.run(selection.cells)) == []
    _all_ended(begun)


def test_leaving_ends_everything(selection: Selection, begun: list[Probe]) -> None:
    """An exception between two blocks, such as Ctrl-C, leaves no probe behind."""
    lanes = lanes_of(selection)
    with pytest.raises(KeyboardInterrupt), lanes:
        _interrupt(lanes.run(selection.cells))
    _all_ended(begun)


def test_a_probe_that_starts_too_late_is_ended(selection: Selection, begun: list[Probe]) -> None:
    """Stopping while a lane is starting its probe does not leave that probe behind."""
    lanes = lanes_of(selection)
    lanes.stop()
    with pytest.raises(Exception, match="stopped"):
        lanes.start()
    _all_ended(begun)


def _interrupt(blocks: Iterator[Block]) -> None:
    next(blocks)
    raise KeyboardInterrupt


def _all_ended(begun: list[Probe]) -> None:
    for thread in _lane_threads():
        thread.join()
    assert begun
    assert all(process_of(probe).returncode is not None for probe in begun)


def _lane_threads() -> Iterator[threading.Thread]:
    return (thread for thread in threading.enumerate() if "(_lane)" in thread.name)
