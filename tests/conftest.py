"""Fixtures for tests on real sockets, always in a private lab: a network namespace of the probe's own.

Where there is none, they skip with the probe's reason. Python 3.9: the tests of the probe run there too,
without the engine.
"""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import hypothesis
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from laboratory import Laboratory

# A loaded machine is no reason to fail.
hypothesis.settings.register_profile("steady", deadline=None)
hypothesis.settings.load_profile("steady")

# What runs in the background ignores Ctrl-C, and so would all processes that tests interrupt.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

PROBES = Path(__file__).resolve().parents[1] / "probes"


ONCE = frozenset(
    (
        *("lab", "page", "test_ci", "test_claims_matrix", "test_docs", "test_hostile", "test_matrix"),
        *("test_models_invariants", "test_models_predict", "test_packaging", "test_repro_languages"),
        *("test_rules_decision", "test_suite", "test_wheel"),
    )
)
"""Modules, and directories of them, that tell the same on every Python, or need seconds for each."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that one Python is enough for."""
    for item in items:
        if ONCE & {item.path.stem, item.path.parent.name}:
            item.add_marker(pytest.mark.once)


@pytest.fixture(scope="session")
def private_lab() -> None:
    """Skip where a probe cannot have a private lab with a link of its own."""
    asked = [sys.executable, "-s", "-E", str(PROBES), "--lab", "private"]
    answer = subprocess.run(asked, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if answer.returncode:
        pytest.skip(answer.stderr.strip() or f"the probe ended with {answer.returncode}")
    if '"veth"' not in answer.stdout:
        pytest.skip("the private lab has no link: this kernel has no veth")


@pytest.fixture(scope="session")
def laboratory(private_lab: None) -> Iterator[Laboratory]:
    """Return a running laboratory, the same for all tests (of a worker) that do not disturb it."""
    from laboratory import Laboratory

    with Laboratory() as running:
        yield running


@pytest.fixture
def start(private_lab: None) -> Iterator[Callable[..., Laboratory]]:
    """Return a function that starts a laboratory of the test's own, as `Laboratory` does."""
    from laboratory import Laboratory

    started: list[Laboratory] = []

    def begin(*arguments: object, **options: object) -> Laboratory:
        started.append(Laboratory(*arguments, **options))  # type: ignore[arg-type]
        return started[-1]

    yield begin
    for running in started:
        running.stop()
