"""From what was observed in each repetition of a cell to its outcome (`outcome.py`); pure functions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from sockmatrix.delivery import Delivery, add, bind_order, deliver, in_bind_order, tried
from sockmatrix.observation import NEVER_HEAR
from sockmatrix.outcome import Outcome, Variant

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sockmatrix.observation import Observation

# A shortage or a missing answer says something about the moment, not about the platform.
_NO_ANSWER = frozenset({"ETIMEDOUT", "EAGAIN", "EWOULDBLOCK", "EINTR"})
_SHORTAGE = frozenset({"EMFILE", "ENFILE", "ENOMEM"})
_NO_BUFFERS = "ENOBUFS"

_BEFORE_OPEN = ("socket", "set", "bind", "listen")

_AND = " | "  # between reasons that differ


def classify(seen: Iterable[tuple[int, Observation]], *, connects: bool = False) -> Outcome:
    """Return the outcome of a cell from its repetitions, (how often, what was observed).

    `connects`: the cell makes TCP connections, so an errno belongs to connect, not to send.
    """
    outcomes = [_single(observation, n, connects=connects) for n, observation in seen]
    if len(outcomes) == 1 and outcomes[0].n:  # nearly all cells: nothing to merge
        return outcomes[0]
    return merge(outcomes)


def merge(outcomes: Iterable[Outcome]) -> Outcome:
    """Return the outcome of all repetitions together, whatever the order of `outcomes`."""
    groups: dict[tuple[object, ...], list[Variant]] = {}
    missed = foreign = 0
    reasons: set[str] = set()
    for outcome in outcomes:
        missed += outcome.missed
        foreign += outcome.foreign
        reasons.update(filter(None, outcome.inconclusive.split(_AND)))
        for variant in outcome.variants or (outcome,) * (outcome.n > 0):
            groups.setdefault(variant.facets(any_one=True), []).append(variant)
    why = _AND.join(sorted(reasons))[:400]
    if not groups and not missed:
        missed, why = 1, "nothing was observed"
    variants = sorted(map(_together, groups.values()), key=lambda v: (-v.n, _encode(v)))
    if len(variants) == 1:
        [v] = variants
        fields = {name: getattr(v, name) for name in Variant.__struct_fields__}
        return Outcome(missed=missed, inconclusive=why, foreign=foreign, **fields)
    return Outcome(
        n=sum(v.n for v in variants),
        missed=missed,
        inconclusive=why,
        foreign=foreign,
        variants=tuple(variants),
    )


_encode = msgspec.json.Encoder(order="deterministic").encode


def _together(variants: list[Variant]) -> Variant:
    """Return variants that differ at most in amounts and in who a `one` was, as one."""
    first = variants[0]
    return Variant(
        n=sum(v.n for v in variants),
        open=first.open,
        failed=in_bind_order(first.failed),
        send=first.send,
        connect=first.connect,
        delivery={label: add([v.delivery[label] for v in variants]) for label in sorted(first.delivery)},
        notes=first.notes,
        absent=first.absent,
        skipped=first.skipped,
        unsent=first.unsent,
    )


def _single(observation: Observation, n: int, *, connects: bool) -> Outcome:
    """Return the outcome of one observation made `n` times."""
    if observation.absent:
        return Outcome(absent=observation.absent, n=n)
    if observation.skipped:
        return Outcome(skipped=observation.skipped, n=n)
    failed = {role: status for role, status in observation.roles.items() if status != "ok"}
    # What fails later leaves the socket open; a TCP socket whose listen failed is not.
    opened = [
        role
        for role in in_bind_order(observation.roles)
        if role[0] not in NEVER_HEAR and not failed.get(role, "").startswith(_BEFORE_OPEN)
    ]
    foreign = observation.foreign * n
    doubt = observation.inconclusive or _doubt(observation, opened, connects=connects)
    if doubt:
        return Outcome(missed=n, inconclusive=doubt, foreign=foreign)
    send: dict[str, str] = {}
    connect: dict[str, str] = {}
    delivery: dict[str, Delivery] = {}
    left = len(set(opened).difference(observation.closed))
    for label, sent in sorted(observation.sends.items()):
        connected = connects or sent.connects or sent.refused > 0
        if sent.error:
            (connect if connected else send)[label] = sent.error
        hearing = [role for role in opened if role not in sent.closed] if sent.closed else opened
        if hearing and tried(sent, hearing):
            delivery[label] = deliver(sent, hearing, n, connected=connected)
            if sent.closed:
                closed = tuple(sorted(sent.closed, key=bind_order))
                delivery[label] = msgspec.structs.replace(delivery[label], closed=closed)
            if len(hearing) != left:
                delivery[label] = msgspec.structs.replace(delivery[label], open=len(hearing))
    return Outcome(
        n=n,
        open=left,
        failed=in_bind_order(failed),
        send=send,
        connect=connect,
        delivery=delivery,
        notes=dict(sorted(observation.notes.items())),
        unsent=observation.unsent,
        foreign=foreign,
    )


def _union(heard: Mapping[str, int]) -> int:
    received = 0
    for bits in heard.values():
        received |= bits
    return received


def _doubt(observation: Observation, opened: list[str], *, connects: bool) -> str:
    """Return why an observation tells nothing, or nothing."""
    if not observation.roles:
        return "the observation is empty"
    for role, status in observation.roles.items():
        call, _, errno = status.rpartition(" ")
        # ENOBUFS from a join is an answer: igmp_max_memberships (ip(7)).
        if errno in _SHORTAGE or (errno == _NO_BUFFERS and call != "join"):
            return f"{role}: {status}"
    for send in observation.sends.values():
        for role in (*send.heard, *send.again):
            if role not in opened and role[0] not in NEVER_HEAR:
                return f"{role} heard something although it was not open"
        if send.error in _NO_ANSWER or send.error in _SHORTAGE:
            return f"sending ended with {send.error}"
        if send.error == _NO_BUFFERS:
            return f"sending ended with {send.error}"
        if (connects or send.connects or send.refused) and send.sent & ~_union(send.heard):
            return "a connection was made, but not to one of our sockets"
        hearing = set(opened).difference(send.closed)
        if hearing and not send.error and not tried(send, opened):
            return "nothing was sent"
    return ""
