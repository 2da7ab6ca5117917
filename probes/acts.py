"""Acts: what a role can do with one socket beside what nearly every cell does (opcodes.py).

Each is a function of the socket's place (place.py) and its compiled arguments (operations.py). It
returns its result in words: what was received, an option's value, `ok`; or it raises OSError.
"""

from __future__ import annotations

from typing import Callable, Dict

import datagrams
import facts
import sockets

ACTS: Dict[str, Callable[..., str]] = {
    "absent": lambda *_: "absent",
    "socket": sockets.make,
    "bind": sockets.bind,
    "listen": sockets.listen,
    "connect": sockets.connect,
    "disconnect": sockets.disconnect,
    "accept": sockets.accept,
    "name": sockets.name,
    "peer": sockets.peer,
    "shutdown": sockets.shutdown,
    "close": sockets.close,
    "reset": sockets.reset,
    "set": sockets.set_option,
    "get": sockets.get_option,
    "join": sockets.member,
    "leave": sockets.member,
    "block": sockets.member,
    "unblock": sockets.member,
    "balance": sockets.balance,
    "unbalance": sockets.set_option,
    "send": datagrams.send,
    "receive": datagrams.receive,
    "receiveall": datagrams.receive_all,
    "errors": datagrams.errors,
    "pending": datagrams.pending,
    "poll": datagrams.poll,
    "flags": facts.flags,
    "route": facts.route,
    "waits": facts.waits,
    "sysctl": facts.sysctl,
    "asyncio": facts.asyncio_reuse_address,
}
"""By the name of the call, as a failure tells it."""

TALKING = frozenset({"send", "speak", "connect", "close", "reset", "shutdown"})
"""Acts after which a fence must arrive before anybody's silence counts."""
