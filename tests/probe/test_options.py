"""Which socket options exist on each system, with which numbers and which shape of value."""

from __future__ import annotations

import socket
import struct
import sys

import options
import pytest

BSD = {
    "SOL_SOCKET": 0xFFFF,
    "SO_REUSEADDR": 0x0004,
    "SO_REUSEPORT": 0x0200,
    "SO_BROADCAST": 0x0020,
    "SO_LINGER": 0x0080,
    "IPPROTO_IP": 0,
    "IPPROTO_IPV6": 41,
    "IP_MULTICAST_IF": 9,
    "IP_MULTICAST_TTL": 10,
    "IP_MULTICAST_LOOP": 11,
    "IP_ADD_MEMBERSHIP": 12,
    "IPV6_V6ONLY": 27,
}
LINUX = {
    "SOL_SOCKET": 1,
    "SO_REUSEADDR": 2,
    "SO_REUSEPORT": 15,
    "SO_BROADCAST": 6,
    "SO_LINGER": 13,
    "IPPROTO_IP": 0,
    "IPPROTO_IPV6": 41,
    "IP_MULTICAST_IF": 32,
    "IP_MULTICAST_TTL": 33,
    "IP_MULTICAST_LOOP": 34,
    "IP_ADD_MEMBERSHIP": 35,
    "IPV6_V6ONLY": 26,
}
WINDOWS = {key: value for key, value in BSD.items() if key != "SO_REUSEPORT"}
WINDOWS["SO_EXCLUSIVEADDRUSE"] = -5
ILLUMOS = {key: value for key, value in BSD.items() if key != "SO_REUSEPORT"}
ILLUMOS |= {
    "IP_MULTICAST_IF": 0x10,
    "IP_MULTICAST_TTL": 0x11,
    "IP_MULTICAST_LOOP": 0x12,
    "IP_ADD_MEMBERSHIP": 0x13,
    "IPV6_V6ONLY": 0x27,
}
SOLARIS = ILLUMOS | {"SO_REUSEPORT": 0x100E}

SYSTEMS = {
    "linux": LINUX,
    "android": LINUX,
    "darwin": BSD,
    "win32": WINDOWS,
    "freebsd14": BSD,
    "dragonfly6": BSD,
    "openbsd7": BSD,
    "netbsd10": BSD,
    "sunos5": SOLARIS,
}


@pytest.mark.parametrize("platform", SYSTEMS)
def test_the_numbers_of_the_system_are_used(platform: str) -> None:
    """A name that Python knows has Python's number, on the level it belongs to."""
    constants = SYSTEMS[platform]
    known = options.known(platform, constants)
    for name, number in constants.items():
        if name in options._OPTIONS:
            assert known[name][1] == number
    assert known["SO_REUSEADDR"][0] == constants["SOL_SOCKET"]
    assert known["IP_MULTICAST_TTL"][0] == 0
    assert known["IPV6_V6ONLY"][0] == 41


@pytest.mark.parametrize(
    ("platform", "name", "number"),
    [
        ("linux", "IP_MULTICAST_ALL", 49),
        ("linux", "IPV6_MULTICAST_ALL", 29),
        ("freebsd13", "SO_REUSEPORT_LB", 0x10000),
        ("win32", "EXCLUSIVE", -5),
        ("sunos5", "EXCLUSIVE", 0x1015),
    ],
)
def test_numbers_that_python_leaves_out(platform: str, name: str, number: int) -> None:
    """The tables add what no version of the socket module, or only a late one, has."""
    constants = dict(SYSTEMS.get(platform, BSD))
    constants.pop("SO_EXCLUSIVEADDRUSE", None)
    assert options.known(platform, constants)[name][1] == number


def test_python_knows_better_than_the_tables() -> None:
    """A number in the socket module, which follows the system's header, goes before a table's."""
    known = options.known("freebsd15", BSD | {"SO_REUSEPORT_LB": 0x20000})
    assert known["SO_REUSEPORT_LB"][1] == 0x20000


@pytest.mark.parametrize(
    ("platform", "constants", "absent"),
    [
        ("win32", WINDOWS, {"SO_REUSEPORT", "SO_REUSEPORT_LB", "IP_MULTICAST_ALL"}),
        ("win32", BSD, {"SO_REUSEPORT"}),
        ("darwin", BSD, {"SO_REUSEPORT_LB", "EXCLUSIVE", "IP_MULTICAST_ALL"}),
        ("linux", LINUX, {"SO_REUSEPORT_LB", "EXCLUSIVE"}),
        ("openbsd7", BSD, {"SO_REUSEPORT_LB", "EXCLUSIVE", "IP_MULTICAST_ALL"}),
        ("netbsd10", BSD, {"SO_REUSEPORT_LB", "EXCLUSIVE", "IP_MULTICAST_ALL"}),
        ("dragonfly6", BSD, {"SO_REUSEPORT_LB", "EXCLUSIVE"}),
        ("sunos5", ILLUMOS, {"SO_REUSEPORT", "SO_REUSEPORT_LB"}),
    ],
)
def test_absent_options(platform: str, constants: dict[str, int], absent: set[str]) -> None:
    """What a system does not have is left out, never given a number of another system."""
    assert not absent & set(options.known(platform, constants))


@pytest.mark.parametrize(("level", "number"), [(1, 15), (0xFFFF, 0x0200)])
def test_linux_reuseport_by_architecture(level: int, number: int) -> None:
    """Where Python has no SO_REUSEPORT, the number follows the numbering of the architecture."""
    constants = LINUX | {"SOL_SOCKET": level}
    del constants["SO_REUSEPORT"]
    assert options.known("linux", constants)["SO_REUSEPORT"] == (level, number, "int")


@pytest.mark.parametrize(
    ("platform", "packed"),
    [
        ("linux", 3),
        ("darwin", 3),
        ("freebsd14", 3),
        ("netbsd10", 3),
        ("dragonfly6", 3),
        ("win32", 3),
        ("openbsd7", b"\x03"),
        ("sunos5", b"\x03"),
    ],
)
def test_the_width_of_multicast_options(platform: str, packed: int | bytes) -> None:
    """OpenBSD and Solaris take exactly one byte for loop and TTL; the others take an int."""
    known = options.known(platform, SYSTEMS[platform])
    assert options.value(known["IP_MULTICAST_TTL"][2], 3) == packed
    assert options.value(known["IP_MULTICAST_LOOP"][2], 3) == packed
    assert options.value(known["SO_REUSEADDR"][2], 1) == 1


def test_other_values() -> None:
    """Linger is a structure of two shorts on Windows and of two ints elsewhere."""
    linger = options.known("linux", LINUX)["SO_LINGER"][2]
    assert options.value(linger, 0) == struct.pack("@ii", 1, 0)
    linger = options.known("win32", WINDOWS)["SO_LINGER"][2]
    assert options.value(linger, 0) == struct.pack("@HH", 1, 0)
    assert options.value(options.ADDRESS4, "127.0.0.1") == b"\x7f\0\0\1"
    with pytest.raises(ValueError, match="membership4"):
        options.value(options.MEMBERSHIP4, 1)


def test_memberships() -> None:
    """A membership is the group and the interface, by address or by index."""
    group = b"\xef\1\2\3"
    assert options.membership4("239.1.2.3", "127.0.0.1") == group + b"\x7f\0\0\1"
    by_index = group + bytes(4) + struct.pack("@i", 7)
    assert options.membership4_by_index("linux", "239.1.2.3", 7) == by_index
    assert options.membership4_by_index("freebsd14", "239.1.2.3", 7) == by_index
    assert options.membership4_by_index("win32", "239.1.2.3", 7) == group + b"\0\0\0\7"
    assert options.membership6("ff02::1", 7) == b"\xff\2" + bytes(13) + b"\1" + struct.pack("@I", 7)


@pytest.mark.parametrize("platform", ["darwin", "openbsd7", "netbsd10", "sunos5"])
def test_no_membership_by_index(platform: str) -> None:
    """Where the kernel would ignore the index and join elsewhere in silence, there is none."""
    assert options.membership4_by_index(platform, "239.1.2.3", 7) is None


@pytest.mark.parametrize("platform", SYSTEMS)
def test_sender_rules(platform: str) -> None:
    """Windows wants a member first and asks the receiver about loops; macOS minds the source."""
    rules = options.sender_rules(platform)
    windows = platform == "win32"
    assert rules.must_set_multicast_if
    assert rules.must_join_before_sending_on_loopback == windows
    assert rules.must_not_bind_sender_to_loopback == (platform == "darwin")
    assert options.multicast_loop_side(platform) == ("receiver" if windows else "sender")


@pytest.mark.parametrize(
    ("platform", "constants", "absent"),
    [
        ("linux", LINUX, {"lb": "SO_REUSEPORT_LB", "addr+lb": "SO_REUSEPORT_LB"}),
        ("freebsd14", BSD, {}),
        (
            "win32",
            WINDOWS,
            {
                "port": "SO_REUSEPORT",
                "addr+port": "SO_REUSEPORT",
                "lb": "SO_REUSEPORT_LB",
                "addr+lb": "SO_REUSEPORT_LB",
            },
        ),
        ("sunos5", SOLARIS, {"lb": "SO_REUSEPORT_LB", "addr+lb": "SO_REUSEPORT_LB"}),
    ],
)
def test_reuse_values(platform: str, constants: dict[str, int], absent: dict[str, str]) -> None:
    """Each reuse value names its options, and the one that is missing here."""
    found = options.reuse_values(platform, constants)
    missing = {key: reuse.absent for key, reuse in found.items() if reuse.absent is not None}
    if platform not in {"win32", "sunos5"}:
        absent = absent | {"exclusive": "EXCLUSIVE"}
    assert missing == absent
    assert found["none"].options == ()
    assert found["addr+port"].options == ("SO_REUSEADDR", "SO_REUSEPORT")


@pytest.mark.parametrize(
    ("platform", "name", "expected"),
    [
        # In the table of what nearly every cell sets
        ("linux", "SO_REUSEADDR", (1, 2, "int")),
        ("openbsd7", "IP_MULTICAST_TTL", (0, 10, "uchar")),
        ("win32", "EXCLUSIVE", (0xFFFF, -5, "int")),
        ("linux", "EXCLUSIVE", None),
        # Beyond it: from Python's constants, or from the headers where Python leaves a name out
        ("linux", "SO_RCVTIMEO", (1, 20, "int")),
        ("linux", "IP_PKTINFO", (0, 8, "int")),
        ("linux", "IPV6_RECVERR", (41, 25, "int")),
        ("linux", "UDP_CORK", (17, 1, "int")),
        ("linux", "TCP_NODELAY", (6, 1, "int")),
        ("linux", "MCAST_JOIN_GROUP", (0, 42, "int")),
        ("darwin", "IP_PKTINFO", None),
        ("freebsd14", "SO_BINDTODEVICE", None),
        ("win32", "IP_FREEBIND", None),
        ("win32", "SO_REUSEPORT", None),
        # What takes the symbol of an interface
        ("linux", "SO_BINDTODEVICE", (1, 25, options.DEVICE_NAME)),
        ("linux", "SO_BINDTOIFINDEX", (1, 62, options.INDEX)),
        ("linux", "IP_UNICAST_IF", (0, 50, options.INDEX_IN_NETWORK_ORDER)),
        ("linux", "IPV6_UNICAST_IF", (41, 76, options.INDEX_IN_NETWORK_ORDER)),
        ("linux", "IPV6_MULTICAST_IF", (41, 17, options.INDEX)),
        # What nobody knows
        ("linux", "SO_NO_SUCH_OPTION", None),
        ("linux", "AF_INET", None),
    ],
)
def test_any_option_is_found_by_its_name(
    platform: str, name: str, expected: tuple[int, int, str] | None
) -> None:
    """Level by the beginning of its name, number as this system has it, and what value it takes."""
    more = {
        "AF_INET": 2,
        "SO_RCVTIMEO": 20,
        "SO_BINDTODEVICE": 25,
        "TCP_NODELAY": 1,
        "MCAST_JOIN_GROUP": 42,
        "IPV6_MULTICAST_IF": 17,
    }
    constants = SYSTEMS[platform] | (more if platform == "linux" else {})
    assert options.find(platform, constants, name) == expected


def test_levels_are_those_of_the_system() -> None:
    """Python names IPPROTO_TCP and SOL_SOCKET nearly everywhere; the standards say the rest."""
    assert options.find("darwin", BSD | {"TCP_NODELAY": 1}, "TCP_NODELAY") == (6, 1, "int")
    assert options.find("darwin", BSD | {"TCP_X": 1, "IPPROTO_TCP": 7}, "TCP_X") == (7, 1, "int")
    nameless = {"SO_X": 3}
    assert options.find("linux", nameless, "SO_X") == (1, 3, "int")
    assert options.find("darwin", nameless, "SO_X") == (0xFFFF, 3, "int")
    assert options.find("darwin", {"IPV6_X": 3}, "IPV6_X") == (41, 3, "int")


def test_this_system() -> None:
    """The constants of the running Python are understood."""
    known = options.known(sys.platform, vars(socket))
    assert known["SO_REUSEADDR"] == (socket.SOL_SOCKET, socket.SO_REUSEADDR, "int")
    assert {"SO_BROADCAST", "IP_ADD_MEMBERSHIP", "IP_MULTICAST_IF"} <= set(known)
