"""The reference model's rules of TCP: listeners, connections, and what they leave behind."""

from __future__ import annotations

import pytest
from modelled import notes, play

from sockmatrix.models.prediction import Unpredicted

ADDR, SHARE = "set SO_REUSEADDR 1;", "set SO_REUSEPORT 1;"


def test_a_specific_listener_goes_before_a_wildcard() -> None:
    """__inet_lookup_listener: the chain of the address, then that of the wildcard."""
    script = f"A: socket tcp4; {SHARE} bind any4; listen\nB: socket tcp4; {SHARE} bind lo4; listen\n"
    [told] = play(script + "S: call lo4").delivery.values()
    assert (told.word, told.who) == ("one", ("B",))


def test_listeners_that_share_get_connections_in_turns_of_a_hash() -> None:
    """inet_lhash2_lookup, reuseport_select_sock."""
    line = f"socket tcp4; {SHARE} bind lo4; listen\n"
    [told] = play(f"A: {line}B: {line}S: call lo4").delivery.values()
    assert (told.word, told.by, told.who) == ("spread", "connection", ("A", "B"))


def test_a_device_is_worth_a_point() -> None:
    """compute_score (net/ipv4/inet_hashtables.c): bound to a device goes before AF_INET."""
    script = "A: socket tcp4; bind lo4; listen\n"
    script += "B: socket tcp6; set SO_BINDTODEVICE lo4; set IPV6_V6ONLY 0; bind mapped-lo"
    assert play(script).failed == {"B": "bind EADDRINUSE"}
    share = script.replace("bind ", f"{SHARE} bind ") + "; listen\nS: call lo4"
    assert play(share).delivery[""].word == "one"


CALLS = [
    ("X: socket tcp4; it = connect lo4", "ECONNREFUSED"),
    ("A: socket tcp4; bind lo4; listen\nX: socket tcp4; it = connect lo4", "ok"),
    ("A: socket tcp4; bind lo4; listen\nX: socket tcp4; connect lo4; it = connect lo4", "EISCONN"),
    ("A: socket tcp4; bind lo4; it = accept b", "EINVAL"),
    ("A: socket tcp4; bind lo4; listen; it = accept b", "nothing"),
    ("A: socket tcp4; bind lo4\nX: socket tcp4; it = connect lo4", "ECONNREFUSED"),
    ("A: socket tcp4; bind any4; listen\nX: socket tcp4; it = connect any4", "ok"),
    ("X: socket tcp4; it = connect group4", "ENETUNREACH"),
    ("X: socket tcp4; it = connect subnet-bcast", "ENETUNREACH"),
    ("A: socket udp4; it = listen", "EOPNOTSUPP"),
    ("A: socket tcp4; listen; it = listen", "ok"),
]


@pytest.mark.parametrize(("script", "expected"), CALLS)
def test_calls(script: str, expected: str) -> None:
    """tcp_v4_connect, inet_listen, inet_csk_accept."""
    assert notes(script) == {"it": expected}


def test_a_four_tuple_is_there_once() -> None:
    """__inet_check_established: EADDRNOTAVAIL, even where the port may be shared."""
    script = f"A: socket tcp4; bind lo4; listen\nX: socket tcp4; {ADDR} bind lo4 P+1; connect lo4\n"
    script += f"Y: socket tcp4; {ADDR} bind lo4 P+1; it = connect lo4"
    assert notes(script) == {"it": "EADDRNOTAVAIL"}


def test_whoever_closes_first_leaves_a_port_behind() -> None:
    """TIME_WAIT: bind() takes it over with SO_REUSEADDR on both; a reset leaves none."""
    script = f"A: socket tcp4; {ADDR} bind lo4; listen\nX: socket tcp4; connect lo4\nA: accept c\n"
    script += "A.c: ENDS\nX: close\nA: close\nA: socket tcp4; OPTION it = bind lo4; left = waits"
    for ends, option, expected in (
        ("close", "", {"it": "EADDRINUSE", "left": "60"}),
        ("close", ADDR, {"it": "ok", "left": "60"}),
        ("reset", "", {"it": "ok", "left": "none"}),
    ):
        assert notes(script.replace("ENDS", ends).replace("OPTION", option)) == expected


@pytest.mark.parametrize(
    ("version", "name"), [((5, 10, 46), "lo4:0"), ((5, 10, 157), "any4:0"), ((6, 18, 44), "any4:0")]
)
def test_what_is_left_of_a_connect_that_found_no_port(version: tuple[int, int, int], name: str) -> None:
    """The address of the route, until "dccp/tcp: Reset saddr on failure after inet6?_hash_connect()"."""
    script = (
        "A: socket tcp4; bind any4; listen\nB: socket tcp4; bind lo4 0\nB.b: socket tcp4; bind lo4 0\n"
    )
    script += "X: socket tcp4; it = connect lo4; name = name"
    seen = notes(script, "one-port-range", version=version)
    assert seen == {"it": "EADDRNOTAVAIL", "name": name}


def test_a_refused_connect_can_be_tried_again() -> None:
    """What waits hears of the refusal, and is unbound again (__inet_stream_connect, tcp_disconnect)."""
    script = "X: socket tcp4; one = connect lo4; name = name\nA: socket tcp4; bind lo4; listen\n"
    seen = notes(script + "X: two = connect lo4")
    assert seen == {"one": "ECONNREFUSED", "name": "any4:ephemeral", "two": "ok"}


def test_streams() -> None:
    """What is sent arrives, and the end of it."""
    script = "A: socket tcp4; bind lo4; listen\nX: socket tcp4; connect lo4\nA: accept c\n"
    script += "X: sent = send size=100\nA.c: got = receive\nX: close\nA.c: end = receive"
    assert notes(script) == {"sent": "ok", "got": "heard=sent size=100", "end": "eof"}


def test_a_socket_may_call_itself() -> None:
    """A simultaneous open of one socket (RFC 9293, 3.5)."""
    assert notes("X: socket tcp4; bind lo4 P+1; it = connect lo4 P+1; with = peer") == {
        "it": "ok",
        "with": "lo4:P+1",
    }


FAST = "send any4 size=0 flags=MSG_FASTOPEN"


def test_a_socket_may_call_itself_by_fast_open() -> None:
    """tcp_sendmsg_fastopen does not wait; whoever wants the same four-tuple then is told of it."""
    reuse = "socket tcp4; set SO_REUSEADDR 1; bind any4"
    script = f"X: {reuse}; opened = {FAST}; peer = peer\nA: {reuse}; again = {FAST}; listen = listen"
    assert notes(script) == {
        "opened": "EINPROGRESS",
        "peer": "lo4:P",
        "again": "EADDRNOTAVAIL",
        "listen": "ok",
    }
    assert notes(f"X: {reuse}; {FAST}\nX: it = {FAST}")["it"] == "EISCONN"
    with pytest.raises(Unpredicted, match="SYN"):
        play("X: socket tcp4; it = send lo4 flags=MSG_FASTOPEN")
