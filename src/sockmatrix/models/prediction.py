"""What the model says of a cell, and where a measured outcome says something else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sockmatrix.outcome import Variant

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from sockmatrix.delivery import Delivery
    from sockmatrix.outcome import Outcome


class Unpredicted(Exception):
    """The model does not know an operation; the message names it."""


class Prediction(Variant, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """Facets as an outcome has them, but for amounts: whoever hears has 1 in `heard`.

    `others`: what may be instead, where a hash of the kernel decides.
    """

    others: tuple[Prediction, ...] = ()


def compare(prediction: Prediction, outcome: Outcome) -> list[str]:
    """Return the facets of an outcome that were predicted wrongly, in words; none if all are right.

    Amounts are not compared. An outcome that told nothing is contradicted by nothing, nor is one
    that was skipped, nor a send that was left out: the lab lacked what the model takes for granted.
    Where a hash decides, the outcome may be any of what is possible, and each repetition another.
    """
    if outcome.variants:
        ways = [compare_variant(prediction, one) for one in outcome.variants]
        return [f"unstable: {problem}" for way in ways for problem in way]
    if not outcome.n or (outcome.skipped and not prediction.skipped):
        return []
    return compare_variant(prediction, outcome)


def compare_variant(prediction: Prediction, outcome: Variant) -> list[str]:
    """Return what was predicted wrongly of one way that a cell turned out."""
    worlds = (prediction, *prediction.others)
    return min((_problems(one, outcome, worlds) for one in worlds), key=len)


def _problems(prediction: Prediction, outcome: Variant, worlds: tuple[Prediction, ...]) -> list[str]:
    problems = []
    for name, said, seen in (
        ("absent", prediction.absent, outcome.absent),
        ("skipped", bool(prediction.skipped), bool(outcome.skipped)),
        ("open", prediction.open, outcome.open),
    ):
        if said != seen:
            problems.append(f"{name}: predicted {said}, measured {seen}")
    for name, of, measured in (
        ("", prediction.failed, outcome.failed),
        ("send ", prediction.send, outcome.send),
        ("connect ", prediction.connect, outcome.connect),
        ("note ", prediction.notes, outcome.notes),
    ):
        problems += _differences(name, of, measured, outcome.unsent)
    for label in sorted({*prediction.delivery, *outcome.delivery} - set(outcome.unsent)):
        said_here, seen_here = prediction.delivery.get(label), outcome.delivery.get(label)
        possible = [one.delivery[label] for one in worlds if label in one.delivery]
        if not _agree(said_here, seen_here, possible):
            problems.append(
                f"delivery {label}: predicted {_told(said_here)}, measured {_told(seen_here)}"
            )
    return problems


def _differences(
    name: str, said: Mapping[str, str], seen: Mapping[str, str], left_out: Collection[str]
) -> list[str]:
    keys = sorted({*said, *seen}.difference(left_out))
    return [
        f"{name}{key}: predicted {said.get(key, 'nothing')}, measured {seen.get(key, 'nothing')}"
        for key in keys
        if said.get(key) != seen.get(key)
    ]


def _agree(said: Delivery | None, seen: Delivery | None, possible: list[Delivery]) -> bool:
    if said is None or seen is None:
        return said is seen
    if seen.place == "varies":
        winners = {one.who for one in possible if one.word == "one"}
        return all((role,) in winners for role in seen.who)
    return said.facets() == seen.facets()


def _told(delivery: Delivery | None) -> str:
    if delivery is None:
        return "nothing"
    words = [delivery.word, delivery.place, "+".join(delivery.who), delivery.by]
    words += [f"{name}={'+'.join(value)}" for name, value in _sets(delivery) if value]
    words += ["unheard"] if delivery.unheard else []
    words += [f"control {delivery.control}"] if delivery.control else []
    return " ".join(filter(None, words))


def _sets(delivery: Delivery) -> tuple[tuple[str, tuple[str, ...]], ...]:
    return (("copies", delivery.copies), ("always", delivery.always))
