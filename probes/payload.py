"""The datagrams of an experiment: how one of ours is told from a stranger's, and which one it is.

Layout: nonce of the run (8 bytes), trial (4, little endian), label (1), sequence number (2, little
endian). A sequence number is `2 * source port + k`, k = 0 or 1 for the first or second datagram of that
source port.
"""

from __future__ import annotations

import struct

HEAD = 12
"""Bytes of nonce and trial: what a receiver compares to know a datagram of its own trial."""

MAXIMUM = 64
"""Bytes a receiver reads: longer than any datagram of ours."""

NONCE = 8

SEQUENCES = [struct.pack("<H", number) for number in range(4096)]  # twice stages.MOST_PORTS, and more


def head(nonce: bytes, trial: int) -> bytes:
    """Return the first 12 bytes of every datagram of `trial`."""
    return nonce + struct.pack("<I", trial)
