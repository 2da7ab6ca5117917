"""Observations: what the probe may say, and what it may not."""

from __future__ import annotations

from typing import Any

import fakes
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sockmatrix import observation
from sockmatrix.observation import Bits, ObservationError, decode, decode_seen, encode

STEADY = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""A loaded machine is no reason to fail."""

EXAMPLE = {
    "roles": {"A": "ok", "B": "bind EADDRINUSE", "J": "set SO_REUSEPORT ENOPROTOOPT"},
    "sends": {"lo4": {"sent": "ff", "heard": {"A": "f0"}, "again": {"A": "10"}, "error": "EPERM"}},
    "foreign": 3,
}


def test_bitmaps_become_ints_and_back() -> None:
    """A bitmap is hex in JSON and an int here, and encoding gives the same JSON."""
    seen = decode(EXAMPLE)
    assert seen.sends["lo4"].heard == {"A": 0xF0}
    assert seen.sends["lo4"].sent & 1
    assert encode(seen) == EXAMPLE


def test_left_out_keys_are_empty() -> None:
    """The probe leaves out what is empty or zero."""
    seen = decode({"roles": {"A": "ok"}, "sends": {"": {}}})
    assert seen.sends[""].sent == 0
    assert not seen.absent


@pytest.mark.parametrize("key", ["absent", "skipped", "inconclusive"])
def test_reason_instead_of_an_observation(key: str) -> None:
    """Nothing measured comes with its reason."""
    assert getattr(decode({key: "why"}), key) == "why"


@pytest.mark.parametrize(
    "value",
    [
        None,
        [],
        {"roles": []},
        {"roles": {"a": "ok"}},
        {"roles": {"A": "OK"}},
        {"roles": {"A": "ok\n"}},
        {"roles": {"A": "bind \x1b[31m"}},
        {"roles": {"A": "bind"}},
        {"sends": {"a/b": {}}},
        {"sends": {"": {"sent": 255}}},
        {"sends": {"": {"sent": "FF"}}},
        {"sends": {"": {"sent": "-f"}}},
        {"sends": {"": {"sent": "0xf"}}},
        {"sends": {"": {"sent": "f_f"}}},
        {"sends": {"": {"sent": " f"}}},
        {"sends": {"": {"sent": ""}}},
        {"sends": {"": {"sent": "f" * 5000}}},
        {"sends": {"": {"error": "no"}}},
        {"sends": {"": {"control": "loud"}}},
        {"foreign": -1},
        {"absent": "x" * 1000},
    ],
)
def test_anything_else_is_an_error(value: Any) -> None:
    """What is not an observation is refused with a message, whatever it is."""
    with pytest.raises(ObservationError, match="not an observation"):
        decode(value)


def test_seen_needs_a_count() -> None:
    """Each observation comes with how often it was made, at least once."""
    assert decode_seen([[2, {"absent": "x"}]])[0][0] == 2
    with pytest.raises(ObservationError):
        decode_seen([[0, {"absent": "x"}]])
    with pytest.raises(ObservationError):
        decode_seen([{"absent": "x"}])


@pytest.mark.parametrize("platform", fakes.PLATFORMS, ids=lambda platform: platform.name)
def test_fakes_speak_the_protocol(platform: fakes.Platform) -> None:
    """What the fake platforms say is what a probe may say, and survives a round trip."""
    for kind in ("udp4", "tcp4"):
        for count, raw in platform.seen(fakes.steps("any4.addr", "lo4.port", kind=kind)):
            assert count >= 1
            assert encode(decode(raw)) == raw


@STEADY
@given(st.integers(min_value=0, max_value=1 << 300))
def test_any_bitmap_survives(number: int) -> None:
    """Every set of sequence numbers survives the round trip."""
    seen = observation.Observation(sends={"": observation.Send(sent=Bits(number))})
    assert decode(encode(seen)) == seen
