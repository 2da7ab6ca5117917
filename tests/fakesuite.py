"""A plugin of pytest (-p fakesuite): a fake probe and the small matrix in the place of this machine.

The environment says what to take, so that the workers of pytest-xdist do it too.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

from fakeprobe import FakeTarget

from sockmatrix import content
from sockmatrix.targets import names

if TYPE_CHECKING:
    import pytest

_before = (content.matrix, content.runs, vars(names)["LocalTarget"])


def pytest_configure(config: pytest.Config) -> None:
    """Take what SOCKMATRIX_FAKE says: a directory with `matrix` and `baselines`, and FakeTarget.facts."""
    place, facts = json.loads(os.environ["SOCKMATRIX_FAKE"])
    fake = FakeTarget(**json.loads(facts))
    setattr(content, "matrix", lambda: Path(place, "matrix"))  # noqa: B010 - mypy minds
    setattr(content, "runs", lambda: Path(place, "baselines"))  # noqa: B010
    setattr(names, "LocalTarget", lambda *_: fake)  # noqa: B010


def pytest_unconfigure(config: pytest.Config) -> None:
    """Give back this machine."""
    for (module, name), value in zip(
        ((content, "matrix"), (content, "runs"), (names, "LocalTarget")), _before, strict=True
    ):
        setattr(module, name, value)
