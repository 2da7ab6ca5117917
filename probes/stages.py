"""How many datagrams it takes to be sure: `one` or `spread` is decided inside one repetition.

A kernel that spreads datagrams picks a socket by a hash over the source port, so a few source ports
prove little. Few are sent first; the rest only where they can change the answer:

* a single socket heard everything: 31 source ports leave a chance below one in a billion that two
  sockets shared them evenly and one was missed (0.5 ** 30);
* a spread whose set is still open: twice as many source ports as before, until each of N sockets
  would have been met (coupon collector's bound: N * (1 - 1/N) ** ports <= 1e-9);
* a spread of datagrams: two datagrams from each of 31 source ports tell a spread by source port from
  a spread by datagram;
* a single listener took every connection: 20 of them, for there are fewer such cells in a run;
* the same socket heard everything as in the repetition before, which had made sure, or the same ones
  shared the connections: a few are enough to confirm it, and anything else is followed to its end again;
* everything else (all, some, none) is settled by the first datagrams.
"""

from __future__ import annotations

import math

DOUBT = 1e-9
"""Chance of a wrong answer. A run decides some 10,000 times: with 1e-6 one run in a hundred would err."""
FIRST_PORTS = 4
FEW_PORTS = 2
"""For a lone socket, which has nobody to share with, and to confirm what is known."""
SINGLE_PORTS = 31
SINGLE_CONNECTIONS = 20  # there are fewer of them in a run, and each costs ten datagrams
MOST_PORTS = 1600


def ports_to_meet(sockets: int) -> int:
    """Return how many source ports meet each of `sockets` sockets but for one case in a billion.

    >>> [ports_to_meet(n) for n in (2, 3, 12, 64)]
    [31, 54, 267, 1580]
    """
    if sockets < 2:
        return 1
    return math.ceil(math.log(sockets / DOUBT) / -math.log(1 - 1 / sockets))


def first(opened: int, *, connections: bool, ports: int | None = None, confirms: bool = False) -> int:
    """Return the sequence numbers of the first stage, as a bitmap; `ports` if the number is fixed.

    `confirms`: the repetition before had made sure of a single hearer. One connection to a lone socket
    is enough: it is acknowledged.
    """
    count = ports or (FIRST_PORTS if opened > 1 and not confirms else FEW_PORTS)
    if connections:
        return _firsts(ports or (1 if opened == 1 else count))
    return _both(count)


def more(opened: int, sent: int, heard: list[int], *, connections: bool, confirms: bool = False) -> int:
    """Return the sequence numbers still worth sending, as a bitmap; 0 when the answer is settled.

    `opened` is the number of open sockets, `sent` and `heard` are bitmaps of sequence numbers: what was
    sent, and what each socket that heard anything got. `confirms`: those who heard are those that the
    repetition before had made sure of.
    """
    hearers = [bits for bits in heard if bits]
    if opened < 2 or not hearers:
        return 0
    union = 0
    for bits in hearers:
        if union & bits:
            return 0
        union |= bits
    if confirms and (connections or len(hearers) == 1):
        return 0
    if len(hearers) == 1:
        wanted = _firsts(SINGLE_CONNECTIONS if connections else SINGLE_PORTS)
    elif len(hearers) < opened:
        ports = min(2 * _ports(sent), ports_to_meet(opened), MOST_PORTS)
        wanted = _firsts(ports) if connections else _both(max(ports, SINGLE_PORTS))
    else:
        # The set is closed; what a spread of datagrams goes by takes pairs from the same source port.
        wanted = 0 if connections else _both(SINGLE_PORTS)
    return wanted & ~sent


def _ports(sent: int) -> int:
    """Return how many source ports have sent."""
    return (sent.bit_length() + 1) // 2


def _both(ports: int) -> int:
    return (1 << 2 * ports) - 1


def _firsts(ports: int) -> int:
    return _both(ports) // 3
