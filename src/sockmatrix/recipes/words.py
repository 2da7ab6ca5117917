"""Recipes in words: places, options, and what evidence says of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sockmatrix.claims.systems import ANY
from sockmatrix.claims.systems import words as system_words
from sockmatrix.recipes.program import in_words

if TYPE_CHECKING:
    from sockmatrix.answers import Finding
    from sockmatrix.evidence import Evidence
    from sockmatrix.recipes.place import Place

_SENT = {
    "lo4": "unicast to 127.0.0.1",
    "if4": "unicast to the interface's address",
    "lo6": "unicast to ::1",
    "if6": "unicast to the interface's IPv6 address",
    "lobcast": "broadcast to 127.255.255.255",
    "subnet-bcast": "broadcast to the subnet",
    "limited": "broadcast to 255.255.255.255",
    "group4": "multicast",
    "group6-site": "multicast",
}

BOUND = {
    "any4": "0.0.0.0",  # noqa: S104 - the name of an address
    "any6": ":: (both families)",
    "any6only": ":: (IPV6_V6ONLY)",
    "lo4": "127.0.0.1",
    "lo6": "::1",
    "if4": "the interface's address",
    "if6": "the interface's IPv6 address",
    "lobcast": "127.255.255.255",
    "subnet-bcast": "the subnet's broadcast address",
    "limited": "255.255.255.255",
    "group4": "the group",
}

_HEARD = {
    "all": "all hear it",
    "none": "nobody hears it",
    "one": "only one hears it",
    "some": "not all hear it",
    "not-all": "not all hear it",
    "any": "somebody hears it",
    "spread": "each reaches one of them",
    "uneven": "not every datagram goes the same way",
    "duplicated": "some hear it twice",
}


def sent(place: Place) -> str:
    """Return what is sent to, in words."""
    over = "a connection" if place.transport == "tcp" else ""
    words = _SENT[place.dest].replace("unicast", over) if over else _SENT[place.dest]
    if place.via:
        words += " by the loopback interface" if place.via == "lo4" else " by the interface"
    return words


def place_words(place: Place) -> str:
    """Return a place in words: "multicast by the interface; bind 0.0.0.0; join on the interface"."""
    parts = [sent(place), f"bind {BOUND[place.bind]}"]
    if place.via:
        parts.append(f"join on the {'loopback interface' if place.via == 'lo4' else 'interface'}")
    if place.kind == "broadcast":
        parts.append("the sender sets SO_BROADCAST")
    return "; ".join(parts)


def heard_words(words: tuple[str, ...]) -> str:
    """Return what claims' words say of a delivery, for a person."""
    if set(words) == {"one", "spread"}:
        return "one of them hears it"
    if set(words) == {"one:first", "one:last"}:  # a document may not say which
        return "one of them gets it, either the first bound or the last"
    return " or ".join(dict.fromkeys(_heard(word) for word in words))


def _heard(word: str) -> str:
    name, _, rest = word.partition(":")
    if name == "one" and rest in ("first", "last"):
        return f"only the {rest} bound hears it"
    if name == "only" or (name == "one" and rest[:1].isupper()):
        return f"only {rest.replace('+', ' and ')} hears it"
    if name in ("hears", "not"):
        return f"{rest} {'hears' if name == 'hears' else 'does not hear'} it"
    return _HEARD[name]


def told(finding: Finding) -> str:
    """Return what the evidence of a finding shows, in a few words."""
    evidence, asked = finding.evidence, finding.asked
    if evidence is None or asked is None:
        return finding.why
    if asked.kind == "exists":
        return "there is no such option" if finding.holds is False else "the option is there"
    outcome = evidence.outcome
    refused = outcome is not None and bool(outcome.failed)
    if asked.kind == "bind" or refused or not evidence.heard(asked.key):
        return _opened(evidence, asked.key)
    delivery = outcome.delivery.get(asked.key) if outcome else None
    if delivery is not None and delivery.place in ("first", "last"):
        return heard_words((f"one:{delivery.place}",))
    return heard_words(evidence.heard(asked.key))


def _opened(evidence: Evidence, key: str) -> str:
    roles = evidence.shape.receivers
    refused = [role for role in roles if evidence.opened(role) not in ("", "ok")]
    if not refused:
        return "all may bind"
    errno = evidence.opened(refused[0])
    named = f" ({errno})" if errno.startswith("E") else ""
    if refused[0] == roles[0]:
        return f"the bind is refused{named}"
    return f"the second bind is refused{named}" if key != "A" else f"it is refused{named}"


def source(evidence: Evidence) -> str:
    """Return the kind of evidence and where it is from: "measured on linux 6.18.44"."""
    how = {"measured": "measured on", "documented": "documented by", "predicted": "predicted by"}
    versions = f", about {system_words(evidence.system)} {evidence.versions}" if evidence.versions else ""
    general = " of every system" if evidence.claim and ANY in evidence.claim.os else ""
    return f"{how[evidence.kind].replace(' by', general + ' by')} {evidence.source}{versions}"


def reason(finding: Finding) -> str:
    """Return what is known, and by what: "all hear it, measured on linux 6.18.44"."""
    if finding.evidence is None or finding.holds is None:
        return "not known"
    return f"{told(finding)}, {source(finding.evidence)}"


def options_words(reuse: str) -> str:
    """Return options as a sentence begins with them: "SO_REUSEADDR alone"."""
    return f"{in_words(reuse)} alone" if reuse in ("addr", "port") else in_words(reuse)
