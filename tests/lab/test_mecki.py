"""Mecki's table for Linux since 3.9, cell by cell, on real sockets.

Source: Mecki's answer to "How do SO_REUSEADDR and SO_REUSEPORT differ?" (Stack Overflow 14388706). His
program tries pairs of 0.0.0.0, 127.0.0.1 and the interface's address (multicast: one group), UDP and TCP,
plain and listening, with neither option, or one of them on the first socket, the second, or both.

In the tables below a letter says from which of his sentences a result follows; a capital that the second
socket may bind, a small one that it gets EADDRINUSE.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from laboratory import Laboratory

    from sockmatrix.runfile import CellLine

SENTENCES = {
    "A": "introduction: two different addresses, neither of them the wildcard, never conflict",
    "B": "introduction: one address, or a wildcard and anything, conflict by default",
    "C": "Linux < 3.9, second exception: SO_REUSEADDR shares like SO_REUSEPORT, if both have set it",
    "D": "Linux >= 3.9: SO_REUSEPORT shares an address and port, if all have set it before they bind",
    "E": "Linux < 3.9, first exception: with a listening TCP socket on the port SO_REUSEADDR is ignored",
    "F": "BSD, multicast addresses: there SO_REUSEADDR is the same as SO_REUSEPORT",
}

COLUMNS = [
    ("none", "none"),
    ("addr", "none"), ("none", "addr"), ("addr", "addr"),
    ("port", "none"), ("none", "port"), ("port", "port"),
]  # fmt: skip

#                 neither   SO_REUSEADDR on        SO_REUSEPORT on
#   1st    2nd              1st   2nd   both       1st   2nd   both
UDP = """
    any4   any4   b         c     c     C          d     d     D
    any4   lo4    b         c     c     C          d     d     D
    any4   if4    b         c     c     C          d     d     D
    lo4    any4   b         c     c     C          d     d     D
    lo4    lo4    b         c     c     C          d     d     D
    lo4    if4    A         A     A     A          A     A     A
    if4    any4   b         c     c     C          d     d     D
    if4    lo4    A         A     A     A          A     A     A
    if4    if4    b         c     c     C          d     d     D
"""

MULTICAST = """
    group4 group4 b         f     f     F          f     f     F
"""

# Bound, not yet listening: the same as UDP.
TCP = UDP

TCP_LISTENING = """
    any4   any4   b         e     e     e          d     d     D
    any4   lo4    b         e     e     e          d     d     D
    any4   if4    b         e     e     e          d     d     D
    lo4    any4   b         e     e     e          d     d     D
    lo4    lo4    b         e     e     e          d     d     D
    lo4    if4    A         A     A     A          A     A     A
    if4    any4   b         e     e     e          d     d     D
    if4    lo4    A         A     A     A          A     A     A
    if4    if4    b         e     e     e          d     d     D
"""

KINDS = {
    "udp": ("transport:udp", UDP + MULTICAST),
    "tcp": ("transport:tcp", TCP),
    "tcp-listening": ("transport:tcp/listen:at-once", TCP_LISTENING),
}


def table() -> dict[tuple[str, str], str]:
    """Return the letter of every cell, by kind and id."""
    found = {}
    for kind, (axes, text) in KINDS.items():
        for line in text.split("\n"):
            if line.strip():
                first, second, *letters = line.split()
                for (one, other), letter in zip(COLUMNS, letters, strict=True):
                    found[kind, f"bind-conflicts/{axes}/A:{first}.{one}/B:{second}.{other}"] = letter
    return found


TABLE = table()


@pytest.fixture(scope="module")
def measured(laboratory: Laboratory) -> Mapping[str, CellLine]:
    """Measure the whole table at once."""
    return laboratory.outcomes(*(key for _, key in TABLE))


def test_the_table_is_complete() -> None:
    """Nine pairs of addresses and a group, seven ways to set the options, three kinds of socket."""
    assert len(TABLE) == (9 * 3 + 1) * 7
    assert {letter.upper() for letter in TABLE.values()} == set(SENTENCES)


@pytest.mark.parametrize(("kind", "cell"), TABLE, ids=[key.partition("/")[2] for _, key in TABLE])
def test_whether_the_second_socket_may_bind(
    measured: Mapping[str, CellLine], kind: str, cell: str
) -> None:
    """As the table says."""
    letter = TABLE[kind, cell]
    expected = {} if letter.isupper() else {"B": "EADDRINUSE"}
    assert measured[cell].bind == expected, SENTENCES[letter.upper()]


@pytest.mark.parametrize("cell", [key for kind, key in TABLE if kind == "tcp"])
def test_sockets_that_share_by_so_reuseaddr_cannot_both_listen(
    measured: Mapping[str, CellLine], cell: str
) -> None:
    """The first exception again: once the first one listens, the bind of the second is worth nothing."""
    shares = TABLE["tcp", cell] == "C"
    assert measured[cell].listen == ({"B": "EADDRINUSE"} if shares else {})


@pytest.mark.parametrize("address", ["any4", "lo4", "if4"])
@pytest.mark.parametrize(("kind", "by"), [("udp", "source port"), ("tcp-listening", "connection")])
def test_so_reuseport_distributes(
    measured: Mapping[str, CellLine], kind: str, by: str, address: str
) -> None:
    """Linux >= 3.9, the "special magic": datagrams and connections are spread over the sockets."""
    cell = f"bind-conflicts/{KINDS[kind][0]}/A:{address}.port/B:{address}.port"
    deliveries = measured[cell].delivery.values()
    assert deliveries
    for delivery in deliveries:
        assert (delivery.word, delivery.by, delivery.who) == ("spread", by, ("A", "B"))


@pytest.mark.parametrize("option", ["addr", "port"])
def test_sockets_bound_to_one_group_all_hear_it(measured: Mapping[str, CellLine], option: str) -> None:
    """What sharing a group is for."""
    cell = measured[f"bind-conflicts/transport:udp/A:group4.{option}/B:group4.{option}"]
    assert cell.delivery["group4"].word == "all"
    assert cell.open == 2
