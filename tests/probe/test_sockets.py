"""Acts on a socket as such: closed, bound, listening, its options and memberships."""

from __future__ import annotations

import errno
import socket
import struct
from typing import Any

import pytest
import sockets
from fake_places import GROUP, HERE, PORT, Fake, at


def test_a_closed_socket_is_none() -> None:
    """What is done with it afterwards fails as a call on a closed descriptor does."""
    place = at(Fake())
    assert sockets.close(place) == "ok"
    with pytest.raises(OSError, match="no such socket"):
        sockets.name(place)


def test_a_datagram_socket_hears_from_its_bind_on() -> None:
    """Whatever turn made it; a stream does not, before it listens."""
    place = at(Fake())
    sockets.bind(place, "127.0.0.1", "P")
    assert place.role.is_open(5)
    stream = at(Fake(kind=int(socket.SOCK_STREAM)))
    sockets.bind(stream, "127.0.0.1", "P")
    assert not stream.role.is_open(5)
    sockets.listen(stream, 8)
    assert stream.role.is_open(5)
    sockets.shutdown(stream)
    assert not stream.role.is_open(5)


def test_a_group_is_packed_into_the_structure_of_a_membership() -> None:
    """ip(7): struct ip_mreq; the address is the trial's own."""
    sock = Fake()
    sockets.member(at(sock), 0, 35, [("group4",), socket.inet_aton("198.51.100.1")])
    wanted = socket.inet_aton(GROUP) + socket.inet_aton("198.51.100.1")
    assert sock.calls == [("setsockopt", 0, 35, wanted)]


def test_options_are_told_as_numbers_errors_and_symbols() -> None:
    """SO_ERROR by name, an address and an interface by what the lab calls them."""
    sock = Fake()
    sock.options = {(1, 4): errno.ECONNREFUSED, (1, 2): 1, (41, 17): 2}
    place = at(sock)
    assert sockets.get_option(place, 1, 4, "error") == "ECONNREFUSED"
    assert sockets.get_option(place, 1, 2, "") == "1"
    assert sockets.get_option(place, 41, 17, "index") == "if"
    sock.options = {(1, 4): 0, (0, 32): socket.inet_aton("198.51.100.1")}  # type: ignore[dict-item]
    assert sockets.get_option(place, 1, 4, "error") == "0"
    assert sockets.get_option(place, 0, 32, "address4") == "if4"


def test_a_datagram_socket_is_connected_at_once() -> None:
    """There is no handshake; a scope goes along."""
    sock = Fake()
    assert sockets.connect(at(sock), "fe80::1", "P+1", 2) == "ok"
    assert ("connect", ("fe80::1", PORT + 1, 0, 2)) in sock.calls
    assert sock.calls[-1] == ("settimeout", 0)


TIMES = (socket.SOL_SOCKET, socket.SO_SNDTIMEO)
UNSET = struct.pack("=qq", 0, 0)


def stream(*, before: bytes = UNSET) -> Fake:
    """Return a stream with its SO_SNDTIMEO."""
    sock = Fake(kind=int(socket.SOCK_STREAM))
    sock.options = {TIMES: before}  # type: ignore[dict-item]
    return sock


@pytest.mark.parametrize(
    ("before", "patience"),
    [
        (UNSET, struct.pack("=qq", 1, 0)),
        (struct.pack("=ii", 0, 7), struct.pack("=ii", 1, 0)),  # a system whose time has 32 bits
    ],
)
@pytest.mark.parametrize("refused", [False, True])
def test_linux_waits_for_the_handshake_in_the_kernel(
    before: bytes, patience: bytes, refused: bool
) -> None:
    """As long as SO_SNDTIMEO says, which is put back whatever came of it."""
    sock = stream(before=before)
    refuse(sock, ConnectionRefusedError(errno.ECONNREFUSED, "") if refused else None)
    if refused:
        with pytest.raises(ConnectionRefusedError):
            sockets.connect(at(sock), "127.0.0.1", "P")
    else:
        assert sockets.connect(at(sock), "127.0.0.1", "P") == "ok"
    assert sock.calls == [
        ("setsockopt", *TIMES, patience),
        ("setblocking", True),
        ("connect", ("127.0.0.1", PORT)),
        ("setblocking", False),
        ("setsockopt", *TIMES, before),
    ]


def refuse(sock: Fake, error: OSError | None) -> None:
    """Let a connect fail."""

    def connect(to: Any) -> None:
        sock.calls.append(("connect", to))
        if error is not None:
            raise error

    sock.connect = connect  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("number", "told"),
    [("EINPROGRESS", "ETIMEDOUT"), ("EALREADY", "EALREADY"), ("EAGAIN", "EAGAIN")],
)
def test_a_handshake_that_takes_too_long_is_timed_out(number: str, told: str) -> None:
    """SO_SNDTIMEO makes EINPROGRESS of it (socket(7)); what else would block is told as it is."""
    sock = stream()
    refuse(sock, BlockingIOError(getattr(errno, number), ""))
    with pytest.raises(OSError) as raised:  # noqa: PT011 - its number matters
        sockets.connect(at(sock), "127.0.0.1", "P")
    assert raised.value.errno == getattr(errno, told)
    assert sock.calls[-1] == ("setsockopt", *TIMES, UNSET)


def test_other_systems_wait_for_the_handshake_without_blocking() -> None:
    """They need no SO_SNDTIMEO for it."""
    sock = stream()
    place = at(sock)
    place.role.here(HERE._replace(system="freebsd"), [])
    sockets.connect(place, "127.0.0.1", "P")
    assert sock.calls == [
        ("settimeout", sockets.CONNECT_PATIENCE),
        ("connect", ("127.0.0.1", PORT)),
        ("settimeout", 0),
    ]


@pytest.mark.parametrize(("system", "packed"), [("linux", "@ii"), ("windows", "@HH")])
def test_a_reset_leaves_nothing_behind(system: str, packed: str) -> None:
    """SO_LINGER 0 before close(2); Winsock's structure is shorter."""
    sock = stream()
    place = at(sock)
    place.role.here(HERE._replace(system=system), [])
    assert sockets.reset(place) == "ok"
    linger = (socket.SOL_SOCKET, socket.SO_LINGER, struct.pack(packed, 1, 0))
    assert sock.calls == [("setsockopt", *linger), ("close",)]
    assert place.role.sockets == {}


def test_a_program_chooses_the_worker() -> None:
    """One instruction, BPF_RET | BPF_K, and how many there are (struct sock_fprog)."""
    sock = Fake()
    assert sockets.balance(at(sock), 3) == "ok"
    [(_, level, option, descriptor)] = sock.calls
    assert (level, option) == (socket.SOL_SOCKET, 51)
    assert struct.unpack_from("@H", descriptor) == (1,)
    assert len(descriptor) == struct.calcsize("@HP")


def test_an_accepted_connection_has_a_name() -> None:
    """It takes the place of what had that name."""
    old, new = Fake(), Fake()
    sock = stream()
    sock.accept = lambda: (new, ("127.0.0.1", 1))  # type: ignore[attr-defined]
    place = at(sock)
    place.role.sibling("c").sockets[5] = old  # type: ignore[assignment]
    assert sockets.accept(place, "c") == "ok"
    assert place.role.sibling("c").sockets[5] is new  # type: ignore[comparison-overlap]
    assert (old.calls, new.calls) == ([("close",)], [("setblocking", False)])
    assert place.role.sockets[5] is sock  # type: ignore[comparison-overlap]


def test_a_device_is_told_as_the_lab_calls_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """SO_BINDTODEVICE gives its name (socket(7)), empty for none."""
    sock = Fake()
    place = at(sock)
    monkeypatch.setattr(socket, "if_nametoindex", {"lab0": 2, "eth9": 9}.__getitem__)
    for found, told in ((b"lab0\0\0", "if"), (b"eth9\0", "other"), (b"\0" * 16, "none"), (b"", "none")):
        sock.options = {(1, 25): found}  # type: ignore[dict-item]
        assert sockets.get_option(place, 1, 25, "text") == told
    sock.options = {(41, 17): 0}
    assert sockets.get_option(place, 41, 17, "index") == "0"
    sock.options = {(41, 17): 77}
    assert sockets.get_option(place, 41, 17, "index") == "other"
