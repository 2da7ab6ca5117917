"""What the observations of a cell amount to: a record of facets, as a pure function of them.

Sharing and delivery are two facts and stay two facets: `failed` says which sockets were refused,
and at which call; `delivery` says who of the others heard (`delivery.py`). The words for a table
come from the facets (`wording.py`); comparisons look at the facets, never at the words.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple, TypeVar

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from sockmatrix.delivery import (
    Amount,
    Delivery,
    DeliveryWord,
    add,
    bind_order,
    deliver,
    in_bind_order,
    tried,
)
from sockmatrix.observation import NEVER_HEAR, Errno, Failure, Label, Note, Reason, Role
from sockmatrix.wording import headline, sentence

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sockmatrix.observation import Observation

__all__ = [
    "Delivery",
    "DeliveryWord",
    "Outcome",
    "Variant",
    "Word",
    "bind_order",
    "classify",
    "headline",
    "merge",
    "sentence",
]

Word = Literal[
    DeliveryWord,
    "one:varies",
    "refused",
    "send-refused",
    "absent",
    "skipped",
    "inconclusive",
    "unstable",
    "mixed",  # sent under several labels, and they did not end alike
    "opened",  # all sockets opened; nothing was to be sent
    "told",  # nothing was counted; the notes say what happened
]

# A shortage or a missing answer says something about the moment, not about the platform.
_NO_ANSWER = frozenset({"ETIMEDOUT", "EAGAIN", "EWOULDBLOCK", "EINTR"})
_SHORTAGE = frozenset({"EMFILE", "ENFILE", "ENOMEM"})
_NO_BUFFERS = "ENOBUFS"

_BEFORE_OPEN = ("socket", "set", "bind", "listen")

_VariantT = TypeVar("_VariantT", bound="Variant")
_Told = TypeVar("_Told")

_AND = " | "  # between reasons that differ


class SetFailure(NamedTuple):
    """A refused socket option."""

    option: str
    errno: str


class Variant(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """One way a cell turned out, in `n` repetitions.

    `failed`: the roles that were refused, and how; all others are ok. `open`: how many receivers
    were open in the end. `send` and `connect`: errno by label. `delivery`: by label. `notes`: what
    acts told, by label. `absent`, `skipped`: why there is nothing of that. `unsent`: why there is
    nothing of a label.
    """

    n: Amount = 0
    open: Amount = 0
    failed: dict[Role, Failure] = {}
    send: dict[Label, Errno] = {}
    connect: dict[Label, Errno] = {}
    delivery: dict[Label, Delivery] = {}
    notes: dict[Label, Note] = {}
    absent: Reason = ""
    skipped: Reason = ""
    unsent: dict[Label, Reason] = {}

    @property
    def bind(self) -> dict[str, str]:
        """Errno of each role whose bind was refused."""
        return self._refused_at("bind")

    @property
    def listen(self) -> dict[str, str]:
        """Errno of each role whose listen was refused."""
        return self._refused_at("listen")

    @property
    def join(self) -> dict[str, str]:
        """Errno of each role whose group membership was refused."""
        return self._refused_at("join")

    @property
    def option(self) -> dict[str, SetFailure]:
        """Option and errno of each role whose setsockopt was refused."""
        parts = {role: failure.split() for role, failure in self.failed.items()}
        return {role: SetFailure(p[1], p[-1]) for role, p in parts.items() if p[0] == "set"}

    @property
    def word(self) -> Word:
        """The one word for the cell; facets of lesser rank may still say more."""
        if self.absent:
            return "absent"
        if self.skipped:
            return "skipped"
        if self.failed:
            return "refused"
        if self.send or self.connect:
            return "send-refused"
        words: set[Word] = {
            "one:varies" if delivery.place == "varies" else delivery.word
            for delivery in self.delivery.values()
        }
        if not words:
            return "told" if self.notes else "opened"
        return words.pop() if len(words) == 1 else "mixed"

    def facets(self, *, any_one: bool = False) -> tuple[object, ...]:
        """Return what comparisons look at, hashable: all but amounts (see Delivery)."""
        return (
            self.absent,
            self.skipped,
            tuple(sorted(self.unsent)),
            self.open,
            tuple(sorted(self.failed.items())),
            tuple(sorted(self.send.items())),
            tuple(sorted(self.connect.items())),
            tuple(
                (label, delivery.facets(any_one=any_one))
                for label, delivery in sorted(self.delivery.items())
            ),
            tuple(sorted(self.notes.items())),
        )

    def _refused_at(self, call: str) -> dict[str, str]:
        start = call + " "
        return {role: f[len(start) :] for role, f in self.failed.items() if f.startswith(start)}


class Outcome(Variant, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """What all repetitions of a cell amount to.

    `n` repetitions told something, `missed` told nothing (`inconclusive` says why). If those that
    told something differ, the facets are in `variants`, the most frequent first, and not in the
    outcome itself. `foreign`: datagrams that were not ours.
    """

    missed: Amount = 0
    inconclusive: Reason = ""
    foreign: Amount = 0
    variants: tuple[Variant, ...] = ()

    @property
    def word(self) -> Word:
        """The one word for the cell; facets of lesser rank may still say more."""
        if self.variants:
            return "unstable"
        return super().word if self.n else "inconclusive"

    def facets(self, *, any_one: bool = False) -> tuple[object, ...]:
        """Return what comparisons look at, hashable; variants in no order."""
        if self.variants:
            return ("unstable", frozenset(v.facets(any_one=any_one) for v in self.variants))
        if not self.n:
            return ("inconclusive",)
        return super().facets(any_one=any_one)

    def agrees(self, other: Outcome) -> bool:
        """Return whether both are the same outcome, as comparisons see it.

        Of several sends, those that one of them left out are not compared.
        """
        if self == other:
            return True
        unsent, others = self.left_out, other.left_out
        if unsent == others:
            return self.facets() == other.facets()
        return self._without(unsent | others).facets() == other._without(unsent | others).facets()

    @property
    def left_out(self) -> frozenset[str]:
        """The labels of sends of which there is nothing."""
        return frozenset(self.unsent).union(*(one.unsent for one in self.variants))

    def _without(self, labels: frozenset[str]) -> Outcome:
        variants = tuple(_kept(one, labels) for one in self.variants)
        return replace(_kept(self, labels), variants=variants)


def _kept(one: _VariantT, labels: frozenset[str]) -> _VariantT:
    """Return an outcome without what was sent under some labels."""

    def rest(by_label: Mapping[str, _Told]) -> dict[str, _Told]:
        return {label: told for label, told in by_label.items() if label not in labels}

    return replace(
        one,
        send=rest(one.send),
        connect=rest(one.connect),
        delivery=rest(one.delivery),
        notes=rest(one.notes),
        unsent={},
    )


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
