"""Facts of the host, read from what the system writes."""

from __future__ import annotations

import facts
from fake_places import PORT


def test_the_seconds_that_are_left_in_time_wait() -> None:
    """proc(5), net/tcp: state 06, and the timer in clock ticks."""
    table = (
        "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt\n"
        "   0: 0100007F:2EE0 0100007F:9C40 06 00000000:00000000 03:0000176F 00000000\n"
        "   1: 0100007F:2EE0 00000000:0000 0A 00000000:00000000 00:00000000 00000000\n"
        "   2: 0100007F:2EE1 0100007F:9C41 06 00000000:00000000 03:00000001 00000000\n"
    )
    assert facts._time_waits(table, PORT) == [60]
    assert facts._time_waits(table, PORT + 1) == [1]
    assert facts._time_waits(table, 1) == []
