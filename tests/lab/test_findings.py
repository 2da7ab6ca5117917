"""Koskela's finding and its neighbours, on real sockets: who hears a datagram to 127/8.

Source: Lauri Koskela, "Loopback UDP broadcasts and multiple listeners", 2025, "How It Works": bound to
127.255.255.255 with SO_REUSEADDR every listener gets every datagram; with another address of 127/8 only
one of them does. Linux delivers a broadcast to all (net/ipv4/udp.c, __udp4_lib_mcast_deliver) and looks
up one socket for a unicast (__udp4_lib_lookup): of equals the one bound last, or one of a SO_REUSEPORT
group.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from laboratory import Laboratory


def alike(count: int, dest: str, bind: str, reuse: str, broadcast: str = "") -> str:
    """Return the id of a cell whose receivers are all alike."""
    sockets = "/".join(f"{name}:{bind}.{reuse}" for name in "ABC"[:count])
    return f"loopback-broadcast/dest:{dest}/{broadcast}{sockets}"


@pytest.mark.parametrize("bind", ["lobcast", "any4"])
@pytest.mark.parametrize("reuse", ["addr", "port", "addr+port"])
@pytest.mark.parametrize("receivers", [2, 3])
def test_every_receiver_hears_127_255_255_255(
    laboratory: Laboratory, receivers: int, reuse: str, bind: str
) -> None:
    """Bound to it, or to any, each hears every datagram once, whatever option lets them share."""
    [found] = laboratory.outcomes(alike(receivers, "lobcast", bind, reuse)).values()
    assert found.word == "all"
    assert found.open == receivers
    assert not found.failed


@pytest.mark.parametrize("receivers", [1, 2, 3])
def test_127_255_255_255_needs_so_broadcast(laboratory: Laboratory, receivers: int) -> None:
    """The sender is refused without it (udp(7): EACCES), so nobody hears."""
    [found] = laboratory.outcomes(
        alike(receivers, "lobcast", "lobcast", "addr", "broadcast:off/")
    ).values()
    assert found.word == "send-refused"
    assert found.send == {"": "EACCES"}


@pytest.mark.parametrize("dest", ["lo4", "lo4b"])
@pytest.mark.parametrize("receivers", [2, 3])
def test_any_other_address_reaches_the_last_one_bound(
    laboratory: Laboratory, receivers: int, dest: str
) -> None:
    """127.0.0.1 and 127.0.0.2, bound to the same address or to any, with SO_REUSEADDR."""
    ids = [alike(receivers, dest, bind, "addr") for bind in (dest, "any4")]
    for found in laboratory.outcomes(*ids).values():
        assert (found.word, found.delivery[""].place) == ("one", "last"), found.id
        assert found.open == receivers


@pytest.mark.parametrize("reuse", ["addr", "port", "addr+port"])
@pytest.mark.parametrize("receivers", [1, 2, 3])
def test_bound_to_127_0_0_1_nobody_hears_the_broadcast(
    laboratory: Laboratory, receivers: int, reuse: str
) -> None:
    """And silence is proved: a lone receiver bound to any does hear it."""
    [found] = laboratory.outcomes(alike(receivers, "lobcast", "lo4", reuse)).values()
    assert found.word == "none"
    assert found.delivery[""].control == ""


@pytest.mark.parametrize("dest", ["lo4", "lo4b"])
@pytest.mark.parametrize("reuse", ["port", "addr+port"])
@pytest.mark.parametrize("receivers", [2, 3])
def test_so_reuseport_spreads_unicast_by_source_port(
    laboratory: Laboratory, receivers: int, reuse: str, dest: str
) -> None:
    """Each source port has its socket, and each socket has some of them."""
    ids = [alike(receivers, dest, bind, reuse) for bind in (dest, "any4")]
    for found in laboratory.outcomes(*ids).values():
        assert (found.word, found.delivery[""].by) == ("spread", "source port"), found.id
        assert found.delivery[""].who == tuple("ABC"[:receivers])


@pytest.mark.parametrize("dest", ["lo4", "lobcast"])
@pytest.mark.parametrize("receivers", [2, 3])
def test_without_an_option_there_is_only_one_receiver(
    laboratory: Laboratory, receivers: int, dest: str
) -> None:
    """The others are refused the port, and are not said to have heard nothing."""
    [found] = laboratory.outcomes(alike(receivers, dest, dest, "none")).values()
    assert found.word == "refused"
    assert found.bind == dict.fromkeys("BC"[: receivers - 1], "EADDRINUSE")
    assert found.delivery[""].word == "all"  # of the one that opened
    assert found.open == 1


@pytest.mark.parametrize("reuse", ["addr", "port"])
def test_multicast_reaches_every_member(laboratory: Laboratory, reuse: str) -> None:
    """What Koskela would have used instead: a group on the loopback interface, and on the link."""
    sockets = "/".join(f"{name}:group4.{reuse}{{}}" for name in "ABC")
    ids = [f"fan-out/dest:group4/{sockets}".format(*[""] * 3)]
    ids.append(f"fan-out/dest:group4/via:lo4/{sockets}".format(*[".lo4"] * 3))
    for found in laboratory.outcomes(*ids).values():
        assert found.word == "all", found.id
        assert found.open == 3
