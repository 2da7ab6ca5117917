"""Steps in words."""

from __future__ import annotations

import pytest

from sockmatrix import plan, table
from sockmatrix.axis import addresses_in_words
from sockmatrix.narrative import FORMS, tell
from sockmatrix.script import compile_steps
from sockmatrix.script.operations import OPERATIONS

WORDS = {"any4": "0.0.0.0", "if4": "interface address", "group4": "multicast group", "lo4": "127.0.0.1"}


@pytest.mark.parametrize(
    ("script", "told"),
    [
        ("set SO_REUSEADDR 1; bind any4", "sets SO_REUSEADDR, binds it to 0.0.0.0"),
        ("set IP_MULTICAST_TTL 0; set SO_BROADCAST 0", "sets IP_MULTICAST_TTL to 0, clears SO_BROADCAST"),
        (
            "got = join group4 if4 by=index",
            "joins the multicast group on the interface by its index (noted as got)",
        ),
        (
            "join group4 lo4 by=group-req",
            "joins the multicast group on the loopback interface by struct group_req",
        ),
        (
            "sent = send if4 P+1 size=0",
            "sends to the interface address, port P+1, 0 bytes (noted as sent)",
        ),
    ],
)
def test_a_turn(script: str, told: str) -> None:
    """Each operation in words, the addresses too; what is noted is named by its label."""
    [(_, sentence)] = tell(compile_steps(f"A: socket udp4; {script}"), WORDS)
    assert sentence == f"opens an IPv4 UDP socket, {told}."


def test_the_staged_sender() -> None:
    """It is said where it sends, how, and under which label."""
    steps = compile_steps("A: socket udp4; bind any4\nS: x = speak group4 via=if4 ttl=0; call lo4")
    actor, sentence = tell(steps, WORDS)[1]
    assert actor == "S"
    assert sentence == (
        "sends to the multicast group from many source ports by the interface with TTL 0 (x),"
        " connects many times to 127.0.0.1."
    )


def test_places() -> None:
    """Another user and another host are said; an actor is named without them."""
    told = tell(compile_steps("A@u1: socket udp4\nB.two@h2: socket tcp6", "hosts-2"), WORDS)
    assert told[0] == ("A", "as another user opens an IPv4 UDP socket.")
    assert told[1][0] == "B.two"
    assert told[1][1].startswith("on the second host opens an IPv6 TCP socket")


def test_every_operation_has_words() -> None:
    """Those of scripts; `send` is told to the probe as `tell`."""
    assert FORMS.keys() == OPERATIONS.keys() - {"send"} | {"tell"}


def test_no_symbol_is_left() -> None:
    """Whatever the matrix speaks of is said in words."""
    words = addresses_in_words()
    symbols = {symbol for symbol, text in words.items() if symbol != text}
    for one in table.load_all(names=("fan-out", "peers", "hosts", "device")).values():
        for cell in plan.expand(one).cells[::31]:
            for _, sentence in tell(one.scenario.steps(cell), words):
                assert symbols.isdisjoint(sentence.replace(",", " ").rstrip(".").split())
