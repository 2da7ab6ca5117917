"""The lab: symbols and permissions as pure functions, and real labs made in child processes."""

from __future__ import annotations

import errno
import json
import os
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import checkup
import groups
import interfaces
import lab
import namespaces
import pytest
import symbols
from childlab import finish, finish_as_nobody, linux, start
from interfaces import Interface
from namespaces import CANARY, LOOPBACK, MAPS, NETWORK_NAMESPACE, USER_NAMESPACE, Failure

if TYPE_CHECKING:
    from collections.abc import Sequence

LOOPBACK_INTERFACE = Interface("lo", 1, "127.0.0.1", None, "255.0.0.0", "::1", True)
LINK = Interface("eth0", 2, "192.0.2.77", "192.0.2.127", "255.255.255.192", "2001:db8:1::5", False)
LINK4 = Interface("eth1", 3, "192.0.2.130", "192.0.2.255", "255.255.255.128", None, False)


# Pure decisions: why there is no private network


@pytest.mark.parametrize(
    ("failure", "settings", "root", "expected"),
    [
        (
            Failure(USER_NAMESPACE, errno.EPERM),
            {"kernel.unprivileged_userns_clone": "0"},
            False,
            "kernel.unprivileged_userns_clone is 0",
        ),
        (
            Failure(USER_NAMESPACE, errno.ENOSPC),
            {"user.max_user_namespaces": "0"},
            False,
            "user.max_user_namespaces is 0",
        ),
        (
            Failure(NETWORK_NAMESPACE, errno.ENOSPC),
            {"user.max_net_namespaces": "0"},
            True,
            "user.max_net_namespaces is 0",
        ),
        (
            Failure(MAPS, errno.EPERM),
            {"kernel.apparmor_restrict_unprivileged_userns": "1"},
            False,
            "kernel.apparmor_restrict_unprivileged_userns is 1",
        ),
        (
            Failure(LOOPBACK, errno.EPERM),
            {"kernel.apparmor_restrict_unprivileged_userns": "1"},
            False,
            "without capabilities",
        ),
        (
            Failure(NETWORK_NAMESPACE, errno.EPERM),
            {
                "kernel.unprivileged_userns_clone": "0",
                "kernel.apparmor_restrict_unprivileged_userns": "1",
                "user.max_user_namespaces": "0",
            },
            True,
            "not permitted, as in many containers and sandboxes (the network namespace: EPERM)",
        ),
        (
            Failure(USER_NAMESPACE, errno.EPERM),
            {
                "kernel.unprivileged_userns_clone": "1",
                "kernel.apparmor_restrict_unprivileged_userns": "0",
                "user.max_user_namespaces": "15000",
            },
            False,
            "not permitted",
        ),
        (Failure(USER_NAMESPACE, errno.ENOSPC), {}, False, "a limit on namespaces is reached"),
        (Failure(NETWORK_NAMESPACE, errno.EINVAL), {}, True, "this kernel has none"),
        (Failure(CANARY, errno.ETIMEDOUT), {}, True, "was not heard (ETIMEDOUT)"),
        (Failure(LOOPBACK, errno.ENODEV), {}, True, "the loopback interface failed (ENODEV)"),
        (Failure("child process for it (root)", 0), {}, True, "failed (no errno)"),
    ],
)
def test_a_refusal_names_the_switch_that_applies(
    failure: Failure, settings: dict[str, str | None], expected: str, *, root: bool
) -> None:
    """Each known cause has a sentence of its own, and root is not told of switches for users."""
    reason = namespaces.refusal(failure, settings, root=root)
    assert reason.startswith("no private network: ")
    assert expected in reason


def test_the_order_is_kept_by_linux_alone() -> None:
    """Elsewhere the fence is followed by a moment of waiting."""
    assert [name for name in ("linux", "gvisor", "macos", "windows") if lab.keeps_order(name)] == [
        "linux"
    ]


def test_ports_of_a_system_that_does_not_say() -> None:
    """By the platform's name: Windows is not asked, for that takes a second."""
    assert [name for name in ("win32", "linux", "darwin") if lab.asking_is_slow(name)] == ["win32"]
    assert lab.default_ports("win32") == (49152, 65535)
    assert lab.default_ports("darwin") == lab.default_ports("freebsd14") == (32768, 65535)


def test_settings_that_the_ports_given_out_do_not_keep_to_are_not_this_namespaces() -> None:
    """The ports are those of gVisor, whose namespaces all show the settings of the first."""
    assert namespaces.within("32768 60999", [32768, 60999])
    assert not namespaces.within("32768 60999", [40000, 16067])
    assert not namespaces.within("32768\t60999", [65531])
    assert namespaces.within("", [16067])  # no such setting: nothing to keep to


def test_only_root_tries_without_a_user_namespace() -> None:
    """Root may lack CAP_SYS_ADMIN in a container, and then tries like an ordinary user."""
    assert namespaces.candidates(0) == ("root", "user namespace")
    assert namespaces.candidates(1000) == ("user namespace",)


@pytest.fixture
def refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pretend a Linux whose AppArmor grants user namespaces without capabilities."""

    def rehearse(how: str, proof: object) -> Failure:
        return Failure(MAPS, errno.EPERM)

    monkeypatch.setattr(namespaces, "supported", lambda: True)
    monkeypatch.setattr(namespaces, "rehearse", rehearse)
    monkeypatch.setattr(namespaces, "require_one_thread", lambda: None)
    monkeypatch.setattr(
        namespaces,
        "permissions",
        lambda: {"kernel.apparmor_restrict_unprivileged_userns": "1"},
    )
    monkeypatch.setattr(os, "geteuid", lambda: 1000, raising=False)
    monkeypatch.setattr(lab, "_probe_ipv6", lambda: (True, True))


@pytest.mark.usefixtures("refused")
def test_auto_falls_back_to_the_host_and_says_why() -> None:
    """Without a private network "auto" gives the host lab, with the reason."""
    here = lab.enter("auto", allow_lan=False)
    assert (here.kind, here.how) == ("host", "host")
    assert "kernel.apparmor_restrict_unprivileged_userns is 1" in str(here.reason)


@pytest.mark.usefixtures("refused")
def test_private_is_refused_with_the_reason() -> None:
    """Without a private network "private" is an error, never silently something else."""
    with pytest.raises(lab.LabError, match="AppArmor"):
        lab.enter("private", allow_lan=False)


def test_other_systems_have_no_private_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there are no namespaces the reason is the system itself."""
    monkeypatch.setattr(namespaces, "supported", lambda: False)
    monkeypatch.setattr(lab, "_probe_ipv6", lambda: (True, True))
    assert "Linux only" in str(lab.enter("auto", allow_lan=False).reason)
    assert lab.enter("host", allow_lan=False).reason is None
    assert [ok for _, ok, _ in checkup.check()] == [False]


def test_an_unknown_kind_of_lab_is_a_mistake() -> None:
    """A misspelt lab is never taken for "auto"."""
    with pytest.raises(ValueError, match="unknown lab"):
        lab.enter("public", allow_lan=False)


# Symbols


def make(
    monkeypatch: pytest.MonkeyPatch,
    own: Sequence[Interface] = (LOOPBACK_INTERFACE, LINK),
    ipv6: tuple[bool, bool] = (True, True),
    **arguments: Any,
) -> lab.Lab:
    """Make a lab from the interfaces given, touching no socket."""
    monkeypatch.setattr(lab, "_probe_ipv6", lambda: ipv6)
    return lab.Lab(how="test", own=lambda: own, **arguments)


@pytest.mark.parametrize(
    ("symbol", "expected"),
    [
        ("any4", "0.0.0.0"),
        ("lo4", "127.0.0.1"),
        ("lo4b", "127.0.0.2"),
        ("if4", "192.0.2.77"),
        ("lobcast", "127.255.255.255"),
        ("lonet", "127.0.0.0"),
        ("subnet-bcast", "192.0.2.127"),
        ("subnet-net", "192.0.2.64"),
        ("limited", "255.255.255.255"),
        ("any6", "::"),
        ("any6only", "::"),
        ("lo6", "::1"),
        ("if6", "2001:db8:1::5"),
        ("mapped-any", "::ffff:0.0.0.0"),
        ("mapped-lo", "::ffff:127.0.0.1"),
    ],
)
def test_symbols_resolve_to_addresses(
    monkeypatch: pytest.MonkeyPatch, symbol: str, expected: str
) -> None:
    """Every symbol of the matrix has its address, those of a link from the interface's facts."""
    assert make(monkeypatch).address(symbol, 0) == expected


@pytest.mark.parametrize("private", [False, True])
def test_each_slot_has_a_group_of_its_own(monkeypatch: pytest.MonkeyPatch, private: bool) -> None:
    """Membership is per host, so the cells of a batch never share a group; all are 239.192/14."""
    here = make(monkeypatch, private=private)
    groups = {here.address("group4", slot) for slot in range(4096)}
    assert len(groups) == 4096
    assert all(192 <= int(group.split(".")[1]) <= 195 for group in groups)
    assert all(group.startswith("239.") for group in groups)
    for slot in (-1, 4096):
        with pytest.raises(ValueError, match="slot"):
            here.address("group4", slot)


def test_an_unknown_symbol_is_a_mistake(monkeypatch: pytest.MonkeyPatch) -> None:
    """A misspelt symbol must not look like something this lab lacks."""
    here = make(monkeypatch)
    with pytest.raises(ValueError, match="unknown address"):
        here.address("if5", 0)
    with pytest.raises(ValueError, match="unknown interface"):
        here.interface("any4")


def unavailable(here: lab.Lab, symbol: str) -> str | None:
    """Return why a lab has no such address, None if it has."""
    try:
        here.address(symbol, 0)
    except lab.Unavailable as lacking:
        return lacking.reason
    return None


def test_without_a_link_nothing_stands_in_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """A private lab without a device beside lo skips what needs one."""
    here = make(monkeypatch, own=(LOOPBACK_INTERFACE,), private=True, link_error="EOPNOTSUPP")
    for symbol in ("if4", "if6", "subnet-bcast", "subnet-net", "limited"):
        assert unavailable(here, symbol) == "no link device"
        assert here.allows_send(symbol, None) == "no link device"
    assert here.allows_send("group4", "if4") == "no link device"
    assert here.allows_join("group4", "if4") == "no link device"
    assert here.allows_send("group4", "lo4") is None
    assert here.allows_send("lobcast", None) is None
    assert unavailable(here, "any6") is None


def test_without_ipv6_its_symbols_are_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    """No IPv6 sockets: none of the symbols; sockets but no ::1: only what needs the address."""
    none = make(monkeypatch, ipv6=(False, False))
    for symbol in ("any6", "any6only", "lo6", "if6", "mapped-any", "mapped-lo"):
        assert unavailable(none, symbol) == "no IPv6 here"
    off = make(monkeypatch, own=(LOOPBACK_INTERFACE, LINK4), ipv6=(True, False))
    assert unavailable(off, "lo6") == unavailable(off, "if6") == "no IPv6 here"
    assert unavailable(off, "any6") is None


def test_a_host_that_lists_no_interfaces_still_has_its_loopback(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An empty list makes the link's symbols unavailable, and nothing else."""
    here = make(monkeypatch, own=())
    for symbol in ("if4", "if6", "subnet-bcast", "subnet-net"):
        assert unavailable(here, symbol) == "no interface address here"
    assert here.interface("lo4").ipv4 == "127.0.0.1"


def test_interfaces_by_family(monkeypatch: pytest.MonkeyPatch) -> None:
    """An interface without the family asked for is passed over."""
    here = make(monkeypatch, own=(LINK4, LOOPBACK_INTERFACE, LINK))
    assert here.interface("if4") is LINK4
    assert here.interface("if6") is LINK
    assert here.interface("lo6") is LOOPBACK_INTERFACE


def test_interfaces_without_a_family_and_those_that_are_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """`if` is the interface of if4; `none` has index 0, and `bad` one that no interface has."""
    here = make(monkeypatch, own=(LINK4, LOOPBACK_INTERFACE, LINK))
    assert here.interface("if") is LINK4
    assert here.interface("lo") is LOOPBACK_INTERFACE
    assert here.device("if6") == ("eth0", 2)
    assert here.device("none") == ("", 0)
    name, index = here.device("bad")
    assert index not in (0, 1, 2, 3)
    assert name not in ("lo", "eth0", "eth1", "")
    taken = LINK4._replace(index=index)
    assert make(monkeypatch, own=(LOOPBACK_INTERFACE, taken)).device("bad")[1] != index
    with pytest.raises(ValueError, match="unknown interface"):
        here.device("if5")


def test_a_second_link_is_never_guessed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Which interface of a machine would be the second one nobody can say."""
    here = make(monkeypatch, own=(LOOPBACK_INTERFACE, LINK, LINK4))
    for symbol in ("if4b", "if6b", "subnet-bcast-b"):
        assert unavailable(here, symbol) == "no second link here"
    with pytest.raises(lab.Unavailable, match="no second link"):
        here.device("ifb")


def test_other_hosts_and_odd_addresses_are_those_of_layouts(monkeypatch: pytest.MonkeyPatch) -> None:
    """A lab that was not made so has none, whatever its machine's addresses are; h1 is itself."""
    here = make(monkeypatch)
    assert unavailable(here, "h2") == unavailable(here, "h2-6") == "no host h2 here"
    assert unavailable(here, "zero8") == unavailable(here, "h2-class-e") == "not an address of this lab"
    assert here.address("h1", 0) == "192.0.2.77"
    assert here.hosts == {}
    assert here.descriptors == ()
    for ask in (here.fences, here.devices, here.names):
        with pytest.raises(lab.Unavailable, match="no host h3"):
            ask("h3")


def test_groups_are_those_of_the_slot(monkeypatch: pytest.MonkeyPatch) -> None:
    """All follow from the slot's group4, as a role finds them, and IPv6 ones need IPv6."""
    here = make(monkeypatch, private=True)
    group4 = here.address("group4", 5)
    for symbol in groups.SYMBOLS:
        assert here.address(symbol, 5) == groups.of(symbol, group4)
    none = make(monkeypatch, ipv6=(False, False))
    assert {symbol for symbol in groups.SYMBOLS if unavailable(none, symbol)} == groups.IPV6


def test_the_link_local_address_is_told_where_it_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """An interface with a global address does not list its link-local one (interfaces.Interface)."""
    local = LINK._replace(ipv6="fe80::5%2")
    here = make(monkeypatch, own=(LOOPBACK_INTERFACE, local))
    assert here.address("link6", 0) == "fe80::5%2"
    assert {here.names()[one] for one in ("fe80::5", "fe80::5%2", "fe80::5%eth0")} == {"if6"}
    assert unavailable(make(monkeypatch), "link6") == "no link-local address here"


def test_mapped_addresses_follow_the_interface(monkeypatch: pytest.MonkeyPatch) -> None:
    """::ffff:0:0/96 of RFC 4291, 2.5.5.2; nothing to map is nothing there."""
    assert make(monkeypatch).address("mapped-if4", 0) == "::ffff:192.0.2.77"
    assert unavailable(make(monkeypatch, own=(LOOPBACK_INTERFACE,)), "mapped-if4") is not None


def test_names_and_devices_are_the_way_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every address that a symbol stands for here has a name; the name is the symbol, or an elder one."""
    here = make(monkeypatch, own=(LOOPBACK_INTERFACE, LINK, LINK4))
    names = here.names()
    elder = {"any6only": "any6", "h1": "if4", "h1-6": "if6", "nonlocal4": "if4"}
    for symbol in (*symbols.ADDRESSES, *symbols.OF_LINK, *symbols.OF_HOST):
        if unavailable(here, symbol) is None and symbol != "nonlocal4":
            assert names[here.address(symbol, 0)] == elder.get(symbol, symbol)
    assert here.devices() == {1: "lo", 2: "if"}


def test_fences_are_on_every_own_interface(monkeypatch: pytest.MonkeyPatch) -> None:
    """By family and address, in this process's own network."""
    here = make(monkeypatch, own=(LOOPBACK_INTERFACE, LINK4))
    ipv4, ipv6 = int(socket.AF_INET), int(socket.AF_INET6)
    expected = [(ipv4, "127.0.0.1", None), (ipv6, "::1", None), (ipv4, "192.0.2.130", None)]
    assert here.fences() == expected
    assert make(monkeypatch, own=(), ipv6=(False, False)).fences() == expected[:1]


# What may leave the machine


@pytest.mark.parametrize(
    ("destination", "via", "stays"),
    [
        *[
            (symbol, None, True)
            for symbol in (
                *("lo4", "lo4b", "lo4-30", "lonet", "lobcast", "lo6", "mapped-lo", "if4", "if6"),
                *("link6", "mapped-if4", "any4", "any6", "any6only", "mapped-any"),
            )
        ],
        *[
            (symbol, None, False)
            for symbol in (
                *("nonlocal4", "nonlocal6", "zero8", "class-e", "h2", "h2-6", "h3", "if4b", "if6b"),
                *("subnet-bcast-b", "h2-lowest", "mapped-nonlocal4"),
            )
        ],
        ("group4", "lo4", True),
        ("group4", "if4", False),
        ("group4", None, False),
        ("limited", None, False),
        ("limited", "lo4", False),
        ("subnet-bcast", None, False),
        ("subnet-bcast", "lo4", False),
        ("subnet-net", None, False),
        ("anything-new", None, False),
    ],
)
def test_the_host_lab_sends_only_what_stays(
    monkeypatch: pytest.MonkeyPatch, destination: str, via: str | None, stays: bool
) -> None:
    """Without --allow-lan what is not known to stay is skipped; `via` counts for groups only."""
    expected = None if stays else "would leave this machine"
    assert make(monkeypatch).allows_send(destination, via) == expected
    assert make(monkeypatch, allow_lan=True).allows_send(destination, via) is None
    assert make(monkeypatch, private=True).allows_send(destination, via) is None


def test_the_host_lab_joins_on_loopback_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """A join on a real interface sends a report (RFC 3376), so it needs --allow-lan as well."""
    here = make(monkeypatch)
    assert here.allows_join("group4", "lo4") is None
    assert here.allows_join("group4", "if4") == "would leave this machine"
    assert make(monkeypatch, allow_lan=True).allows_join("group4", "if4") is None


@pytest.mark.parametrize("symbol", sorted(groups.SYMBOLS))
@pytest.mark.parametrize(
    "via", ["lo4", "lo6", "lo", "if4", "if6", "if", "if4b", "ifb", "none", "bad", None]
)
def test_no_group_leaves_the_host(monkeypatch: pytest.MonkeyPatch, symbol: str, via: str | None) -> None:
    """Only on loopback; and IPV6_MULTICAST_IF does not hold what goes to an IPv4-mapped group."""
    here = make(monkeypatch)
    stays = via in ("lo4", "lo6", "lo") and symbol != "mapped-group4"
    expected = None if stays else "would leave this machine"
    assert here.allows_send(symbol, via) == expected
    assert here.allows_join(symbol, via) == expected
    bare = make(monkeypatch, own=(LOOPBACK_INTERFACE,), private=True, link_error="EOPNOTSUPP")
    assert bare.allows_send(symbol, via) == (None if via in ("lo4", "lo6", "lo") else "no link device")
    assert make(monkeypatch, allow_lan=True).allows_send(symbol, via) is None
    assert make(monkeypatch, private=True).allows_join(symbol, via) is None


def test_multicast_on_the_host_has_ttl_0(monkeypatch: pytest.MonkeyPatch) -> None:
    """TTL 0 keeps a datagram on the machine even where the interface is not what it seems."""
    assert make(monkeypatch).multicast_ttl == 0
    assert make(monkeypatch, allow_lan=True).multicast_ttl == 1
    assert make(monkeypatch, private=True).multicast_ttl == 1


# Facts about the system


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (32768, 60999, (10000, 22000)),  # Linux
        (49152, 65535, (10000, 22000)),  # macOS, Windows
        (16000, 65535, (10000, 6000)),  # gVisor
        (10000, 65535, (2000, 8000)),  # FreeBSD
        (1024, 50000, (50001, 15535)),
        (1024, 65535, (10000, 22000)),  # nothing is left outside
    ],
)
def test_cell_ports_stay_outside_the_ephemeral_range(
    low: int, high: int, expected: tuple[int, int]
) -> None:
    """A port that the system gives out by itself may be taken at any moment."""
    assert lab.cell_ports(low, high) == expected


@pytest.mark.parametrize(("found", "expected"), [((16000, 65535), (10000, 6000)), (None, (10000, 22000))])
def test_a_lab_has_ports_even_where_the_system_does_not_tell(
    monkeypatch: pytest.MonkeyPatch,
    found: tuple[int, int] | None,
    expected: tuple[int, int],
) -> None:
    """The range that the system tells counts; without one it is given room."""
    monkeypatch.setattr(sys, "platform", "sunos5")
    monkeypatch.setattr(interfaces, "ephemeral_range", lambda: found)
    here = make(monkeypatch)
    assert (here.first_port, here.port_count) == expected


@pytest.mark.parametrize(
    ("release", "version", "expected"),
    [
        ("6.12.0", "#1 SMP", 0.0),
        ("4.4.0", "#1 SMP Sun Jan 10 15:06:54 PST 2016", 0.02),  # gVisor
    ],
)
def test_grace_is_given_where_the_order_of_datagrams_is_not_known(
    monkeypatch: pytest.MonkeyPatch, release: str, version: str, expected: float
) -> None:
    """On a Linux kernel a fence that has arrived proves what was sent before it."""
    monkeypatch.setattr(namespaces, "supported", lambda: True)
    monkeypatch.setattr(os, "uname", lambda: ("Linux", "", release, version, "x86_64"), raising=False)
    assert make(monkeypatch).grace == expected
    monkeypatch.setattr(namespaces, "supported", lambda: False)
    assert make(monkeypatch).grace == 0.02


def test_settings_that_reset_others_come_first() -> None:
    """Writing ip_forward resets the per-device settings (ip-sysctl.rst), so it is the first."""
    assert next(iter(namespaces.SETTINGS)) == "net.ipv4.ip_forward"
    assert not set(namespaces.SETTINGS) & set(namespaces.RECORDED)


# Real labs, each in a process of its own

_REPORT = """
def heard(here, symbol):
    try:
        return checkup._copies(here, symbol)
    except Exception as error:
        return repr(error)

before = os.readlink("/proc/self/ns/net")
here = enter()
facts = here.facts()
if facts["interfaces"]["link"]["kind"] == "none":
    report({"skipped": "no veth: " + facts["interfaces"]["link"]["error"]})
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
    limited = sock.sendto(b"x", (here.address("limited", 0), 20001))
ipv6 = True
try:
    with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as sock:
        sock.bind((here.address("if6", 0), 0))
        sock.listen(1)
        with socket.create_connection(sock.getsockname()[:2], 2):
            pass
        sock2 = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
        sock2.bind(("fe80::1", 0, 0, here.interface("if6").index))
        sock2.close()
except lab.Unavailable as lacking:
    ipv6 = lacking.reason
report({
    "moved": before != os.readlink("/proc/self/ns/net"),
    "kind": here.kind, "how": here.how, "reason": here.reason, "uid": os.geteuid(),
    "copies": {one: heard(here, one) for one in ("subnet-bcast", "limited", "group4")},
    "limited": limited, "ipv6": ipv6, "facts": facts,
    "addresses": [here.address(one, 0) for one in ("if4", "subnet-bcast", "subnet-net")],
    "names": sorted(name for _, name in socket.if_nameindex()),
    "ports": [here.first_port, here.port_count], "grace": here.grace,
    "inherited": [fd for fd in os.listdir("/proc/self/fd")
                  if fd.isdigit() and int(fd) > 2 and _inheritable(int(fd))],
    "routes": open("/proc/net/route").read().count("lab0"),
})
"""

_INHERITABLE = """
def _inheritable(fd):
    try:
        return os.get_inheritable(fd)
    except OSError:
        return False
"""


@pytest.fixture(scope="module", params=["self", "nobody"])
def entered(request: pytest.FixtureRequest) -> dict[str, Any]:
    """Report from a real private lab, made by the user who runs the tests and by nobody."""
    if sys.platform != "linux":
        pytest.skip("network namespaces exist on Linux only")
    script = _INHERITABLE + _REPORT
    value: dict[str, Any] = finish(start(script)) if request.param == "self" else finish_as_nobody(script)
    return value


def test_a_private_lab_is_another_network(entered: dict[str, Any]) -> None:
    """It has lo and its own link and nothing else, and says how it was made."""
    assert entered["moved"]
    assert entered["kind"] == "private"
    assert entered["how"] in ("root", "user namespace")
    assert entered["reason"] is None
    assert entered["uid"] == 0
    assert {"lo", "lab0"} <= set(entered["names"])
    assert "lab1" not in entered["names"]
    assert entered["addresses"] == ["198.51.100.1", "198.51.100.255", "198.51.100.0"]


def test_broadcast_and_multicast_are_heard_exactly_once(entered: dict[str, Any]) -> None:
    """Both ends of the veth in one namespace would hear each multicast twice."""
    assert entered["copies"] == {"subnet-bcast": 1, "limited": 1, "group4": 1}


def test_a_limited_broadcast_finds_its_way(entered: dict[str, Any]) -> None:
    """With a default route sending to 255.255.255.255 is no ENETUNREACH."""
    assert entered["limited"] == 1
    assert entered["routes"] == 3


def test_ipv6_addresses_are_usable_at_once(entered: dict[str, Any]) -> None:
    """Binding and connecting works right after entering, link-local included."""
    assert entered["ipv6"] in (True, "no IPv6 here")


def test_settings_are_set_and_recorded(entered: dict[str, Any]) -> None:
    """What this kernel shows of the settings is what the lab wants, the link's own included."""
    found = entered["facts"]["sysctls"]
    shown = {name: found[name] for name in namespaces.SETTINGS if name in found}
    if os.statvfs("/proc/sys").f_flag & os.ST_RDONLY:
        pytest.skip("/proc/sys is read-only here, as in many containers")
    assert shown == {name: namespaces.SETTINGS[name] for name in shown}
    assert found["net.ipv4.conf.lab0.rp_filter"] == "0"


def test_facts_tell_the_devices_without_names_or_addresses(entered: dict[str, Any]) -> None:
    """The flags of lo are those that the kernel gives it: up, but no multicast."""
    facts = entered["facts"]
    assert set(facts["interfaces"]) == {"lo", "link"}
    assert facts["interfaces"]["link"]["kind"] == "veth"
    assert "broadcast" in facts["interfaces"]["link"]["flags"]
    assert "multicast" not in facts["interfaces"]["lo"]["flags"]
    assert "198.51" not in json.dumps(facts)


def test_ports_grace_and_descriptors(entered: dict[str, Any]) -> None:
    """Ports follow from the lab's own ephemeral range; no descriptor leaks into a role."""
    assert entered["ports"] == [10000, 22000]
    assert entered["grace"] == 0.0
    assert entered["inherited"] == []


def host_network() -> dict[str, str]:
    """Describe what a lab sets, as it is in this process's own network."""
    return {
        **namespaces.read_settings(tuple(namespaces.SETTINGS)),
        "network": str(Path("/proc/self/ns/net").readlink()),
        "lab devices": str(Path("/proc/net/dev").read_text().count(" lab")),
        "lab routes": str(Path("/proc/net/route").read_text().count("lab0")),
    }


@linux
def test_two_labs_at_once_leave_each_other_and_the_host_alone() -> None:
    """Labs side by side have equal addresses and hear only themselves; the host stays as it was."""
    before = host_network()
    processes = [start(_INHERITABLE + _REPORT) for _ in range(2)]
    reports = [process.communicate(timeout=60) for process in processes]
    assert [process.returncode for process in processes] == [0, 0], reports
    values = [json.loads(out) for out, _ in reports]
    for value in values:
        if "skipped" in value:
            pytest.skip(value["skipped"])
        assert value["copies"] == {"subnet-bcast": 1, "limited": 1, "group4": 1}
    assert host_network() == before


@linux
def test_a_failed_rehearsal_leaves_no_half_entered_state() -> None:
    """When the canary dies in the rehearsal this process is still itself, in the host's network."""
    script = """
def dead():
    namespaces.step(namespaces.CANARY, namespaces._write, "/dev/full", "x")
lab.prove = dead
state = lambda: [os.readlink("/proc/self/ns/" + one) for one in ("net", "user")] + [os.geteuid()]
before = state()
lab._probe_ipv6 = lambda: (True, True)
here = lab.enter("auto", allow_lan=False)
report({"same": state() == before, "kind": here.kind, "reason": here.reason})
"""
    value = finish(start(script))
    assert value["same"]
    assert value["kind"] == "host"
    assert value["reason"].startswith("no private network: ")


@linux
def test_a_kernel_without_veth_still_gives_a_lab() -> None:
    """The lab then has lo only, and says what is missing."""
    script = """
def unknown(*arguments):
    raise OSError(95, "not supported")
netlink.new_veth = unknown
here = enter()
try:
    here.address("if4", 0)
except lab.Unavailable as lacking:
    reason = lacking.reason
report({"reason": reason, "kind": here.kind, "link": here.facts()["interfaces"]["link"],
        "lo": here.interface("lo4").ipv4, "names": [name for _, name in socket.if_nameindex()]})
"""
    value = finish(start(script))
    assert value["reason"] == "no link device"
    assert value["kind"] == "private"
    assert value["link"]["kind"] == "none"
    assert value["lo"] == "127.0.0.1"
    assert "lab0" not in value["names"]


@linux
def test_a_process_with_threads_is_refused() -> None:
    """unshare(2) would leave the other threads in the host's network."""
    script = """
import threading
stop = threading.Event()
threading.Thread(target=stop.wait, daemon=True).start()
try:
    lab.enter("auto", allow_lan=False)
except RuntimeError as error:
    report({"error": str(error)})
finally:
    stop.set()
"""
    assert "before any thread" in finish(start(script))["error"]


@linux
def test_a_child_that_fails_is_an_error_with_its_message() -> None:
    """What a child process raises reaches its parent as text; a killed one is told from that."""
    script = """
def killed():
    os.kill(os.getpid(), 9)
texts = []
for function in (lambda: 1 // 0, killed):
    try:
        namespaces.in_child(function)
    except ChildProcessError as error:
        texts.append(str(error))
rehearsed = namespaces.rehearse("root", killed) if os.geteuid() == 0 else None
report({"texts": texts, "value": namespaces.in_child(lambda: [1, None])})
"""
    value = finish(start(script))
    assert "ZeroDivisionError" in value["texts"][0]
    assert "wait status 9" in value["texts"][1]
    assert value["value"] == [1, None]


@linux
def test_the_doctor_tells_what_works_here() -> None:
    """Each check has a name, a verdict and a detail, and this process stays where it is."""
    script = """
before = os.readlink("/proc/self/ns/net")
report({"checks": checkup.check(), "same": before == os.readlink("/proc/self/ns/net")})
"""
    value = finish(start(script))
    assert value["same"]
    assert all(what and isinstance(ok, bool) and detail for what, ok, detail in value["checks"])
    worked = {what: ok for what, ok, _ in value["checks"]}
    if worked.get("veth"):
        assert worked["broadcast"]
        assert worked["multicast"]
        told = {what: detail for what, _, detail in value["checks"]}["layouts"]
        assert told.startswith("all ") if worked["layouts"] else ": " in told
