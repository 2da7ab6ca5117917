"""The page in a browser: headless Chromium, as Debian has it, where there is one.

A test that nobody can run here is skipped, and says what is missing.
"""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pages
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page

NAMES = ("chromium", "chromium-browser", "google-chrome")

# Nothing of its own may go out: no updates, no synchronisation, no look-ups.
ARGUMENTS = (
    *("--no-sandbox", "--disable-background-networking", "--disable-component-update", "--disable-sync"),
    *("--disable-dev-shm-usage", "--disable-gpu"),
)


COPIES = """Object.defineProperty(navigator, "clipboard", {value: {
  writeText(text) { window.copied = text; return Promise.resolve(); },
}});"""
"""What is copied is kept in the page: the clipboard of a machine is shared, and may never answer."""


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Return a browser."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    place = next(filter(None, map(shutil.which, NAMES)), None)
    if place is None:
        pytest.skip(f"there is no browser here: none of {', '.join(NAMES)}")
    with sync_api.sync_playwright() as running:
        found = running.chromium.launch(executable_path=place, args=list(ARGUMENTS))
        yield found
        found.close()


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Return the pages of `pages.py`, by name."""
    return pages.write(tmp_path_factory.mktemp("pages"))


@pytest.fixture
def visit(browser: Browser, files: dict[str, Path]) -> Iterator[Callable[..., Page]]:
    """Return a function that opens a page at an address within it; what goes wrong in it fails the test.

    `wide`: its width; `script`: whether scripts run.
    """
    contexts = []
    problems: list[str] = []

    def opened(name: str = "three", at: str = "", *, wide: int = 1280, script: bool = True) -> Page:
        context = browser.new_context(
            viewport={"width": wide, "height": 900},
            java_script_enabled=script,
        )
        context.add_init_script(COPIES)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(60_000)  # a busy machine is slow, and not wrong
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("console", lambda said: problems.append(said.text) if said.type == "error" else None)
        page.on(
            "request",
            lambda one: (
                problems.append(one.url)
                if one.url != page.url.split("#")[0] and not one.url.startswith("file:")
                else None
            ),
        )
        page.goto(f"{files[name].as_uri()}{at}")
        if script:
            page.wait_for_selector("html[data-ready]")
        return page

    yield opened
    for context in contexts:
        context.close()
    assert problems == []
