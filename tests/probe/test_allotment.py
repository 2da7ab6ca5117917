"""Allotments: ports and groups that no two trials share, and none that another conductor has."""

from __future__ import annotations

import allotment
import lab
import pytest
from allotment import Allotment
from fake_roles import FakeLab
from trials import Cell


def cell(*, solo: bool = False, spends: bool = False) -> Cell:
    """Return a cell of which only that matters."""
    return Cell("one", (), [], (), (), (), (), listens=False, solo=solo, spends=spends)


def make(kind: str = "private", share: tuple[int, int] = (0, 1)) -> Allotment:
    """Return an allotment of a lab of that kind."""
    place = FakeLab()
    place.kind = kind
    return Allotment(place, share)


def test_ports_are_given_one_after_another_and_then_again() -> None:
    """Never the sender's."""
    one = make()
    given: list[int] = []
    for _ in range(2 * one.cell_ports // 200):
        first = one.ports(cell(), 200, 256, [])
        given += range(first, first + 200)
    assert set(given) <= set(range(10000, 10000 + one.cell_ports))
    assert not set(given) & set(one.sender_ports)
    assert max(given.count(port) for port in given[:5]) >= 2


def test_a_lone_cell_keeps_away_from_the_slots_of_the_sender() -> None:
    """Of the ports that the sender has used so far."""
    one = make()
    one.next_port = 0
    sources = [10000 + 256, 10001 + 512]
    assert one.ports(cell(solo=True), 1, 256, sources) == 10002
    assert one.ports(cell(), 1, 256, sources) == 10003


def test_ports_left_in_time_wait_are_used_again_as_late_as_can_be() -> None:
    """All 7,000 of them come first."""
    one = make()
    assert [one.ports(cell(spends=True), 3000, 256, []) for _ in range(3)] == [2000, 5000, 2000]
    usual = one.next_port
    assert one.ports(cell(spends=True), 1, 256, []) == 5000
    assert one.next_port == usual


def test_a_host_has_no_ports_to_spend() -> None:
    """Below its range others may be."""
    one = make("host")
    one.next_port = 5
    assert one.ports(cell(spends=True), 1, 256, []) == 10005


def test_those_who_share_a_host_share_no_port_and_no_group() -> None:
    """A private lab is not shared, however many probes there are."""
    parts = [make("host", (index, 4)) for index in range(4)]
    ports = [
        {*range(one.first_port, one.first_port + one.cell_ports), *one.sender_ports} for one in parts
    ]
    assert len(set().union(*ports)) == sum(len(found) for found in ports) == 22000
    groups = [{one.group(trial) for trial in range(2 * one.slots)} for one in parts]
    assert len(set().union(*groups)) == sum(len(found) for found in groups) == lab.GROUPS
    assert make("private", (3, 4)).first_port == make("private").first_port


def test_too_many_probes_are_refused() -> None:
    """Each needs ports for two batches."""
    with pytest.raises(lab.LabError, match="too few ports each"):
        make("host", (0, 40))


def test_trials_are_numbered() -> None:
    """In 32 bits, as payloads say them."""
    one = make()
    assert [one.trial(), one.trial()] == [1, 2]
    one.last_trial = 0xFFFFFFFF
    assert one.trial() == 0


def test_the_sender_has_its_part() -> None:
    """From the top down, so that pools grow away from the cells."""
    ports = make().sender_ports
    assert (ports[0], len(ports)) == (31999, allotment.SENDER_PORTS)
