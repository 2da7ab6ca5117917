"""How many cells share a batch, and which ports they get: batches must not change what is measured.

Linux chooses its UDP lookup and its bind check by the number of sockets in a hash slot (more than 10:
net/ipv4/udp.c), not by those on a port, so the cells of a batch must fall into different slots: ports
are consecutive and fewer than the slots. Cells with many sockets run alone, away from the sender's ports.
"""

from __future__ import annotations

from typing import Collection, NamedTuple, Sequence, Tuple

from proc import text

SLOTS_UNKNOWN = 256
"""UDP_HTABLE_SIZE_MIN of net/ipv4/udp.c: the smallest table a kernel makes."""

CELLS = 200
WINDOW = 120
"""Datagrams a socket may be sent before it is drained: a default buffer keeps some 256."""
MANY_SOCKETS = 9
MOST_SOURCE_PORTS = 2000
_DATAGRAM_MEMORY = 1280  # bytes a small queued datagram is charged (truesize), rounded up


class Limits(NamedTuple):
    """What a batch may hold. `slots`: UDP hash slots; `descriptors`: a process; `queued`: datagrams."""

    slots: int
    descriptors: int
    queued: int

    def cells(self, *, listens: bool, lanes: int = 1) -> int:
        """Return the most cells of a batch; a TCP cell may hold a window of connections.

        The slots are shared by the `lanes` side by side, and by the batch that opens while one closes.
        """
        most = min(CELLS, self.slots // (2 * lanes) - 1, self.descriptors // 4)
        return max(1, min(most, self.descriptors // 48) if listens else most)


def read() -> Limits:
    """Read the limits of this system, after raising the number of descriptors as far as allowed."""
    return Limits(
        slots=slots(text("/proc/sys/net/ipv4/udp_hash_entries")),
        descriptors=_raise_descriptors(),
        queued=queued(text("/proc/sys/net/ipv4/udp_mem")),
    )


def slots(text: str) -> int:
    """Return the UDP hash slots from net.ipv4.udp_hash_entries (negative: shared with the host's)."""
    try:
        return max(SLOTS_UNKNOWN, abs(int(text)))
    except ValueError:
        return SLOTS_UNKNOWN


def queued(text: str) -> int:
    """Return how many datagrams may wait in all buffers: half of net.ipv4.udp_mem's pressure mark."""
    try:
        pages = int(text.split()[1])
    except (IndexError, ValueError):
        return 20_000
    return max(WINDOW, pages * 4096 // _DATAGRAM_MEMORY // 2)


def solo_port(first: int, count: int, slots_: int, taken: Collection[int]) -> int:
    """Return the first port from `first` whose slot none of the `taken` ports shares."""
    used = {port % slots_ for port in taken}
    for port in range(first, first + min(count, slots_)):
        if port % slots_ not in used:
            return port
    return first


def crowded(slots_: int, taken: Sequence[int]) -> bool:
    """Tell whether so many ports are `taken` that few slots are left without one: then start anew."""
    return len(taken) > slots_ // 2


def _raise_descriptors() -> int:
    try:
        import resource
    except ImportError:  # Windows: sockets are handles, no such limit
        return 8192
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    for wanted in (min(hard, 65536) if hard != resource.RLIM_INFINITY else 65536, 10240):
        if wanted <= soft:
            break
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        except (OSError, ValueError):  # macOS refuses more than OPEN_MAX (10240)
            continue
        return wanted
    return soft if soft != resource.RLIM_INFINITY else 65536


def split(total: int, most: int) -> Tuple[int, ...]:
    """Return the sizes of the fewest batches of at most `most` that hold `total`, as equal as can be."""
    batches = -(-total // most)
    return tuple(total // batches + (index < total % batches) for index in range(batches))
