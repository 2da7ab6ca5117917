"""A check of what a private lab needs here: for a person who wonders why something is skipped."""

from __future__ import annotations

import functools
import os
import socket

import lab as labs
import namespaces

_PATIENCE = 2.0  # seconds
_HEARD = {0: "sent, and not heard", 1: "sent, and heard once"}


def check() -> list[tuple[str, bool, str]]:
    """Check what a private lab needs: (what, whether it works, detail), each in a child process."""
    if not namespaces.supported():
        return [("private network", False, labs.find_way()[1])]
    user = os.geteuid()
    permissions = namespaces.permissions()
    checks = []
    failures = {how: namespaces.rehearse(how, labs.prove) for how in namespaces.candidates(user)}
    for how, failure in failures.items():
        detail = "a datagram over its loopback was heard"
        if failure is not None:
            detail = namespaces.refusal(failure, permissions, root=user == 0)
        checks.append((f"private network ({how})", failure is None, detail))
    if None not in failures.values():
        return checks
    try:
        inside = namespaces.in_child(_inspect)
    except ChildProcessError as error:
        return [*checks, ("lab", False, str(error))]
    checks += [(what, ok, detail) for what, ok, detail in inside]
    return [*checks, _check_layouts()]


def _check_layouts() -> tuple[str, bool, str]:
    """Make every layout in a child of its own, and say which cannot be made."""
    failed = []
    for layout in labs.LAYOUTS:
        try:
            reason = namespaces.in_child(functools.partial(_unavailable, layout))
        except ChildProcessError as error:
            reason = str(error)
        if reason:
            failed.append(f"{layout}: {reason}")
    return "layouts", not failed, ", ".join(failed) or f"all {len(labs.LAYOUTS)} can be made"


def _unavailable(layout: str) -> str | None:
    return labs.enter("private", layout=layout, allow_lan=False).unavailable


def _inspect() -> list[tuple[str, bool, str]]:
    lab = labs.enter("private", allow_lan=False)
    facts = lab.facts()
    link, sysctls = facts["interfaces"]["link"], facts["sysctls"]
    checks = [("veth", link["kind"] == "veth", link.get("error", "made in a namespace of its own"))]
    for what, symbol in (("IPv6", "if6"), ("broadcast", "subnet-bcast"), ("multicast", "group4")):
        try:
            copies = _copies(lab, symbol)
            checks.append((what, copies == 1, _HEARD.get(copies, f"sent once, heard {copies} times")))
        except (OSError, labs.Unavailable) as error:
            checks.append((what, False, str(error)))
    other = [
        f"{name} is {sysctls[name]}"
        for name, value in namespaces.SETTINGS.items()
        if sysctls.get(name, value) != value
    ]
    known = sum(name in sysctls for name in namespaces.SETTINGS)
    as_wanted = f"{known} of {len(namespaces.SETTINGS)} known here, all as the lab wants them"
    checks.append(("settings", not other, ", ".join(other) or as_wanted))
    return checks


def _copies(lab: labs.Lab, symbol: str) -> int:
    """Count how often a datagram to `symbol` is heard in a private lab; a fence ends the count."""
    version6 = symbol == "if6"
    family = socket.AF_INET6 if version6 else socket.AF_INET
    own = lab.interface("if6" if version6 else "if4")
    to, unicast = lab.address(symbol, 0), own.ipv6 if version6 else own.ipv4
    with socket.socket(family, socket.SOCK_DGRAM) as receiver:
        receiver.settimeout(_PATIENCE)
        receiver.bind(("::" if version6 else "", 0))
        port = receiver.getsockname()[1]
        if symbol == "group4":
            membership = socket.inet_aton(to) + socket.inet_aton(str(own.ipv4))
            receiver.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, membership)
        with socket.socket(family, socket.SOCK_DGRAM) as sender:
            sender.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
            sender.sendto(b"copy", (to, port))
            sender.sendto(b"fence", (unicast, port))
        heard = 0
        while receiver.recv(16) == b"copy":
            heard += 1
        return heard
