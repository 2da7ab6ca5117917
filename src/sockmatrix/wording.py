"""Outcomes in words: a headline for the cell of a table, sentences for a person.

Both only say what the facets hold; nothing is decided here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sockmatrix.cell import MOST_SOCKETS, receiver_names
from sockmatrix.render.escape import printable
from sockmatrix.script.compiler import labels

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sockmatrix.cell import Cell
    from sockmatrix.delivery import Delivery
    from sockmatrix.outcome import Outcome, Variant

NOT_MEASURED = "\u2013"

_PLACES = {name: place for place, name in enumerate(receiver_names(MOST_SOCKETS))}


def cell_headline(cell: Cell, outcome: Variant | None) -> str:
    """Return the text for `cell` in a table: see `headline`."""
    return headline(outcome, labels(cell.script) if cell.script else None)


def headline(outcome: Variant | None, order: Sequence[str] | None = None) -> str:
    """Return the text for a table cell: `all`, `last`, `B refused`, `EACCES`, `lo4 all · if4 none`.

    None is a cell that was not measured. `order` are the labels of a script, in its order. The
    sockets of a script are named: one that binds again is no longer the `first`.
    """
    if outcome is None:
        return NOT_MEASURED
    word = outcome.word
    if word == "refused":
        return " · ".join([_refusals(outcome.failed), *_grouped(outcome.notes, order)])
    if word in ("absent", "skipped", "inconclusive", "unstable", "opened"):
        return word
    named = order is not None
    parts = {
        label: _heard(one, one.open or outcome.open, named=named)
        for label, one in outcome.delivery.items()
    }
    parts.update({label: f"connect {errno}" for label, errno in outcome.connect.items()})
    parts.update(outcome.send)
    if not outcome.notes and len(set(parts.values())) == 1:
        return next(iter(parts.values()))
    return " · ".join([*_grouped(parts, order), *_grouped(outcome.notes, order)])


def _grouped(parts: Mapping[str, str], order: Sequence[str] | None) -> list[str]:
    """Return "label+label what" for each thing that is said of labels, in `order` or by name."""
    places = {label: place for place, label in enumerate(order or ())}
    grouped: dict[str, list[str]] = {}
    for label in sorted(parts, key=lambda label: (places.get(label, -1), label)):
        grouped.setdefault(parts[label], []).append(label)
    return [f"{'+'.join(some)} {part}".strip() for part, some in grouped.items()]


def sentence(outcome: Outcome | None) -> str:
    """Return the outcome in words for a person; text from the probe is made printable."""
    if outcome is None:
        return "Not measured."
    if outcome.word == "inconclusive":
        return f"Inconclusive: {printable(outcome.inconclusive) or 'nothing was observed'}."
    if outcome.variants:
        ways = [f"{v.n} of {outcome.n} times: {_sentences(v)}" for v in outcome.variants]
        text = "Unstable. " + " ".join(ways)
    else:
        text = _sentences(outcome)
    if outcome.missed:
        why = printable(outcome.inconclusive)
        text += f" ({outcome.missed} of {outcome.missed + outcome.n} repetitions told nothing: {why}.)"
    return text


def _sentences(variant: Variant) -> str:
    if variant.absent:
        return f"This platform has no {printable(variant.absent)}."
    if variant.skipped:
        return f"Skipped: {printable(variant.skipped)}."
    said = [f"{_and(roles)} {_at(failure)}." for failure, roles in _by_failure(variant.failed)]
    sent = sorted({*variant.delivery, *variant.send, *variant.connect})
    said += [f"{label}: not sent, {printable(why)}." for label, why in sorted(variant.unsent.items())]
    for label in sent:
        to = f"{label}: " if label else ""
        if label in variant.send:
            said.append(f"{to}Sending was refused ({variant.send[label]}).")
        if label in variant.connect:
            said.append(f"{to}Connecting failed ({variant.connect[label]}).")
        if label in variant.delivery:
            delivery = variant.delivery[label]
            said.append(to + _told(delivery, delivery.open or variant.open))
    said += [f"{label}: {printable(note)}." for label, note in sorted(variant.notes.items())]
    if not said:
        return "Every socket opened; nothing was to be sent."
    if variant.failed and not sent:
        said.append("No socket is open." if not variant.open else f"Sockets that opened: {variant.open}.")
    return " ".join(said)


def _heard(delivery: Delivery, opened: int, *, named: bool) -> str:
    if delivery.word == "one":
        by_name = delivery.place == "middle" or (named and delivery.place != "varies")
        return _and(delivery.who) if by_name else delivery.place
    if delivery.word == "some":
        return _plus(delivery.who)
    if delivery.word == "spread":
        text = "spread" if len(delivery.who) == opened else f"spread {_plus(delivery.who)}"
        return text + (" by datagram" if delivery.by == "datagram" else "")
    return delivery.word


def _told(delivery: Delivery, opened: int) -> str:
    who, sent = delivery.who, delivery.sent
    if delivery.word == "all":
        return (
            "The only open socket heard everything."
            if opened == 1
            else f"All {opened} open sockets heard everything."
        )
    if delivery.word == "none":
        text = "Nobody heard anything"
        if delivery.control:
            text += ", nor did a lone receiver: nobody here hears this, or a filter drops it"
        return text + "."
    if delivery.word == "one":
        if delivery.place == "varies":
            return (
                "One socket heard everything, the others nothing, but not the same one in every "
                f"repetition: {_and(who)}."
            )
        place = {"first": ", the first bound", "last": ", the last bound"}.get(delivery.place, "")
        return f"{_and(who)} alone heard everything{place}."
    if delivery.word == "some":
        return f"{_and(who)} heard everything, the other open sockets nothing."
    if delivery.word == "spread":
        return f"Each {delivery.by or 'datagram'} reached one socket, spread over {_and(who)}."
    amounts = ", ".join(f"{role} {amount}" for role, amount in delivery.heard.items())
    text = f"Of {sent} sent, this many were heard: {amounts}"
    if delivery.always:
        text += f"; {_and(delivery.always)} heard everything"
    if delivery.unheard:
        text += "; some reached nobody"
    if delivery.copies:
        text += f"; {_and(delivery.copies)} got some more than once"
    return text + "."


def _refusals(failed: Mapping[str, str]) -> str:
    """Return "B refused" for the usual bind EADDRINUSE; another call or errno is named."""
    parts = []
    for failure, roles in _by_failure(failed):
        call, *option, errno = failure.split()
        named = [*([] if call in ("bind", "set") else [call]), *option]
        named += [] if errno == "EADDRINUSE" else [errno]
        parts.append(_plus(roles) + " refused" + (f" ({' '.join(named)})" if named else ""))
    return ", ".join(parts)


def _at(failure: str) -> str:
    call, *option, errno = failure.split()
    if option:
        return f"could not set {option[0]} ({errno})"
    return f"was refused at {call} ({errno})"


def _by_failure(failed: Mapping[str, str]) -> list[tuple[str, list[str]]]:
    grouped: dict[str, list[str]] = {}
    for role, failure in failed.items():
        grouped.setdefault(failure, []).append(role)
    return list(grouped.items())


def _plus(roles: Sequence[str]) -> str:
    return "+".join(_runs(roles, "\u2013"))


def _and(roles: Sequence[str]) -> str:
    *most, last = _runs(roles, " to ")
    return f"{', '.join(most)} and {last}" if most else last


def _runs(roles: Iterable[str], to: str) -> list[str]:
    """Return names of roles in bind order, four or more in a row as one.

    >>> _runs(["A", "C", "D", "E", "F"], " to ")
    ['A', 'C to F']
    """
    runs: list[list[str]] = []
    for role in roles:
        place = _PLACES.get(role, 0)
        if runs and place and _PLACES.get(runs[-1][-1], place) == place - 1:
            runs[-1].append(role)
        else:
            runs.append([role])
    texts: list[str] = []
    for run in runs:
        texts += [f"{run[0]}{to}{run[-1]}"] if len(run) > 3 else run
    return texts
