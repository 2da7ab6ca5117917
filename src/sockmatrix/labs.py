"""The labs that tables and cases may name: networks the probe builds and keeps to itself."""

from __future__ import annotations

LABS = {
    "plain": "loopback, and a link with one address and one neighbour",
    "no-routes": "the same without a default route and without a route for multicast",
    "lo-group-route": "the same with a route for IPv6 multicast on the loopback interface",
    "two-links": "the same with a second link",
    "default-route": "two links, a default route by the first, and no route for multicast",
    "hosts-2": "two hosts on one link",
    "hosts-3": "three hosts on one link",
    "gateway": "three hosts on one link, of which the third is the gateway",
    "one-port-range": "the first, with two ephemeral ports only",
    "autobind-reuse": "the same, and a port may be given out twice (ip_autobind_reuse)",
    "odd-addresses": "two hosts on one link, with addresses of 0/8, 240/4, 255.255/16 and a lowest one",
}
"""What each is, in words. A probe is started for one of them; `plain` is the default."""

PLAIN = "plain"

HOSTS = {
    "h2": frozenset({"hosts-2", "hosts-3", "gateway", "odd-addresses"}),
    "h3": frozenset({"hosts-3", "gateway"}),
}
"""The labs in which there is a second, and a third, host for a process to live on."""

USERS = ("u1", "u2")
"""Users other than the probe's own, as whom a process may run."""
