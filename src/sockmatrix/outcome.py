"""What the observations of a cell amount to: a record of facets, as a pure function of them.

Sharing and delivery are two facts and stay two facets: `failed` says which sockets were refused,
and at which call; `delivery` says who of the others heard (`delivery.py`). The words for a table
come from the facets (`wording.py`); comparisons look at the facets, never at the words.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from sockmatrix.delivery import (
    Amount,
    Delivery,
    DeliveryWord,
    bind_order,
)
from sockmatrix.observation import Errno, Failure, Label, Note, Reason, Role  # noqa: TC001 - of fields
from sockmatrix.wording import headline, sentence

if TYPE_CHECKING:
    from collections.abc import Mapping


__all__ = [
    "Delivery",
    "DeliveryWord",
    "Outcome",
    "Variant",
    "Word",
    "bind_order",
    "headline",
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

_VariantT = TypeVar("_VariantT", bound="Variant")
_Told = TypeVar("_Told")


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
            _items(self.failed),
            _items(self.send),
            _items(self.connect),
            tuple(
                (label, delivery.facets(any_one=any_one))
                for label, delivery in sorted(self.delivery.items())
            ),
            _items(self.notes),
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

        Of several sends, those that one of them left out are not compared. That repetitions had different
        winners a single one cannot show: then any winner agrees.
        """
        if self == other:
            return True
        any_one = (self.n == 1 and other.varies) or (other.n == 1 and self.varies)
        unsent, others = self.left_out, other.left_out
        one, two = self, other
        if unsent != others:
            one, two = self._without(unsent | others), other._without(unsent | others)
        return one.facets(any_one=any_one) == two.facets(any_one=any_one)

    @property
    def varies(self) -> bool:
        """Whether another socket heard all in another repetition."""
        return any(delivery.place == "varies" for delivery in self.delivery.values())

    @property
    def left_out(self) -> frozenset[str]:
        """The labels of sends of which there is nothing."""
        return frozenset(self.unsent).union(*(one.unsent for one in self.variants))

    def _without(self, labels: frozenset[str]) -> Outcome:
        variants = tuple(_kept(one, labels) for one in self.variants)
        return replace(_kept(self, labels), variants=variants)


def _items(by_label: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(by_label.items())) if by_label else ()  # as most are


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
