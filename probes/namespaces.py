"""Network namespaces of one's own: entering them, their settings, and why there are none (Linux).

Sources: namespaces(7), user_namespaces(7), network_namespaces(7), unshare(2), setns(2), and the
kernel's Documentation/networking/ip-sysctl.rst and Documentation/admin-guide/sysctl/user.rst.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import socket
import sys
import threading
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000
ROOT, USER_NAMESPACE = "root", "user namespace"
NETWORK_NAMESPACE, MAPS = "network namespace", "user namespace maps"
LOOPBACK, CANARY = "loopback interface", "loopback datagram"

# What decides whether a namespace is granted; read only to name the reason.
PERMISSIONS = (
    "kernel.unprivileged_userns_clone",  # Debian's and Arch's own switch
    "user.max_user_namespaces",
    "user.max_net_namespaces",
    "kernel.apparmor_restrict_unprivileged_userns",  # Ubuntu 23.10 and later
)

_DEVICES = ("all", "default", "lo")
LOCAL_PORT_RANGE = "net.ipv4.ip_local_port_range"

# What a fresh namespace inherits from the host (net.core.devconf_inherit_init_net), or what a
# host may have changed. All but IPv6's address configuration are the kernel's own defaults.
SETTINGS: dict[str, str] = {
    "net.ipv4.ip_forward": "0",  # first: writing it resets others to a host's or router's values
    # Reverse path filtering would answer for the socket lookup that is being measured, and
    # distributions disagree about it (0, 1 and 2 are all somebody's default).
    **{f"net.ipv4.conf.{device}.rp_filter": "0" for device in _DEVICES},
    **{f"net.ipv4.conf.{device}.accept_local": "0" for device in _DEVICES},
    # Container hosts set it, and then 127/8 may leave lo.
    **{f"net.ipv4.conf.{device}.route_localnet": "0" for device in _DEVICES},
    **{f"net.ipv4.conf.{device}.force_igmp_version": "0" for device in _DEVICES},
    # No limit to the number of errors a second (net/ipv4/icmp.c, icmpv4_mask_allow: a type outside the
    # mask is never limited): a batch of refused datagrams would use it up.
    "net.ipv4.icmp_ratemask": "0",
    "net.ipv6.icmp.ratelimit": "0",
    LOCAL_PORT_RANGE: "32768 60999",
    "net.ipv4.ip_unprivileged_port_start": "1024",
    "net.ipv4.ip_autobind_reuse": "0",
    "net.ipv4.ip_nonlocal_bind": "0",
    "net.ipv4.igmp_max_memberships": "20",
    "net.ipv4.udp_early_demux": "1",
    "net.ipv4.udp_l3mdev_accept": "0",
    "net.ipv4.tcp_l3mdev_accept": "0",
    "net.ipv4.tcp_tw_reuse": "2",
    "net.ipv4.tcp_migrate_req": "0",
    "net.ipv4.tcp_abort_on_overflow": "0",
    "net.ipv6.bindv6only": "0",
    "net.ipv6.ip_nonlocal_bind": "0",
    "net.ipv6.conf.all.forwarding": "0",
    **{f"net.ipv6.conf.{device}.disable_ipv6": "0" for device in _DEVICES},
    # Only the lab's own addresses, at once: no duplicate detection, no address made by the kernel
    # (1: none), no router asked for or listened to.
    "net.ipv6.conf.all.accept_dad": "0",
    "net.ipv6.conf.default.accept_dad": "0",
    "net.ipv6.conf.default.dad_transmits": "0",
    "net.ipv6.conf.default.addr_gen_mode": "1",
    "net.ipv6.conf.default.accept_ra": "0",
    "net.ipv6.conf.default.router_solicitations": "0",
}

# Read and recorded, never set. A negative hash size is that of the host's table, shared.
RECORDED = (
    "net.ipv4.udp_hash_entries",
    "net.ipv4.tcp_ehash_entries",
    "net.core.somaxconn",
    "net.core.rmem_default",
    "net.core.rmem_max",
)


class Failure(NamedTuple):
    """The step that making a private network stopped at, and its errno (0: no errno)."""

    step: str
    number: int


class LostError(Exception):
    """There is no way back into this process's own network namespace: it must end."""


class StepError(Exception):
    """A step of making a private network failed; `failure` says which and how."""

    def __init__(self, step: str, error: OSError) -> None:
        super().__init__(f"{step}: {error}")
        number = errno.ETIMEDOUT if isinstance(error, socket.timeout) else error.errno
        self.failure = Failure(step, number or 0)


def _system_call(name: str, *arguments: int) -> None:
    """Call a C function that returns 0 or sets errno; Python has these only from 3.12 on."""
    import ctypes

    function = getattr(ctypes.CDLL(None, use_errno=True), name)
    if function(*arguments):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def unshare(flags: int) -> None:
    """Leave the namespaces named by `flags` (CLONE_NEW...) for new ones."""
    own = getattr(os, "unshare", None)
    if own is not None:
        own(flags)
    else:
        _system_call("unshare", flags)


def setns(descriptor: int, kind: int = CLONE_NEWNET) -> None:
    """Enter the namespace that an open descriptor stands for."""
    own = getattr(os, "setns", None)
    if own is not None:
        own(descriptor, kind)
    else:
        _system_call("setns", descriptor, kind)


def current() -> int:
    """Open a descriptor of this process's network namespace; it keeps the namespace alive."""
    return os.open("/proc/self/ns/net", os.O_RDONLY | os.O_CLOEXEC)


@contextlib.contextmanager
def inside(descriptor: int) -> Iterator[None]:
    """Be in another network namespace for a while; sockets made there stay there.

    Raise OSError where it may not be entered, LostError where there is no way back.
    """
    home = current()
    try:
        setns(home)  # changes nothing: proves the way back before leaving
        setns(descriptor)
        try:
            yield
        finally:
            _return_to(home)
    finally:
        os.close(home)


def fresh() -> int:
    """Make a network namespace with SETTINGS and return a descriptor of it.

    It lives as long as something in it does or the descriptor is open. This process is where it was
    before. Raise OSError, LostError.
    """
    home = current()
    try:
        setns(home)
        unshare(CLONE_NEWNET)
        try:
            write_settings()
            return current()
        finally:
            _return_to(home)
    finally:
        os.close(home)


def _return_to(home: int) -> None:
    try:
        setns(home)
    except OSError as error:
        raise LostError(f"no way back into the lab's namespace: {error}") from error


def candidates(user: int) -> tuple[str, ...]:
    """Name the ways to a network namespace worth trying for an effective user id, best first.

    Root in a container often lacks CAP_SYS_ADMIN, and is then as good as an ordinary user.
    """
    return (ROOT, USER_NAMESPACE) if user == 0 else (USER_NAMESPACE,)


def _write(path: str, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY)
    try:
        os.write(descriptor, text.encode())
    finally:
        os.close(descriptor)


def require_one_thread() -> None:
    """Raise RuntimeError with more: unshare(2) moves one, the others stay in the host's network."""
    if threading.active_count() > 1:
        raise RuntimeError("a lab must be entered before any thread is started")


def isolate(how: str) -> None:
    """Put this process into a new network namespace.

    With "user namespace" a new user namespace comes first, in which the caller is root: the
    uid must be 0 there for capabilities to outlive an exec. Raise StepError.
    """
    require_one_thread()
    if how == ROOT:
        step(NETWORK_NAMESPACE, unshare, CLONE_NEWNET)
        return
    user, group = os.geteuid(), os.getegid()
    step(USER_NAMESPACE, unshare, CLONE_NEWUSER | CLONE_NEWNET)
    # user_namespaces(7): without privilege, gid_map is writable only after "deny". Kernels before
    # 3.19 and gVisor have no such file.
    if os.path.exists("/proc/self/setgroups"):
        step(MAPS, _write, "/proc/self/setgroups", "deny")
    step(MAPS, _write, "/proc/self/uid_map", f"0 {user} 1")
    step(MAPS, _write, "/proc/self/gid_map", f"0 {group} 1")


def step(name: str, action: Callable[..., None], *arguments: Any) -> None:
    """Perform one step of making a private network; its OSError becomes a StepError."""
    try:
        action(*arguments)
    except OSError as error:
        raise StepError(name, error) from error


def in_child(function: Callable[[], Any]) -> Any:
    """Run `function` in a forked child and return its JSON value; what it enters dies with it.

    Raise ChildProcessError when the child failed or was killed (a seccomp filter may do that).
    """
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        with contextlib.suppress(BaseException), os.fdopen(writing, "w") as pipe:
            try:
                answer = {"value": function()}
            except Exception as error:
                answer = {"error": f"{type(error).__name__}: {error}"}
            json.dump(answer, pipe)
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        text = pipe.read()
    _, status = os.waitpid(child, 0)
    answer = json.loads(text) if text else {"error": f"wait status {status}"}
    if "error" in answer:
        raise ChildProcessError(f"a child process failed: {answer['error']}")
    return answer["value"]


def rehearse(how: str, proof: Callable[[], None]) -> Failure | None:
    """Try in a child whether `isolate(how)` and then `proof()` succeed; None when they do.

    Entering a user namespace cannot be undone, so it is tried where it does not matter.
    """

    def attempt() -> list[Any] | None:
        try:
            isolate(how)
            proof()
        except StepError as failed:
            return list(failed.failure)
        return None

    try:
        answer = in_child(attempt)
    except ChildProcessError:
        return Failure(f"child process for it ({how})", 0)
    return None if answer is None else Failure(*answer)


def refusal(failure: Failure, permissions: Mapping[str, str | None], *, root: bool) -> str:
    """Say in one sentence why there is no private network; a pure function of what was found.

    `permissions` has the values of PERMISSIONS, None where the system has no such switch.
    """
    at, number = failure
    name = errno.errorcode.get(number, f"errno {number}") if number else "no errno"
    making = at in (USER_NAMESPACE, NETWORK_NAMESPACE)

    def is_set(switch: str, value: str) -> bool:
        return permissions.get(switch) == value

    if at == USER_NAMESPACE and is_set("user.max_user_namespaces", "0"):
        because = "this system allows no user namespaces (user.max_user_namespaces is 0)"
    elif making and is_set("user.max_net_namespaces", "0"):
        because = "this system allows no network namespaces (user.max_net_namespaces is 0)"
    elif not root and is_set("kernel.unprivileged_userns_clone", "0"):
        because = (
            "user namespaces are for root only here (kernel.unprivileged_userns_clone is 0); "
            "run as root, or set it to 1"
        )
    elif not root and is_set("kernel.apparmor_restrict_unprivileged_userns", "1"):
        because = (
            "AppArmor grants user namespaces without capabilities "
            "(kernel.apparmor_restrict_unprivileged_userns is 1); run as root, or set it to 0"
        )
    elif number in (errno.EPERM, errno.EACCES):
        because = f"not permitted, as in many containers and sandboxes (the {at}: {name})"
    elif making and number in (errno.ENOSPC, errno.EUSERS):
        because = f"a limit on namespaces is reached (the {at}: {name})"
    elif making and number in (errno.ENOSYS, errno.EINVAL):
        because = f"this kernel has none (the {at}: {name})"
    elif at == CANARY:
        because = f"a datagram over its loopback was not heard ({name})"
    else:
        because = f"the {at} failed ({name})"
    return f"no private network: {because}"


def read_setting(name: str) -> str | None:
    """Read a sysctl by its dotted name, white space made single; None where there is none."""
    try:
        with open("/proc/sys/" + name.replace(".", "/")) as file:
            return " ".join(file.read().split())
    except (OSError, ValueError):
        return None


def permissions() -> dict[str, str | None]:
    """Read the switches that decide whether a namespace is granted."""
    return {name: read_setting(name) for name in PERMISSIONS}


def write_settings() -> None:
    """Set SETTINGS in this network namespace, as far as it lets us (a container's /proc may not).

    Refusals are not errors: `read_settings` tells what really holds.
    """
    for name, value in SETTINGS.items():
        write_setting(name, value)


def write_setting(name: str, value: str) -> None:
    """Set one sysctl by its dotted name, as far as it lets us."""
    with contextlib.suppress(OSError):
        _write("/proc/sys/" + name.replace(".", "/"), value)


def read_settings(names: Sequence[str] = (*SETTINGS, *RECORDED)) -> dict[str, str]:
    """Read settings back; what this kernel does not have, or does not show, is left out."""
    found = {name: read_setting(name) for name in names}
    return {name: value for name, value in found.items() if value is not None}


def settings_are_own() -> bool:
    """Tell whether /proc/sys/net is this network namespace's, by the ports that it gives out.

    gVisor's is that of its first one in all others (google/gvisor, pkg/sentry/fsimpl/proc/tasks_sys.go,
    newSysNetDir), whatever is written there: they keep netstack's own 16000-65535.
    """
    return within(read_setting(LOCAL_PORT_RANGE) or "", (_given_port() for _ in range(_PORTS_ASKED)))


_PORTS_ASKED = 40  # of netstack's range, all lie within Linux's default once in 5 * 10**9 times


def within(text: str, ports: Iterable[int]) -> bool:
    """Tell whether all ports lie in a range such as "32768 60999"; in no range at all they do."""
    numbers = text.split()
    return len(numbers) != 2 or all(int(numbers[0]) <= port <= int(numbers[1]) for port in ports)


def _given_port() -> int:
    """Return a port that the system gives out, and at once takes back."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
        asked.bind(("", 0))
        port: int = asked.getsockname()[1]
        return port


def supported() -> bool:
    """Tell whether this system can have network namespaces at all."""
    return sys.platform == "linux"
