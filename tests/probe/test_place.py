"""Places: what symbols stand for there, and what addresses and ports are called."""

from __future__ import annotations

from typing import Any

import groups
import pytest
from fake_places import GROUP, PORT, Fake, at


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        (("127.0.0.1", PORT), "lo4:P"),
        (("198.51.100.2", PORT + 2), "h2:P+2"),
        (("198.51.100.1", 40000), "if4:ephemeral"),
        (("fe80::1%lab0", PORT, 0, 2), "link6:P"),
        ((GROUP, 0), "group4:0"),
        ((groups.of("group4b", GROUP), 5), "group4b:other"),
        (("203.0.113.9", PORT - 1), "other:other"),
    ],
)
def test_an_address_is_told_as_the_lab_calls_it(address: tuple[Any, ...], expected: str) -> None:
    """The same words on every run and system."""
    assert at(Fake()).endpoint(address) == expected


@pytest.mark.parametrize(("spec", "port"), [("P", PORT), ("P+3", PORT + 3), ("0", 0), ("80", 80)])
def test_ports_are_those_of_the_trial(spec: str, port: int) -> None:
    """Or a number as it is."""
    assert at(Fake()).port_of(spec) == port


def test_a_group_is_the_trial_s_own() -> None:
    """Each kind follows from the one it was given."""
    place = at(Fake())
    assert place.host(("group4",)) == GROUP
    assert place.host(("group6-site",)) == groups.of("group6-site", GROUP)
    assert place.host("198.51.100.1") == "198.51.100.1"


def test_a_scope_or_a_zone_becomes_the_scope_id() -> None:
    """Python ignores a zone in a pair."""
    place = at(Fake())
    assert place.to("ff12::1", "P", 2) == ("ff12::1", PORT, 0, 2)
    assert place.to("fe80::1%7", "P", 0) == ("fe80::1", PORT, 0, 7)
    assert place.to("127.0.0.1", "P+1", 0) == ("127.0.0.1", PORT + 1)
