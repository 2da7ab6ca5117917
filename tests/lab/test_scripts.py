"""Scripts on real sockets: every kind of operation, once, with what RFCs and man pages say of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from sockmatrix import content
from sockmatrix.script import compile_steps


def observe(script: str, lab: str = "plain") -> dict[str, Any]:
    """Return what the probe observes of a script, the same in each of two repetitions."""
    lines: list[dict[str, Any]] = []
    steps = []
    for actor, operations in compile_steps(script, lab):
        steps.append([actor, len(lines)])
        lines.append({"kind": "operations", "operations": operations})
    lines += [{"kind": "cell", "id": "one", "steps": steps}, {"kind": "measure", "repeat": 2, "seed": 1}]
    command = [sys.executable, str(content.probes()), "--lab", "private", "--layout", lab]
    done = subprocess.run(
        command, input="".join(json.dumps(line) + "\n" for line in lines), capture_output=True,
        text=True, timeout=60, check=True,
    )  # fmt: skip
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    [[count, seen]] = next(one["seen"] for one in answers if one["kind"] == "observation")
    assert count == 2
    return dict(seen)


def heard(seen: dict[str, Any], label: str = "") -> dict[str, int]:
    """Return how many datagrams of a label each role heard."""
    found = seen["sends"][label].get("heard", {})
    return {role: int(bits, 16).bit_count() for role, bits in found.items()}


def test_listeners_come_and_go() -> None:
    """Closed, killed, started again: those that stay are not disturbed, and the others hear again."""
    seen = observe("""
        A: socket udp4; set SO_REUSEADDR 1; bind lobcast
        B: socket udp4; set SO_REUSEADDR 1; bind lobcast
        S: both = speak lobcast broadcast
        A: kill
        S: left = speak lobcast broadcast
        A: socket udp4; set SO_REUSEADDR 1; bind lobcast
        B: close
        S: again = speak lobcast broadcast
    """)
    assert set(heard(seen, "both")) == {"A", "B"}
    assert set(heard(seen, "left")) == {"B"}
    assert seen["sends"]["left"]["closed"] == ["A"]
    assert set(heard(seen, "again")) == {"A"}
    assert seen["closed"] == ["B"]


def test_membership_is_kept_per_host() -> None:
    """ip(7), IP_MULTICAST_ALL: a wildcard socket hears what another process joined, until it leaves."""
    seen = observe("""
        A: socket udp4; set SO_REUSEADDR 1; bind any4; join group4 if4
        B: socket udp4; set SO_REUSEADDR 1; bind any4
        B.strict: socket udp4; set SO_REUSEADDR 1; set IP_MULTICAST_ALL 0; bind any4
        S: before = speak group4 via=if4
        A: leave group4 if4; again = leave group4 if4
        S: after = speak group4 via=if4
    """)
    assert set(heard(seen, "before")) == {"A", "B"}
    assert heard(seen, "after") == {}
    assert seen["notes"] == {"again": "EADDRNOTAVAIL"}


def test_a_datagram_crosses_the_link_to_every_host() -> None:
    """Limited broadcast and a group; pktinfo tells where it was sent (ip(7))."""
    seen = observe(
        """
        A@h2: socket udp4; set IP_PKTINFO 1; bind any4; join group4 if4
        B@h3: socket udp4; bind any4
        X: socket udp4; set SO_BROADCAST 1; bind if4 P+1; all = speak limited
        X: set IP_MULTICAST_IF if4; sent = send group4
        A@h2: got = receive all
        B@h3: other = receive all
        """,
        "hosts-3",
    )
    assert set(heard(seen, "all")) == {"A", "B"}
    assert seen["notes"] == {
        "sent": "ok",
        "got": "heard=sent size=32 from=if4:P+1 to=group4 local=h2 on=if",
        "other": "nothing",
    }


def test_a_refusal_is_told_to_a_connected_socket_only() -> None:
    """udp(7), connect(2): the ICMP error of an earlier datagram; with IP_RECVERR also in the queue."""
    seen = observe("""
        X: socket udp4; connect lo4; first = send; second = send
        Y: socket udp4; first-free = send lo4; second-free = send lo4
        Z: socket udp4; set IP_RECVERR 1; connect lo4; one = send
        Z: queued = errors; told = get SO_ERROR
    """)
    notes = seen["notes"]
    assert (notes["first"], notes["second"]) == ("ok", "ECONNREFUSED")
    assert (notes["first-free"], notes["second-free"]) == ("ok", "ok")
    assert notes["queued"] == "ECONNREFUSED origin=icmp type=3 code=3 offender=lo4 to=lo4:P"


def test_a_server_that_closes_first_stays_in_time_wait() -> None:
    """RFC 9293 3.6.1: whoever closes first; SO_REUSEADDR on both sockets lets the port be bound again."""
    seen = observe("""
        A: socket tcp4; set SO_REUSEADDR 1; bind lo4; listen
        X: socket tcp4; connect lo4
        A: accept c
        A.c: close
        X: end = receive; close
        A: close
        B: socket tcp4; plain = bind lo4; left = waits
        C: socket tcp4; set SO_REUSEADDR 1; bind lo4; listen
        S: call lo4
    """)
    notes = seen["notes"]
    assert (notes["end"], notes["plain"]) == ("eof", "EADDRINUSE")
    assert 0 < int(notes["left"]) <= 60
    assert set(heard(seen)) == {"C"}


def test_truncation_and_an_empty_datagram() -> None:
    """udp(7): MSG_TRUNC; FIONREAD cannot tell an empty datagram from none, poll(2) can."""
    seen = observe("""
        A: socket udp4; bind lo4
        X: socket udp4; connect lo4; long = send size=100
        A: cut = receive size=60
        X: send size=0
        A: bytes = pending; ready = poll; empty = receive; none = receive
    """)
    notes = seen["notes"]
    assert notes["cut"] == "heard=long size=60 from=lo4:ephemeral flags=TRUNC"
    assert (notes["bytes"], notes["ready"]) == ("0", "in,out")
    assert (notes["empty"], notes["none"]) == ("size=0 from=lo4:ephemeral", "nothing")


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root: processes of two users")
def test_two_users_share_a_port_by_so_reuseaddr_only() -> None:
    """socket(7), SO_REUSEPORT: all binders have the same effective user id."""
    for option, failure in (("SO_REUSEADDR", "ok"), ("SO_REUSEPORT", "bind EADDRINUSE")):
        seen = observe(f"""
            A@u1: socket udp4; set {option} 1; bind lo4
            B@u2: socket udp4; set {option} 1; bind lo4
        """)
        assert seen["roles"] == {"A": "ok", "B": failure}


def test_a_full_port_range_is_told() -> None:
    """ip(7), ip_local_port_range: two ports are two sockets, and no port is given out twice."""
    seen = observe(
        """
        A: socket udp4; bind any4 0; one = name
        A.b: socket udp4; bind any4 0; two = name
        A.c: socket udp4; three = bind any4 0
        """,
        "one-port-range",
    )
    assert seen["notes"] == {"one": "any4:ephemeral", "two": "any4:ephemeral", "three": "EADDRINUSE"}


def test_what_this_probe_does_not_understand_costs_that_cell_alone() -> None:
    """An engine may be newer than the probe."""
    lines: list[dict[str, Any]] = [
        {"kind": "operations", "operations": [["socket", "udp4"], ["bind", "lo4"]]},
        {"kind": "operations", "operations": [["socket", "udp4"], ["levitate", "lo4"]]},
        {"kind": "operations", "operations": [["send", "", "lo4", {}]]},
        {"kind": "cell", "id": "old", "steps": [["A", 0], ["S", 2]]},
        {"kind": "cell", "id": "new", "steps": [["A", 1], ["S", 2]]},
        {"kind": "measure", "repeat": 1, "seed": 1},
    ]
    done = subprocess.run(
        [sys.executable, str(content.probes()), "--lab", "private"],
        input="".join(json.dumps(line) + "\n" for line in lines),
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    seen = {
        one["id"]: one["seen"][0][1]
        for one in map(json.loads, done.stdout.splitlines())
        if one["kind"] == "observation"
    }
    assert seen["old"]["sends"][""]["heard"] == {"A": "f"}
    assert "does not understand" in seen["new"]["skipped"]
