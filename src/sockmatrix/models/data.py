"""What an actor sends and receives with its own socket."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sockmatrix.models import linux_closing, linux_connection, linux_errors, linux_receive
from sockmatrix.models.linux_send import Message, send
from sockmatrix.models.place import split
from sockmatrix.models.prediction import Unpredicted
from sockmatrix.models.staged import speak_own

if TYPE_CHECKING:
    from collections.abc import Callable

    from sockmatrix.models.place import Place

SIZE = 32
"""Bytes of a datagram that says no size."""

COUNTED, TIMES = 16, 8
"""Bytes of a counted datagram, and how many are sent if nothing is said."""


_FLAGS = frozenset(
    {
        *("MSG_CONFIRM", "MSG_DONTROUTE", "MSG_DONTWAIT", "MSG_EOR", "MSG_MORE", "MSG_NOSIGNAL"),
        *("MSG_ERRQUEUE", "MSG_FASTOPEN", "MSG_OOB", "MSG_PEEK", "MSG_TRUNC", "MSG_WAITALL"),
    }
)


def _flags(how: dict[str, Any]) -> tuple[str, ...]:
    """Return the flags of a call. Raises prediction.Unpredicted for one that is not modelled."""
    given = tuple(how.get("flags", ()))
    for flag in given:
        if flag not in _FLAGS:
            raise Unpredicted(f"the flag {flag}")
    return given


def _tell(at: Place, symbol: str | None, port: Any = None, *more: Any) -> str:
    _, how = split(more)
    message = Message(
        at.label or "x",
        int(how.get("size", SIZE)),
        to="" if symbol is None else at.address(symbol),
        port=0 if symbol is None else at.play.port(port),
        flags=_flags(how),
        source=at.address(how["source"]) if "source" in how else "",
        scope=at.scope(symbol or "", how),
    )
    if at.sock.transport == "tcp":
        if "MSG_FASTOPEN" in message.flags:
            return _open_fast(at, message)
        return linux_closing.send(at.sock, message)
    return send(at.play, at.sock, message).result


def _open_fast(at: Place, message: Message) -> str:
    """Connect without waiting, as the probe's sockets do not (net/ipv4/tcp.c, tcp_sendmsg_fastopen).

    Nobody has a cookie yet, so that this is a connect(), whose handshake goes on: EINPROGRESS.
    """
    if message.size:
        raise Unpredicted("data in a SYN")
    flow = (at.name, message.to, message.port, len(at.play.chance.made))
    picker = at.play.picker(flow)
    result = linux_connection.connect(at.sock, message.to, message.port, picker, message.scope)
    return "EINPROGRESS" if result in ("ok", "ECONNREFUSED", "ETIMEDOUT") else result


def _speak(at: Place, label: str, symbol: str, *more: Any) -> str:
    port = more[0] if more else "P"
    message = Message("", COUNTED, to=at.address(symbol), port=at.play.port(port))
    message.scope = at.scope(symbol, {})
    speak_own(at.play, at.sock, label, message, times=int(more[1]) if len(more) > 1 else TIMES)
    return "ok"


def _receive(at: Place, *more: Any) -> str:
    arguments, how = split(more)
    receive = linux_receive.receive_all if "all" in arguments else linux_receive.receive
    size = int(how.get("size", linux_receive.BUFFER))
    return receive(at.play, at.sock, size, _flags(how))


def _errors(at: Place) -> str:
    return linux_errors.take_report(at.sock)


def _pending(at: Place) -> str:
    return linux_receive.pending(at.sock)


def _poll(at: Place) -> str:
    return linux_receive.poll(at.sock)


DATA: dict[str, Callable[..., str]] = {
    "tell": _tell,
    "speak": _speak,
    "receive": _receive,
    "errors": _errors,
    "pending": _pending,
    "poll": _poll,
}
