"""Layouts: real networks in processes of their own, and what becomes of what a kernel lacks."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

import lab
import layouts
import namespaces
import pytest
import symbols
from childlab import finish, finish_as_nobody, linux, start

if TYPE_CHECKING:
    from collections.abc import Callable

HOSTS = {"hosts-2": 2, "hosts-3": 3, "gateway": 3, "odd-addresses": 2}

_HELPERS = """
def place(here, host):
    import contextlib
    return namespaces.inside(here.hosts[host]) if host in here.hosts else contextlib.nullcontext()

def udp(here, host, family=socket.AF_INET):
    with place(here, host):
        made = socket.socket(family, socket.SOCK_DGRAM)
    made.settimeout(2)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
    return made

def join(here, host, sock, symbol, interface="if"):
    index = here.device(interface, host)[1]
    group = here.address(symbol, 3)
    if sock.family == socket.AF_INET:
        ip_mreqn = socket.inet_aton(group) + struct.pack("@4si", b"", index)
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, ip_mreqn)
    else:
        ipv6_mreq = socket.inet_pton(socket.AF_INET6, group) + struct.pack("@i", index)
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, ipv6_mreq)

def via(here, host, sock, interface="if"):
    index = here.device(interface, host)[1]
    if sock.family == socket.AF_INET:
        ip_mreqn = struct.pack("@4s4si", b"", b"", index)
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, ip_mreqn)
    else:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, index)

def copies(sock, fence):
    heard = 0
    while sock.recv(16) != fence:
        heard += 1
    return heard

def attempt(function, *arguments):
    try:
        return function(*arguments)
    except lab.Unavailable as lacking:
        return "unavailable: " + lacking.reason
    except OSError as error:
        import errno
        return errno.errorcode.get(error.errno, str(error))

def tell(here):
    return {"unavailable": here.unavailable, "error": here._link_error, "kind": here.kind}
"""

# How often each host hears what one of them sends; only `members` join a group.
_DELIVERY = """
def delivery(here, kind, sender, members):
    version6 = kind.endswith("6") or kind.startswith("group6")
    family = socket.AF_INET6 if version6 else socket.AF_INET
    hosts = ["h1", *here.hosts]
    receivers = {host: udp(here, host, family) for host in hosts}
    for host, receiver in receivers.items():
        receiver.bind(("::" if version6 else "", 20001))
        if kind.startswith("group") and host in members:
            join(here, host, receiver, kind)
    own = {host: here.address(host + "-6" if version6 else host, 0) for host in hosts}
    speaker = udp(here, sender, family)
    if kind.startswith("group"):
        via(here, sender, speaker)
    for to in own.values() if kind.startswith("unicast") else [here.address(kind, 3)]:
        speaker.sendto(b"copy", (to, 20001))
    heard = {}
    for host, receiver in receivers.items():
        speaker.sendto(b"fence", (own[host], 20001))
        heard[host] = copies(receiver, b"fence")
        receiver.close()
    return heard
"""

_HOSTS = """
def neighbours(here, host):
    # RTM_GETNEIGH is 30, NLM_F_DUMP 0x300; struct ndmsg and NUD_PERMANENT (0x80): linux/neighbour.h
    ndmsg = struct.Struct("=BxHiHBB")
    with place(here, host), netlink.connect() as channel:
        answers = netlink.talk(channel, netlink.message(30, 0x300, ndmsg.pack(0, 0, 0, 0, 0, 0)))
    found = []
    for one in answers:
        family, _, _, state, _, _ = ndmsg.unpack_from(one)
        if state == 0x80:
            found.append(socket.inet_ntop(family, netlink.attributes(one[ndmsg.size:])[1]))
    return found

def fenced(here, host):
    heard = []
    for family, address, namespace in here.fences(host):
        with place(here, host) if namespace is None else namespaces.inside(namespace):
            fence = socket.socket(family, socket.SOCK_DGRAM)
        fence.settimeout(2)
        fence.bind((address, 0))
        with udp(here, host, family) as speaker:
            speaker.sendto(b"fence", fence.getsockname())
        heard.append([here.names(host)[address], fence.recv(16) == b"fence"])
        fence.close()
    return heard

here = enter(LAYOUT)
if here.unavailable:
    report(tell(here))
hosts = ["h1", *here.hosts]
kinds = ["unicast", "unicast6", "subnet-bcast", "limited", "group4", "group4b",
         "group6-link", "group6-site", "group6-global"]
report({
    **tell(here),
    "delivery": {f"{kind} from {host}": delivery(here, kind, host, hosts)
                 for kind in kinds for host in hosts},
    "h2 alone": {kind: delivery(here, kind, "h1", ["h2"]) for kind in ("group4", "group6-site")},
    "neighbours": {host: sorted(neighbours(here, host)) for host in hosts},
    "fences": {host: fenced(here, host) for host in hosts},
    "devices": {host: sorted(here.devices(host).values()) for host in hosts},
    "own": {host: [here.address(one, 0, host) for one in ("if4", "if6", "link6", "mapped-if4")]
            for host in hosts},
    "names": {host: here.names(host) for host in hosts},
    "index": {host: here.device("if", host)[1] for host in hosts},
    "gateways": {host: gateways(here, host) for host in hosts},
    "inheritable": [os.get_inheritable(one) for one in here.descriptors],
    "descriptors": [len(set(here.descriptors)), len(here.hosts) + 1],
    "settings": {host: settings(here, host) for host in hosts},
    "seen": [name for _, name in socket.if_nameindex()],
})
"""

_MORE = """
def gateways(here, host):
    with place(here, host):
        with open("/proc/self/net/route") as file:
            lines = [line.split() for line in file]
        ipv4 = [line[2] for line in lines if line[1] == "0" * 8]
        with open("/proc/self/net/ipv6_route") as file:
            lines = [line.split() for line in file]
    ipv6 = [line[4] for line in lines if line[0] == "0" * 32 and line[1] == "00" and line[9] != "lo"]
    return [socket.inet_ntoa(struct.pack("=I", int(one, 16))) for one in ipv4] + [
        socket.inet_ntop(socket.AF_INET6, bytes.fromhex(one)) for one in ipv6]

def settings(here, host):
    with place(here, host):
        return namespaces.read_settings(tuple(namespaces.SETTINGS))
"""


def measured(script: str, *, as_nobody: bool = False) -> dict[str, Any]:
    """Run a script; a kernel without such devices skips the test, anything else unavailable fails it."""
    script = _HELPERS + _DELIVERY + _MORE + script
    value: dict[str, Any] = finish_as_nobody(script) if as_nobody else finish(start(script))
    if value["error"] in ("EOPNOTSUPP", "EPERM", "EINVAL", "ENOSYS"):
        pytest.skip(f"this kernel gives no link device: {value['error']}")
    assert value["unavailable"] is None
    return value


@pytest.fixture(scope="module", params=[*HOSTS, "hosts-3 as nobody"])
def hosts(request: pytest.FixtureRequest) -> dict[str, Any]:
    """Report from a real network of several hosts; the last one is made by an ordinary user."""
    if sys.platform != "linux":
        pytest.skip("network namespaces exist on Linux only")
    name, _, user = request.param.partition(" ")
    value = measured(f"LAYOUT = {name!r}" + _HOSTS, as_nobody=bool(user))
    return {**value, "layout": name, "hosts": list(symbols.HOSTS[: HOSTS[name]])}


def test_every_host_hears_everything_exactly_once(hosts: dict[str, Any]) -> None:
    """Unicast, both broadcasts and groups of both families, from each host, at each, itself included."""
    once = dict.fromkeys(hosts["hosts"], 1)
    assert hosts["delivery"]
    assert {what: heard for what, heard in hosts["delivery"].items() if heard != once} == {}


def test_a_host_outside_the_group_hears_nothing(hosts: dict[str, Any]) -> None:
    """Membership is per host: a bridge that floods must not make the others members."""
    alone = {host: int(host == "h2") for host in hosts["hosts"]}
    assert hosts["h2 alone"] == {"group4": alone, "group6-site": alone}


def test_all_neighbours_are_known_for_good(hosts: dict[str, Any]) -> None:
    """No datagram waits for ARP or neighbour discovery."""
    numbers = {host: number for number, host in enumerate(hosts["hosts"], 1)}
    for host, own in numbers.items():
        others = [number for number in numbers.values() if number != own]
        expected = {
            address.format(number)
            for number in others
            for address in ("198.51.100.{}", "2001:db8::{}", "fe80::{}")
        }
        assert expected <= set(hosts["neighbours"][host])


def test_every_fence_works(hosts: dict[str, Any]) -> None:
    """Each own address, and across the link both addresses of each other host, in its namespace."""
    for host in hosts["hosts"]:
        own = ["if4", "if6"] if host == "h1" else [host, host + "-6"]
        expected = ["lo4", "lo6", *own]
        for other in hosts["hosts"]:
            if other != host:
                expected += ["if4", "if6"] if other == "h1" else [other, other + "-6"]
        assert hosts["fences"][host] == [[name, True] for name in expected]


def test_each_host_has_addresses_and_names_of_its_own(hosts: dict[str, Any]) -> None:
    """`if4` is the host's own address to speak of, and h1's when something is named."""
    for number, host in enumerate(hosts["hosts"], 1):
        ipv4, ipv6, link6, mapped = hosts["own"][host]
        assert (ipv4, ipv6) == (f"198.51.100.{number}", f"2001:db8::{number}")
        assert mapped == f"::ffff:198.51.100.{number}"
        index = hosts["index"][host]
        for reader in hosts["hosts"]:
            names = hosts["names"][reader]
            expected = ("if4", "if6") if host == "h1" else (host, host + "-6")
            assert (names[ipv4], names[ipv6]) == expected
            assert names[mapped] == "mapped-" + expected[0]
        local = "link6" if host == "h1" else host + "-link6"
        assert {hosts["names"][host][one] for one in (link6, f"fe80::{number}")} == {local}
        assert hosts["names"][host][f"fe80::{number}%{index}"] == local
        assert hosts["devices"][host] == ["if", "lo"]


def test_default_routes_are_those_of_the_layout(hosts: dict[str, Any]) -> None:
    """On the link itself, but for h1 of `gateway`, whose way is h3."""
    for host in hosts["hosts"]:
        expected = ["0.0.0.0", "::"]
        if hosts["layout"] == "gateway" and host == "h1":
            expected = ["198.51.100.3", "2001:db8::3"]
        assert hosts["gateways"][host] == expected


def test_descriptors_are_not_inherited_by_themselves(hosts: dict[str, Any]) -> None:
    """One for each host; only who is given them has them."""
    found, wanted = hosts["descriptors"]
    assert found == wanted
    assert not any(hosts["inheritable"])


def test_hosts_have_equal_settings_and_see_no_bridge(hosts: dict[str, Any]) -> None:
    """What holds on h1 holds on the others; the ports of a bridge are nobody's."""
    for host in hosts["hosts"]:
        assert hosts["settings"][host] == hosts["settings"]["h1"]
    assert "lab0" in hosts["seen"]
    assert not [name for name in hosts["seen"] if name.startswith(("port", "bridge", "lab1"))]


@linux
def test_a_child_that_is_given_a_descriptor_can_move_to_that_host() -> None:
    """As a role does: inherited, entered, and from then on it is on h2."""
    value = measured(
        """
import subprocess
here = enter("hosts-2")
if here.unavailable:
    report(tell(here))
code = '''
import socket, sys
import namespaces
namespaces.setns(int(sys.argv[1]))
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sock.bind(("198.51.100.2", 0))
sock.sendto(b"from h2", ("198.51.100.1", int(sys.argv[2])))
'''
with udp(here, "h1") as receiver:
    receiver.bind(("198.51.100.1", 0))
    port = str(receiver.getsockname()[1])
    descriptor = here.hosts["h2"]
    subprocess.run([sys.executable, "-c", code, str(descriptor), port], check=True, pass_fds=[descriptor])
    data, source = receiver.recvfrom(16)
report({**tell(here), "data": data.decode(), "from": here.names()[source[0]]})
"""
    )
    assert (value["data"], value["from"]) == ("from h2", "h2")


# Layouts of one host


@linux
def test_without_routes_only_the_subnet_is_reachable() -> None:
    """ENETUNREACH for a limited broadcast, a group and the rest of the world, but not by an interface."""
    value = measured(
        """
here = enter("no-routes")
with udp(here, "h1") as sock, udp(here, "h1", socket.AF_INET6) as sock6, udp(here, "h1") as bound:
    sends = {one: attempt(sock.sendto, b"x", (here.address(one, 0), 20001))
             for one in ("limited", "group4", "nonlocal4", "h2", "subnet-bcast", "lo4")}
    sends["nonlocal6"] = attempt(sock6.sendto, b"x", (here.address("nonlocal6", 0), 20001))
    via(here, "h1", bound)
    sends["group4 via if4"] = attempt(bound.sendto, b"x", (here.address("group4", 0), 20001))
with netlink.connect() as channel:
    routes = {one: attempt(netlink.route_type, channel, here.address(one, 0))
              for one in ("limited", "if4", "subnet-bcast", "nonlocal4", "nonlocal6")}
report({**tell(here), "sends": sends, "routes": routes, "gateways": gateways(here, "h1")})
"""
    )
    unreachable = dict.fromkeys(("limited", "group4", "nonlocal4", "nonlocal6"), "ENETUNREACH")
    sent = dict.fromkeys(("h2", "subnet-bcast", "lo4", "group4 via if4"), 1)
    assert value["sends"] == {**unreachable, **sent}
    assert value["routes"]["if4"] == ["local", 1]
    assert value["routes"]["subnet-bcast"][0] == "broadcast"
    assert {value["routes"][one] for one in ("limited", "nonlocal4", "nonlocal6")} == {"ENETUNREACH"}
    assert value["gateways"] == []


_ON_LOOPBACK = """
here = enter(LAYOUT)
with udp(here, "h1", socket.AF_INET6) as receiver, udp(here, "h1", socket.AF_INET6) as speaker:
    receiver.bind(("::", 0))
    port = receiver.getsockname()[1]
    join(here, "h1", receiver, "group6-site", "lo6")
    via(here, "h1", speaker, "lo6")
    sent = attempt(speaker.sendto, b"copy", (here.address("group6-site", 3), port))
    speaker.sendto(b"fence", ("::1", port))
    heard = copies(receiver, b"fence")
report({**tell(here), "sent": sent, "heard": heard})
"""


@linux
@pytest.mark.parametrize(("layout", "heard"), [("plain", 0), ("lo-group-route", 1)])
def test_groups_on_the_loopback_interface_take_a_route(layout: str, heard: int) -> None:
    """The interface lo has no IFF_MULTICAST, so the kernel makes no such route by itself."""
    assert measured(f"LAYOUT = {layout!r}" + _ON_LOOPBACK)["heard"] == heard


@linux
def test_the_second_link_is_one_of_its_own() -> None:
    """Its broadcast and its groups are heard there once, and not by who joined on the first link."""
    value = measured(
        """
here = enter("two-links")
if here.unavailable:
    report(tell(here))
heard = {}
for what, interface in (("first", "if4"), ("second", "if4b")):
    with udp(here, "h1") as receiver, udp(here, "h1") as speaker:
        receiver.bind(("", 0))
        port = receiver.getsockname()[1]
        join(here, "h1", receiver, "group4", interface)
        via(here, "h1", speaker, "if4b")
        speaker.sendto(b"copy", (here.address("group4", 3), port))
        speaker.sendto(b"fence", (here.address("if4", 0), port))
        heard[what] = copies(receiver, b"fence")
        speaker.sendto(b"copy", (here.address("subnet-bcast-b", 0), port))
        speaker.sendto(b"fence", (here.address("if4b", 0), port))
        heard[what + " broadcast"] = copies(receiver, b"fence")
names = here.names()
report({**tell(here), "heard": heard,
        "names": [names[here.address(one, 0)] for one in ("if4b", "if6b", "subnet-bcast-b")],
        "local": names["fe80::1:1%" + here.device("ifb")[0]],
        "devices": list(here.devices().values()), "facts": here.facts()["interfaces"],
        "fences": [here.names()[one[1]] for one in here.fences()],
        "different": here.device("if4")[1] != here.device("if4b")[1]})
"""
    )
    assert value["heard"] == {"first": 0, "second": 1, "first broadcast": 1, "second broadcast": 1}
    assert value["names"] == ["if4b", "if6b", "subnet-bcast-b"]
    assert value["local"] == "link6b"
    assert value["devices"] == ["lo", "if", "ifb"]
    assert value["different"]
    assert value["fences"] == ["lo4", "lo6", "if4", "if6", "if4b", "if6b"]
    assert value["facts"]["second-link"]["kind"] == "veth"


_TWO_PORTS = """
here = enter(LAYOUT)
opened, results = [], []
for _ in range(3):
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    opened.append(sock)
    failure = attempt(sock.bind, (here.address("lo4", 0), 0))
    results.append(failure or sock.getsockname()[1])
report({**tell(here), "results": results, "range": here.local_range,
        "ports": [here.first_port, here.port_count]})
"""


@linux
@pytest.mark.parametrize(
    ("layout", "third"), [("one-port-range", "EADDRINUSE"), ("autobind-reuse", None)]
)
def test_a_range_of_two_ports_is_used_up_by_two_sockets(layout: str, third: str | None) -> None:
    """Then EADDRINUSE, unless ip_autobind_reuse is set and both have SO_REUSEADDR (ip-sysctl.rst)."""
    if sys.platform == "linux" and os.statvfs("/proc/sys").f_flag & os.ST_RDONLY:
        pytest.skip("/proc/sys is read-only here, as in many containers")
    if third is None and namespaces.read_setting("net.ipv4.ip_autobind_reuse") is None:
        pytest.skip("this kernel has no ip_autobind_reuse (Linux 5.7)")
    value = measured(f"LAYOUT = {layout!r}" + _TWO_PORTS)
    low, high = value["range"]
    assert high == low + 1
    assert sorted(value["results"][:2]) == [low, high]
    assert value["results"][2] == third if third else value["results"][2] in (low, high)
    first, count = value["ports"]
    assert count >= 4096
    assert not {low, high} & set(range(first, first + count))


@linux
def test_odd_addresses_are_addresses_of_the_hosts() -> None:
    """Each that the kernel took can be bound and named; so can those of h2, by h2."""
    value = measured(
        """
here = enter("odd-addresses")
if here.unavailable:
    report(tell(here))
bound, named = {}, {}
for symbol, (host, address) in lab.symbols.ODD.items():
    if symbol in here._network.odd:
        with udp(here, host) as sock:
            bound[symbol] = attempt(sock.bind, (here.address(symbol, 0), 0))
        named[symbol] = here.names()[here.address(symbol, 0)]
report({**tell(here), "bound": bound, "named": named,
        "own": [attempt(here.address, "class-e", 0, host) for host in ("h1", "h2")],
        "first": here.address("if4", 0)})
"""
    )
    assert {"class-e", "h2-class-e", "high255", "near-lowest"} <= set(value["bound"])
    assert set(value["bound"].values()) == {None}
    assert value["named"] == {symbol: symbol for symbol in value["bound"]}
    assert value["own"] == ["240.1.2.3", "240.1.2.4"]
    assert value["first"] == "198.51.100.1"


@linux
def test_the_peer_of_a_lone_host_refuses_what_it_is_sent() -> None:
    """`h2` is then an address where nobody listens: its errors come back at once."""
    value = measured(
        """
here = enter()
refused = {}
for symbol, family in (("h2", socket.AF_INET), ("h2-6", socket.AF_INET6)):
    with udp(here, "h1", family) as sock:
        sock.connect((here.address(symbol, 0), 20001))
        sock.send(b"x")
        refused[symbol] = [attempt(sock.recv, 16), here.names()[sock.getpeername()[0]]]
report({**tell(here), "refused": refused, "hosts": here.hosts, "h3": attempt(here.address, "h3", 0),
        "own": here.address("h1", 0), "fences": [here.names()[one[1]] for one in here.fences()],
        "far": attempt(here.interface, "if4", "h2")})
"""
    )
    assert value["refused"] == {"h2": ["ECONNREFUSED", "h2"], "h2-6": ["ECONNREFUSED", "h2-6"]}
    assert value["hosts"] == {}
    assert value["h3"] == "unavailable: no host h3 here"
    assert value["far"] == "unavailable: no host h2 here"
    assert value["own"] == "198.51.100.1"
    assert value["fences"] == ["lo4", "lo6", "if4", "if6"]


@linux
def test_a_group_is_a_multicast_whatever_was_asked_before() -> None:
    """Default and 224/4 routes by the same way must not share what the kernel keeps of the last one."""
    value = measured(
        """
here = enter("hosts-2")
if here.unavailable:
    report(tell(here))
with netlink.connect() as channel:
    routes = [netlink.route_type(channel, here.address(one, 0))[0]
              for one in ("nonlocal4", "group4", "nonlocal4", "h2")]
    index = here.device("if")[1]
    routes.append(netlink.route_type(channel, here.address("group6-link", 0), index=index)[0])
    routes.append(netlink.route_type(channel, "::ffff:127.0.0.1")[0])
    routes.append(netlink.route_type(channel, here.address("link6", 0))[0])
report({**tell(here), "routes": routes})
"""
    )
    ipv4 = ["unicast", "multicast", "unicast", "unicast"]
    assert value["routes"] == [*ipv4, "multicast", "local", "local"]


@linux
def test_refused_datagrams_are_all_answered() -> None:
    """The limit of the kernel is some 50 errors in a burst: a batch needs hundreds."""
    value = measured(
        """
here = enter("hosts-2")
if here.unavailable:
    report(tell(here))
errors = 0
for port in range(20001, 20201):
    with udp(here, "h1") as sock:
        sock.settimeout(0.5)
        sock.connect((here.address("h2", 0), port))
        sock.send(b"x")
        errors += attempt(sock.recv, 16) == "ECONNREFUSED"
report({**tell(here), "errors": errors})
"""
    )
    if os.statvfs("/proc/sys").f_flag & os.ST_RDONLY:
        pytest.skip("/proc/sys is read-only here, as in many containers")
    assert value["errors"] == 200


# What a kernel may lack, or refuse


@linux
@pytest.mark.parametrize(
    ("layout", "broken", "expected"),
    [
        ("hosts-3", "netlink.new_bridge = refuse", "no link device"),
        ("hosts-2", "netlink.new_veth = refuse", "no link device"),
        ("gateway", "netlink.link_master = refuse", "no link device"),
        ("two-links", "netlink.new_veth = once(netlink.new_veth)", "no link device"),
        ("odd-addresses", "netlink.new_veth = refuse", "no link device"),
        ("hosts-2", "layouts.hear_each_other = deaf", "the hosts do not hear each other"),
        (
            "one-port-range",
            "namespaces.write_setting = lambda name, value: None",
            "net.ipv4.ip_local_port_range cannot be set here",
        ),
        (
            "lo-group-route",
            "netlink.new_route = no_local(netlink.new_route)",
            "no local route for groups",
        ),
        ("no-routes", "netlink.new_veth = refuse", None),
        ("one-port-range", "netlink.new_veth = refuse", None),
    ],
)
def test_what_cannot_be_made_is_unavailable(layout: str, broken: str, expected: str | None) -> None:
    """The lab is entered all the same, has its loopback, and says what is missing."""
    script = f"""
def refuse(*arguments, **more):
    raise OSError(95, "not supported")
def deaf(*arguments, **more):
    raise OSError(110, "timed out")
def once(build):
    calls = []
    def again(*arguments):
        calls.append(arguments)
        return build(*arguments) if len(calls) == 1 else refuse()
    return again
def no_local(build):
    return lambda *given, **more: refuse() if more.get("local") else build(*given, **more)
{broken}
here = enter({layout!r})
with udp(here, "h1") as sock:
    sock.bind((here.address("lo4", 0), 0))
    sock.sendto(b"x", sock.getsockname())
    data = sock.recv(16).decode()
report({{**tell(here), "data": data, "hosts": here.hosts, "layout": here.facts()["layout"],
         "lo": list(here.devices().values())[0], "fences": len(here.fences())}})
"""
    value = finish(start(_HELPERS + script))
    if expected is None:
        assert value["unavailable"] is None
    else:
        assert value["unavailable"].startswith(expected)
    assert (value["kind"], value["layout"]) == ("private", layout)
    assert (value["data"], value["lo"]) == ("x", "lo")
    assert value["hosts"] == {}
    assert value["fences"] >= 2


@linux
def test_without_ipv6_there_are_hosts_all_the_same() -> None:
    """Neither addresses nor canaries of IPv6; the rest works."""
    value = measured(
        """
lab._probe_ipv6 = lambda: (False, False)
here = enter("hosts-3")
if here.unavailable:
    report(tell(here))
report({**tell(here), "ipv6": [attempt(here.address, one, 0) for one in ("h2-6", "link6", "group6-link")],
        "delivery": [delivery(here, kind, "h2", ["h1", "h2", "h3"]) for kind in ("unicast", "group4")],
        "fences": [here.names()[one[1]] for one in here.fences()]})
"""
    )
    assert value["ipv6"] == ["unavailable: no IPv6 here"] * 3
    assert value["delivery"] == [{"h1": 1, "h2": 1, "h3": 1}] * 2
    assert value["fences"] == ["lo4", "if4", "h2", "h3"]


# Without a network


@pytest.mark.parametrize("layout", lab.LAYOUTS)
def test_only_plain_exists_without_a_private_network(
    monkeypatch: pytest.MonkeyPatch, layout: str
) -> None:
    """The others are unavailable, with the reason, whether "host" was asked for or fallen back to."""
    monkeypatch.setattr(namespaces, "supported", lambda: False)
    monkeypatch.setattr(lab, "_probe_ipv6", lambda: (True, True))
    expected = None if layout == "plain" else f"needs a private network (lab {layout})"
    for kind in ("auto", "host"):
        here = lab.enter(kind, layout=layout, allow_lan=False)
        assert (here.kind, here.layout, here.unavailable) == ("host", layout, expected)
    with pytest.raises(lab.LabError, match="Linux only"):
        lab.enter("private", layout=layout, allow_lan=False)


def test_an_unknown_layout_is_a_mistake() -> None:
    """A misspelt name is never taken for `plain`."""
    with pytest.raises(ValueError, match="unknown layout"):
        lab.enter("host", layout="hosts-9", allow_lan=False)


def ranges() -> dict[str, tuple[int, int]]:
    """Return the local port range of each layout that has one of its own."""
    found = {}
    for name, layout in layouts.LAYOUTS.items():
        for setting, value in layout.settings:
            if setting == namespaces.LOCAL_PORT_RANGE:
                low, high = map(int, value.split())
                found[name] = (low, high)
    return found


def test_a_port_range_of_two_is_outside_of_the_ports_of_cells() -> None:
    """Of differing parity, without which the kernel complains in its log (net/ipv4/sysctl_net_ipv4.c)."""
    found = ranges()
    assert set(found) == {"one-port-range", "autobind-reuse"}
    for low, high in found.values():
        assert (high - low, (high - low) % 2) == (1, 1)
        first, count = lab.cell_ports(low, high)
        assert not {low, high} & set(range(first, first + count))


@pytest.fixture
def moves(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Record the namespaces that are entered instead of entering them."""
    found: list[int] = []
    monkeypatch.setattr(namespaces, "setns", found.append)
    monkeypatch.setattr(namespaces, "current", lambda: os.open(os.devnull, os.O_RDONLY))
    return found


def test_inside_comes_back_also_from_an_error(moves: list[int]) -> None:
    """The way back is proved first, and taken whatever happens."""

    def fail() -> None:
        with namespaces.inside(1234):
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    home, there, back = moves
    assert (there, back) == (1234, home)


@pytest.mark.parametrize("enter", [lambda: namespaces.inside(1234).__enter__(), namespaces.fresh])
def test_who_cannot_come_back_does_not_leave(
    monkeypatch: pytest.MonkeyPatch, moves: list[int], enter: Callable[[], object]
) -> None:
    """Without the right to enter its own namespace a process stays where it is."""

    def refuse(descriptor: int) -> None:
        raise PermissionError(1, "not permitted")

    monkeypatch.setattr(namespaces, "setns", refuse)
    monkeypatch.setattr(namespaces, "unshare", lambda flags: pytest.fail("it left"))
    with pytest.raises(PermissionError):
        enter()


def test_a_lost_way_back_is_no_ordinary_error(monkeypatch: pytest.MonkeyPatch, moves: list[int]) -> None:
    """Nothing may go on in the wrong network: neither `except OSError` nor a skipped symbol hides it."""

    def lose(descriptor: int) -> None:
        moves.append(descriptor)
        if len(moves) == 3:
            raise PermissionError(1, "not permitted")

    def go() -> None:
        with namespaces.inside(1234):
            pass

    monkeypatch.setattr(namespaces, "setns", lose)
    with pytest.raises(namespaces.LostError):
        go()
    assert not issubclass(namespaces.LostError, OSError)
