"""Outcomes: what a platform's behaviour is called, whatever was observed and in whatever order."""

from __future__ import annotations

import fakes
import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sockmatrix.cell import receiver_names
from sockmatrix.classify import classify, merge
from sockmatrix.observation import Bits, Observation, Send, decode_seen
from sockmatrix.outcome import Outcome, headline, sentence

STEADY = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""A loaded machine is no reason to fail."""

THREE = ("any4.addr", "any4.addr", "any4.addr")


def outcome(platform: fakes.Platform, *sockets: str, dest: str = "lo4", kind: str = "udp4") -> Outcome:
    """Return what a cell amounts to on a fake platform, three repetitions."""
    seen = decode_seen(platform.seen(fakes.steps(*sockets, dest=dest, kind=kind)))
    return classify(seen, connects=kind.startswith("tcp"))


def observed(roles: dict[str, str], send: Send | None = None) -> Observation:
    """Return an observation with one send."""
    return Observation(roles=roles, sends={"": send} if send else {})


@pytest.mark.parametrize(
    ("platform", "word", "shown"),
    [
        (fakes.EVERYTHING, "all", "all"),
        (fakes.LAST, "one", "last"),
        (fakes.FIRST, "one", "first"),
        (fakes.NOBODY, "none", "none"),
        (fakes.FICKLE, "one:varies", "varies"),
        (fakes.ALL_BUT_ONE, "some", "A+B"),
        (fakes.REFUSES, "refused", "B refused"),
        (fakes.BSD, "refused", "B+C refused"),
        (fakes.SPREADS, "spread", "spread"),
        (fakes.ROUND_ROBIN, "spread", "spread by datagram"),
        (fakes.LIES, "duplicated", "duplicated"),
        (fakes.LOSES, "uneven", "uneven"),
        (fakes.HANGS, "inconclusive", "inconclusive"),
    ],
    ids=lambda value: value.name if isinstance(value, fakes.Platform) else "",
)
def test_word_and_headline_for_each_platform(platform: fakes.Platform, word: str, shown: str) -> None:
    """Each kind of platform has its word for three sockets that are all alike."""
    found = outcome(platform, *THREE)
    assert found.word == word
    assert headline(found) == shown


@pytest.mark.parametrize(
    ("platform", "shown"),
    [
        (fakes.EVERYTHING, "all"),
        (fakes.LAST, "last"),
        (fakes.NOBODY, "none"),
        (fakes.SPREADS, "spread"),
        (fakes.REFUSES, "B refused"),
        (fakes.LOSES, "uneven"),
    ],
    ids=lambda value: value.name if isinstance(value, fakes.Platform) else "",
)
def test_connections_have_the_same_words(platform: fakes.Platform, shown: str) -> None:
    """A TCP connection that is refused was heard by nobody; the words are those of datagrams."""
    found = outcome(platform, *THREE, kind="tcp4")
    assert headline(found) == shown


def test_a_spread_of_connections_goes_by_connection() -> None:
    """A connection has no second datagram that could tell a hash from a round robin."""
    assert outcome(fakes.ROUND_ROBIN, *THREE, kind="tcp4").delivery[""].by == "connection"
    assert outcome(fakes.SPREADS, *THREE).delivery[""].by == "source port"


def test_a_lone_socket_that_hears_is_all() -> None:
    """`one` needs two open sockets to choose from."""
    assert outcome(fakes.LAST, "any4.none").word == "all"


def test_delivery_is_over_those_that_opened() -> None:
    """B is refused, A hears everything: two facts, and the refusal has the headline."""
    found = outcome(fakes.REFUSES, "any4.none", "any4.none")
    assert found.bind == {"B": "EADDRINUSE"}
    assert found.delivery[""].word == "all"
    assert found.open == 1
    assert found.word == "refused"
    assert sentence(found) == (
        "B was refused at bind (EADDRINUSE). The only open socket heard everything."
    )


def test_place_counts_open_sockets_only() -> None:
    """When A is refused, B is the first of those that could hear."""
    roles = {"A": "bind EACCES", "B": "ok", "C": "ok"}
    found = classify([(1, observed(roles, Send(sent=Bits(3), heard={"B": Bits(3)})))])
    assert (found.delivery[""].who, found.delivery[""].place) == (("B",), "first")
    assert headline(found) == "A refused (EACCES)"


def test_the_bystander_never_counts() -> None:
    """J hears what it likes: delivery is over the receivers."""
    send = Send(sent=Bits(3), heard={"A": Bits(3), "J": Bits(1)}, again={"J": Bits(1)})
    found = classify([(1, observed({"A": "ok", "J": "ok"}, send))])
    assert found.delivery[""].word == "all"
    assert found.open == 1


@pytest.mark.parametrize(
    ("status", "is_open", "shown"),
    [
        ("bind EADDRINUSE", False, "B refused"),
        ("bind EACCES", False, "B refused (EACCES)"),
        ("listen EADDRINUSE", False, "B refused (listen)"),
        ("join EADDRINUSE", True, "B refused (join)"),
        ("join ENODEV", True, "B refused (join ENODEV)"),
        ("set SO_REUSEPORT ENOPROTOOPT", False, "B refused (SO_REUSEPORT ENOPROTOOPT)"),
        ("socket EAFNOSUPPORT", False, "B refused (socket EAFNOSUPPORT)"),
    ],
)
def test_refusals_by_call(status: str, is_open: bool, shown: str) -> None:
    """Only a socket whose join failed is still open; what is unusual is named."""
    heard = {"A": Bits(3), "B": Bits(3)} if is_open else {"A": Bits(3)}
    found = classify([(1, observed({"A": "ok", "B": status}, Send(sent=Bits(3), heard=heard)))])
    assert found.open == (2 if is_open else 1)
    assert found.delivery[""].word == "all"
    assert headline(found) == shown


def test_facets_per_call() -> None:
    """The facets of a call hold the roles that were refused at it, by errno."""
    roles = {
        "A": "bind EACCES",
        "B": "listen EADDRINUSE",
        "C": "join ENODEV",
        "D": "set SO_REUSEPORT ENOPROTOOPT",
    }
    found = classify([(1, observed(roles))])
    assert found.bind == {"A": "EACCES"}
    assert found.listen == {"B": "EADDRINUSE"}
    assert found.join == {"C": "ENODEV"}
    assert found.option == {"D": ("SO_REUSEPORT", "ENOPROTOOPT")}


def test_a_refused_send() -> None:
    """An errno on sending is the word of the cell, and nothing is said about delivery."""
    found = classify([(3, observed({"A": "ok"}, Send(error="EACCES")))])
    assert (found.word, headline(found), found.delivery) == ("send-refused", "EACCES", {})
    assert found.send == {"": "EACCES"}


def test_a_refused_send_that_was_heard() -> None:
    """Linux hands out the local copy of a multicast before a firewall says EPERM: both are kept."""
    send = Send(error="EPERM", heard={"A": Bits(1)})
    found = classify([(1, observed({"A": "ok"}, send))])
    assert found.word == "send-refused"
    assert found.delivery[""].word == "all"


def test_connect_errors_are_a_facet_of_their_own() -> None:
    """ECONNREFUSED is `none`; another errno belongs to connect; a timeout tells nothing."""
    refused = classify([(1, observed({"A": "ok"}, Send(refused=Bits(0x55))))])
    assert headline(refused) == "none"
    reset = classify([(1, observed({"A": "ok"}, Send(error="ECONNRESET")))], connects=True)
    assert (reset.connect, headline(reset)) == ({"": "ECONNRESET"}, "connect ECONNRESET")
    late = classify([(1, observed({"A": "ok"}, Send(error="ETIMEDOUT")))], connects=True)
    assert late.word == "inconclusive"


@pytest.mark.parametrize(
    "observation",
    [
        Observation(),
        observed({"A": "ok"}, Send()),
        observed({"A": "socket EMFILE"}),
        observed({"A": "ok"}, Send(sent=Bits(1), error="ENOBUFS")),
        observed({"A": "ok"}, Send(sent=Bits(1), heard={"B": Bits(1)})),
        observed({"A": "bind EACCES"}, Send(sent=Bits(1), heard={"A": Bits(1)})),
    ],
)
def test_what_tells_nothing_is_never_none(observation: Observation) -> None:
    """Shortages, sends that did not happen and contradictions are inconclusive, with a reason."""
    found = classify([(2, observation)])
    assert (found.word, found.n, found.missed) == ("inconclusive", 0, 2)
    assert found.inconclusive


def test_no_observations_at_all() -> None:
    """Nothing observed is inconclusive, not an error and not `none`."""
    assert classify([]).word == "inconclusive"


def test_absent_and_skipped() -> None:
    """What does not exist or was not tried keeps its reason."""
    absent = classify([(3, Observation(absent="SO_REUSEPORT_LB"))])
    assert (absent.word, sentence(absent)) == ("absent", "This platform has no SO_REUSEPORT_LB.")
    skipped = classify([(3, Observation(skipped="would leave this machine"))])
    assert (skipped.word, headline(skipped)) == ("skipped", "skipped")


def test_silence_of_a_lone_receiver_is_noted() -> None:
    """`none` says so when a lone receiver heard nothing either."""
    found = classify([(1, observed({"A": "ok"}, Send(sent=Bits(1), control="silent")))])
    assert found.delivery[""].control == "silent"
    assert "nor did a lone receiver" in sentence(found)


def test_labels_are_joined_only_if_they_differ() -> None:
    """A cell that sends twice has one word if both ended alike."""
    roles = {"A": "ok", "B": "ok"}
    last = Send(sent=Bits(3), heard={"B": Bits(3)})
    alike = classify([(1, Observation(roles=roles, sends={"lo4": last, "if4": last}))])
    assert (alike.word, headline(alike)) == ("one", "last")
    sends = {"lo4": last, "if4": Send(sent=Bits(3))}
    unlike = classify([(1, Observation(roles=roles, sends=sends))])
    assert (unlike.word, headline(unlike)) == ("mixed", "if4 none \u00b7 lo4 last")


def test_in_a_script_sockets_are_named_and_labels_in_order() -> None:
    """Who is the first may change while a script runs, and its labels tell of one step after another."""
    roles = {"A": "ok", "B": "ok"}
    first = Send(sent=Bits(3), heard={"A": Bits(3)})
    last = Send(sent=Bits(3), heard={"B": Bits(3)})
    sends = {"before": last, "after": first}
    notes = {"tried": "ok", "again": "EADDRINUSE"}
    found = classify([(1, Observation(roles=roles, sends=sends, notes=notes))])
    order = ("before", "tried", "after", "again")
    assert headline(found, order) == "before B \u00b7 after A \u00b7 tried ok \u00b7 again EADDRINUSE"
    assert headline(found) == "after first \u00b7 before last \u00b7 again EADDRINUSE \u00b7 tried ok"


def test_a_winner_that_varies_is_not_named_in_a_script() -> None:
    """Of a winner that is another in each repetition there is no name to give."""
    roles = {"A": "ok", "B": "ok"}
    ways = [Send(sent=Bits(3), heard={who: Bits(3)}) for who in "AB"]
    found = classify([(1, observed(roles, way)) for way in ways])
    assert headline(found, ()) == "varies"


def test_as_many_are_open_as_were_then() -> None:
    """Whether all share, and how many that are, goes by those that were open when it was sent."""
    roles = dict.fromkeys("ABC", "ok")
    two = Send(sent=Bits(0xF), heard={"A": Bits(0x3), "B": Bits(0xC)}, closed=("C",))
    three = Send(sent=Bits(0xF), heard={"A": Bits(0x3), "B": Bits(0xC)})
    everyone = Send(sent=Bits(3), heard=dict.fromkeys("ABC", Bits(3)))
    ended = classify([(1, Observation(roles=roles, sends={"x": three, "y": everyone}, closed=("C",)))])
    assert (ended.open, ended.delivery["x"].open) == (2, 3)
    assert headline(ended, ("x", "y")) == "x spread A+B \u00b7 y all"
    assert "All 3 open sockets heard everything" in sentence(ended)
    later = classify([(1, Observation(roles=roles, sends={"x": two, "y": everyone}))])
    assert (later.open, later.delivery["x"].open, later.delivery["y"].open) == (3, 2, 0)
    assert headline(later, ("x", "y")) == "x spread \u00b7 y all"


def test_a_crowd_of_more_than_the_letters() -> None:
    """A row of sockets goes on after the last letter, and B.b is in no row."""
    names = receiver_names(30)
    heard = dict.fromkeys(names[1:], Bits(1))
    found = classify([(1, observed(dict.fromkeys(names, "ok"), Send(sent=Bits(1), heard=heard)))])
    assert headline(found) == f"B\u2013{names[-1]}"
    apart = dict.fromkeys(("A", "BC", "BD", "BE"), Bits(1))
    few = classify(
        [(1, observed({**dict.fromkeys(apart, "ok"), "B": "ok"}, Send(sent=Bits(1), heard=apart)))]
    )
    assert headline(few) == "A+BC+BD+BE"
    own = dict.fromkeys(("A", "A.b", "B", "C", "D"), Bits(1))
    named = classify(
        [(1, observed({**dict.fromkeys(own, "ok"), "E": "ok"}, Send(sent=Bits(1), heard=own)))]
    )
    assert headline(named) == "A+A.b+B+C+D"


def test_what_reached_whom_when_it_is_uneven() -> None:
    """Of an uneven delivery it is kept who heard everything, and that some reached nobody."""
    roles = {"A": "ok", "B": "ok", "C": "ok"}
    some = Send(sent=Bits(0xFF), heard={"A": Bits(0xFF), "B": Bits(0x0F), "C": Bits(0xF0)})
    found = classify([(1, observed(roles, some))]).delivery[""]
    assert (found.word, found.always, found.unheard) == ("uneven", ("A",), False)
    less = Send(sent=Bits(0xFF), heard={"A": Bits(0x0F)})
    assert classify([(1, observed(roles, less))]).delivery[""].unheard


def test_middle_and_crowd() -> None:
    """A winner in the middle is named by its letter; a crowd by its ends, without J."""
    roles = dict.fromkeys("ABCDEFGHIKLM", "ok")
    middle = classify([(1, observed(roles, Send(sent=Bits(1), heard={"K": Bits(1)})))])
    assert headline(middle) == "K"
    some = classify([(1, observed(roles, Send(sent=Bits(1), heard=dict.fromkeys("HIKLM", Bits(1)))))])
    assert headline(some) == "H\u2013M"


def test_winners_that_change_are_not_unstable() -> None:
    """One winner in each repetition, but not the same: `one:varies`, and all winners are kept."""
    found = outcome(fakes.FICKLE, *THREE)
    assert (found.word, found.delivery[""].who, found.n) == ("one:varies", ("A", "B", "C"), 3)


def test_spreads_compare_sets_not_counts() -> None:
    """Two repetitions of a spread that picked differently are the same outcome."""
    roles = {"A": "ok", "B": "ok"}
    one = observed(roles, Send(sent=Bits(0xFF), heard={"A": Bits(0xF0), "B": Bits(0x0F)}))
    two = observed(roles, Send(sent=Bits(0xFF), heard={"A": Bits(0x03), "B": Bits(0xFC)}))
    found = classify([(1, one), (1, two)])
    assert found.word == "spread"
    assert found.delivery[""].heard == {"A": 6, "B": 10}
    assert classify([(1, one)]).agrees(classify([(1, two)]))


def test_other_differences_are_unstable() -> None:
    """Repetitions that differ keep both variants, the more frequent one first."""
    loud, silent = outcome(fakes.EVERYTHING, *THREE), outcome(fakes.NOBODY, *THREE)
    found = merge([loud, silent, loud])
    assert (found.word, headline(found), found.n) == ("unstable", "unstable", 9)
    assert [(v.word, v.n) for v in found.variants] == [("all", 6), ("none", 3)]
    assert sentence(found).startswith("Unstable. 6 of 9 times: All 3 open sockets")


def test_measured_repetitions_count() -> None:
    """Some inconclusive repetitions do not spoil the others; they are noted."""
    found = merge([outcome(fakes.LAST, *THREE), outcome(fakes.HANGS, *THREE)])
    assert (found.word, found.n, found.missed) == ("one", 3, 3)
    assert found.facets() == outcome(fakes.LAST, *THREE).facets()
    assert "3 of 6 repetitions told nothing: role A did not answer" in sentence(found)


def test_first_and_last_differ() -> None:
    """Who heard is a facet."""
    assert not outcome(fakes.FIRST, *THREE).agrees(outcome(fakes.LAST, *THREE))


def test_reasons_are_made_printable() -> None:
    """What a probe wrote cannot drive a terminal."""
    found = classify([(1, Observation(inconclusive="\x1b[2J\u202egnirts"))])
    assert sentence(found) == "Inconclusive: \\x1b[2J\\u202egnirts."


def test_json_is_compact() -> None:
    """What is ok or follows from the id is left out."""
    assert msgspec.json.encode(outcome(fakes.EVERYTHING, *THREE)) == (
        b'{"n":3,"open":3,"delivery":{"":{"word":"all","sent":126}}}'
    )


ROLES = st.sampled_from([*"ABCDEFGHIKLMJ", "AA"])
ERRNO = st.sampled_from(["EADDRINUSE", "EACCES", "EMFILE", "ETIMEDOUT", "ENOBUFS", "EPERM"])
BITS = st.integers(min_value=0, max_value=(1 << 12) - 1).map(Bits)
STATUS = st.one_of(
    st.just("ok"),
    st.builds(
        "{} {}".format,
        st.sampled_from(["bind", "listen", "join", "socket", "set SO_REUSEPORT"]),
        ERRNO,
    ),
)
BY_ROLE = st.dictionaries(ROLES, BITS, max_size=4)
SENDS = st.builds(
    Send,
    sent=BITS,
    heard=BY_ROLE,
    again=BY_ROLE,
    refused=BITS,
    error=st.one_of(st.just(""), ERRNO),
    control=st.sampled_from(["", "silent"]),
)
REASON = st.one_of(st.just(""), st.text(max_size=20))
OBSERVATIONS = st.one_of(
    st.builds(
        Observation,
        roles=st.dictionaries(ROLES, STATUS, max_size=5),
        sends=st.dictionaries(st.sampled_from(["", "lo4", "if4"]), SENDS, max_size=2),
        foreign=st.integers(min_value=0, max_value=9),
    ),
    st.builds(Observation, absent=REASON, skipped=REASON, inconclusive=REASON),
)


@st.composite
def plausible(draw: st.DrawFn) -> Observation:
    """Return an observation without contradictions: only open sockets hear, only what was sent."""
    names = draw(st.sampled_from(["A", "AB", "ABC"]))
    roles = {name: draw(st.sampled_from(["ok", "ok", "bind EADDRINUSE"])) for name in names}
    sent = draw(BITS.filter(bool))
    heard = {name: Bits(draw(BITS) & sent) for name, status in roles.items() if status == "ok"}
    heard = {name: bits for name, bits in heard.items() if bits}
    return Observation(roles=roles, sends={"": Send(sent=sent, heard=heard)})


SEEN = st.lists(
    st.tuples(st.integers(min_value=1, max_value=5), st.one_of(OBSERVATIONS, plausible())),
    max_size=5,
)


@STEADY
@given(SEEN, st.booleans())
def test_every_observation_has_an_outcome(seen: list[tuple[int, Observation]], connects: bool) -> None:
    """Classifying and putting into words never fails, and repetitions are never lost."""
    found = classify(seen, connects=connects)
    assert headline(found)
    assert sentence(found).isprintable()
    assert found.n + found.missed == max(1, sum(count for count, _ in seen))
    assert hash(found.facets()) == hash(found.facets())


@STEADY
@given(SEEN)
def test_json_round_trip(seen: list[tuple[int, Observation]]) -> None:
    """An outcome survives its JSON form."""
    found = classify(seen)
    text = msgspec.json.encode(found)
    again = msgspec.json.decode(text, type=Outcome)
    assert again == found
    assert again.facets() == found.facets()
    assert msgspec.json.encode(again) == text


@STEADY
@given(SEEN.flatmap(lambda seen: st.tuples(st.just(seen), st.permutations(seen))))
def test_order_does_not_matter(
    both: tuple[list[tuple[int, Observation]], list[tuple[int, Observation]]],
) -> None:
    """The repetitions of a cell may come in any order."""
    seen, shuffled = both
    assert classify(seen) == classify(shuffled)


@STEADY
@given(SEEN.filter(bool), st.data())
def test_merging_in_parts_is_merging_at_once(
    seen: list[tuple[int, Observation]], data: st.DataObject
) -> None:
    """A resumed run may merge what it measured before with what it measures now."""
    cut = data.draw(st.integers(min_value=0, max_value=len(seen)))
    parts = [classify(part) for part in (seen[:cut], seen[cut:]) if part]
    assert merge(parts) == classify(seen)


@STEADY
@given(plausible())
def test_words_mean_what_they_say(observation: Observation) -> None:
    """Each word for delivery agrees with a plain reading of who heard which datagram."""
    found = classify([(1, observation)])
    opened = [role for role, status in observation.roles.items() if status == "ok"]
    if not opened:
        assert not found.delivery
        return
    send = observation.sends[""]
    ways = {
        tuple(role for role in opened if send.heard.get(role, 0) >> number & 1)
        for number in range(send.sent.bit_length())
        if send.sent >> number & 1
    }
    if len(ways) == 1:
        [way] = ways
        wanted = {1: "one", len(opened): "all", 0: "none"}.get(len(way), "some")
    else:
        wanted = "spread" if all(len(way) == 1 for way in ways) else "uneven"
    assert found.delivery[""].word == wanted


def test_a_single_repetition_cannot_contradict_a_winner_that_varies() -> None:
    """It shows one winner; two that had the same one do contradict, and so does anything else."""
    varies = outcome(fakes.FICKLE, *THREE)
    thrice, nobody = outcome(fakes.LAST, *THREE), outcome(fakes.NOBODY, *THREE)
    once = msgspec.structs.replace(thrice, n=1)
    assert varies.varies
    assert varies.agrees(once)
    assert once.agrees(varies)
    assert not varies.agrees(thrice)
    assert not varies.agrees(msgspec.structs.replace(nobody, n=1))
    assert not once.agrees(msgspec.structs.replace(outcome(fakes.FIRST, *THREE), n=1))
