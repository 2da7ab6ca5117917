"""However a probe ends, no process of it is left."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest
from laboratory import Laboratory, cells, is_alive, role_pids, wait_for_end

if TYPE_CHECKING:
    from collections.abc import Callable

SOME = cells(
    "loopback-broadcast/dest:lobcast/A:any4.addr/B:any4.addr/C:any4.addr",
    "bind-conflicts/transport:tcp/A:any4.port/B:any4.port",
)


@pytest.mark.parametrize("how", ["stop", "SIGKILL", "SIGTERM", "SIGINT"])
def test_nothing_is_left_of_a_probe(start: Callable[..., Laboratory], how: str) -> None:
    """Its roles end with it, whether it could say goodbye or not."""
    own = start()
    own.measure(SOME, repeat=1)
    roles = role_pids(own.pid)
    assert set(roles) == {"A", "B", "C", "S"}
    assert all(is_alive(pid) for pid in roles.values())
    if how == "stop":
        own.stop()
    else:
        os.kill(own.pid, getattr(signal, how))
    wait_for_end([own.pid, *roles.values()])


def test_a_replaced_role_is_gone(start: Callable[..., Laboratory]) -> None:
    """Roles that were killed are reaped, and those started in their place are the only ones."""
    own = start()
    own.measure(SOME, repeat=1)
    before = role_pids(own.pid)
    os.kill(before["A"], signal.SIGKILL)
    own.measure(SOME, repeat=1)
    after = role_pids(own.pid)
    assert set(after) == set(before)
    assert not set(after.values()) & set(before.values())
    wait_for_end(before.values())
