"""Steps in words: what each process of a cell does, turn by turn, as one tells it to a person."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sockmatrix.script.arguments import OWN_PORT
from sockmatrix.script.compiler import SENDER, role_of
from sockmatrix.script.symbols import GROUPS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sockmatrix.scenarios import Steps
    from sockmatrix.scenarios.scenario import Operation

PLACES = {
    "h2": "on the second host",
    "h3": "on the third host",
    "u1": "as another user",
    "u2": "as a third user",
}
"""Where, or as whom, a process does something."""

_KINDS = {
    "udp4": "an IPv4 UDP socket",
    "udp6": "an IPv6 UDP socket",
    "tcp4": "an IPv4 TCP socket",
    "tcp6": "an IPv6 TCP socket",
    "unix-stream": "a Unix stream socket",
    "unix-dgram": "a Unix datagram socket",
}

_INTERFACES = {
    **dict.fromkeys(("lo4", "lo6", "lo"), "the loopback interface"),
    **dict.fromkeys(("if4", "if6", "if"), "the interface"),
    **dict.fromkeys(("if4b", "if6b", "ifb"), "the second interface"),
    "none": "no interface",
    "bad": "an interface that does not exist",
}

_NUMBERS = ("_DISCOVER", "_TTL", "_HOPS", "_TOS", "BUF", "_LINGER", "LOWAT", "_MARK", "_PRIORITY")
"""Options that are numbers, not switches, end so."""

_BY = {
    "address": "by its address",
    "index": "by its index",
    "any": "leaving the choice to the system",
    "group-req": "by struct group_req",
}


def tell(steps: Steps, addresses: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return (actor, sentence) for each turn; `addresses` are the symbols in words.

    >>> tell([["A@u1", [["socket", "udp4"], ["bind", "any4"]]]], {"any4": "0.0.0.0"})
    [('A', 'as another user opens an IPv4 UDP socket, binds it to 0.0.0.0.')]
    """
    teller = Teller(addresses)
    told = []
    for actor, operations in steps:
        role, _, place = actor.partition("@")
        where = [PLACES[place]] if place in PLACES else []
        staged = role_of(actor) == SENDER
        said = [teller.said(one) if staged else teller.done(one) for one in operations]
        told.append((role, " ".join([*where, ", ".join(said)]) + "."))
    return told


class Teller:
    """Says what one operation does."""

    def __init__(self, addresses: Mapping[str, str]) -> None:
        """`addresses` are the symbols in words."""
        self._addresses = addresses

    def said(self, operation: Operation) -> str:
        """Return what the staged sender does, with as many source ports as the question needs."""
        call, label, symbol, *further = operation
        profile: dict[str, Any] = further[0] if further else {}
        to = self._to(symbol, profile.get("port", OWN_PORT))
        if call == "connect":
            return f"connects many times to {to}{_label(label)}"
        how = ["with SO_BROADCAST"] if profile.get("broadcast") else []
        if profile.get("via"):
            how.append(f"by {_INTERFACES[profile['via']]}")
        how += [f"with IP_MULTICAST_LOOP {profile['loop']}"] if "loop" in profile else []
        how += [f"with TTL {profile['ttl']}"] if "ttl" in profile else []
        return " ".join([f"sends to {to} from many source ports", *how]) + _label(label)

    def done(self, operation: Operation) -> str:
        """Return what a process does; what it notes is named by its label."""
        name, *arguments = operation
        if name == "note":
            return f"{self.done(arguments[1])} (noted as {arguments[0]})"
        options = arguments.pop() if arguments and isinstance(arguments[-1], dict) else {}
        text = FORMS[name](self, *arguments)
        return text + "".join(self._option(key, value) for key, value in options.items())

    def _option(self, key: str, value: Any) -> str:
        if key == "source":
            return f" with the source {self._address(value)}"
        if key == "by":
            return f" {_BY[value]}"
        if key == "on":
            return f" on {_INTERFACES.get(value, value)}"
        if key == "size":
            return f", {value} bytes"
        return f" with {'|'.join(value) if isinstance(value, list) else value}"

    def _address(self, symbol: str) -> str:
        words = self._addresses.get(symbol, symbol)
        return words if words[0] in "0123456789:" or words.startswith("another") else f"the {words}"

    def _to(self, symbol: Any, port: Any = OWN_PORT) -> str:
        where = self._address(symbol)
        if port == OWN_PORT:
            return where
        return f"{where}, port {port}"

    def _set(self, option: str, value: Any) -> str:
        if option == "SO_BINDTODEVICE":
            return f"binds it to {_INTERFACES.get(value, value)} with {option}"
        if value in (0, 1) and not option.endswith(_NUMBERS):
            return f"sets {option}" if value else f"clears {option}"
        return f"sets {option} to {self._symbol(value)}"

    def _symbol(self, value: Any) -> str:
        text = str(value)
        name = text.removeprefix("index:")
        if name in _INTERFACES:
            return ("the index of " if name != text else "") + _INTERFACES[name]
        return self._address(text) if text in self._addresses else text

    def _member(self, verb: str, group: str, interface: str) -> str:
        of = self._address(group) if group in GROUPS else self._to(group)
        where = "without naming an interface" if interface == "none" else f"on {_INTERFACES[interface]}"
        return f"{verb} {of} {where}"

    def _send(self, symbol: Any = None, port: Any = OWN_PORT) -> str:
        return "sends to its peer" if symbol is None else f"sends to {self._to(symbol, port)}"


def _label(label: str) -> str:
    return f" ({label})" if label else ""


def _speak(teller: Teller, label: str, symbol: str, port: Any, times: int) -> str:
    return f"sends {times} datagrams from its own socket to {teller._to(symbol, port)}{_label(label)}"


def _receive(_teller: Teller, every: str = "") -> str:
    return "receives all that has come" if every else "receives"


FORMS: dict[str, Callable[..., str]] = {
    "socket": lambda _, kind: f"opens {_KINDS[kind]}",
    "set": lambda teller, option, value: teller._set(option, value),
    "get": lambda _, option: f"reads {option}",
    "bind": lambda teller, symbol, port=OWN_PORT: f"binds it to {teller._to(symbol, port)}",
    "listen": lambda _, backlog=0: "listens" if backlog else "listens with a backlog of 0",
    "connect": lambda teller, symbol, port=OWN_PORT: f"connects to {teller._to(symbol, port)}",
    "disconnect": lambda _: "dissolves the association (connect to AF_UNSPEC)",
    "join": lambda teller, *member: teller._member("joins", *member),
    "leave": lambda teller, *member: teller._member("leaves", *member),
    "block": lambda teller, *member: teller._member("blocks a source in", *member),
    "unblock": lambda teller, *member: teller._member("unblocks a source in", *member),
    "tell": lambda teller, symbol=None, port=OWN_PORT: teller._send(symbol, port),
    "speak": _speak,
    "receive": _receive,
    "errors": lambda _: "reads the error queue (MSG_ERRQUEUE)",
    "pending": lambda _: "asks how much is waiting (FIONREAD)",
    "poll": lambda _: "polls",
    "accept": lambda _, name: f"accepts a connection as {name}",
    "name": lambda _: "asks for its own address (getsockname)",
    "peer": lambda _: "asks for its peer (getpeername)",
    "balance": lambda _, index: f"attaches a program to the SO_REUSEPORT group that picks member {index}",
    "unbalance": lambda _: "detaches the program from the SO_REUSEPORT group",
    "shutdown": lambda _: "shuts the socket down",
    "close": lambda _: "closes the socket",
    "reset": lambda _: "closes the socket with a reset (SO_LINGER 0)",
    "exit": lambda _: "exits",
    "kill": lambda _: "is killed",
    "flags": lambda _, interface: f"reads the flags of {_INTERFACES[interface]}",
    "route": lambda teller, symbol: f"asks for the route to {teller._address(symbol)}",
    "waits": lambda _: "looks for connections in TIME_WAIT",
    "sysctl": lambda _, name: f"reads the sysctl {name}",
    "asyncio-reuse-address": lambda _: "asks asyncio for reuse_address",
}
"""The words of each operation, from its arguments as the probe is told them."""
