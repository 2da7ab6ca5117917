"""The size of batches and the choice of ports, so that cells do not meet in a hash slot."""

from __future__ import annotations

import limits
import pytest
from hypothesis import given
from hypothesis import strategies as st
from limits import Limits

BIG = Limits(slots=16384, descriptors=65536, queued=100_000)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("16384\n", 16384),
        ("-16384\n", 16384),  # a namespace that shares the host's table
        ("512\n", 512),
        ("256\n", 256),
        ("0\n", 256),
        ("128\n", 256),  # no kernel makes a smaller table: what it says is not what we think
        ("", 256),
        ("many\n", 256),
    ],
)
def test_hash_slots_from_the_sysctl(text: str, expected: int) -> None:
    """Unknown is the smallest table a kernel makes; a negative number is the host's, shared."""
    assert limits.slots(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("22677\t30239\t45354\n", 30239 * 4096 // 1280 // 2),
        ("1\t2\t3\n", limits.WINDOW),
        ("", 20_000),
        ("1\n", 20_000),
        ("a b c\n", 20_000),
    ],
)
def test_datagrams_that_may_wait_from_udp_mem(text: str, expected: int) -> None:
    """Half of what the pressure mark (pages) allows; never less than one socket's window."""
    assert limits.queued(text) == expected


@pytest.mark.parametrize(
    ("within", "listens", "expected"),
    [
        (BIG, False, limits.CELLS),
        (BIG, True, limits.CELLS),
        (BIG._replace(slots=256), False, 127),
        (BIG._replace(slots=100), False, 49),
        (BIG._replace(descriptors=256), False, 64),  # macOS before it is raised
        (BIG._replace(descriptors=256), True, 5),
        (BIG._replace(descriptors=10240), True, limits.CELLS),
        (BIG._replace(descriptors=16), True, 1),
    ],
)
def test_cells_of_a_batch(within: Limits, listens: bool, expected: int) -> None:
    """The smallest of what is usual, what the slots and what the descriptors allow; at least one."""
    assert within.cells(listens=listens) == expected


@given(st.integers(1, 1 << 20), st.integers(1, 1 << 20), st.booleans())
def test_a_batch_never_has_as_many_cells_as_there_are_slots(
    slots: int, descriptors: int, listens: bool
) -> None:
    """Consecutive ports then never share a slot (256 slots never give 256 cells)."""
    cells = Limits(slots, descriptors, 20_000).cells(listens=listens)
    assert 1 <= cells < max(2, slots)
    assert cells <= limits.CELLS


@given(st.integers(1, 10_000), st.integers(1, 300))
def test_split_makes_the_fewest_batches_of_nearly_equal_size(total: int, most: int) -> None:
    """No batch is over-full, none much smaller than another, nothing is left out."""
    sizes = limits.split(total, most)
    assert sum(sizes) == total
    assert max(sizes) <= most
    assert max(sizes) - min(sizes) <= 1
    assert len(sizes) == -(-total // most)


def test_split_of_nothing_is_nothing() -> None:
    """No cells, no batches."""
    assert limits.split(0, 200) == ()


@given(
    st.integers(1024, 60_000),
    st.integers(1, 5_000),
    st.sampled_from([256, 512, 16384]),
    st.sets(st.integers(1024, 65_535), max_size=200),
)
def test_a_solo_port_shares_no_slot_with_those_taken(
    first: int, count: int, slots: int, taken: set[int]
) -> None:
    """The first port in reach whose slot is free, and `first` itself where there is none."""
    port = limits.solo_port(first, count, slots, taken)
    used = {one % slots for one in taken}
    reach = range(first, first + count)
    if any(one % slots not in used for one in reach):
        assert port in reach
        assert port % slots not in used
        assert all(one % slots in used for one in range(first, port))
    else:
        assert port == first


def test_limits_of_this_system_are_usable() -> None:
    """Whatever the system says, a batch holds at least one cell."""
    found = limits.read()
    assert found.slots >= 256
    assert found.queued >= limits.WINDOW
    assert found.cells(listens=True) >= 1


def test_descriptors_are_raised_as_far_as_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The hard limit, but not beyond 65536."""
    resource = pytest.importorskip("resource", reason="Windows has no such limit")
    raised = []
    monkeypatch.setattr(resource, "getrlimit", lambda _: (256, 100_000))
    monkeypatch.setattr(resource, "setrlimit", lambda _, pair: raised.append(pair))
    assert limits.read().descriptors == 65536
    assert raised == [(65536, 100_000)]


def test_macos_refuses_more_than_open_max(monkeypatch: pytest.MonkeyPatch) -> None:
    """An unlimited hard limit is a lie there: 10240 is what it takes."""
    resource = pytest.importorskip("resource", reason="Windows has no such limit")

    def refuse(_: int, pair: tuple[int, int]) -> None:
        if pair[0] > 10240:
            raise ValueError("current limit exceeds maximum limit")

    monkeypatch.setattr(resource, "getrlimit", lambda _: (256, resource.RLIM_INFINITY))
    monkeypatch.setattr(resource, "setrlimit", refuse)
    assert limits.read().descriptors == 10240


def test_descriptors_stay_as_they_are_where_nothing_may_be_raised(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A refused raise leaves the soft limit, and batches are made to fit it."""
    resource = pytest.importorskip("resource", reason="Windows has no such limit")

    def refuse(_: int, pair: tuple[int, int]) -> None:
        raise ValueError("not permitted")

    monkeypatch.setattr(resource, "getrlimit", lambda _: (256, 4096))
    monkeypatch.setattr(resource, "setrlimit", refuse)
    assert limits.read().descriptors == 256
