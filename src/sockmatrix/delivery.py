"""Whom the datagrams of one label reached: words for delivery, from bitmaps of sequence numbers.

Delivery is over the sockets that opened (UDP: bound; TCP: bound and listening), never the
bystander:

    all         every datagram reached every one of them, once (also when only one is open)
    one         every datagram reached the same one, of two or more
    spread      every datagram reached exactly one, but not always the same
    some        every datagram reached the same two or more, but not all
    none        no datagram reached any
    duplicated  a socket got a datagram more than once
    uneven      none of these: the datagrams did not all fare alike

A refused TCP connection reached nobody.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal, TypeVar

import msgspec
from msgspec import Meta, Struct

from sockmatrix.observation import Role  # noqa: TC001 - msgspec reads the annotations

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sockmatrix.observation import Send

Value = TypeVar("Value")

DeliveryWord = Literal["all", "one", "spread", "some", "none", "duplicated", "uneven"]

MOST = (1 << 63) - 1
"""The largest whole number in a run file: any reader, and any column of a table, can hold it."""

Amount = Annotated[int, Meta(ge=0, le=MOST)]


class Delivery(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """What became of the datagrams (or connections) of one label.

    `heard`: how many each socket got, in bind order, summed over the repetitions; left out for
    `all` and `none`. `closed`: sockets that were not open then. `open`: how many were, where not as
    many as in the end. `sent`: how many were tried, likewise.
    `place`: where the one that heard stands in bind order, or that the repetitions had different
    ones. `by`: what a spread goes by.
    `copies`: who got duplicates. `always`: who got every datagram, and `unheard`: some reached
    nobody (both for `uneven` and `duplicated`). `control`: a lone receiver heard nothing either.
    """

    word: DeliveryWord
    heard: dict[Role, Amount] = {}
    place: Literal["", "first", "middle", "last", "varies"] = ""
    by: Literal["", "source port", "datagram", "connection"] = ""
    copies: tuple[Role, ...] = ()
    always: tuple[Role, ...] = ()
    unheard: bool = False
    sent: Amount = 0
    control: Literal["", "silent"] = ""
    closed: tuple[Role, ...] = ()
    open: Amount = 0

    @property
    def who(self) -> tuple[str, ...]:
        """The sockets that heard, in bind order; empty for `all` and `none`."""
        return tuple(self.heard)

    def facets(self, *, any_one: bool = False) -> tuple[object, ...]:
        """Return what comparisons look at: never amounts, nor the winners of a `one:varies`.

        With `any_one`, not who a `one` was either: two repetitions that differ in this alone agree.
        """
        wild = self.place == "varies" or (any_one and self.word == "one")
        who = () if wild else tuple(sorted(self.heard))
        place = "" if any_one else self.place
        return (
            self.word,
            who,
            place,
            self.by,
            self.copies,
            self.always,
            self.unheard,
            self.control,
            self.closed,
        )


def bind_order(role: str) -> tuple[int, str, str]:
    """Return the sort key of a role: receivers are named A, B, C, ... in the order they bind.

    Further sockets of a process, such as A.b, come after its first.
    """
    process, _, socket = role.partition(".")
    return len(process), process, socket


def in_bind_order(by_role: Mapping[str, Value]) -> dict[str, Value]:
    """Return a mapping by role with the roles in bind order."""
    if len(by_role) < 2:
        return dict(by_role)
    return {role: by_role[role] for role in sorted(by_role, key=bind_order)}


def tried(send: Send, opened: Sequence[str]) -> int:
    """Return the sequence numbers that could be heard.

    A send may fail and be heard all the same: Linux hands a multicast its local copy before a
    firewall answers EPERM (ip_mc_output, net/ipv4/ip_output.c).
    """
    numbers = send.sent | send.refused
    for role in opened:
        numbers |= send.heard.get(role, 0) | send.again.get(role, 0)
    return numbers


def deliver(send: Send, opened: Sequence[str], n: int, *, connected: bool) -> Delivery:
    """Return what became of one label of one observation made `n` times."""
    numbers = tried(send, opened)
    got = {role: send.heard.get(role, 0) | send.again.get(role, 0) for role in opened}
    heard = {role: bits for role, bits in got.items() if bits}
    amounts = {role: n * bits.bit_count() for role, bits in heard.items()}
    sent = n * numbers.bit_count()
    union = shared = 0
    for bits in heard.values():
        shared |= union & bits
        union |= bits
    # `or ()`: before Python 3.11 an empty tuple made of a generator is not the one that is left out.
    copies = tuple(role for role in opened if send.again.get(role)) or ()
    always = tuple(role for role, bits in heard.items() if bits == numbers) or ()
    if copies or (heard and len(always) < len(heard) and (shared or union != numbers)):
        return Delivery(
            word="duplicated" if copies else "uneven",
            heard=amounts,
            copies=copies,
            always=always,
            unheard=union != numbers,
            sent=sent,
        )
    if not heard:
        return Delivery(word="none", sent=sent, control=send.control)
    if len(always) == len(opened):
        return Delivery(word="all", sent=sent)
    if len(always) > 1:
        return Delivery(word="some", heard=amounts, sent=sent)
    if always:
        return Delivery(word="one", heard=amounts, place=_place(always[0], opened), sent=sent)
    by = "datagram" if send.own else _spread_by(numbers, heard, connected=connected)
    return Delivery(word="spread", heard=amounts, by=by, sent=sent)


def add(deliveries: Iterable[Delivery]) -> Delivery:
    """Return deliveries of one label, whose facets agree but for who a `one` was, as one."""
    parts = list(deliveries)
    heard: dict[str, int] = {}
    for part in parts:
        for role, amount in part.heard.items():
            heard[role] = heard.get(role, 0) + amount
    first = parts[0]
    winners = {(part.who, part.place) for part in parts}
    return msgspec.structs.replace(
        first,
        heard=in_bind_order(heard),
        sent=sum(part.sent for part in parts),
        place="varies" if first.word == "one" and len(winners) > 1 else first.place,
    )


def _place(role: str, opened: Sequence[str]) -> Literal["first", "middle", "last"]:
    if role == opened[0]:
        return "first"
    return "last" if role == opened[-1] else "middle"


def _spread_by(
    numbers: int, heard: Mapping[str, int], *, connected: bool
) -> Literal["source port", "datagram", "connection"]:
    """Return what a spread goes by: only source ports that sent two datagrams can tell."""
    ports = (numbers.bit_length() + 1) // 2
    firsts = ((1 << 2 * ports) - 1) // 3  # the even bits: k = 0
    pairs = numbers & numbers >> 1 & firsts
    if connected or not pairs:
        return "connection"
    split = any((bits ^ bits >> 1) & pairs for bits in heard.values())
    return "datagram" if split else "source port"
