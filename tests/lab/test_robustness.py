"""What disturbs a measurement makes no wrong cell: it is measured again, or inconclusive and says why."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING

import allotment
import lab
import pytest
from laboratory import (
    Laboratory,
    cells,
    differences,
    enter,
    role_pids,
    run_inside,
    sample,
    words,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from sockmatrix.cell import Cell
    from sockmatrix.runfile import CellLine

    Start = Callable[..., Laboratory]

USUAL = "receivers=2,3 none.reuse=lb,addr+lb,exclusive none.join=lo4"
"""Cells of which each batch holds many; options that Linux lacks would only be absent."""


@pytest.fixture(scope="module")
def some() -> list[Cell]:
    """Return cells of every table."""
    return sample(160, USUAL)


@pytest.fixture(scope="module")
def undisturbed(laboratory: Laboratory, some: Sequence[Cell]) -> Mapping[str, CellLine]:
    """Return what they amount to when nothing disturbs."""
    found = laboratory.measure(some)
    assert not words(found.values())["inconclusive"]
    return found


# Roles that are killed


def kill(probe: int, victims: str, delay: float) -> None:
    """Kill roles, one after another, `delay` seconds from now and from each other."""
    for name in victims:
        time.sleep(delay)
        victim = role_pids(probe).get(name)
        if victim is not None:  # it is just being replaced, because of the one before
            os.kill(victim, signal.SIGKILL)


@pytest.mark.parametrize("victims", ["A", "S", "BS"])
def test_killed_roles_change_no_outcome(
    start: Start, some: Sequence[Cell], undisturbed: Mapping[str, CellLine], victims: str
) -> None:
    """SIGKILL in mid-run, sooner or later: every cell is the same as without."""
    own = start()
    own.measure(some, repeat=1)  # from here on there are roles to kill
    for delay in (0.0, 0.02, 0.1):
        killer = threading.Thread(target=kill, args=(own.pid, victims, delay))
        killer.start()
        found = own.measure(some)
        killer.join()
        assert not differences(found, undisturbed)
        assert not words(found.values())["inconclusive"]
    assert own.counts["lost_roles"] > 0


# Foreign datagrams

_FLOOD = """
import itertools, os, socket, sys, time
first, end, *hosts = sys.argv[1:]
sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sender.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
print("flooding", flush=True)
kinds = (b"", bytes(12), os.urandom(15), os.urandom(60))
for host, data in itertools.cycle(itertools.product(hosts, kinds)):
    with open("/proc/self/net/udp") as file:
        bound = {int(line.split()[1].rpartition(":")[2], 16) for line in list(file)[1:]}
    for port in bound:
        if int(first) <= port < int(end):
            try:
                sender.sendto(data, (host, port))
            except OSError:
                pass  # an ICMP error of an earlier one
    time.sleep(0.003)  # a stranger, not an attack: full buffers would void every batch
"""
FIRST_PORT, PORT_COUNT = lab.cell_ports(32768, 60999)
CELL_PORTS = (FIRST_PORT, FIRST_PORT + PORT_COUNT - allotment.SENDER_PORTS)
HOSTS = ("127.0.0.1", "127.255.255.255", "198.51.100.1", "198.51.100.255", "255.255.255.255")


@pytest.fixture
def flooded(start: Start) -> Iterator[Laboratory]:
    """Return a laboratory whose cells' ports are flooded by a stranger, from inside."""
    own = start()
    command = [sys.executable, "-c", _FLOOD, *map(str, CELL_PORTS), *HOSTS]
    with enter(own.pid, command, stdout=subprocess.PIPE) as stranger:
        assert stranger.stdout is not None
        assert stranger.stdout.readline() == "flooding\n"
        yield own
        stranger.kill()


def test_a_flood_of_foreign_datagrams_makes_no_wrong_cell(
    flooded: Laboratory, some: Sequence[Cell], undisturbed: Mapping[str, CellLine]
) -> None:
    """They are counted and never taken for ours; a buffer they fill voids the batch."""
    foreign = rounds = 0
    while not foreign or rounds < 2:
        found = flooded.measure(some)
        assert not differences(found, undisturbed)
        assert words(found.values())["inconclusive"] < len(found) / 2
        foreign += sum(line.foreign for line in found.values())
        rounds += 1
        assert rounds < 20, "no foreign datagram arrived"


# Firewalls


@pytest.fixture
def firewalled(start: Start) -> Callable[[str], Laboratory]:
    """Return a function that starts a laboratory with a chain of rules for what comes in."""

    def begin(rules: str) -> Laboratory:
        own = start()
        table = f"table inet t {{ chain in {{ type filter hook input priority 0; {rules} }}; }}"
        try:
            status, said = run_inside(own.pid, ["nft", table])
        except FileNotFoundError:
            pytest.skip("nft is not installed (Debian: nftables)")
        if status:
            pytest.skip(f"no nftables here: {said.splitlines()[0] if said else status}")
        return own

    return begin


UDP_CELLS = "loopback-broadcast receivers=2 every.reuse=addr"
TCP_CELLS = "bind-conflicts transport=tcp receivers=2 every.bind=any4,lo4 every.reuse=port"


def test_where_everything_is_dropped_nothing_is_concluded(
    firewalled: Callable[[str], Laboratory], laboratory: Laboratory
) -> None:
    """Every cell is inconclusive and says why, never none; without the firewall all is as it was."""
    own = firewalled("policy drop;")
    udp, tcp = sample(30, UDP_CELLS), sample(10, TCP_CELLS)
    for wanted in (udp, tcp):  # the datagrams first: connections would be waited for
        found = own.measure(wanted, repeat=1)
        assert {(line.word, line.inconclusive) for line in found.values()} == {
            ("inconclusive", "the fence stayed silent: nothing sent here arrives")
        }
    assert own.counts["silent_fences"] > 0
    assert run_inside(own.pid, ["nft", "delete table inet t"]) == (0, "")
    again = own.measure([*udp, *tcp], repeat=1)
    assert not words(again.values())["inconclusive"]
    assert not differences(again, laboratory.measure([*udp, *tcp], repeat=1))


def test_where_broadcast_and_multicast_are_dropped_the_control_is_silent(
    firewalled: Callable[[str], Laboratory], laboratory: Laboratory
) -> None:
    """None, with the note that a lone receiver hears nothing either; unicast is not touched."""
    own = firewalled(
        "ip daddr { 127.255.255.255, 198.51.100.255, 255.255.255.255, 239.192.0.0/14 } drop;"
    )
    many = [
        *(f"loopback-broadcast/dest:lobcast/A:{bind}.addr/B:{bind}.addr" for bind in ("lobcast", "any4")),
        *(
            f"fan-out/dest:{dest}/A:any4.addr/B:any4.addr"
            for dest in ("subnet-bcast", "limited", "group4")
        ),
        "fan-out/dest:group4/via:lo4/A:any4.addr.lo4/B:any4.addr.lo4",
    ]
    for line in own.outcomes(*many).values():
        assert (line.word, line.delivery[""].control) == ("none", "silent"), line.id
    assert {line.word for line in laboratory.outcomes(*many).values()} == {"all"}
    unicast = cells(
        "loopback-broadcast/dest:lo4/A:lo4.addr/B:lo4.addr",
        "fan-out/dest:if4/A:any4.port/B:any4.port",
        "loopback-broadcast/dest:lo4b/A:lo4.addr/B:lo4.addr",
    )
    found = own.measure(unicast)
    assert [line.word for line in found.values()] == ["one", "spread", "none"]
    assert not any(line.delivery[""].control for line in found.values())


# Batches that are too full


def test_a_window_that_overflows_the_buffers_is_voided(start: Start, laboratory: Laboratory) -> None:
    """400 datagrams do not fit into a default buffer: what was lost there is never called silence."""
    own = start(window=1000, source_ports=200)
    room = int(own.hello["lab"]["sysctls"].get("net.core.rmem_default", 0))
    if not 0 < room < 400 * 640:
        pytest.skip(f"net.core.rmem_default is {room}: so few datagrams do not fill it")
    wanted = sample(12, "loopback-broadcast receivers=2,3 every.reuse=addr,port broadcast=on")
    found = own.measure(wanted)
    assert own.counts["voided"] > 0
    assert not words(found.values())["inconclusive"]
    assert not differences(found, laboratory.measure(wanted))
