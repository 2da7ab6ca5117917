"""The axes of rules in words: what a pattern cannot say, for it cannot know what else was open."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sockmatrix.axis import vocabulary
from sockmatrix.rules.units import BIND, EXIST, HEAR, JOIN, LISTEN, SEND, WHOLE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sockmatrix.axis import Vocabulary
    from sockmatrix.rules.features import Term

QUESTIONS = {
    EXIST: ("Has this system what the cell needs?", "cell"),
    BIND: ("May a socket bind, beside those bound before it?", "socket"),
    LISTEN: ("May a bound socket listen, beside those that listen already?", "socket"),
    JOIN: ("May a socket join the group?", "socket"),
    SEND: ("May it be sent?", "message"),
    HEAR: ("What does an open socket hear of what is sent?", "answer"),
    WHOLE: ("How does a cell turn out?", "cell"),
}
"""What each facet asks, and what it asks it of."""

OTHERWISE = "otherwise"

_CLASSES = {
    "unicast": "a unicast address",
    "broadcast": "a broadcast address",
    "multicast": "a multicast group",
    "wildcard": "a wildcard",
}
_OPTIONS = {"none": "no option", "one-each": "an option with each, but not the same"}
_PLACES = {"alone": "the only one", "first": "the first", "middle": "between others", "last": "the last"}

NEAREST = (
    "The nearest are the open sockets bound to the destination; if none is, those bound to a wildcard"
    " that covers it. Sockets are alike if they have the same address and user."
)
"""What has to be said wherever rules say who hears."""

AXES: dict[str, tuple[str, Mapping[str, str]]] = {
    "subject": ("it is", {"all": "whatever is sent"}),
    "receivers": ("sockets of the cell", {}),
    "sockets": ("the sockets", {"alike": "are all alike", "mixed": "differ"}),
    "table": ("table", {}),
    "lab": ("lab", {}),
    "shared": ("options that all sockets have", _OPTIONS),
    "dest-class": ("sent to", _CLASSES),
    "bind-class": ("bound to", _CLASSES),
    "bind-is": (
        "bound to",
        {"destination": "the destination", "wildcard": "a wildcard", "other": "another address"},
    ),
    "socket": ("socket", {}),
    "family": ("", {"4": "an IPv4 socket", "6": "an IPv6 socket"}),
    "overlap": (
        "",
        {
            "nobody": "no earlier socket overlaps",
            "same": "earlier sockets have its address",
            "wider": "its wildcard covers those of earlier sockets",
            "narrower": "a wildcard of earlier sockets covers its address",
            "two-wildcards": "earlier sockets have another wildcard",
            "several": "earlier sockets overlap in several ways",
        },
    ),
    "shared-with-each": (
        "shared with every earlier socket that overlaps",
        {**_OPTIONS, "nobody": "there is none"},
    ),
    "shared-with-latest": (
        "shared with the latest earlier socket that overlaps",
        {**_OPTIONS, "nobody": "there is none"},
    ),
    "their-user": (
        "",
        {
            "nobody": "no earlier socket overlaps",
            "same": "earlier sockets that overlap are of its user",
            "another": "an earlier socket that overlaps is another user's",
        },
    ),
    "opened": (
        "",
        {
            "all": "every bind was allowed",
            "some": "not every bind was allowed",
            "none": "no bind was allowed",
        },
    ),
    "bound": (
        "bound to",
        {
            "destination": "the destination",
            "wildcard": "a wildcard that covers it",
            "other": "another address",
        },
    ),
    "member": (
        "the group is joined on the interface of the message",
        {
            "itself": "by the socket itself",
            "another": "by another open socket only",
            "bystander": "by a bystander only",
            "nobody": "by nobody",
        },
    ),
    "nearest": ("", {"yes": "one of the nearest", "no": "none of the nearest"}),
    "rivals": (
        "",
        {
            "none": "the only one of the nearest",
            "alike": "one of several nearest, all alike",
            "mixed": "one of several nearest that are not all alike",
        },
    ),
    "peers": (
        "",
        {
            "none": "the only one of the nearest of its family",
            "alike": "one of several nearest of its family, all alike",
            "mixed": "one of several nearest of its family that are not all alike",
        },
    ),
    "ipv4-rival": (
        "",
        {
            "yes": "an IPv6 socket with an IPv4 one among the nearest",
            "no": "not an IPv6 socket with an IPv4 one among the nearest",
        },
    ),
    "place-open": ("place among the open sockets", _PLACES),
    "place-nearest": ("place among the nearest", _PLACES),
    "place-alike": ("place among the nearest that are like it", _PLACES),
    "place-without-port": (
        "",
        {
            "last": "the last of the nearest that do not set SO_REUSEPORT",
            "earlier": "not the last of the nearest that do not set SO_REUSEPORT",
            "not-among": "it sets SO_REUSEPORT, but not all of the nearest do",
            "none-such": "all of the nearest set SO_REUSEPORT",
        },
    ),
    "as-first": (
        "",
        {
            "yes": "the first of the nearest of its family is like it",
            "no": "the first of the nearest of its family is unlike it",
        },
    ),
    "as-last": (
        "",
        {
            "yes": "the last of the nearest of its family is like it",
            "no": "the last of the nearest of its family is unlike it",
        },
    ),
    "shared-with-first": (
        "shared with the first of the nearest that are like it",
        {**_OPTIONS, "nobody": "there is no other"},
    ),
    "shared-with-last": (
        "shared with the last of the nearest that are like it",
        {**_OPTIONS, "nobody": "there is no other"},
    ),
}
"""Title and values of the axes that no table has. Without a title the values are clauses."""

_WHO = {
    "every": "each socket's",
    "some": "some socket's",
    "none": "no socket's",
    "last": "the last socket's",
}


def condition(terms: tuple[Term, ...]) -> str:
    """Return terms in words: "SO_BROADCAST: sender sets SO_BROADCAST; sent to: 127.255.255.255"."""
    known = vocabulary()
    return "; ".join(_term(term, known) for term in terms) or OTHERWISE


def _term(term: Term, known: Vocabulary) -> str:
    who, _, axis = term.axis.rpartition(".")
    who = who or term.who
    title, words = AXES.get(axis) or _plain(axis, known)
    if axis.startswith("shared"):
        words = {**_plain("reuse", known)[1], "addr+port": "SO_REUSEADDR and SO_REUSEPORT", **words}
    if who:
        title = f"{_WHO.get(who, who)} {title}"
    values = [words.get(value, value) for value in term.values]
    *most, last = values
    if term.negated:
        said = f"neither {', '.join(most)} nor {last}" if most else f"not {last}"
    else:
        said = f"{', '.join(most)} or {last}" if most else last
    return f"{title}: {said}" if title else said


def _plain(axis: str, known: Vocabulary) -> tuple[str, Mapping[str, str]]:
    return (known[axis].title, known[axis].values) if axis in known else (axis, {})
