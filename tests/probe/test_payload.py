"""The datagrams of an experiment: ours are told from a stranger's, and from one another."""

from __future__ import annotations

import payload
import pytest
import stages

NONCE = bytes(range(payload.NONCE))


def test_the_head_is_the_nonce_and_the_trial() -> None:
    """A receiver compares so many bytes to know a datagram of its own trial."""
    head = payload.head(NONCE, 0x01020304)
    assert head == NONCE + b"\x04\x03\x02\x01"
    assert len(head) == payload.HEAD


@pytest.mark.parametrize("trial", [0, 1, 0xFFFFFFFF])
def test_every_trial_number_fits(trial: int) -> None:
    """The conductor counts trials in 32 bits."""
    assert len(payload.head(NONCE, trial)) == payload.HEAD


def test_heads_differ_by_trial_and_by_run() -> None:
    """Neither another trial's datagram nor that of another run is taken for ours."""
    heads = {payload.head(nonce, trial) for nonce in (NONCE, bytes(8)) for trial in (0, 1, 256)}
    assert len(heads) == 6


def test_there_is_a_sequence_number_for_each_datagram_of_the_widest_spread() -> None:
    """Two datagrams of each source port, each with two bytes of its own, little endian."""
    assert len(set(payload.SEQUENCES)) == len(payload.SEQUENCES) >= 2 * stages.MOST_PORTS
    assert payload.SEQUENCES[0x0102] == b"\x02\x01"


def test_a_receiver_reads_more_than_a_datagram_of_ours_is_long() -> None:
    """Otherwise a longer datagram of a stranger would look like one of ours."""
    assert payload.HEAD + 1 + len(payload.SEQUENCES[0]) < payload.MAXIMUM
