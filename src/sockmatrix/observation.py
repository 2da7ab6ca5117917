"""What happened, raw: one repetition of one cell as the probe tells it, typed and checked.

Nothing is concluded here; `outcome.py` does that. The JSON form is that of the probe protocol:
bitmaps are lower-case hex, bit `s` stands for sequence number `s`, and `s = 2 * source port index +
k` with k = 0 or 1 for the first or second datagram of a source port (a TCP connection has only k =
0).
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, TypeVar

import msgspec
from msgspec import Meta, Struct

# JSON Schema knows ECMAScript's regular expressions, which lack \Z; a bare $ would let a final
# newline through in Python. This end of string means the same to both.
END = r"(?![\s\S])"

Role = Annotated[str, Meta(pattern="^[A-Z]{1,2}([.][a-z][a-z0-9]{0,20})?" + END)]
"""A receiver (A, B, C, ... in bind order; A.b is a further socket of A), or one of `NEVER_HEAR`."""

Label = Annotated[str, Meta(pattern="^[a-zA-Z0-9.:+-]{0,40}" + END)]
"""What tells the sends of a cell apart; empty when it sends once."""

Errno = Annotated[str, Meta(pattern="^[A-Z][A-Z0-9_]{0,40}" + END)]
"""The name of an error, the same on every system: `EADDRINUSE`, never `WSAEADDRINUSE`."""

_FAILURE = "[a-z]{1,20}( [A-Z][A-Z0-9_]{0,40})? [A-Z][A-Z0-9_]{0,40}"

Failure = Annotated[str, Meta(pattern="^" + _FAILURE + END)]
"""The call that failed, the option if it was `set`, the errno: `bind EADDRINUSE`."""

Status = Annotated[str, Meta(pattern=f"^(ok|{_FAILURE})" + END)]
"""How a role fared: `ok`, or a `Failure`."""

Note = Annotated[str, Meta(pattern="^[a-zA-Z0-9 =:+.,/_-]{0,2000}" + END)]
"""What an act of a role told: `ok`, an errno, what was received; the same words on every system."""

Reason = Annotated[str, Meta(max_length=400)]
"""Free text from the probe; to be cleaned before a terminal sees it."""

NEVER_HEAR = frozenset("JXYZ")
"""Roles that are no receivers: the bystander J, which only joins, and X, Y, Z, which only talk."""

_Kind = TypeVar("_Kind")

_HEX = re.compile(r"[0-9a-f]{1,4096}")


class Bits(int):
    """A set of sequence numbers as a bitmap, written in JSON as lower-case hex."""

    __slots__ = ()


class Send(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What became of the datagrams (or TCP connections) sent under one label.

    `sent` left without an error (TCP: connected). `heard` is what each role got, `again` what it
    got more than once; a silent role is left out. `refused` connections met ECONNREFUSED, `error`
    is the errno of the first send, or other failed connect. `control` tells whether a lone receiver
    heard this kind of destination. `closed`: receivers whose sockets were not open then. `own`: all
    from one source port, that of a role's own socket. `connects`: TCP connections.
    """

    sent: Bits = Bits(0)
    heard: dict[Role, Bits] = {}
    again: dict[Role, Bits] = {}
    refused: Bits = Bits(0)
    error: Errno | Literal[""] = ""
    control: Literal["", "silent"] = ""
    closed: tuple[Role, ...] = ()
    own: bool = False
    connects: bool = False


class Observation(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One repetition of one cell; either `roles` and `sends`, or the reason why there are none.

    `notes` are what acts of the roles told, by label. `closed`: roles whose sockets were not open in
    the end, though nothing refused them. `foreign` datagrams arrived but were not ours. `absent` names
    the option or address that the platform does not have; `skipped` and `inconclusive` say why nothing
    was measured or learned; `unsent` why some of several sends were left out.
    """

    roles: dict[Role, Status] = {}
    sends: dict[Label, Send] = {}
    notes: dict[Label, Note] = {}
    closed: tuple[Role, ...] = ()
    foreign: Annotated[int, Meta(ge=0)] = 0
    absent: Reason = ""
    skipped: Reason = ""
    unsent: dict[Label, Reason] = {}
    inconclusive: Reason = ""


Count = Annotated[int, Meta(ge=1)]

Seen = list[tuple[Count, Observation]]
"""All repetitions of a cell: how often each observation was made, and the observation."""


class ObservationError(ValueError):
    """The probe said something that is not an observation; the message says where."""


def decode(value: Any) -> Observation:
    """Return the observation in a decoded JSON value. Raises ObservationError."""
    return _convert(value, Observation)


def decode_seen(value: Any) -> Seen:
    """Return the repetitions in the decoded `seen` of a probe's line. Raises ObservationError."""
    return _convert(value, Seen)


def encode(observation: Observation) -> dict[str, Any]:
    """Return an observation as the JSON value that `decode` reads."""
    built: dict[str, Any] = msgspec.to_builtins(observation, enc_hook=_hex)
    return built


def _convert(value: Any, kind: type[_Kind]) -> _Kind:
    try:
        return msgspec.convert(value, kind, dec_hook=_bits)
    except (msgspec.ValidationError, RecursionError) as error:
        raise ObservationError(f"not an observation: {error}") from error


def _bits(kind: type, text: object) -> Bits:
    # int() alone would accept signs, underscores and white space.
    if not isinstance(text, str) or not _HEX.fullmatch(text):
        raise ValueError(f"expected a bitmap in lower-case hex for {kind.__name__}")
    return Bits(text, 16)


def _hex(value: object) -> str:
    if isinstance(value, Bits):
        return format(value, "x")
    raise NotImplementedError
