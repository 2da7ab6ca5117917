"""Versions are compared as numbers, and conditions on them are read or refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sockmatrix.claims import systems
from sockmatrix.claims.versions import VersionError, condition, release
from sockmatrix.runformat import Platform

DEBIAN = "#1 SMP PREEMPT_DYNAMIC Debian 6.1.76-1 (2024-02-01)"


@pytest.mark.parametrize(
    ("text", "wanted", "holds"),
    [
        ("6.18.44-generic", "", True),
        ("6.18.44-generic", ">=6.2", True),
        ("6.2", ">=6.18.44", False),
        ("6.18.44-fc-v595", ">=4.5,<5.3", False),
        ("6.18.44-fc-v595", ">=4.5,<5.3 | >=6.18.21", True),
        ("5.2.17", "<4.5 | >=5.2.17", True),
        ("6.3-rc1", ">=6.3", False),
        ("6.3.0-rc4+", ">=6.3-rc3", True),
        ("6.3", ">6.3-rc9", True),
        ("5.10.0-preempt-rt", "==5.10", True),  # "pre" of no release candidate
        ("6.1.7", "==6.1.*", True),
        ("6.10.7", "==6.1.*", False),
        ("6.1-rc2", "==6.1.*", True),
        ("6.1.7", "!=6.1.*", False),
        ("6.1.0", "==6.1", True),
        ("14.1-RELEASE-p3", ">=14.1,<15", True),
        ("15.0-BETA2", ">=15.0", False),
        ("10.0.26100.4061", ">=10.0.22000", True),
        ("10.0.19045.5", ">=10.0.22000", False),
        ("11.4.42.111.0", "==11.4.*", True),
    ],
)
def test_conditions(text: str, wanted: str, holds: bool) -> None:
    """Comma is and, | is or; a release candidate comes before its release."""
    version = release(text)
    assert version is not None
    assert condition(wanted).holds(version) is holds


@pytest.mark.parametrize(
    ("build", "wanted", "holds"),
    [
        (DEBIAN, ">=6.1.76", True),
        (DEBIAN, ">=6.1.77", False),
        ("#18 SMP", ">=6.1", True),
        ("#18 SMP", "<6.2", True),
        ("#18 SMP", ">=6.1.76", None),
        ("#18 SMP", "==6.1.*", True),
        ("#18 SMP", "==6.1.9", None),
        ("#18 SMP", "!=6.1.9", None),
        ("#18 SMP", ">=6.1.76 | >=5", True),
        ("#18 SMP", ">=6.1.76 | >=7", None),
    ],
)
def test_the_number_a_distribution_hides(build: str, wanted: str, holds: bool | None) -> None:
    """6.1.0-18-amd64 is Debian's eighteenth build of some 6.1.x: its build string may tell of which."""
    version = release("6.1.0-18-amd64", build)
    assert version is not None
    assert condition(wanted).holds(version) is holds


@pytest.mark.parametrize(
    "text", ["6.1", ">=", "=>6.1", ">=6.1.*", ">=6.1,", "|", ">=six", "==6.*.1", ">=6.1;<7"]
)
def test_what_is_no_condition(text: str) -> None:
    """It is refused in one line that quotes it."""
    with pytest.raises(VersionError, match=r'^".*" in ".*" is not a (comparison|version) such as'):
        condition(text)


def test_a_release_without_a_number() -> None:
    """Nothing is known of it, which is not the same as version 0."""
    assert release("unknown") is None


_NUMBERS = st.lists(st.integers(0, 400), min_size=1, max_size=4)


@given(_NUMBERS, _NUMBERS)
def test_order_is_that_of_the_numbers(one: list[int], other: list[int]) -> None:
    """Whatever comes after the numbers, they alone are compared, and trailing zeros do not count."""
    version = release(".".join(map(str, one)) + "-generic")
    assert version is not None
    wanted = ".".join(map(str, other))
    length = max(len(one), len(other))
    a, b = (numbers + [0] * (length - len(numbers)) for numbers in (one, other))
    assert condition(f">={wanted}").holds(version) is (a >= b)
    assert condition(f"<{wanted}").holds(version) is (a < b)
    assert condition(f"=={wanted}").holds(version) is (a == b)
    assert condition(f"!={wanted}").holds(version) is (a != b)


@pytest.mark.parametrize(
    ("os", "stack", "name"),
    [
        ("linux", "linux", "linux"),
        ("linux", "gvisor", "gvisor"),
        ("linux", "wsl1", "wsl1"),
        ("windows", "winsock", "windows"),
        ("windows", "wine", "wine"),
        ("macos", "darwin", "macos"),
        ("illumos", "illumos", "illumos"),
    ],
)
def test_the_system_is_the_one_whose_sockets_were_measured(os: str, stack: str, name: str) -> None:
    """What imitates a system is a system of its own to claims."""
    platform = Platform(os=os, stack=stack, release="1", arch="x", privileges="root")
    assert systems.system(platform) == name
    assert name in systems.SYSTEMS


@pytest.mark.parametrize("name", ["release-20240729.0", "0.0~20240729.0", "20240729.0-12-gabcdef"])
def test_a_version_of_gvisor_is_the_day_in_its_name(name: str) -> None:
    """Google and Debian name a release in two ways; conditions speak of the day."""
    version = systems.version(
        Platform(os="linux", stack="gvisor", release=name, arch="x", privileges="root")
    )
    assert version is not None
    assert condition(">=20240729").holds(version)
    assert condition("<20221219 | >=20240730").holds(version) is False
