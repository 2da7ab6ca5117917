"""Short forms for tests of the reference model: simulated sockets, and scripts that are predicted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sockmatrix.models import addresses as ip
from sockmatrix.models.kernel import Kernel, Network, Packet, Socket
from sockmatrix.models.layouts import layout
from sockmatrix.models.linux import VERSION, predict
from sockmatrix.models.linux_ports import bind
from sockmatrix.script import compile_steps

if TYPE_CHECKING:
    from sockmatrix.models.prediction import Prediction
    from sockmatrix.models.versions import Version

PORT = 20000


def kernel(version: Version = VERSION, lab: str = "plain", host: str = "h1") -> Kernel:
    """Return a host of a lab on which nothing has happened."""
    return Network(layout(lab), version).kernels[host]


def make(on: Kernel, kind: str, **fields: Any) -> Socket:
    """Return a new socket, of a kind such as udp4, that nobody has bound."""
    family = int(kind[3])
    wild = ip.ANY6 if family == 6 else ""
    given = {"role": "A", "kind": kind, "rcv6": wild, "source6": wild, "family": family, **fields}
    return Socket(on, transport="udp" if kind.startswith("udp") else "tcp", **given)


def bound(on: Kernel, kind: str, address: str, port: int = PORT, **fields: Any) -> Socket:
    """Return a new socket that is bound."""
    sock = make(on, kind, **fields)
    assert bind(sock, address, port) == "ok"
    return sock


def datagram(to: str, source: str = "127.0.0.1", arrived: str = "lo", sport: int = 40000) -> Packet:
    """Return a datagram to the port that sockets of tests are bound to."""
    return Packet(source, sport, to, PORT, arrived=arrived)


def play(script: str, lab: str = "plain", **how: Any) -> Prediction:
    """Predict a script as tables have them."""
    return predict(None, compile_steps(script, lab), lab=lab, **how)


def notes(script: str, lab: str = "plain", **how: Any) -> dict[str, str]:
    """Return what the labelled operations of a script tell."""
    return play(script, lab, **how).notes


def heard(script: str, lab: str = "plain", **how: Any) -> dict[str, tuple[str, ...]]:
    """Return who hears each of the labels of a script, in the first of the possible worlds."""
    return {label: one.who for label, one in play(script, lab, **how).delivery.items()}
