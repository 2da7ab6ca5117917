"""What must hold of any sockets, in the reference model: options, order, and what is of no account."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from modelled import PORT, heard, kernel, make, play

from sockmatrix.models import linux_saddr
from sockmatrix.models.linux_ports import bind

VERSIONS = ((5, 10, 46), (6, 1, 176), (6, 18, 20), (6, 18, 44), (7, 2, 7))
OPTIONS = ("", "set SO_REUSEADDR 1; ", "set SO_REUSEPORT 1; ", "set SO_REUSEADDR 1; set SO_REUSEPORT 1; ")
ADDR, SHARE = OPTIONS[1:3]
FOUR = ("any4", "lo4", "lo4b", "lobcast", "if4", "subnet-bcast", "group4", "limited")
SIX = ("any6", "lo6", "if6", "mapped-any", "mapped-lo", "group6-site")
SPOKEN = ("lo4", "lobcast", "if4", "subnet-bcast", "group4", "lo6")

versions = st.sampled_from(VERSIONS)
places = st.one_of(
    st.tuples(st.just("4"), st.sampled_from(FOUR)), st.tuples(st.just("6"), st.sampled_from(SIX))
)
sockets = st.lists(places, min_size=1, max_size=14)
options = st.sampled_from(OPTIONS)


def lines(kind: str, where: list[tuple[str, str]], option: str = "", then: str = "") -> str:
    """Return a script in which each socket binds where it is told to."""
    names = [chr(ord("A") + n % 9) + (f".s{n}" if n >= 9 else "") for n in range(len(where))]
    return "".join(
        f"{name}: socket {kind}{family}; {option}bind {address}{then}\n"
        for name, (family, address) in zip(names, where, strict=True)
    )


def said(symbol: str) -> str:
    """Return what the staged sender says to a destination."""
    how = {"lobcast": " broadcast", "subnet-bcast": " broadcast", "group4": " via=if4"}
    return f"S: speak {symbol}{how.get(symbol, '')}"


def refused(script: str, version: tuple[int, int, int]) -> set[str]:
    """Return who was refused because somebody else was there."""
    failed = play(script, version=version).failed
    return {name for name, failure in failed.items() if failure.endswith("EADDRINUSE")}


@given(sockets, versions)
def test_an_option_on_all_lets_all_bind_a_udp_port(
    where: list[tuple[str, str]], version: tuple[int, int, int]
) -> None:
    """Either of the two, whatever the addresses (udp_lib_lport_inuse)."""
    assert not refused(lines("udp", where, ADDR), version)
    assert not refused(lines("udp", where, SHARE), version)


@given(sockets, versions)
def test_an_option_on_all_lets_all_bind_a_tcp_port(
    where: list[tuple[str, str]], version: tuple[int, int, int]
) -> None:
    """SO_REUSEADDR while nobody listens, SO_REUSEPORT in any case (inet_bind_conflict)."""
    assert not refused(lines("tcp", where, ADDR), version)
    assert not refused(lines("tcp", where, SHARE, "; listen"), version)


def test_one_more_option_may_refuse() -> None:
    """SO_REUSEPORT alone: the newest holder lets it in, and A is not even looked at.

    With SO_REUSEADDR as well that holder is passed over, and A refuses (udp_lib_lport_inuse).
    """
    script = f"A: socket udp4; bind lo4\nB: socket udp4; {ADDR}{SHARE}bind lo4b\n"
    for version in VERSIONS:
        assert refused(f"{script}C: socket udp4; {SHARE}bind any4", version) == set()
        assert refused(f"{script}C: socket udp4; {ADDR}{SHARE}bind any4", version) == {"C"}


@given(places, places)
def test_overlap_has_no_direction(one: tuple[str, str], two: tuple[str, str]) -> None:
    """With wildcards, two sockets overlap whoever asks (inet_rcv_saddr_equal)."""
    play_one, play_two = (f"A: socket udp{f}; bind {a}\n" for f, a in (one, two))
    second = "B" + play_two[1:]
    first = "B" + play_one[1:]
    assert refused(play_one + second, VERSIONS[3]) == refused(play_two + first, VERSIONS[3])


@given(sockets, options, st.sampled_from(SPOKEN), versions)
def test_only_who_is_open_hears(
    where: list[tuple[str, str]], option: str, symbol: str, version: tuple[int, int, int]
) -> None:
    """Whoever is said to hear has bound the port."""
    told = play(lines("udp", where, option) + said(symbol), version=version)
    for delivery in told.delivery.values():
        assert not set(delivery.who) & set(told.failed)
        assert not set(delivery.closed) & set(delivery.who)


@given(sockets, options, st.sampled_from(SPOKEN), places)
def test_another_port_is_of_no_account(
    where: list[tuple[str, str]], option: str, symbol: str, elsewhere: tuple[str, str]
) -> None:
    """A bystander on the next port changes nothing."""
    script = lines("udp", where, option)
    beside = f"X: socket udp{elsewhere[0]}; {option}bind {elsewhere[1]} P+1\n"
    assert heard(script + said(symbol)) == heard(beside + script + said(symbol))


@given(sockets, st.sampled_from(("lobcast", "subnet-bcast", "group4")), places)
def test_a_further_receiver_takes_no_broadcast_away(
    where: list[tuple[str, str]], symbol: str, further: tuple[str, str]
) -> None:
    """Groups and broadcasts go to everybody who matches, each for itself."""

    def hearers(script: str) -> set[str]:
        told = play(script + said(symbol)).delivery[""]
        everybody = {line[: line.index(":")] for line in script.splitlines()}
        return everybody if told.word == "all" else set(told.who)

    script = lines("udp", where, ADDR)
    more = script + f"L: socket udp{further[0]}; {ADDR}bind {further[1]}\n"
    assert hearers(script) <= hearers(more)


@given(sockets, options, st.sampled_from(("lo4", "if4", "lo6")))
def test_a_unicast_is_heard_once(where: list[tuple[str, str]], option: str, symbol: str) -> None:
    """By nobody, or by one at a time."""
    delivery = play(lines("udp", where, option) + said(symbol)).delivery
    for told in delivery.values():
        assert told.word in ("none", "one", "spread") or len(where) == 1 or told.word == "all"
        if told.word == "all":
            assert len(where) - len(play(lines("udp", where, option)).failed) == 1


def test_overlap_of_every_two_addresses() -> None:
    """The function itself, over all states that a bind leaves."""
    bound = []
    for kind, address in [("udp4", a) for a in ("0.0.0.0", "127.0.0.1", "198.51.100.1")] + [
        ("udp6", a) for a in ("::", "::1", "::ffff:0.0.0.0", "::ffff:127.0.0.1", "2001:db8::1")
    ]:
        for only in (False, True):
            sock = make(kernel(), kind, v6only=only and kind == "udp6" and address == "::")
            assert bind(sock, address, PORT) == "ok"
            bound.append(sock)
    for one in bound:
        assert linux_saddr.overlap(one, one, match=True)
        for two in bound:
            assert linux_saddr.overlap(one, two, match=True) == linux_saddr.overlap(two, one, match=True)
