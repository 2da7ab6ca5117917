"""How many datagrams it takes to be sure: `one` or `spread` is decided inside one repetition.

A kernel that spreads datagrams picks a socket by a hash over the source port, so a few source ports
prove little. Few are sent first; the rest only where they can change the answer:

* a single socket heard everything: 21 source ports leave a chance below one in a million that two
  sockets shared them evenly and one was missed (0.5 ** 20);
* a spread whose set is still open: enough source ports to have met each of N sockets (coupon
  collector's bound: N * (1 - 1/N) ** ports <= 1e-6), two datagrams each, which also tells a spread by
  source port from a spread by datagram;
* everything else (all, some, none) is settled by the first datagrams.
"""

from __future__ import annotations

import math

DOUBT = 1e-6
FIRST_PORTS = 4
SINGLE_PORTS = 21
MOST_PORTS = 1200


def ports_to_meet(sockets: int) -> int:
    """Return how many source ports meet each of `sockets` sockets but for one case in a million.

    >>> [ports_to_meet(n) for n in (2, 3, 12, 64)]
    [21, 37, 188, 1142]
    """
    if sockets < 2:
        return 1
    return math.ceil(math.log(sockets / DOUBT) / -math.log(1 - 1 / sockets))


def first(*, connections: bool, ports: int = FIRST_PORTS) -> int:
    """Return the sequence numbers of the first stage, as a bitmap."""
    return _both(ports) if not connections else _firsts(ports)


def more(opened: int, sent: int, heard: list[int], *, connections: bool) -> int:
    """Return the sequence numbers still worth sending, as a bitmap; 0 when the answer is settled.

    `opened` is the number of open sockets, `sent` and `heard` are bitmaps of sequence numbers: what was
    sent, and what each socket that heard anything got.
    """
    hearers = [bits for bits in heard if bits]
    if opened < 2 or not hearers:
        return 0
    union = 0
    for bits in hearers:
        if union & bits:
            return 0
        union |= bits
    if len(hearers) == 1:
        wanted = _firsts(SINGLE_PORTS)
    else:
        ports = SINGLE_PORTS if len(hearers) == opened else min(ports_to_meet(opened), MOST_PORTS)
        wanted = _firsts(ports) if connections else _both(ports)
    return wanted & ~sent


def _both(ports: int) -> int:
    return (1 << 2 * ports) - 1


def _firsts(ports: int) -> int:
    return _both(ports) // 3
